"""One accounting: from execution reports to the figures of every scope.

`take` books a report, with constant work where it comes in order; `settle` matches what
can only be known for the day as it stands. What a day comes to is a function of the
reports that came: not of their order, and not of when somebody looked.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from live.amounts import UNIT, rounded, scaled
from live.books import Book
from live.day import Day
from live.figures import Flag, Outcome, Scope, ScopeFigures, SymbolFigures
from live.fills import id_order, microseconds
from live.opening import Opening
from live.reports import ExecutionReport
from live.valuation import KeptFigures, exposures_by_side, symbol_figures
from runtime.sessions import EASTERN

_MOST_NAMED = 10
# So many subjects of a flag are kept.
_MOST_KEPT = 1000
# Content by which a report is the same as one that came before.
_Content = tuple[int, int, int, str, str]


@dataclass(slots=True)
class _Told:
    """What a person should see of one kind: the first ones, and how many."""

    since: datetime
    count: int = 0
    subjects: list[str] = field(default_factory=list)


class Engine:
    """The day's accounting, begun with an opening.

    Attributes:
        sequence: Reports taken.
        counts: Reports by their outcome when they came.
    """

    def __init__(self, opening: Opening) -> None:
        self.session_date = opening.state.session_date
        self.sequence = 0
        self.counts: Counter[Outcome] = Counter()
        self._day = Day(opening)
        # Of each source: the fill that an ExecID stands for, its own or a correction's.
        self._ids: dict[str, dict[str, int]] = defaultdict(dict)
        self._sources: list[str] = []
        self._amendments: dict[int, list[ExecutionReport]] = {}
        self._amendment_ids: set[tuple[str, str, str, str | None]] = set()
        self._originals: dict[int, _Content] = {}
        self._waiting: dict[tuple[str, str], list[ExecutionReport]] = {}
        self._other_session: set[tuple[str, str]] = set()
        self._told: dict[str, _Told] = {}
        self._unsettled: set[int] = set()
        self._changed: set[Scope] = set()
        self._figures = KeptFigures()

    # ---------------------------------------------------------------- what comes

    def take(self, report: ExecutionReport) -> Outcome:
        """Book a report, or keep it for what it waits for.

        Returns:
            Its outcome.

        Raises:
            ValueError: A number has more than eight decimals.
        """
        outcome = self._take(report)
        self.sequence += 1
        self.counts[outcome] += 1
        return outcome

    def is_duplicate(self, report: ExecutionReport) -> bool:
        """Whether a report came before, the very same one."""
        if (report.source, report.exec_id) in self._other_session:
            return True
        if report.kind != "new":
            return _amendment_id(report) in self._amendment_ids
        number = self._ids[report.source].get(report.exec_id)
        if number is None:
            return False
        at_et = report.executed_at.astimezone(EASTERN).replace(tzinfo=None)
        return self._content(report, microseconds(at_et)) == self._original(number)

    def changed(self) -> set[Scope]:
        """The scopes that changed since last asked."""
        changed, self._changed = self._changed, set()
        return changed

    def walk(self) -> None:
        """Walk every path to its end: what a look would do."""
        self.settle()
        for one in self._day.scopes.values():
            one.path.state(self._day.fills)

    def settle(self) -> None:
        """Match what cannot be matched fill by fill; needed before figures are read."""
        for number in self._unsettled:
            book = self._day.books[number]
            since = book.settle(self._day.fills)
            account = self._day.accounts[book.account_id]
            self._day.move(account, book, self.sequence)
            if since is not None:
                for one in account.scopes:
                    one.path.revise_from(self._day.fills, since)
        self._unsettled.clear()

    def _take(self, report: ExecutionReport) -> Outcome:
        instrument = self._day.instruments[report.symbol]
        at_et = report.executed_at.astimezone(EASTERN).replace(tzinfo=None)
        if report.kind != "new":
            return self._take_amendment(report, at_et)
        day = report.trade_date or self._day.dates.of(instrument, at_et)
        if day != self.session_date:
            return self._keep_other(report)
        ids = self._ids[report.source]
        content = self._content(report, microseconds(at_et))
        number = ids.get(report.exec_id)
        if number is not None:
            if content == self._original(number):
                return "duplicate"
            self._tell("conflict", report, report.exec_id)
            return "conflict"
        at, signed, price, account_id, symbol = content
        book = self._day.book(account_id, symbol)
        number = self._day.fills.add(
            at, signed, price, book.number, report.exec_id, self._source(report.source)
        )
        ids[report.exec_id] = number
        self._note_fill(number, book, report)
        self._put(number, book)
        self._resolve(report.source, report.exec_id, number)
        return "booked"

    def _source(self, name: str) -> int:
        if name not in self._sources:
            self._sources.append(name)
        return self._sources.index(name)

    def __getstate__(self) -> dict:
        """Without what is made anew in a moment: ids of a million fills."""
        state = self.__dict__.copy()
        own = self._day.fills.exec_id
        state["_ids"] = {
            source: {
                exec_id: number
                for exec_id, number in ids.items()
                if own[number] != exec_id
            }
            for source, ids in self._ids.items()
        }
        state["_figures"] = KeptFigures()
        return state

    def __setstate__(self, state: dict) -> None:
        """Fills have their ids in order; what else is known is a correction's."""
        corrections = state.pop("_ids")
        self.__dict__.update(state)
        self._ids = defaultdict(dict)
        fills = self._day.fills
        for number, exec_id in enumerate(fills.exec_id):
            self._ids[self._sources[fills.source[number]]][exec_id] = number
        for source, ids in corrections.items():
            self._ids[source].update(ids)

    def _content(self, report: ExecutionReport, at: int) -> _Content:
        quantity = scaled(report.quantity)
        signed = quantity if report.side in "BC" else -quantity
        return at, signed, scaled(report.price), report.account, report.symbol

    def _original(self, number: int) -> _Content:
        kept = self._originals.get(number)
        if kept is not None:
            return kept
        fills = self._day.fills
        book = self._day.books[fills.book[number]]
        return (
            fills.at[number],
            fills.quantity[number],
            fills.price[number],
            book.account_id,
            book.symbol,
        )

    def _take_amendment(self, report: ExecutionReport, at_et: datetime) -> Outcome:
        reference = report.ref_exec_id or report.exec_id
        key = _amendment_id(report)
        if key in self._amendment_ids:
            return "duplicate"
        self._amendment_ids.add(key)
        number = self._ids[report.source].get(reference)
        if number is not None:
            self._amend(number, report)
            return "booked"
        day = report.trade_date or self._day.dates.of(
            self._day.instruments[report.symbol], at_et
        )
        is_other = (report.source, reference) in self._other_session
        if is_other or day != self.session_date:
            return self._keep_other(report)
        self._waiting.setdefault((report.source, reference), []).append(report)
        return "waiting"

    def _amend(self, number: int, report: ExecutionReport) -> None:
        """Apply the last word on a fill; a bust before a correction of one time."""
        self._originals.setdefault(number, self._original(number))
        known = self._amendments.setdefault(number, [])
        known.append(report)
        last = max(known, key=_amendment_order)
        fills = self._day.fills
        book = self._day.books[fills.book[number]]
        if fills.quantity[number]:
            self._take_out(number, book)
        if last.kind == "cancel":
            fills.quantity[number] = 0
        else:
            at = fills.at[number]
            _, signed, price, account_id, symbol = self._content(last, at)
            book = self._day.book(account_id, symbol)
            fills.quantity[number] = signed
            fills.price[number] = price
            fills.book[number] = book.number
            self._note_fill(number, book, last)
            self._put(number, book)
        # A later amendment may name this one.
        if self._ids[report.source].setdefault(report.exec_id, number) == number:
            self._resolve(report.source, report.exec_id, number)

    def _resolve(self, source: str, exec_id: str, number: int) -> None:
        if self._waiting:
            for report in self._waiting.pop((source, exec_id), ()):
                self._amend(number, report)

    def _keep_other(self, report: ExecutionReport) -> Outcome:
        if (report.source, report.exec_id) in self._other_session:
            return "duplicate"
        self._other_session.add((report.source, report.exec_id))
        self._tell("other_session", report, report.exec_id)
        return "other_session"

    def _note_fill(self, number: int, book: Book, report: ExecutionReport) -> None:
        """What a fill costs, by the account's history, and its currency."""
        account = self._day.accounts[book.account_id]
        fee = 0
        if book.fee_rate is None:
            self._tell("no_fees", report, book.account_id)
        else:
            quantity = abs(self._day.fills.quantity[number])
            fee = rounded(quantity * book.fee_rate, UNIT)
        self._day.fills.note(number, fee=fee)
        if report.currency and report.currency != book.usual_currency:
            book.other_currencies[number] = (
                report.currency,
                self._day.rates.get(report.currency),
            )
        currency = report.currency or book.usual_currency
        if currency not in self._day.rates:
            self._tell("no_exchange_rate", report, currency)
        if book.multiplier is None:
            self._tell("no_multiplier", report, book.symbol)
        if not account.is_known:
            self._tell("unknown_account", report, book.account_id)

    def _put(self, number: int, book: Book) -> None:
        fills = self._day.fills
        if not book.is_disordered and book.is_after_last(fills, number):
            book.append(fills, number)
        else:
            book.insert(fills, number)
        if not book.is_settled:
            self._unsettled.add(book.number)
        account = self._day.accounts[book.account_id]
        if book.multiplier is not None:
            for one in account.scopes:
                one.path.add(fills, number)
            if fills.price[number]:
                self._day.note_mark(book, number)
        self._day.move(account, book, self.sequence)
        self._changed.update(account.scope_names)

    def _take_out(self, number: int, book: Book) -> None:
        book.remove(number)
        self._unsettled.add(book.number)
        account = self._day.accounts[book.account_id]
        if book.multiplier is not None:
            for one in account.scopes:
                one.path.remove(self._day.fills, number)
        self._day.fills.closed_trade.pop(number, None)
        self._day.move(account, book, self.sequence)
        self._changed.update(account.scope_names)
        self._day.forget_mark(book, number)

    def _tell(self, kind: str, report: ExecutionReport, subject: str) -> None:
        told = self._told.get(kind)
        if told is None:
            told = self._told[kind] = _Told(report.received_at)
        told.count += 1
        if len(told.subjects) < _MOST_KEPT and subject not in told.subjects:
            told.subjects.append(subject)

    @property
    def scopes(self) -> Sequence[Scope]:
        """Every scope, those without a fill too."""
        return tuple(self._day.scopes)

    @property
    def read_sequence(self) -> int:
        """Reports that are all in what was read last of accounts and traders."""
        return next(iter(self._day.moved.values()), self.sequence)

    @property
    def waiting_count(self) -> int:
        """Cancels and corrections whose original has not come."""
        return sum(map(len, self._waiting.values()))

    def flags(self) -> list[Flag]:
        """What a person should see of the reports that came."""
        flags = [
            Flag(
                kind,
                ", ".join(told.subjects[:_MOST_NAMED]),
                _MESSAGES[kind],
                told.since,
                told.count,
            )
            for kind, told in self._told.items()
        ]
        waiting = [one for reports in self._waiting.values() for one in reports]
        if waiting:
            flags.append(
                Flag(
                    "waiting",
                    ", ".join(one.exec_id for one in waiting[:_MOST_NAMED]),
                    "Busts or corrections of fills that have not come: they are held, "
                    "and count once the fill is here. They may mean an earlier day's.",
                    min(one.received_at for one in waiting),
                    len(waiting),
                )
            )
        return flags

    def symbol_figures(
        self, now: datetime, account_ids: Collection[str] | None = None
    ) -> dict[tuple[str, str], SymbolFigures]:
        """Figures of every account and symbol that has a fill or a position.

        Args:
            account_ids: Of these accounts alone; None: of all.
        """
        self.settle()
        return symbol_figures(self._day, now, account_ids)

    def scope_figures(
        self,
        now: datetime,
        repriced_share: float = 1.0,
        most: int | None = None,
        *,
        is_summed: bool = True,
    ) -> dict[Scope, ScopeFigures]:
        """Figures of every scope; the same objects where nothing moved.

        Args:
            repriced_share, most, is_summed: As `KeptFigures.read` has them.
        """
        self.settle()
        return self._figures.read(
            self._day, now, repriced_share, most, is_summed=is_summed
        )

    def exposures_by_side(self) -> dict[tuple[str, bool], dict[str, Decimal]]:
        """Dollars that each trader has in a symbol, long (True) and short apart."""
        self.settle()
        return exposures_by_side(self._day)


_MESSAGES = {
    "conflict": "Reports with the id of another fill and other content: the first "
    "counts. Ask who sends them.",
    "other_session": "Reports of another session: in no figure of this one. A fill of "
    "an earlier day is in the next morning's warehouse.",
    "no_fees": "Fees are unknown, as neither the account nor the desk has a history "
    "of them: net is unknown.",
    "no_exchange_rate": "Without a rate P&L is unknown: add a line to "
    "exchange_rates.csv.",
    "no_multiplier": "Contract size unknown, fills are excluded: add a line to "
    "instrument_multipliers.csv.",
    "unknown_account": "Accounts that the warehouse does not know: each counts as a "
    "trader of its own. Add them to trader_accounts.csv, or the source's aliases.",
}


def _amendment_id(report: ExecutionReport) -> tuple[str, str, str, str | None]:
    # Some venues give a bust the id of what it busts.
    return report.source, report.kind, report.exec_id, report.ref_exec_id


def _amendment_order(report: ExecutionReport) -> tuple:
    return (
        report.executed_at,
        report.kind == "cancel",
        *id_order(report.exec_id),
    )
