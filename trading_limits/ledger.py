"""The ledger of limits: entries that are only ever added, each with the hash before.

It is `RISK_HOME/limits/ledger.jsonl`, a line an entry, beside the warehouse and not in
it: it outlives one that is moved away and loaded anew. `ops.limit_ledger` is a copy.
"""

import fcntl
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from runtime.errors import UserError
from runtime.files import read_regular, write_atomic
from runtime.home import Home
from runtime.sessions import utc_now
from runtime.tables import Table
from trading_limits.keys import Person, os_user

FILE, HEAD = "ledger.jsonl", "ledger.head"
FIRST = "0" * 64
# What an entry can be; `trading_limits.state` says what each does.
KEY, REVOKED = "key", "revoked"
PROPOSED, APPROVED, REJECTED = "proposed", "approved", "rejected"
CHANGED, EXPIRED, LEFT, EXPORTED = "changed", "expired", "left", "exported"
CHECKED, TRIAL = "checked", "trial"
LIMIT_LEDGER = Table(
    "ops.limit_ledger",
    {
        "entry_number": "bigint",
        "recorded_at": "varchar",
        "kind": "varchar",
        "session": "varchar",
        "os_user": "varchar",
        "name": "varchar",
        "reason": "varchar",
        "body": "varchar",
        "previous_hash": "varchar",
        "hash": "varchar",
        "signature": "varchar",
    },
)
SCHEMA = pa.schema(
    {
        name: pa.int64() if kind == "bigint" else pa.string()
        for name, kind in LIMIT_LEDGER.columns.items()
    }
)


class LedgerError(UserError):
    """The ledger is not what was written."""


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes:
        entry_number: From 1, without gaps.
        recorded_at: UTC, ISO 8601 with microseconds; never before that of the one
            before.
        kind: key, revoked, proposed, approved, rejected, changed, expired, left,
            exported, checked or trial.
        session: Which set it is about; None of a key.
        os_user: The system's user who ran the command.
        name: Who signed it; None where nobody has to.
        reason: In words.
        body: What it says, by kind.
        previous_hash: Of the entry before; `FIRST` of the first.
        hash: Of everything but itself and the signature.
        signature: Of the hash, by the key of `name`.
    """

    entry_number: int
    recorded_at: str
    kind: str
    session: str | None
    os_user: str
    name: str | None
    reason: str | None
    body: dict[str, Any]
    previous_hash: str
    hash: str = ""
    signature: str | None = None

    def digest(self) -> str:
        """What its hash must be."""
        values = dict(vars(self))
        del values["hash"], values["signature"]
        return hashlib.sha256(_json(values).encode()).hexdigest()

    def line(self) -> bytes:
        """As it lies in the file."""
        return f"{_json(vars(self))}\n".encode()


class Ledger:
    """The entries of one home; to add to it is to hold it `locked`."""

    def __init__(self, home: Home) -> None:
        self._file = home.limits / FILE
        self._head = home.limits / HEAD

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody else add to it; who comes second waits."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with (self._file.parent / f".{FILE}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def entries(self) -> list[Entry]:
        """Every entry, with the chain checked from the first to the last.

        Raises:
            LedgerError: A byte is another, or the end is missing.
        """
        # Before the file: who adds an entry writes the file first.
        head = self._read_head()
        found: list[Entry] = []
        for number, line in enumerate(self._lines(), start=1):
            found.append(self._read(number, line, found[-1] if found else None))
        if head is not None and head not in [entry.hash for entry in found]:
            raise self._broken(len(found) + 1, "is missing: the file was cut off")
        return found

    def append(
        self,
        before: list[Entry],
        kind: str,
        body: dict[str, Any],
        *,
        session: str | None = None,
        by: Person | None = None,
        reason: str | None = None,
        now: datetime | None = None,
    ) -> Entry:
        """Add an entry, to the disk; with the ledger `locked`.

        Args:
            before: The entries there are; the new one is added to them.
            by: Who signs it.
            now: Aware; left out: the present.

        Raises:
            UserError: The clock stands before the last entry.
        """
        recorded_at = (
            (now or utc_now()).astimezone(UTC).isoformat(timespec="microseconds")
        )
        last = before[-1] if before else None
        if last and recorded_at < last.recorded_at:
            raise UserError(
                f"The clock says {recorded_at}, before the last entry of the ledger of "
                f"limits ({last.recorded_at}). Set the clock right."
            )
        entry = Entry(
            len(before) + 1, recorded_at, kind, session,
            by.os_user if by else os_user(), by.name if by else None, reason, body,
            last.hash if last else FIRST,
        )  # fmt: skip
        entry = replace(entry, hash=entry.digest())
        if by is not None:
            entry = replace(entry, signature=by.sign(entry.hash))
        # Whole or not at all: a line cut off would be a broken chain.
        write_atomic(self._file, b"".join([*self._lines(), entry.line()]))
        write_atomic(self._head, f"{entry.hash}\n".encode())
        before.append(entry)
        return entry

    @staticmethod
    def table(entries: Iterable[Entry]) -> pa.Table:
        """These entries, as `SCHEMA`."""
        return pa.Table.from_pylist(
            [vars(one) | {"body": _json(one.body)} for one in entries], SCHEMA
        )

    def _lines(self) -> list[bytes]:
        try:
            return read_regular(self._file).splitlines(keepends=True)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unreadable(self._file, error) from None

    def _read_head(self) -> str | None:
        try:
            return self._head.read_text("ascii", "replace").strip()
        except FileNotFoundError:
            # Killed after the first entry, before this.
            return None
        except OSError as error:
            raise self._unreadable(self._head, error) from None

    def _read(self, number: int, line: bytes, last: Entry | None) -> Entry:
        try:
            entry = Entry(**json.loads(line))
            is_whole = entry.line() == line and entry.digest() == entry.hash
            # Whose it is `state` checks; nobody's is on what nobody signs.
            is_whole = is_whole and (entry.name is None) == (entry.signature is None)
        except (ValueError, TypeError, RecursionError):
            is_whole = False
        if not is_whole:
            raise self._broken(number, "is not what was written")
        if entry.entry_number != number or entry.previous_hash != (
            last.hash if last else FIRST
        ):
            raise self._broken(number, "does not follow the one before")
        if last and entry.recorded_at < last.recorded_at:
            raise self._broken(number, "is older than the one before")
        return entry

    def _unreadable(self, file: Path, error: OSError) -> LedgerError:
        return LedgerError(
            f"{file} cannot be read: {error.strerror}. Nothing is approved or exported "
            "until it can."
        )

    def _broken(self, number: int, problem: str) -> LedgerError:
        return LedgerError(
            f"{self._file}, entry {number} {problem}. Nothing is approved or exported "
            "until the file is put back from a backup."
        )


def _json(values: object) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
