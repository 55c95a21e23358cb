"""Drop copies over FIX, against an acceptor on loopback: each documented trap."""

import contextlib
import errno
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.desk_files import DeskFileError
from live.figures import Snapshot
from live.journal import Journal
from live.page.changes import to_json
from live.reports import BadMessage, ExecutionReport
from live.session import JOURNAL, QUARANTINE, Session
from live.sources.drop_copy_server import DropCopyServer, Fields
from live.sources.fix import FixSource
from live.sources.fix_messages import SOH, message_of
from live.sources.fix_settings import (
    FIX_SOURCES,
    KINDS,
    FixSettings,
    read_fix_sources,
)
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import EASTERN
from tests.conftest import make_settings
from tests.live.days import opening_of

pytest.importorskip("quickfix", reason="the live extra is not installed")

DAY = date(2025, 3, 3)
LATER = datetime(2025, 3, 3, 20, tzinfo=EASTERN)
AT = "20250303-15:30:00.250"
SECRET = "correct horse battery"


def execution(
    exec_id: str,
    side: str = "1",
    quantity: str = "100",
    price: str = "10",
    *,
    trans: str = "0",
    kind: str = "2",
    account: str = "ACC1",
    more: Fields = (),
) -> list[tuple[int, str]]:
    """An ExecutionReport of FIX 4.2."""
    return [
        (37, "O1"), (17, exec_id), (20, trans), (150, kind), (39, "2"), (1, account),
        (55, "ABC"), (54, side), (32, quantity), (31, price), (60, AT), (14, quantity),
        *more,
    ]  # fmt: skip


def settings_of(server: DropCopyServer, **more: object) -> FixSettings:
    """How to reach a server."""
    is_44 = server.begin_string == "FIX.4.4"
    tag = 150 if is_44 else 20
    found = FixSettings(
        "prime", "127.0.0.1", server.port, server.target, server.sender,
        server.begin_string, heartbeat_seconds=1, kind_tag=tag, kinds=KINDS[tag],
    )  # fmt: skip
    return replace(found, **more)  # type: ignore[arg-type]


@contextlib.contextmanager
def session_of(
    folder: Path, server: DropCopyServer, **more: object
) -> Iterator[Session]:
    """A session with a drop copy of a server."""
    source = FixSource(settings_of(server, **more), folder / "fix", reconnect_seconds=1)
    with Session(
        folder, opening_of(DAY, None, ["ACC1"]), [source], lambda: LATER
    ) as one:
        yield one


