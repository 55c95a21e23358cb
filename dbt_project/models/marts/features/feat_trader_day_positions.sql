{#
    Grain: one row per trader and trader day D (int_trader_days).
    How a trader holds: which way, how long, through losses, overnight. Known at the
    close of D; windows count trader days and end at D; _20d ratios are pooled, not
    averages of daily ratios.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        open_symbols_count,
        notional,
        bought_notional
    from {{ ref('int_trader_days') }}
),

trip_days as (
    select
        trader_id,
        trade_date,
        closed_trips_count,
        long_trips_count,
        carried_trips_count,
        averaged_trips_count,
        held_seconds,
        held_trips_count,
        winner_seconds,
        winners_count,
        loser_seconds,
        losers_count
    from {{ ref('int_trader_day_closed_trips') }}
),

held_days as (
    select
        account_id,
        trade_date,
        exchange_rate,
        open_cost
    from {{ ref('int_held_days') }}
    where position_quantity <> 0
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

overnight_days as (
    select
        account_traders.trader_id,
        held_days.trade_date,
        {{ sum_if_known(
            'abs(' ~ in_base('held_days.open_cost', 'held_days.exchange_rate') ~ ')'
        ) }} as overnight_notional
    from held_days
    inner join account_traders
        on
            held_days.account_id = account_traders.account_id
            and held_days.trade_date >= account_traders.valid_from
            and held_days.trade_date < account_traders.valid_to
    group by account_traders.trader_id, held_days.trade_date
),

days_joined as (
    select
        trader_days.trader_id,
        trader_days.trade_date,
        trader_days.open_symbols_count,
        trader_days.notional,
        trader_days.bought_notional,
        -- Who held nothing held 0; what has no exchange rate is unknown.
        case
            when overnight_days.trader_id is null then 0
            else overnight_days.overnight_notional
        end as overnight_notional,
        trip_days.closed_trips_count,
        trip_days.long_trips_count,
        trip_days.carried_trips_count,
        trip_days.averaged_trips_count,
        trip_days.held_seconds,
        trip_days.held_trips_count,
        trip_days.winner_seconds,
        trip_days.winners_count,
        trip_days.loser_seconds,
        trip_days.losers_count
    from trader_days
    left join trip_days
        on
            trader_days.trader_id = trip_days.trader_id
            and trader_days.trade_date = trip_days.trade_date
    left join overnight_days
        on
            trader_days.trader_id = overnight_days.trader_id
            and trader_days.trade_date = overnight_days.trade_date
),

windows_computed as (
    select
        *,
        sum(winner_seconds) {{ trailing(20) }} as winner_seconds_20d,
        sum(winners_count) {{ trailing(20) }} as winners_20d,
        sum(loser_seconds) {{ trailing(20) }} as loser_seconds_20d,
        sum(losers_count) {{ trailing(20) }} as losers_20d,
        sum(averaged_trips_count) {{ trailing(20) }} as averaged_trips_20d,
        sum(closed_trips_count) {{ trailing(20) }} as closed_trips_20d,
        avg(case when open_symbols_count > 0 then 1e0 else 0e0 end) {{ trailing(20) }}
            as overnight_days_ratio_20d
    from days_joined
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- direction
        {{ safe_divide('long_trips_count', 'closed_trips_count') }} as long_trips_ratio,
        {{ safe_divide('bought_notional', 'notional') }} as bought_notional_ratio,
        ---------- holding times
        {{ safe_divide('held_seconds', '60 * held_trips_count') }} as mean_holding_minutes,
        {{ safe_divide('winner_seconds', '60 * winners_count') }}
            as mean_winner_holding_minutes,
        {{ safe_divide('loser_seconds', '60 * losers_count') }}
            as mean_loser_holding_minutes,
        {{ safe_divide(
            safe_divide('loser_seconds', 'losers_count'),
            safe_divide('winner_seconds', 'winners_count'),
        ) }} as disposition_ratio,
        {{ safe_divide(
            safe_divide('loser_seconds_20d', 'losers_20d'),
            safe_divide('winner_seconds_20d', 'winners_20d'),
        ) }} as disposition_ratio_20d,
        ---------- adding to losers
        {{ safe_divide('averaged_trips_count', 'closed_trips_count') }}
            as averaging_down_trips_ratio,
        {{ safe_divide('averaged_trips_20d', 'closed_trips_20d') }}
            as averaging_down_trips_ratio_20d,
        ---------- overnight
        open_symbols_count,
        {{ safe_divide('overnight_notional', 'notional') }} as overnight_notional_ratio,
        {{ safe_divide('carried_trips_count', 'closed_trips_count') }} as carried_trips_ratio,
        overnight_days_ratio_20d
    from windows_computed
)

select * from final
