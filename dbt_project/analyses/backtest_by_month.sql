{# In which months would the champion have known more than the trader's own base rate?
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
        baselines.loss_probability as base_rate
    from predictions as champions
    inner join predictions as baselines
        on
            champions.trader_id = baselines.trader_id
            and champions.features_date = baselines.features_date
            and baselines.model = 'base_rate'
    where champions.model = 'champion'
)

select
    month_start,
    count(*) as days_count,
    avg(was_loss) as loss_ratio,
    avg(loss_probability) as mean_loss_probability,
    -- Mean squared error of the probability; lower is better.
    avg((loss_probability - was_loss) * (loss_probability - was_loss)) as champion_brier,
    avg((base_rate - was_loss) * (base_rate - was_loss)) as base_rate_brier
from pairs
group by month_start
order by month_start
