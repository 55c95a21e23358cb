{# Grain: one row: lines of signed_off_breaks.csv that sign off no break. #}
with

sign_offs as (
    select
        line_number,
        account_id,
        trade_date,
        symbol,
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

position_reconciliation as (
    select
        account_id,
        symbol,
        trade_date,
        first_seen,
        cast(difference_amount as decimal(18, 2)) as difference_amount,
        status
    from {{ ref('position_reconciliation') }}
),

unused_of_days as (
    select
        sign_offs.line_number,
        sign_offs.account_id,
        sign_offs.trade_date,
        case
            when reconciliation.account_id is null then 'which has no figures'
            when reconciliation.difference_class = 'no_summary'
                then 'which the broker sent no summary of'
            when reconciliation.status = 'agreed' then 'which agrees'
            else
                'which differs by ' || reconciliation.difference_amount || ', not '
                || sign_offs.amount
        end as reason_text
    from sign_offs
    left join reconciliation
        on
            sign_offs.account_id = reconciliation.account_id
            and sign_offs.trade_date = reconciliation.trade_date
    where
        sign_offs.symbol is null
        and (reconciliation.status is null or reconciliation.status <> 'signed_off')
),

unused_of_positions as (
    select
        sign_offs.line_number,
        sign_offs.account_id || ' ' || sign_offs.symbol as account_id,
        sign_offs.trade_date,
        case
            when position_reconciliation.account_id is null then 'which nobody holds'
            when position_reconciliation.status is null
                then 'of which no positions of the broker were read'
            when position_reconciliation.status = 'agreed' then 'which agrees'
            when position_reconciliation.first_seen <> sign_offs.trade_date
                then 'which differs since ' || position_reconciliation.first_seen
            else
                'which differs by '
                || coalesce(
                    cast(position_reconciliation.difference_amount as string),
                    'an unknown amount'
                ) || ', not ' || sign_offs.amount
        end as reason_text
    from sign_offs
    left join position_reconciliation
        on
            sign_offs.account_id = position_reconciliation.account_id
            and sign_offs.symbol = position_reconciliation.symbol
            and sign_offs.trade_date = position_reconciliation.trade_date
    where
        sign_offs.symbol is not null
        and (
            position_reconciliation.status is null
            or position_reconciliation.status <> 'signed_off'
            or position_reconciliation.first_seen <> sign_offs.trade_date
        )
),

unused_sign_offs as (
    select
        'line ' || line_number || ', ' || account_id || ' of ' || trade_date || ', '
        || reason_text as line_text,
        row_number() over (order by line_number) as shown_order
    from (
        select * from unused_of_days
        union all
        select * from unused_of_positions
    ) as unused
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
