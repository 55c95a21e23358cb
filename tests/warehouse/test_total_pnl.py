"""Realized and total P&L of traders, against the simulator's own books."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from ingestion.desk_files import read_desk, record_desk
from ingestion.simulator import Firm, Ledger, serve
from reports.facts import read_last_day
from runtime.home import Home
from tests.conftest import SampleRun, build_models_of, connected, make_settings, rows
from tests.mornings import load_morning
from tests.warehouse.test_equity import AS_OF, DAYS, random_firm, tell_desk

ACCOUNTS = """\
account_id,valid_from,trader_id,note
Z0,,ONE,
Z1,,ONE,
Z1,2025-01-08,TWO,moved with all it held
Z2,,TWO,
Z3,,TEA,
Z4,,DEMO,
Z5,,IDLE,bookings alone
"""
ROLES = """\
account_id,valid_from,role,parent_account_id,reset_date,note
Z4,,demo,,,
ZM,,master,,,
"""
LIMITS = """\
account,valid_from,daily_loss_limit_amount,note
Z0,,2000,
Z2,2025-01-08,150,
"""
TRADERS = """\
trader_id,valid_from,display_name,strategy,trader_group,is_active,daily_loss_limit_amount
ONE,,One,opening,Red,true,
ONE,2025-01-10,One,closing,Red,true,
TWO,,Two,opening,Blue,true,
"""
TRADER_OF = {"Z0": "ONE", "Z2": "TWO", "Z3": "TEA", "Z5": "IDLE"}
MOVED_ON = date(2025, 1, 8)
# Z3 has a booking that nobody has told.
SEED, ABROAD = 1, "ZC"
ZERO = Decimal(0)


@pytest.fixture(scope="module")
def firm() -> Firm:
    """Accounts that carry, are booked, and miss marks; one has a booking not told."""
    firm = random_firm(SEED)
    # What a rate does to an account of Canada is in no total: see test_equity.
    return replace(
        firm,
        accounts=[one for one in firm.accounts if one.name != ABROAD],
        fills=[one for one in firm.fills if one.account_name != ABROAD],
        adjustments=[
            one for one in firm.adjustments
            if one.account_name != ABROAD
            and (one.category != "Fee: Tea" or one.account_name == "Z3")
        ],
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, firm: Firm) -> Home:
    """Its warehouse; two traders of several accounts, one account in no total."""
    home = Home(tmp_path_factory.mktemp("total"))
    with serve(firm, as_of=AS_OF, rate_limit=10**6) as simulator:
        load_morning(simulator, home, gate="warn")
    tell_desk(home, ROLES)
    home.desk.joinpath("trader_accounts.csv").write_text(ACCOUNTS)
    home.desk.joinpath("traders.csv").write_text(TRADERS)
    home.desk.joinpath("limits.csv").write_text(LIMITS)
    settings = make_settings(risk_home=home.root)
    record_desk(home, read_desk(settings, home))
    build_models_of(settings, home, models="+fct_trader_total_pnl +fct_period_pnl")
    return home


@dataclass
class TraderDay:
    """A trader's day of the simulator's books."""

    net: Decimal = ZERO
    total: Decimal | None = ZERO
    unknown: list[str] = field(default_factory=list)
    carried: int = 0
    oldest: int | None = None


def trader_of(account: str, day: date) -> str:
    """Whose the account is."""
    return TRADER_OF.get(account) or ("ONE" if day < MOVED_ON else "TWO")


def limit_of(trader: str, day: date) -> int:
    """What the trader may lose."""
    own = {"ONE": 2000, "TWO": 150 if day >= MOVED_ON else 1000}
    return own.get(trader, 1000)


def books(firm: Firm) -> dict[tuple[str, date], TraderDay]:
    """Of each trader and date, what the accounts' own books come to."""
    ledger = Ledger(firm, DAYS[-2])
    found: dict[tuple[str, date], TraderDay] = defaultdict(TraderDay)
    for account in ("Z0", "Z1", "Z2", "Z3", "Z5"):
        for own in ledger.days(account, date.min, date.max):
            day = found[trader_of(account, own.date), own.date]
            day.net += own.net
            if "Fee: Tea" in own.adjustments:
                day.unknown.append(f"{account} (unmapped adjustment)")
                day.total = None
            if day.total is not None:
                paid = own.adjustments.get("Fee: Payout", ZERO)
                day.total += own.total_delta - paid
            # A date off session is as old as the session before it.
            session = max(place for place, one in enumerate(DAYS) if one <= own.date)
            for one in own.symbol_days:
                age = 0
                while (one.symbol, DAYS[session - age]) not in firm.closes:
                    age += 1
                if one.position and age:
                    day.carried += 1
                    day.oldest = max(age, day.oldest or 0)
    return found


