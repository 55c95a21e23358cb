{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per morning, pair of policies, unit and metric: by how much the first
    policy of the trial was better than the other so far.
#}
select
    as_of as as_of_date,
    policy,
    other_policy,
    unit,
    metric,
    metric_value,
    value_low,
    value_high,
    policy_rows_count,
    other_rows_count
from {{ source('ml', 'policy_comparison') }}
