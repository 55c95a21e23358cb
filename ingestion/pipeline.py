"""The ingestion step: from a source to committed day versions in schema `raw`."""

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Thread

import pyarrow as pa

from ingestion.accounts import (
    AccountList,
    accounts_table,
    names_in_use,
    namesakes,
    read_account_list,
    record_accounts,
)
from ingestion.data_docs import write_data_docs
from ingestion.desk_files import begin_desk, read_desk, record_desk
from ingestion.documents import Document
from ingestion.downstream import prepare_downstream
from ingestion.errors import DocumentError
from ingestion.exports_folder import THE_FOLDER
from ingestion.gate import Gate, GateError, import_library
from ingestion.history import rebuild
from ingestion.landing import Landing, open_landing, slice_tables
from ingestion.parsed_batch import ParsedBatch
from ingestion.reasons import SENTENCES, ReasonCode, place_of
from ingestion.resources import FILLS, Resource
from ingestion.session_cutoffs import told_cutoffs
from ingestion.sources import Request, Source, firm_of, open_source
from ingestion.spreadsheet_files import refuse_or_tell
from ingestion.upgrade import upgrade
from ingestion.versions import SLICE_ROWS, PriorCoverage, compare, slices
from runtime.errors import UserError
from runtime.home import Home
from runtime.logs import detail_log
from runtime.sessions import EASTERN, naive_utc_now, next_session, sessions_table
from runtime.settings import Settings
from runtime.terminal import progress_bar
from runtime.warehouse import RunContext, open_warehouse, read_run_context

CALENDAR_AHEAD = CALENDAR_BACK = timedelta(days=365)
# Money comes in before the first trade.
BOOKED_BEFORE_TRADING = timedelta(days=31)
# What a run that is killed may have to read again.
LAND_AFTER_SECONDS = 30
# What the folder holds besides: a line has room for so many.
UNREAD_SHOWN = 5


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
    desk: str = ""
    unread: list[str] = field(default_factory=list)

    @property
    def days_changed(self) -> int:
        """All account-days that are not as they were."""
        return self.new_days + self.corrected_days + self.vanished_days

    def __str__(self) -> str:
        text = (
            f"{self.fills_read:,} fills of {self.accounts} accounts read; "
            f"account-days: {self.new_days:,} new, {self.corrected_days:,} corrected, "
            f"{self.vanished_days:,} gone; {self.rejected:,} rows quarantined"
        )
        if self.unread:
            first = ", ".join(self.unread[:UNREAD_SHOWN])
            more = len(self.unread) - UNREAD_SHOWN
            text += f"; not read: {first}" + (f" and {more} more" if more > 0 else "")
        if self.warnings:
            text += f"; {self.warnings} warnings of the gate, see the report"
        if self.desk:
            text += f"; {self.desk}"
        return text


@dataclass(frozen=True)
class Ingested:
    """Where a run resumes: a home, what it holds, how it got there, rows it loaded."""

    home: Home
    context: RunContext
    sentence: str
    rows_count: int


def bring_up_to_date(settings: Settings) -> Ingested:
    """Load what is new; a past AS_OF is then rebuilt from what was known that morning.

    Raises:
        UserError: AS_OF lies in the future, or as `load`.
    """
    main = Home(settings.home_root)
    upgraded = upgrade(main)
    context = read_run_context(main)
    sentence, rows_count = "nothing read", 0
    as_of = settings.as_of
    if as_of and as_of > datetime.now(EASTERN).date():
        raise UserError(f"AS_OF={as_of} is in the future. Leave it out for today.")
    if context and as_of and as_of < context.as_of:
        owner = (context.source, context.firm)
        _refuse_other_firm(owner, settings.source_name, firm_of(settings), main)
    else:
        with open_source(settings) as source:
            summary = load(settings, source, main)
        sentence, rows_count = str(summary), summary.rows_loaded
        context = read_run_context(main)
        assert context is not None, "what was loaded has one"
    sentence = "; ".join(filter(None, [upgraded, sentence]))
    if as_of is None or as_of >= context.as_of:
        return Ingested(main, context, sentence, rows_count)
    _refuse_before_first_fill(main, as_of)
    past = main.past(as_of)
    context = rebuild(main, past, context, as_of)
    prepare_downstream(past)
    sentence += "; rebuilt what was known on that morning"
    return Ingested(past, context, sentence, rows_count)


