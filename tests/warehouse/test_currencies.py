"""Amounts of other currencies: which one, at which rate, and what has none."""

import shutil
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from itertools import count
from pathlib import Path

import duckdb
import pytest
from bs4 import BeautifulSoup

from ingestion.desk_files import read_desk, record_desk
from ingestion.simulator import Account, Adjustment, Firm, serve
from ingestion.simulator.firm import Fill
from reports.board import write_board
from reports.names import slug
from reports.render import render
from reports.statement import write_statements
from reports.summary import summarise
from runtime.home import Home
from runtime.publish.marts_copy import publish
from runtime.sessions import sessions_between
from runtime.transform.build import build_models
from runtime.transform.build_state import reason_to_build_all
from tests.conftest import build_by_plan, build_models_of, make_settings, rows
from tests.draws import draw
from tests.mornings import load_morning
from tests.tables import differing

DAYS = sessions_between(date(2025, 3, 3), date(2025, 3, 14))
NUMBERS = count(1)
FEE = {"Comm": Decimal("1.00")}
RATES = "rate_date,currency,rate,note\n"
CAD = "2025-02-28,CAD,0.7,\n2025-03-05,CAD,0.8,\n"
JPY = "2025-03-04,JPY,0.00662252,fixing\n"


def fill(
    account: str, day: int, side: str, quantity, symbol: str, price, currency: str = ""
) -> Fill:
    """A fill of a session, in the order they are written."""
    number = next(NUMBERS)
    return Fill(
        account_name=account, filled_at=datetime.combine(DAYS[day], time(10, number)),
        side=side, quantity=Decimal(quantity), symbol=symbol, price=Decimal(price),
        order_id=str(number), fill_id=str(number), propreports_id=number,
        currency=currency, fees=FEE,
    )  # fmt: skip


FILLS = [
    # Of a Canadian share: by its ending, by its fills, by its account.
    fill("DOLLARS", 0, "B", 100, "SHOP.TO", "100"),
    fill("DOLLARS", 2, "S", 100, "SHOP.TO", "101"),
    fill("DOLLARS", 0, "B", 10, "ABC", "10", "USD"),
    fill("DOLLARS", 0, "S", 10, "ABC", "11", "USD"),
    fill("NAMED", 1, "B", 100, "RY", "130", "CAD"),
    fill("NAMED", 1, "S", 50, "RY", "131", "CAD"),
    fill("TORONTO", 1, "B", 10, "BNS", "60"),
    fill("TORONTO", 1, "S", 10, "BNS", "61"),
    # A pair is of its second leg, and nobody has told a rate of it.
    fill("PAIRS", 0, "B", 100000, "@USDJPY", "150.00"),
    fill("PAIRS", 0, "S", 100000, "@USDJPY", "151.00"),
    fill("PAIRS", 1, "B", 100000, "@USDJPY", "150.00"),
    fill("PAIRS", 1, "S", 100000, "@USDJPY", "151.00"),
    fill("PAIRS", 2, "B", 10, "ABC", "10"),
    fill("PAIRS", 2, "S", 10, "ABC", "11"),
    # On the desk's last day.
    fill("PAIRS", 8, "B", 100000, "@USDJPY", "150.00"),
    fill("PAIRS", 8, "S", 100000, "@USDJPY", "151.00"),
    # A position is opened besides: how much was traded that day is not known.
    fill("OPENS", 1, "B", 10, "ABC", "10"),
    fill("OPENS", 1, "S", 10, "ABC", "11"),
    fill("OPENS", 1, "B", 1000, "@USDJPY", "150.00"),
    fill("OPENS", 2, "B", 10, "ABC", "10"),
    fill("OPENS", 2, "S", 10, "ABC", "11"),
    # Two currencies of one symbol and day, and one that the symbol contradicts.
    fill("MIXED", 1, "B", 10, "RY", "90", "USD"),
    fill("MIXED", 1, "S", 10, "RY", "130", "CAD"),
    fill("MIXED", 2, "B", 10, "RY.TO", "130", "USD"),
    # Somebody trades to the end.
    *(fill("DOLLARS", day, "B", 1, "ABC", "10") for day in range(3, 9)),
]
FIRM = Firm(
    [
        Account(500, "DOLLARS"),
        Account(501, "NAMED"),
        Account(502, "TORONTO", "CAD"),
        Account(503, "PAIRS"),
        Account(504, "MIXED"),
        Account(505, "OPENS"),
    ],
    FILLS,
    tuple(
        Adjustment(DAYS[day], "TORONTO", "Fee: Software & MD", Decimal(amount))
        for day, amount in ((1, -100), (3, -10))
    ),
    {("SHOP.TO", DAYS[0]): Decimal(102), ("SHOP.TO", DAYS[1]): Decimal(102)}
    | {("RY", day): Decimal(132) for day in DAYS},
    # The broker knows a yen from the first day on, which nobody has told the desk.
    exchange_rates={
        ("CAD", date(2025, 2, 28)): Decimal("0.7"),
        ("CAD", DAYS[2]): Decimal("0.8"),
        ("JPY", date(2025, 2, 28)): Decimal("0.00662252"),
    },
)


