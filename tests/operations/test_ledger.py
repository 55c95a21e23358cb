"""The ledger of runs: what it tells of runs that ended well, badly, or not at all."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from runtime import ledger as ledger_module
from runtime.home import Home
from runtime.ledger import FAILED, KILLED, RUNNING, SUCCEEDED, Ledger, run_id
from tests.conftest import start_daily, start_python
from tests.in_process import call_daily

HOLD = """
import sys, time
from pathlib import Path
from runtime.home import Home
from runtime.ledger import Ledger, run_id
home = Home(Path(sys.argv[1]))
with home.locked():
    one = Ledger(home).begin(run_id(), "run", "build", 1, 2, home)
    if len(sys.argv) > 2:
        Ledger(home).end(one, "succeeded", "done")
    print("on", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without anything in it."""
    return Home(tmp_path)


def write(home: Home, *outcomes: str, total: int | None = None, command="run") -> str:
    """A run of this process, a step for each outcome."""
    book, name = Ledger(home), run_id()
    for number, outcome in enumerate(outcomes, start=1):
        step = f"step{number}"
        one = book.begin(name, command, step, number, total or len(outcomes), home)
        if outcome in (SUCCEEDED, FAILED):
            book.end(one, outcome, f"{step} {outcome}\nwith two lines", rows_count=7)
    return name


def test_a_step_is_told_with_what_it_did(home: Home) -> None:
    write(home, SUCCEEDED, FAILED)
    done, failed = Ledger(home).steps()
    assert (done.outcome, done.rows_count, done.step_number) == (SUCCEEDED, 7, 1)
    assert failed.message == "step2 failed with two lines"
    assert failed.seconds >= 0
    assert "dbt-core 1.11" in failed.versions
    (run,) = Ledger(home).runs()
    assert (run.outcome, run.last.step) == (FAILED, "step2")


def test_a_run_that_is_on_is_told_from_one_that_died(home: Home) -> None:
    for more, outcomes in (((), (RUNNING, KILLED)), (("x",), (RUNNING, KILLED))):
        process = start_python("-c", HOLD, str(home.root), *more)
        assert process.stdout.readline() == "on\n"
        assert Ledger(home).runs()[0].outcome == outcomes[0]
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert Ledger(home).runs()[0].outcome == outcomes[1]
    assert len(Ledger(home).runs()) == 2


def test_a_process_number_that_lives_again_is_no_run(home: Home) -> None:
    home.root.joinpath("lock").write_text(f"{os.getpid()} 1")
    write(home, RUNNING)
    assert home.lock_holder() is None
    assert Ledger(home).runs()[0].outcome == KILLED


def test_of_runs_with_one_process_number_the_last_one_is_on(home: Home) -> None:
    with home.locked():
        assert home.lock_holder() == os.getpid()
        names = [write(home, *outcomes, total=3) for outcomes in (
            [RUNNING], [SUCCEEDED], [SUCCEEDED, RUNNING]
        )]  # fmt: skip
        assert [run.outcome for run in Ledger(home).runs()] == [RUNNING, KILLED, KILLED]
        assert {
            one.run_id for one in Ledger(home).steps() if one.outcome == RUNNING
        } == {names[-1]}


def test_a_morning_that_is_killed_says_at_which_step(home: Home) -> None:
    process = start_daily("run", SOURCE="sample", RISK_HOME=home.root)
    until = time.monotonic() + 60
    while not Ledger(home).steps() and time.monotonic() < until:
        time.sleep(0.1)
    process.kill()
    process.wait()
    (run,) = Ledger(home).runs()
    assert (run.outcome, run.last.step) == (KILLED, "ingest")


def test_a_line_that_was_cut_off_costs_itself_alone(home: Home) -> None:
    write(home, SUCCEEDED)
    file = home.logs / "runs.jsonl"
    file.write_bytes(file.read_bytes() + b'{"run_id": "2026\xff')
    write(home, FAILED)
    assert [run.outcome for run in Ledger(home).runs()] == [FAILED, SUCCEEDED]


def test_a_ledger_of_an_earlier_version_is_read(home: Home) -> None:
    write(home, SUCCEEDED)
    file = home.logs / "runs.jsonl"
    file.write_text(file.read_text().replace('"message": ', '"said": '))
    write(home, FAILED)
    messages = [step.message for step in Ledger(home).steps()]
    assert messages == [f"step1 {how} with two lines" for how in (SUCCEEDED, FAILED)]
    assert Ledger(home).table()["message"].to_pylist() == messages


@pytest.mark.parametrize("line", ["{}", "null", "7", '{"run_id": "x-1"}'])
def test_a_line_of_something_else_costs_itself_alone(home: Home, line: str) -> None:
    write(home, SUCCEEDED)
    with (home.logs / "runs.jsonl").open("a") as file:
        file.write(f"{line}\n")
    assert [run.outcome for run in Ledger(home).runs()] == [SUCCEEDED]


def test_what_fails_before_its_first_step_is_told(home: Home) -> None:
    with home.locked():
        run = call_daily("run", SOURCE="sample", RISK_HOME=home.root)
    assert run.code == 1
    (failed,) = Ledger(home).steps()
    assert (failed.step, failed.outcome) == ("start", FAILED)
    assert "Another run is writing" in failed.message


def test_a_full_disk_does_not_hide_why_a_step_failed(tmp_path: Path) -> None:
    blocked = tmp_path / "logs"
    blocked.write_text("no folder")
    one = Ledger(Home(tmp_path)).begin("x-1", "run", "build", 1, 1, Home(tmp_path))
    assert Ledger(Home(tmp_path)).end(one, FAILED, "no room").outcome == FAILED


def test_the_older_half_goes_when_there_is_too_much(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [write(home, SUCCEEDED) for _ in range(10)]
    Ledger(home).prune()
    assert len(Ledger(home).runs()) == 10
    monkeypatch.setattr(ledger_module, "MAXIMUM_BYTES", 100)
    Ledger(home).prune()
    kept = [run.steps[0].run_id for run in Ledger(home).runs()]
    assert kept == names[:-6:-1]


def test_every_line_is_json_that_another_program_can_read(home: Home) -> None:
    write(home, SUCCEEDED, FAILED)
    lines = (home.logs / "runs.jsonl").read_text().split("\n")
    read = [json.loads(line) for line in lines if line]
    assert [one["outcome"] for one in read] == [
        RUNNING, SUCCEEDED, RUNNING, FAILED,
    ]  # fmt: skip
