{# Is the limit breached more often where limit risk was High, and as often as forecast?
   One row per level, over past forecasts, simulated ones where none was made yet. #}
select
    limit_risk,
    count(*) as forecasts_count,
    avg(limit_loss_probability) as mean_predicted_probability,
    avg(case when is_limit_breached then 1.0 else 0.0 end) as breaches_ratio,
    sum(case when is_limit_breached then 1 else 0 end) as breaches_count,
    sum(
        case when is_limit_breached then -actual_net_pnl - daily_loss_limit_amount end
    ) as lost_beyond_limit_amount
from {{ ref('forecast_record') }}
where limit_loss_probability is not null
group by limit_risk
order by mean_predicted_probability desc
