"""How large everything is, and what was forecast last: readable answers."""

import os
from pathlib import Path

import duckdb

from reports.summary import LEVELS
from reports.words import share
from runtime.build_chain import as_of_setting
from runtime.errors import UserError
from runtime.home import Home
from runtime.limits import free_disk_space, size
from runtime.publish.marts_copy import open_published, require_published
from runtime.terminal import dollars, table
from runtime.transform.build_state import PUBLISHED_BY_DATE
from runtime.warehouse import open_warehouse

LARGEST_SHOWN = 10
_TABLES = """
    select database_name, schema_name, table_name, estimated_size, (
        select count(*) from duckdb_columns() as columns
        where columns.table_oid = tables.table_oid
    ) as columns_count
    from duckdb_tables() as tables
    where not internal and schema_name not like 'raw_staging%'
"""


def stats(home: Home) -> str:
    """Sizes on disk, rows by schema, the largest tables, and what they reach over."""
    lines = table([("on disk", "size", "path"), *_sizes(home)])
    if not home.warehouse.exists():
        return "\n".join(
            [*lines, "", f"No warehouse yet: run `make daily{as_of_setting(home)}`."]
        )
    try:
        # Between two steps of a run the file is free, and must stay so for the next.
        if (holder := home.lock_holder()) is not None:
            raise UserError(f"A run is writing the warehouse (process {holder}).")
        with open_warehouse(home.warehouse, read_only=True) as connection:
            lines += ["", f"In {home.warehouse}", *_inside(connection)]
    except UserError as error:
        lines += ["", str(error)]
        try:
            with open_published(home) as connection:
                lines += ["", "In the published copy", *_inside(connection)]
        except UserError as missing:
            lines += [str(missing)]
    return "\n".join(lines)


def predictions(home: Home) -> str:
    """The latest forecasts as a table, most at risk first.

    Raises:
        UserError: The copy is not of the marts as they are, and nobody is making them.
    """
    if home.lock_holder() is None:
        require_published(home)
    with open_published(home) as connection:
        as_of, day = connection.execute(
            "select (select max(as_of_date) from published_at), max(prediction_date) "
            "from risk_calls"
        ).fetchall()[0]
        rows = connection.execute(
            """
            select trader_id, limit_risk, limit_loss_probability,
                daily_loss_limit_amount, is_limit_set, predicted_pnl, risk_level,
                predicted_pnl_p05, predicted_pnl_p95, loss_probability,
                position_multiplier, breach_model,
                coalesce(split_part(limit_reason, ';', 1), recommendation)
            from risk_calls
            where prediction_date = (select max(prediction_date) from risk_calls)
            order by list_position(?, limit_risk),
                limit_loss_probability desc nulls last, trader_id
            """,
            [list(LEVELS)],
        ).fetchall()
    if not rows:
        return (
            f"As of the morning of {as_of} there is no forecast: no trader traded "
            "lately."
        )
    head = ("trader", "limit risk", "P(breach)", "limit $", "expected $", "P&L level",
            "5 % $", "95 % $", "P(loss)", "size", "model", "reason")  # fmt: skip
    cells = [
        (
            trader,
            level,
            "" if breach is None else share(breach, 1),
            dollars(limit) + ("" if is_set else "*"),
            dollars(pnl),
            pnl_level,
            *map(dollars, (low, high)),
            "" if loss is None else share(loss, 0),
            "" if size is None else f"{size:g}",
            model or "",
            why or "",
        )
        for (
            trader, level, breach, limit, is_set, pnl, pnl_level, low, high, loss, size,
            model, why,
        ) in rows
    ]  # fmt: skip
    title = f"Forecasts for {day}, as of the morning of {as_of}"
    optional = ("model", "size", "P(loss)", "P&L level", "95 % $", "5 % $")
    lines = [title, *table([head, *cells], optional)]
    if not all(row[4] for row in rows):
        lines += ["", "* The default: the desk has set no limit (limits.csv)."]
    return "\n".join(lines)


