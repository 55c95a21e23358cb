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


def clustered_errors(gains: np.ndarray, clusters: np.ndarray, least: int) -> np.ndarray:
    """Standard errors of mean gains, rows of one cluster counting as one draw.

    Widened for few clusters so that three of them are as rare as three of a normal:
    Student's t with a degree less than there are clusters (Cameron, Gelbach and Miller
    2008).

    Args:
        gains: The last axis are rows.
        clusters: Number of each row's cluster, such as its date or its trader.
        least: Infinite where there are fewer clusters than this, two or more.
    """
    sizes = np.bincount(clusters)
    present = np.flatnonzero(sizes)
    count, rows = len(present), gains.shape[-1]
    errors = np.full(gains.shape[:-1], np.inf)
    if count < least:
        return errors
    for place in np.ndindex(errors.shape):
        gain = gains[place]
        # Alike to the last digits: there is nothing to tell chance by.
        if np.ptp(gain) > 1e-9 * np.abs(gain).max():
            sums = np.bincount(clusters, weights=gain - gain.mean())[present]
            errors[place] = np.sqrt(count / (count - 1) * (sums**2).sum()) / rows
    return errors * stdtrit(count - 1, ndtr(3.0)) / 3.0


def standard_errors(gain: np.ndarray, dates: np.ndarray) -> float:
    """Mean gain in its standard errors, days of one date counting as one draw.

    0 where there are too few dates to know, or all gains are alike.
    """
    if not len(gain):
        return 0.0
    _, numbers = np.unique(dates, return_inverse=True)
    return float(gain.mean() / clustered_errors(gain, numbers, MINIMUM_DATES))
