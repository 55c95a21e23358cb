"""Compares what was read with what the warehouse holds: which account-days changed.

A day version is what an account's day held at some time: a set of rows named by the
hash of their content. It is known from the time it was first seen on; but a day that no
run had covered before counts as known at 08:00 Eastern on the morning after it,
whenever it was loaded.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from ingestion.parsed_batch import ParsedBatch
from ingestion.resources import FILLS

EMPTY_DAY = "no rows"
# As many fills of an account as a broker busts without asking anybody.
BUSTED_FILLS = 2
SLICE_ROWS = 350_000


@dataclass(frozen=True)
class PriorCoverage:
    """What earlier runs have read already.

    Attributes:
        before: They saw all days before this date; None: nothing counts as seen.
        accounts: Numbers of the accounts they read.
    """

    before: date | None
    accounts: Collection[str]


@dataclass(frozen=True)
class ChangedDays:
    """Counts of a comparison.

    Attributes:
        new: Account-days of fills seen for the first time.
        corrected: Account-days that hold other fills than before.
        vanished: By resource, account-days that hold no row any more.
        held: By resource, account-days with rows that were compared.
        rows: Rows to load, of all resources.
    """

    new: int
    corrected: int
    vanished: dict[str, int]
    held: dict[str, int]
    rows: int


def compare(
    parsed: ParsedBatch,
    warehouse: duckdb.DuckDBPyConnection,
    *,
    listed: set[str],
    namesakes: Collection[tuple[str, str]],
    as_of: date,
    prior: PriorCoverage,
    now: datetime,
    are_files: bool = False,
) -> ChangedDays:
    """Make tables `changes` and `unchanged` in the batch.

    `changes`: resource, account_number, trade_date, content_hash, rows_count,
    origin_number, known_at (naive UTC), is_loaded (its rows are in the warehouse).
    `unchanged`: resource, account_number, trade_date, known_at of versions seen again.
    `unreached`: resource, account_number, reached_date (null: nothing of it arrived),
    days_count, held_until of accounts whose files end before what is held of them:
    those days stay as they are.
    `lost_days`: account_number, trade_date, content_hash, rows_count, held_count,
    lost_count of days of fills that hold fewer than before, where an account lost more
    than a broker busts.

    Args:
        warehouse: Holds `raw.day_versions`.
        listed: Account numbers that PropReports lists now; a day of another account
            does not vanish, it is only not shown.
        namesakes: Account number, and that of another account that bore its name.
        as_of: Days from this date on are left out.
        now: Naive UTC.
        are_files: The documents say no dates they cover: they end with their last row.
    """
    scratch = parsed.connection
    parsed.create_origin_days()
    _fetch_held(scratch, warehouse, as_of)
    if namesakes:
        _leave_to_namesakes(scratch, namesakes)
    parsed.create_days()
    parsed.create_unread_days()
    scratch.execute("create or replace table listed (account_number varchar)")
    scratch.execute("create or replace table known_accounts (account_number varchar)")
    for table, numbers in (("listed", listed), ("known_accounts", prior.accounts)):
        scratch.execute(
            f"insert into {table} select unnest(?::varchar[])", [sorted(numbers)]
        )
    _keep_unreached(scratch, as_of, are_files=are_files)
    scratch.execute(
        """
        create or replace table compared as
        with current_versions as (
            select * from held where is_current
        ),
        covered as (
            select distinct held.resource, held.account_number, held.trade_date
            from current_versions as held
            inner join windows on windows.resource = held.resource
                and held.trade_date between windows.first_date and windows.last_date
                and case
                    when windows.account_number is null then
                        held.account_number like 'unlisted-%'
                        or held.account_number in (from listed)
                    else windows.account_number = held.account_number
                end
        ),
        seen as (
            select * from days where trade_date < $as_of
            union all by name
            select covered.*, $empty as content_hash, 0 as rows_count
            from covered anti join days using (resource, account_number, trade_date)
            -- A day whose rows cannot be read is not a day without rows.
            where not exists (
                from unread_days where unread_days.resource = covered.resource
                and unread_days.trade_date = covered.trade_date
                and coalesce(
                    unread_days.account_number = covered.account_number, true
                )
            )
        )
        select
            seen.resource, seen.account_number, seen.trade_date, seen.content_hash,
            seen.rows_count, seen.origin_number,
            before.content_hash as held_hash, before.rows_count as held_count,
            before.known_at as held_known_at,
            seen.rows_count = 0 or exists (
                from held where held.resource = seen.resource
                and held.account_number = seen.account_number
                and held.trade_date = seen.trade_date
                and held.content_hash = seen.content_hash
            ) as is_loaded
        from seen left join current_versions as before
            using (resource, account_number, trade_date)
        """,
        {"as_of": as_of, "empty": EMPTY_DAY},
    )
    scratch.execute(
        """
        create or replace table lost_days as
        with unread as (
            select * from unread_days where resource = 'fills'
        ),
        of_nobody as (
            select trade_date, rows_count as of_nobody_count from unread
            where account_number is null
        ),
        short_days as (
            select compared.account_number, trade_date, content_hash, held_count,
                compared.rows_count,
                held_count - compared.rows_count - coalesce(unread.rows_count, 0)
                    as short_count
            from compared left join unread using (account_number, trade_date)
            where compared.resource = 'fills' and short_count > 0
        ),
        -- A row of nobody knows whom may be one of those that are short, and no more.
        missing_days as (
            select short_days.* exclude (short_count), least(
                short_count,
                sum(short_count) over (
                    partition by trade_date order by short_count desc, account_number
                ) - coalesce(of_nobody_count, 0)
            ) as lost_count
            from short_days left join of_nobody using (trade_date)
        )
        select *, sum(lost_count) over (partition by account_number)
            as account_lost_count
        from missing_days where lost_count > 0
        qualify account_lost_count > ?
        """,
        [BUSTED_FILLS],
    )
    scratch.execute(
        """
        create or replace table changes as
        select
            resource, account_number, trade_date, content_hash, rows_count,
            origin_number, is_loaded,
            case
                when held_known_at is not null
                    then greatest($now, held_known_at + interval 1 microsecond)
                -- Earlier runs read this day and found nothing.
                when trade_date < $covered_before
                    and account_number in (from known_accounts)
                    then $now
                else timezone('UTC', timezone(
                    'America/New_York', trade_date + interval 32 hour
                ))
            end as known_at
        from compared where content_hash is distinct from held_hash
        """,
        {"now": now, "covered_before": prior.before or date.min},
    )
    scratch.execute("""
        create or replace table unchanged as
        select resource, account_number, trade_date, held_known_at as known_at
        from compared where content_hash = held_hash
    """)
    counts = scratch.execute(
        """
        select
            resource,
            count(*) filter (held_hash is null),
            count(*) filter (held_hash <> content_hash and content_hash <> $empty),
            count(*) filter (held_hash <> content_hash and content_hash = $empty),
            count(*) filter (held_hash <> $empty)
        from compared group by resource
        """,
        {"empty": EMPTY_DAY},
    ).fetchall()
    new, corrected, vanished, held = (
        {row[0]: row[place] for row in counts} for place in (1, 2, 3, 4)
    )
    rows = scratch.execute(
        "select coalesce(sum(rows_count), 0) from changes where not is_loaded"
    ).fetchall()[0][0]
    return ChangedDays(
        new.get(FILLS.name, 0), corrected.get(FILLS.name, 0), vanished, held, rows
    )


def slices(parsed: ParsedBatch) -> list[tuple[date, date]]:
    """First and last dates of parts of `changes` that are small enough to load."""
    days = parsed.connection.execute(
        "select trade_date, sum(rows_count) from changes where not is_loaded "
        "group by trade_date order by trade_date"
    ).fetchall()
    found: list[tuple[date, date]] = []
    waiting = SLICE_ROWS
    for day, count in days:
        if waiting + count > SLICE_ROWS:
            found.append((day, day))
            waiting = 0
        found[-1] = (found[-1][0], day)
        waiting += count
    return found


def _fetch_held(
    scratch: duckdb.DuckDBPyConnection,
    warehouse: duckdb.DuckDBPyConnection,
    as_of: date,
) -> None:
    """Copy the versions of all days that are read or covered into table `held`."""
    spans = scratch.execute(
        """
        select resource, min(first_date), least(max(last_date), ?) from (
            from (select resource, first_date, last_date from windows)
            union all
            select resource, trade_date, trade_date from origin_days
        ) group by resource
        """,
        [as_of],
    ).fetchall()
    scratch.execute("""
        create or replace table held (
            resource varchar, account_number varchar, trade_date date,
            content_hash varchar, rows_count bigint, known_at timestamp,
            is_current boolean
        )
    """)
    for span in spans:
        found = warehouse.sql(
            """
            select resource, account_number, trade_date, content_hash, rows_count,
                known_at, row_number() over (
                    partition by account_number, trade_date order by known_at desc
                ) = 1 as is_current
            from raw.day_versions
            where resource = ? and trade_date between ? and ?
            """,
            params=list(span),
        ).to_arrow_table()
        scratch.register("found", found)
        scratch.execute("insert into held from found")
        scratch.unregister("found")


def _leave_to_namesakes(
    scratch: duckdb.DuckDBPyConnection, namesakes: Collection[tuple[str, str]]
) -> None:
    """A day that another account holds, read under the name it bore, stays its own."""
    scratch.execute(
        "create or replace table namesakes (account_number varchar, namesake varchar)"
    )
    scratch.executemany("insert into namesakes values (?, ?)", list(namesakes))
    scratch.execute("""
        update origin_days set account_number = namesake
        from namesakes inner join held on held.account_number = namesake
        where is_current
            and origin_days.account_number = namesakes.account_number
            and origin_days.resource = held.resource
            and origin_days.trade_date = held.trade_date
            and origin_days.content_hash = held.content_hash
            -- It is shown under its own name as well: they merely traded alike.
            and not exists (
                from origin_days as own where own.account_number = namesake
                and own.resource = held.resource and own.trade_date = held.trade_date
                and own.content_hash = held.content_hash
            )
    """)


def _keep_unreached(
    scratch: duckdb.DuckDBPyConnection, as_of: date, *, are_files: bool
) -> None:
    """Make table `unreached`, and cover no day that a file may have been cut before.

    Nor the day that it may have been cut in: it is left out where more is held of it.
    """
    scratch.execute(
        """
        create or replace table unreached as
        with reached as (
            select resource, account_number, max(trade_date) as reached_date
            from days group by all
        )
        select held.resource, held.account_number, reached_date,
            count(*) as days_count, max(held.trade_date) as held_until
        from held left join reached using (resource, account_number)
        where $are_files and held.is_current and held.rows_count > 0
            and held.trade_date < $as_of
            and held.trade_date > coalesce(reached_date, date '1900-01-01')
            -- Who has left the list sends no file any more.
            and (reached_date is not null or held.account_number in (from listed))
        group by all
        having reached_date is null or sum(held.rows_count) > $busted
        """,
        {"are_files": are_files, "as_of": as_of, "busted": BUSTED_FILLS},
    )
    scratch.execute("""
        create or replace temp table cut_days as
        select resource, account_number, days.trade_date
        from unreached inner join days using (resource, account_number)
        inner join held using (resource, account_number, trade_date)
        where days.trade_date = reached_date and is_current
            and days.rows_count < held.rows_count;
        delete from days
        where (resource, account_number, trade_date) in (from cut_days);
        update windows set last_date = unreached.reached_date - cast(
            (unreached.resource, unreached.account_number, unreached.reached_date)
            in (from cut_days) as int
        ) from unreached
        where windows.resource = unreached.resource
            and windows.account_number = unreached.account_number
            and unreached.reached_date is not null
    """)
