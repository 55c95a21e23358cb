"""On which data no limits go out, and which accounts and limits are known."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import next_session, previous_session
from runtime.staleness import today
from tests.conftest import make_settings
from trading_limits.facts import _check_fresh, _desk_limits, _traders, read_facts

SETTINGS = make_settings(source="sample")


@pytest.fixture
def copy() -> duckdb.DuckDBPyConnection:
    """The tables that are read here, empty."""
    connection = duckdb.connect()
    connection.execute(
        "create table daily_totals (trade_date date);"
        "create table dim_accounts (account_id varchar, trader_id varchar, "
        "is_current boolean, is_in_desk_total boolean);"
        "create table dim_traders (trader_id varchar, is_current boolean, "
        "is_active boolean);"
        "create table account_history (account_id varchar, is_listed boolean, "
        "superseded_at timestamp);"
        "create table fct_limit_use (scope_type varchar, scope_name varchar, "
        "rule varchar, trade_date date, limit_value decimal(18, 8), "
        "is_limit_set boolean);"
        "create table proposed_limits (trader_id varchar, is_limit_set boolean, "
        "daily_loss_limit_amount decimal(18, 8))"
    )
    return connection


def test_stale_data_and_a_session_that_is_over_stop_everything(
    copy: duckdb.DuckDBPyConnection,
) -> None:
    now = today()
    last, session = previous_session(now), next_session(now)

    def check(ends: date, session: date, *, is_sample: bool = False) -> None:
        copy.execute("delete from daily_totals")
        copy.execute("insert into daily_totals values (?)", [ends])
        _check_fresh(SETTINGS, copy, session, is_sample)

    check(last, session)
    with pytest.raises(UserError, match=r"The data is stale: .* 1 session is missing"):
        check(previous_session(last), session)
    with pytest.raises(UserError, match="which is over"):
        check(last, now - timedelta(days=1))
    # The sample is old on purpose.
    check(date(2025, 12, 18), date(2025, 12, 19), is_sample=True)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("limits", "trader,daily_loss_limit_amount\n"),
        ("traders", "trader_id,valid_from,display_name,strategy,trader_group,is_active,"
         "daily_loss_limit_amount\n"),
    ],
)  # fmt: skip
def test_a_limit_of_the_desk_that_is_miswritten_is_lost_on_no_platform(
    tmp_path: Path, name: str, header: str
) -> None:
    cells = ["T1", *[""] * (header.count(",") - 1), "-500"]
    (tmp_path / f"{name}.csv").write_text(f"{header}{','.join(cells)}\n")
    said = rf"{name}\.csv, line 2, column daily_loss.*Until then no limit goes out\.$"
    with pytest.raises(UserError, match=said):
        read_facts(make_settings(desk=tmp_path), Home(tmp_path))


def test_accounts_that_left_or_trade_for_nobody_are_not_known(
    copy: duckdb.DuckDBPyConnection,
) -> None:
    copy.execute(
        "insert into dim_accounts values ('A1', 'T1', true, true), "
        "('A2', 'T2', true, true), ('A3', 'T3', true, true), "
        "('H1', 'H1', true, false), ('A4', 'T4', false, true)"
    )
    copy.execute(
        "insert into dim_traders values ('T1', true, true), ('T2', true, false)"
    )
    copy.execute(
        "insert into account_history values ('A1', true, null), ('A2', true, null), "
        "('A3', true, '2025-12-01'), ('A3', false, null), ('H1', true, null), "
        "('A4', true, null)"
    )
    assert _traders(copy) == {"A1": "T1"}


def test_of_the_desks_lines_the_smaller_that_still_holds_counts(
    copy: duckdb.DuckDBPyConnection,
) -> None:
    copy.execute(
        "insert into fct_limit_use values "
        "('trader', 'T1', 'gross_exposure', '2025-12-18', 60000, true), "
        "('account', 'A1', 'gross_exposure', '2025-12-17', 40000, true), "
        "('trader', 'T1', 'drawdown', '2025-12-17', 2000, true), "
        "('trader', 'T1', 'daily_loss', '2025-12-18', 900, false), "
        "('trader', 'T1', 'trades', '2025-12-18', 9, true), "
        "('desk', 'desk', 'gross_exposure', '2025-12-18', 1, true)"
    )
    copy.execute("insert into proposed_limits values ('T1', true, 800)")
    assert _desk_limits(copy, {"A1": "T1", "B1": "T1", "C1": "T2"}) == {
        ("A1", "max_gross"): Decimal(40000),
        ("B1", "max_gross"): Decimal(60000),
        ("A1", "max_loss"): Decimal(800),
        ("B1", "max_loss"): Decimal(800),
    }
