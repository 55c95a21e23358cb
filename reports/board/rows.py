"""Rows of the published marts as JSON has them, each query once for all traders."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from runtime.warehouse import rows_of

Row = dict[str, Any]


def rows(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Iterable[object] = ()
) -> list[Row]:
    """The rows of a query as JSON has them: dates as text, amounts as numbers."""
    found = rows_of(connection, sql, parameters)
    return [{name: plain(value) for name, value in row.items()} for row in found]


def by_trader(found: list[Row]) -> dict[str, list[Row]]:
    """Rows of each trader, in their order."""
    parts: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        parts[row["trader_id"]].append(row)
    return parts


def pivoted(
    found: list[Row], keys: tuple[str, ...], name: str, value: str
) -> tuple[list[Row], list[str]]:
    """One row for each key, a column for each name, 0 where there is no value.

    Returns:
        The rows, and the names in the order in which they came.
    """
    names = list(dict.fromkeys(row[name] for row in found))
    wide: dict[tuple, Row] = {}
    for row in found:
        key = tuple(row[one] for one in keys)
        filled = dict(zip(keys, key, strict=True)) | dict.fromkeys(names, 0)
        wide.setdefault(key, filled)[row[name]] = row[value]
    return list(wide.values()), names


def plain(value: object) -> object:
    """A value as JSON has it."""
    # The commonest first: a large desk has millions of values.
    if isinstance(value, float):
        return None if value != value else round(value, 4)
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        return round(float(value), 2)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else value