def tell(home: Home, rates: str) -> None:
    """The desk says what currencies are worth."""
    home.desk.mkdir(exist_ok=True)
    (home.desk / "exchange_rates.csv").write_text(RATES + rates)
    settings = make_settings(risk_home=home.root)
    record_desk(home, read_desk(settings, home))


def build(home: Home, *options: str) -> str:
    """As `make build` does; data tests, which the sample passes, at length."""
    alone = draw(("--exclude-resource-type", "test", "--no-write-json"), ())
    settings = make_settings(risk_home=home.root)
    return build_models(settings, home, *alone, *options)[0]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Rates of Canada alone, some of them refused, as is a rule."""
    home = Home(tmp_path_factory.mktemp("currencies"))
    with serve(FIRM, as_of=DAYS[-1], rate_limit=10**6) as simulator:
        load_morning(simulator, home)
    home.desk.mkdir(exist_ok=True)
    (home.desk / "candidate_rules.csv").write_text("rule,note\nhalt 1500,\n")
    tell(home, CAD + "2025-03-06,USD,1.1,\n2025-03-06,CAD,0,\n2025-03-05,CAD,0.9,\n")
    build(home)
    yield home


def totals(home: Home, account: str, *columns: str) -> list[tuple]:
    """Of the account's days: number of the session, then the columns."""
    return [
        (DAYS.index(day), *(None if x is None else round(float(x), 4) for x in amounts))
        for day, *amounts in rows(
            home,
            f"select trade_date, {', '.join(columns)} from marts.daily_totals "
            f"where account_id = '{account}' order by trade_date",
        )
    ]


def told(
    home: Home, check_name: str, *, needs_attention: bool = True
) -> tuple[int, str]:
    """How much a check found, and what it names."""
    ((found_count, finding),) = rows(
        home,
        "select found_count, finding from marts.data_quality "
        f"where check_name = '{check_name}' and needs_attention = {needs_attention}",
    )
    return found_count, (finding or "").partition(": ")[2]


def test_pnl_is_local_at_the_rate_of_its_date(home: Home) -> None:
    # Fees of an account in dollars are dollars, whatever it trades.
    found = totals(home, "DOLLARS", "gross_pnl", "total_fees", "unrealized_pnl")
    assert found[:3] == [(0, 10, 3, 140), (1, 0, 0, 140), (2, 80, 1, 0)]
    assert totals(home, "NAMED", "gross_pnl", "net_pnl", "unrealized_pnl")[:2] == [
        (1, 35, 33, 70), (2, 0, 0, 80),
    ]  # fmt: skip


def test_fees_and_adjustments_are_of_the_account(home: Home) -> None:
    assert totals(home, "TORONTO", "gross_pnl", "total_fees", "adjustments_amount") == [
        (1, 7, 1.4, -70), (3, 0, 0, -8),
    ]  # fmt: skip
    assert rows(
        home,
        "select currency, local_amount, adjustment_amount from marts.fct_adjustments "
        "order by trade_date",
    ) == [("CAD", -100, -70), ("CAD", -10, -8)]
    assert rows(
        home,
        "select sum(fee_amount) from marts.fct_fees where account_id = 'TORONTO'",
    ) == [(Decimal("1.4"),)]


def test_the_broker_is_compared_in_one_currency(home: Home) -> None:
    assert rows(
        home,
        "select difference_class, gross_pnl, broker_gross_pnl "
        "from marts.broker_reconciliation where account_id = 'TORONTO'",
    ) == [("within_rounding", 7, 7)]


