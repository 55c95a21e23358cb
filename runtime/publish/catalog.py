"""The DuckDB file of a published copy: views on its Parquet, names, comments."""

import re
from datetime import datetime
from pathlib import Path

import duckdb

from runtime.home import Home
from runtime.publish.manifest import read_dbt_manifest
from runtime.publish.previous_names import MARTS, previous_marts
from runtime.tables import literal
from runtime.transform.build_state import PUBLISHED_BY_DATE
from runtime.warehouse import RunContext

COPY = "risk.duckdb"


def marts_in(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns of each mart of a copy."""
    return dict(
        connection.execute(
            "select table_name, list(column_name order by column_index) "
            "from duckdb_columns() where schema_name = 'marts' group by table_name"
        ).fetchall()
    )


def create_published_at(
    copy: duckdb.DuckDBPyConnection, context: RunContext, now: datetime
) -> None:
    """The one row that says what the copy is of."""
    copy.execute(
        "create table marts.published_at as select cast(? as date) as as_of_date, "
        "cast(? as timestamp) as published_at, cast(? as varchar) as firm_kind, "
        "cast(? as varchar) as source, cast(? as varchar) as firm, "
        "cast(? as date) as prediction_date",
        [
            context.as_of,
            now.replace(tzinfo=None),
            "synthetic" if context.is_sample else "real",
            context.source,
            context.firm_name,
            context.prediction_date,
        ],
    )


def create_views(
    copy: duckdb.DuckDBPyConnection,
    partial: Path,
    folder: Path,
    by_date: dict[str, list[tuple[str, str]]],
    large: list[str],
) -> None:
    """Views on the Parquet of this very folder, wherever the reader stands.

    DuckDB looks for a relative path where the reader's process was started, so the
    views ask where the opened file lies: the spill folder it takes by default is beside
    the file, links resolved (a reader who came by `current` keeps the folder it was).
    Where the file is attached or the spill folder set, they use where it was published.

    Args:
        copy: To the DuckDB file, opened by itself.
        partial: Its folder now.
        folder: Its folder once it is published.
        by_date: Marts by date, with names and types of the columns of each.
        large: Marts in one file.
    """
    spill, end = "current_setting('temp_directory')", f"/{COPY}.tmp"
    # Wildcards in the name of a home are none.
    beside = (
        f"regexp_replace(case when contains({spill}, '{folder.name}') "
        f"and suffix({spill}, '{end}') then {spill}[:-{len(end) + 1}] "
        f"else {literal(folder.absolute())} end, '([*\\[])', '[\\1]', 'g')"
    )
    for mart in large:
        copy.execute(
            f'create view marts."{mart}" as '
            f"from read_parquet({beside} || '/{mart}.parquet')"
        )
    for mart, columns in by_date.items():
        by = PUBLISHED_BY_DATE[mart]
        names = ", ".join(_wide(name, kind) for name, kind in columns)
        if any((partial / mart).iterdir()):
            source = (
                f"read_parquet({beside} || '/{mart}/*/*.parquet', "
                f"hive_partitioning = true, hive_types = {{'{by}': date}})"
            )
        else:
            # Nobody paid a fee yet, say: there is no Parquet to look for.
            nulls = (f'cast(null as {kind}) as "{name}"' for name, kind in columns)
            source = f"(select {', '.join(nulls)}) where false"
        copy.execute(f'create view marts."{mart}" as select {names} from {source}')


def create_previous_names(copy: duckdb.DuckDBPyConnection) -> None:
    """Marts that were renamed, as views under the names of the previous version."""
    for mart, query in previous_marts(marts_in(copy)).items():
        copy.execute(f'create view marts."{mart}" as {query}')
        now, _ = MARTS[mart]
        copy.execute(
            f'comment on view marts."{mart}" is '
            f"'Deprecated: {now} as it was; gone with the next version.'"
        )


def describe(copy: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Say in the copy what its tables and columns are, as dbt describes them."""
    target = home.dbt / "target"
    if not (target / "manifest.json").exists():
        return
    nodes = read_dbt_manifest(target)["nodes"].values()
    models = {node["name"]: node for node in nodes if node.get("schema") == "marts"}
    there = copy.execute(
        "select table_name, table_type, column_name from information_schema.tables "
        "inner join information_schema.columns using (table_schema, table_name) "
        "where table_schema = 'marts'"
    ).fetchall()
    statements = []
    for table, kind in sorted({(table, kind) for table, kind, _ in there}):
        if table in models:
            kind = "view" if kind == "VIEW" else "table"
            said = literal(models[table]["description"].strip())
            statements.append(f'comment on {kind} marts."{table}" is {said}')
    for table, _, column in there:
        if table in models and column in models[table]["columns"]:
            described = models[table]["columns"][column]["description"]
            said = literal(described.strip())
            statements.append(f'comment on column marts."{table}"."{column}" is {said}')
    # At once: passing a statement on takes longer than what it does.
    copy.execute(";".join(statements))


def _wide(name: str, kind: str) -> str:
    """A column by fill: quantity times price would overflow a narrow decimal."""
    wide = re.sub(r"^DECIMAL\(18,", "DECIMAL(38,", kind)
    return f'"{name}"' if wide == kind else f'cast("{name}" as {wide}) as "{name}"'
