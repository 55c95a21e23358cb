"""The append-only journal of a session: what came, in the order in which it came.

One file a session, one record a line: `<checksum> <length> <JSON>`. A record is written
to the operating system before its report is booked, so that a process killed at any
moment loses nothing; the session forces it to the disk once a second, so that a machine
that loses power loses a second at most, which the source sends again. What was torn by
such an end, the last line, is cut off; a damaged record before it stops the start.
"""

import errno
import fcntl
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from live.reports import ExecutionReport
from runtime.errors import UserError

HEADER = b"# risk-warehouse live journal 1\n"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_READ_BYTES = 2**24


class JournalFullError(OSError):
    """The disk is full: nothing of what came was kept; the source sends it again."""


class Journal:
    """The journal's end, to which one process appends; reads what is there first.

    Args:
        path: The file; made, with its folder, where it is not there.

    Raises:
        UserError: Another process appends to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise UserError(
                f"Another process writes {path}. Stop it: a session has one live desk."
            ) from None
        self._size = os.fstat(self._descriptor).st_size
        self._is_synced = True
        if not self._size:
            self._write(HEADER)

    @property
    def size(self) -> int:
        """Bytes in it."""
        return self._size

    def append(self, reports: Sequence[ExecutionReport]) -> None:
        """Keep reports, all or none.

        Raises:
            JournalFullError: The disk is full.
        """
        self._write(b"".join(map(_encoded, reports)))
        self._is_synced = False

    def sync(self) -> None:
        """Force to the disk what was appended; from any thread, which waits for it."""
        if not self._is_synced:
            self._is_synced = True
            os.fsync(self._descriptor)

    def read(
        self, offset: int = 0, end: int | None = None
    ) -> Iterator[tuple[ExecutionReport, int]]:
        """Every whole record from an offset on, and the offset after it.

        What a crash has torn at the end is cut off.

        Args:
            end: An offset at which a record ends; left out: the file's.

        Raises:
            UserError: A record before the last one is damaged, or it is no journal.
        """
        offset = offset or self._check_header()
        with self.path.open("rb") as handle:
            handle.seek(offset)
            rest = b""
            while chunk := handle.read(_READ_BYTES):
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    if offset == end:
                        return
                    report = decoded(line)
                    if report is None:
                        raise self._damaged(offset)
                    offset += len(line) + 1
                    yield report, offset
        if rest and end is None:
            self._cut(offset)

    def close(self) -> None:
        """Force it to the disk, and close it."""
        self.sync()
        os.close(self._descriptor)

    def _check_header(self) -> int:
        with self.path.open("rb") as handle:
            header = handle.read(len(HEADER))
        if header == HEADER:
            return len(header)
        if HEADER.startswith(header):
            self._cut(0)
            self._write(HEADER)
            return len(HEADER)
        raise UserError(
            f"{self.path} is no journal of this version. Move its folder away; the "
            "source sends the session again."
        )

    def _damaged(self, offset: int) -> UserError:
        return UserError(
            f"{self.path} is damaged at byte {offset}, before its end: the disk, or "
            "somebody, changed it. Move its folder away; the source sends the session "
            "again."
        )

    def _cut(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)
        os.fsync(self._descriptor)
        self._size = size

    def _write(self, content: bytes) -> None:
        view = memoryview(content)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            # Half a record would be the end of all that come after it.
            os.ftruncate(self._descriptor, self._size)
            if error.errno not in _FULL:
                raise
            raise JournalFullError(
                error.errno, "The disk is full", str(self.path)
            ) from None
        self._size += len(content)


def _encoded(report: ExecutionReport) -> bytes:
    cells = (
        report.source,
        report.exec_id,
        report.kind,
        report.account,
        report.symbol,
        report.side,
        str(report.quantity),
        str(report.price),
        (report.executed_at - _EPOCH) // _MICROSECOND,
        (report.received_at - _EPOCH) // _MICROSECOND,
        report.ref_exec_id,
        report.trade_date and report.trade_date.isoformat(),
        report.order_id,
        int(report.poss_dup),
        report.currency,
        report.route,
        report.liquidity,
        report.sequence,
        int(report.is_late),
    )
    try:
        text = orjson.dumps(cells)
    except orjson.JSONEncodeError:
        # Half a sign, which no UTF-8 has.
        text = json.dumps(cells, separators=(",", ":")).encode()
    return b"%08x %x %b\n" % (zlib.crc32(text), len(text), text)


def _cells(text: bytes) -> list[Any]:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def decoded(line: bytes) -> ExecutionReport | None:
    """The report of a line; None of a line that is not whole."""
    checksum, _, rest = line.partition(b" ")
    length, _, text = rest.partition(b" ")
    try:
        is_whole = int(length, 16) == len(text) and int(checksum, 16) == zlib.crc32(
            text
        )
        cells = _cells(text) if is_whole else None
    except ValueError:
        return None
    if cells is None:
        return None
    cells[6], cells[7] = Decimal(cells[6]), Decimal(cells[7])
    cells[8] = _EPOCH + timedelta(microseconds=cells[8])
    cells[9] = _EPOCH + timedelta(microseconds=cells[9])
    cells[11] = cells[11] and date.fromisoformat(cells[11])
    cells[13], cells[18] = bool(cells[13]), bool(cells[18])
    return ExecutionReport(*cells)
