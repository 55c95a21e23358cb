"""What AUC within a trader would be if the order of days meant nothing.

A running rate ranks a trader's own days below 0.5 by arithmetic alone: a loss that is
in the record cannot come again. So the figure is held against the same model on the
same days in random orders.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from ml.days import KINDS, LEAST_SIZE, NOT_LOST, TraderDays, kind_of
from ml.metrics import auc_within
from ml.outputs import BREACHES
from ml.reference import HALF_LIFE_DAYS, LossRecord, Reference, loss_record_weight

PERMUTATIONS = 40
_SEED = 7


@dataclass(frozen=True)
class Null:
    """AUC within a trader over random orders: mean and standard deviation."""

    mean: float
    deviation: float


def nulls(
    days: TraderDays, rows: np.ndarray, permutations: int = PERMUTATIONS
) -> dict[str, Null]:
    """The reference model's AUC within a trader, by target, days in random order.

    Its constants are those of what was known before the first of the rows.

    Args:
        days: All days.
        rows: Numbers of the evaluated ones.
    """
    known = days.known(days.dates[rows].min())
    if not len(known):
        return {}
    reference = Reference.fit(days, known)
    draw = np.random.default_rng(_SEED)
    traders = np.unique(days.traders.astype(str), return_inverse=True)[1]
    found: dict[str, list[float]] = {}
    for _ in range(permutations):
        order = np.lexsort((draw.random(len(days)), traders))
        net, gross = days.net[order], days.gross[order]
        distribution = reference.predict(
            loss_record_of(kind_of(gross, net), net, days.number, traders).at(rows)
        )
        after = rows + 1
        outcome, outcome_gross = net[after], gross[after]
        chances = {
            "loss": (distribution.loss, outcome < 0),
            "realised_loss": (distribution.realised_loss, outcome_gross < 0),
        }
        for output in BREACHES:
            limit = days.threshold(output)[rows]
            chance = distribution.lost_more_than(limit)
            chances[output] = (chance, outcome < -limit)
        for target, (chance, is_event) in chances.items():
            area = auc_within(is_event.astype(float), chance, days.traders[rows])
            found.setdefault(target, []).append(float(area))
    return {
        target: Null(float(np.mean(areas)), float(np.std(areas)))
        for target, areas in found.items()
    }


def loss_record_of(
    kind: np.ndarray, net: np.ndarray, number: np.ndarray, traders: np.ndarray
) -> LossRecord:
    """The record that feat_trader_day_losses computes, of days in any order.

    Args:
        kind: Which of `KINDS` each day is.
        net: Net dollars.
        number: How many days the trader has had.
        traders: Numbers of the traders, whose days lie together.
    """
    size = np.log(np.maximum(np.abs(net), LEAST_SIZE))
    counts, sums = [], []
    for one in range(len(KINDS)):
        is_kind = (kind == one) & ((net > 0) | (one != NOT_LOST))
        counts.append(_decayed(is_kind.astype(float), traders))
        sums.append(_decayed(np.where(is_kind, size, 0.0), traders))
    weight = loss_record_weight(number)
    count = np.column_stack(counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        sizes = np.where(count > 1e-9, np.column_stack(sums) / count, np.nan)
    return LossRecord(weight, count / weight[:, None], sizes)


def _decayed(values: np.ndarray, traders: np.ndarray) -> np.ndarray:
    """Exponentially weighted sums of each trader's values so far."""
    decay = 0.5 ** (1 / HALF_LIFE_DAYS)
    starts = np.flatnonzero(np.r_[True, traders[1:] != traders[:-1]])
    return np.concatenate(
        [lfilter([1.0], [1.0, -decay], part) for part in np.split(values, starts[1:])]
    )
