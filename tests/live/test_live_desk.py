"""`make live` on the sample, killed and stopped; limits that go; the night's proof."""

import json
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb
import pytest

from ingestion.sources import SAMPLE_LAST
from live.alert_log import FILE, AlertLog
from live.desk import Feed, _reopened
from live.figures import OpeningState
from live.journal_reader import read_journal
from live.last_night import read_opening
from live.limits_file import LimitsFile
from live.night import load_live_sessions, standing_fills
from live.session import JOURNAL, Session
from live.sources import simulator
from runtime.home import Home
from runtime.publish.marts_copy import published_file
from tests.conftest import (
    SampleRun,
    build_models_of,
    connected,
    make_settings,
    rows,
    start_daily,
)
from tests.in_process import call_daily
from tests.live.watched import TEN, HandSource, Watched, fill, limit, opening
from tests.mail_server import free_port

# Whoever has no engine of FIX runs no simulated session.
pytest.importorskip("quickfix")


@pytest.fixture(autouse=True, scope="module")
def _one_firm() -> Iterator[None]:
    """What the sample firm traded takes seconds: this process works it out once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulator, "sample_session", cache(simulator.sample_session))
        yield


@pytest.fixture(scope="module")
def evening(sample: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The sample as if its last session were still to come."""
    home = Home(tmp_path_factory.mktemp("evening"))
    shutil.copytree(sample.untouched.root, home.root, symlinks=True, dirs_exist_ok=True)
    copy = published_file(home).resolve()
    with duckdb.connect(copy) as connection:
        connection.execute(
            "update marts.published_at set as_of_date = ?", [SAMPLE_LAST]
        )
    return home


@pytest.fixture(scope="module")
def played(evening: Home) -> Home:
    """The session, played at once, with everything that befalls a line.

    A morning may run meanwhile: its lock is held.
    """
    with evening.locked():
        done = call_daily(
            "live",
            SOURCE="sample",
            RISK_HOME=evening.root,
            SPEED="max",
            UNTIL="close",
            MISHAPS="duplicates,busts,corrections,disconnects,gaps",
            LIVE_PORT=free_port(),
        )
    assert done.code == 0, done.err + done.out
    return evening


ON_TILT = ("trader", "SIM006")


def folder_of(home: Home) -> Path:
    return home.live / str(SAMPLE_LAST)


def home_beside(evening: Home, folder: Path) -> Home:
    """A home of one's own with the evening's copy and desk."""
    home = Home(folder / "home")
    home.root.mkdir()
    (home.root / "published").symlink_to(evening.published)
    shutil.copytree(evening.desk, home.desk)
    return home


def test_a_session_beside_a_morning_ends_with_its_figures(played: Home) -> None:
    state = json.loads((folder_of(played) / "state.json").read_bytes())
    assert state["is_finished"] is True
    assert state["is_synthetic"] is True
    traders = {
        row["scope_name"]: Decimal(row["realized_pnl"])
        for row in state["rows"]
        if row["scope_type"] == "trader" and row["fills_count"]
    }
    known = rows(
        played,
        "select trader_id, sum(gross_pnl) from marts.daily_totals "
        f"where trade_date = date '{SAMPLE_LAST}' and fills_count > 0 group by all",
    )
    owners = dict(known)
    assert traders
    for trader, gross in traders.items():
        assert gross == owners[trader], trader
    alerts = AlertLog(folder_of(played) / FILE).alerts.values()
    # A trader on tilt who breaks his limit, in every session that a new user sees.
    found = {(one.kind, one.level) for one in alerts if one.scope == ON_TILT}
    assert {("tilt", 0), ("limit", 100)} <= found
    for one in alerts:
        assert one.case["figures"] is not None or one.scope is None


def test_the_night_proves_every_fill(played: Home) -> None:
    settings = make_settings(source="sample", risk_home=played.root)
    assert load_live_sessions(settings, played, played).dates == (SAMPLE_LAST,)
    assert load_live_sessions(settings, played, played).dates == ()
    build_models_of(
        settings,
        played,
        models="stg_ops__live_sessions stg_ops__live_fills stg_ops__live_accounts "
        "int_live_fill_matches live_reconciliation",
        data_tests=True,
    )
    found = rows(
        played,
        "select difference_class, count(*), sum(live_fills_count), sum(fills_count), "
        "sum(abs(gross_difference)), bool_and(is_complete) "
        "from marts.live_reconciliation group by all",
    )
    ((what, accounts, live_fills, fills, gross, is_complete),) = found
    assert what == "agrees"
    assert accounts > 15
    assert live_fills == fills > 500
    assert gross == 0
    assert is_complete


