"""Tables that Python writes and dbt reads: declared once, by whoever writes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

_NOT_NULL = " not null"


@dataclass(frozen=True)
class Table:
    """A table, as its writer declares it.

    Attributes:
        name: With its schema, as `ml.predictions`.
        columns: Type of each column, as SQL spells it, `not null` included.
        primary_key: Columns of which a later row replaces an earlier one.
        former_name: The table's name in earlier versions.
        former_columns: Its columns' names in them, by the name of today.
        dropped_columns: What they had and nobody reads any more.
    """

    name: str
    columns: Mapping[str, str]
    primary_key: tuple[str, ...] = ()
    former_name: str | None = None
    former_columns: Mapping[str, str] = field(default_factory=dict)
    dropped_columns: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """The schema it lies in."""
        return self.name.partition(".")[0]


def literal(text: Path | str) -> str:
    """A path or other text as SQL has it."""
    return "'" + str(text).replace("'", "''") + "'"


def rows_hash_sql(table: str, unimportant: Iterable[str] = ()) -> str:
    """A scalar subquery: how many rows a table has, and their hash in any order.

    Args:
        unimportant: Columns that are left out.
    """
    excluded = ", ".join(unimportant)
    rows = f"select * exclude ({excluded})" if excluded else "select *"
    return (
        "(select (count(*), sum(cast(hash(row) as hugeint)))::varchar "
        f"from ({rows} from {table}) as row)"
    )


def prepare_tables(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]
) -> None:
    """Create what a warehouse lacks of these tables, and rename what was renamed.

    In a transaction of the caller's. Every row of an earlier version stays; columns
    that it did not have are null.
    """
    # Read once: to ask for each table takes longer than all else of a small load.
    columns = _columns(connection)
    for table in tables:
        _prepare(connection, table, columns)


def _prepare(
    connection: duckdb.DuckDBPyConnection, table: Table, columns: dict[str, set[str]]
) -> None:
    former = table.former_name
    if former in columns and table.name not in columns:
        new_name = table.name.partition(".")[2]
        connection.execute(f"alter table {former} rename to {new_name}")
        columns[table.name] = columns.pop(former)
    if table.name not in columns:
        connection.execute(f"create schema if not exists {table.schema}")
        connection.execute(_create_statement(table))
        columns[table.name] = set(table.columns)
        return
    found = columns[table.name]
    for column, former_column in table.former_columns.items():
        if former_column in found and column not in found:
            connection.execute(
                f"alter table {table.name} rename column {former_column} to {column}"
            )
            found.add(column)
    for column in found.intersection(table.dropped_columns):
        connection.execute(f"alter table {table.name} drop column {column}")
    for column, kind in table.columns.items():
        if column not in found:
            # DuckDB adds no column with a constraint; what rows lack cannot be forced.
            connection.execute(
                f"alter table {table.name} add column {column} "
                f"{kind.removesuffix(_NOT_NULL)}"
            )


def _create_statement(table: Table) -> str:
    lines = [f"{column} {kind}" for column, kind in table.columns.items()]
    if table.primary_key:
        lines.append(f"primary key ({', '.join(table.primary_key)})")
    return f"create table {table.name} ({', '.join(lines)})"


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """Columns of each table, by its name with its schema."""
    return {
        table: set(columns)
        for table, columns in connection.execute(
            "select schema_name || '.' || table_name, list(column_name) "
            "from duckdb_columns() where not internal "
            "and database_name = current_database() group by all"
        ).fetchall()
    }
