"""Opens what a folder of exports may hold: CSV, gzip of CSV, a workbook with a sheet.

Nothing blocks, nothing is read that is no file, and what inflates has an end.
"""

import csv
import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from ingestion.errors import DocumentError
from runtime.files import NotRegularError, open_regular

CSV, GZIP, WORKBOOK = ".csv", ".csv.gz", ".xlsx"
READABLE = (CSV, GZIP, WORKBOOK)
# A fill takes some 150 bytes: these are ten million of them, and a hundred times less.
MAXIMUM_INFLATED_BYTES = 2 * 2**30
MAXIMUM_INFLATION = 200
MAXIMUM_WORKBOOK_BYTES = 512 * 2**20
MAXIMUM_WORKBOOK_CELLS = 20_000_000
# Of a larger number a spreadsheet keeps the first fifteen digits only.
EXACT_INTEGERS = 10**15
_SECOND = timedelta(seconds=1)


def readable_suffix(path: Path) -> str | None:
    """Which of `READABLE` a file's name ends with; None: none."""
    name = path.name.casefold()
    return next((suffix for suffix in READABLE if name.endswith(suffix)), None)


def stem(path: Path) -> str:
    """A file's name without the end that says what it is."""
    return path.name[: -len(readable_suffix(path) or path.suffix) or None]


def open_file(path: Path) -> BinaryIO:
    """A file's CSV text as a stream.

    Raises:
        DocumentError: It cannot be read, or is no file, or inflates without end.
    """
    suffix = readable_suffix(path)
    stream = _open_regular(path)
    if suffix == WORKBOOK:
        with stream:
            status = os.fstat(stream.fileno())
        return io.BytesIO(_csv_of_workbook(path, status.st_mtime_ns, status.st_size))
    if suffix == GZIP:
        return io.BufferedReader(_Inflated(path, stream))
    return stream


def _open_regular(path: Path) -> BinaryIO:
    try:
        return open_regular(path)
    except NotRegularError:
        raise DocumentError(
            f"{path} is no file, but a folder, pipe, socket or device. Put the "
            "exported file there."
        ) from None
    except OSError as error:
        raise DocumentError(f"{path} cannot be read ({error.strerror}).") from None


class _Inflated(io.RawIOBase):
    """What a gzip file holds, up to a limit."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path = path
        self._stream = stream
        self._gzip = gzip.GzipFile(fileobj=stream)
        size = os.fstat(stream.fileno()).st_size
        self._limit = min(MAXIMUM_INFLATED_BYTES, MAXIMUM_INFLATION * max(size, 4096))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._gzip.seek(offset, whence)

    def tell(self) -> int:
        return self._gzip.tell()

    def readinto(self, buffer: Any) -> int:
        try:
            chunk = self._gzip.read(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            raise DocumentError(
                f"{self._path} cannot be unpacked ({error}). Copy it again, or unpack "
                "it yourself."
            ) from None
        if self._gzip.tell() > self._limit:
            raise DocumentError(
                f"{self._path} inflates to more than {self._limit:,} bytes. Unpack it "
                "yourself, if it is what it should be."
            )
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._gzip.close()
            self._stream.close()
        super().close()


# A document is opened for its header first.
@lru_cache(maxsize=1)
def _csv_of_workbook(path: Path, modified_ns: int, size: int) -> bytes:  # noqa: ARG001
    """The one sheet of a workbook that holds rows, as CSV; formulas stay text.

    Raises:
        DocumentError: It is no workbook, is too large, or several sheets hold rows.
    """
    from openpyxl import load_workbook

    try:
        with _open_regular(path) as stream:
            _refuse_bomb(path, stream)
            workbook = load_workbook(
                stream, read_only=True, data_only=False, keep_links=False
            )
            written = {}
            for sheet in workbook.worksheets:
                # What a sheet says of its size may be wrong.
                sheet.reset_dimensions()
                text = _csv_of_rows(path, sheet.iter_rows(values_only=True))
                if text:
                    written[sheet.title] = text
    except (DocumentError, MemoryError):
        raise
    # Its reader raises whatever a part of the archive makes it raise.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise DocumentError(
            f"{path} cannot be read as a workbook ({type(error).__name__}: {reason}). "
            "Export it from PropReports as CSV."
        ) from None
    if len(written) > 1:
        raise DocumentError(
            f"{path} has {len(written)} sheets with rows: {', '.join(written)}. Leave "
            "one, or export it from PropReports as CSV."
        )
    return next(iter(written.values()), b"")


def _refuse_bomb(path: Path, stream: BinaryIO) -> None:
    with zipfile.ZipFile(stream) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    stream.seek(0)
    if size > MAXIMUM_WORKBOOK_BYTES:
        raise DocumentError(
            f"{path} inflates to {size:,} bytes, more than {MAXIMUM_WORKBOOK_BYTES:,}. "
            "Export it from PropReports as CSV."
        )


def _csv_of_rows(path: Path, rows: Iterator[tuple]) -> bytes:
    """Rows as CSV, each as wide as the first that is not blank; empty if all are."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    width = cells = blank = 0
    for row in rows:
        cells += max(len(row), 1)
        if cells > MAXIMUM_WORKBOOK_CELLS:
            raise DocumentError(
                f"{path} has more than {MAXIMUM_WORKBOOK_CELLS:,} cells. Export it "
                "from PropReports as CSV."
            )
        shown = [_cell(value) for value in row]
        while shown and not shown[-1]:
            shown.pop()
        if not shown:
            blank += 1
            continue
        # Blank rows count, so that a line's number is the row's.
        text.write("\n" * blank)
        blank = 0
        width = width or len(shown)
        writer.writerow(shown + [""] * (width - len(shown)))
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """A cell as PropReports would write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float) and abs(value) >= EXACT_INTEGERS:
        return f"{value:.5E}"
    if isinstance(value, float):
        return f"{Decimal(f'{value:.15g}'):f}"
    if isinstance(value, datetime):
        # Times are fractions of a day, and seconds are not.
        at = (value + _SECOND / 2).replace(microsecond=0)
        is_date = at.time() == time()
        return f"{at:%m/%d/%Y}" if is_date else f"{at:%m/%d/%Y %H:%M:%S}"
    if isinstance(value, date):
        return f"{value:%m/%d/%Y}"
    return str(value).strip()
