{#
    Grain: one row per trader and traded day D.
    Every column is known at the close of D: windows end at D, and count the trader's
    traded days, not calendar days. A value that cannot be known yet is null.
#}
with

trader_days as (
    select
        *,
        cast(net_pnl as double) as net,
        case when net_pnl < 0 then 1 else 0 end as is_loss,
        case when net_pnl > 0 then 1 else 0 end as is_win
    from {{ ref('int_trader_days') }}
),

streaks_marked as (
    -- A streak is the run of days since the last day that breaks it.
    select
        *,
        sum(1 - is_loss) over (
            partition by trader_id order by trade_date
            rows between unbounded preceding and current row
        ) as loss_streak_number,
        sum(1 - is_win) over (
            partition by trader_id order by trade_date
            rows between unbounded preceding and current row
        ) as win_streak_number
    from trader_days
),

windows_computed as (
    select
        *,
        row_number() over (
            partition by trader_id order by trade_date
        ) as traded_days_count,
        lag(trade_date) over (
            partition by trader_id order by trade_date
        ) as previous_trade_date,
        sum(is_loss) over (
            partition by trader_id, loss_streak_number order by trade_date
            rows between unbounded preceding and current row
        ) as loss_streak_days,
        sum(is_win) over (
            partition by trader_id, win_streak_number order by trade_date
            rows between unbounded preceding and current row
        ) as win_streak_days,
        avg(cast(is_loss as double)) over (
            partition by trader_id order by trade_date
            rows between unbounded preceding and current row
        ) as loss_day_ratio_to_date,
        {% for days in [3, 5, 10, 20] -%}
            count(*) {{ trailing(days) }} as days_in_{{ days }}d,
            sum(net) {{ trailing(days) }} as sum_net_{{ days }}d,
            stddev_samp(net) {{ trailing(days) }} as stddev_net_{{ days }}d,
        {% endfor -%}
        avg(abs(net)) {{ trailing(20) }} as pnl_scale_20d,
        avg(cast(is_loss as double)) {{ trailing(20) }} as loss_day_ratio_20d,
        min(net) {{ trailing(20) }} as worst_net_20d,
        max(net) {{ trailing(20) }} as best_net_20d,
        sum(won_trips_count) {{ trailing(20) }} as won_trips_20d,
        sum(closed_trips_count) {{ trailing(20) }} as closed_trips_20d,
        avg(cast(fills_count as double)) {{ trailing(20) }} as mean_fills_20d,
        avg(notional) {{ trailing(20) }} as mean_notional_20d,
        avg(mean_fill_notional) {{ trailing(20) }} as mean_fill_notional_20d,
        sum(cast(total_fees as double)) {{ trailing(20) }} as sum_fees_20d,
        sum(abs(cast(gross_pnl as double))) {{ trailing(20) }} as sum_abs_gross_20d
    from streaks_marked
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- the day's result
        net as net_pnl,
        {{ safe_ratio('net', 'pnl_scale_20d') }} as net_pnl_scaled,
        pnl_scale_20d,
        ---------- frequency
        fills_count,
        orders_count,
        closed_trips_count,
        {{ safe_ratio('fills_count', 'mean_fills_20d') }} as fills_vs_20d_ratio,
        active_minutes,
        mean_holding_minutes,
        ---------- time of day
        {{ safe_ratio('morning_fills_count', 'timed_fills_count') }} as morning_fills_ratio,
        {{ safe_ratio('timed_fills_count - morning_fills_count', 'timed_fills_count') }}
            as afternoon_fills_ratio,
        ---------- symbols
        symbols_count,
        symbol_concentration,
        open_symbols_count,
        {{ safe_ratio('bought_notional', 'notional') }} as bought_notional_ratio,
        ---------- size
        mean_fill_notional,
        {{ safe_ratio('stddev_fill_notional', 'mean_fill_notional') }} as fill_size_variation,
        {{ safe_ratio('mean_fill_notional', 'mean_fill_notional_20d') }}
            as fill_size_vs_20d_ratio,
        {{ safe_ratio('notional', 'mean_notional_20d') }} as notional_vs_20d_ratio,
        ---------- momentum and volatility of P&L
        {% for days in [3, 5, 10, 20] -%}
            case when days_in_{{ days }}d = {{ days }} then sum_net_{{ days }}d end
                as net_pnl_sum_{{ days }}d,
            case
                when days_in_{{ days }}d = {{ days }}
                    then {{ safe_ratio('sum_net_' ~ days ~ 'd', days ~ ' * pnl_scale_20d') }}
            end as net_pnl_momentum_{{ days }}d,
        {% endfor -%}
        {% for days in [5, 10, 20] -%}
            case
                when days_in_{{ days }}d = {{ days }}
                    then {{ safe_ratio('stddev_net_' ~ days ~ 'd', 'pnl_scale_20d') }}
            end as net_pnl_volatility_{{ days }}d,
        {% endfor -%}
        {{ safe_ratio('worst_net_20d', 'pnl_scale_20d') }} as worst_day_20d_scaled,
        {{ safe_ratio('best_net_20d', 'pnl_scale_20d') }} as best_day_20d_scaled,
        ---------- streaks and rates
        cast(win_streak_days as bigint) as win_streak_days,
        cast(loss_streak_days as bigint) as loss_streak_days,
        loss_day_ratio_to_date,
        loss_day_ratio_20d,
        {{ safe_ratio('won_trips_count', 'closed_trips_count') }} as trip_win_ratio,
        {{ safe_ratio('won_trips_20d', 'closed_trips_20d') }} as trip_win_ratio_20d,
        {{ safe_ratio('won_trips_pnl', 'won_trips_pnl + lost_trips_pnl') }}
            as won_trips_pnl_ratio,
        {{ safe_ratio('worst_trip_pnl', 'pnl_scale_20d') }} as worst_trip_scaled,
        ---------- fees
        {{ safe_ratio('total_fees', 'abs(gross_pnl)') }} as fee_share_of_gross,
        {{ safe_ratio('sum_fees_20d', 'sum_abs_gross_20d') }} as fee_share_of_gross_20d,
        ---------- calendar and tenure
        -- Sunday is 0, on every engine.
        cast({{ day_of_week('trade_date') }} as bigint) as day_of_week,
        cast({{ dbt.datediff('previous_trade_date', 'trade_date', 'day') }} as bigint)
            as days_since_previous_trade,
        cast(traded_days_count as bigint) as traded_days_count
    from windows_computed
)

select * from final
