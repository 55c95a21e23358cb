"""What a prediction costs, per row: lower is better."""

import numpy as np
from scipy.special import ndtr, stdtrit

from ml.baselines import LEVELS
from ml.calibration import RARE_MARGIN, log_loss
from ml.days import TraderDays
from ml.outputs import BREACHES, Predictions, key

# Fewer dates, or traders, say nothing of what chance does from one to another.
MINIMUM_DATES = 20
MINIMUM_TRADERS = 5


def pinball(actual: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Pinball loss per row and level (Koenker and Bassett 1978)."""
    gap = actual[:, None] - levels
    return np.maximum(LEVELS * gap, (LEVELS - 1) * gap)


def costs(
    output: str, model: str, days: TraderDays, rows: np.ndarray, made: Predictions
) -> np.ndarray:
    """What one model's predictions of one output cost, per row.

    NaN where it has nothing to say, or the outcome is not known.
    """
    predicted = made[key(output, model)]
    if output == "size":
        return (days.log_size[rows] - predicted) ** 2
    if output == "pnl":
        return (days.scaled_pnl[rows] - predicted) ** 2
    if output == "quantiles":
        return pinball(days.pnl[rows] / days.scale[rows], predicted).mean(axis=1)
    if output in BREACHES:
        return log_loss(days.is_breach(output)[rows], predicted, RARE_MARGIN)
    is_event = days.is_loss if output == "loss" else days.is_realised_loss
    return log_loss(is_event[rows], predicted)


class ClusterSums:
    """Gains summed by cluster, over a window of rows that moves on.

    Rows of one cluster, such as a date or a trader, count as one draw.
    """

    def __init__(self, gains: np.ndarray, clusters: np.ndarray) -> None:
        """Begin with a window without rows.

        Args:
            gains: Comparisons x rows.
            clusters: Number of each row's cluster.
        """
        self._gains, self._clusters = gains, clusters
        self._first = self._last = 0
        self._sizes = np.zeros(clusters.max(initial=0) + 1, dtype=int)
        self._sums = np.zeros((len(self._sizes), len(gains)))
        # Less than this is what rounding leaves of gains that are all alike.
        self._nothing = 1e-9 * np.abs(gains).max(axis=1, initial=0.0)

    def move(self, first: int, last: int) -> None:
        """Make the window the rows from and up to these; neither ever moves back."""
        for sign, begin, end in (
            (1, max(self._last, first), last),
            (-1, self._first, min(first, self._last)),
        ):
            clusters = self._clusters[begin:end]
            np.add.at(self._sizes, clusters, sign)
            np.add.at(self._sums, clusters, sign * self._gains[:, begin:end].T)
        self._first, self._last = first, last

    @property
    def count(self) -> int:
        """Clusters in the window."""
        return int((self._sizes > 0).sum())

    @property
    def mean(self) -> np.ndarray:
        """Mean gain of each comparison."""
        return self._sums.sum(axis=0) / max(self._sizes.sum(), 1)

    def errors(self, least: int) -> np.ndarray:
        """Standard errors of the mean gains.

        Widened for few clusters so that three of them are as rare as three of a normal:
        Student's t with a degree less than there are clusters (Cameron, Gelbach and
        Miller 2008).

        Args:
            least: Infinite where there are fewer clusters than this, two or more.
        """
        count = self.count
        if count < least:
            return np.full(len(self._gains), np.inf)
        off = self._sums - self._sizes[:, None] * self.mean
        spread = np.sqrt(count / (count - 1) * (off**2).sum(axis=0))
        # Alike to the last digits: there is nothing to tell chance by.
        spread = np.where(spread > self._nothing, spread, np.inf)
        return spread / self._sizes.sum() * stdtrit(count - 1, ndtr(3.0)) / 3.0


def clustered_errors(gain: np.ndarray, clusters: np.ndarray, least: int) -> float:
    """The standard error of one mean gain, over all rows."""
    sums = ClusterSums(gain[None], clusters)
    sums.move(0, len(gain))
    return float(sums.errors(least)[0])


def standard_errors(gain: np.ndarray, dates: np.ndarray) -> float:
    """Mean gain in its standard errors, days of one date counting as one draw.

    0 where there are too few dates to know, or all gains are alike.
    """
    if not len(gain):
        return 0.0
    _, numbers = np.unique(dates, return_inverse=True)
    return float(gain.mean() / clustered_errors(gain, numbers, MINIMUM_DATES))
