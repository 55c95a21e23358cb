"""The firm's accounting, by a plain queue that walks the fills one by one.

Today's regular fills meet each other first, first bought with first sold; what is left
of them, and journal entries, meet the lots of before in order of time, oldest first.
Prices are in the instrument's currency, P&L is in the account's, at the date's spot.
A corporate action turns lots of before into new shares; what was posted for it is shown
and moves nothing again. Money is exact; only what is converted ends at eight decimals.
This is on purpose not the way a warehouse would do it, so that each checks the other.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ingestion.simulator.firm import (
    Account,
    Adjustment,
    CorporateAction,
    Fill,
    Firm,
    execution_order,
    instrument_type,
)
from ingestion.simulator.rates import ONE, Spots, converted

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class SymbolDay:
    """One symbol of one account on one date.

    Attributes:
        orders: Distinct order ids among regular fills.
        fills: Regular fills.
        quantity: Shares or contracts of regular fills, bought plus sold.
        gross: Realized P&L before fees.
        fees: By fee column, of regular fills and journal entries.
        position: Signed, at the end of the date.
        currency: Of prices and cost.
        spot: What a unit of it is worth in the account's currency.
        cost: Signed position x multiplier x price paid.
        average_price: Of the open lots; None when flat.
        mark: Closing price; None where the firm has none of that date.
        unrealized: At the last mark so far; 0 when flat, None before the first one.
        unrealized_delta: Change since the date before; unknown counts as 0.
    """

    date: date
    symbol: str
    orders: int
    fills: int
    quantity: Decimal
    gross: Decimal
    fees: Mapping[str, Decimal]
    position: Decimal
    currency: str
    spot: Decimal
    cost: Decimal
    average_price: Decimal | None
    mark: Decimal | None
    unrealized: Decimal | None
    unrealized_delta: Decimal

    @property
    def type(self) -> str:
        """`Eq`, `Op` or `Fu`."""
        return instrument_type(self.symbol)

    @property
    def trade_fees(self) -> Decimal:
        """All fee columns; positive is a cost."""
        return sum(self.fees.values(), ZERO)

    @property
    def net(self) -> Decimal:
        """Gross less fees."""
        return self.gross - self.trade_fees

    @property
    def total_delta(self) -> Decimal:
        """Net and the change of the open position's value."""
        return self.net + self.unrealized_delta


@dataclass(frozen=True, slots=True)
class AccountDay:
    """One account on one date with a fill, an adjustment or an open position.

    Attributes:
        symbol_days: In order of symbol.
        adjustments: Signed sums by category, transfers included.
        cash: At the end of the date.
    """

    date: date
    symbol_days: tuple[SymbolDay, ...]
    adjustments: Mapping[str, Decimal]
    adjusted: Decimal
    transfers: Decimal
    cash: Decimal

    @property
    def gross(self) -> Decimal:
        """Realized P&L before fees."""
        return sum((day.gross for day in self.symbol_days), ZERO)

    @property
    def trade_fees(self) -> Decimal:
        """Fees of all fills; positive is a cost."""
        return sum((day.trade_fees for day in self.symbol_days), ZERO)

    @property
    def net(self) -> Decimal:
        """Gross less fees."""
        return self.gross - self.trade_fees

    @property
    def adjusted_net(self) -> Decimal:
        """Net and the day's adjustments, transfers excluded."""
        return self.net + self.adjusted

    @property
    def unrealized(self) -> Decimal:
        """Of all positions with a mark."""
        return sum((day.unrealized or ZERO for day in self.symbol_days), ZERO)

    @property
    def unrealized_delta(self) -> Decimal:
        """Change of `unrealized` since the date before."""
        return sum((day.unrealized_delta for day in self.symbol_days), ZERO)

    @property
    def total_delta(self) -> Decimal:
        """The day's result with open positions at their marks."""
        return self.adjusted_net + self.unrealized_delta

    @property
    def end_balance(self) -> Decimal:
        """Cash and unrealized."""
        return self.cash + self.unrealized


