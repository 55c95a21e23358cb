{{ config(tags=['after_scoring']) }}
{# Grain: one row per model version, model and trader (empty: everybody's). #}
with

source as (
    select * from {{ source('ml', 'registry') }}
),

final as (
    select
        model_version,
        model,
        coalesce(trader_id, '') as trader_id,
        as_of as as_of_date,
        trained_from,
        trained_through,
        rows_count,
        traders_count,
        features_count,
        features,
        parameters,
        seed,
        code_commit,
        code_fingerprint,
        data_fingerprint,
        loss_speaker,
        pnl_speaker,
        quantiles_speaker,
        trained_at
    from source
)

select * from final
