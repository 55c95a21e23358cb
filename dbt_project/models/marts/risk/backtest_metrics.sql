{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per model, trader (empty: all traders), period (empty: all) and metric
    of the last walk-forward backtest. Empty until `make backtest` ran.
#}
with

backtest_metrics as (
    select * from {{ ref('stg_ml__backtest_metrics') }}
),

final as (
    select
        model,
        coalesce(trader_id, '') as trader_id,
        coalesce(period, '') as period,
        metric,
        metric_value,
        value_low,
        value_high,
        rows_count
    from backtest_metrics
)

select * from final
