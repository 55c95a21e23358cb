"""Writes the tables that dbt's sources name as Parquet, for engines other than DuckDB.

`spark/lake/<schema>/<table>/*.parquet`; what has rows per fill lies by trade date, in
the Hive layout: `spark/lake/raw/fills/trade_date=2025-06-02/*.parquet`.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from runtime.configure_dlt import configure_dlt
from runtime.home import Home
from runtime.settings import PROJECT_ROOT
from runtime.warehouse import open_warehouse

if TYPE_CHECKING:
    from dlt.common.schema.typing import TColumnSchema

# Rows that are in memory at a time, and in one file.
SLICE_ROWS = 500_000
# Tables with rows per fill, and the column whose values are their folders.
PARTITIONED, PARTITIONED_BY = ("raw.fills", "raw.fill_fees"), "trade_date"
# What DuckDB's builds remember of the one before; any other builds everything.
REMEMBERED = (
    "ops.begun_fill_days", "ops.built_fill_days", "ops.built_rates",
    "ops.built_path_scopes", "ops.built_symbol_books",
)  # fmt: skip


def write_lake(home: Home) -> int:
    """Replace the lake of `home` by what its warehouse holds; how many tables."""
    configure_dlt(home.spark / "dlt")
    shutil.rmtree(home.lake, ignore_errors=True)
    sources = _sources()
    with open_warehouse(home.warehouse, read_only=True) as connection:
        for schema, tables in sources.items():
            _write_schema(home, connection, schema, tables)
    return sum(map(len, sources.values()))


def _sources() -> dict[str, list[str]]:
    """Tables of each schema, as dbt's sources name them."""
    import yaml

    found: dict[str, list[str]] = {}
    for path in sorted((PROJECT_ROOT / "dbt_project/models").rglob("*__sources.yml")):
        for source in yaml.safe_load(path.read_text("utf-8"))["sources"]:
            names = found.setdefault(source["schema"], [])
            names.extend(table["name"] for table in source["tables"])
    return found


def _write_schema(
    home: Home, connection: duckdb.DuckDBPyConnection, schema: str, tables: list[str]
) -> None:
    import dlt

    folder = home.spark / "dlt" / "pipelines"
    shutil.rmtree(folder, ignore_errors=True)

    # dlt asks again when the file is no longer there.
    @cache
    def partition(
        _schema: str, table: str, _load_id: str, file_id: str, _extension: str
    ) -> str:
        if f"{schema}.{table}" not in PARTITIONED:
            return ""
        return _partition(folder, f"{table}.{file_id}.")

    pipeline = dlt.pipeline(
        "lake",
        destination=dlt.destinations.filesystem(
            bucket_url=home.lake.resolve().as_uri(),
            layout="{table_name}/{partition}{file_id}.{ext}",
            extra_placeholders={"partition": partition},
        ),
        dataset_name=schema,
        pipelines_dir=str(folder),
    )
    empty = {
        table: connection.sql(f"from {schema}.{table} limit 0").to_arrow_table()
        for table in tables
    }
    resources = [
        dlt.resource(
            _slices(connection.cursor(), f"{schema}.{table}", empty[table]),
            name=table,
            write_disposition="append",
            columns=_naive_times(empty[table].schema),
        )
        for table in tables
    ]
    with _a_file_for_each_slice():
        pipeline.run(resources, loader_file_format="parquet").raise_on_failed_jobs()
    shutil.rmtree(folder)


def _slices(
    connection: duckdb.DuckDBPyConnection, table: str, empty: pa.Table
) -> Iterator[pa.Table]:
    """The rows of a table, in slices; those of a partitioned one are of one date."""
    is_empty = not connection.execute(f"from {table} limit 1").fetchall()
    if is_empty or table in REMEMBERED:
        # What has no rows is to have columns all the same.
        yield empty
        return
    if table not in PARTITIONED:
        yield from _read(connection, f"from {table}")
        return
    dates = connection.execute(
        f"select distinct {PARTITIONED_BY} from {table} order by all"
    ).fetchall()
    for (one,) in dates:
        yield from _read(connection, f"from {table} where {PARTITIONED_BY} = '{one}'")


def _read(connection: duckdb.DuckDBPyConnection, sql: str) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    # DuckDB's batches are as small as its own vectors at times.
    for batch in connection.sql(sql).to_arrow_reader(SLICE_ROWS):
        waiting.append(batch)
        if sum(one.num_rows for one in waiting) >= SLICE_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _naive_times(schema: pa.Schema) -> dict[str, "TColumnSchema"]:
    """dlt's hints that keep what has no zone without one."""
    return {
        field.name: {"data_type": "timestamp", "timezone": False}
        for field in schema
        if pa.types.is_timestamp(field.type) and field.type.tz is None
    }


def _partition(folder: Path, file_name: str) -> str:
    """Where the rows of a file belong: dlt's layout knows its name, not its rows."""
    path = next(folder.glob(f"*/load/normalized/*/started_jobs/{file_name}*"))
    for batch in pq.ParquetFile(path).iter_batches(1, columns=[PARTITIONED_BY]):
        return f"{PARTITIONED_BY}={batch[0][0]}/"
    return ""


@contextmanager
def _a_file_for_each_slice() -> Iterator[None]:
    """Lets dlt put no two slices into one file, which then had rows of two dates."""
    name = "DATA_WRITER__FILE_MAX_ITEMS"
    os.environ[name] = "1"
    try:
        yield
    finally:
        del os.environ[name]
