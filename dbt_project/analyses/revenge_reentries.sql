{# Who opens a trade within five minutes of a loss, and what do those trades earn?
   One row per trader, over the last 60 calendar days. #}
with

latest as (
    select max(closed_date) as closed_date from {{ ref('fct_round_trips') }}
),

trips as (
    select
        trips.trader_id,
        trips.round_trip_id,
        trips.opened_at,
        trips.closed_at,
        trips.net_pnl
    from {{ ref('fct_round_trips') }} as trips
    cross join latest
    where
        trips.is_closed
        and trips.opened_date > latest.closed_date - interval '60 days'
),

reentries as (
    select distinct
        opened.trader_id,
        opened.round_trip_id,
        opened.net_pnl
    from trips as opened
    inner join trips as lost
        on
            opened.trader_id = lost.trader_id
            and opened.opened_at >= lost.closed_at
            and opened.opened_at <= lost.closed_at + interval '5 minutes'
            and opened.round_trip_id <> lost.round_trip_id
            and lost.net_pnl < 0
)

select
    trips.trader_id,
    count(*) as trips_count,
    count(reentries.round_trip_id) as reentries_count,
    sum(reentries.net_pnl) as reentries_net_pnl,
    avg(reentries.net_pnl) as mean_reentry_net_pnl,
    avg(case when reentries.round_trip_id is null then trips.net_pnl end)
        as mean_other_trip_net_pnl
from trips
left join reentries on trips.round_trip_id = reentries.round_trip_id
group by trips.trader_id
order by reentries_net_pnl nulls last
