{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per model version, prediction date and feature: how far its last 20
    sessions have moved from what the models learned from.
#}
select
    model_version,
    prediction_date,
    feature_name,
    reference_mean,
    recent_mean,
    reference_null_ratio,
    recent_null_ratio,
    stability_index,
    recent_count,
    coalesce(
        stability_index > {{ var('drifted_above_stability_index') }}, false
    ) as is_drifted
from {{ source('ml', 'feature_drift') }}
