{# Who is called for the next session, and how did the last five traded days go?
   One row per call of the latest prediction date. #}
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
    calls.trader_id,
    calls.prediction_date,
    calls.risk_level,
    calls.recommendation,
    calls.predicted_pnl,
    calls.loss_probability,
    calls.features_date,
    days.net_pnl_sum_5d,
    days.drawdown_scaled,
    days.loss_streak_days
from {{ ref('risk_calls') }} as calls
inner join latest on calls.prediction_date = latest.prediction_date
left join days
    on
        calls.trader_id = days.trader_id
        and days.date_rank = 1
order by calls.predicted_pnl nulls last, calls.trader_id
