{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per model version, model and trader (empty: everybody's): what it
    learned from, with what parameters and code, and which models were selected in its
    version.
#}
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
    loss_model,
    realised_loss_model,
    breach_model,
    size_model,
    pnl_model,
    quantiles_model,
    trained_at
from {{ source('ml', 'registry') }}
