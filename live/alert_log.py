"""The log of alerts, append-only: raised, over, again, acknowledged, released, sent.

`alerts.jsonl` lies beside the session's journal, one event a line, each forced to the
disk before it is sent. The process of the live desk and a person's command
append to the same file, under its lock; each reads what the other wrote. What a crash
has torn at the end is cut off by who appends next; a line that is no event is
left out, and `damage` says where.
"""

import fcntl
import json
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from live.figures import Scope

FILE = "alerts.jsonl"
MAIL, WEBHOOK = "mail", "webhook"
CHANNELS = (MAIL, WEBHOOK)
Severity = Literal["info", "warning", "critical"]
# What a line raises that is none.
_NO_EVENT = (ValueError, LookupError, TypeError, RecursionError)


@dataclass(slots=True)
class Alert:
    """One alert, as its events have left it.

    Attributes:
        alert_id: The same for the same thing, whoever raises it, also after a crash.
        key: What it is of: the same key again is the same alert once more.
        level: Percent of a limit; 0 of what is no limit.
        worst: Most of the limit that was used when the event was written, as a share.
        case: Figures, last fills and positions of that moment.
        is_over: What it tells of has passed.
        batch: The message that it goes out with; None while it is in none.
        sent: Channels that have taken it.
    """

    alert_id: str
    key: str
    kind: str
    severity: Severity
    level: int
    scope: Scope | None
    rule: str | None
    text: str
    raised_at: datetime
    worst: float | None = None
    case: dict[str, Any] = field(default_factory=dict)
    is_over: bool = False
    over_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    acknowledge_reason: str | None = None
    released_by: str | None = None
    released_at: datetime | None = None
    release_reason: str | None = None
    batch: str | None = None
    sent: set[str] = field(default_factory=set)

    @property
    def is_latched(self) -> bool:
        """A breach that no person has released."""
        return self.kind == "limit" and self.level >= 100 and self.released_at is None


class AlertLog:
    """The file, and what its events come to.

    Attributes:
        alerts: By id, in the order in which they were raised.
        problem: Why the last event could not be kept; None if it was.
        damage: How many lines are no event, and where; None where all are.
        version: Counted up where alerts became others, not where they were sent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.alerts: dict[str, Alert] = {}
        self.problem: str | None = None
        self.version = 0
        self._lock = threading.RLock()
        self._offset = 0
        self._lines_count = 0
        # Where lines begin that are no event, in bytes.
        self._damaged: list[int] = []
        # What a full disk has not taken yet.
        self._pending: list[dict[str, Any]] = []
        self.refresh()

    def refresh(self) -> None:
        """Take in what another process has appended."""
        with self._lock:
            self._refresh()

    @property
    def damage(self) -> str | None:
        if not self._damaged:
            return None
        return (
            f"{len(self._damaged)} of {self._lines_count} lines, the first at byte "
            f"{self._damaged[0]}"
        )

    def _refresh(self) -> None:
        try:
            with self.path.open("rb") as handle:
                if os.fstat(handle.fileno()).st_size == self._offset:
                    return
                handle.seek(self._offset)
                content = handle.read()
        except FileNotFoundError:
            return
        whole, _, _ = content.rpartition(b"\n")
        if not whole:
            return
        for line in whole.split(b"\n"):
            try:
                self._apply(json.loads(line))
            except _NO_EVENT:
                self._damaged.append(self._offset)
            self._lines_count += 1
            self._offset += len(line) + 1

    def append(self, events: Iterable[dict[str, Any]]) -> None:
        """Keep events, all of them on the disk when it returns.

        With a full disk they hold in this process, `problem` says so, and they are
        written with the next ones; a process that starts meanwhile raises them again,
        under the same ids.
        """
        with self._lock:
            for one in events:
                self._apply(one)
                self._pending.append(one)
            self._flush()

    def flush(self) -> None:
        """Write what a full disk has not taken."""
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        content = b"".join(
            json.dumps(one, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
            for one in self._pending
        )
        try:
            with self._locked() as handle:
                self._refresh()
                # What a crash has torn.
                os.ftruncate(handle, self._offset)
                self._write(handle, content)
        except OSError as error:
            self.problem = os.strerror(error.errno or 0)
            return
        self.problem = None
        self._pending.clear()

    def _write(self, handle: int, content: bytes) -> None:
        os.lseek(handle, self._offset, os.SEEK_SET)
        view = memoryview(content)
        try:
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, self._offset)
            raise
        self._offset += len(content)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)

    def _apply(self, event: dict[str, Any]) -> None:
        _apply(self.alerts, event)
        self.version += event["event"] not in ("batched", "sent")


def past_alerts(folder: Path, before: date) -> tuple[Sequence[Alert], str | None]:
    """Alerts of the last session before a date that the live desk has seen.

    Args:
        folder: Of all sessions.

    Returns:
        Those that can be read, and in one sentence what cannot; None if all can.
    """
    paths = [
        one / FILE
        for one in sorted(folder.iterdir() if folder.is_dir() else ())
        if one.name < str(before) and (one / FILE).exists()
    ]
    if not paths:
        return (), None
    path = paths[-1]
    try:
        log = AlertLog(path)
    except OSError as error:
        return (), _cannot_be_read(path, os.strerror(error.errno or 0))
    alerts = tuple(log.alerts.values())
    return alerts, _cannot_be_read(path, log.damage) if log.damage else None


def _cannot_be_read(path: Path, why: str) -> str:
    return (
        f"{path} is damaged ({why}): a breach in what cannot be read is not red today "
        "though nobody may have released it, and one whose release cannot be read is "
        "red. Put the file back from a backup, and start the live desk again."
    )


def _apply(alerts: dict[str, Alert], event: dict[str, Any]) -> None:
    kind, at = event["event"], datetime.fromisoformat(event["at"])
    if kind == "raised":
        scope = event["scope"]
        # Raised twice, by a process that could not read the other's: once.
        if event["alert_id"] not in alerts:
            alerts[event["alert_id"]] = Alert(
                alert_id=event["alert_id"],
                key=event["key"],
                kind=event["kind"],
                severity=event["severity"],
                level=int(event["level"]),
                scope=(scope[0], scope[1]) if scope else None,
                rule=event["rule"],
                text=event["text"],
                raised_at=at,
                worst=event.get("worst"),
                case=event.get("case") or {},
            )
        return
    if kind in ("batched", "sent"):
        for one in event["alert_ids"]:
            if kind == "batched":
                alerts[one].batch = event["batch"]
            else:
                alerts[one].sent.add(event["channel"])
        return
    alert = alerts[event["alert_id"]]
    if kind in ("over", "again"):
        alert.is_over = kind == "over"
        alert.over_at = at if alert.is_over else None
        alert.worst = event.get("worst", alert.worst)
    elif kind == "acknowledged":
        alert.acknowledged_by, alert.acknowledged_at = event["by"], at
        # Optional, and unknown to logs of an earlier version.
        alert.acknowledge_reason = event.get("reason")
    elif kind == "released":
        alert.released_by, alert.released_at = event["by"], at
        alert.release_reason = event["reason"]
    else:
        raise ValueError(kind)
