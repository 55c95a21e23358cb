"""Figures of symbols and scopes, read from a day at a moment.

What is realized changes with an account's own fills alone, and is kept until then. Open
P&L changes with the desk's prices and their ages too: nearly every fill of a busy desk
moves it of many accounts, so it is worked out in turns.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import chain, islice
from math import ceil
from operator import add, sub
from typing import Literal, NamedTuple

from live.amounts import UNIT, decimal, decimal_or_none, in_base, product, scaled
from live.books import Book
from live.day import Account, Day, ScopeDay
from live.figures import Scope, ScopeFigures, SymbolFigures
from live.fills import microseconds
from runtime.sessions import EASTERN

# An own price that is older says nothing of what a position is worth.
STALE_AFTER = timedelta(minutes=15)
_STALE_MICROSECONDS = STALE_AFTER // timedelta(microseconds=1)
_MOST_NAMED = 10
_BEGINNING = datetime(1970, 1, 1)
_BEGINNING_UTC = _BEGINNING.replace(tzinfo=UTC)
_HOUR = 3_600_000_000
_CENT = Decimal("0.01")

# Of a desk no larger, open P&L of all accounts is worked out at each look.
_LEAST_REPRICED = 50
# Of which something may not be known.
_Figure = Literal["fills", "gross", "fees", "opening", "exposure"]


class _Sums(NamedTuple):
    """What of several books or accounts is the sum of theirs, scaled or in cents."""

    gross: int = 0
    fees: int = 0
    opening_open_pnl: int = 0
    gross_cents: int = 0
    net_cents: int = 0
    opening_gross_cents: int = 0
    opening_net_cents: int = 0
    trades: int = 0
    fills: int = 0
    volume: int = 0


@dataclass(slots=True)
class _Realized:
    """What fills of a book, an account, a trader or the desk come to.

    Attributes:
        sums: What is not known of them is 0.
        largest_position, peak_position: Of one account in one symbol, the largest.
        unknown: Of which figure something is not known, and what; None where no person
            reads it.
    """

    sums: Sequence[int] = _Sums()
    largest_position: int = 0
    peak_position: int = 0
    unknown: tuple[tuple[_Figure, str | None], ...] = ()


_NOTHING = _Realized()


class _Open(NamedTuple):
    """What open positions would make; symbols of which that is not known."""

    pnl: int
    oldest_mark: int | None
    unknown: tuple[str, ...]


class KeptFigures:
    """Figures of every scope, made anew only where something moved."""

    def __init__(self) -> None:
        self._figures: dict[Scope, ScopeFigures] = {}
        # Of several traders, with something that their figures are without.
        self._unsummed: dict[Scope, ScopeDay] = {}
        # Whose turn it is.
        self._next = 0

    def read(
        self,
        day: Day,
        now: datetime,
        repriced_share: float,
        most: int | None = None,
        *,
        is_summed: bool = True,
    ) -> dict[Scope, ScopeFigures]:
        """Figures of every scope; the same objects where nothing moved.

        Args:
            day: Settled; always the same one.
            repriced_share: Of how many accounts without a new fill open P&L is worked
                out anew, in turns: 1 is all of them, as of now.
            most: Accounts with a new fill of which figures are read, who waits longest
                first; the others stay in `day.moved`. None: all of them.
            is_summed: False: groups, strategies and the desk are left as they were,
                while anybody waits. Otherwise they have every fill.
        """
        since = _fresh_since(now)
        for accounts in _by_trader(self._taken(day, most)):
            for account in accounts:
                _value(day, account, since)
            self._read_own(day, accounts)
        # While anybody waits for more than a price, no price comes before its time.
        least = 0 if day.moved else _LEAST_REPRICED
        repriced = []
        for account in self._in_turn(
            list(day.accounts.values()), repriced_share, least
        ):
            if any(one.info.account_id in day.moved for one in _of_one_trader(account)):
                continue
            opened = _open(account, since)
            if opened != account.opened:
                account.opened = opened
                repriced.append(account)
        for accounts in _by_trader(repriced):
            self._read_own(day, accounts)
        if is_summed or not day.moved:
            for account_id in day.moved:
                _value(day, day.accounts[account_id], since)
                self._leave_unsummed(day.accounts[account_id])
            for scope, one in self._unsummed.items():
                self._figures[scope] = _scope_figures(day, one)
            self._unsummed = {}
        return self._figures.copy()

    def _taken(self, day: Day, most: int | None) -> list[Account]:
        """Whose turn it is of those who moved, with all that moved of their traders."""
        if not self._figures:
            day.moved.clear()
            return list(day.accounts.values())
        taken: dict[str, Account] = {}
        for account_id in islice(day.moved, most):
            for one in _of_one_trader(day.accounts[account_id]):
                if one.info.account_id in day.moved:
                    taken[one.info.account_id] = one
        for account_id in taken:
            del day.moved[account_id]
        return list(taken.values())

    def _read_own(self, day: Day, accounts: Sequence[Account]) -> None:
        """Figures of one trader, and of those accounts of theirs that moved."""
        for account in accounts:
            self._leave_unsummed(account)
        if len(accounts[0].scopes) > 1:
            trader = accounts[0].scopes[1]
            figures = self._figures[trader.scope] = _scope_figures(day, trader)
            if len(trader.accounts) == 1:
                # An account that is all of its trader has the same figures.
                self._figures[accounts[0].scope_names[0]] = figures
                return
        for account in accounts:
            self._figures[account.scope_names[0]] = _scope_figures(
                day, account.scopes[0]
            )

    def _leave_unsummed(self, account: Account) -> None:
        """Its groups, strategies and the desk have to be summed."""
        for one in account.scopes[2:]:
            self._unsummed[one.scope] = one

    def _in_turn(
        self, accounts: list[Account], share: float, least: int
    ) -> list[Account]:
        count = max(least, ceil(share * len(accounts)))
        if count >= len(accounts):
            return accounts
        first, self._next = self._next, (self._next + count) % len(accounts)
        return (accounts + accounts)[first : first + count]


def _of_one_trader(account: Account) -> list[Account]:
    """Accounts whose figures are read together."""
    # The second scope is its trader; an account in no total has none.
    return account.scopes[1].accounts if len(account.scopes) > 1 else [account]


def _by_trader(accounts: Iterable[Account]) -> Iterable[list[Account]]:
    """Accounts of one trader together; one in no total by itself."""
    found: dict[Scope, list[Account]] = {}
    for account in accounts:
        found.setdefault(account.scope_names[:2][-1], []).append(account)
    return found.values()


def symbol_figures(
    day: Day, now: datetime, account_ids: Collection[str] | None
) -> dict[tuple[str, str], SymbolFigures]:
    """Figures of every account and symbol that has a fill or a position.

    Args:
        account_ids: Of these accounts alone; None: of all.
    """
    since = _fresh_since(now)
    return {
        (book.account_id, book.symbol): _symbol_figures(day, book, since)
        for book in day.books
        if (book.numbers or book.opening_quantity)
        and (account_ids is None or book.account_id in account_ids)
    }


def exposures_by_side(day: Day) -> dict[tuple[str, bool], dict[str, Decimal]]:
    """Dollars that each trader has in a symbol, long (True) and short apart.

    Of accounts in the desk's totals, where the position has a price.
    """
    held: dict[tuple[str, bool], dict[str, int]] = defaultdict(dict)
    for account in day.accounts.values():
        if not account.info.is_in_desk_total:
            continue
        trader = account.info.trader_id
        for book in account.books:
            if book.position and book.multiplier and book.is_exposure_known:
                side = held[book.symbol, book.position > 0]
                side[trader] = side.get(trader, 0) + abs(book.exposure)
    return {
        side: {trader: _dollars(cents) for trader, cents in traders.items()}
        for side, traders in held.items()
    }


def _fresh_since(now: datetime) -> int:
    """The earliest Eastern time at which a price is not old yet."""
    at_et = now.astimezone(EASTERN).replace(tzinfo=None)
    return microseconds(at_et) - _STALE_MICROSECONDS


def _realized(day: Day, account: Account) -> _Realized:
    """What an account's fills come to: as before, but for the books that moved."""
    kept = account.realized or _NOTHING
    sums, has_unknown = kept.sums, bool(kept.unknown)
    moved = [(book, _realized_in_book(day, book)) for book in account.moved_books]
    for book, now in moved:
        before = book.realized or _NOTHING
        sums = [*map(add, sums, map(sub, now.sums, before.sums))]
        has_unknown = has_unknown or bool(now.unknown)
        book.realized = now
    account.moved_books.clear()
    largest = peak = 0
    for book in account.books:
        one = book.realized
        if one.peak_position > peak:
            peak = one.peak_position
        if one.largest_position > largest:
            largest = one.largest_position
    return _Realized(sums, largest, peak, _unknown_of(account) if has_unknown else ())


