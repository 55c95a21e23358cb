"""Writes into schema `raw`: rows with dlt, then one commit that makes them count.

Rows are loaded first, under the name of their day version; the version is recorded
last, in one transaction. A run that dies in between leaves rows that no version names,
so no model sees them, and the next run loads the same rows under the same name.
"""

import gc
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from ingestion.cell_parsing import ARROW_TYPES, DECIMAL
from ingestion.desk_files import DESK_TABLES
from ingestion.exports_folder import THE_FOLDER
from ingestion.load_id import load_id
from ingestion.parsed_batch import ParsedBatch, value_columns
from ingestion.resources import (
    ACCOUNTS,
    ADJUSTMENTS,
    BROKER_DAYS,
    BY_DAY,
    FILLS,
    Resource,
)
from runtime.build_chain import INGEST, STAGES, begin, finish
from runtime.configure_dlt import configure_dlt
from runtime.errors import UserError
from runtime.home import Home
from runtime.tables import prepare_tables
from runtime.warehouse import (
    RUN_CONTEXT,
    RunContext,
    open_warehouse,
    write_run_context,
)

if TYPE_CHECKING:
    import dlt
    from dlt.common.schema.typing import TColumnSchema

# The rest of the process needs as much again, and a run shall stay under 1.5 GiB.
MEMORY = "250MB"
THE_FIRM = "the firm"
DAY_KEY = ("account_number", "trade_date", "content_hash")
MERGE_KEYS = {
    "accounts": ("account_number", "content_hash"),
    "sessions": ("session_date",),
}

_KEY_FIELDS = [
    pa.field("account_number", pa.string(), nullable=False),
    pa.field("trade_date", pa.date32(), nullable=False),
    pa.field("content_hash", pa.string(), nullable=False),
    pa.field("row_number", pa.int64(), nullable=False),
]
FEES_SCHEMA = pa.schema(
    [*_KEY_FIELDS, pa.field("fee_name", pa.string()), pa.field("amount", DECIMAL)]
)
EXTRA_CELLS_SCHEMA = pa.schema(
    [
        pa.field("resource", pa.string()),
        *_KEY_FIELDS,
        pa.field("column_name", pa.string()),
        pa.field("cell", pa.string()),
        pa.field("is_known", pa.bool_()),
    ]
)
ACCOUNTS_SCHEMA = pa.schema(
    [
        *(
            pa.field(column.name, ARROW_TYPES[column.type])
            for column in ACCOUNTS.columns
        ),
        pa.field("name_hash", pa.string()),
        pa.field("content_hash", pa.string()),
        pa.field("account_code", pa.string()),
    ]
)
# What the columns of a row make together, beside the declared ones.
DERIVED_FIELDS = {
    FILLS: pa.field("total_fees", DECIMAL),
    BROKER_DAYS: pa.field("fee_columns_amount", DECIMAL),
    ADJUSTMENTS: pa.field("is_transfer", pa.bool_()),
}
IS_TRANSFER = "lower(category) like 'transfer%'"

GATE_CONCERNS = """create table if not exists raw.gate_concerns (
    as_of date, check_name varchar, batch varchar, resource varchar,
    account_number varchar, trade_date date, content_hash varchar, rows_count bigint
)"""
CONTROL_TABLES = f"""
create schema if not exists raw;
create table if not exists raw.day_versions (
    resource varchar, account_number varchar, trade_date date, content_hash varchar,
    rows_count bigint, known_at timestamp, first_seen_at timestamp,
    last_seen_at timestamp
);
create table if not exists raw.account_versions (
    account_number varchar, content_hash varchar, is_listed boolean,
    known_at timestamp, first_seen_at timestamp, last_seen_at timestamp
);
create table if not exists raw.account_ids (
    account_number varchar, account_id varchar, parted_from varchar, given_at timestamp
);
create table if not exists raw.quarantine (
    resource varchar, origin varchar, line_number bigint, column_name varchar,
    cell varchar, reason_code varchar, reason varchar, trade_date date,
    first_date date, last_date date, rejected_at timestamp
);
create table if not exists raw.gate_results (
    as_of date, check_name varchar, severity varchar, batch varchar,
    is_met boolean, found_count bigint, checked_count bigint, finding varchar,
    checked_at timestamp
);
{GATE_CONCERNS};
create table if not exists raw.owner (source varchar, firm varchar);
create table if not exists raw.accounts_read (
    account_number varchar primary key, last_date date
);
create table if not exists raw.load_progress (
    run varchar, request varchar, last_date date, read_at timestamp,
    primary key (run, request)
);
create table if not exists {RUN_CONTEXT} (
    source varchar, firm varchar, as_of date, prediction_date date,
    source_version varchar, ingested_at timestamp, layout int
);
"""


