"""What `api.php` answers: log-in, rate limit, scope, paging, at a virtual time."""

import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock

from ingestion.simulator import clock, reports
from ingestion.simulator.archive import Archive
from ingestion.simulator.dialect import Dialect
from ingestion.simulator.editions import Editions, LogEntry
from ingestion.simulator.faults import Faults, shifted
from ingestion.simulator.firm import Account, Firm
from ingestion.simulator.tables import Table

VERSION = "v0.0.0-sim"
USER_NUMBER = 501  # the digits after the colon of a token
ALL_ACCOUNTS = ("-2", "-4")
SECRET_FIELDS = ("token", "password")
NEEDS_NO_TOKEN = ("login", "version")


class RefusedError(Exception):
    """A request that gets a message instead of data."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Limits:
    """What the server allows.

    Attributes:
        page_size: Rows on a page of any action but positions.
        rate_limit: Requests answered in any `rate_window_seconds`; a refused request
            does not count.
    """

    page_size: int
    positions_page_size: int
    rate_limit: int
    rate_window_seconds: float
    token_lifetime_seconds: float


@dataclass(frozen=True)
class _View:
    """What one request sees, whatever the clock does meanwhile."""

    archive: Archive
    last: date
    dialect: Dialect


class Simulator:
    """A running server.

    Attributes:
        url: Address of `api.php`.
        user: Who may log in, with `password`.
        now: The virtual time, US Eastern without zone, settable: rows of trade date t
            are visible from `clock.PUBLISHED_AT` of the day after on, revisions from
            their moment on. The hours by which it is moved pass for tokens and the rate
            limit as well, on top of the seconds that really pass.
        dialect: How the replies are written, settable.
        faults: What is to go wrong on the way to the client.
        requests: (action, fields without token and password) of every readable POST,
            refused ones included.
        tokens: All that were ever issued.
    """

    def __init__(
        self,
        editions: Editions,
        now: datetime,
        user: str,
        password: str,
        limits: Limits,
        dialect: Dialect,
    ) -> None:
        self.url = ""
        self.user = user
        self.password = password
        self.now = now
        self.dialect = dialect
        self.faults = Faults()
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.tokens: list[str] = []
        self._editions = editions
        self._limits = limits
        self._lock = Lock()
        self._answered: deque[float] = deque()
        self._issued: dict[str, float] = {}
        self._actions: dict[str, Callable[[Mapping[str, str]], str]] = {
            "login": self._login,
            "logout": self._logout,
            "version": self._version,
            "accounts": self._accounts,
            "fills": self._fills,
            "positions": self._positions,
            "adjustments": self._adjustments,
            "report": self._report,
        }

    @property
    def as_of(self) -> date:
        """The date of `now`; setting it means the morning of a date."""
        return self.now.date()

    @as_of.setter
    def as_of(self, as_of: date) -> None:
        self.now = clock.moment(as_of)

    @property
    def last_visible(self) -> date:
        """The last trade date whose rows are visible."""
        return clock.last_published(self.now)

    @property
    def firm(self) -> Firm:
        """The firm as it is shown, days not yet published included."""
        return self._editions.firm(self.now)

    @property
    def log(self) -> list[LogEntry]:
        """Moment, kind and touched days of the revisions so far, in order."""
        return self._editions.log(self.now)

    def answer(self, fields: Mapping[str, str]) -> tuple[int, str]:
        """HTTP status and body for the fields of one POST."""
        action = fields.get("action", "")
        shown = {
            name: value
            for name, value in fields.items()
            if name != "action" and name not in SECRET_FIELDS
        }
        with self._lock:
            self.requests.append((action, shown))
        try:
            self._check_rate()
            if action not in self._actions:
                raise RefusedError(f"Unknown action: '{action}'.")
            if action not in NEEDS_NO_TOKEN:
                self._check_token(fields.get("token", ""))
            return 200, self._actions[action](fields)
        except RefusedError as error:
            return error.status, str(error)

    def shifted_page(self, fields: Mapping[str, str]) -> str:
        """A second or later page of rows that moved on while they were read."""
        number = int(fields["page"])
        before, page = (
            self._actions[fields["action"]]({**fields, "page": str(wanted)})
            for wanted in (number - 1, number)
        )
        return shifted(before, page)

    def _seconds(self) -> float:
        """Real seconds, and those by which the virtual clock was moved."""
        return time.monotonic() + (self.now - datetime.min).total_seconds()

    def _check_rate(self) -> None:
        with self._lock:
            now = self._seconds()
            # A clock that was turned back leaves answers in the future.
            while self._answered and not (
                0 <= now - self._answered[0] < self._limits.rate_window_seconds
            ):
                self._answered.popleft()
            if len(self._answered) >= self._limits.rate_limit:
                raise RefusedError("Too many requests.", status=429)
            self._answered.append(now)

    def _check_token(self, token: str) -> None:
        with self._lock:
            issued = self._issued.get(token)
        if (
            issued is None
            or self._seconds() - issued >= self._limits.token_lifetime_seconds
        ):
            raise RefusedError("Invalid or expired token.")

    def _login(self, fields: Mapping[str, str]) -> str:
        given = (fields.get("user"), fields.get("password"))
        if given != (self.user, self.password):
            raise RefusedError("Invalid user or password.")
        token = f"{secrets.token_hex(16)}:{USER_NUMBER}"
        with self._lock:
            self._issued[token] = self._seconds()
            self.tokens.append(token)
        return token

    def _logout(self, fields: Mapping[str, str]) -> str:
        with self._lock:
            self._issued.pop(fields["token"], None)
        return "Logged out."

    def _version(self, _: Mapping[str, str]) -> str:
        return f"{VERSION} [{self.as_of.isoformat()}]"

    def _accounts(self, fields: Mapping[str, str]) -> str:
        view = self._view()
        known = view.archive.accounts(view.last)
        if "groupId" in fields:
            known = _scope(view, fields)
        table = reports.accounts(view.archive, known, view.last)
        return _paged(view, table, fields, self._limits.page_size)

    def _fills(self, fields: Mapping[str, str]) -> str:
        view = self._view()
        names = {account.name for account in _scope(view, fields)}
        table = reports.fills(view.archive, names, *_window(view, fields))
        table = view.dialect.fills(table)
        return _paged(view, table, fields, self._limits.page_size)

    def _positions(self, fields: Mapping[str, str]) -> str:
        view = self._view()
        scope = _scope(view, fields)
        table = reports.positions(view.archive, scope, *_window(view, fields))
        return _paged(view, table, fields, self._limits.positions_page_size)

    def _adjustments(self, fields: Mapping[str, str]) -> str:
        view = self._view()
        names = {account.name for account in _scope(view, fields)}
        table = reports.adjustments(view.archive, names, *_window(view, fields))
        return _paged(view, table, fields, self._limits.page_size)

    def _report(self, fields: Mapping[str, str]) -> str:
        kind = fields.get("type", "")
        if kind not in reports.REPORTS:
            raise RefusedError(f"Unknown report type: '{kind}'.")
        view = self._view()
        scope = _scope(view, fields)
        if len(scope) != 1:
            raise RefusedError(f"Report {kind} needs exactly one accountId.")
        rows = reports.REPORTS[kind](view.archive, scope[0], *_window(view, fields))
        return view.dialect.report(kind, rows)

    def _view(self) -> _View:
        now = self.now
        archive = self._editions.archive(now)
        return _View(archive, clock.last_published(now), self.dialect)


def _window(view: _View, fields: Mapping[str, str]) -> tuple[date, date]:
    first, last = _date(fields, "startDate"), _date(fields, "endDate")
    if first > last:
        raise RefusedError("startDate is after endDate.")
    return first, min(last, view.last)


def _scope(view: _View, fields: Mapping[str, str]) -> list[Account]:
    known = view.archive.accounts(view.last)
    if "accountId" in fields:
        by_number = {str(account.number): account for account in known}
        scope = []
        for number in dict.fromkeys(fields["accountId"].split(",")):
            if number.strip() not in by_number:
                raise RefusedError(f"Unknown account: '{number}'.")
            scope.append(by_number[number.strip()])
        return scope
    if "groupId" not in fields:
        raise RefusedError("accountId or groupId is required.")
    if fields["groupId"] not in ALL_ACCOUNTS:
        raise RefusedError(f"Unknown group: '{fields['groupId']}'.")
    return known


def _date(fields: Mapping[str, str], name: str) -> date:
    text = fields.get(name, "")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    # fromisoformat also takes 20250303 and 2025-W10-1.
    if day is None or day.isoformat() != text:
        raise RefusedError(f"Invalid {name}: '{text}', expected YYYY-MM-DD.")
    return day


def _paged(view: _View, table: Table, fields: Mapping[str, str], size: int) -> str:
    """One page with its header; the trailer only if the request names a page."""
    count = max(1, -(-len(table.items) // size))
    text = fields.get("page", "1")
    number = int(text) if text.isdecimal() else 0
    beyond = view.dialect.page_beyond_the_last
    if not 1 <= number <= count and (beyond == "refused" or number < 1):
        raise RefusedError(f"Invalid page: '{text}' of {count}.")
    if beyond == "last":
        number = min(number, count)
    items = table.items[(number - 1) * size : number * size]
    body = view.dialect.page(fields["action"], table, items)
    if "page" not in fields:
        return body
    position = f"{number}/{count}" if table.items else view.dialect.empty_trailer
    return f"{body}Page {position}"
