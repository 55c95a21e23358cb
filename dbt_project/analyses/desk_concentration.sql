{# On how few traders does the desk's result rest? One row per month. #}
with

trader_months as (
    select
        date_trunc('month', trade_date) as month_start,
        trader_id,
        sum(net_pnl) as net_pnl
    from {{ ref('daily_totals') }}
    where is_in_desk_total
    group by date_trunc('month', trade_date), trader_id
),

ranked as (
    select
        month_start,
        trader_id,
        net_pnl,
        sum(abs(net_pnl)) over (partition by month_start) as moved,
        row_number() over (
            partition by month_start
            order by net_pnl desc, trader_id asc
        ) as best_rank
    from trader_months
)

select
    month_start,
    count(*) as traders_count,
    sum(net_pnl) as net_pnl,
    sum(case when net_pnl > 0 then 1 else 0 end) as winning_traders_count,
    sum(case when best_rank <= 3 then net_pnl end) as best_three_net_pnl,
    sum(net_pnl) - sum(case when best_rank <= 3 then net_pnl end)
        as net_pnl_without_best_three,
    -- 1 over the number of traders when all move alike, 1 when one moves everything.
    sum((abs(net_pnl) / nullif(moved, 0)) * (abs(net_pnl) / nullif(moved, 0)))
        as herfindahl_index
from ranked
group by month_start
order by month_start
