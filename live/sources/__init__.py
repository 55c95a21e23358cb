"""Where reports come from: one small interface, an adapter for each kind."""

from collections.abc import Callable, Sequence
from typing import Protocol

from live.figures import SourceState
from live.reports import BadMessage, ExecutionReport

# Takes what came; returns when it is in the journal. Raises
# `journal.JournalFullError` if it is not: the source must send it all again later.
Receive = Callable[[Sequence[ExecutionReport | BadMessage]], None]


class Source(Protocol):
    """A feed of execution reports."""

    name: str

    def start(self, receive: Receive, last_sequence: int | None) -> None:
        """Begin to send, from a thread of the source's own.

        Args:
            receive: Whom to send to. It may block; nothing piles up in memory.
            last_sequence: The highest of the source's numbers in the journal up to
                which none is missing; None at a session's first start.

        Raises:
            UserError: It cannot begin: a setting, a file, a port.
        """

    def stop(self) -> None:
        """End, within seconds; what was received is in the journal."""

    def state(self) -> SourceState:
        """How it is doing, at any time, from any thread."""
