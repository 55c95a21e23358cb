"""What an account is worth, against the simulator's books and the broker's summary."""

import random
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.desk_files import read_desk, record_desk
from ingestion.simulator import Account, Firm, Ledger, serve
from ingestion.simulator.back_office import (
    act,
    add_master,
    charge_locates,
    expire,
    pay_dividend,
    pay_out,
)
from ingestion.simulator.firm import Adjustment, CorporateAction, Fill
from ingestion.simulator.rates import Spots, made_up_rates, symbol_currency
from ingestion.simulator.revisions import recompute_fees
from ingestion.sources import ApiSource
from ingestion.sweep import sweep_source
from runtime.home import Home
from runtime.sessions import sessions_between
from tests.conftest import build_models_of, build_warehouse, make_settings, rows
from tests.draws import is_long
from tests.exports import ExportedFill, Exports
from tests.mornings import connect, in_utc, load_morning, load_two_books

DAYS = sessions_between(date(2024, 12, 16), date(2025, 1, 24))
SESSIONS = sessions_between(DAYS[0], date(2025, 2, 7))
RATES = made_up_rates(SESSIONS)
AS_OF = DAYS[-1]
SATURDAY = date(2025, 1, 11)
EXPIRY, POSTED = date(2025, 1, 17), date(2025, 1, 21)
# Twenty days before the last date.
RESTATED = date(2025, 1, 3)
ACTIONS = (
    (CorporateAction("PAIR", DAYS[8], 4, 1), "pair"),
    (CorporateAction("FREE", DAYS[9], 5, 2), "free shares"),
    (CorporateAction("LATE", DAYS[12], 1, 5), "unposted"),
    (CorporateAction("BACK", DAYS[14], 1, 4), "free shares"),
    (CorporateAction("OLDS", DAYS[15], new_symbol="NEWS"), "pair"),
)
# Exercised and assigned, worthless, settled in cash; a mini, and no expiry yet.
OPTIONS = {
    "+QQY250117C00005000": 100,
    "+QQY250117P00090000": 100,
    "+QQY250117C00090000": 100,
    "+QQIX250117C00005000": 100,
    "+QQY7250117P00090000": 10,
    "+QQZ250221C00020000": 100,
}
SHARES = ("QQX", "QQY", "QQZ")
# In yen and Canadian dollars, and a future whose evening is the next session's.
FUTURE, FUTURE_SIZE, EVENING = "#QQWH5", 5, timedelta(hours=9)
ABROAD = ("@USDJPY", "QQW.TO", FUTURE)
SYMBOLS = (*SHARES, *OPTIONS, *ABROAD, *(action.symbol for action, _ in ACTIONS))
MODELS = "+fct_account_equity +position_reconciliation +data_quality"
# Two are payouts or transfers, one nobody has told.
CATEGORIES = ("Transfer: Deposit", "Cash In/Out", "Fee: Payout", "Dividend", "Fee: Tea")
ROLES = """\
account_id,valid_from,role,parent_account_id,reset_date,note
ZM,,master,,,
Z3,,sub,ZM,,
Z4,,sub,ZM,,
Z2,,demo,,,
"""
EVENINGS = "select count(*) from marts.fct_fills where trade_date > calendar_date"
ZERO = Decimal(0)


def listed(symbol: str, day: date) -> tuple[str, bool]:
    """Under what name something is traded on a date, and whether it still is."""
    for action, _ in ACTIONS:
        if symbol == action.symbol and day >= action.effective:
            symbol = action.symbol_after
    return symbol, "250117" not in symbol or day <= EXPIRY