def test_a_damaged_journal_stops_no_morning_and_is_an_alarm(
    played: Home, tmp_path: Path
) -> None:
    """The other sessions are compared; it is named until somebody has seen to it."""
    home = Home(tmp_path / "home")
    shutil.copytree(played.root, home.root, symlinks=True)
    settings = make_settings(source="sample", risk_home=home.root)
    earlier = home.live / "2025-11-03"
    earlier.mkdir()
    damaged = earlier / JOURNAL
    content = (folder_of(home) / JOURNAL).read_bytes()
    half = len(content) // 2
    damaged.write_bytes(content[:half] + b"\0" + content[half + 1 :])
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("delete from ops.live_sessions")

    def call(command: str) -> str:
        done = call_daily(command, SOURCE="sample", RISK_HOME=home.root)
        assert done.code == 0, done.err
        return done.out

    said = call("risk")
    assert f"{damaged} is damaged at byte " in said
    assert rows(home, "select session_date from ops.live_sessions") == [(SAMPLE_LAST,)]
    ((count, finding, attention),) = rows(
        home, "select found_count, finding, needs_attention from marts.live_health"
    )
    assert (count, attention) == (1, True)
    assert f"{damaged} is damaged at byte " in finding
    call("publish")
    (line,) = (one for one in call("status").splitlines() if one.startswith("live "))
    assert "damaged" in line
    call("report")
    [report] = home.root.glob("reports/*/report.txt")
    told = " ".join(report.read_text().split())
    assert "1 journal of the live desk is damaged: " in told
    assert "Put the journal back from a backup" in told
    damaged.unlink()
    damaged.mkdir()
    [problem] = load_live_sessions(settings, home, home).problems
    assert f"{damaged} cannot be read (Is a directory)" in problem
    damaged.rmdir()
    damaged.write_bytes(content)
    found = load_live_sessions(settings, home, home)
    assert (found.dates, found.problems) == ((date(2025, 11, 3),), ())
    assert rows(home, "from ops.live_problems") == []


def test_the_night_names_what_differs(played: Home) -> None:
    """Fills taken out, put in and changed in what the live desk is said to have had."""
    settings = make_settings(source="sample", risk_home=played.root)
    load_live_sessions(settings, played, played)
    with duckdb.connect(played.warehouse) as connection:
        accounts = [
            name
            for (name,) in connection.execute(
                "select account_id from ops.live_fills group by all "
                "having count(*) > 3 order by all"
            ).fetchall()
        ]
        missing, extra, price, quantity, gross = accounts[:5]
        first = "(select min(exec_id) from ops.live_fills where account_id = ?)"
        for sql, account in (
            (f"delete from ops.live_fills where exec_id = {first}", missing),
            (
                "insert into ops.live_fills select * replace ('extra' as exec_id, "
                f"'NONE' as symbol) from ops.live_fills where exec_id = {first}",
                extra,
            ),
            (
                f"update ops.live_fills set price = price + 1 where exec_id = {first}",
                price,
            ),
            (
                "update ops.live_fills set quantity = quantity + 1 "
                f"where exec_id = {first}",
                quantity,
            ),
            (
                "update ops.live_accounts set gross_pnl = gross_pnl + 5 "
                "where account_id = ?",
                gross,
            ),
        ):
            connection.execute(sql, [account])
    build_models_of(
        settings,
        played,
        models="int_live_fill_matches live_reconciliation",
        data_tests=True,
    )
    found = dict(
        rows(
            played,
            "select account_id, difference_class from marts.live_reconciliation "
            "where difference_class <> 'agrees'",
        )
    )
    assert found == {
        missing: "missing_fills",
        extra: "extra_fills",
        price: "price",
        quantity: "quantity",
        gross: "gross_pnl",
    }


