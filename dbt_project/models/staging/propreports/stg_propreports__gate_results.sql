{# Grain: one row per morning, batch of newly loaded fills, and check of it. #}
with

source as (
    select * from {{ source('propreports', 'gate_results') }}
),

final as (
    select
        as_of as as_of_date,
        batch as batch_name,
        check_name,
        severity,
        is_met,
        found_count,
        checked_count,
        finding,
        checked_at
    from source
)

select * from final
