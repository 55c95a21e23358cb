"""Which model is selected, and how its predictions are corrected."""

import numpy as np
import pytest

from ml.baselines import LEVELS
from ml.calibration import log_odds, sigmoid
from ml.losses import standard_errors
from ml.metrics import calibration_slope
from ml.selection import Outcomes, Selection, select, select_daily
from tests.ml.frames import frames, to_days

ROWS = 3000
LIMIT = 1.5


def outcomes(draw: np.random.Generator) -> tuple[Outcomes, np.ndarray]:
    """Outcomes whose true loss probability is known."""
    truth = sigmoid(draw.normal(0, 1, ROWS))
    is_loss = (draw.random(ROWS) < truth).astype(float)
    dates = np.datetime64("2024-01-01", "ns") + np.arange(ROWS) // 10 * np.timedelta64(
        1, "D"
    )
    pnl = np.where(is_loss == 1, -1, 1) * draw.exponential(1, ROWS)
    return Outcomes(dates, is_loss, np.full(ROWS, LIMIT), pnl, pnl), truth


def predicted(draw: np.random.Generator, **changed) -> dict:
    """Predictions of every model: all blind but what is `changed`."""
    blind = np.full(ROWS, 0.5)
    levels = np.quantile(draw.normal(0, 1, 5000), LEVELS)
    found = {f"loss_{m}": blind for m in ("base_rate_daily", "rules", "logistic")}
    found |= {"loss_global": blind, "loss_per_trader": np.full(ROWS, np.nan)}
    found |= {f"pnl_{m}": np.zeros(ROWS) for m in ("trailing_mean", "ridge", "global")}
    found |= {"pnl_per_trader": np.full(ROWS, np.nan)}
    found |= {
        f"quantiles_{m}": np.tile(levels, (ROWS, 1)) for m in ("global", "ew_quantiles")
    }
    return found | changed


def applied(selection: Selection, raw: dict) -> dict:
    return selection.apply(raw, np.full(len(raw["loss_global"]), LIMIT))


def selected(seen: Outcomes, raw: dict, before: Selection = Selection()) -> Selection:  # noqa: B008
    return select(seen, raw, applied(Selection(), raw), before)


def test_a_model_with_skill_is_selected_and_one_without_is_not() -> None:
    draw = np.random.default_rng(3)
    seen, truth = outcomes(draw)
    good = predicted(draw, loss_global=truth)
    assert selected(seen, good).selected_model("loss") != "logistic"
    noise = sigmoid(log_odds(np.full(ROWS, 0.5)) + draw.normal(0, 0.3, ROWS))
    bad = predicted(draw, loss_global=noise, loss_logistic=truth)
    assert selected(seen, bad).selected_model("loss") == "logistic"


def test_a_selected_model_is_replaced_only_by_one_clearly_better() -> None:
    """A model that is as good as the baseline neither takes over nor gives up."""
    draw = np.random.default_rng(3)
    seen, truth = outcomes(draw)
    alike = predicted(draw, loss_global=truth, loss_logistic=truth)
    assert selected(seen, alike).selected_model("loss") == "logistic"
    # Wrong on two days of three thousand: worse, but not clearly.
    slightly = truth.copy()
    slightly[[5, 2000]] = 1 - seen.is_loss[[5, 2000]]
    better = predicted(draw, loss_global=truth, loss_logistic=slightly)
    holding = Selection(selected={"loss": "global"})
    assert selected(seen, better, holding).selected_model("loss") == "global"
    assert selected(seen, better).selected_model("loss") == "logistic"
    worse = predicted(draw, loss_global=slightly, loss_logistic=truth)
    assert selected(seen, worse, holding).selected_model("loss") == "logistic"


def test_few_dates_select_no_model() -> None:
    """A large desk has many outcomes on one date, which say nothing."""
    draw = np.random.default_rng(3)
    seen, truth = outcomes(draw)
    one_date = Outcomes(**vars(seen) | {"dates": np.repeat(seen.dates[:10], 300)})
    good = predicted(draw, loss_global=truth)
    assert selected(one_date, good).selected_model("loss") == "logistic"
    assert standard_errors(draw.normal(0.5, 1, 60), np.zeros(60)) == 0
    assert standard_errors(np.ones(60), np.arange(60)) == 0


