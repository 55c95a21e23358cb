"""The bad days of a scope, the desk or a part of it, and whose they are.

Value at risk is the quantile of the scope's scenarios, expected shortfall the mean of
those beyond it. A trader's part of it is the mean of what the trader made in the same
scenarios, so that parts add up (component expected shortfall: Tasche 1999, Risk
contributions and performance measurement). Losses are negative, as everywhere.
"""

import numpy as np

from ml.desk import TAIL, Scenarios

FAR_TAIL = 0.025
"""One session in forty: only with its interval, for 500 scenarios leave twelve days."""
_INTERVAL = (5, 95)
_REPLICATES = 400
_SEED = 0


def tail_weights(total: np.ndarray, share: float) -> np.ndarray:
    """How much of the tail each scenario is; they add up to 1.

    The worst `share` of them, the last one in part where that is no whole number
    (Acerbi and Tasche 2002, On the coherence of expected shortfall). Equal totals are
    so alike that they share alike.
    """
    order = np.argsort(total, kind="stable")
    weights = np.empty(len(total))
    weights[order] = _sorted_weights(len(total), share)
    _, group, counts = np.unique(total, return_inverse=True, return_counts=True)
    return (np.bincount(group, weights) / counts)[group]


def shortfalls(pnl: np.ndarray, share: float = TAIL) -> np.ndarray:
    """Expected shortfall of each column of scenarios."""
    return _sorted_weights(len(pnl), share) @ np.sort(pnl, axis=0)


def shortfall_interval(total: np.ndarray, share: float) -> tuple[float, float]:
    """Between what the shortfall lies nine times in ten, had other days been drawn."""
    count = len(total)
    drawn = np.random.default_rng(_SEED).multinomial(
        count, np.full(count, 1 / count), _REPLICATES
    )
    ends = np.minimum(np.cumsum(drawn, axis=1) / count, share)
    weights = np.diff(ends, axis=1, prepend=0.0) / share
    low, high = np.percentile(weights @ np.sort(total), _INTERVAL)
    return float(low), float(high)


def scope_figures(scenarios: Scenarios) -> dict[str, float]:
    """Tail, diversification and common movement of some traders taken together.

    Returns:
        Columns of ml.desk_risk; NaN where it is not known: all without scenarios, the
        last two of a single trader, or where nobody ever loses.
    """
    if not len(scenarios):
        return {}
    pnl, total = scenarios.pnl, scenarios.pnl.sum(axis=1)
    shortfall, far = (float(shortfalls(total, share)) for share in (TAIL, FAR_TAIL))
    low, high = shortfall_interval(total, TAIL)
    far_low, far_high = shortfall_interval(total, FAR_TAIL)
    return {
        "value_at_risk_pnl": float(np.quantile(total, TAIL)),
        "expected_shortfall_pnl": in_cents(shortfall) / 100,
        "expected_shortfall_low": low,
        "expected_shortfall_high": high,
        "far_shortfall_pnl": far,
        "far_shortfall_low": far_low,
        "far_shortfall_high": far_high,
        "diversification_ratio": _diversification(shortfall, shortfalls(pnl)),
        "first_component_share": first_component_share(pnl),
    }


def contributions(scenarios: Scenarios) -> dict[str, np.ndarray]:
    """What each trader of the scope has of its tail.

    Returns:
        Columns of ml.desk_risk_contributions. Contributions add up to the scope's
        expected shortfall to the cent.
    """
    pnl, total = scenarios.pnl, scenarios.pnl.sum(axis=1)
    weights = tail_weights(total, TAIL)
    without = total[:, None] - pnl
    return {
        "trader_id": scenarios.traders,
        "expected_shortfall_contribution": _adding_up(
            weights @ pnl, in_cents(float(shortfalls(total)))
        ),
        "own_value_at_risk_pnl": np.quantile(pnl, TAIL, axis=0),
        "own_expected_shortfall_pnl": shortfalls(pnl),
        "value_at_risk_without_pnl": np.quantile(without, TAIL, axis=0),
        "expected_shortfall_without_pnl": shortfalls(without),
        "traded_tail_share": weights @ scenarios.traded,
    }


def first_component_share(pnl: np.ndarray) -> float:
    """Share of the movement of all that is one common movement.

    Of the correlations of those who move at all: 1 where all move as one, one over
    their number where each moves alone. No trade is no movement. NaN of fewer than
    two.
    """
    moving = pnl[:, pnl.std(axis=0) > 0]
    if moving.shape[1] < 2:
        return np.nan
    correlations = np.corrcoef(moving, rowvar=False)
    return float(np.linalg.eigvalsh(correlations)[-1] / len(correlations))


def in_cents(amount: float) -> int:
    """Dollars in whole cents."""
    return round(100 * amount)


def _diversification(shortfall: float, own: np.ndarray) -> float:
    """How many times the scope's shortfall its traders' own ones come to."""
    is_known = len(own) > 1 and shortfall < 0
    return float(own.sum() / shortfall) if is_known else np.nan


def _sorted_weights(count: int, share: float) -> np.ndarray:
    ends = np.minimum(np.arange(count + 1) / count, share)
    return np.diff(ends) / share


def _adding_up(parts: np.ndarray, whole: int) -> np.ndarray:
    """Dollars to the cent that add up to so many cents: largest remainders go up."""
    cents = np.floor(100 * parts)
    missing = whole - int(cents.sum())
    first = np.argsort(-(100 * parts - cents), kind="stable")
    cents[first[:missing]] += 1
    return cents / 100
