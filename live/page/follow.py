"""The thread that follows a session: it looks, and tells the stream what changed.

A whole look reads everything, and at a large desk takes long; so between two of them
the traders and accounts with a new fill are read alone, with what the watch said last.

It beats every two seconds at least, changed or not. So a beat says that figures are
being read, not only that a server answers; without one the page is red.
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
# Whole looks take a quarter of a core at most, and are as far apart as this at most.
_WHOLE_SHARE, _MOST_APART_SECONDS = 0.25, 2.0
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
    """Follows a session from a thread of its own.

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
        self._changes = Changes()
        self._subscription = session.subscribe()
        self._said: _Said | None = None
        self._shown: Screen | None = None
        self._is_stopped = self._is_wanted = False
        self._thread = threading.Thread(target=self._follow, name="page", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the look that is under way."""
        self._is_stopped = True
        self._subscription.close()
        self._thread.join()

    def look_now(self) -> None:
        """Look though no fill came: a person has done something."""
        self._is_wanted = True
        self._subscription.add({DESK})

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

    def _follow(self) -> None:
        whole_at, changed = 0.0, frozenset[Scope]()
        while not self._is_stopped:
            began = time.monotonic()
            # The loop is closed once the server has ended.
            with suppress(RuntimeError):
                if began >= whole_at or self._is_wanted or self._said is None:
                    self._is_wanted = False
                    self._guarded(self._look)
                    took = time.monotonic() - began
                    whole_at = began + min(took / _WHOLE_SHARE, _MOST_APART_SECONDS)
                else:
                    self._guarded(self._look_at, changed)
            time.sleep(PACE_SECONDS)
            wait = min(BEAT_SECONDS, max(whole_at - time.monotonic(), PACE_SECONDS))
            # What is still to be read whole is, though no more fill comes.
            changed = self._subscription.wait(wait if changed else BEAT_SECONDS)

    def _guarded(self, look: Callable[..., None], *values: Any) -> None:
        try:
            look(*values)
        except Exception as error:
            # Whatever it is, the page must say so, and look again.
            _logger.exception("The live desk's page cannot read its figures")
            # What was not published is sent with the next look.
            self._changes, self._said = Changes(), None
            self._to_loop(
                self._stream.publish_problem,
                f"The figures cannot be read ({type(error).__name__}): see the log.",
            )

    def _look(self) -> None:
        snapshot, watch = self._session.snapshot(), self._watch
        said = _Said(
            snapshot, watch.assess(snapshot), watch.health(snapshot), watch.alerts()
        )
        shown = screen(snapshot, said)
        change = self._changes.of(shown)
        self._said, self._shown = said, shown
        self._publish(change, shown)

    def _look_at(self, scopes: frozenset[Scope]) -> None:
        said = self._said
        assert said is not None, "looked at whole first"
        alone = [one for one in scopes if one[0] in _READ_ALONE]
        if alone:
            sequence, figures = self._session.figures_of(alone)
            some = replace(said.snapshot, sequence=sequence, scopes=figures, symbols={})
            shown = screen(some, said)
            self._publish(self._changes.of_rows(shown), shown)

    def _publish(self, change: Change, shown: Screen) -> None:
        self._to_loop(
            self._stream.publish, change, shown.taken_at.isoformat(), shown.sequence
        )
