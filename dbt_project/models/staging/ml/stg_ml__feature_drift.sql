{{ config(tags=['after_scoring']) }}
{# Grain: one row per model version, prediction date and feature. #}
with

source as (
    select * from {{ source('ml', 'feature_drift') }}
),

final as (
    select
        model_version,
        prediction_date,
        feature_name,
        reference_mean,
        recent_mean,
        reference_null_ratio,
        recent_null_ratio,
        stability_index,
        recent_count
    from source
)

select * from final
