"""A synthetic session: the sample firm's own fills of a day, sold over a drop copy.

They are those that its PropReports will show the next morning. They come over FIX on
loopback, as from a venue, with the mishaps of venues where asked for; what the day
comes to in the end is the same.
"""

import random
import shutil
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from ingestion.simulator import sample_firm
from ingestion.simulator.firm import Fill, Firm, execution_order
from ingestion.sources import SAMPLE_FIRST, SAMPLE_LAST
from live.figures import SourceState
from live.sources import Receive
from live.sources.drop_copy_server import DropCopyServer, Fields
from live.sources.fix import FixSource
from live.sources.fix_settings import KINDS, FixSettings
from runtime.errors import UserError
from runtime.sessions import EASTERN, sessions_between

NAME = "sample"
MISHAPS = (
    "duplicates",  # sent again, as 97=Y
    "busts",  # fills that never were, taken back after or before
    "corrections",  # a wrong price first
    "disconnects",  # the line drops; what was missed comes with 43=Y
    "gaps",  # numbers that are lost
)
_CODES = {"B": "1", "C": "1", "S": "2", "T": "5"}
# Idle hours are passed over: nobody waits longer for the next fill.
_MOST_WAIT_SECONDS = 3.0
_CORRECTED_AFTER = timedelta(seconds=30)
_RETRY_SECONDS = 0.02


def sample_session(session_date: date, seed: int) -> tuple[Firm, list[Fill]]:
    """The sample firm, and its fills of a session in order of time.

    Raises:
        UserError: The firm has no such session.
    """
    sessions = sessions_between(SAMPLE_FIRST, SAMPLE_LAST)
    # Known at once; the firm takes seconds.
    if session_date not in sessions:
        raise UserError(
            f"The sample firm has no session of {session_date}; its last one is of "
            f"{SAMPLE_LAST}. Run `make daily SOURCE=sample AS_OF={SAMPLE_LAST}` once, "
            f"then `make live SOURCE=sample AS_OF={SAMPLE_LAST}`."
        )
    firm = sample_firm(sessions, seed)
    fills = [
        fill
        for fill in sorted(firm.fills, key=execution_order)
        # A journal entry is no execution.
        if firm.trade_date(fill) == session_date
        and (fill.is_regular or fill.is_cancelled)
    ]
    return firm, fills


@dataclass(frozen=True)
class _Step:
    """A report on its way, and when it is sent."""

    at: datetime
    fields: Fields
    is_new: bool = True


