"""The thread that follows a session: it looks, and tells the stream what changed.

A look costs what has changed since the one before, so that it is as soon as a fill
comes, and half of a core is the most that it takes. Of a desk that trades more than one
look reads, those whose fills have waited longest are read and sent first. One ends each
second, changed or not. So it is also a beat, which says that figures are read, not only
that a server answers; without one the page is red.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from live.case_file import last_reports
from live.figures import DESK
from live.page.changes import Changes
from live.page.stream import Stream
from live.screen import KeptRows, Watching, screen, symbol_rows
from live.session import JOURNAL, Session

BEAT_SECONDS = 1.0
# Fills between two looks are in one event.
PACE_SECONDS = 0.05
# Of more accounts with new fills a look reads those that wait longest, and sends them.
MOST_ACCOUNTS = 200
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
        self._changes, self._rows = Changes(), KeptRows()
        self._is_stopped = False
        self._is_wanted = threading.Event()
        self._changed = session.subscribe()
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the look that is under way."""
        self._is_stopped = True
        self._changed.close()
        self._is_wanted.set()
        self._thread.join()

    def look_now(self) -> None:
        """Look though no fill came: a person has done something."""
        self._changed.add({DESK})
        self._is_wanted.set()

    def detail(self, kind: str, name: str) -> dict[str, Any] | None:
        """What a trader or an account opens down to: symbols, and the last reports."""
        snapshot = self._session.snapshot(oldest=BEAT_SECONDS)
        figures = snapshot.scopes.get((kind, name))  # type: ignore[arg-type]
        if figures is None or kind not in ("trader", "account"):
            return None
        accounts = set(figures.account_ids)
        journal = self._session.folder / JOURNAL
        return {
            "symbols": symbol_rows(self._session.symbol_figures(accounts), snapshot),
            "reports": last_reports(journal, accounts, LAST_FILLS),
        }

    def _run(self) -> None:
        while not self._is_stopped:
            began, worked = time.monotonic(), time.thread_time()
            is_partial = False
            self._is_wanted.clear()
            try:
                is_partial = self._look()
            except Exception as error:
                # Whatever it is, the page must say so, and look again.
                _logger.exception("The live desk's page cannot read its figures")
                sentence = (
                    f"The figures cannot be read ({type(error).__name__}): see the log."
                )
                # What was not published is sent with the next look.
                self._changes = Changes()
                self._send(self._stream.publish_problem, sentence)
            worked = time.thread_time() - worked
            # Others had the core for the rest of the time that the look took.
            rest = max(0.0, 2 * worked - (time.monotonic() - began))
            if is_partial:
                self._is_wanted.wait(rest)
            else:
                self._is_wanted.wait(max(PACE_SECONDS, rest))
                self._changed.wait(BEAT_SECONDS)

    def _look(self) -> bool:
        """Look, and send what changed; whether somebody waits for the next look."""
        snapshot = self._session.snapshot(most=MOST_ACCOUNTS)
        shown = screen(snapshot, self._watch, self._rows)
        change, at = self._changes.of(shown), shown.taken_at.isoformat()
        self._send(self._stream.publish, change, at, shown.sequence)
        return snapshot.is_partial

    def _send(self, publish: Callable[..., None], *values: Any) -> None:
        # The loop is closed once the server has ended.
        with suppress(RuntimeError):
            self._to_loop(publish, *values)
