"""The split in time that settings are chosen on."""

from dataclasses import dataclass

import numpy as np

from ml.days import TraderDays

TRAIN_SHARE, VALIDATION_SHARE = 0.65, 0.15


@dataclass(frozen=True)
class Split:
    """Numbers of rows; every date lies in one part only.

    A row whose label was not known when the next part begins is in no part before it:
    nobody could have learned from it then.

    Attributes:
        train: Features and labels known when validation begins.
        validation: Features from there to the test; labels known when it begins.
        before_test: All that could be learned from when the test begins.
        test: The rest.
    """

    train: np.ndarray
    validation: np.ndarray
    before_test: np.ndarray
    test: np.ndarray


def split_by_date(days: TraderDays, rows: np.ndarray) -> Split:
    """Split labelled rows 65 / 15 / 20 in order of time."""
    dates, label_dates = days.dates[rows], days.label_dates[rows]
    ordered = np.sort(dates)
    first_validation = ordered[int(len(ordered) * TRAIN_SHARE)]
    first_test = ordered[int(len(ordered) * (TRAIN_SHARE + VALIDATION_SHARE))]
    # A prediction is made after the close of its feature date.
    before_test = (dates < first_test) & (label_dates <= first_test)
    return Split(
        train=rows[(dates < first_validation) & (label_dates <= first_validation)],
        validation=rows[before_test & (dates >= first_validation)],
        before_test=rows[before_test],
        test=rows[dates >= first_test],
    )
