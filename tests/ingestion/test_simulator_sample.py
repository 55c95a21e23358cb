"""The generated firm: who is in it, that it is reproducible, and that it adds up."""

import csv
import io
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
import requests

from ingestion.desk_files import begin_desk, read_desk
from ingestion.simulator import (
    Ledger,
    sample_desk,
    sample_firm,
    sample_revisions,
    serve,
)
from ingestion.simulator.editions import Editions
from ingestion.simulator.firm import execution_order, fee_columns
from ingestion.simulator.market import FUTURE_MULTIPLIERS
from ingestion.simulator.sample_abroad import (
    ABROAD,
    AFTER_HOURS,
    FUTURE,
    FUTURE_SIZE,
    PAIR,
    sample_rates,
)
from ingestion.simulator.sample_books import (
    DEMO,
    HOUSE,
    MASTER,
    ON_LEAVE,
    PAID_OUT,
    SUBS,
)
from runtime.home import Home
from tests.conftest import make_settings

EVER = (date.min, date.max)
ZERO = Decimal(0)


def weekdays(last: date, count: int) -> list[date]:
    """The last `count` weekdays up to `last`."""
    days = [last - timedelta(days=back) for back in range(2 * count)]
    return sorted([day for day in days if day.weekday() < 5][:count])


SESSIONS = weekdays(date(2026, 1, 30), 378)


@pytest.fixture(scope="module")
def firm():
    return sample_firm(SESSIONS)


@pytest.fixture(scope="module")
def ledger(firm):
    return Ledger(firm, SESSIONS[-1])


@pytest.fixture(scope="module")
def days(firm, ledger):
    """(account name, day) of every account."""
    return [
        (account.name, day)
        for account in firm.accounts
        for day in ledger.days(account.name, *EVER)
    ]


@pytest.fixture(scope="module")
def fills_by_account(firm):
    found = defaultdict(list)
    for fill in firm.fills:
        found[fill.account_name].append(fill)
    return found


def traded(fills) -> list[date]:
    return sorted({fill.filled_at.date() for fill in fills if fill.is_regular})


def test_same_seed_same_firm_other_seed_other_firm():
    short = SESSIONS[-60:]
    drawn = sample_firm(short, 7)
    assert sample_firm(short, 7) == drawn
    assert sample_firm(short, 8) != drawn


def test_size(firm):
    assert 120_000 <= len(firm.fills) <= 200_000
    codes = {account.name[:6] for account in firm.accounts}
    assert len({code for code in codes if code.startswith("SIM0")}) == 24
    assert codes > {HOUSE, DEMO, ON_LEAVE, MASTER, ABROAD}
    # What surrounds the trading is little of it.
    assert sum(fill.account_name[:4] != "SIM0" for fill in firm.fills) < 400


def test_names_and_numbers_are_unique(firm):
    names = {account.name for account in firm.accounts}
    assert len(names) == len({x.number for x in firm.accounts}) == len(firm.accounts)
    assert {fill.account_name for fill in firm.fills} < names
    assert "SIM012 (DEMO), desk 2" in names
    assert any(name.split()[1:] and "," not in name for name in names)
    ids = {fill.propreports_id for fill in firm.fills}
    assert len(ids) == len(firm.fills)


def test_the_promised_cast(firm, fills_by_account):
    spans = {name: traded(fills) for name, fills in fills_by_account.items()}
    assert spans["SIM014"] == SESSIONS[-12:]
    assert spans["SIM015"] == SESSIONS[-3:]
    assert spans["SIM013"][-1] <= SESSIONS[-1] - timedelta(days=140)
    assert spans["SIM009_OLD"][-1] < SESSIONS[189] <= spans["SIM009"][0]
    never = {account.name for account in firm.accounts} - spans.keys()
    assert never == {"SIM016", ON_LEAVE}
    long = [days for days in spans.values() if len(days) > 20]
    assert all(len(days) < len(SESSIONS) for days in long)


def test_sides_and_statuses(firm, fills_by_account):
    assert {fill.side for fill in firm.fills} == set("BSTC")
    assert {fill.side for fill in fills_by_account["SIM002"]} == {"B", "S"}
    statuses = Counter(fill.status for fill in firm.fills)
    assert statuses.keys() == {"REGULAR", "", "CXLD", "EXP", "ASG", "JRNL"}
    assert (statuses["EXP"], statuses["ASG"], statuses["JRNL"]) == (6, 2, 5)
    assert 5 <= statuses["CXLD"] <= 200


