"""Whether the marts are complete, as the warehouse itself knows.

Each stage of a morning leaves a row in `ops.stages`: who made it, and of what. The row
is written in the transaction that makes the work count; where that is no single one,
it says from the first on that the stage is not finished. Of the models dbt writes it
itself (macros/build_plan/record_stages.sql), so that a build by hand counts as well.
"""

import uuid
from collections.abc import Iterator
from typing import NamedTuple

import duckdb

from runtime.errors import UserError
from runtime.home import Home
from runtime.tables import Table
from runtime.warehouse import open_warehouse

INGEST, BUILD, SCORE, RISK = "ingest", "build", "score", "risk"
STAGES = Table(
    "ops.stages",
    {
        "stage": "varchar not null",
        # Names this one load, build or scoring.
        "id": "varchar not null",
        # The id of the stage before that it was made of.
        "made_of": "varchar",
        "is_finished": "boolean not null",
    },
)
# Each is made of the one before.
_WORDS = {
    INGEST: "the load",
    BUILD: "the build of the models",
    SCORE: "the scoring",
    RISK: "the build of the risk marts",
}


class _Stage(NamedTuple):
    id: str
    made_of: str | None
    is_finished: bool


def begin(connection: duckdb.DuckDBPyConnection, stage: str) -> None:
    """Say that a stage is in the making, until `finish`."""
    _replace(connection, stage, None, is_finished=False)


def finish(
    connection: duckdb.DuckDBPyConnection,
    stage: str,
    made_of: str | None = None,
    name: str | None = None,
) -> None:
    """Say that a stage is made anew, within the transaction that makes it.

    Args:
        made_of: The id of the stage before, from before it was read.
        name: Its own id; left out: one that no other has.
    """
    _replace(connection, stage, made_of, name, is_finished=True)


def is_finished(connection: duckdb.DuckDBPyConnection, stage: str) -> bool:
    """Whether a stage is made, of whatever."""
    found = _read(connection).get(stage)
    return found is not None and found.is_finished


def confirm(
    connection: duckdb.DuckDBPyConnection, stage: str, made_of: str | None
) -> None:
    """Say that what a stage has made is what it would make of this, too."""
    found = _read(connection).get(stage)
    if found is None or not found.is_finished or found.made_of != made_of:
        finish(connection, stage, made_of)


def complete(connection: duckdb.DuckDBPyConnection, stage: str) -> str | None:
    """The id of what a stage has made; None unless `require` lets it be read."""
    found = _read(connection)
    return None if next(_broken(found, stage), None) else found[stage].id


def _replace(
    connection: duckdb.DuckDBPyConnection,
    stage: str,
    made_of: str | None,
    name: str | None = None,
    *,
    is_finished: bool,
) -> None:
    connection.execute(f"delete from {STAGES.name} where stage = ?", [stage])
    connection.execute(
        f"insert into {STAGES.name} values (?, ?, ?, ?)",
        [stage, name or str(uuid.uuid4()), made_of, is_finished],
    )


def require(home: Home, stage: str) -> str:
    """Let nobody read what a stage makes unless it is complete, and of the load.

    Returns:
        The id of what it has made.

    Raises:
        UserError: It, or one before it, is half done, or made of an earlier one; or
            there is no warehouse.
    """
    if not home.warehouse.exists():
        raise UserError(f"{home.warehouse} holds nothing yet. Run `make daily` first.")
    with open_warehouse(home.warehouse, read_only=True) as connection:
        found = _read(connection)
    broken = next(_broken(found, stage), None)
    if broken is None:
        return found[stage].id
    which, how = broken
    # What the stage itself can fix needs no whole morning.
    command = which if which == stage else "daily"
    raise UserError(
        f"The marts in {home.root} are partially rebuilt: {_WORDS[which]} {how}. Run "
        f"`make {command}{as_of_setting(home)}`. The published copy and the reports on "
        "disk are unchanged."
    )


def _broken(found: dict[str, _Stage], last: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a stage, the first one first."""
    before = None
    for stage in _WORDS:
        here = found.get(stage)
        if here is None:
            yield stage, "is not recorded: it is yet to be done by this version"
        elif not here.is_finished:
            yield stage, "was begun and not finished"
        elif before is not None and here.made_of != found[before].id:
            yield stage, f"is older than {_WORDS[before]}"
        if stage == last:
            return
        before = stage


def as_of_setting(home: Home) -> str:
    """What else a command needs for the home of a past morning."""
    return f" AS_OF={home.root.name}" if home.root.parent.name == "as_of" else ""


def _read(connection: duckdb.DuckDBPyConnection) -> dict[str, _Stage]:
    try:
        found = connection.execute(
            f"select stage, id, made_of, is_finished from {STAGES.name}"
        ).fetchall()
    except duckdb.CatalogException:
        # A warehouse of before.
        return {}
    return {stage: _Stage(*values) for stage, *values in found}
