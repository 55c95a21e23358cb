"""Old data is told by what it holds, and said first wherever anybody looks."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from daily.status import status
from daily.watchdog import watch
from runtime.errors import UserError
from runtime.home import Home
from runtime.ledger import Ledger
from runtime.sessions import EASTERN, sessions_between
from runtime.settings import Settings
from runtime.staleness import is_past_morning, missing_sessions, staleness
from tests.conftest import Run, make_settings, rows
from tests.draws import draw
from tests.exports import ExportedFill, Exports
from tests.in_process import call_daily
from tests.mail_server import PASSWORD, Desk

TODAY = datetime.now(EASTERN).date()
# The last ones that are over on the morning of today.
SESSIONS = sessions_between(TODAY - timedelta(days=60), TODAY - timedelta(days=1))


def files(**more: object) -> Settings:
    """A firm of files, which is fresh or not."""
    return make_settings(source="files", exports=Path("x"), **more)


def test_what_is_missing_is_every_session_after_the_data_and_before_today() -> None:
    """At any hour, on weekends and holidays, over summer time."""
    calendar = sessions_between(date(2024, 1, 1), date(2026, 6, 30))
    chance = random.Random(4)
    for _ in range(draw(60, 600)):
        ends = chance.choice(calendar[:-60]) + timedelta(days=chance.choice((0, 0, 1)))
        now = datetime.combine(ends, datetime.min.time(), EASTERN) + timedelta(
            days=chance.choice((0, 1, 2, 3, 5, 30)), minutes=chance.randrange(24 * 60)
        )
        missing = tuple(x for x in calendar if ends < x < now.date())
        found = staleness(files(), ends, now, is_sample=False)
        assert (found.sessions if found else ()) == missing, (ends, now)


@pytest.mark.parametrize(
    ("ends", "now", "words"),
    [
        ("2025-11-26", "2025-12-01", "1 session is missing (2025-11-28)"),
        ("2025-11-25", "2025-11-28", "1 session is missing (2025-11-26)"),
        ("2025-06-13", "2025-06-19", "3 sessions are missing (2025-06-16, 2025-06-17,"),
        ("2025-01-31", "2025-06-19", "95 sessions are missing (2025-02-03 to 2025-06-"),
    ],
)
def test_it_is_said_in_words(ends: str, now: str, words: str) -> None:
    at = datetime.fromisoformat(f"{now}T08:30").replace(tzinfo=EASTERN)
    said = str(staleness(files(), date.fromisoformat(ends), at, is_sample=False))
    assert said.startswith(f"the data ends {ends}, {words}")


def test_sample_and_past_mornings_are_old_on_purpose() -> None:
    now = datetime(2025, 6, 19, 8, 30, tzinfo=EASTERN)
    ends = date(2025, 1, 31)
    # The data says what it is: a step by hand may lack the settings of the run.
    for settings in (make_settings(), make_settings(source="sample"), files()):
        assert staleness(settings, ends, now, is_sample=True) is None
        assert staleness(settings, ends, now, is_sample=False) is not None
    past = files(as_of=date(2025, 6, 18))
    assert staleness(past, ends, now, is_sample=False) is None
    assert missing_sessions(ends, now, is_sample=False) is not None
    assert is_past_morning(files(as_of=date(2025, 6, 18)), now)
    for given in (None, date(2025, 6, 19)):
        given_files = files(as_of=given)
        assert staleness(given_files, ends, now, is_sample=False) is not None
        assert not is_past_morning(files(as_of=given), now)


def fills_until(last: date) -> list[ExportedFill]:
    """Two accounts that trade each session up to a date."""
    return [
        ExportedFill(account, datetime(day.year, day.month, day.day, 10, minute),
                     side, Decimal(1), price)
        for day in SESSIONS if day <= last
        for account in ("A1", "A2")
        for minute, side, price in ((0, "B", Decimal(10)), (5, "S", Decimal(12)))
    ]  # fmt: skip


@pytest.mark.long
def test_a_morning_of_old_files_is_stale_everywhere_until_the_days_arrive(
    tmp_path: Path, desk: Desk
) -> None:
    # A home may bear any name that DuckDB can open.
    home = Home(tmp_path / "[a] *home* #1 Ü {x} & $y")
    exports = Exports(tmp_path / "[e] *exports* Ü")
    addresses = tmp_path / "addresses.csv"
    addresses.write_text("trader_id,email\nA1,a1@x.test\n")
    values = {
        "SOURCE": "files", "EXPORTS": exports.folder, "RISK_HOME": home.root,
        "EMAIL_FROM": "desk@x.test", "EMAIL_PASSWORD": PASSWORD,
        "EMAIL_TO": "boss@x.test", "SMTP_URL": f"smtp://localhost:{desk.port}",
        "SSL_CERT_FILE": desk.certificate, "TRADER_EMAILS": addresses,
    }  # fmt: skip
    settings = make_settings(
        source="files", exports=exports.folder, risk_home=home.root
    )
    due = datetime.combine(TODAY, settings.due_at, EASTERN) + timedelta(minutes=30)

    def morning(command: str = "run", **more: object) -> Run:
        done = call_daily(command, **values | more)
        assert done.code == 0, done.err
        return done

    def page() -> str:
        newest = max(
            home.reports.glob("*/report.html"), key=lambda x: x.stat().st_mtime
        )
        return newest.read_text()

    exports.write(fills_until(SESSIONS[-3]))
    told = f"the data ends {SESSIONS[-3]}, 2 sessions are missing"
    done = morning()
    assert f"STALE: {told}" in done.out.splitlines()[1]
    assert f"{told} ({SESSIONS[-2]}, {SESSIONS[-1]}): this is no finished" in done.out
    assert f"STALE: {told}" in (home.board / "index.html").read_text()
    morning("report")
    assert f"STALE: {told}" in page()
    # Once a day to the desk, and no trader is told to trade by it.
    (mail,) = desk.mails
    assert mail["To"] == "boss@x.test"
    assert mail["Subject"].startswith("STALE - Risk for")
    text = mail.get_body(("plain",)).get_content()
    assert " ".join(text.split()).startswith(f"*** STALE: {told}")
    assert Ledger(home).runs()[1].missing_sessions_count == 2
    assert rows(
        home,
        "select missing_sessions_count from marts.run_ledger "
        "where step = 'ingest' order by started_at desc limit 1",
    ) == [(2,)]
    lines = status(settings).splitlines()
    assert lines[0].split(maxsplit=1) == ["STALE", lines[0][10:]] and told in lines[0]
    assert "none has been complete yet" in "\n".join(lines)
    if sessions_between(TODAY, TODAY):
        with pytest.raises(UserError, match="STALE: the run of .* ends 2 sessions"):
            watch(settings, due)
    # What was missing arrives.
    exports.write(fills_until(SESSIONS[-1]))
    if draw(True, False):
        assert "STALE" not in morning("ingest").out
        return
    done = morning()
    assert "STALE" not in done.out + page() + status(settings).splitlines()[0]
    assert "last complete" in status(settings)
    assert f"the last fill is of {SESSIONS[-1]}" in done.out
    assert sorted(mail["To"] for mail in desk.mails[1:]) == ["a1@x.test", "boss@x.test"]
    assert not any("STALE" in mail["Subject"] for mail in desk.mails[1:])
    assert watch(settings, due).endswith("is done") or not sessions_between(
        TODAY, TODAY
    )