def until(session: Session, is_so: Callable[[Snapshot], bool], what: str) -> Snapshot:
    """The first snapshot of which something is so, within seconds."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        found = session.snapshot()
        if is_so(found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"never: {what}; {found.sources}, {found.counts}")


def is_connected(found: Snapshot) -> bool:
    """Whether the only source is."""
    return found.sources[0].is_connected


def has_fills(count: int) -> Callable[[Snapshot], bool]:
    """Whether so many fills count."""
    return lambda found: found.scopes["desk", "desk"].fills_count == count


@pytest.fixture
def server() -> Iterator[DropCopyServer]:
    """A drop copy of FIX 4.2."""
    with DropCopyServer() as one:
        yield one


def test_fills_busts_and_corrections_of_both_versions(tmp_path: Path) -> None:
    """By ExecTransType in 4.2, by ExecType in 4.4; what is no fill is left alone."""
    for version, trans, kinds in (
        ("FIX.4.2", "012", "222"),
        ("FIX.4.4", "   ", "FHG"),
    ):
        with (
            DropCopyServer(version) as server,
            session_of(tmp_path / version, server) as session,
        ):
            until(session, is_connected, "connected")
            server.report(execution("new", quantity="0", trans=trans[0], kind="0"))
            for number, kind in enumerate(kinds):
                fields = execution(
                    f"E{number}", trans=trans[number], kind=kind, price=f"1{number}",
                    more=[(19, "E0")] if number else [],
                )  # fmt: skip
                if number == 1:
                    fields[1] = (17, "gone")
                    fields[-1] = (19, "Ex")
                server.report(fields)
            server.report(execution("Ex", trans=trans[0], kind=kinds[0]))
            found = until(
                session, lambda one: one.counts.get("booked", 0) == 3, "all booked"
            )
            assert found.counts["waiting"] == 0
            [figures] = session.symbol_figures().values()
            # E0 corrected to 12; Ex busted before it came.
            assert figures.local_open_cost == 1200
            state = found.sources[0]
            assert (state.reports_count, state.problem) == (4, None)


def test_1_a_tag_map_names_the_cancelled_fill_in_a_tag_of_its_own(
    tmp_path: Path, server: DropCopyServer
) -> None:
    """The venue of tag 9009, with fractional quantities and names of its own."""
    tags = {**settings_of(server).tags, "ref_exec_id": 9009}
    more = {"tags": tags, "accounts": {"77-A": "ACC1"}}
    with session_of(tmp_path, server, **more) as session:
        until(session, is_connected, "connected")
        server.report(execution("1", quantity="0.125", account="77-A"))
        server.report(execution("2", quantity="0.5", account="77-A"))
        server.report(
            execution("3", quantity="0", trans="1", account="77-A", more=[(9009, "2")])
        )
        until(session, lambda one: one.sequence == 3, "three reports")
        figures = session.symbol_figures()["ACC1", "ABC"]
        assert figures.position_quantity == Decimal("0.125")


def test_2_what_was_missed_comes_first_and_as_possible_duplicate(
    tmp_path: Path, server: DropCopyServer
) -> None:
    """43=Y is no reason to drop; nor is 97=Y one to book twice."""
    with session_of(tmp_path, server) as session:
        until(session, is_connected, "connected")
        server.report(execution("1"))
        until(session, has_fills(1), "the first")
        server.hang_up()
        until(session, lambda one: not is_connected(one), "disconnected")
        server.report(execution("2"))
        server.report(execution("3"))
        found = until(session, has_fills(3), "those that were missed")
        assert found.counts.get("duplicate", 0) == 0
        server.report(execution("3", more=[(97, "Y")]))
        found = until(session, lambda one: one.counts["duplicate"] == 1, "once more")
        assert found.scopes["desk", "desk"].fills_count == 3
        assert found.sources[0].missing == ()


def test_2_a_sequence_that_begins_anew_skips_no_report(
    tmp_path: Path, server: DropCopyServer
) -> None:
    """After a reset the numbers repeat: reports are known by their ExecID."""
    with session_of(tmp_path, server, reset_on_logon=True) as session:
        until(session, is_connected, "connected")
        server.report(execution("1"))
        server.report(execution("2"))
        until(session, has_fills(2), "two")
        server.hang_up()
        until(session, lambda one: not is_connected(one), "disconnected")
        until(session, is_connected, "connected again")
        server.report(execution("2"))
        server.report(execution("3"))
        found = until(session, has_fills(3), "the third")
        assert found.counts["duplicate"] == 1


def test_3_a_fill_through_zero_is_one_fill(
    tmp_path: Path, server: DropCopyServer
) -> None:
    """Its ExecID once, whatever the sides of its parts; sent twice, booked once."""
    with session_of(tmp_path, server) as session:
        until(session, is_connected, "connected")
        server.report(execution("1", "1", "100", "10"))
        for _ in range(2):
            server.report(execution("2", "5", "250", "11"))
        until(session, lambda one: one.counts["duplicate"] == 1, "a duplicate")
        figures = session.symbol_figures()["ACC1", "ABC"]
        assert (figures.position_quantity, figures.gross_pnl) == (-150, 100)
        assert (figures.trades_count, figures.closed_trades_count) == (2, 1)


def test_4_a_bust_is_booked_by_its_id_whatever_the_cumulative_quantity_says(
    tmp_path: Path, server: DropCopyServer
) -> None:
    """CumQty falls on the day itself and stays later: neither is looked at."""
    with session_of(tmp_path, server) as session:
        until(session, is_connected, "connected")
        server.report(execution("1", quantity="100"))
        server.report(execution("2", quantity="200"))
        for number, ref in ((3, "1"), (4, "unseen")):
            bust = execution(str(number), trans="1", more=[(19, ref)])
            server.report([(tag, "300" if tag == 14 else v) for tag, v in bust])
        found = until(session, lambda one: one.counts["waiting"] == 1, "one waits")
        assert session.symbol_figures()["ACC1", "ABC"].position_quantity == 200
        assert [flag.kind for flag in found.flags] == ["waiting"]


def test_5_a_bust_before_its_original_and_one_of_yesterday(
    tmp_path: Path, server: DropCopyServer
) -> None:
    """The first is applied when the fill comes; the second is held and flagged."""
    with session_of(tmp_path, server) as session:
        until(session, is_connected, "connected")
        server.report(execution("2", trans="1", more=[(19, "1")]))
        old = [(19, "0"), (75, "20250228")]
        server.report(execution("3", trans="1", more=old))
        found = until(session, lambda one: one.sequence == 2, "both")
        assert {flag.kind for flag in found.flags} == {"waiting", "other_session"}
        server.report(execution("1"))
        found = until(session, lambda one: one.sequence == 3, "the fill")
        assert found.counts["waiting"] == 0
        assert found.scopes["desk", "desk"].fills_count == 0


def test_6_a_gap_is_asked_for_and_shown_until_it_is_filled(
    tmp_path: Path, server: DropCopyServer
) -> None:
    """A lost number holds back what follows; a gap fill of old numbers is harmless."""
    with session_of(tmp_path, server) as session:
        until(session, is_connected, "connected")
        # Sent, but lost on its way; and nobody answers when it is asked for.
        answer, server._resend = server._resend, lambda *_: None
        is_on, server._is_logged_on = server._is_logged_on, False
        lost = server.report(execution("1"))
        server._is_logged_on = is_on
        server.report(execution("2"))
        found = until(session, lambda one: one.sources[0].missing != (), "a gap")
        assert found.sources[0].missing[0][0] == lost
        assert found.scopes["desk", "desk"].fills_count == 0
        answer(lost, 0)
        found = until(session, has_fills(2), "both fills")
        until(session, lambda one: one.sources[0].missing == (), "no gap")
        # Below what is expected, with 43=Y: ignored, and no reason to disconnect.
        server.send("4", 1, [(123, "Y"), (36, "2")], poss_dup=True)
        server.report(execution("3"))
        found = until(session, has_fills(3), "the third")
        assert is_connected(found)


def test_a_restart_asks_for_what_the_journal_does_not_have(
    tmp_path: Path, server: DropCopyServer
) -> None:
    """The engine had counted it, the journal had not: it is sent again."""
    with session_of(tmp_path, server) as session:
        until(session, is_connected, "connected")
        for number in range(5):
            server.report(execution(str(number)))
        until(session, has_fills(5), "five")
    # As after a loss of power: the journal's last two records never reached the disk.
    (tmp_path / "checkpoint").unlink()
    lines = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    (tmp_path / JOURNAL).write_bytes(b"".join(lines[:-2]))
    server.report(execution("5"))
    with session_of(tmp_path, server) as session:
        found = until(session, has_fills(6), "all six")
        assert found.counts["duplicate"] == 0


def test_an_hour_without_the_source_is_a_state(tmp_path: Path) -> None:
    """Nobody there: not connected, and said; it connects as soon as somebody is."""
    with DropCopyServer() as gone:
        port = gone.port
    settings = replace(settings_of(gone), port=port)
    source = FixSource(settings, tmp_path / "fix", reconnect_seconds=1)
    with Session(tmp_path, opening_of(DAY, None, ["ACC1"]), [source]) as session:
        [state] = session.snapshot().sources
        assert (state.is_connected, state.problem) == (False, "not connected yet")
        with DropCopyServer(port=port) as server:
            until(session, is_connected, "connected")
            server.report(execution("1"))
            until(session, has_fills(1), "a fill")


def test_the_password_is_sent_and_kept_nowhere(
    tmp_path: Path, server: DropCopyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is of the environment; no file of the session holds it."""
    monkeypatch.setenv("PRIME_PASSWORD", SECRET)
    more = {"user": "desk", "password_variable": "PRIME_PASSWORD"}
    with session_of(tmp_path, server, **more) as session:
        until(session, is_connected, "connected")
        server.report(execution("1", price="abc", more=[(554, SECRET)]))
        until(session, lambda one: one.counts["quarantined"] == 1, "a bad one")
    [log_on] = [one for one in server.received if one["35"] == "A"]
    assert (log_on["553"], log_on["554"]) == ("desk", SECRET)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(kept) >= 4
    assert not [path for path in kept if SECRET.encode() in path.read_bytes()]
    assert "tag 31 (price) is no number" in (tmp_path / QUARANTINE).read_text()
    monkeypatch.delenv("PRIME_PASSWORD")
    with (
        pytest.raises(UserError, match="has no PRIME_PASSWORD"),
        session_of(tmp_path / "again", server, **more),
    ):
        pass


