{#
    Grain: one row per trader and traded day D.
    All features, side by side: what the models learn from. Each theme is a mart of its
    own, which says how its features come about; every column is known at the close of D.
#}
with

pnl as (
    select * from {{ ref('feat_trader_day_pnl') }}
),

activity as (
    select * from {{ ref('feat_trader_day_activity') }}
),

symbols as (
    select * from {{ ref('feat_trader_day_symbols') }}
),

sizing as (
    select * from {{ ref('feat_trader_day_sizing') }}
),

positions as (
    select * from {{ ref('feat_trader_day_positions') }}
),

tilt as (
    select * from {{ ref('feat_trader_day_tilt') }}
),

context as (
    select * from {{ ref('feat_trader_day_context') }}
),

final as (
    select
        ---------- keys
        pnl.trader_id,
        pnl.trade_date,
        ---------- P&L
        pnl.net_pnl,
        pnl.net_pnl_scaled,
        pnl.pnl_scale_20d,
        pnl.net_pnl_sum_3d,
        pnl.net_pnl_momentum_3d,
        pnl.net_pnl_volatility_3d,
        pnl.net_pnl_sum_5d,
        pnl.net_pnl_momentum_5d,
        pnl.net_pnl_volatility_5d,
        pnl.net_pnl_sum_10d,
        pnl.net_pnl_momentum_10d,
        pnl.net_pnl_volatility_10d,
        pnl.net_pnl_sum_20d,
        pnl.net_pnl_momentum_20d,
        pnl.net_pnl_volatility_20d,
        pnl.net_pnl_sum_60d,
        pnl.net_pnl_momentum_60d,
        pnl.net_pnl_volatility_60d,
        pnl.net_pnl_ewm_momentum_5d,
        pnl.net_pnl_ewm_volatility_5d,
        pnl.net_pnl_ewm_momentum_20d,
        pnl.net_pnl_ewm_volatility_20d,
        pnl.drawdown_scaled,
        pnl.drawdown_ratio,
        pnl.drawdown_age_days,
        pnl.win_streak_days,
        pnl.loss_streak_days,
        pnl.loss_day_ratio_to_date,
        pnl.loss_day_ratio_20d,
        pnl.loss_day_ratio_60d,
        pnl.loss_day_ratio_ewm_5d,
        pnl.loss_day_ratio_ewm_20d,
        pnl.best_day_20d_scaled,
        pnl.worst_day_20d_scaled,
        pnl.trip_win_ratio,
        pnl.trip_win_ratio_20d,
        pnl.won_trips_pnl_ratio,
        pnl.worst_trip_scaled,
        pnl.payoff_ratio_20d,
        pnl.profit_factor_20d,
        pnl.fee_share_of_gross,
        pnl.fee_share_of_gross_20d,
        pnl.fee_rate_vs_20d_ratio,
        pnl.days_since_previous_trade,
        pnl.sessions_missed,
        pnl.traded_days_count,
        pnl.tenure_days,
        ---------- activity
        activity.fills_count,
        activity.orders_count,
        activity.opened_trips_count,
        activity.closed_trips_count,
        activity.fills_vs_20d_ratio,
        activity.trips_vs_20d_ratio,
        activity.active_minutes,
        activity.active_minutes_vs_20d_ratio,
        activity.mean_seconds_between_fills,
        activity.fill_gap_variation,
        activity.mean_minutes_between_trips,
        activity.trip_tempo_vs_20d_ratio,
        activity.first_hour_fills_ratio,
        activity.morning_fills_ratio,
        activity.afternoon_fills_ratio,
        activity.last_hour_fills_ratio,
        activity.outside_hours_fills_ratio,
        activity.busiest_hour_fills_ratio,
        activity.time_entropy,
        ---------- symbols
        symbols.symbols_count,
        symbols.symbols_vs_20d_ratio,
        symbols.symbol_concentration,
        symbols.symbol_concentration_vs_20d_ratio,
        symbols.top_symbol_notional_ratio,
        symbols.new_symbols_ratio,
        ---------- size
        sizing.mean_fill_notional,
        sizing.fill_size_variation,
        sizing.fill_size_vs_20d_ratio,
        sizing.notional_vs_20d_ratio,
        sizing.mean_trip_notional,
        sizing.trip_size_variation,
        sizing.trip_size_vs_20d_ratio,
        sizing.largest_trip_vs_20d_ratio,
        sizing.size_creep_5d_vs_20d_ratio,
        sizing.intraday_size_creep_ratio,
        ---------- positions
        positions.long_trips_ratio,
        positions.bought_notional_ratio,
        positions.mean_holding_minutes,
        positions.mean_winner_holding_minutes,
        positions.mean_loser_holding_minutes,
        positions.disposition_ratio,
        positions.disposition_ratio_20d,
        positions.averaging_down_trips_ratio,
        positions.averaging_down_trips_ratio_20d,
        positions.open_symbols_count,
        positions.overnight_notional_ratio,
        positions.carried_trips_ratio,
        positions.overnight_days_ratio_20d,
        ---------- after losses
        tilt.losing_trips_count,
        tilt.reentry_after_loss_ratio,
        tilt.reentry_after_win_ratio,
        tilt.size_after_loss_vs_win_ratio,
        tilt.size_after_loss_vs_win_ratio_20d,
        tilt.usual_stop_pnl,
        tilt.usual_stop_scaled,
        tilt.past_stop_fills_ratio,
        tilt.past_stop_days_ratio_20d,
        tilt.trough_scaled,
        tilt.max_drawdown_scaled,
        tilt.give_back_ratio,
        ---------- context
        context.others_traders_count,
        context.others_net_pnl_scaled,
        context.others_loss_ratio,
        context.others_activity_ratio,
        context.day_of_week,
        context.is_session,
        context.is_early_close,
        context.sessions_to_month_end,
        context.is_month_end
    from pnl
    inner join activity
        on
            pnl.trader_id = activity.trader_id
            and pnl.trade_date = activity.trade_date
    inner join symbols
        on
            pnl.trader_id = symbols.trader_id
            and pnl.trade_date = symbols.trade_date
    inner join sizing
        on
            pnl.trader_id = sizing.trader_id
            and pnl.trade_date = sizing.trade_date
    inner join positions
        on
            pnl.trader_id = positions.trader_id
            and pnl.trade_date = positions.trade_date
    inner join tilt
        on
            pnl.trader_id = tilt.trader_id
            and pnl.trade_date = tilt.trade_date
    inner join context
        on
            pnl.trader_id = context.trader_id
            and pnl.trade_date = context.trade_date
)

select * from final
