{# Grain: one row: fills of unknown contract size. #}
with

fill_dates as (
    select unknown_size_fills_count from {{ ref('int_fill_dates') }}
),

final as (
    select
        'no_multiplier' as check_name,
        coalesce(sum(unknown_size_fills_count), 0) as found_count,
        'fills of instruments whose contract size nobody has said count nowhere'
            as finding
    from fill_dates
)

select * from final
