"""Desks of any size: firms with fewer accounts; marts changed, and published."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import duckdb

from ingestion.simulator import Firm
from runtime.home import Home
from runtime.publish.marts_copy import publish

# Marts with a trader in them that report and board read, and where they name one.
MARTS = dict.fromkeys(
    (
        "daily_totals",
        "feat_trader_day",
        "fct_fills",
        "fct_intraday_pnl",
        "fct_open_positions",
        "fct_round_trips",
        "fct_trader_total_pnl",
        "dim_accounts",
        "trader_status",
        "trader_behaviour",
        "risk_calls",
        "rule_effects",
        "forecast_outcomes",
        "forecast_record",
        "trader_forecast_scores",
        "proposed_limits",
        "newcomer_neighbours",
    ),
    "trader_id",
) | dict.fromkeys(("fct_breaches", "fct_limit_use", "fct_scope_exposure"), "scope_name")


def _names_nobody(mart: str) -> str:
    """The condition of rows that are of no trader."""
    column = MARTS[mart]
    of = "scope_type <> 'trader'" if column == "scope_name" else "false"
    return f"({of} or coalesce({column}, '') = '')"


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
        for mart, trader in MARTS.items():
            connection.execute(
                f"""
                create or replace table marts.{mart} as
                select mart.* replace (
                    case when copy = 0 then {trader}
                    else {trader} || '-' || copy end as {trader}
                )
                from marts.{mart} as mart, range({copies}) as numbers (copy)
                where copy = 0 or not {_names_nobody(mart)}
                """
            )
    publish(home)


def renamed(home: Home, names: Mapping[str, str]) -> None:
    """Call traders otherwise, with a name that the desk gives them as well."""
    with duckdb.connect(home.warehouse) as connection:
        _keep_as_tables(connection)
        for mart, trader in MARTS.items():
            for old, new in names.items():
                connection.execute(
                    f"update marts.{mart} set {trader} = ? "
                    f"where {trader} = ? and not {_names_nobody(mart)}",
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
        for mart, trader in MARTS.items():
            connection.execute(
                f"delete from marts.{mart} where not {_names_nobody(mart)} "
                f"and {trader} not in (select unnest(?::varchar[]))",
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
