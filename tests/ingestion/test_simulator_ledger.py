"""The accounting rule on cases small enough to check by hand."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from ingestion.simulator import Account, Fill, Firm, Ledger, serve
from ingestion.simulator.trips import round_trips

MONDAY = date(2025, 3, 3)
EVER = (date.min, date.max)


def days_of(*fills: tuple, closes=None, multipliers=None):
    """Ledger days of one account; fills as (day, minute, side, quantity, price)."""
    return ledger_days(firm_of(*fills, closes=closes, multipliers=multipliers))


def ledger_days(firm: Firm):
    return Ledger(firm, date.max).days("ZZA001", *EVER)


def firm_of(*fills: tuple, symbol="QQZ", closes=None, multipliers=None) -> Firm:
    rows = []
    for number, (day, minute, side, quantity, price, *status) in enumerate(fills):
        at = datetime(MONDAY.year, MONDAY.month, MONDAY.day, 9, 30)
        rows.append(
            Fill(
                at + timedelta(days=day, minutes=minute),
                "ZZA001",
                side,
                Decimal(quantity),
                symbol,
                Decimal(price),
                fees={"Comm": Decimal("0.3")},
                order_id=f"O-{number}",
                fill_id=str(number),
                status=status[0] if status else "REGULAR",
                propreports_id=number,
            )
        )
    marks = {
        (symbol, MONDAY + timedelta(days=day)): Decimal(price)
        for day, price in (closes or {}).items()
    }
    return Firm([Account(1, "ZZA001")], rows, (), marks, multipliers or {})


def test_vendors_series_of_average_prices():
    days = days_of(
        (0, 1, "B", 1000, "10.00"),
        (0, 2, "B", 1000, "11.00"),
        (0, 3, "S", 500, "10.75"),
        (1, 1, "B", 500, "10.50"),
        (1, 2, "S", 500, "10.75"),
        (2, 1, "S", 1000, "10.70"),
        (3, 1, "S", 500, "10.25"),
    )
    assert [day.gross for day in days] == [375, 125, 200, -375]
    averages = [day.symbol_days[0].average_price for day in days]
    assert [average and round(average, 2) for average in averages] == [
        Decimal("10.67"),
        Decimal("10.67"),
        Decimal("11.00"),
        None,
    ]
    assert [day.symbol_days[0].position for day in days] == [1500, 1500, 500, 0]


def test_todays_fills_meet_before_the_lot_held_overnight():
    days = days_of(
        (0, 1, "B", 100, "10.00"),
        (1, 5, "S", 100, "11.00"),
        (1, 30, "B", 100, "12.00"),
    )
    assert days[1].gross == -100
    assert days[1].symbol_days[0].position == 100
    assert days[1].symbol_days[0].average_price == 10


def test_one_fill_takes_the_position_through_zero():
    fills = (
        (0, 1, "B", 100, "10.00"),
        (1, 1, "S", 300, "11.00"),
        (2, 1, "C", 200, "10.50"),
    )
    days = days_of(*fills)
    assert [day.gross for day in days] == [0, 100, 100]
    assert [day.symbol_days[0].position for day in days] == [100, -200, 0]
    assert days[1].symbol_days[0].average_price == 11
    firm = firm_of(*fills)
    first, second = round_trips(firm, firm.accounts[0], firm.fills)
    assert (first.is_long, first.quantity, first.gross) == (True, 100, 100)
    assert (second.is_long, second.quantity, second.gross) == (False, 200, 100)
    assert first.fees["Comm"] + second.fees["Comm"] == Decimal("0.9")
    assert first.fees["Comm"] == Decimal("0.4")


def test_cancelled_counts_nowhere_and_journals_only_move_the_position():
    days = days_of(
        (0, 1, "B", 2, "1.50"),
        (0, 2, "B", 9, "1.40", "CXLD"),
        (1, 0, "S", 2, "0", "EXP"),
        multipliers={"QQZ": Decimal(100)},
    )
    assert [day.gross for day in days] == [0, -300]
    assert [day.symbol_days[0].quantity for day in days] == [2, 0]
    assert [day.symbol_days[0].fills for day in days] == [1, 0]
    assert [day.trade_fees for day in days] == [Decimal("0.3"), Decimal("0.3")]


def test_an_open_position_is_marked_on_days_without_fills():
    days = days_of(
        (0, 1, "T", 100, "10.00"),
        (2, 1, "C", 100, "9.00"),
        closes={0: "9.50", 1: "9.25", 2: "9.10", 3: "8"},
    )
    assert [day.unrealized for day in days] == [50, 75, 0]
    assert [day.unrealized_delta for day in days] == [50, 25, -75]
    assert sum(day.total_delta for day in days) == 100 - Decimal("0.6")


def test_a_mark_holds_until_the_next_one():
    days = days_of(
        (1, 1, "B", 100, "10.00"),
        (2, 1, "S", 50, "10.00"),
        (4, 1, "S", 50, "10.00"),
        closes={0: "9.50", 3: "11"},
    )
    assert [day.unrealized for day in days] == [-50, -25, 50, 0]
    assert [day.symbol_days[0].mark for day in days] == [None, None, 11, None]


def test_an_unknown_mark_is_not_zero():
    (day,) = days_of((0, 1, "B", 100, "10.00"))
    assert day.symbol_days[0].unrealized is None
    assert day.end_balance == day.cash == Decimal("-0.3")


def test_a_ledger_through_a_date_ignores_later_fills():
    firm = firm_of((0, 1, "B", 100, "10.00"), (1, 1, "S", 100, "11.00"))
    (day,) = Ledger(firm, MONDAY).days("ZZA001", *EVER)
    assert day == ledger_days(firm)[0]


def test_fills_of_one_second_are_ordered_by_fill_id_as_a_number():
    at = datetime(2025, 3, 3, 9, 30)
    rows = [
        Fill(at, "ZZA001", "B", Decimal(1), "QQZ", Decimal(price), fill_id=fill_id)
        for price, fill_id in (("12", "10"), ("11", "9"))
    ]
    rows.append(
        Fill(
            at + timedelta(minutes=1),
            "ZZA001",
            "S",
            Decimal(1),
            "QQZ",
            Decimal("13"),
            fill_id="11",
        )
    )
    (day,) = ledger_days(Firm([Account(1, "ZZA001")], rows))
    assert day.gross == 2


def test_evenings_of_futures_count_on_the_next_session():
    """Bought on Monday at 19:00, and on Tuesday; sold on Tuesday: all one day's."""
    evening = 60 * 9 + 30
    sessions = [MONDAY + timedelta(days=day) for day in (0, 1, 4)]
    firm = firm_of(
        (0, evening, "B", 1, "100"),
        (1, 30, "B", 1, "104"),
        (1, 60, "S", 1, "106"),
        # The sessions of Wednesday and Thursday are none, and Friday's is the next.
        (1, evening - 60, "S", 1, "110"),
        symbol="#ZZM5",
        multipliers={"#ZZM5": Decimal(50)},
    )
    by_session = replace(firm, sessions=sessions)
    assert [day.gross for day in ledger_days(firm)] == [0, 600]
    assert [day.gross for day in ledger_days(by_session)] == [300, 300]
    assert [day.date for day in ledger_days(by_session)] == [sessions[1], sessions[2]]
    with serve(by_session, as_of=MONDAY + timedelta(days=1)) as simulator:
        assert simulator.last_visible == MONDAY
    # On Tuesday's morning the fill is listed, and no session of it is over.
    assert Ledger(by_session, MONDAY).days("ZZA001", *EVER) == []