def test_a_desk_that_was_killed_is_proven_from_its_journal(played: Home) -> None:
    (folder_of(played) / "state.json").unlink()
    with duckdb.connect(played.warehouse) as connection:
        connection.execute("delete from ops.live_sessions")
    settings = make_settings(source="sample", risk_home=played.root)
    assert load_live_sessions(settings, played, played).dates == (SAMPLE_LAST,)
    with connected(played) as connection:
        ((is_complete,),) = connection.execute(
            "select is_complete from ops.live_sessions"
        ).fetchall()
        ((off,),) = connection.execute(
            "select count(*) from ops.live_accounts as live "
            "inner join marts.daily_totals as totals on live.account_id = "
            "totals.account_id and live.session_date = totals.trade_date "
            "where live.gross_pnl <> totals.gross_pnl"
        ).fetchall()
    assert not is_complete
    assert off == 0


def test_stopped_and_then_killed_it_goes_on_where_it_was(
    evening: Home, tmp_path: Path
) -> None:
    home = home_beside(evening, tmp_path)
    settings = {"SOURCE": "sample", "RISK_HOME": home.root, "LIVE_PORT": free_port()}
    journal, state = folder_of(home) / JOURNAL, folder_of(home) / "state.json"
    size, raised = 0, set()
    for how in (signal.SIGTERM, signal.SIGKILL):
        with start_daily("live", SPEED=2000, **settings) as process:
            until = time.monotonic() + 60
            while not journal.exists() or journal.stat().st_size < size + 20_000:
                assert time.monotonic() < until
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(how)
            out, err = process.communicate(timeout=30)
        if how is signal.SIGTERM:
            assert process.returncode == 0, err
            assert "stopped" in out
            # A kill leaves none.
            state.unlink()
        size = journal.stat().st_size
        raised |= set(AlertLog(folder_of(home) / FILE).alerts)
    done = call_daily("live", SPEED="max", UNTIL="close", **settings)
    assert done.code == 0, done.err + done.out
    after = AlertLog(folder_of(home) / FILE)
    assert raised <= set(after.alerts)
    keys = [one.key for one in after.alerts.values() if one.kind == "limit"]
    assert len(keys) == len(set(keys))
    opened = read_opening(
        make_settings(source="sample", risk_home=home.root), home, SAMPLE_LAST
    )
    fills = standing_fills(read_journal(journal), SAMPLE_LAST, opened)
    ((known,),) = rows(
        evening,
        f"select count(*) from marts.fct_fills where trade_date = date '{SAMPLE_LAST}' "
        "and is_regular and not is_cancelled and not is_corporate_action",
    )
    assert len(fills) == known


def test_limits_that_go_missing_in_the_day_still_hold(
    evening: Home, tmp_path: Path
) -> None:
    home = home_beside(evening, tmp_path)
    path = home.desk / "limits.csv"
    head = path.read_text().splitlines()[0]
    line = dict.fromkeys(head.split(","), "") | {"trader": "T1"}

    def write(value: int) -> None:
        line["daily_loss_limit_amount"] = str(value)
        path.write_text(f"{head}\n{','.join(line.values())}\n")

    write(1000)
    settings = make_settings(source="sample", risk_home=home.root)
    limits = LimitsFile(settings, home, SAMPLE_LAST)
    first, problem = limits.read()
    assert problem is None
    assert first is not None
    with Watched(tmp_path / "live", first) as one:
        assert one.look() == []
        for how in ("gone", "empty", "rubbish"):
            if how == "gone":
                path.unlink()
            else:
                path.write_text("" if how == "empty" else "trader;\x00\n;;;;\n")
            assert limits.has_changed()
            assert not limits.has_changed()
            one.watch.set_limits(*limits.read())
            state, reasons = one.watch.health(one.session.snapshot())
            assert state == "yellow", how
            assert "still hold" in " ".join(reasons), how
        assert one.look() == [("limits_missing", 0)]
        assert one.lose(1001)[-1] == ("limit", 100)
        write(5000)
        assert limits.has_changed()
        one.watch.set_limits(*limits.read())
        assert one.watch.health(one.session.snapshot())[0] == "green"
        uses = one.watch.assess(one.session.snapshot())["trader", "T1"].limits
        shown = next(use for use in uses if use.rule == "daily_loss")
        assert shown.limit == 5000
        # The breach of the old limit is a person's to release.
        assert shown.latch is not None


