"""`make backtest`: its figures, its files, and what it shows on real data."""

import json
import shutil
from datetime import date

import pytest

from ml.backtest.figures import as_json, verdict_of
from ml.backtest.walk import Window, run
from ml.evaluation import NAMES
from ml.policies import POLICIES
from ml.tuning import Tuning
from runtime.errors import UserError
from runtime.home import Home
from tests.conftest import REAL_DATA, connected
from tests.draws import draw
from tests.in_process import call_daily
from tests.ml.frames import frames

MEASURES = {
    "n", "traders", "auc", "auc_within_trader", "brier", "log_loss",
    "calibration_slope", "rmse", "mae", "directional_accuracy", "pinball",
    "coverage_90", "limit_brier", "limit_calibration_slope", "intervals", "targets",
}  # fmt: skip
PROBABILITIES = ("loss", "realised_loss", "breach", "breach_1000")
BOTH = {"estimate", "low_dates", "high_dates", "low_traders", "high_traders"}


@pytest.fixture(scope="module")
def walked():
    # Skill is known of a desk, not of two traders.
    others = {f"PR{number}": 150 for number in range(6)}
    marts = frames({"HL1": 200, "HL2": 200} | others)
    window = Window(first=date(2023, 4, 1), last=date(2023, 6, 30), accounts="HL*")
    return run(marts, Tuning(), window, threads=1)


@pytest.mark.long
def test_the_window_bounds_feature_dates_and_accounts(walked) -> None:
    found = as_json(walked)
    assert found["window"] == {
        "first": "2023-04-01", "last": "2023-06-30", "rows": 2 * 91,
        "accounts": "HL*", "after_days": 0, "refit_days": 14,
    }  # fmt: skip
    assert found["models"]["champion"]["n"] == 182
    assert found["models"]["champion"]["traders"] == 2


def test_a_traders_first_days_are_left_out_if_asked() -> None:
    """The outcome of the sixtieth day is the first that is evaluated."""
    window = Window(first=date(2023, 1, 1), accounts="HL*", after_days=60)
    done = run(frames({"HL1": 100, "HL2": 100}), Tuning(), window, threads=1)
    assert done.record.days.number[done.record.rows].min() == 60
    assert len(done.record) == 2 * (100 - 60)


def test_every_model_and_policy_has_every_figure(walked) -> None:
    found = as_json(walked)
    assert set(found["models"]) == set(NAMES)
    for figures in found["models"].values():
        assert set(figures) == MEASURES
        assert set(figures["pinball"]) == {"p05", "p25", "p50", "p75", "p95"}
        assert set(figures["targets"]) == {*PROBABILITIES, "size"}
    champion = found["models"]["champion"]
    assert all(champion[one] is not None for one in MEASURES)
    for target in PROBABILITIES:
        of_target = champion["targets"][target]
        assert {"n", "events", "auc", "auc_within_trader"} <= set(of_target)
        # On this desk nobody ever loses a thousand dollars.
        is_seen = target != "breach_1000"
        assert (of_target["auc_within_trader_null"] is not None) == is_seen
        assert set(of_target["log_loss_gain"]) == BOTH
        assert "calibration_slope" in of_target
    assert set(champion["targets"]["size"]["r2"]) == {"estimate", "low", "high"}
    for level in ("limit_risk", "risk_level"):
        for figure in ("flagged_share", "breaches_caught", "breach_rate_ratio"):
            assert set(found["levels"][level][figure]) == {"estimate", "low", "high"}
    assert set(found["policies"]) == set(POLICIES)
    for policy in found["policies"].values():
        assert set(policy) == {
            "trade_reduction", "avoided_losses", "missed_gains", "net_pnl_improvement",
            "improvement_over_uniform", "false_positive_rate", "drawdown",
            "drawdown_reduction", "verdict",
        }  # fmt: skip
    json.loads(json.dumps(found, allow_nan=False))


def test_the_signal_is_found_beyond_the_desks_constant_rate(walked) -> None:
    found = as_json(walked)
    for target in ("loss", "breach"):
        of_target = found["models"]["champion"]["targets"][target]
        assert of_target["auc"] > 0.75, target
        assert of_target["log_loss_gain"]["low_dates"] > 0, target
    level = found["levels"]["limit_risk"]
    caught, flagged = level["breaches_caught"], level["flagged_share"]
    assert caught["low"] > 1.2 * flagged["estimate"]
    desk = found["models"]["desk_rate"]["targets"]["breach"]
    assert desk["log_loss_gain"]["estimate"] == 0


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.1, 0.2, "gained"), (-0.2, -0.1, "lost"), (-0.1, 0.2, "no significant gain"),
        (0.0, 0.2, "no significant gain"), (None, None, "no significant gain"),
    ],
)  # fmt: skip
def test_an_interval_that_holds_nothing_gained_is_called_that(low, high, words):
    assert verdict_of(low, high).startswith(words)