def _refuse_before_first_fill(main: Home, as_of: date) -> None:
    """A morning before there was anything has no report.

    Raises:
        UserError: AS_OF is such a one.
    """
    with open_warehouse(main.warehouse, read_only=True) as connection:
        ((first,),) = connection.execute(
            "select min(trade_date) from raw.day_versions "
            "where resource = 'fills' and rows_count > 0"
        ).fetchall()
    if first is None or as_of <= first:
        raise UserError(
            f"AS_OF={as_of} is before the first morning: the first fill is of {first}. "
            "Give a later date."
        )


def backfill(settings: Settings, first: date, last: date) -> Ingested:
    """Read the days from `first` to `last` again, both included.

    Raises:
        UserError: Nothing is loaded yet, or the source is always read whole.
    """
    home, context, upgraded = warehouse_to_read_again(settings)
    if first > last or first >= context.as_of:
        raise UserError(
            f"FROM={first} TO={last} holds no day before {context.as_of}. Give FROM= "
            "and TO= as YYYY-MM-DD, the earlier one first."
        )
    with open_source_to_read_again(settings) as source:
        summary = load(settings, source, home, window=(first, last))
    sentence = "; ".join(filter(None, [upgraded, str(summary)]))
    return Ingested(home, context, sentence, summary.rows_loaded)


def warehouse_to_read_again(settings: Settings) -> tuple[Home, RunContext, str | None]:
    """A home, what it holds, and what brought it to this version, if anything did.

    Raises:
        UserError: Nothing is loaded yet.
    """
    home = Home(settings.home_root)
    upgraded = upgrade(home)
    context = read_run_context(home)
    if context is None:
        raise UserError(
            f"There is no warehouse in {home.root}. Run `make ingest` first: it loads "
            "the whole history."
        )
    return home, context, upgraded


@contextmanager
def open_source_to_read_again(settings: Settings) -> Iterator[Source]:
    """The source, of which some days can be read by themselves.

    Raises:
        UserError: It is always read whole.
    """
    with open_source(settings) as source:
        if source.reads_whole:
            raise UserError(
                "A folder of exports is read whole each time. Run `make ingest`."
            )
        yield source


def load(
    settings: Settings,
    source: Source,
    home: Home,
    *,
    window: tuple[date, date] | None = None,
    only: Resource | None = None,
    now: datetime | None = None,
) -> IngestSummary:
    """Bring the warehouse up to what the source holds.

    Args:
        window: Read these days again, and no others.
        only: Read nothing else of them; None: all there is.
        now: Naive UTC; the time at which what is new counts as known.

    Raises:
        UserError: The warehouse belongs to another source or firm, a document cannot
            be read, or the gate stopped a batch; what was committed before stays.
    """
    upgrade(home)
    before = read_run_context(home)
    # Asked first: a source that does not answer leaves nothing behind.
    accounts = source.accounts()
    desk_moved = begin_desk(settings, home, source.desk_lines)
    desk = read_desk(settings, home)
    salt = account_salt(home)
    with (
        open_landing(home, settings.threads) as landing,
        ParsedBatch(
            salt=salt, spill=home.dlt / "spill", threads=settings.threads
        ) as parsed,
    ):
        _refuse_other_firm(landing.owner(), source.name, source.firm, home)
        run = _Load(
            settings, source, landing, parsed, before, window, only, now,
            told_cutoffs(desk),
        )  # fmt: skip
        summary = run.load(home, accounts, salt)
    prepare_downstream(home)
    summary.desk = "; ".join(filter(None, [desk_moved, record_desk(home, desk, now)]))
    return summary


