"""Which code and libraries a run is of."""

import hashlib
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

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


def code_digest(files: Iterable[Path], *libraries: str) -> str:
    """Names what files hold, in this order, and the versions of libraries."""
    digest = hashlib.sha256()
    for library in libraries:
        digest.update(metadata.version(library).encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()