def test_what_has_no_rate_is_unknown_and_told_with_its_local_amounts(
    home: Home,
) -> None:
    columns = ("gross_pnl", "net_pnl", "total_delta", "unconverted_symbols_count")
    assert totals(home, "PAIRS", *columns) == [
        (0, None, None, None, 1), (1, None, None, None, 1), (2, 10, 8, 8, 0),
        (8, None, None, None, 1),
    ]  # fmt: skip
    assert rows(
        home,
        "select currency, exchange_rate, sum(local_gross_pnl), sum(realized_gross_pnl) "
        "from marts.fct_fills where symbol = '@USDJPY' and side = 'S' group by all",
    ) == [("JPY", None, 300000, None)]
    found_count, finding = told(home, "no_exchange_rate")
    assert found_count == 11
    assert finding.endswith(
        "lines to add: 2025-03-03,JPY,RATE, for 11 account-days of 2 accounts until "
        "2025-03-13, gross and adjustments JPY 300000.00"
    )
    assert rows(
        home,
        "select trader_id, cast(trade_date as varchar) "
        "from intermediate.int_trader_days "
        "where trader_id in ('PAIRS', 'OPENS') order by all",
    ) == [("OPENS", "2025-03-05"), ("PAIRS", "2025-03-05")]
    # What was realized is known; what it is worth is not.
    assert totals(home, "OPENS", "net_pnl", "total_delta")[:2] == [
        (1, 7, None), (2, 8, None),
    ]  # fmt: skip


def test_a_position_without_mark_and_rate_is_of_unknown_worth(home: Home) -> None:
    found_count, finding = told(home, "stale_marks")
    assert found_count > 0
    assert "OPENS 1000 @USDJPY, never marked (of unknown value)" in finding


def test_rates_that_are_wrong_or_old_are_alarms(home: Home) -> None:
    found_count, finding = told(home, "refused_desk_lines")
    assert found_count == 4
    assert "line 4: USD is the base currency and has no rate" in finding
    assert "line 5, column rate: '0' is not a rate above 0" in finding
    assert "line 6 is about the same as line 3 (rate_date, currency)" in finding
    assert "candidate_rules.csv, line 2, column rule: 'halt 1500' is no" in finding
    assert told(home, "assumed_currency", needs_attention=False) == (
        11, "PAIRS 6; DOLLARS 2; TORONTO 2; OPENS 1",
    )  # fmt: skip
    found_count, finding = told(home, "stale_exchange_rates")
    assert found_count == 1
    assert finding.startswith("CAD of 2025-03-05, up to 6 sessions old on 1 ")


def test_a_currency_that_is_not_clear_is_an_alarm(home: Home) -> None:
    assert told(home, "unclear_currency") == (
        2,
        "MIXED RY.TO on 2025-03-05: USD, but the symbol says CAD; "
        "MIXED RY on 2025-03-04: several currencies",
    )
    assert totals(home, "MIXED", "gross_pnl")[0] == (1, None)


def test_an_account_of_another_currency_adds_up_with_what_the_rate_did(
    home: Home,
) -> None:
    days = rows(
        home,
        "select opening_equity, currency_delta, total_delta + payouts_amount "
        "+ unmapped_amount + transfers_amount, end_balance "
        "from marts.fct_account_equity where account_id = 'TORONTO' "
        "order by trade_date",
    )
    # Ten Canadian dollars less two of fees and a hundred for software, then at 0.8.
    assert days == [
        (0, 0, Decimal("-64.4"), Decimal("-64.4")),
        (Decimal("-64.4"), Decimal("-9.2"), -8, Decimal("-81.6")),
    ]
    assert rows(
        home,
        "select distinct currency_delta from marts.fct_account_equity "
        "where currency = 'USD'",
    ) == [(0,)]


