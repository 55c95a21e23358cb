{# Does the desk earn with quick trades or with long ones?
   One row per class of holding time, over trades closed in the last 60 calendar days. #}
with

latest as (
    select max(closed_date) as closed_date from {{ ref('fct_round_trips') }}
),

trips as (
    select
        trips.net_pnl,
        trips.total_fees,
        case
            when trips.is_carried then '6 overnight'
            when trips.held_seconds is null then '7 time unknown'
            when trips.held_seconds < 60 then '1 below a minute'
            when trips.held_seconds < 300 then '2 below 5 minutes'
            when trips.held_seconds < 1800 then '3 below 30 minutes'
            when trips.held_seconds < 7200 then '4 below 2 hours'
            else '5 longer, within the day'
        end as holding_time
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
)

select
    holding_time,
    count(*) as trips_count,
    avg(case when net_pnl > 0 then 1.0 else 0.0 end) as trip_win_ratio,
    sum(total_fees) as total_fees,
    sum(net_pnl) as net_pnl,
    avg(net_pnl) as mean_trip_net_pnl
from trips
group by holding_time
order by holding_time
