"""The engine as it was at some place of the journal, so that a start replays little.

A pickle in the session's own folder, which is nobody else's to write; it counts only
with its checksum, and if code and opening are those that wrote it. Else the whole
journal is replayed.
"""

import hashlib
import pickle
import zlib
from dataclasses import replace
from pathlib import Path

from live.engine import Engine
from live.figures import OpeningState
from live.opening import Opening
from runtime.files import read_regular, write_atomic

_CODE = (
    "amounts", "books", "checkpoint", "engine", "figures", "fills", "instruments",
    "opening", "paths", "reports",
)  # fmt: skip


# The engine, and the highest number of each source in it.
Kept = tuple[Engine, dict[str, int]]


def write_checkpoint(path: Path, kept: Kept, opening: Opening, offset: int) -> None:
    """Keep the engine beside the journal.

    Args:
        offset: Of the journal, up to which its records are in the engine.

    Raises:
        OSError: The disk is full: there is none then, or the one before.
    """
    content = pickle.dumps((offset, kept), protocol=5)
    head = f"{_made_of(opening)} {zlib.crc32(content):08x}\n".encode()
    write_atomic(path, head + content)


def read_checkpoint(path: Path, opening: Opening) -> tuple[int, Kept] | None:
    """The offset and what was kept; None if there is none that counts."""
    try:
        head, _, content = read_regular(path).partition(b"\n")
    except OSError:
        return None
    made_of, _, checksum = head.decode("ascii", "replace").partition(" ")
    if made_of != _made_of(opening) or checksum != f"{zlib.crc32(content):08x}":
        return None
    offset, kept = pickle.loads(content)
    return offset, kept


def _made_of(opening: Opening) -> str:
    """Changes with code that reads or writes what is kept, and with the opening."""
    # The same night published once more is the same opening.
    state = OpeningState(opening.state.session_date, None, None, False, ())
    found = hashlib.sha256(repr(replace(opening, state=state)).encode())
    for name in _CODE:
        found.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return found.hexdigest()
