{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trader and prediction date: who was considered that morning,
    and which model, if any, speaks for him.
#}
with

source as (
    select * from {{ source('ml', 'roster') }}
),

final as (
    select
        trader_id,
        prediction_date,
        model,
        call_basis,
        traded_days_count,
        idle_sessions_count,
        model_version,
        scored_at
    from source
)

select * from final
