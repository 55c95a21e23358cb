"""Training and scoring on frames made by hand."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml import metrics
from ml.features import FeatureContract, FeatureContractError
from ml.reasons import PHRASES, describe
from ml.registry import ModelSet
from ml.score import call_roster, predict
from ml.split import split_by_date
from ml.store import MartFrames
from ml.train import train_models

START = date(2024, 1, 1)


def frames(days: dict[str, int], seed: int = 1, basis: str = "own_model") -> MartFrames:
    """Marts of traders with so many days; `signal` tells the sign of the next day."""
    draw = np.random.default_rng(seed)
    features, labels = [], []
    for trader, count in days.items():
        signal = draw.normal(size=count)
        for number in range(count):
            day = pd.Timestamp(START + timedelta(days=number))
            features.append(
                {
                    "trader_id": trader,
                    "trade_date": day,
                    "signal": signal[number],
                    "noise": draw.normal(),
                    "pnl_scale_20d": 100.0,
                    "loss_day_ratio_to_date": 0.5,
                }
            )
            if number < count - 1:
                pnl = 100.0 * (signal[number] + 0.3 * draw.normal())
                labels.append(
                    {
                        "trader_id": trader,
                        "trade_date": day,
                        "label_date": day + pd.Timedelta(days=1),
                        "pnl": pnl,
                    }
                )
    traders = pd.DataFrame(
        {
            "trader_id": sorted(days),
            "call_basis": basis,
            "traded_days_count": [days[trader] for trader in sorted(days)],
            "idle_sessions_count": 0,
        }
    )
    order = ["trader_id", "trade_date"]
    return MartFrames(
        pd.DataFrame(features).sort_values(order, ignore_index=True),
        pd.DataFrame(labels, columns=[*order, "label_date", "pnl"]).sort_values(
            order, ignore_index=True
        ),
        traders,
        date(2026, 3, 2),
        date(2026, 3, 2),
    )


@pytest.fixture(scope="module")
def learned() -> tuple[MartFrames, ModelSet]:
    """Three traders with a signal worth learning."""
    marts = frames({"T1": 200, "T2": 150, "T3": 40})
    return marts, train_models(marts, "v", threads=2)


def test_a_signal_is_found_and_measured_on_unseen_days(learned) -> None:
    _, models = learned
    measured = {(m.model, m.metric): m.value for m in models.metrics if not m.trader_id}
    assert measured["global", "auc"] > 0.9
    assert measured["base_rate", "auc"] == 0.5  # the same for every day
    assert measured["global", "rmse"] < 0.6 * measured["zero", "rmse"]
    assert set(models.own_models) == {"T1", "T2", "T3"}


def test_predictions_follow_the_signal_and_quantiles_never_cross(learned) -> None:
    marts, models = learned
    predicted = predict(models, marts)
    assert set(predicted["model"]) == {"global", "per_trader"}
    last = marts.features.groupby("trader_id").tail(1).set_index("trader_id")["signal"]
    chosen = predicted[predicted["model"] == "global"].set_index("trader_id")
    assert (np.sign(chosen["predicted_pnl"]) == np.sign(last)).all()
    quantiles = predicted[
        [f"predicted_pnl_p{q}" for q in ("05", "25", "50", "75", "95")]
    ]
    assert (np.diff(quantiles.to_numpy(), axis=1) >= 0).all()
    assert predicted["loss_probability"].between(0, 1).all()
    assert predicted["reasons"].str.contains("signal").all()


def test_the_same_data_gives_the_same_models_to_the_byte(learned, tmp_path) -> None:
    marts, models = learned
    models.save(tmp_path / "one")
    train_models(marts, "v", threads=1).save(tmp_path / "two")
    for path in sorted((tmp_path / "one" / "v").iterdir()):
        other = tmp_path / "two" / "v" / path.name
        assert path.read_text().replace("num_threads: 2", "num_threads: 1") == (
            other.read_text()
        ), path.name


def test_a_saved_model_predicts_what_it_did_before(learned, tmp_path) -> None:
    marts, models = learned
    models.save(tmp_path)
    again = ModelSet.load(tmp_path, "v")
    pd.testing.assert_frame_equal(predict(again, marts), predict(models, marts))


def test_shuffled_columns_change_nothing_and_a_missing_one_is_named(learned) -> None:
    marts, models = learned
    turned = marts.features[marts.features.columns[::-1]]
    shuffled = MartFrames(
        turned, marts.labels, marts.traders, marts.prediction_date, marts.as_of
    )
    pd.testing.assert_frame_equal(predict(models, shuffled), predict(models, marts))
    without = marts.features.drop(columns="signal")
    with pytest.raises(FeatureContractError, match="no column signal"):
        models.contract.matrix(without)
    with pytest.raises(FeatureContractError, match="no number: signal"):
        models.contract.matrix(marts.features.assign(signal="high"))


def test_an_infinite_feature_is_an_unknown_one() -> None:
    contract = FeatureContract(("a",))
    matrix = contract.matrix(pd.DataFrame({"a": [np.inf, -np.inf, 1.0]}))
    assert np.isnan(matrix[:2]).all()


def test_later_days_do_not_change_what_is_measured_before(learned) -> None:
    """No label of one part becomes known after the next part began."""
    marts, _ = learned
    dates = marts.labels["trade_date"].to_numpy()
    labelled = marts.labels["label_date"].to_numpy() + np.timedelta64(3, "D")
    split = split_by_date(dates, labelled)
    assert labelled[split.train].max() <= dates[split.validation].min()
    assert labelled[split.before_test].max() <= dates[split.test].min()
    assert (split.before_test >= (split.train | split.validation)).all()
    assert abs(split.train.mean() - 0.65) < 0.02
    assert abs(split.test.mean() - 0.20) < 0.02


@pytest.mark.parametrize("days", [{"T1": 1}, {"T1": 12}, {"T1": 20, "T2": 5}])
def test_too_little_history_predicts_nothing_and_says_unknown(days) -> None:
    marts = frames(days, basis="global_model")
    models = train_models(marts, "v", threads=1)
    assert not models.global_models
    assert predict(models, marts).empty
    assert call_roster(models, marts)["model"].isna().all()


def test_one_class_of_outcome_trains_no_model_of_ones_own() -> None:
    marts = frames({"T1": 100, "T2": 100})
    winner = marts.labels["trader_id"] == "T1"
    marts.labels.loc[winner, "pnl"] = marts.labels.loc[winner, "pnl"].abs() + 1
    models = train_models(marts, "v", threads=1)
    assert set(models.own_models) == {"T2"}
    assert set(predict(models, marts)["trader_id"]) == {"T1", "T2"}


def test_inactive_and_untried_traders_are_left_out(learned) -> None:
    marts, models = learned
    bases = ["inactive", "too_little_history", "own_model"]
    traders = marts.traders.assign(call_basis=bases)
    changed = MartFrames(
        marts.features, marts.labels, traders, marts.prediction_date, marts.as_of
    )
    assert set(predict(models, changed)["trader_id"]) == {"T3"}
    roster = call_roster(models, changed).set_index("trader_id")["model"]
    assert set(roster.index) == {"T2", "T3"}
    assert pd.isna(roster["T2"])


def test_the_version_follows_the_data() -> None:
    one, two = frames({"T1": 50}), frames({"T1": 50})
    assert one.version() == two.version()
    two.features.loc[3, "noise"] += 1e-9
    assert one.version() != two.version()


def test_auc_equals_the_share_of_pairs_in_the_right_order() -> None:
    draw = np.random.default_rng(3)
    loss = draw.integers(0, 2, 60).astype(float)
    probability = draw.integers(0, 8, 60) / 8  # with ties
    pairs = [
        1.0 if p > q else 0.5 if p == q else 0.0
        for p in probability[loss == 1]
        for q in probability[loss == 0]
    ]
    assert metrics.auc(loss, probability) == pytest.approx(np.mean(pairs))
    assert np.isnan(metrics.auc(np.ones(5), probability[:5]))


def test_every_feature_of_the_mart_has_words(sample) -> None:
    from tests.conftest import connected

    with connected(sample.home) as connection:
        columns = connection.sql("from marts.feat_trader_day limit 0").columns
    assert set(FeatureContract(tuple(columns[2:])).names) == set(PHRASES)
    assert describe("fills_vs_20d_ratio", 2.31) == "2.3 times the usual number of fills"
    assert describe("net_pnl", -871.6) == "last day made −$872"
    assert describe("trip_win_ratio", np.nan) == "trip win ratio unknown"
