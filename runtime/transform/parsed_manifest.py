"""What dbt makes of the project's files, parsed once for every home and process.

A parse costs several seconds, and dbt repeats it for each new home, number of threads
or set of variables. Neither home nor threads are in its result: so it is kept beside
the project, under a name that is a hash of all that it is made from.
"""

import hashlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

# dbt's own folder for what it makes; nothing in it is a source.
_MADE = "target"
# Those of other versions of the project go, but for the latest few.
_KEPT = 6
# Options of a command that a parse depends on.
_OPTIONS = ("--vars", "--target", "--profile")


@dataclass(frozen=True)
class ParsedManifest:
    """Where the manifest of the project's files as they are now is kept.

    Attributes:
        options: Those of the command that a parse needs as well.
    """

    path: Path
    options: tuple[str, ...]

    @classmethod
    def of(cls, root: Path, arguments: tuple[str, ...]) -> "ParsedManifest":
        """The manifest of `root/dbt_project` for these options of a command."""
        options: list[str] = []
        for name, value in zip(arguments, arguments[1:], strict=False):
            if name in _OPTIONS:
                options += (name, value)
        name = f"manifest-{project_hash(root, options)}.msgpack"
        return cls(root / "dbt_project" / _MADE / name, tuple(options))

    def read(self) -> "Manifest | None":
        """A manifest of the caller's own, for dbt writes into it; None if not kept."""
        from dbt.contracts.graph.manifest import Manifest

        try:
            return Manifest.from_msgpack(self.path.read_bytes())
        except Exception:
            # Not there, or spoiled: a parse makes another one.
            return None

    def keep(self, manifest: "Manifest") -> None:
        """Keep it as it is now; where that is not possible, the next run parses."""
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(exist_ok=True)
            partial.write_bytes(manifest.to_msgpack())
            os.replace(partial, self.path)
            self._forget_older()
        except OSError:
            with suppress(OSError):
                partial.unlink()

    def _forget_older(self) -> None:
        kept = self.path.parent.glob("manifest-*.msgpack")
        for old in sorted(kept, key=lambda path: path.stat().st_mtime)[:-_KEPT]:
            old.unlink(missing_ok=True)


def project_hash(root: Path, options: Sequence[str] = ()) -> str:
    """Of everything that dbt reads of `root`, its version and flags included."""
    digest = hashlib.sha256()
    made_from = (
        sys.version,
        *(f"{name} {version(name)}" for name in ("dbt-core", "dbt-duckdb")),
        *options,
        # dbt takes flags from there, too.
        *(f"{key}={os.environ[key]}" for key in sorted(os.environ) if "DBT" in key),
    )
    for text in made_from:
        digest.update(text.encode() + b"\0")
    for path in _sources(root):
        content = path.read_bytes()
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:32]


def _sources(root: Path) -> list[Path]:
    """Every file that dbt may read, in a fixed order."""
    made = root / "dbt_project" / _MADE
    found = [root / "profiles.yml"]
    for path in (root / "dbt_project").rglob("*"):
        if path.is_file() and made not in path.parents:
            found.append(path)
    return sorted(found)
