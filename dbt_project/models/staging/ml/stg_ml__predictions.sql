{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trader, prediction date and model.
    Written by `python -m daily score` from marts.feat_trader_day.
#}
with

source as (
    select * from {{ source('ml', 'predictions') }}
),

final as (
    select
        ---------- keys
        trader_id,
        prediction_date,
        model,
        model_version,
        ---------- money
        predicted_pnl,
        predicted_pnl_p05,
        predicted_pnl_p25,
        predicted_pnl_p50,
        predicted_pnl_p75,
        predicted_pnl_p95,
        ---------- numbers
        loss_probability,
        limit_loss_probability,
        ---------- text
        reasons,
        change_reasons,
        loss_model,
        pnl_model,
        quantiles_model,
        ---------- dates
        features_date,
        trained_through,
        scored_at
    from source
)

select * from final