def _unknown_of(account: Account) -> tuple[tuple[_Figure, str | None], ...]:
    found = [one for book in account.books for one in book.realized.unknown]
    if ("fees", None) in found:
        found.append(("fees", f"fees of {account.info.account_id}"))
    return tuple(found)


def _realized_in_book(day: Day, book: Book) -> _Realized:
    unknown: list[tuple[_Figure, str | None]] = []
    if book.fee_rate is None and book.numbers:
        unknown.append(("fees", None))
    if book.multiplier is None:
        if book.numbers:
            named = f"contract size of {book.symbol} in {book.account_id}"
            unknown.append(("fills", named))
        return _Realized(unknown=tuple(unknown))
    rate = book.rate
    intraday = _converted(book.intraday_gross, rate)
    overnight = _converted(book.overnight_gross, rate)
    if (
        intraday is None
        or overnight is None
        or (rate is None and _has_matches(day, book))
    ):
        named = (
            f"exchange rate of {book.currency or 'several currencies'} for "
            f"{book.symbol} in {book.account_id}"
        )
        unknown.append(("gross", named))
    before = _opening_open_pnl(day, book)
    if before is None:
        unknown.append(("opening", None))
    exposure, opening_exposure = book.exposure, book.opening_exposure
    if not book.is_exposure_known:
        unknown.append(("exposure", None))
    sums = _Sums(
        gross=(intraday or 0) + (overnight or 0),
        fees=book.fees,
        opening_open_pnl=before or 0,
        gross_cents=abs(exposure),
        net_cents=exposure,
        opening_gross_cents=abs(opening_exposure),
        opening_net_cents=opening_exposure,
        trades=book.trades,
        fills=len(book.numbers),
        volume=book.volume,
    )
    return _Realized(sums, abs(book.position), book.peak_quantity, tuple(unknown))


