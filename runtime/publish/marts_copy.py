"""Publishes the marts as a read-only copy, swapped in at once.

While a run writes the warehouse nobody can read it, so analysts read this copy:
`published/current/risk.duckdb` and `published/current/<mart>.parquet`. A mart that
grows with the fills is Parquet by date, `<mart>/<column>=YYYY-MM-DD/*.parquet`, and a
view on it in the DuckDB file; a date that is as it was is a hard link to what was
published before.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from runtime.build_chain import RISK, as_of_setting, require
from runtime.errors import UserError
from runtime.home import Home
from runtime.publish.manifest import read_dbt_manifest
from runtime.publish.previous_names import MARTS, marts_of_today, previous_marts
from runtime.settings import Settings
from runtime.transform.build_state import PUBLISHED_BY_DATE, built_dates
from runtime.unchanged import code_fingerprint
from runtime.warehouse import RunContext, open_warehouse, require_run_context

CURRENT = "current"
COPY = "risk.duckdb"
MANIFEST = "manifest.json"
# Rows lie in this order within a date, so that a trader's are together.
ORDERED_BY = {
    "fct_fills": "account_id, symbol, fill_sequence",
    "fct_fees": "account_id, symbol, route, liquidity, is_regular, fee_name",
    "fct_round_trips": "account_id, symbol, round_trip_id",
}
# Counted up with every change to how a partition is written: all are written anew.
PARTITION_LAYOUT = 2
# Dates are written together up to so many rows: memory does not grow with history.
BATCH_ROWS = 4_000_000
# DuckDB promises its row hash within one version only.
HASHED_BY = duckdb.__version__


def publish(
    home: Home,
    *,
    made_of: str | None = None,
    memory_limit: str = "4GB",
    batch_rows: int = BATCH_ROWS,
) -> str:
    """Copy every mart, then swap; the copy before stays. A sentence for people.

    Args:
        made_of: The id of the risk marts, by which `require_published` knows the copy.
        memory_limit: The most that DuckDB holds in memory, as it spells it.
        batch_rows: Dates are written together up to so many rows of a mart.
    """
    # Half a copy, of a run that was killed or found the disk full, takes room.
    _clear_partial(home)
    context = require_run_context(home)
    config = {"memory_limit": memory_limit, "temp_directory": str(home.dbt / "spill")}
    try:
        with open_warehouse(home.warehouse, config=config) as connection:
            return _publish(home, context, connection, made_of, batch_rows)
    except BaseException:
        _clear_partial(home)
        raise


def _clear_partial(home: Home) -> None:
    for half in home.published.glob(".*.partial"):
        shutil.rmtree(half, ignore_errors=True)


def _publish(
    home: Home,
    context: RunContext,
    connection: duckdb.DuckDBPyConnection,
    made_of: str | None,
    batch_rows: int,
) -> str:
    now = datetime.now(UTC)
    folder = home.published / f"{context.as_of}-{now.strftime('%Y%m%dT%H%M%S%f')}"
    partial = home.published / f".{folder.name}.partial"
    partial.mkdir(parents=True)
    before = _read_manifest(home).get("partitions", {})
    partitions, written, linked = {}, 0, 0
    marts = [
        row[0]
        for row in connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'marts' order by table_name"
        ).fetchall()
    ]
    connection.execute(f"attach {_text(partial / COPY)} as copy")
    connection.execute("create schema copy.marts")
    for mart in marts:
        if mart in PUBLISHED_BY_DATE:
            partitions[mart], new, kept = _write_partitions(
                connection,
                mart,
                partial,
                home.published / CURRENT,
                before,
                batch_rows,
            )
            written, linked = written + new, linked + kept
            continue
        connection.execute(f'create table copy.marts."{mart}" as from marts."{mart}"')
    _create_published_at(connection, context, now)
    for mart in (*marts, "published_at"):
        if mart not in PUBLISHED_BY_DATE:
            connection.execute(
                f'copy copy.marts."{mart}" to {_text(partial / f"{mart}.parquet")} '
                "(format parquet)"
            )
    connection.execute("detach copy")
    columns = {mart: _columns(connection, mart) for mart in partitions}
    _create_views(partial, folder, columns)
    _create_previous_names(partial)
    _comment(partial, home)
    manifest = {
        "as_of": str(context.as_of),
        "made_of": made_of,
        "made_with": code_fingerprint(),
        "published_at": now.isoformat(),
        "files": {one.name: one.stat().st_size for one in partial.glob("*.*")},
        "partitions": partitions,
    }
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=1))
    for path in partial.rglob("*"):
        if path.is_file():
            path.chmod(0o400)
    os.replace(partial, folder)
    previous = _swap(home.published, folder)
    for old in home.published.iterdir():
        if old.name not in (CURRENT, folder.name, previous):
            shutil.rmtree(old, ignore_errors=True)
    return (
        f"{len(marts)} marts in {home.published / CURRENT}; "
        f"days of fills and trips: {written} written, {linked} as before"
    )


def is_published(home: Home, made_of: str) -> datetime | None:
    """When these marts were published, by this code; None if it has to be done.

    Args:
        made_of: The id of the risk marts.
    """
    current, manifest = home.published / CURRENT, _read_manifest(home)
    same = made_of, code_fingerprint()
    if (manifest.get("made_of"), manifest.get("made_with")) != same:
        return None
    sizes = {current / name: size for name, size in manifest["files"].items()}
    for mart, kept in manifest["partitions"].items():
        by = PUBLISHED_BY_DATE[mart]
        for date, one in kept["dates"].items():
            folder = current / mart / f"{by}={date}"
            sizes |= {folder / name: size for name, size in one["files"].items()}
    try:
        is_whole = all(path.stat().st_size == size for path, size in sizes.items())
    except OSError:
        is_whole = False
    return datetime.fromisoformat(manifest["published_at"]) if is_whole else None


def require_published(home: Home) -> None:
    """Let nobody tell of the copy what the marts do not say, or no longer.

    Raises:
        UserError: Nothing is published, the marts are partially rebuilt, or the copy is
            not of them.
    """
    published_file(home)
    risk_id = require(home, RISK)
    if _read_manifest(home).get("made_of") != risk_id:
        raise UserError(
            f"The copy in {home.published} is not of the marts as they are now. Run "
            f"`make publish{as_of_setting(home)}`."
        )


@contextmanager
def open_published(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the published copy, also while a run writes.

    Raises:
        UserError: Nothing is published yet, another version did, or it is damaged.
    """
    copy = published_file(home)
    try:
        connection = duckdb.connect(copy, read_only=True)
        if marts_of_today(_marts(connection), "marts"):
            connection.close()
            connection = _open_previous(copy.resolve())
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{copy} cannot be opened ({reason}). Run `make publish`."
        ) from None
    with connection:
        connection.execute("set schema = 'marts'")
        try:
            yield connection
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"The copy in {copy.parent} is of another version of this project "
                f"({reason}). Run `make daily`."
            ) from None


