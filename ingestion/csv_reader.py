"""Reads a CSV text block by block; rows of another width are set aside.

Blank rows, of separators and spaces alone, are nobody's fault and are skipped.
"""

import csv
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from ingestion.documents import Document, is_header
from ingestion.errors import DocumentError
from ingestion.reasons import SENTENCES, ReasonCode

REJECTED_SCHEMA = pa.schema(
    {
        "resource": pa.string(),
        "origin": pa.string(),
        "line_number": pa.int64(),
        "column_name": pa.string(),
        "cell": pa.string(),
        "reason_code": pa.string(),
        "reason": pa.string(),
        "trade_date": pa.date32(),
    }
)

# No header cell can have this name: it would not survive a CSV file as one.
LINE_NUMBER = "\x1fline"
BLOCK_BYTES = 32 * 2**20
# No header is longer; a text without line ends must not fill the memory.
HEADER_BYTES = 2**20
# The last line of a page over the API.
TRAILER = re.compile(r"^Page\s+(\d+)\s*/\s*(\d+)\s*$")


# What a spreadsheet is given to keep a number as it is written.
WRAPPER = r'^\s*="(.*)"\s*$'


class CsvReader:
    """The text cells of a document, read block by block.

    Attributes:
        names: Header cells.

    Raises:
        DocumentError: It is no CSV text, or has no header.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._broken: list[pyarrow.csv.InvalidRow] = []
        self._broken_seen = 0
        self._missing_pages = ""
        with document.open() as stream:
            self._lines_before, self._starts_at = 0, 0
            first_line = stream.readline(HEADER_BYTES)
            while first_line and _is_blank(first_line.decode("utf-8", "replace")):
                self._lines_before += 1
                self._starts_at = stream.tell()
                first_line = stream.readline(HEADER_BYTES)
            self._is_header_alone = not stream.read(1)
        self.names = _header(document.origin, first_line, self._lines_before + 1)

    def blocks(self) -> Iterator[pa.Table]:
        """Tables with one string column per header cell, and `LINE_NUMBER`."""
        if self._is_header_alone:
            return
        next_line = 2
        with self._document.open() as stream:
            stream.seek(self._starts_at)
            try:
                for block in self._reader(stream):
                    self._refuse_other_header()
                    lines = self._line_numbers(next_line, block.num_rows)
                    if lines.size:
                        next_line = int(lines[-1]) + 1
                    table = _unwrapped(pa.Table.from_batches([block]))
                    lines += self._lines_before
                    yield table.append_column(LINE_NUMBER, pa.array(lines, pa.int64()))
                self._refuse_other_header()
                if self._missing_pages:
                    raise DocumentError(
                        f"{self._document.origin} ends with `{self._missing_pages}`: "
                        "it holds one page of several. Export all of it."
                    )
            except (pa.ArrowInvalid, OSError) as error:
                raise self._not_text() or DocumentError(
                    f"{self._document.origin} cannot be read as CSV "
                    f"({str(error).splitlines()[0]}). "
                    "Export it again from PropReports as UTF-8 CSV."
                ) from None

    def rejected(self) -> pa.Table:
        """As `REJECTED_SCHEMA`: rows of another width, once all blocks are read."""
        return pa.Table.from_pylist(
            [
                {
                    "resource": self._document.resource.name,
                    "origin": self._document.origin,
                    "line_number": row.number + self._lines_before,
                    "cell": row.text,
                    "reason_code": ReasonCode.WRONG_WIDTH,
                    "reason": SENTENCES[ReasonCode.WRONG_WIDTH].format(
                        row.actual_columns, row.expected_columns
                    ),
                }
                for row in self._broken
                if not (
                    _is_blank(row.text)
                    or TRAILER.match(row.text.strip())
                    or self.repeats_header(_cells(row.text))
                )
            ],
            schema=REJECTED_SCHEMA,
        )

    def repeats_header(self, cells: list[str]) -> bool:
        """Whether a row is the header once more, as where two files were joined."""
        return [cell.strip().casefold() for cell in cells if cell.strip()] == [
            name.strip().casefold() for name in self.names
        ]

    def refuse_header(self, line: int, cells: list[str]) -> None:
        """Refuse a row that is a header, but not this document's.

        Raises:
            DocumentError: It is.
        """
        if self.repeats_header(cells):
            return
        if is_header(self.names, cells):
            raise DocumentError(
                f"{self._document.origin}, line {line}: another header begins here: "
                f"{', '.join(cells)[:200]}. Make two files of it, or export it again.",
                line=line,
            )

    def _refuse_other_header(self) -> None:
        for row in self._broken[self._broken_seen :]:
            self.refuse_header(row.number + self._lines_before, _cells(row.text))
        self._broken_seen = len(self._broken)

    def _not_text(self) -> DocumentError | None:
        """Which line is no UTF-8; None: all are."""
        with self._document.open() as stream:
            for number, line in enumerate(stream, start=1):
                if found := foreign_cell(line):
                    place, cell = found
                    column = self.names[place] if place < len(self.names) else None
                    return _no_utf8(self._document.origin, number, column, cell)
        return None

    def _reader(self, stream: BinaryIO) -> pyarrow.csv.CSVStreamingReader:
        def set_aside(row: pyarrow.csv.InvalidRow) -> str:
            self._broken.append(row)
            if (page := TRAILER.match(row.text.strip())) and page[1] != page[2]:
                self._missing_pages = page[0]
            return "skip"

        return pyarrow.csv.open_csv(
            stream,
            # One thread: only then does a broken row know its line.
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, block_size=BLOCK_BYTES
            ),
            parse_options=pyarrow.csv.ParseOptions(
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=set_aside,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(self.names, pa.string()),
                strings_can_be_null=False,
            ),
        )

    def _line_numbers(self, first: int, count: int) -> np.ndarray:
        """The next `count` line numbers from `first` on that no broken row has."""
        broken = np.array([row.number for row in self._broken if row.number >= first])
        candidates = np.arange(first, first + count + broken.size, dtype=np.int64)
        return np.setdiff1d(candidates, broken, assume_unique=True)[:count]


def _unwrapped(table: pa.Table) -> pa.Table:
    """The cells without the `="…"` that keeps a spreadsheet from changing them."""
    for place, column in enumerate(table.columns):
        texts = (chunk.buffers()[2] for chunk in column.chunks)
        if any(text and b'="' in text.to_pybytes() for text in texts):
            found = pc.replace_substring_regex(column, WRAPPER, r"\1")
            table = table.set_column(place, table.field(place), found)
    return table


def _is_blank(text: str) -> bool:
    """Whether a line holds nothing but separators."""
    return not text.strip(' \t\r\n,;"\ufeff')


def foreign_cell(line: bytes, separator: str = ",") -> tuple[int, str | None] | None:
    """Place, from 0, and text of a line's first cell that is no UTF-8; None: all is.

    The text is read as a spreadsheet in Western Europe writes it.
    """
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        before = line[: error.start].decode("utf-8")
        place = max(len(_cells(before, separator)) - 1, 0)
        cells = _cells(line.decode("cp1252", "replace"), separator)
        return place, cells[place] if place < len(cells) else None
    return None


def _cells(text: str, separator: str = ",") -> list[str]:
    return next(csv.reader([text], delimiter=separator), [])


def _no_utf8(
    origin: str, line: int, column: str | None, cell: str | None
) -> DocumentError:
    where = f", line {line}" + (f", column {column}" if column else "")
    return DocumentError(
        f"{origin}{where} is not UTF-8 text. Export it again as UTF-8 CSV.",
        line=line,
        column=column,
        cell=cell,
    )


def _header(origin: str, first_line: bytes, number: int) -> list[str]:
    first_line = first_line.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf")
    if found := foreign_cell(first_line):
        raise _no_utf8(origin, number, None, found[1])
    text = first_line.decode("utf-8")
    if text.lstrip().lower().startswith(("<!doctype", "<html")):
        raise DocumentError(
            f"{origin} is a web page, not CSV. Check PROPREPORTS_URL: it "
            "must be https://<firm>.propreports.com/api.php."
        )
    if not text.strip():
        raise DocumentError(
            f"{origin} is empty: it has no header line. Export it again from "
            "PropReports."
        )
    if ";" in text and "," not in text or "\t" in text and "," not in text:
        raise DocumentError(
            f"{origin}, line {number}: the header is separated by semicolons or tabs, "
            "as a spreadsheet saves it. Export it again from PropReports.",
            line=number,
        )
    if "\r" in text or text.count('"') % 2 or len(first_line) >= HEADER_BYTES - 1:
        raise DocumentError(
            f"{origin}: the header does not end with its line. Export it again, with "
            "line ends of Windows or Unix."
        )
    header = pyarrow.csv.read_csv(
        io.BytesIO(first_line + b"\n"),
        read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=True),
        convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=False),
    )
    cells = [str(column[0].as_py() or "") for column in header.columns]
    if not all(cell.strip() for cell in cells):
        raise DocumentError(
            f"{origin}: the header has a column without a name. "
            "Export it again from PropReports."
        )
    folded = [cell.strip().casefold() for cell in cells]
    twice = sorted({cell for cell in folded if folded.count(cell) > 1})
    if twice:
        raise DocumentError(
            f"{origin}: the header has the column {', '.join(twice)} twice."
        )
    return cells
