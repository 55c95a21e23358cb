"""The thread that follows a session: it looks, and tells the stream what changed.

It beats at least once a second, changed or not. So a beat says that figures are being
read, not only that a server answers; without one the page is red.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from live.case_file import last_reports
from live.page.changes import Change, Changes
from live.page.stream import Stream
from live.screen import Screen, Watching, screen
from live.session import JOURNAL, Session

BEAT_SECONDS = 1.0
# Fills between two looks are in one event.
PACE_SECONDS = 0.05
LAST_FILLS = 20

_logger = logging.getLogger(__name__)


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
        self._shown: Screen | None = None
        self._is_stopped = False
        self._wanted = threading.Event()
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
        self._subscription.add({("desk", "desk")})

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
        while not self._is_stopped:
            began = time.monotonic()
            with suppress(RuntimeError):
                # The loop is closed once the server has ended.
                self._look()
            took = time.monotonic() - began
            # At most half of a core is for looking.
            time.sleep(max(PACE_SECONDS, took))
            self._subscription.wait(BEAT_SECONDS)

    def _look(self) -> None:
        try:
            shown = screen(self._session.snapshot(), self._watch)
            change = self._changes.of(shown)
        except Exception as error:
            # Whatever it is, the page must say so, and look again.
            _logger.exception("The live desk's page cannot read its figures")
            self._to_loop(
                self._stream.publish_problem,
                f"The figures cannot be read ({type(error).__name__}): see the log.",
            )
            # What was not published is sent with the next look.
            self._changes = Changes()
            return
        self._shown = shown
        self._publish(change, shown)

    def _publish(self, change: Change, shown: Screen) -> None:
        self._to_loop(
            self._stream.publish, change, shown.taken_at.isoformat(), shown.sequence
        )