class _Queue:
    """The open lots of one symbol: [signed quantity, price] from the oldest on."""

    def __init__(self, multiplier: Decimal, currency: str) -> None:
        self.multiplier = multiplier
        self.currency = currency
        self.today: deque[list[Decimal]] = deque()
        # What is left of the day, those of `today` among it, in order of time.
        self.left: list[list[Decimal]] = []
        self.overnight: deque[list[Decimal]] = deque()
        self.unrealized: Decimal | None = ZERO

    def add(self, signed: Decimal, price: Decimal, *, is_regular: bool) -> Decimal:
        """Match a regular fill with today's opposite ones; returns gross."""
        lot, gross = [signed, price], ZERO
        if is_regular:
            lot[0], gross = _match(self.today, signed, price)
            if lot[0]:
                self.today.append(lot)
        self.left.append(lot)
        return gross * self.multiplier

    def end_day(self) -> Decimal:
        """Match what is left of today with the lots held; returns gross."""
        gross = ZERO
        for signed, price in self.left:
            rest, matched = _match(self.overnight, signed, price)
            gross += matched
            if rest:
                self.overnight.append([rest, price])
        self.today.clear()
        self.left.clear()
        return gross * self.multiplier

    def convert(self, action: CorporateAction) -> None:
        """Turn the lots held into new shares."""
        for lot in self.overnight:
            lot[0] = lot[0] * action.new_shares / action.old_shares
            lot[1] = lot[1] * action.old_shares / action.new_shares

    def position_and_cost(self) -> tuple[Decimal, Decimal]:
        """Signed quantity and its value at the prices paid, at the end of a day."""
        position = cost = ZERO
        for signed, price in self.overnight:
            position += signed
            cost += signed * price
        return position, cost * self.multiplier


def _match(
    lots: deque[list[Decimal]], signed: Decimal, price: Decimal
) -> tuple[Decimal, Decimal]:
    """Close lots of the opposite sign; returns what is left of `signed`, and gross."""
    gross = ZERO
    while signed and lots and (lots[0][0] > 0) != (signed > 0):
        lot = lots[0]
        # The part of the lot that is closed, with the lot's sign.
        closed = lot[0] if abs(lot[0]) <= abs(signed) else -signed
        gross += closed * (price - lot[1])
        signed += closed
        lot[0] -= closed
        if not lot[0]:
            lots.popleft()
    return signed, gross


class Ledger:
    """Every account's days up to and including `through`.

    What a date shows never depends on later dates, so a ledger that reaches further
    answers for any earlier evening as well.
    """

    def __init__(self, firm: Firm, through: date) -> None:
        fills: dict[str, list[Fill]] = defaultdict(list)
        for fill in firm.fills:
            if not fill.is_cancelled and firm.trade_date(fill) <= through:
                fills[fill.account_name].append(fill)
        adjustments: dict[str, list[Adjustment]] = defaultdict(list)
        for adjustment in firm.adjustments:
            if adjustment.date <= through:
                adjustments[adjustment.account_name].append(adjustment)
        marks: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
        for (symbol, day), price in firm.closes.items():
            if day <= through:
                marks[symbol].append((day, price))
        for known in marks.values():
            known.sort()
        marked = sorted({day for known in marks.values() for day, _ in known})
        spots = Spots(firm.exchange_rates)
        self._days: dict[str, list[AccountDay]] = {}
        self._dates: dict[str, list[date]] = {}
        for account in firm.accounts:
            name = account.name
            days = list(
                _account_days(
                    firm, account, spots, fills[name], adjustments[name], marks, marked
                )
            )
            self._days[name] = days
            self._dates[name] = [day.date for day in days]

    def days(self, account_name: str, first: date, last: date) -> Sequence[AccountDay]:
        """An account's days from `first` to `last`, both included, in order."""
        dates = self._dates[account_name]
        return self._days[account_name][
            bisect_left(dates, first) : bisect_right(dates, last)
        ]

    def last_day(self, account_name: str, last: date) -> AccountDay | None:
        """An account's latest day not after `last`; None before its first."""
        index = bisect_right(self._dates[account_name], last)
        return self._days[account_name][index - 1] if index else None