def test_every_traders_day_is_the_simulators_own_books(home: Home, firm: Firm) -> None:
    expected = {
        key: (
            day.net, day.total, "realised_only" if day.unknown else "total",
            ", ".join(day.unknown) or None, day.carried, day.oldest,
            day.net < -limit_of(*key),
            None if day.total is None else day.total < -limit_of(*key),
        )
        for key, day in books(firm).items()
    }  # fmt: skip
    found = {
        (trader, day): tuple(figures)
        for trader, day, *figures in rows(
            home,
            "select trader_id, trade_date, net_pnl, total_pnl, pnl_basis, "
            "unknown_parts, stale_marks_count, oldest_mark_age_sessions_count, "
            "is_limit_breached, is_limit_breached_by_total "
            "from marts.fct_trader_total_pnl",
        )
    }
    assert found == expected
    differing = [one for one in found.values() if one[-1] not in (one[-2], None)]
    assert len(differing) > 5
    assert {one[2] for one in found.values()} == {"total", "realised_only"}
    assert max(one[5] or 0 for one in found.values()) > 1


def test_what_the_desk_made_last_is_known_as_far_as_each_traders(
    home: Home, firm: Firm
) -> None:
    last = DAYS[-2]
    days = {key: one for key, one in books(firm).items() if key[1] == last}
    with connected(home) as connection:
        found = read_last_day(connection)
    assert found is not None
    assert found["trade_date"] == last
    assert found["pnl_basis"] == "total"
    assert found["total_pnl"] == sum(one.total for one in days.values())
    assert found["stale_marks_count"] == sum(one.carried for one in days.values())
    assert found["oldest_mark_age_sessions_count"] == max(
        (one.oldest for one in days.values() if one.oldest), default=None
    )
    with duckdb.connect(home.warehouse) as connection:
        connection.execute(
            "begin; update marts.fct_trader_total_pnl set total_pnl = null, pnl_basis "
            "= case trader_id when 'TWO' then 'incomplete' else 'realised_only' end, "
            "unknown_parts = trader_id || ' (x)' where trade_date = ?",
            [last],
        )
        found = read_last_day(connection)
        connection.execute("rollback")
    assert found is not None
    assert (found["total_pnl"], found["pnl_basis"]) == (None, "incomplete")
    named = sorted(trader for trader, _ in days)
    more = [f"of {len(named) - 3} more traders"] if len(named) > 3 else []
    assert found["unknown_parts"] == " and ".join(
        [f"{trader} (x)" for trader in named[:3]] + more
    )


def test_each_month_and_year_is_the_simulators_own_books(
    home: Home, firm: Firm
) -> None:
    """Also of a group and a strategy, which a trader may change."""
    found = {
        tuple(key): tuple(figures)
        for *key, net, total, unknown in rows(
            home,
            "select period, period_start, scope, scope_name, net_pnl, total_pnl, "
            "unknown_days_count from marts.fct_period_pnl "
            "where scope in ('desk', 'trader', 'trader_group', 'strategy')",
        )
        for figures in [(net, total, unknown)]
    }
    parts: dict[tuple, list[TraderDay]] = defaultdict(list)
    dates: dict[tuple, set[date]] = defaultdict(set)
    for (trader, day), one in books(firm).items():
        strategy = (
            "opening" if trader == "TWO" or day < date(2025, 1, 10) else "closing"
        )
        names = {
            "desk": "desk", "trader": trader,
            "trader_group": {"ONE": "Red", "TWO": "Blue"}.get(trader, "none"),
            "strategy": strategy if trader in ("ONE", "TWO") else "none",
        }  # fmt: skip
        for scope, name in names.items():
            for key in (
                ("month", day.replace(day=1), scope, name),
                ("year", date(day.year, 1, 1), scope, name),
            ):
                parts[key].append(one)
                dates[key] |= {day} if one.total is None else set()
    assert found == {
        key: (
            sum((one.net for one in days), ZERO),
            # Of a day that is not whole what is known, and it is counted.
            sum((one.total for one in days if one.total is not None), ZERO),
            len(dates[key]),
        )
        for key, days in parts.items()
    }
    assert sum(unknown for *_, unknown in found.values()) > 0


