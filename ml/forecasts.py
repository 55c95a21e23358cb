"""Predictions as forecasts: in dollars, and as policies look at them."""

import numpy as np
import pandas as pd

from ml.baselines import QUANTILES, warnings_raised
from ml.days import TraderDays
from ml.fitted import Predictions
from ml.policies import Outlook

_LARGEST = 9e9


def prediction_frame(
    model: str, days: TraderDays, rows: np.ndarray, made: Predictions
) -> pd.DataFrame:
    """One model's predictions in dollars, null where it has no such output.

    Returns:
        trader_id, model, features_date and the figures of ml.predictions.
    """
    scale = days.scale[rows]
    nothing = np.full(len(rows), np.nan)
    quantiles = made.get(f"quantiles_{model}")
    frame = pd.DataFrame(
        {
            "trader_id": days.traders[rows],
            "model": model,
            "features_date": days.dates[rows],
            "loss_probability": made.get(f"loss_{model}", nothing),
            "limit_loss_probability": made.get(f"limit_{model}", nothing),
            "predicted_pnl": _dollars(made.get(f"pnl_{model}", nothing) * scale),
        }
    )
    for position, name in enumerate(QUANTILES):
        values = nothing if quantiles is None else quantiles[:, position] * scale
        frame[f"predicted_pnl_{name}"] = _dollars(values)
    return frame


def outlook(days: TraderDays, rows: np.ndarray, made: Predictions) -> Outlook:
    """What policies look at, of the champion's forecasts."""
    scale = days.scale[rows]
    return Outlook(
        predicted_pnl=made["pnl_champion"] * scale,
        quantiles=made["quantiles_champion"] * scale[:, None],
        scale=scale,
        warnings=warnings_raised({k: v[rows] for k, v in days.record.items()}),
    )


def _dollars(values: np.ndarray) -> np.ndarray:
    """What fits the table's decimals."""
    return np.clip(values, -_LARGEST, _LARGEST)