def _account_days(
    firm: Firm,
    account: Account,
    spots: Spots,
    fills: Sequence[Fill],
    adjustments: Sequence[Adjustment],
    marks: Mapping[str, Sequence[tuple[date, Decimal]]],
    marked: Sequence[date],
) -> Iterator[AccountDay]:
    by_date: dict[date, dict[str, list[Fill]]] = {}
    for fill in sorted(fills, key=execution_order):
        by_symbol = by_date.setdefault(firm.trade_date(fill), {})
        by_symbol.setdefault(fill.symbol, []).append(fill)
    adjusted_on: dict[date, list[Adjustment]] = defaultdict(list)
    for adjustment in adjustments:
        adjusted_on[adjustment.date].append(adjustment)
    own = by_date.keys() | adjusted_on.keys()
    if not own:
        return
    start = min(own)
    queues: dict[str, _Queue] = {}
    coming = deque(sorted(firm.corporate_actions, key=lambda one: one.effective))
    changed: dict[str, date] = {}
    cash = ZERO
    listed = {*marked, *(action.effective for action in coming)}
    for day in sorted(own.union(d for d in listed if d >= start)):
        while coming and coming[0].effective <= day:
            action = coming.popleft()
            changed[action.symbol_after] = action.effective
            if action.symbol in queues:
                queue = queues.pop(action.symbol)
                queue.convert(action)
                queues[action.symbol_after] = queue
        symbol_fills = by_date.get(day, {})
        # A flat symbol's queue is dropped, so what is left here is open.
        symbols = symbol_fills.keys() | queues.keys()
        if not symbols and day not in adjusted_on:
            continue
        symbol_days = []
        for symbol in sorted(symbols):
            if symbol not in queues:
                queues[symbol] = _Queue(
                    firm.multipliers.get(symbol, ONE),
                    symbol_fills[symbol][0].currency_in(account),
                )
            queue = queues[symbol]
            symbol_day = _symbol_day(
                day,
                symbol,
                queue,
                spots.spot(queue.currency, account.currency, day),
                symbol_fills.get(symbol, ()),
                firm.closes.get((symbol, day)),
                _last_mark(marks.get(symbol, ()), changed.get(symbol, date.min), day),
            )
            symbol_days.append(symbol_day)
            if not symbol_day.position:
                del queues[symbol]
        sums: dict[str, Decimal] = {}
        adjusted = transfers = ZERO
        for adjustment in adjusted_on.get(day, ()):
            before = sums.get(adjustment.category, ZERO)
            sums[adjustment.category] = before + adjustment.amount
            if adjustment.is_transfer:
                transfers += adjustment.amount
            else:
                adjusted += adjustment.amount
        net = sum((symbol_day.net for symbol_day in symbol_days), ZERO)
        cash += net + adjusted + transfers
        yield AccountDay(day, tuple(symbol_days), sums, adjusted, transfers, cash)


def _last_mark(
    marks: Sequence[tuple[date, Decimal]], since: date, day: date
) -> Decimal | None:
    """The last closing price up to a date; None before the first of these shares."""
    index = bisect_right(marks, day, key=lambda mark: mark[0])
    return marks[index - 1][1] if index and marks[index - 1][0] >= since else None


def _symbol_day(
    day: date,
    symbol: str,
    queue: _Queue,
    spot: Decimal,
    fills: Sequence[Fill],
    mark: Decimal | None,
    last_mark: Decimal | None,
) -> SymbolDay:
    gross = quantity = ZERO
    fees: dict[str, Decimal] = {}
    orders = set()
    count = 0
    for fill in fills:
        if not fill.is_of_action:
            signed = fill.signed_quantity
            gross += queue.add(signed, fill.price, is_regular=fill.is_regular)
        for name, amount in fill.fees.items():
            fees[name] = fees.get(name, ZERO) + amount
        if fill.is_regular:
            quantity += fill.quantity
            orders.add(fill.order_id)
            count += 1
    gross += queue.end_day()
    position, cost = queue.position_and_cost()
    average: Decimal | None = None
    unrealized: Decimal | None = ZERO
    if position:
        average = cost / queue.multiplier / position
        unrealized = None
        if last_mark is not None:
            gain = position * queue.multiplier * last_mark - cost
            unrealized = converted(gain, spot)
    delta = (unrealized or ZERO) - (queue.unrealized or ZERO)
    queue.unrealized = unrealized
    return SymbolDay(
        day,
        symbol,
        len(orders),
        count,
        quantity,
        converted(gross, spot),
        fees,
        position,
        queue.currency,
        spot,
        cost,
        average,
        mark,
        unrealized,
        delta,
    )
