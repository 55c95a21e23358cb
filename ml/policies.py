"""What to do with a prediction: the share of the usual size that a trader may trade.

Every policy looks at the same forecasts. What it would have earned is held against
cutting every day alike by as much: only what it earns beyond that is its own. They are
compared on past days and, if a trial is on, on the desk itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ml.levels import HIGH, MEDIUM, risk_level
from ml.losses import MINIMUM_DATES, MINIMUM_TRADERS, clustered_errors
from ml.metrics import Figure, block_draws, ends, interval
from ml.selection import GAIN_STANDARD_ERRORS

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
        limit_risk: The desk's level by the chance of breaching the limit.
    """

    predicted_pnl: np.ndarray
    quantiles: np.ndarray
    scale: np.ndarray
    warnings: np.ndarray
    limit_risk: np.ndarray


def watch(outlook: Outlook, variables: Mapping[str, float]) -> np.ndarray:
    """The usual size for everyone: who is at risk is watched."""
    return np.full(
        len(outlook.predicted_pnl), float(variables["low_risk_position_multiplier"])
    )


def fixed(outlook: Outlook, variables: Mapping[str, float]) -> np.ndarray:
    """The desk's thresholds in dollars, the same for everyone."""
    level = risk_level(outlook.predicted_pnl, variables)
    return _by_level(level == HIGH, level == MEDIUM, variables)


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


def limit_risk(outlook: Outlook, variables: Mapping[str, float]) -> np.ndarray:
    """Cuts size where the chance of breaching the limit is High."""
    is_high = outlook.limit_risk == HIGH
    return _by_level(is_high, np.zeros_like(is_high), variables)


Policy = Callable[[Outlook, Mapping[str, float]], np.ndarray]
POLICIES: dict[str, Policy] = {
    policy.__name__: policy
    for policy in (watch, fixed, adaptive, cost_aware, rules, limit_risk)
}


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


WATCH = watch.__name__
# Half of a 90 % interval, in standard errors.
_NORMAL_90 = 1.645


@dataclass(frozen=True)
class PolicyEvidence:
    """What one policy earned beyond cutting every day alike by as much.

    Attributes:
        policy: One of `POLICIES`.
        trade_reduction: Mean share of the usual size that it would not have traded.
        improvement_over_uniform: Dollars beyond the uniform cut, on all days together.
        value_low, value_high: Its 90 % interval, the wider of dates and traders; None
            where there are too few of them, or it cuts nothing.
        is_proven: Whether it is as significantly above zero as a model must be.
        rows_count: Trader-days it rests on.
    """

    policy: str
    trade_reduction: float
    improvement_over_uniform: float
    value_low: float | None
    value_high: float | None
    is_proven: bool
    rows_count: int


def evidence(
    pnl: np.ndarray,
    dates: np.ndarray,
    traders: np.ndarray,
    multipliers: Mapping[str, np.ndarray],
) -> tuple[PolicyEvidence, ...]:
    """What past days say of each policy.

    Args:
        pnl: Net dollars of each trader-day.
        dates, traders: When, and by whom, they were made or lost.
        multipliers: By policy, share of the usual size it would have allowed.
    """
    _, date_numbers = np.unique(dates, return_inverse=True)
    _, trader_numbers = np.unique(traders.astype(str), return_inverse=True)
    found = []
    for name, multiplier in multipliers.items():
        cut = 1 - multiplier
        gain = (cut.mean() - cut) * pnl
        error = len(pnl) * max(
            clustered_errors(gain, date_numbers, MINIMUM_DATES),
            clustered_errors(gain, trader_numbers, MINIMUM_TRADERS),
        )
        total = float(gain.sum())
        is_known = np.isfinite(error)
        found.append(
            PolicyEvidence(
                name,
                float(cut.mean()),
                total,
                total - _NORMAL_90 * error if is_known else None,
                total + _NORMAL_90 * error if is_known else None,
                is_known and total > GAIN_STANDARD_ERRORS * error,
                len(pnl),
            )
        )
    return tuple(found)


def proven(found: tuple[PolicyEvidence, ...]) -> str:
    """The proven policy that earned most; `WATCH` where none is proven."""
    best = max(
        (one for one in found if one.is_proven),
        key=lambda one: one.improvement_over_uniform,
        default=None,
    )
    return best.policy if best else WATCH


def effects(
    pnl: np.ndarray, days: np.ndarray, traders: np.ndarray, multiplier: np.ndarray
) -> list[tuple[str, float, float, float]]:
    """What a policy would have changed.

    Args:
        pnl: Net dollars of each trader-day.
        days: When they were made or lost.
        traders: By whom.
        multiplier: Share of the usual size that the policy would have allowed.

    Returns:
        Name, figure and its 90 % interval: trade_reduction (mean share of size not
        traded), avoided_losses, missed_gains and net_pnl_improvement (dollars),
        improvement_over_uniform (dollars beyond what cutting every day alike by as much
        would have changed), false_positive_rate (share of days without a loss on which
        size was cut), drawdown (the desk's largest fall from a peak, dollars) and
        drawdown_reduction (how much larger it would have been at the usual size).
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
        "improvement_over_uniform": lambda w: (
            sum_of(-cut * pnl)(w) + ratio(cut, np.ones(len(cut)))(w) * sum_of(pnl)(w)
        ),
        "false_positive_rate": ratio(is_cut * is_good, is_good),
    }
    found = [
        (name, float(figure(None)), *interval(days, traders, figure).wider)
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