@pytest.mark.parametrize(
    "window",
    [
        Window(first=date(2030, 1, 1)), Window(last=date(2023, 1, 10)),
        Window(accounts="nobody*"),
    ],
)  # fmt: skip
def test_an_empty_window_is_one_line(window) -> None:
    with pytest.raises(UserError, match="can be evaluated: it takes 30 outcomes"):
        run(frames({"HL1": 100}), Tuning(), window, threads=1)


@pytest.mark.long
def test_the_sample_is_walked_written_and_held_against_the_truth(
    sample, tmp_path
) -> None:
    """A real run, in the home of a real run: marts, page and figures."""
    home = Home(tmp_path / "home")
    shutil.copytree(sample.untouched.root, home.root, symlinks=True)
    target = tmp_path / "figures.json"
    first = draw("2025-11-03", "2025-06-01")
    done = call_daily(
        "backtest", SOURCE="sample", RISK_HOME=home.root, JSON=target,
        FROM=first, ACCOUNTS="SIM00*", REFIT_DAYS=draw(56, 14),
    )  # fmt: skip
    assert done.code == 0, done.err + done.out
    found = json.loads(target.read_text())
    assert found["window"]["first"] >= first
    for target in ("loss", "breach"):
        attainable = found["attainable"][target]
        assert 0.5 < attainable["auc"] < 0.9
        assert attainable["n"] == found["window"]["rows"]
    page = (home.backtest / "index.html").read_text()
    # The verdict of report, explain and verify, from these figures.
    assert "out of sample, 0.50 is a coin toss)" in page
    assert "SAMPLE DATA" in page and page.count("data:image/png") == 3
    assert "http" not in page.replace("http-equiv", "")
    tilt = found["behaviour"][0]
    assert (tilt["target"], tilt["behaviour"]) == ("loss", "tilt_score")
    assert 0 < tilt["days_count"] <= found["window"]["rows"]
    assert tilt["null_low"] < tilt["null_high"] and tilt["verdict"] in page
    with connected(home) as connection:
        rows = connection.sql(
            "select count(*), count(distinct model), min(features_date) "
            "from marts.backtest_predictions"
        ).fetchall()[0]
        auc = connection.sql(
            "select metric_value from marts.backtest_metrics where model = 'champion' "
            "and target = 'breach' and metric = 'auc' and trader_id = '' "
            "and period = ''"
        ).fetchall()[0][0]
    assert rows[0] == len(NAMES) * found["window"]["rows"] and rows[1] == len(NAMES)
    assert str(rows[2]) == found["window"]["first"]
    assert auc == found["models"]["champion"]["targets"]["breach"]["auc"]


@pytest.mark.long
@pytest.mark.skipif(
    not REAL_DATA.is_dir(), reason="real trading data is not beside the project"
)
def test_real_data_shows_what_is_claimed(tmp_path) -> None:
    """The bounds that docs/models.md states, not its figures to the last digit."""
    target = tmp_path / "figures.json"
    done = call_daily(
        "backtest", SOURCE="files", EXPORTS=REAL_DATA, RISK_HOME=tmp_path / "home",
        ACCOUNTS="HL*", FROM="2023-11-07", JSON=target,
    )  # fmt: skip
    assert done.code == 0, done.err + done.out
    found = json.loads(target.read_text())
    champion = found["models"]["champion"]
    assert champion["n"] == 1297
    assert champion["targets"]["loss"]["auc"] >= 0.74
    breach = champion["targets"]["breach_1000"]
    assert breach["events"] == 47
    assert breach["auc"] >= 0.65
    assert breach["log_loss_gain"]["low_dates"] > 0
    assert breach["log_loss_gain"]["low_traders"] > 0
    ratio = found["levels"]["limit_risk"]["breach_rate_ratio"]
    assert ratio["estimate"] > 3 and ratio["low"] > 1.5
    assert 0.88 <= champion["coverage_90"] <= 0.94
    assert Home(tmp_path / "home").backtest.joinpath("index.html").exists()