def test_options_expire_as_journal_entries(firm):
    expired = [fill for fill in firm.fills if fill.status == "EXP"]
    for fill in expired:
        # Those on the index leave at what they are worth.
        assert (fill.price == 0) != fill.symbol.startswith("+QSIX")
        assert fill.symbol.startswith("+")
        assert fill.filled_at.time().isoformat() == "00:00:00"
        assert fill.order_id.startswith("e")
    # Exercised and assigned at the strike: five calls and three puts.
    stock = [fill for fill in firm.fills if fill.status == "ASG"]
    assert [(fill.side, fill.quantity) for fill in stock] == [("B", 500), ("B", 300)]
    strikes = {fill.symbol[-8:] for fill in expired if "QSPE" in fill.symbol}
    assert {f"{fill.price * 1000:08.0f}" for fill in stock} < strikes


def test_lots_of_the_house_are_split_and_renamed(firm, ledger):
    assert len(firm.corporate_actions) == 4
    for action in firm.corporate_actions:
        before, after = (
            {x.symbol: x for x in ledger.last_day(HOUSE, day).symbol_days}
            for day in (action.effective - timedelta(days=1), action.effective)
        )
        old, new = before[action.symbol], after[action.symbol_after]
        assert new.position * action.old_shares == old.position * action.new_shares
        assert abs(new.cost - old.cost) < Decimal("1e-18")
        assert new.gross == 0
        assert action.new_symbol == "" or action.symbol not in after


def test_an_account_of_canada_holds_three_currencies_at_the_rates_of_each_date(
    firm, ledger
):
    rates = sample_rates(SESSIONS)
    last, currencies = {}, set()
    for day in ledger.days(ABROAD, *EVER):
        cad, yen = (rates[code, day.date] for code in ("CAD", "JPY"))
        spots = {"CAD": 1, "USD": 1 / cad, "JPY": yen / cad}
        for one in day.symbol_days:
            currencies.add(one.currency)
            assert one.spot == spots[one.currency]
            if one.position:
                worth = one.position * firm.closes[one.symbol, day.date]
                local = worth - one.cost
                assert abs(one.unrealized - local * one.spot) < Decimal("1e-7")
            last[one.symbol] = one.position
    assert currencies == {"CAD", "USD", "JPY"}
    assert (last[PAIR], last["QSTC"]) == (0, 0)
    assert last["QSTA.TO"] and last["QSTB.TO"]


def test_evenings_of_futures_are_the_next_sessions(firm, ledger):
    fills = [fill for fill in firm.fills if fill.symbol == FUTURE]
    assert {fill.account_name for fill in fills} == {AFTER_HOURS}
    evenings = [fill for fill in fills if firm.trade_date(fill) > fill.filled_at.date()]
    assert len(evenings) > 10
    # Some of a Sunday, for the Monday.
    assert {fill.filled_at.weekday() for fill in evenings} > {6}
    for fill in evenings:
        day = ledger.last_day(AFTER_HOURS, firm.trade_date(fill))
        assert FUTURE in {one.symbol for one in day.symbol_days if one.fills}
    assert not any(
        one.symbol == FUTURE and day.date.weekday() == 6
        for day in ledger.days(AFTER_HOURS, *EVER)
        for one in day.symbol_days
    )


def test_a_master_is_the_sum_of_its_subs(ledger):
    sums = defaultdict(Decimal)
    for name in SUBS:
        for day in ledger.days(name, *EVER):
            sums[day.date] += day.adjusted_net + day.transfers
    master = ledger.days(MASTER, *EVER)
    assert {x.date: x.adjusted_net + x.transfers for x in master} == sums


