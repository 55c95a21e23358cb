{{ config(tags=['after_scoring']) }}
{# Grain: one row per model version, model, trader (null: all) and metric. #}
with

source as (
    select * from {{ source('ml', 'model_metrics') }}
),

final as (
    select
        model_version,
        model,
        trader_id,
        metric,
        metric_value,
        rows_count,
        trained_through
    from source
)

select * from final
