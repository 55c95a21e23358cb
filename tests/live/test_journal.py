"""The journal and the session: killed at any moment, nothing is lost or doubled."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from live import quarantine, session
from live.engine import Engine
from live.figures import Snapshot
from live.journal import Journal, JournalFullError
from live.reports import BadMessage, ExecutionReport
from live.session import CHECKPOINT, JOURNAL, QUARANTINE, Session
from runtime.errors import UserError
from runtime.sessions import EASTERN
from tests.draws import draw
from tests.live.days import opening_of

DAY = date(2025, 3, 3)
LATER = datetime(2025, 3, 3, 20, tzinfo=EASTERN)
ACCOUNTS = ["ACC1", "ACC2", "ACC3"]


def drawn_reports(count: int, seed: int = 7) -> list[ExecutionReport]:
    """Reports of a day: fills, busts, corrections, in order and not."""
    dice = random.Random(seed)
    begin = datetime(2025, 3, 3, 14, 30, tzinfo=UTC)
    reports = []
    for number in range(count):
        at = begin + timedelta(seconds=number if dice.random() < 0.9 else 5)
        reports.append(
            ExecutionReport(
                source="test",
                exec_id=f"E{number}",
                kind="new",
                account=dice.choice(ACCOUNTS),
                symbol=dice.choice(["ABC", "DEF"]),
                side=dice.choice("BSTC"),  # type: ignore[arg-type]
                quantity=Decimal(dice.choice([1, 100, 300])),
                price=Decimal(dice.randrange(900, 1100)) / 100,
                executed_at=at,
                received_at=at,
                route=dice.choice([None, "ARCA", 'a "quoted"\nroute é']),
                sequence=number + 1,
            )
        )
        if dice.random() < 0.1:
            one = dice.choice(reports)
            kind = dice.choice(["cancel", "correct"])
            reports.append(
                replace(
                    one,
                    exec_id=f"A{number}",
                    kind=kind,
                    ref_exec_id=one.exec_id,
                    price=one.price + 1,
                    executed_at=at,
                )
            )
    return reports


def opening():
    """A day without positions and without fees."""
    return opening_of(DAY, None, ACCOUNTS)


def figures_of(reports: list[ExecutionReport]) -> tuple:
    """What an engine says that took them all."""
    engine = Engine(opening())
    for report in reports:
        if not engine.is_duplicate(report):
            engine.take(report)
    return engine.scope_figures(LATER), engine.symbol_figures(LATER)


def shown(one: Session) -> tuple:
    """What a session says."""
    return dict(one.snapshot().scopes), one.symbol_figures()


def a_session(folder: Path) -> Session:
    """A session without sources, long after the last fill."""
    return Session(folder, opening(), [], clock=lambda: LATER)


def test_what_is_journalled_is_read_back(tmp_path: Path) -> None:
    """Every field, in the order in which it came."""
    reports = drawn_reports(50)
    reports.append(replace(reports[0], trade_date=DAY, poss_dup=True, is_late=True))
    journal = Journal(tmp_path / JOURNAL)
    journal.append(reports[:20])
    journal.append(reports[20:])
    journal.close()
    again = Journal(tmp_path / JOURNAL)
    assert [report for report, _ in again.read()] == reports


def test_a_torn_end_is_cut_off_wherever_it_tore(tmp_path: Path) -> None:
    """Cut at every byte of the last records: whole ones stay, and appending goes on."""
    reports = drawn_reports(3)
    path = tmp_path / JOURNAL
    journal = Journal(path)
    journal.append(reports)
    journal.close()
    content = path.read_bytes()
    ends = [place + 1 for place, sign in enumerate(content) if sign == ord("\n")]
    for size in range(ends[1] if len(ends) > 1 else 0, len(content) + 1):
        path.write_bytes(content[:size])
        journal = Journal(path)
        whole = sum(end <= size for end in ends) - 1
        assert [report for report, _ in journal.read()] == reports[:whole]
        journal.append(reports[whole:])
        assert [report for report, _ in journal.read()] == reports
        journal.close()


def test_a_torn_header_is_written_anew(tmp_path: Path) -> None:
    """Killed as the file was made: it begins again."""
    path = tmp_path / JOURNAL
    Journal(path).close()
    header = path.read_bytes()
    for size in range(len(header)):
        path.write_bytes(header[:size])
        journal = Journal(path)
        assert list(journal.read()) == []
        journal.append(drawn_reports(1))
        journal.close()
        assert path.read_bytes().startswith(header)


def test_damage_before_the_end_stops_the_start(tmp_path: Path) -> None:
    """A record that somebody changed is no torn end: what comes after is in doubt."""
    path = tmp_path / JOURNAL
    journal = Journal(path)
    journal.append(drawn_reports(5))
    journal.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged at byte"), a_session(tmp_path):
        pass


def test_one_process_writes_a_journal(tmp_path: Path) -> None:
    """A second live desk of the same session is refused."""
    with (
        a_session(tmp_path),
        pytest.raises(UserError, match="Another process"),
        a_session(tmp_path),
    ):
        pass


def test_a_session_comes_back_and_doubles_nothing(tmp_path: Path) -> None:
    """Started again, with a checkpoint and without, and sent all of it once more."""
    reports = drawn_reports(300)
    expected = figures_of(reports)
    with a_session(tmp_path) as one:
        for report in reports[:200]:
            one.receive([report])
    with a_session(tmp_path) as one:
        one.receive(reports + [reports[-1]] * 3)
        assert shown(one) == expected
        assert one.snapshot().sequence == len(reports)
    size = (tmp_path / JOURNAL).stat().st_size
    for spoil in (None, b"", b"rubbish\nrubbish"):
        if spoil is not None:
            (tmp_path / CHECKPOINT).write_bytes(spoil)
        with a_session(tmp_path) as one:
            assert shown(one) == expected
            one.receive(reports)
            assert shown(one) == expected
            assert one.snapshot().counts["duplicate"] == len(reports)
        assert (tmp_path / JOURNAL).stat().st_size == size


def test_a_checkpoint_of_another_opening_is_not_taken(tmp_path: Path) -> None:
    """A new copy of last night: the journal is replayed on it."""
    with a_session(tmp_path) as one:
        one.receive(drawn_reports(50))
    other = opening_of(DAY, None, ["ACC1"])
    with Session(tmp_path, other, [], clock=lambda: LATER) as one:
        kinds = {flag.kind for flag in one.snapshot().flags}
        assert "unknown_account" in kinds
        one.reopen(opening())
        assert shown(one) == figures_of(drawn_reports(50))


KILLED = """
import sys
from pathlib import Path
from live import session
from tests.live.test_journal import a_session, drawn_reports

