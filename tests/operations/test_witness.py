"""A run that dies of a signal is mailed; one that is stopped says so itself."""

import signal
import time
from pathlib import Path

import pytest

from runtime.home import Home
from runtime.ledger import KILLED, RUNNING, SUCCEEDED, Ledger, run_id
from tests.conftest import start_daily, start_python
from tests.in_process import call_daily
from tests.mail_server import Desk
from tests.operations.test_alerts import environment


def killed(desk: Desk, home: Path, *signals: signal.Signals) -> tuple[int, str]:
    """Exit code and errors of a first load that gets signals as it reads."""
    # Who started the tests may have them ignored (nohup, a shell's &), as a run would.
    before = {x: signal.getsignal(x) for x in (signal.SIGHUP, signal.SIGINT)}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    run = start_daily("run", **environment(desk, home, SOURCE="sample"))
    for number, handler in before.items():
        signal.signal(number, handler)
    try:
        until = time.monotonic() + 60
        while not any(one.outcome == RUNNING for one in Ledger(Home(home)).steps()):
            assert run.poll() is None, run.communicate()
            assert time.monotonic() < until
            time.sleep(0.02)
        for number in signals:
            run.send_signal(number)
        # Ends when the last of its processes has closed it: the mail is out by then.
        _, errors = run.communicate(timeout=60)
    finally:
        run.kill()
    return run.returncode, errors


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL,
        signal.SIGHUP,
    ],
)  # fmt: skip
def test_a_run_that_dies_of_a_signal_is_mailed(
    desk: Desk, tmp_path: Path, number: signal.Signals
) -> None:
    code, errors = killed(desk, tmp_path, number)
    assert code == -number
    assert "alert: mailed" in errors
    (mail,) = desk.mails
    assert mail["Subject"].startswith("Risk run failed: ingest (")
    assert "The run was killed in step ingest" in " ".join(mail.get_content().split())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_mails_as_ever_and_once(
    desk: Desk, tmp_path: Path, number: signal.Signals
) -> None:
    code, errors = killed(desk, tmp_path, number)
    # Interrupted while a module is imported, Python may end as killed by Ctrl-C.
    assert code in (1, -signal.SIGINT)
    assert "Stopped in step ingest, as asked" in errors
    (mail,) = desk.mails
    assert "Stopped in step ingest" in " ".join(mail.get_content().split())


STOPPED_IN_A_CLASS = """
import os, signal
from daily.run import recorded
from runtime.signals import stop_on_signals

class Stops:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGTERM)
        raise ValueError("what a library makes of it")

def work():
    class Fill:
        fees = Stops()

stop_on_signals()
recorded("run", lambda run: run.step(1, 1, "ingest", run.root, work))
"""


def test_a_stop_that_a_library_makes_an_error_of_is_a_stop(tmp_path: Path) -> None:
    run = start_python("-c", STOPPED_IN_A_CLASS, RISK_HOME=tmp_path, SOURCE="sample")
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "Stopped in step ingest, as asked" in errors
    assert "unexpected" not in errors


@pytest.mark.parametrize("where", ["in step train", "after train"])
def test_a_death_that_no_witness_told_of_is_mailed_by_the_next_run_once(
    desk: Desk, tmp_path: Path, where: str
) -> None:
    """In a container the witness dies as well, and every run has one number."""
    home = Home(tmp_path)
    ledger = Ledger(home)
    begun = ledger.begin(run_id(), "run", "train", 3, 9, home)
    if where == "after train":
        ledger.end(begun, SUCCEEDED, "168 models")
    for is_first in (True, False):
        run = call_daily("score", **environment(desk, tmp_path, SOURCE="sample"))
        assert run.code == 1
        # Who sits at a terminal is not mailed, and reads it.
        assert (f"The run before: The run was killed {where}" in run.err) == is_first
    told = [mail for mail in desk.mails if "train" in mail["Subject"]]
    assert len(told) == 1
    assert f"was killed {where}" in " ".join(told[0].get_content().split())
    (killed,) = (run for run in ledger.runs() if run.command == "run")
    assert killed.outcome == KILLED
    assert (where == "after train") == (killed.steps[0].message == "168 models")