def published_home(settings: Settings, root: Home) -> Home:
    """The home whose published copy is of AS_OF; left out: of the latest morning."""
    latest = (root.published / CURRENT).resolve().name
    if settings.as_of and not latest.startswith(str(settings.as_of)):
        return root.past(settings.as_of)
    return root


def published_file(home: Home) -> Path:
    """Of the copy of `home`.

    Raises:
        UserError: There is none; names the past mornings that have one.
    """
    copy = home.published / CURRENT / COPY
    if copy.exists():
        return copy
    found = home.root.glob(f"as_of/*/published/{CURRENT}/{COPY}")
    past = sorted((path.parts[-4] for path in found), reverse=True)
    hint = ""
    if past:
        more = f"; there are {len(past):,}" if len(past) > 1 else ""
        hint = f", or ask a past morning with AS_OF={past[0]}{more}"
    raise UserError(
        f"Nothing is published in {copy.parent}. Run `make "
        f"daily{as_of_setting(home)}`{hint}."
    )


def _open_previous(copy: Path) -> duckdb.DuckDBPyConnection:
    """What the previous version published, with today's names: views in memory."""
    # The spill folder that it has when opened by itself: by that it finds its Parquet.
    connection = duckdb.connect(config={"temp_directory": f"{copy}.tmp"})
    connection.execute(f"attach {_text(copy)} as previous (read_only)")
    there = _marts(connection)
    kept = {mart: f'from previous.marts."{mart}"' for mart in there}
    connection.execute("create schema marts")
    for mart, query in (kept | marts_of_today(there, "previous.marts")).items():
        connection.execute(f'create view marts."{mart}" as {query}')
    return connection


def _text(text: Path | str) -> str:
    """A path or other text as a literal of SQL."""
    return "'" + str(text).replace("'", "''") + "'"