session.CHECKPOINT_REPORTS = 97
with a_session(Path(sys.argv[1])) as one:
    for report in drawn_reports(4000):
        one.receive([report])
        print(report.exec_id, flush=True)
"""


def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """SIGKILL again and again: what was said to be taken is there, once."""
    reports = drawn_reports(4000)
    dice = random.Random(3)
    taken: list[str] = []
    for _ in range(draw(3, 12)):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(dice.random() / 5)
        os.kill(process.pid, signal.SIGKILL)
        said = (first + process.stdout.read()).decode().split("\n")[:-1]
        process.wait()
        taken += said
        with a_session(tmp_path) as one:
            held = one.snapshot().sequence
            # All that was said to be taken, and at most the one under way.
            assert len(set(taken)) <= held <= len(set(taken)) + 1
            assert shown(one) == figures_of(reports[:held])
    with a_session(tmp_path) as one:
        one.receive(reports)
        assert shown(one) == figures_of(reports)


def test_a_full_disk_is_a_state_and_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of what did not fit is taken; with room again, it goes on."""
    monkeypatch.setattr(session, "CHECKPOINT_REPORTS", 10**9)
    reports = drawn_reports(60)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with a_session(tmp_path) as one:
        one.receive(reports[:10])
        size = (tmp_path / JOURNAL).stat().st_size
        # Half of a record fits: it must not stay.
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, limits[1]))
        try:
            with pytest.raises(JournalFullError):
                one.receive(reports[10:])
            kinds = [flag.kind for flag in one.snapshot().flags]
            assert kinds == ["journal"]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, ignored)
        assert one.snapshot().sequence == 10
        one.receive(reports[10:])
        assert one.snapshot().flags == ()
        assert shown(one) == figures_of(reports)
    with a_session(tmp_path) as one:
        assert shown(one) == figures_of(reports)


