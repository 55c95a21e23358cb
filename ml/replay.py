"""Calls of past days as the models of their time would have made them.

A desk that begins today has no calls to be judged by; these stand in, marked as what
they are, until it has. Data corrected since then is corrected here, too.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from ml.calls import outlook, prediction_frame
from ml.champion import CHAMPION
from ml.days import Days
from ml.desk import DeskHistory
from ml.fitted import Predictions
from ml.policies import POLICIES
from runtime.transform.dbt import project_variables


class Replay(NamedTuple):
    """Columns of ml.replayed_calls, and of ml.desk_predictions."""

    calls: pd.DataFrame
    desk: pd.DataFrame


def replay(days: Days, rows: np.ndarray, made: Predictions, policy: str) -> Replay:
    """What would have been called on the predicted days.

    Args:
        days: All days there are.
        rows: Numbers of the predicted ones.
        made: What was said of them, as `champion.as_said` gives it.
        policy: Who would have advised sizes.
    """
    variables = project_variables()
    least = variables["prediction_minimum_traded_days"]
    is_called = days.record["traded_days_count"][rows] >= least
    rows = rows[is_called]
    made = {name: values[is_called] for name, values in made.items()}
    calls = prediction_frame(CHAMPION, days, rows, made).assign(
        prediction_date=_called_for(
            days, rows, variables["inactive_above_idle_sessions"]
        ),
        policy=policy,
        position_multiplier=POLICIES[policy](outlook(days, rows, made), variables),
        daily_loss_limit_amount=days.limit[rows],
        pnl_scale=days.scale[rows],
    )
    return Replay(calls, desk_history(calls, days).past_outlooks())


def _called_for(days: Days, rows: np.ndarray, idle: float) -> np.ndarray:
    """The next traded day; NaT if there is none, or he counted as inactive by then."""
    sessions, outcome = np.unique(days.dates), days.label_dates[rows]
    missed = np.searchsorted(sessions, outcome) - np.searchsorted(
        sessions, days.dates[rows]
    )
    return np.where(missed - 1 > idle, np.datetime64("NaT"), outcome)


def desk_history(calls: pd.DataFrame, days: Days) -> DeskHistory:
    """The desk's past from calls of `replay`, and what became of them."""
    outcomes = pd.DataFrame(
        {"trader_id": days.traders, "features_date": days.dates, "pnl": days.pnl}
    )
    calls = calls.merge(outcomes, on=["trader_id", "features_date"], how="left")
    first_traded = pd.Series(days.dates).groupby(days.traders).min()
    return DeskHistory.of(calls.rename(columns={"pnl_scale": "scale"}), first_traded)
