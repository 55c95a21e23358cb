"""The CSV reader: every format the specification lists, and rubbish set aside."""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from unicodedata import category

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingestion.documents import Document
from ingestion.errors import DocumentError
from ingestion.parsed_batch import ParsedBatch
from ingestion.reasons import SENTENCES, ReasonCode
from ingestion.resources import ACCOUNTS, BROKER_DAYS, FILLS, POSITIONS
from tests.draws import draw

HEADER = (
    "Date/Time,Account,B/S,Qty,Symbol,Price,Liq,Comm,Ecn Fee,Order Id,Fill Id,Status"
)
CASES = draw(30, 600)
GOOD = "03/03/2025 09:31:05,A1,B,300,QQZ,20.00,R,0.90,-0.40,O-1,F1,REGULAR"


@dataclass(frozen=True)
class Read:
    """What a batch made of one document."""

    rows: list[dict]
    rejected: list[dict]
    days: list[tuple]
    unlisted: dict[str, str]
    extra_cells: list[tuple]


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> ParsedBatch:
    """A batch that knows account A1 as number 501."""
    with ParsedBatch(salt="salt", spill=tmp_path_factory.mktemp("spill")) as made:
        made.set_accounts([{"A1": "501"}], {})
        yield made


def read(batch: ParsedBatch, document: Document) -> Read:
    """Read one document and forget it."""
    batch.clear()
    batch.read(document)
    batch.create_origin_days()
    batch.create_days()
    name = document.resource.name
    find = batch.connection.execute
    found = Read(
        batch.connection.sql(f"from {name}_rows order by line_number")
        .to_arrow_table()
        .to_pylist(),
        batch.connection.sql("from rejected order by line_number")
        .to_arrow_table()
        .to_pylist(),
        find("select * from days order by all").fetchall(),
        batch.unlisted(),
        find("select line_number, column_name, cell from extra_cells").fetchall(),
    )
    batch.clear()
    return found


def fills(batch: ParsedBatch, *lines: str, header: str = HEADER) -> Read:
    """Read a document of fills."""
    return read(batch, Document(FILLS, "x.csv", "\n".join([header, *lines]).encode()))


def fees(row: dict) -> dict[str, Decimal]:
    """Fees of a row by name, those that are not zero."""
    return {
        name.removeprefix("fee_"): amount
        for name, amount in row.items()
        if name.startswith("fee_") and amount
    }


def with_cell(column: str, cell: str) -> str:
    """The good line with one cell replaced."""
    cells = GOOD.split(",")
    cells[HEADER.split(",").index(column)] = f'"{cell}"'
    return ",".join(cells)


def test_a_plain_row_is_typed_and_its_fees_are_kept_by_name(batch: ParsedBatch) -> None:
    (row,) = fills(batch, GOOD).rows
    assert row["account_number"] == "501"
    assert row["filled_at_et"] == datetime(2025, 3, 3, 9, 31, 5)
    assert (row["quantity"], row["price"]) == (300, 20)
    assert row["total_fees"] == Decimal("0.50")
    assert fees(row) == {"comm": Decimal("0.9"), "ecn_fee": Decimal("-0.4")}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1234.5", "1234.5"), ("1,234.50", "1234.5"), ("$1,234.5", "1234.5"),
        ("(12.34)", "-12.34"), ("-12.34", "-12.34"), ("$-3", "-3"), ("-$3", "-3"),
        (".5", "0.5"), ("5.", "5"), ("0.123456780000", "0.12345678"), ("+7", "7"),
    ],
)  # fmt: skip
def test_numbers_in_every_format_of_the_specification(
    batch: ParsedBatch, cell: str, expected: str
) -> None:
    parsed = fills(batch, with_cell("Comm", cell))
    assert not parsed.rejected
    assert fees(parsed.rows[0])["comm"] == Decimal(expected)


