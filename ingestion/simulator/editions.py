"""A firm as it stands after each of its revisions."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from threading import Lock

from ingestion.simulator.archive import Archive
from ingestion.simulator.firm import Firm
from ingestion.simulator.revisions import Day, Revision

LogEntry = tuple[datetime, str, tuple[Day, ...]]


class Editions:
    """The firm before any revision, and after each one in order of time.

    Raises:
        ValueError: A revision of something that is not on record.
    """

    def __init__(self, firm: Firm, revisions: Sequence[Revision]) -> None:
        ordered = sorted(revisions, key=lambda revision: revision.at)
        self._moments = [revision.at for revision in ordered]
        self._firms = [firm]
        self._log: list[LogEntry] = []
        for revision in ordered:
            before, after = self._firms[-1], revision.apply(self._firms[-1])
            days = revision.days or _touched(before, after)
            self._firms.append(after)
            self._log.append((revision.at, revision.kind, days))
        self._archive = (0, Archive(firm))
        self._lock = Lock()

    def firm(self, now: datetime) -> Firm:
        """The firm with the revisions up to a moment."""
        return self._firms[self._count(now)]

    def log(self, now: datetime) -> list[LogEntry]:
        """Moment, kind and touched days of the revisions up to a moment."""
        return self._log[: self._count(now)]

    def archive(self, now: datetime) -> Archive:
        """The firm of a moment, indexed once for as long as no revision comes."""
        count = self._count(now)
        with self._lock:
            if self._archive[0] != count:
                self._archive = (count, Archive(self._firms[count]))
            return self._archive[1]

    def _count(self, now: datetime) -> int:
        return bisect_right(self._moments, now)


def _touched(before: Firm, after: Firm) -> tuple[Day, ...]:
    """Days on which one of the firms has a row that the other has not."""
    old, new = _rows(before), _rows(after)
    # What did not change is the same object in both.
    return tuple(
        sorted(
            {old[key] for key in old.keys() - new.keys()}
            | {new[key] for key in new.keys() - old.keys()}
        )
    )


def _rows(firm: Firm) -> dict[int, Day]:
    """Day by row of the accounts that are listed."""
    names = {account.name for account in firm.accounts}
    days = {
        id(fill): (fill.account_name, fill.filled_at.date())
        for fill in firm.fills
        if fill.account_name in names
    }
    for row in firm.adjustments:
        if row.account_name in names:
            days[id(row)] = (row.account_name, row.date)
    return days
