"""Status says how fresh things are, and answers whatever state they are in."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from daily.status import eastern
from daily.status import status as status_page
from runtime.home import Home
from runtime.ledger import RUNNING, SUCCEEDED, Ledger, StepRun
from tests.conftest import SampleRun, make_settings
from tests.in_process import call_daily


def write(home: Home, step: str, outcome: str, hour: int, on: Home | None = None):
    """A step that ended at an hour (UTC) of a day in winter."""
    at = datetime(2026, 3, 4, hour)
    ended = at if outcome == SUCCEEDED else None
    Ledger(home)._append(
        StepRun(
            f"{at:%Y%m%dT%H%M%S}-1", 1, "run", step, 1, str((on or home).root), at,
            ended, 1.0, outcome, 7, f"{step} at {hour}",
        )
    )  # fmt: skip


def status(home: Home) -> dict[str, str]:
    """What it says, by the word a line begins with."""
    run = call_daily("status", SOURCE="sample", RISK_HOME=home.root)
    assert run.code == 0, run.err
    return dict(line.split(maxsplit=1) for line in run.out.splitlines())


def test_when_the_data_was_loaded_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert "loaded" not in status(home)
    write(home, "ingest", SUCCEEDED, 10)
    write(home, "build", SUCCEEDED, 11)
    # One that died, and one that rebuilt a past morning from what was there.
    write(home, "ingest", RUNNING, 12)
    write(home, "ingest", SUCCEEDED, 13, on=home.past(datetime(2025, 1, 2).date()))
    assert status(home)["loaded"] == "Wed 2026-03-04 05:00 ET: ingest at 10"


def test_a_copy_that_cannot_be_read_costs_its_own_line_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    copy = home.published / "current" / "risk.duckdb"
    copy.parent.mkdir(parents=True)
    copy.write_text("no database")
    write(home, "build", SUCCEEDED, 11)
    told = status(home)
    assert "cannot be opened" in told["data"]
    assert "Run `make publish`" in told["data"]
    assert "succeeded" in told["runs"]


def test_a_sound_live_desk_is_no_line(sample: SampleRun) -> None:
    told = status(sample.home)
    assert "published" in told["marts"]
    assert "live" not in told


def test_a_damaged_log_of_alerts_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path)
    path = home.live / "2025-02-28" / "alerts.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("rubbish\n")
    told = call_daily("status", SOURCE="sample", RISK_HOME=home.root)
    assert told.code == 0, told.err
    assert "is damaged (1 of 1 lines, the first at byte 0)" in " ".join(
        told.out.split()
    )


def test_how_old_the_models_are_is_told(sample: SampleRun, tmp_path: Path) -> None:
    home = Home(tmp_path)
    shutil.copytree(sample.home.published, home.published, symlinks=True)
    copy = home.published / "current" / "risk.duckdb"
    with duckdb.connect(copy, read_only=True) as connection:
        ((trained_at,),) = connection.execute(
            "select max(trained_at) from marts.model_registry where model = 'global'"
        ).fetchall()
    settings = make_settings(source="sample", risk_home=tmp_path)
    for later, age in (
        (timedelta(days=3, hours=2), "3 days ago"),
        (timedelta(hours=25), "a day ago"),
        (timedelta(minutes=70), "an hour ago"),
    ):
        page = status_page(settings, trained_at.replace(tzinfo=UTC) + later)
        assert f"trained {eastern(trained_at)} ({age}), learned" in page