def _together(parts: Sequence[_Realized]) -> _Realized:
    """Of several accounts; by columns, as a desk has a thousand."""
    if len(parts) == 1:
        return parts[0]
    return _Realized(
        [*map(sum, zip(*[one.sums for one in parts], strict=True))],
        max([one.largest_position for one in parts]),
        max([one.peak_position for one in parts]),
        tuple(chain.from_iterable([one.unknown for one in parts])),
    )


def _sum_open(parts: Sequence[_Open]) -> _Open:
    if len(parts) == 1:
        return parts[0]
    pnls, marks, unknown = zip(*parts, strict=True)
    known = [mark for mark in marks if mark is not None]
    return _Open(
        sum(pnls), min(known, default=None), tuple(chain.from_iterable(unknown))
    )


def _value(day: Day, account: Account, since: int) -> None:
    """Sum up what an account has realized and what is open, unless that was just done.

    While an account waited for its turn, the desk may have been summed with it.
    """
    if account.realized is None or account.moved_books:
        account.realized = _realized(day, account)
        account.opened = _open(account, since)


def _open(account: Account, since: int) -> _Open:
    total, oldest = 0, None
    unknown: list[str] = []
    for book in account.books:
        if not book.position and book.multiplier is not None:
            continue
        pnl = _open_pnl(book, since)
        if pnl is not None:
            total += pnl
            at = book.mark.at
            if oldest is None or at < oldest:
                oldest = at
        elif book.numbers or book.position:
            unknown.append(book.symbol)
    return _Open(total, oldest, tuple(unknown))


def _open_pnl(book: Book, since: int) -> int | None:
    """What a position would make at the desk's last price; None if unknown."""
    position, multiplier, rate = book.position, book.multiplier, book.rate
    if not position and multiplier is not None:
        return 0
    mark = book.mark
    if mark.number is None or mark.at < since or rate is None or multiplier is None:
        return None
    worth = product(position, mark.price, multiplier)
    return in_base(worth - book.open_cost, rate)


def _opening_open_pnl(day: Day, book: Book) -> int | None:
    """What the position of last night made at last night's mark."""
    if not book.opening_quantity:
        return 0
    known = day.opening.marks.get(book.symbol)
    if known is None or book.usual_rate is None or book.multiplier is None:
        return None
    worth = product(book.opening_quantity, scaled(known[0]), book.multiplier)
    return in_base(worth - book.opening_cost, book.usual_rate)


def _mark(day: Day, book: Book) -> tuple[int | None, datetime | None]:
    """The desk's last price in a symbol today, else last night's; and its time."""
    if book.mark.number is None:
        known = day.opening.marks.get(book.symbol)
        return (None if known is None else scaled(known[0])), None
    return book.mark.price, _utc(book.mark.at)


def _has_matches(day: Day, book: Book) -> bool:
    return bool(book.overnight_gross) or any(
        day.fills.intraday[number] for number in book.numbers
    )