@pytest.mark.parametrize("cell", ["", "-", "--", " "])
def test_a_blank_number_is_no_fee(batch: ParsedBatch, cell: str) -> None:
    parsed = fills(batch, with_cell("Comm", cell))
    assert [row["total_fees"] for row in parsed.rows] == [Decimal("-0.4")]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2025-03-03", "2025-03-03"),
        ("3/3/2025", "2025-03-03"),
        ("03/03/25", "2025-03-03"),
    ],
)
def test_dates_in_every_format_of_the_specification(
    batch: ParsedBatch, cell: str, expected: str
) -> None:
    parsed = fills(batch, with_cell("Date/Time", f"{cell} 09:31:05"))
    assert [row["trade_date"] for row in parsed.rows] == [date.fromisoformat(expected)]


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("Date/Time", "02/30/2025 09:30:00", "is not a date and time"),
        ("Date/Time", "03/03/2025 25:00:00", "is not a date and time"),
        ("Date/Time", "01/02/2999 09:30:00", "lies in the future"),
        ("B/S", "X", "is not one of B, S, T, C"),
        ("Qty", "0", "is not a number above 0"),
        ("Qty", "-5", "is not a number above 0"),
        ("Qty", "1e3", "is not a number above 0"),
        ("Qty", "1 000", "is not a number above 0"),
        ("Qty", "12345678901", "is not a number above 0"),
        ("Qty", "100000000", "is not a number above 0 and below 10^8"),
        ("Price", "9999999999", "times the quantity is 10^11 or more"),
        ("Date/Time", "01/02/0025 09:30:00", "lies before 1990"),
        ("Qty", "", "is empty"),
        ("Symbol", "", "is empty"),
        ("Price", "nan", "is not a number"),
        ("Price", "1,23", "is not a number"),
        ("Price", "1.123456789", "is not a number"),
        ("Comm", "free", "is not a number"),
    ],
)
def test_a_row_that_cannot_be_read_is_set_aside_with_place_and_reason(
    batch: ParsedBatch, column: str, cell: str, reason: str
) -> None:
    parsed = fills(batch, GOOD, with_cell(column, cell), GOOD)
    assert len(parsed.rows) == 2
    (rejected,) = parsed.rejected
    assert (rejected["origin"], rejected["line_number"]) == ("x.csv", 3)
    assert rejected["column_name"] == column
    assert rejected["cell"] == cell
    assert rejected["reason"].startswith(reason)
    assert rejected["reason"] == SENTENCES[ReasonCode(rejected["reason_code"])]


def test_a_broken_line_is_set_aside_and_later_lines_keep_their_number(
    batch: ParsedBatch,
) -> None:
    parsed = fills(batch, GOOD, "only,three,cells", with_cell("B/S", "X"))
    assert [(row["line_number"], row["reason_code"]) for row in parsed.rejected] == [
        (3, ReasonCode.WRONG_WIDTH),
        (4, ReasonCode.NOT_A_SIDE),
    ]
    assert len(parsed.rows) == 1


def test_columns_are_found_by_name_in_any_order_and_case(batch: ParsedBatch) -> None:
    header = "fill id,order id,ecn fee,LIQ,price,symbol,qty,b/s,account,date/time"
    line = "F1,O-1,0.1,R,20,QQZ,300,b,A1,3/3/2025 9:31:05"
    parsed = fills(batch, line, header=header)
    assert [row["side"] for row in parsed.rows] == ["B"]


def test_a_fee_column_nobody_knows_is_a_fee_and_any_other_is_kept_aside(
    batch: ParsedBatch,
) -> None:
    header = HEADER.replace("Ecn Fee", "New Levy") + ",Mood"
    parsed = fills(batch, GOOD + ",fine", header=header)
    assert fees(parsed.rows[0]).keys() == {"comm", "new_levy"}
    assert parsed.extra_cells == [(2, "Mood", "fine")]


def test_an_account_no_list_names_is_kept_under_a_hash(batch: ParsedBatch) -> None:
    parsed = fills(batch, with_cell("Account", "Jane Roe"))
    ((number, name),) = parsed.unlisted.items()
    assert name == "Jane Roe"
    assert [row["account_number"] for row in parsed.rows] == [number]
    assert "Jane" not in number


