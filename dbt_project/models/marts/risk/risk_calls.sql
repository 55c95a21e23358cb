{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trader and prediction date: every trader who was not inactive
    that morning, also where nothing could be predicted (Unknown).
    Limit risk is by the chance of breaching the limit (ml/levels.py), the level by the
    predicted P&L and the thresholds in dbt_project.yml, the advised size by the policy
    that the trader is under.
#}
with

roster as (
    select
        trader_id,
        prediction_date,
        model,
        forecast_basis,
        traded_days_count
    from {{ ref('stg_ml__roster') }}
),

predictions as (
    select * from {{ ref('stg_ml__predictions') }}
),

live_advice as (
    select
        trader_id,
        prediction_date,
        policy,
        position_multiplier,
        is_trial
    from {{ ref('stg_ml__policy_advice') }}
    where is_live
),

trader_settings as (
    select
        trader_id,
        daily_loss_limit_amount,
        valid_from,
        valid_to
    from {{ ref('dim_traders') }}
),

forecasts as (
    select
        roster.trader_id,
        roster.prediction_date,
        roster.forecast_basis,
        roster.traded_days_count,
        predictions.model,
        predictions.model_version,
        predictions.predicted_pnl,
        predictions.predicted_pnl_p05,
        predictions.predicted_pnl_p25,
        predictions.predicted_pnl_p50,
        predictions.predicted_pnl_p75,
        predictions.predicted_pnl_p95,
        predictions.loss_probability,
        predictions.realised_loss_probability,
        predictions.limit_loss_probability,
        predictions.predicted_absolute_pnl,
        predictions.usual_loss,
        predictions.loss_spread,
        predictions.limit_risk,
        predictions.limit_reason,
        predictions.reasons,
        predictions.change_reasons,
        predictions.loss_model,
        predictions.realised_loss_model,
        predictions.breach_model,
        predictions.size_model,
        predictions.pnl_model,
        predictions.quantiles_model,
        predictions.features_date,
        predictions.scored_at,
        live_advice.policy,
        live_advice.is_trial,
        -- Without a prediction there is nothing to size by.
        case
            when predictions.predicted_pnl is not null
                then live_advice.position_multiplier
        end as position_multiplier,
        trader_settings.daily_loss_limit_amount is not null as is_limit_set,
        coalesce(
            trader_settings.daily_loss_limit_amount,
            {{ var('default_daily_loss_limit_amount') }}
        ) as daily_loss_limit_amount
    from roster
    left join predictions
        on
            roster.trader_id = predictions.trader_id
            and roster.prediction_date = predictions.prediction_date
            and roster.model = predictions.model
    left join live_advice
        on
            roster.trader_id = live_advice.trader_id
            and roster.prediction_date = live_advice.prediction_date
    left join trader_settings
        on
            roster.trader_id = trader_settings.trader_id
            and roster.prediction_date >= trader_settings.valid_from
            and roster.prediction_date < trader_settings.valid_to
),

forecasts_levelled as (
    select
        *,
        {{ risk_level('predicted_pnl') }} as risk_level
    from forecasts
),

final as (
    select
        ---------- keys
        trader_id,
        prediction_date,
        ---------- the forecast
        coalesce(limit_risk, 'Unknown') as limit_risk,
        limit_loss_probability,
        cast(daily_loss_limit_amount as decimal(18, 8)) as daily_loss_limit_amount,
        is_limit_set,
        limit_reason,
        risk_level,
        case
            when forecast_basis = 'too_little_history'
                then
                    'Needs ' || {{ var('prediction_minimum_traded_days') }}
                    || ' traded days, has ' || traded_days_count
                    || ': keep the limits of a new trader'
            when risk_level = 'Unknown'
                then 'No forecast: the desk has too little history for a model'
            when position_multiplier is null then 'No advice on size'
            when position_multiplier = 0 then 'Do not trade'
            when position_multiplier < 1
                then
                    'At most ' || cast(round(100 * position_multiplier) as integer)
                    || ' % of usual size'
            when limit_risk in ('High', 'Elevated') or risk_level in ('High', 'Medium')
                then 'Usual size, watch closely'
            else 'Usual size'
        end as recommendation,
        position_multiplier,
        policy,
        is_trial,
        forecast_basis = 'global_model' as is_newcomer,
        ---------- the prediction behind it
        predicted_pnl,
        predicted_pnl_p05,
        predicted_pnl_p25,
        predicted_pnl_p50,
        predicted_pnl_p75,
        predicted_pnl_p95,
        loss_probability,
        realised_loss_probability,
        predicted_absolute_pnl,
        usual_loss,
        loss_spread,
        reasons,
        change_reasons,
        model,
        loss_model,
        realised_loss_model,
        breach_model,
        size_model,
        pnl_model,
        quantiles_model,
        model_version,
        traded_days_count,
        features_date,
        scored_at
    from forecasts_levelled
)

select * from final
