{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per model version, model and trader (empty: everybody's): what it
    learned from, with what parameters and code, and who spoke in its version.
#}
with

registry as (
    select * from {{ ref('stg_ml__registry') }}
),

final as (
    select
        model_version,
        model,
        trader_id,
        as_of_date,
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
    from registry
)

select * from final
