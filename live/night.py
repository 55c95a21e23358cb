"""Loads what the live desk saw of past sessions, for `marts.live_reconciliation`.

The fills are those that stood when the journal ended: busts taken out, corrections
made. The figures of each account are those that were on the screen last
(`state.json`); a desk that was killed has left older ones, and then the journal is
booked once more.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from live.engine import Engine
from live.fills import id_order
from live.instruments import Instruments, SessionDates
from live.journal_reader import DamagedJournalError, read_journal
from live.last_night import read_opening
from live.opening import Opening
from live.reports import ExecutionReport
from live.session import JOURNAL, STATE
from live.tables import (
    LIVE_ACCOUNTS,
    LIVE_FILLS,
    LIVE_PROBLEMS,
    LIVE_SESSIONS,
    SESSION_TABLES,
)
from runtime.home import Home
from runtime.sessions import EASTERN, naive_utc_now, utc_now
from runtime.settings import Settings
from runtime.tables import Table
from runtime.warehouse import open_warehouse

# Older ones are dropped: who was right three months ago moves nobody.
KEPT_SESSIONS = 60


@dataclass(frozen=True)
class LoadedSessions:
    """What a morning has loaded.

    Attributes:
        dates: Sessions whose journal was new or has grown.
        problems: Why a session cannot be loaded, in a line each.
    """

    dates: tuple[date, ...]
    problems: tuple[str, ...]


def load_live_sessions(settings: Settings, home: Home, root: Home) -> LoadedSessions:
    """Load sessions whose journal is new or has grown.

    A damaged journal stops no morning: what was read of it before stays, and an alarm
    says so until it is put back or its folder moved away.

    Args:
        home: Of the warehouse. root: Of the live desk, which is `RISK_HOME` itself.
    """
    with open_warehouse(home.warehouse) as connection:
        loaded = dict(
            connection.execute(
                "select session_date, journal_bytes from ops.live_sessions"
            ).fetchall()
        )
        ((as_of,),) = connection.execute("select as_of from raw.run_context").fetchall()
        done, problems = list[date](), dict[date, str]()
        for session_date, folder in _folders(root, as_of):
            size = (folder / JOURNAL).stat().st_size
            if loaded.get(session_date) == size:
                continue
            try:
                _load(settings, root, connection, session_date, folder, size)
            except DamagedJournalError as error:
                problems[session_date] = str(error)
            else:
                done.append(session_date)
        connection.execute(f"delete from {LIVE_PROBLEMS.name}")
        _insert(
            connection,
            LIVE_PROBLEMS,
            [
                {"session_date": session_date, "problem": problem}
                for session_date, problem in problems.items()
            ],
        )
        for table in SESSION_TABLES:
            connection.execute(
                f"delete from {table.name} where session_date < ("
                "select min(session_date) from ("
                "select session_date from ops.live_sessions "
                f"order by session_date desc limit {KEPT_SESSIONS}))"
            )
    return LoadedSessions(tuple(done), tuple(problems.values()))


def _folders(root: Home, as_of: date) -> Iterator[tuple[date, Path]]:
    """Sessions before the morning, oldest first."""
    if not root.live.is_dir():
        return
    found = []
    for folder in root.live.iterdir():
        try:
            session_date = date.fromisoformat(folder.name)
        except ValueError:
            continue
        if session_date < as_of and (folder / JOURNAL).exists():
            found.append((session_date, folder))
    yield from sorted(found)[-KEPT_SESSIONS:]


def _load(
    settings: Settings,
    root: Home,
    connection: duckdb.DuckDBPyConnection,
    session_date: date,
    folder: Path,
    size: int,
) -> None:
    opening = read_opening(settings, root, session_date)
    reports_count = 0

    def counted() -> Iterator[ExecutionReport]:
        nonlocal reports_count
        for report in read_journal(folder / JOURNAL):
            reports_count += 1
            yield report

    fills = standing_fills(counted(), session_date, opening)
    state = _state(folder)
    is_complete = state is not None and state["sequence"] == reports_count
    if state is not None and is_complete:
        accounts = _shown_accounts(state, session_date)
    else:
        accounts = _booked_accounts(folder, session_date, opening)
    session = {
        "session_date": session_date,
        "journal_bytes": size,
        "reports_count": reports_count,
        "is_synthetic": bool(state and state["is_synthetic"]),
        "is_complete": is_complete,
        "loaded_at": naive_utc_now(),
    }
    connection.execute("begin")
    try:
        for table, rows in (
            (LIVE_FILLS, fills),
            (LIVE_ACCOUNTS, accounts),
            (LIVE_SESSIONS, [session]),
        ):
            connection.execute(
                f"delete from {table.name} where session_date = ?", [session_date]
            )
            _insert(connection, table, rows)
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def _insert(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: Iterable[dict[str, Any]]
) -> None:
    rows = list(rows)
    if not rows:
        return
    connection.register("live_rows", pa.Table.from_pylist(rows))
    names = ", ".join(table.columns)
    connection.execute(f"insert into {table.name} select {names} from live_rows")
    connection.unregister("live_rows")


def standing_fills(
    reports: Iterable[ExecutionReport], session_date: date, opening: Opening
) -> list[dict[str, Any]]:
    """The fills of a session as they stand: the last word on each."""
    instruments = Instruments(
        opening.instrument_lines, opening.currency_suffixes, opening.cutoffs
    )
    dates = SessionDates(opening.sessions)
    fills: dict[tuple[str, str], ExecutionReport] = {}
    amendments: dict[tuple[str, str], list[ExecutionReport]] = {}
    for report in reports:
        if report.kind == "new":
            at = report.executed_at.astimezone(EASTERN).replace(tzinfo=None)
            day = report.trade_date or dates.of(instruments[report.symbol], at)
            if day == session_date:
                # The same id with other content is a conflict: the first counts.
                fills.setdefault((report.source, report.exec_id), report)
        else:
            about = report.source, report.ref_exec_id or report.exec_id
            amendments.setdefault(about, []).append(report)
    return [
        row
        for key, fill in fills.items()
        if (row := _row(fill, list(_about(key, amendments)), session_date)) is not None
    ]


def _about(
    key: tuple[str, str], amendments: dict[tuple[str, str], list[ExecutionReport]]
) -> Iterator[ExecutionReport]:
    """What was said later of a fill, by its id or by an amendment's of it."""
    seen, left = set(), [key]
    while left:
        about = left.pop()
        if about in seen:
            continue
        seen.add(about)
        for report in amendments.get(about, ()):
            yield report
            left.append((report.source, report.exec_id))


