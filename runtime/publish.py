"""Publishes the marts as a read-only copy, swapped in at once.

While a run writes the warehouse nobody can read it, so analysts read this copy:
`published/current/risk.duckdb` and `published/current/<mart>.parquet`.
"""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from runtime.home import Home
from runtime.warehouse import open_warehouse, read_run_context

CURRENT = "current"


def publish(home: Home) -> str:
    """Copy every mart, then swap; the copy before stays. A sentence for people."""
    context = read_run_context(home)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    folder = home.published / f"{context.as_of}-{stamp}"
    partial = home.published / f".{folder.name}.partial"
    partial.mkdir(parents=True)
    with open_warehouse(home.warehouse) as connection:
        marts = [
            row[0]
            for row in connection.execute(
                "select table_name from information_schema.tables "
                "where table_schema = 'marts' order by table_name"
            ).fetchall()
        ]
        copy = str(partial / "risk.duckdb").replace("'", "''")
        connection.execute(f"attach '{copy}' as copy")
        connection.execute("create schema copy.marts")
        for mart in marts:
            parquet = str(partial / f"{mart}.parquet").replace("'", "''")
            connection.execute(
                f'create table copy.marts."{mart}" as from marts."{mart}"'
            )
            connection.execute(f"copy marts.\"{mart}\" to '{parquet}' (format parquet)")
        connection.execute("detach copy")
    (partial / "risk.duckdb").chmod(0o444)
    os.replace(partial, folder)
    previous = _swap(home.published, folder)
    for old in home.published.iterdir():
        if old.name not in (CURRENT, folder.name, previous):
            shutil.rmtree(old, ignore_errors=True)
    return f"{len(marts)} marts in {home.published / CURRENT}"


def _swap(published: Path, folder: Path) -> str | None:
    """Point `current` at `folder` in one step; the name it pointed at before."""
    link = published / CURRENT
    previous = os.readlink(link) if link.is_symlink() else None
    fresh = published / f".{CURRENT}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(folder.name)
    os.replace(fresh, link)
    return previous
