{# Did what was forecast happen?
   One row per tenth of predicted loss probability, over all past forecasts of traders who then
   traded. #}
with

outcomes as (
    select
        least(9, floor(10 * loss_probability)) / 10.0 as probability_from,
        loss_probability,
        is_loss,
        is_inside_interval,
        predicted_pnl,
        actual_net_pnl
    from {{ ref('forecast_outcomes') }}
    where
        actual_net_pnl is not null
        and loss_probability is not null
)

select
    probability_from,
    count(*) as forecasts_count,
    avg(loss_probability) as mean_predicted_probability,
    avg(case when is_loss then 1.0 else 0.0 end) as loss_ratio,
    -- 90 of 100 should be, where the interval is what it says.
    avg(case when is_inside_interval then 1.0 when not is_inside_interval then 0.0 end)
        as inside_interval_ratio,
    avg(predicted_pnl) as mean_predicted_pnl,
    avg(actual_net_pnl) as mean_actual_net_pnl
from outcomes
group by probability_from
order by probability_from