class _Load:
    """One ingestion while it runs."""

    def __init__(
        self,
        settings: Settings,
        source: Source,
        landing: Landing,
        parsed: ParsedBatch,
        before: RunContext | None,
        window: tuple[date, date] | None,
        only: Resource | None,
        now: datetime | None,
        cutoffs: pa.Table,
    ) -> None:
        self.summary = IngestSummary()
        self._settings = settings
        self._source = source
        self._landing = landing
        self._parsed = parsed
        self._before = before
        self._window = window
        self._only = only
        self._now = now or naive_utc_now()
        self._cutoffs = cutoffs
        self._unlisted: dict[str, str] = {}
        self._gate: Gate | None = None
        self._prior = PriorCoverage(None, ())
        self._sessions: pa.Table | None = None
        self._calendar_first = date.max
        self._numbers: dict[str, str] = {}
        self._namesakes: list[tuple[str, str]] = []
        self._name = ""

    def load(self, home: Home, accounts: Document, salt: str) -> IngestSummary:
        """Read, compare, check, load and commit."""
        try:
            return self._load(home, accounts, salt)
        except GateError:
            self._keep_evidence()
            self._record_gate(home, self._made_gate.as_of)
            raise
        except DocumentError:
            self._keep_evidence()
            raise

    def _keep_evidence(self) -> None:
        """Rows or files that are reported as wrong are found in quarantine."""
        if self._parsed.holds_rejected():
            self._landing.quarantine(self._parsed, self._source.reads_whole, self._now)

    @property
    def _made_gate(self) -> Gate:
        assert self._gate is not None, "nothing is checked before it is made"
        return self._gate

    def _load(self, home: Home, accounts: Document, salt: str) -> IngestSummary:
        version = self._source.version()
        unread = self._source.unread()
        self.summary.unread = [str(file) for file in unread]
        self._parsed.set_aside_files(unread)
        listed = self._read_account_list(accounts)
        self.summary.accounts = len(listed.numbers)
        self._numbers = listed.numbers
        self._parsed.set_accounts(*names_in_use(listed, self._landing.connection))
        self._namesakes = namesakes(listed, self._landing.connection)
        read = self._landing.accounts_read()
        as_of = self._as_of()
        if not self._source.reads_whole and self._window is None:
            self._prior = PriorCoverage(
                self._before.as_of if self._before else None, read
            )
        # A load that was stopped resumes only as the same one, of the same accounts.
        kind = "backfill {} to {}".format(*self._window) if self._window else "load"
        numbers = ",".join(sorted(listed.numbers.values()))
        self._name = f"{kind} of {hashlib.md5(numbers.encode()).hexdigest()}"
        requests = self._requests(listed, read, as_of)
        if as_of is None or self._before is None or as_of > self._before.as_of:
            # There will be news to check; while the source answers there is time for
            # what is slow to import.
            Thread(target=_import_slow_libraries).start()
        self._read(requests, listed, as_of)
        as_of = as_of or self._as_of_of_files()
        if self._source.reads_whole:
            refuse_or_tell(self._parsed)
            self._land([], listed, as_of)
        # A first load without a single fill is a mistake of somebody's.
        if self._before is None and not self._landing.holds_fills():
            raise self._nothing(as_of)
        self._made_gate.check_firm(self._landing.connection, self._sessions)
        unlisted = [
            {"account_number": number, "account_name": name}
            for number, name in self._unlisted.items()
        ]
        accounts = accounts_table(listed, unlisted, salt)
        self._landing.begin()
        # In one run of dlt: each costs half a second, whatever it loads.
        self._landing.load(
            {"sessions": self._sessions, "accounts": accounts}
            | self._landing.missing_tables()
        )
        record_accounts(accounts, listed, self._landing.connection, self._now)
        self._record_gate(home, as_of)
        self.summary.warnings = sum(not x["is_met"] for x in self._made_gate.results)
        self._landing.finish(
            RunContext(
                self._source.name,
                self._source.firm,
                as_of,
                next_session(as_of),
                version,
            ),
            # A backfill may leave days between what was read before and its first.
            [] if self._window else list(listed.numbers.values()),
            self._now,
        )
        self._source.finish(home)
        return self.summary

    def _read_account_list(self, accounts: Document) -> AccountList:
        try:
            return read_account_list(accounts, self._parsed)
        except DocumentError as error:
            code = ReasonCode.UNREADABLE_DOCUMENT
            self._parsed.set_aside(accounts, code, str(error), error)
            raise

    def _record_gate(self, home: Home, as_of: date) -> None:
        """What the gate found: as rows, and as pages where there is anything new."""
        gate = self._made_gate
        self._landing.record_gate(
            gate.results_table(), gate.concerns_table(), as_of, gate.firm_checks
        )
        if gate.validations:
            try:
                write_data_docs(home.data_docs, as_of, gate.validations)
            # A page that cannot be drawn must not keep good fills out.
            except Exception:  # noqa: BLE001
                detail_log.exception("Data Docs could not be written")

    def _as_of(self) -> date | None:
        """The morning this load is as of; None if only the files know, once read."""
        if self._window is not None:
            assert self._before is not None, "backfill refuses to begin without"
            return self._before.as_of
        latest = self._source.latest_as_of()
        # What is there is never left out: an earlier AS_OF is rebuilt from it.
        return max(filter(None, [latest, self._settings.as_of])) if latest else None

    def _as_of_of_files(self) -> date:
        last = self._parsed.last_date(FILLS)
        if last is None:
            raise self._nothing("today")
        latest = last + timedelta(days=1)
        return max(filter(None, [latest, self._settings.as_of]))

    def _requests(
        self, listed: AccountList, read: dict[str, date], as_of: date | None
    ) -> list[Request]:
        if as_of is None:
            return self._source.requests(listed.numbers, date.min, date.max)
        last = as_of - timedelta(days=1)
        if self._window is not None:
            first, last = self._window[0], min(self._window[1], last)
        else:
            first = self._first(listed, read, as_of)
        done = self._landing.unfinished(self._name, self._settings.reload_days)
        return [
            request
            for request in self._source.requests(listed.numbers, first, last)
            if request.name not in done and self._only in (None, request.resource)
        ]

    def _first(self, listed: AccountList, read: dict[str, date], as_of: date) -> date:
        """The first date to read: of the account of which most is unread."""
        firsts = [as_of if self._before is None else min(self._before.as_of, as_of)]
        for row in listed.rows:
            last, first = read.get(row["account_number"]), row["first_traded_date"]
            if last:
                firsts.append(last + timedelta(days=1))
            elif first:
                firsts.append(first - BOOKED_BEFORE_TRADING)
        first = min(firsts)
        if self._before is not None:
            first -= timedelta(days=self._settings.reload_days)
        return max(filter(None, [first, self._settings.history_start]))

    def _read(
        self, requests: list[Request], listed: AccountList, as_of: date | None
    ) -> None:
        waiting: list[Request] = []
        landed_at = time.monotonic()
        with progress_bar(requests, _reading) as shown:
            for request in shown:
                for document in self._source.read(request):
                    count = self._read_document(document)
                    if request.resource is FILLS:
                        self.summary.fills_read += count
                waiting.append(request)
                is_much = self._parsed.count() > SLICE_ROWS
                is_long = time.monotonic() - landed_at > LAND_AFTER_SECONDS
                if not self._source.reads_whole and (is_much or is_long):
                    self._land(waiting, listed, as_of)
                    waiting, landed_at = [], time.monotonic()
        if not self._source.reads_whole:
            self._land(waiting, listed, as_of)

    def _read_document(self, document: Document) -> int:
        """Take in a document, unless it is blank where there were rows before.

        Raises:
            UserError: It is blank, and nothing can be loaded without it.
        """
        if not document.is_blank:
            return self._parsed.read(document)
        assert document.covers is not None, "only an answer of the API can be blank"
        first, last = document.covers
        name = document.account_name
        number = None if name is None else self._numbers.get(name)
        if not self._landing.holds_rows(document.resource, first, last, number):
            return self._parsed.read(document)
        # Nothing at all is no proof that what was there is gone.
        code = ReasonCode.BLANK_DOCUMENT
        reason = SENTENCES[code]
        if document.resource.is_essential:
            raise UserError(
                f"{document.origin} {reason}. Nothing of it was changed. "
                "Run `make ingest` again."
            )
        self._parsed.set_aside(document, code, reason)
        return 0

    def _land(
        self, requests: list[Request], listed: AccountList, as_of: date | None
    ) -> None:
        """Bring what waits in the batch into the warehouse, slice by slice."""
        assert as_of is not None, "files tell it before any of them is landed"
        parsed, landing = self._parsed, self._landing
        self._prepare(as_of)
        if self._source.reads_whole:
            parsed.cover_files(as_of - timedelta(days=1))
        parsed.set_aside_repeated()
        changed = compare(
            parsed,
            landing.connection,
            listed=set(listed.numbers.values()),
            namesakes=self._namesakes,
            as_of=as_of,
            prior=self._prior,
            now=self._now,
            are_files=self._source.reads_whole,
        )
        gate = self._made_gate
        gate.check_comparison(parsed, changed)
        for first, last in slices(parsed):
            gate.check_slice(parsed, first, last, landing.connection, self._sessions)
            landing.load(slice_tables(parsed, first, last))
            landing.commit_slice(parsed, first, last, self._now)
        if self._source.reads_whole:
            gate.check_files(parsed, landing.connection, listed.rows)
        self.summary.rejected += landing.commit(
            parsed,
            run=self._name,
            requests=[(x.name, x.last) for x in requests if x.last],
            reads_whole=self._source.reads_whole,
            now=self._now,
        )
        self._unlisted |= parsed.unlisted()
        self.summary.rows_loaded += changed.rows
        self.summary.new_days += changed.new
        self.summary.corrected_days += changed.corrected
        self.summary.vanished_days += changed.vanished.get(FILLS.name, 0)
        parsed.clear()

    def _prepare(self, as_of: date) -> None:
        """Once, when the dates are known: the calendar, the gate, the owner."""
        if self._gate is None:
            self._gate = Gate(
                as_of=as_of,
                stops=self._settings.gate == "stop",
                now=self._now,
                cutoffs=self._cutoffs,
            )
            if self._before is None:
                self._landing.claim(self._source.name, self._source.firm)
        # Without a fill the calendar still tells how long the firm has been silent.
        first = min(self._parsed.first_date(FILLS) or as_of, as_of - CALENDAR_BACK)
        if first < self._calendar_first:
            self._calendar_first = first
            self._sessions = sessions_table(first, as_of + CALENDAR_AHEAD)

    def _nothing(self, before: date | str) -> UserError:
        """Why there is no fill at all."""
        found = [
            row
            for row in (
                *self._parsed.connection.execute("from rejected").fetchall(),
                *self._landing.connection.execute("from raw.quarantine").fetchall(),
            )
            if row[0] != THE_FOLDER
        ]
        if found:
            origin, line, column, cell, _, reason = found[0][1:7]
            return DocumentError(
                f"None of the fills of {self._source.firm} can be read: {len(found)} "
                f"rows are wrong, the first in "
                f"{place_of(origin, line, column, cell, reason)}. Export them again."
            )
        return UserError(
            f"There is no fill before {before} in {self._source.firm}. Check "
            "AS_OF, HISTORY_START and the accounts or files you loaded."
        )


def _reading(request: Request) -> str:
    return f"Reading {request.name}"


def _import_slow_libraries() -> None:
    # Whoever needs them imports them again, and says what is wrong with them.
    with suppress(Exception):
        import_library()
        import dlt  # noqa: F401


def account_salt(home: Home) -> str:
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
    owner: tuple[str, str] | None, source_name: str, firm: str, home: Home
) -> None:
    if owner is None or owner == (source_name, firm):
        return
    raise UserError(
        f"{home.root} holds {owner[0]} data of {owner[1]}; this run would load "
        f"{source_name} data of {firm}. Set RISK_HOME to another folder, or "
        "FIRM to the same name if it is the same firm."
    )
