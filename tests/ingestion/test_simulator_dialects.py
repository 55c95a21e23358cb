"""Every way in which an instance may write its CSV, against the usual one."""

import csv
import io
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from ingestion.simulator import Account, Adjustment, Dialect, Fill, Firm, serve
from tests.ingestion.test_simulator_server import Client

MONDAY = date(2025, 3, 3)
USUAL = [
    *("Date/Time", "Account", "B/S", "Qty", "Symbol", "Price", "Route", "Liq"),
    *("Comm", "Ecn Fee", "SEC", "TAF", "NSCC", "Clr", "Misc"),
    *("Order Id", "Fill Id", "Currency", "ISIN", "CUSIP", "Status", "PropReports Id"),
]
WHOLE = {"startDate": "2025-03-01", "endDate": "2025-03-31"}


def fill(number, **more) -> Fill:
    values = {
        "account_name": "ZZA001",
        "side": "B",
        "quantity": Decimal(1500),
        "symbol": "QQZ",
        "price": Decimal("1234.50"),
        "liquidity": "A",
        "fees": {
            "Comm": Decimal("4.50"),
            "Ecn Fee": Decimal("-3.00"),
            "SEC": Decimal(0),
            "TAF": Decimal("0.00"),
        },
        "order_id": "1001",
        "fill_id": "0",
        "isin": "ZZ0000000010",
        "cusip": "000000001",
        "propreports_id": 900_000 + number,
        **more,
    }
    return Fill(datetime(2025, 3, 3, 10, number), **values)


FIRM = Firm(
    [Account(501, "ZZA001"), Account(502, "ZZA002")],
    [
        fill(1),
        fill(2, side="S", price=Decimal("1234.00"), isin=""),
        fill(3, symbol="WWX", quantity=Decimal(10), isin="", cusip=""),
    ],
    [Adjustment(MONDAY, "ZZA001", "Fee: Locate", Decimal("-1250.00"))],
    {("WWX", MONDAY): Decimal("1230.50")},
)


@pytest.fixture(scope="module")
def client():
    with serve(FIRM, rate_limit=10_000) as simulator:
        yield Client(simulator)


def read(client, dialect, action="fills", **fields):
    """A reply in a dialect, which is then taken back."""
    client.simulator.dialect = dialect
    fields = {"groupId": -2, **WHOLE, "page": 1, **fields}
    status, text = client.post(action, **fields)
    client.simulator.dialect = Dialect()
    assert status == 200
    return text


def report(client, dialect, kind):
    return read(client, dialect, "report", type=kind, accountId=501)


def table(text) -> tuple[list[str], list[dict[str, str]]]:
    """Column names and rows of a page."""
    rows = text.rpartition("Page")[0] or text
    reader = csv.DictReader(io.StringIO(rows, newline=""))
    return list(reader.fieldnames), list(reader)


def test_the_usual_columns(client):
    assert table(read(client, Dialect()))[0] == USUAL


def test_serve_takes_a_dialect():
    with serve(FIRM, dialect=Dialect(line_end="\r\n")) as simulator:
        assert simulator.dialect.line_end == "\r\n"
        assert "\r\n" in Client(simulator).post("accounts")[1]


def test_one_column_for_isin_and_cusip(client):
    header, rows = table(read(client, Dialect(isin_and_cusip_in_one=True)))
    assert header == [*USUAL[:-4], "ISIN/CUSIP", "Status", "PropReports Id"]
    assert [x["ISIN/CUSIP"] for x in rows] == ["ZZ0000000010", "000000001", ""]


def test_unknown_columns(client):
    extra = {"Strategy": "alpha, beta", "Desk": ""}
    header, rows = table(read(client, Dialect(extra_columns=extra)))
    assert header == [*USUAL, "Strategy", "Desk"]
    assert [(x["Strategy"], x["Desk"]) for x in rows] == [("alpha, beta", "")] * 3
    assert "Strategy" not in read(client, Dialect(extra_columns=extra), "accounts")


@pytest.mark.parametrize("kind", ["accounts", "positions", "adjustments", "report"])
def test_further_columns_and_other_cells_of_any_table(client, kind):
    name = "summaryByDate" if kind == "report" else kind
    fields = {"type": name, "accountId": 501} if kind == "report" else {}
    usual, right = table(read(client, Dialect(), kind, **fields))
    column, cell = usual[0], right[0][usual[0]]
    dialect = Dialect(
        further_columns={name: {"Mood": "fine"}}, replaced={(name, column, cell): "?"}
    )
    header, rows = table(read(client, dialect, kind, **fields))
    assert header == [*usual, "Mood"]
    assert rows == [
        {**row, column: "?" if row[column] == cell else row[column], "Mood": "fine"}
        for row in right
    ]
    # Other tables are as they were.
    assert table(read(client, dialect)) == table(read(client, Dialect()))


@pytest.mark.parametrize("action", ["accounts", "fills", "positions", "adjustments"])
def test_line_ends_and_a_byte_order_mark(client, action):
    right = read(client, Dialect(), action)
    windows = read(client, Dialect(line_end="\r\n", byte_order_mark=True), action)
    assert windows == "\ufeff" + right.replace("\n", "\r\n")
    assert right.count("\n") > 1


