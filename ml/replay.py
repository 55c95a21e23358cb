"""Forecasts of past days as the models of their time would have made them.

A desk that begins today has no forecasts to be evaluated by; these stand in, marked as
what they are, until it has. Data corrected since then is corrected here, too.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from ml.days import TraderDays
from ml.desk import DeskHistory
from ml.forecasts import outlook, prediction_frame
from ml.outputs import Predictions
from ml.policies import POLICIES
from ml.selection import CHAMPION
from runtime.transform.dbt import project_variables


class Replay(NamedTuple):
    """Columns of ml.replayed_forecasts, and of ml.desk_predictions."""

    forecasts: pd.DataFrame
    desk: pd.DataFrame


def replay(
    days: TraderDays,
    rows: np.ndarray,
    made: Predictions,
    limit_risk: np.ndarray,
    policy: str,
) -> Replay:
    """What would have been forecast on the predicted days.

    Args:
        days: All days there are.
        rows: Numbers of the predicted ones.
        made: Their predictions, with what was selected.
        limit_risk: The desk's level of each.
        policy: Which would have advised sizes.
    """
    variables = project_variables()
    least = variables["prediction_minimum_traded_days"]
    is_forecasted = days.record["traded_days_count"][rows] >= least
    rows = rows[is_forecasted]
    made = {name: values[is_forecasted] for name, values in made.items()}
    limit_risk = limit_risk[is_forecasted]
    seen = outlook(days, rows, made, limit_risk)
    forecasts = prediction_frame(CHAMPION, days, rows, made).assign(
        prediction_date=_prediction_dates(
            days, rows, variables["inactive_above_idle_sessions"]
        ),
        policy=policy,
        position_multiplier=POLICIES[policy](seen, variables),
        limit_risk=limit_risk,
        daily_loss_limit_amount=days.limit[rows],
        pnl_scale=days.scale[rows],
    )
    return Replay(forecasts, desk_history(forecasts, days).past_outlooks())


def _prediction_dates(days: TraderDays, rows: np.ndarray, idle: float) -> np.ndarray:
    """The next traded day; NaT if there is none, or the trader was inactive by then."""
    sessions, outcome = np.unique(days.dates), days.label_dates[rows]
    missed = np.searchsorted(sessions, outcome) - np.searchsorted(
        sessions, days.dates[rows]
    )
    return np.where(missed - 1 > idle, np.datetime64("NaT"), outcome)


def desk_history(forecasts: pd.DataFrame, days: TraderDays) -> DeskHistory:
    """The desk's past from forecasts of `replay`, and what happened."""
    outcomes = pd.DataFrame(
        {"trader_id": days.traders, "features_date": days.dates, "pnl": days.pnl}
    )
    forecasts = forecasts.merge(outcomes, on=["trader_id", "features_date"], how="left")
    return DeskHistory.of(forecasts.rename(columns={"pnl_scale": "scale"}))
