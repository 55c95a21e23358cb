{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per trader and date on which a trip was closed.
    How the trips closed that day went: which way, how long, with what result.
#}
with

closed_trips as (
    {{ planned_rows(ref('int_round_trips'), 'trader_days', 'closed_date') }}
),

round_trips as (
    select
        trader_id,
        closed_date as trade_date,
        net_pnl,
        is_long,
        has_averaged_down,
        opened_date < closed_date as is_carried,
        case
            when opened_date = closed_date
                then {{ dbt.datediff('opened_at_et', 'closed_at_et', 'second') }}
        end as held_seconds
    from closed_trips
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- how many
        count(*) as closed_trips_count,
        sum(case when net_pnl > 0 then 1 else 0 end) as won_trips_count,
        sum(case when net_pnl < 0 then 1 else 0 end) as losing_trips_count,
        sum(case when is_long then 1 else 0 end) as long_trips_count,
        sum(case when is_carried then 1 else 0 end) as carried_trips_count,
        sum(case when has_averaged_down then 1 else 0 end) as averaged_trips_count,
        ---------- money
        sum(case when net_pnl > 0 then net_pnl else 0 end) as won_trips_pnl,
        sum(case when net_pnl < 0 then -net_pnl else 0 end) as losing_trips_pnl,
        min(net_pnl) as worst_trip_pnl,
        ---------- how long: of trips opened and closed that day
        sum(held_seconds) as held_seconds,
        count(held_seconds) as held_trips_count,
        sum(case when net_pnl > 0 then held_seconds end) as winner_seconds,
        count(case when net_pnl > 0 then held_seconds end) as winners_count,
        sum(case when net_pnl < 0 then held_seconds end) as loser_seconds,
        count(case when net_pnl < 0 then held_seconds end) as losers_count
    from round_trips
    group by trader_id, trade_date
)

select * from final
