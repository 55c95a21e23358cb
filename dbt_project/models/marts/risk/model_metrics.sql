{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per model version, model, target, trader (empty: all traders), period (empty:
    the whole record) and metric, each measured on days the model had not seen.
#}
select
    model_version,
    model,
    coalesce(target, '') as target,
    coalesce(trader_id, '') as trader_id,
    coalesce(period, '') as period,
    metric,
    metric_value,
    value_low,
    value_high,
    rows_count,
    trained_through
from {{ source('ml', 'model_metrics') }}
