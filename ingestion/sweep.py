"""Finds what PropReports restated after the mornings had stopped reading it again.

The summaries of this month and the last are read again: they are short. All else is
read again of the dates alone whose own figures changed, from the session before on: its
evening is theirs of what trades in sessions. Cash and end balance change on the days
after a restated one as well, and tell nothing of their fills.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

import duckdb

from ingestion.accounts import names_in_use, namesakes, read_account_list
from ingestion.landing import open_landing
from ingestion.parsed_batch import ParsedBatch
from ingestion.pipeline import (
    Ingested,
    account_salt,
    bring_up_to_date,
    load,
    open_source_to_read_again,
    warehouse_to_read_again,
)
from ingestion.resources import BROKER_DAYS
from ingestion.sources import Source
from ingestion.versions import PriorCoverage, compare
from runtime.home import Home
from runtime.sessions import previous_session
from runtime.settings import Settings
from runtime.tables import Table, prepare_tables
from runtime.warehouse import has_column, open_warehouse, read_run_context

# Of a date itself; cash, unrealized and end balance come from the dates before as well.
OWN_FIGURES = (
    "orders_count", "fills_count", "quantity", "gross_pnl", "total_fees", "net_pnl",
    "adjusted_net_pnl", "unrealized_delta", "transfers_amount",
)  # fmt: skip
# Breaks of carried cash that stood when a sweep had read everything again.
SWEPT_BREAKS = Table(
    "ops.swept_breaks",
    {
        "account_id": "varchar not null",
        "trade_date": "date not null",
        "identity_name": "varchar not null",
        "difference_amount": "decimal(38, 8) not null",
    },
)
# Dates so near to each other are read in one go: there is a weekend between them.
READ_TOGETHER_DAYS = 4


def sweep(settings: Settings) -> Ingested:
    """Read again what was restated this month or the last, up to this morning.

    Raises:
        UserError: Nothing is loaded yet, or the source is always read whole.
    """
    home, context, upgraded = warehouse_to_read_again(settings)
    with open_source_to_read_again(settings) as source:
        found, rows_count = sweep_source(settings, source, home)
    sentence = "; ".join(filter(None, [upgraded, found]))
    return Ingested(home, context, sentence, rows_count)


def bring_up_to_date_and_sweep(settings: Settings) -> Ingested:
    """Load what is new; where the broker's carried cash did not add up, sweep as well.

    Raises:
        UserError: As `bring_up_to_date`.
    """
    home = Home(settings.home_root)
    has_break = settings.as_of is None and has_carried_break(home)
    ingested = bring_up_to_date(settings)
    if not has_break or ingested.context.source == "files":
        return ingested
    swept = sweep(settings)
    return replace(
        ingested,
        sentence=f"{ingested.sentence}; carried cash did not add up: {swept.sentence}",
        rows_count=ingested.rows_count + swept.rows_count,
    )


def sweep_source(
    settings: Settings,
    source: Source,
    home: Home,
    *,
    now: datetime | None = None,
) -> tuple[str, int]:
    """What `sweep` does, of an open source.

    Args:
        now: Naive UTC; the time at which what is found counts as known.

    Returns:
        What was found, as a sentence, and rows loaded.
    """
    context = read_run_context(home)
    assert context is not None, "there is a warehouse"
    last = context.as_of - timedelta(days=1)
    first = (last.replace(day=1) - timedelta(days=1)).replace(day=1)
    dates, is_as_read = _compare_summaries(settings, source, home, first, last)
    if is_as_read:
        _remember_breaks(home)
        return f"summaries of {first} to {last} are unchanged", 0
    rows_count = 0
    for window in _windows(dates):
        summary = load(settings, source, home, window=window, now=now)
        rows_count += summary.rows_loaded
    # Last: until then a sweep that was stopped finds the same dates again.
    summary = load(
        settings, source, home, window=(first, last), only=BROKER_DAYS, now=now
    )
    rows_count += summary.rows_loaded
    _remember_breaks(home)
    shown = ", ".join(map(str, dates[:3])) + (", ..." if len(dates) > 3 else "")
    count = "1 date" if len(dates) == 1 else f"{len(dates)} dates"
    found = f"{count} restated and read again" + (f" ({shown})" if dates else "")
    return f"summaries of {first} to {last}: {found}", rows_count


def _compare_summaries(
    settings: Settings, source: Source, home: Home, first: date, last: date
) -> tuple[list[date], bool]:
    """Dates of which a summary's own figures changed; whether nothing at all did."""
    sums = ", ".join(f"sum({name}) as {name}" for name in OWN_FIGURES)
    accounts = source.accounts()
    with (
        open_landing(home, settings.threads) as landing,
        ParsedBatch(
            salt=account_salt(home),
            spill=home.dlt / "spill",
            threads=settings.threads,
        ) as parsed,
    ):
        listed = read_account_list(accounts, parsed)
        parsed.set_accounts(*names_in_use(listed, landing.connection))
        for request in source.requests(listed.numbers, first, last):
            if request.resource is BROKER_DAYS:
                for document in source.read(request):
                    # Nothing at all is no proof that what was there is gone.
                    if not document.is_blank:
                        parsed.read(document)
        compare(
            parsed,
            landing.connection,
            listed=set(listed.numbers.values()),
            namesakes=namesakes(listed, landing.connection),
            as_of=last + timedelta(days=1),
            prior=PriorCoverage(None, ()),
            now=datetime.min,
        )
        scratch = parsed.connection
        ((is_as_read,),) = scratch.execute(
            "select count(*) = 0 from changes where resource = 'broker_days'"
        ).fetchall()
        held = landing.connection.sql(
            f"select account_number, trade_date, content_hash, {sums} "
            "from raw.broker_days where trade_date between $first and $last "
            "group by all",
            params={"first": first, "last": last},
        ).to_arrow_table()
        scratch.register("held_figures", held)
        dates = [
            found
            for (found,) in scratch.execute(
                f"""
                with figures as (
                    select account_number, trade_date, {sums}
                    from broker_days_rows group by all
                ),
                held_now as (
                    select held_figures.* exclude (content_hash)
                    from held_figures inner join held
                        using (account_number, trade_date, content_hash)
                    where held.resource = 'broker_days' and held.is_current
                ),
                changed as (
                    select account_number, trade_date from changes
                    where resource = 'broker_days'
                )
                select distinct trade_date from (
                    (from figures except from held_now)
                    union all (from held_now except from figures)
                ) inner join changed using (account_number, trade_date)
                order by trade_date
                """
            ).fetchall()
        ]
    return dates, is_as_read


