"""Training and scoring on frames made by hand."""

import json
import os
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.boosting import ModelSettings
from ml.features import (
    IN_DOLLARS,
    RECORD,
    FeatureContract,
    FeatureContractError,
    to_matrix,
)
from ml.reasons import describe
from ml.registry import CARD, ModelSet, forget
from ml.score import score_traders
from ml.selection import CHAMPION, OUTPUTS, is_baseline
from ml.store import read_phrases, registry_frame
from ml.train import train_models
from ml.tuning import Tuning
from runtime.errors import UserError
from runtime.transform.dbt import project_variables
from tests.conftest import connected, start_python
from tests.draws import draw
from tests.ml.frames import ORDER, cut, frames, to_days

WATCHED = ("watch", None)
DESK = {"T1": 300, "T2": 250, "T3": 40, "T4": 110, "T5": 120, "T6": 130, "T7": 140}
LEVELS = [f"predicted_pnl_p{q}" for q in ("05", "25", "50", "75", "95")]


def trained(marts, threads: int = 1) -> ModelSet:
    return train_models(marts, Tuning(), threads).models


def scored(models, marts):
    return score_traders(models, marts, lambda _: WATCHED)


def champion(models, marts) -> pd.DataFrame:
    found = scored(models, marts).predictions
    return found[found["model"] == CHAMPION].set_index("trader_id")


@pytest.fixture(scope="module")
def learned():
    """Traders with a signal worth learning: enough of them to tell skill by."""
    marts = frames(DESK)
    return marts, trained(marts)


def test_a_signal_is_found_measured_on_unseen_days_and_selected(learned) -> None:
    _, models = learned
    measured = {
        (one.model, one.target, one.metric): one.value
        for one in models.metrics
        if one.trader_id is None and not one.period
    }
    assert measured["global", "loss", "auc"] > 0.8
    assert measured["global", "breach", "auc"] > 0.8
    assert measured["reference", "loss", "auc"] < 0.6
    assert measured["champion", "pnl", "rmse"] < 0.8 * measured["zero", "pnl", "rmse"]
    for output in ("loss", "breach", "pnl"):
        model = models.selection.selected_model(output)
        assert not is_baseline(output, model), output
    assert set(models.fitted.own) == set(DESK)


@pytest.mark.long
def test_noise_is_not_spoken() -> None:
    marts = frames({"T1": 250, "T2": 250}, noise=1.0)
    mixed = np.random.default_rng(2).permutation(marts.features["signal"])
    models = trained(replace(marts, features=marts.features.assign(signal=mixed)))
    for output in OUTPUTS:
        assert is_baseline(output, models.selection.selected_model(output)), output


def test_predictions_follow_the_signal_and_quantiles_never_cross(learned) -> None:
    marts, models = learned
    last = marts.features.groupby("trader_id").tail(1).set_index("trader_id")["signal"]
    forecasts = champion(models, marts)
    clear = last[last.abs() > 0.5].index
    assert (np.sign(forecasts["predicted_pnl"]) == np.sign(last))[clear].all()
    every = scored(models, marts).predictions
    assert every["loss_probability"].dropna().between(0, 1).all()
    assert every["limit_loss_probability"].dropna().between(0, 1).all()
    capped = every[every["model"].isin(["champion", "reference"])]
    assert (capped["limit_loss_probability"] <= capped["loss_probability"]).all()
    assert (capped["realised_loss_probability"].between(0, 1)).all()
    assert (capped["usual_loss"].astype(float) > 0).all()
    assert forecasts["limit_risk"].isin(["High", "Elevated", "Normal"]).all()
    assert forecasts["limit_reason"].str.contains("of those losses exceed").all()
    assert (np.diff(every[LEVELS].dropna(), axis=1) >= 0).all()


def test_reasons_are_in_dollars_and_say_what_changed(learned) -> None:
    marts, models = learned
    forecasts = champion(models, marts)
    assert forecasts["reasons"].str.contains("signal").any()
    assert forecasts["reasons"].str.contains(r"\([+\u2212]\$").all()
    assert forecasts["change_reasons"].str.contains(r"^[+\u2212]\$\d+").all()


def test_what_is_added_up_is_the_prediction(learned) -> None:
    """Contributions and the prediction of a row that has none differ by a constant."""
    from ml.contributions import contributions

    marts, models = learned
    days = to_days(marts)
    rows = np.arange(100, 140)
    said = models.selection.apply(models.fitted.predict(days, rows))["pnl.champion"]
    parts = contributions(
        models.fitted, models.selection, days, rows, models.contract.names
    )
    rest = said - parts.sum(axis=1)
    assert np.ptp(rest) < 1e-9


