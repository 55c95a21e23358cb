"""What a long ledger of limits costs each command: a part of `make bench`.

A year of a desk of which half of the limits move every session: three entries a session
(proposed, approved, exported), every row sealed and every approval signed.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runtime.files import write_atomic
from runtime.home import Home
from trading_limits.keys import Person
from trading_limits.ledger import (
    APPROVED,
    EXPORTED,
    FILE,
    FIRST,
    HEAD,
    KEY,
    PROPOSED,
    Entry,
    Ledger,
)
from trading_limits.rows import OFFICIAL, LimitRow
from trading_limits.state import replay

Result = TypeVar("Result")


def write_ledger(home: Home, person: Person, sessions: int, accounts: int) -> int:
    """Write the ledger of so many sessions; its rows of limits."""
    entries: list[Entry] = []

    def add(kind: str, body: dict, day: datetime, *, signs: bool = False) -> None:
        last = entries[-1] if entries else None
        entry = Entry(
            len(entries) + 1, day.isoformat(timespec="microseconds"), kind,
            None if kind == KEY else f"{day:%Y-%m-%d}",
            person.os_user if signs else "cron",
            person.name if signs else None, "morning" if signs else None, body,
            last.hash if last else FIRST,
        )  # fmt: skip
        values = vars(entry) | {"hash": entry.digest()}
        if signs:
            values["signature"] = person.sign(values["hash"])
        entries.append(Entry(**values))

    first = datetime(2025, 1, 1, tzinfo=UTC)
    add(KEY, {"public_key": person.public_key}, first, signs=True)
    values: dict[str, Decimal] = {}
    count = 0
    for number in range(sessions):
        day = first + timedelta(days=number)
        rows = []
        for account in range(number % 2, accounts, 2):
            name = f"A{account:05}"
            before = values.get(name)
            values[name] = Decimal(100_000 - number)
            rows.append(_row(name, day, values[name], before))
        count += len(rows)
        cells = [row.cells() for row in rows]
        add(PROPOSED, {"rows": cells, "withdrawn": []}, day)
        decided = [[*row.key, row.content_sha256] for row in rows]
        add(APPROVED, {"rows": decided}, day, signs=True)
        sent = [[*row.key, f"{row.value}"] for row in rows]
        body = {"platform": "das", "sha256": FIRST, "limits": sent}
        add(EXPORTED, body, day)
    write_atomic(home.limits / FILE, b"".join(entry.line() for entry in entries))
    write_atomic(home.limits / HEAD, f"{entries[-1].hash}\n".encode())
    return count


def _row(name: str, day: datetime, value: Decimal, before: Decimal | None) -> LimitRow:
    return LimitRow(
        limit_set_id=f"{day:%Y-%m-%d}", version=1, account_id=name, trader_id=name,
        effective_session=date(day.year, day.month, day.day), expires_session=None,
        limit_type=OFFICIAL, max_loss=value, warning_loss=None, max_drawdown=None,
        max_gross=None, max_position_shares=None, max_order_shares=None,
        buying_power=None, currency="USD", previous_value=before,
        reason="lost more than $1,000 on 2 of 20 days", model_version=None,
        proposed_by="cron", proposed_at=day.isoformat(), approved_by=None,
        approved_at=None, reverts_to=None, content_sha256="",
    ).sealed()  # fmt: skip


def timed(name: str, work: Callable[[], Result]) -> Result:
    """Do it, and print its processor seconds."""
    began = time.process_time()
    result = work()
    print(f"{name:<38} {time.process_time() - began:9.2f}", flush=True)
    return result


def main() -> None:
    """Write a ledger and print what reading, replaying and adding to it cost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=int, default=250)
    parser.add_argument("--accounts", type=int, default=200)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        person = Person("ann", "ann", Ed25519PrivateKey.generate())
        rows = write_ledger(home, person, chosen.sessions, chosen.accounts)
        size = (home.limits / FILE).stat().st_size / 2**20
        print(f"{rows:,} rows of limits, {size:.1f} MiB")
        print(f"{'a command':<38} {'cpu s':>9}")
        ledger = Ledger(home)
        entries = timed("reads the ledger and checks its chain", ledger.entries)
        timed("replays it", lambda: replay(entries))
        body: dict[str, list] = {"rows": [], "withdrawn": []}
        timed("adds an entry", lambda: ledger.append(entries, PROPOSED, body))


if __name__ == "__main__":
    main()
