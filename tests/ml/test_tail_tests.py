"""Tests of the tail against figures worked by hand, and against what they promise."""

import numpy as np
import pytest
from scipy.stats import norm

from ml.desk import TAIL
from ml.tail_tests import (
    coverage_power,
    coverage_ratio,
    independence_ratio,
    tail_tests,
)
from tests.draws import draw


def test_kupiecs_ratio_of_a_desk_that_was_too_cautious() -> None:
    """8 bad days of 311: 2 (8 ln(8/311 / 0.05) + 303 ln(303/311 / 0.95)) = 4.66."""
    assert coverage_ratio(8, 311) == pytest.approx(4.66, abs=0.005)
    assert coverage_ratio(5, 100) == pytest.approx(0)
    # Without one bad day: -2 * 100 ln 0.95.
    assert coverage_ratio(0, 100) == pytest.approx(10.2587, abs=1e-4)


def test_christoffersens_ratio_by_hand() -> None:
    """Of 9 steps: from bad 1 of 3 to bad, from good 2 of 6, so all the same."""
    alike = np.array([1, 0, 0, 1, 1, 0, 0, 0, 0, 1], dtype=bool)
    assert independence_ratio(alike) == pytest.approx(0, abs=1e-12)
    # From bad 4 of 5, from good 1 of 5, together 5 of 10.
    runs = np.array([0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0], dtype=bool)
    by_hand = 2 * (2 * (4 * np.log(0.8) + np.log(0.2)) - 10 * np.log(0.5))
    assert independence_ratio(runs) == pytest.approx(by_hand)
    assert independence_ratio(np.array([True])) == 0


def test_power_is_that_of_the_binomial_distribution() -> None:
    """250 sessions tell a rate of 10 % from 5 % four times in five."""
    assert coverage_power(250, 0.05) == pytest.approx(0.05, abs=0.02)
    assert 0.8 < coverage_power(250, 0.10) < 0.95
    rng = np.random.default_rng(0)
    drawn = rng.binomial(250, 0.1, draw(2000, 20000))
    found = np.mean([coverage_ratio(int(bad), 250) > 3.8415 for bad in drawn])
    assert coverage_power(250, 0.10) == pytest.approx(found, abs=0.03)


def normal_forecasts(days: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value at risk, shortfall and severities of a standard normal desk."""
    quantile = norm.ppf(TAIL)
    shortfall = -norm.pdf(quantile) / TAIL
    scenarios = norm.ppf((np.arange(5000) + 0.5) / 5000)
    severities = scenarios[scenarios < quantile] / shortfall
    return np.full(days, quantile), np.full(days, shortfall), severities


def test_a_right_forecast_is_seldom_refused_and_a_light_one_mostly() -> None:
    at_risk, shortfall, severities = normal_forecasts(300)
    rng = np.random.default_rng(11)
    replicates = draw(150, 1500)

    def refused(spread: float, figure: str) -> float:
        p_values = [
            tail_tests(at_risk, shortfall, rng.normal(0, spread, 300), severities)
            for _ in range(replicates)
        ]
        return float(np.mean([found[figure] < 0.05 for found in p_values]))

    assert refused(1, "shortfall_p_value") < 0.10
    assert refused(1, "kupiec_p_value") < 0.12
    assert refused(1.4, "shortfall_p_value") > 0.9


def test_a_verdict_says_on_which_side_it_is_wrong() -> None:
    at_risk, shortfall, severities = normal_forecasts(300)
    days = norm.ppf((np.random.default_rng(3).permutation(300) + 0.5) / 300)

    def verdict(pnl: np.ndarray) -> object:
        count = len(pnl)
        return tail_tests(at_risk[:count], shortfall[:count], pnl, severities)[
            "verdict"
        ]

    assert verdict(days) == "sound"
    assert verdict(days * 2) == "too light"
    assert verdict(days / 2) == "too cautious"
    assert verdict(days[:59]) == "too few sessions"


def test_a_scope_that_never_loses_is_no_proof_of_a_shortfall() -> None:
    found = tail_tests(np.zeros(100), np.zeros(100), np.ones(100), np.empty(0))
    assert np.isnan(found["shortfall_statistic"])
    assert found["verdict"] == "too cautious"
