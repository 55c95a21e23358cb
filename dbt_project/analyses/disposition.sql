{# Who holds losers longer than winners?
   One row per trader with both, over trades closed in the last 60 calendar days; above 1 is
   holding on to losses. #}
with

latest as (
    select max(closed_date) as closed_date from {{ ref('fct_round_trips') }}
)

select
    trips.trader_id,
    sum(case when trips.net_pnl > 0 then 1 else 0 end) as winners_count,
    sum(case when trips.net_pnl < 0 then 1 else 0 end) as losers_count,
    avg(case when trips.net_pnl > 0 then trips.held_seconds end) / 60.0
        as mean_winner_holding_minutes,
    avg(case when trips.net_pnl < 0 then trips.held_seconds end) / 60.0
        as mean_loser_holding_minutes,
    avg(case when trips.net_pnl < 0 then trips.held_seconds end)
    / nullif(avg(case when trips.net_pnl > 0 then trips.held_seconds end), 0)
        as disposition_ratio
from {{ ref('fct_round_trips') }} as trips
cross join latest
where
    trips.is_closed
    and trips.closed_date > latest.closed_date - interval '60 days'
    and trips.held_seconds is not null
group by trips.trader_id
having
    count(case when trips.net_pnl > 0 then 1 end) > 0
    and count(case when trips.net_pnl < 0 then 1 end) > 0
order by disposition_ratio desc nulls last
