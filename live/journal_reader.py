"""Reads a journal that another process may be writing, or that nobody writes any more.

Nothing is locked and nothing is cut off: a last line that is not whole is not read.
"""

from collections.abc import Iterator
from pathlib import Path

from live.journal import HEADER, decoded
from live.reports import ExecutionReport
from runtime.errors import UserError

_READ_BYTES = 2**22


class DamagedJournalError(UserError):
    """A journal that cannot be read to its end."""


def read_journal(path: Path) -> Iterator[ExecutionReport]:
    """Every whole record, in the order in which it came.

    Raises:
        DamagedJournalError: It cannot be read, is no journal of this version, or a
            record before the last one is damaged.
    """
    try:
        yield from _records(path)
    except OSError as error:
        raise DamagedJournalError(
            f"{path} cannot be read ({error.strerror}): its session cannot be compared."
        ) from None


def _records(path: Path) -> Iterator[ExecutionReport]:
    with path.open("rb") as handle:
        if handle.read(len(HEADER)) != HEADER:
            raise DamagedJournalError(
                f"{path} is no journal of this version: its session cannot be compared."
            )
        offset, rest = len(HEADER), b""
        while chunk := handle.read(_READ_BYTES):
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            for line in lines:
                report = decoded(line)
                if report is None:
                    raise DamagedJournalError(
                        f"{path} is damaged at byte {offset}: its session cannot be "
                        "compared."
                    )
                offset += len(line) + 1
                yield report
