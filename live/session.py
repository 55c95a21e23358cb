"""A session as it runs: sources, journal and engine under one lock."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from live.figures import Scope, Snapshot
from live.opening import Opening
from live.sources import Source


def _now() -> datetime:
    return datetime.now(UTC)


class Subscription:
    """Which scopes changed since last asked; a slow reader costs nothing."""

    def wait(self, timeout: float | None = None) -> frozenset[Scope]:
        """The scopes that changed, as soon as any did; empty after the timeout."""
        raise NotImplementedError

    def close(self) -> None:
        """Unsubscribe; `wait` returns at once from then on."""
        raise NotImplementedError


class Session:
    """One session's sources -> journal -> engine; use it as a context manager.

    Args:
        folder: `RISK_HOME/live/<session>/`, for the journal and the quarantine.
        clock: Now, aware; tests bring their own.
    """

    def __init__(
        self,
        folder: Path,
        opening: Opening,
        sources: Sequence[Source],
        clock: Callable[[], datetime] = _now,
    ) -> None:
        raise NotImplementedError

    def snapshot(self) -> Snapshot:
        """All figures now; from any thread, cheap where nothing changed."""
        raise NotImplementedError

    def subscribe(self) -> Subscription:
        """Be told of changes; from any thread."""
        raise NotImplementedError

    def reopen(self, opening: Opening) -> None:
        """Begin the same day with another opening: a copy published meanwhile."""
        raise NotImplementedError