def random_firm(seed: int) -> Firm:
    """Accounts that carry, are booked, and miss marks; and all that surrounds them.

    Z5 has adjustments alone, ZM is the master of two others, ZC is of Canada. All trade
    what is priced in other currencies, and a future in the evening.
    """
    draw = random.Random(seed)
    names = [*(f"Z{number}" for number in range(5)), "ZC", "Z5"]
    fills, adjustments = [], []
    for number in range(1000):
        day = draw.choice([*DAYS, SATURDAY] if number % 9 == 0 else DAYS)
        symbol, is_listed = listed(draw.choice(SYMBOLS), day)
        if not is_listed:
            continue
        # Beside a corporate action journal entries may be taken for it.
        # The fees of a date are restated, not those of a session.
        is_evening = symbol == FUTURE and day != RESTATED and draw.random() < 0.5
        statuses = ["REGULAR"] * 9 + ["CXLD", "JRNL" if symbol in SHARES else "REGULAR"]
        fills.append(
            Fill(
                account_name=draw.choice(names[:-1]),
                filled_at=datetime.combine(day, time(10))
                + timedelta(minutes=draw.randrange(200))
                + EVENING * is_evening,
                side=draw.choice("BSTC"),
                quantity=Decimal(draw.randrange(1, 400)),
                symbol=symbol,
                price=Decimal(draw.randrange(1500, 2500)) / 100,
                fees={"Comm": Decimal(draw.randrange(-40, 300)) / 10_000},
                order_id=str(number),
                fill_id=str(number),
                currency=symbol_currency(symbol) or "USD",
                status=draw.choice(statuses),
                propreports_id=number + 1,
            )
        )
    for _ in range(60):
        amount = Decimal(draw.randrange(-500_000, 900_000)) / 100
        day, category = draw.choice([*DAYS, SATURDAY]), draw.choice(CATEGORIES)
        adjustments.append(Adjustment(day, draw.choice(names), category, amount))
    # What was never marked is no subject here: first days and new shares are.
    marked = {DAYS[0], EXPIRY, *(action.effective for action, _ in ACTIONS)}
    closes = {
        (listed(symbol, day)[0], day): Decimal(draw.randrange(15_000, 25_000)) / 1000
        for symbol in (*SYMBOLS, "QQIX")
        for day in DAYS
        if listed(symbol, day)[1] and (day in marked or draw.random() < 0.8)
    }
    # On the first day everything is held, so that the warehouse knows its mark.
    for place, symbol in enumerate(SYMBOLS):
        fills.append(
            Fill(
                account_name=names[0],
                filled_at=datetime.combine(DAYS[0], time(9, 31 + place)), side="B",
                quantity=Decimal(100_000), symbol=symbol, price=Decimal(20),
                order_id=f"F{place}", fill_id=str(1100 + place),
                currency=symbol_currency(symbol) or "USD", propreports_id=1100 + place,
            )
        )  # fmt: skip
    accounts = [
        Account(501 + place, name, "CAD" if name == "ZC" else "USD")
        for place, name in enumerate(names)
    ]
    sizes = {symbol: Decimal(size) for symbol, size in OPTIONS.items()}
    sizes[FUTURE] = Decimal(FUTURE_SIZE)
    # Of actions and expiries a master is posted what its own position asks for.
    firm = add_master(
        Firm(
            accounts, fills, adjustments, closes, sizes,
            exchange_rates=RATES, sessions=SESSIONS,
        ),
        Account(599, "ZM"),
        ("Z3", "Z4"),
    )  # fmt: skip
    for action, posting in ACTIONS:
        firm = act(firm, action, posting)
    firm = expire(firm, EXPIRY, POSTED, cash_settled=("QQIX",))
    firm = pay_dividend(firm, "QQX", DAYS[10], Decimal("0.13"))
    firm = charge_locates(firm, "QQZ", Decimal("0.01"), DAYS[0], AS_OF)
    return pay_out(firm, "Z1", Decimal("0.5"), DAYS[0], DAYS)


def tell_desk(home: Home, roles: str = ROLES) -> None:
    """Write what the broker's rows leave open: actions, roles, the mini's size."""
    lines = ["symbol,effective_date,action,ratio,new_symbol"]
    for action, _ in ACTIONS:
        kind = "symbol_change" if action.new_symbol else "split"
        ratio = "" if action.new_symbol else f"{action.new_shares}:{action.old_shares}"
        told = (action.symbol, str(action.effective), kind, ratio, action.new_symbol)
        lines.append(",".join(told))
    home.desk.joinpath("corporate_actions.csv").write_text("\n".join(lines) + "\n")
    home.desk.joinpath("account_roles.csv").write_text(roles)
    home.desk.joinpath("instrument_multipliers.csv").write_text(
        "symbol_prefix,instrument_type,multiplier\n+QQY7,option,10\n"
        f"{FUTURE[:-2]},future,{FUTURE_SIZE}\n"
    )
    told = [f"{day},{currency},{rate}" for (currency, day), rate in RATES.items()]
    home.desk.joinpath("exchange_rates.csv").write_text(
        "\n".join(["rate_date,currency,rate", *told]) + "\n"
    )


