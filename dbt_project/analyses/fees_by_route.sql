{# What do fees cost by route, and by adding or taking liquidity?
   One row per instrument type, route and liquidity code, over the last 30 calendar days. #}
with

latest as (
    select max(trade_date) as trade_date from {{ ref('daily_totals') }}
)

select
    fills.instrument_type,
    fills.route,
    fills.liquidity,
    count(*) as fills_count,
    sum(fills.quantity) as quantity,
    sum(fills.notional) as notional,
    sum(fills.total_fees) as total_fees,
    sum(fills.total_fees) / nullif(sum(fills.quantity), 0) as fees_per_unit,
    10000.0 * sum(fills.total_fees) / nullif(sum(fills.notional), 0) as fees_basis_points
from {{ ref('fct_fills') }} as fills
cross join latest
where
    fills.is_counted
    and fills.trader_id in (
        select totalled.trader_id
        from {{ ref('dim_accounts') }} as totalled
        where totalled.is_in_desk_total
    )
    and fills.trade_date > latest.trade_date - interval '30 days'
group by fills.instrument_type, fills.route, fills.liquidity
order by total_fees desc
