"""Folders of ours that say themselves whether they are as they were written."""

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from runtime.files import read_regular

SUMS = "SHA256SUMS"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")


class DamagedError(Exception):
    """A folder is not as it was written; the text names the file."""


def write_sealed(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder, all or nothing, and to the disk, with the digests of its files.

    What stood under its name is gone, whatever it was; so is what a killed run left
    beside it, for one process at a time writes here.

    Raises:
        OSError: The disk is full, or the folder cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(".*.partial"):
        remove(left)
    partial = folder.with_name(f".{folder.name}.partial")
    partial.mkdir()
    try:
        for name, content in {**files, SUMS: _sums(folder, files)}.items():
            with (partial / name).open("xb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
        _sync(partial)
        remove(folder)
        os.replace(partial, folder)
        _sync(folder.parent)
    finally:
        # Nothing is left after an error; after a success nothing is there.
        shutil.rmtree(partial, ignore_errors=True)


def read_sealed(folder: Path) -> dict[str, bytes]:
    """Content of each file by its name, once all of them are as they were written.

    Raises:
        DamagedError: One is not, or is missing, or the folder is another's.
    """
    sums = _read(folder / SUMS)
    files: dict[str, bytes] = {}
    for line in sums.decode(errors="replace").splitlines()[1:]:
        digest, _, name = line.partition("  ")
        # A name is never a path, and what is no name of ours is not repeated.
        if not _NAME.fullmatch(name):
            break
        files[name] = _read(folder / name)
        if _digest(files[name]) != digest:
            raise DamagedError(f"{name} is not as it was saved")
    if sums != _sums(folder, files):
        raise DamagedError(f"{SUMS} is not as it was saved")
    return files


def remove(path: Path) -> None:
    """Delete a file or a folder, or nothing if nothing is there; never through a link.

    Raises:
        OSError: It cannot be deleted.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sums(folder: Path, files: Mapping[str, bytes]) -> bytes:
    """As `sha256sum --check` reads them, below a line that it passes by.

    It says whose they are and how many: no folder stands in for another, and no line
    is lost unseen.
    """
    lines = [f"{_digest(files[name])}  {name}" for name in sorted(files)]
    return "\n".join([f"# {len(lines)} files of {folder.name}", *lines, ""]).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        raise DamagedError(f"{path.name} cannot be read ({error.strerror})") from None


def _sync(folder: Path) -> None:
    """Names of a folder's files reach the disk apart from what is in them."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
