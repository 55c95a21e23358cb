"""The CSV reader: every format the specification lists, and rubbish set aside."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.documents import Document, DocumentError
from ingestion.parse import Parser
from ingestion.resources import ACCOUNTS, BROKER_DAYS, FILLS

HEADER = (
    "Date/Time,Account,B/S,Qty,Symbol,Price,Liq,Comm,Ecn Fee,Order Id,Fill Id,Status"
)
GOOD = "03/03/2025 09:31:05,A1,B,300,QQZ,20.00,R,0.90,-0.40,O-1,F1,REGULAR"


@pytest.fixture(scope="module")
def parser() -> Parser:
    """A parser that knows account A1 as number 501 and reads up to 2025."""
    parser = Parser(salt="salt", before=date(2026, 1, 1))
    parser.set_accounts({"A1": "501"})
    return parser


def fills(parser: Parser, *lines: str, header: str = HEADER):
    """Parse a document of fills."""
    return parser.parse(Document(FILLS, "x.csv", "\n".join([header, *lines]).encode()))


def with_cell(column: str, cell: str) -> str:
    """The good line with one cell replaced."""
    cells = GOOD.split(",")
    cells[HEADER.split(",").index(column)] = f'"{cell}"'
    return ",".join(cells)


def test_a_plain_row_is_typed_and_its_fees_are_kept_by_name(parser: Parser) -> None:
    parsed = fills(parser, GOOD)
    (row,) = parsed.rows.to_pylist()
    assert row["account_number"] == "501"
    assert row["filled_at_et"] == datetime(2025, 3, 3, 9, 31, 5)
    assert (row["quantity"], row["price"]) == (300, 20)
    assert row["total_fees"] == Decimal("0.50")
    fees = [(fee["fee_name"], fee["amount"]) for fee in parsed.fees.to_pylist()]
    assert fees == [("comm", Decimal("0.9")), ("ecn_fee", Decimal("-0.4"))]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1234.5", "1234.5"), ("1,234.50", "1234.5"), ("$1,234.5", "1234.5"),
        ("(12.34)", "-12.34"), ("-12.34", "-12.34"), ("$-3", "-3"), ("-$3", "-3"),
        (".5", "0.5"), ("5.", "5"), ("0.123456780000", "0.12345678"), ("+7", "7"),
    ],
)  # fmt: skip
def test_numbers_in_every_format_of_the_specification(
    parser: Parser, cell: str, expected: str
) -> None:
    parsed = fills(parser, with_cell("Comm", cell))
    fees = {fee["fee_name"]: fee["amount"] for fee in parsed.fees.to_pylist()}
    assert parsed.rejected.num_rows == 0
    assert fees["comm"] == Decimal(expected)


@pytest.mark.parametrize("cell", ["", "-", "--", " "])
def test_a_blank_number_is_no_fee(parser: Parser, cell: str) -> None:
    parsed = fills(parser, with_cell("Comm", cell))
    assert parsed.rows["total_fees"].to_pylist() == [Decimal("-0.4")]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2025-03-03", "2025-03-03"),
        ("3/3/2025", "2025-03-03"),
        ("03/03/25", "2025-03-03"),
    ],
)
def test_dates_in_every_format_of_the_specification(
    parser: Parser, cell: str, expected: str
) -> None:
    parsed = fills(parser, with_cell("Date/Time", f"{cell} 09:31:05"))
    assert parsed.rows["trade_date"].to_pylist() == [date.fromisoformat(expected)]


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
    parser: Parser, column: str, cell: str, reason: str
) -> None:
    parsed = fills(parser, GOOD, with_cell(column, cell), GOOD)
    assert parsed.rows.num_rows == 2
    (rejected,) = parsed.rejected.to_pylist()
    assert (rejected["origin"], rejected["line_number"]) == ("x.csv", 3)
    assert rejected["column_name"] == column
    assert rejected["cell"] == cell
    assert rejected["reason"].startswith(reason)


def test_a_broken_line_is_set_aside_and_later_lines_keep_their_number(
    parser: Parser,
) -> None:
    parsed = fills(parser, GOOD, "only,three,cells", with_cell("B/S", "X"))
    assert [row["line_number"] for row in parsed.rejected.to_pylist()] == [3, 4]
    assert parsed.rows.num_rows == 1


def test_columns_are_found_by_name_in_any_order_and_case(parser: Parser) -> None:
    header = "fill id,order id,ecn fee,LIQ,price,symbol,qty,b/s,account,date/time"
    line = "F1,O-1,0.1,R,20,QQZ,300,b,A1,3/3/2025 9:31:05"
    parsed = fills(parser, line, header=header)
    assert parsed.rows["side"].to_pylist() == ["B"]


def test_a_fee_column_nobody_knows_is_a_fee_and_any_other_is_reported(
    parser: Parser,
) -> None:
    header = HEADER.replace("Ecn Fee", "New Levy") + ",Mood"
    parsed = fills(parser, GOOD + ",fine", header=header)
    assert {fee["fee_name"] for fee in parsed.fees.to_pylist()} == {"comm", "new_levy"}
    assert parsed.unknown_columns == ("Mood",)


def test_an_account_no_list_names_is_kept_under_a_hash(parser: Parser) -> None:
    parsed = fills(parser, with_cell("Account", "Jane Roe"))
    (unlisted,) = parsed.unlisted.to_pylist()
    assert unlisted["account_name"] == "Jane Roe"
    assert parsed.rows["account_number"].to_pylist() == [unlisted["account_number"]]
    assert "Jane" not in unlisted["account_number"]


def test_the_order_of_rows_does_not_change_a_days_version(parser: Parser) -> None:
    other = with_cell("Fill Id", "F2")
    one, two = fills(parser, GOOD, other), fills(parser, other, GOOD)
    assert one.days == two.days
    assert fills(parser, GOOD, GOOD).days != fills(parser, GOOD).days


def test_a_new_fee_column_of_zeros_changes_no_version(parser: Parser) -> None:
    header = HEADER.replace("Ecn Fee", "Ecn Fee,CAT")
    line = GOOD.replace("-0.40", "-0.40,0")
    assert fills(parser, line, header=header).days == fills(parser, GOOD).days


def test_total_rows_of_the_summary_are_no_data(parser: Parser) -> None:
    body = "Date,Type,Fills,Gross,Net\n3/3/2025,Eq,2,5.00,4.00\nEquities,,2,5.00,4.00\n"
    parsed = parser.parse(Document(BROKER_DAYS, "s", body.encode(), "A1"))
    assert parsed.rows.num_rows == 1
    assert parsed.rejected.num_rows == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"Account Id\n1\n", "has no column Account Name"),
        (b"Account Id,Account Name,Account Id\n", "twice"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"Account Id,Account Name\n1,\xff\xff\n", "cannot be read as CSV"),
    ],
)
def test_a_document_that_is_none_is_refused_in_one_line(
    parser: Parser, body: bytes, message: str
) -> None:
    with pytest.raises(DocumentError, match=message) as caught:
        parser.parse(Document(ACCOUNTS, "accounts.csv", body))
    assert "\n" not in str(caught.value)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_any_cell_comes_back_equal_or_is_quarantined(
    parser: Parser, cells: list[tuple[str, str]]
) -> None:
    lines = []
    for price, symbol in cells:
        quoted = ['"' + cell.replace('"', '""') + '"' for cell in (symbol, price)]
        lines.append(f"3/3/2025 9:31:05,A1,B,1,{quoted[0]},{quoted[1]},R,0,0,O,F,")
    parsed = fills(parser, *lines)
    assert parsed.rows.num_rows + parsed.rejected.num_rows == len(cells)
    given_cells = {(symbol.strip(" "), price.strip(" ")) for price, symbol in cells}
    for row in parsed.rows.to_pylist():
        prices = [price for symbol, price in given_cells if symbol == row["symbol"]]
        assert any(_same_number(price, row["price"]) for price in prices)


def _same_number(cell: str, value: Decimal) -> bool:
    plain = cell.translate(str.maketrans("", "", "$,()+"))
    try:
        return abs(Decimal(plain)) == abs(value)
    except ArithmeticError:
        return False


def test_two_columns_of_one_fee_are_refused(parser: Parser) -> None:
    header = HEADER.replace("Comm,Ecn Fee", "ECN-Fee,Ecn Fee")
    with pytest.raises(DocumentError, match="two columns for the fee ecn_fee"):
        fills(parser, GOOD, header=header)
