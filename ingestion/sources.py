"""Where documents come from: the API, a folder of exports, or the sample firm."""

import csv
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from ingestion.account_names import folded
from ingestion.client import IncompleteError, PropReportsClient, TooManyPagesError
from ingestion.documents import Document
from ingestion.exports_folder import ExportsFolder, UnreadFile
from ingestion.file_formats import stem
from ingestion.resources import (
    ACCOUNTS,
    ADJUSTMENTS,
    BROKER_DAYS,
    FILLS,
    POSITIONS,
    Resource,
)
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import EASTERN, sessions_between
from runtime.settings import Settings

# The sample firm's history: 18 months, ending on a day whose next morning is a session.
SAMPLE_FIRST = date(2024, 6, 17)
SAMPLE_LAST = date(2025, 12, 18)
NO_DATA = b"No data available"
# More would hold too much of one answer in memory; fewer days are asked for instead.
PAGES_AT_ONCE = 8
# A file that was written to so lately may not be finished.
SETTLED_SECONDS = 2
ATTEMPTS = 4


@dataclass(frozen=True)
class Request:
    """A piece of a source that is read at once.

    Attributes:
        name: Names it in messages, and in the record of what an unfinished load read.
        resource: What it holds.
        account_name: Whose it is; None: of all accounts.
        first: First trade date wanted; None: all there is.
        last: Last trade date wanted.
    """

    name: str
    resource: Resource
    account_name: str | None = None
    first: date | None = None
    last: date | None = None


DeskLines = Mapping[str, Sequence[Sequence[object]]]


class Source(Protocol):
    """One firm's data, as CSV documents.

    Attributes:
        reads_whole: Whether all there is is read every time, whatever the dates.
        desk_lines: What the desk's new files begin with, by their name.
    """

    name: str
    firm: str
    reads_whole: bool
    desk_lines: DeskLines

    def version(self) -> str | None:
        """The version that the server names; None without a server."""

    def latest_as_of(self) -> date | None:
        """This morning; None: the morning after the last fill it holds."""

    def accounts(self) -> Document:
        """The list of accounts."""

    def requests(
        self, account_names: dict[str, str], first: date, last: date
    ) -> list[Request]:
        """What to read for fills, daily summaries and what else there is.

        Args:
            account_names: Account numbers by account name.
            first: First trade date wanted.
            last: Last trade date wanted.
        """

    def read(self, request: Request) -> Iterator[Document]:
        """The documents of a request."""

    def unread(self) -> list[UnreadFile]:
        """What there is and is not read."""

    def finish(self, home: Home) -> None:
        """Leave beside a loaded warehouse what the source has to say besides."""


