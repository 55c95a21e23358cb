"""The ingestion step: from a source to committed day versions in schema `raw`."""

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.documents import REJECTED_SCHEMA, Document, DocumentError
from ingestion.landing import (
    ACCOUNTS_SCHEMA,
    COVERED_SCHEMA,
    EMPTY_DAY,
    FEES_SCHEMA,
    VERSIONS_SCHEMA,
    DayVersions,
    commit,
    day_schema,
    empty_tables,
    load,
    quiet_dlt,
)
from ingestion.parse import Parsed, Parser
from ingestion.resources import BY_DAY, FILLS
from ingestion.sources import Source, open_source
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import EASTERN, next_session, sessions_table
from runtime.settings import Settings
from runtime.warehouse import RunContext, read_run_context


@dataclass
class IngestSummary:
    """Counts of one ingestion, for people."""

    fills_read: int = 0
    accounts: int = 0
    days_changed: int = 0
    rows_loaded: int = 0
    rejected: int = 0
    unknown_columns: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        text = (
            f"{self.fills_read:,} fills of {self.accounts} accounts read, "
            f"{self.days_changed:,} account-days new or changed, "
            f"{self.rejected:,} rows quarantined"
        )
        if self.unknown_columns:
            text += f"; unknown columns: {', '.join(sorted(self.unknown_columns))}"
        return text


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Source, Home, date]]:
    """The source, the home this run writes to, and its AS_OF date.

    A date before the latest one the source has is the past, with a home of its own.
    """
    quiet_dlt(settings.home_root / "dlt")
    with open_source(settings) as source:
        latest = source.latest_as_of()
        as_of = settings.as_of or latest
        if as_of > max(latest, datetime.now(EASTERN).date()):
            raise UserError(
                f"AS_OF={as_of} lies in the future. Leave it out for today."
            )
        home = Home(settings.home_root)
        yield source, home.past(as_of) if as_of < latest else home, as_of


def ingest(
    settings: Settings, source: Source, home: Home, as_of: date
) -> IngestSummary:
    """Bring the warehouse up to what the source holds before `as_of`.

    Raises:
        UserError: The warehouse belongs to another source or firm, or a document
            cannot be read; the warehouse is as it was.
    """
    before = read_run_context(home)
    _refuse_other_firm(before, source, home)
    versions = DayVersions(home)
    reading = _Reading(
        versions, _salt(Home(settings.home_root)), as_of, settings.threads
    )
    with reading.parser:
        reading.read_accounts(source.accounts())
        first = settings.history_start or reading.first_traded(set()) or as_of
        if before is not None and not versions.is_empty():
            first = min(before.as_of, as_of) - timedelta(days=settings.reload_days)
            # An account that is new to us may have a history.
            newcomers = reading.first_traded(versions.accounts(FILLS.name))
            first = min(first, newcomers or first)
        last = as_of - timedelta(days=1)
        for document in source.documents(reading.account_numbers, first, last):
            reading.read_day_document(document)
        reading.record_vanished(last)
    if versions.is_empty() and not reading.summary.fills_read:
        rejected = pa.concat_tables(reading.rejected).to_pylist()
        if rejected:
            row = rejected[0]
            raise UserError(
                f"None of the fills of {source.firm} can be read: {len(rejected)} rows "
                f"are wrong, the first in {row['origin']}, line "
                f"{row['line_number']}: {row['column_name'] or 'it'} "
                f"{row['reason']}. Export them again."
            )
        raise UserError(
            f"There is no fill before {as_of} in {source.firm}. Check AS_OF, "
            "HISTORY_START and the accounts or files you loaded."
        )
    prediction_date = next_session(as_of)
    tables = reading.tables()
    tables["sessions"] = [
        sessions_table(
            min(filter(None, [first, reading.first_fill])), as_of + timedelta(days=365)
        )
    ]
    home.root.mkdir(parents=True, exist_ok=True)
    load(home, tables)
    commit(
        home,
        context=RunContext(source.name, source.firm, as_of, prediction_date),
        versions=reading.versions_table(),
        covered=pa.Table.from_pylist(reading.covered, schema=COVERED_SCHEMA),
        rejected=pa.concat_tables([REJECTED_SCHEMA.empty_table(), *reading.rejected]),
        account_names=reading.account_numbers,
    )
    source.finish(home)
    return reading.summary


