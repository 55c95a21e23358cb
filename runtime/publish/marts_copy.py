"""Publishes the marts as a read-only copy, swapped in at once.

While a run writes the warehouse nobody can read it, so analysts read this copy:
`published/current/risk.duckdb` and `published/current/<mart>.parquet`. A mart that
grows with the fills is Parquet by date (`runtime.publish.partitions`). Of it, and of a
large one, the DuckDB file has a view on the Parquet; of any other a table.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from runtime.build_chain import RISK, as_of_setting, require
from runtime.errors import UserError
from runtime.files import have_sizes
from runtime.home import Home
from runtime.publish.catalog import (
    COPY,
    create_previous_names,
    create_published_at,
    create_views,
    describe,
    marts_in,
)
from runtime.publish.partitions import write_partitions
from runtime.publish.previous_names import marts_of_today
from runtime.sessions import utc_now
from runtime.settings import Settings
from runtime.tables import literal
from runtime.transform.build_state import PUBLISHED_BY_DATE
from runtime.unchanged import code_fingerprint
from runtime.warehouse import RunContext, open_warehouse, require_run_context

CURRENT = "current"
MANIFEST = "manifest.json"
# Dates are written together up to so many rows: memory does not grow with history.
BATCH_ROWS = 4_000_000
# A table takes twice as long as its Parquet: of large marts there is that alone.
TABLE_ROWS = 50_000


def publish(
    home: Home,
    *,
    made_of: str | None = None,
    memory_limit: str = "4GB",
    batch_rows: int = BATCH_ROWS,
    table_rows: int = TABLE_ROWS,
) -> str:
    """Copy every mart, then swap; the copy before stays. A sentence for people.

    Args:
        made_of: The id of the risk marts, by which `require_published` knows the copy.
        memory_limit: The most that DuckDB holds in memory, as it spells it.
        batch_rows: Dates are written together up to so many rows of a mart.
        table_rows: A mart of more rows is Parquet with a view on it.
    """
    # Half a copy, of a run that was killed, takes room.
    was_stopped = _clear_partial(home)
    context = require_run_context(home)
    config = {"memory_limit": memory_limit, "temp_directory": str(home.dbt / "spill")}
    try:
        with open_warehouse(home.warehouse, config=config) as connection:
            message = _publish(
                home, context, connection, made_of, batch_rows, table_rows
            )
    except BaseException:
        _clear_partial(home)
        raise
    if was_stopped:
        message += "; what a publication that was stopped had left is removed"
    return message


def _clear_partial(home: Home) -> bool:
    """Whether there was any."""
    halves = list(home.published.glob(".*.partial"))
    for half in halves:
        shutil.rmtree(half, ignore_errors=True)
    return bool(halves)


def _publish(
    home: Home,
    context: RunContext,
    connection: duckdb.DuckDBPyConnection,
    made_of: str | None,
    batch_rows: int,
    table_rows: int,
) -> str:
    now = utc_now()
    folder = home.published / f"{context.as_of}-{now.strftime('%Y%m%dT%H%M%S%f')}"
    partial = home.published / f".{folder.name}.partial"
    partial.mkdir(parents=True)
    before = _read_manifest(home).get("partitions", {})
    marts = [
        row[0]
        for row in connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'marts' order by table_name"
        ).fetchall()
    ]
    partitions = {
        mart: write_partitions(
            connection,
            mart,
            partial,
            home.published / CURRENT,
            before.get(mart, {}),
            batch_rows,
        )
        for mart in marts
        if mart in PUBLISHED_BY_DATE
    }
    whole = [mart for mart in marts if mart not in PUBLISHED_BY_DATE]
    rows = {mart: _write_parquet(connection, mart, partial) for mart in whole}
    small = [mart for mart in whole if rows[mart] <= table_rows]
    large = [mart for mart in whole if rows[mart] > table_rows]
    connection.execute(f"attach {literal(partial / COPY)} as copy")
    # Each statement by itself would wait for the disk.
    connection.execute("begin")
    connection.execute("create schema copy.marts")
    for mart in small:
        connection.execute(f'create table copy.marts."{mart}" as from marts."{mart}"')
    connection.execute("commit")
    connection.execute("detach copy")
    # Opened by itself, as readers do: by that its views find their Parquet.
    with duckdb.connect(partial / COPY) as copy:
        copy.execute("begin")
        create_published_at(copy, context, now)
        _write_parquet(copy, "published_at", partial)
        by_date = {mart: one.columns for mart, one in partitions.items()}
        create_views(copy, partial, folder, by_date, large)
        create_previous_names(copy)
        describe(copy, home)
        copy.execute("commit")
    manifest = {
        "as_of": str(context.as_of),
        "made_of": made_of,
        "made_with": code_fingerprint(),
        "published_at": now.isoformat(),
        "files": {one.name: one.stat().st_size for one in partial.glob("*.*")},
        "partitions": {mart: one.kept for mart, one in partitions.items()},
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
    written = sum(one.written for one in partitions.values())
    linked = sum(one.linked for one in partitions.values())
    return (
        f"{len(marts)} marts in {home.published / CURRENT}; "
        f"days of fills and trips: {written} written, {linked} as before"
    )


def _write_parquet(
    connection: duckdb.DuckDBPyConnection, mart: str, folder: Path
) -> int:
    """How many rows it has."""
    file = literal(folder / f"{mart}.parquet")
    written = connection.execute(f'copy marts."{mart}" to {file} (format parquet)')
    return written.fetchall()[0][0]


def is_published(home: Home, made_of: str) -> datetime | None:
    """When these marts were published, by this code; None if it has to be done.

    Args:
        made_of: The id of the risk marts.
    """
    current, manifest = home.published / CURRENT, _read_manifest(home)
    same = made_of, code_fingerprint()
    if (manifest.get("made_of"), manifest.get("made_with")) != same:
        return None
    is_whole = have_sizes(current, manifest["files"]) and all(
        have_sizes(current / mart / f"{PUBLISHED_BY_DATE[mart]}={date}", one["files"])
        for mart, kept in manifest["partitions"].items()
        for date, one in kept["dates"].items()
    )
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
        if marts_of_today(marts_in(connection), "marts"):
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
    connection.execute(f"attach {literal(copy)} as previous (read_only)")
    there = marts_in(connection)
    kept = {mart: f'from previous.marts."{mart}"' for mart in there}
    connection.execute("create schema marts")
    for mart, query in (kept | marts_of_today(there, "previous.marts")).items():
        connection.execute(f'create view marts."{mart}" as {query}')
    return connection


def _read_manifest(home: Home) -> dict:
    """What the published copy says of itself; nothing if there is none to trust."""
    try:
        found = json.loads((home.published / CURRENT / MANIFEST).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _swap(published: Path, folder: Path) -> str | None:
    """Point `current` at `folder` in one step; the name it pointed at before."""
    link = published / CURRENT
    previous = os.readlink(link) if link.is_symlink() else None
    fresh = published / f".{CURRENT}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(folder.name)
    os.replace(fresh, link)
    return previous