class ApiSource:
    """A firm's PropReports over its API.

    Args:
        client: Logged in.
        name: `api`, or `sample` for the simulator.
        firm: Name of the firm.
        group_id: The group whose accounts are read.
        latest_as_of: This morning at the firm.
    """

    reads_whole = False

    def __init__(
        self,
        client: PropReportsClient,
        *,
        name: str,
        firm: str,
        group_id: int,
        latest_as_of: date,
    ) -> None:
        self.name = name
        self.firm = firm
        self._client = client
        self._group_id = group_id
        self.desk_lines: DeskLines = {}
        self._latest_as_of = latest_as_of
        self._account_numbers: dict[str, str] = {}

    def version(self) -> str:
        """The name and version that PropReports gives."""
        return self._client.version()

    def latest_as_of(self) -> date:
        """This morning."""
        return self._latest_as_of

    def accounts(self) -> Document:
        """All accounts of the group."""
        body = self._steady_pages("accounts", groupId=self._group_id)
        return Document(ACCOUNTS, "accounts", body)

    def requests(
        self, account_names: dict[str, str], first: date, last: date
    ) -> list[Request]:
        """Fills by month, positions and adjustments by year, summaries by account."""
        if first > last:
            return []
        self._account_numbers = account_names
        found = [
            Request(f"{resource.name} {start}..{end}", resource, None, start, end)
            for resource, months in ((FILLS, 1), (POSITIONS, 12), (ADJUSTMENTS, 12))
            for start, end in _periods(first, last, months)
        ]
        for name, number in account_names.items():
            label = f"summaryByDate of account {number} {first}..{last}"
            found.append(Request(label, BROKER_DAYS, name, first, last))
        return found

    def read(self, request: Request) -> Iterator[Document]:
        """One document, or several of fewer days if there are too many rows.

        Raises:
            ApiError: PropReports refused, or kept changing what it sent.
        """
        try:
            body = self._body(request)
        except TooManyPagesError:
            for half in _halves(request):
                yield from self.read(half)
            return
        is_blank = not body.strip()
        if is_blank or NO_DATA in body.lstrip().split(b"\n", 1)[0]:
            body = request.resource.empty_document
        yield Document(
            request.resource,
            request.name,
            body,
            request.account_name,
            covers=_window(request),
            is_blank=is_blank,
        )

    def _body(self, request: Request) -> bytes:
        first, last = _window(request)
        window = {"startDate": first.isoformat(), "endDate": last.isoformat()}
        if request.resource is BROKER_DAYS:
            assert request.account_name is not None, "summaries are of one account"
            number = self._account_numbers[request.account_name]
            return self._steady_summary(request.name, accountId=number, **window)
        return self._steady_pages(
            request.resource.name,
            limit=None if first == last else PAGES_AT_ONCE,
            groupId=self._group_id,
            **window,
        )

    def _steady_pages(
        self, action: str, *, limit: int | None = None, **fields: object
    ) -> bytes:
        """All pages, asked for again if they are cut off or change meanwhile."""
        for _ in range(ATTEMPTS - 1):
            with suppress(IncompleteError):
                return self._pages(action, limit, **fields)
        return self._pages(action, limit, **fields)

    def _pages(self, action: str, limit: int | None, **fields: object) -> bytes:
        body = self._client.pages(action, limit=limit, **fields)
        if action == FILLS.name and (twice := _repeated_row(body)):
            raise IncompleteError(
                f"PropReports sent the fill with PropReports Id {twice} twice: rows "
                "moved between pages while they were read. Run `make ingest` again."
            )
        return body

    def _steady_summary(self, name: str, **fields: object) -> bytes:
        """A daily summary that ends with its totals, or that came twice alike.

        It has no pages, so that nothing else tells where it ends.
        """
        before: bytes | None = None
        for _ in range(ATTEMPTS):
            body = self._client.report("summaryByDate", **fields)
            if _has_totals(body) or body == before:
                return body
            before = body
        raise IncompleteError(
            f"PropReports sent {name} without its last line, each time another part of "
            "it. Run `make ingest` again."
        )

    def unread(self) -> list[UnreadFile]:
        """All that is asked for is read."""
        return []

    def finish(self, home: Home) -> None:
        """Nothing is left beside the warehouse."""


