"""Limits of the desk: what was used, breaches and their case files, on drawn fills."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.desk_files import LIMIT_RULES, LIMITS, read_desk, record_desk
from runtime.home import Home
from runtime.settings import PROJECT_ROOT
from tests.conftest import build_models_of, build_warehouse, make_settings, rows
from tests.draws import draw
from tests.exports import ExportedFill, Exports
from tests.oracle.exposure import MONDAY, random_fills
from tests.oracle.limits import (
    Day,
    Fill,
    Use,
    drawdowns,
    level_use,
    loss_use,
    streaks,
    walk,
)  # fmt: skip

ACCOUNTS = {f"R{number}": f"T{number // 2}" for number in range(6)}
GROUPS = {"T0": "Red", "T1": "Red", "T2": ""}
LINES = """\
account,trader,trader_group,strategy,desk,valid_from,daily_loss_limit_amount,\
weekly_loss_limit_amount,monthly_loss_limit_amount,drawdown_limit_amount,\
losing_streak_limit_days,position_limit_quantity,gross_exposure_limit_amount,\
net_exposure_limit_amount,overnight_exposure_limit_amount,trades_limit_count,\
warning_share,note
,T0,,,,,400,900,1500,2000,1,300,60000,40000,30000,3,0.5,
,T1,,,,,1,,,,,,,,,,,replaced at once
,T1,,,,2025-03-10,700,,,,,,,,,,,
,,Red,,,,900,1500,,,2,,150000,90000,,,,
,,,scalping,,,600,,,,,,,,,,,
,,,,true,,1200,2500,4000,5000,2,,200000,100000,90000,9,0.75,
R5,,,,,,250,500,,,,40,20000,15000,10000,2,,
"""
MODELS = "+fct_breaches +fct_scope_exposure +fct_fills"


def desk(folder: Path, limits: str = LINES) -> Path:
    """The files of a desk with three traders of two accounts each."""
    folder.mkdir(exist_ok=True)
    (folder / "limits.csv").write_text(limits)
    (folder / "trader_accounts.csv").write_text(
        "account_id,valid_from,trader_id,note\n"
        + "".join(f"{account},,{trader},\n" for account, trader in ACCOUNTS.items())
    )
    (folder / "traders.csv").write_text(
        "trader_id,valid_from,display_name,strategy,trader_group,is_active,"
        "daily_loss_limit_amount,note\n"
        + "".join(f"{one},,,scalping,{group},,800,\n" for one, group in GROUPS.items())
    )
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("limits")
    fills = [
        one
        for number, account in enumerate(ACCOUNTS)
        for one in random_fills(account, draw(40, 140) + number)
    ]
    exports = Exports(folder / "exports").write(fills)
    return build_warehouse(
        folder / "home", exports.folder, models=MODELS, desk=desk(folder / "desk")
    )


@pytest.fixture(scope="module")
def fills(home: Home) -> list[Fill]:
    return [
        Fill(*one)
        for one in rows(
            home,
            "select account_id, trader_id, symbol, trade_date, filled_at_et, "
            "day_sequence, signed_quantity, price, realized_gross_pnl - total_fees, "
            "is_regular, has_fill_time from marts.fct_fills where is_counted",
        )
    ]


def _days(fills: Sequence[Fill], scope_type: str, name: str) -> Mapping[date, Day]:
    def belongs(one: Fill) -> bool:
        match scope_type:
            case "account":
                return one.account == name
            case "trader":
                return one.trader == name
            case "trader_group":
                return GROUPS[one.trader] == name
        return True

    return walk([one for one in fills if belongs(one)])


SCOPES = {
    ("trader", "T0"): (400, 900, 1500, 300, 60000, 40000, 3),
    ("trader_group", "Red"): (900, 1500, None, None, 150000, 90000, None),
    ("strategy", "scalping"): (600, None, None, None, None, None, None),
    ("desk", "desk"): (1200, 2500, 4000, None, 200000, 100000, 9),
    ("account", "R5"): (250, 500, None, 40, 20000, 15000, 2),
}


@pytest.mark.parametrize("scope", SCOPES)
def test_use_is_what_a_walk_over_the_fills_finds(
    home: Home, fills: list[Fill], scope: tuple[str, str]
) -> None:
    days = _days(fills, *scope)
    found = {
        (rule, day): Use(*figures)
        for rule, day, *figures in rows(
            home,
            "select rule, trade_date, used_value, peak_value, "
            "timezone('America/New_York', timezone('UTC', breached_at)), "
            "fills_after_breach_count, net_pnl_after_breach from marts.fct_limit_use "
            f"where scope_type = '{scope[0]}' and scope_name = '{scope[1]}'",
        )
    }
    daily, weekly, monthly, units, gross, net, trades = SCOPES[scope]
    expected: dict[str, Mapping[date, Use]] = {}
    for period, limit in (("daily", daily), ("weekly", weekly), ("monthly", monthly)):
        if limit:
            expected[f"{period}_loss"] = loss_use(days, Decimal(limit), period)
    for rule, name, limit in (
        ("position", "units", units), ("gross_exposure", "gross", gross),
        ("net_exposure", "net", net), ("trades", "trades", trades),
    ):  # fmt: skip
        if limit:
            expected[rule] = level_use(days, Decimal(limit), name)
    breaches = 0
    for rule, uses in expected.items():
        for day, use in uses.items():
            one = found.get((rule, day))
            if rule == "trades" and one is None:
                assert use.peak == 0
                continue
            assert one is not None, (rule, day)
            if rule == "position":
                # What is left at the close is not what it is about.
                use = Use(use.peak, *list(vars(use).values())[1:])
            assert one == use, (rule, day)
            breaches += use.fills_after is not None
    assert breaches > 2


def test_drawdowns_and_streaks_are_those_of_the_days_added_up(
    home: Home, fills: list[Fill]
) -> None:
    for scope in (("trader", "T0"), ("desk", "desk")):
        days = _days(fills, *scope)
        found = {
            (rule, day): used
            for rule, day, used in rows(
                home,
                "select rule, trade_date, used_value from marts.fct_limit_use "
                f"where scope_type = '{scope[0]}' and scope_name = '{scope[1]}'",
            )
        }
        for day, value in drawdowns(days).items():
            assert found["drawdown", day] == value
        for day, count in streaks(days).items():
            assert found["losing_streak", day] == count


def test_a_limit_holds_from_its_date_on_and_none_is_never_made_up(home: Home) -> None:
    limits = dict(
        rows(
            home,
            "select trade_date, limit_value from marts.fct_limit_use "
            "where scope_name = 'T1' and rule = 'daily_loss'",
        )
    )
    turn = date(2025, 3, 10)
    assert {one for day, one in limits.items() if day < turn} == {1}
    assert {one for day, one in limits.items() if day >= turn} == {700}
    # Of T2 limits.csv says nothing, and R5's line is smaller than that of traders.csv.
    assert rows(
        home,
        "select distinct limit_value, is_limit_set from marts.fct_limit_use "
        "where scope_name = 'T2'",
    ) == [(250, True)]


def test_a_case_file_names_what_was_held_and_what_came_after(
    home: Home, fills: list[Fill]
) -> None:
    days = _days(fills, "trader", "T0")
    cases = rows(
        home,
        "select trade_date, peak_value, net_pnl_at_breach, net_pnl_after_breach, "
        "net_pnl, positions, positions_count, status from marts.fct_breaches "
        "where scope_name = 'T0' and rule = 'daily_loss' and not is_past_at_open",
    )
    assert len(cases) > 2
    for day, peak, at_breach, after, net, positions, count, status in cases:
        steps = days[day].steps
        first = next(step for step in steps if -step.net_pnl > 400)
        assert peak == max(-step.net_pnl for step in steps)
        assert at_breach == first.net_pnl
        assert at_breach + after == net == days[day].net_pnl
        assert (count or 0) == len(first.held)
        for (_, symbol), quantity in first.held.items():
            if len(first.held) <= 5:
                assert f"{quantity.normalize():f} {symbol}" in positions
        assert status == "open"


def test_days_in_a_row_past_a_limit_are_one_breach(home: Home) -> None:
    for scope, first, last, count in rows(
        home,
        "select scope_name, trade_date, last_breached_date, breached_days_count "
        "from marts.fct_breaches where rule = 'drawdown'",
    ):
        inside = rows(
            home,
            "select count(*), bool_and(is_breached) from marts.fct_limit_use "
            f"where scope_name = '{scope}' and rule = 'drawdown' "
            f"and trade_date between '{first}' and '{last}'",
        )
        assert inside == [(count, True)]


def test_exposure_of_a_scope_is_that_of_its_accounts_at_one_moment(
    home: Home, fills: list[Fill]
) -> None:
    for scope in (("trader", "T1"), ("trader_group", "Red"), ("desk", "desk")):
        days = _days(fills, *scope)
        found = {
            day: figures
            for day, *figures in rows(
                home,
                "select trade_date, peak_gross_exposure, peak_net_long_exposure, "
                "peak_net_short_exposure, overnight_gross_exposure, "
                "overnight_net_exposure from marts.fct_scope_exposure "
                f"where scope_type = '{scope[0]}' and scope_name = '{scope[1]}'",
            )
        }
        for day, one in days.items():
            gross = [step.gross for step in one.steps]
            net = [step.net for step in one.steps]
            if None in gross:
                assert found[day][:3] == [None, None, None]
                continue
            assert found[day] == [
                max(gross), max(*net, 0), min(*net, 0), gross[-1], net[-1],
            ]  # fmt: skip


def test_a_note_closes_a_breach_and_another_opens_it_again(home: Home) -> None:
    (day,) = rows(
        home,
        "select min(trade_date) from marts.fct_breaches "
        "where scope_name = 'T0' and rule = 'daily_loss'",
    )[0]
    folder = home.root.parent / "desk"
    settings = make_settings(source="files", risk_home=home.root, desk=folder)
    header = "trade_date,rule,scope,name,noted_at,noted_by,closes,note\n"
    first = f"{day},daily_loss,trader,T0,2025-03-20T08:00:00Z,Ann,true,Half size\n"
    second = f"{day},daily_loss,trader,T0,2025-03-21T03:00:00-05:00,Ben,false,Again\n"
    third = f"{day},daily_loss,trader,T0,2025-03-21T08:00:00Z,Ann,true,Same second\n"
    query = (
        "select status, notes_count, note, noted_by from marts.fct_breaches "
        f"where scope_name = 'T0' and rule = 'daily_loss' and trade_date = '{day}'"
    )
    for lines, expected in (
        (first, ("closed", 1, "Half size", "Ann")),
        (first + second, ("open", 2, "Again", "Ben")),
        (first + second + third, ("closed", 3, "Same second", "Ann")),
        (first + third + second, ("open", 3, "Again", "Ben")),
    ):
        (folder / "breach_notes.csv").write_text(header + lines)
        record_desk(home, read_desk(settings, home))
        build_models_of(settings, home, models="fct_breaches")
        assert rows(home, query) == [expected]


def test_what_goes_deeper_after_it_was_closed_is_open_again(home: Home) -> None:
    """By more than a tenth of the limit, and after what was known as it was closed."""
    cases = rows(
        home,
        "select breaches.scope_type, breaches.scope_name, breaches.trade_date, "
        "any_value(breaches.limit_value), "
        "list(uses.trade_date order by uses.trade_date), "
        "list(uses.peak_value order by uses.trade_date) "
        "from marts.fct_breaches as breaches join marts.fct_limit_use as uses "
        "on uses.scope_type = breaches.scope_type "
        "and uses.scope_name = breaches.scope_name and uses.rule = breaches.rule "
        "and uses.trade_date between breaches.trade_date and last_breached_date "
        "where breaches.rule = 'drawdown' and breaches.breached_days_count > 1 "
        "group by all",
    )
    folder = home.root.parent / "desk"
    settings = make_settings(source="files", risk_home=home.root, desk=folder)
    header = "trade_date,rule,scope,name,noted_at,noted_by,closes,note\n"
    seen = set()
    for place in (0, 1, 2, None):
        lines, expected = [], {}
        for kind, name, first, limit, days, peaks in cases:
            after = days[-1] + timedelta(days=1)
            closed = after if place is None else days[min(place, len(days) - 1)]
            shown = "" if kind == "desk" else name
            lines.append(
                f"{first},drawdown,{kind},{shown},{closed}T14:00:00Z,Ann,true,x"
            )
            known = max(
                [peak for day, peak in zip(days, peaks, strict=True) if day < closed]
                or [peaks[0]]
            )
            later = max(
                [peak for day, peak in zip(days, peaks, strict=True) if day >= closed]
                or [0]
            )
            deeper = later > known + limit / 10
            expected[kind, name, first] = "open" if deeper else "closed", deeper
        seen |= set(expected.values())
        (folder / "breach_notes.csv").write_text(header + "\n".join(lines))
        record_desk(home, read_desk(settings, home))
        build_models_of(settings, home, models="fct_breaches")
        found = rows(
            home,
            "select scope_type, scope_name, trade_date, status, is_reopened "
            "from marts.fct_breaches where rule = 'drawdown' "
            "and breached_days_count > 1",
        )
        assert {tuple(one[:3]): tuple(one[3:]) for one in found} == expected
    assert seen == {("open", True), ("closed", False)}
    (folder / "breach_notes.csv").write_text(header)
    record_desk(home, read_desk(settings, home))
    build_models_of(settings, home, models="fct_breaches")


def test_both_languages_know_the_same_rules() -> None:
    macro = (PROJECT_ROOT / "dbt_project/macros/limit_rules.sql").read_text()
    rules = dict(re.findall(r"'(\w+)': '(\w+)'", macro))
    assert tuple(rules) == LIMIT_RULES
    assert set(rules.values()) <= set(LIMITS.columns)


def test_limits_of_nobody_are_named(tmp_path: Path) -> None:
    one = ExportedFill("A1", MONDAY, "B", Decimal(1), Decimal(1))
    exports = Exports(tmp_path / "exports").write([one])
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "limits.csv").write_text(
        "account,trader,trader_group,strategy,daily_loss_limit_amount\n"
        "A1,,,,5\nA2,,,,5\n,BOB,,,5\n,,Red,,5\n,,,swing,5\nA1,,,,-5\n"
    )
    home = build_warehouse(
        tmp_path / "home", exports.folder, models="+data_quality",
        desk=tmp_path / "desk",
    )  # fmt: skip
    assert rows(
        home,
        "select found_count, finding from marts.data_quality "
        "where check_name = 'unmatched_limits'",
    ) == [
        (
            4,
            "lines of limits.csv are of unknown accounts, traders, groups or "
            "strategies, and apply to none: line 3, account A2; line 4, trader BOB; "
            "line 5, trader group Red; line 6, strategy swing",
        )
    ]
    assert rows(
        home,
        "select found_count, needs_attention, finding from marts.data_quality "
        "where check_name = 'refused_desk_lines'",
    ) == [
        (
            1, True,
            "lines of the desk's files are wrong and do not count: limits.csv, line 7, "
            "column daily_loss_limit_amount: '-5' is not a number above 0",
        )
    ]  # fmt: skip