def test_payouts_are_half_of_what_is_above_the_highest_month(firm, ledger):
    paid = defaultdict(Decimal)
    for row in firm.adjustments:
        if row.category == "Fee: Payout":
            paid[row.account_name] -= row.amount
    assert paid
    assert paid.keys() <= set(PAID_OUT)
    for name, amount in paid.items():
        first = sample_desk(SESSIONS)["payout_terms"][0][1]
        total = peak = ZERO
        days = ledger.days(name, first, SESSIONS[-1])
        for day, after in zip(days, days[1:], strict=False):
            total += day.total_delta - day.adjustments.get("Fee: Payout", ZERO)
            if after.date.month != day.date.month:
                peak = max(peak, total)
        assert abs(amount - peak / 2) < Decimal("0.06")


def test_every_line_of_its_desk_is_taken(tmp_path):
    settings, home = make_settings(risk_home=tmp_path), Home(tmp_path)
    lines = sample_desk(SESSIONS)
    begin_desk(settings, home, lines)
    taken = {one.file.name: one for one in read_desk(settings, home)}
    for name, own in lines.items():
        assert (len(taken[name].lines), taken[name].refused) == (len(own), ()), name


def test_instruments(firm):
    symbols = {fill.symbol for fill in firm.fills}
    assert {symbol[0] for symbol in symbols} > {"+", "#"}
    for symbol in symbols:
        multiplier = firm.multipliers.get(symbol, 1)
        option = 10 if symbol.startswith("+QSIX7") else 100
        future = {**FUTURE_MULTIPLIERS, FUTURE[:5]: FUTURE_SIZE}.get(symbol[:5])
        expected = {"+": option, "#": future}
        assert multiplier == expected.get(symbol[0], 1)
    traded_at = [fill.price for fill in firm.fills if fill.is_regular]
    places = {-price.as_tuple().exponent for price in traded_at}
    # Yen are quoted to the thousandth.
    assert places == {2, 3, 4}
    assert all(fill.quantity > 0 and fill.price >= 0 for fill in firm.fills)


def test_traders_see_the_same_price_in_the_same_minute(firm):
    seen = {}
    for fill in firm.fills:
        if fill.is_regular:
            key = fill.symbol, fill.filled_at.replace(second=0)
            assert seen.setdefault(key, fill.price) == fill.price


def test_fees(firm, fills_by_account):
    for fill in firm.fills:
        if fill.side in "BC":
            assert not fill.fees.get("SEC")
            assert not fill.fees.get("TAF")
    rebates = fills_by_account["SIM006"]
    assert sum(fill.fees["Ecn Fee"] for fill in rebates) < 0
    sales = [
        fill
        for fill in fills_by_account["SIM001"]
        if fill.side in "ST" and fill.symbol.isalpha()
    ]
    for fill in sales:
        day = fill.filled_at.date()
        rate = Decimal(0) if day >= date(2025, 5, 14) else Decimal("27.80")
        worth = fill.quantity * fill.price
        assert abs(fill.fees["SEC"] - worth * rate / 10**6) < Decimal("0.000001")
        taf = Decimal("0.000195") if day >= date(2026, 1, 1) else Decimal("0.000166")
        assert fill.fees["TAF"] == taf * fill.quantity
    columns = {
        tuple(fee_columns({name for fill in fills for name in fill.fees}))
        for fills in fills_by_account.values()
    }
    assert len(columns) >= 4


def test_edge_case_rows_are_there(fills_by_account):
    seconds, repeats, crossings, held = 0, 0, 0, 0
    shared = defaultdict(set)
    for name, fills in fills_by_account.items():
        positions: dict[str, Decimal] = defaultdict(Decimal)
        for before, fill in pairwise(fills):
            shared[fill.filled_at.date(), fill.fill_id].add(name)
            same = before.filled_at == fill.filled_at
            seconds += same
            repeats += same and before.fill_id == fill.fill_id
        last = None
        for fill in sorted(fills, key=execution_order):
            if last is not None and fill.filled_at.date() != last:
                held += any(positions.values())
            last = fill.filled_at.date()
            if not fill.is_cancelled:
                old = positions[fill.symbol]
                positions[fill.symbol] = old + fill.signed_quantity
                crossings += old * positions[fill.symbol] < 0
    assert seconds > 1000
    assert repeats >= 5
    assert crossings > 200
    assert held > 300
    assert any(len(names) > 5 for names in shared.values())


