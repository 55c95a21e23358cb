"""What docs/data_model.md says of bad input is what happens, and what is told of it."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from ingestion.pipeline import bring_up_to_date
from reports.summary import summarise
from runtime.home import Home
from runtime.publish.marts_copy import publish
from runtime.settings import PROJECT_ROOT
from runtime.transform.dbt import run_dbt
from tests.conftest import build_models_of, build_warehouse, make_settings, rows
from tests.exports import ExportedFill, Exports

THURSDAY = datetime(2025, 7, 3, 10)
HOLIDAY = datetime(2025, 7, 4, 10)
MONDAY = datetime(2025, 7, 7, 10)


def day_trade(account: str, at: datetime, gain: str = "0.10", **more):
    """100 bought at 10 and sold a minute later."""
    bought = ExportedFill(account, at, "B", Decimal(100), Decimal(10), **more)
    price = Decimal(10) + Decimal(gain)
    return [
        bought,
        replace(bought, at=at + timedelta(minutes=1), side="S", price=price),
    ]


FILLS = [
    *day_trade("NORMAL1", THURSDAY),
    *day_trade("NORMAL1", MONDAY),
    *day_trade("NOBODY1", MONDAY),
    *day_trade("FUTURE1", MONDAY, symbol="#NEWM6"),
    *day_trade("FUTURE2", MONDAY, symbol="#SIMAXM6"),
    *day_trade("FUTURE1", MONDAY, "0.25"),
    *day_trade("SPELLED1", MONDAY, symbol="BRK.B"),
    *day_trade("SPELLED1", MONDAY, symbol="BRK/B"),
    *day_trade("SPELLED1", MONDAY, symbol="BRK/A"),
    *day_trade("SPELLED2", MONDAY, symbol="brk.b"),
    *day_trade("HOLIDAY1", THURSDAY),
    *day_trade("HOLIDAY1", HOLIDAY, "0.50"),
    *day_trade("HOLIDAY1", MONDAY),
    *day_trade("BELOW1", MONDAY, "-15"),
    *day_trade("BEFORE1", THURSDAY, "0.20"),
    *day_trade("BEFORE1", MONDAY, "0.30"),
    *day_trade("STATUS1", MONDAY, status="Canceled"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two mornings: BEFORE1 is called AFTER1 on the second; NOBODY1 is never listed."""
    folder = tmp_path_factory.mktemp("bad")
    exports = Exports(folder / "exports").write(FILLS)
    listed = exports.folder / "accounts.csv"
    lines = [x for x in listed.read_text().splitlines(True) if "NOBODY1" not in x]
    listed.write_text("".join(lines))
    settings = make_settings(
        source="files", exports=exports.folder, risk_home=folder / "home"
    )
    bring_up_to_date(settings)
    listed.write_text("".join(lines).replace("BEFORE1", "AFTER1"))
    (exports.folder / "fills" / "old.zip").touch()
    (exports.folder / "Fills").mkdir()
    (exports.folder / "Fills" / "A1.csv").touch()
    home = build_warehouse(folder / "home", exports.folder)
    # The report reads calls, of which there are none yet.
    build_models_of(settings, home, selector="after_scoring")
    publish(home)
    return home


def told(home: Home, check: str) -> tuple[int, bool, bool]:
    """How many were found, whether it is an alarm, whether the report has a line."""
    ((count, alarms),) = rows(
        home,
        "select found_count, needs_attention from marts.data_quality "
        f"where check_name = '{check}'",
    )
    report = summarise(make_settings(source="sample"), home)[
        "problems" if alarms else "information"
    ]
    return count, alarms, check in {one["check_name"] for one in report}


def days(home: Home, account: str) -> list[tuple]:
    """Date, fills and gross of an account."""
    return rows(
        home,
        "select trade_date, fills_count, gross_pnl from marts.daily_totals "
        f"where account_id = '{account}' order by trade_date",
    )


def test_fills_of_an_account_nobody_knows_count_and_are_reported(home: Home) -> None:
    assert days(home, "NOBODY1") == [(MONDAY.date(), 2, Decimal(10))]
    assert rows(
        home, "select trader_id from marts.dim_accounts where account_id = 'NOBODY1'"
    ) == [("NOBODY1",)]
    assert told(home, "unlisted_account") == (1, True, True)


def test_a_symbol_without_multiplier_counts_nowhere_and_is_reported(home: Home) -> None:
    assert days(home, "FUTURE1") == [(MONDAY.date(), 2, Decimal(25))]
    assert rows(
        home,
        "select count(*), count(multiplier), count(realized_gross_pnl), "
        "bool_or(is_counted) from marts.fct_fills where symbol = '#NEWM6'",
    ) == [(2, 0, 0, False)]
    assert told(home, "no_multiplier") == (4, True, True)


def test_a_root_without_a_line_is_named_with_the_line_to_add(home: Home) -> None:
    assert days(home, "FUTURE2") == []
    ((finding,),) = rows(
        home,
        "select finding from marts.data_quality where check_name = 'no_multiplier'",
    )
    for root in ("#NEW", "#SIMAX"):
        assert (
            f"{root},future,SIZE,, for 2 fills of 1 accounts, dollars 2010.00 times "
            "SIZE"
        ) in finding


