"""The engine against dbt's own tables: each day begun from the marts, and compared."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from live.engine import Engine
from live.last_night import read_opening, session_at
from live.limit_uses import use_of
from live.opening import Opening
from live.reports import ExecutionReport
from runtime.home import Home
from runtime.publish.marts_copy import publish
from runtime.sessions import EASTERN
from tests import draws
from tests.conftest import build_warehouse, connected, make_settings
from tests.exports import ExportedFill, Exports
from tests.live.days import report_of

DAYS = [date(2025, 3, day) for day in (3, 4, 5, 6, 7)]
FEE = Decimal("0.01")
MONDAY = date(2025, 3, 10)
FUTURE, OPTION, CANADIAN = "#SIMAH5", "+ABC260116C00050000", "XYZ.TO"
# Nobody has said what its contract is worth.
NEW = "#NEWM6"
SYMBOLS = ["ABC", "ABC", "DEF", FUTURE, OPTION, CANADIAN, NEW]
DESK = {
    "trader_accounts": "account_id,valid_from,trader_id,note\n"
    "ACC1,,Ann,\nACC2,,Ann,\nACC3,,Bob,\nACC4,,Cy,\n",
    "traders": "trader_id,valid_from,display_name,strategy,trader_group,is_active,"
    "daily_loss_limit_amount,note\nAnn,,,scalping,north,true,500,\n"
    "Bob,,,,north,true,,\nCy,,,scalping,,true,,\n",
    "exchange_rates": "rate_date,currency,rate,note\n"
    "2025-02-28,CAD,0.7123456789,\n2025-03-05,CAD,0.69,\n",
    "limits": "account,trader,trader_group,strategy,desk,valid_from,"
    "daily_loss_limit_amount,weekly_loss_limit_amount,monthly_loss_limit_amount,"
    "warning_share,note\n"
    "ACC1,,,,,,300,400,500,,\nACC2,,,,,,300,400,500,,\nACC3,,,,,,300,400,500,,\n"
    "ACC4,,,,,,300,400,500,,\n,Ann,,,,,,900,1900,0.5,\n,Bob,,,,,,900,1900,,\n"
    ",,north,,,,,900,1900,,\n,,,scalping,,,,900,1900,,\n,,,,true,,,5000,9000,,\n",
}


def drawn_fills(seed: int, count: int) -> list[ExportedFill]:
    """Fills of a week in four accounts: ties, fractions, evenings, currencies."""
    draw = random.Random(seed)
    fills = []
    for number in range(count):
        symbol = draw.choice(SYMBOLS)
        day = draw.choice(DAYS)
        at = datetime.combine(day, datetime.min.time()) + timedelta(
            hours=9,
            minutes=draw.choice([30, 30, 31, 90, 300]),
            seconds=draw.randrange(3),
        )
        if symbol == FUTURE and draw.random() < 0.3:
            at = at.replace(hour=18)
        quantity = draw.choice(["1", "100", "300", "0.5", "40", "0.3333"])
        price = draw.choice(["10.25", "3.33333333", "9.9", "11", "0.12345678"])
        size = Decimal(quantity)
        fills.append(
            ExportedFill(
                "ACC4" if symbol == NEW else f"ACC{draw.randrange(1, 5)}",
                at,
                draw.choice("BSTC"),
                size,
                Decimal(price),
                symbol=symbol,
                comm=size * FEE,
                fill_id=draw.choice(["", "A", "00"]) + str(number),
                currency="CAD" if symbol == CANADIAN else "USD",
            )
        )
    return fills


@pytest.fixture(scope="module")
def fills() -> list[ExportedFill]:
    """What is true in the end."""
    return drawn_fills(seed=20250303, count=draws.draw(700, 4000))


@pytest.fixture(scope="module")
def home(
    fills: list[ExportedFill], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Home]:
    """A warehouse of the week, and its published copy."""
    root = tmp_path_factory.mktemp("home")
    desk = root / "desk"
    desk.mkdir()
    for name, text in DESK.items():
        (desk / f"{name}.csv").write_text(text)
    exports: Path = tmp_path_factory.mktemp("exports")
    Exports(exports).write(fills)
    home = build_warehouse(root, exports, desk=desk, as_of=date(2025, 3, 8))
    publish(home)
    yield home


def opening_on(home: Home, day: date) -> Opening:
    """The opening of a day, with the fees that these fills cost."""
    # Another run may be writing the warehouse: its lock is not wanted.
    with home.locked(), duckdb.connect(home.warehouse):
        opening = read_opening(make_settings(risk_home=home.root), home, day)
    kinds = ("equity", "option", "future")
    return replace(opening, fee_rates={(None, kind): FEE for kind in kinds})


def reports_of(fills: list[ExportedFill], draw: random.Random) -> list[ExecutionReport]:
    """Reports of fills, with busts of what never was, corrections, and some twice."""
    reports = []
    minute = timedelta(minutes=1)
    for fill in fills:
        fate = draw.choice(["kept"] * 6 + ["corrected", "beside a bust"])
        if fate == "corrected":
            wrong = replace(fill, price=fill.price + 3, side="B")
            reports.append(report_of(wrong, fill.fill_id))
            reports.append(
                report_of(
                    fill, f"c{fill.fill_id}", kind="correct", ref=fill.fill_id,
                    after=minute,
                )
            )  # fmt: skip
            continue
        reports.append(report_of(fill, fill.fill_id))
        if fate == "beside a bust":
            gone = f"gone{fill.fill_id}"
            reports.append(report_of(fill, gone))
            reports.append(
                report_of(fill, f"b{gone}", kind="cancel", ref=gone, after=minute)
            )
    reports += draw.sample(reports, k=len(reports) // 5)
    draw.shuffle(reports)
    return reports


@pytest.mark.parametrize("day", DAYS[1:])
def test_a_day_is_the_warehouses_to_the_last_digit(
    home: Home, fills: list[ExportedFill], day: date
) -> None:
    """P&L, positions, cost, paths, peaks and exposure of every account and scope."""
    engine = Engine(opening_on(home, day))
    todays = [
        fill
        for fill in fills
        if fill.at.date() == day
        or (fill.symbol == FUTURE and fill.at.date() == day - timedelta(days=1))
    ]
    draw = random.Random(day.day)
    for report in reports_of(todays, draw):
        engine.take(report)
        if draw.random() < 0.02:
            engine.scope_figures(datetime(2025, 3, 10, tzinfo=EASTERN))
    now = datetime(2025, 3, 10, tzinfo=EASTERN)
    symbols, scopes = engine.symbol_figures(now), engine.scope_figures(now)
    with connected(home) as connection:

        def found(sql: str) -> list[tuple]:
            return connection.execute(sql, [day]).fetchall()

        accounts = found(
            "select account_id, fills_count, quantity, gross_pnl, total_fees, net_pnl "
            "from marts.daily_totals where trade_date = $1 order by 1"
        )
        assert len(accounts) == 4
        for account, *said in accounts:
            one = scopes["account", account]
            assert said == [
                _counted(one, symbols), one.quantity, one.gross_pnl, one.estimated_fees,
                one.net_pnl,
            ], account  # fmt: skip
        positions = found(
            "select account_id, symbol, position_quantity, local_open_cost "
            "from marts.fct_open_positions where trade_date = $1 order by 1, 2"
        )
        held = sorted(
            (*key, one.position_quantity, one.local_open_cost)
            for key, one in symbols.items()
            if one.multiplier and one.position_quantity
        )
        assert held == positions
        paths = found(
            "select trader_id, final_net_pnl, peak_net_pnl, trough_net_pnl, "
            "max_drawdown, give_back, peak_at from marts.fct_intraday_pnl "
            "where trade_date = $1 order by 1"
        )
        for trader, *said, peak_at in paths:
            one = scopes["trader", trader]
            assert said == [
                one.peak_net_pnl - one.drawdown, one.peak_net_pnl, one.trough_net_pnl,
                one.max_drawdown, one.drawdown,
            ], trader  # fmt: skip
            assert (one.peak_at and one.peak_at.replace(tzinfo=None)) == peak_at
        peaks = "peak_gross_exposure, peak_net_long_exposure, peak_net_short_exposure"
        exposures = found(
            f"select 'account', account_id, {peaks} from marts.fct_exposure "
            "where trade_date = $1 union all "
            f"select scope_type, scope_name, {peaks} from marts.fct_scope_exposure "
            "where trade_date = $1"
        )
        assert len(exposures) == 4 + 3 + 1 + 1 + 1
        for kind, name, *said in exposures:
            one = scopes[kind, name]
            assert said == [
                one.peak_gross_exposure, max(one.highest_net_exposure, 0),
                min(one.lowest_net_exposure, 0),
            ], (kind, name)  # fmt: skip
        used = found(
            "select scope_type, scope_name, rule, limit_value, used_value, peak_value "
            "from marts.fct_limit_use where trade_date = $1 and rule = 'daily_loss' "
            "and is_limit_set"
        )
        assert len(used) == 4 + 3
        for kind, name, _, _, loss, most in used:
            one = scopes[kind, name]
            if loss is None:
                assert one.unknown == ("contract size of #NEWM6 in ACC4",)
                continue
            assert max(-one.net_pnl, 0) == loss
            assert max(-one.trough_net_pnl, -one.net_pnl, 0) == most


@pytest.mark.parametrize("day", DAYS)
def test_a_weeks_and_a_months_use_at_the_close_are_the_warehouses(
    home: Home, fills: list[ExportedFill], day: date
) -> None:
    """What was lost or gained before the day counts, at its close and at its worst."""
    opening = opening_on(home, day)
    engine = Engine(opening)
    for fill in fills:
        engine.take(report_of(fill, fill.fill_id))
    scopes = engine.scope_figures(datetime(2025, 3, 10, tzinfo=EASTERN))
    uses = {
        (*use.scope, use.limit.rule): use
        for one in opening.limits
        if one.rule in ("weekly_loss", "monthly_loss")
        for use in [use_of(one, scopes[one.scope_type, one.scope_name])]
    }
    with connected(home) as connection:
        said = connection.execute(
            "select scope_type, scope_name, rule, limit_value, used_value, peak_value "
            "from marts.fct_limit_use where trade_date = $1 "
            "and rule in ('weekly_loss', 'monthly_loss')",
            [day],
        ).fetchall()
    assert len(said) == len(uses) == 2 * (4 + 2 + 1 + 1 + 1)
    known = 0
    for *key, limit_value, used, most in said:
        use = uses[*key]
        assert use.limit.limit_value == limit_value
        if used is None:
            assert use.unknown, key
            continue
        assert (use.used, use.worst, use.unknown) == (used, most, None), key
        known += 1
    assert known >= 2 * (3 + 2 + 1)


def test_a_new_week_begins_at_nothing_and_a_month_goes_on(home: Home) -> None:
    """A gain is kept below zero: it is what may be lost again first."""
    opening = opening_on(home, MONDAY)
    limits = {(one.scope_name, one.rule): one.used_before for one in opening.limits}
    with connected(home) as connection:
        made = connection.execute(
            "select trader_id, sum(net_pnl) from marts.daily_totals "
            "where trader_id in ('Ann', 'Bob') group by all"
        ).fetchall()
    for trader, net in made:
        assert limits[trader, "weekly_loss"] == 0
        assert limits[trader, "monthly_loss"] == -net


def _counted(one, symbols) -> int:
    """Fills of the account whose contract size is known."""
    return sum(
        figures.fills_count
        for (account, _), figures in symbols.items()
        if (account,) == one.account_ids and figures.multiplier
    )


def test_limits_in_force_and_what_was_used_before(home: Home) -> None:
    """Of the trader the smallest of the daily limits, and the week's loss so far."""
    opening = opening_on(home, DAYS[3])
    limits = {(one.scope_type, one.scope_name, one.rule): one for one in opening.limits}
    assert limits["trader", "Ann", "daily_loss"].limit_value == 300
    weekly = limits["trader", "Ann", "weekly_loss"]
    assert (weekly.limit_value, weekly.warning_share) == (900, Decimal("0.5"))
    with connected(home) as connection:
        ((used,),) = connection.execute(
            "select used_value from marts.fct_limit_use where scope_name = 'Ann' "
            "and rule = 'weekly_loss' and trade_date = $1",
            [DAYS[2]],
        ).fetchall()
    assert max(weekly.used_before, 0) == used
    desk = limits["desk", "desk", "weekly_loss"]
    assert desk.limit_value == 5000
    # The desk's week is not known whole: a fill of unknown contract size is in it.
    assert desk.used_before is None


