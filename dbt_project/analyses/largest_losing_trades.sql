{# Which single trades cost most in the latest month? One row per trade, the twenty worst. #}
with

latest_month as (
    select date_trunc('month', max(closed_date)) as month_start
    from {{ ref('fct_round_trips') }}
)

select
    trips.trader_id,
    trips.account_id,
    trips.symbol,
    trips.side,
    trips.opened_date,
    trips.closed_date,
    trips.held_seconds / 60.0 as held_minutes,
    trips.entry_notional,
    trips.has_averaged_down,
    trips.total_fees,
    trips.net_pnl
from {{ ref('fct_round_trips') }} as trips
cross join latest_month
where
    trips.closed_date >= latest_month.month_start
    and trips.net_pnl < 0
    and trips.trader_id in (
        select totalled.trader_id
        from {{ ref('dim_accounts') }} as totalled
        where totalled.is_in_desk_total
    )
order by trips.net_pnl, trips.round_trip_id
limit 20