def test_pnl_is_in_the_accounts_currency_at_the_spot_of_its_date():
    rates = {
        (currency, MONDAY + timedelta(days=day)): Decimal(rate)
        for currency, day, rate in (
            ("CAD", 0, "0.75"), ("CAD", 2, "0.80"), ("JPY", 0, "0.006"),
        )
    }  # fmt: skip
    firm = firm_of(
        (0, 1, "B", 100, "150"), (0, 2, "S", 50, "152"), (2, 1, "S", 50, "153"),
        symbol="@USDJPY", closes={0: "151", 1: "154"},
    )  # fmt: skip
    fills = [replace(fill, currency="") for fill in firm.fills]
    firm = replace(
        firm, accounts=[Account(1, "ZZA001", "CAD")], fills=fills, exchange_rates=rates
    )
    days = ledger_days(firm)
    # Yen to dollars to Canadian dollars: 0.008, and 0.0075 from Wednesday on.
    assert [day.gross for day in days] == [Decimal("0.8"), 0, Decimal("1.125")]
    assert [day.unrealized for day in days] == [Decimal("0.4"), Decimal("1.6"), 0]
    # Fees are in the account's currency already.
    assert days[0].trade_fees == Decimal("0.6")
    (trip,) = round_trips(firm, firm.accounts[0], firm.fills)
    assert trip.gross == 250 * Decimal("0.0075")
    with pytest.raises(ValueError, match="no exchange rate of JPY on 2025-03-03"):
        ledger_days(replace(firm, exchange_rates={}))


def test_a_firm_without_dates_needs_a_virtual_date():
    with serve(Firm([Account(1, "ZZA001")], ()), as_of=MONDAY) as simulator:
        assert simulator.as_of == MONDAY
