"""Every refusal names its place, in the message and in quarantine; blanks are none."""

import csv
import io
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.csv_reader import CsvReader
from ingestion.documents import Document
from ingestion.gate import GateError
from ingestion.resources import BROKER_DAYS, FILLS
from runtime.errors import UserError
from runtime.home import Home
from tests.conftest import rows
from tests.exports import FILL_HEADER, ExportedDay, ExportedFill, Exports
from tests.ingestion.test_exports_folder import load, one_file

MONDAY = datetime(2025, 3, 3, 9, 31, 7)
FILLS_OF_A_DAY = [
    ExportedFill(
        "A1", MONDAY + timedelta(seconds=61 * number), "B", Decimal(100), Decimal(10)
    )
    for number in range(40)
]


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """Forty fills and a summary of one account."""
    one = Exports(tmp_path / "exports").write(FILLS_OF_A_DAY)
    one.summarise([ExportedDay("A1", MONDAY.date(), 40, Decimal(4000), Decimal(0))])
    return one.folder


def home_of(exports: Path) -> Home:
    """Where it is loaded to."""
    return Home(exports.parent / "home")


def quarantine(home: Home) -> list[tuple]:
    """Place and reason of what is there."""
    return rows(
        home,
        "select resource, parse_filename(origin), line_number, column_name, cell, "
        "reason_code from raw.quarantine order by all",
    )


def changed(path: Path, old: str, new: str, lines: slice = slice(1, None)) -> None:
    """Replace text in some lines of a file."""
    found = path.read_text().splitlines(True)
    found[lines] = [line.replace(old, new) for line in found[lines]]
    path.write_text("".join(found))


def test_the_gate_names_the_first_row_and_quarantine_all(exports: Path) -> None:
    path = one_file(exports)
    changed(path, ",100,", ",many,", slice(3, 30))
    with pytest.raises(GateError, match=r"line 4: Qty `many` is not a number") as error:
        load(exports, exports.parent / "home")
    assert str(path) in str(error.value)
    found = quarantine(home_of(exports))
    assert found == [
        ("fills", path.name, line, "Qty", "many", "not_a_quantity")
        for line in range(4, 31)
    ]
    # What is mended is no evidence any more.
    changed(path, ",many,", ",100,")
    load(exports, exports.parent / "home")
    assert quarantine(home_of(exports)) == []


def test_none_that_can_be_read_names_the_first(exports: Path) -> None:
    changed(one_file(exports), ",B,", ",X,")
    with pytest.raises(UserError, match=r"line 2: B/S `X` is not one of B, S, T, C"):
        load(exports, exports.parent / "home")
    assert len(quarantine(home_of(exports))) == 40


UNREADABLE = {
    "no column": ("Qty", "Menge", r"has no column Qty", 1, None, None),
    "another header": (
        None,
        "Date,Type,Fills,Gross,Trade Fees,Net\n",
        "line 42: another header begins here",
        42,
        None,
        None,
    ),
    "header of the same width": (
        None,
        ",".join(reversed(FILL_HEADER)) + "\n",
        "line 42: another header begins here",
        42,
        None,
        None,
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_document_that_is_refused_is_in_quarantine(exports: Path, case: str) -> None:
    old, new, message, line, column, cell = UNREADABLE[case]
    path = one_file(exports)
    if old:
        changed(path, old, new, slice(0, 1))
    else:
        path.write_text(path.read_text() + new)
    with pytest.raises(UserError, match=message):
        load(exports, exports.parent / "home")
    assert ("fills", path.name, line, column, cell, "unreadable_document") in (
        quarantine(home_of(exports))
    )


def test_another_encoding_is_named_by_line_column_and_cell(exports: Path) -> None:
    path = one_file(exports)
    changed(path, "ARCA", "Zürich", slice(7, 8))
    path.write_bytes(path.read_text().encode("cp1252"))
    with pytest.raises(UserError, match=r"line 8, column Route is not UTF-8"):
        load(exports, exports.parent / "home")
    assert quarantine(home_of(exports)) == [
        ("fills", path.name, 8, "Route", "Zürich", "unreadable_document")
    ]


@pytest.mark.long
def test_a_file_joined_to_another_is_read_through_its_header(exports: Path) -> None:
    path = one_file(exports)
    lines = path.read_text().splitlines(True)
    path.write_text("".join([*lines[:20], lines[0], *lines[20:]]))
    home, summary = load(exports, exports.parent / "home")
    assert (summary.fills_read, summary.rejected) == (40, 0)


@pytest.mark.long
def test_two_lists_of_accounts_joined_name_no_account(exports: Path) -> None:
    path = exports / "accounts.csv"
    path.write_text(path.read_text() + "Account Id,Account Name\n900,A2\n")
    _, summary = load(exports, exports.parent / "home")
    assert (summary.accounts, summary.rejected) == (2, 0)


BLANKS = st.sampled_from(["", ",", ",,,,", " ", "\t", '""', " , ,", ",,,,,,,,,,,,,,"])


@given(
    st.lists(st.tuples(st.integers(0, 4), BLANKS), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
)
def test_blank_rows_are_skipped_and_the_others_keep_their_lines(
    blanks: list[tuple[int, str]], end: str
) -> None:
    wide = [list(one.row()) for one in FILLS_OF_A_DAY[:4]]
    wide[3][3] = "many"
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([FILL_HEADER, *wide])
    lines = text.getvalue().splitlines()
    for place, blank in sorted(blanks, reverse=True):
        lines.insert(place, blank)
    document = Document(FILLS, "x.csv", (end.join(lines) + end).encode())
    reader = CsvReader(document)
    bad = next(number for number, x in enumerate(lines, start=1) if ",many," in x)
    found = [
        (line, quantity)
        for block in reader.blocks()
        for line, quantity in zip(
            block["\x1fline"].to_pylist(), block["Qty"].to_pylist(), strict=True
        )
        if quantity.strip()
    ]
    assert len(found) == 4
    assert found[-1] == (bad, "many")
    assert reader.rejected().num_rows == 0


@pytest.mark.long
@pytest.mark.parametrize("blank", ["", ",", ",,,,,,", ",,,,,,,,,,,,,,", ",", '"",""'])
def test_blank_rows_are_nobodys_fault(exports: Path, blank: str) -> None:
    for path in (
        exports / "accounts.csv",
        one_file(exports),
        exports / "summaryByDate" / "A1.csv",
    ):
        lines = path.read_text().splitlines()
        path.write_text("\n".join([blank, lines[0], blank, *lines[1:], blank, ""]))
    home, summary = load(exports, exports.parent / "home")
    assert (summary.accounts, summary.fills_read, summary.rejected) == (1, 40, 0)
    assert rows(home, "select count(*) from raw.broker_days") == [(1,)]


@pytest.mark.long
def test_a_summary_that_is_refused_is_named_and_the_fills_load(exports: Path) -> None:
    path = exports / "summaryByDate" / "A1.csv"
    path.write_text(path.read_text() + "22/03/2025,Eq,1,1,0.00,0.00,0.00\n")
    home, summary = load(exports, exports.parent / "home")
    assert summary.fills_read == 40
    assert (
        BROKER_DAYS.name, "A1.csv", 3, "Date", "22/03/2025", "unreadable_document",
    ) in quarantine(home)  # fmt: skip
    assert rows(home, "select count(*) from raw.broker_days") == [(0,)]
