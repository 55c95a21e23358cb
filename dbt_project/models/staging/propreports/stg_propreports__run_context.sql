{# Grain: one row. What this warehouse holds, and the morning it is as of. #}
with

source as (
    select * from {{ source('propreports', 'run_context') }}
),

final as (
    select
        source as source_name,
        firm as firm_name,
        source = 'sample' as is_sample,
        as_of as as_of_date,
        prediction_date,
        ingested_at
    from source
)

select * from final
