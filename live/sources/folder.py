"""A folder of CSV files that grow: what another program appends is read as it comes.

Each file begins with a header of the columns below, in any order; others are left
alone. A line counts once its end is written. A file that became shorter, or another one
of its name, is read from its beginning: what is known by its id is not booked twice.
"""

import csv
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from live.figures import SourceState
from live.journal import JournalFullError
from live.reports import BadMessage, ExecutionReport
from live.sources import Receive
from runtime.files import open_regular
from runtime.sessions import EASTERN, utc_now

POLL_SECONDS = 0.25
NEEDED = ("exec_id", "account", "symbol", "side", "quantity", "price", "executed_at")
OPTIONAL = (
    "kind", "ref_exec_id", "trade_date", "order_id", "currency", "route", "liquidity",
)  # fmt: skip
_SIDES, _KINDS = ("B", "S", "T", "C"), ("new", "cancel", "correct")
_MOST_BYTES = 2**20


@dataclass
class _File:
    """How far a file was read.

    Attributes:
        identity: Of the file itself, whatever its name.
        header: Its columns; empty before they were read.
    """

    identity: tuple[int, int]
    offset: int = 0
    line: int = 0
    header: tuple[str, ...] = ()


class FolderSource:
    """The CSV files of a folder.

    Args:
        name: Of the source, in messages and ids.
    """

    def __init__(
        self, name: str, folder: Path, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.name = name
        self._folder = folder
        self._clock = clock
        self._files: dict[Path, _File] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._state = SourceState(name, "folder", is_connected=False)
        self._reports_count = 0
        self._last_report_at: datetime | None = None
        self._last_heard_at: datetime | None = None

    def start(self, receive: Receive, last_sequence: int | None) -> None:  # noqa: ARG002
        """Read what there is and what comes; see `Source`."""
        self._thread = threading.Thread(target=self._follow, args=(receive,))
        self._thread.start()

    def stop(self) -> None:
        """Read no more; see `Source`."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def state(self) -> SourceState:
        """How it is doing; see `Source`."""
        with self._lock:
            return self._state

    def _follow(self, receive: Receive) -> None:
        while not self._stopping.is_set():
            problem, is_there = None, False
            try:
                is_there = self._folder.is_dir()
                problem = self._read_all(receive)
            except JournalFullError:
                problem = "the disk is full: nothing is taken"
            except OSError as error:
                problem = f"{self._folder} cannot be read ({error.strerror})"
            with self._lock:
                self._state = SourceState(
                    self.name,
                    "folder",
                    is_connected=is_there,
                    last_report_at=self._last_report_at,
                    last_heard_at=self._last_heard_at,
                    reports_count=self._reports_count,
                    problem=problem,
                )
            self._stopping.wait(POLL_SECONDS)

    def _read_all(self, receive: Receive) -> str | None:
        """Read on in every file; which of them could not be read, and why."""
        problem = None
        for path in sorted(self._folder.iterdir()):
            if path.suffix.lower() != ".csv" or path.name.startswith("."):
                continue
            try:
                while self._read_some(path, receive) and not self._stopping.is_set():
                    pass
            except JournalFullError:
                raise
            except OSError as error:
                problem = f"{_shown(path)} cannot be read ({error.strerror})"
        return problem

    def _read_some(self, path: Path, receive: Receive) -> bool:
        """Read on in a file; whether there may be more."""
        with open_regular(path) as handle:
            found = os.fstat(handle.fileno())
            file = self._files.get(path)
            identity = found.st_dev, found.st_ino
            if file is None or file.identity != identity or found.st_size < file.offset:
                file = self._files[path] = _File(identity)
            handle.seek(file.offset)
            content = handle.read(_MOST_BYTES)
        whole = content[: content.rfind(b"\n") + 1]
        if not whole:
            # A line without an end, longer than any that is one, would wait for ever.
            if len(content) == _MOST_BYTES:
                receive((self._bad(path, file.line + 1, "has no end", ""),))
                file.offset += len(content)
            return len(content) == _MOST_BYTES
        messages: list[ExecutionReport | BadMessage] = []
        line, header = file.line, file.header
        for text in whole.split(b"\n")[:-1]:
            line += 1
            told = text.decode("utf-8", "replace").strip("\r\ufeff")
            if not told.strip():
                continue
            try:
                cells = [cell.strip() for cell in next(csv.reader([told]))]
            except csv.Error as error:
                messages.append(self._bad(path, line, f"is no CSV ({error})", told))
                continue
            if not header:
                header = tuple(cell.lower() for cell in cells)
                missing = [name for name in NEEDED if name not in header]
                if missing:
                    reason = f"the header lacks {', '.join(missing)}"
                    messages.append(self._bad(path, line, reason, told))
                continue
            messages.append(self._message(path, line, header, cells, told))
        if messages:
            receive(messages)
        # Only now: if the journal was full, they are read again.
        file.offset += len(whole)
        file.line, file.header = line, header
        now = self._clock()
        self._last_heard_at = now
        reports = sum(isinstance(one, ExecutionReport) for one in messages)
        if reports:
            self._reports_count += reports
            self._last_report_at = now
        return len(content) == _MOST_BYTES

    def _message(
        self,
        path: Path,
        line: int,
        header: tuple[str, ...],
        cells: list[str],
        told: str,
    ) -> ExecutionReport | BadMessage:
        if len(cells) != len(header):
            reason = f"has {len(cells)} cells, the header has {len(header)}"
            return self._bad(path, line, reason, told)
        try:
            return self._report(dict(zip(header, cells, strict=True)))
        except ValueError as problem:
            return self._bad(path, line, str(problem), told)

    def _bad(self, path: Path, line: int, reason: str, told: str) -> BadMessage:
        where = f"{_shown(path.name)}, line {line}: {reason}"
        return BadMessage(self.name, self._clock(), where, told)

    def _report(self, cells: Mapping[str, str]) -> ExecutionReport:
        def needed(name: str) -> str:
            if not cells.get(name):
                raise ValueError(f"{name} is empty")
            return cells[name]

        def one_of(name: str, text: str, choices: tuple[str, ...]) -> str:
            if text not in choices:
                raise ValueError(f"{name} is not one of {', '.join(choices)}: {text!r}")
            return text

        def number(name: str) -> Decimal:
            try:
                return Decimal(needed(name))
            except InvalidOperation:
                raise ValueError(f"{name} is no number: {cells[name]!r}") from None

        def optional(name: str) -> str | None:
            return cells.get(name) or None

        kind = one_of("kind", cells.get("kind") or "new", _KINDS)
        if kind != "new":
            needed("ref_exec_id")
        day = optional("trade_date")
        try:
            at = datetime.fromisoformat(needed("executed_at"))
            # Without a zone it is Eastern, as everywhere in this project.
            at = (at if at.tzinfo else at.replace(tzinfo=EASTERN)).astimezone(UTC)
            trade_date = date.fromisoformat(day) if day else None
        except (ValueError, OverflowError):
            raise ValueError(
                "executed_at or trade_date is not written as 2025-06-02T09:30:00-04:00 "
                "or 2025-06-02"
            ) from None
        return ExecutionReport(
            source=self.name,
            exec_id=needed("exec_id"),
            kind=kind,  # type: ignore[arg-type]
            account=needed("account"),
            symbol=needed("symbol"),
            side=one_of("side", needed("side"), _SIDES),  # type: ignore[arg-type]
            quantity=number("quantity"),
            price=number("price"),
            executed_at=at,
            received_at=self._clock(),
            ref_exec_id=optional("ref_exec_id"),
            trade_date=trade_date,
            order_id=optional("order_id"),
            currency=optional("currency"),
            route=optional("route"),
            liquidity=optional("liquidity"),
        )


def _shown(path: Path | str) -> str:
    """A name as text, whatever its bytes are."""
    return os.fsencode(path).decode("utf-8", "replace")
