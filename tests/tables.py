"""Compares the tables of two warehouses, inside DuckDB."""

from pathlib import Path

import duckdb

# The plan of a build and the record of its run, which no other run repeats.
_OF_A_RUN = (
    "table_name like 'int_planned%' or table_name in "
    "('int_days_of_changed_rates', 'run_context', 'run_ledger')"
)
_OF_DLT = r"table_name like '%\_dlt%' escape '\'"


def differing(
    one: Path,
    other: Path,
    schemas: tuple[str, ...] = ("raw", "ml", "intermediate", "marts"),
    *,
    but: tuple[str, ...] = (),
) -> dict[str, list[tuple]]:
    """Tables whose rows are not the same in both, with a few that only one has.

    Args:
        one: A file of DuckDB, as `other`.
        schemas: Which to compare, but for dlt's tables and those of a run.
        but: Columns that may differ.

    Returns:
        Rows by table; no rows for a table that the other file lacks.
    """
    with duckdb.connect() as connection:
        for name, path in (("one", one), ("other", other)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        tables: dict[str, set[str]] = {
            name: {
                table
                for (table,) in connection.execute(
                    "select schema_name || '.' || table_name from duckdb_tables() "
                    "where database_name = ? and list_contains(?, schema_name) "
                    f"and not ({_OF_A_RUN} or {_OF_DLT})",
                    [name, list(schemas)],
                ).fetchall()
            }
            for name in ("one", "other")
        }
        common = tables["one"] & tables["other"]
        assert len(common) > 40
        kept = f"columns(lambda name: name not in {but})" if but else "*"
        found = {
            table: connection.execute(
                f"(select {kept} from one.{table} "
                f"except all select {kept} from other.{table}) union all "
                f"(select {kept} from other.{table} "
                f"except all select {kept} from one.{table}) limit 4"
            ).fetchall()
            for table in common
        }
    alone = dict.fromkeys(tables["one"] ^ tables["other"], [])
    return {table: some for table, some in found.items() if some} | alone
