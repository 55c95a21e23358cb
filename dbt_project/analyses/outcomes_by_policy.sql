{# What would have come of trading at the advised sizes, policy by policy?
   One row per policy and way it was assigned, over all past forecasts of traders who then
   traded. #}
with

outcomes as (
    select
        policy,
        is_trial,
        position_multiplier,
        actual_net_pnl,
        advised_size_effect
    from {{ ref('forecast_outcomes') }}
    where
        actual_net_pnl is not null
        and policy is not null
)

select
    policy,
    is_trial,
    count(*) as forecasts_count,
    avg(position_multiplier) as mean_position_multiplier,
    sum(actual_net_pnl) as actual_net_pnl,
    sum(case when actual_net_pnl < 0 then advised_size_effect end) as avoided_losses,
    sum(case when actual_net_pnl >= 0 then -advised_size_effect end) as missed_gains,
    sum(advised_size_effect) as net_improvement
from outcomes
group by policy, is_trial
order by policy, is_trial