def test_an_old_copy_is_used_and_said_to_be_old(home: Home, tmp_path: Path) -> None:
    """Of the session before, of an earlier one, none at all."""
    settings = make_settings(risk_home=home.root)
    fresh = read_opening(settings, home, date(2025, 3, 10))
    assert (fresh.state.positions_date, fresh.state.is_stale) == (DAYS[-1], False)
    assert fresh.lots and not fresh.state.problems
    # What a unit cost: these fills all cost a cent.
    assert fresh.fee_rates["ACC1", "equity"] == fresh.fee_rates[None, "option"] == FEE
    old = read_opening(settings, home, date(2025, 3, 12))
    assert (old.lots, old.state.is_stale) == (fresh.lots, True)
    assert "Positions are of 2025-03-07, not of 2025-03-11" in old.state.problems[0]
    there = make_settings(risk_home=tmp_path, desk=home.desk)
    none = read_opening(there, Home(tmp_path), date(2025, 3, 12))
    assert (none.lots, none.state.positions_date) == ((), None)
    assert "every position begins at 0. Nothing is published" in none.state.problems[0]
    assert none.instrument_lines and none.cutoffs
    weekly = [one for one in none.limits if one.rule == "weekly_loss"]
    assert len(weekly) == 9 and {one.used_before for one in weekly} == {None}


def test_the_session_after_the_evenings_hour_is_the_next_one() -> None:
    """18:00 Eastern on a Friday is Monday's; so is Saturday."""
    evening = datetime(2025, 3, 7, 18, tzinfo=EASTERN)
    assert session_at(evening - timedelta(seconds=1)) == date(2025, 3, 7)
    assert session_at(evening) == session_at(evening + timedelta(days=1)) == MONDAY
