{# Do weekday, early close or month end matter to the desk?
   One row per kind of session, over all days; empty where the day is no session of the
   exchange. #}
with

desk_days as (
    select
        trade_date,
        sum(fills_count) as fills_count,
        sum(net_pnl) as net_pnl
    from {{ ref('daily_totals') }}
    where is_in_desk_total
    group by trade_date
)

select
    sessions.day_of_week,
    sessions.is_early_close,
    sessions.is_month_end,
    count(*) as days_count,
    avg(desk_days.fills_count) as mean_fills_count,
    avg(desk_days.net_pnl) as mean_net_pnl,
    min(desk_days.net_pnl) as worst_net_pnl,
    avg(case when desk_days.net_pnl < 0 then 1.0 else 0.0 end) as losing_days_ratio
from desk_days
left join {{ ref('dim_sessions') }} as sessions
    on desk_days.trade_date = sessions.session_date
group by sessions.day_of_week, sessions.is_early_close, sessions.is_month_end
order by sessions.day_of_week, sessions.is_early_close, sessions.is_month_end
