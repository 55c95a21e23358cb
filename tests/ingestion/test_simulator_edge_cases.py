"""A hand-made firm with what the generated one lacks, and how it is served."""

import csv
import io
from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal

import pytest

from ingestion.simulator import Account, Adjustment, Fill, Firm, Ledger, serve
from tests.ingestion.test_simulator_server import Client

MONDAY, TUESDAY = date(2025, 3, 3), date(2025, 3, 4)
OPTION = "+QQZ250321C21"
ZERO = Decimal(0)
PER_ORDER, PER_SYMBOL = "ZZB001", "ZZB002"
CANADIAN, DEMO = "ZZB003", 'ZZB004 (DEMO) "Orbo" Plim, desk 2'
OLD, NEW, IDLE = "ZZB005_OLD", "ZZB005", "ZZB006"


def edge_case_firm() -> Firm:
    """One account per oddity, on a Monday and a Tuesday, in round prices."""
    fills: list[Fill] = []

    def post(account, at, side, quantity, symbol, price, fees="", **more):
        paid = {} if fees == "" else {"Comm": Decimal(fees)}
        number = len(fills) + 1
        values = {"fill_id": str(number), "propreports_id": 910_000 + number, **more}
        amounts = Decimal(quantity), symbol, Decimal(price)
        moment = datetime.fromisoformat(f"2025-03-{at}")
        fills.append(Fill(moment, account, side, *amounts, fees=paid, **values))

    # The fee of an order is on its last fill, wherever the order ends.
    post(PER_ORDER, "03 09:31:00", "B", "100", "QQZ", "20", "0", order_id="A")
    post(PER_ORDER, "03 09:31:00", "B", "50", "WWX", "10", "0.50", order_id="B")
    post(PER_ORDER, "03 09:31:02", "B", "200", "QQZ", "20", "0", order_id="A")
    post(PER_ORDER, "03 09:31:09", "B", "100", "QQZ", "21", "4.00", order_id="A")
    post(PER_ORDER, "04 09:40:00", "S", "400", "QQZ", "21", "4.00", order_id="A")
    # The fee of a symbol is on its last fill of the day; in between are equal fills.
    for minute in ("03 10:00:00", "03 10:00:00", "03 10:05:00"):
        equal = {"order_id": "C", "fill_id": "77"}
        post(PER_SYMBOL, minute, "T", "100", "WWX", "10", "0", **equal)
    post(PER_SYMBOL, "03 15:59:59", "C", "300", "WWX", "9", "6.00", order_id="D")
    # Another currency, fractions, and a fill id that another account uses too.
    cad = {"currency": "CAD", "order_id": "C", "fill_id": "77"}
    post(CANADIAN, "03 10:00:00", "B", "0.5", "MMP.TO", "100", "0.005", **cad)
    post(CANADIAN, "04 10:00:00", "S", "0.50", "MMP.TO", "102", "0.005", **cad)
    # An option goes worthless: a journal entry at 0 without time.
    post(DEMO, "03 11:00:00", "B", "2", OPTION, "1.25", "0.02", order_id="E")
    entry = {"order_id": "e1", "fill_id": "e1", "status": "EXP"}
    post(DEMO, "04 00:00:00", "S", "2", OPTION, "0", **entry)
    # The same trader under two names, the second one without fees and order ids yet.
    post(OLD, "03 12:00:00", "B", "100", "QQZ", "20", "1.00", status="")
    post(OLD, "03 12:30:00", "S", "250", "QQZ", "21", "2.50", status="")
    post(OLD, "03 12:45:00", "B", "150", "QQZ", "21", "1.50", status="CXLD")
    post(NEW, "04 12:00:00", "B", "100", "QQZ", "20", order_id="")
    accounts = [
        Account(601 + number, name, "CAD" if name == CANADIAN else "USD")
        for number, name in enumerate(
            (PER_ORDER, PER_SYMBOL, CANADIAN, DEMO, OLD, NEW, IDLE)
        )
    ]
    return Firm(
        accounts,
        fills,
        [Adjustment(TUESDAY, CANADIAN, "Fee: Daily Interest", Decimal("-0.005"))],
        {
            ("QQZ", MONDAY): Decimal(21),
            ("WWX", MONDAY): Decimal(10),
            (OPTION, MONDAY): Decimal("1.00"),
            ("MMP.TO", MONDAY): Decimal(101),
        },
        {OPTION: Decimal(100)},
    )


@pytest.fixture(scope="module")
def client():
    with serve(edge_case_firm(), page_size=6, rate_limit=10_000) as simulator:
        yield Client(simulator)


def pages(client, action, **fields):
    """Rows of all pages, by column."""
    window = {"startDate": "2025-03-01", "endDate": "2025-03-31", "groupId": -2}
    rows, number, count = [], 0, 1
    while number < count:
        number += 1
        status, text = client.post(action, page=number, **{**window, **fields})
        assert status == 200
        body, _, trailer = text.rpartition("Page ")
        count = int(trailer.split("/")[1])
        rows += csv.DictReader(io.StringIO(body))
    return rows


def summary(client, account_name, day):
    (account,) = (x for x in client.simulator.firm.accounts if x.name == account_name)
    window = {"startDate": day.isoformat(), "endDate": day.isoformat()}
    fields = {"type": "summaryByDate", "accountId": account.number, **window}
    return next(csv.DictReader(io.StringIO(client.post("report", **fields)[1])))


@pytest.mark.parametrize(
    ("scope", "count", "page_count"), [("602,603", 6, 1), ("601,604", 7, 2)]
)
def test_a_full_page_is_not_followed_by_an_empty_one(client, scope, count, page_count):
    assert len(pages(client, "fills", accountId=scope)) == count
    last = client.fills(page=page_count, accountId=scope)
    assert last[1][-1] == f"Page {page_count}/{page_count}"
    assert client.fills(page=page_count + 1, accountId=scope)[0] == 500


