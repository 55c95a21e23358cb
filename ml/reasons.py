"""Why a prediction is what it is, in words: exact tree contributions, in dollars."""

import numpy as np

from ml.features import SCALE

SHOWN = 3
MINUS = "\N{MINUS SIGN}"

PHRASES = {
    "net_pnl": "last day made ${:,.0f}",
    "net_pnl_scaled": "last day at {:+.1f} of a usual day",
    "pnl_scale_20d": "a usual day moves ${:,.0f}",
    "fills_count": "{:,.0f} fills",
    "orders_count": "{:,.0f} orders",
    "closed_trips_count": "{:,.0f} trips closed",
    "fills_vs_20d_ratio": "{:.1f} times the usual number of fills",
    "active_minutes": "active for {:,.0f} minutes",
    "mean_holding_minutes": "held for {:,.0f} minutes on average",
    "morning_fills_ratio": "{:.0%} of fills in the morning",
    "afternoon_fills_ratio": "{:.0%} of fills in the afternoon",
    "symbols_count": "{:,.0f} symbols",
    "symbol_concentration": "symbol concentration {:.2f}",
    "open_symbols_count": "{:,.0f} positions held overnight",
    "bought_notional_ratio": "{:.0%} of dollars traded were bought",
    "mean_fill_notional": "${:,.0f} a fill",
    "fill_size_variation": "size varies by {:.0%} of its mean",
    "fill_size_vs_20d_ratio": "{:.1f} times the usual size",
    "notional_vs_20d_ratio": "{:.1f} times the usual dollars traded",
    "net_pnl_sum_3d": "last 3 days made ${:,.0f}",
    "net_pnl_sum_5d": "last 5 days made ${:,.0f}",
    "net_pnl_sum_10d": "last 10 days made ${:,.0f}",
    "net_pnl_sum_20d": "last 20 days made ${:,.0f}",
    "net_pnl_momentum_3d": "mean of 3 days at {:+.2f} of a usual day",
    "net_pnl_momentum_5d": "mean of 5 days at {:+.2f} of a usual day",
    "net_pnl_momentum_10d": "mean of 10 days at {:+.2f} of a usual day",
    "net_pnl_momentum_20d": "mean of 20 days at {:+.2f} of a usual day",
    "net_pnl_volatility_5d": "5 days' volatility {:.1f} of a usual day",
    "net_pnl_volatility_10d": "10 days' volatility {:.1f} of a usual day",
    "net_pnl_volatility_20d": "20 days' volatility {:.1f} of a usual day",
    "worst_day_20d_scaled": "worst of 20 days at {:+.1f} of a usual day",
    "best_day_20d_scaled": "best of 20 days at {:+.1f} of a usual day",
    "win_streak_days": "{:,.0f} winning days in a row",
    "loss_streak_days": "{:,.0f} losing days in a row",
    "loss_day_ratio_to_date": "{:.0%} of all days lost",
    "loss_day_ratio_20d": "{:.0%} of 20 days lost",
    "trip_win_ratio": "{:.0%} of trips won",
    "trip_win_ratio_20d": "{:.0%} of trips won in 20 days",
    "won_trips_pnl_ratio": "{:.0%} of trip dollars were gains",
    "worst_trip_scaled": "worst trip at {:+.1f} of a usual day",
    "fee_share_of_gross": "fees at {:.0%} of gross",
    "fee_share_of_gross_20d": "fees at {:.0%} of gross in 20 days",
    "day_of_week": "weekday {:.0f} (Sunday 0)",
    "days_since_previous_trade": "{:,.0f} days between trading days",
    "traded_days_count": "{:,.0f} days of history",
}


def reasons(
    names: tuple[str, ...], values: np.ndarray, dollars: np.ndarray, predicted: float
) -> str:
    """The features that moved a prediction most its way, strongest first.

    Args:
        names: Features in training order.
        values: Their values; NaN where unknown.
        dollars: What each added to the prediction (Lundberg and Lee 2017, exact
            for trees).
        predicted: The prediction, in dollars.
    """
    # What pushes the way the call goes comes first; a trader's scale is no reason.
    way = -1.0 if predicted < 0 else 1.0
    strength = np.where(np.array(names) == SCALE, 0.0, np.abs(dollars))
    order = np.lexsort((-strength, dollars * way < 0))[:SHOWN]
    return "; ".join(
        f"{describe(names[index], values[index])} ({_signed(dollars[index])})"
        for index in order
        if round(strength[index])
    )


def describe(name: str, value: float) -> str:
    """A feature and its value in words."""
    if np.isnan(value):
        return f"{name.replace('_', ' ')} unknown"
    text = PHRASES.get(name, name.replace("_", " ") + " {:.3g}").format(value)
    return text.replace("$-", "-$").replace("-", MINUS)


def _signed(dollars: float) -> str:
    return f"{'+' if dollars >= 0 else MINUS}${abs(dollars):,.0f}"
