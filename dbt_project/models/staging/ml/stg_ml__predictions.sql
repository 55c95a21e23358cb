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
        predicted_absolute_pnl,
        usual_loss,
        ---------- numbers
        loss_probability,
        realised_loss_probability,
        limit_loss_probability,
        loss_spread,
        ---------- text
        reasons,
        change_reasons,
        limit_risk,
        limit_reason,
        loss_model,
        realised_loss_model,
        breach_model,
        size_model,
        pnl_model,
        quantiles_model,
        ---------- dates
        features_date,
        trained_through,
        scored_at
    from source
)

select * from final