def test_accounts_with_edge_case_names_and_two_currencies(client):
    rows = {row["Account Name"]: row for row in pages(client, "accounts")}
    assert list(rows) == [PER_ORDER, PER_SYMBOL, CANADIAN, DEMO, OLD, NEW, IDLE]
    assert {name for name, row in rows.items() if row["Currency"] == "CAD"} == {
        CANADIAN
    }
    assert '"ZZB004 (DEMO) ""Orbo"" Plim, desk 2"' in client.post("accounts")[1]
    assert rows[IDLE]["First Traded"] == ""
    # A journal entry is no trade.
    assert rows[DEMO]["Last Traded"] == "2025-03-03"


def test_the_fee_of_an_order_is_on_its_last_fill(client):
    orders = defaultdict(list)
    for row in pages(client, "fills", accountId=601, endDate="2025-03-03"):
        orders[row["Order Id"]].append(Decimal(row["Comm"]))
    assert orders == {"A": [ZERO, ZERO, Decimal(4)], "B": [Decimal("0.5")]}
    day = summary(client, PER_ORDER, MONDAY)
    assert (day["Orders"], day["Fills"], day["Trade Fees"]) == ("2", "4", "4.50")


def test_the_fee_of_a_symbol_is_on_its_last_fill(client):
    rows = pages(client, "fills", accountId=602)
    assert [row["Comm"] for row in rows] == ["0", "0", "0", "6.00"]
    day = summary(client, PER_SYMBOL, MONDAY)
    assert (day["Gross"], day["Trade Fees"], day["Net"]) == ("300.00", "6.00", "294.00")


def test_equal_fills_differ_by_their_row_id_only(client):
    rows = pages(client, "fills", accountId=602)
    twins = [row for row in rows if row["Date/Time"] == "03/03/2025 10:00:00"]
    assert len({row["PropReports Id"] for row in twins}) == 2
    assert len({tuple(row.values())[:-1] for row in twins}) == 1
    assert summary(client, PER_SYMBOL, MONDAY)["Qty"] == "600"


def test_fill_ids_are_shared_by_accounts_and_days(client):
    shared = [row for row in pages(client, "fills") if row["Fill Id"] == "77"]
    assert len({row["Account"] for row in shared}) == 2
    assert len({row["Date/Time"][:10] for row in shared}) == 2


def test_fractions_in_another_currency(client):
    rows = pages(client, "fills", accountId=603)
    assert [(x["Qty"], x["Currency"]) for x in rows] == [
        ("0.5", "CAD"),
        ("0.50", "CAD"),
    ]
    monday, tuesday = (summary(client, CANADIAN, day) for day in (MONDAY, TUESDAY))
    assert (monday["Qty"], monday["Unrealized Δ"]) == ("0.5", "0.50")
    assert (tuesday["Gross"], tuesday["Adj Net"]) == ("1.00", "0.99")
    assert tuesday["Cash"] == "0.99"  # 0.985 before rounding


def test_an_option_expires_by_a_journal_entry_without_time(client):
    _, entry = pages(client, "fills", accountId=604)
    assert entry["Date/Time"] == "03/04/2025 00:00:00"
    assert (entry["Price"], entry["Status"], entry["Symbol"]) == ("0", "EXP", OPTION)
    monday, tuesday = (summary(client, DEMO, day) for day in (MONDAY, TUESDAY))
    assert (monday["Type"], monday["Unrealized"]) == ("Op", "-50.00")
    # It moves position and result, and is no volume.
    assert (tuesday["Fills"], tuesday["Qty"], tuesday["Gross"]) == ("0", "0", "-250.00")
    assert tuesday["Unrealized"] == "0.00"


def test_a_fill_through_zero_with_blank_status_and_a_cancelled_one(client):
    rows = pages(client, "fills", accountId=605)
    assert Counter(row["Status"] for row in rows) == {"": 2, "CXLD": 1}
    day = summary(client, OLD, MONDAY)
    assert (day["Fills"], day["Gross"], day["Trade Fees"]) == ("2", "100.00", "3.50")
    (position,) = pages(client, "positions", accountId=605, endDate="2025-03-03")
    assert (position["Qty"], position["Avg Price"]) == ("-150", "21.00")


def test_a_new_account_has_no_fees_yet(client):
    client.simulator.as_of = TUESDAY
    assert NEW not in {row["Account Name"] for row in pages(client, "accounts")}
    client.simulator.as_of = date(2025, 3, 5)
    (row,) = pages(client, "fills", accountId=606)
    assert (row["Comm"], row["Order Id"]) == ("", "")
    assert summary(client, NEW, TUESDAY)["Trade Fees"] == "0.00"


def test_day_and_symbol_sums_agree_with_the_fills(client):
    simulator = client.simulator
    ledger = Ledger(simulator.firm, simulator.last_visible)
    fees, volume = defaultdict(Decimal), defaultdict(Decimal)
    for row in pages(client, "fills"):
        if row["Status"] == "CXLD":
            continue
        day = datetime.strptime(row["Date/Time"], "%m/%d/%Y %H:%M:%S").date()
        fees[row["Account"], day] += Decimal(row["Comm"] or 0)
        if row["Status"] != "EXP":
            volume[row["Account"], day] += Decimal(row["Qty"])
    for (name, day), expected in fees.items():
        (of,) = ledger.days(name, day, day)
        assert of.trade_fees == expected
        assert sum(x.quantity for x in of.symbol_days) == volume[name, day]