def test_adjustments(firm):
    categories = Counter(row.category for row in firm.adjustments)
    assert categories.keys() == {
        "Transfer: Deposit", "Cash In/Out", "Fee: Software & MD", "Fee: Market Data",
        "Fee: Desk", "Fee: Payout", "Stock Locate", "Dividend",
    }  # fmt: skip
    began = {x.account_name for x in firm.adjustments if x.comment == "wire in"}
    assert began == {x.name for x in firm.accounts} - {
        "SIM016", HOUSE, DEMO, ON_LEAVE, ABROAD,
    }  # fmt: skip
    assert all(row.amount < 0 for row in firm.adjustments if row.category[:4] == "Fee:")
    alone = [row for row in firm.adjustments if row.account_name == ON_LEAVE]
    assert len(alone) > 8


def test_identities_hold_exactly(days):
    cash = defaultdict(Decimal)
    balance = defaultdict(Decimal)
    unrealized = defaultdict(Decimal)
    for name, day in days:
        assert day.net == day.gross - day.trade_fees
        assert day.adjusted_net == day.net + day.adjusted
        assert day.total_delta == day.adjusted_net + day.unrealized_delta
        cash[name] += day.adjusted_net + day.transfers
        assert day.cash == cash[name]
        balance[name] += day.total_delta + day.transfers
        assert day.end_balance == balance[name] == day.cash + day.unrealized
        assert day.unrealized_delta == day.unrealized - unrealized[name]
        unrealized[name] = day.unrealized
        for one in day.symbol_days:
            assert (one.average_price is None) == (not one.position)
            assert one.unrealized is not None


def test_days_agree_with_the_fills(firm, days):
    quantity = defaultdict(Decimal)
    fees = defaultdict(Decimal)
    orders = defaultdict(set)
    for fill in firm.fills:
        key = fill.account_name, firm.trade_date(fill)
        if fill.is_regular:
            quantity[key] += fill.quantity
            orders[key].add(fill.order_id)
        if not fill.is_cancelled:
            fees[key] += sum(fill.fees.values(), ZERO)
    for name, day in days:
        key = name, day.date
        assert sum(x.quantity for x in day.symbol_days) == quantity.get(key, 0)
        assert sum(x.orders for x in day.symbol_days) == len(orders.get(key, ()))
        assert day.trade_fees == fees.get(key, 0)


def test_gross_is_the_signed_value_once_a_symbol_is_flat(firm, days):
    called = {action.symbol: action.symbol_after for action in firm.corporate_actions}
    value = defaultdict(Decimal)
    for fill in firm.fills:
        if not fill.is_cancelled and not fill.is_of_action:
            worth = fill.signed_quantity * fill.price
            key = fill.account_name, called.get(fill.symbol, fill.symbol)
            value[key] -= worth * firm.multipliers.get(fill.symbol, 1)
    gross, cost = defaultdict(Decimal), {}
    for name, day in days:
        for one in day.symbol_days:
            key = name, called.get(one.symbol, one.symbol)
            # What is converted day by day is no sum of prices.
            if one.spot != 1:
                value.pop(key, None)
            gross[key] += one.gross
            cost[key] = one.cost
    assert all(gross[key] - cost[key] == value[key] for key in value)


def test_expectation_is_unbiased_and_says_something(firm, ledger):
    expected = np.array([float(amount) for *_, amount in firm.expected_pnl])
    actual = np.array(
        [float(ledger.last_day(name, day).net) for name, day, _ in firm.expected_pnl]
    )
    names = np.array([name for name, *_ in firm.expected_pnl])
    error = actual - expected
    assert abs(error.mean()) < 3 * error.std() / np.sqrt(len(error))
    assert np.corrcoef(actual, expected)[0, 1] > 0.15
    # Within one trader too, not only between them.
    for name in ("SIM001", "SIM003", "SIM018"):
        own = names == name
        assert np.corrcoef(actual[own], expected[own])[0, 1] > 0.05
        assert expected[own].std() > 0.1 * actual[own].std()
    keys = [(name, day) for name, day, _ in firm.expected_pnl]
    assert len(keys) == len(set(keys))


