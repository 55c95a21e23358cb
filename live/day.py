"""The state of a session's day: accounts, scopes, books, and the last prices."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from live.amounts import scaled, scaled_rate
from live.books import Book, Mark
from live.figures import DESK, Scope
from live.fills import Fills, id_order
from live.instruments import Instruments, SessionDates
from live.opening import AccountInfo, Opening
from live.paths import Path
from runtime.settings import BASE_CURRENCY


@dataclass(slots=True, eq=False)
class ScopeDay:
    """A scope, its path, and the accounts that are in it."""

    scope: Scope
    path: Path
    accounts: list["Account"] = field(default_factory=list)
    trader_ids: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()

    def add(self, account: "Account") -> None:
        """Put an account in."""
        self.accounts.append(account)
        info = account.info
        self.trader_ids = tuple(sorted({*self.trader_ids, info.trader_id}))
        self.account_ids = tuple(sorted((*self.account_ids, info.account_id)))


@dataclass(slots=True, eq=False)
class Account:
    """An account, its books, and the scopes that it is in."""

    info: AccountInfo
    is_known: bool
    books: list[Book] = field(default_factory=list)
    scopes: list[ScopeDay] = field(default_factory=list)
    scope_names: list[Scope] = field(default_factory=list)
    # What `valuation` has summed up of it, and the books that a fill has changed since.
    realized: Any = None
    opened: Any = None
    moved_books: set[Book] = field(default_factory=set)


class Day:
    """What the engine changes and what figures are read from; begun with an opening.

    Attributes:
        marks: The desk's last price today, of each symbol that has a book.
        moved: Accounts with another fill, or one less, since their figures were read:
            how many reports had come before. Who waits longest is first.
    """

    def __init__(self, opening: Opening) -> None:
        self.session_date = opening.state.session_date
        self.opening = opening
        self.fills = Fills()
        self.instruments = Instruments(
            opening.instrument_lines, opening.currency_suffixes, opening.cutoffs
        )
        self.dates = SessionDates(opening.sessions)
        self.rates = {
            currency: scaled_rate(rate) for currency, rate in opening.rates.items()
        }
        self.rates[BASE_CURRENCY] = scaled_rate(Decimal(1))
        self._fee_rates = {
            key: scaled(round(rate, 8)) for key, rate in opening.fee_rates.items()
        }
        self.accounts: dict[str, Account] = {}
        self.scopes: dict[Scope, ScopeDay] = {}
        self.books: list[Book] = []
        self._book_of: dict[tuple[str, str], Book] = {}
        self._books_of_symbol: dict[str, list[Book]] = defaultdict(list)
        self.marks: dict[str, Mark] = defaultdict(Mark)
        self.moved: dict[str, int] = {}
        for info in opening.accounts.values():
            self._add_account(info, is_known=True)
        self._add_lots(opening)

    def _place(self, number: int) -> tuple:
        """The order of fills of one time within a trader."""
        book = self.books[self.fills.book[number]]
        exec_id = self.fills.exec_id[number]
        return (*id_order(exec_id), book.account_id, book.symbol, number)

    def _place_of_scope(self, number: int) -> tuple:
        """The order of fills of one time over several traders."""
        book = self.books[self.fills.book[number]]
        return (
            self.accounts[book.account_id].info.trader_id,
            *self._place(number),
        )

    def _add_account(self, info: AccountInfo, *, is_known: bool) -> Account:
        account = self.accounts[info.account_id] = Account(info, is_known)
        scopes: list[Scope] = [("account", info.account_id)]
        if info.is_in_desk_total:
            scopes.append(("trader", info.trader_id))
            if info.trader_group:
                scopes.append(("trader_group", info.trader_group))
            if info.strategy:
                scopes.append(("strategy", info.strategy))
            scopes.append(DESK)
        for scope in scopes:
            if scope not in self.scopes:
                is_one_trader = scope[0] in ("account", "trader")
                place = self._place if is_one_trader else self._place_of_scope
                self.scopes[scope] = ScopeDay(scope, Path(place))
            self.scopes[scope].add(account)
            account.scopes.append(self.scopes[scope])
            account.scope_names.append(scope)
        return account

    def account(self, account_id: str) -> Account:
        """An account; one that nobody knows is made."""
        found = self.accounts.get(account_id)
        if found is None:
            # As the warehouse does it: a trader of its own, until somebody says whose.
            info = AccountInfo(account_id, account_id, None, None, BASE_CURRENCY, True)
            found = self._add_account(info, is_known=False)
        return found

    def book(self, account_id: str, symbol: str) -> Book:
        """The book of an account and symbol; made where there is none."""
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
        account = self.account(account_id)
        instrument = self.instruments[symbol]
        multiplier = multiplier or instrument.multiplier
        currency = currency or instrument.currency or account.info.currency
        cost = self.opening.open_costs.get((account_id, symbol))
        price = self.opening.own_prices.get((account_id, symbol))
        book = Book(
            len(self.books),
            account_id,
            symbol,
            None if multiplier is None else scaled(multiplier),
            currency,
            self.rates.get(currency),
            self.marks[symbol],
            lots,
            None if cost is None else scaled(cost),
            None if price is None else scaled(price),
            self._fee_rate(account_id, instrument.type or ""),
        )
        self.books.append(book)
        self._book_of[account_id, symbol] = book
        self._books_of_symbol[symbol].append(book)
        account.books.append(book)
        account.moved_books.add(book)
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

    def move(self, account: Account, book: Book, sequence: int) -> None:
        """A fill has changed what an account has realized or holds in a book.

        Args:
            sequence: Reports taken before it.
        """
        account.moved_books.add(book)
        self.moved.setdefault(account.info.account_id, sequence)

    def note_mark(self, book: Book, number: int) -> None:
        """A fill is the desk's last one in a symbol, if none is later."""
        mark, at = book.mark, self.fills.at[number]
        if (
            mark.number is None
            or at > mark.at
            or (at == mark.at and self._place(number) > self._place(mark.number))
        ):
            mark.number, mark.price, mark.at = number, self.fills.price[number], at

    def forget_mark(self, book: Book, number: int) -> None:
        """A fill that is taken out says nothing any more."""
        if book.mark.number != number:
            return
        book.mark.number = None
        for other in self._books_of_symbol[book.symbol]:
            for one in reversed(other.numbers):
                if self.fills.price[one]:
                    self.note_mark(other, one)
                    break
