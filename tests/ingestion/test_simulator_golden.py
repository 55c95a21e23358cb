"""The worked case of the PropReports notes, byte for byte over HTTP."""

import re
from datetime import date, datetime
from decimal import Decimal

import pytest
import requests

from ingestion.simulator import Account, Adjustment, Fill, Firm, serve

FILLS = """\
Date/Time,Account,B/S,Qty,Symbol,Price,Route,Liq,Comm,Ecn Fee,SEC,TAF,NSCC,Clr,Misc,Order Id,Fill Id,Currency,ISIN,CUSIP,Status,PropReports Id
03/03/2025 09:31:05,ZZA001,B,300,QQZ,20.00,ARCA,R,0.90,0.90,0,0,0.03,0.06,0,O-1,F1,USD,,,REGULAR,900001
03/03/2025 09:40:10,ZZA001,S,200,QQZ,20.25,ARCA,A,0.60,-0.40,0.11259,0.0332,0.02,0.04,0,O-2,F2,USD,,,REGULAR,900002
03/04/2025 09:35:00,ZZA001,B,100,QQZ,20.60,NSDQ,R,0.30,0.30,0,0,0.01,0.02,0,O-3,F1,USD,,,REGULAR,900003
03/04/2025 10:02:41,ZZA001,S,150,QQZ,20.50,NSDQ,A,0.45,-0.30,0.085485,0.0249,0.015,0.03,0,O-4,F4,USD,,,REGULAR,900004
03/04/2025 11:15:20,ZZA001,T,100,WWX,10.00,EDGX,R,0.30,0.30,0.0278,0.0166,0.01,0.02,0,O-5,F5,USD,,,REGULAR,900005
03/04/2025 11:18:09,ZZA001,B,100,WWX,9.90,EDGX,A,0.30,-0.20,0,0,0.01,0.02,0,O-6,F6,USD,,,REGULAR,900006
03/04/2025 11:19:00,ZZA001,B,500,WWX,9.90,EDGX,A,0,0,0,0,0,0,0,O-7,F7,USD,,,CXLD,900007
Page 1/1"""  # noqa: E501

REPLIES = [
    ("version", {}, "v0.0.0-sim [2025-03-05]"),
    (
        "accounts",
        {"page": 1},
        """\
Account Id,Account Name,First Traded,Last Traded,Currency,Cash,Unrealized
501,ZZA001,2025-03-03,2025-03-04,USD,5045.96,15.00
502,"ZZA002 (DEMO), desk 2",,,USD,0.00,0.00
Page 1/1""",
    ),
    ("fills", {"page": 1}, FILLS),
    (
        "positions",
        {"page": 1, "endDate": "2025-03-03"},
        """\
Date,Account,Symbol,Qty,Avg Price,Close,Unrealized,Unrealized Delta,Qty Traded,Realized,Comm,ECN Fee,Regulatory Fees
03/03/2025,ZZA001,QQZ,100,20.00,20.40,40.00,40.00,500,50.00,1.50,0.50,0.15
Page 1/1""",  # noqa: E501
    ),
    (
        "adjustments",
        {"page": 1},
        """\
Date,Account,Category,Amount,Comment
03/03/2025,ZZA001,Transfer: Deposit,5000.00,wire in
03/04/2025,ZZA001,Fee: Software & MD,-25.00,"platform, March"
Page 1/1""",
    ),
    (
        "report",
        {"type": "summaryByDate"},
        """\
Date,Type,Orders,Fills,Qty,Gross,Comm,Ecn Fee,SEC,TAF,NSCC,Clr,Misc,Trade Fees,Net,Fee: Software & MD,Adj Fees,Adj Net,Unrealized Δ,Total Δ,Transfer: Deposit,Transfers,Cash,Unrealized,End Balance
3/3/2025,Eq,2,2,500,50.00,1.50,0.50,0.11,0.03,0.05,0.10,0.00,2.30,47.70,0.00,0.00,47.70,40.00,87.70,5000.00,5000.00,5047.70,40.00,5087.70
3/4/2025,Eq,4,4,450,25.00,1.35,0.10,0.11,0.04,0.05,0.09,0.00,1.74,23.26,25.00,25.00,-1.74,-25.00,-26.74,0.00,0.00,5045.96,15.00,5060.96
Equities,,6,6,950,75.00,2.85,0.60,0.23,0.07,0.10,0.19,0.00,4.04,70.96,25.00,25.00,45.96,15.00,60.96,5000.00,5000.00,5045.96,15.00,5060.96
""",  # noqa: E501
    ),
    (
        "report",
        {"type": "totalsByDate", "endDate": "2025-03-03"},
        """\
3/3/2025
Symbol,Orders,Fills,Qty,Gross,Comm,Ecn Fee,SEC,TAF,NSCC,Clr,Misc,Net,Unrealized δ,Total δ,Unrealized
QQZ,2,2,500,50.00,1.50,0.50,0.11,0.03,0.05,0.10,0.00,47.70,40.00,87.70,40.00
Equities,2,2,500,50.00,1.50,0.50,0.11,0.03,0.05,0.10,0.00,47.70,40.00,87.70,40.00
""",  # noqa: E501
    ),
    (
        "report",
        {"type": "trades"},
        """\
3/4/2025
Opened,Closed,Held,Symbol,Type,Entry,Exit,Qty,Gross,Comm,Ecn Fee,SEC,TAF,NSCC,Clr,Misc,Net
03/04/25 11:15:20,11:18:09,00:02:49,WWX,Short,10.00,9.90,100,10.00,0.60,0.10,0.03,0.02,0.02,0.04,0.00,9.20
Equities,,,,,,,100,10.00,0.60,0.10,0.03,0.02,0.02,0.04,0.00,9.20
""",  # noqa: E501
    ),
    (
        "report",
        {"type": "openPositions", "startDate": "2025-03-04"},
        """\
3/4/2025
Symbol,Qty,Avg Price,Close Price,CCY,Spot,Cost,Market Value,Unrealized Δ,Unrealized
QQZ,50,20.00,20.30,USD,1,1000.00,1015.00,-25.00,15.00
Long:,,,,,,1000.00,1015.00,-25.00,15.00
,,,,,,1000.00,1015.00,-25.00,15.00
""",
    ),
    (
        "report",
        {"type": "openPositions", "endDate": "2025-03-02"},
        "No data available\n",
    ),
]


