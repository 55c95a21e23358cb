"""Files that are whole or not there."""

import os
import secrets
from pathlib import Path


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
