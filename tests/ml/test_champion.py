"""Who speaks, and how what is said is corrected."""

import numpy as np
import pytest

from ml.baselines import LEVELS
from ml.calibration import log_odds, sigmoid
from ml.champion import Outcomes, Verdict, judge, make
from ml.losses import standard_errors
from ml.metrics import calibration_slope
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


def said(draw: np.random.Generator, **changed) -> dict:
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


def applied(verdict: Verdict, raw: dict) -> dict:
    return verdict.apply(raw, np.full(len(raw["loss_global"]), LIMIT))


def judged(seen: Outcomes, raw: dict, before: Verdict = Verdict()) -> Verdict:  # noqa: B008
    return judge(seen, raw, applied(Verdict(), raw), before)


def test_a_model_with_skill_speaks_and_one_without_does_not() -> None:
    draw = np.random.default_rng(3)
    seen, truth = outcomes(draw)
    good = said(draw, loss_global=truth)
    assert judged(seen, good).speaker("loss") != "logistic"
    noise = sigmoid(log_odds(np.full(ROWS, 0.5)) + draw.normal(0, 0.3, ROWS))
    bad = said(draw, loss_global=noise, loss_logistic=truth)
    assert judged(seen, bad).speaker("loss") == "logistic"


def test_who_speaks_is_replaced_only_by_who_is_clearly_better() -> None:
    """A model that is as good as the baseline neither takes over nor gives up."""
    draw = np.random.default_rng(3)
    seen, truth = outcomes(draw)
    alike = said(draw, loss_global=truth, loss_logistic=truth)
    assert judged(seen, alike).speaker("loss") == "logistic"
    # Wrong on two days of three thousand: worse, but not clearly.
    slightly = truth.copy()
    slightly[[5, 2000]] = 1 - seen.is_loss[[5, 2000]]
    better = said(draw, loss_global=truth, loss_logistic=slightly)
    holding = Verdict(speakers={"loss": "global"})
    assert judged(seen, better, holding).speaker("loss") == "global"
    assert judged(seen, better).speaker("loss") == "logistic"
    worse = said(draw, loss_global=slightly, loss_logistic=truth)
    assert judged(seen, worse, holding).speaker("loss") == "logistic"


def test_few_dates_crown_nobody() -> None:
    """A large desk has many outcomes on one date, which say nothing."""
    draw = np.random.default_rng(3)
    seen, truth = outcomes(draw)
    one_date = Outcomes(**vars(seen) | {"dates": np.repeat(seen.dates[:10], 300)})
    good = said(draw, loss_global=truth)
    assert judged(one_date, good).speaker("loss") == "logistic"
    assert standard_errors(draw.normal(0.5, 1, 60), np.zeros(60)) == 0
    assert standard_errors(np.ones(60), np.arange(60)) == 0


def test_an_unknown_record_crowns_nobody() -> None:
    draw = np.random.default_rng(3)
    seen, _ = outcomes(draw)
    unknown = said(draw)
    unknown["pnl_trailing_mean"] = np.where(np.arange(ROWS) == 7, np.nan, 0.0)
    assert judged(seen, unknown).speaker("pnl") == "ridge"


def test_the_probability_of_passing_the_limit_is_calibrated() -> None:
    draw = np.random.default_rng(9)
    seen, _ = outcomes(draw)
    wide = said(draw)
    for name in ("quantiles_global", "quantiles_ew_quantiles"):
        wide[name] = wide[name] * 3
    before = applied(Verdict(), wide)["limit_champion"]
    after = applied(judged(seen, wide), wide)
    truth = (seen.exact_scaled_pnl < -LIMIT).mean()
    assert abs(before.mean() - truth) > 0.1
    assert after["limit_champion"].mean() == pytest.approx(truth, abs=0.02)
    assert (after["limit_champion"] <= after["loss_champion"]).all()


def test_nothing_known_lets_the_baseline_speak() -> None:
    verdict = Verdict()
    assert [verdict.speaker(o) for o in ("loss", "pnl", "quantiles")] == [
        "logistic", "ridge", "ew_quantiles",
    ]  # fmt: skip


def test_probabilities_too_bold_are_drawn_in() -> None:
    draw = np.random.default_rng(4)
    seen, truth = outcomes(draw)
    bold = said(draw, loss_global=sigmoid(3 * log_odds(truth)))
    verdict = judged(seen, bold)
    corrected = applied(verdict, bold)["loss_global"]
    assert calibration_slope(seen.is_loss, bold["loss_global"]) < 0.5
    assert 0.9 < calibration_slope(seen.is_loss, corrected) < 1.1


def test_a_model_wrong_way_round_is_silenced_not_turned() -> None:
    draw = np.random.default_rng(4)
    seen, truth = outcomes(draw)
    wrong = said(draw, loss_global=1 - truth)
    verdict = judged(seen, wrong)
    assert verdict.calibration["global"][1] == 0
    assert np.ptp(applied(verdict, wrong)["loss_global"]) == 0


def test_quantiles_too_narrow_are_widened_to_their_share() -> None:
    draw = np.random.default_rng(5)
    seen, truth = outcomes(draw)
    narrow = said(draw)
    narrow["quantiles_global"] = narrow["quantiles_global"] / 4
    verdict = judged(seen, narrow)
    moved = applied(verdict, narrow)["quantiles_global"]
    shares = (seen.exact_scaled_pnl[:, None] < moved).mean(axis=0)
    assert shares == pytest.approx(LEVELS, abs=0.02)
    assert (np.diff(moved, axis=1) >= 0).all()


def test_weights_are_earned() -> None:
    """A member as good as the global model gets nothing, a better one much."""
    draw = np.random.default_rng(6)
    seen, truth = outcomes(draw)
    alike = said(draw, loss_global=truth, loss_logistic=truth)
    assert judged(seen, alike).weights["loss"] == (1.0, 0.0, 0.0)
    better = said(draw, loss_logistic=truth)
    weights = judged(seen, better).weights["loss"]
    assert weights[2] > 0.7
    assert sum(weights) == pytest.approx(1)


def test_gains_of_one_date_count_as_one_draw() -> None:
    gain = np.repeat(np.random.default_rng(7).normal(0.1, 1, 50), 20)
    apart = standard_errors(gain, np.arange(1000))
    together = standard_errors(gain, np.repeat(np.arange(50), 20))
    assert apart / together == pytest.approx(np.sqrt(20), rel=0.01)


def test_every_date_has_a_verdict_from_outcomes_known_then() -> None:
    days = to_days(frames({"T1": 150, "T2": 150}))
    rows = np.argsort(days.dates, kind="stable")
    draw = np.random.default_rng(8)
    raw = {name: v[:300] for name, v in said(draw).items()}
    _, verdicts, now = make(days, rows, raw)
    for date, verdict in verdicts:
        assert verdict.known_count == (days.label_dates <= date).sum()
    assert now.known_count == 298
