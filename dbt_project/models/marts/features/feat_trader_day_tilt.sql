{#
    Grain: one row per trader and traded day D.
    What a trader does after losing, within the day. Known at the close of D; windows
    count traded days and end at D; _20d figures are pooled, not means of daily ones.
    The usual stop is the mean of the lowest points of the day's path over the trader's
    losing days among the 20 traded days before D, at least three of them.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        net_pnl,
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

fill_results as (
    select
        trader_id,
        trade_date,
        day_sequence,
        is_regular,
        path_net_pnl
    from {{ ref('int_fill_results') }}
),

trip_events as (
    select
        trader_id,
        trade_date,
        is_opening,
        happened_at_et,
        entry_notional,
        net_pnl,
        previous_net_pnl,
        coalesce(
            {{ dbt.datediff('happened_at_et', 'next_opened_at_et', 'second') }}
            <= 60 * {{ var('revenge_window_minutes') }},
            false
        ) as is_reentered
    from {{ ref('int_trip_sequences') }}
),

trip_days as (
    select
        trader_id,
        trade_date,
        sum(case when net_pnl < 0 then 1 else 0 end) as losing_trips_count,
        count(case when net_pnl < 0 then happened_at_et end) as timed_losses_count,
        count(case when net_pnl < 0 and is_reentered then happened_at_et end)
            as reentered_losses_count,
        count(case when net_pnl > 0 then happened_at_et end) as timed_wins_count,
        count(case when net_pnl > 0 and is_reentered then happened_at_et end)
            as reentered_wins_count,
        cast(
            sum(case when previous_net_pnl < 0 then entry_notional end)
            as double
        ) as notional_after_loss,
        count(case when previous_net_pnl < 0 then entry_notional end) as trips_after_loss,
        cast(
            sum(case when previous_net_pnl > 0 then entry_notional end)
            as double
        ) as notional_after_win,
        count(case when previous_net_pnl > 0 then entry_notional end) as trips_after_win
    from trip_events
    group by trader_id, trade_date
),

stops as (
    select
        trader_days.trader_id,
        trader_days.trade_date,
        trader_days.net_pnl,
        trader_days.fills_count,
        trader_days.pnl_scale_20d,
        paths.peak_net_pnl,
        paths.trough_net_pnl,
        paths.max_drawdown,
        paths.give_back,
        case
            when
                count(case when trader_days.net_pnl < 0 then 1 end) over previous_20 >= 3
                then
                    avg(
                        case
                            when trader_days.net_pnl < 0
                                then cast(paths.trough_net_pnl as double)
                        end
                    ) over previous_20
        end as usual_stop_pnl
    from trader_days
    inner join paths
        on
            trader_days.trader_id = paths.trader_id
            and trader_days.trade_date = paths.trade_date
    window previous_20 as (
        partition by trader_days.trader_id order by trader_days.trade_date
        rows between 20 preceding and 1 preceding
    )
),

stops_reached as (
    select
        fill_results.trader_id,
        fill_results.trade_date,
        min(fill_results.day_sequence) as stop_sequence
    from fill_results
    inner join stops
        on
            fill_results.trader_id = stops.trader_id
            and fill_results.trade_date = stops.trade_date
            and cast(fill_results.path_net_pnl as double) <= stops.usual_stop_pnl
    group by fill_results.trader_id, fill_results.trade_date
),

fills_past_stop as (
    select
        stops_reached.trader_id,
        stops_reached.trade_date,
        sum(case when fill_results.is_regular then 1 else 0 end) as past_stop_fills_count
    from stops_reached
    inner join fill_results
        on
            stops_reached.trader_id = fill_results.trader_id
            and stops_reached.trade_date = fill_results.trade_date
            and stops_reached.stop_sequence < fill_results.day_sequence
    group by stops_reached.trader_id, stops_reached.trade_date
),

days_joined as (
    select
        stops.*,
        case
            when stops.usual_stop_pnl is not null
                then
                    cast(coalesce(fills_past_stop.past_stop_fills_count, 0) as double)
                    / stops.fills_count
        end as past_stop_fills_ratio,
        case
            when stops.usual_stop_pnl is not null
                then case when stops_reached.stop_sequence is null then 0.0 else 1.0 end
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
    from stops
    left join stops_reached
        on
            stops.trader_id = stops_reached.trader_id
            and stops.trade_date = stops_reached.trade_date
    left join fills_past_stop
        on
            stops.trader_id = fills_past_stop.trader_id
            and stops.trade_date = fills_past_stop.trade_date
    left join trip_days
        on
            stops.trader_id = trip_days.trader_id
            and stops.trade_date = trip_days.trade_date
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
        {{ safe_ratio('reentered_losses_count', 'timed_losses_count') }}
            as reentry_after_loss_ratio,
        {{ safe_ratio('reentered_wins_count', 'timed_wins_count') }}
            as reentry_after_win_ratio,
        ---------- size
        {{ safe_ratio(
            safe_ratio('notional_after_loss', 'trips_after_loss'),
            safe_ratio('notional_after_win', 'trips_after_win'),
        ) }} as size_after_loss_vs_win_ratio,
        {{ safe_ratio(
            safe_ratio('notional_after_loss_20d', 'trips_after_loss_20d'),
            safe_ratio('notional_after_win_20d', 'trips_after_win_20d'),
        ) }} as size_after_loss_vs_win_ratio_20d,
        ---------- the usual stop
        usual_stop_pnl,
        {{ safe_ratio('usual_stop_pnl', 'pnl_scale_20d') }} as usual_stop_scaled,
        past_stop_fills_ratio,
        past_stop_days_ratio_20d,
        ---------- the day's path
        {{ safe_ratio('trough_net_pnl', 'pnl_scale_20d') }} as trough_scaled,
        {{ safe_ratio('max_drawdown', 'pnl_scale_20d') }} as max_drawdown_scaled,
        {{ safe_ratio('give_back', 'peak_net_pnl') }} as give_back_ratio
    from windows_computed
)

select * from final
