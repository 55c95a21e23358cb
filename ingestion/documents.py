"""A CSV text as it came: its cells, its header, and which column is which."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from ingestion.resources import FEE_LABELS, Resource
from runtime.errors import UserError

REJECTED_SCHEMA = pa.schema(
    {
        "resource": pa.string(),
        "origin": pa.string(),
        "line_number": pa.int64(),
        "column_name": pa.string(),
        "cell": pa.string(),
        "reason": pa.string(),
        "trade_date": pa.date32(),
    }
)


# No header cell can be called so: it would not survive a CSV file as one.
LINE_NUMBER = "\x1fline"
BLOCK_BYTES = 32 * 2**20
# The last line of a page over the API.
TRAILER = re.compile(r"^Page\s+(\d+)\s*/\s*(\d+)\s*$")


class DocumentError(UserError):
    """A document cannot be read at all, or is not what it should be."""


@dataclass(frozen=True)
class Document:
    """A CSV text as it came.

    Attributes:
        resource: What it holds.
        origin: Where from, for messages: a file, or a request and its dates.
        body: The bytes, header first, or the file that holds them.
        account_name: Whose it is, for reports without an account column.
        covers: First and last date it speaks for: a day in between that it does not
            hold has no rows. None: from an account's first day in it on.
        is_blank: It came without a header even: no rows, or no answer.
    """

    resource: Resource
    origin: str
    body: bytes | Path = field(repr=False)
    account_name: str | None = None
    covers: tuple[date, date] | None = None
    is_blank: bool = False

    def open(self) -> BinaryIO:
        """The bytes as a stream.

        Raises:
            UserError: The file cannot be read.
        """
        if isinstance(self.body, bytes):
            return io.BytesIO(self.body)
        try:
            return self.body.open("rb")
        except OSError as error:
            raise UserError(f"{self.body} cannot be read ({error.strerror}).") from None


@dataclass(frozen=True)
class Header:
    """Which cell of a document's header is what.

    Attributes:
        columns: Header cell by raw column name.
        fees: Header cell by fee name.
        extra: Header cells that no raw column is declared for, each with whether it is
            known all the same.
    """

    columns: dict[str, str]
    fees: dict[str, str]
    extra: dict[str, bool]


class Cells:
    """The text cells of a document, read block by block.

    Attributes:
        names: Header cells.

    Raises:
        DocumentError: It is no CSV text, or has no header.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._broken: list[pyarrow.csv.InvalidRow] = []
        self._missing_pages = ""
        with document.open() as stream:
            first_line = stream.readline()
            self._is_header_alone = not stream.read(1)
        self.names = _header(document.origin, first_line)

    def blocks(self) -> Iterator[pa.Table]:
        """Tables with one string column per header cell, and `LINE_NUMBER`."""
        if self._is_header_alone:
            return
        next_line = 2
        with self._document.open() as stream:
            try:
                for block in self._reader(stream):
                    lines = self._line_numbers(next_line, block.num_rows)
                    if lines.size:
                        next_line = int(lines[-1]) + 1
                    table = pa.Table.from_batches([block])
                    yield table.append_column(LINE_NUMBER, pa.array(lines, pa.int64()))
                if self._missing_pages:
                    raise DocumentError(
                        f"{self._document.origin} ends with `{self._missing_pages}`: "
                        "it holds one page of several. Export all of it."
                    )
            except (pa.ArrowInvalid, OSError) as error:
                raise DocumentError(
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
                    "line_number": row.number,
                    "cell": row.text,
                    "reason": f"has {row.actual_columns} cells, "
                    f"the header has {row.expected_columns}",
                }
                for row in self._broken
                if row.text.strip() and not TRAILER.match(row.text.strip())
            ],
            schema=REJECTED_SCHEMA,
        )

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


def _header(origin: str, first_line: bytes) -> list[str]:
    first_line = first_line.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf")
    try:
        text = first_line.decode("utf-8")
    except UnicodeDecodeError:
        raise DocumentError(
            f"{origin} is not UTF-8 text. Export it again as UTF-8 CSV."
        ) from None
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
    if "\r" in text or text.count('"') % 2:
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


def match_header(document: Document, cells: list[str]) -> Header:
    """Find the declared columns among the header cells.

    Raises:
        DocumentError: A required column is absent, or two fees have one name.
    """
    resource = document.resource
    folded = {cell.strip().casefold(): cell for cell in cells}
    found: dict[str, str] = {}
    for column in resource.columns:
        for label in column.labels:
            cell = folded.get(label.casefold())
            if cell is not None:
                found[column.name] = cell
                break
    absent = [
        column.labels[0]
        for column in resource.columns
        if column.in_header and column.name not in found
    ]
    if absent:
        # A first line that is no header may be a row, and hold a person's name.
        shown = f"Its header is: {', '.join(cells)[:200]}. " if found else ""
        raise DocumentError(
            f"{document.origin} has no column {', '.join(absent)}. {shown}"
            "Export it again with all columns."
        )
    rest = [cell for cell in cells if cell not in found.values()]
    fees: dict[str, str] = {}
    if resource.fees_between:
        first, last = (cells.index(folded[x.casefold()]) for x in resource.fees_between)
        between = cells[first + 1 : last]
        for cell in rest:
            if cell not in between and cell.strip().casefold() not in FEE_LABELS:
                continue
            name = re.sub(r"[^0-9a-z]+", "_", cell.strip().casefold()).strip("_")
            if name in fees:
                raise DocumentError(
                    f"{document.origin} has two columns for the fee {name}: "
                    f"{fees[name]} and {cell}. Export it again with one."
                )
            fees[name] = cell
        rest = [cell for cell in rest if cell not in fees.values()]
    extra = {
        cell: any(
            fnmatchcase(cell.strip().casefold(), known) for known in resource.kept_aside
        )
        for cell in rest
    }
    return Header(found, fees, extra)