ADD_UP = """
    with sums as (
        select period, period_start, scope, sum(net_pnl) as net_pnl,
            sum(total_fees) as total_fees, sum(total_pnl) as total_pnl
        from marts.fct_period_pnl where scope <> 'account' group by all
    )
    select parts.scope, count(*),
        bool_and(parts.total_fees = desk.total_fees),
        bool_and(parts.net_pnl = desk.net_pnl),
        bool_and(parts.total_pnl = desk.total_pnl)
    from sums as parts inner join sums as desk using (period, period_start)
    where desk.scope = 'desk' group by parts.scope order by parts.scope
"""


def parts_add_up(home: Home) -> None:
    """Each scope comes to the desk's, as far as it is known of it."""
    found = {scope: same for scope, _, *same in rows(home, ADD_UP)}
    whole = [True, True, True]
    assert found.pop("symbol")[:2] == whole[:2]
    assert found == {
        "desk": whole, "trader": whole, "trader_group": whole, "strategy": whole,
        "route": [True, True, None], "fee": [True, None, None],
    }  # fmt: skip


def test_accounts_symbols_routes_and_fees_come_to_the_same(home: Home) -> None:
    parts_add_up(home)
    assert rows(
        home,
        "select count(*) from marts.fct_period_pnl as months "
        "inner join marts.fct_account_equity as days on scope_name = account_id "
        "and period = 'month' and scope = 'account' "
        "and period_start = date_trunc('month', trade_date) "
        "where trade_date = (select max(trade_date) from marts.fct_account_equity "
        "where account_id = scope_name) and not is_complete "
        "and (months.high_water_mark, months.drawdown_from_peak) "
        "is not distinct from (days.high_water_mark, days.drawdown_from_peak)",
    ) == [(7,)]
    differing = rows(
        home,
        "select scope_name from marts.fct_period_pnl as years "
        "where scope = 'account' and period = 'year' and total_pnl <> (select "
        "max_by(year_to_date_total_delta, trade_date) from marts.fct_account_equity "
        "where account_id = scope_name and year(trade_date) = year(period_start))",
    )
    # What nobody has told is in no total.
    assert differing == [("Z3",)] * len(differing)


CHANGE = """
    with ends as (
        select account_id, max_by(end_balance, trade_date)
            - min_by(opening_equity, trade_date)
            - sum(transfers_amount + payouts_amount + unmapped_amount) as gained
        from marts.fct_account_equity group by account_id
    )
    select sum(gained) from ends where account_id not in (
        select account_id from marts.daily_totals where not is_in_desk_total)
"""


def test_total_is_what_equity_gained_but_for_what_was_moved(home: Home) -> None:
    """What nobody has told is no P&L; the other days come to the cent."""
    ((known,),) = rows(home, "select sum(total_pnl) from marts.fct_trader_total_pnl")
    ((unknown,),) = rows(
        home,
        "select sum(equity.total_delta) from marts.fct_account_equity as equity "
        "inner join marts.fct_trader_total_pnl as days using (trader_id, trade_date) "
        "where days.pnl_basis <> 'total'",
    )
    ((gained,),) = rows(home, CHANGE)
    assert known + unknown == gained
    assert unknown != 0


def test_total_of_the_sample_is_what_its_equity_gained(sample: SampleRun) -> None:
    (found,) = rows(
        sample.home,
        f"select sum(total_pnl), ({CHANGE}), count(*) = count(total_pnl) "
        "from marts.fct_trader_total_pnl",
    )
    assert found == (found[1], found[1], True)
    assert found[0] != 0
    parts_add_up(sample.home)
