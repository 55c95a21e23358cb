{# Does adding to a losing position pay?
   One row per trader and whether the trade was added to at a worse price, over trades
   closed in the last 60 calendar days. #}
with

latest as (
    select max(closed_date) as closed_date from {{ ref('fct_round_trips') }}
)

select
    trips.trader_id,
    trips.has_averaged_down,
    count(*) as trips_count,
    avg(case when trips.net_pnl > 0 then 1.0 else 0.0 end) as trip_win_ratio,
    sum(trips.net_pnl) as net_pnl,
    avg(trips.net_pnl) as mean_trip_net_pnl,
    min(trips.net_pnl) as worst_trip_net_pnl
from {{ ref('fct_round_trips') }} as trips
cross join latest
where
    trips.is_closed
    and trips.closed_date > latest.closed_date - interval '60 days'
group by trips.trader_id, trips.has_averaged_down
order by trips.trader_id, trips.has_averaged_down
