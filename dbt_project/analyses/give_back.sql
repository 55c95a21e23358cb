{# Who gives back what the day had made?
   One row per trader, over the desk's last 20 sessions with trades; a ratio above 1
   is a gain that became a loss. #}
with

trade_dates as (
    select
        trade_date,
        row_number() over (order by trade_date desc) as date_rank
    from {{ ref('fct_intraday_pnl') }}
    group by trade_date
)

select
    paths.trader_id,
    count(*) as traded_days_count,
    sum(case when paths.peak_net_pnl > 0 then 1 else 0 end) as days_in_profit_count,
    sum(case when paths.peak_net_pnl > 0 and paths.final_net_pnl < 0 then 1 else 0 end)
        as days_turned_to_loss_count,
    sum(case when paths.peak_net_pnl > 0 then paths.give_back end) as given_back,
    sum(case when paths.peak_net_pnl > 0 then paths.give_back end)
    / nullif(sum(paths.peak_net_pnl), 0) as given_back_ratio
from {{ ref('fct_intraday_pnl') }} as paths
inner join trade_dates
    on
        paths.trade_date = trade_dates.trade_date
        and trade_dates.date_rank <= 20
group by paths.trader_id
order by given_back desc nulls last
