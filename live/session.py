"""A session as it runs: sources, journal and engine under one lock.

What comes is written into the journal, then booked, by the thread of its source, which
waits meanwhile: nothing piles up between them. Who looks takes the same lock for the
time it takes to read the figures.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

from live.checkpoint import CheckpointWriter, read_checkpoint
from live.engine import Engine
from live.figures import Flag, Scope, Snapshot, SymbolFigures
from live.journal import Journal, JournalFullError
from live.opening import Opening
from live.quarantine import Quarantine
from live.reports import BadMessage, ExecutionReport, problem_of
from live.sources import Source
from runtime.sessions import utc_now

JOURNAL, CHECKPOINT, QUARANTINE = "journal", "checkpoint", "quarantine.jsonl"
# The screen, each minute and at the end.
STATE = "state.json"
# A start replays this many at most, a few seconds' work.
CHECKPOINT_REPORTS = 50_000
# How much a loss of power may cost.
SYNC_SECONDS = 1.0
# Figures that depend on the time, ages of prices, are as old as this at most.
_FRESH = timedelta(seconds=1)
# Within it open P&L of every account is worked out anew, some of them at each look.
REPRICED_SECONDS = 2.0
# Groups, strategies and the desk are summed as often while traders are read in turns.
SUMMED_SECONDS = 0.2


class Subscription:
    """Which scopes changed since last asked; a slow reader costs nothing."""

    def __init__(self, leave: Callable[["Subscription"], None]) -> None:
        self._leave = leave
        self._condition = threading.Condition()
        self._changed: set[Scope] = set()
        self._is_closed = False

    def wait(self, timeout: float | None = None) -> frozenset[Scope]:
        """The scopes that changed, as soon as any did; empty after the timeout."""
        with self._condition:
            self._condition.wait_for(lambda: self._changed or self._is_closed, timeout)
            changed, self._changed = frozenset(self._changed), set()
            return changed

    def close(self) -> None:
        """Unsubscribe; `wait` returns at once from then on."""
        self._leave(self)
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()

    def add(self, scopes: set[Scope]) -> None:
        """Tell of changes."""
        # Whoever has not come yet for these scopes finds this change as well.
        if scopes <= self._changed:
            return
        with self._condition:
            self._changed |= scopes
            self._condition.notify_all()


class Session:
    """One session's sources -> journal -> engine; use it as a context manager.

    Args:
        folder: `RISK_HOME/live/<session>/`, for the journal and the quarantine.
        clock: Now, aware; tests bring their own.
    """

    def __init__(
        self,
        folder: Path,
        opening: Opening,
        sources: Sequence[Source],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.folder = folder
        self._opening = opening
        self._sources = tuple(sources)
        self._clock = clock
        self._lock = threading.RLock()
        self._engine = Engine(opening)
        self._journal: Journal | None = None
        self._quarantine = Quarantine(folder / QUARANTINE)
        self._duplicates = 0
        self._sequences: dict[str, int] = {}
        self._since_checkpoint = 0
        self._journal_full_since: datetime | None = None
        self._checkpoints = CheckpointWriter(folder / CHECKPOINT)
        self._stopping = threading.Event()
        self._syncer: threading.Thread | None = None
        self._subscriptions: list[Subscription] = []
        self._last: Snapshot | None = None
        self._last_key: tuple | None = None
        self._looked_at = self._summed_at = self._whole_at = 0.0
        # When somebody looked, and how many reports had come: first a look all of whose
        # reports are in the figures, then those since.
        self._looks: deque[tuple[float, int]] = deque()

    def __enter__(self) -> Self:
        """Read the journal, then begin to take.

        Raises:
            UserError: Another process has the journal, it is damaged, or a source
                cannot begin.
        """
        self._journal = Journal(self.folder / JOURNAL)
        started: list[Source] = []
        try:
            self._replay(self._journal)
            for source in self._sources:
                source.start(self.receive, self._sequences.get(source.name))
                started.append(source)
            # Beside the lock: a busy disk takes its time, and nobody waits for it.
            self._syncer = threading.Thread(target=self._sync, daemon=True)
            self._syncer.start()
        except BaseException:
            for source in started:
                source.stop()
            self._journal.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for source in self._sources:
            source.stop()
        assert self._journal is not None and self._syncer is not None, "entered"
        self._stopping.set()
        self._syncer.join()
        with self._lock:
            self._engine.walk()
            self._checkpoints.write(
                (self._engine, self._sequences), self._opening, self._journal.size
            )
            # The disk may be full: then the last second is not on it.
            with suppress(OSError):
                self._journal.close()

    def receive(self, messages: Sequence[ExecutionReport | BadMessage]) -> None:
        """Take what a source sends: into the journal, then into the figures.

        Raises:
            JournalFullError: The disk is full: send it again later, all of it.
        """
        with self._lock:
            try:
                self._take(messages)
            finally:
                changed = self._engine.changed()
                for one in self._subscriptions:
                    one.add(changed)

    @property
    def sequence(self) -> int:
        """Reports taken so far."""
        return self._engine.sequence

    def snapshot(
        self, *, is_whole: bool = False, oldest: float = 0.0, most: int | None = None
    ) -> Snapshot:
        """All figures now; from any thread, as cheap as little changed.

        Args:
            is_whole: Whether open P&L of everybody is as of now. Otherwise, on a large
                desk, that of who does not trade is up to `REPRICED_SECONDS` old.
            oldest: Seconds; figures that have all that came before will do.
            most: Accounts of which new fills are read, who waits longest first, and
                groups and the desk each `SUMMED_SECONDS`; None: all of them.
        """
        # In this order: whoever looks sets the time last.
        whole_at, last = self._whole_at, self._last
        if last is not None and time.monotonic() - whole_at < oldest:
            return last
        states = tuple(source.state() for source in self._sources)
        with self._lock:
            now = self._clock()
            key = (
                self._engine.sequence,
                self._quarantine.count,
                self._duplicates,
                states,
            )
            last = self._last
            if (
                not is_whole
                and last is not None
                and not last.is_partial
                and key == self._last_key
                and now < last.taken_at + _FRESH
            ):
                return last
            engine = self._engine
            counts = {str(name): count for name, count in engine.counts.items()}
            counts["waiting"] = engine.waiting_count
            counts["duplicate"] = self._duplicates
            counts["quarantined"] = self._quarantine.count
            looking_at = time.monotonic()
            repriced_share = min(1.0, (looking_at - self._looked_at) / REPRICED_SECONDS)
            is_summed = looking_at - self._summed_at >= SUMMED_SECONDS
            scopes = engine.scope_figures(
                now,
                1.0 if is_whole else repriced_share,
                most,
                is_summed=is_summed,
            )
            self._last = Snapshot(
                session_date=engine.session_date,
                taken_at=now,
                sequence=engine.read_sequence,
                is_partial=engine.read_sequence < engine.sequence,
                opening=self._opening.state,
                sources=states,
                flags=(*engine.flags(), *self._flags(now)),
                counts=counts,
                scopes=scopes,
            )
            if is_summed or not self._last.is_partial:
                self._summed_at = looking_at
            self._looks.append((looking_at, engine.sequence))
            while len(self._looks) > 1 and self._looks[1][1] <= self._last.sequence:
                self._looks.popleft()
            self._last_key, self._looked_at = key, looking_at
            self._whole_at = min(self._looks[0][0], self._summed_at)
            return self._last

    def symbol_figures(
        self, account_ids: Collection[str] | None = None
    ) -> dict[tuple[str, str], SymbolFigures]:
        """Figures of every account and symbol now; of some accounts, or of all (None).

        What somebody asks for, not what is followed: of a large desk it takes long.
        """
        with self._lock:
            return self._engine.symbol_figures(self._clock(), account_ids)

    def exposures_by_side(self) -> dict[tuple[str, bool], dict[str, Decimal]]:
        """Dollars that each trader has in a symbol now, long (True) and short apart."""
        with self._lock:
            return self._engine.exposures_by_side()

    def subscribe(self) -> Subscription:
        """Follow changes; from any thread."""
        one = Subscription(self._unsubscribe)
        with self._lock:
            self._subscriptions.append(one)
        return one

    def _sync(self) -> None:
        assert self._journal is not None, "entered"
        while not self._stopping.wait(SYNC_SECONDS):
            # A full disk is found by whoever writes to it.
            with suppress(OSError):
                self._journal.sync()

    def _unsubscribe(self, one: Subscription) -> None:
        with self._lock:
            if one in self._subscriptions:
                self._subscriptions.remove(one)

    def reopen(self, opening: Opening) -> None:
        """Begin the same day with another opening: a copy published meanwhile."""
        journal = self._journal
        assert journal is not None, "entered"
        engine, offset = Engine(opening), 0
        # Most of it beside the sources, the rest of it while they wait.
        for report, place in journal.read(end=journal.size):
            engine.take(report)
            offset = place
        with self._lock:
            for report, _ in journal.read(offset):
                engine.take(report)
            self._opening, self._engine = opening, engine
            self._last_key = None
            self._looks.clear()
            self._begin_checkpoint(journal)
            changed = set(engine.scopes)
            for one in self._subscriptions:
                one.add(changed)

    def _take(self, messages: Sequence[ExecutionReport | BadMessage]) -> None:
        """Keep and book the reports that are good and new; keep the bad ones."""
        reports: list[ExecutionReport] = []
        ids: set[tuple[str, str]] = set()
        for one in messages:
            if isinstance(one, BadMessage):
                self._quarantine.add(one)
                continue
            if problem := problem_of(one):
                self._quarantine.add(
                    BadMessage(one.source, one.received_at, problem, repr(one))
                )
                continue
            if (one.source, one.exec_id) in ids:
                # Whether it is the same again is known once that is booked.
                self._keep(reports)
                reports, ids = [], set()
            if self._engine.is_duplicate(one):
                self._duplicates += 1
                continue
            reports.append(one)
            ids.add((one.source, one.exec_id))
        self._keep(reports)

    def _keep(self, reports: Sequence[ExecutionReport]) -> None:
        """Write reports into the journal, then book them."""
        if not reports:
            return
        journal = self._journal
        assert journal is not None, "entered"
        try:
            journal.append(reports)
        except JournalFullError:
            self._journal_full_since = self._journal_full_since or self._clock()
            self._last_key = None
            raise
        self._journal_full_since = None
        for report in reports:
            self._book(report)
        self._since_checkpoint += len(reports)
        if self._since_checkpoint >= CHECKPOINT_REPORTS:
            self._begin_checkpoint(journal)

    def _book(self, report: ExecutionReport) -> None:
        self._engine.take(report)
        if report.sequence is not None:
            last = self._sequences.get(report.source, 0)
            self._sequences[report.source] = max(last, report.sequence)

    def _replay(self, journal: Journal) -> None:
        """Come back to where the journal ends."""
        kept = read_checkpoint(self.folder / CHECKPOINT, self._opening)
        offset = 0
        if kept is not None and kept[0] <= journal.size:
            offset, (self._engine, self._sequences) = kept[0], kept[1]
        for report, _ in journal.read(offset):
            self._book(report)
            self._since_checkpoint += 1
        self._engine.changed()

    def _begin_checkpoint(self, journal: Journal) -> None:
        self._since_checkpoint = 0
        self._engine.walk()
        self._checkpoints.begin(
            (self._engine, self._sequences), self._opening, journal.size
        )

    def _flags(self, now: datetime) -> list[Flag]:
        """What a person should see of the opening, the disk and the sources."""
        flags = [
            Flag("opening", str(self._opening.state.positions_date), problem, now)
            for problem in self._opening.state.problems
        ]
        if self._journal_full_since is not None:
            flags.append(
                Flag(
                    "journal",
                    str(self.folder / JOURNAL),
                    "The disk is full: nothing is taken until there is room, then the "
                    "source sends it again. Free disk space.",
                    self._journal_full_since,
                )
            )
        if self._checkpoints.problem is not None:
            flags.append(
                Flag(
                    "checkpoint",
                    str(self.folder / CHECKPOINT),
                    f"The checkpoint cannot be written ({self._checkpoints.problem}): "
                    "a start takes longer. Free disk space.",
                    now,
                )
            )
        bad = self._quarantine
        if bad.last is not None and bad.since is not None:
            flags.append(
                Flag(
                    "quarantine",
                    bad.last.source,
                    f"Messages that cannot be read are in {bad.path}. The last one: "
                    f"{bad.last.reason}.",
                    bad.since,
                    bad.count,
                )
            )
        return flags
