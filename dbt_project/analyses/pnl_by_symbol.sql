{# In which symbols does the desk win and lose?
   One row per symbol, over trades closed in the last 60 calendar days. #}
with

latest as (
    select max(closed_date) as closed_date from {{ ref('fct_round_trips') }}
)

select
    trips.symbol,
    count(distinct trips.trader_id) as traders_count,
    count(*) as trips_count,
    avg(case when trips.net_pnl > 0 then 1.0 else 0.0 end) as trip_win_ratio,
    sum(trips.gross_pnl) as gross_pnl,
    sum(trips.total_fees) as total_fees,
    sum(trips.net_pnl) as net_pnl,
    min(trips.net_pnl) as worst_trip_net_pnl
from {{ ref('fct_round_trips') }} as trips
cross join latest
where
    trips.is_closed
    and trips.trader_id in (
        select totalled.trader_id
        from {{ ref('dim_accounts') }} as totalled
        where totalled.is_in_desk_total
    )
    and trips.closed_date > latest.closed_date - interval '60 days'
group by trips.symbol
order by net_pnl
