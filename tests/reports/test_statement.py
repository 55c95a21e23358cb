"""An account's month: every line is the ledger's, and together they are its close."""

import csv
import re
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from reports.names import slug
from reports.statement import _lines, write_statements
from runtime.errors import UserError
from runtime.home import Home
from runtime.publish.marts_copy import open_published
from tests.conftest import SampleRun
from tests.in_process import call_daily

MONTH = "2025-11"


@pytest.fixture(scope="module")
def home(sample: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The sample's published marts, with the statements of a month."""
    home = Home(tmp_path_factory.mktemp("statements") / "home")
    shutil.copytree(sample.home.root, home.root, symlinks=True)
    said = call_daily(
        "statement", "--month", MONTH, SOURCE="sample", RISK_HOME=home.root
    )
    assert said.code == 0, said.err
    return home


def folder(home: Home) -> Path:
    """Where the month's statements lie."""
    return home.reports / "statements" / MONTH


def lines_of(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV."""
    return list(csv.DictReader(path.read_text().splitlines()))


def test_each_account_has_one_and_its_lines_add_up_to_the_close(home: Home) -> None:
    with open_published(home) as marts:
        ledger = marts.execute(
            "select account_id, arg_min_null(opening_equity, trade_date), "
            "arg_max_null(end_balance, trade_date), sum(net_pnl), "
            "sum(total_delta), sum(payouts_amount), sum(transfers_amount) "
            f"from fct_account_equity where strftime(trade_date, '%Y-%m') = '{MONTH}' "
            "group by account_id"
        ).fetchall()
        rested = marts.execute(
            "select account_id, arg_max_null(end_balance, trade_date) "
            f"from fct_account_equity where trade_date < '{MONTH}-01' and account_id "
            "not in (select account_id from fct_account_equity "
            f"where strftime(trade_date, '%Y-%m') = '{MONTH}') group by account_id"
        ).fetchall()
    ledger += [(one, kept, kept, 0, 0, 0, 0) for one, kept in rested]
    files = {path.name for path in folder(home).glob("*.csv")}
    assert files == {f"{slug(account)}.csv" for account, *_ in ledger}
    assert rested
    assert len(ledger) > 15
    for account, opening, closing, net, total, paid, moved in ledger:
        lines = lines_of(folder(home) / f"{slug(account)}.csv")
        # As a spreadsheet reads them: 0E-8 is how Decimal writes a nothing paid.
        assert [
            x for x in lines if not re.fullmatch(r"-?\d+(\.\d+)?", x["amount"])
        ] == []
        own = [x for x in lines if not x["section"].startswith("payout of ")]
        amounts = [Decimal(line["amount"]) for line in own]
        assert (amounts[0], amounts[-1]) == (opening, closing)
        assert sum(amounts[:-1]) == closing

        def section(name: str, own: list = own) -> Decimal:
            return sum((Decimal(x["amount"]) for x in own if x["section"] == name), 0)

        assert section("net P&L") == net
        assert section("payouts") == paid
        assert section("transfers") == moved
        result = section("net P&L") + section("adjustments") + section("unrealized")
        assert result == total


def test_the_page_says_what_the_csv_says(home: Home) -> None:
    path = next(folder(home).glob("*.csv"))
    page = path.with_suffix(".html").read_text()
    assert "SAMPLE DATA" in page
    for line in lines_of(path):
        cents = abs(Decimal(line["amount"])).quantize(Decimal("0.01"))
        assert line["section"].replace("&", "&amp;") in page
        assert f"${cents:,}" in page


def test_what_is_not_known_is_said_and_not_put_in_its_place(
    home: Home, tmp_path: Path
) -> None:
    other = Home(tmp_path / "home")
    shutil.copytree(home.root, other.root, symlinks=True)
    copy = (other.published / "current" / "risk.duckdb").resolve()
    copy.chmod(0o644)
    with duckdb.connect(copy) as connection:
        account = connection.execute(
            "update marts.fct_account_equity set unrealized_delta = null "
            "where trade_date = '2025-11-12' and account_id = (select min(account_id) "
            "from marts.fct_account_equity where trade_date = '2025-11-12') "
            "returning account_id"
        ).fetchall()[0][0]
    assert write_statements(other, MONTH).endswith("; of 1 an amount is not known")
    path = folder(other) / f"{slug(account)}.csv"
    assert {x["section"] for x in lines_of(path) if not x["amount"]} == {"unrealized"}
    page = path.with_suffix(".html").read_text()
    assert "not known" in page
    assert "does not add up" in page.replace("does\nnot", "does not")


@pytest.mark.parametrize(
    ("month", "said"),
    [
        (
            "2031-01",
            r"no account-day in 2031-01: the marts hold 2024-06-17 to 2025-12-18",
        ),
        ("November", "MONTH=November is not a month written as 2025-11"),
        ("2025-13", "MONTH=2025-13 is not a month"),
    ],
)
def test_a_month_of_which_nothing_is_known_is_one_line(
    home: Home, month: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        write_statements(home, month)


@pytest.mark.parametrize(
    ("named", "total", "expected"),
    [
        ("1.37000001", "1.37", []),
        ("1.37", "1.42", [Decimal("-0.05")]),
        ("1.37", None, [None]),
    ],
)
def test_what_a_rate_rounds_is_no_fee_of_no_name(
    named: str, total: str | None, expected: list[Decimal | None]
) -> None:
    days = dict.fromkeys(
        ("opening", "unrealized_delta", "currency_delta", "closing"), Decimal(0)
    )
    money = {"gross_pnl": Decimal(0), "total_fees": total and Decimal(total)}
    fees = [{"item": "Comm", "fee_amount": Decimal(named)}]
    lines = _lines(days | {"adjustments_source": "adjustments"}, [money], fees, [])
    assert [one.amount for one in lines if one.item == "fee: of no name"] == expected
