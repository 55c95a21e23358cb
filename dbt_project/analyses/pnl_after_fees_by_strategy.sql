{# What does each strategy earn after fees, month by month?
   One row per month and strategy, as the desk named it on that day (empty: not named). #}
select
    date_trunc('month', totals.trade_date) as month_start,
    traders.strategy,
    count(distinct totals.trader_id) as traders_count,
    sum(totals.gross_pnl) as gross_pnl,
    sum(totals.total_fees) as total_fees,
    sum(totals.net_pnl) as net_pnl
from {{ ref('daily_totals') }} as totals
inner join {{ ref('dim_traders') }} as traders
    on
        totals.trader_id = traders.trader_id
        and totals.trade_date >= traders.valid_from
        and totals.trade_date < traders.valid_to
where totals.is_in_desk_total
group by date_trunc('month', totals.trade_date), traders.strategy
order by month_start, traders.strategy
