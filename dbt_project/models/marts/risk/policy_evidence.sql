{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per model version and policy of size: what it would have earned on past
    forecasts beyond cutting every day alike by as much, and whether that is proven.
#}
select
    model_version,
    policy,
    trade_reduction,
    improvement_over_uniform,
    value_low,
    value_high,
    is_proven,
    rows_count
from {{ source('ml', 'policy_evidence') }}
