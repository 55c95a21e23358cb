"""What a build starts from: the last finished one, or nothing.

The models of fills build only days that differ from `ops.built_fill_days`. That table
is written here, once a whole build has succeeded, tests included: what a build that
failed or was killed had planned is planned again by the next.
"""

import hashlib
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import duckdb
import yaml

from runtime.home import Home
from runtime.settings import PROJECT_ROOT
from runtime.tables import Table
from runtime.warehouse import open_warehouse

_DBT = PROJECT_ROOT / "dbt_project"
_REBUILT = "materialized='rebuilt'"
BUILD_STATE = (
    Table(
        "ops.built_fill_days",
        {
            "account_id": "varchar not null",
            "trader_id": "varchar not null",
            "trade_date": "date not null",
            "account_number": "varchar not null",
            "content_hash": "varchar not null",
        },
    ),
    Table(
        "ops.built_with",
        {"fingerprint": "varchar not null", "seen_through": "timestamp"},
    ),
    Table(
        "ops.built_dates",
        {
            "mart": "varchar not null",
            "partition_date": "date not null",
            "built": "varchar not null",
        },
        primary_key=("mart", "partition_date"),
    ),
)
# An account's day and the version of it that a build was made of.
_BUILT_DAY = "account_id, trader_id, trade_date, account_number, content_hash"
# Dates of which the rows of a mart may have changed: publish looks at these alone.
_TOUCHED_DATES = {
    "fct_fills": "select trade_date from intermediate.int_rebuilt_trader_days "
    "union select trade_date from intermediate.int_rebuilt_account_days",
    "fct_round_trips": "select trade_date from intermediate.int_rebuilt_trader_days "
    "union select opened_date from intermediate.int_round_trips as trips "
    "inner join intermediate.int_rebuilt_symbols as symbols on "
    "trips.account_id = symbols.account_id and trips.symbol = symbols.symbol "
    "and trips.opened_date <= symbols.last_date "
    "and coalesce(trips.closed_date, date '9999-12-31') >= symbols.first_date",
}


def reason_to_build_all(home: Home) -> str | None:
    """Why nothing of the last build can be kept; None if the next may go on from it."""
    with open_warehouse(home.warehouse) as connection:
        tables = {
            name
            for (name,) in connection.execute(
                "select table_name from duckdb_tables()"
            ).fetchall()
        }
        found = None
        if "built_with" in tables:
            found = connection.execute(
                "select fingerprint from ops.built_with"
            ).fetchone()
    if found is None:
        return "no build has been finished before"
    if found[0] != fingerprint():
        return "the models have changed since the last build"
    missing = sorted(path.stem for path in _rebuilt_models() if path.stem not in tables)
    if missing:
        return f"{missing[0]} is missing"
    return None


def record_build(home: Home) -> str:
    """Remember what the finished build was made of; say what it built anew."""
    with open_warehouse(home.warehouse) as connection:
        connection.execute("begin")
        connection.execute("delete from ops.built_fill_days")
        days = connection.execute(
            f"insert into ops.built_fill_days by name select {_BUILT_DAY} "
            "from intermediate.int_fill_days"
        ).fetchall()[0][0]
        connection.execute("delete from ops.built_with")
        connection.execute(
            "insert into ops.built_with "
            "select ?, max(first_seen_at) from raw.day_versions",
            [fingerprint()],
        )
        now = datetime.now(UTC).isoformat()
        for mart, dates in _TOUCHED_DATES.items():
            connection.execute(
                f"insert or replace into ops.built_dates select ?, *, ? from ({dates})",
                [mart, now],
            )
        connection.execute("commit")
        rebuilt = connection.execute(
            "select count(*) from intermediate.int_rebuilt_account_days"
        ).fetchall()[0][0]
    return f"account-days of fills: {rebuilt:,} built anew of {days:,}"


def built_dates(connection: duckdb.DuckDBPyConnection, mart: str) -> dict[str, str]:
    """Which build touched each date of a mart last; nothing if not known of all.

    It is not after a build that failed, or that dbt made by itself: then the days that
    the marts are of are not those of the last build that was recorded.
    """
    now, then = (
        f"select {_BUILT_DAY} from {table}"
        for table in ("intermediate.int_fill_days", "ops.built_fill_days")
    )
    try:
        (unrecorded,) = connection.execute(
            f"select count(*) from (({now} except {then}) union all "
            f"({then} except {now}))"
        ).fetchone()
        found = connection.execute(
            "select partition_date, built from ops.built_dates where mart = ?", [mart]
        ).fetchall()
    except duckdb.CatalogException:
        return {}
    return {} if unrecorded else {str(date): built for date, built in found}


def fingerprint() -> str:
    """Of all that decides what is made of the same fills, published dates included."""
    files = sorted(
        [
            *(_DBT / "macros").rglob("*.sql"),
            *(_DBT / "models" / "staging" / "propreports").glob("*.sql"),
            *(_DBT / "models" / "intermediate").glob("*.sql"),
            *(
                _DBT / "models" / "marts" / "core" / f"{mart}.sql"
                for mart in _TOUCHED_DATES
            ),
            _DBT / "seeds" / "instrument_multipliers.csv",
        ]
    )
    texts = [path.read_text(encoding="utf-8") for path in files]
    project = yaml.safe_load((_DBT / "dbt_project.yml").read_text(encoding="utf-8"))
    used = set(re.findall(r"var\('(\w+)'\)", "".join(texts)))
    variables = {name: project["vars"][name] for name in sorted(used)}
    # A session of the past may be another one in a newer calendar.
    calendar = version("exchange_calendars")
    said = "\0".join([*texts, str(variables), calendar])
    return hashlib.sha256(said.encode()).hexdigest()


def _rebuilt_models() -> list[Path]:
    return [
        path
        for path in sorted((_DBT / "models" / "intermediate").glob("*.sql"))
        if _REBUILT in path.read_text(encoding="utf-8")
    ]
