"""Measures against the same thing written plainly."""

import numpy as np
import pytest

from ml import metrics
from ml.calibration import sigmoid


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


def test_auc_within_is_the_mean_of_each_traders_by_their_days(drawn) -> None:
    loss, probability = drawn
    traders = np.random.default_rng(7).integers(0, 4, 60)
    each = np.array([0, 1, 2, 3, 4])
    loss, probability = np.r_[loss, 1.0, 1.0], np.r_[probability, 0.1, 0.2]
    traders = np.r_[traders, 4, 4]
    areas = [
        metrics.auc(loss[traders == one], probability[traders == one]) for one in each
    ]
    counts = np.bincount(traders)
    expected = np.average(areas[:4], weights=counts[:4])
    assert metrics.auc_within(loss, probability, traders) == pytest.approx(expected)
    weights = np.random.default_rng(8).integers(0, 3, (2, 62)).astype(float)
    for number, found in enumerate(
        metrics.auc_within(loss, probability, traders, weights)
    ):
        repeats = weights[number].astype(int)
        repeated = (np.repeat(one, repeats) for one in (loss, probability, traders))
        assert found == pytest.approx(metrics.auc_within(*repeated))


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
        found = metrics.interval(dates, dates * 0, metrics.mean_of(values), 300)
        held += found.low_dates <= 0 <= found.high_dates
        # One trader says nothing of others.
        assert np.isnan(found.low_traders)
        assert found.wider == (found.low_dates, found.high_dates)
    assert 0.75 <= held / 200 <= 0.97


def test_traders_who_differ_make_the_wider_interval() -> None:
    draw = np.random.default_rng(7)
    traders = np.repeat(np.arange(12), 100)
    dates = np.tile(np.arange(100), 12)
    held = 0
    for _ in range(100):
        values = np.repeat(draw.normal(0, 1, 12), 100) + draw.normal(0, 0.3, 1200)
        found = metrics.interval(dates, traders, metrics.mean_of(values), 200)
        assert found.wider == (found.low_traders, found.high_traders)
        assert not np.ptp(found.wider) < 3 * (found.high_dates - found.low_dates)
        held += found.low_traders <= 0 <= found.high_traders
    assert held >= 75


def test_blocks_draw_every_date_as_often() -> None:
    weights = metrics.block_weights(23, 4000)
    assert (weights.sum(axis=1) == 23).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(23), abs=0.1)


def once(figures: dict) -> dict[str, float]:
    return {name: figure(None) for name, figure in figures.items()}


def test_figures_of_a_perfect_and_of_a_blind_model() -> None:
    pnl = np.array([-1.0, 2.0, -3.0, 4.0])
    is_loss = (pnl < 0).astype(float)
    traders, half = np.array(["A"] * 4, dtype=object), np.full(4, 0.5)
    perfect = once(metrics.of_probability(is_loss, is_loss, half, traders, 0.01))
    assert perfect["auc"] == 1 and perfect["brier"] == 0
    assert perfect["log_loss_gain"] == pytest.approx(np.log(2) + np.log(0.99))
    blind = once(metrics.of_probability(is_loss, half, half, traders, 0.01))
    assert blind["auc"] == 0.5 and blind["brier"] == 0.25
    assert blind["log_loss_gain"] == 0 and np.isnan(blind["calibration_slope"])
    levels = pnl[:, None] + np.array([-1, -0.5, 0, 0.5, 1])
    assert once(metrics.of_quantiles(pnl, levels))["coverage_90"] == 1
    expected = once(metrics.of_expected(pnl, pnl))
    assert expected == {"rmse": 0, "mae": 0, "directional_accuracy": 1}
    assert once(metrics.of_size(pnl, pnl)) == {"r2": 1}
    assert once(metrics.of_size(pnl, half * 1)) == {"r2": 0}


def test_every_figure_of_replicates_is_that_of_rows_repeated() -> None:
    draw = np.random.default_rng(8)
    pnl, size = draw.normal(0, 2, 40), draw.normal(5, 1, 40)
    chance, desk = draw.random(40), np.full(40, 0.3)
    levels = np.sort(draw.normal(0, 1, (40, 5)), axis=1)
    traders = np.repeat(np.array(["A", "B"], dtype=object), 20)

    def all_of(places: np.ndarray) -> dict:
        return (
            metrics.of_probability(
                (pnl[places] < 0).astype(float), chance[places], desk[places],
                traders[places], 1e-4,
            )
            | metrics.of_size(size[places], 4 + chance[places])
            | metrics.of_expected(pnl[places], chance[places])
            | metrics.of_quantiles(pnl[places], levels[places])
        )  # fmt: skip

    counts = draw.integers(0, 4, 40)
    repeat = all_of(np.repeat(np.arange(40), counts))
    for name, figure in all_of(np.arange(40)).items():
        found = figure(counts[None].astype(float))[0]
        assert found == pytest.approx(repeat[name](None)), name


def test_too_few_dates_have_no_interval() -> None:
    """Blocks of five dates out of five are all the same."""
    draw = np.random.default_rng(9)
    for count in (1, 5, 19):
        dates = np.repeat(np.arange(count), 40)
        found = metrics.interval(
            dates, np.zeros(len(dates)), metrics.mean_of(draw.random(len(dates)))
        )
        assert np.isnan(list(vars(found).values())).all()
