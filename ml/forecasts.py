"""Predictions as forecasts: in dollars, and as policies look at them."""

import numpy as np
import pandas as pd

from ml.baselines import QUANTILES, warnings_raised
from ml.days import TraderDays
from ml.outputs import Predictions, key
from ml.policies import Outlook
from ml.selection import CHAMPION

_LARGEST = 9e9
# Columns of ml.predictions, by output: probabilities, and logarithms of dollars.
_PROBABILITIES = {
    "loss_probability": "loss",
    "realised_loss_probability": "realised_loss",
    "limit_loss_probability": "breach",
}
_SIZES = {"predicted_absolute_pnl": "size", "usual_loss": "usual_loss"}


def prediction_frame(
    model: str, days: TraderDays, rows: np.ndarray, made: Predictions
) -> pd.DataFrame:
    """One model's predictions in dollars, null where it has no such output.

    Returns:
        trader_id, model, features_date and the figures of ml.predictions.
    """
    scale = days.scale[rows]
    nothing = np.full(len(rows), np.nan)

    def given(output: str) -> np.ndarray:
        return made.get(key(output, model), nothing)

    figures = {
        "trader_id": days.traders[rows],
        "model": model,
        "features_date": days.dates[rows],
        **{column: given(output) for column, output in _PROBABILITIES.items()},
        "predicted_pnl": _dollars(given("pnl") * scale),
        **{
            column: _dollars(np.exp(np.minimum(given(output), np.log(_LARGEST))))
            for column, output in _SIZES.items()
        },
        "loss_spread": given("loss_spread"),
    }
    quantiles = made.get(key("quantiles", model))
    for position, name in enumerate(QUANTILES):
        values = nothing if quantiles is None else quantiles[:, position] * scale
        figures[f"predicted_pnl_{name}"] = _dollars(values)
    return pd.DataFrame(figures)


def outlook(
    days: TraderDays, rows: np.ndarray, made: Predictions, limit_risk: np.ndarray
) -> Outlook:
    """What policies look at, of the selected forecasts.

    Args:
        limit_risk: The desk's level of each.
    """
    scale = days.scale[rows]
    return Outlook(
        predicted_pnl=made[key("pnl", CHAMPION)] * scale,
        quantiles=made[key("quantiles", CHAMPION)] * scale[:, None],
        scale=scale,
        warnings=warnings_raised({k: v[rows] for k, v in days.record.items()}),
        limit_risk=limit_risk,
    )


def _dollars(values: np.ndarray) -> np.ndarray:
    """What fits the table's decimals."""
    return np.clip(values, -_LARGEST, _LARGEST)
