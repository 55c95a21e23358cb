"""Opening the warehouse, and the row that says what it is."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from runtime.errors import UserError
from runtime.home import Home
from runtime.limits import is_out_of_resources
from runtime.sessions import EASTERN

RUN_CONTEXT = "raw.run_context"
# Counted up with every change to schema `raw` that an existing file does not have;
# ingestion/migrations.py leads from each layout to the next.
RAW_LAYOUT = 4
# The oldest whose context can be read before it is upgraded.
OLDEST_READABLE_LAYOUT = 2
LOOKING_SECONDS = 2


@contextmanager
def open_warehouse(
    path: Path, *, read_only: bool = False, config: dict | None = None
) -> Iterator:
    """A DuckDB connection to the warehouse at `path`, closed at the end.

    Args:
        config: DuckDB's settings of the connection.

    Raises:
        UserError: Another process has the file open, or it is no DuckDB file.
    """
    try:
        connection = _connect(path, read_only=read_only, config=config or {})
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        if is_out_of_resources(str(error)):
            how_to_fix = "It is whole, and needs room to be opened: make room first."
        elif "lock" in reason:
            how_to_fix = (
                "Close whatever has it open; to read while a run writes, open the copy "
                "in published/."
            )
        else:
            how_to_fix = (
                "It is damaged, or no warehouse at all: move it away and load anew."
            )
        raise UserError(f"{path} cannot be opened ({reason}). {how_to_fix}") from None
    try:
        yield connection
    finally:
        connection.close()


def _connect(path: Path, *, read_only: bool, config: dict) -> duckdb.DuckDBPyConnection:
    """Open it; who only looks (`make status`) has it open for a moment, and is awaited.

    Raises:
        duckdb.Error: It cannot be opened, or somebody has it open for longer.
    """
    until = time.monotonic() + LOOKING_SECONDS
    while True:
        try:
            return duckdb.connect(path, read_only=read_only, config=config)
        except duckdb.IOException as error:
            if "set lock" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(0.05)


@dataclass(frozen=True)
class RunContext:
    """What a warehouse holds and as of when.

    Attributes:
        source: api, files or sample.
        firm: Whose fills these are.
        as_of: The morning the data ends before.
        prediction_date: The next session on or after `as_of`.
        source_version: The version that PropReports names; None for files.
    """

    source: str
    firm: str
    as_of: date
    prediction_date: date
    source_version: str | None = None

    @property
    def firm_name(self) -> str:
        """The firm for people: of a folder of exports its name, not its path."""
        return Path(self.firm).name if self.source == "files" else self.firm

    @property
    def is_sample(self) -> bool:
        """Whether the data is synthetic, which every page must say."""
        return self.source == "sample"


def read_run_context(home: Home) -> RunContext | None:
    """The context of the last ingestion into `home`; None before the first.

    Raises:
        UserError: The warehouse is newer than the code, or must be upgraded first.
    """
    if not home.warehouse.exists():
        return None
    with open_warehouse(home.warehouse, read_only=True) as connection:
        layout = raw_layout(connection)
        if layout is None:
            return None
        if layout > RAW_LAYOUT:
            raise newer_than_code(home, "raw", layout, RAW_LAYOUT)
        if layout < OLDEST_READABLE_LAYOUT:
            raise UserError(
                f"{home.warehouse} is of an older version of this project. Run "
                "`make upgrade`: it keeps everything."
            )
        row = connection.execute(
            "select source, firm, as_of, prediction_date, source_version "
            f"from {RUN_CONTEXT}"
        ).fetchone()
    return RunContext(*row) if row else None


def newer_than_code(home: Home, schema: str, version: int, known: int) -> UserError:
    """What to do about a warehouse that a later version of the project has written."""
    return UserError(
        f"{home.warehouse} is newer than this code (schema {schema} is of version "
        f"{version}, the code knows {known}). Nothing was changed: go back to the "
        "version of the project that wrote it."
    )


def raw_layout(connection: duckdb.DuckDBPyConnection) -> int | None:
    """How schema `raw` is laid out; None where no load has begun."""
    columns = connection.execute(
        "select table_name || '.' || column_name from information_schema.columns "
        "where table_schema = 'raw' "
        "and table_name in ('run_context', 'quarantine', 'account_ids')"
    ).fetchall()
    if ("run_context.as_of",) not in columns:
        return None
    if ("run_context.layout",) not in columns:
        return 1
    layouts = connection.execute(f"select layout from {RUN_CONTEXT}").fetchall()
    if layouts:
        return layouts[0][0]
    # A first load that was stopped has not said so yet.
    if ("account_ids.account_id",) in columns:
        return RAW_LAYOUT
    return 3 if ("quarantine.reason_code",) in columns else 2


def has_column(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, column: str
) -> bool:
    """Whether there is such a table, with such a column."""
    return connection.execute(
        "select count(*) > 0 from information_schema.columns "
        "where table_schema = ? and table_name = ? and column_name = ?",
        [schema, table, column],
    ).fetchall()[0][0]


def require_run_context(home: Home) -> RunContext:
    """The context of the last ingestion into `home`.

    Raises:
        UserError: There was none, or its layout is of another version.
    """
    context = read_run_context(home)
    if context is None:
        raise UserError(f"{home.warehouse} holds nothing yet. Run `make daily` first.")
    return context


def write_run_context(
    connection: duckdb.DuckDBPyConnection, context: RunContext, now: datetime
) -> None:
    """Replace the context of a warehouse.

    Args:
        now: Naive UTC; when it was loaded.
    """
    connection.execute(f"delete from {RUN_CONTEXT}")
    connection.execute(
        f"insert into {RUN_CONTEXT} values (?, ?, ?, ?, ?, ?, ?)",
        [*astuple(context), now, RAW_LAYOUT],
    )


def rows_of(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Iterable[object] = ()
) -> list[dict[str, Any]]:
    """The rows of a query, each by the names of its columns."""
    result = connection.execute(sql, list(parameters))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def sum_if_known(column: str) -> str:
    """The sum of a column in SQL: unknown where one part is."""
    return f"case when count(*) = count({column}) then sum({column}) end"


def eastern_time(column: str) -> str:
    """The time of day of a UTC timestamp in SQL, in New York, as text."""
    eastern = f"timezone('{EASTERN.key}', timezone('UTC', {column}))"
    return f"strftime({eastern}, '%H:%M:%S')"


def count_rows(home: Home, sql: str) -> int:
    """What a query that counts says."""
    with open_warehouse(home.warehouse) as connection:
        return connection.execute(sql).fetchall()[0][0]


def table_rows(
    home: Home, *, names: list[str] | None = None, schema: str | None = None
) -> int:
    """Rows of the tables of these names, or of a schema."""
    with open_warehouse(home.warehouse) as connection:
        return connection.execute(
            "select coalesce(sum(estimated_size), 0) from duckdb_tables() "
            "where table_name in (select unnest(?)) or schema_name = ?",
            [names or [], schema],
        ).fetchall()[0][0]


def load_ledger(home: Home, name: str, entries: pa.Table) -> None:
    """Replace what the warehouse holds of a ledger that is a file.

    Args:
        name: Of the table, as `ops.steps`.
        entries: As the ledger's `SCHEMA`.
    """
    with open_warehouse(home.warehouse) as connection:
        connection.execute("create schema if not exists ops")
        connection.register("ledger_entries", entries)
        connection.execute(f"create or replace table {name} as from ledger_entries")