def test_a_flood_of_rubbish_ends_in_a_file_that_does_not_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted without end, kept up to a limit, and out of every figure."""
    monkeypatch.setattr(quarantine, "MOST_BYTES", 20_000)
    [good] = drawn_reports(1)[:1]
    bad = BadMessage("test", LATER, "tag 31 is no number", "35=8|31=abc" * 1000)
    with a_session(tmp_path) as one:
        for _ in range(1000):
            one.receive([bad])
        one.receive([replace(good, exec_id="", price=Decimal("NaN")), good])
        one.receive([replace(good, exec_id="x", quantity=Decimal(10) ** 8)])
        found = one.snapshot()
    assert found.counts["quarantined"] == 1002
    assert found.counts["booked"] == 1
    [flag] = found.flags
    assert (flag.kind, flag.count) == ("quarantine", 1002)
    assert "100 million units" in flag.message
    assert 10_000 < (tmp_path / QUARANTINE).stat().st_size <= 20_000


def test_what_is_kept_can_be_booked_and_replayed(tmp_path: Path) -> None:
    """However large and whenever: else the journal could never be read again."""
    [good] = drawn_reports(1)
    option = replace(good, symbol="+ABC260116C00050000", side="B", exec_id="o1")
    units, few = Decimal(99_999_999), Decimal("0.00000001")
    reports = [
        replace(good, exec_id="y1", executed_at=datetime(1, 1, 1, tzinfo=UTC)),
        replace(good, exec_id="y2", executed_at=datetime(9999, 12, 31, 23, tzinfo=UTC)),
        replace(good, exec_id="p1", quantity=Decimal(1), price=Decimal("9.5e10")),
        replace(good, exec_id="p2", quantity=few, price=Decimal("1e15")),
        replace(good, exec_id="p3", quantity=units, price=Decimal("1e999999")),
        replace(good, exec_id="p4", quantity=few, price=Decimal("1e999999")),
        # Each may be: what they come to together is more than a machine's number.
        replace(option, quantity=units, price=Decimal(999)),
        replace(option, exec_id="o2", side="S", quantity=units, price=Decimal("0.01")),
        replace(option, exec_id="o3", quantity=units, price=Decimal("0.01")),
        replace(option, exec_id="o4", quantity=few, price=Decimal("9.9e9")),
        good,
    ]
    with a_session(tmp_path) as one:
        one.receive(reports)
        found = shown(one)
        assert one.snapshot().counts["quarantined"] == 6
    assert found[1][option.account, option.symbol].gross_pnl == -(
        units * (Decimal(999) - Decimal("0.01")) * 100
    )
    (tmp_path / CHECKPOINT).unlink()
    with a_session(tmp_path) as one:
        assert shown(one) == found


def test_who_subscribes_is_told_which_scopes_changed(tmp_path: Path) -> None:
    """However many reports came, a subscriber holds a set of scopes."""
    with a_session(tmp_path) as one:
        follower, left = one.subscribe(), one.subscribe()
        left.close()
        assert follower.wait(0) == frozenset()
        one.receive(drawn_reports(50))
        told = follower.wait(1)
        assert ("desk", "desk") in told and ("account", "ACC1") in told
        assert follower.wait(0) == left.wait(0) == frozenset()


def test_the_last_figures_of_a_large_desk_are_of_one_moment(tmp_path: Path) -> None:
    """Open P&L of those who do not trade goes in turns while it runs alone."""
    accounts = [f"ACC{number}" for number in range(200)]
    at = datetime(2025, 3, 3, 15, tzinfo=UTC)

    def bought(account: str, price: str, second: int) -> ExecutionReport:
        return ExecutionReport(
            source="test", exec_id=f"{account} {price}", kind="new", account=account,
            symbol="ABC", side="B", quantity=Decimal(100), price=Decimal(price),
            executed_at=at + timedelta(seconds=second), received_at=at,
        )  # fmt: skip

    begun = opening_of(DAY, None, accounts)
    with Session(tmp_path, begun, [], clock=lambda: at) as running:
        for account in accounts:
            running.receive([bought(account, "10", 0)])
        running.snapshot()
        running.receive([bought("ACC0", "11", 1)])
        in_turns = running.snapshot()
        whole = running.snapshot(is_whole=True)

    def open_pnl(snapshot: Snapshot) -> set[Decimal | None]:
        return {snapshot.scopes["account", one].open_pnl for one in accounts[1:]}

    assert open_pnl(in_turns) == {0, 100}
    assert open_pnl(whole) == {100}