def test_line_ends_and_a_byte_order_mark_of_reports(client):
    dialect = Dialect(line_end="\r\n", byte_order_mark=True)
    right = report(client, Dialect(), "trades")
    assert report(client, dialect, "trades") == "\ufeff" + right.replace("\n", "\r\n")
    nothing = read(client, dialect, "report", type="trades", accountId=502)
    assert nothing == "\ufeffNo data available\r\n"
    assert client.post("version")[1].startswith("v0")


def test_zero_fees_are_blank(client):
    _, right = table(read(client, Dialect()))
    _, rows = table(read(client, Dialect(blank_zero_fees=True)))
    assert (right[0]["SEC"], right[0]["TAF"]) == ("0", "0.00")
    # The fill id of 0 is no fee.
    assert rows == [{**row, "SEC": "", "TAF": ""} for row in right]


def test_numbers_of_accountants(client):
    dialect = Dialect(accounting_numbers=True)
    text = read(client, dialect)
    _, rows = table(text)
    shown = [rows[0][name] for name in ("Qty", "Price", "Comm", "Ecn Fee", "SEC")]
    assert shown == ["1,500", "1,234.50", "4.50", "(3.00)", "0"]
    assert ',"1,500",QQZ,"1,234.50",' in text
    for name in ("Order Id", "Fill Id", "CUSIP", "PropReports Id"):
        assert rows[0][name].isdecimal()
    _, rows = table(read(client, dialect, "adjustments"))
    assert rows[0]["Amount"] == "(1,250.00)"
    _, rows = table(read(client, dialect, "positions"))
    assert (rows[0]["Realized"], rows[0]["Qty Traded"]) == ("(750.00)", "3,000")
    _, rows = table(read(client, dialect, "accounts"))
    assert rows[0]["Account Id"] == "501"
    # -750 gross, -1250 adjusted, 1.50 in fees of each of three fills.
    assert rows[0]["Cash"] == "(2,004.50)"
    assert "(2,044.50)" in report(client, dialect, "summaryByDate")


def test_zero_money_is_a_dash_in_reports_only(client):
    dialect = Dialect(dashes_for_zero=True)
    text = report(client, dialect, "summaryByDate")
    right = next(
        csv.DictReader(io.StringIO(report(client, Dialect(), "summaryByDate")))
    )
    row = next(csv.DictReader(io.StringIO(text)))
    zeros = {name for name, cell in right.items() if cell == "0.00"}
    assert zeros >= {"SEC", "Transfers"}
    assert row == {**right, **dict.fromkeys(zeros, "-")}
    assert read(client, dialect, "positions") == read(client, Dialect(), "positions")


def test_other_column_names(client):
    dialect = Dialect(column_names={"Ecn Fee": "ECN Fee", "Comm": "Commission"})
    header, rows = table(read(client, dialect))
    assert header[8:10] == ["Commission", "ECN Fee"]
    assert rows[0]["ECN Fee"] == "-3.00"
    for kind in ("summaryByDate", "totalsByDate", "trades"):
        text = report(client, dialect, kind)
        assert ",Commission,ECN Fee,SEC," in text
        assert "Ecn Fee" not in text
    both = replace(dialect, dashes_for_zero=True)
    assert ",Commission,ECN Fee,SEC," in report(client, both, "summaryByDate")


@pytest.mark.parametrize("in_one", [False, True])
def test_columns_the_other_way_round(client, in_one):
    dialect = Dialect(isin_and_cusip_in_one=in_one, extra_columns={"Desk": "7"})
    right, rows = table(read(client, dialect))
    header, turned = table(read(client, replace(dialect, column_order="reversed")))
    assert turned == rows
    assert header[0] == "Route"
    assert header.index("Desk") == header.index("Order Id") + 1
    fees = right[right.index("Liq") + 1 : right.index("Order Id")]
    assert header[header.index("Liq") + 1 : header.index("Order Id")] == fees[::-1]


def test_single_cells(client):
    cells = {900_002: {"Price": "n/a", "Comm": "1.2.3"}, 900_003: {"Date/Time": ""}}
    dialect = Dialect(
        cells=cells, column_names={"Price": "Px"}, column_order="reversed"
    )
    _, right = table(read(client, replace(dialect, cells={})))
    _, rows = table(read(client, dialect))
    assert rows[0] == right[0]
    assert rows[1] == {**right[1], "Px": "n/a", "Comm": "1.2.3"}
    assert rows[2] == {**right[2], "Date/Time": ""}


@pytest.mark.parametrize("trailer", ["1/1", "0/0", "1/0"])
def test_the_trailer_of_nothing(client, trailer):
    dialect = Dialect(empty_trailer=trailer)
    nothing = {"accountId": 502, "groupId": ""}
    for action in ("fills", "positions", "adjustments"):
        header, end, last = read(client, dialect, action, **nothing).partition("\n")
        assert (bool(header), last) == (True, f"Page {trailer}")
    assert read(client, dialect).endswith("Page 1/1")
