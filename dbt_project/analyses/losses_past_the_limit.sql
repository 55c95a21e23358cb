{# Who lost more than the daily limit, and had it been forecast?
   One row per trader with such a day among the past forecasts, most often first. #}
with

outcomes as (
    select
        trader_id,
        actual_net_pnl,
        daily_loss_limit_amount,
        limit_loss_probability,
        limit_risk,
        is_limit_breached
    from {{ ref('forecast_outcomes') }}
    where actual_net_pnl is not null
)

select
    trader_id,
    count(*) as forecast_days_count,
    sum(case when is_limit_breached then 1 else 0 end) as breaches_count,
    sum(
        case when is_limit_breached then -actual_net_pnl - daily_loss_limit_amount end
    ) as lost_beyond_limit_amount,
    sum(
        case when is_limit_breached and limit_risk in ('High', 'Elevated') then 1 else 0 end
    ) as breaches_flagged_count,
    avg(case when is_limit_breached then limit_loss_probability end)
        as mean_probability_before_breaches,
    avg(case when not is_limit_breached then limit_loss_probability end)
        as mean_probability_before_other_days
from outcomes
group by trader_id
having sum(case when is_limit_breached then 1 else 0 end) > 0
order by breaches_count desc, trader_id asc
