{{ config(tags=['after_scoring']) }}
{# Grain: one row per model version, model, trader (null: all), period and metric. #}
with

source as (
    select * from {{ source('ml', 'model_metrics') }}
),

final as (
    select
        model_version,
        model,
        trader_id,
        period,
        metric,
        metric_value,
        value_low,
        value_high,
        rows_count,
        trained_through
    from source
)

select * from final
