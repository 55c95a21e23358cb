"""Whether the tail that was forecast is the one that came.

How often the desk falls below its value at risk: Kupiec 1995. Whether such days come
one after the other: Christoffersen 1998; both at once: conditional coverage. Whether
they are as bad as the expected shortfall said: the second test of Acerbi and Szekely
2014, Backtesting expected shortfall. Each stands beside its power: what it would have
found.
"""

import numpy as np
from scipy.special import bdtr, chdtrc, xlogy

from ml.desk import MINIMUM_SCENARIOS, TAIL

LEVEL = 0.05
"""Of the tests."""
# What the tests would have to find: half or twice as many bad days, half as bad again.
_TOO_FEW, _TOO_MANY, _WORSE = TAIL / 2, TAIL * 2, 1.5
_DRAWS, _SEED = 4000, 0
_VERDICTS = ("too few sessions", "too light", "too cautious", "sound")


def tail_tests(
    value_at_risk: np.ndarray,
    shortfall: np.ndarray,
    actual: np.ndarray,
    severities: np.ndarray,
) -> dict[str, float | str]:
    """Hold forecasts of one scope against what came, in order of the sessions.

    Args:
        value_at_risk, shortfall, actual: Dollars of each session, losses negative.
        severities: P&L of scenarios below their value at risk over their expected
            shortfall: what bad days look like if the forecasts are right.

    Returns:
        Columns of ml.desk_tail_tests; without figures of too few sessions.
    """
    is_bad = actual < value_at_risk
    count, bad = len(actual), int(is_bad.sum())
    found: dict[str, float | str] = {
        "sessions_count": count,
        "breached_sessions_count": bad,
        "expected_breaches": TAIL * count,
    }
    if count < MINIMUM_SCENARIOS:
        return found | {"verdict": _VERDICTS[0]}
    statistic, chance, power = _z2(shortfall, actual, is_bad, severities)
    kupiec, dependence = coverage_ratio(bad, count), independence_ratio(is_bad)
    kupiec_p = float(chdtrc(1, kupiec))
    too_light = (kupiec_p < LEVEL and bad > TAIL * count) or chance < LEVEL
    too_cautious = kupiec_p < LEVEL and bad < TAIL * count
    return found | {
        "kupiec_p_value": kupiec_p,
        "kupiec_power_half": coverage_power(count, _TOO_FEW),
        "kupiec_power_double": coverage_power(count, _TOO_MANY),
        "christoffersen_p_value": float(chdtrc(1, dependence)),
        "conditional_coverage_p_value": float(chdtrc(2, kupiec + dependence)),
        "shortfall_statistic": statistic,
        "shortfall_p_value": chance,
        "shortfall_power": power,
        "verdict": _VERDICTS[1 if too_light else 2 if too_cautious else 3],
    }


def coverage_ratio(bad: int, count: int, share: float = TAIL) -> float:
    """Kupiec's likelihood ratio of so many bad days."""
    return float(2 * (_log_likelihood(bad, count, bad / count)
                      - _log_likelihood(bad, count, share)))  # fmt: skip


def coverage_power(count: int, share: float) -> float:
    """How often Kupiec's test says so where the share of bad days is another one."""
    bad = np.arange(count + 1)
    ratio = 2 * (
        _log_likelihood(bad, count, bad / count) - _log_likelihood(bad, count, TAIL)
    )
    chance = np.diff(bdtr(bad, count, share), prepend=0.0)
    return float(chance[chdtrc(1, ratio) < LEVEL].sum())


def independence_ratio(is_bad: np.ndarray) -> float:
    """Christoffersen's likelihood ratio: is a bad day likelier after a bad day?"""
    before, after = is_bad[:-1], is_bad[1:]
    if not len(after):
        return 0.0
    apart = sum(
        _log_likelihood(after[group].sum(), group.sum(), after[group].mean())
        for group in (before, ~before)
        if group.any()
    )
    together = _log_likelihood(after.sum(), len(after), after.mean())
    return float(max(2 * (apart - together), 0.0))


def _log_likelihood(
    bad: np.ndarray | int, count: np.ndarray | int, share: np.ndarray | float
) -> np.ndarray:
    return xlogy(bad, share) + xlogy(np.asarray(count) - bad, 1 - np.asarray(share))


def _z2(
    shortfall: np.ndarray,
    actual: np.ndarray,
    is_bad: np.ndarray,
    severities: np.ndarray,
) -> tuple[float, float, float]:
    """Statistic (0 is right, below it too light), chance of one so low, and power."""
    count = len(actual)
    if not len(severities) or not (shortfall < 0).all():
        return np.nan, np.nan, np.nan
    statistic = 1 - float((actual[is_bad] / shortfall[is_bad]).sum()) / (TAIL * count)
    rng = np.random.default_rng(_SEED)
    drawn = rng.binomial(count, TAIL, _DRAWS)
    sums = np.add.reduceat(
        np.r_[rng.choice(severities, drawn.sum()), 0.0],
        np.r_[0, np.cumsum(drawn)[:-1]],
    )
    sums[drawn == 0] = 0.0
    expected = 1 - sums / (TAIL * count)
    critical = np.quantile(expected, LEVEL)
    worse = 1 - _WORSE * sums / (TAIL * count)
    return (
        statistic,
        float((expected <= statistic).mean()),
        float((worse < critical).mean()),
    )
