{# What is carried overnight right now?
   One row per trader with an open position at the end of the latest day; dollars are empty
   where a close is unknown. #}
with

latest as (
    select max(trade_date) as trade_date from {{ ref('daily_totals') }}
),

positions as (
    select
        positions.trader_id,
        positions.symbol,
        positions.position_quantity * positions.close_price * positions.multiplier
            as exposure,
        positions.unrealized_pnl,
        positions.oldest_lot_date
    from {{ ref('fct_open_positions') }} as positions
    inner join latest on positions.trade_date = latest.trade_date
    where positions.trader_id in (
        select totalled.trader_id
        from {{ ref('dim_accounts') }} as totalled
        where totalled.is_in_desk_total
    )
)

select
    trader_id,
    count(*) as positions_count,
    count(exposure) as priced_positions_count,
    sum(case when exposure > 0 then exposure end) as long_exposure,
    sum(case when exposure < 0 then exposure end) as short_exposure,
    sum(abs(exposure)) as gross_exposure,
    max(abs(exposure)) as largest_exposure,
    sum(unrealized_pnl) as unrealized_pnl,
    min(oldest_lot_date) as oldest_lot_date
from positions
group by trader_id
order by gross_exposure desc nulls last
