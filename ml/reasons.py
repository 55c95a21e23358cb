"""Why a forecast is what it is, in words: what each feature added, in dollars."""

import numpy as np

from ml.features import SCALE

SHOWN = 3
SHOWN_CHANGES = 2
MINUS = "\N{MINUS SIGN}"

PHRASES = {
    "net_pnl": "last day made ${:,.0f}",
    "net_pnl_scaled": "last day at {:+.1f} of a usual day",
    "pnl_scale_20d": "a usual day moves ${:,.0f}",
    "net_pnl_sum_3d": "last 3 days made ${:,.0f}",
    "net_pnl_momentum_3d": "mean of 3 days at {:+.2f} of a usual day",
    "net_pnl_volatility_3d": "3 days' volatility {:.1f} of a usual day",
    "net_pnl_sum_5d": "last 5 days made ${:,.0f}",
    "net_pnl_momentum_5d": "mean of 5 days at {:+.2f} of a usual day",
    "net_pnl_volatility_5d": "5 days' volatility {:.1f} of a usual day",
    "net_pnl_sum_10d": "last 10 days made ${:,.0f}",
    "net_pnl_momentum_10d": "mean of 10 days at {:+.2f} of a usual day",
    "net_pnl_volatility_10d": "10 days' volatility {:.1f} of a usual day",
    "net_pnl_sum_20d": "last 20 days made ${:,.0f}",
    "net_pnl_momentum_20d": "mean of 20 days at {:+.2f} of a usual day",
    "net_pnl_volatility_20d": "20 days' volatility {:.1f} of a usual day",
    "net_pnl_sum_60d": "last 60 days made ${:,.0f}",
    "net_pnl_momentum_60d": "mean of 60 days at {:+.2f} of a usual day",
    "net_pnl_volatility_60d": "60 days' volatility {:.1f} of a usual day",
    "net_pnl_ewm_momentum_5d": "lately (some 5 days) at {:+.2f} of a usual day",
    "net_pnl_ewm_volatility_5d": "volatility of some 5 days {:.1f} of a usual day",
    "net_pnl_ewm_momentum_20d": "lately (some 20 days) at {:+.2f} of a usual day",
    "net_pnl_ewm_volatility_20d": "volatility of some 20 days {:.1f} of a usual day",
    "drawdown_scaled": "{:.1f} usual days below the peak",
    "drawdown_ratio": "drawdown at {:.0%} of the peak",
    "drawdown_age_days": "{:,.0f} days since the peak",
    "win_streak_days": "{:,.0f} winning days in a row",
    "loss_streak_days": "{:,.0f} losing days in a row",
    "loss_day_ratio_to_date": "{:.0%} of all days lost",
    "loss_day_ratio_20d": "{:.0%} of 20 days lost",
    "loss_day_ratio_60d": "{:.0%} of 60 days lost",
    "loss_day_ratio_ewm_5d": "lately (some 5 days) {:.0%} of days lost",
    "loss_day_ratio_ewm_20d": "lately (some 20 days) {:.0%} of days lost",
    "best_day_20d_scaled": "best of 20 days at {:+.1f} of a usual day",
    "worst_day_20d_scaled": "worst of 20 days at {:+.1f} of a usual day",
    "trip_win_ratio": "{:.0%} of trips won",
    "trip_win_ratio_20d": "{:.0%} of trips won in 20 days",
    "won_trips_pnl_ratio": "{:.0%} of trip dollars were gains",
    "worst_trip_scaled": "worst trip at {:+.1f} of a usual day",
    "payoff_ratio_20d": "winners {:.1f} times losers in 20 days",
    "profit_factor_20d": "profit factor {:.1f} in 20 days",
    "fee_share_of_gross": "fees at {:.0%} of gross",
    "fee_share_of_gross_20d": "fees at {:.0%} of gross in 20 days",
    "fee_rate_vs_20d_ratio": "fees {:.1f} times the usual per dollar",
    "days_since_previous_trade": "{:,.0f} days between trading days",
    "sessions_missed": "{:,.0f} sessions missed before",
    "traded_days_count": "{:,.0f} days of history",
    "tenure_days": "{:,.0f} days since the first trade",
    "fills_count": "{:,.0f} fills",
    "orders_count": "{:,.0f} orders",
    "opened_trips_count": "{:,.0f} trips opened",
    "closed_trips_count": "{:,.0f} trips closed",
    "fills_vs_20d_ratio": "{:.1f} times the usual number of fills",
    "trips_vs_20d_ratio": "{:.1f} times the usual number of trips",
    "active_minutes": "active for {:,.0f} minutes",
    "active_minutes_vs_20d_ratio": "active {:.1f} times as long as usual",
    "mean_seconds_between_fills": "{:,.0f} seconds between fills",
    "fill_gap_variation": "gaps between fills vary by {:.0%} of their mean",
    "mean_minutes_between_trips": "{:,.0f} minutes between trips",
    "trip_tempo_vs_20d_ratio": "{:.1f} times the usual time between trips",
    "first_hour_fills_ratio": "{:.0%} of fills in the first hour",
    "morning_fills_ratio": "{:.0%} of fills in the morning",
    "afternoon_fills_ratio": "{:.0%} of fills in the afternoon",
    "last_hour_fills_ratio": "{:.0%} of fills in the last hour",
    "outside_hours_fills_ratio": "{:.0%} of fills outside the session",
    "busiest_hour_fills_ratio": "{:.0%} of fills in one hour",
    "time_entropy": "fills spread over the day by {:.2f} (1 is evenly)",
    "symbols_count": "{:,.0f} symbols",
    "symbols_vs_20d_ratio": "{:.1f} times the usual number of symbols",
    "symbol_concentration": "symbol concentration {:.2f}",
    "symbol_concentration_vs_20d_ratio": "{:.1f} times as concentrated as usual",
    "top_symbol_notional_ratio": "{:.0%} of dollars in one symbol",
    "new_symbols_ratio": "{:.0%} of symbols never traded before",
    "mean_fill_notional": "${:,.0f} a fill",
    "fill_size_variation": "size varies by {:.0%} of its mean",
    "fill_size_vs_20d_ratio": "{:.1f} times the usual size",
    "notional_vs_20d_ratio": "{:.1f} times the usual dollars traded",
    "mean_trip_notional": "${:,.0f} a trip",
    "trip_size_variation": "trip size varies by {:.0%} of its mean",
    "trip_size_vs_20d_ratio": "{:.1f} times the usual trip size",
    "largest_trip_vs_20d_ratio": "largest trip {:.1f} times the usual size",
    "size_creep_5d_vs_20d_ratio": "size of 5 days {:.1f} times that of 20",
    "intraday_size_creep_ratio": "later trips {:.1f} times the earlier ones' size",
    "long_trips_ratio": "{:.0%} of trips were long",
    "bought_notional_ratio": "{:.0%} of dollars traded were bought",
    "mean_holding_minutes": "held for {:,.0f} minutes on average",
    "mean_winner_holding_minutes": "winners held for {:,.0f} minutes",
    "mean_loser_holding_minutes": "losers held for {:,.0f} minutes",
    "disposition_ratio": "losers held {:.1f} times as long as winners",
    "disposition_ratio_20d": "losers held {:.1f} times as long in 20 days",
    "averaging_down_trips_ratio": "{:.0%} of trips added to at a loss",
    "averaging_down_trips_ratio_20d": "{:.0%} of trips added to at a loss in 20 days",
    "open_symbols_count": "{:,.0f} positions held overnight",
    "overnight_notional_ratio": "{:.0%} of the day's dollars held overnight",
    "carried_trips_ratio": "{:.0%} of trips came from an earlier day",
    "overnight_days_ratio_20d": "{:.0%} of 20 days ended with a position",
    "losing_trips_count": "{:,.0f} losing trips",
    "reentry_after_loss_ratio": "{:.0%} of losses followed by a trade within minutes",
    "reentry_after_win_ratio": "{:.0%} of wins followed by a trade within minutes",
    "size_after_loss_vs_win_ratio": "size after losses {:.1f} times that after wins",
    "size_after_loss_vs_win_ratio_20d": "size after losses {:.1f} of after wins (20 d)",
    "usual_stop_pnl": "losing days usually turn at ${:,.0f}",
    "usual_stop_scaled": "losing days usually turn at {:+.1f} of a usual day",
    "past_stop_fills_ratio": "{:.0%} of fills after the usual stop",
    "past_stop_days_ratio_20d": "{:.0%} of 20 days went past the usual stop",
    "trough_scaled": "lowest point at {:+.1f} of a usual day",
    "max_drawdown_scaled": "fell by {:.1f} of a usual day within the day",
    "give_back_ratio": "{:.0%} of the day's peak given back",
    "others_traders_count": "{:,.0f} other traders active",
    "others_net_pnl_scaled": "the desk's others at {:+.2f} of a usual day",
    "others_loss_ratio": "{:.0%} of the desk's others lost",
    "others_activity_ratio": "the desk's others {:.1f} times as active as usual",
    "day_of_week": "weekday {:.0f} (Sunday 0)",
    "is_session": "exchange open: {:.0f}",
    "is_early_close": "early close: {:.0f}",
    "sessions_to_month_end": "{:,.0f} sessions to the month's end",
    "is_month_end": "month's last session: {:.0f}",
}