class FilesSource:
    """A folder of exports: `accounts.csv`, `fills/*.csv`, `summaryByDate/*.csv`.

    A file may be gzip of CSV (`.csv.gz`) or a workbook with one sheet (`.xlsx`).

    Raises:
        UserError: The folder, `accounts.csv` or the fills are not there.
    """

    name = "files"
    reads_whole = True

    def __init__(self, folder: Path, *, firm: str) -> None:
        self.firm = firm
        self.desk_lines: DeskLines = {}
        self._exports = ExportsFolder(folder)
        self._seen: dict[Path, tuple[int, int]] = {}
        self._settle()

    def version(self) -> None:
        """Files have none."""
        return

    def latest_as_of(self) -> None:
        """Only the files know, once they are read."""
        return

    def accounts(self) -> Document:
        """`accounts.csv`."""
        return self._document(ACCOUNTS, self._exports.accounts)

    def requests(
        self,
        account_names: dict[str, str],
        first: date,  # noqa: ARG002
        last: date,  # noqa: ARG002
    ) -> list[Request]:
        """Every file of fills, then every file of daily summaries."""
        # The list has been read by now.
        self._refuse_growing(self._exports.accounts)
        return [
            *(Request(str(path), FILLS) for path in self._exports.fills),
            *(
                Request(str(path), BROKER_DAYS, _account_of(path, account_names))
                for path in self._exports.summaries
            ),
        ]

    def read(self, request: Request) -> Iterator[Document]:
        """The file.

        Raises:
            UserError: It was written to before it was read to its end.
        """
        path = Path(request.name)
        yield self._document(request.resource, path, request.account_name)
        self._refuse_growing(path)

    def unread(self) -> list[UnreadFile]:
        """The files of the folder that are no exports, or not in their place."""
        return self._exports.unread

    def finish(self, home: Home) -> None:
        """Nothing is left beside the warehouse."""

    def _settle(self) -> None:
        """Remember what each file is before it is read; wait for the youngest one."""
        paths = [
            self._exports.accounts,
            *self._exports.fills,
            *self._exports.summaries,
        ]
        self._seen = {path: _state(path) for path in paths}
        youngest = max(modified for _, modified in self._seen.values()) / 1e9
        # A clock that is behind the file's would wait for hours.
        if 0 <= (age := time.time() - youngest) < SETTLED_SECONDS:
            time.sleep(SETTLED_SECONDS - age)
            for path in paths:
                self._refuse_growing(path)

    def _refuse_growing(self, path: Path) -> None:
        before, now = self._seen[path], _state(path)
        if now != before:
            raise UserError(
                f"{path} is still being written: {before[0]:,} bytes became "
                f"{now[0]:,} while it was read. Nothing of it counts. Run "
                "`make ingest` again when it is complete."
            )

    def _document(
        self, resource: Resource, path: Path, account_name: str | None = None
    ) -> Document:
        return Document(resource, str(path), path, account_name)


def firm_of(settings: Settings) -> str:
    """Name of the firm whose data the settings' source holds.

    Raises:
        UserError: SOURCE=files without a folder.
    """
    if settings.source_name == "sample":
        return f"synthetic firm, seed {settings.sample_seed}"
    if settings.source_name == "files":
        if settings.exports is None:
            raise UserError("SOURCE=files needs EXPORTS=<folder of CSV exports>.")
        # A link that leads to itself is said to be no folder once it is read.
        return settings.firm or os.path.realpath(settings.exports)
    return settings.firm or urlsplit(_api_url(settings)).netloc


@contextmanager
def open_source(settings: Settings) -> Iterator[Source]:
    """The source the settings name, ready to be read; closed at the end."""
    if settings.source_name == "files":
        firm = firm_of(settings)
        assert settings.exports is not None, "firm_of refuses to continue without"
        yield FilesSource(settings.exports, firm=firm)
    elif settings.source_name == "sample":
        with _sample_source(settings) as source:
            yield source
    else:
        client = PropReportsClient(
            _api_url(settings),
            token=_revealed(settings.api_token),
            user=settings.api_user,
            password=_revealed(settings.api_password),
        )
        with client:
            yield ApiSource(
                client,
                name="api",
                firm=firm_of(settings),
                group_id=settings.api_group_id,
                latest_as_of=datetime.now(EASTERN).date(),
            )


class SampleSource(ApiSource):
    """The synthetic firm: its API, and the truth that no API would tell.

    Args:
        truth: Account name, trade date and expected net P&L of each trader-day.
        desk_lines: What the desk of the firm knows of its accounts.
        firm, group_id, latest_as_of: As `ApiSource`.
    """

    def __init__(
        self,
        client: PropReportsClient,
        *,
        truth: Sequence[tuple[str, date, Decimal]],
        desk_lines: DeskLines,
        firm: str,
        group_id: int,
        latest_as_of: date,
    ) -> None:
        super().__init__(
            client,
            name="sample",
            firm=firm,
            group_id=group_id,
            latest_as_of=latest_as_of,
        )
        self._truth = truth
        self.desk_lines = desk_lines

    def finish(self, home: Home) -> None:
        """Write what only the generator knows, beside the warehouse, never in it."""
        path = home.root / "sample" / "expected_pnl.csv"
        path.parent.mkdir(exist_ok=True)
        with path.open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["account_name", "trade_date", "expected_pnl"])
            writer.writerows(self._truth)


