"""What each feature adds to the expected P&L of the selected model, exactly.

Trees give exact contributions (Lundberg and Lee 2017), and what they begin from is the
trader's own mean: what is added up here is the prediction itself.
"""

import numpy as np

from ml.baselines import shrunk_mean
from ml.boosting import MEAN, predicted_by
from ml.days import TraderDays
from ml.fitted import Fitted
from ml.selection import BASELINES, Selection

# The feature whose words describe the trader's own mean.
MEAN_FEATURE = "net_pnl_ewm_momentum_20d"


def contributions(
    fitted: Fitted,
    selection: Selection,
    days: TraderDays,
    rows: np.ndarray,
    names: tuple[str, ...],
) -> np.ndarray:
    """Rows x features, in units of the trader's own scale.

    With the prediction of a row of mean inputs they add up to what the model
    selected for expected P&L predicts.
    """
    selected = selection.selected_model("pnl")
    record = np.zeros((len(rows), len(names)))
    record[:, names.index(MEAN_FEATURE)] = shrunk_mean(days, rows)
    if selected in BASELINES["pnl"]:
        return record
    trees = predicted_by(fitted.shared[MEAN], days.features[rows], pred_contrib=True)
    found = record + trees[:, :-1]
    if selected == "per_trader":
        for trader, places in days.by_trader(rows).items():
            if trader in fitted.own:
                matrix = days.features[rows[places]]
                booster = fitted.own[trader][MEAN]
                parts = predicted_by(booster, matrix, pred_contrib=True)
                found[places] = parts[:, :-1]
    return found
