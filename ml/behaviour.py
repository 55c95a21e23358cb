"""Whether behavior says anything about a trader's next day, beyond chance.

How far each behavior of a day is from usual (marts.trader_behaviour) is held against
the outcome of the next day, within each trader. By chance is what it shows when the
outcomes come in another order of dates, one order for all traders, for they lose
together. Each of several behaviors and outcomes is held against the best of chance
(Westfall and Young 1993).
"""

from collections.abc import Mapping
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
    """What one behavior says of one outcome of the next day.

    Attributes:
        target: The outcome.
        behaviour: As marts.trader_behaviour names it; `TILT` is the mean of all.
        days_count: Days on which it has a score and the next day is known.
        auc_within_trader: 0.5 is a coin; above it more of it goes before the outcome.
        null_low, null_high: Between them it lies nine times in ten by chance.
        chance: That of all that are looked at the one furthest from its mean by chance
            is as far from it.
        verdict: In words, at `LEVEL`.
    """

    target: str
    behaviour: str
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
    outcomes: Mapping[str, np.ndarray],
) -> list[Evidence]:
    """What each behavior says of each outcome; nothing where all days are alike.

    Args:
        behaviour: trader_id, trade_date, behaviour, score and tilt_score.
        traders, dates: Of each evaluated day.
        label_dates: At whose close its outcome is known.
        outcomes: By name, whether it came, of each day.
    """
    trader = np.unique(traders.astype(str), return_inverse=True)[1]
    order = np.lexsort((dates, trader))
    trader = trader[order]
    scores = _scores(behaviour, traders[order], dates[order])
    others = _other_orders(trader, label_dates[order])
    areas = {}
    for target, is_event in outcomes.items():
        came = is_event[order].astype(bool)[np.vstack([np.arange(len(order)), *others])]
        for name, score in scores.items():
            known = ~np.isnan(score)
            found = np.concatenate(
                [
                    np.atleast_1d(
                        auc_within(some[:, known], score[known], trader[known])
                    )
                    for some in np.array_split(came, _BATCHES)
                ]
            )
            if np.isfinite(found).all() and found[1:].std() > 0:
                areas[target, name] = found
    if not areas:
        return []
    every = np.array([*areas.values()])
    mean, deviation = every[:, 1:].mean(axis=1), every[:, 1:].std(axis=1)
    distance = np.abs(every - mean[:, None]) / deviation[:, None]
    furthest = distance[:, 1:].max(axis=0)
    # The order that came is one of those that might have come.
    chances = [(1 + (furthest >= away).sum()) / (1 + PERMUTATIONS)
               for away in distance[:, 0]]  # fmt: skip
    return [
        Evidence(
            target=target,
            behaviour=name,
            days_count=int((~np.isnan(scores[name])).sum()),
            auc_within_trader=float(area[0]),
            null_low=float(np.percentile(area[1:], 5)),
            null_high=float(np.percentile(area[1:], 95)),
            chance=float(chance),
            verdict=_verdict(area, chance),
        )
        for ((target, name), area), chance in zip(areas.items(), chances, strict=True)
    ]


def as_json(found: list[Evidence]) -> list[dict]:
    """The same as plain values."""
    return [asdict(one) for one in found]


def _verdict(area: np.ndarray, chance: float) -> str:
    if chance >= LEVEL:
        return "not significant"
    return f"{'more' if area[0] > area[1:].mean() else 'less'} of it before"


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


def _other_orders(trader: np.ndarray, label_dates: np.ndarray) -> list[np.ndarray]:
    """Whose outcome each day gets: the same trader's, all dates in one random order."""
    draw = np.random.default_rng(_SEED)
    distinct, date = np.unique(label_dates, return_inverse=True)
    return [
        np.lexsort((draw.random(len(distinct))[date], trader))
        for _ in range(PERMUTATIONS)
    ]