@contextmanager
def _sample_source(settings: Settings) -> Iterator[Source]:
    from ingestion.simulator import sample_desk, sample_firm, sample_revisions, serve

    sessions = sessions_between(SAMPLE_FIRST, SAMPLE_LAST)
    firm = sample_firm(sessions, settings.sample_seed)
    as_of = latest = SAMPLE_LAST + timedelta(days=1)
    # Its clock stands where AS_OF says: what is restated later is not known yet.
    if settings.as_of and SAMPLE_FIRST < settings.as_of < latest:
        as_of = settings.as_of
    revisions = sample_revisions(sessions)
    with (
        serve(firm, as_of=as_of, revisions=revisions) as simulator,
        PropReportsClient(
            simulator.url, user=simulator.user, password=simulator.password
        ) as client,
    ):
        yield SampleSource(
            client,
            truth=firm.expected_pnl,
            desk_lines=sample_desk(sessions),
            firm=firm_of(settings),
            group_id=settings.api_group_id,
            latest_as_of=as_of,
        )


def _account_of(path: Path, account_names: Iterable[str]) -> str:
    """The name of the account whose file this is: named by it, or by its code alone.

    A file that was downloaded again, `ABC (1).csv`, is of the same account.
    """
    whole = stem(path)
    for spelled in (whole, re.sub(r"\s*\(\d+\)$", "", whole)):
        spelling = folded(spelled)
        named = [name for name in account_names if folded(name) == spelling]
        coded = [
            name
            for name in account_names
            if folded(re.split(r"\W", name)[0]) == spelling
        ]
        if spelled in named:
            return spelled
        if len(named or coded) == 1:
            return (named or coded)[0]
    return whole


def _state(path: Path) -> tuple[int, int]:
    """Size, and when it was last written to, in nanoseconds; of no file: zeros."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _api_url(settings: Settings) -> str:
    assert settings.propreports_url is not None, "SOURCE=api is refused without"
    return settings.propreports_url


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _repeated_row(body: bytes) -> str | None:
    """The PropReports Id of a fill that stands in a CSV twice, to the letter."""
    header, *lines = body.decode().splitlines() or [""]
    if len(set(lines)) == len(lines):
        return None
    seen: set[str] = set()
    repeated: list[str] = []
    for line in lines:
        if line in seen:
            repeated.append(line)
        seen.add(line)
    rows = csv.DictReader([header, *repeated])
    ids = (row.get("PropReports Id") for row in rows)
    # Rows without an id of their own may well be equal.
    return next((one for one in ids if one and one.strip()), None)


def _has_totals(body: bytes) -> bool:
    """Whether a daily summary is whole: it has no days, or ends with their totals."""
    lines = body.decode().split("\n")
    lines = [line for line in lines if line.strip()]
    first_cell = lines[-1].split(",")[0].strip().casefold() if lines else ""
    return len(lines) < 2 or first_cell in BROKER_DAYS.summary_labels


def _window(request: Request) -> tuple[date, date]:
    """First and last date of a request to the API."""
    assert request.first is not None, "only files are asked for all there is"
    assert request.last is not None, "only files are asked for all there is"
    return request.first, request.last


def _halves(request: Request) -> tuple[Request, Request]:
    """The same request for the first and for the second half of its days."""
    first, last = _window(request)
    middle = first + (last - first) // 2
    after = middle + timedelta(days=1)
    kind = request.resource.name
    return (
        replace(request, name=f"{kind} {first}..{middle}", last=middle),
        replace(request, name=f"{kind} {after}..{last}", first=after),
    )


def _periods(first: date, last: date, months: int) -> Iterator[tuple[date, date]]:
    """Split first..last at the ends of calendar periods of 1 or 12 months."""
    start = first
    while start <= last:
        month = (start.month - 1) // months * months + months
        year, month = start.year + month // 12, month % 12 + 1
        end = min(date(year, month, 1) - timedelta(days=1), last)
        yield start, end
        start = end + timedelta(days=1)
