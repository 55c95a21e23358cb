"""Measures against the same thing written plainly."""

import numpy as np
import pytest

from ml import metrics
from ml.baselines import LEVELS
from ml.calibration import sigmoid
from ml.selection import probability_below


def pairs_in_order(loss: np.ndarray, probability: np.ndarray) -> float:
    return np.mean(
        [
            1.0 if p > q else 0.5 if p == q else 0.0
            for p in probability[loss == 1]
            for q in probability[loss == 0]
        ]
    )


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(3)
    return draw.integers(0, 2, 60).astype(float), draw.integers(0, 8, 60) / 8


def test_auc_equals_the_share_of_pairs_in_the_right_order(drawn) -> None:
    loss, probability = drawn
    assert metrics.auc(loss, probability) == pytest.approx(
        pairs_in_order(loss, probability)
    )
    assert np.isnan(metrics.auc(np.ones(5), probability[:5]))
    assert np.isnan(metrics.auc(np.array([]), np.array([])))


def test_a_weighted_auc_is_that_of_rows_repeated(drawn) -> None:
    loss, probability = drawn
    weights = np.random.default_rng(4).integers(0, 4, (3, 60)).astype(float)
    found = metrics.auc(loss, probability, weights)
    for area, counts in zip(found, weights.astype(int), strict=True):
        repeated = pairs_in_order(
            np.repeat(loss, counts), np.repeat(probability, counts)
        )
        assert area == pytest.approx(repeated)


def test_auc_within_leaves_out_what_tells_traders_apart() -> None:
    traders = np.repeat(np.array(["A", "B", "C"], dtype=object), 50)
    draw = np.random.default_rng(5)
    loss = np.r_[draw.random(50) < 0.1, draw.random(50) < 0.9, np.ones(50)].astype(
        float
    )
    by_trader = np.repeat([0.1, 0.9, 0.5], 50)
    assert metrics.auc(loss, by_trader) > 0.7
    assert metrics.auc_within(loss, by_trader, traders) == 0.5


@pytest.mark.parametrize("slope", [0.5, 1.0, 1.5])
def test_the_calibration_slope_is_found(slope: float) -> None:
    draw = np.random.default_rng(6)
    score = draw.normal(0, 1, 50_000)
    loss = (draw.random(50_000) < sigmoid(slope * score)).astype(float)
    assert metrics.calibration_slope(loss, sigmoid(score)) == pytest.approx(
        slope, rel=0.05
    )
    assert np.isnan(metrics.calibration_slope(loss, np.full(50_000, 0.4)))


def test_an_interval_holds_the_truth_nine_times_in_ten() -> None:
    """Also where the days of a week are alike, which single days would not."""
    draw = np.random.default_rng(7)
    dates = np.repeat(np.arange(200), 3)
    held = 0
    for _ in range(200):
        values = np.repeat(draw.normal(0, 1, 40), 15) + draw.normal(0, 0.3, 600)
        low, high = metrics.interval(dates, metrics._mean(values), 300)
        held += low <= 0 <= high
    assert 0.75 <= held / 200 <= 0.97


def test_blocks_draw_every_date_as_often() -> None:
    weights = metrics.block_weights(23, 4000)
    assert (weights.sum(axis=1) == 23).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(23), abs=0.1)


def test_probability_below_runs_through_the_quantiles() -> None:
    levels = np.array([[-3.0, -1.0, 0.0, 1.0, 3.0]] * 7)
    limits = np.array([-3.0, -1.0, 0.0, 0.5, 3.0, -100.0, 100.0])
    found = probability_below(levels, limits)
    assert found[:5] == pytest.approx([*LEVELS[:3], 0.625, 0.95])
    assert 0 <= found[5] < 1e-6 and 1 - 1e-6 < found[6] <= 1
    assert 0 < probability_below(levels[:1], np.array([-4.0]))[0] < 0.05
    alike = np.zeros((3, 5))
    found = probability_below(alike, np.array([-1.0, 0.0, 1.0]))
    assert found[0] < 1e-6 and 0.05 <= found[1] <= 0.95 and found[2] > 1 - 1e-6


def once(pnl: np.ndarray, said: metrics.ModelOutputs) -> dict[str, float]:
    traders = np.array(["A"] * len(pnl), dtype=object)
    found = metrics.figures(pnl, (pnl < -2).astype(float), traders, said)
    return {name: figure(None) for name, figure in found.items()}


def test_figures_of_a_perfect_and_of_a_blind_model() -> None:
    pnl = np.array([-1.0, 2.0, -3.0, 4.0])
    levels = pnl[:, None] + np.array([-1, -0.5, 0, 0.5, 1])
    found = once(
        pnl,
        metrics.ModelOutputs(
            loss=(pnl < 0).astype(float),
            limit=(pnl < -2).astype(float),
            predicted=pnl,
            quantiles=levels,
        ),
    )
    assert found["auc"] == 1 and found["brier"] == 0 and found["rmse"] == 0
    assert found["directional_accuracy"] == 1 and found["coverage_90"] == 1
    assert found["limit_brier"] == 0
    blind = once(pnl, metrics.ModelOutputs(loss=np.full(4, 0.5)))
    assert blind["auc"] == 0.5 and blind["brier"] == 0.25 and "rmse" not in blind
    assert np.isnan(blind["calibration_slope"])


def test_every_figure_of_replicates_is_that_of_rows_repeated() -> None:
    draw = np.random.default_rng(8)
    pnl = draw.normal(0, 2, 40)
    said = metrics.ModelOutputs(
        loss=draw.random(40),
        limit=draw.random(40) / 3,
        predicted=draw.normal(0, 1, 40),
        quantiles=np.sort(draw.normal(0, 1, (40, 5)), axis=1),
    )
    traders = np.repeat(np.array(["A", "B"], dtype=object), 20)
    beyond = (pnl < -2).astype(float)
    counts = draw.integers(0, 4, 40)
    repeat = metrics.figures(
        np.repeat(pnl, counts),
        np.repeat(beyond, counts),
        np.repeat(traders, counts),
        metrics.ModelOutputs(
            **{k: np.repeat(v, counts, axis=0) for k, v in vars(said).items()}
        ),
    )
    weights = counts[None].astype(float)
    for name, figure in metrics.figures(pnl, beyond, traders, said).items():
        assert figure(weights)[0] == pytest.approx(repeat[name](None)), name


def test_too_few_dates_have_no_interval() -> None:
    """Blocks of five dates out of five are all the same."""
    draw = np.random.default_rng(9)
    for count in (1, 5, 19):
        dates = np.repeat(np.arange(count), 40)
        loss = draw.integers(0, 2, len(dates)).astype(float)
        gain = metrics.auc_gain(
            loss, dates, draw.random(len(dates)), np.ones(len(dates))
        )
        assert np.isfinite(gain[0]) and np.isnan(gain[1:]).all()
