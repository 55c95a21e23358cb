"""Questions of a person in front of a terminal, answered in one command each."""

import re
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from daily.explain import explain_models
from runtime.home import Home
from runtime.sealed_folder import read_sealed, write_sealed
from tests.conftest import Run, SampleRun, rows, start_python
from tests.in_process import call_daily

HOLD = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
print("on", flush=True)
time.sleep(60)
"""


def ask(sample: SampleRun, *arguments: str) -> Run:
    """What a command says on the sample."""
    return call_daily(*arguments, SOURCE="sample", RISK_HOME=sample.home.root)


def test_stats_says_how_large_everything_is(sample: SampleRun) -> None:
    run = ask(sample, "stats")
    assert run.code == 0, run.err
    for said in ("warehouse", "free", "intermediate", "raw.fill_fees", "corrections"):
        assert said in run.out
    count = rows(sample.home, "select count(*) from marts.fct_fills")[0][0]
    assert f"{count:,}" in run.out


def test_stats_answers_while_a_run_writes(sample: SampleRun) -> None:
    process = start_python("-c", HOLD, str(sample.home.warehouse))
    assert process.stdout.readline() == "on\n"
    try:
        run = ask(sample, "stats")
        assert run.code == 0, run.err
        assert "cannot be opened" in run.out
        assert "In the published copy" in run.out
        assert "marts.fct_fills" in run.out
        assert "corrections" in run.out
        run = ask(sample, "explain")
        assert run.code == 1
        assert "cannot be opened" in run.err
    finally:
        process.kill()
        process.wait()


def test_between_two_steps_of_a_run_nobody_opens_its_warehouse(
    sample: SampleRun, tmp_path: Path
) -> None:
    """A warehouse that cannot be opened tells whether somebody tried."""
    home = Home(tmp_path)
    home.warehouse.write_text("no warehouse")
    shutil.copytree(sample.home.published, home.published, symlinks=True)
    for command in ("stats", "explain"):
        run = call_daily(command, SOURCE="sample", RISK_HOME=tmp_path)
        assert "damaged" in str(run)
    with home.locked():
        run = call_daily("stats", SOURCE="sample", RISK_HOME=tmp_path)
        assert run.code == 0, run.err
        assert "A run is writing the warehouse" in run.out
        assert "corrections" in run.out
        run = call_daily("explain", SOURCE="sample", RISK_HOME=tmp_path)
        assert run.code == 1
        assert "A run is writing" in run.err
        assert run.err.count("\n") == 1


def test_predictions_are_those_of_the_mart(sample: SampleRun) -> None:
    run = ask(sample, "predictions")
    assert run.code == 0, run.err
    called = rows(
        sample.home,
        "select trader_id, limit_risk from marts.risk_calls order by case limit_risk "
        "when 'High' then 1 when 'Elevated' then 2 when 'Unknown' then 3 else 4 end, "
        "limit_loss_probability desc nulls last, trader_id",
    )
    table, told = run.out.strip().split("\n\n")
    assert told == "* The default: the desk has set no limit (limits.csv)."
    shown = [tuple(line.split()[:2]) for line in table.splitlines()[2:]]
    assert shown == called


@pytest.mark.parametrize(
    ("trader", "told"),
    [
        ("SIM013", "none: inactive, idle for 105 sessions (more than 20)"),
        ("SIM015", "none: needs 5 traded days, has 3"),
        ("SIM014", "yes, as a newcomer: 30 traded days or fewer"),
        ("SIM014", "  like        SIM"),
        ("SIM022", "forecast    yes"),
    ],
)
def test_a_trader_is_explained(sample: SampleRun, trader: str, told: str) -> None:
    run = ask(sample, "explain", "--trader", trader)
    assert run.code == 0, run.err
    assert told in run.out


def test_a_call_is_explained_with_reasons_and_what_became_of_earlier_ones(
    sample: SampleRun,
) -> None:
    run = ask(sample, "explain", "--trader", "SIM022")
    why, reasons = rows(
        sample.home,
        "select limit_reason, reasons from marts.risk_calls where trader_id = 'SIM022'",
    )[0]
    for reason in (why, *reasons.split("; ")):
        assert f"because     {reason}" in run.out
    assert run.out.count("simulated") == 10


@pytest.mark.parametrize(
    ("trader", "told"),
    [
        ("SIM9", "Did you mean SIM"),
        ("SIM009_OLD", "is an account of SIM009. Run `make explain TRADER=SIM009`"),
        (
            "SIMH01",
            "is in no total of the desk (account_roles.csv), and has no forecast",
        ),
        ("'; drop table x; --", "There is no trader '; drop"),
    ],
)
def test_a_name_nobody_has_is_one_line(
    sample: SampleRun, trader: str, told: str
) -> None:
    run = ask(sample, "explain", "--trader", trader)
    assert run.code == 1
    assert told in run.err
    assert run.err.count("\n") == 1


def test_models_are_explained(sample: SampleRun) -> None:
    run = ask(sample, "explain")
    assert run.code == 0, run.err
    lines = {tuple(line.split()[:3]): line for line in run.out.splitlines()}
    assert lines["zero", "predicted", "pnl"].endswith("by design: zero for everybody")
    assert not lines["global", "predicted", "pnl"].endswith("days")
    assert lines["desk_rate", "limit", "loss"].endswith("one rate for everybody")
    for output in ("loss", "realised_loss", "breach", "size", "pnl", "quantiles"):
        assert any(
            line.split()[:1] == [output] and "is selected:" in line
            for line in run.out.splitlines()
        )


def test_a_model_that_says_the_same_of_everybody_is_explained(
    sample: SampleRun, tmp_path: Path
) -> None:
    """Trees without a split, as a leaf that is too large leaves them."""
    home = Home(tmp_path / "home")
    shutil.copytree(sample.home.root, home.root, symlinks=True)
    with duckdb.connect(home.warehouse) as connection:
        connection.execute(
            "update ml.predictions set predicted_pnl = 12 where model = 'global'"
        )
        version = connection.execute("select max(model_version) from ml.roster")
        folder = home.models / version.fetchall()[0][0]
    files = read_sealed(folder)
    name = next(x for x in sorted(files) if re.fullmatch("0000-.*mean.txt", x))
    train_constant(folder / name)
    write_sealed(folder, files | {name: (folder / name).read_bytes()})
    assert "none of its trees (1) has a split" in explain_models(home)


def train_constant(file: Path) -> None:
    """A LightGBM model of the same features, with leaves larger than its data."""
    import lightgbm
    import numpy as np

    width = len(lightgbm.Booster(model_file=file).feature_name())
    draw = np.random.default_rng(1)
    data = lightgbm.Dataset(draw.normal(size=(50, width)), draw.normal(size=50))
    settings = {"min_data_in_leaf": 40, "verbosity": -1, "boost_from_average": False}
    booster = lightgbm.train(settings, data, num_boost_round=3)
    booster.save_model(file)


def test_before_any_run_each_says_what_to_do(tmp_path: Path) -> None:
    for command in ("predictions", "explain"):
        run = call_daily(command, SOURCE="sample", RISK_HOME=tmp_path / "none")
        assert run.code == 1
        assert "make daily" in run.err
    run = call_daily("stats", SOURCE="sample", RISK_HOME=tmp_path / "none")
    assert run.code == 0, run.err
    assert "run `make daily`" in run.out
    assert not (tmp_path / "none").exists()


def test_where_only_a_past_morning_is_published_each_names_it(
    sample: SampleRun, tmp_path: Path
) -> None:
    past = Home(tmp_path).past(date(2025, 12, 19))
    shutil.copytree(sample.home.published, past.published, symlinks=True)
    for question in (
        ("predictions",),
        ("explain",),
        ("explain", "--trader", "SIM022"),
        ("what-if",),
        ("sql", "--query", "select 1"),
    ):
        run = call_daily(*question, SOURCE="sample", RISK_HOME=tmp_path)
        assert run.code == 1
        assert "or ask a past morning with AS_OF=2025-12-19" in run.err
        assert run.err.count("\n") == 1