def test_an_account_without_a_rate_yet_is_unknown_and_the_build_continues(
    tmp_path: Path,
) -> None:
    firm = Firm(
        [Account(500, "TORONTO", "CAD")],
        [
            fill("TORONTO", 0, "B", 3, "BNS", "60.1233"),
            fill("TORONTO", 1, "B", 10, "RY", "60"),
            fill("TORONTO", 5, "S", 10, "RY", "61"),
        ],
        (),
        {("BNS", day): 60 + Decimal(number) / 8 for number, day in enumerate(DAYS)}
        | {("RY", day): Decimal("60.00") for day in DAYS},
    )
    home = Home(tmp_path / "home")
    with serve(firm, as_of=DAYS[-1], rate_limit=10**6) as simulator:
        load_morning(simulator, home)
    # As central banks tell them: of more decimals than an amount in dollars can keep.
    tell(home, "2025-03-06,CAD,0.6912345678,\n")
    build_models_of(
        make_settings(risk_home=home.root), home,
        models="+fct_account_equity +position_reconciliation",
    )  # fmt: skip
    assert rows(
        home,
        "select trade_date < '2025-03-06', count(*), count(cash_amount), "
        "count(cash_source), count(end_balance) "
        "from marts.fct_account_equity group by all order by all",
    ) == [(False, 6, 6, 6, 6), (True, 3, 0, 0, 0)]
    assert rows(
        home,
        "select distinct trade_date < '2025-03-06', unrealized_pnl is null, "
        "unrealized_difference is null, difference_class "
        "from marts.position_reconciliation where symbol = 'BNS' order by all",
    ) == [(False, False, False, "agrees"), (True, True, True, "agrees")]


def test_what_is_unknown_is_said_to_people(home: Home, tmp_path: Path) -> None:
    mine = Home(tmp_path / "home")
    shutil.copytree(home.root, mine.root)
    settings = make_settings(risk_home=mine.root)
    build_models_of(settings, mine, selector="after_scoring")
    publish(mine)
    summary = summarise(settings, mine)
    told = render(summary)
    for text in (told.text, BeautifulSoup(told.html, "html.parser").text):
        assert (
            "On Thu 2025-03-13 what it made net is not known: an exchange rate is "
            "missing, with 3 fills, incomplete: not all is known of "
            "MIXED (no mark) and OPENS (no mark) and PAIRS (no exchange rate)."
            in " ".join(text.split())
        )
    write_board(settings, mine)
    desk, trader = (
        BeautifulSoup((mine.board / page).read_text(), "html.parser").text
        for page in ("index.html", f"traders/{slug('PAIRS')}.html")
    )
    # In the heat map: the day, and the sum that it is part of.
    cells = desk.partition("The last ")[2].partition("Held overnight")[0]
    assert "?" in cells
    assert "not known" in cells
    assert "3 days are not known, and not in it" in trader
    said = write_statements(mine, "2025-03")
    assert "of 3 an amount is not known" in said
    assert "do not add up" not in said


def test_a_later_rate_builds_the_days_that_it_touches(
    home: Home, tmp_path: Path
) -> None:
    tell(home, CAD.replace("0.8", "0.75") + JPY)
    assert reason_to_build_all(home) is None
    if draw(False, True):
        build(home)
    else:
        settings = make_settings(risk_home=home.root)
        build_by_plan(settings, home, "+daily_totals +int_trader_days")
    planned = rows(
        home,
        "select account_id, cast(trade_date as varchar) "
        "from intermediate.int_days_of_changed_rates order by all",
    )
    # JPY of the fourth, CAD of the fifth on: what they touch, and nothing else.
    assert planned == [
        ("DOLLARS", "2025-03-05"), ("OPENS", "2025-03-04"), ("PAIRS", "2025-03-04"),
        ("PAIRS", "2025-03-13"),
    ]  # fmt: skip
    assert totals(home, "OPENS", "net_pnl")[:2] == [(1, 7), (2, 8)]
    assert rows(
        home,
        "select count(*) from intermediate.int_trader_days where trader_id = 'OPENS'",
    ) == [(2,)]
    assert totals(home, "PAIRS", "gross_pnl") == [
        (0, None), (1, 662.252), (2, 10), (8, 662.252),
    ]  # fmt: skip
    assert totals(home, "DOLLARS", "gross_pnl")[2] == (2, 75)
    if not draw(False, True):
        return
    in_parts = tmp_path / "in_parts.duckdb"
    in_parts.write_bytes(home.warehouse.read_bytes())
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("update ops.built_with set fingerprint = 'of other models'")
    build(home)
    assert differing(in_parts, home.warehouse, ("intermediate", "marts")) == {}
