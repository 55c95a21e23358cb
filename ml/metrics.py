"""Measures of predictions on outcomes they had not seen, with intervals.

Intervals hold 90 %. They come from resampling blocks of neighboring dates, for traders
of one day are not independent and neither are days that follow one another, and from
resampling whole traders, for the next desk has others. The wider of the two is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ml.baselines import QUANTILES
from ml.calibration import fit_line, log_loss, log_odds
from ml.losses import MINIMUM_DATES, MINIMUM_TRADERS, pinball

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
    everybody = np.zeros(len(is_loss), dtype=int)
    area = _areas(is_loss, probability, everybody, weights)[0][:, 0]
    return float(area[0]) if weights is None else area


def auc_within(
    is_loss: np.ndarray,
    probability: np.ndarray,
    traders: np.ndarray,
    weights: np.ndarray | None = None,
) -> np.ndarray | float:
    """Mean AUC of each trader's own days, by their number; NaN if none has both.

    Args:
        is_loss: Of each row; replicates x rows where the outcomes are several.
        traders: Name or number of each row's.
    """
    if not len(traders):
        return float("nan")
    numbers = np.unique(traders, return_inverse=True)[1]
    area, sizes = _areas(is_loss, probability, numbers, weights)
    known = ~np.isnan(area)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (np.nan_to_num(area) * sizes).sum(axis=1) / (known * sizes).sum(axis=1)
    return float(mean[0]) if weights is None and is_loss.ndim == 1 else mean


def _areas(
    is_loss: np.ndarray,
    probability: np.ndarray,
    traders: np.ndarray,
    weights: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """AUC and number of days of each trader, both replicates x traders."""
    order = np.lexsort((probability, traders))
    traders, probability = traders[order], probability[order]
    is_first = np.r_[True, traders[1:] != traders[:-1]]
    starts = np.flatnonzero(is_first | np.r_[True, np.diff(probability) > 0])
    first = np.flatnonzero(is_first[starts])
    rows = np.ones((1, len(order))) if weights is None else weights[:, order]
    is_loss = is_loss[..., order]
    losses = np.add.reduceat(rows * is_loss, starts, axis=1)
    others = np.add.reduceat(rows * (1 - is_loss), starts, axis=1)
    below = np.cumsum(others, axis=1) - others
    lost, kept = (np.add.reduceat(one, first, axis=1) for one in (losses, others))
    pairs = np.add.reduceat(losses * (below + others / 2), first, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Less the days of the traders before.
        area = (pairs - lost * below[:, first]) / (lost * kept)
    return area, lost + kept


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

    Blocks of `BLOCK_DATES` neighboring dates (Kuensch 1989), the last following on the
    first, so that every date is equally likely to be drawn.
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


@dataclass(frozen=True)
class Interval:
    """The 90 % interval of a figure; NaN where too little is known.

    Attributes:
        low_dates, high_dates: Over blocks of dates.
        low_traders, high_traders: Over traders.
    """

    low_dates: float
    high_dates: float
    low_traders: float
    high_traders: float

    @property
    def wider(self) -> tuple[float, float]:
        """The wider of the two; that of dates where traders are too few."""
        by_dates = (self.low_dates, self.high_dates)
        by_traders = (self.low_traders, self.high_traders)
        if not np.ptp(by_traders) <= np.ptp(by_dates) and not np.isnan(by_traders[0]):
            return by_traders
        return by_dates


def interval(
    dates: np.ndarray,
    traders: np.ndarray,
    figure: "Figure",
    replicates: int = REPLICATES,
) -> Interval:
    """The 90 % interval of a figure.

    Args:
        dates, traders: Of each row; traders by name or number.
        figure: Gives the figure of each replicate from weights, replicates x rows.
    """
    distinct, numbers = np.unique(dates, return_inverse=True)
    by_dates = by_traders = (float("nan"), float("nan"))
    if len(distinct) >= MINIMUM_DATES:
        weights = block_weights(len(distinct), replicates)
        by_dates = ends(_replicated(figure, weights, numbers))
    names, numbers = np.unique(traders, return_inverse=True)
    if len(names) >= MINIMUM_TRADERS:
        draws = np.random.default_rng(_SEED).multinomial(
            len(names), np.full(len(names), 1 / len(names)), replicates
        )
        by_traders = ends(_replicated(figure, draws.astype(float), numbers))
    return Interval(*by_dates, *by_traders)


def _replicated(
    figure: "Figure", weights: np.ndarray, numbers: np.ndarray
) -> np.ndarray:
    """The figure of each replicate, from weights of dates or traders."""
    at_once = max(1, _CELLS_AT_ONCE // len(numbers))
    return np.concatenate(
        [
            np.asarray(figure(weights[begin : begin + at_once][:, numbers]))
            for begin in range(0, len(weights), at_once)
        ]
    )


def ends(values: np.ndarray) -> tuple[float, float]:
    """The ends of a 90 % interval from a figure's replicates."""
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, _INTERVAL)
    return float(low), float(high)