def reasons(
    names: tuple[str, ...], values: np.ndarray, dollars: np.ndarray, predicted: float
) -> str:
    """The features that moved a prediction most its way, strongest first.

    Args:
        names: Features in training order.
        values: Their values; NaN where unknown.
        dollars: What each added to the prediction.
        predicted: The prediction, in dollars.
    """
    return "; ".join(_told(names, values, dollars, predicted, SHOWN))


def changes(
    names: tuple[str, ...],
    values: np.ndarray,
    moved: np.ndarray,
    now: float,
    before: float,
) -> str:
    """What changed since the trader's previous traded day, by the same model.

    Args:
        names: Features in training order.
        values: Their values now; NaN where unknown.
        moved: By how many dollars each adds more than it did.
        now: The prediction, in dollars.
        before: What the same model said the day before.
    """
    told = _told(names, values, moved, now - before, SHOWN_CHANGES)
    return f"{_signed(now - before)}" + (f", by {'; '.join(told)}" if told else "")


def _told(
    names: tuple[str, ...],
    values: np.ndarray,
    dollars: np.ndarray,
    whole: float,
    count: int,
) -> list[str]:
    # What pushes the way the forecast goes comes first; a trader's scale is no reason.
    way = -1.0 if whole < 0 else 1.0
    strength = np.where(np.array(names) == SCALE, 0.0, np.abs(dollars))
    order = np.lexsort((-strength, dollars * way < 0))[:count]
    return [
        f"{describe(names[index], values[index])} ({_signed(dollars[index])})"
        for index in order
        if round(strength[index])
    ]


def describe(name: str, value: float) -> str:
    """A feature and its value in words."""
    if np.isnan(value):
        return f"{name.replace('_', ' ')} unknown"
    text = PHRASES.get(name, name.replace("_", " ") + " {:.3g}").format(value)
    return text.replace("$-", "-$").replace("-", MINUS)


def _signed(dollars: float) -> str:
    return f"{'+' if dollars >= 0 else MINUS}${abs(dollars):,.0f}"
