"""How long ago the data was loaded, by what the sources' yml allows.

`dbt source freshness` asks the same of the same yml; to start dbt for one timestamp
takes seconds, on a morning that may have nothing else for it to do.
"""

from datetime import UTC, timedelta

import duckdb
import yaml

from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import EASTERN, utc_now
from runtime.settings import PROJECT_ROOT
from runtime.warehouse import open_warehouse

_YML = "dbt_project/models/staging/propreports/_propreports__sources.yml"


class StaleError(UserError):
    """The data is older than the sources' yml allows, or of unknown age."""


def check_freshness(home: Home) -> str:
    """When the data was loaded, as a sentence.

    Raises:
        StaleError: Longer ago than the sources' yml allows, or nobody knows when.
    """
    table, column, freshness = _source_with_freshness()
    try:
        with open_warehouse(home.warehouse, read_only=True) as connection:
            found = connection.execute(f"select max({column}) from {table}").fetchone()
    except duckdb.CatalogException:
        found = (None,)
    if found[0] is None:
        raise StaleError(
            f"Nobody knows when {home.warehouse} was loaded: {table} has no {column}. "
            "Run `make ingest`."
        )
    # Naive UTC, as ingestion writes it.
    loaded_at = found[0].replace(tzinfo=UTC)
    age = utc_now() - loaded_at
    at = loaded_at.astimezone(EASTERN)
    loaded = f"loaded {_in_words(age)} ago, at {at:%Y-%m-%d %H:%M} ET"
    late, stale = freshness["warn_after"], freshness["error_after"]
    if age > _allowed(stale):
        raise StaleError(
            f"The data is stale: {loaded}, more than {_said(stale)}. "
            "Run `make ingest`; if it fails, `make doctor` says why."
        )
    if age > _allowed(late):
        return f"WARNING: {loaded}, more than {_said(late)}"
    return loaded


def _source_with_freshness() -> tuple[str, str, dict[str, dict]]:
    """Table, its column of when it was loaded, and the limits of its age."""
    project = yaml.safe_load((PROJECT_ROOT / _YML).read_text("utf-8"))
    ((source, table),) = (
        (source, table)
        for source in project["sources"]
        for table in source["tables"]
        if "freshness" in table.get("config", {})
    )
    config = table["config"]
    return (
        f"{source['schema']}.{table['name']}",
        config["loaded_at_field"],
        config["freshness"],
    )


def _allowed(limit: dict) -> timedelta:
    return timedelta(**{f"{limit['period']}s": limit["count"]})


def _said(limit: dict) -> str:
    return f"{limit['count']} {limit['period']}{'s' if limit['count'] > 1 else ''}"


def _in_words(age: timedelta) -> str:
    hours, minutes = divmod(int(age.total_seconds()) // 60, 60)
    if hours >= 48:
        return f"{hours // 24} days {hours % 24} hours"
    return f"{hours} h {minutes} min"