def test_the_same_data_gives_the_same_models_to_the_byte(learned, tmp_path) -> None:
    marts, models = learned
    models.save(tmp_path / "one")
    trained(marts).save(tmp_path / "two")
    version = models.version
    for path in sorted((tmp_path / "one" / version).iterdir()):
        other = tmp_path / "two" / version / path.name
        assert path.read_bytes() == other.read_bytes(), path.name


def test_a_saved_model_predicts_what_it_did_before(learned, tmp_path) -> None:
    marts, models = learned
    models.save(tmp_path)
    again = ModelSet.load(tmp_path, models.version)
    assert again.selection == models.selection and again.card == models.card
    pd.testing.assert_frame_equal(
        scored(again, marts).predictions, scored(models, marts).predictions
    )


@pytest.mark.long
def test_an_old_model_still_scores_later_days(learned, tmp_path) -> None:
    marts, _ = learned
    old = trained(cut(marts, marts.features["trade_date"].max() - pd.Timedelta(days=9)))
    old.save(tmp_path)
    forecasts = champion(ModelSet.load(tmp_path, old.version), marts)
    assert set(forecasts.index) == set(DESK)
    assert (forecasts.loc["T1", "features_date"] == marts.features["trade_date"]).any()


def test_a_model_that_is_not_there_is_one_line(learned, tmp_path) -> None:
    _, models = learned
    models.save(tmp_path)
    with pytest.raises(UserError, match=rf"no model x .*{models.version}"):
        ModelSet.load(tmp_path, "x")


def test_no_damage_is_read_or_kills_and_saving_again_heals_it(
    learned, tmp_path
) -> None:
    # Each damage is a load and a save of all models: of two traders they are few.
    models = draw(trained(frames({"T1": 60, "T2": 60})), learned[1])
    models.save(tmp_path / "sound")
    saved, work = tmp_path / "sound" / models.version, tmp_path / "work"
    work.mkdir()
    reader = start_python(
        "-m", "tests.ml.read_damaged", str(saved), str(work), str(draw(1, 60))
    )
    out, err = reader.communicate(timeout=600)
    assert reader.returncode == 0, f"at {out.splitlines()[-1:]}: {err}"


def test_a_killed_save_leaves_nothing_that_counts(learned, tmp_path) -> None:
    _, models = learned
    left = tmp_path / f".{models.version}.partial"
    left.mkdir()
    (left / CARD).write_text("{")
    models.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [models.version]


def test_shuffled_columns_change_nothing(learned) -> None:
    marts, models = learned
    turned = replace(marts, features=marts.features[marts.features.columns[::-1]])
    pd.testing.assert_frame_equal(
        scored(models, turned).predictions, scored(models, marts).predictions
    )


def test_a_feature_that_is_missing_or_of_another_type_is_named(learned) -> None:
    marts, models = learned
    types = dict(marts.types)
    models.contract.check(types)
    with pytest.raises(FeatureContractError, match=r"signal \(float64 then, int"):
        models.contract.check(types | {"signal": "int64"})
    del types["signal"]
    with pytest.raises(FeatureContractError, match="no column signal"):
        models.contract.check(types)
    with pytest.raises(FeatureContractError, match="no number: signal"):
        to_matrix(marts.features.assign(signal="high"), ("signal",))
    with pytest.raises(FeatureContractError, match="no column drawdown_ratio"):
        FeatureContract.of({"signal": "DOUBLE"} | dict.fromkeys(RECORD_BUT_ONE, "X"))


RECORD_BUT_ONE = tuple(name for name in RECORD if name != "drawdown_ratio")


def test_no_model_learns_from_dollars(sample) -> None:
    """What is left out is what the dictionary says is in dollars."""
    with connected(sample.home) as connection:
        found = connection.sql(
            "select feature_name from marts.feature_dictionary "
            "where unit in ('dollars', 'log dollars')"
        ).fetchall()
    assert {name for (name,) in found} == IN_DOLLARS


def test_an_infinite_feature_is_an_unknown_one() -> None:
    matrix = to_matrix(pd.DataFrame({"a": [np.inf, -np.inf, 1.0]}), ("a",))
    assert np.isnan(matrix[:2]).all() and matrix[2] == 1


