{{ config(tags=['after_scoring']) }}
{# Grain: one row per model, trader (null: all), period and metric of the backtest. #}
with

source as (
    select * from {{ source('ml', 'backtest_metrics') }}
),

final as (
    select
        model,
        trader_id,
        period,
        metric,
        metric_value,
        value_low,
        value_high,
        rows_count
    from source
)

select * from final
