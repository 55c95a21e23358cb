"""Forecasts of past days: what the models of their time would have made."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.replay import Replay
from ml.train import train_models
from ml.tuning import Tuning
from tests.ml.frames import cut, frames

DAYS = {"T1": 260, "T2": 220, "T3": 40}
KEYS = ["trader_id", "features_date"]


def replayed(marts, policy="fixed") -> Replay:
    """What a training run replays."""
    return train_models(marts, Tuning(), 1, policy=policy).replayed


@pytest.fixture(scope="module")
def marts():
    """Three traders, one of them for a short time."""
    return frames(DAYS)


@pytest.fixture(scope="module")
def whole(marts) -> Replay:
    """Their record."""
    return replayed(marts)


def test_a_replayed_forecast_is_of_the_traders_next_day(marts, whole: Replay) -> None:
    known = marts.labels.rename(columns={"trade_date": "features_date"})
    both = whole.forecasts.merge(known, on=KEYS, how="left", validate="one_to_one")
    has_next = both["label_date"].notna()
    assert (both["prediction_date"] == both["label_date"])[has_next].all()
    # A trader's last day has no next one yet.
    assert both["prediction_date"].isna().sum() == len(DAYS)
    assert not both["predicted_pnl"].isna().any()


def test_who_had_too_few_days_has_no_forecast(marts, whole: Replay) -> None:
    days = marts.features.sort_values(KEYS[:1] + ["trade_date"])
    number = days.groupby("trader_id").cumcount() + 1
    of_day = dict(
        zip(
            zip(days["trader_id"], days["trade_date"], strict=True), number, strict=True
        )
    )
    numbers = [
        of_day[key]
        for key in zip(
            whole.forecasts["trader_id"], whole.forecasts["features_date"], strict=True
        )
    ]
    assert min(numbers) >= 5


def test_a_replayed_forecast_knows_nothing_of_what_came_after(
    marts, whole: Replay
) -> None:
    last = marts.features["trade_date"].max() - pd.Timedelta(60, "D")
    part = replayed(cut(marts, last))
    both = part.forecasts.merge(whole.forecasts, on=KEYS, suffixes=("", "_whole"))
    assert len(both) == len(part.forecasts) > 200
    for name in (
        "predicted_pnl", "predicted_pnl_p05", "loss_probability",
        "limit_loss_probability", "limit_risk",
    ):  # fmt: skip
        np.testing.assert_array_equal(both[name], both[f"{name}_whole"])
    np.testing.assert_array_equal(
        both["position_multiplier"], both["position_multiplier_whole"]
    )
    desk = part.desk.merge(whole.desk, on="prediction_date", suffixes=("", "_whole"))
    # The last morning's is said of by who traded on it, which is not known yet.
    desk = desk[desk["prediction_date"] <= last]
    assert desk["worst_case_pnl"].notna().sum() > 50
    for name in ("one_in_hundred_pnl", "worst_case_pnl", "traders_count"):
        np.testing.assert_array_equal(desk[name], desk[f"{name}_whole"])


@pytest.mark.long
def test_who_comes_back_after_weeks_has_no_forecast_for_that_day(marts) -> None:
    features, labels = marts.features, marts.labels
    gap = pd.Timestamp("2023-07-01"), pd.Timestamp("2023-08-15")

    def kept(frame: pd.DataFrame, column: str) -> pd.Series:
        inside = (frame[column] > gap[0]) & (frame[column] < gap[1])
        return ~(inside & (frame["trader_id"] == "T2"))

    own = labels[kept(labels, "trade_date")].copy()
    late = (own["trader_id"] == "T2") & (own["trade_date"] == gap[0])
    own.loc[late, "label_date"] = gap[1]
    rested = replace(
        marts,
        features=features[kept(features, "trade_date")].reset_index(drop=True),
        labels=own.reset_index(drop=True),
        limits=marts.limits[kept(marts.limits, "trade_date")].reset_index(drop=True),
    )
    forecasts = replayed(rested).forecasts
    row = forecasts[
        (forecasts["trader_id"] == "T2") & (forecasts["features_date"] == gap[0])
    ]
    assert row["prediction_date"].isna().all()
    assert len(row) == 1


@pytest.mark.long
def test_sizes_are_those_of_the_policy_in_use(marts, whole: Replay) -> None:
    level = np.select(
        [
            whole.forecasts["predicted_pnl"] < -1000,
            whole.forecasts["predicted_pnl"] < 0,
        ],
        [0.5, 1.0],
        1.0,
    )
    np.testing.assert_array_equal(whole.forecasts["position_multiplier"], level)
    assert set(whole.forecasts["policy"]) == {"fixed"}
    rules = replayed(marts, "rules").forecasts
    assert (rules["position_multiplier"] != level).any()


def test_a_desk_too_young_for_models_has_nothing_to_replay() -> None:
    young = replayed(frames({"T1": 8}))
    assert len(young.forecasts) == len(young.desk) == 0
