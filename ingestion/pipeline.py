"""The ingestion step: from a source to committed day versions in schema `raw`."""

import os
import secrets
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Thread

import pyarrow as pa

from ingestion.accounts import (
    AccountList,
    known_accounts,
    load_accounts,
    names_in_use,
    read_account_list,
)
from ingestion.documents import Document
from ingestion.gate import Gate, GateError, import_library
from ingestion.history import rebuild
from ingestion.intake import Intake
from ingestion.landing import Landing, empty_tables, open_landing, slice_tables
from ingestion.resources import FILLS
from ingestion.sources import Request, Source, firm_of, open_source
from ingestion.versions import SLICE_ROWS, Looked, compare, slices
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import EASTERN, next_session, sessions_table
from runtime.settings import Settings
from runtime.warehouse import RunContext, read_run_context

ProgressBar = Callable[[list[Request]], AbstractContextManager[Iterable[Request]]]
CALENDAR_AHEAD = timedelta(days=365)


@dataclass
class IngestSummary:
    """Counts of one ingestion, for people; days are account-days with fills."""

    accounts: int = 0
    fills_read: int = 0
    rows_loaded: int = 0
    new_days: int = 0
    corrected_days: int = 0
    vanished_days: int = 0
    rejected: int = 0
    warnings: int = 0

    @property
    def days_changed(self) -> int:
        """All account-days that are not as they were."""
        return self.new_days + self.corrected_days + self.vanished_days

    def __str__(self) -> str:
        text = (
            f"{self.fills_read:,} fills of {self.accounts} accounts read; account-days: "
            f"{self.new_days:,} new, {self.corrected_days:,} corrected, "
            f"{self.vanished_days:,} gone; {self.rejected:,} rows quarantined"
        )
        if self.warnings:
            text += f"; {self.warnings} warnings of the gate, see the report"
        return text


@dataclass(frozen=True)
class Ingested:
    """Where a run goes on: a home, what it holds, and a sentence on how it got there."""

    home: Home
    context: RunContext
    sentence: str


def bring_up_to_date(
    settings: Settings, progress_bar: ProgressBar = nullcontext
) -> Ingested:
    """Load what is new; a past AS_OF is then rebuilt from what was known that morning.

    Raises:
        UserError: AS_OF lies in the future, or as `load`.
    """
    main = Home(settings.home_root)
    context = read_run_context(main)
    sentence = "nothing read"
    if settings.as_of and settings.as_of > datetime.now(EASTERN).date():
        raise UserError(
            f"AS_OF={settings.as_of} lies in the future. Leave it out for today."
        )
    is_past = bool(context and settings.as_of and settings.as_of < context.as_of)
    if is_past:
        _refuse_other_firm(context, settings.source_name, firm_of(settings), main)
    else:
        with open_source(settings) as source:
            summary = load(settings, source, main, progress_bar=progress_bar)
        sentence = str(summary)
        context = read_run_context(main)
        is_past = bool(settings.as_of and settings.as_of < context.as_of)
    if not is_past:
        return Ingested(main, context, sentence)
    past = main.past(settings.as_of)
    context = rebuild(main, past, context, settings.as_of)
    return Ingested(
        past, context, f"{sentence}; rebuilt what was known on that morning"
    )


def backfill(
    settings: Settings,
    first: date,
    last: date,
    progress_bar: ProgressBar = nullcontext,
) -> Ingested:
    """Read the days from `first` to `last` again, both included.

    Raises:
        UserError: Nothing is loaded yet, or the source is always read whole.
    """
    home = Home(settings.home_root)
    context = read_run_context(home)
    if context is None:
        raise UserError(
            f"There is no warehouse in {home.root}. Run `make ingest` first: it loads "
            "the whole history."
        )
    if first > last or first >= context.as_of:
        raise UserError(
            f"FROM={first} TO={last} holds no day before {context.as_of}. Give FROM= "
            "and TO= as YYYY-MM-DD, the earlier one first."
        )
    with open_source(settings) as source:
        if source.reads_whole:
            raise UserError(
                "A folder of exports is read whole each time. Run `make ingest`."
            )
        summary = load(
            settings, source, home, window=(first, last), progress_bar=progress_bar
        )
    return Ingested(home, context, str(summary))