def test_the_order_of_rows_does_not_change_a_days_version(batch: ParsedBatch) -> None:
    other = with_cell("Fill Id", "F2")
    one, two = fills(batch, GOOD, other), fills(batch, other, GOOD)
    assert one.days == two.days
    assert fills(batch, GOOD, GOOD).days != fills(batch, GOOD).days


def test_a_new_fee_column_of_zeros_changes_no_version(batch: ParsedBatch) -> None:
    header = HEADER.replace("Ecn Fee", "Ecn Fee,CAT")
    line = GOOD.replace("-0.40", "-0.40,0")
    assert fills(batch, line, header=header).days == fills(batch, GOOD).days


def test_total_rows_of_the_summary_are_no_data(batch: ParsedBatch) -> None:
    body = "Date,Type,Fills,Gross,Net\n3/3/2025,Eq,2,5.00,4.00\nEquities,,2,5.00,4.00\n"
    parsed = read(batch, Document(BROKER_DAYS, "s", body.encode(), "A1"))
    assert len(parsed.rows) == 1
    assert not parsed.rejected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"Account Id\n1\n", "has no column Account Name"),
        (b"Account Id,Account Name,Account Id\n", "twice"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (
            b"Account Id,Account Name\n1,\xff\xff\n",
            "line 2, column Account Name is not",
        ),
    ],
)
def test_a_document_that_is_none_is_refused_in_one_line(
    batch: ParsedBatch, body: bytes, message: str
) -> None:
    with pytest.raises(DocumentError, match=message) as caught:
        batch.read_accounts(Document(ACCOUNTS, "accounts.csv", body))
    assert "\n" not in str(caught.value)


SPACES = "".join(x for x in map(chr, range(0x10000)) if category(x) == "Zs")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
# A cell with a line break is quarantined: it looks like a quote that is not closed.
LINES = st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r"), max_size=12)
DECIMALS = st.decimals(-(10**12), 10**12, places=8) | st.decimals(
    allow_nan=True, allow_infinity=True
)
NUMBERS = st.one_of(
    DECIMALS.map(lambda value: f"{value:f}"),
    st.decimals(-(10**6), 10**6, places=2).map(lambda value: f"{value:,}"),
    st.decimals(0, 10**6, places=2).map(lambda value: f"({value:,})"),
    st.decimals(0, 10**6, places=4).map(lambda value: f"${value}"),
    st.sampled_from(["", "-", "--", "1e5", "0x10", "١٢", "1_000", "½", "Infinity"]),
    TEXTS,
)
DAYS = st.dates(date(1985, 1, 1), date(2030, 1, 1))
TIMES = st.one_of(
    st.tuples(DAYS, st.times()).map(lambda x: f"{x[0]:%m/%d/%Y} {x[1]:%H:%M:%S}"),
    DAYS.map(lambda day: f"{day.month}/{day.day}/{day.year % 100:02d} 9:30:00"),
    DAYS.map(date.isoformat),
    TEXTS,
)
ROWS = st.fixed_dictionaries(
    {
        "Date/Time": TIMES,
        "Account": st.sampled_from(["A1", "B, 2"]) | TEXTS,
        "B/S": st.sampled_from(["B", "S", "T", "C", "b", " S "]) | TEXTS,
        "Qty": NUMBERS,
        "Symbol": st.sampled_from(["QQZ", "BRK/A"]) | TEXTS,
        "Price": NUMBERS,
        "Liq": TEXTS,
        "Comm": NUMBERS,
        "Ecn Fee": NUMBERS,
        "Order Id": TEXTS,
        "Fill Id": TEXTS,
        "Status": TEXTS,
        "Mood": TEXTS,
    }
)
PLAIN_ROWS = st.fixed_dictionaries(
    {
        "Date/Time": st.dates(date(1990, 1, 1), date(2025, 12, 31)).map(
            lambda day: f"{day:%m/%d/%Y} 10:00:00"
        ),
        "Account": st.just("A1"),
        "B/S": st.sampled_from("BSTC"),
        "Qty": st.decimals("0.00000001", 10**7, places=8).map(lambda x: f"{x:f}"),
        "Symbol": st.just("QQZ"),
        "Price": st.decimals(0, 1000, places=8).map(lambda x: f"{x:f}"),
        "Liq": LINES,
        "Comm": st.decimals(-1000, 1000, places=8).map(lambda x: f"{x:f}"),
        "Ecn Fee": st.just("0"),
        "Order Id": LINES,
        "Fill Id": LINES,
        "Status": LINES,
        "Mood": LINES,
    }
)


