{#
    Grain: one row per trader and trader day D (int_trader_days).
    What a trader does after losing, within the day. Known at the close of D; windows
    count trader days and end at D; _20d figures are pooled, not means of daily ones.
    The usual stop is that of int_trader_day_stops: of the days before D.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        fills_count,
        pnl_scale_20d
    from {{ ref('int_trader_days') }}
),

paths as (
    select
        trader_id,
        trade_date,
        peak_net_pnl,
        trough_net_pnl,
        max_drawdown,
        give_back
    from {{ ref('int_intraday_paths') }}
),

stops as (
    select
        trader_id,
        trade_date,
        usual_stop_pnl,
        past_stop_fills_count,
        has_reached_stop
    from {{ ref('int_trader_day_stops') }}
),

trip_days as (
    select
        trader_id,
        trade_date,
        losing_trips_count,
        timed_losses_count,
        reentered_losses_count,
        timed_wins_count,
        reentered_wins_count,
        notional_after_loss,
        trips_after_loss,
        notional_after_win,
        trips_after_win
    from {{ ref('int_trader_day_trips') }}
),

days_joined as (
    select
        trader_days.trader_id,
        trader_days.trade_date,
        trader_days.pnl_scale_20d,
        paths.peak_net_pnl,
        paths.trough_net_pnl,
        paths.max_drawdown,
        paths.give_back,
        stops.usual_stop_pnl,
        {{ safe_divide('stops.past_stop_fills_count', 'trader_days.fills_count') }}
            as past_stop_fills_ratio,
        case
            when stops.has_reached_stop then 1.0
            when not stops.has_reached_stop then 0.0
        end as reached_stop,
        coalesce(trip_days.losing_trips_count, 0) as losing_trips_count,
        trip_days.timed_losses_count,
        trip_days.reentered_losses_count,
        trip_days.timed_wins_count,
        trip_days.reentered_wins_count,
        trip_days.notional_after_loss,
        trip_days.trips_after_loss,
        trip_days.notional_after_win,
        trip_days.trips_after_win
    from trader_days
    -- A day without a fill of its own (an action, a journal) has no path.
    left join paths
        on
            trader_days.trader_id = paths.trader_id
            and trader_days.trade_date = paths.trade_date
    left join stops
        on
            trader_days.trader_id = stops.trader_id
            and trader_days.trade_date = stops.trade_date
    left join trip_days
        on
            trader_days.trader_id = trip_days.trader_id
            and trader_days.trade_date = trip_days.trade_date
),

windows_computed as (
    select
        *,
        avg(cast(reached_stop as double)) {{ trailing(20) }} as past_stop_days_ratio_20d,
        sum(notional_after_loss) {{ trailing(20) }} as notional_after_loss_20d,
        sum(trips_after_loss) {{ trailing(20) }} as trips_after_loss_20d,
        sum(notional_after_win) {{ trailing(20) }} as notional_after_win_20d,
        sum(trips_after_win) {{ trailing(20) }} as trips_after_win_20d
    from days_joined
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- re-entry
        cast(losing_trips_count as bigint) as losing_trips_count,
        {{ safe_divide('reentered_losses_count', 'timed_losses_count') }}
            as reentry_after_loss_ratio,
        {{ safe_divide('reentered_wins_count', 'timed_wins_count') }}
            as reentry_after_win_ratio,
        ---------- size
        {{ safe_divide(
            safe_divide('notional_after_loss', 'trips_after_loss'),
            safe_divide('notional_after_win', 'trips_after_win'),
        ) }} as size_after_loss_vs_win_ratio,
        {{ safe_divide(
            safe_divide('notional_after_loss_20d', 'trips_after_loss_20d'),
            safe_divide('notional_after_win_20d', 'trips_after_win_20d'),
        ) }} as size_after_loss_vs_win_ratio_20d,
        ---------- the usual stop
        usual_stop_pnl,
        {{ safe_divide('usual_stop_pnl', 'pnl_scale_20d') }} as usual_stop_scaled,
        past_stop_fills_ratio,
        past_stop_days_ratio_20d,
        ---------- the day's path
        {{ safe_divide('trough_net_pnl', 'pnl_scale_20d') }} as trough_scaled,
        {{ safe_divide('max_drawdown', 'pnl_scale_20d') }} as max_drawdown_scaled,
        {{ safe_divide('give_back', 'peak_net_pnl') }} as give_back_ratio
    from windows_computed
)

select * from final
