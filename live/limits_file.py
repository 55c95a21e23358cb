"""Limits that the desk changes during the day, and a file of them that goes missing."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from live.last_night import read_opening
from live.opening import LimitInForce
from runtime.errors import UserError
from runtime.home import Home
from runtime.settings import Settings

_FILES = ("limits.csv", "traders.csv")


class LimitsFile:
    """Looks whether the desk's files of limits are what they were."""

    def __init__(self, settings: Settings, home: Home, session_date: date) -> None:
        self._settings = settings
        self._home = home
        self._session_date = session_date
        self._folder: Path = settings.desk or home.desk
        self._sign = self._signature()
        self._had = {name for name, sign in self._sign.items() if sign is not None}

    def has_changed(self) -> bool:
        """Whether a file was written, or has gone, since last asked."""
        sign = self._signature()
        changed, self._sign = sign != self._sign, sign
        self._had.update(name for name, one in sign.items() if one is not None)
        return changed

    def read(self) -> tuple[Sequence[LimitInForce] | None, str | None]:
        """Limits in force now, or None and why those of before still hold."""
        gone = [name for name in sorted(self._had) if self._sign[name] is None]
        if gone:
            return None, (
                f"{', '.join(gone)} is gone from {self._folder}: the limits read "
                "before still hold. Put it back."
            )
        try:
            opening = read_opening(self._settings, self._home, self._session_date)
        except UserError as error:
            return None, f"{error} The limits read before still hold."
        if opening.state.positions_date is None:
            return None, (
                f"{' '.join(opening.state.problems)} The limits read before still hold."
            )
        found = opening.limits
        if not found:
            return None, (
                f"{self._folder}/limits.csv sets no limit any more: the limits read "
                "before still hold until the live desk is started again."
            )
        return found, None

    def _signature(self) -> dict[str, tuple[int, int, int] | None]:
        found: dict[str, tuple[int, int, int] | None] = {}
        for name in _FILES:
            try:
                stat = (self._folder / name).stat()
                found[name] = stat.st_mtime_ns, stat.st_size, stat.st_ino
            except OSError:
                found[name] = None
        return found
