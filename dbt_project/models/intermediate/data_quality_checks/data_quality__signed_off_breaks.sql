{# Grain: one row: differences from the broker's own figures that somebody has signed off. #}
with

signed_off_breaks as (
    select
        account_id,
        trade_date,
        '' as symbol,
        difference_amount,
        owner
    from {{ ref('broker_reconciliation') }}
    where status = 'signed_off'
    union all
    select
        account_id,
        first_seen as trade_date,
        ' ' || symbol as symbol,
        difference_amount,
        owner
    from {{ ref('int_open_position_breaks') }}
    where status = 'signed_off'
),

breaks_ordered as (
    select
        cast(abs(difference_amount) as decimal(38, 2)) as amount,
        account_id || symbol || ' of ' || trade_date || ' by ' || owner as break_text,
        row_number() over (
            order by trade_date desc, account_id asc, symbol asc
        ) as shown_order
    from signed_off_breaks
),

final as (
    select
        'signed_off_breaks' as check_name,
        count(*) as found_count,
        'differences from the broker''s own figures are signed off, $'
        || sum(amount) || ' in all: '
        || {{ first_few_joined('break_text', '; ') }} as finding
    from breaks_ordered
)

select * from final
