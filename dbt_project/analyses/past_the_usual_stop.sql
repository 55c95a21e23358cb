{# Who keeps trading beyond the loss at which the day usually ends, and what does it cost?
   One row per trader who did in the last 60 calendar days. #}
with

latest as (
    select max(trade_date) as trade_date from {{ ref('feat_trader_day_tilt') }}
),

days as (
    select
        tilt.trader_id,
        tilt.trade_date,
        tilt.usual_stop_pnl,
        tilt.past_stop_fills_ratio,
        paths.trough_net_pnl,
        paths.final_net_pnl
    from {{ ref('feat_trader_day_tilt') }} as tilt
    inner join {{ ref('fct_intraday_pnl') }} as paths
        on
            tilt.trader_id = paths.trader_id
            and tilt.trade_date = paths.trade_date
    cross join latest
    where tilt.trade_date > latest.trade_date - interval '60 days'
)

select
    trader_id,
    count(usual_stop_pnl) as days_with_a_stop_count,
    sum(case when past_stop_fills_ratio > 0 then 1 else 0 end) as days_past_stop_count,
    avg(case when past_stop_fills_ratio > 0 then usual_stop_pnl end) as mean_usual_stop,
    min(case when past_stop_fills_ratio > 0 then trough_net_pnl end) as deepest_trough,
    -- What the day ended below the stop: negative is what continuing has cost.
    sum(case when past_stop_fills_ratio > 0 then final_net_pnl - usual_stop_pnl end)
        as net_pnl_after_stop
from days
group by trader_id
having sum(case when past_stop_fills_ratio > 0 then 1 else 0 end) > 0
order by net_pnl_after_stop