@settings(max_examples=CASES)
@given(
    st.lists(ROWS | PLAIN_ROWS, min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"])
)
def test_any_table_comes_back_equal_or_is_quarantined(
    batch: ParsedBatch, table: list[dict[str, str]], line_end: str
) -> None:
    body = as_csv(table, line_end)
    found = read(batch, Document(FILLS, "x.csv", body))
    assert len(found.rows) + len(found.rejected) == len(table)
    # A quoted line break is part of a cell: rows are counted, not lines of text.
    assert {row["line_number"] for row in found.rows + found.rejected} == set(
        range(2, len(table) + 2)
    )
    moods = {line: cell for line, _, cell in found.extra_cells}
    for row in found.rows:
        given_row = {
            name: cell.strip(SPACES)
            for name, cell in table[row["line_number"] - 2].items()
        }
        assert row["filled_at_et"] == as_time(given_row["Date/Time"])
        assert row["side"] == given_row["B/S"].upper()
        assert row["quantity"] == as_number(given_row["Qty"]) > 0
        assert row["price"] == as_number(given_row["Price"])
        assert row["fee_comm"] == as_number(given_row["Comm"])
        assert row["fee_ecn_fee"] == as_number(given_row["Ecn Fee"])
        assert (row["total_fees"] or 0) == (row["fee_comm"] or 0) + (
            row["fee_ecn_fee"] or 0
        )
        for column, cell in (
            ("symbol", "Symbol"),
            ("liquidity", "Liq"),
            ("order_id", "Order Id"),
            ("fill_id", "Fill Id"),
            ("status", "Status"),
        ):
            assert (row[column] or "") == given_row[cell]
        assert moods.get(row["line_number"], "") == given_row["Mood"]
        account = given_row["Account"]
        if account != "A1":
            assert found.unlisted[row["account_number"]] == account


PLAIN_ROW = {
    "Date/Time": "01/02/2025 10:00:00", "Account": "A1", "B/S": "B", "Qty": "1",
    "Symbol": "QQZ", "Price": "2", "Liq": "", "Comm": "0", "Ecn Fee": "0",
    "Order Id": "", "Fill Id": "", "Status": "", "Mood": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("symbol", "is_read"),
    [("A" * 48, True), ("É" * 48, True), ("A" * 49, False), ("A\u200b", False)],
    ids=["48", "48 of two bytes", "49", "one that cannot be seen"],
)
def test_a_symbol_has_48_characters_that_can_be_seen(
    batch: ParsedBatch, symbol: str, is_read: bool
) -> None:
    table = [PLAIN_ROW | {"Symbol": symbol}]
    found = read(batch, Document(FILLS, "x.csv", as_csv(table, "\n")))
    assert bool(found.rows) == is_read
    assert [row["reason_code"] for row in found.rejected] == (
        [] if is_read else [ReasonCode.NOT_A_SYMBOL]
    )


@settings(max_examples=CASES // 3)
@given(st.lists(PLAIN_ROWS, min_size=1, max_size=8))
def test_a_readable_table_is_read_whole(
    batch: ParsedBatch, table: list[dict[str, str]]
) -> None:
    """Or the test before would pass with everything in quarantine."""
    found = read(batch, Document(FILLS, "x.csv", as_csv(table, "\n")))
    assert (len(found.rows), found.rejected) == (len(table), [])


def test_a_quote_that_is_not_closed_is_quarantined_and_loses_no_line(
    batch: ParsedBatch,
) -> None:
    rows_of_text = as_csv([PLAIN_ROW, PLAIN_ROW], "\n").decode().splitlines()
    # The last cell of the first row never ends, so it holds the second row as well.
    rows_of_text[1] = rows_of_text[1].removesuffix('""') + '"never closed'
    found = read(batch, Document(FILLS, "x.csv", "\n".join(rows_of_text).encode()))
    assert not found.rows
    assert any("A1" in (row["cell"] or "") for row in found.rejected)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"Date/Time,Account\r01/01/2025 10:00:00,A1\r", "end with its line"),
        (b'Date/Time,"Account\nName"\n01/01/2025 10:00:00,A1\n', "end with its line"),
    ],
)
def test_a_header_that_does_not_end_with_its_line_is_refused(
    batch: ParsedBatch, body: bytes, what: str
) -> None:
    with pytest.raises(DocumentError, match=what):
        read(batch, Document(FILLS, "x.csv", body))


