"""Desks of any size: firms with fewer accounts; marts changed, and published."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import duckdb

from ingestion.simulator import Firm
from runtime.home import Home
from runtime.publish.marts_copy import publish

# Marts with a trader in them that report and board read.
MARTS = (
    "daily_totals", "feat_trader_day", "fct_fills", "fct_round_trips", "dim_accounts",
    "trader_status", "risk_calls", "forecast_outcomes", "forecast_record",
    "trader_forecast_scores", "proposed_limits", "newcomer_neighbours",
)  # fmt: skip


def copied(source: Home, target: Home) -> Home:
    """A warehouse of one's own, to be changed."""
    target.root.mkdir(parents=True, exist_ok=True)
    shutil.copy(source.warehouse, target.warehouse)
    shutil.copytree(source.published, target.published, symlinks=True)
    return target


def multiplied(home: Home, copies: int) -> None:
    """Make of each trader so many, with the same days."""
    with duckdb.connect(home.warehouse) as connection:
        _keep_as_tables(connection)
        for mart in MARTS:
            connection.execute(
                f"""
                create or replace table marts.{mart} as
                select mart.* replace (
                    case when copy = 0 or trader_id = '' then trader_id
                    else trader_id || '-' || copy end as trader_id
                )
                from marts.{mart} as mart, range({copies}) as numbers (copy)
                where copy = 0 or trader_id <> ''
                """
            )
    publish(home)


def renamed(home: Home, names: Mapping[str, str]) -> None:
    """Call traders otherwise, with a name that the desk gives them as well."""
    with duckdb.connect(home.warehouse) as connection:
        _keep_as_tables(connection)
        for mart in MARTS:
            for old, new in names.items():
                connection.execute(
                    f"update marts.{mart} set trader_id = ? where trader_id = ?",
                    [new, old],
                )
        for new in names.values():
            connection.execute(
                "update marts.trader_status set display_name = ? where trader_id = ?",
                [new, new],
            )
    publish(home)


def _keep_as_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Views hold no rows to change."""
    views = connection.execute(
        "select view_name from duckdb_views() where schema_name = 'marts'"
    ).fetchall()
    for (view,) in views:
        connection.execute(f"create table marts.{view}_rows as from marts.{view}")
        connection.execute(f"drop view marts.{view}")
        connection.execute(f"alter table marts.{view}_rows rename to {view}")


def left_with(home: Home, *traders: str) -> None:
    """Nobody but these has ever traded."""
    with duckdb.connect(home.warehouse) as connection:
        _keep_as_tables(connection)
        for mart in MARTS:
            connection.execute(
                f"delete from marts.{mart} where trader_id not in "
                "(select unnest(?::varchar[]))",
                [list(traders)],
            )
        connection.execute("delete from marts.desk_forecast_scores")
        if not traders:
            for mart in ("desk_forecasts", "desk_forecast_outcomes"):
                connection.execute(f"delete from marts.{mart}")
    publish(home)


def some_of(firm: Firm, count: int = 5) -> Firm:
    """The firm with the first of its accounts, where their number proves nothing."""
    accounts = firm.accounts[:count]
    names = {x.name for x in accounts}
    return replace(
        firm,
        accounts=accounts,
        fills=[x for x in firm.fills if x.account_name in names],
        adjustments=[x for x in firm.adjustments if x.account_name in names],
    )


def since(first: date, firm: Firm) -> Firm:
    """The firm with what it did from a date on."""
    return replace(
        firm,
        fills=[x for x in firm.fills if x.filled_at.date() >= first],
        adjustments=[x for x in firm.adjustments if x.date >= first],
    )
