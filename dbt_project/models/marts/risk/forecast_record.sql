{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trader and session that is over, of those with a forecast in which
    the trader traded or had P&L. Where the desk made no forecast yet, the simulated one stands in: what
    the models of that time would have said, on data as it is known now.
#}
with

forecast_outcomes as (
    select
        trader_id,
        prediction_date,
        limit_risk,
        risk_level,
        predicted_pnl,
        predicted_pnl_p05,
        predicted_pnl_p50,
        predicted_pnl_p95,
        loss_probability,
        limit_loss_probability,
        daily_loss_limit_amount,
        position_multiplier,
        actual_net_pnl
    from {{ ref('forecast_outcomes') }}
    where actual_net_pnl is not null and predicted_pnl is not null
),

replayed_forecasts as (
    select
        trader_id,
        prediction_date,
        limit_risk,
        predicted_pnl,
        predicted_pnl_p05,
        predicted_pnl_p50,
        predicted_pnl_p95,
        loss_probability,
        limit_loss_probability,
        daily_loss_limit_amount,
        position_multiplier
    from {{ source('ml', 'replayed_forecasts') }}
    where prediction_date is not null
),

forecast_dates as (
    select distinct prediction_date from {{ ref('risk_calls') }}
),

trader_days as (
    select
        trader_id,
        trade_date,
        net_pnl
    from {{ ref('int_trader_days') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

forecasts as (
    select
        forecast_outcomes.*,
        false as is_replayed
    from forecast_outcomes
    union all
    select
        replayed_forecasts.trader_id,
        replayed_forecasts.prediction_date,
        replayed_forecasts.limit_risk,
        {{ risk_level('replayed_forecasts.predicted_pnl') }} as risk_level,
        replayed_forecasts.predicted_pnl,
        replayed_forecasts.predicted_pnl_p05,
        replayed_forecasts.predicted_pnl_p50,
        replayed_forecasts.predicted_pnl_p95,
        replayed_forecasts.loss_probability,
        replayed_forecasts.limit_loss_probability,
        replayed_forecasts.daily_loss_limit_amount,
        replayed_forecasts.position_multiplier,
        trader_days.net_pnl as actual_net_pnl,
        true as is_replayed
    from replayed_forecasts
    inner join trader_days
        on
            replayed_forecasts.trader_id = trader_days.trader_id
            and replayed_forecasts.prediction_date = trader_days.trade_date
    inner join run_context on replayed_forecasts.prediction_date < run_context.as_of_date
    left join forecast_dates
        on replayed_forecasts.prediction_date = forecast_dates.prediction_date
    where forecast_dates.prediction_date is null
),

final as (
    select
        ---------- keys
        trader_id,
        prediction_date,
        ---------- the forecast
        is_replayed,
        limit_risk,
        risk_level,
        predicted_pnl,
        predicted_pnl_p05,
        predicted_pnl_p50,
        predicted_pnl_p95,
        loss_probability,
        limit_loss_probability,
        daily_loss_limit_amount,
        position_multiplier,
        risk_level in ('High', 'Medium') as is_alarm,
        limit_risk in ('High', 'Elevated') as is_limit_flagged,
        ---------- what happened
        cast(actual_net_pnl as decimal(38, 8)) as actual_net_pnl,
        actual_net_pnl < 0 as is_loss,
        actual_net_pnl < -daily_loss_limit_amount as is_limit_breached,
        actual_net_pnl between predicted_pnl_p05 and predicted_pnl_p95
            as is_inside_interval,
        -- What trading at the advised size would have changed; positive is saved.
        {{ advised_size_effect('position_multiplier', 'actual_net_pnl') }}
            as advised_size_effect
    from forecasts
)

select * from final
