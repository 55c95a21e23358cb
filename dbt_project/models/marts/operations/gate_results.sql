{#
    Grain: one row per morning, batch of newly loaded fills, and check of it.
    A critical check that is not met stopped the run, unless GATE=warn was set.
#}
with

gate_results as (
    select * from {{ ref('stg_propreports__gate_results') }}
),

final as (
    select
        as_of_date,
        batch_name,
        check_name,
        severity,
        is_met,
        found_count,
        checked_count,
        finding,
        checked_at
    from gate_results
)

select * from final