def test_a_wrong_file_of_the_desk_does_not_end_a_day_that_began_with_old_positions(
    evening: Home, tmp_path: Path
) -> None:
    """A newer copy is looked for meanwhile, which reads the desk's files as well."""
    home = home_beside(evening, tmp_path)
    settings = make_settings(source="sample", risk_home=home.root)
    stale = OpeningState(SAMPLE_LAST, date(2025, 12, 1), TEN, True, ("old",))
    begun = opening(state=stale)
    with Watched(tmp_path / "live", begun=begun) as one:
        feed = Feed(SAMPLE_LAST, (one.source,), one.clock.at, is_synthetic=False)
        (home.desk / "limits.csv").write_text("rubbish\n")
        found = _reopened(settings, home, feed, one.session, one.watch, begun)
        assert found is begun
        shutil.copy(evening.desk / "limits.csv", home.desk)
        found = _reopened(settings, home, feed, one.session, one.watch, begun)
        assert not found.state.is_stale


def test_commands_release_and_acknowledge(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with Watched(home.live / "2025-03-03", [limit(1000)]) as one:
        one.lose(1001)
        alert_id = one.watch.alerts()[0].alert_id
    settings = {"SOURCE": "sample", "RISK_HOME": tmp_path}
    seen = call_daily(
        "acknowledge-alert", ALERT=alert_id, NAME="Ann", REASON="a hedge", **settings
    )
    assert seen.code == 0, seen.err
    log = AlertLog(home.live / "2025-03-03" / FILE)
    assert log.alerts[alert_id].acknowledge_reason == "a hedge"
    # A damaged line stands in nobody's way, nor does another session's damaged file.
    later = home.live / "2025-03-04" / FILE
    later.parent.mkdir()
    later.write_text("rubbish\n")
    log.path.write_bytes(b"rubbish\n" + log.path.read_bytes())
    done = call_daily(
        "release-breach", ALERT=alert_id, NAME="Ann", REASON="spoke to them", **settings
    )
    assert done.code == 0, done.err
    again = call_daily(
        "release-breach", ALERT=alert_id, NAME="Bob", REASON="me too", **settings
    )
    assert again.code == 1
    assert "was released by Ann" in again.err
    wrong = call_daily("release-breach", ALERT="x", NAME="A", REASON="b", **settings)
    assert wrong.code == 1
    assert "There is no alert 'x'" in wrong.err
    assert f"{later} is damaged (1 of 1 lines, the first at byte 0)." in wrong.err


def test_wrong_settings_are_one_line(evening: Home, tmp_path: Path) -> None:
    sample_settings = {"SOURCE": "sample", "RISK_HOME": evening.root}
    for settings, said in (
        (sample_settings | {"SPEED": "fast"}, "SPEED=fast"),
        (sample_settings | {"MISHAPS": "fire"}, "MISHAPS knows"),
        (sample_settings | {"UNTIL": "noon"}, "UNTIL="),
        ({"SOURCE": "files", "EXPORTS": tmp_path, "RISK_HOME": tmp_path}, "No live"),
        (
            {"SOURCE": "files", "EXPORTS": tmp_path, "RISK_HOME": tmp_path}
            | {"LIVE_SOURCE": "folder"},
            "LIVE_FOLDER",
        ),
        (
            {"SOURCE": "sample", "RISK_HOME": tmp_path},
            "Nothing is published",
        ),
    ):
        done = call_daily("live", **settings)
        assert done.code != 0
        assert said in done.err, done.err
        assert len(done.err.strip().splitlines()) == 1


def test_what_stands_is_the_last_word_on_each_fill(tmp_path: Path) -> None:
    at = TEN
    one = fill("A1", "B", 100, "10", at, exec_id="1")
    two = fill("A1", "B", 100, "11", at, exec_id="2")
    reports = [
        replace(two, kind="cancel", exec_id="b2", ref_exec_id="2"),
        one,
        two,
        replace(one, kind="correct", exec_id="c1", ref_exec_id="1", price=Decimal(12)),
        replace(
            one, kind="correct", exec_id="c2", ref_exec_id="c1", price=Decimal(13),
            executed_at=at + timedelta(seconds=1),
        ),
        fill("A1", "B", 100, "10", at + timedelta(days=1), exec_id="4"),
        replace(one, price=Decimal(99)),
    ]  # fmt: skip
    day = date(2025, 3, 3)
    found = standing_fills(reports, day, opening())
    assert [(row["exec_id"], row["price"]) for row in found] == [("1", Decimal(13))]
    with Session(tmp_path, opening(), [HandSource()], lambda: at) as session:
        session.receive(reports)
        # The reader takes no lock, and reads what is whole.
        assert len(list(read_journal(tmp_path / JOURNAL))) == len(reports)
