"""Baselines against the same thing written plainly."""

import numpy as np
import pytest

from ml.baselines import (
    LEVELS,
    QUANTILE_HALF_LIFE_DAYS,
    QUANTILE_PSEUDO_DAYS,
    Baselines,
    shrunk_mean,
    warnings_raised,
    weighted_quantiles,
)
from ml.days import TraderDays
from ml.outputs import Predictions
from tests.ml.frames import frames, to_days


def predict(baselines: Baselines, days: TraderDays, rows: np.ndarray) -> Predictions:
    """What they say of rows."""
    return baselines.predict(days, rows, baselines.distribution(days, rows))


def test_weighted_quantiles_are_those_of_own_days_and_the_pool() -> None:
    days = to_days(frames({"T1": 30, "T2": 200}))
    pool = np.linspace(-2, 2, 50)
    rows = np.array([0, 5, 29, 30, 229])
    found = weighted_quantiles(days, rows, pool)
    for row, levels in zip(rows, found, strict=True):
        first = 0 if row < 30 else 30
        own = days.net[first : row + 1][::-1][:160] / days.scale[row]
        weights = 0.5 ** (np.arange(len(own)) / QUANTILE_HALF_LIFE_DAYS)
        values = np.r_[own, pool]
        weights = np.r_[weights, np.full(50, QUANTILE_PSEUDO_DAYS / 50)]
        order = np.argsort(values)
        middle = np.cumsum(weights[order]) - weights[order] / 2
        expected = np.interp(LEVELS * weights.sum(), middle, values[order])
        assert levels == pytest.approx(expected)


def test_the_own_rate_of_a_breach_is_of_todays_limit() -> None:
    """Recent days weigh more; ten days of the desk's stand in for a short record."""
    days = to_days(frames({"T1": 120, "T2": 60}))
    baselines = Baselines.fit(days, np.arange(100))
    rows = np.array([0, 3, 100, 119, 179])
    said = predict(baselines, days, rows)
    for place, row in enumerate(rows):
        first = 0 if row < 120 else 120
        own = days.net[first : row + 1][::-1][:80]
        weights = 0.5 ** (np.arange(len(own)) / 10)
        for output, limit in (("breach", days.limit[row]), ("breach_1000", 1000.0)):
            lost = (weights * (own < -limit)).sum()
            desk = baselines.breach_rates[output]
            expected = (lost + 10 * desk) / (weights.sum() + 10)
            assert said[f"{output}.own_rate"][place] == pytest.approx(expected)
        mean = (weights * np.abs(own)).sum() / weights.sum()
        assert said["size.trailing_size"][place] == pytest.approx(np.log(mean))


def test_a_breach_in_the_last_five_days_is_a_fact_of_its_own() -> None:
    days = to_days(frames({"T1": 200}))
    rows = np.arange(199)
    said = predict(Baselines.fit(days, rows), days, rows)["breach.recent_breach"]
    for row in (3, 50, 120):
        recently = (days.net[max(0, row - 4) : row + 1] < -days.limit[row]).any()
        assert said[row] == (said.max() if recently else said.min())


def test_the_desks_rates_are_one_for_all() -> None:
    days = to_days(frames({"T1": 100, "T2": 60}))
    known = np.flatnonzero(days.dates < days.dates[50])
    said = predict(Baselines.fit(days, known), days, np.array([80, 159]))
    assert said["loss.desk_rate"] == pytest.approx([days.is_loss[known].mean()] * 2)
    assert np.ptp(said["breach.desk_rate"]) == 0
    assert all(np.isfinite(values).all() for values in said.values())


def test_a_short_mean_says_little() -> None:
    """One good day of a newcomer says less than the same mean of an old hand."""
    marts = frames({"T1": 200})
    marts.features["net_pnl_ewm_momentum_20d"] = 1.0
    new, old = shrunk_mean(to_days(marts), np.array([0, 199]))
    assert 0 < new < 0.1 < old < 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("loss_streak_days", 3),
        ("drawdown_ratio", 0.151),
        ("net_pnl_volatility_5d", 2.1),
        ("net_pnl_scaled", -2.1),
    ],
)
def test_each_rule_raises_one_warning(column: str, value: float) -> None:
    quiet = {
        "loss_streak_days": 2,
        "drawdown_ratio": 0.15,
        "net_pnl_volatility_5d": 2.0,
        "net_pnl_volatility_60d": 1.0,
        "net_pnl_scaled": -2.0,
    }
    quiet = {name: np.array([float(one)]) for name, one in quiet.items()}
    assert warnings_raised(quiet) == [0]
    assert warnings_raised(quiet | {column: np.array([value])}) == [1]
    assert warnings_raised(quiet | {column: np.array([np.nan])}) == [0]


def test_baselines_survive_their_card() -> None:
    days = to_days(frames({"T1": 100, "T2": 60}))
    baselines = Baselines.fit(days, days.known(days.dates.max()))
    assert Baselines.from_card(baselines.as_card()) == baselines
