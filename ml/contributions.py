"""What each feature adds to the expected P&L of the selected model, exactly.

Trees give exact contributions (Lundberg and Lee 2017), a linear score is a sum, and a
blend is a weighted sum of both: what is added up here is the prediction itself.
"""

import numpy as np

from ml.boosting import MEAN, predicted_by
from ml.days import TraderDays
from ml.fitted import Fitted
from ml.selection import BLEND, MEMBERS, Selection

# The feature whose words describe an input of the ridge regression on the record.
RIDGE_FEATURES = {
    "mean_pnl_5d": "net_pnl_ewm_momentum_5d",
    "mean_pnl_20d": "net_pnl_ewm_momentum_20d",
    "mean_over_deviation_20d": "net_pnl_ewm_momentum_20d",
    "loss_log_odds_20d": "loss_day_ratio_ewm_20d",
    "loss_log_odds_to_date": "loss_day_ratio_to_date",
}


def contributions(
    fitted: Fitted,
    selection: Selection,
    days: TraderDays,
    rows: np.ndarray,
    names: tuple[str, ...],
) -> np.ndarray:
    """Rows x features, in units of the trader's own scale.

    With the prediction of a row of mean inputs they add up to what the model
    selected for expected P&L predicts, the trailing mean apart, which has no parts.
    """
    selected = selection.selected_model("pnl")
    if selected == "trailing_mean":
        return np.zeros((len(rows), len(names)))
    weights = dict.fromkeys(MEMBERS["pnl"], 0.0) | {selected: 1.0}
    if selected == BLEND:
        weights = dict(zip(MEMBERS["pnl"], selection.weights["pnl"], strict=True))
    record = _of_record(fitted, days, rows, names)
    trees = predicted_by(fitted.shared[MEAN], days.features[rows], pred_contrib=True)
    shared = record + trees[:, :-1]
    own = shared.copy()
    for trader, places in days.by_trader(rows).items():
        if trader in fitted.own:
            matrix = days.features[rows[places]]
            booster = fitted.own[trader][MEAN]
            own[places] = predicted_by(booster, matrix, pred_contrib=True)[:, :-1]
    return (
        weights["global"] * shared
        + weights["per_trader"] * own
        + weights["ridge"] * record
    )


def _of_record(
    fitted: Fitted, days: TraderDays, rows: np.ndarray, names: tuple[str, ...]
) -> np.ndarray:
    terms = fitted.baselines.pnl_terms(days, rows)
    found = np.zeros((len(rows), len(names)))
    for term, name in zip(terms.T, fitted.baselines.ridge.names, strict=True):
        found[:, names.index(RIDGE_FEATURES[name])] += term
    return found
