{# Grain: one row per trader and model that predicted this morning. #}
with

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

predictions as (
    select
        trader_id,
        prediction_date,
        model,
        predicted_pnl,
        loss_probability,
        loss_model,
        pnl_model,
        trained_through
    from {{ ref('stg_ml__predictions') }}
),

final as (
    select predictions.*
    from predictions
    inner join run_context on predictions.prediction_date = run_context.prediction_date
)

select * from final
