"""Bookings beside trading: what they are, and which account-day they belong to."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.desk_files import read_desk, record_desk
from ingestion.simulator import Account, Firm, serve
from ingestion.simulator.firm import Adjustment, Fill
from runtime.home import Home
from runtime.sessions import sessions_between
from tests.conftest import build_models_of, build_warehouse, make_settings, rows
from tests.exports import ExportedFill, Exports
from tests.mornings import load_morning

DAYS = sessions_between(date(2025, 3, 3), date(2025, 3, 14))
SATURDAY = date(2025, 3, 8)
MODELS = "+daily_totals +fct_adjustments +data_quality"


def fill(day: date, side: str, number: int) -> Fill:
    """A fill of 100 at 20."""
    return Fill(
        account_name="ZA1", filled_at=datetime.combine(day, datetime.min.time())
        + timedelta(hours=10), side=side, quantity=Decimal(100), symbol="QQZ",
        price=Decimal(20), order_id=str(number), fill_id=str(number),
        propreports_id=number,
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An account that holds over a weekend, one that has adjustments alone."""
    home = Home(tmp_path_factory.mktemp("adjustments"))
    booked = [
        (DAYS[0], "ZA1", "Transfer: Deposit", "5000"),
        (DAYS[1], "ZA1", "Cash In/Out", "100000"),
        (DAYS[2], "ZA1", "Fee: Payout March", "-2000"),
        (DAYS[2], "ZA1", "Dividend", "12.50"),
        (SATURDAY, "ZA1", "Fee: Daily Interest", "-1.25"),
        (DAYS[3], "ZB2", "Fee: Desk", "-750"),
        (DAYS[3], "ZB2", "Fee: Coffee", "-5"),
    ]
    firm = Firm(
        [Account(501, "ZA1"), Account(502, "ZB2")],
        [fill(DAYS[0], "B", 1), fill(DAYS[7], "S", 2)],
        [Adjustment(day, who, what, Decimal(much)) for day, who, what, much in booked],
        {("QQZ", day): Decimal(21) for day in DAYS},
    )
    with serve(firm, as_of=DAYS[-1], rate_limit=10**6) as simulator:
        load_morning(simulator, home)
    settings = make_settings(risk_home=home.root)
    build_models_of(settings, home, models=MODELS)
    return home


def test_each_class_counts_where_it_belongs(home: Home) -> None:
    found = rows(
        home,
        "select account_id, cast(trade_date as varchar), adjustments_amount, "
        "payouts_amount, transfers_amount, net_pnl, total_delta "
        "from marts.daily_totals where adjustments_amount <> 0 "
        "or payouts_amount <> 0 or transfers_amount <> 0 order by all",
    )
    cents = Decimal("0.01")
    assert [
        (who, day, *(x.quantize(cents) for x in money)) for who, day, *money in found
    ] == [
        ("ZA1", "2025-03-03", 0, 0, 5000, 0, 100),
        ("ZA1", "2025-03-04", 0, 0, 100_000, 0, 0),
        ("ZA1", "2025-03-05", Decimal("12.50"), -2000, 0, 0, Decimal("12.50")),
        # Off session the last close holds, and nothing else has moved.
        ("ZA1", "2025-03-08", Decimal("-1.25"), 0, 0, 0, Decimal("-1.25")),
        ("ZB2", "2025-03-06", -750, 0, 0, 0, -750),
    ]
    assert rows(
        home, "select count(*) from marts.daily_totals where total_delta is null"
    ) == [(0,)]


def test_what_nobody_has_told_is_an_alarm_and_no_pnl_until_the_desk_tells(
    home: Home,
) -> None:
    told = (
        "select found_count, finding, needs_attention from marts.data_quality "
        "where check_name = 'unmapped_adjustments'"
    )
    ((count, finding, is_alarm),) = rows(home, told)
    assert (count, is_alarm) == (1, True)
    assert finding.endswith("Fee: Coffee,CLASS, for 1 of -5.00 dollars")
    path = home.desk / "adjustment_categories.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("category_prefix,adjustment_class,note\nfee: coff,desk_fee,\n")
    settings = make_settings(risk_home=home.root)
    record_desk(home, read_desk(settings, home))
    build_models_of(settings, home, models=MODELS)
    assert rows(home, told)[0][0] == 0
    assert rows(
        home,
        "select adjustments_amount from marts.daily_totals where account_id = 'ZB2'",
    ) == [(-755,)]


@pytest.mark.long
def test_of_files_the_brokers_summary_tells_or_nobody(tmp_path: Path) -> None:
    exports = Exports(tmp_path / "exports")
    monday = datetime(2025, 3, 3, 10)
    exports.write(
        ExportedFill(
            who, monday + timedelta(days=day, minutes=minute), side, Decimal(1), price
        )
        for who, day in (("A1", 0), ("B2", 2))
        for minute, side, price in ((0, "B", Decimal(10)), (5, "S", Decimal(58)))
    )
    folder = exports.folder / "summaryByDate"
    folder.mkdir()
    folder.joinpath("A1.csv").write_text(
        "Date,Type,Fills,Qty,Gross,Trade Fees,Net,Adj Net\n"
        "3/3/2025,Eq,2,2,48.00,0.00,48.00,23.00\n"
        "3/4/2025,Eq,0,0,0.00,0.00,0.00,-7.00\n"
    )
    home = build_warehouse(tmp_path / "home", exports.folder, models="+daily_totals")
    assert rows(
        home,
        "select account_id, cast(trade_date as varchar), adjustments_amount, "
        "total_delta from marts.daily_totals order by all",
    ) == [
        ("A1", "2025-03-03", -25, 23),
        ("A1", "2025-03-04", -7, -7),
        ("B2", "2025-03-05", None, None),
    ]
