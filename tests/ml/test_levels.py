"""Limit risk: above the desk's thresholds, and among its highest."""

import numpy as np

from ml.levels import limit_risk

VARIABLES = {"elevated_limit_risk_above": 0.05, "high_limit_risk_above": 0.10}


def level(chance: float, third: float, tenth: float) -> str:
    return limit_risk(np.array([chance]), np.array([[third, tenth]]), VARIABLES)[0]


def test_thresholds_hold_on_a_quiet_desk() -> None:
    assert level(0.05, 0.01, 0.02) == "Normal"
    assert level(0.0501, 0.01, 0.02) == "Elevated"
    assert level(0.10, 0.01, 0.02) == "Elevated"
    assert level(0.1001, 0.01, 0.02) == "High"


def test_where_everybody_passes_the_limit_the_highest_are_flagged() -> None:
    assert level(0.25, 0.25, 0.4) == "Normal"
    assert level(0.26, 0.25, 0.4) == "Elevated"
    assert level(0.41, 0.25, 0.4) == "High"


def test_before_there_is_a_past_the_thresholds_stand_alone() -> None:
    assert level(0.2, np.nan, np.nan) == "High"
    assert level(0.01, np.nan, np.nan) == "Normal"