def with_fee_columns_amount(rows: str, fees: str, extra_cells: str, key: str) -> str:
    """SQL for rows of the broker's summary with the sum of their fee columns.

    It is empty where none is displayed, where one is no amount, and where a column that
    nobody has declared may be a fee; 0 where none is displayed and there are no fees.

    Args:
        key: Columns that name a row in all three relations.
    """
    return f"""
        select rows.*,
            case
                when shown.cells_count = shown.amounts_count
                    then try_cast(shown.amount as decimal(18, 8))
                when shown.cells_count is null and rows.total_fees = 0 then 0
            end as fee_columns_amount
        from {rows} as rows left join (
            select {key}, count(*) as cells_count, count(amount) as amounts_count,
                sum(amount) as amount
            from (
                select {key}, amount from {fees}
                union all
                select {key}, null from {extra_cells}
                where resource = '{BROKER_DAYS.name}' and not is_known
            ) group by {key}
        ) as shown using ({key})
    """


def day_schema(resource: Resource) -> pa.Schema:
    """Columns of the raw table of a resource that is versioned by day."""
    types = {column.name: column.type for column in resource.columns}
    fields = [
        pa.field(name, ARROW_TYPES[types[name]]) for name in value_columns(resource)
    ]
    if resource in DERIVED_FIELDS:
        fields.append(DERIVED_FIELDS[resource])
    return pa.schema([*_KEY_FIELDS, *fields])


