"""PropReports, asked again and again for the day's fills: late, and marked so.

Each version of a fill is a report of its own: where one changed, or vanished, the one
before is taken back. A same-day list is empty at most firms until the next morning.
"""

import csv
import hashlib
import io
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from ingestion.client import ApiError, PropReportsClient
from ingestion.resources import FILLS
from live.figures import SourceState
from live.journal import JournalFullError
from live.reports import BadMessage, ExecutionReport
from live.sources import Receive
from runtime.sessions import EASTERN, utc_now
from runtime.settings import Settings

POLL_SECONDS = 60.0
_REGULAR = ("REGULAR", "")
_SIDES = ("B", "S", "T", "C")
_TIMES = ("%m/%d/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S")

Connect = Callable[[], AbstractContextManager[PropReportsClient]]


def connection(settings: Settings) -> Connect:
    """How to log in, by the settings of the morning."""

    def connect() -> PropReportsClient:
        token, password = settings.api_token, settings.api_password
        return PropReportsClient(
            settings.propreports_url or "",
            token=token.get_secret_value() if token else None,
            user=settings.api_user,
            password=password.get_secret_value() if password else None,
        )

    return connect


class PropReportsSource:
    """The fills of a date, as PropReports lists them by now.

    Fills of a future's evening are of the date before there, and are not asked for.

    Args:
        connect: Logs in; a session of its own for each time it asks.
    """

    def __init__(
        self,
        connect: Connect,
        session_date: date,
        group_id: int,
        *,
        name: str = "propreports",
        clock: Callable[[], datetime] = utc_now,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.name = name
        self._connect = connect
        self._session_date = session_date
        self._group_id = group_id
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._known: dict[str, ExecutionReport] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._state = SourceState(
            name, "propreports", is_connected=False, is_late=True,
            problem="not asked yet",
        )  # fmt: skip

    def start(self, receive: Receive, last_sequence: int | None) -> None:  # noqa: ARG002
        """Ask, and ask again; see `Source`."""
        self._thread = threading.Thread(target=self._poll, args=(receive,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; see `Source`."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def state(self) -> SourceState:
        """How it is doing; see `Source`."""
        with self._lock:
            return self._state

    def _poll(self, receive: Receive) -> None:
        while not self._stopping.is_set():
            problem = None
            taken = 0
            try:
                taken = self._ask(receive)
            except ApiError as error:
                problem = str(error)
            except csv.Error as error:
                problem = f"the reply is no CSV ({error})"
            except JournalFullError:
                problem = "the disk is full: nothing is taken"
            except OSError as error:
                problem = f"reports cannot be kept ({error.strerror})"
            now = self._clock()
            with self._lock:
                before = self._state
                self._state = replace(
                    before,
                    is_connected=problem is None,
                    problem=problem,
                    last_heard_at=before.last_heard_at if problem else now,
                    last_report_at=now if taken else before.last_report_at,
                    reports_count=before.reports_count + taken,
                )
            self._stopping.wait(self._poll_seconds)

    def _ask(self, receive: Receive) -> int:
        """Ask once; how many reports came of it."""
        day = self._session_date.isoformat()
        with self._connect() as client:
            body = client.pages(
                FILLS.name, groupId=self._group_id, startDate=day, endDate=day
            )
        now = self._clock()
        found: dict[str, ExecutionReport] = {}
        bad: list[BadMessage] = []
        for line, cells in _rows(body.decode("utf-8", "replace")):
            try:
                report = self._report(cells, now)
            except (ValueError, OverflowError) as problem:
                reason = f"fills of {day}, line {line}: {problem}"
                text = ",".join(str(cell) for cell in cells.values())
                bad.append(BadMessage(self.name, now, reason, text))
                continue
            if report is not None:
                found[report.exec_id] = report
        messages: list[ExecutionReport | BadMessage] = [
            *bad,
            *(one for exec_id, one in found.items() if exec_id not in self._known),
            *(
                replace(
                    one, exec_id=f"{exec_id}-gone", kind="cancel", ref_exec_id=exec_id,
                    executed_at=now, received_at=now,
                )
                for exec_id, one in self._known.items() if exec_id not in found
            ),
        ]  # fmt: skip
        if messages:
            receive(messages)
        self._known = found
        return len(messages) - len(bad)

    def _report(
        self, cells: Mapping[str, str], now: datetime
    ) -> ExecutionReport | None:
        """A row as a report; None of what was cancelled, or is a journal entry."""
        if cells.get("status", "") not in _REGULAR:
            return None
        side = cells.get("side", "")
        if side not in _SIDES:
            raise ValueError(f"B/S is not one of {', '.join(_SIDES)}: {side!r}")
        content = "|".join(f"{name}={cell}" for name, cell in sorted(cells.items()))
        # Its own id does not change with its content: so it is of both.
        version = hashlib.sha256(content.encode()).hexdigest()[:12]
        own = cells.get("propreports_id") or cells.get("fill_id") or ""
        return ExecutionReport(
            source=self.name,
            exec_id=f"{own}-{version}",
            kind="new",
            account=(cells.get("account_name", "").split() or [""])[0],
            symbol=cells.get("symbol", ""),
            side=side,  # type: ignore[arg-type]
            quantity=_number("Qty", cells.get("quantity", "")),
            price=_number("Price", cells.get("price", "")),
            executed_at=_time(cells.get("filled_at_et", "")),
            received_at=now,
            trade_date=self._session_date,
            order_id=cells.get("order_id") or None,
            currency=cells.get("currency") or None,
            route=cells.get("route") or None,
            liquidity=cells.get("liquidity") or None,
            is_late=True,
        )


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row of a reply, with its line, by the names of the raw table's columns."""
    labels = {
        label.casefold(): column.name
        for column in FILLS.columns
        for label in column.labels
    }
    reader = csv.reader(io.StringIO(text))
    header = [labels.get(cell.strip().casefold()) for cell in next(reader, [])]
    if not any(header):
        return
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield (
                reader.line_num,
                {
                    name: cell.strip()
                    for name, cell in zip(header, cells, strict=False)
                    if name is not None
                },
            )


def _number(label: str, cell: str) -> Decimal:
    try:
        return Decimal(cell.replace(",", ""))
    except InvalidOperation:
        raise ValueError(f"{label} is no number: {cell!r}") from None


def _time(cell: str) -> datetime:
    for pattern in _TIMES:
        try:
            at = datetime.strptime(cell, pattern)
        except ValueError:
            continue
        return at.replace(tzinfo=EASTERN).astimezone(UTC)
    raise ValueError(f"Date/Time is no time: {cell!r}")
