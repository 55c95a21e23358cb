"""Brings parsed days into the warehouse: rows with dlt, then one commit.

A day version is what an account's day held at some time: a set of rows named by the
hash of their content. Rows are loaded first, under that name; the version is recorded
last, in one transaction. A run that dies in between leaves rows that no version names,
so no model sees them, and the next run loads the same rows under the same name.
Accounts and sessions have no versions: they are what the source says now.
"""

import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa

from ingestion.cells import ARROW_TYPES, DECIMAL
from ingestion.documents import REJECTED_SCHEMA
from ingestion.resources import ACCOUNTS, BY_DAY, Resource
from runtime.home import Home
from runtime.sessions import EASTERN
from runtime.warehouse import RUN_CONTEXT, RunContext, open_warehouse

DAY_KEY = ("account_number", "trade_date", "content_hash")
EMPTY_DAY = "no rows"

_KEY_FIELDS = [
    pa.field("account_number", pa.string(), nullable=False),
    pa.field("trade_date", pa.date32(), nullable=False),
    pa.field("content_hash", pa.string(), nullable=False),
    pa.field("row_number", pa.int64(), nullable=False),
]
FEES_SCHEMA = pa.schema(
    [*_KEY_FIELDS, pa.field("fee_name", pa.string()), pa.field("amount", DECIMAL)]
)
VERSIONS_SCHEMA = pa.schema(
    [
        pa.field("resource", pa.string()),
        *_KEY_FIELDS[:3],
        pa.field("rows_count", pa.int64()),
        pa.field("known_at", pa.timestamp("us")),
    ]
)
COVERED_SCHEMA = pa.schema(
    [
        pa.field("resource", pa.string()),
        pa.field("first_date", pa.date32()),
        pa.field("last_date", pa.date32()),
    ]
)
ACCOUNTS_SCHEMA = pa.schema(
    [
        *(
            pa.field(column.name, ARROW_TYPES[column.kind])
            for column in ACCOUNTS.columns
        ),
        pa.field("name_hash", pa.string()),
        pa.field("listed_as_of", pa.date32()),
    ]
)

_COMMIT_TABLES = f"""
create schema if not exists raw;
create table if not exists raw.day_versions (
    resource varchar, account_number varchar, trade_date date, content_hash varchar,
    rows_count bigint, known_at timestamp
);
create table if not exists raw.account_names (
    account_name varchar primary key, account_number varchar
);
create table if not exists raw.quarantine (
    resource varchar, origin varchar, line_number bigint, column_name varchar,
    cell varchar, reason varchar, trade_date date, rejected_at timestamp
);
create table if not exists {RUN_CONTEXT} (
    source varchar, firm varchar, as_of date, prediction_date date,
    ingested_at timestamp
);
"""


def day_schema(resource: Resource) -> pa.Schema:
    """Columns of the raw table of a resource that is versioned by day."""
    fields = [
        pa.field(column.name, ARROW_TYPES[column.kind])
        for column in resource.columns
        if column.name not in ("account_name", "trade_date")
    ]
    if resource.fees_between:
        fields.append(pa.field("total_fees", DECIMAL))
    return pa.schema([*_KEY_FIELDS, *fields])


class DayVersions:
    """Which version of each account's day is committed, and which were before.

    Attributes:
        account_names: Account numbers by every name that was ever listed.

    Args:
        home: Where the warehouse is; it may not exist yet.
    """

    def __init__(self, home: Home) -> None:
        self._current: dict[tuple[str, str, date], str] = {}
        self._loaded: set[tuple[str, str, date, str]] = set()
        self._known_at: dict[tuple[str, str, date], datetime] = {}
        self.account_names: dict[str, str] = {}
        if not home.warehouse.exists():
            return
        with open_warehouse(home.warehouse) as connection:
            connection.execute(_COMMIT_TABLES)
            rows = connection.execute(
                "select resource, account_number, trade_date, content_hash, known_at "
                "from raw.day_versions order by known_at"
            ).fetchall()
            self.account_names = dict(
                connection.execute(
                    "select account_name, account_number from raw.account_names"
                ).fetchall()
            )
        for resource, account, day, content, known_at in rows:
            self._current[resource, account, day] = content
            self._known_at[resource, account, day] = known_at
            self._loaded.add((resource, account, day, content))

    def is_empty(self) -> bool:
        """Whether nothing was ever committed."""
        return not self._current

    def accounts(self, resource: str) -> set[str]:
        """Numbers of the accounts of which anything was ever committed."""
        return {account for name, account, _ in self._current if name == resource}

    def is_current(self, resource: str, account: str, day: date, content: str) -> bool:
        """Whether this is what the warehouse already holds."""
        return self._current.get((resource, account, day)) == content

    def is_loaded(self, resource: str, account: str, day: date, content: str) -> bool:
        """Whether the rows of this version are there, current or not."""
        return (resource, account, day, content) in self._loaded

    def known_at(self, resource: str, account: str, day: date) -> datetime:
        """When a version seen now became known (naive UTC).

        The first version counts as known at 08:00 Eastern on the morning after the
        trade date, whenever it was loaded; a later one from now on, and always after
        the one before it.
        """
        before = self._known_at.get((resource, account, day))
        if before is not None:
            now = datetime.now(UTC).replace(tzinfo=None)
            return max(now, before + timedelta(microseconds=1))
        morning = datetime.combine(day + timedelta(days=1), time(8), EASTERN)
        return morning.astimezone(UTC).replace(tzinfo=None)

    def held(self, resource: str) -> list[tuple[str, date]]:
        """Account and date of the days that hold rows."""
        return [
            (account, day)
            for (name, account, day), content in self._current.items()
            if name == resource and content != EMPTY_DAY
        ]


