{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per model, target, trader (empty: all traders), period (empty: all) and metric
    of the last walk-forward backtest. Empty until `make backtest` ran.
#}
select
    model,
    coalesce(target, '') as target,
    coalesce(trader_id, '') as trader_id,
    coalesce(period, '') as period,
    metric,
    metric_value,
    value_low,
    value_high,
    rows_count
from {{ source('ml', 'backtest_metrics') }}
