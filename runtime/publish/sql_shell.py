"""A small SQL shell on the published copy: read-only, also while a run writes."""

import re
import shutil
import sys
from collections.abc import Iterator

import duckdb

from runtime.errors import UserError
from runtime.home import Home
from runtime.publish.marts_copy import open_published

ROWS_SHOWN = 200
WIDTH_OF_A_FILE = 200


def run_sql(home: Home, statement: str | None) -> None:
    """Print what the statement returns; without one, those typed or piped in.

    Raises:
        UserError: Nothing is published, or a statement is wrong (one that was typed
            is told of, and the next one asked for).
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
    columns = shutil.get_terminal_size().columns
    width = columns if sys.stdout.isatty() else WIDTH_OF_A_FILE
    try:
        for statement in connection.extract_statements(text):
            result = connection.sql(statement.query)
            if result is not None:
                result.show(max_rows=ROWS_SHOWN, max_width=width)
    except (duckdb.Error, RuntimeError) as error:  # the latter: Ctrl-C
        raise UserError(" ".join(str(error).split("\n\n")[0].split())) from None


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
