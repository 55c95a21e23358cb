"""The engine as it was at some place of the journal, so that a start replays little.

A pickle in the session's own folder, which is nobody else's to write; it counts only
with its checksum, and if code and opening are those that wrote it. Else the whole
journal is replayed.
"""

import gc
import hashlib
import os
import pickle
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

from live.engine import Engine
from live.figures import OpeningState
from live.opening import Opening
from runtime.files import read_regular, write_atomic

_CODE = (
    "amounts", "books", "checkpoint", "day", "engine", "figures", "fills",
    "instruments", "opening", "paths", "reports", "valuation",
)  # fmt: skip


_MOST_FILES = 65_536
# The engine, and the highest number of each source in it.
Kept = tuple[Engine, dict[str, int]]


class CheckpointWriter:
    """Writes checkpoints beside the journal, one at a time.

    Attributes:
        problem: Why the last one could not be written; None if it was.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._child: int | None = None
        self.problem: str | None = None

    def begin(self, kept: Kept, opening: Opening, offset: int) -> None:
        """Have a copy of this process write it, which takes a second of its own.

        To pickle a million fills would stop the figures for as long. Nothing is done
        while the one before is being written.

        Args:
            offset: Of the journal, up to which its records are in the engine.
        """
        if not self._is_done():
            return
        with warnings.catch_warnings():
            # The copy takes no lock that another thread may have held: it writes a
            # file and ends.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child:
            self._child = child
            return
        try:
            # The journal's lock and the sources' connections are this process's alone.
            os.closerange(3, _MOST_FILES)
            # Figures come first, but a busy core must get it done as well.
            os.nice(5)
            gc.disable()
            _write(self._path, kept, opening, offset)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 1)
        finally:
            os._exit(1)

    def write(self, kept: Kept, opening: Opening, offset: int) -> None:
        """Write it now."""
        self._is_done(wait=True)
        try:
            _write(self._path, kept, opening, offset)
            self.problem = None
        except OSError as error:
            self.problem = os.strerror(error.errno or 0)

    def _is_done(self, *, wait: bool = False) -> bool:
        if self._child is None:
            return True
        child, status = os.waitpid(self._child, 0 if wait else os.WNOHANG)
        if not child:
            return False
        self._child = None
        code = os.waitstatus_to_exitcode(status)
        self.problem = os.strerror(code) if code > 0 else None
        return True


def _write(path: Path, kept: Kept, opening: Opening, offset: int) -> None:
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
