"""A CSV text as it came: its cells, its header, and which column is which."""

import io
import re
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

import pyarrow as pa
import pyarrow.csv

from ingestion.resources import Resource
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


class DocumentError(UserError):
    """A document cannot be read at all, or is not what it should be."""


@dataclass(frozen=True)
class Document:
    """A CSV text as it came.

    Attributes:
        resource: What it holds.
        origin: Where from, for messages: a file, or a request and its dates.
        body: The bytes, header first.
        account_name: Whose it is, for reports without an account column.
        covers: First and last date it speaks for: a day in between that it does not
            hold has no rows. None: from its own first to its own last date.
    """

    resource: Resource
    origin: str
    body: bytes
    account_name: str | None = None
    covers: tuple[date, date] | None = None


@dataclass(frozen=True)
class Header:
    """Which cell of a document's header is what.

    Attributes:
        columns: Header cell by raw column name.
        fees: Header cell by fee name.
        unknown: Header cells that are declared nowhere.
    """

    columns: dict[str, str]
    fees: dict[str, str]
    unknown: tuple[str, ...]


def read_cells(document: Document) -> tuple[pa.Table, pa.Table]:
    """Split a document into text cells: one string column per header, line_number."""
    broken: list[pyarrow.csv.InvalidRow] = []

    def set_aside(row: pyarrow.csv.InvalidRow) -> str:
        broken.append(row)
        return "skip"

    header = _header(document)
    try:
        table = pyarrow.csv.read_csv(
            # Without its line end a lone header would count as an empty file.
            io.BytesIO(document.body.rstrip(b"\r\n") + b"\n"),
            # One thread: only then does a broken row know its line.
            read_options=pyarrow.csv.ReadOptions(use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=set_aside,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0]
        raise DocumentError(
            f"{document.origin} cannot be read as CSV ({reason}). "
            "Export it again from PropReports as UTF-8 CSV."
        ) from None
    broken_lines = {row.number for row in broken}
    last = 1 + len(table) + len(broken_lines)
    lines = [line for line in range(2, last + 1) if line not in broken_lines]
    rejected = pa.Table.from_pylist(
        [
            {
                "resource": document.resource.name,
                "origin": document.origin,
                "line_number": row.number,
                "column_name": None,
                "trade_date": None,
                "cell": row.text,
                "reason": f"has {row.actual_columns} cells, "
                f"the header has {row.expected_columns}",
            }
            for row in broken
            if row.text.strip()
        ],
        schema=REJECTED_SCHEMA,
    )
    # An empty line of a one-column file is a row of one empty cell: it holds nothing.
    return table.append_column(LINE_NUMBER, pa.array(lines, pa.int64())), rejected


def _header(document: Document) -> list[str]:
    first_line = document.body.split(b"\n", 1)[0].removeprefix(b"\xef\xbb\xbf")
    try:
        text = first_line.decode("utf-8")
    except UnicodeDecodeError:
        raise DocumentError(
            f"{document.origin} is not UTF-8 text. Export it again as UTF-8 CSV."
        ) from None
    if text.lstrip().lower().startswith(("<!doctype", "<html")):
        raise DocumentError(
            f"{document.origin} is a web page, not CSV. Check PROPREPORTS_URL: it "
            "must be https://<firm>.propreports.com/api.php."
        )
    if not text.strip():
        raise DocumentError(f"{document.origin} is empty: it has no header line.")
    header = pyarrow.csv.read_csv(
        io.BytesIO(first_line + b"\n"),
        read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=True),
        convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=False),
    )
    cells = [str(column[0].as_py() or "") for column in header.columns]
    if not all(cell.strip() for cell in cells):
        raise DocumentError(
            f"{document.origin}: the header has a column without a name. "
            "Export it again from PropReports."
        )
    folded = [cell.strip().casefold() for cell in cells]
    twice = sorted({cell for cell in folded if folded.count(cell) > 1})
    if twice:
        raise DocumentError(
            f"{document.origin}: the header has the column {', '.join(twice)} twice."
        )
    return cells


def match_header(document: Document, cells: list[str]) -> Header:
    """Find the declared columns among the header cells.

    Raises:
        DocumentError: A required column is absent, or two fees have one name.
    """
    resource = document.resource
    cells = [cell for cell in cells if cell != LINE_NUMBER]
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
        raise DocumentError(
            f"{document.origin} has no column {', '.join(absent)}. Its header is: "
            f"{', '.join(cells)[:200]}. Export it again with all columns."
        )
    rest = [cell for cell in cells if cell not in found.values()]
    fees: dict[str, str] = {}
    if resource.fees_between:
        first, last = (cells.index(folded[x.casefold()]) for x in resource.fees_between)
        for cell in cells[first + 1 : last]:
            name = re.sub(r"[^0-9a-z]+", "_", cell.strip().casefold()).strip("_")
            if name in fees:
                raise DocumentError(
                    f"{document.origin} has two columns for the fee {name}: "
                    f"{fees[name]} and {cell}. Export it again with one."
                )
            fees[name] = cell
        rest = [cell for cell in rest if cell not in fees.values()]
    unknown = [
        cell
        for cell in rest
        if not any(
            fnmatchcase(cell.strip().casefold(), known)
            for known in resource.passed_over
        )
    ]
    return Header(found, fees, tuple(unknown))
