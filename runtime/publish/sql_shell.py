"""A small SQL shell on the published copy: read-only, also while a run writes."""

import re
import sys
from collections.abc import Iterator

import duckdb

from runtime.errors import UserError
from runtime.home import Home
from runtime.publish.marts_copy import open_published
from runtime.terminal import UNKNOWN, table

ROWS_SHOWN = 200
NOTHING = duckdb.ExpectedResultType.NOTHING


def run_sql(home: Home, statement: str | None) -> None:
    """Print what the statement returns; without one, those typed or piped in.

    Raises:
        UserError: Nothing is published, or a statement is wrong (one that was typed
            is shown, and the next one asked for).
    """
    with open_published(home) as connection:
        if statement or not sys.stdin.isatty():
            _answer(connection, statement or sys.stdin.read())
            return
        print(
            f"{home.published}, read-only. End a statement with ;  \\q or Ctrl-D ends."
        )
        for typed in _typed_statements():
            try:
                _answer(connection, typed)
            except UserError as error:
                print(f"error: {error}")


def _answer(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    # So that a file of dbt_project/analyses runs as it is.
    text = re.sub(r"{#.*?#}", "", text, flags=re.DOTALL)
    text = re.sub(r"{{ *ref\(['\"](\w+)['\"]\) *}}", r"marts.\1", text)
    try:
        for statement in connection.extract_statements(text):
            connection.execute(statement)
            if NOTHING not in statement.expected_result_type:
                print("\n".join(_lines(connection)), end="\n\n")
    except (duckdb.Error, RuntimeError) as error:  # the latter: Ctrl-C
        raise UserError(_in_words(str(error))) from None


def _lines(connection: duckdb.DuckDBPyConnection) -> list[str]:
    described = connection.description or []
    heads = tuple(_head(name, str(kind)) for name, kind, *_ in described)
    rows = connection.fetchmany(ROWS_SHOWN + 1)
    lines = table(
        [heads, *(tuple(map(_cell, row)) for row in rows[:ROWS_SHOWN])],
        optional=heads[:0:-1],
    )
    if not rows:
        lines.append("  (no rows)")
    if len(rows) > ROWS_SHOWN:
        lines.append(
            f"  The first {ROWS_SHOWN} rows. All of them: copy (select ...) to "
            "'rows.csv'"
        )
    return lines


def _head(name: str, kind: str) -> str:
    """Its name, and the zone of naive times, as every mart has them."""
    if kind != "TIMESTAMP" or not name.endswith(("_at", "_at_et")):
        return name
    return f"{name} ({'ET' if name.endswith('_et') else 'UTC'})"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return UNKNOWN if value is None else str(value)


def _in_words(error: str) -> str:
    """In one line what is wrong, and in which line of a longer text."""
    what, *shown = error.split("\n\n")
    if "read-only mode" in what and "Cannot execute" in what:
        return "The published copy is read-only: only queries are answered."
    line = re.search(r"^LINE (\d+): ", "\n".join(shown), re.MULTILINE)
    where = f" (line {line[1]})" if line else ""
    return " ".join(what.split()) + where


def _typed_statements() -> Iterator[str]:
    """What is typed, up to each semicolon; Ctrl-C drops what was begun."""
    import readline  # noqa: F401  (gives input() its history)

    typed = ""
    while typed.strip() != "\\q":
        try:
            typed += input("   ...> " if typed else "risk> ") + "\n"
        except KeyboardInterrupt:
            print()
            typed = ""
        except EOFError:
            print()
            return
        if typed.rstrip().endswith(";"):
            yield typed
            typed = ""
        elif not typed.strip():
            typed = ""