@pytest.mark.parametrize("seed", range(6 if is_long else 1))
def test_every_account_and_date_is_the_simulators_own_books(
    tmp_path: Path, seed: int
) -> None:
    home, evening = Home(tmp_path), datetime.combine(AS_OF, time(20))
    days = [(name, RESTATED) for name in ("Z0", "Z1", "Z2", "Z3", "Z4", "ZC")]
    restated = recompute_fees(evening, days, "NSCC", Decimal("0.05"))
    with serve(
        random_firm(seed), as_of=AS_OF, revisions=[restated], rate_limit=10**6
    ) as simulator:
        load_morning(simulator, home, gate="warn")
        simulator.now = evening
        settings = make_settings(risk_home=home.root, gate="warn")
        with connect(simulator) as client:
            source = ApiSource(
                client, name="api", firm="simulated firm", group_id=-2,
                latest_as_of=AS_OF,
            )  # fmt: skip
            said, _ = sweep_source(settings, source, home, now=in_utc(evening))
        assert f": 1 date restated and read again ({RESTATED})" in said
        firm = simulator.firm
    tell_desk(home)
    record_desk(home, read_desk(settings, home))
    build_models_of(settings, home, models=f"{MODELS} +fct_fills", data_tests=True)
    ledger = Ledger(firm, DAYS[-2])
    books = {
        (account.name, day.date): day
        for account in firm.accounts
        for day in ledger.days(account.name, date.min, date.max)
    }
    found = rows(
        home,
        "select account_id, trade_date, opening_equity, cash_amount, unrealized_pnl, "
        "end_balance, unrealized_delta, high_water_mark, drawdown_from_peak, "
        "month_to_date_total_delta, year_to_date_total_delta, "
        "month_to_date_unknown_days_count, year_to_date_unknown_days_count, "
        "cash_source, difference_class, total_delta "
        "from marts.fct_account_equity order by 1, 2",
    )
    assert {(who, day) for who, day, *_ in found} == books.keys()
    currencies = {account.name: account.currency for account in firm.accounts}
    spots, rates_before = Spots(RATES), {}
    opening: dict[str, Decimal] = defaultdict(Decimal)
    moved: dict[str, Decimal] = defaultdict(Decimal)
    untold: dict[tuple, int] = defaultdict(int)
    peak: dict[str, Decimal] = defaultdict(Decimal)
    months: dict[tuple, Decimal] = defaultdict(Decimal)
    years: dict[tuple, Decimal] = defaultdict(Decimal)
    for who, day, *figures in found:
        own = books[who, day]
        paid = own.adjustments.get("Fee: Payout", ZERO)
        moved[who] += own.transfers + paid
        level = own.end_balance - moved[who]
        peak[who] = max(peak[who], level)
        outside = paid + own.adjustments.get("Fee: Tea", ZERO)
        if "Fee: Tea" in own.adjustments:
            untold[who, day.year, day.month] += 1
            untold[who, day.year] += 1
        else:
            months[who, day.year, day.month] += own.total_delta - outside
            years[who, day.year] += own.total_delta - outside
        # Shown in dollars, and of what was there before in those of the date before.
        rate = spots.spot(currencies[who], "USD", day)
        is_abroad = currencies[who] != "USD"
        amounts = [
            opening[who] * rates_before.get(who, rate) / rate, own.cash, own.unrealized,
            own.end_balance, own.unrealized_delta, peak[who], peak[who] - level,
            months[who, day.year, day.month], years[who, day.year],
            own.total_delta - outside,
        ]  # fmt: skip
        shown = [*figures[:9], figures[-1]]
        for amount, figure in zip(amounts, shown, strict=True):
            off = abs(figure - amount * rate)
            assert off <= (Decimal("1e-5") if is_abroad else 0), (who, day, amounts)
        assert figures[9:-1] == [
            untold[who, day.year, day.month], untold[who, day.year], "history",
            "agrees" if figures[-2] != "no_summary" else "no_summary",
        ], (who, day)  # fmt: skip
        rates_before[who] = rate
        opening[who] = own.end_balance
    positions = {
        (who, day, one.symbol): one.position
        for (who, day), own in books.items()
        for one in own.symbol_days
        if one.position
    }
    assert positions == {
        (who, day, symbol): quantity
        for who, day, symbol, quantity in rows(
            home,
            "select account_id, trade_date, symbol, position_quantity "
            "from marts.position_reconciliation where difference_class = 'agrees'",
        )
    }
    assert len(positions) > 300
    told = dict(rows(home, "select check_name, found_count from marts.data_quality"))
    assert told["equity_differences"] == told["position_breaks"] == 0
    # A summary has a column for each category, whatever it is called.
    assert told["unknown_columns"] == told["unreconciled"] == told["orders_differ"] == 0
    assert told["assumed_currency"] == told["no_multiplier"] == 0
    assert rows(home, EVENINGS) != [(0,)]