def test_what_the_engine_refuses_is_in_the_quarantine(
    tmp_path: Path, server: DropCopyServer
) -> None:
    """A tag twice in one message: the engine rejects it, and a person sees that."""
    with session_of(tmp_path, server) as session:
        until(session, is_connected, "connected")
        number = server.report(execution("1", more=[(14, "7")]))
        found = until(session, lambda one: one.counts["quarantined"] == 1, "a bad one")
        [flag] = found.flags
        assert f"refused message {number}" in flag.message
        server.report(execution("2"))
        until(session, has_fills(1), "the next one")


def test_a_message_that_could_not_be_kept_is_not_lost(
    tmp_path: Path, server: DropCopyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine counts it as received: a disk that fails is waited for."""
    write, fails = Journal.append, [True]

    def failing(journal: Journal, reports: Sequence[ExecutionReport]) -> None:
        if fails:
            raise OSError(errno.EIO, "Input/output error")
        write(journal, reports)

    with session_of(tmp_path, server) as session:
        until(session, is_connected, "connected")
        monkeypatch.setattr(Journal, "append", failing)
        server.report(execution("1"))
        found = until(session, lambda one: one.sources[0].problem is not None, "told")
        assert "cannot be kept (Input/output error)" in (found.sources[0].problem or "")
        fails.clear()
        server.report(execution("2"))
        found = until(session, has_fills(2), "both")
        assert found.sources[0].problem is None


def test_a_message_that_we_fail_at_is_in_the_quarantine(
    tmp_path: Path, server: DropCopyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of our own is no reason to say that all is well."""
    with session_of(tmp_path, server) as session:
        until(session, is_connected, "connected")
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "append", lambda *_: [][0])
            server.report(execution("1"))
            found = until(session, lambda one: bool(one.counts["quarantined"]), "it")
        [flag] = found.flags
        assert "we failed at it (IndexError" in flag.message
        server.report(execution("2"))
        until(session, has_fills(1), "the next one")


