"""Drop copies over FIX 4.2 and 4.4, through QuickFIX.

The engine asks again for what it missed and hands reports over in the sequence of the
other side; each is in the journal before the engine counts it as received. After a
restart it begins after the last number that the journal has: the rest is sent again.
"""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from live.figures import SourceState
from live.journal import JournalFullError
from live.reports import BadMessage
from live.sources import Receive
from live.sources.fix_messages import message_of, tags_of, without_secrets
from live.sources.fix_settings import FixSettings
from runtime.errors import UserError
from runtime.sessions import utc_now

RECONNECT_SECONDS = 5
# While the disk is full the other side waits.
_RETRY_SECONDS = 1.0
_MOST_CLOCK_SECONDS = 60
_DISK_FULL = "the disk is full: nothing is taken"
_logger = logging.getLogger(__name__)


def load_engine() -> Any:
    """The FIX engine.

    Raises:
        UserError: It is not installed.
    """
    try:
        import quickfix
    except ImportError:
        raise UserError(
            "The FIX engine is not installed. Run `make setup-live`."
        ) from None
    return quickfix


class FixSource:
    """A drop copy; the engine keeps its sequence numbers in a folder.

    Args:
        store: The folder, of this session.
        environment: Where the password's variable is looked up.
    """

    def __init__(
        self,
        settings: FixSettings,
        store: Path,
        *,
        clock: Callable[[], datetime] = utc_now,
        reconnect_seconds: int = RECONNECT_SECONDS,
        is_synthetic: bool = False,
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._store = store
        self._clock = clock
        self._reconnect_seconds = reconnect_seconds
        self._is_synthetic = is_synthetic
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._receive: Receive | None = None
        self._initiator: Any = None
        self._session: Any = None
        self._application: Any = None
        self._is_connected = False
        self._problem: str | None = "not connected yet"
        self._last_report_at: datetime | None = None
        self._last_heard_at: datetime | None = None
        self._reports_count = 0
        self._missing: tuple[int, int] | None = None
        self._clock_off: float | None = None

    def start(self, receive: Receive, last_sequence: int | None) -> None:
        """Connect, and keep trying; see `Source`."""
        quickfix = load_engine()
        self._receive = receive
        variable = self._settings.password_variable
        if variable and variable not in os.environ:
            raise UserError(
                f"Source {self.name}: the environment has no {variable}, which is to "
                "hold its password. Set it."
            )
        self._store.mkdir(parents=True, exist_ok=True)
        self._application = _application(quickfix, self)
        settings = quickfix.SessionSettings()
        settings.setFromString(self._engine_settings())
        self._initiator = quickfix.SocketInitiator(
            self._application, quickfix.FileStoreFactory(str(self._store)), settings
        )
        self._session = quickfix.Session.lookupSession(settings.getSessions()[0])
        if (
            last_sequence is not None
            and last_sequence + 1 < self._session.getExpectedTargetNum()
        ):
            self._session.setNextTargetMsgSeqNum(last_sequence + 1)
        self._initiator.start()

    def stop(self) -> None:
        """Log out and end; see `Source`."""
        self._stopping.set()
        if self._initiator is not None:
            self._initiator.stop()
        # The engine knows a session by its names, once: it is given back.
        self._session = self._initiator = self._application = None

    def state(self) -> SourceState:
        """How it is doing; see `Source`."""
        with self._lock:
            missing = self._missing
            problem = self._problem
            if problem is None and self._clock_off is not None:
                problem = (
                    f"its clock and ours are {self._clock_off:.0f} s apart: ages of "
                    "prices are wrong. Set the clock"
                )
            return SourceState(
                name=self.name,
                kind="fix",
                is_connected=self._is_connected,
                last_report_at=self._last_report_at,
                last_heard_at=self._last_heard_at,
                reports_count=self._reports_count,
                missing=() if missing is None else (missing,),
                is_synthetic=self._is_synthetic,
                problem=problem,
            )

    # -------------------------------------------------- run by the engine's thread

    def connected(self) -> None:
        """Logged on."""
        with self._lock:
            self._is_connected, self._problem = True, None

    def disconnected(self) -> None:
        """Logged out, or the connection is gone."""
        with self._lock:
            self._is_connected = False
            if self._problem is None:
                self._problem = "disconnected; it is tried again"

    def asked_again(self, first: int, last: int) -> None:
        """A gap in the sequence was asked for; `last` is 0 where it is all there is."""
        with self._lock:
            self._missing = first, last or first

    def refused(self, number: str, reason: str) -> None:
        """The engine refused a message of the other side."""
        told = f"the FIX engine refused message {number}: {reason}"
        if self._receive is not None:
            self._receive((BadMessage(self.name, self._clock(), told, ""),))

    def heard(self, text: str) -> None:
        """A message of the session itself."""
        tags = tags_of(text)
        with self._lock:
            self._last_heard_at = self._clock()
            self._check_clock(tags.get("52", ""))
            if tags.get("35") == "5" and tags.get("58"):
                self._problem = f"the other side logged out: {tags['58'][:200]!r}"
            self._close_gap(tags)

    def take(self, text: str) -> None:
        """A message for us: into the journal before the engine counts it."""
        now = self._clock()
        message = message_of(text, self._settings, now)
        while message is not None and self._receive is not None:
            try:
                self._receive((message,))
                break
            except OSError as error:
                is_full = isinstance(error, JournalFullError)
                told = f"reports cannot be kept ({error.strerror}): nothing is taken"
                with self._lock:
                    self._problem = _DISK_FULL if is_full else told
                if self._stopping.wait(_RETRY_SECONDS):
                    return
            except Exception as error:
                # The engine would count it as received, and nobody would know.
                _logger.exception("A message could not be booked")
                told = f"we failed at it ({type(error).__name__}), see the log"
                self._receive(
                    (BadMessage(self.name, now, told, without_secrets(text)),)
                )
                break
        tags = tags_of(text)
        with self._lock:
            self._last_heard_at = now
            if self._is_connected:
                self._problem = None
            self._check_clock(tags.get("52", ""))
            if message is not None:
                self._last_report_at = now
                self._reports_count += 1
            self._close_gap(tags)

    def _close_gap(self, tags: dict[str, str]) -> None:
        number = tags.get("36" if tags.get("35") == "4" else "34", "")
        if self._missing is None or not number.isdigit():
            return
        reached = int(number) - (tags.get("35") == "4")
        first, last = self._missing
        if reached >= last:
            self._missing = None
        elif reached >= first:
            self._missing = reached + 1, last

    def _check_clock(self, sent: str) -> None:
        with suppress(ValueError):
            at = datetime.strptime(sent[:17], "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
            apart = abs((self._clock() - at).total_seconds())
            # What is sent again says when that was.
            self._clock_off = apart if apart > _MOST_CLOCK_SECONDS else None

    def log_on_with(self) -> tuple[str | None, str | None]:
        """User and password, for the log-on alone."""
        variable = self._settings.password_variable
        return self._settings.user, os.environ.get(variable) if variable else None

    def _engine_settings(self) -> str:
        one = self._settings
        lines = {
            "ConnectionType": "initiator",
            "BeginString": one.begin_string,
            "SenderCompID": one.sender_comp_id,
            "TargetCompID": one.target_comp_id,
            "SocketConnectHost": one.host,
            "SocketConnectPort": one.port,
            "HeartBtInt": one.heartbeat_seconds,
            "ResetOnLogon": "Y" if one.reset_on_logon else "N",
            # Sequence numbers begin anew when the other side says so, and with each
            # session's folder; the engine insists on an hour: one when nobody trades.
            "StartDay": "saturday",
            "StartTime": "12:00:00",
            "EndDay": "saturday",
            "EndTime": "11:59:59",
            "UseDataDictionary": "N",
            # A clock that is off is shown; to log out would lose the session.
            "CheckLatency": "N",
            "PersistMessages": "N",
            # What the engine refuses is lost: it is as lenient as it can be.
            "ValidateFieldsOutOfOrder": "N",
            "ValidateFieldsHaveValues": "N",
            "ValidateUserDefinedFields": "N",
        }
        told = "\n".join(f"{name}={value}" for name, value in lines.items())
        default = f"[DEFAULT]\nReconnectInterval={self._reconnect_seconds}\n"
        return f"{default}[SESSION]\n{told}\n"


def _application(quickfix: Any, source: FixSource) -> Any:
    """What the engine runs; a class of the engine's own, which is imported late."""

    class Application(quickfix.Application):
        def onCreate(self, _: Any) -> None:
            """Nothing: we wait for the log-on."""

        def onLogon(self, _: Any) -> None:
            source.connected()

        def onLogout(self, _: Any) -> None:
            source.disconnected()

        def toAdmin(self, message: Any, _: Any) -> None:
            tags = tags_of(message.toString())
            if tags.get("35") == "2":
                source.asked_again(int(tags.get("7", 0)), int(tags.get("16", 0)))
            if tags.get("35") == "3":
                source.refused(tags.get("45", ""), tags.get("58", ""))
            if tags.get("35") == "A":
                user, password = source.log_on_with()
                for tag, value in ((553, user), (554, password)):
                    if value is not None:
                        message.setField(quickfix.StringField(tag, value))

        def fromAdmin(self, message: Any, _: Any) -> None:
            source.heard(message.toString())

        def toApp(self, message: Any, _: Any) -> None:
            """Nothing: a drop copy is only read."""

        def fromApp(self, message: Any, _: Any) -> None:
            source.take(message.toString())

    return Application()
