"""The run that did not happen is noticed, and status says how things are."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from daily.status import status
from daily.watchdog import watch
from reports import outbox
from reports.mail import Mail
from reports.outbox import post
from runtime.errors import UserError
from runtime.home import Home
from runtime.ledger import FAILED, RUNNING, SUCCEEDED, Ledger, StepRun
from runtime.sessions import EASTERN
from tests.conftest import SampleRun, make_settings
from tests.in_process import call_daily
from tests.mail_server import Desk, free_port

# A Wednesday, and a session.
MORNING = datetime(2026, 3, 4, 8, 30, tzinfo=EASTERN)


def write(
    home: Home,
    at: datetime,
    *outcomes: str,
    command="run",
    total=2,
    on: Home | None = None,
) -> None:
    """A run that began at a moment, a step for each outcome; process 1 is alive."""
    began = at.astimezone(UTC).replace(tzinfo=None)
    for number, outcome in enumerate(outcomes, start=1):
        Ledger(home)._append(
            StepRun(
                f"{began:%Y%m%dT%H%M%S}-1", number, command, f"step{number}", total,
                str((on or home).root), began, began if outcome != RUNNING else None,
                1.5, outcome, None, f"it {outcome}.",
            )
        )  # fmt: skip


def settings(home: Home, **more: object):
    """Settings without mail."""
    return make_settings(source="sample", risk_home=home.root, **more)


def test_a_morning_that_is_done_is_well(tmp_path: Path) -> None:
    home = Home(tmp_path)
    early = MORNING.replace(hour=5)
    write(home, early, FAILED)
    write(home, MORNING.replace(hour=6), SUCCEEDED, SUCCEEDED)
    assert watch(settings(home), MORNING) == "the morning of 2026-03-04 is done"


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (datetime(2026, 3, 7, 9, tzinfo=EASTERN), "Sat 2026-03-07 is no session"),
        (datetime(2026, 7, 3, 9, tzinfo=EASTERN), "Fri 2026-07-03 is no session"),
        (MORNING.replace(hour=7, minute=59), "nothing is due before 08:00 ET"),
        # Half past eight in New York, whatever the clock on the wall says.
        (datetime(2026, 3, 4, 12, 59, tzinfo=UTC), "nothing is due before 08:00"),
    ],
)
def test_nothing_is_due_without_a_session_or_before_the_hour(
    tmp_path: Path, now: datetime, told: str
) -> None:
    assert told in watch(settings(Home(tmp_path / "none")), now)


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ((), "no run has begun today"),
        ((FAILED,), "failed at step1, step 1 of 2: it failed. Then run `make daily"),
        ((SUCCEEDED, FAILED), "failed at step2"),
        ((SUCCEEDED,), "was killed at step1, step 1 of 2"),
        ((SUCCEEDED, RUNNING), "was killed at step2"),
    ],
)
def test_a_morning_that_is_not_done_is_alerted_once_a_day(
    tmp_path: Path, desk: Desk, outcomes: tuple[str, ...], told: str
) -> None:
    home = Home(tmp_path)
    write(home, MORNING.replace(day=3), SUCCEEDED, SUCCEEDED)
    write(home, MORNING, SUCCEEDED, SUCCEEDED, command="ingest")
    write(home, MORNING, SUCCEEDED, SUCCEEDED, on=home.past(MORNING.date()))
    if outcomes:
        write(home, MORNING.replace(hour=5), *outcomes)
    chosen = desk.settings(risk_home=home.root)
    for _ in range(2):
        with pytest.raises(
            UserError, match="The morning of 2026-03-04 is not done"
        ) as e:
            watch(chosen, MORNING)
        assert told in str(e.value)
    (mail,) = desk.mails
    assert mail["Subject"].startswith("The risk run is not done")
    assert told in " ".join(mail.get_content().split())


def test_a_run_that_is_still_on_is_said_to_be(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.locked():
        (home.root / "lock").write_text("1")
        write(home, MORNING.replace(hour=5), SUCCEEDED, RUNNING)
        with pytest.raises(UserError, match=r"still running, at step2.*\(process 1\)"):
            watch(settings(home), MORNING)
        assert "`run` since Wed 2026-03-04 05:30 ET, at step 2 of 2" in status(
            settings(home), MORNING
        )


def test_a_run_that_is_on_since_before_midnight_is_said_to_be(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.locked():
        (home.root / "lock").write_text("1")
        write(home, MORNING.replace(day=3, hour=23, minute=50), SUCCEEDED, RUNNING)
        with pytest.raises(UserError, match="Tue 2026-03-03 23:50 ET is still running"):
            watch(settings(home), MORNING)


def test_a_mail_server_that_is_down_does_not_hide_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "WAITS_SECONDS", (0,))
    chosen = Desk(port=free_port(), certificate=tmp_path).settings(risk_home=tmp_path)
    with pytest.raises(UserError) as e:
        watch(chosen, MORNING)
    assert "not done: no run has begun today" in str(e.value)
    assert "The alert was not sent, either: The mail server" in str(e.value)
    assert "1 wait in" in status(chosen, MORNING)


def test_a_report_that_was_not_sent_is_not_done(tmp_path: Path, desk: Desk) -> None:
    home, chosen = Home(tmp_path), desk.settings(risk_home=tmp_path)
    write(home, MORNING, SUCCEEDED, SUCCEEDED)
    desk.answers = ["554 no", "250 taken"]
    with pytest.raises(UserError):
        post(chosen, home, Mail("report-2026-03-04", ("a@x.test",), "Risk", "text"))
    assert "1 wait in" in status(chosen, MORNING)
    with pytest.raises(UserError, match=r"not sent \(1\)"):
        watch(chosen, MORNING)
    # What alerts also sends what waited.
    assert [mail["Subject"][:8] for mail in desk.mails] == ["The risk", "Risk"]
    assert watch(chosen, MORNING) == "the morning of 2026-03-04 is done"


def test_status_of_nothing_says_what_to_do(tmp_path: Path) -> None:
    run = call_daily("status", SOURCE="sample", RISK_HOME=tmp_path / "none")
    assert run.code == 0, run.err
    assert "none yet; run `make daily`" in run.out
    assert "Nothing is published" in run.out
    assert not (tmp_path / "none").exists()


def test_status_tells_the_last_runs_and_the_next(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for day in range(2, 10):
        write(home, MORNING.replace(day=day), SUCCEEDED, FAILED)
    write(home, MORNING.replace(day=10), SUCCEEDED, SUCCEEDED)
    told = status(settings(home), MORNING.replace(day=10, hour=9)).splitlines()
    assert told[2].endswith("Tue 2026-03-10 08:30 ET  run            succeeded in 3 s")
    assert told[3].endswith("failed at step2: it failed.")
    assert sum("failed" in line for line in told) == 4
    assert any("last complete Tue 2026-03-10 08:30 ET" in line for line in told)
    assert any("session Wed 2026-03-11" in line for line in told)


def test_status_answers_while_a_run_writes(sample: SampleRun) -> None:
    with sample.home.locked():
        run = call_daily("status", SOURCE="sample", RISK_HOME=sample.home.root)
    assert run.code == 0, run.err
    assert "synthetic, as of the morning of 2025-12-19" in run.out
    assert "reference is selected for limits" in run.out