def read_fill(line: str, fee_names: list[str]) -> Fill:
    """A fill from a line of the golden block."""
    cells = line.split(",")
    end = 8 + len(fee_names)
    fees = dict(zip(fee_names, map(Decimal, cells[8:end]), strict=True))
    at = datetime.strptime(cells[0], "%m/%d/%Y %H:%M:%S")
    quantity, price = Decimal(cells[3]), Decimal(cells[5])
    middle = (cells[1], cells[2], quantity, cells[4], price, cells[6], cells[7])
    return Fill(at, *middle, fees, *cells[end : end + 6], int(cells[end + 6]))


def golden_firm() -> Firm:
    """Account 501 of the notes, and one that never traded."""
    header, *lines = FILLS.splitlines()[:-1]
    names = header.split(",")
    fee_names = names[names.index("Liq") + 1 : names.index("Order Id")]
    monday, tuesday = date(2025, 3, 3), date(2025, 3, 4)
    return Firm(
        accounts=[Account(501, "ZZA001"), Account(502, "ZZA002 (DEMO), desk 2")],
        fills=[read_fill(line, fee_names) for line in lines],
        adjustments=[
            Adjustment(monday, "ZZA001", "Transfer: Deposit", Decimal(5000), "wire in"),
            Adjustment(
                tuesday,
                "ZZA001",
                "Fee: Software & MD",
                Decimal(-25),
                "platform, March",
            ),
        ],
        closes={
            ("QQZ", monday): Decimal("20.40"),
            ("QQZ", tuesday): Decimal("20.30"),
        },
    )


@pytest.fixture(scope="module")
def simulator():
    with serve(golden_firm(), as_of=date(2025, 3, 5)) as running:
        yield running


@pytest.fixture(scope="module")
def token(simulator):
    login = {
        "action": "login",
        "user": simulator.user,
        "password": simulator.password,
    }
    return requests.post(simulator.url, data=login, timeout=10).text


@pytest.mark.parametrize(("action", "fields", "expected"), REPLIES)
def test_reply_is_byte_equal(simulator, token, action, fields, expected):
    whole = {"startDate": "2025-03-01", "endDate": "2025-03-31", "accountId": 501}
    scope = whole if action not in ("version", "accounts") else {}
    sent = {"action": action, "token": token, **scope, **fields}
    if fields.get("endDate", "9") < whole["startDate"]:
        sent["startDate"] = fields["endDate"]
    reply = requests.post(simulator.url, data=sent, timeout=10)
    assert reply.status_code == 200
    assert reply.content.decode() == expected


def test_token_has_the_vendors_shape_and_ends_with_logout(simulator):
    login = {"action": "login", "user": "demo", "password": "demo-password"}
    token = requests.post(simulator.url, data=login, timeout=10).text
    assert re.fullmatch(r"[0-9a-f]{32}:\d+", token)
    logout = {"action": "logout", "token": token}
    assert requests.post(simulator.url, data=logout, timeout=10).text == "Logged out."
    again = requests.post(simulator.url, data=logout, timeout=10)
    assert (again.status_code, again.text) == (500, "Invalid or expired token.")


def test_server_says_it_is_synthetic(simulator):
    reply = requests.post(simulator.url, data={"action": "version"}, timeout=10)
    assert "synthetic" in reply.headers["Server"]
