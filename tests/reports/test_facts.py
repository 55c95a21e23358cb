"""What happened on the last day, in the month and since the peak, from rows by hand."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from reports.facts import read_desk_facts, read_trader_facts
from reports.summary import summarise
from tests.conftest import SampleRun, make_settings

LAST = date(2026, 3, 9)
# Of three traders: WON peaks and falls, GAP has a day that nobody knows, OLD is idle.
# A total that is not known counts as realized towards the peak.
DAYS = [
    ("WON", "2026-02-27", "total", 500, 400, 0.0, False),
    ("WON", "2026-03-02", "total", 100, 100, 0.0, False),
    ("WON", "2026-03-03", "realised_only", -50, None, 0.05, False),
    ("WON", "2026-03-05", "total", 10, 10, 0.0, False),
    ("WON", "2026-03-09", "total", -1200, -1000, 1.2, True),
    ("GAP", "2026-03-04", "total", -70, -70, 0.07, False),
    ("GAP", "2026-03-06", "incomplete", 30, None, None, None),
    ("GAP", "2026-03-09", "total", 20, 20, 0.0, False),
    ("OLD", "2026-02-27", "total", 5, 5, 0.0, False),
    # What came later is not looked at.
    ("WON", "2026-03-10", "total", 9999, 9999, 0.0, False),
]


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of the rows above."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            create schema marts;
            create table marts.fct_trader_total_pnl (
                trader_id varchar, trade_date date, pnl_basis varchar,
                net_pnl decimal(38, 8), total_pnl decimal(38, 8),
                limit_use_ratio double, is_limit_breached boolean,
                daily_loss_limit_amount decimal(18, 8) default 1000
            );
            create table marts.fct_period_pnl as
            select 'month' as period, cast(start as date) as period_start,
                'desk' as scope, net_pnl, total_pnl, 3 as unknown_days_count,
                1 as incomplete_days_count
            from (values ('2026-02-01', 505, 405), ('2026-03-01', -1160, -940))
                as months (start, net_pnl, total_pnl);
            create table marts.fct_limit_use as
            select *, 'daily_loss' as rule, cast(day as date) as trade_date
            from (values
                ('trader', 'WON', false, null, '2026-03-09', 1500),
                ('trader', 'GAP', true, false, '2026-03-09', null),
                ('trader_group', 'Red', true, true, '2026-03-09', 9),
                ('desk', 'desk', true, true, '2026-03-06', 9)
            ) as used (
                scope_type, scope_name, is_limit_set, is_breached, day, peak_value
            );
            create table marts.fct_scope_exposure as
            select 'trader' as scope_type, 'WON' as scope_name,
                date '2026-03-09' as trade_date, 2500 as overnight_gross_exposure;
            create table marts.feat_trader_day as
            select * from (values
                ('WON', date '2026-03-05', 9.0), ('WON', date '2026-03-09', 2.5)
            ) as days (trader_id, trade_date, notional_vs_20d_ratio);
            """
        )
        connection.executemany(
            "insert into marts.fct_trader_total_pnl "
            "values (?, ?, ?, ?, ?, ?, ?, default)",
            DAYS,
        )
        yield connection


def test_the_desk_from_the_month_to_what_is_not_known(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    assert read_desk_facts(marts, LAST) == {
        # 405, 505, 455, 385, 395, 395 (not known), -585.
        "below_peak_amount": Decimal(505 + 585),
        "peak_unknown_days_count": 1,
        "breaches_count": 1,
        "default_breaches_count": 1,
        "unknown_traders_count": 1,
        "month_start": date(2026, 3, 1),
        "month_net_pnl": -1160,
        "month_total_pnl": -940,
        "month_unknown_days_count": 3,
        "month_incomplete_days_count": 1,
    }


def test_each_trader_up_to_the_last_day(marts: duckdb.DuckDBPyConnection) -> None:
    found = read_trader_facts(marts, LAST)
    # The last five days of the desk begin on 2026-03-03.
    assert found == {
        "WON": {
            "below_peak_amount": Decimal(1040), "peak_unknown_days_count": 0,
            "last_net_pnl": Decimal(-1200), "limit_use_ratio": 1.5,
            "five_days_net_pnl": Decimal(-1240), "overnight_amount": 2500,
            "size_ratio": 2.5, "has_last_day": True, "has_five_days": True,
        },
        "GAP": {
            "below_peak_amount": Decimal(50), "peak_unknown_days_count": 1,
            "last_net_pnl": Decimal(20), "limit_use_ratio": 0.0,
            "five_days_net_pnl": None, "overnight_amount": None,
            "size_ratio": None, "has_last_day": True, "has_five_days": True,
        },
        "OLD": {
            "below_peak_amount": 0, "peak_unknown_days_count": 0,
            "last_net_pnl": None, "limit_use_ratio": None,
            "five_days_net_pnl": None, "overnight_amount": None,
            "size_ratio": None, "has_last_day": False, "has_five_days": False,
        },
    }  # fmt: skip


def test_the_peak_is_that_of_the_facts_that_need_attention(sample: SampleRun) -> None:
    told = summarise(make_settings(source="sample"), sample.home)
    below = {
        forecast["trader_id"]: Decimal(forecast["below_peak_amount"])
        for forecasts in told["forecasts"].values()
        for forecast in forecasts
    }
    with duckdb.connect(sample.home.warehouse, read_only=True) as connection:
        lows = connection.execute(
            "select scope_name, amount from marts.attention where kind = 'new_low' "
            "and scope_type = 'trader'"
        ).fetchall()
    assert lows
    assert {trader: below[trader] for trader, _ in lows} == dict(lows)
