"""Who moves with whom, and who loses on the same days.

Of days on which both traded: a day off says nothing of whom a trader is like. Chance
makes some pair of many look alike, so correlations are shrunk, and a pair counts as
moving together only where that survives a correction for having looked at all pairs.
"""

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

LEAST_OVERLAP = 20
"""Days on which both traded; of fewer nothing is said."""
FALSE_PAIRS = 0.01
"""Share of the pairs named that may be there by chance."""
_LIMIT = 5.0
_QUANTILE = ndtri(0.95)
COLUMNS = (
    "trader_id", "other_trader_id", "overlap_days_count", "correlation",
    "correlation_low", "correlation_high", "shrunk_correlation",
    "both_lost_days_count", "expected_both_lost_days", "both_lost_p_value",
    "moves_together", "loses_together", "cluster_number",
)  # fmt: skip


def trader_correlations(traders: np.ndarray, scaled: np.ndarray) -> pd.DataFrame:
    """Every pair of traders, the one of the lower name first.

    Args:
        traders: Names, in order.
        scaled: Days x traders, P&L in usual days; NaN where a trader did not trade.

    Returns:
        `COLUMNS`; figures are NaN where fewer than `LEAST_OVERLAP` days overlap, or one
        of the two made the same on all of them.
    """
    limited = np.clip(scaled, -_LIMIT, _LIMIT)
    correlation, overlap, products = _of_pairs(limited)
    known = (overlap >= LEAST_OVERLAP) & ~np.isnan(correlation)
    shrinkage = _shrinkage(products, np.where(known, correlation, 0.0), overlap, known)
    one, other = np.triu_indices(len(traders), 1)
    is_known, days = known[one, other], overlap[one, other]
    r = np.where(is_known, correlation[one, other], np.nan)
    both, expected, chance = _losing_together(scaled < 0, ~np.isnan(scaled), one, other)
    with np.errstate(invalid="ignore", divide="ignore"):
        z, error = np.arctanh(np.clip(r, -1, 1)), 1 / np.sqrt(days - 3.0)
        low, high = np.tanh(z - _QUANTILE * error), np.tanh(z + _QUANTILE * error)
        moving = ndtr(-z / error)
    enough = days >= LEAST_OVERLAP
    together = _discoveries(np.where(is_known, moving, np.nan))
    losing = _discoveries(np.where(enough, chance, np.nan))
    return pd.DataFrame(
        {
            "trader_id": traders[one],
            "other_trader_id": traders[other],
            "overlap_days_count": days,
            "correlation": r,
            "correlation_low": np.where(is_known, low, np.nan),
            "correlation_high": np.where(is_known, high, np.nan),
            "shrunk_correlation": (1 - shrinkage) * r,
            "both_lost_days_count": np.where(enough, both, np.nan),
            "expected_both_lost_days": np.where(enough, expected, np.nan),
            "both_lost_p_value": np.where(enough, chance, np.nan),
            "moves_together": _where_known(together, is_known),
            "loses_together": _where_known(losing, enough),
            "cluster_number": _clusters(
                len(traders), one[together | losing], other[together | losing]
            )[one]
            * np.where(together | losing, 1.0, np.nan),
        },
        columns=list(COLUMNS),
    )


def shrinkage_of(values: np.ndarray) -> float:
    """How far the correlations of complete columns are to be shrunk, 0 to 1."""
    correlation, overlap, products = _of_pairs(values)
    return _shrinkage(products, correlation, overlap, np.full(overlap.shape, True))


def _of_pairs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlation, days, and sum of squared products, of the days of both."""
    there = ~np.isnan(values)
    filled, mask = np.where(there, values, 0.0), there.astype(float)
    days = mask.T @ mask
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (filled.T @ mask) / days
        square = ((filled**2).T @ mask) / days
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        deviation[deviation <= 1e-9 * np.sqrt(square)] = np.nan
        covariance = (filled.T @ filled) / days - mean * mean.T
        correlation = np.clip(covariance / (deviation * deviation.T), -1, 1)
        own = np.diag(deviation)
        centred = np.where(there, (values - np.diag(mean)) / own, 0.0)
    centred = np.nan_to_num(centred)
    return correlation, days.astype(int), (centred**2).T @ (centred**2)


def _shrinkage(
    products: np.ndarray, correlation: np.ndarray, days: np.ndarray, known: np.ndarray
) -> float:
    """Noise of all correlations over their squares, each on the days of its own pair.

    Ledoit and Wolf 2004, A well-conditioned estimator for large-dimensional covariance
    matrices, toward no correlation; where the diagonal is known: Schäfer and
    Strimmer 2005, A shrinkage approach to large-scale covariance matrix estimation.
    """
    apart = known & ~np.eye(len(known), dtype=bool)
    noise = (products / np.maximum(days, 1) - correlation**2) / np.maximum(days, 1)
    squares = (correlation[apart] ** 2).sum()
    if squares <= 0:
        return 1.0
    return float(np.clip(noise[apart].sum() / squares, 0, 1))


def _losing_together(
    lost: np.ndarray, there: np.ndarray, one: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days both lost, days expected if by chance, and how likely so many are then."""
    # Here, as below: training, which needs neither, would wait longest for its imports.
    from scipy.stats import hypergeom

    mask, losing = there.astype(float), (lost & there).astype(float)
    days = (mask.T @ mask)[one, other]
    first, second = (losing.T @ mask)[one, other], (mask.T @ losing)[one, other]
    both = (losing.T @ losing)[one, other]
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = first * second / days
    # Drawn without returning: of so many days the one lost, the other's losing days.
    return both, expected, hypergeom.sf(both - 1, days, first, second)


def _discoveries(p_values: np.ndarray) -> np.ndarray:
    """Which stand out of all (Benjamini and Hochberg 1995); unknown never do."""
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    passed = p_values[order] <= FALSE_PAIRS * np.arange(1, len(order) + 1) / len(order)
    found = np.full(len(p_values), False)
    found[order[: np.max(np.flatnonzero(passed), initial=-1) + 1]] = True
    return found


def _clusters(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Number, from 1, of the group that each is in by links to others."""
    from scipy.sparse.csgraph import connected_components

    graph = np.zeros((count, count))
    graph[one, other] = 1
    _, label = connected_components(graph, directed=False)
    linked = np.isin(np.arange(count), np.r_[one, other])
    numbers = dict.fromkeys(label[linked])
    places = {name: place for place, name in enumerate(numbers, start=1)}
    return np.array([float(places.get(name, 0)) for name in label])


def _where_known(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    found = values.astype(object)
    found[~known] = None
    return found