def _windows(dates: list[date]) -> list[tuple[date, date]]:
    """What to read of restated dates: the evening before a session may be its own."""
    found: list[tuple[date, date]] = []
    for one in dates:
        if found and one - found[-1][1] <= timedelta(days=READ_TOGETHER_DAYS):
            found[-1] = (found[-1][0], one)
        else:
            found.append((previous_session(one), one))
    return found


def has_carried_break(home: Home) -> bool:
    """Whether the last build found that cash did not carry over, and no sweep since."""
    if not home.warehouse.exists():
        return False
    with open_warehouse(home.warehouse, read_only=True) as connection:
        return bool(_carried_breaks(connection) - _looked_into(connection))


def _remember_breaks(home: Home) -> None:
    """What stands after a sweep is no reason for another one each morning."""
    with open_warehouse(home.warehouse) as connection:
        found = _carried_breaks(connection)
        connection.execute("begin")
        prepare_tables(connection, [SWEPT_BREAKS])
        connection.execute(f"delete from {SWEPT_BREAKS.name}")
        for one in found:
            connection.execute(
                f"insert into {SWEPT_BREAKS.name} values (?, ?, ?, ?)", one
            )
        connection.execute("commit")


def _carried_breaks(connection: duckdb.DuckDBPyConnection) -> set[tuple]:
    """Breaks of this month or the last, as columns of `SWEPT_BREAKS`."""
    if not has_column(
        connection, "intermediate", "int_broker_identities", "identity_name"
    ):
        return set()
    return set(
        connection.execute("""
            select account_id, trade_date, identity_name, difference_amount
            from intermediate.int_broker_identities cross join raw.run_context
            where identity_name like '%_carried' and trade_date
                >= date_trunc('month', run_context.as_of) - interval 1 month
        """).fetchall()
    )


def _looked_into(connection: duckdb.DuckDBPyConnection) -> set[tuple]:
    if not has_column(connection, "ops", "swept_breaks", "identity_name"):
        return set()
    return set(connection.execute(f"from {SWEPT_BREAKS.name}").fetchall())
