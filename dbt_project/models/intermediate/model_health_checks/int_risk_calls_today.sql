{# Grain: one row per trader considered this morning. #}
with

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

risk_calls as (
    select
        trader_id,
        prediction_date,
        predicted_pnl,
        position_multiplier,
        is_trial,
        loss_model,
        realised_loss_model,
        breach_model,
        size_model,
        pnl_model,
        quantiles_model
    from {{ ref('risk_calls') }}
),

final as (
    select risk_calls.*
    from risk_calls
    inner join run_context on risk_calls.prediction_date = run_context.prediction_date
)

select * from final
