{# Grain: one row: equity fills priced below zero. #}
with

fill_dates as (
    select negative_price_fills_count from {{ ref('int_fill_dates') }}
),

final as (
    select
        'negative_prices' as check_name,
        coalesce(sum(negative_price_fills_count), 0) as found_count,
        'equity fills have a price below zero and count as they stand' as finding
    from fill_dates
)

select * from final