def fill(number: int, account: str, day: int, side: str, price: str) -> Fill:
    """A fill of 100."""
    return Fill(
        account_name=account, filled_at=datetime.combine(DAYS[day], time(10, number)),
        side=side, quantity=Decimal(100), symbol="QQZ", price=Decimal(price),
        order_id=str(number), fill_id=str(number), propreports_id=number,
    )  # fmt: skip


def test_each_kind_of_difference_from_the_broker_has_its_class_and_dollars(
    tmp_path: Path,
) -> None:
    names = ("EQUAL", "NET", "BOOKED", "MOVED", "MARKED")
    fills = [
        one
        for place, name in enumerate(names)
        for one in (
            fill(4 * place + 1, name, 0, "B", "20.00"),
            fill(4 * place + 2, name, 3, "S", "21.00"),
            fill(4 * place + 3, name, 5, "B", "21.00"),
            fill(4 * place + 4, name, 6, "S", "22.00"),
        )
    ]
    adjustments = [
        Adjustment(DAYS[0], name, "Transfer: Deposit", Decimal(5000)) for name in names
    ]
    closes = {("QQZ", day): Decimal("20.50") for day in DAYS}
    accounts = [Account(501 + place, name) for place, name in enumerate(names)]
    ours = Firm(accounts, fills, adjustments, closes)
    theirs = replace(
        ours,
        fills=[
            replace(one, price=Decimal("21.50"))
            if (one.account_name, one.side, one.filled_at.date())
            == ("NET", "S", DAYS[3])
            else one
            for one in fills
        ],
        adjustments=[
            *adjustments,
            Adjustment(DAYS[3], "BOOKED", "Dividend", Decimal(30)),
            Adjustment(DAYS[3], "MOVED", "Transfer: Withdrawal", Decimal(-70)),
        ],
    )
    home = Home(tmp_path)
    with (
        serve(ours, as_of=DAYS[9], rate_limit=10**6) as one,
        serve(theirs, as_of=DAYS[9], rate_limit=10**6) as other,
    ):
        load_two_books(one, other, home)
    build_models_of(make_settings(risk_home=home.root), home, models=MODELS)

    def classes(account: str) -> list[tuple]:
        return [
            (DAYS.index(day), name, amount)
            for day, name, amount in rows(
                home,
                "select trade_date, difference_class, difference_amount "
                f"from marts.fct_account_equity where account_id = '{account}' "
                "and difference_class <> 'no_summary' order by 1",
            )
        ]

    assert classes("EQUAL") == [(day, "agrees", 0) for day in (0, 3, 5, 6)]
    assert classes("NET")[1:] == [
        (3, "net_differs", -50),
        (5, "carried_difference", -50),
        (6, "carried_difference", -50),
    ]
    assert classes("BOOKED")[1:3] == [
        (3, "adjustments_differ", -30),
        (5, "carried_difference", -30),
    ]
    assert classes("MOVED")[1:3] == [
        (3, "transfers_differ", 70),
        (5, "carried_difference", 70),
    ]
    ((count, needs_attention, finding),) = rows(
        home,
        "select found_count, needs_attention, finding from marts.data_quality "
        "where check_name = 'equity_differences'",
    )
    assert (count, needs_attention) == (3, False)
    assert f"MOVED of {DAYS[6]}, carried difference, $70.00; NET of" in finding