def _sizes(home: Home) -> list[tuple[str, str, str]]:
    places = {
        "warehouse": home.warehouse,
        "published": home.published,
        "models": home.models,
        "reports": home.reports,
        "board": home.board,
        "lineage site": home.docs,
        "logs": home.logs,
        "outbox": home.outbox,
        "past mornings": home.root / "as_of",
    }
    found = [
        (name, size(_size(path)), str(path))
        for name, path in places.items()
        if path.exists()
    ]
    return [*found, ("free", size(free_disk_space(home.root)), str(home.root))]


def _size(path: Path) -> int:
    """Bytes of a file or folder; what is linked twice counts once."""
    if path.is_file():
        return path.stat().st_size
    found = {}
    for folder, _, files in os.walk(path):
        for name in files:
            about = os.lstat(os.path.join(folder, name))
            found[about.st_ino] = about.st_size
    return sum(found.values())


def _inside(connection: duckdb.DuckDBPyConnection) -> list[str]:
    tables = [
        *(row[1:] for row in connection.execute(_TABLES).fetchall()),
        *_partitioned(connection),
    ]
    schemas: dict[str, list[int]] = {}
    for schema, _, rows, _ in tables:
        counts = schemas.setdefault(schema, [0, 0])
        counts[0] += 1
        counts[1] += rows
    sizes = _schema_bytes(connection)
    largest = sorted(tables, key=lambda row: -row[2])[:LARGEST_SHOWN]
    is_marts = connection.execute(
        "select count(*) from information_schema.tables "
        "where table_schema = 'marts' and table_name = 'daily_totals'"
    ).fetchall()[0][0]
    return [
        *table(
            [("schema", "tables", "rows", "about")]
            + [
                (name, f"{n}", f"{rows:,}", size(sizes.get(name, 0)))
                for name, (n, rows) in sorted(schemas.items())
            ]
        ),
        "",
        *table(
            [("largest tables", "rows", "columns")]
            + [(f"{a}.{b}", f"{rows:,}", f"{n}") for a, b, rows, n in largest]
        ),
        *(["", *_reach(connection)] if is_marts else []),
    ]


def _partitioned(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    """Marts that the published copy holds as Parquet, with a view on it."""
    views = connection.execute(
        "select schema_name, view_name, column_count from duckdb_views() "
        "where database_name = current_database() and schema_name = 'marts' "
        "and (contains(sql, 'read_parquet') or view_name in (select unnest(?)))",
        [list(PUBLISHED_BY_DATE)],
    ).fetchall()
    counted = []
    for schema, view, columns in views:
        query = f"select count(*) from {schema}.{view}"
        rows = connection.execute(query).fetchall()[0][0]
        counted.append((schema, view, rows, columns))
    return counted


def _schema_bytes(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """What the blocks take in which a schema's tables lie; small tables share them."""
    blocks: dict[str, set[int]] = {}
    for database, schema, name, *_ in connection.execute(_TABLES).fetchall():
        found = connection.execute(
            "select distinct block_id from pragma_storage_info(?) where persistent",
            [f'"{database}"."{schema}"."{name}"'],
        ).fetchall()
        blocks.setdefault(schema, set()).update(row[0] for row in found)
    size = connection.execute("select max(block_size) from pragma_database_size()")
    each = size.fetchall()[0][0]
    return {schema: len(ids) * each for schema, ids in blocks.items()}


def _reach(connection: duckdb.DuckDBPyConnection) -> list[str]:
    first, last, days, accounts, traders = connection.execute(
        "select min(trade_date), max(trade_date), count(*), "
        "count(distinct account_id), count(distinct trader_id) from marts.daily_totals"
    ).fetchall()[0]
    versions, corrected = connection.execute(
        "select count(*), count(*) filter (where version_number > 1) "
        "from marts.fill_day_versions"
    ).fetchall()[0]
    return [
        f"{days:,} account-days of {accounts} accounts and {traders} traders, "
        f"{first} to {last}",
        f"{versions:,} versions of account-days, {corrected:,} of them corrections",
    ]
