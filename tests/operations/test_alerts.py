"""What fails is mailed, once, and leaves what was good in place."""

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.build_chain import BUILD, begin
from runtime.home import Home
from runtime.settings import ENV_FILE, PROJECT_ROOT
from runtime.warehouse import open_warehouse
from tests.conftest import SampleRun, rows
from tests.in_process import call_daily
from tests.mail_server import PASSWORD, Desk, free_port, mail_server


def environment(desk: Desk, home: Path, **more: object) -> dict[str, object]:
    """Settings of a run that mails."""
    return {
        "RISK_HOME": home, "EMAIL_FROM": "desk@x.test", "EMAIL_PASSWORD": PASSWORD,
        "EMAIL_TO": "boss@x.test", "ALERT_TO": "ops@x.test",
        "SMTP_URL": f"smtp://localhost:{desk.port}",
        "SSL_CERT_FILE": desk.certificate,
    } | more  # fmt: skip


def test_a_failed_step_is_mailed_once_with_what_mends_it(
    desk: Desk, tmp_path: Path
) -> None:
    settings = environment(desk, tmp_path / "home", SOURCE="files", EXPORTS="/nowhere")
    for _ in range(2):
        run = call_daily("run", **settings)
        assert run.code == 1
        assert run.err.startswith(("alert: mailed\n", "alert: mailed before"))
    assert desk.recipients == ["ops@x.test"]
    (mail,) = desk.mails
    assert mail["Subject"].startswith("Risk run failed: ingest (")
    text = mail.get_content()
    assert "no folder /nowhere" in text
    assert "make daily SOURCE=files EXPORTS=/nowhere" in text
    assert "docs/operation.md" in text
    # Another failure is another alert.
    call_daily("run", **settings | {"EXPORTS": "/elsewhere"})
    assert len(desk.mails) == 2


def test_settings_that_cannot_be_read_are_mailed_all_the_same(
    desk: Desk, tmp_path: Path
) -> None:
    run = call_daily("run", **environment(desk, tmp_path, RELOAD_DAYS="many"))
    assert run.code == 1
    assert "RELOAD_DAYS" in run.err
    (mail,) = desk.mails
    assert "RELOAD_DAYS" in mail.get_content()


def test_a_run_that_finds_another_one_is_mailed(desk: Desk, tmp_path: Path) -> None:
    with Home(tmp_path).locked():
        run = call_daily("run", **environment(desk, tmp_path, SOURCE="sample"))
    assert run.code == 1
    assert "Another run is writing" in desk.mails[0].get_content()


def test_of_a_run_in_a_terminal_nobody_is_mailed(desk: Desk, tmp_path: Path) -> None:
    settings = environment(desk, tmp_path, SOURCE="files", EXPORTS="/nowhere")
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "daily", "run"],
        cwd=PROJECT_ROOT, stderr=theirs, timeout=120, check=False,
        env={"PATH": os.environ["PATH"], ENV_FILE: ""}
        | {name: str(value) for name, value in settings.items()},
    )  # fmt: skip
    assert done.returncode == 1
    assert b"no folder /nowhere" in os.read(ours, 10_000)
    assert desk.mails == []


def test_what_only_reads_alerts_nobody(desk: Desk, tmp_path: Path) -> None:
    settings = environment(desk, tmp_path, SOURCE="sample")
    assert call_daily("explain", **settings).code == 1
    assert desk.mails == []


def test_a_full_disk_is_mailed_past_the_outbox(desk: Desk, tmp_path: Path) -> None:
    """A file in the outbox's place stands for whatever cannot be written."""
    (tmp_path / "outbox").write_text("no folder")
    settings = environment(desk, tmp_path, SOURCE="files", EXPORTS="/nowhere")
    run = call_daily("run", **settings)
    assert run.code == 1
    assert "no folder /nowhere" in desk.mails[0].get_content()
    assert desk.recipients == ["ops@x.test"]


def test_an_alert_that_breaks_hides_nothing(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "outbox" / "lock").mkdir(parents=True)
    settings = environment(desk, tmp_path, SOURCE="files", EXPORTS="/nowhere")
    run = call_daily("run", **settings)
    assert run.code == 1
    assert "Traceback" not in run.err
    assert "no folder /nowhere" in run.err.splitlines()[-1]


def test_an_alert_that_cannot_be_sent_waits_and_hides_nothing(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.outbox.WAITS_SECONDS", (0,))
    down = Desk(port=free_port(), certificate=certificate[0])
    settings = environment(down, tmp_path, SOURCE="files", EXPORTS="/nowhere")
    run = call_daily("run", **settings)
    assert run.code == 1
    assert "The alert waits, too: The mail server" in run.err
    assert run.err.splitlines()[-1].startswith("error: ")
    assert "no folder /nowhere" in run.err
    with mail_server(certificate, port=down.port) as desk:
        call_daily("run", **settings)
        assert len(desk.mails) == 1


def test_a_failing_build_leaves_report_and_published_marts_as_they_were(
    sample: SampleRun, desk: Desk, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(sample.home.root, home.root, symlinks=True)
    before = {
        path: path.read_bytes()
        for folder in (home.reports, home.published)
        for path in folder.rglob("*")
        if path.is_file()
    }
    with open_warehouse(home.warehouse) as connection:
        # As dbt leaves it when a model or a test has failed.
        begin(connection, BUILD)
    for step in ("report", "publish", "board"):
        run = call_daily(step, **environment(desk, home.root, SOURCE="sample"))
        assert run.code == 1
        assert "partially rebuilt: the build of the models was begun" in run.err
        assert "Run `make daily`" in run.err
    assert all(path.read_bytes() == content for path, content in before.items())
    assert not [mail for mail in desk.mails if "at high risk" in mail["Subject"]]


def test_the_ledger_is_a_mart(sample: SampleRun) -> None:
    steps = rows(
        sample.untouched,
        "select step, outcome, rows_count > 0, seconds > 0 from marts.run_ledger "
        "where command = 'run' order by step_number",
    )
    assert steps == [
        ("ingest", "succeeded", True, True),
        ("freshness", "succeeded", None, True),
        ("build", "succeeded", True, True),
        ("train", "succeeded", True, True),
        ("score", "succeeded", True, True),
        # The rest comes after the marts.
        ("risk", "running", None, None),
    ]


def test_a_log_has_a_line_for_each_step_and_another_all_detail(
    sample: SampleRun,
) -> None:
    lines = (sample.untouched.logs / "daily.log").read_text().splitlines()
    # Each with its zone.
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ INFO daily: ", lines[0])
    done = [line.split(" daily: ")[1].split(":")[0] for line in lines]
    assert done[:9] == [
        "ingest", "freshness", "build", "train", "score", "risk", "publish", "report",
        "board",
    ]  # fmt: skip
    detail = (sample.untouched.logs / "detail.log").read_text()
    assert "build begins" in detail
    assert len(detail.splitlines()) > len(lines)
    assert (sample.untouched.logs / "dbt.log").exists()
