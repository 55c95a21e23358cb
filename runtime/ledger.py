"""What ran, when, and what came of it: a line of JSON as a step begins, one as it ends.

It lies beside the logs and not in the warehouse: of a run that could not open the
warehouse, or was killed, it must know as well.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import pyarrow as pa

from runtime.files import write_atomic
from runtime.home import Home
from runtime.sessions import naive_utc_now
from runtime.tables import Table
from runtime.versions import versions

FILE = "runs.jsonl"
# A morning takes four kilobytes: the older half goes when there are years of them.
MAXIMUM_BYTES = 4_000_000
# A run that ended before its first step, locked out or misconfigured.
START = "start"
# What begins the name of a death between two steps; the step before follows.
BETWEEN = "after "
SUCCEEDED, FAILED, KILLED, RUNNING = "succeeded", "failed", "killed", "running"
STEPS = Table(
    "ops.steps",
    {
        "run_id": "varchar",
        "step_number": "bigint",
        "command": "varchar",
        "step": "varchar",
        "steps_count": "bigint",
        "home": "varchar",
        "started_at": "timestamp",
        "ended_at": "timestamp",
        "seconds": "double",
        "outcome": "varchar",
        "rows_count": "bigint",
        "message": "varchar",
        "versions": "varchar",
        "missing_sessions_count": "bigint",
    },
    former_columns={"message": "said"},
)
_ARROW_TYPES = {
    "varchar": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us"),
}
SCHEMA = pa.schema({name: _ARROW_TYPES[kind] for name, kind in STEPS.columns.items()})


@dataclass(frozen=True)
class StepRun:
    """One step of one run.

    Attributes:
        run_id: When the run began (UTC), and its process.
        step_number: Its place in the run, from 1; 0 of a run that had not begun.
        command: What was asked for, as `run` or `retrain-weekly`.
        step: What was done for it, as `build`.
        steps_count: How many steps the run has.
        home: Folder of the warehouse it worked on.
        started_at, ended_at: Naive UTC; the latter None while it runs, or if it died.
        seconds: How long it took.
        outcome: succeeded, failed, killed or running.
        rows_count: Rows written; None where none are.
        message: What it did, or why it failed, in one line.
        versions: Of code, Python and libraries.
        missing_sessions_count: Sessions before today that the data it loaded lacks;
            None where it loaded none, or they are not missed.
    """

    run_id: str
    step_number: int
    command: str
    step: str
    steps_count: int
    home: str
    started_at: datetime
    ended_at: datetime | None = None
    seconds: float | None = None
    outcome: str = RUNNING
    rows_count: int | None = None
    message: str | None = None
    versions: str | None = None
    missing_sessions_count: int | None = None

    @property
    def process(self) -> int:
        """Number of its process."""
        return int(self.run_id.rpartition("-")[2])

    @property
    def is_last(self) -> bool:
        """Whether the run was over with it."""
        return self.step_number == self.steps_count


@dataclass(frozen=True)
class PastRun:
    """One run, from what its steps say.

    Attributes:
        steps: In order, one at least.
        outcome: succeeded, failed, killed or running.
    """

    steps: tuple[StepRun, ...]
    outcome: str

    @property
    def command(self) -> str:
        """What was asked for."""
        return self.steps[0].command

    @property
    def started_at(self) -> datetime:
        """Naive UTC."""
        return self.steps[0].started_at

    @property
    def ended_at(self) -> datetime | None:
        """Naive UTC; None while it runs, or if it died in a step."""
        return self.steps[-1].ended_at

    @property
    def home(self) -> str:
        """Folder of the warehouse it came to work on."""
        return self.steps[-1].home

    @property
    def missing_sessions_count(self) -> int:
        """Sessions before its day that its data lacked: if there are, it was stale."""
        return max(step.missing_sessions_count or 0 for step in self.steps)

    @property
    def last(self) -> StepRun:
        """The step it came to."""
        return self.steps[-1]

    @property
    def died_in(self) -> StepRun | None:
        """Where it was killed, or is if it is not on; None if it came to its end."""
        if self.last.outcome in (RUNNING, KILLED):
            return self.last
        if self.last.outcome != SUCCEEDED or self.last.is_last:
            return None
        last = self.last
        return StepRun(
            last.run_id, last.step_number + 1, last.command, f"{BETWEEN}{last.step}",
            last.steps_count, last.home, last.ended_at or last.started_at,
            outcome=KILLED, versions=last.versions,
        )  # fmt: skip


class Ledger:
    """The runs of one `RISK_HOME`, those of past mornings too."""

    def __init__(self, root: Home) -> None:
        self._root = root
        self._file = root.logs / FILE

    def begin(
        self, run_id: str, command: str, step: str, number: int, total: int, home: Home
    ) -> StepRun:
        """Record that a step begins."""
        one = StepRun(
            run_id, number, command, step, total, str(home.root), naive_utc_now(),
            versions=versions(),
        )  # fmt: skip
        self._append(one)
        return one

    def end(
        self,
        one: StepRun,
        outcome: str,
        message: str,
        rows_count: int | None = None,
        missing_sessions_count: int | None = None,
    ) -> StepRun:
        """Record how a step ended."""
        now = naive_utc_now()
        ended = replace(
            one,
            ended_at=now,
            seconds=round((now - one.started_at).total_seconds(), 3),
            outcome=outcome,
            rows_count=rows_count,
            message=" ".join(message.split()),
            missing_sessions_count=missing_sessions_count,
        )
        self._append(ended)
        return ended

    def killed(self, one: StepRun, message: str) -> None:
        """Record that a step's death was reported; when it died is not known."""
        self._append(replace(one, outcome=KILLED, message=message))

    def untold(self, run_id: str) -> StepRun | None:
        """Where the run before was killed, if that is not reported yet.

        Args:
            run_id: Of the run that asks, and holds the lock: no other one is on, also
                where each has the same process number.
        """
        others = (run for run in self.runs() if run.last.run_id != run_id)
        last = next(others, None)
        died_in = last.died_in if last else None
        return died_in if died_in and not died_in.message else None

    def steps(self) -> list[StepRun]:
        """Every step there is, in the order they began; the latest word on each."""
        latest: dict[tuple[str, int], StepRun] = {}
        for line in self._lines():
            try:
                one = _read(line)
            except (ValueError, TypeError, KeyError):
                # Cut off when the disk was full, or the machine died.
                continue
            latest[one.run_id, one.step_number] = one
        on = self._run_that_is_on(latest.values())
        return [
            replace(one, outcome=KILLED)
            if one.outcome == RUNNING and one.run_id != on
            else one
            for one in latest.values()
        ]

    def _run_that_is_on(self, steps: Iterable[StepRun]) -> str | None:
        """The run that holds the lock: the last one of its process number.

        In a container every run may have the same.
        """
        holder = self._root.lock_holder()
        runs = [one.run_id for one in steps if one.process == holder]
        return max(runs, default=None)

    def runs(self) -> list[PastRun]:
        """Every run there is, the latest first."""
        by_run: dict[str, list[StepRun]] = {}
        for one in self.steps():
            by_run.setdefault(one.run_id, []).append(one)
        on = self._run_that_is_on(step for steps in by_run.values() for step in steps)
        found = []
        for steps in by_run.values():
            last = steps[-1]
            outcome = last.outcome
            if outcome == SUCCEEDED and not last.is_last:
                # Between two steps, or dead between them.
                outcome = RUNNING if last.run_id == on else KILLED
            found.append(PastRun(tuple(steps), outcome))
        return sorted(found, key=lambda run: run.started_at, reverse=True)

    def table(self) -> pa.Table:
        """Every step, as `SCHEMA`."""
        return pa.Table.from_pylist([asdict(one) for one in self.steps()], SCHEMA)

    def prune(self) -> None:
        """Forget the older half once there is too much; only with the lock held."""
        if not self._file.exists() or self._file.stat().st_size < MAXIMUM_BYTES:
            return
        lines = self._file.read_bytes().splitlines(keepends=True)
        write_atomic(self._file, b"".join(lines[len(lines) // 2 :]))

    def _append(self, one: StepRun) -> None:
        # It begins a line, too: the one before may have been cut off. One short write
        # to a file opened to append: two processes do not mix.
        line = f"\n{json.dumps(asdict(one), default=str)}\n"
        with suppress(OSError):
            # A full disk must not hide what it makes fail.
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab", buffering=0) as file:
                file.write(line.encode())

    def _lines(self) -> Iterable[str]:
        try:
            text = self._file.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return ()
        return filter(None, text.split("\n"))


def run_id() -> str:
    """Names a run that begins now, in this process."""
    return f"{naive_utc_now():%Y%m%dT%H%M%S%f}-{os.getpid()}"


def _read(line: str) -> StepRun:
    values = json.loads(line)
    for column, former_column in STEPS.former_columns.items():
        if former_column in values:
            values[column] = values.pop(former_column)
    for name in ("started_at", "ended_at"):
        values[name] = values[name] and datetime.fromisoformat(values[name])
    return StepRun(**values)
