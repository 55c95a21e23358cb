"""Whether behavior says anything about a trader's next day, beyond chance.

How far each behavior of a day is from usual (marts.trader_behaviour) is held against
whether the next day is lost, within each trader. By chance is what it shows when the
outcomes come in another order of dates, one order for all traders, for they lose
together. Of several behaviors each is held against the best of chance (Westfall and
Young 1993).
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from ml.metrics import auc_within

PERMUTATIONS = 200
LEVEL = 0.05
TILT = "tilt_score"
# Of a large desk not all orders are looked at at once.
_BATCHES, _SEED = 20, 7


@dataclass(frozen=True)
class Evidence:
    """What one behavior says of a loss on the next day.

    Attributes:
        days_count: Days on which it has a score and a next day is known.
        auc_within_trader: 0.5 is a coin; above it more of it goes before losses.
        null_low, null_high: Between them it lies nine times in ten by chance.
        chance: That the behavior furthest from its mean by chance is as far from it.
        verdict: In words, at `LEVEL`.
    """

    days_count: int
    auc_within_trader: float
    null_low: float
    null_high: float
    chance: float
    verdict: str


def evidence(
    behaviour: pd.DataFrame,
    traders: np.ndarray,
    dates: np.ndarray,
    label_dates: np.ndarray,
    is_loss: np.ndarray,
) -> dict[str, Evidence]:
    """What each behavior says; none that has no figure, all days of traders alike.

    Args:
        behaviour: trader_id, trade_date, behaviour, score and tilt_score.
        traders, dates: Of each evaluated day, in order of both.
        label_dates: At whose close its outcome is known.
        is_loss: Whether the next day is lost.
    """
    scores = _scores(behaviour, traders, dates)
    trader = np.unique(traders.astype(str), return_inverse=True)[1]
    is_lost = is_loss.astype(bool)
    outcomes = np.vstack([is_lost, *_in_other_orders(is_lost, trader, label_dates)])
    areas = {}
    for name, score in scores.items():
        known = ~np.isnan(score)
        found = np.concatenate(
            [
                np.atleast_1d(auc_within(some[:, known], score[known], trader[known]))
                for some in np.array_split(outcomes, _BATCHES)
            ]
        )
        if np.isfinite(found).all() and found[1:].std() > 0:
            areas[name] = found
    if not areas:
        return {}
    every = np.array([*areas.values()])
    mean, deviation = every[:, 1:].mean(axis=1), every[:, 1:].std(axis=1)
    distance = np.abs(every - mean[:, None]) / deviation[:, None]
    furthest = distance[:, 1:].max(axis=0)
    return {
        name: _told(
            int((~np.isnan(scores[name])).sum()),
            area,
            # The order that came is one of those that might have come.
            (1 + (furthest >= away).sum()) / (1 + PERMUTATIONS),
        )
        for (name, area), away in zip(areas.items(), distance[:, 0], strict=True)
    }


def as_json(found: dict[str, Evidence]) -> dict[str, dict]:
    """The same as plain values."""
    return {name: asdict(one) for name, one in found.items()}


def _told(days_count: int, area: np.ndarray, chance: float) -> Evidence:
    low, high = np.percentile(area[1:], (5, 95))
    if chance >= LEVEL:
        verdict = "not significant"
    else:
        verdict = f"{'more' if area[0] > area[1:].mean() else 'less'} before losses"
    return Evidence(
        days_count, float(area[0]), float(low), float(high), float(chance), verdict
    )


def _scores(
    behaviour: pd.DataFrame, traders: np.ndarray, dates: np.ndarray
) -> dict[str, np.ndarray]:
    """Of the evaluated days, by behavior, with their mean first; NaN where unknown."""
    keys = ["trader_id", "trade_date"]
    wide = behaviour.pivot(index=keys, columns="behaviour", values="score")
    wide.insert(0, TILT, behaviour.groupby(keys)[TILT].first())
    days = pd.MultiIndex.from_arrays([traders, dates], names=keys)
    found = wide.reindex(days)
    return {str(name): found[name].to_numpy(dtype=float) for name in found}


def _in_other_orders(
    is_loss: np.ndarray, trader: np.ndarray, label_dates: np.ndarray
) -> list[np.ndarray]:
    """Each trader's outcomes, all traders' dates in one random order each time."""
    draw = np.random.default_rng(_SEED)
    distinct, date = np.unique(label_dates, return_inverse=True)
    return [
        is_loss[np.lexsort((draw.random(len(distinct))[date], trader))]
        for _ in range(PERMUTATIONS)
    ]
