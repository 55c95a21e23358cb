"""Splits in time order: what a model learns from lies before what it is judged on."""

from dataclasses import dataclass

import numpy as np

TRAIN_SHARE, VALIDATION_SHARE = 0.65, 0.15


@dataclass(frozen=True)
class Split:
    """Row masks of a split; every date lies in one part only."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @property
    def before_test(self) -> np.ndarray:
        """Train and validation together."""
        return self.train | self.validation


def split_by_date(dates: np.ndarray) -> Split:
    """Split rows 65 / 15 / 20 by date.

    Args:
        dates: One date per row, in any order.
    """
    ordered = np.sort(dates)
    first_validation = ordered[int(len(ordered) * TRAIN_SHARE)]
    first_test = ordered[int(len(ordered) * (TRAIN_SHARE + VALIDATION_SHARE))]
    train = dates < first_validation
    test = dates >= first_test
    return Split(train, ~train & ~test, test)
