{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per model version: what it learned from, with what settings and code,
    and whose outputs its champion gave.
#}
with

registry as (
    select * from {{ ref('stg_ml__registry') }}
),

final as (
    select
        model_version,
        as_of_date,
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
    from registry
)

select * from final