class SimulatorSource:
    """A simulated session; says that it is synthetic.

    Args:
        fills: In order of time; times are Eastern.
        speed: How many seconds pass in one; None for as fast as it can.
        mishaps: Of `MISHAPS`.
        store: For the FIX engine's sequence numbers.
    """

    def __init__(
        self,
        fills: Sequence[Fill],
        store: Path,
        *,
        speed: float | None = None,
        mishaps: Collection[str] = (),
        seed: int = 7,
        name: str = NAME,
    ) -> None:
        self.name = name
        self._store = store
        self._speed = speed
        self._mishaps = frozenset(mishaps)
        self._draw = random.Random(seed)
        self._steps = list(self._steps_of(fills))
        self._lock = threading.Lock()
        self._at = self._steps[0].at
        self._since = time.monotonic()
        self._is_sent = False
        self._sent_count = 0
        self._stopping = threading.Event()
        self._server = DropCopyServer(clock=self.now)
        settings = FixSettings(
            name, "127.0.0.1", self._server.port, self._server.target,
            self._server.sender, self._server.begin_string, heartbeat_seconds=5,
            kind_tag=20, kinds=KINDS[20],
        )  # fmt: skip
        self._fix = FixSource(
            settings, store, clock=self.now, reconnect_seconds=1, is_synthetic=True
        )
        self._thread = threading.Thread(target=self._play, daemon=True)

    def now(self) -> datetime:
        """The session's own clock, which goes `speed` times as fast."""
        with self._lock:
            passed = 0.0
            if self._speed is not None and not self._is_sent:
                passed = (time.monotonic() - self._since) * self._speed
            return self._at + timedelta(seconds=passed)

    def start(self, receive: Receive, last_sequence: int | None) -> None:
        """Log on and let the session begin; see `Source`."""
        # The venue begins its day anew: what is known is not booked twice.
        del last_sequence
        shutil.rmtree(self._store, ignore_errors=True)
        self._server.__enter__()
        self._fix.start(receive, None)
        self._thread.start()

    def stop(self) -> None:
        """End it; see `Source`."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._fix.stop()
        self._server.__exit__()

    def state(self) -> SourceState:
        """How it is doing; see `Source`."""
        state = self._fix.state()
        return replace(
            state,
            kind="simulator",
            is_finished=self._is_sent and state.reports_count >= self._sent_count,
        )

    def _play(self) -> None:
        for number, step in enumerate(self._steps):
            if not self._wait_for(step):
                return
            if "gaps" in self._mishaps and self._draw.random() < 0.01:
                self._server.skip()
            self._server.report(step.fields)
            self._sent_count += 1
            is_line_down = "disconnects" in self._mishaps and not (number + 1) % 200
            if is_line_down:
                self._server.hang_up()
        with self._lock:
            self._is_sent = True

    def _wait_for(self, step: _Step) -> bool:
        """Wait until a report's time has come; False where it never will."""
        while not self._server.is_logged_on:
            # What is sent meanwhile is missed, and comes when it is asked for.
            if "disconnects" in self._mishaps and self._sent_count:
                break
            if self._stopping.wait(_RETRY_SECONDS):
                return False
        if self._speed is not None:
            apart = (step.at - self.now()).total_seconds() / self._speed
            if apart > 0 and self._stopping.wait(min(apart, _MOST_WAIT_SECONDS)):
                return False
        with self._lock:
            self._at, self._since = max(self._at, step.at), time.monotonic()
        return not self._stopping.is_set()

    def _steps_of(self, fills: Sequence[Fill]) -> Iterator[_Step]:
        steps: list[_Step] = []
        for fill in fills:
            steps += self._steps_of_fill(fill)
        return iter(sorted(steps, key=lambda step: step.at))

    def _steps_of_fill(self, fill: Fill) -> Iterator[_Step]:
        exec_id = str(fill.propreports_id)
        at = fill.filled_at.replace(tzinfo=EASTERN).astimezone(UTC)
        chance = self._draw.random()
        is_wrong = "corrections" in self._mishaps and chance < 0.03
        price = fill.price + Decimal("0.5") if is_wrong else fill.price
        first = _Step(at, _fields(fill, exec_id, at, price=price))
        yield first
        later = at + _CORRECTED_AFTER
        if is_wrong:
            more = [(20, "2"), (19, exec_id)]
            yield _Step(later, _fields(fill, f"{exec_id}-C", later, more=more))
        if fill.is_cancelled:
            more = [(20, "1"), (19, exec_id)]
            yield _Step(later, _fields(fill, f"{exec_id}-B", later, more=more))
        if "duplicates" in self._mishaps and 0.03 <= chance < 0.06:
            yield replace(first, at=later, fields=[*first.fields, (97, "Y")])
        if "busts" in self._mishaps and chance > 0.97:
            gone, more = f"{exec_id}-X", [(20, "1"), (19, f"{exec_id}-X")]
            bust = _fields(fill, f"{gone}B", later, more=more)
            # Now and then a bust comes before what it takes back.
            yield _Step(at if chance > 0.985 else later, bust)
            yield _Step(
                at + timedelta(milliseconds=1),
                _fields(fill, gone, at, price=fill.price + 1),
            )


def _fields(
    fill: Fill,
    exec_id: str,
    at: datetime,
    *,
    price: Decimal | None = None,
    more: Fields = (),
) -> Fields:
    """A fill as an ExecutionReport of FIX 4.2."""
    told = at.strftime("%Y%m%d-%H:%M:%S.%f")[:-3]
    kind = [] if any(tag == 20 for tag, _ in more) else [(20, "0")]
    found = [
        (37, fill.order_id or exec_id), (17, exec_id), (150, "2"), (39, "2"),
        # The account's code, as ingestion makes its id of the name.
        (1, fill.account_name.split()[0]), (55, fill.symbol), (54, _CODES[fill.side]),
        (32, f"{fill.quantity:f}"), (31, f"{fill.price if price is None else price:f}"),
        (60, told), (30, fill.route or "SIM"), (15, fill.currency), *kind, *more,
    ]  # fmt: skip
    if fill.liquidity:
        found.append((851, fill.liquidity))
    return [(tag, value) for tag, value in found if value]
