"""The report step as a whole: from marts to files and mails, today's and past ones."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.names import slug
from runtime.home import Home
from tests.conftest import Run, SampleRun, run_daily
from tests.in_process import call_daily
from tests.mail_server import PASSWORD, Desk

DAY = "2025-12-19"


@pytest.fixture
def home(sample: SampleRun, tmp_path: Path) -> Home:
    """The sample's marts, nothing mailed yet."""
    target = Home(tmp_path / "home")
    unread = shutil.ignore_patterns("dbt", "dlt", "docs", "board")
    shutil.copytree(sample.home.root, target.root, symlinks=True, ignore=unread)
    return target


def report(
    desk: Desk, home: Home, run: Callable[..., Run] = call_daily, **more: object
) -> Run:
    """The step, with mail."""
    return run(
        "report", SOURCE="sample", RISK_HOME=home.root, EMAIL_FROM="desk@x.test",
        EMAIL_PASSWORD=PASSWORD, EMAIL_TO="boss@x.test",
        SMTP_URL=f"smtp://localhost:{desk.port}", SSL_CERT_FILE=desk.certificate,
        **more,
    )  # fmt: skip


def test_the_desk_gets_it_once_and_each_trader_their_own_page(
    desk: Desk, home: Home, tmp_path: Path
) -> None:
    addresses = tmp_path / "addresses.csv"
    addresses.write_text("trader_id,email\nSIM022,t22@x.test\nSIM016,t16@x.test\n")
    more = {"TRADER_EMAILS": addresses, "BOARD_URL": "https://board.x.test/risk/"}
    # A process: this one's log has what the mail server got as well.
    run = report(desk, home, run_daily, **more)
    assert run.code == 0, run.err
    assert "2 mailed; no forecast today for SIM016" in run.out
    assert desk.recipients == ["boss@x.test", "t22@x.test"]
    mails = {mail["To"]: mail for mail in desk.mails}
    own = mails["t22@x.test"]
    assert own["Subject"] == "SAMPLE DATA - Your risk for Fri 2025-12-19"
    html = own.get_body(("html",)).get_content()
    assert f"https://board.x.test/risk/traders/{slug('SIM022')}.html" in html
    for other in ("SIM009", "SIM016", "The desk today"):
        assert other not in html
    whole = mails["boss@x.test"].get_body(("html",)).get_content()
    assert "https://board.x.test/risk/index.html" in whole
    run = report(desk, home, **more)
    assert "mailed before to 2 recipients" in run.out
    assert len(desk.taken) == 2
    # No address is anywhere but in the mails.
    written = [
        path.read_bytes()
        for path in home.root.rglob("*")
        if path.is_file() and home.outbox not in path.parents
    ]
    assert not any(b"t22@x.test" in content for content in written)


def test_by_force_it_is_mailed_again(desk: Desk, home: Home) -> None:
    assert report(desk, home).code == 0
    run = report(desk, home, FORCE=1)
    assert run.code == 0, run.err
    assert len(desk.taken) == 2


def test_a_past_morning_is_written_again_as_it_was(desk: Desk, home: Home) -> None:
    assert report(desk, home).code == 0
    folder = home.reports / DAY
    before = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    # Whatever the marts say by now, or if they are gone.
    home.warehouse.unlink()
    run = report(desk, home, AS_OF=DAY)
    assert run.code == 0, run.err
    assert "not mailed: the run is of the past" in run.out
    assert (folder / "report.html").read_bytes() == before
    assert (folder / "report.txt").exists()
    assert len(desk.taken) == 1
    run = report(desk, home, AS_OF=DAY, PUBLISH_PAST=1)
    assert "mailed before" in run.out
    assert report(desk, home, AS_OF=DAY, FORCE=1).code == 0
    assert len(desk.taken) == 2


def test_a_morning_nobody_kept_says_what_to_do(desk: Desk, home: Home) -> None:
    run = report(desk, home, AS_OF="2025-11-03")
    assert run.code == 1
    assert "Run `make daily` with the same SOURCE and AS_OF" in run.err
    assert not [mail for mail in desk.mails if "at high risk" in mail["Subject"]]


def test_a_wrong_list_of_addresses_keeps_nothing_from_the_desk(
    desk: Desk, home: Home, tmp_path: Path
) -> None:
    run = report(desk, home, TRADER_EMAILS=tmp_path / "none.csv")
    assert run.code == 1
    assert f"TRADER_EMAILS={tmp_path / 'none.csv'} cannot be read" in run.err
    reports = [mail for mail in desk.mails if "at high risk" in mail["Subject"]]
    assert [mail["To"] for mail in reports] == ["boss@x.test"]
    assert (home.reports / DAY / "report.html").exists()
