{# Who lost most this month, and why? One row per trader who lost money in the latest month. #}
with

latest_month as (
    select date_trunc('month', max(trade_date)) as month_start
    from {{ ref('daily_totals') }}
),

trader_months as (
    select
        totals.trader_id,
        count(distinct case when totals.fills_count > 0 then totals.trade_date end)
            as traded_days_count,
        sum(totals.gross_pnl) as gross_pnl,
        sum(totals.total_fees) as total_fees,
        sum(totals.net_pnl) as net_pnl
    from {{ ref('daily_totals') }} as totals
    cross join latest_month
    where totals.trade_date >= latest_month.month_start and totals.is_in_desk_total
    group by totals.trader_id
),

symbol_months as (
    select
        trips.trader_id,
        trips.symbol,
        count(*) as trips_count,
        sum(trips.net_pnl) as net_pnl,
        avg(trips.net_pnl) as mean_trip_net_pnl,
        row_number() over (
            partition by trips.trader_id
            order by sum(trips.net_pnl), trips.symbol
        ) as worst_rank
    from {{ ref('fct_round_trips') }} as trips
    cross join latest_month
    where trips.closed_date >= latest_month.month_start
    group by trips.trader_id, trips.symbol
),

trip_months as (
    select
        trips.trader_id,
        avg(case when trips.net_pnl > 0 then 1.0 else 0.0 end) as trip_win_ratio,
        avg(case when trips.net_pnl > 0 then trips.net_pnl end) as mean_winning_trip,
        avg(case when trips.net_pnl < 0 then trips.net_pnl end) as mean_losing_trip
    from {{ ref('fct_round_trips') }} as trips
    cross join latest_month
    where trips.closed_date >= latest_month.month_start
    group by trips.trader_id
)

select
    trader_months.trader_id,
    trader_months.traded_days_count,
    trader_months.net_pnl,
    trader_months.gross_pnl,
    trader_months.total_fees,
    trip_months.trip_win_ratio,
    trip_months.mean_winning_trip,
    trip_months.mean_losing_trip,
    symbol_months.symbol as worst_symbol,
    symbol_months.net_pnl as worst_symbol_net_pnl,
    symbol_months.trips_count as worst_symbol_trips_count,
    case
        when trader_months.gross_pnl >= 0 then 'fees ate the gain'
        when symbol_months.net_pnl < 0.5 * trader_months.net_pnl
            then 'half of it or more in one symbol'
        when trip_months.trip_win_ratio < 0.4 then 'few trades win'
        when -trip_months.mean_losing_trip > trip_months.mean_winning_trip
            then 'losers are larger than winners'
    end as main_reason
from trader_months
left join trip_months on trader_months.trader_id = trip_months.trader_id
left join symbol_months
    on
        trader_months.trader_id = symbol_months.trader_id
        and symbol_months.worst_rank = 1
where trader_months.net_pnl < 0
order by trader_months.net_pnl
