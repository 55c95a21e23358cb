{# Grain: one row: fills that are not in US dollars. #}
with

fill_dates as (
    select foreign_fills_count from {{ ref('int_fill_dates') }}
),

final as (
    select
        'foreign_currency' as check_name,
        coalesce(sum(foreign_fills_count), 0) as found_count,
        'fills in another currency than US dollars are added up as if they were dollars'
            as finding
    from fill_dates
)

select * from final