def _row(
    fill: ExecutionReport, amendments: list[ExecutionReport], session_date: date
) -> dict[str, Any] | None:
    last = max(
        amendments,
        key=lambda one: (
            one.executed_at,
            one.kind == "cancel",
            *id_order(one.exec_id),
        ),
        default=fill,
    )
    if last.kind == "cancel":
        return None
    return {
        "session_date": session_date,
        "source": fill.source,
        "exec_id": fill.exec_id,
        "account_id": last.account,
        "symbol": last.symbol,
        "side": last.side,
        "quantity": last.quantity,
        "price": last.price,
        "executed_at": fill.executed_at.astimezone(UTC).replace(tzinfo=None),
    }


def _state(folder: Path) -> dict[str, Any] | None:
    try:
        state = json.loads((folder / STATE).read_bytes())
        return state if isinstance(state["rows"], list) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _shown_accounts(state: dict[str, Any], session_date: date) -> list[dict[str, Any]]:
    return [
        {
            "session_date": session_date,
            "account_id": row["scope_name"],
            "trader_id": row["trader_ids"][0],
            "gross_pnl": _amount(row["realized_pnl"]),
            "estimated_fees": _amount(row["estimated_fees"]),
            "net_pnl": _amount(row["net_pnl"]),
        }
        for row in state["rows"]
        if row["scope_type"] == "account" and row["fills_count"]
    ]


def _booked_accounts(
    folder: Path, session_date: date, opening: Opening
) -> list[dict[str, Any]]:
    engine = Engine(opening)
    for report in read_journal(folder / JOURNAL):
        engine.take(report)
    figures = engine.scope_figures(utc_now())
    return [
        {
            "session_date": session_date,
            "account_id": name,
            "trader_id": one.trader_ids[0],
            "gross_pnl": one.gross_pnl,
            "estimated_fees": one.estimated_fees,
            "net_pnl": one.net_pnl,
        }
        for (kind, name), one in figures.items()
        if kind == "account" and one.fills_count
    ]


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
