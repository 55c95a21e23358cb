{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per policy and metric of the last walk-forward backtest: what trading
    at the sizes it advises would have changed. Empty until `make backtest` ran.
#}
select
    policy,
    metric,
    metric_value,
    value_low,
    value_high,
    rows_count
from {{ source('ml', 'backtest_policies') }}