def _read_manifest(home: Home) -> dict:
    """What the published copy says of itself; nothing if there is none to trust."""
    try:
        found = json.loads((home.published / CURRENT / MANIFEST).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _marts(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns of each mart of a copy."""
    return dict(
        connection.execute(
            "select table_name, list(column_name order by column_index) "
            "from duckdb_columns() where schema_name = 'marts' group by table_name"
        ).fetchall()
    )


def _columns(connection: duckdb.DuckDBPyConnection, mart: str) -> list[tuple[str, str]]:
    return connection.execute(
        "select column_name, data_type from information_schema.columns "
        "where table_catalog = current_database() and table_schema = 'marts' "
        "and table_name = ? order by ordinal_position",
        [mart],
    ).fetchall()


def _write_partitions(
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    partial: Path,
    current: Path,
    before: dict,
    batch_rows: int,
) -> tuple[dict, int, int]:
    """Link the dates that are as published before, write the others.

    A date is the same if no build since has touched it (`ops.built_dates`), or if its
    rows are, in any order: their count and the sum of their hashes. Columns that differ
    in name, type or place make every date another one.

    Returns:
        What the manifest keeps of the mart; dates written; dates linked.
    """
    by = PUBLISHED_BY_DATE[mart]
    columns = _columns(connection, mart)
    schema = [PARTITION_LAYOUT, HASHED_BY, *map(list, columns)]
    names = ", ".join(f'"{name}"' for name, _ in columns)
    known = before.get(mart, {})
    dates = known.get("dates", {}) if known.get("schema") == schema else {}
    built = built_dates(connection, mart)
    (partial / mart).mkdir()

    def link(date: str) -> bool:
        files = dates[date]["files"]
        return _link(current / mart, partial / mart, f"{by}={date}", files)

    linked = {
        date: kept
        for date, kept in dates.items()
        if built.get(date) and built[date] == kept.get("built") and link(date)
    }
    fresh: dict[str, Any] = {}
    touched = sorted(built.keys() - linked.keys()) if built else None
    for batch in _batches(_count_rows(connection, mart, touched), batch_rows):
        prints = {
            str(date): f"{count}:{total}"
            for date, count, total in connection.execute(
                f'select "{by}", count(*), sum(hash({names})) '
                f"{_rows_of(mart, batch)} group by all"
            ).fetchall()
        }
        changed = []
        for date in batch:
            if dates.get(date, {}).get("fingerprint") == prints[date] and link(date):
                linked[date] = dates[date] | {"built": built.get(date)}
            else:
                changed.append(date)
        if changed:
            connection.execute(
                f"copy ({_rows_of(mart, changed)} order by {by}, {ORDERED_BY[mart]}) "
                f"to {_text(partial / mart)} (format parquet, compression zstd, "
                f'partition_by ("{by}"), overwrite_or_ignore)'
            )
        fresh |= {
            date: {
                "fingerprint": prints[date],
                "built": built.get(date),
                "files": {
                    path.name: path.stat().st_size
                    for path in sorted((partial / mart / f"{by}={date}").iterdir())
                },
            }
            for date in changed
        }
    kept = {"schema": schema, "dates": dict(sorted({**linked, **fresh}.items()))}
    return kept, len(fresh), len(linked)


def _rows_of(mart: str, dates: list[str]) -> str:
    """The end of a query on these dates, which are in order."""
    by = PUBLISHED_BY_DATE[mart]
    listed = ", ".join(f"date '{date}'" for date in dates)
    # The bounds let DuckDB skip what lies outside of them without a look.
    return (
        f'from marts."{mart}" where "{by}" in ({listed}) '
        f"and \"{by}\" between date '{dates[0]}' and date '{dates[-1]}'"
    )


def _count_rows(
    connection: duckdb.DuckDBPyConnection, mart: str, dates: list[str] | None
) -> dict[str, int]:
    """Rows of each of these dates, or of all, in the order of the dates."""
    by = PUBLISHED_BY_DATE[mart]
    if dates == []:
        return {}
    chosen = _rows_of(mart, dates) if dates else f'from marts."{mart}"'
    counts = connection.execute(
        f'select "{by}", count(*) {chosen} group by all order by all'
    ).fetchall()
    return {str(date): count for date, count in counts}


def _batches(counts: dict[str, int], most: int) -> Iterator[list[str]]:
    """Dates one after the other, together up to `most` rows, one at least."""
    batch: list[str] = []
    rows = 0
    for date, count in counts.items():
        if batch and rows + count > most:
            yield batch
            batch, rows = [], 0
        batch.append(date)
        rows += count
    if batch:
        yield batch


def _link(source: Path, target: Path, name: str, files: dict[str, int]) -> bool:
    """Whether the partition could be linked: all of its files are there, and whole."""
    try:
        if any((source / name / f).stat().st_size != size for f, size in files.items()):
            return False
        (target / name).mkdir()
        for file in files:
            os.link(source / name / file, target / name / file)
    except OSError:
        # Deleted by hand, or a file system without links: it is written instead.
        shutil.rmtree(target / name, ignore_errors=True)
        return False
    return True


def _create_published_at(
    connection: duckdb.DuckDBPyConnection, context: RunContext, now: datetime
) -> None:
    connection.execute(
        "create table copy.marts.published_at as select cast(? as date) as as_of_date, "
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


def _create_views(
    partial: Path, folder: Path, columns: dict[str, list[tuple[str, str]]]
) -> None:
    """Views on the Parquet of this very folder, wherever the reader stands.

    DuckDB looks for a relative path where the reader's process was started, so the
    views ask where the opened file lies: the spill folder it takes by default is beside
    the file, links resolved (a reader who came by `current` keeps the folder it was).
    Where the file is attached or the spill folder set, they use where it was published.
    """
    with duckdb.connect(partial / COPY) as connection:
        for mart, described in columns.items():
            by = PUBLISHED_BY_DATE[mart]
            names = ", ".join(_wide(name, kind) for name, kind in described)
            if not any((partial / mart).iterdir()):
                # Nobody paid a fee yet, say: there is no Parquet to look for.
                nulls = (f'cast(null as {kind}) as "{one}"' for one, kind in described)
                connection.execute(
                    f'create view marts."{mart}" as select {names} '
                    f"from (select {', '.join(nulls)}) where false"
                )
                continue
            spill = "current_setting('temp_directory')"
            files = f"/{mart}/*/*.parquet"
            connection.execute(
                f'create view marts."{mart}" as select {names} from read_parquet('
                f"regexp_replace(case when contains({spill}, '{folder.name}') "
                f"and suffix({spill}, '/{COPY}.tmp') "
                f"then {spill}[:-{len(f'/{COPY}.tmp') + 1}] "
                # Wildcards in the name of a home are none.
                f"else {_text(folder.absolute())} end, '([*\\[])', '[\\1]', 'g') "
                f"|| '{files}', "
                f"hive_partitioning = true, hive_types = {{'{by}': date}})"
            )


def _wide(name: str, kind: str) -> str:
    """A column of a view: quantity times price would overflow a narrow decimal."""
    wide = re.sub(r"^DECIMAL\(18,", "DECIMAL(38,", kind)
    return f'"{name}"' if wide == kind else f'cast("{name}" as {wide}) as "{name}"'


def _create_previous_names(partial: Path) -> None:
    """Marts that were renamed, as views under the names of the previous version."""
    with duckdb.connect(partial / COPY) as connection:
        for mart, query in previous_marts(_marts(connection)).items():
            connection.execute(f'create view marts."{mart}" as {query}')
            now, _ = MARTS[mart]
            connection.execute(
                f'comment on view marts."{mart}" is '
                f"'Deprecated: {now} as it was; gone with the next version.'"
            )


def _comment(partial: Path, home: Home) -> None:
    """Say in the copy what its tables and columns are, as dbt describes them."""
    target = home.dbt / "target"
    if not (target / "manifest.json").exists():
        return
    nodes = read_dbt_manifest(target)["nodes"].values()
    models = {node["name"]: node for node in nodes if node.get("schema") == "marts"}
    with duckdb.connect(partial / COPY) as connection:
        there = connection.execute(
            "select table_name, table_type, column_name from information_schema.tables "
            "inner join information_schema.columns using (table_schema, table_name) "
            "where table_schema = 'marts'"
        ).fetchall()
        tables = {(table, kind) for table, kind, _ in there if table in models}
        for table, kind in tables:
            kind = "view" if kind == "VIEW" else "table"
            said = _text(models[table]["description"].strip())
            connection.execute(f'comment on {kind} marts."{table}" is {said}')
        for table, _, column in there:
            if table in models and column in models[table]["columns"]:
                said = _text(models[table]["columns"][column]["description"].strip())
                connection.execute(
                    f'comment on column marts."{table}"."{column}" is {said}'
                )


def _swap(published: Path, folder: Path) -> str | None:
    """Point `current` at `folder` in one step; the name it pointed at before."""
    link = published / CURRENT
    previous = os.readlink(link) if link.is_symlink() else None
    fresh = published / f".{CURRENT}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(folder.name)
    os.replace(fresh, link)
    return previous
