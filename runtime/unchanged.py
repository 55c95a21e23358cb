"""Whether a stage of the morning would make what is there already.

Then it is skipped, its tests with it: they have passed on the very same rows. A stage
is the same if it was made of the same load (`runtime.build_chain`), by the same code,
of the same tables of the stages beside it, and if what it made is still there.
"""

import hashlib
from datetime import UTC, datetime
from functools import cache

import duckdb

from runtime.build_chain import BUILD, RISK, SCORE, complete
from runtime.home import Home
from runtime.sessions import EASTERN, naive_utc_now
from runtime.settings import PROJECT_ROOT
from runtime.tables import Table, rows_hash_sql
from runtime.transform.parsed_manifest import project_hash
from runtime.versions import code_digest
from runtime.warehouse import open_warehouse

STAGE_FINGERPRINTS = Table(
    "ops.stage_fingerprints",
    {
        "stage": "varchar not null",
        # Of `ops.stages`: what somebody made since has another one.
        "id": "varchar not null",
        "fingerprint": "varchar not null",
        "finished_at": "timestamp not null",
        "message": "varchar not null",
        # Tables and views that it made.
        "relations": "varchar[] not null",
    },
    primary_key=("stage",),
)
# What a stage reads that is no part of the load, and has no id of its own. The log of
# runs is left out: it has a line more after each of them.
_READ = {
    BUILD: (),
    SCORE: ("ml.*",),
    RISK: ("ml.*", "ops.limit_*", "ops.live_*"),
}


def unchanged(home: Home, stage: str, *of: str) -> str | None:
    """What was made when, as a sentence; None if the stage has to make it (anew).

    Args:
        of: What else decides what it makes.
    """
    with open_warehouse(home.warehouse, read_only=True) as connection:
        stage_id = complete(connection, stage)
        try:
            found = connection.execute(
                "select fingerprint, finished_at, message, relations "
                f"from {STAGE_FINGERPRINTS.name} where stage = ? and id = ?",
                [stage, stage_id],
            ).fetchone()
        except duckdb.CatalogException:
            # A warehouse of before.
            return None
        if found is None or found[0] != _fingerprint(connection, stage, found[3], of):
            return None
    return f"{unchanged_since(found[1].replace(tzinfo=UTC))}: {found[2]}"


def unchanged_since(made_at: datetime) -> str:
    """The beginning of the sentence of a step that is skipped."""
    return f"nothing has changed since {made_at.astimezone(EASTERN):%Y-%m-%d %H:%M} ET"


def remember(
    home: Home, stage: str, relations: list[str], message: str, *of: str
) -> None:
    """Keep of what a stage has just made these tables and views, tested.

    Args:
        relations: Those of dbt's schemas that it made.
        message: What it made, for people.
        of: As `unchanged`.
    """
    with open_warehouse(home.warehouse) as connection:
        stage_id = complete(connection, stage)
        if stage_id is None:
            return
        connection.execute(
            f"insert or replace into {STAGE_FINGERPRINTS.name} "
            "values (?, ?, ?, ?, ?, ?)",
            [
                stage,
                stage_id,
                _fingerprint(connection, stage, relations, of),
                naive_utc_now(),
                message,
                relations,
            ],
        )


@cache
def code_fingerprint() -> str:
    """Names the code and libraries that build and publish the marts.

    Once a process, before anything is built: what is saved meanwhile is not in it.
    """
    files = sorted((PROJECT_ROOT / "runtime").rglob("*.py"))
    return project_hash(PROJECT_ROOT) + code_digest(files, "duckdb")


def _fingerprint(
    connection: duckdb.DuckDBPyConnection,
    stage: str,
    relations: list[str],
    of: tuple[str, ...],
) -> str:
    parts = [code_fingerprint(), *of]
    for pattern in _READ[stage]:
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where schema_name || '.' || table_name glob ? order by all",
            [pattern],
        ).fetchall()
        for (table,) in tables:
            found = connection.execute(f"select {rows_hash_sql(table)}").fetchall()
            parts.append(f"{table} {found[0][0]}")
    # What a person dropped, emptied or added to by hand is made again.
    parts += map(
        str,
        connection.execute(
            "with relations as (select schema_name, table_name, estimated_size "
            "from duckdb_tables() union all "
            "select schema_name, view_name, 0 from duckdb_views()) "
            "select * from relations where table_name in (select unnest(?)) "
            "and schema_name in ('staging', 'intermediate', 'marts') order by all",
            [relations],
        ).fetchall(),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