def test_losses_are_believable(firm, ledger):
    nets = defaultdict(list)
    for name, day, _ in firm.expected_pnl:
        nets[name].append(float(ledger.last_day(name, day).net))
    rates = [np.mean(np.array(x) < 0) for x in nets.values() if len(x) > 100]
    assert 0.25 < min(rates) < 0.42
    assert 0.58 < max(rates) < 0.75
    every = np.concatenate([np.array(x) for x in nets.values()])
    assert 0.42 < np.mean(every < 0) < 0.56
    assert 0.05 < np.mean(every < -1000) < 0.20
    typical = [np.mean(np.abs(x)) for x in nets.values() if len(x) > 100]
    assert 150 < np.median(typical) < 1500
    assert max(typical) < 4500


def test_losing_days_and_busy_days_cast_a_shadow(firm, ledger):
    after_loss, after_gain = [], []
    before = {}
    for name, day, _ in firm.expected_pnl:
        if name in ("SIM003", "SIM017", "SIM020"):
            net = float(ledger.last_day(name, day).net)
            if name in before:
                (after_loss if before[name] < 0 else after_gain).append(net < 0)
            before[name] = net
    assert np.mean(after_loss) > np.mean(after_gain)


def test_a_fee_of_twenty_days_back_is_restated_on_the_last_evening(firm):
    editions = Editions(firm, sample_revisions(SESSIONS))
    ((at, kind, days),) = editions.log(datetime.max)
    assert (at.date(), kind) == (SESSIONS[-1], "fee recompute")
    ((name, day),) = days
    assert name == HOUSE
    assert timedelta(days=20) <= SESSIONS[-1] - day < timedelta(days=25)
    before, after = (
        Ledger(editions.firm(now), SESSIONS[-1]).last_day(HOUSE, SESSIONS[-1])
        for now in (at - timedelta(hours=1), at)
    )
    assert before.cash - after.cash == 100 * Decimal("0.05") - Decimal("0.0002")


def test_too_short_or_unordered_sessions_are_refused():
    with pytest.raises(ValueError, match="at least 60"):
        sample_firm(SESSIONS[:59])
    with pytest.raises(ValueError, match="ascending"):
        sample_firm(SESSIONS[::-1])


def test_served_month_and_summary_agree_with_the_ledger(firm, ledger):
    with serve(firm) as simulator:
        login = {
            "action": "login",
            "user": simulator.user,
            "password": simulator.password,
        }
        session = requests.Session()
        token = session.post(simulator.url, data=login, timeout=10).text

        def ask(action, **fields):
            window = {"startDate": "2025-06-01", "endDate": "2025-06-30"}
            data = {"action": action, "token": token, **window, **fields}
            reply = session.post(simulator.url, data=data, timeout=30)
            assert reply.status_code == 200
            lines = reply.content.decode().splitlines()
            return list(csv.DictReader(io.StringIO("\n".join(lines))))

        fills = ask("fills", groupId=-2)
        in_june = [
            x for x in firm.fills if (x.filled_at.year, x.filled_at.month) == (2025, 6)
        ]
        assert len(fills) == len(in_june)
        for account in firm.accounts:
            rows = ask("report", type="summaryByDate", accountId=account.number)
            by_day = defaultdict(Decimal)
            for row in rows:
                if row["Date"][0].isdigit():
                    by_day[row["Date"]] += Decimal(row["Total Δ"])
            shown = sum(by_day.values())
            june = ledger.days(account.name, date(2025, 6, 1), date(2025, 6, 30))
            exact = sum((day.total_delta for day in june), ZERO)
            assert abs(shown - exact) < Decimal("0.5")
        types = {
            row["Type"]
            for account in firm.accounts
            if account.name == "SIM007"
            for row in ask("report", type="summaryByDate", accountId=account.number)
        }
        assert types == {"Eq", "Op", ""}
        # SIM004 holds over nights.
        for report in ("totalsByDate", "trades", "openPositions"):
            assert ask("report", type=report, accountId=firm.accounts[3].number)


def test_the_truth_is_never_served(firm):
    with serve(firm) as simulator:
        login = {
            "action": "login",
            "user": simulator.user,
            "password": simulator.password,
        }
        token = requests.post(simulator.url, data=login, timeout=10).text
        for action in ("expected", "expected_pnl", "truth"):
            data = {"action": action, "token": token}
            assert (
                requests.post(simulator.url, data=data, timeout=10).status_code == 500
            )
