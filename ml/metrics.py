"""Measures of a prediction, each on outcomes the model had not seen."""

import numpy as np
from scipy.stats import rankdata


def auc(is_loss: np.ndarray, probability: np.ndarray) -> float:
    """Area under the ROC curve by ranks, ties counting half; NaN with one class.

    Source: Mann-Whitney U statistic, Hanley and McNeil (1982).
    """
    losses = int(is_loss.sum())
    gains = len(is_loss) - losses
    if not losses or not gains:
        return float("nan")
    ranks = rankdata(probability)[is_loss.astype(bool)].sum()
    return float((ranks - losses * (losses + 1) / 2) / (losses * gains))


def brier(is_loss: np.ndarray, probability: np.ndarray) -> float:
    """Mean squared error of the probability (Brier 1950); lower is better."""
    return float(np.mean((probability - is_loss) ** 2))


def rmse(actual: np.ndarray, predicted: np.ndarray) -> float:
    """Root mean squared error, in the unit of the arguments."""
    return float(np.sqrt(np.mean((actual - predicted) ** 2)))


def mae(actual: np.ndarray, predicted: np.ndarray) -> float:
    """Mean absolute error, in the unit of the arguments."""
    return float(np.mean(np.abs(actual - predicted)))