@pytest.mark.long
def test_cash_of_a_history_that_begins_later_is_counted_from_the_brokers(
    tmp_path: Path,
) -> None:
    """Its first trade was before; and nobody shows the cash of another account."""
    fills = [
        fill(1, "Z1", 0, "B", "20.005"),
        fill(2, "Z1", 0, "S", "21.00"),
        fill(3, "Z1", 5, "B", "20.00"),
        fill(4, "Z1", 7, "S", "21.00"),
    ]
    firm = Firm(
        [Account(501, "Z1")],
        fills,
        [Adjustment(DAYS[0], "Z1", "Transfer: Deposit", Decimal(5000))],
        {("QQZ", day): Decimal("20.50") for day in DAYS},
    )
    home = Home(tmp_path)
    with serve(firm, as_of=DAYS[9], rate_limit=10**6) as simulator:
        load_morning(simulator, home, history_start=DAYS[4])
    build_models_of(make_settings(risk_home=home.root), home, models=MODELS)
    found = rows(
        home,
        "select trade_date, opening_equity, cash_amount, end_balance, cash_source, "
        "difference_class from marts.fct_account_equity order by 1",
    )
    assert found == [
        (DAYS[5], Decimal("5099.50"), Decimal("5099.50"), Decimal("5149.50"),
         "broker_summary", "agrees"),
        (DAYS[6], Decimal("5149.50"), Decimal("5099.50"), Decimal("5149.50"),
         "broker_summary", "no_summary"),
        (DAYS[7], Decimal("5149.50"), Decimal("5199.50"), Decimal("5199.50"),
         "broker_summary", "agrees"),
    ]  # fmt: skip


SUMMARIES = {
    "TOLD": "Date,Type,Fills,Qty,Gross,Trade Fees,Net,Adj Net,Unrealized Δ,Total Δ,"
    "Transfers,Cash,Unrealized,End Balance\n"
    "3/3/2025,Eq,2,2,48.00,0.00,48.00,23.00,150.00,173.00,1000.00,1523.00,150.00,"
    "1673.00\n"
    # Nobody shows what was booked on the second day.
    "3/4/2025,Eq,2,2,48.00,0.00,48.00,,,,,,,\n"
    "3/5/2025,Eq,2,2,48.00,0.00,48.00,40.00,-10.00,30.00,0.00,1700.00,20.00,1720.00\n"
    "3/6/2025,Eq,2,2,48.00,0.00,48.00,48.00,0.00,48.00,0.00,1748.00,20.00,1768.00\n",
    "SILENT": "Date,Type,Fills,Qty,Gross,Trade Fees,Net\n"
    "3/3/2025,Eq,2,2,48.00,0.00,48.00\n",
}


@pytest.mark.long
def test_of_files_the_brokers_summary_tells_and_says_so_or_nobody(
    tmp_path: Path,
) -> None:
    exports = Exports(tmp_path / "exports")
    monday = datetime(2025, 3, 3, 10)
    exports.write(
        [
            *(
                ExportedFill(
                    who, monday + timedelta(days=day, minutes=minute), side, Decimal(1),
                    Decimal(price),
                )
                for who, days in (("TOLD", 4), ("SILENT", 1))
                for day in range(days)
                for minute, side, price in ((0, "B", 10), (5, "S", 58))
            ),
            # Held without a mark from the first day on.
            *(
                ExportedFill(who, monday, "B", Decimal(10), Decimal(10), symbol="DEF")
                for who in ("TOLD", "SILENT")
            ),
        ]
    )  # fmt: skip
    folder = exports.folder / "summaryByDate"
    folder.mkdir()
    for name, text in SUMMARIES.items():
        folder.joinpath(f"{name}.csv").write_text(text)
    home = build_warehouse(
        tmp_path / "home", exports.folder, models=MODELS, gate="warn"
    )

    def equity(account: str) -> list[tuple]:
        return [
            tuple(f"{x.normalize():f}" if isinstance(x, Decimal) else x for x in one)
            for one in rows(
                home,
                "select adjustments_amount, adjustments_source, unrealized_pnl, "
                "unrealized_delta, unrealized_source, total_delta, transfers_amount, "
                "cash_amount, cash_source, opening_equity, high_water_mark, "
                "month_to_date_total_delta, month_to_date_unknown_days_count "
                f"from marts.fct_account_equity where account_id = '{account}' "
                "order by trade_date",
            )
        ]

    # Payouts may be among what the summary shows, so these days are in no sum.
    told, none = "broker_summary", None
    assert equity("TOLD") == [
        ("-25", told, "150", "150", told, "173", "1000", "1523", told, "500", "673",
         "0", 1),
        (none,) * 9 + ("1673", none, "0", 2),
        ("-8", told, "20", "-10", told, "30", "0", "1700", told, "1690", none, "0", 3),
        ("0", told, "20", "0", told, "48", "0", "1748", told, "1720", none, "48", 3),
    ]  # fmt: skip
    assert equity("SILENT") == [(none,) * 11 + ("0", days) for days in (1, 2, 3, 4)]
