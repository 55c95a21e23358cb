"""What a build starts from: the last finished one, or nothing.

The models of fills build only days that differ from `ops.built_fill_days`. dbt writes
that table at the end of a build that has succeeded, tests included (macro
`record_build`); by which models is remembered here.
"""

import hashlib
import re
from collections.abc import Callable
from importlib.metadata import version

import duckdb
import yaml

from runtime.build_chain import BUILD, begin
from runtime.home import Home
from runtime.settings import BASE_CURRENCY, PROJECT_ROOT
from runtime.tables import Table
from runtime.warehouse import open_warehouse

_DBT = PROJECT_ROOT / "dbt_project"
BUILD_STATE = (
    Table(
        "ops.built_fill_days",
        {
            "account_id": "varchar not null",
            "trader_id": "varchar not null",
            "trade_date": "date not null",
            "account_number": "varchar not null",
            "content_hash": "varchar not null",
            "calendar_date": "date",
        },
    ),
    Table(
        "ops.begun_fill_days",
        {
            "account_id": "varchar not null",
            "trader_id": "varchar",
            "trade_date": "date not null",
            "account_number": "varchar",
            "content_hash": "varchar",
            "calendar_date": "date",
        },
    ),
    Table(
        "ops.built_rates",
        {
            "currency": "varchar not null",
            "valid_from": "date not null",
            "exchange_rate": "decimal(17, 10) not null",
        },
    ),
    Table(
        "ops.built_path_scopes",
        {
            "scope_type": "varchar not null",
            "scope_name": "varchar not null",
            "account_id": "varchar not null",
            "valid_from": "date not null",
            "valid_to": "date not null",
        },
    ),
    Table(
        "ops.built_symbol_books",
        {
            "account_id": "varchar not null",
            "symbol": "varchar not null",
            "valid_from": "date not null",
            "valid_to": "date not null",
            "book_symbol": "varchar not null",
            "units_per_share": "decimal(18, 0) not null",
        },
    ),
    Table(
        "ops.built_with",
        {"fingerprint": "varchar not null"},
        dropped_columns=("seen_through",),
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
_BUILT_DAY = (
    "account_id, trader_id, trade_date, account_number, calendar_date, content_hash"
)
# Marts that are published by date, and the column it is in: how they are made decides
# what a date holds.
PUBLISHED_BY_DATE = {
    "fct_fills": "trade_date",
    "fct_fees": "trade_date",
    "fct_round_trips": "opened_date",
    "replay_points": "trade_date",
}
# Fills that a build takes on at a time: some 2 GB of memory for 4 million.
BATCH_FILLS = 4_000_000


def reason_to_build_all(home: Home) -> str | None:
    """Why nothing of the last build can be kept; None if the next continues it."""
    with open_warehouse(home.warehouse) as connection:
        found = connection.execute("select fingerprint from ops.built_with").fetchone()
        made_of = fingerprint(_told_by_the_desk(connection))
    if found is None:
        return "no build has been finished before"
    if found[0] != made_of:
        return "the models have changed since the last build"
    return None


def forget_build(home: Home) -> None:
    """Drop what dbt builds incrementally: the next build makes all of it.

    By which models is remembered now, before it begins: one that is stopped resumes,
    unless they change again.
    """
    incremental = _incremental_models()
    with open_warehouse(home.warehouse) as connection:
        connection.execute("begin")
        _drop(connection, lambda name: name in incremental)
        # The marts that read them are of nothing until they are built again.
        begin(connection, BUILD)
        for table in BUILD_STATE:
            connection.execute(f"delete from {table.name}")
        connection.execute(
            "insert into ops.built_with by name select ? as fingerprint",
            [fingerprint(_told_by_the_desk(connection))],
        )
        connection.execute("commit")


def drop_orphans(home: Home) -> None:
    """Drop tables and views of dbt's schemas that no model makes any more."""
    made = {path.stem for path in (_DBT / "models").rglob("*.sql")} | {
        path.stem for path in (_DBT / "seeds").glob("*.csv")
    }
    with open_warehouse(home.warehouse) as connection:
        connection.execute("begin")
        _drop(connection, lambda name: name not in made)
        connection.execute("commit")


def _drop(
    connection: duckdb.DuckDBPyConnection, is_chosen: Callable[[str], bool]
) -> None:
    relations = connection.execute(
        "select table_schema, table_name, table_type from information_schema.tables "
        "where table_schema in ('staging', 'intermediate', 'marts')"
    ).fetchall()
    for schema, name, kind in relations:
        if is_chosen(name):
            kind = "view" if kind == "VIEW" else "table"
            connection.execute(f'drop {kind} {schema}."{name}"')


def batch_ends(home: Home, batch_fills: int = BATCH_FILLS) -> list[str]:
    """The last date of each batch of fills that no build has taken on yet.

    Args:
        batch_fills: A batch ends with the date that would make it larger.

    Returns:
        Dates as text, in order, without the end of the last batch: it has none.
    """
    with open_warehouse(home.warehouse) as connection:
        days = connection.execute(
            "select trade_date, sum(rows_count) from raw.day_versions as versions "
            "where resource = 'fills' and not exists ("
            "select 1 from ops.built_fill_days as built "
            "where built.account_number = versions.account_number "
            "and built.calendar_date = versions.trade_date) "
            "group by trade_date order by trade_date"
        ).fetchall()
    ends, held = [], 0
    for (before, _), (_, count) in zip([(None, 0), *days], days, strict=False):
        if held and held + count > batch_fills:
            ends.append(str(before))
            held = 0
        held += count
    return ends


def planned_days(home: Home) -> str:
    """How much of what there is the last build built anew, as a sentence."""
    with open_warehouse(home.warehouse) as connection:
        days, planned = connection.execute(
            "select (select count(*) from ops.built_fill_days), "
            "(select count(*) from intermediate.int_planned_account_days)"
        ).fetchall()[0]
    return f"account-days of fills: {planned:,} rebuilt of {days:,}"


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
        ((unrecorded,),) = connection.execute(
            f"select count(*) from (({now} except {then}) union all "
            f"({then} except {now}))"
        ).fetchall()
        found = connection.execute(
            "select partition_date, built from ops.built_dates where mart = ?", [mart]
        ).fetchall()
    # Of an earlier version, until the next build.
    except (duckdb.CatalogException, duckdb.BinderException):
        return {}
    return {} if unrecorded else {str(date): built for date, built in found}


def _told_by_the_desk(connection: duckdb.DuckDBPyConnection) -> str:
    """What decides of all dates.

    Contract sizes, cut-offs of sessions, currencies, corporate actions in effect,
    opening lots.
    """
    whole = connection.execute(
        "select arg_max(content_hash, known_at) from raw.desk_files where file_name in "
        "('instrument_multipliers', 'session_cutoffs', 'currency_suffixes') "
        "group by file_name order by file_name"
    ).fetchall()
    # Rates are no part of it: int_days_of_changed_rates knows which dates they touch.
    currencies = connection.execute(
        "select account_number, currency from (select account_number, "
        "arg_max(upper(currency), known_at) as currency from raw.account_versions "
        "join raw.accounts using (account_number, content_hash) "
        "group by account_number) where currency <> ? order by all",
        [BASE_CURRENCY],
    ).fetchall()
    # A line of a date to come takes effect on that morning.
    actions = connection.execute(
        "select * exclude (content_hash, line_number, note) "
        "from raw.desk_corporate_actions where content_hash = ("
        "select content_hash from raw.desk_files "
        "where file_name = 'corporate_actions' order by known_at desc limit 1) "
        "and refused_for is null and cast(effective_date as date) < ("
        "select as_of from raw.run_context) order by all"
    ).fetchall()
    lots = connection.execute(
        "with first_days as (select account_number, min(trade_date) as first_date "
        "from raw.day_versions where resource = 'fills' and rows_count > 0 "
        "group by account_number), "
        "lots as (select content_hash from raw.desk_opening_lots where content_hash = ("
        "select content_hash from raw.desk_files "
        "where file_name = 'opening_lots' order by known_at desc limit 1)) "
        "select account_number, first_date, '' from first_days "
        "where exists (select 1 from lots) "
        "union all select distinct '', null, content_hash from lots "
        "union all (select versions.account_number, first_date, content_hash "
        "from raw.day_versions as versions inner join first_days "
        "on versions.account_number = first_days.account_number "
        "and versions.trade_date < first_days.first_date "
        "where resource = 'positions' and rows_count > 0) order by all"
    ).fetchall()
    return f"{whole or ''}{currencies or ''}{actions or ''}{lots or ''}"


def fingerprint(told_by_the_desk: str = "") -> str:
    """Of all that decides what is made of the same fills, published dates included.

    Args:
        told_by_the_desk: What its files say of all dates.
    """
    files = sorted(
        [
            *(_DBT / "macros").rglob("*.sql"),
            *(_DBT / "models" / "staging" / "propreports").glob("*.sql"),
            *(_DBT / "models" / "staging" / "desk").glob("*.sql"),
            # Checks read what is built; nothing is built of them.
            *(
                path
                for path in (_DBT / "models" / "intermediate").rglob("*.sql")
                if not path.parent.name.endswith("_checks")
            ),
            *(
                path
                for path in (_DBT / "models" / "marts").rglob("*.sql")
                if path.stem in PUBLISHED_BY_DATE
            ),
            _DBT / "seeds" / "instrument_multipliers.csv",
            _DBT / "seeds" / "currency_suffixes.csv",
            _DBT / "seeds" / "session_cutoffs.csv",
        ]
    )
    texts = [path.read_text(encoding="utf-8") for path in files]
    project = yaml.safe_load((_DBT / "dbt_project.yml").read_text(encoding="utf-8"))
    used = set(re.findall(r"var\('(\w+)'\)", "".join(texts)))
    variables = {name: project["vars"][name] for name in sorted(used)}
    # A session of the past may be another one in a newer calendar.
    calendar = version("exchange_calendars")
    said = "\0".join([*texts, str(variables), calendar, told_by_the_desk])
    return hashlib.sha256(said.encode()).hexdigest()


def _incremental_models() -> set[str]:
    return {
        path.stem
        for path in (_DBT / "models").rglob("*.sql")
        if "materialized='incremental'" in path.read_text(encoding="utf-8")
    }