def test_two_spellings_of_a_symbol_are_kept_apart_and_reported(home: Home) -> None:
    assert days(home, "SPELLED1") == [(MONDAY.date(), 6, Decimal(30))]
    assert told(home, "symbol_spellings") == (1, True, True)
    ((finding,),) = rows(
        home,
        "select finding from marts.data_quality where check_name = 'symbol_spellings'",
    )
    assert finding.endswith("BRK.B and BRK/B of SPELLED1")


def test_a_trade_on_a_holiday_counts_on_its_date_and_is_told(home: Home) -> None:
    assert [day for day, *_ in days(home, "HOLIDAY1")] == [
        THURSDAY.date(), HOLIDAY.date(), MONDAY.date(),
    ]  # fmt: skip
    assert rows(
        home,
        "select trade_date, is_session, is_early_close, sessions_missed, "
        "days_since_previous_trade, first_hour_fills_ratio "
        "from marts.feat_trader_day where trader_id = 'HOLIDAY1' order by trade_date",
    ) == [
        (THURSDAY.date(), 1, 1, None, None, 1.0),
        (HOLIDAY.date(), 0, 0, 0, 1, 1.0),
        (MONDAY.date(), 1, 0, 0, 3, 1.0),
    ]
    assert told(home, "closed_exchange") == (2, False, True)


def test_a_negative_price_counts_as_it_stands_and_is_reported(home: Home) -> None:
    assert days(home, "BELOW1") == [(MONDAY.date(), 2, Decimal(-1500))]
    # What was traded for is an amount without a sign.
    assert rows(
        home, "select notional from marts.fct_fills where price < 0"
    ) == [(Decimal(500),)]  # fmt: skip
    assert told(home, "negative_prices") == (1, True, True)


def test_a_status_nobody_knows_is_named(home: Home) -> None:
    assert told(home, "unknown_status") == (2, True, True)
    assert rows(
        home,
        "select finding from marts.data_quality where check_name = 'unknown_status'",
    )[0][0].endswith("status is unknown: CANCELED (2)")


def test_what_is_not_read_of_the_folder_is_told(home: Home) -> None:
    assert told(home, "unread_files") == (2, True, True)
    assert told(home, "quarantined") == (0, True, False)


@pytest.fixture(scope="module")
def ahead(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two fills of 2025, and two of next week."""
    folder = tmp_path_factory.mktemp("ahead")
    fills = [
        *day_trade("AHEAD1", MONDAY),
        *day_trade("AHEAD1", datetime.now().replace(microsecond=0) + timedelta(days=7)),
    ]
    settings = make_settings(
        source="files",
        exports=Exports(folder / "exports").write(fills).folder,
        risk_home=folder / "home",
        gate="warn",
    )
    home = bring_up_to_date(settings).home
    run_dbt(
        settings, home, "build", "--select", "+data_quality", "+fct_fills",
        "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test",
    )  # fmt: skip
    return home


@pytest.mark.long
def test_a_fill_dated_in_the_future_is_set_aside_and_reported(ahead: Home) -> None:
    assert days(ahead, "AHEAD1") == [(MONDAY.date(), 2, Decimal(10))]
    assert rows(ahead, "select max(trade_date) from marts.fct_fills") == [
        (MONDAY.date(),)
    ]
    assert rows(
        ahead, "select distinct reason from raw.quarantine where resource = 'fills'"
    ) == [("lies in the future",)]
    assert rows(
        ahead,
        "select found_count, needs_attention from marts.data_quality "
        "where check_name = 'quarantined'",
    ) == [(2, True)]


@pytest.mark.long
def test_a_fill_dated_in_the_future_does_not_move_the_morning(ahead: Home) -> None:
    """The morning is the one after the last fill that can be."""
    assert rows(ahead, "select as_of from raw.run_context") == [
        (MONDAY.date() + timedelta(days=1),)
    ]


def test_a_renamed_account_keeps_its_id_and_its_trader(home: Home) -> None:
    assert days(home, "AFTER1") == []
    assert days(home, "BEFORE1") == [
        (THURSDAY.date(), 2, Decimal(20)), (MONDAY.date(), 2, Decimal(30)),
    ]  # fmt: skip
    assert rows(
        home, "select trader_id from marts.dim_accounts where account_id = 'BEFORE1'"
    ) == [("BEFORE1",)]
    assert told(home, "renamed_accounts") == (1, True, True)


def test_every_check_of_the_page_exists_and_acts_as_it_says(home: Home) -> None:
    page = (PROJECT_ROOT / "docs" / "data_model.md").read_text()
    table = page.split("## Bad input")[1].split("\n## ")[0]
    said = dict(re.findall(r"^\| .* \| `(\w+)`, (alarm|information) \|", table, re.M))
    found = dict(
        rows(home, "select check_name, needs_attention from marts.data_quality")
    )
    assert len(said) >= 6
    assert said == {
        name: "alarm" if found[name] else "information" for name in said
    }  # fmt: skip