class Landing:
    """The warehouse of one home, open for loading."""

    def __init__(self, home: Home, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._home = home
        self._pipeline: dlt.Pipeline | None = None
        self._has_committed = False
        connection.execute(CONTROL_TABLES)
        prepare_tables(connection, [STAGES, *DESK_TABLES])

    def load(self, tables: dict[str, pa.Table]) -> None:
        """Load Arrow tables into schema `raw`; loading them twice changes nothing.

        Raises:
            UserError: They do not fit, or a job failed; nothing of it counts.
        """
        import dlt
        from dlt.pipeline.exceptions import PipelineStepFailed

        from ingestion.dlt_destination import OpenWarehouse

        if self._pipeline is None:
            # What is imported by now, out of each collection of garbage below.
            gc.freeze()
            # What it keeps there it knows from the warehouse as well, and what a killed
            # run or a full disk left half-way would only be in its way.
            folder = self._home.dlt / "pipelines"
            shutil.rmtree(folder, ignore_errors=True)
            self._pipeline = dlt.pipeline(
                "propreports",
                destination=OpenWarehouse(self.connection),
                dataset_name="raw",
                pipelines_dir=str(folder),
            )
        resources = [
            dlt.resource(
                [table],
                name=name,
                write_disposition="merge",
                merge_key=list(MERGE_KEYS.get(name, DAY_KEY)),
                columns=_column_hints(table.schema),
                schema_contract={
                    "tables": "evolve",
                    "columns": "freeze",
                    "data_type": "freeze",
                },
            )
            for name, table in tables.items()
        ]
        try:
            self._pipeline.run(resources).raise_on_failed_jobs()
        except PipelineStepFailed as error:
            reason = " ".join(str(error.exception).split())[:300]
            raise UserError(
                f"Loading {', '.join(tables)} into {self._home.warehouse} failed at "
                f"step {error.step}: {reason}. Nothing of it counts. Fix it and run "
                "`make ingest` again; move a warehouse of another version away."
            ) from None
        # dlt's objects hold each other, and with them the tables of every slice.
        gc.collect()

    def missing_tables(self) -> dict[str, pa.Table]:
        """Those of `empty_tables` that no slice had a row for."""
        found = self.connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'raw'"
        ).fetchall()
        return {
            name: table
            for name, table in empty_tables().items()
            if (name,) not in found
        }

    def commit_slice(
        self, parsed: ParsedBatch, first: date, last: date, now: datetime
    ) -> None:
        """Record the versions of `changes` of these dates, whose rows are loaded."""
        self.connection.execute("begin")
        self._insert_versions(
            parsed, f"not is_loaded and trade_date between '{first}' and '{last}'", now
        )
        self.connection.execute("commit")

    def commit(
        self,
        parsed: ParsedBatch,
        *,
        run: str,
        requests: list[tuple[str, date]],
        reads_whole: bool,
        now: datetime,
    ) -> int:
        """Record what else a comparison found: what was seen again or cannot be read.

        Args:
            run: Names the run that may be killed and resumed.
            requests: Name and last date of what it has read.
            reads_whole: All there is was read, so all that was quarantined before is
                forgotten.

        Returns:
            How many rows went into quarantine.
        """
        self.connection.execute("begin")
        self._insert_versions(parsed, "is_loaded", now)
        self._register("unchanged", parsed.connection.sql("from unchanged"))
        self.connection.execute(
            """
            update raw.day_versions as versions set last_seen_at = ? from unchanged
            where versions.resource = unchanged.resource
                and versions.account_number = unchanged.account_number
                and versions.trade_date = unchanged.trade_date
                and versions.known_at = unchanged.known_at
            """,
            [now],
        )
        rejected = self._replace_quarantine(parsed, reads_whole, now)
        # What could not be read of the list of accounts came with the first commit.
        self._has_committed = True
        for request, last in requests:
            self.connection.execute(
                "insert or replace into raw.load_progress values (?, ?, ?, ?)",
                [run, request, last, now],
            )
        self.connection.execute("commit")
        self.connection.unregister("unchanged")
        return rejected

    def quarantine(self, parsed: ParsedBatch, reads_whole: bool, now: datetime) -> None:
        """Keep what cannot be read of a batch of which nothing else is kept."""
        self.connection.execute("begin")
        self._replace_quarantine(parsed, reads_whole, now)
        self.connection.execute("commit")

    def _replace_quarantine(
        self, parsed: ParsedBatch, reads_whole: bool, now: datetime
    ) -> int:
        """Put what cannot be read in the place of what could not; how many rows."""
        self._register("windows", parsed.connection.sql("from windows"))
        self._register("new_rejected", parsed.connection.sql("from rejected"))
        # A row whose date cannot be read lies somewhere in the dates of its document;
        # the same row in another document is known again by what it says.
        self.connection.execute(
            """
            delete from raw.quarantine as old
            where ? or (? and old.resource = 'accounts')
            or exists (
                from windows where windows.resource = old.resource
                and coalesce(old.trade_date, old.first_date) >= windows.first_date
                and coalesce(old.trade_date, old.last_date) <= windows.last_date
            ) or exists (
                from new_rejected as new where new.resource = old.resource
                and new.cell is not distinct from old.cell and new.reason = old.reason
            )
            """,
            [reads_whole, not self._has_committed],
        )
        self.connection.execute(
            "insert into raw.quarantine select *, ? from new_rejected", [now]
        )
        rows = self.connection.execute(
            "select count(*) from new_rejected where resource <> ?", [THE_FOLDER]
        ).fetchall()[0][0]
        for name in ("windows", "new_rejected"):
            self.connection.unregister(name)
        return rows

    def begin(self) -> None:
        """Say that a part of the load may count already; `finish` ends it."""
        self.connection.execute("begin")
        begin(self.connection, INGEST)
        self.connection.execute("commit")

    def unfinished(self, run: str, reload_days: int) -> set[str]:
        """Requests that `run` has read, unfinished, and that need not be read again.

        What was younger than `reload_days` when it was read may have changed since.
        """
        found = self.connection.execute(
            "select request from raw.load_progress "
            "where run = ? and last_date < cast(read_at as date) - cast(? as int)",
            [run, reload_days],
        ).fetchall()
        return {request for (request,) in found}

    def holds_rows(
        self, resource: Resource, first: date, last: date, account_number: str | None
    ) -> bool:
        """Whether any day from `first` to `last` has rows now.

        Args:
            account_number: Of this account; None: of any.
        """
        return self.connection.execute(
            """
            select count(*) > 0 from (
                select arg_max(rows_count, known_at) as rows_count
                from raw.day_versions
                where resource = ? and trade_date between ? and ?
                    and coalesce(account_number = ?, true)
                group by account_number, trade_date
            ) where rows_count > 0
            """,
            [resource.name, first, last, account_number],
        ).fetchall()[0][0]

    def claim(self, source: str, firm: str) -> None:
        """Say whose data this warehouse is for, before there is any."""
        self.connection.execute(
            "insert into raw.owner select ?, ? where not exists (from raw.owner)",
            [source, firm],
        )

    def owner(self) -> tuple[str, str] | None:
        """Source and firm whose data this warehouse is for; None: nobody's yet."""
        return self.connection.execute("from raw.owner").fetchone()

    def accounts_read(self) -> dict[str, date]:
        """Last date to which all fills of an account have been read, by number."""
        return dict(self.connection.execute("from raw.accounts_read").fetchall())

    def holds_fills(self) -> bool:
        """Whether any run has loaded a fill."""
        return self.holds_rows(FILLS, date.min, date.max, None)

    def record_gate(
        self,
        results: pa.Table,
        concerns: pa.Table,
        as_of: date,
        firm_checks: Collection[str],
    ) -> None:
        """Keep what the gate found; of the firm it replaces what the same check said.

        A batch that a load of this morning has checked before is of other versions of
        the same dates: where what it found then is of versions that were loaded, it
        stays, and the new one gets a number.

        Args:
            concerns: The day versions that unmet checks concern.
            firm_checks: Those of the firm that were made.
        """
        self.connection.register("found", results)
        self.connection.register("found_concerns", concerns)
        self.connection.execute("begin")
        self.connection.execute(
            """
            create or replace temporary table standing as
            select distinct as_of, batch from raw.gate_concerns
            inner join raw.day_versions
                using (resource, account_number, trade_date, content_hash);
            create or replace temporary table judged_before as
            select distinct new.as_of, new.batch, old.batch as old_batch
            from (select distinct as_of, batch from found) as new
            inner join raw.gate_results as old on new.as_of = old.as_of
                and (new.batch = old.batch
                    or starts_with(old.batch, new.batch || ', load '))
            """
        )
        # What the firm's checks say as before was found before, and may be accepted.
        self.connection.execute(
            "create or replace temporary table found_at as "
            "select as_of, check_name, batch, finding, min(checked_at) as first_at "
            "from raw.gate_results where batch = ? group by all",
            [THE_FIRM],
        )
        for table in ("gate_results", "gate_concerns"):
            self.connection.execute(
                f"delete from raw.{table} where case when batch = $firm "
                "then as_of = $as_of and check_name in $checks "
                "else (as_of, batch) not in (from standing) and "
                "(as_of, batch) in (select (as_of, old_batch) from judged_before) end",
                {"firm": THE_FIRM, "as_of": as_of, "checks": list(firm_checks)},
            )
        self.connection.execute(
            """
            create or replace temporary table named as
            select as_of, batch,
                case when loads_count = 0 then batch
                    else batch || ', load ' || (loads_count + 1) end as name
            from (
                select as_of, batch, count(distinct old_batch) filter (
                    batch <> $firm and (as_of, old_batch) in (from standing)
                ) as loads_count
                from (select distinct as_of, batch from found)
                left join judged_before using (as_of, batch) group by all
            )
            """,
            {"firm": THE_FIRM},
        )
        self.connection.execute(
            "insert into raw.gate_results select found.* replace ("
            "named.name as batch, coalesce(first_at, checked_at) as checked_at) "
            "from found inner join named using (as_of, batch) "
            "left join found_at using (as_of, check_name, batch, finding)"
        )
        self.connection.execute(
            "insert into raw.gate_concerns "
            "select found.* replace (named.name as batch) "
            "from found_concerns as found inner join named using (as_of, batch)"
        )
        self.connection.execute("commit")
        self.connection.unregister("found")
        self.connection.unregister("found_concerns")

    def _insert_versions(
        self, parsed: ParsedBatch, condition: str, now: datetime
    ) -> None:
        self._register(
            "new_versions",
            parsed.connection.sql(
                "select resource, account_number, trade_date, content_hash, "
                f"rows_count, known_at from changes where {condition}"
            ),
        )
        inserted = self.connection.execute(
            "insert into raw.day_versions select *, ?, ? from new_versions", [now, now]
        ).fetchall()[0][0]
        self.connection.unregister("new_versions")
        if inserted:
            # What counts from now on is not what the marts are made of.
            begin(self.connection, INGEST)

    def _register(self, name: str, relation: duckdb.DuckDBPyRelation) -> None:
        self.connection.register(name, relation.to_arrow_table())

    def finish(
        self, context: RunContext, accounts_read: list[str], now: datetime
    ) -> None:
        """Say what the warehouse holds now; the load is complete.

        Args:
            accounts_read: Numbers of accounts of which nothing before AS_OF is unread.
        """
        self.connection.execute("begin")
        self.connection.execute(
            "insert or replace into raw.accounts_read "
            "select unnest(?::varchar[]), cast(? as date) - 1",
            [accounts_read, context.as_of],
        )
        self.connection.execute("delete from raw.load_progress")
        write_run_context(self.connection, context, now)
        finish(self.connection, INGEST, name=load_id(self.connection))
        self.connection.execute("commit")