def load(
    settings: Settings,
    source: Source,
    home: Home,
    *,
    window: tuple[date, date] | None = None,
    now: datetime | None = None,
    progress_bar: ProgressBar = nullcontext,
) -> IngestSummary:
    """Bring the warehouse up to what the source holds.

    Args:
        window: Read these days again, and no others.
        now: Naive UTC; the time at which what is new counts as known.
        progress_bar: Wraps the requests while they are read.

    Raises:
        UserError: The warehouse belongs to another source or firm, a document cannot
            be read, or the gate stopped a batch; what was committed before stays.
    """
    before = read_run_context(home)
    _refuse_other_firm(before, source.name, source.firm, home)
    # Asked first: a source that does not answer leaves nothing behind.
    accounts = source.accounts()
    salt = _salt(home)
    with (
        open_landing(home, settings.threads) as landing,
        Intake(salt=salt, spill=home.dlt / "spill", threads=settings.threads) as intake,
    ):
        run = _Load(settings, source, landing, intake, before, window, now)
        return run.load(home, accounts, salt, progress_bar)


class _Load:
    """One ingestion while it runs."""

    def __init__(
        self,
        settings: Settings,
        source: Source,
        landing: Landing,
        intake: Intake,
        before: RunContext | None,
        window: tuple[date, date] | None,
        now: datetime | None,
    ) -> None:
        self.summary = IngestSummary()
        self._settings = settings
        self._source = source
        self._landing = landing
        self._intake = intake
        self._before = before
        self._window = window
        self._now = now or datetime.now(UTC).replace(tzinfo=None)
        self._unlisted: dict[str, str] = {}
        self._gate: Gate | None = None
        self._looked = Looked(None, frozenset())
        self._sessions: pa.Table | None = None
        self._calendar_first = date.max

    def load(
        self, home: Home, accounts: Document, salt: str, progress_bar: ProgressBar
    ) -> IngestSummary:
        """Read, compare, check, load and commit."""
        try:
            return self._load(home, accounts, salt, progress_bar)
        except GateError:
            self._landing.record_gate(self._gate.results_table(), self._gate.as_of)
            raise

    def _load(
        self, home: Home, accounts: Document, salt: str, progress_bar: ProgressBar
    ) -> IngestSummary:
        listed = read_account_list(accounts, self._intake)
        self.summary.accounts = len(listed.numbers)
        self._intake.set_accounts(names_in_use(listed, self._landing))
        known = known_accounts(self._landing)
        as_of = self._as_of()
        if not self._source.reads_whole and self._window is None:
            self._looked = Looked(self._before.as_of if self._before else None, known)
        requests = self._requests(listed, known, as_of)
        # While the source answers there is time for what is slow to import.
        Thread(target=_import_slow_libraries).start()
        self._read(requests, listed, as_of, progress_bar)
        as_of = as_of or self._as_of_of_files()
        if self._source.reads_whole:
            self._land([], listed, as_of)
        # A first load without a single fill is a mistake of somebody's.
        if self._before is None and not self.summary.fills_read:
            raise self._nothing(as_of)
        self._gate.check_firm(self._landing.connection, self._sessions)
        self._landing.load({"sessions": self._sessions})
        unlisted = [
            {"account_number": number, "account_name": name}
            for number, name in self._unlisted.items()
        ]
        load_accounts(listed, unlisted, self._landing, salt, self._now)
        self._landing.record_gate(self._gate.results_table(), as_of)
        self.summary.warnings = sum(not x["is_met"] for x in self._gate.results)
        self._landing.finish(
            RunContext(
                self._source.name, self._source.firm, as_of, next_session(as_of)
            ),
            self._now,
        )
        self._source.finish(home)
        return self.summary

    def _as_of(self) -> date | None:
        """The morning this load is as of; None if only the files know, once read."""
        if self._window is not None:
            return self._before.as_of
        latest = self._source.latest_as_of()
        # What is there is never left out: an earlier AS_OF is rebuilt from it.
        return max(filter(None, [latest, self._settings.as_of])) if latest else None

    def _as_of_of_files(self) -> date:
        last = self._intake.last_date(FILLS)
        if last is None:
            raise self._nothing("today")
        latest = last + timedelta(days=1)
        return max(filter(None, [latest, self._settings.as_of]))

    def _requests(
        self, listed: AccountList, known: frozenset[str], as_of: date | None
    ) -> list[Request]:
        if as_of is None:
            return self._source.requests(listed.numbers, date.min, date.max)
        last = as_of - timedelta(days=1)
        if self._window is not None:
            first, last = self._window[0], min(self._window[1], last)
        else:
            first = self._settings.history_start or _first_traded(listed, set())
            first = first or as_of
            if self._before is not None:
                first = min(self._before.as_of, as_of)
                first -= timedelta(days=self._settings.reload_days)
                # An account that is new to us may have a history.
                first = min(filter(None, [first, _first_traded(listed, known)]))
        read = self._landing.unfinished(self._settings.reload_days)
        return [
            request
            for request in self._source.requests(listed.numbers, first, last)
            if request.name not in read
        ]

    def _read(
        self,
        requests: list[Request],
        listed: AccountList,
        as_of: date | None,
        progress_bar: ProgressBar,
    ) -> None:
        waiting: list[Request] = []
        with progress_bar(requests) as shown:
            for request in shown:
                for document in self._source.read(request):
                    count = self._intake.read(document)
                    if request.resource is FILLS:
                        self.summary.fills_read += count
                waiting.append(request)
                if not self._source.reads_whole and self._intake.count() > SLICE_ROWS:
                    self._land(waiting, listed, as_of)
                    waiting = []
        if not self._source.reads_whole:
            self._land(waiting, listed, as_of)

    def _land(self, requests: list[Request], listed: AccountList, as_of: date) -> None:
        """Bring what waits in the intake into the warehouse, slice by slice."""
        intake, landing = self._intake, self._landing
        self._prepare(as_of)
        if self._source.reads_whole:
            intake.cover_files(as_of - timedelta(days=1))
        changed = compare(
            intake,
            landing.connection,
            listed=set(listed.numbers.values()),
            as_of=as_of,
            looked=self._looked,
            now=self._now,
        )
        self._gate.check_comparison(intake, changed)
        for first, last in slices(intake):
            self._gate.check_slice(
                intake, first, last, landing.connection, self._sessions
            )
            landing.load(slice_tables(intake, first, last))
            landing.commit_slice(intake, first, last, self._now)
        self.summary.rejected += landing.commit(
            intake,
            as_of=as_of,
            requests=[(x.name, x.last) for x in requests if x.last],
            reads_whole=self._source.reads_whole,
            now=self._now,
        )
        self._unlisted |= intake.unlisted()
        self.summary.rows_loaded += changed.rows
        self.summary.new_days += changed.new
        self.summary.corrected_days += changed.corrected
        self.summary.vanished_days += changed.vanished
        intake.clear()

    def _prepare(self, as_of: date) -> None:
        """Once, when the dates are known: the calendar, the gate, the empty tables."""
        first = self._intake.first_date(FILLS)
        if self._gate is None:
            self._gate = Gate(
                as_of=as_of, stops=self._settings.gate == "stop", now=self._now
            )
            if self._before is None:
                self._landing.load(empty_tables())
        first = min(filter(None, [first, as_of]))
        if first < self._calendar_first:
            self._calendar_first = first
            self._sessions = sessions_table(
                self._calendar_first, as_of + CALENDAR_AHEAD
            )

    def _nothing(self, before: date | str) -> UserError:
        """Why there is no fill at all."""
        found = [
            *self._intake.connection.execute("from rejected").fetchall(),
            *self._landing.connection.execute("from raw.quarantine").fetchall(),
        ]
        if found:
            _, origin, line, column, _, reason, *_ = found[0]
            return UserError(
                f"None of the fills of {self._source.firm} can be read: {len(found)} "
                f"rows are wrong, the first in {origin}, line {line}: {column or 'it'} "
                f"{reason}. Export them again."
            )
        return UserError(
            f"There is no fill before {before} in {self._source.firm}. Check "
            "AS_OF, HISTORY_START and the accounts or files you loaded."
        )


def _import_slow_libraries() -> None:
    import_library()
    import dlt  # noqa: F401


def _first_traded(listed: AccountList, known: Iterable[str]) -> date | None:
    """First date any listed account traded, accounts in `known` left out."""
    firsts = [
        row["first_traded_date"]
        for row in listed.rows
        if row["account_number"] not in known
    ]
    return min(filter(None, firsts), default=None)


def _salt(home: Home) -> str:
    """The secret of this home that hides account names; made on first use."""
    path = home.root / "account_salt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_hex(16))
        os.replace(partial, path)
    return path.read_text()


def _refuse_other_firm(
    before: RunContext | None, source_name: str, firm: str, home: Home
) -> None:
    if before is None or (before.source, before.firm) == (source_name, firm):
        return
    raise UserError(
        f"{home.root} holds {before.source} data of {before.firm}; this run would load "
        f"{source_name} data of {firm}. Set RISK_HOME to another folder, or "
        "FIRM to the same name if it is the same firm."
    )
