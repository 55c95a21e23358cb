"""Reads a CSV text block by block; rows of another width are set aside."""

import io
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from ingestion.documents import Document, DocumentError
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

# No header cell can be called so: it would not survive a CSV file as one.
LINE_NUMBER = "\x1fline"
BLOCK_BYTES = 32 * 2**20
# The last line of a page over the API.
TRAILER = re.compile(r"^Page\s+(\d+)\s*/\s*(\d+)\s*$")


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
                    "reason_code": ReasonCode.WRONG_WIDTH,
                    "reason": SENTENCES[ReasonCode.WRONG_WIDTH].format(
                        row.actual_columns, row.expected_columns
                    ),
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
