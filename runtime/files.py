"""Files that are whole or not there, and nobody else's to read."""

import ctypes
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

# No file that we keep and read whole comes near.
LARGEST_BYTES = 2**30
# Of renameat2: both names are of the working folder, and are exchanged.
_HERE, _EXCHANGE = -100, 2
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_private() -> None:
    """Create files 0600 and folders 0700 from now on, those of libraries as well."""
    os.umask(_OTHERS)


def open_to_others(path: Path) -> bool:
    """Whether anybody but its owner may read, write or enter what lies there."""
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except FileNotFoundError:
        return False


def have_sizes(folder: Path, sizes: Mapping[str, int]) -> bool:
    """Whether these files of a folder are there, each as many bytes long."""
    try:
        return all((folder / name).stat().st_size == sizes[name] for name in sizes)
    except OSError:
        return False


def swap_folders(new: Path, current: Path) -> None:
    """Put a folder in the place of another, which is never absent, and delete that.

    Where the file system cannot exchange two names, it is absent for a moment.
    """
    if not current.exists():
        os.replace(new, current)
        return
    names = _HERE, os.fsencode(new), _HERE, os.fsencode(current)
    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    if exchange is not None and exchange(*names, _EXCHANGE) == 0:
        shutil.rmtree(new, ignore_errors=True)
        return
    old = current.with_name(f".{current.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    os.replace(current, old)
    os.replace(new, current)
    shutil.rmtree(old, ignore_errors=True)


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file, all or nothing, and to the disk; its folder is made.

    Several processes may write it at once: the last one's content stays.

    Raises:
        OSError: The disk is full, or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name for each writer: a shared one is gone when the first of them ends.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
    try:
        with partial.open("xb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(partial, path)
    finally:
        # Nothing is left after an error; after a success nothing is there.
        partial.unlink(missing_ok=True)


class NotRegularError(OSError):
    """A folder, pipe, socket or device stands where a file should."""


def open_regular(path: Path) -> BinaryIO:
    """A file, open to be read; a pipe or device would hold the run for ever.

    Raises:
        NotRegularError: It is none.
        OSError: It is not there, or cannot be read.
    """
    # Without waiting for somebody to write into a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegularError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path) -> bytes:
    """The content of a file of ours; a pipe or device would hold the run for ever.

    Raises:
        OSError: It is not there, cannot be read, or is nothing that we wrote.
    """
    with open_regular(path) as handle:
        if os.fstat(handle.fileno()).st_size > LARGEST_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
        return handle.read(LARGEST_BYTES)
