"""Predicts every trader's next session and writes it to schema `ml`."""

import numpy as np
import pandas as pd

from ml.boosting import GLOBAL, LOSS, MEAN, PER_TRADER, QUANTILES, Boosters
from ml.features import usable_scale
from ml.reasons import reasons
from ml.registry import ModelSet
from ml.store import MartFrames, is_scored, read_marts, write_scores
from runtime.home import Home
from runtime.settings import Settings


def score(settings: Settings, home: Home) -> str:  # noqa: ARG001 - as every step
    """Write the predictions of today's models; a sentence for people."""
    frames = read_marts(home)
    version = frames.version()
    if is_scored(home, version, frames.prediction_date):
        return f"predictions for {frames.prediction_date} are up to date"
    models = ModelSet.load(home.models, version)
    predictions = predict(models, frames)
    roster = call_roster(models, frames)
    write_scores(home, models, frames.prediction_date, predictions, roster)
    called = roster["model"].notna().sum()
    return (
        f"{called} of {len(roster)} traders predicted for {frames.prediction_date}, "
        f"{len(roster) - called} unknown"
    )


def call_roster(models: ModelSet, frames: MartFrames) -> pd.DataFrame:
    """Who is considered, and which model speaks.

    Returns:
        trader_id, call_basis, traded_days_count, idle_sessions_count, model (None
        where nothing can be predicted); inactive traders are left out.
    """
    considered = ("own_model", "global_model", "too_little_history")
    roster = frames.traders[frames.traders["call_basis"].isin(considered)]
    predictable = bool(models.global_models) & (
        roster["call_basis"] != "too_little_history"
    )
    speaks = np.where(roster["trader_id"].isin(models.speaks), PER_TRADER, GLOBAL)
    return roster.assign(model=pd.Series(speaks, roster.index).where(predictable, None))


def predict(models: ModelSet, frames: MartFrames) -> pd.DataFrame:
    """Predictions of every model for every trader it can speak for.

    Returns:
        One row per trader and model: trader_id, model, predicted_pnl, its quantiles,
        loss_probability, reasons, features_date. Dollars.
    """
    latest = frames.features.groupby("trader_id", sort=True).tail(1)
    bases = frames.traders.set_index("trader_id")["call_basis"]
    basis = latest["trader_id"].map(bases)
    parts = []
    if models.global_models:
        rows = latest[basis.isin(["own_model", "global_model"])]
        if len(rows):
            parts.append(_predict_global(models, rows))
            owned = rows[rows["trader_id"].isin(models.own_models)]
            parts += [
                _predict_own(models, row, parts[0])
                for _, row in owned.groupby("trader_id")
            ]
    if not parts:
        return pd.DataFrame(columns=["trader_id", "model"])
    return pd.concat(parts, ignore_index=True)


def _predict_global(models: ModelSet, rows: pd.DataFrame) -> pd.DataFrame:
    matrix, scale = models.contract.matrix(rows), usable_scale(rows)
    boosters = models.global_models
    levels = np.column_stack([boosters[name].predict(matrix) for name in QUANTILES])
    # Boosted apart, quantiles may cross; sorting them never makes them worse
    # (Chernozhukov, Fernandez-Val and Galichon 2010).
    levels = np.sort(levels, axis=1) * scale[:, None]
    frame = _common(GLOBAL, boosters, models, rows)
    for position, name in enumerate(QUANTILES):
        frame[f"predicted_pnl_{name}"] = levels[:, position]
    return frame


def _predict_own(
    models: ModelSet, row: pd.DataFrame, of_global: pd.DataFrame
) -> pd.DataFrame:
    trader_id = row["trader_id"].iloc[0]
    frame = _common(PER_TRADER, models.own_models[trader_id], models, row)
    # One trader's days are too few for quantiles: the global spread, moved.
    spread = of_global[of_global["trader_id"] == trader_id].iloc[0]
    move = frame["predicted_pnl"].iloc[0] - spread["predicted_pnl"]
    for name in QUANTILES:
        frame[f"predicted_pnl_{name}"] = spread[f"predicted_pnl_{name}"] + move
    return frame


def _common(
    model: str, boosters: Boosters, models: ModelSet, rows: pd.DataFrame
) -> pd.DataFrame:
    matrix, scale = models.contract.matrix(rows), usable_scale(rows)
    predicted = boosters[MEAN].predict(matrix) * scale
    contributions = boosters[MEAN].predict(matrix, pred_contrib=True)[:, :-1]
    return pd.DataFrame(
        {
            "trader_id": rows["trader_id"].to_numpy(),
            "model": model,
            "predicted_pnl": predicted,
            "loss_probability": boosters[LOSS].predict(matrix),
            "reasons": [
                reasons(models.contract.names, values, dollars, total)
                for values, dollars, total in zip(
                    matrix, contributions * scale[:, None], predicted, strict=True
                )
            ],
            "features_date": rows["trade_date"].to_numpy(),
        }
    )
