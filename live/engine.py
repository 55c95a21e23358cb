"""One accounting: from execution reports to the figures of every scope.

`take` books a report, with constant work where it comes in order; `settle` matches what
can only be known for the day as it stands. What a day comes to is a function of the
reports that came: not of their order, and not of when somebody looked.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from live.amounts import (
    UNIT,
    decimal,
    decimal_or_none,
    in_base,
    product,
    rounded,
    scaled,
    scaled_rate,
)
from live.books import Book
from live.figures import DESK, Flag, Outcome, Scope, ScopeFigures, SymbolFigures
from live.fills import Fills, id_order, microseconds
from live.instruments import Instruments, SessionDates
from live.opening import AccountInfo, Opening
from live.paths import Path
from live.reports import ExecutionReport
from runtime.sessions import EASTERN
from runtime.settings import BASE_CURRENCY

# An own price that is older says nothing of what a position is worth.
STALE_AFTER = timedelta(minutes=15)
_MOST_NAMED = 10
# A waiting report is kept for its original; of what is only told, so many.
_MOST_KEPT = 1000

_BEGINNING = datetime(1970, 1, 1)
_BEGINNING_UTC = _BEGINNING.replace(tzinfo=UTC)
_HOUR = 3_600_000_000
# Content by which a report is the same as one that came before.
_Content = tuple[int, int, int, int]


@dataclass(slots=True, eq=False)
class _Scope:
    """A scope, its path, and the accounts that are in it."""

    scope: Scope
    path: Path
    accounts: list["_Account"] = field(default_factory=list)
    trader_ids: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()

    def add(self, account: "_Account") -> None:
        """Put an account in."""
        self.accounts.append(account)
        info = account.info
        self.trader_ids = tuple(sorted({*self.trader_ids, info.trader_id}))
        self.account_ids = tuple(sorted((*self.account_ids, info.account_id)))


@dataclass(slots=True, eq=False)
class _Account:
    """An account, its books, and the scopes that it is in."""

    info: AccountInfo
    is_known: bool
    books: list[Book] = field(default_factory=list)
    scopes: list[_Scope] = field(default_factory=list)
    scope_names: list[Scope] = field(default_factory=list)
    lacks_fee_rate: bool = False


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
        counts: Reports by what became of them when they came.
    """

    def __init__(self, opening: Opening) -> None:
        self.session_date = opening.state.session_date
        self.sequence = 0
        self.counts: Counter[Outcome] = Counter()
        self._opening = opening
        self._fills = Fills()
        self._instruments = Instruments(
            opening.multipliers, opening.currency_suffixes, opening.cutoffs
        )
        self._dates = SessionDates(opening.sessions)
        self._rates = {
            currency: scaled_rate(rate) for currency, rate in opening.rates.items()
        }
        self._rates[BASE_CURRENCY] = scaled_rate(Decimal(1))
        self._fee_rates = {
            key: scaled(round(rate, 8)) for key, rate in opening.fee_rates.items()
        }
        self._accounts: dict[str, _Account] = {}
        self._scopes: dict[Scope, _Scope] = {}
        self._books: list[Book] = []
        self._book_of: dict[tuple[str, str], Book] = {}
        self._books_of_symbol: dict[str, list[Book]] = defaultdict(list)
        # Of each source: the fill that an ExecID stands for, its own or a correction's.
        self._ids: dict[str, dict[str, int]] = defaultdict(dict)
        self._sources: list[str] = []
        self._amendments: dict[int, list[ExecutionReport]] = {}
        self._amendment_ids: set[tuple[str, str, str, str | None]] = set()
        self._originals: dict[int, _Content] = {}
        self._waiting: dict[tuple[str, str], list[ExecutionReport]] = {}
        self._other_session: set[tuple[str, str]] = set()
        self._told: dict[str, _Told] = {}
        # Symbol -> the last fill of the desk in it that has a price.
        self._marks: dict[str, int] = {}
        self._unsettled: set[int] = set()
        self._changed: set[Scope] = set()
        self._kept_figures: dict[int, tuple[tuple, SymbolFigures]] = {}
        for info in opening.accounts.values():
            self._add_account(info, is_known=True)
        self._add_lots(opening)

    # ---------------------------------------------------------------- what comes

    def take(self, report: ExecutionReport) -> Outcome:
        """Book a report, or keep it for what it waits for.

        Returns:
            What became of it.

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
        for one in self._scopes.values():
            one.path.state(self._fills)

    def settle(self) -> None:
        """Match what cannot be matched fill by fill; needed before figures are read."""
        for number in self._unsettled:
            book = self._books[number]
            since = book.settle(self._fills)
            if since is not None:
                for one in self._accounts[book.account_id].scopes:
                    one.path.revise_from(self._fills, since)
        self._unsettled.clear()

    def _take(self, report: ExecutionReport) -> Outcome:
        instrument = self._instruments[report.symbol]
        at_et = report.executed_at.astimezone(EASTERN).replace(tzinfo=None)
        if report.kind != "new":
            return self._take_amendment(report, at_et)
        day = report.trade_date or self._dates.of(instrument, at_et)
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
        at, signed, price, book_number = content
        number = self._fills.add(
            at, signed, price, book_number, report.exec_id, self._source(report.source)
        )
        ids[report.exec_id] = number
        book = self._books[book_number]
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
        own = self._fills.exec_id
        state["_ids"] = {
            source: {
                exec_id: number
                for exec_id, number in ids.items()
                if own[number] != exec_id
            }
            for source, ids in self._ids.items()
        }
        state["_kept_figures"] = {}
        return state

    def __setstate__(self, state: dict) -> None:
        """Fills have their ids in order; what else is known is a correction's."""
        corrections = state.pop("_ids")
        self.__dict__.update(state)
        self._ids = defaultdict(dict)
        fills = self._fills
        for number, exec_id in enumerate(fills.exec_id):
            self._ids[self._sources[fills.source[number]]][exec_id] = number
        for source, ids in corrections.items():
            self._ids[source].update(ids)

    def _content(self, report: ExecutionReport, at: int) -> _Content:
        quantity = scaled(report.quantity)
        signed = quantity if report.side in "BC" else -quantity
        book = self._book(report.account, report.symbol)
        return at, signed, scaled(report.price), book.number

    def _original(self, number: int) -> _Content:
        kept = self._originals.get(number)
        if kept is not None:
            return kept
        fills = self._fills
        return (
            fills.at[number],
            fills.quantity[number],
            fills.price[number],
            fills.book[number],
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
        day = report.trade_date or self._dates.of(
            self._instruments[report.symbol], at_et
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
        fills = self._fills
        book = self._books[fills.book[number]]
        if fills.quantity[number]:
            self._take_out(number, book)
        if last.kind == "cancel":
            fills.quantity[number] = 0
        else:
            at = fills.at[number]
            _, signed, price, book_number = self._content(last, at)
            fills.quantity[number] = signed
            fills.price[number] = price
            fills.book[number] = book_number
            book = self._books[book_number]
            self._note_fill(number, book, last)
            self._put(number, book)
        # A later amendment may name this one.
        if self._ids[report.source].setdefault(report.exec_id, number) == number:
            self._resolve(report.source, report.exec_id, number)

    def _resolve(self, source: str, exec_id: str, number: int) -> None:
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
        account = self._accounts[book.account_id]
        if book.fee_rate is None:
            account.lacks_fee_rate = True
            self._tell("no_fees", report, book.account_id)
        else:
            quantity = abs(self._fills.quantity[number])
            self._fills.fee[number] = rounded(quantity * book.fee_rate, UNIT)
        if report.currency and report.currency != book.usual_currency:
            book.other_currencies[number] = (
                report.currency,
                self._rates.get(report.currency),
            )
        currency = report.currency or book.usual_currency
        if currency not in self._rates:
            self._tell("no_exchange_rate", report, currency)
        if book.multiplier is None:
            self._tell("no_multiplier", report, book.symbol)
        if not account.is_known:
            self._tell("unknown_account", report, book.account_id)

    def _put(self, number: int, book: Book) -> None:
        fills = self._fills
        if not book.is_disordered and book.is_after_last(fills, number):
            book.append(fills, number)
        else:
            book.insert(fills, number)
        if not book.is_settled:
            self._unsettled.add(book.number)
        account = self._accounts[book.account_id]
        if book.multiplier is not None:
            for one in account.scopes:
                one.path.add(fills, number)
            if fills.price[number]:
                self._note_mark(book.symbol, number)
        self._changed.update(account.scope_names)

    def _take_out(self, number: int, book: Book) -> None:
        book.remove(number)
        self._unsettled.add(book.number)
        account = self._accounts[book.account_id]
        if book.multiplier is not None:
            for one in account.scopes:
                one.path.remove(self._fills, number)
        self._fills.closed_trade.pop(number, None)
        self._changed.update(account.scope_names)
        if self._marks.get(book.symbol) == number:
            del self._marks[book.symbol]
            for other in self._books_of_symbol[book.symbol]:
                for one_number in reversed(other.numbers):
                    if self._fills.price[one_number]:
                        self._note_mark(book.symbol, one_number)
                        break

    def _note_mark(self, symbol: str, number: int) -> None:
        last = self._marks.get(symbol)
        at = self._fills.at
        if (
            last is None
            or at[number] > at[last]
            or (at[number] == at[last] and self._place(number) > self._place(last))
        ):
            self._marks[symbol] = number

    # ------------------------------------------------------- accounts and books

    def _place(self, number: int) -> tuple:
        """The order of fills of one time within a trader."""
        book = self._books[self._fills.book[number]]
        exec_id = self._fills.exec_id[number]
        return (*id_order(exec_id), book.account_id, book.symbol, number)

    def _place_of_scope(self, number: int) -> tuple:
        """The order of fills of one time over several traders."""
        book = self._books[self._fills.book[number]]
        return (
            self._accounts[book.account_id].info.trader_id,
            *self._place(number),
        )

    def _add_account(self, info: AccountInfo, *, is_known: bool) -> _Account:
        account = self._accounts[info.account_id] = _Account(info, is_known)
        scopes: list[Scope] = [("account", info.account_id)]
        if info.is_in_desk_total:
            scopes.append(("trader", info.trader_id))
            if info.trader_group:
                scopes.append(("trader_group", info.trader_group))
            if info.strategy:
                scopes.append(("strategy", info.strategy))
            scopes.append(DESK)
        for scope in scopes:
            if scope not in self._scopes:
                is_one_trader = scope[0] in ("account", "trader")
                place = self._place if is_one_trader else self._place_of_scope
                self._scopes[scope] = _Scope(scope, Path(place))
            self._scopes[scope].add(account)
            account.scopes.append(self._scopes[scope])
            account.scope_names.append(scope)
        return account

    def _account(self, account_id: str) -> _Account:
        found = self._accounts.get(account_id)
        if found is None:
            # As the warehouse does it: a trader of its own, until somebody says whose.
            info = AccountInfo(account_id, account_id, None, None, BASE_CURRENCY, True)
            found = self._add_account(info, is_known=False)
        return found

    def _book(self, account_id: str, symbol: str) -> Book:
        found = self._book_of.get((account_id, symbol))
        return found or self._add_book(account_id, symbol)

    def _add_book(
        self,
        account_id: str,
        symbol: str,
        lots: Iterable[tuple[int, int]] = (),
        multiplier: Decimal | None = None,
        currency: str | None = None,
    ) -> Book:
        account = self._account(account_id)
        instrument = self._instruments[symbol]
        multiplier = multiplier or instrument.multiplier
        currency = currency or instrument.currency or account.info.currency
        cost = self._opening.open_costs.get((account_id, symbol))
        price = self._opening.own_prices.get((account_id, symbol))
        book = Book(
            len(self._books),
            account_id,
            symbol,
            None if multiplier is None else scaled(multiplier),
            currency,
            self._rates.get(currency),
            lots,
            None if cost is None else scaled(cost),
            None if price is None else scaled(price),
            self._fee_rate(account_id, instrument.type or ""),
        )
        self._books.append(book)
        self._book_of[account_id, symbol] = book
        self._books_of_symbol[symbol].append(book)
        account.books.append(book)
        return book

    def _fee_rate(self, account_id: str, kind: str) -> int | None:
        """What a unit costs, by the account's history, else by the desk's."""
        own = self._fee_rates.get((account_id, kind))
        return self._fee_rates.get((None, kind)) if own is None else own

    def _add_lots(self, opening: Opening) -> None:
        held: dict[tuple[str, str], list] = defaultdict(list)
        for lot in opening.lots:
            held[lot.account_id, lot.symbol].append(lot)
        for (account_id, symbol), lots in held.items():
            self._add_book(
                account_id,
                symbol,
                [(scaled(lot.signed_quantity), scaled(lot.price)) for lot in lots],
                lots[0].multiplier,
                lots[0].currency,
            )

    def _tell(self, kind: str, report: ExecutionReport, subject: str) -> None:
        told = self._told.get(kind)
        if told is None:
            told = self._told[kind] = _Told(report.received_at)
        told.count += 1
        if len(told.subjects) < _MOST_KEPT and subject not in told.subjects:
            told.subjects.append(subject)

    # ------------------------------------------------------------------ figures

    @property
    def scopes(self) -> Sequence[Scope]:
        """Every scope, those without a fill too."""
        return tuple(self._scopes)

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

    def symbol_figures(self, now: datetime) -> dict[tuple[str, str], SymbolFigures]:
        """Figures of every account and symbol that has a fill or a position."""
        self.settle()
        found = {}
        for book in self._books:
            if book.numbers or book.opening_quantity:
                # What it was computed from; the same, the same figures.
                mark = self._marks.get(book.symbol)
                key = book.version, mark, mark is not None and self._is_fresh(mark, now)
                kept = self._kept_figures.get(book.number)
                if kept is None or kept[0] != key:
                    kept = key, self._symbol_figures(book, now)
                    self._kept_figures[book.number] = kept
                found[book.account_id, book.symbol] = kept[1]
        return found

    def scope_figures(
        self, now: datetime, scopes: Iterable[Scope] | None = None
    ) -> dict[Scope, ScopeFigures]:
        """Figures of the scopes named, or of all."""
        self.settle()
        valued: dict[str, _AccountSum] = {}

        def sum_of(account: _Account) -> _AccountSum:
            found = valued.get(account.info.account_id)
            if found is None:
                found = self._sum_of_account(account, now)
                valued[account.info.account_id] = found
            return found

        wanted = self._scopes if scopes is None else scopes
        return {
            name: self._scope_figures(self._scopes[name], sum_of) for name in wanted
        }

    def _mark(self, book: Book) -> tuple[int | None, datetime | None]:
        """The desk's last price in a symbol today, else last night's; and its time."""
        number = self._marks.get(book.symbol)
        if number is None:
            known = self._opening.marks.get(book.symbol)
            return (None if known is None else scaled(known[0])), None
        return self._fills.price[number], _utc(self._fills.at[number])

    def _is_fresh(self, number: int, now: datetime) -> bool:
        return now - _utc(self._fills.at[number]) <= STALE_AFTER

    def _open_pnl(
        self, book: Book, now: datetime
    ) -> tuple[int | None, datetime | None]:
        """What the position would make, and of when its price is; None if unknown."""
        if not book.position:
            return 0, None
        price, at = self._mark(book)
        if price is None or at is None or now - at > STALE_AFTER:
            return None, at
        if book.rate is None or book.multiplier is None:
            return None, at
        worth = product(book.position, price, book.multiplier)
        return in_base(worth - book.open_cost, book.rate), at

    def _opening_open_pnl(self, book: Book) -> int | None:
        """What the position of last night made at last night's mark."""
        if not book.opening_quantity:
            return 0
        known = self._opening.marks.get(book.symbol)
        if known is None or book.usual_rate is None or book.multiplier is None:
            return None
        worth = product(book.opening_quantity, scaled(known[0]), book.multiplier)
        return in_base(worth - book.opening_cost, book.usual_rate)

    def _symbol_figures(self, book: Book, now: datetime) -> SymbolFigures:
        fills, rate = self._fills, book.rate
        is_counted = book.multiplier is not None
        intraday = _converted(book.intraday_gross, rate) if is_counted else None
        overnight = _converted(book.overnight_gross, rate) if is_counted else None
        gross = _sum_known((intraday, overnight))
        lacks_fees = self._accounts[book.account_id].lacks_fee_rate
        fees = None if lacks_fees else book.fees
        net = None if gross is None or fees is None else gross - fees
        open_pnl, _ = self._open_pnl(book, now)
        price, at = self._mark(book)
        worth = book.position * (book.multiplier or 0)
        is_exposure_known = is_counted and book.is_exposure_known
        return SymbolFigures(
            account_id=book.account_id,
            symbol=book.symbol,
            currency=book.currency,
            multiplier=decimal_or_none(book.multiplier),
            opening_quantity=decimal(book.opening_quantity),
            position_quantity=decimal(book.position),
            average_price=(
                Decimal(book.open_cost * UNIT) / Decimal(worth) if worth else None
            ),
            local_open_cost=decimal(book.open_cost) if is_counted else None,
            local_gross_pnl=(
                decimal(book.intraday_gross + book.overnight_gross)
                if is_counted and book.currency
                else None
            ),
            intraday_gross_pnl=decimal_or_none(intraday),
            overnight_gross_pnl=decimal_or_none(overnight),
            gross_pnl=decimal_or_none(gross),
            estimated_fees=decimal_or_none(fees),
            net_pnl=decimal_or_none(net),
            mark_price=decimal_or_none(price),
            mark_at=at,
            open_pnl=decimal_or_none(open_pnl),
            exposure=_dollars(book.exposure) if is_exposure_known else None,
            fills_count=len(book.numbers),
            quantity=decimal(book.volume),
            trades_count=book.trades,
            closed_trades_count=book.closed_trades,
            first_fill_at=_utc(fills.at[book.numbers[0]]) if book.numbers else None,
            last_fill_at=_utc(fills.at[book.numbers[-1]]) if book.numbers else None,
        )

    def _sum_of_account(self, account: _Account, now: datetime) -> "_AccountSum":
        total = _AccountSum()
        for book in account.books:
            if book.multiplier is None:
                if book.numbers:
                    total.unknown.append(
                        f"contract size of {book.symbol} in {book.account_id}"
                    )
                    total.open_unknown.append(book.symbol)
                continue
            gross = _sum_known(
                (
                    _converted(book.intraday_gross, book.rate),
                    _converted(book.overnight_gross, book.rate),
                )
            )
            if gross is None or (book.rate is None and self._has_matches(book)):
                total.is_gross_known = False
                total.unknown.append(
                    f"exchange rate of {book.currency or 'several currencies'} for "
                    f"{book.symbol} in {book.account_id}"
                )
            total.gross += gross or 0
            total.fees += book.fees
            open_pnl, at = self._open_pnl(book, now)
            before = self._opening_open_pnl(book)
            if open_pnl is None:
                total.open_unknown.append(book.symbol)
            elif at is not None:
                total.oldest_mark = min(total.oldest_mark or at, at)
            total.open_pnl += open_pnl or 0
            total.opening_open_pnl += before or 0
            total.is_opening_known &= before is not None
            total.is_exposure_known &= book.is_exposure_known
            total.gross_cents += abs(book.exposure)
            total.net_cents += book.exposure
            total.opening_gross_cents += abs(book.opening_exposure)
            total.opening_net_cents += book.opening_exposure
            total.largest_position = max(total.largest_position, abs(book.position))
            total.peak_position = max(total.peak_position, book.peak_quantity)
            total.trades += book.trades
            total.fills += len(book.numbers)
            total.volume += book.volume
        if account.lacks_fee_rate:
            total.unknown.append(f"fees of {account.info.account_id}")
        return total

    def _has_matches(self, book: Book) -> bool:
        return bool(book.overnight_gross) or any(
            self._fills.intraday[number] for number in book.numbers
        )

    def _scope_figures(
        self, one: _Scope, sum_of: "Callable[[_Account], _AccountSum]"
    ) -> ScopeFigures:
        sums = [sum_of(account) for account in one.accounts]
        total = sums[0] if len(sums) == 1 else _added(sums)
        lacks_fees = any(account.lacks_fee_rate for account in one.accounts)
        fees = None if lacks_fees else total.fees
        gross = total.gross if total.is_gross_known else None
        net = None if gross is None or fees is None else gross - fees
        open_pnl = None if total.open_unknown else total.open_pnl
        total_pnl = None
        if net is not None and open_pnl is not None and total.is_opening_known:
            total_pnl = net + open_pnl - total.opening_open_pnl
        path = one.path.state(self._fills)
        is_path_known = net is not None
        is_exposure_known = total.is_exposure_known
        numbers = one.path.numbers
        drawdown = path.peak - path.net

        def money(amount: int, is_known: bool = is_path_known) -> Decimal | None:
            return decimal(amount) if is_known else None

        def dollars(cents: int) -> Decimal | None:
            return _dollars(cents) if is_exposure_known else None

        return ScopeFigures(
            scope=one.scope,
            trader_ids=one.trader_ids,
            account_ids=one.account_ids,
            gross_pnl=decimal_or_none(gross),
            estimated_fees=decimal_or_none(fees),
            net_pnl=decimal_or_none(net),
            open_pnl=decimal_or_none(open_pnl),
            total_pnl=decimal_or_none(total_pnl),
            open_unknown=tuple(sorted(set(total.open_unknown))[:_MOST_NAMED]),
            oldest_mark_at=total.oldest_mark,
            peak_net_pnl=money(path.peak),
            trough_net_pnl=money(path.trough),
            drawdown=money(drawdown),
            max_drawdown=money(path.max_drawdown),
            give_back_ratio=(
                drawdown / path.peak if is_path_known and path.peak else None
            ),
            peak_at=None if path.peak_at is None else _utc(path.peak_at),
            gross_exposure=dollars(total.gross_cents),
            net_exposure=dollars(total.net_cents),
            peak_gross_exposure=dollars(total.opening_gross_cents + path.most_gross),
            highest_net_exposure=dollars(total.opening_net_cents + path.most_net),
            lowest_net_exposure=dollars(total.opening_net_cents + path.least_net),
            largest_position=decimal(total.largest_position),
            peak_position=decimal(total.peak_position),
            trades_count=total.trades,
            closed_trades_count=path.closed_trades,
            losing_trades_count=path.losing_trades,
            losing_streak=path.losing_streak,
            last_loss_at=None if path.last_loss_at is None else _utc(path.last_loss_at),
            last_trade_net_pnl=decimal_or_none(path.last_trade_net),
            fills_count=total.fills,
            quantity=decimal(total.volume),
            first_fill_at=_utc(self._fills.at[numbers[0]]) if numbers else None,
            last_fill_at=_utc(self._fills.at[numbers[-1]]) if numbers else None,
            unknown=tuple(total.unknown[:_MOST_NAMED]),
        )


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


@dataclass(slots=True)
class _AccountSum:
    """What an account's books come to, scaled; unknown parts are named, and 0."""

    gross: int = 0
    is_gross_known: bool = True
    fees: int = 0
    open_pnl: int = 0
    opening_open_pnl: int = 0
    is_opening_known: bool = True
    oldest_mark: datetime | None = None
    is_exposure_known: bool = True
    gross_cents: int = 0
    net_cents: int = 0
    opening_gross_cents: int = 0
    opening_net_cents: int = 0
    largest_position: int = 0
    peak_position: int = 0
    trades: int = 0
    fills: int = 0
    volume: int = 0
    open_unknown: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def _added(sums: Sequence[_AccountSum]) -> _AccountSum:
    total = _AccountSum()
    for one in sums:
        total.gross += one.gross
        total.is_gross_known &= one.is_gross_known
        total.fees += one.fees
        total.open_pnl += one.open_pnl
        total.opening_open_pnl += one.opening_open_pnl
        total.is_opening_known &= one.is_opening_known
        if one.oldest_mark is not None:
            total.oldest_mark = min(
                total.oldest_mark or one.oldest_mark, one.oldest_mark
            )
        total.is_exposure_known &= one.is_exposure_known
        total.gross_cents += one.gross_cents
        total.net_cents += one.net_cents
        total.opening_gross_cents += one.opening_gross_cents
        total.opening_net_cents += one.opening_net_cents
        total.largest_position = max(total.largest_position, one.largest_position)
        total.peak_position = max(total.peak_position, one.peak_position)
        total.trades += one.trades
        total.fills += one.fills
        total.volume += one.volume
        total.open_unknown += one.open_unknown
        total.unknown += one.unknown
    return total


def _amendment_id(report: ExecutionReport) -> tuple[str, str, str, str | None]:
    # Some venues give a bust the id of what it busts.
    return report.source, report.kind, report.exec_id, report.ref_exec_id


def _amendment_order(report: ExecutionReport) -> tuple:
    return (
        report.executed_at,
        report.kind == "cancel",
        *id_order(report.exec_id),
    )


def _converted(amount: int, rate: int | None) -> int | None:
    """In the base currency; nothing is nothing, at whatever rate."""
    if not amount:
        return 0
    return None if rate is None else in_base(amount, rate)


def _sum_known(amounts: Iterable[int | None]) -> int | None:
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _dollars(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


@lru_cache(maxsize=4096)
def _utc_offset(hour: int) -> timedelta:
    """How far Eastern times of an hour since 1970 are from UTC."""
    at_et = _BEGINNING + timedelta(hours=hour)
    return at_et - at_et.replace(tzinfo=EASTERN).astimezone(UTC).replace(tzinfo=None)


def _utc(at: int) -> datetime:
    at_et = _BEGINNING_UTC + timedelta(microseconds=at)
    return at_et - _utc_offset(at // _HOUR)
