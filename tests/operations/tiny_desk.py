"""A desk of one account with a round trip a day, and its finished morning."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from runtime.home import Home
from tests.conftest import Run
from tests.exports import ExportedFill, Exports
from tests.in_process import call_daily

MONDAY = datetime(2025, 7, 7, 10)


def fills(days: int = 2, price: int = 6) -> list[ExportedFill]:
    """A round trip on each of so many days."""
    return [
        ExportedFill("DESK1", at, side, Decimal(9), Decimal(paid))
        for day in range(days)
        for at, side, paid in (
            (MONDAY + timedelta(days=day), "B", 5),
            (MONDAY + timedelta(days=day, minutes=1), "S", price),
        )
    ]


def do(home: Home, command: str, *arguments: str, **more: object) -> Run:
    """A command of the desk, whose exports lie beside its home."""
    exports = home.root.parent / "exports"
    given = {"SOURCE": "files", "FIRM": "desk", "EXPORTS": exports} | more
    return call_daily(command, *arguments, RISK_HOME=home.root, **given)


def run_tiny_desk(folder: Path) -> Run:
    """Its first morning, with its home and its exports in a folder."""
    Exports(folder / "exports").write(fills())
    return do(Home(folder / "home"), "run")


@dataclass(frozen=True)
class TinyMorning:
    """A finished morning, run once for all tests.

    Attributes:
        run: What it said.
    """

    folder: Path
    run: Run

    def copy_to(self, folder: Path) -> Home:
        """The same in a place of its own."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        return Home(folder / "home")