def test_a_clock_that_is_off_is_said_and_nobody_logs_out(
    tmp_path: Path, server: DropCopyServer
) -> None:
    """The other side's SendingTime is hours from ours: told, fills count."""
    with session_of(tmp_path, server) as session:
        until(session, is_connected, "connected")
        session._sources[0]._clock = lambda: datetime.now(UTC) + timedelta(hours=2)
        server.report(execution("1"))
        found = until(session, has_fills(1), "a fill")
        assert is_connected(found)
        assert " s apart" in (found.sources[0].problem or "")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((54, "9"), "tag 54 (side) is no side"),
        ((60, "20250303 15:30:00"), "tag 60 (executed_at) is no time"),
        ((60, "20250399-15:30:00"), "tag 60 (executed_at) is no time"),
        ((17, ""), "tag 17 (exec_id) is missing"),
        ((31, ""), "tag 31 (price) is missing"),
        ((32, "1e"), "tag 32 (quantity) is no number"),
        ((20, "1"), "tag 19 (ref_exec_id) is missing"),
    ],
)
def test_a_report_that_cannot_be_read_is_told_by_its_tag(
    server: DropCopyServer, change: tuple[int, str], reason: str
) -> None:
    """Which tag, and what is wrong with it."""
    fields = [change if tag == change[0] else (tag, v) for tag, v in execution("1")]
    text = SOH.join(f"{tag}={value}" for tag, value in [(35, "8"), *fields])
    found = message_of(text, settings_of(server), LATER)
    assert isinstance(found, BadMessage) and reason in found.reason
    assert SOH not in found.text


