"""Which model is selected: noise is not, skill is."""

import numpy as np
import pytest

from ml.days import TraderDays
from ml.losses import ClusterSums, clustered_errors, standard_errors
from ml.outputs import Predictions
from ml.selection import (
    BASELINES,
    MODELS,
    OUTPUTS,
    Selection,
    is_baseline,
    select_daily,
)
from tests.ml.frames import frames, to_days
from tests.simulated_desks import noisy_predictions, simulated_days, with_skill

DESK = {f"T{number}": 120 for number in range(12)}


@pytest.fixture(scope="module")
def days() -> TraderDays:
    return simulated_days(np.random.default_rng(3), traders=12, count=150)


def by_date(days: TraderDays) -> np.ndarray:
    return np.argsort(days.dates, kind="stable")


def selected(days: TraderDays, raw: Predictions) -> Selection:
    return select_daily(days, by_date(days), raw)[2]


def test_nothing_known_selects_the_baselines() -> None:
    selection = Selection()
    for output in OUTPUTS:
        assert selection.selected_model(output) == BASELINES[output][0]
        assert is_baseline(output, selection.selected_model(output))


def test_a_model_with_skill_is_selected_for_what_it_knows(days) -> None:
    raw = noisy_predictions(days, by_date(days), np.random.default_rng(1))
    raw = with_skill(raw, days, by_date(days), "breach", "global", 2.0)
    found = selected(days, raw)
    assert found.selected_model("breach") == "global"
    for output in OUTPUTS:
        if output != "breach":
            assert is_baseline(output, found.selected_model(output)), output


def test_a_model_must_beat_every_baseline(days) -> None:
    rows = by_date(days)
    raw = noisy_predictions(days, rows, np.random.default_rng(1))
    raw = with_skill(raw, days, rows, "breach", "global", 2.0)
    # One that knows as much takes the word from it.
    raw["breach.own_rate"] = raw["breach.global"].copy()
    assert is_baseline("breach", selected(days, raw).selected_model("breach"))


def test_skill_on_one_trader_is_not_skill_on_traders(days) -> None:
    rows = by_date(days)
    raw = noisy_predictions(days, rows, np.random.default_rng(1))
    skilled = with_skill(raw, days, rows, "loss", "global", 4.0)["loss.global"]
    is_one = days.traders[rows] == days.traders[0]
    raw["loss.global"] = np.where(is_one, skilled, raw["loss.reference"])
    assert is_baseline("loss", selected(days, raw).selected_model("loss"))


def test_an_unknown_prediction_selects_no_model(days) -> None:
    rows = by_date(days)
    raw = noisy_predictions(days, rows, np.random.default_rng(1))
    raw = with_skill(raw, days, rows, "size", "global", 1.0)
    raw["size.global"][7] = np.nan
    assert is_baseline("size", selected(days, raw).selected_model("size"))


def test_few_dates_select_no_model() -> None:
    days = simulated_days(np.random.default_rng(3), traders=60, count=15)
    rows = by_date(days)
    raw = noisy_predictions(days, rows, np.random.default_rng(1))
    raw = with_skill(raw, days, rows, "loss", "global", 4.0)
    assert is_baseline("loss", selected(days, raw).selected_model("loss"))
    assert (
        standard_errors(np.random.default_rng(3).normal(0.5, 1, 60), np.zeros(60)) == 0
    )
    assert standard_errors(np.ones(60), np.arange(60)) == 0


def test_what_is_selected_is_one_piece(days) -> None:
    """Losing more than the limit is losing; a trader without a model has the global."""
    rows = by_date(days)
    raw = noisy_predictions(days, rows, np.random.default_rng(1))
    raw["loss.per_trader"] = np.where(np.arange(len(rows)) % 2, 0.9, np.nan)
    raw["breach.reference"] = np.full(len(rows), 0.8)
    made = Selection(selected={"loss": "per_trader"}).apply(raw)
    assert (made["breach.champion"] <= made["loss.champion"]).all()
    even = np.arange(len(rows)) % 2 == 0
    np.testing.assert_array_equal(made["loss.champion"][even], raw["loss.global"][even])
    assert (made["loss.champion"][~even] == 0.9).all()


def test_gains_of_one_date_count_as_one_draw() -> None:
    gain = np.repeat(np.random.default_rng(7).normal(0.1, 1, 50), 20)
    apart = standard_errors(gain, np.arange(1000))
    together = standard_errors(gain, np.repeat(np.arange(50), 20))
    assert apart / together == pytest.approx(np.sqrt(20) * 3.16 / 3, rel=0.01)
    assert np.isinf(clustered_errors(gain, np.zeros(1000, dtype=int), 5))


def test_a_window_that_moved_is_one_looked_at_afresh() -> None:
    draw = np.random.default_rng(9)
    gains = draw.normal(0.1, 1, (3, 600))
    gains[1, 300:], gains[2] = 0.0, 0.7
    clusters = np.sort(draw.integers(0, 60, 600))
    moved = ClusterSums(gains, clusters)
    for first, last in ((0, 100), (0, 300), (50, 450), (310, 600)):
        moved.move(first, last)
        part = slice(first, last)
        afresh = [clustered_errors(gain, clusters[part], 20) for gain in gains[:, part]]
        np.testing.assert_allclose(moved.errors(20), afresh, rtol=1e-9)
        np.testing.assert_allclose(moved.mean, gains[:, part].mean(axis=1), atol=1e-15)
    # What rounding leaves of gains that have gone is nothing to tell chance by.
    assert np.isinf(moved.errors(20)).tolist() == [False, True, True]


def test_every_date_has_a_selection_from_outcomes_known_then() -> None:
    days = to_days(frames({"T1": 150, "T2": 150}))
    rows = by_date(days)
    raw = noisy_predictions(days, rows, np.random.default_rng(8))
    _, selections, now = select_daily(days, rows, raw)
    for date, selection in selections:
        assert selection.known_count == (days.label_dates <= date).sum()
        # Two traders a day: the last hundred days.
        past = raw["breach.reference"][
            (days.dates[rows] < date)
            & (days.dates[rows] >= date - np.timedelta64(100, "D"))
        ]
        if len(past) >= 50:
            assert selection.breach_levels == pytest.approx(
                tuple(np.quantile(past, (2 / 3, 0.9)))
            )
        else:
            assert np.isnan(selection.breach_levels).all()
    assert now.known_count == 298


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_noise_wins_no_output_on_any_morning(seed: int) -> None:
    """A small draw of what tests/bench_selection.py counts on hundreds of desks."""
    draw = np.random.default_rng(seed)
    days = simulated_days(draw, traders=12, count=180)
    rows = by_date(days)
    _, selections, _ = select_daily(days, rows, noisy_predictions(days, rows, draw))
    for date, selection in selections:
        assert not selection.selected, (date, selection.selected)


def test_every_model_and_baseline_is_a_forecast_that_somebody_makes() -> None:
    for output in OUTPUTS:
        assert not set(MODELS[output]) & set(BASELINES[output])
