{# Who has a forecast for the next session, and how did the last five traded days go?
   One row per forecast of the latest prediction date. #}
with

latest as (
    select max(prediction_date) as prediction_date from {{ ref('risk_calls') }}
),

days as (
    select
        trader_id,
        net_pnl_sum_5d,
        drawdown_scaled,
        loss_streak_days,
        row_number() over (partition by trader_id order by trade_date desc) as date_rank
    from {{ ref('feat_trader_day_pnl') }}
)

select
    forecasts.trader_id,
    forecasts.prediction_date,
    forecasts.limit_risk,
    forecasts.limit_loss_probability,
    forecasts.daily_loss_limit_amount,
    forecasts.risk_level,
    forecasts.recommendation,
    forecasts.predicted_pnl,
    forecasts.loss_probability,
    forecasts.features_date,
    days.net_pnl_sum_5d,
    days.drawdown_scaled,
    days.loss_streak_days
from {{ ref('risk_calls') }} as forecasts
inner join latest on forecasts.prediction_date = latest.prediction_date
left join days
    on
        forecasts.trader_id = days.trader_id
        and days.date_rank = 1
order by forecasts.limit_loss_probability desc nulls last, forecasts.trader_id asc
