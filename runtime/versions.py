"""Which code and libraries a run is of."""

import subprocess
import sys
from functools import cache
from importlib import metadata

from runtime.settings import PROJECT_ROOT

LIBRARIES = ("dbt-core", "dbt-duckdb", "dlt", "duckdb", "lightgbm")


@cache
def code_commit() -> str | None:
    """The commit of the code; None where it does not lie in a git checkout."""
    command = ["git", "-C", str(PROJECT_ROOT), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None


@cache
def versions() -> str:
    """Code, Python and the libraries that results rest on, in one line."""
    found = {"python": sys.version.split()[0]}
    found |= {name: metadata.version(name) for name in LIBRARIES}
    code = (code_commit() or "unknown")[:10]
    return ", ".join([f"code {code}", *(f"{k} {v}" for k, v in found.items())])
