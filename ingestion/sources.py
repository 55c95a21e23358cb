"""Where documents come from: the API, a folder of exports, or the sample firm."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from ingestion.client import PropReportsClient
from ingestion.documents import Document
from ingestion.parse import Parser
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


class Source(Protocol):
    """One firm's data, as CSV documents."""

    name: str
    firm: str

    def latest_as_of(self) -> date:
        """The morning a run is as of when nobody says otherwise."""

    def accounts(self) -> Document:
        """The list of accounts."""

    def documents(
        self, account_names: dict[str, str], first: date, last: date
    ) -> Iterator[Document]:
        """Fills, daily summaries and what else there is, of these accounts and dates.

        A folder of exports is always read whole, whatever the dates.

        Args:
            account_names: Account numbers by account name.
            first: First trade date wanted.
            last: Last trade date wanted.
        """

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
        self._latest_as_of = latest_as_of

    def latest_as_of(self) -> date:
        """This morning."""
        return self._latest_as_of

    def accounts(self) -> Document:
        """All accounts of the group."""
        body = self._client.pages("accounts", groupId=self._group_id)
        return Document(ACCOUNTS, "accounts", body)

    def documents(
        self, account_names: dict[str, str], first: date, last: date
    ) -> Iterator[Document]:
        """One document per month and resource, and one per account for its summary."""
        if first > last:
            return
        for resource in (FILLS, POSITIONS, ADJUSTMENTS):
            for start, end in _months(first, last):
                body = self._client.pages(
                    resource.name,
                    groupId=self._group_id,
                    startDate=start.isoformat(),
                    endDate=end.isoformat(),
                )
                origin = f"{resource.name} {start}..{end}"
                body = body if body.strip() else resource.empty_document
                yield Document(resource, origin, body, covers=(start, end))
        for name, number in account_names.items():
            body = self._client.report(
                "summaryByDate",
                accountId=number,
                startDate=first.isoformat(),
                endDate=last.isoformat(),
            )
            # Without a day to show, the report is empty or says so.
            if body.strip() and NO_DATA not in body:
                origin = f"summaryByDate of account {number} {first}..{last}"
                yield Document(BROKER_DAYS, origin, body, name, covers=(first, last))

    def finish(self, home: Home) -> None:
        """Nothing is left beside the warehouse."""


class FilesSource:
    """A folder of CSV exports: `accounts.csv`, `fills/*.csv`, `summaryByDate/*.csv`.

    Raises:
        UserError: The folder, `accounts.csv` or the fills are not there.
    """

    name = "files"

    def __init__(self, folder: Path, *, firm: str | None) -> None:
        self.firm = firm or str(folder.resolve())
        self._folder = folder
        self._fills = _csv_files(folder / "fills")
        if not folder.is_dir():
            raise UserError(f"There is no folder {folder}. Set EXPORTS=<folder>.")
        if not (folder / "accounts.csv").is_file():
            raise UserError(f"{folder} has no accounts.csv. Export the accounts there.")
        if not self._fills:
            raise UserError(f"{folder} has no fills/*.csv. Export the fills there.")

    def latest_as_of(self) -> date:
        """The morning after the last fill of any file."""
        with Parser(salt="", before=date.max) as parser:
            dates = [
                parser.last_date(self._document(FILLS, path)) for path in self._fills
            ]
        last = max((found for found in dates if found), default=None)
        if last is None:
            raise UserError(
                f"{self._folder / 'fills'} holds no fill with a readable date. "
                "Export the fills of at least one day there."
            )
        return last + timedelta(days=1)

    def accounts(self) -> Document:
        """`accounts.csv`."""
        return self._document(ACCOUNTS, self._folder / "accounts.csv")

    def documents(
        self,
        account_names: dict[str, str],  # noqa: ARG002
        first: date,  # noqa: ARG002
        last: date,  # noqa: ARG002
    ) -> Iterator[Document]:
        """Every file of fills, then every file of daily summaries."""
        for path in self._fills:
            yield self._document(FILLS, path)
        for path in _csv_files(self._folder / "summaryByDate"):
            yield self._document(BROKER_DAYS, path, path.stem)

    def finish(self, home: Home) -> None:
        """Nothing is left beside the warehouse."""

    def _document(
        self, resource: Resource, path: Path, account_name: str | None = None
    ) -> Document:
        try:
            body = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror}).") from None
        return Document(resource, str(path), body, account_name)


@contextmanager
def open_source(settings: Settings) -> Iterator[Source]:
    """The source the settings name, ready to be read; closed at the end."""
    if settings.source_name == "files":
        if settings.exports is None:
            raise UserError("SOURCE=files needs EXPORTS=<folder of CSV exports>.")
        yield FilesSource(settings.exports, firm=settings.firm)
    elif settings.source_name == "sample":
        with _sample_source(settings) as source:
            yield source
    else:
        client = PropReportsClient(
            settings.propreports_url,
            token=_revealed(settings.api_token),
            user=settings.api_user,
            password=_revealed(settings.api_password),
        )
        with client:
            yield ApiSource(
                client,
                name="api",
                firm=settings.firm or urlsplit(settings.propreports_url).netloc,
                group_id=settings.api_group_id,
                latest_as_of=datetime.now(EASTERN).date(),
            )


class SampleSource(ApiSource):
    """The synthetic firm: its API, and the truth that no API would tell.

    Args:
        truth: Account name, trade date and expected net P&L of each trader-day.
        options: As `ApiSource`.
    """

    def __init__(
        self,
        client: PropReportsClient,
        *,
        truth: Sequence[tuple[str, date, Decimal]],
        **options: object,
    ) -> None:
        super().__init__(client, name="sample", **options)
        self._truth = truth

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
    from ingestion.simulator import sample_firm, serve

    sessions = sessions_between(SAMPLE_FIRST, SAMPLE_LAST)
    firm = sample_firm(sessions, settings.sample_seed)
    latest = SAMPLE_LAST + timedelta(days=1)
    with (
        serve(firm, as_of=min(settings.as_of or latest, latest)) as simulator,
        PropReportsClient(
            simulator.url, user=simulator.user, password=simulator.password
        ) as client,
    ):
        yield SampleSource(
            client,
            truth=firm.expected_pnl,
            firm=f"synthetic firm, seed {settings.sample_seed}",
            group_id=settings.api_group_id,
            latest_as_of=latest,
        )


def _csv_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv")


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Split first..last at the ends of months."""
    start = first
    while start <= last:
        next_month = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        end = min(next_month - timedelta(days=1), last)
        yield start, end
        start = end + timedelta(days=1)
