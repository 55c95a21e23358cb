"""What a prediction costs, per row: lower is better."""

import numpy as np

from ml.baselines import LEVELS
from ml.calibration import log_odds

# Fewer dates than this say nothing of what chance does from date to date.
MINIMUM_DATES = 20


def pinball(actual: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Pinball loss per row and level (Koenker and Bassett 1978)."""
    gap = actual[:, None] - levels
    return np.maximum(LEVELS * gap, (LEVELS - 1) * gap)


def log_loss(is_loss: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Negative log-likelihood per row; probabilities kept a percent off 0 and 1."""
    score = log_odds(probability)
    return np.logaddexp(0, score) - is_loss * score


def standard_errors(gain: np.ndarray, dates: np.ndarray) -> float:
    """Mean gain in its standard errors, days of one date counting as one draw.

    0 where there are too few dates to know, or all gains are alike.
    """
    _, groups = np.unique(dates, return_inverse=True)
    count = groups.max() + 1 if len(groups) else 0
    spread = np.abs(gain).max() if len(gain) else 0.0
    if count < MINIMUM_DATES or np.ptp(gain) <= 1e-9 * spread:
        return 0.0
    centred = np.bincount(groups, weights=gain - gain.mean())
    error = np.sqrt(count / (count - 1) * (centred**2).sum()) / len(gain)
    return float(gain.mean() / error)