def test_an_unknown_record_selects_no_model() -> None:
    draw = np.random.default_rng(3)
    seen, _ = outcomes(draw)
    unknown = predicted(draw)
    unknown["pnl_trailing_mean"] = np.where(np.arange(ROWS) == 7, np.nan, 0.0)
    assert selected(seen, unknown).selected_model("pnl") == "ridge"


def test_the_probability_of_passing_the_limit_is_calibrated() -> None:
    draw = np.random.default_rng(9)
    seen, _ = outcomes(draw)
    wide = predicted(draw)
    for name in ("quantiles_global", "quantiles_ew_quantiles"):
        wide[name] = wide[name] * 3
    before = applied(Selection(), wide)["limit_champion"]
    after = applied(selected(seen, wide), wide)
    truth = (seen.exact_scaled_pnl < -LIMIT).mean()
    assert abs(before.mean() - truth) > 0.1
    assert after["limit_champion"].mean() == pytest.approx(truth, abs=0.02)
    assert (after["limit_champion"] <= after["loss_champion"]).all()


def test_nothing_known_selects_the_baseline() -> None:
    selection = Selection()
    assert [selection.selected_model(o) for o in ("loss", "pnl", "quantiles")] == [
        "logistic", "ridge", "ew_quantiles",
    ]  # fmt: skip


def test_probabilities_too_bold_are_drawn_in() -> None:
    draw = np.random.default_rng(4)
    seen, truth = outcomes(draw)
    bold = predicted(draw, loss_global=sigmoid(3 * log_odds(truth)))
    selection = selected(seen, bold)
    corrected = applied(selection, bold)["loss_global"]
    assert calibration_slope(seen.is_loss, bold["loss_global"]) < 0.5
    assert 0.9 < calibration_slope(seen.is_loss, corrected) < 1.1


def test_a_model_wrong_way_round_is_ignored_not_turned() -> None:
    draw = np.random.default_rng(4)
    seen, truth = outcomes(draw)
    wrong = predicted(draw, loss_global=1 - truth)
    selection = selected(seen, wrong)
    assert selection.calibration["global"][1] == 0
    assert np.ptp(applied(selection, wrong)["loss_global"]) == 0


def test_quantiles_too_narrow_are_widened_to_their_share() -> None:
    draw = np.random.default_rng(5)
    seen, truth = outcomes(draw)
    narrow = predicted(draw)
    narrow["quantiles_global"] = narrow["quantiles_global"] / 4
    selection = selected(seen, narrow)
    moved = applied(selection, narrow)["quantiles_global"]
    shares = (seen.exact_scaled_pnl[:, None] < moved).mean(axis=0)
    assert shares == pytest.approx(LEVELS, abs=0.02)
    assert (np.diff(moved, axis=1) >= 0).all()


def test_weights_are_earned() -> None:
    """A member as good as the global model gets nothing, a better one much."""
    draw = np.random.default_rng(6)
    seen, truth = outcomes(draw)
    alike = predicted(draw, loss_global=truth, loss_logistic=truth)
    assert selected(seen, alike).weights["loss"] == (1.0, 0.0, 0.0)
    better = predicted(draw, loss_logistic=truth)
    weights = selected(seen, better).weights["loss"]
    assert weights[2] > 0.7
    assert sum(weights) == pytest.approx(1)


def test_gains_of_one_date_count_as_one_draw() -> None:
    gain = np.repeat(np.random.default_rng(7).normal(0.1, 1, 50), 20)
    apart = standard_errors(gain, np.arange(1000))
    together = standard_errors(gain, np.repeat(np.arange(50), 20))
    assert apart / together == pytest.approx(np.sqrt(20), rel=0.01)


def test_every_date_has_a_selection_from_outcomes_known_then() -> None:
    days = to_days(frames({"T1": 150, "T2": 150}))
    rows = np.argsort(days.dates, kind="stable")
    draw = np.random.default_rng(8)
    raw = {name: v[:300] for name, v in predicted(draw).items()}
    _, selections, now = select_daily(days, rows, raw)
    for date, selection in selections:
        assert selection.known_count == (days.label_dates <= date).sum()
    assert now.known_count == 298
