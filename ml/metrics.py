"""Measures of predictions on outcomes they had not seen, with intervals.

Intervals hold 90 % and come from resampling blocks of neighbouring dates: traders of
one day are not independent, and neither are days that follow one another.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ml.baselines import QUANTILES
from ml.calibration import fit_line, log_odds
from ml.losses import MINIMUM_DATES, log_loss, pinball

REPLICATES = 1000
BLOCK_DATES = 5
_SEED = 7
_INTERVAL = (0.05, 0.95)
# Weights of this many replicates of a million rows stay below a gibibyte.
_CELLS_AT_ONCE = 20_000_000


def auc(
    is_loss: np.ndarray, probability: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray | float:
    """Area under the ROC curve, ties counting half; NaN where a class is missing.

    Source: Mann-Whitney U statistic, Hanley and McNeil (1982).

    Args:
        weights: Replicates x rows, how often each row counts; None counts each once.

    Returns:
        One figure, or one per replicate.
    """
    if not len(is_loss):
        return float("nan")
    order = np.argsort(probability, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(probability[order]) > 0])
    rows = np.ones((1, len(order))) if weights is None else weights[:, order]
    losses = np.add.reduceat(rows * is_loss[order], starts, axis=1)
    others = np.add.reduceat(rows * (1 - is_loss[order]), starts, axis=1)
    below = np.cumsum(others, axis=1) - others / 2
    pairs = losses.sum(axis=1) * others.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        area = (losses * below).sum(axis=1) / pairs
    return float(area[0]) if weights is None else area


def auc_within(
    is_loss: np.ndarray,
    probability: np.ndarray,
    traders: np.ndarray,
    weights: np.ndarray | None = None,
) -> np.ndarray | float:
    """Mean AUC of each trader's own days, by their number; NaN if none has both."""
    total: np.ndarray | float = 0.0
    count: np.ndarray | float = 0.0
    for trader in np.unique(traders.astype(str)):
        mask = traders == trader
        part = None if weights is None else weights[:, mask]
        area = auc(is_loss[mask], probability[mask], part)
        size = mask.sum() if part is None else part.sum(axis=1)
        known = ~np.isnan(area)
        total = total + np.where(known, np.nan_to_num(area) * size, 0.0)
        count = count + np.where(known, size, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
    return float(mean) if weights is None else mean


def calibration_slope(
    is_loss: np.ndarray,
    probability: np.ndarray,
    weights: np.ndarray | None = None,
    margin: float = 0.01,
) -> np.ndarray | float:
    """Slope of a logistic regression of the outcome on the log-odds; 1 is right.

    NaN where it cannot be known: one class only, or the same probability for all.
    Source: Cox (1958).

    Args:
        weights: Replicates x rows, how often each row counts; None counts each once.
        margin: Probabilities are kept so far off 0 and 1.
    """
    score = log_odds(probability, margin)
    if weights is None:
        return _slope(score, is_loss, np.ones(len(score)))
    return np.array([_slope(score, is_loss, counts) for counts in weights])


def _slope(score: np.ndarray, is_loss: np.ndarray, weights: np.ndarray) -> float:
    drawn = weights > 0
    if not drawn.any() or np.ptp(is_loss[drawn]) == 0 or np.ptp(score[drawn]) < 1e-9:
        return float("nan")
    return fit_line(score, is_loss, weights=weights)[1]


def block_draws(count: int, replicates: int = REPLICATES) -> np.ndarray:
    """Dates drawn by a block bootstrap, in the order drawn: replicates x count.

    Blocks of `BLOCK_DATES` neighbouring dates (Kuensch 1989), the last following on the
    first, so that every date is drawn as often as any other.
    """
    blocks = -(-count // BLOCK_DATES)
    begins = np.random.default_rng(_SEED).integers(0, count, (replicates, blocks))
    drawn = (begins[:, :, None] + np.arange(BLOCK_DATES)) % count
    return drawn.reshape(replicates, -1)[:, :count]


def block_weights(count: int, replicates: int = REPLICATES) -> np.ndarray:
    """How often each of `count` dates is drawn: replicates x dates."""
    weights = np.zeros((replicates, count))
    np.add.at(
        weights, (np.arange(replicates)[:, None], block_draws(count, replicates)), 1.0
    )
    return weights


def interval(
    dates: np.ndarray,
    figure: Callable[[np.ndarray], np.ndarray | float],
    replicates: int = REPLICATES,
) -> tuple[float, float]:
    """The 90 % interval of a figure; NaN where there are too few dates to know.

    Args:
        dates: Of each row.
        figure: Gives the figure of each replicate from weights, replicates x rows.
    """
    distinct, numbers = np.unique(dates, return_inverse=True)
    if len(distinct) < MINIMUM_DATES:
        return float("nan"), float("nan")
    by_date = block_weights(len(distinct), replicates)
    at_once = max(1, _CELLS_AT_ONCE // len(dates))
    values = np.concatenate(
        [
            np.asarray(figure(by_date[begin : begin + at_once][:, numbers]))
            for begin in range(0, replicates, at_once)
        ]
    )
    return ends(values)


def ends(values: np.ndarray) -> tuple[float, float]:
    """The ends of a 90 % interval from a figure's replicates."""
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, _INTERVAL)
    return float(low), float(high)


@dataclass(frozen=True)
class ModelOutputs:
    """What one model gave for some trader-days; None where it has no such output.

    Attributes:
        loss: Probability of a loss.
        limit: Probability of losing more than the trader's limit.
        predicted: Expected net dollars.
        quantiles: Rows x five levels, dollars.
    """

    loss: np.ndarray | None = None
    limit: np.ndarray | None = None
    predicted: np.ndarray | None = None
    quantiles: np.ndarray | None = None


Figure = Callable[[np.ndarray | None], np.ndarray | float]
"""A measure: once from None, or one per replicate from weights, replicates x rows."""


def figures(
    pnl: np.ndarray,
    is_beyond_limit: np.ndarray,
    traders: np.ndarray,
    outputs: ModelOutputs,
) -> dict[str, Figure]:
    """All measures of one model on some trader-days, by name.

    Args:
        pnl: What happened, net dollars.
        is_beyond_limit: 1.0 where more than the trader's limit was lost.
        traders: Whose days.
        outputs: What the model gave.
    """
    is_loss = (pnl < 0).astype(float)
    found: dict[str, Figure] = {}
    loss, limit = outputs.loss, outputs.limit
    if loss is not None:
        found |= {
            "auc": lambda w: auc(is_loss, loss, w),
            "auc_within_trader": lambda w: auc_within(is_loss, loss, traders, w),
            "brier": _mean((loss - is_loss) ** 2),
            "log_loss": _mean(log_loss(is_loss, loss)),
            "calibration_slope": lambda w: calibration_slope(is_loss, loss, w),
        }
    if limit is not None:
        found |= {
            "limit_brier": _mean((limit - is_beyond_limit) ** 2),
            "limit_calibration_slope": lambda w: calibration_slope(
                is_beyond_limit, limit, w, margin=1e-4
            ),
        }
    if outputs.predicted is not None:
        squares = _mean((outputs.predicted - pnl) ** 2)
        found |= {
            "rmse": lambda w: np.sqrt(squares(w)),
            "mae": _mean(np.abs(outputs.predicted - pnl)),
            "directional_accuracy": _mean(
                ((outputs.predicted < 0) == (pnl < 0)).astype(float)
            ),
        }
    if outputs.quantiles is not None:
        lost = pinball(pnl, outputs.quantiles)
        found |= {
            f"pinball_{name}": _mean(column)
            for name, column in zip(QUANTILES, lost.T, strict=True)
        }
        is_inside = (pnl >= outputs.quantiles[:, 0]) & (pnl <= outputs.quantiles[:, -1])
        found["coverage_90"] = _mean(is_inside.astype(float))
    return found


def auc_gain(
    is_loss: np.ndarray,
    dates: np.ndarray,
    probability: np.ndarray,
    baseline: np.ndarray,
    replicates: int = REPLICATES,
) -> tuple[float, float, float]:
    """AUC above a baseline's on the same days, and its 90 % interval."""
    low, high = interval(
        dates,
        lambda weights: (
            auc(is_loss, probability, weights) - auc(is_loss, baseline, weights)
        ),
        replicates,
    )
    gain = auc(is_loss, probability) - auc(is_loss, baseline)
    return float(gain), low, high


def _mean(values: np.ndarray) -> Figure:
    def figure(weights: np.ndarray | None) -> np.ndarray | float:
        if weights is None:
            return float(values.mean())
        return weights @ values / weights.sum(axis=1)

    return figure
