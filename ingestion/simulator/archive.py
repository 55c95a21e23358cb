"""What of a firm is on record up to an evening, indexed for quick slices."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from threading import Lock

from ingestion.simulator.firm import Account, Adjustment, Fill, Firm, execution_order
from ingestion.simulator.ledger import Ledger


class Archive:
    """A firm, and lists of its rows in the order in which they are served.

    All `last` arguments are dates, included; the caller makes sure that none is
    after the virtual clock. Fills are served by the date of their time, whichever
    session they belong to; all else goes by trade date.
    """

    def __init__(self, firm: Firm) -> None:
        self.firm = firm
        self._fills = sorted(firm.fills, key=execution_order)
        self._fill_dates = [fill.filled_at.date() for fill in self._fills]
        self._adjustments = sorted(firm.adjustments, key=lambda row: row.date)
        self._adjustment_dates = [row.date for row in self._adjustments]
        traded: dict[str, set[date]] = defaultdict(set)
        self._known_since: dict[str, date] = {}
        for fill, day in zip(self._fills, self._fill_dates, strict=True):
            if fill.is_regular:
                traded[fill.account_name].add(firm.trade_date(fill))
            self._known_since.setdefault(fill.account_name, day)
        self._traded = {name: sorted(days) for name, days in traded.items()}
        for row in self._adjustments:
            since = self._known_since.get(row.account_name, row.date)
            self._known_since[row.account_name] = min(since, row.date)
        self._ledger: Ledger | None = None
        self._lock = Lock()

    @property
    def ledger(self) -> Ledger:
        """The accounts' days over all dates, computed when first asked for."""
        with self._lock:
            if self._ledger is None:
                self._ledger = Ledger(self.firm, date.max)
            return self._ledger

    @property
    def morning_after(self) -> date:
        """The first date on which everything is visible.

        Raises:
            ValueError: The firm has no dates.
        """
        dates = [days[-1] for days in self._traded.values()]
        dates += [*self._fill_dates[-1:], *self._adjustment_dates[-1:]]
        dates += [day for _, day in self.firm.closes]
        if not dates:
            raise ValueError("The firm holds no fill, adjustment or close.")
        return max(dates) + timedelta(days=1)

    def accounts(self, last: date) -> list[Account]:
        """Accounts on record: an account appears with its first row.

        An account that never has a row is on record from the start.
        """
        return [
            account
            for account in self.firm.accounts
            if self._known_since.get(account.name, last) <= last
        ]

    def traded_between(self, account_name: str, last: date) -> tuple[date, date] | None:
        """First and last date with a regular fill; None if there is none."""
        dates = self._traded.get(account_name, [])
        count = bisect_right(dates, last)
        return (dates[0], dates[count - 1]) if count else None

    def fills(self, names: set[str], first: date, last: date) -> list[Fill]:
        """Fills of these accounts in order of time, cancelled ones included."""
        return _slice(self._fills, self._fill_dates, names, first, last)

    def adjustments(self, names: set[str], first: date, last: date) -> list[Adjustment]:
        """Adjustments of these accounts in order of date."""
        return _slice(self._adjustments, self._adjustment_dates, names, first, last)


def _slice(
    rows: Sequence, dates: Sequence[date], names: set[str], first: date, last: date
) -> list:
    window = rows[bisect_left(dates, first) : bisect_right(dates, last)]
    return [row for row in window if row.account_name in names]
