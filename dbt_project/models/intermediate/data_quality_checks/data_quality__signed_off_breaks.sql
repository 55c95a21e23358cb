{# Grain: one row: differences from the broker's own summary that somebody has signed off. #}
with

signed_off_breaks as (
    select
        cast(abs(difference_amount) as decimal(38, 2)) as amount,
        account_id || ' of ' || trade_date || ' by ' || owner as break_text,
        row_number() over (order by trade_date desc, account_id asc) as shown_order
    from {{ ref('broker_reconciliation') }}
    where status = 'signed_off'
),

final as (
    select
        'signed_off_breaks' as check_name,
        count(*) as found_count,
        'account-days differ from the broker''s own summary and are signed off, $'
        || sum(amount) || ' in all: '
        || {{ first_few_joined('break_text', '; ') }} as finding
    from signed_off_breaks
)

select * from final
