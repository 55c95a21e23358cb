"""Grouped effects: what a trader, and a trader's group, add to the global model.

A generalised linear mixed model on the log-odds of the global model: each trader and
each group has an intercept, normal around nothing, so that few days move it little.
Posterior modes by Newton steps, their variances by the EM algorithm on Laplace's
approximation (Breslow and Clayton 1993).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.calibration import sigmoid

_ROUNDS = 30
_CLOSE = 1e-6
# What variances begin with: a standard deviation of 0.3 on log-odds.
_VARIANCE = 0.1


@dataclass(frozen=True)
class GroupedEffects:
    """Intercepts on log-odds.

    Attributes:
        traders: By trader; nothing for who was not there.
        groups: By group of traders.
    """

    traders: Mapping[str, float]
    groups: Mapping[str, float]

    @classmethod
    def fit(
        cls,
        score: np.ndarray,
        is_event: np.ndarray,
        traders: np.ndarray,
        groups: np.ndarray,
    ) -> "GroupedEffects":
        """Learn from rows whose outcome is known.

        Args:
            score: Log-odds that the effects add to.
            is_event: 1.0 or 0.0.
            traders: Whose rows.
            groups: Their groups; "" is a group of its own, without effect.
        """
        names, number = _numbered(traders)
        group_names, group_number = _numbered(groups)
        own, shared = np.zeros(len(names)), np.zeros(len(group_names))
        is_free = np.array([name != "" for name in group_names], dtype=float)
        variances = [_VARIANCE, _VARIANCE]
        for _ in range(_ROUNDS):
            before = own.copy(), shared.copy()
            own, variances[0] = _step(
                own, score + shared[group_number], is_event, number, variances[0]
            )
            shared, variances[1] = _step(
                shared, score + own[number], is_event, group_number, variances[1]
            )
            shared = shared * is_free
            moved = max(np.abs(own - before[0]).max(), np.abs(shared - before[1]).max())
            if moved < _CLOSE:
                break
        return cls(
            dict(zip(names, own.tolist(), strict=True)),
            dict(zip(group_names, shared.tolist(), strict=True)),
        )

    def predict(
        self, score: np.ndarray, traders: np.ndarray, groups: np.ndarray
    ) -> np.ndarray:
        """Probabilities of rows with these log-odds."""
        for effects, names in ((self.traders, traders), (self.groups, groups)):
            distinct, numbers = _numbered(names)
            score = (
                score + np.array([effects.get(one, 0.0) for one in distinct])[numbers]
            )
        return sigmoid(score)


def _numbered(names: np.ndarray) -> tuple[list[str], np.ndarray]:
    numbers, distinct = pd.factorize(names, sort=True)
    return [str(name) for name in distinct], numbers


def _step(
    effects: np.ndarray,
    offset: np.ndarray,
    is_event: np.ndarray,
    number: np.ndarray,
    variance: float,
) -> tuple[np.ndarray, float]:
    """One Newton step of every effect, and the variance that they imply."""
    fitted = sigmoid(offset + effects[number])
    count = len(effects)
    gradient = np.bincount(number, is_event - fitted, count) - effects / variance
    curvature = np.bincount(number, fitted * (1 - fitted), count) + 1 / variance
    effects = effects + np.clip(gradient / curvature, -1.0, 1.0)
    spread = float((effects**2 + 1 / curvature).mean())
    return effects, max(spread, 1e-6)