Figure = Callable[[np.ndarray | None], np.ndarray | float]
"""A measure: once from None, or one per replicate from weights, replicates x rows."""


def of_probability(
    is_event: np.ndarray,
    probability: np.ndarray,
    desk_rate: np.ndarray,
    traders: np.ndarray,
    margin: float,
) -> dict[str, Figure]:
    """Measures of the probability of an event, by name.

    Args:
        is_event: 1.0 or 0.0.
        desk_rate: The constant rate of the desk, as it was known: what the log loss is
            compared with.
        traders: Whose days.
        margin: Probabilities are kept so far off 0 and 1.
    """
    lost = log_loss(is_event, probability, margin)
    return {
        "auc": lambda w: auc(is_event, probability, w),
        "auc_within_trader": lambda w: auc_within(is_event, probability, traders, w),
        "brier": mean_of((probability - is_event) ** 2),
        "log_loss": mean_of(lost),
        "log_loss_gain": mean_of(log_loss(is_event, desk_rate, margin) - lost),
        "calibration_slope": lambda w: calibration_slope(
            is_event, probability, w, margin
        ),
    }


def of_size(log_size: np.ndarray, predicted: np.ndarray) -> dict[str, Figure]:
    """Measures of the expected logarithm of a day's absolute dollars, by name.

    `r2` is the share of the variance of all days that it explains.
    """
    squares = mean_of((log_size - predicted) ** 2)
    first, second = mean_of(log_size), mean_of(log_size**2)

    def r2(weights: np.ndarray | None) -> np.ndarray | float:
        variance = second(weights) - first(weights) ** 2
        return 1 - squares(weights) / np.maximum(variance, 1e-12)

    return {"r2": r2}


def of_expected(pnl: np.ndarray, predicted: np.ndarray) -> dict[str, Figure]:
    """Measures of the expected P&L, dollars, by name."""
    squares = mean_of((predicted - pnl) ** 2)
    is_right = (predicted < 0) == (pnl < 0)
    return {
        "rmse": lambda w: np.sqrt(squares(w)),
        "mae": mean_of(np.abs(predicted - pnl)),
        "directional_accuracy": mean_of(is_right.astype(float)),
    }


def of_quantiles(pnl: np.ndarray, quantiles: np.ndarray) -> dict[str, Figure]:
    """Measures of the five quantiles, dollars, by name."""
    lost = pinball(pnl, quantiles)
    is_inside = (pnl >= quantiles[:, 0]) & (pnl <= quantiles[:, -1])
    return {
        f"pinball_{name}": mean_of(column)
        for name, column in zip(QUANTILES, lost.T, strict=True)
    } | {"coverage_90": mean_of(is_inside.astype(float))}


def ratio_of(above: np.ndarray, below: np.ndarray) -> Figure:
    """Sum of one over the sum of another; NaN where that is nothing."""

    def figure(weights: np.ndarray | None) -> np.ndarray | float:
        with np.errstate(invalid="ignore", divide="ignore"):
            if weights is None:
                return float(above.sum() / below.sum())
            return (weights @ above) / (weights @ below)

    return figure


def mean_of(values: np.ndarray) -> Figure:
    """The mean of values per row."""
    return ratio_of(values, np.ones(len(values)))
