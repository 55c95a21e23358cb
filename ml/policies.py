"""What to do with a prediction: the share of the usual size that a trader may trade.

Every policy looks at the same forecasts. They are compared on the backtest and, if a
trial is on, on the desk itself.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.losses import MINIMUM_DATES
from ml.metrics import Figure, block_draws, ends, interval

# Probability mass that each of the five quantiles stands for.
_MASSES = np.array([0.15, 0.225, 0.25, 0.225, 0.15])
# adaptive: a predicted loss beyond this share of the trader's usual day is High.
ADAPTIVE_HIGH_BELOW_SCALED = -0.25
# cost_aware: expected losses over expected gains, from which on size is cut.
COST_AWARE_MEDIUM_ABOVE, COST_AWARE_HIGH_ABOVE = 1.0, 1.5
# rules: warnings from which on size is cut.
RULES_MEDIUM_FROM, RULES_HIGH_FROM = 1, 2


@dataclass(frozen=True)
class Outlook:
    """What a policy may look at, one entry per trader-day.

    Attributes:
        predicted_pnl: Expected net dollars.
        quantiles: Rows x five levels, dollars.
        scale: The trader's own scale, dollars.
        warnings: How many of the risk manager's rules hold.
    """

    predicted_pnl: np.ndarray
    quantiles: np.ndarray
    scale: np.ndarray
    warnings: np.ndarray


def fixed(outlook: Outlook, variables: Mapping[str, float]) -> np.ndarray:
    """The desk's thresholds in dollars, the same for everyone."""
    return _by_level(
        outlook.predicted_pnl < variables["high_risk_below_pnl"],
        outlook.predicted_pnl < variables["medium_risk_below_pnl"],
        variables,
    )


def adaptive(outlook: Outlook, variables: Mapping[str, float]) -> np.ndarray:
    """Thresholds in units of the trader's own usual day."""
    scaled = outlook.predicted_pnl / outlook.scale
    return _by_level(scaled < ADAPTIVE_HIGH_BELOW_SCALED, scaled < 0, variables)


def cost_aware(outlook: Outlook, variables: Mapping[str, float]) -> np.ndarray:
    """Cuts size where the losses to avoid outweigh the gains that would be missed."""
    losses = (_MASSES * np.maximum(-outlook.quantiles, 0)).sum(axis=1)
    gains = (_MASSES * np.maximum(outlook.quantiles, 0)).sum(axis=1)
    return _by_level(
        losses > COST_AWARE_HIGH_ABOVE * gains,
        losses > COST_AWARE_MEDIUM_ABOVE * gains,
        variables,
    )


def rules(outlook: Outlook, variables: Mapping[str, float]) -> np.ndarray:
    """What a risk manager would do without a model, from warnings alone."""
    return _by_level(
        outlook.warnings >= RULES_HIGH_FROM,
        outlook.warnings >= RULES_MEDIUM_FROM,
        variables,
    )


Policy = Callable[[Outlook, Mapping[str, float]], np.ndarray]
POLICIES: dict[str, Policy] = {
    policy.__name__: policy for policy in (fixed, adaptive, cost_aware, rules)
}


def assigned(
    trader_id: str, day: date, live: str, trial: str | None, unit: str
) -> tuple[str, str | None]:
    """The policy a trader is under on a day, and the trial that put them there, if any.

    With a trial, half of the traders (or half of the days) get it, by a hash that does
    not change from run to run.
    """
    if trial is None:
        return live, None
    subject = trader_id if unit == "trader" else day.isoformat()
    digest = hashlib.sha256(f"{live}|{trial}|{unit}|{subject}".encode()).digest()
    return (trial if digest[0] % 2 else live), trial_name(live, trial, unit)


def trial_name(live: str, trial: str, unit: str) -> str:
    """What tells one trial's days from another's."""
    return f"{trial} against {live} by {unit}"


def _by_level(
    is_high: np.ndarray, is_medium: np.ndarray, variables: Mapping[str, float]
) -> np.ndarray:
    """Position multiplier of each row's level; High comes before Medium."""
    return np.select(
        [is_high, is_medium],
        [
            variables["high_risk_position_multiplier"],
            variables["medium_risk_position_multiplier"],
        ],
        variables["low_risk_position_multiplier"],
    ).astype(float)


def effects(
    pnl: np.ndarray, days: np.ndarray, multiplier: np.ndarray
) -> list[tuple[str, float, float, float]]:
    """What a policy would have changed.

    Args:
        pnl: Net dollars of each trader-day.
        days: When they were made or lost.
        multiplier: Share of the usual size that the policy would have allowed.

    Returns:
        Name, figure and its 90 % interval: trade_reduction (mean share of size not
        traded), avoided_losses, missed_gains and net_pnl_improvement (dollars),
        false_positive_rate (share of days without a loss on which size was cut),
        drawdown (the desk's largest fall from a peak, dollars) and drawdown_reduction
        (how much larger it would have been at the usual size).
    """
    cut = 1 - multiplier
    is_cut, is_good = (cut > 0).astype(float), (pnl >= 0).astype(float)

    def sum_of(values: np.ndarray) -> Figure:
        return lambda w: values.sum() if w is None else w @ values

    def ratio(above: np.ndarray, below: np.ndarray) -> Figure:
        return lambda w: sum_of(above)(w) / np.maximum(sum_of(below)(w), 1e-12)

    figures: dict[str, Figure] = {
        "trade_reduction": ratio(cut, np.ones(len(cut))),
        "avoided_losses": sum_of(cut * np.maximum(-pnl, 0)),
        "missed_gains": sum_of(cut * np.maximum(pnl, 0)),
        "net_pnl_improvement": sum_of(-cut * pnl),
        "false_positive_rate": ratio(is_cut * is_good, is_good),
    }
    found = [
        (name, float(figure(None)), *interval(days, figure))
        for name, figure in figures.items()
    ]
    distinct, numbers = np.unique(days, return_inverse=True)
    by_day = [
        np.bincount(numbers, weights=pnl * share)
        for share in (np.ones(len(pnl)), multiplier)
    ]
    # Days in the order drawn: a fall takes days that follow one another.
    drawn = block_draws(len(distinct))
    usual, reduced = (_drawdown(one[drawn]) for one in by_day)
    now = [float(_drawdown(one[None])[0]) for one in by_day]
    is_enough = len(distinct) >= MINIMUM_DATES
    unknown = (float("nan"), float("nan"))
    return [
        *found,
        ("drawdown", now[1], *(ends(reduced) if is_enough else unknown)),
        (
            "drawdown_reduction",
            now[0] - now[1],
            *(ends(usual - reduced) if is_enough else unknown),
        ),
    ]


def _drawdown(daily: np.ndarray) -> np.ndarray:
    """Largest fall from a peak of each row's running sum, the beginning being one."""
    path = np.cumsum(daily, axis=1)
    peak = np.maximum(np.maximum.accumulate(path, axis=1), 0)
    return (peak - path).max(axis=1)
