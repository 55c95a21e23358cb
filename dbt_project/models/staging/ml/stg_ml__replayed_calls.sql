{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trader and traded day (features date): what the models of that
    time would have called for his next session.
    Written by `python -m daily train`.
#}
with

source as (
    select * from {{ source('ml', 'replayed_calls') }}
),

final as (
    select
        ---------- keys
        trader_id,
        features_date,
        prediction_date,
        model,
        model_version,
        ---------- money
        predicted_pnl,
        predicted_pnl_p05,
        predicted_pnl_p50,
        predicted_pnl_p95,
        daily_loss_limit_amount,
        pnl_scale,
        ---------- numbers
        loss_probability,
        limit_loss_probability,
        position_multiplier,
        ---------- text
        policy
    from source
)

select * from final
