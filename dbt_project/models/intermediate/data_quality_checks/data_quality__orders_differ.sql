{# Grain: one row: account-days that differ from the broker's in their orders alone. #}
with

reconciliation_counts as (
    select orders_differ_days_count from {{ ref('int_reconciliation_counts') }}
),

final as (
    select
        'orders_differ' as check_name,
        coalesce(orders_differ_days_count, 0) as found_count,
        'account-days agree with the broker''s own summary but for the number of orders'
            as finding
    from reconciliation_counts
)

select * from final
