"""Brings a warehouse of an earlier version to the present one: all of it, or nothing.

Every schema has a version: `raw` in its run context, `ml` and `ops` in
`ops.schema_versions`. A copy of the file is made first, and what is missing is done in
one transaction: if it fails, or is killed, the warehouse is as it was.
"""

import os
import shutil
from pathlib import Path

import duckdb

from ingestion.downstream import SCHEMA_VERSIONS, VERSIONS
from ingestion.migrations import MIGRATIONS, Migration
from runtime.errors import UserError
from runtime.home import Home
from runtime.limits import free_disk_space, is_out_of_resources, size
from runtime.logs import steps_log
from runtime.tables import prepare_tables
from runtime.warehouse import (
    RAW_LAYOUT,
    RUN_CONTEXT,
    newer_than_code,
    open_warehouse,
    raw_layout,
)

# What a schema is of that nobody has given a version yet.
_FIRST = 1
# Beside the copy, for what the migrations write anew.
_ROOM = 2


def upgrade(home: Home) -> str | None:
    """Bring the warehouse of `home` up, if it is of an earlier version.

    Returns:
        What was done, in a sentence; None if nothing was missing.

    Raises:
        UserError: It is newer than the code, or something failed; it is as it was.
    """
    if not home.warehouse.exists():
        return None
    with open_warehouse(home.warehouse, read_only=True) as connection:
        versions = schema_versions(connection)
    known = {"raw": RAW_LAYOUT} | VERSIONS
    for schema, version in versions.items():
        if version > known.get(schema, 0):
            raise newer_than_code(home, schema, version, known.get(schema, 0))
    missing = [
        one
        for one in MIGRATIONS
        if one.schema in versions and versions[one.schema] < one.version
    ]
    if not missing:
        return None
    copy = _copy(home)
    with open_warehouse(home.warehouse) as connection:
        try:
            _apply(connection, missing)
        except duckdb.Error as error:
            copy.unlink()
            reason = " ".join(str(error).split())[:300]
            how_to_fix = (
                "Make room, and run `make upgrade` again."
                if is_out_of_resources(str(error))
                else "Go back to the version of the project that wrote it."
            )
            raise UserError(
                f"{home.warehouse} could not be upgraded ({reason}); it is unchanged. "
                f"{how_to_fix}"
            ) from None
    steps = ", ".join(f"{one.schema} {one.version}" for one in missing)
    sentence = f"upgraded to {steps}; a copy from before is {copy}"
    steps_log.info("%s: %s", home.warehouse, sentence)
    return sentence


def schema_versions(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The version of each schema that a warehouse has."""
    tables = connection.execute(
        "select distinct schema_name, table_name from duckdb_tables()"
    ).fetchall()
    found = {schema: _FIRST for schema in ("ml", "ops") if schema in dict(tables)}
    if tuple(SCHEMA_VERSIONS.name.split(".")) in tables:
        found |= dict(
            connection.execute(
                f"select schema_name, version from {SCHEMA_VERSIONS.name}"
            ).fetchall()
        )
    layout = raw_layout(connection)
    return found if layout is None else {"raw": layout} | found


def _apply(connection: duckdb.DuckDBPyConnection, missing: list[Migration]) -> None:
    connection.execute("begin")
    for one in missing:
        one.apply(connection)
        if one.schema == "raw":
            connection.execute(f"update {RUN_CONTEXT} set layout = {one.version}")
        else:
            prepare_tables(connection, [SCHEMA_VERSIONS])
            connection.execute(
                f"insert or replace into {SCHEMA_VERSIONS.name} values (?, ?)",
                [one.schema, one.version],
            )
    connection.execute("commit")


def _copy(home: Home) -> Path:
    """A copy of the warehouse's file, whole or not there; it replaces the last one."""
    copy, partial = home.before_upgrade, home.before_upgrade.with_suffix(".partial")
    # What a run that died has left in the log beside the file goes into it.
    with open_warehouse(home.warehouse) as connection:
        connection.execute("checkpoint")
    needed = _ROOM * home.warehouse.stat().st_size
    partial.unlink(missing_ok=True)
    if free_disk_space(home.root) < needed:
        raise UserError(
            f"Upgrading {home.warehouse} needs {size(needed)} free: for a copy, and "
            "what is rewritten. Make room, and run `make upgrade`; it is unchanged."
        )
    shutil.copyfile(home.warehouse, partial)
    shutil.copymode(home.warehouse, partial)
    with partial.open("rb") as handle:
        os.fsync(handle.fileno())
    os.replace(partial, copy)
    return copy
