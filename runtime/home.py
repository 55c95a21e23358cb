"""Where a run writes: every path under one folder, and the lock on that folder."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TextIO

from runtime.errors import UserError

# How long a process that has taken the lock may take to write its number into it.
LOCK_NAMES_ITSELF_WITHIN_SECONDS = 1.0


@dataclass(frozen=True)
class Home:
    """The folder of one warehouse: `RISK_HOME`, or `RISK_HOME/as_of/<date>`."""

    root: Path

    @property
    def warehouse(self) -> Path:
        """The DuckDB file all schemas live in."""
        return self.root / "risk.duckdb"

    @property
    def before_upgrade(self) -> Path:
        """The warehouse as it was before the last upgrade of it."""
        return self.root / "risk.before_upgrade.duckdb"

    @property
    def models(self) -> Path:
        """Trained models, one folder per version."""
        return self.root / "models"

    @property
    def walk_forward(self) -> Path:
        """Predictions of past days by models of their time, kept from run to run."""
        return self.root / "models" / "walk_forward"

    @property
    def backtest(self) -> Path:
        """The last backtest's page and figures."""
        return self.root / "backtest"

    @property
    def desk(self) -> Path:
        """The desk's own files, where DESK names no other folder."""
        return self.root / "desk"

    @property
    def limits(self) -> Path:
        """Limits for trading platforms: their ledger, and a folder for each session."""
        return self.root / "limits"

    @property
    def live(self) -> Path:
        """Sessions of the live desk, a folder each: journal, checkpoint, quarantine."""
        return self.root / "live"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.root / "logs"

    @property
    def reports(self) -> Path:
        """Reports, one folder per AS_OF date."""
        return self.root / "reports"

    @property
    def outbox(self) -> Path:
        """Mails: waiting here, then moved to `outbox/sent`."""
        return self.root / "outbox"

    @property
    def published(self) -> Path:
        """Read-only copies of the marts."""
        return self.root / "published"

    @property
    def docs(self) -> Path:
        """The lineage site."""
        return self.root / "docs"

    @property
    def data_docs(self) -> Path:
        """Pages of what the gate checked, a folder for each morning."""
        return self.docs / "gate"

    @property
    def board(self) -> Path:
        """The board: static pages."""
        return self.root / "board"

    @property
    def dlt(self) -> Path:
        """dlt's working files."""
        return self.root / "dlt"

    @property
    def dbt(self) -> Path:
        """dbt's target and logs."""
        return self.root / "dbt"

    @property
    def spark(self) -> Path:
        """The second engine's warehouse, metastore, logs and working files."""
        return self.root / "spark"

    @property
    def lake(self) -> Path:
        """The sources as Parquet, which the second engine reads."""
        return self.spark / "lake"

    @property
    def spark_warehouse(self) -> Path:
        """What the second engine built: `<schema>.db/<table>/*.parquet`."""
        return self.spark / "warehouse"

    def past(self, as_of: date) -> "Home":
        """The home of a run for a past date, beneath this one."""
        return Home(self.root / "as_of" / as_of.isoformat())

    def lock_holder(self) -> int | None:
        """The process that is writing here now; None if there is none."""
        try:
            number, _, began = (self.root / "lock").read_text().partition(" ")
            process = int(number)
        except (OSError, ValueError):
            return None
        if began and began != _beginning(process):
            # Dead: its number is another's by now.
            return None
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            # Somebody else's, and there.
            pass
        return process

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the only writing place in this home.

        Raises:
            UserError: Another process holds it; the message names its process id.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle = (self.root / "lock").open("a+")
        except OSError as error:
            raise UserError(
                f"{self.root} cannot be written ({error.strerror}). Fix its "
                "permissions, or set RISK_HOME to another folder."
            ) from None
        with handle:
            if holder := _lock_or_holder(handle):
                raise UserError(
                    f"Another run is writing to {self.root} (process {holder}). "
                    "Wait for it to end, or stop it."
                )
            handle.truncate(0)
            handle.write(f"{os.getpid()} {_beginning(os.getpid())}".strip())
            handle.flush()
            try:
                yield
            finally:
                # Who comes next, and comes too late, must not read this process's id.
                handle.truncate(0)


def _lock_or_holder(handle: TextIO) -> str | None:
    """None with the lock taken, or the process that holds it."""
    deadline = time.monotonic() + LOCK_NAMES_ITSELF_WITHIN_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            if holder := handle.read().partition(" ")[0].strip():
                return holder
        else:
            return None
        # It has the lock and has yet to write its number, or has just wiped it.
        if time.monotonic() > deadline:
            return "unknown"
        time.sleep(0.01)


def _beginning(process: int) -> str:
    """When a process began, in ticks since the machine did; empty if not known."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""
    # Its name, in brackets, may hold anything; the 22nd field is wanted.
    return text.rpartition(")")[2].split()[19]