class _Reading:
    """Collects what the documents of one run say that is new."""

    def __init__(
        self, versions: DayVersions, salt: str, as_of: date, threads: int
    ) -> None:
        self.parser = Parser(salt=salt, before=as_of, threads=threads)
        self.summary = IngestSummary()
        self.account_numbers: dict[str, str] = {}
        self.first_fill: date | None = None
        self.covered: list[dict] = []
        self.rejected: list[pa.Table] = []
        self._salt = salt
        self._as_of = as_of
        self._versions = versions
        self._accounts: list[dict] = []
        self._tables = empty_tables()
        self._new: list[dict] = []
        self._seen: dict[tuple[str, str, date], tuple[str, str]] = {}
        self._windows: dict[tuple[str, str], list[tuple[date, date]]] = {}

    def read_accounts(self, document: Document) -> None:
        parsed = self._parse(document)
        self.covered.append({"resource": document.resource.name})
        for row in parsed.rows.to_pylist():
            name = row["account_name"]
            if name in self.account_numbers:
                raise DocumentError(
                    f"{document.origin} lists the same account name twice (numbers "
                    f"{self.account_numbers[name]} and {row['account_number']}), so "
                    "fills cannot be told apart. Rename one in PropReports."
                )
            if row["account_number"] in self.account_numbers.values():
                raise DocumentError(
                    f"{document.origin} lists the account number "
                    f"{row['account_number']} twice. Export the accounts again."
                )
            self.account_numbers[name] = row["account_number"]
            self._accounts.append(row | {"listed_as_of": self._as_of})
        self.summary.accounts = len(self._accounts)
        # A file may be named by an account's code alone.
        codes = [re.split(r"\W", name, maxsplit=1)[0] for name in self.account_numbers]
        aliases = {
            code: number
            for code, number in zip(codes, self.account_numbers.values(), strict=True)
            if codes.count(code) == 1
        }
        # A name of an earlier run still means the account it meant then.
        known = self._versions.account_names
        self.parser.set_accounts(known | aliases | self.account_numbers)

    def first_traded(self, known: set[str]) -> date | None:
        """First date any listed account traded, accounts in `known` left out."""
        firsts = [
            row["first_traded_date"]
            for row in self._accounts
            if row["account_number"] not in known
        ]
        return min(filter(None, firsts), default=None)

    def read_day_document(self, document: Document) -> None:
        parsed = self._parse(document)
        resource = document.resource
        listed = {row["account_number"] for row in self._accounts}
        for row in parsed.unlisted.to_pylist():
            if row["account_number"] not in listed:
                self._accounts.append(row | {"listed_as_of": None})
        days = parsed.days.to_pylist()
        if resource is FILLS:
            self.summary.fills_read += parsed.rows.num_rows
            dates = [day["trade_date"] for day in days]
            self.first_fill = min(filter(None, [self.first_fill, *dates]), default=None)
        changed = [day for day in days if self._is_new(document, day)]
        wanted = {
            day["content_hash"]
            for day in changed
            if not self._versions.is_loaded(resource.name, *_day_key(day))
        }
        if wanted:
            # Two days with the same content hash hold the same rows but for the key.
            mask = pc.is_in(parsed.rows["content_hash"], pa.array(list(wanted)))
            rows = parsed.rows.filter(mask).cast(day_schema(resource))
            self._tables[resource.name].append(rows)
            self.summary.rows_loaded += rows.num_rows
            if parsed.fees is not None:
                mask = pc.is_in(parsed.fees["content_hash"], pa.array(list(wanted)))
                self._tables["fill_fees"].append(
                    parsed.fees.filter(mask).cast(FEES_SCHEMA)
                )
        for day in changed:
            self._record(resource.name, *_day_key(day), day["rows_count"])
        self._note_covered(document, days)

    def record_vanished(self, last: date) -> None:
        """Record as empty what the warehouse holds and no document does any more.

        Only when all documents are read: two files may share an account's days.
        """
        for resource in BY_DAY:
            for account, day in self._versions.held(resource.name):
                if (resource.name, account, day) in self._seen or day > last:
                    continue
                windows = self._windows.get((resource.name, account), [])
                if any(start <= day <= end for start, end in windows):
                    self._record(resource.name, account, day, EMPTY_DAY, 0)

    def tables(self) -> dict[str, list[pa.Table]]:
        """What dlt has to load: accounts, and the rows of new versions."""
        accounts = [
            row | {"name_hash": _hashed(row["account_name"], self._salt)}
            for row in self._accounts
        ]
        accounts_table = pa.Table.from_pylist(accounts, schema=ACCOUNTS_SCHEMA)
        return self._tables | {"accounts": [accounts_table]}

    def versions_table(self) -> pa.Table:
        """The day versions to commit, as `VERSIONS_SCHEMA`."""
        return pa.Table.from_pylist(self._new, schema=VERSIONS_SCHEMA)

    def _parse(self, document: Document) -> Parsed:
        parsed = self.parser.parse(document)
        self.rejected.append(parsed.rejected)
        self.summary.rejected += parsed.rejected.num_rows
        self.summary.unknown_columns.update(
            f"{document.resource.name}.{name}" for name in parsed.unknown_columns
        )
        return parsed

    def _is_new(self, document: Document, day: dict) -> bool:
        account, trade_date, content = _day_key(day)
        key = (document.resource.name, account, trade_date)
        earlier = self._seen.get(key)
        if earlier is None:
            self._seen[key] = (content, document.origin)
            return not self._versions.is_current(*key, content)
        if earlier[0] != content:
            raise DocumentError(
                f"{earlier[1]} and {document.origin} both hold {trade_date} of the "
                "same account and disagree. Remove or complete one of them."
            )
        return False

    def _note_covered(self, document: Document, days: list[dict]) -> None:
        """Remember for which accounts and dates a document is all there is."""
        name = document.resource.name
        if document.covers is None:
            # A file of exports speaks for its accounts from its first day on.
            self.covered.append({"resource": name})
            firsts: dict[str, date] = {}
            for day in days:
                firsts.setdefault(day["account_number"], day["trade_date"])
            for account, first in firsts.items():
                self._windows.setdefault((name, account), []).append((first, date.max))
            return
        first, last = document.covers
        self.covered.append({"resource": name, "first_date": first, "last_date": last})
        accounts = set(self.account_numbers.values())
        if document.account_name is not None:
            accounts = {self.account_numbers[document.account_name]}
        for account in accounts:
            self._windows.setdefault((name, account), []).append((first, last))

    def _record(
        self, resource: str, account: str, day: date, content: str, rows_count: int
    ) -> None:
        self.summary.days_changed += resource == FILLS.name
        self._new.append(
            {
                "resource": resource,
                "account_number": account,
                "trade_date": day,
                "content_hash": content,
                "rows_count": rows_count,
                "known_at": self._versions.known_at(resource, account, day),
            }
        )


def _day_key(day: dict) -> tuple[str, date, str]:
    return day["account_number"], day["trade_date"], day["content_hash"]


def _hashed(name: str, salt: str) -> str:
    return "x" + hashlib.sha256((salt + name).encode()).hexdigest()[:12]


def _salt(root: Home) -> str:
    """The secret of this home that hides account names; made on first use."""
    path = root.root / "account_salt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_hex(16))
        os.replace(partial, path)
    return path.read_text()


def _refuse_other_firm(before: RunContext | None, source: Source, home: Home) -> None:
    if before is None or (before.source, before.firm) == (source.name, source.firm):
        return
    raise UserError(
        f"{home.root} holds {before.source} data of {before.firm}; this run would load "
        f"{source.name} data of {source.firm}. Set RISK_HOME to another folder, or "
        "FIRM to the same name if it is the same firm."
    )
