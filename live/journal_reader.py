"""Reads a journal that another process may be writing, or that nobody writes any more.

Nothing is locked and nothing is cut off: a last line that is not whole is not read.
"""

from collections.abc import Iterator
from pathlib import Path

from live.journal import HEADER, decoded
from live.reports import ExecutionReport
from runtime.errors import UserError

_READ_BYTES = 2**22


def read_journal(path: Path) -> Iterator[ExecutionReport]:
    """Every whole record, in the order in which it came.

    Raises:
        UserError: It is no journal of this version, or a record before the last one is
            damaged.
    """
    with path.open("rb") as handle:
        if handle.read(len(HEADER)) != HEADER:
            raise UserError(
                f"{path} is no journal of this version: its session cannot be "
                "compared. Move its folder away."
            )
        offset, rest = len(HEADER), b""
        while chunk := handle.read(_READ_BYTES):
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            for line in lines:
                report = decoded(line)
                if report is None:
                    raise UserError(
                        f"{path} is damaged at byte {offset}: its session cannot be "
                        "compared. Move its folder away."
                    )
                offset += len(line) + 1
                yield report