def test_a_day_that_is_there_twice_is_named() -> None:
    marts = frames({"T1": 50})
    twice = pd.concat([marts.features, marts.features.iloc[[7]]], ignore_index=True)
    with pytest.raises(UserError, match="has T1 on 2023-01-09 twice"):
        trained(replace(marts, features=twice))


@pytest.mark.parametrize("days", [{"T1": 1}, {"T1": 12}, {"T1": 20, "T2": 5}])
def test_too_little_history_predicts_nothing_and_says_unknown(days) -> None:
    marts = frames(days, basis="global_model")
    models = trained(marts)
    assert models.fitted is None
    found = scored(models, marts)
    assert found.predictions.empty and found.policy_advice.empty
    assert found.roster["model"].isna().all()


def odd(name: str):
    """Marts with something that real data has."""
    marts = frames({"T1": 120, "T2": 120, "T3": 40})
    features, labels = marts.features.copy(), marts.labels.copy()
    first = features["trader_id"] == "T1"
    if name == "one class":
        labels.loc[labels["trader_id"] == "T1", "pnl"] = 5.0
    elif name == "constant features":
        features.loc[:, ["signal", "noise"]] = 1.0
    elif name == "infinite values":
        features.loc[first, "signal"] = np.inf
    elif name == "missing values":
        features.loc[first, ["signal", "net_pnl_volatility_60d"]] = np.nan
    elif name == "a gap of months":
        late = features["trade_date"] > pd.Timestamp("2023-03-01")
        features.loc[first & late, "trade_date"] += pd.Timedelta(days=200)
        own = labels["trader_id"] == "T1"
        for column in ("trade_date", "label_date"):
            moved = own & (labels[column] > pd.Timestamp("2023-03-01"))
            labels.loc[moved, column] += pd.Timedelta(days=200)
    elif name == "an unknown record":
        for number, column in enumerate(RECORD_BUT_ONE):
            if column not in ("net_pnl", "gross_pnl", "traded_days_count"):
                features[column] = features[column].astype(float)
                features.loc[number * 7 :: 11, column] = np.nan
    elif name == "a tiny scale":
        features.loc[first, "pnl_scale_20d"] = 1e-9
    elif name == "enormous money":
        labels[["pnl", "gross"]] *= 1e12
        features["pnl_scale_20d"] *= 1e12
    limits = features[ORDER].assign(daily_loss_limit_amount=150.0, trader_group=None)
    return replace(marts, features=features, labels=labels, limits=limits)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "name",
    [
        "one class", "constant features", "infinite values", "missing values",
        "a gap of months", "a tiny scale", "enormous money", "an unknown record",
    ],
)  # fmt: skip
def test_odd_data_has_a_forecast_all_the_same(name: str) -> None:
    marts = odd(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        models = trained(marts)
        forecasts = champion(models, marts)
    assert set(forecasts.index) == {"T1", "T2", "T3"}
    figures = forecasts[["predicted_pnl", "loss_probability", *LEVELS]].astype(float)
    assert np.isfinite(figures).all(axis=None)
    assert ("T1" in models.fitted.own) == (name != "one class")


def test_one_trader_alone_has_a_forecast() -> None:
    marts = frames({"T1": 90})
    assert np.isfinite(champion(trained(marts), marts).loc["T1", "predicted_pnl"])


def test_nobody_with_enough_history_of_his_own_has_the_global_model() -> None:
    marts = frames({f"T{number}": 20 for number in range(8)}, basis="global_model")
    models = trained(marts)
    assert not models.fitted.own
    assert len(champion(models, marts)) == 8


@pytest.mark.long
def test_a_newcomer_of_the_first_days_has_a_forecast() -> None:
    marts = frames({"T1": 200, "T2": 200, "T9": 5}, basis="global_model")
    forecasts = champion(trained(marts), marts)
    assert np.isfinite(forecasts.loc["T9", "loss_probability"])


def test_inactive_and_untried_traders_are_left_out(learned) -> None:
    marts, models = learned
    bases = ["inactive", "too_little_history", "own_model", *["inactive"] * 4]
    changed = replace(marts, traders=marts.traders.assign(forecast_basis=bases))
    found = scored(models, changed)
    assert set(found.predictions["trader_id"]) == {"T3"}
    roster = found.roster.set_index("trader_id")["model"]
    assert set(roster.index) == {"T2", "T3"}
    assert pd.isna(roster["T2"]) and roster["T3"] == CHAMPION


def test_the_registry_has_every_model_with_all_it_was_made_from(learned) -> None:
    _, models = learned
    rows = registry_frame(models)
    assert list(rows["model"]) == [
        "global",
        "grouped",
        "reference",
        *["per_trader"] * len(DESK),
    ]
    own = rows[rows["trader_id"] == "T3"].iloc[0]
    assert own["rows_count"] == 39 and own["traders_count"] == 1
    assert str(own["trained_through"]) == "2023-02-09"
    told = json.loads(rows["parameters"].iloc[0])
    assert {"rounds", "feature_fraction", "min_data_in_leaf", "seed"} <= set(told)
    assert json.loads(own["features"]) == list(models.contract.names)


@pytest.mark.long
def test_a_traders_own_model_is_measured_on_its_own_days_only() -> None:
    marts = frames({"T1": 200, "T2": 28}, noise=1.0)
    found = {
        (one.model, one.metric): one.rows_count
        for one in trained(marts).metrics
        if one.trader_id is None and not one.period and one.target == "loss"
    }
    assert 0 < found["per_trader", "auc"] < found["global", "auc"]


def test_only_the_latest_versions_are_kept(learned, tmp_path) -> None:
    _, models = learned
    for number in range(4):
        named = replace(models, card=replace(models.card, version=f"v{number}"))
        named.save(tmp_path)
        os.utime(tmp_path / f"v{number}" / "card.json", (number, number))
    forget(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v2", "v3"]


def test_every_forecast_has_one_live_policy(learned) -> None:
    marts, models = learned
    advice = scored(models, marts).policy_advice
    assert (advice.groupby("trader_id")["is_live"].sum() == 1).all()
    assert set(advice.loc[advice["is_live"], "policy"]) == {"watch"}


def test_other_sizes_are_scored_anew(learned, monkeypatch) -> None:
    marts, models = learned
    once = scored(models, marts).fingerprint(models.version)
    assert scored(models, marts).fingerprint(models.version) == once
    other = dict(project_variables()) | {"low_risk_position_multiplier": 0.9}
    monkeypatch.setattr("ml.score.project_variables", lambda: other)
    assert scored(models, marts).fingerprint(models.version) != once


@pytest.mark.long
def test_a_shift_in_a_feature_is_drift() -> None:
    marts = frames({"T1": 200, "T2": 200, "T3": 200})
    features = marts.features.copy()
    late = features["trade_date"] >= features["trade_date"].max() - pd.Timedelta(
        days=19
    )
    features.loc[late, "noise"] += 5
    moved = replace(marts, features=features)
    drift = scored(trained(moved), moved).feature_drift.set_index("feature_name")
    assert drift.loc["noise", "stability_index"] > 2
    assert drift.loc["signal", "stability_index"] < 0.25
    assert drift.loc["noise", "recent_count"] == 60


def test_the_version_follows_data_and_settings() -> None:
    one, two = frames({"T1": 50}), frames({"T1": 50})
    settings = ModelSettings()
    retyped = replace(one, types={**one.types, "noise": "float32"})
    assert one.version(settings) != retyped.version(settings)
    assert one.version(settings) == two.version(settings)
    bolder = replace(settings, shared=replace(settings.shared, rounds=61))
    assert one.version(settings) != one.version(bolder)
    other = frames({"T1": 50})
    other.features.loc[3, "noise"] += 1e-9
    assert one.version(settings) != other.version(settings)


def test_every_feature_of_the_mart_has_words(sample) -> None:
    with connected(sample.home) as connection:
        columns = connection.sql("from marts.feat_trader_day limit 0").columns
    phrases = read_phrases(sample.home)
    assert set(columns[2:]) == set(phrases)
    words = describe("fills_vs_20d_ratio", 2.31, phrases)
    assert words == "2.3 times the usual number of fills"
    assert describe("net_pnl", -871.6, phrases) == "last day made −$872"
    assert describe("trip_win_ratio", np.nan, phrases) == "trip win ratio unknown"


def test_a_feature_without_words_goes_by_its_name() -> None:
    assert describe("noise_20d", -1234.5, {}) == "noise 20d −1.23e+03"


@pytest.mark.parametrize(
    ("rows", "share"), [(30, 0.7), (1_400_000, 0.7), (10_000_000, 0.1)]
)
def test_a_tree_looks_at_a_million_days_at_most(rows: int, share: float) -> None:
    assert ModelSettings().shared.parameters(rows, 2)["bagging_fraction"] == share