@contextmanager
def open_landing(home: Home, threads: int) -> Iterator[Landing]:
    """The warehouse of `home`, made if it is not there."""
    home.root.mkdir(parents=True, exist_ok=True)
    configure_dlt(home.dlt)
    config = {
        "threads": threads,
        "memory_limit": MEMORY,
        "temp_directory": str(home.dlt / "spill"),
        "preserve_insertion_order": False,
    }
    with open_warehouse(home.warehouse, config=config) as connection:
        yield Landing(home, connection)


# Where the derived columns come from; a slice of fills has its own already.
_DERIVED = {
    BROKER_DAYS: "({})".format(
        with_fee_columns_amount(
            "slice", "broker_fees", "extra_cells", "origin_number, line_number"
        )
    ),
    ADJUSTMENTS: f"(select *, {IS_TRANSFER} as is_transfer from slice)",
}


def slice_tables(parsed: ParsedBatch, first: date, last: date) -> dict[str, pa.Table]:
    """Raw tables of the changed days from `first` to `last` whose rows are not there.

    Tables without rows are left out.
    """
    scratch = parsed.connection
    tables: dict[str, pa.Table] = {}
    for resource in BY_DAY:
        scratch.execute(f"""
            create or replace temp table slice as
            select rows.*, changes.content_hash, row_number() over (
                partition by rows.account_number, rows.trade_date
                order by rows.row_hash, rows.origin_number, rows.line_number
            ) as row_number
            from {resource.name}_rows as rows inner join changes
                using (account_number, trade_date, origin_number)
            where changes.resource = '{resource.name}' and not changes.is_loaded
                and changes.trade_date between '{first}' and '{last}'
        """)
        schema = day_schema(resource)
        derived = _DERIVED.get(resource, "slice")
        tables[resource.name] = _selected(scratch, schema, derived)
        extra_cells = scratch.sql(f"""
            select '{resource.name}' as resource, slice.account_number,
                slice.trade_date, slice.content_hash, slice.row_number,
                extra_cells.column_name, extra_cells.cell, extra_cells.is_known
            from slice inner join extra_cells using (origin_number, line_number)
            where extra_cells.resource = '{resource.name}'
        """).to_arrow_table()
        if extra_cells.num_rows:
            tables["extra_cells"] = pa.concat_tables(
                [
                    tables.get("extra_cells", EXTRA_CELLS_SCHEMA.empty_table()),
                    extra_cells.cast(EXTRA_CELLS_SCHEMA),
                ]
            )
        if resource is FILLS and parsed.fees:
            parts = [
                "select account_number, trade_date, content_hash, row_number, "
                f"'{name}' as fee_name, fee_{name} as amount "
                f"from slice where fee_{name} <> 0"
                for name in parsed.fees
            ]
            fees = f"({' union all '.join(parts)}) as fees"
            tables["fill_fees"] = _selected(scratch, FEES_SCHEMA, fees)
        if resource is BROKER_DAYS:
            fees = "slice inner join broker_fees using (origin_number, line_number)"
            tables["broker_fees"] = _selected(scratch, FEES_SCHEMA, fees)
    scratch.execute("drop table slice")
    return {name: table for name, table in tables.items() if table.num_rows}


