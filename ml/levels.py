"""The desk's levels of a trader's next day, by the chance of breaching the limit."""

from collections.abc import Mapping

import numpy as np

# By the chance of breaching the limit; by the expected P&L.
HIGH, ELEVATED, NORMAL = "High", "Elevated", "Normal"
MEDIUM, LOW = "Medium", "Low"


def limit_risk(
    chance: np.ndarray, levels: np.ndarray, variables: Mapping[str, float]
) -> np.ndarray:
    """The level of each forecast.

    A chance above the desk's threshold is Elevated, or High, if it is also among the
    highest third, or tenth, of the desk's last 200 forecasts: where everybody
    often breaches the limit, an alarm for all would be one for nobody.

    Args:
        chance: Of losing more than the limit.
        levels: Rows x 2, chances that one in three, and one in ten, lay above; NaN
            before there were any.
        variables: Of dbt_project.yml.
    """
    least = np.array(
        [variables["elevated_limit_risk_above"], variables["high_limit_risk_above"]]
    )
    elevated, high = np.fmax(levels, least).T
    return np.select([chance > high, chance > elevated], [HIGH, ELEVATED], NORMAL)


def risk_level(predicted_pnl: np.ndarray, variables: Mapping[str, float]) -> np.ndarray:
    """The desk's level of an expected P&L, as macros/risk_level.sql has it."""
    return np.select(
        [
            predicted_pnl < variables["high_risk_below_pnl"],
            predicted_pnl < variables["medium_risk_below_pnl"],
        ],
        [HIGH, MEDIUM],
        LOW,
    )
