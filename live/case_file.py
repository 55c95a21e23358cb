"""What an alert rests on: figures, last fills and positions of that moment."""

import json
import os
from collections.abc import Collection
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from live.figures import Scope, Snapshot
from live.journal import decoded
from live.reports import ExecutionReport
from live.screen import plain
from live.session import JOURNAL, Session

LAST_FILLS = 20
# Of the desk the largest positions and flags suffice; a case file stays small.
MOST_POSITIONS = 50
_BLOCK_BYTES = 2**18
# A trader whose last fill is further back in a busy day has none in the case file.
_MOST_BYTES = 2**22


def case_file(
    snapshot: Snapshot, session: Session, scope: Scope | None
) -> dict[str, Any]:
    """The case of an alert on a scope, or on the feed, as of a snapshot.

    Positions and reports are of now, which a fill since may have changed.
    """
    figures = snapshot.scopes.get(scope) if scope is not None else None
    accounts = None if figures is None else set(figures.account_ids)
    positions = [
        one
        for _, one in sorted(session.symbol_figures(accounts).items())
        if one.position_quantity
    ]
    positions.sort(key=lambda one: abs(one.exposure or Decimal(0)), reverse=True)
    case = {
        "taken_at": snapshot.taken_at,
        "sequence": snapshot.sequence,
        "scope": scope,
        "figures": None if figures is None else asdict(figures),
        "positions": [asdict(one) for one in positions[:MOST_POSITIONS]],
        "positions_count": len(positions),
        "last_reports": [
            asdict(one)
            for one in last_reports(session.folder / JOURNAL, accounts, LAST_FILLS)
        ],
        "sources": [asdict(one) for one in snapshot.sources],
        "flags": [asdict(one) for one in snapshot.flags],
    }
    return plain(case)


def last_reports(
    journal: Path, accounts: Collection[str] | None, count: int
) -> list[ExecutionReport]:
    """The last reports of accounts (None: of all), newest last, from the journal's end.

    Another thread may be appending: a line that is not whole is none.
    """
    found: list[ExecutionReport] = []
    try:
        with journal.open("rb") as handle:
            end = handle.seek(0, os.SEEK_END)
            lowest = max(0, end - _MOST_BYTES)
            rest = b""
            while end > lowest and len(found) < count:
                begin = max(lowest, end - _BLOCK_BYTES)
                handle.seek(begin)
                lines = (handle.read(end - begin) + rest).split(b"\n")
                # The first may have begun in the block before.
                rest, end = lines[0], begin
                for line in reversed(lines[1:]):
                    if accounts is not None and not _may_be_of(line, accounts):
                        continue
                    report = decoded(line) if line else None
                    if report is not None and (
                        accounts is None or report.account in accounts
                    ):
                        found.append(report)
                        if len(found) == count:
                            break
    except OSError:
        return []
    return found[::-1]


def _may_be_of(line: bytes, accounts: Collection[str]) -> bool:
    """Whether a line may name one of a few accounts, looked at without reading it."""
    if len(accounts) > 8:
        return True
    return any(json.dumps(one).encode() in line for one in accounts)
