{{ config(tags=['after_scoring']) }}
{# Grain: one row per session of the live desk whose journal could not be read this morning. #}
with

source as (
    select * from {{ source('ops', 'live_problems') }}
),

final as (
    select
        session_date,
        problem
    from source
)

select * from final
