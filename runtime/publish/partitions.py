"""Marts that grow with the fills: Parquet by date, written once.

`<mart>/<column>=YYYY-MM-DD/*.parquet`; a date that is as it was is a hard link to what
was published before.
"""

import os
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from runtime.files import have_sizes
from runtime.tables import literal
from runtime.transform.build_state import PUBLISHED_BY_DATE, built_dates

# Counted up with every change to how a partition is written: all are written anew.
PARTITION_LAYOUT = 3


@dataclass(frozen=True)
class Partitions:
    """A mart as it is published now.

    Attributes:
        columns: Their names and types, in the mart's order.
        kept: What the manifest says of it: its columns; files and build of each date.
        written: Dates of which the Parquet is new.
        linked: Dates of which it is as before.
    """

    columns: list[tuple[str, str]]
    kept: dict[str, Any]
    written: int
    linked: int


def _columns_of(
    connection: duckdb.DuckDBPyConnection, mart: str
) -> list[tuple[str, str]]:
    """Names and types of a mart's columns, in their order."""
    return connection.execute(
        "select column_name, data_type from information_schema.columns "
        "where table_catalog = current_database() and table_schema = 'marts' "
        "and table_name = ? order by ordinal_position",
        [mart],
    ).fetchall()


def write_partitions(
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    partial: Path,
    current: Path,
    before: dict[str, Any],
    batch_rows: int,
) -> Partitions:
    """Link the dates that are as published before, write the others.

    A date is the same if no build since has touched it (`ops.built_dates`), or if its
    rows are, in any order: their count and the sum of their hashes. Columns that differ
    in name, type or place make every date another one.

    Args:
        connection: To the warehouse.
        mart: One of `PUBLISHED_BY_DATE`.
        partial: The folder of the copy that is made.
        current: That of the copy before.
        before: What the manifest of the copy before says of the mart.
        batch_rows: Dates are written together up to so many rows.
    """
    by = PUBLISHED_BY_DATE[mart]
    columns = _columns_of(connection, mart)
    schema = [PARTITION_LAYOUT, *map(list, columns)]
    known = {
        date: one
        for date, one in before.get("dates", {}).items()
        if before["schema"] == schema
        and have_sizes(current / mart / f"{by}={date}", one["files"])
    }
    built = built_dates(connection, mart)
    (partial / mart).mkdir()

    def link(date: str) -> bool:
        name = f"{mart}/{by}={date}"
        return _link(current / name, partial / name, known[date]["files"])

    linked = {
        date: one
        for date, one in known.items()
        if built.get(date) and built[date] == one["built"] and link(date)
    }
    fresh: dict[str, Any] = {}
    touched = built.keys() - linked.keys() if built else None
    for batch in _batches(connection, mart, touched, linked.keys(), batch_rows):
        kept = [date for date in batch if date in known]
        same = _same_rows(connection, mart, columns, kept, known, current)
        linked |= {
            date: known[date] | {"built": built.get(date)}
            for date in same
            if link(date)
        }
        changed = set(batch) - linked.keys()
        for run in _runs(changed, batch):
            connection.execute(
                f"copy (select * {_rows_of(mart, run)}) "
                f"to {literal(partial / mart)} (format parquet, compression zstd, "
                f'partition_by ("{by}"), overwrite_or_ignore)'
            )
        fresh |= {
            date: {
                "built": built.get(date),
                "files": {
                    path.name: path.stat().st_size
                    for path in sorted((partial / mart / f"{by}={date}").iterdir())
                },
            }
            for date in changed
        }
    dates = dict(sorted({**linked, **fresh}.items()))
    return Partitions(
        columns, {"schema": schema, "dates": dates}, len(fresh), len(linked)
    )


def _rows_of(mart: str, run: list[str]) -> str:
    """The end of a query on dates without others between them."""
    by = PUBLISHED_BY_DATE[mart]
    # Bounds alone: a list of dates would be held against each row.
    bounds = f"date '{run[0]}' and date '{run[-1]}'"
    return f'from marts."{mart}" where "{by}" between {bounds}'


def _runs(dates: Collection[str], others: Collection[str]) -> Iterator[list[str]]:
    """These dates in order, parted where another one is between them."""
    run: list[str] = []
    for date in sorted({*dates, *others}):
        if date in dates:
            run.append(date)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _batches(
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    dates: Collection[str] | None,
    others: Collection[str],
    most: int,
) -> Iterator[list[str]]:
    """Runs of these dates, or of all, up to `most` rows; one date at least."""
    by = PUBLISHED_BY_DATE[mart]
    chosen = [f'from marts."{mart}"']
    if dates is not None:
        chosen = [_rows_of(mart, run) for run in _runs(dates, others)]
    for rows_of_run in chosen:
        batch: list[str] = []
        rows = 0
        counts = connection.execute(
            f'select "{by}", count(*) {rows_of_run} group by all order by all'
        ).fetchall()
        for date, count in counts:
            if batch and rows + count > most:
                yield batch
                batch, rows = [], 0
            batch.append(str(date))
            rows += count
        if batch:
            yield batch


def _same_rows(
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    columns: list[tuple[str, str]],
    dates: list[str],
    known: dict[str, Any],
    current: Path,
) -> list[str]:
    """Those of these dates of which the rows are those of the copy before."""
    by = PUBLISHED_BY_DATE[mart]
    paths = [
        literal(escape_wildcards(current / mart / f"{by}={date}" / name))
        for date in dates
        for name in known[date]["files"]
    ]
    if not paths:
        return []
    typed = ", ".join(f'cast("{name}" as {kind})' for name, kind in columns)
    hashed = f'select "{by}", count(*), sum(hash({typed}))'
    # New dates between them are hashed as well, and match nothing.
    now = connection.execute(f"{hashed} {_rows_of(mart, dates)} group by all")
    rows_now = set(now.fetchall())
    try:
        then = connection.execute(
            f"{hashed} from read_parquet([{', '.join(paths)}], "
            f"hive_partitioning = true, hive_types = {{'{by}': date}}) group by all"
        )
        rows_then = set(then.fetchall())
    except (duckdb.IOException, duckdb.InvalidInputException):
        # Damaged, though as long as it was: written anew.
        return []
    return sorted(str(date) for date, *_ in rows_now & rows_then)


def escape_wildcards(path: Path) -> str:
    """A path as a pattern that matches it alone."""
    return "".join(f"[{one}]" if one in "*?[" else one for one in str(path))


def _link(source: Path, target: Path, files: dict[str, int]) -> bool:
    """Whether the partition could be linked."""
    try:
        target.mkdir()
        for name in files:
            os.link(source / name, target / name)
    except OSError:
        # A file system without links: it is written instead.
        shutil.rmtree(target, ignore_errors=True)
        return False
    return True