def test_signs_that_are_no_text_reach_no_page(server: DropCopyServer) -> None:
    """Bytes that are no UTF-8: a currency of them ended every browser's stream."""
    fields = execution("1", more=[(15, "\udc80"), (30, "\udcff"), (851, "\udc80")])
    text = SOH.join(f"{tag}={v}" for tag, v in [(35, "8"), (34, "7"), *fields])
    found = message_of(text, settings_of(server), LATER)
    assert isinstance(found, ExecutionReport)
    assert (found.currency, found.route) == ("?", "?")
    assert b'"currency":"?"' in to_json(found)


def test_a_message_becomes_a_report(server: DropCopyServer) -> None:
    """Option prefixes, suffixes, local times, microseconds, sides."""
    settings = settings_of(
        server, prefixes={"OPT": "+"}, zone=EASTERN, sides={"5": "T"}
    )
    fields = execution("1", "5", more=[(167, "OPT"), (65, "PR"), (75, "20250304")])
    text = SOH.join(f"{tag}={v}" for tag, v in [(35, "8"), (34, "7"), *fields])
    found = message_of(text, settings, LATER)
    assert isinstance(found, ExecutionReport)
    assert (found.symbol, found.side, found.sequence) == ("+ABC.PR", "T", 7)
    assert found.executed_at == datetime(2025, 3, 3, 20, 30, 0, 250_000, tzinfo=UTC)
    assert found.trade_date == date(2025, 3, 4)


LINES = [
    "prime,host,127.0.0.1,", "prime,port,9876,", "prime,sender_comp_id,DESK,",
    "prime,target_comp_id,PRIME,", "prime,begin_string,FIX.4.4,it says so",
    "prime,kind_tag,20,and demands tag 20", "prime,tag.ref_exec_id,9009,",
    "prime,account.77-A,ACC1,", "prime,prefix.OPT,+,", "prime,side.8,T,",
    "prime,time_zone,America/New_York,",
]  # fmt: skip


def read(tmp_path: Path, lines: Sequence[str]) -> list[FixSettings]:
    """What a file with these lines says."""
    path = tmp_path / FIX_SOURCES.file_name
    path.write_text("\n".join(["source,setting,value,note", *lines]))
    return read_fix_sources(make_settings(desk=tmp_path), Home(tmp_path))


def test_the_desks_file_names_sources_and_their_tags(tmp_path: Path) -> None:
    """What it does not say is as FIX has it."""
    assert read_fix_sources(make_settings(desk=tmp_path), Home(tmp_path)) == []
    [one] = read(tmp_path, LINES)
    assert (one.name, one.port, one.begin_string) == ("prime", 9876, "FIX.4.4")
    assert (one.kind_tag, dict(one.kinds)) == (20, KINDS[20])
    assert (one.tags["ref_exec_id"], one.tags["exec_id"]) == (9009, 17)
    assert (one.accounts, one.prefixes) == ({"77-A": "ACC1"}, {"OPT": "+"})
    assert one.sides["8"] == "T" and str(one.zone) == "America/New_York"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("prime,colour,red,", "column setting: 'colour' is no setting"),
        ("prime,tag.colour,1,", "is no setting"),
        ("prime,side.9,X,", "side is B, S, T or C, not X"),
        ("prime,kind.9,maybe,", "kind is new, cancel or correct, not maybe"),
        ("prime,heartbeat_seconds,0,", "heartbeat_seconds is no whole number above 0"),
        ("prime,reset_on_logon,maybe,", "neither true nor false"),
        ("prime,port,1,", "is about the same as line"),
        ("other,port,1,", "source other: it lacks host, sender_comp_id"),
    ],
)
def test_a_wrong_line_is_told_with_what_is_wrong(
    tmp_path: Path, line: str, message: str
) -> None:
    """Named by its file, and by line or source."""
    with pytest.raises(DeskFileError, match=r"fix_sources\.csv") as error:
        read(tmp_path, [*LINES, line])
    assert message in str(error.value)
