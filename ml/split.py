"""Splits in time order: what a model learns from lies before what it is judged on."""

from dataclasses import dataclass

import numpy as np

TRAIN_SHARE, VALIDATION_SHARE = 0.65, 0.15


@dataclass(frozen=True)
class Split:
    """Row masks of a split; every date lies in one part only.

    A row whose label was not known when the next part begins is in no part before it:
    nobody could have learned from it then.

    Attributes:
        train: Features and labels known when validation begins.
        validation: Features from there to the test; labels known when it begins.
        test: The rest.
        before_test: All that could be learned from when the test begins.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    before_test: np.ndarray


def split_by_date(dates: np.ndarray, label_dates: np.ndarray) -> Split:
    """Split rows 65 / 15 / 20 by date.

    Args:
        dates: Feature date of each row, in any order.
        label_dates: Date at whose close each row's label is known.
    """
    ordered = np.sort(dates)
    first_validation = ordered[int(len(ordered) * TRAIN_SHARE)]
    first_test = ordered[int(len(ordered) * (TRAIN_SHARE + VALIDATION_SHARE))]
    # A prediction is made after the close of its feature date.
    before_test = (dates < first_test) & (label_dates <= first_test)
    return Split(
        train=(dates < first_validation) & (label_dates <= first_validation),
        validation=before_test & (dates >= first_validation),
        test=dates >= first_test,
        before_test=before_test,
    )
