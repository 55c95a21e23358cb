"""Rebuilds what was known on a past morning, from the versions of the main warehouse."""

from datetime import UTC, date, datetime, time

from ingestion.landing import CONTROL_TABLES
from ingestion.resources import BY_DAY
from runtime.home import Home
from runtime.sessions import EASTERN, next_session
from runtime.warehouse import RAW_LAYOUT, RUN_CONTEXT, RunContext, open_warehouse

# What the run of a morning saw before the market opened is what that morning knew.
MORNING_ENDS = time(9, 30)
DAY_TABLES = (*(resource.name for resource in BY_DAY), "fill_fees", "extra_cells")


def rebuild(main: Home, past: Home, context: RunContext, as_of: date) -> RunContext:
    """Fill schema `raw` of `past` with what `main` knew on the morning of `as_of`.

    Args:
        context: Of `main`.
    """
    ends = datetime.combine(as_of, MORNING_ENDS, EASTERN)
    known_before = ends.astimezone(UTC).replace(tzinfo=None)
    past_context = RunContext(context.source, context.firm, as_of, next_session(as_of))
    past.root.mkdir(parents=True, exist_ok=True)
    with open_warehouse(past.warehouse) as connection:
        source = str(main.warehouse).replace("'", "''")
        connection.execute(f"attach '{source}' as main_home (read_only)")
        connection.execute("begin")
        connection.execute("drop schema if exists raw cascade")
        connection.execute(CONTROL_TABLES)
        connection.execute(
            "insert into raw.day_versions from main_home.raw.day_versions "
            "where trade_date < ? and known_at < ?",
            [as_of, known_before],
        )
        connection.execute(
            "insert into raw.account_versions from main_home.raw.account_versions "
            "where known_at < ?",
            [known_before],
        )
        for table in DAY_TABLES:
            connection.execute(
                f"create table raw.{table} as from main_home.raw.{table} "
                "semi join raw.day_versions "
                "using (account_number, trade_date, content_hash)"
            )
        connection.execute(
            "create table raw.accounts as from main_home.raw.accounts "
            "semi join raw.account_versions using (account_number, content_hash)"
        )
        connection.execute("create table raw.sessions as from main_home.raw.sessions")
        connection.execute(
            "insert into raw.quarantine from main_home.raw.quarantine "
            "where trade_date < ?",
            [as_of],
        )
        connection.execute(
            "insert into raw.gate_results from main_home.raw.gate_results "
            "where as_of = ?",
            [as_of],
        )
        connection.execute(
            f"insert into {RUN_CONTEXT} values (?, ?, ?, ?, ?, {RAW_LAYOUT})",
            [
                past_context.source,
                past_context.firm,
                past_context.as_of,
                past_context.prediction_date,
                datetime.now(UTC).replace(tzinfo=None),
            ],
        )
        connection.execute("commit")
    return past_context
