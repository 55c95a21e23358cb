{# Grain: one row: lines of signed_off_breaks.csv that sign off no break. #}
with

sign_offs as (
    select
        line_number,
        account_id,
        trade_date,
        amount
    from {{ ref('stg_desk__signed_off_breaks') }}
),

reconciliation as (
    select
        account_id,
        trade_date,
        difference_class,
        cast(difference_amount as decimal(18, 2)) as difference_amount,
        status
    from {{ ref('broker_reconciliation') }}
),

unused_sign_offs as (
    select
        'line ' || sign_offs.line_number || ', ' || sign_offs.account_id || ' of '
        || sign_offs.trade_date || ', '
        || case
            when reconciliation.account_id is null then 'which has no figures'
            when reconciliation.difference_class = 'no_summary'
                then 'which the broker sent no summary of'
            when reconciliation.status = 'agreed' then 'which agrees'
            else
                'which differs by ' || reconciliation.difference_amount || ', not '
                || sign_offs.amount
        end as line_text,
        row_number() over (order by sign_offs.line_number) as shown_order
    from sign_offs
    left join reconciliation
        on
            sign_offs.account_id = reconciliation.account_id
            and sign_offs.trade_date = reconciliation.trade_date
    where reconciliation.status is null or reconciliation.status <> 'signed_off'
),

final as (
    select
        'unused_sign_offs' as check_name,
        count(*) as found_count,
        'lines of signed_off_breaks.csv sign off no break: '
        || {{ first_few_joined('line_text', '; ') }} as finding
    from unused_sign_offs
)

select * from final