def empty_tables() -> dict[str, pa.Table]:
    """Every raw table of rows by day, empty: models read all of them."""
    tables = {resource.name: day_schema(resource).empty_table() for resource in BY_DAY}
    tables["fill_fees"] = FEES_SCHEMA.empty_table()
    tables["broker_fees"] = FEES_SCHEMA.empty_table()
    tables["extra_cells"] = EXTRA_CELLS_SCHEMA.empty_table()
    return tables


def _selected(
    scratch: duckdb.DuckDBPyConnection, schema: pa.Schema, relation: str
) -> pa.Table:
    found = scratch.sql(f"select {', '.join(schema.names)} from {relation}")
    return found.to_arrow_table().cast(schema)


def _column_hints(schema: pa.Schema) -> "dict[str, TColumnSchema]":
    """dlt hints of an Arrow schema, so that dlt infers nothing."""
    hints: dict[str, TColumnSchema] = {}
    for field in schema:
        hint: TColumnSchema = {"nullable": field.nullable}
        if pa.types.is_decimal(field.type):
            hint |= {"data_type": "decimal", "precision": 18, "scale": 8}
        elif pa.types.is_timestamp(field.type):
            hint |= {"data_type": "timestamp", "timezone": False}
        elif pa.types.is_date(field.type):
            hint |= {"data_type": "date"}
        elif pa.types.is_integer(field.type):
            hint |= {"data_type": "bigint"}
        elif pa.types.is_boolean(field.type):
            hint |= {"data_type": "bool"}
        else:
            hint |= {"data_type": "text"}
        hints[field.name] = hint
    return hints