ROUGH_CELLS = st.text(st.sampled_from('ab,"\n\r 1'), max_size=6)
ROUGH_ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@settings(max_examples=CASES)
@given(
    st.integers(1, 6),
    st.integers(0, 5),
    st.sampled_from(HEADER.split(",")),
    ROUGH_CELLS.map(lambda cell: cell.replace('"', "")),
    ROUGH_ENDS,
)
@example(3, 0, "Status", "REGULAR", "\n")
def test_a_quote_that_is_never_closed_swallows_nothing_unsaid(
    batch: ParsedBatch, count: int, place: int, column: str, cell: str, end: str
) -> None:
    lines = [GOOD.replace("F1", f"F{number}") for number in range(count)]
    broken = min(place, count - 1)
    cells = lines[broken].split(",")
    cells[HEADER.split(",").index(column)] = f'"{cell}'
    lines[broken] = ",".join(cells)
    text = HEADER + "\n" + end.join(lines) + end
    try:
        found = read(batch, Document(FILLS, "x.csv", text.encode()))
    except DocumentError as error:
        assert "\n" not in str(error)
        return
    whole = {f"F{number}" for number in range(count)} - {f"F{broken}"}
    for row in found.rows:
        assert row["fill_id"] in whole
        assert row["status"] == "REGULAR"
    # What is not there is reported.
    assert found.rejected
    kept = "".join(row["cell"] for row in found.rejected)
    for name in whole - {row["fill_id"] for row in found.rows}:
        assert f",{name}," in kept


@settings(max_examples=CASES)
@given(st.lists(st.tuples(ROUGH_CELLS, ROUGH_ENDS), min_size=1, max_size=6))
def test_malformed_lines_in_closed_quotes_come_back_equal_or_are_quarantined(
    batch: ParsedBatch, lines: list[tuple[str, str]]
) -> None:
    """Whatever stands in front of the last column cannot reach into the next row."""
    text = HEADER + "\n"
    for cell, end in lines:
        cells = GOOD.split(",")
        cells[-2] = cell.replace('"', "")
        cells[-1] = '"' + cell.replace('"', '""') + '"'
        text += ",".join(cells) + end
    assert_equal_or_quarantined(batch, text)


def assert_equal_or_quarantined(batch: ParsedBatch, text: str) -> None:
    """Every row is there as Python's own reader sees it, or it is quarantined."""
    try:
        found = read(batch, Document(FILLS, "x.csv", text.encode()))
    except DocumentError as error:
        assert "\n" not in str(error)
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    next(reader)
    # A line of blanks, separators and quotes is no row.
    blanks = ' \t\r\n,"'
    expected = [row for row in reader if any(cell.strip(blanks) for cell in row)]
    width = len(HEADER.split(","))
    readable = Counter(
        tuple(cell.strip(SPACES) for cell in row[-2:])
        for row in expected
        if len(row) == width
    )
    got = Counter((row["fill_id"] or "", row["status"] or "") for row in found.rows)
    assert got <= readable
    assert len(found.rows) + len(found.rejected) >= len(expected)


