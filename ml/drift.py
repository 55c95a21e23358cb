"""Whether features still look like what the models learned from."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ml.days import TraderDays

RECENT_SESSIONS = 20
_BINS = 10
# Keeps an empty bin from making the index infinite.
_FLOOR = 1e-3


def feature_drift(
    days: TraderDays, learned: np.ndarray, columns: Iterable[tuple[str, np.ndarray]]
) -> pd.DataFrame:
    """Each feature in the last sessions against the days learned from before them.

    Args:
        days: All days; their features are not looked at.
        learned: Numbers of the rows learned from.
        columns: Each feature, and its values in order of the days.

    Returns:
        feature_name, reference_mean, recent_mean, reference_null_ratio,
        recent_null_ratio, stability_index (population stability index over the
        reference's tenths and "unknown"; Siddiqi 2006; less what chance alone would
        show), recent_count. Empty while there are too few days of either.
    """
    sessions = np.unique(days.dates)
    if len(sessions) <= RECENT_SESSIONS:
        return pd.DataFrame()
    begin = sessions[-RECENT_SESSIONS]
    recent = np.flatnonzero(days.dates >= begin)
    reference = learned[days.dates[learned] < begin]
    if len(reference) < 10 * _BINS:
        return pd.DataFrame()
    rows = []
    for name, values in columns:
        then, now = values[reference], values[recent]
        known_then, known_now = then[~np.isnan(then)], now[~np.isnan(now)]
        rows.append(
            {
                "feature_name": name,
                "reference_mean": known_then.mean() if len(known_then) else None,
                "recent_mean": known_now.mean() if len(known_now) else None,
                "reference_null_ratio": 1 - len(known_then) / len(then),
                "recent_null_ratio": 1 - len(known_now) / len(now),
                "stability_index": _stability_index(then, now),
                "recent_count": len(now),
            }
        )
    return pd.DataFrame(rows)


def _stability_index(then: np.ndarray, now: np.ndarray) -> float:
    known = then[~np.isnan(then)]
    tenths = np.linspace(0, 1, _BINS + 1)[1:-1]
    edges = np.unique(np.quantile(known, tenths)) if len(known) else known
    before, after = (_shares(values, edges) for values in (then, now))
    index = ((after - before) * np.log(after / before)).sum()
    # What so few days would show if nothing had changed (Yurdakul and Naranjo 2020).
    by_chance = len(edges) * (1 / len(then) + 1 / len(now))
    return float(max(index - by_chance, 0.0))


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    is_unknown = np.isnan(values)
    # A value equal to an edge belongs to the bin below it.
    bins = np.searchsorted(edges, values[~is_unknown], side="left")
    counts = np.r_[np.bincount(bins, minlength=len(edges) + 1), is_unknown.sum()]
    return np.maximum(counts / len(values), _FLOOR)