def load(home: Home, tables: dict[str, list[pa.Table]]) -> None:
    """Load Arrow tables into schema `raw` with dlt; loading them twice changes nothing.

    Args:
        home: Where the warehouse and dlt's working files are.
        tables: Tables to load by name; names as in `day_schema` and its siblings.

    Raises:
        dlt.pipeline.exceptions.PipelineStepFailed: A job failed; nothing is committed.
    """
    import dlt

    pipeline = dlt.pipeline(
        "propreports",
        destination=dlt.destinations.duckdb(str(home.warehouse)),
        dataset_name="raw",
        pipelines_dir=str(home.dlt / "pipelines"),
    )
    # What a killed run left half-way is read again from the source, so it can go.
    pipeline.abort_packages()
    keys = {"accounts": ("account_number",), "sessions": ("session_date",)}
    resources = [
        dlt.resource(
            parts,
            name=name,
            write_disposition="merge",
            merge_key=list(keys.get(name, DAY_KEY)),
            columns=_column_hints(parts[0].schema),
            schema_contract={
                "tables": "evolve",
                "columns": "freeze",
                "data_type": "freeze",
            },
        )
        for name, parts in tables.items()
    ]
    pipeline.run(resources).raise_on_failed_jobs()


def commit(
    home: Home,
    *,
    context: RunContext,
    versions: pa.Table,
    covered: pa.Table,
    rejected: pa.Table,
    account_names: dict[str, str],
) -> None:
    """Record in one transaction what the loaded rows mean.

    Args:
        home: Where the warehouse is.
        context: Source, firm and date of this run.
        versions: As `VERSIONS_SCHEMA`: the day versions that are new.
        covered: As `COVERED_SCHEMA`: what was read again, so that what it quarantined
            before is forgotten.
        rejected: As `REJECTED_SCHEMA`: rows that cannot be read.
        account_names: Account numbers by the names that are listed now.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    with open_warehouse(home.warehouse) as connection:
        connection.execute(_COMMIT_TABLES)
        connection.execute("begin")
        connection.register("new_versions", versions)
        connection.execute("insert into raw.day_versions from new_versions")
        connection.register("covered", covered)
        connection.register("new_rejected", rejected.cast(REJECTED_SCHEMA))
        # A row whose date cannot be read is known again by what it says.
        connection.execute(
            """
            delete from raw.quarantine as old where exists (
                from covered where covered.resource = old.resource and (
                    covered.first_date is null
                    or old.trade_date between covered.first_date and covered.last_date
                )
            ) or exists (
                from new_rejected as new where new.resource = old.resource
                and new.cell is not distinct from old.cell and new.reason = old.reason
            )
            """
        )
        connection.execute(
            "insert into raw.quarantine select *, ? from new_rejected", [now]
        )
        connection.executemany(
            "insert or replace into raw.account_names values (?, ?)",
            list(account_names.items()),
        )
        connection.execute(f"delete from {RUN_CONTEXT}")
        connection.execute(
            f"insert into {RUN_CONTEXT} values (?, ?, ?, ?, ?)",
            [context.source, context.firm, context.as_of, context.prediction_date, now],
        )
        connection.execute("commit")


def empty_tables() -> dict[str, list[pa.Table]]:
    """Every raw table without rows, so that all of them exist after the first load."""
    tables = {
        resource.name: [day_schema(resource).empty_table()] for resource in BY_DAY
    }
    tables["fill_fees"] = [FEES_SCHEMA.empty_table()]
    return tables


def quiet_dlt(working_folder: Path) -> None:
    """Keep dlt's files in one folder, its telemetry off and its warnings out."""
    os.environ["DLT_DATA_DIR"] = str(working_folder)
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    # Loaded packages hold account names, and the warehouse has them already.
    os.environ["LOAD__DELETE_COMPLETED_JOBS"] = "true"


def _column_hints(schema: pa.Schema) -> dict[str, dict]:
    """dlt hints of an Arrow schema, so that dlt infers nothing."""
    hints: dict[str, dict] = {}
    for field in schema:
        hint: dict = {"nullable": field.nullable}
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
