"""Two threads that follow a session: they look, and tell the stream what changed.

A whole look reads everything, and at a large desk takes long; so beside it a second
thread reads the traders and accounts with a new fill alone, with what the watch said at
the last whole look.

A whole look ends every few seconds, changed or not. So it is also a beat, which says
that figures are read, not only that a server answers; without one the page is red.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from live.case_file import last_reports
from live.figures import DESK, Scope, Snapshot
from live.page.changes import Change, Changes
from live.page.stream import Stream
from live.screen import AlertRow, Assessment, Screen, State, Watching, screen
from live.session import JOURNAL, Session

BEAT_SECONDS = 1.0
# Fills between two looks are in one event.
PACE_SECONDS = 0.05
# Whole looks take a tenth of a core, but are as far apart as this at most.
_WHOLE_SHARE, _MOST_APART_SECONDS = 0.1, 2.0
# Of a new fill these are read alone; groups and the desk add up all accounts.
_READ_ALONE = ("trader", "account")
LAST_FILLS = 20

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Said:
    """What the watch said at the last whole look."""

    snapshot: Snapshot
    assessed: Mapping[Scope, Assessment]
    health_said: tuple[State, tuple[str, ...]]
    alerts_said: tuple[AlertRow, ...]

    def assess(self, snapshot: Snapshot) -> Mapping[Scope, Assessment]:
        del snapshot
        return self.assessed

    def health(self, snapshot: Snapshot) -> tuple[State, tuple[str, ...]]:
        del snapshot
        return self.health_said

    def alerts(self) -> tuple[AlertRow, ...]:
        return self.alerts_said


class Follower:
    """Follows a session from threads of its own.

    Args:
        to_loop: Lets the server's loop run a function; it may be closed.
    """

    def __init__(
        self,
        session: Session,
        watch: Watching,
        stream: Stream,
        to_loop: Callable[..., Any],
    ) -> None:
        self._session = session
        self._watch = watch
        self._stream = stream
        self._to_loop = to_loop
        self._lock = threading.Lock()
        self._changes = Changes()
        self._said: _Said | None = None
        self._shown: Screen | None = None
        self._is_stopped = self._is_wanted = False
        self._whole, self._alone = session.subscribe(), session.subscribe()
        self._threads = [
            threading.Thread(target=one, name="page", daemon=True)
            for one in (self._look_whole, self._look_alone)
        ]

    def start(self) -> None:
        """Begin to look."""
        for one in self._threads:
            one.start()

    def stop(self) -> None:
        """End, after the looks that are under way."""
        self._is_stopped = True
        for subscription in (self._whole, self._alone):
            subscription.close()
        for thread in self._threads:
            thread.join()

    def look_now(self) -> None:
        """Look though no fill came: a person has done something."""
        self._is_wanted = True
        self._whole.add({DESK})

    def detail(self, kind: str, name: str) -> dict[str, Any] | None:
        """What a trader or an account opens down to: symbols, and the last reports."""
        shown = self._shown
        if shown is None or kind not in ("trader", "account"):
            return None
        accounts = {
            account
            for row in shown.rows
            if (row.scope_type, row.scope_name) == (kind, name)
            for account in row.account_ids
        }
        if not accounts:
            return None
        journal = self._session.folder / JOURNAL
        return {
            "symbols": [one for one in shown.symbols if one.account_id in accounts],
            "reports": last_reports(journal, accounts, LAST_FILLS),
        }

    def _look_whole(self) -> None:
        while not self._is_stopped:
            began = time.monotonic()
            self._guarded(self._look)
            took = time.monotonic() - began
            next_at = began + min(took / _WHOLE_SHARE, _MOST_APART_SECONDS)
            self._whole.wait(BEAT_SECONDS)
            while time.monotonic() < next_at and not self._is_wanted:
                time.sleep(PACE_SECONDS)
            self._is_wanted = False

    def _look_alone(self) -> None:
        while not self._is_stopped:
            changed = self._alone.wait(BEAT_SECONDS)
            if changed:
                self._guarded(self._look_at, changed)
            time.sleep(PACE_SECONDS)

    def _guarded(self, look: Callable[..., None], *values: Any) -> None:
        try:
            look(*values)
        except Exception as error:
            # Whatever it is, the page must say so, and look again.
            _logger.exception("The live desk's page cannot read its figures")
            sentence = (
                f"The figures cannot be read ({type(error).__name__}): see the log."
            )
            with self._lock:
                # What was not published is sent with the next look.
                self._changes, self._said = Changes(), None
                self._send(self._stream.publish_problem, sentence)

    def _look(self) -> None:
        snapshot, watch = self._session.snapshot(), self._watch
        said = _Said(
            snapshot, watch.assess(snapshot), watch.health(snapshot), watch.alerts()
        )
        shown = screen(snapshot, said)
        with self._lock:
            self._said, self._shown = said, shown
            self._publish(self._changes.of(shown), shown)

    def _look_at(self, changed: frozenset[Scope]) -> None:
        # Every report up to this number has changed what is read below.
        sequence, _ = self._session.figures_of(())
        scopes = [one for one in changed | self._alone.wait(0) if one[0] in _READ_ALONE]
        said = self._said
        if said is None or not scopes:
            return
        _, figures = self._session.figures_of(scopes)
        some = replace(said.snapshot, sequence=sequence, scopes=figures, symbols={})
        shown = screen(some, said)
        with self._lock:
            self._publish(self._changes.of_rows(shown), shown)

    def _publish(self, change: Change, shown: Screen) -> None:
        at = shown.taken_at.isoformat()
        self._send(self._stream.publish, change, at, shown.sequence)

    def _send(self, publish: Callable[..., None], *values: Any) -> None:
        # The loop is closed once the server has ended.
        with suppress(RuntimeError):
            self._to_loop(publish, *values)