def test_old_line_ends_are_read_or_refused(batch: ParsedBatch) -> None:
    text = "\r".join([HEADER, GOOD, GOOD, ""])
    try:
        found = read(batch, Document(FILLS, "x.csv", text.encode()))
    except DocumentError:
        return
    assert len(found.rows) == 2


@pytest.mark.parametrize(
    "header",
    [
        HEADER + ',"Mo\nod"',
        HEADER + ',"Mo\r\nod"',
        HEADER + ',"Mood',
        HEADER.replace("Fill Id", '"Fill\nId"') + ",Mood",
    ],
)
def test_a_line_break_in_a_header_cell_is_read_or_refused(
    batch: ParsedBatch, header: str
) -> None:
    text = "\n".join([header, GOOD + ",fine", GOOD + ",fine", ""])
    try:
        found = read(batch, Document(FILLS, "x.csv", text.encode()))
    except DocumentError as error:
        assert "\n" not in str(error)
        return
    assert len(found.rows) == 2
    assert {cell for _, _, cell in found.extra_cells} == {"fine"}


def as_csv(table: list[dict[str, str]], line_end: str) -> bytes:
    """A table with a header, every cell quoted."""
    text = io.StringIO()
    names = [*HEADER.split(","), "Mood"]
    writer = csv.DictWriter(text, names, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue().encode()


def as_number(cell: str) -> Decimal | None:
    """What a cell's number is, read another way."""
    if cell in ("", "-", "--"):
        return None
    value = Decimal(cell.translate(str.maketrans("", "", "$,()")))
    return -value if cell.startswith("(") else value


def as_time(cell: str) -> datetime:
    """What a cell's date and time is, read another way."""
    day, _, time = cell.partition(" ")
    for pattern in ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y"):
        try:
            midnight = datetime.strptime(day, pattern)
        except ValueError:
            continue
        hours, minutes, seconds = map(int, (time or "0:00:00").split(":"))
        return midnight + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    raise AssertionError(cell)


def test_a_document_of_less_importance_is_set_aside_whole(batch: ParsedBatch) -> None:
    found = read(batch, Document(POSITIONS, "positions", b"Datum,Konto\n1,2\n"))
    assert not found.rows
    codes = [row["reason_code"] for row in found.rejected]
    assert codes == [ReasonCode.UNREADABLE_DOCUMENT]
    assert [row["reason"][:28] for row in found.rejected] == [
        "positions has no column Date"
    ]


def test_a_row_outside_the_dates_asked_for_is_set_aside(batch: ParsedBatch) -> None:
    """It would be a part of its day, and a day is replaced whole."""
    window = (date(2025, 3, 4), date(2025, 3, 5))
    body = "\n".join([HEADER, GOOD]).encode()
    found = read(batch, Document(FILLS, "fills", body, covers=window))
    assert "outside the dates asked for" in found.rejected[0]["reason"]
    assert found.rejected[0]["reason_code"] == ReasonCode.DATE_NOT_REQUESTED


def test_a_file_is_read_in_blocks(
    batch: ParsedBatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines keep their numbers over the seams, broken ones included."""
    monkeypatch.setattr("ingestion.csv_reader.BLOCK_BYTES", 4096)
    lines = [GOOD.replace("F1", f"F{number}") for number in range(1000)]
    for place in (10, 500, 501, 900):
        lines[place] = "broken"
    lines[700] = with_cell("B/S", "X")
    path = tmp_path / "x.csv"
    path.write_text("\n".join([HEADER, *lines]))
    found = read(batch, Document(FILLS, "x.csv", path))
    assert [row["line_number"] for row in found.rejected] == [12, 502, 503, 702, 902]
    assert len(found.rows) == 995
    assert all(row["fill_id"] == f"F{row['line_number'] - 2}" for row in found.rows)


def test_two_columns_of_one_fee_are_refused(batch: ParsedBatch) -> None:
    header = HEADER.replace("Comm,Ecn Fee", "ECN-Fee,Ecn Fee")
    with pytest.raises(DocumentError, match="two columns for the fee ecn_fee"):
        fills(batch, GOOD, header=header)
