"""Baselines against the same thing written plainly."""

import numpy as np
import pytest

from ml.baselines import (
    LEVELS,
    QUANTILE_HALF_LIFE_DAYS,
    QUANTILE_PSEUDO_DAYS,
    Baselines,
    warnings_raised,
    weighted_quantiles,
)
from ml.calibration import log_odds
from tests.ml.frames import frames, to_days


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


def test_base_rates_count_losing_days_daily_and_at_the_refit() -> None:
    days = to_days(frames({"T1": 100, "T2": 60}))
    known = np.flatnonzero(days.dates < days.dates[50])
    said = Baselines.fit(days, known).predict(days, np.array([80, 159]))
    ratio = days.record["loss_day_ratio_to_date"]
    assert said["loss_base_rate_daily"] == pytest.approx(ratio[[80, 159]])
    assert said["loss_base_rate"] == pytest.approx(
        [days.is_loss[:50].mean(), days.is_loss[100:150].mean()]
    )


def test_an_unknown_trader_has_the_desks_base_rate() -> None:
    days = to_days(frames({"T1": 100, "T2": 3}))
    baselines = Baselines.fit(days, np.arange(99))
    said = baselines.predict(days, np.array([101]))
    assert said["loss_base_rate"][0] == pytest.approx(days.is_loss[:99].mean())
    assert all(np.isfinite(values).all() for values in said.values())


def test_a_short_record_counts_little() -> None:
    """One losing day of a newcomer says less than a hundred of an old hand."""
    marts = frames({"T1": 200})
    features = marts.features
    features.loc[0, ["loss_day_ratio_to_date", "loss_day_ratio_ewm_5d"]] = 1.0
    features.loc[0, "loss_day_ratio_ewm_20d"] = 1.0
    features.loc[198, ["loss_day_ratio_to_date", "loss_day_ratio_ewm_5d"]] = 1.0
    features.loc[198, "loss_day_ratio_ewm_20d"] = 1.0
    days = to_days(marts)
    inputs, _ = Baselines.fit(days, np.arange(199))._inputs_of(days, np.array([0, 198]))
    new, old = inputs["loss_log_odds_to_date"]
    assert 0 < new - log_odds(days.is_loss[:199].mean()) < old


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
