{{ config(tags=['after_scoring']) }}
{# Grain: one row per model version: what it was trained on, and how. #}
with

source as (
    select * from {{ source('ml', 'registry') }}
),

final as (
    select
        model_version,
        as_of as as_of_date,
        trained_from,
        trained_through,
        rows_count,
        traders_count,
        own_models_count,
        features_count,
        seed,
        settings,
        code_fingerprint,
        data_fingerprint,
        loss_speaker,
        pnl_speaker,
        quantiles_speaker,
        trained_at
    from source
)

select * from final