def _symbol_figures(day: Day, book: Book, since: int) -> SymbolFigures:
    fills, rate = day.fills, book.rate
    is_counted = book.multiplier is not None
    intraday = _converted(book.intraday_gross, rate) if is_counted else None
    overnight = _converted(book.overnight_gross, rate) if is_counted else None
    gross = None if intraday is None or overnight is None else intraday + overnight
    books = day.accounts[book.account_id].books
    lacks_fees = any(one.fee_rate is None and one.numbers for one in books)
    fees = None if lacks_fees else book.fees
    net = None if gross is None or fees is None else gross - fees
    open_pnl = _open_pnl(book, since)
    price, at = _mark(day, book)
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


def _scope_figures(day: Day, one: ScopeDay) -> ScopeFigures:
    total = _together([account.realized for account in one.accounts])
    still_open = _sum_open([account.opened for account in one.accounts])
    sums = _Sums._make(total.sums)
    unknown = {figure for figure, _ in total.unknown}
    fees = None if "fees" in unknown else sums.fees
    gross = None if "gross" in unknown else sums.gross
    net = None if gross is None or fees is None else gross - fees
    open_pnl = None if still_open.unknown else still_open.pnl
    total_pnl = None
    if net is not None and open_pnl is not None and "opening" not in unknown:
        total_pnl = net + open_pnl - sums.opening_open_pnl
    path = one.path.state(day.fills)
    numbers, at = one.path.numbers, day.fills.at
    drawdown = path.peak - path.net
    money = _unknown if net is None else decimal
    dollars = _unknown if "exposure" in unknown else _dollars

    return ScopeFigures(
        trader_ids=one.trader_ids,
        account_ids=one.account_ids,
        gross_pnl=decimal_or_none(gross),
        estimated_fees=decimal_or_none(fees),
        net_pnl=decimal_or_none(net),
        open_pnl=decimal_or_none(open_pnl),
        total_pnl=decimal_or_none(total_pnl),
        open_unknown=tuple(sorted(set(still_open.unknown))[:_MOST_NAMED]),
        oldest_mark_at=_utc_or_none(still_open.oldest_mark),
        peak_net_pnl=money(path.peak),
        trough_net_pnl=money(path.trough),
        drawdown=money(drawdown),
        max_drawdown=money(path.max_drawdown),
        give_back_ratio=drawdown / path.peak if net is not None and path.peak else None,
        peak_at=_utc_or_none(path.peak_at),
        gross_exposure=dollars(sums.gross_cents),
        net_exposure=dollars(sums.net_cents),
        peak_gross_exposure=dollars(sums.opening_gross_cents + path.most_gross),
        highest_net_exposure=dollars(sums.opening_net_cents + path.most_net),
        lowest_net_exposure=dollars(sums.opening_net_cents + path.least_net),
        largest_position=decimal(total.largest_position),
        peak_position=decimal(total.peak_position),
        trades_count=sums.trades,
        closed_trades_count=path.closed_trades,
        losing_trades_count=path.losing_trades,
        losing_streak=path.losing_streak,
        last_loss_at=_utc_or_none(path.last_loss_at),
        last_trade_net_pnl=decimal_or_none(path.last_trade_net),
        fills_count=sums.fills,
        quantity=decimal(sums.volume),
        first_fill_at=_utc(at[numbers[0]]) if numbers else None,
        last_fill_at=_utc(at[numbers[-1]]) if numbers else None,
        unknown=tuple([said for _, said in total.unknown if said][:_MOST_NAMED]),
    )


def _unknown(amount: int) -> None:
    """In place of an amount that is not known whole."""
    del amount


def _converted(amount: int, rate: int | None) -> int | None:
    """In the base currency; nothing is nothing, at whatever rate."""
    if not amount:
        return 0
    return None if rate is None else in_base(amount, rate)


def _dollars(cents: int) -> Decimal:
    return cents * _CENT


@lru_cache(maxsize=4096)
def _utc_offset(hour: int) -> int:
    """How many microseconds Eastern times of an hour since 1970 are from UTC."""
    at_et = _BEGINNING + timedelta(hours=hour)
    at_utc = at_et.replace(tzinfo=EASTERN).astimezone(UTC).replace(tzinfo=None)
    return (at_et - at_utc) // timedelta(microseconds=1)


# Most of a trader's times are those of the look before.
@lru_cache(maxsize=2**15)
def _utc(at: int) -> datetime:
    return _BEGINNING_UTC + timedelta(microseconds=at - _utc_offset(at // _HOUR))


def _utc_or_none(at: int | None) -> datetime | None:
    return None if at is None else _utc(at)
