"""Rebuilds what was known on a past morning from the versions of the main warehouse."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

from ingestion.account_ids import latest_ids
from ingestion.desk_files import DESK_FILES, DESK_VERSIONS
from ingestion.downstream import prepare_downstream
from ingestion.landing import CONTROL_TABLES
from ingestion.load_id import load_id
from ingestion.resources import BY_DAY
from ingestion.upgrade import upgrade
from runtime.build_chain import INGEST, STAGES, finish
from runtime.home import Home
from runtime.sessions import EASTERN, naive_utc_now, next_session
from runtime.tables import literal, prepare_tables
from runtime.warehouse import RunContext, open_warehouse, write_run_context

# What the run of a morning saw before the market opened is what that morning knew.
MORNING_ENDS = time(9, 30)
DAY_TABLES = (
    *(resource.name for resource in BY_DAY),
    "fill_fees",
    "broker_fees",
    "extra_cells",
)


def rebuild(main: Home, past: Home, context: RunContext, as_of: date) -> RunContext:
    """Fill schema `raw` of `past` with what `main` knew on the morning of `as_of`.

    Args:
        context: Of `main`.
    """
    ends = datetime.combine(as_of, MORNING_ENDS, EASTERN)
    known_before = ends.astimezone(UTC).replace(tzinfo=None)
    past_context = replace(context, as_of=as_of, prediction_date=next_session(as_of))
    past.root.mkdir(parents=True, exist_ok=True)
    upgrade(main)
    prepare_downstream(main)
    upgrade(past)
    with open_warehouse(past.warehouse) as connection:
        connection.execute(f"attach {literal(main.warehouse)} as main_home (read_only)")
        connection.execute("begin")
        connection.execute("drop schema if exists raw cascade")
        connection.execute(CONTROL_TABLES)
        connection.execute(
            "insert into raw.day_versions select * replace ("
            "least(last_seen_at, greatest(known_at, ?)) as last_seen_at) "
            "from main_home.raw.day_versions where trade_date < ? and known_at < ?",
            [known_before, as_of, known_before],
        )
        connection.execute(
            "insert into raw.account_versions select * replace ("
            "least(last_seen_at, greatest(known_at, ?)) as last_seen_at) "
            "from main_home.raw.account_versions where known_at < ?",
            [known_before, known_before],
        )
        connection.execute(
            # That morning names an account as it is named now, as if it always was.
            "insert into raw.account_ids "
            "select account_number, account_id, parted_from, case "
            "when given_at < ? then given_at else timestamp '1990-01-01' end "
            f"from ({latest_ids('main_home.raw.account_ids')})"
            "semi join raw.account_versions using (account_number)",
            [known_before],
        )
        for table in DAY_TABLES:
            connection.execute(
                f"create table raw.{table} as from main_home.raw.{table} "
                "semi join raw.day_versions "
                "using (account_number, trade_date, content_hash)"
            )
        connection.execute(
            # What the list says now of dates and balances was not known then.
            "create table raw.accounts as select * replace ("
            "null::date as last_traded_date, null::decimal(18, 8) as cash_amount, "
            "null::decimal(18, 8) as unrealized_pnl) from main_home.raw.accounts "
            "semi join raw.account_versions using (account_number, content_hash)"
        )
        connection.execute("create table raw.sessions as from main_home.raw.sessions")
        connection.execute(
            "insert into raw.quarantine from main_home.raw.quarantine "
            "where coalesce(trade_date, first_date) < ? "
            "or coalesce(trade_date, first_date) is null",
            [as_of],
        )
        connection.execute(
            "insert into raw.gate_results from main_home.raw.gate_results "
            "where as_of <= ?",
            [as_of],
        )
        connection.execute(
            "insert into raw.gate_concerns from main_home.raw.gate_concerns "
            "where as_of <= ?",
            [as_of],
        )
        connection.execute(
            f"create table {DESK_VERSIONS.name} as from main_home.{DESK_VERSIONS.name} "
            "where known_at < ?",
            [known_before],
        )
        for file in DESK_FILES:
            name = file.table.name
            connection.execute(
                f"create table {name} as from main_home.{name} "
                f"semi join {DESK_VERSIONS.name} using (content_hash)"
            )
        now = naive_utc_now()
        write_run_context(connection, past_context, now)
        prepare_tables(connection, [STAGES])
        finish(connection, INGEST, name=load_id(connection))
        connection.execute("commit")
    return past_context
