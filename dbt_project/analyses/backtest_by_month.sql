{# In which months would forecasts have picked out losing days better than the trader's own rate?
   One row per month of predicted days, over the last backtest. #}
with

predictions as (
    select
        trader_id,
        label_date,
        features_date,
        model,
        loss_probability,
        case when actual_net_pnl < 0 then 1.0 else 0.0 end as was_loss
    from {{ ref('backtest_predictions') }}
    where loss_probability is not null
),

-- The same days for both.
pairs as (
    select
        {{ dbt.date_trunc('month', 'champions.label_date') }} as month_start,
        champions.was_loss,
        champions.loss_probability,
        baselines.loss_probability as own_rate
    from predictions as champions
    inner join predictions as baselines
        on
            champions.trader_id = baselines.trader_id
            and champions.features_date = baselines.features_date
            and baselines.model = 'own_rate'
    where champions.model = 'champion'
)

select
    month_start,
    count(*) as days_count,
    avg(was_loss) as loss_ratio,
    avg(loss_probability) as mean_loss_probability,
    -- Mean squared error of the probability; lower is better.
    avg((loss_probability - was_loss) * (loss_probability - was_loss)) as forecast_brier,
    avg((own_rate - was_loss) * (own_rate - was_loss)) as own_rate_brier
from pairs
group by month_start
order by month_start
