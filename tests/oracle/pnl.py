"""Two queues per account and symbol: matches, lots, open positions, the path."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from tests.oracle.fills import EXACT, Fill, total, worth
from tests.oracle.sessions import Session


@dataclass(eq=False)
class Match:
    """Units of one bought and one sold fill that met."""

    bought: Fill
    sold: Fill
    quantity: Decimal
    is_overnight: bool

    @property
    def gross(self) -> Decimal:
        """Quantity x multiplier x (sell price - buy price)."""
        difference = EXACT.subtract(self.sold.price, self.bought.price)
        return worth(self.quantity, difference, self.sold.multiplier)

    @property
    def booked_at(self) -> Fill:
        """The later of both fills in account and symbol."""
        return max(self.bought, self.sold, key=lambda fill: fill.fill_sequence)


@dataclass(eq=False)
class Lot:
    """A piece of a fill that was carried overnight, until one fill closed it."""

    opening: Fill
    signed_quantity: Decimal
    closing: Fill | None = None

    @property
    def opened_date(self) -> date:
        """Date of the fill that opened it."""
        return self.opening.day

    @property
    def closed_date(self) -> date | None:
        """Date of the fill that closed it; None while open."""
        return self.closing.day if self.closing else None

    @property
    def cost(self) -> Decimal:
        """Signed quantity x price x multiplier."""
        return worth(self.signed_quantity, self.opening.price, self.opening.multiplier)

    @property
    def gross(self) -> Decimal | None:
        """Signed quantity x multiplier x (closing - opening price); None while open."""
        if self.closing is None:
            return None
        difference = EXACT.subtract(self.closing.price, self.opening.price)
        return worth(self.signed_quantity, difference, self.opening.multiplier)

    def is_held(self, day: date) -> bool:
        """Whether it is open at a date's end."""
        return self.opened_date <= day and (
            self.closed_date is None or self.closed_date > day
        )


@dataclass(eq=False)
class Book:
    """All fills and what they came to."""

    fills: list[Fill]
    matches: list[Match]
    lots: list[Lot]

    @property
    def counted(self) -> list[Fill]:
        """The counted fills, in order."""
        return [fill for fill in self.fills if fill.is_counted]

    def gross_at(self) -> dict[Fill, Decimal]:
        """Gross P&L booked at each counted fill: each match at its later fill."""
        booked = {fill: Decimal(0) for fill in self.counted}
        for match in self.matches:
            booked[match.booked_at] = EXACT.add(booked[match.booked_at], match.gross)
        return booked


def keep_book(fills: Iterable[Fill]) -> Book:
    """Match all counted fills: today's bought with today's sold, then the lots held.

    Per account, symbol and date the first share bought meets the first one sold, of
    regular fills. What is left of them, and journal entries, meet in order of time the
    lots held, oldest first; what remains is held as a lot of its own.
    """
    fills = list(fills)
    book = Book(fills, [], [])
    days: dict[tuple[str, str, date], list[Fill]] = defaultdict(list)
    for fill in sorted(book.counted, key=lambda fill: fill.fill_sequence):
        days[fill.account, fill.symbol, fill.day].append(fill)
    carried: dict[tuple[str, str], deque[list]] = defaultdict(deque)
    for (account, symbol, _), todays in sorted(days.items(), key=lambda kv: kv[0][2]):
        pieces = [[fill, fill.quantity] for fill in todays]
        regular = [piece for piece in pieces if piece[0].is_regular]
        bought = deque(piece for piece in regular if _sign(piece[0]) > 0)
        sold = deque(piece for piece in regular if _sign(piece[0]) < 0)
        for one, other, quantity in _meet(bought, sold):
            book.matches.append(Match(one, other, quantity, is_overnight=False))
        held = carried[account, symbol]
        for piece in pieces:
            left = deque([piece] if piece[1] else [])
            if left and held and _sign(piece[0]) != _sign(held[0][0]):
                for old, new, quantity in _meet(held, left):
                    pair = (old, new) if _sign(old) > 0 else (new, old)
                    book.matches.append(Match(*pair, quantity, is_overnight=True))
                    book.lots.append(Lot(old, _sign(old) * quantity, new))
            held.extend(left)
    for held in carried.values():
        book.lots.extend(Lot(fill, _sign(fill) * left) for fill, left in held)
    return book


def _sign(fill: Fill) -> int:
    return 1 if fill.signed_quantity > 0 else -1


def _meet(one: deque[list], other: deque[list]) -> Iterable[tuple]:
    """Take units from the heads of both queues until one queue is empty."""
    while one and other:
        quantity = min(one[0][1], other[0][1])
        yield one[0][0], other[0][0], quantity
        for queue in (one, other):
            queue[0][1] = EXACT.subtract(queue[0][1], quantity)
            if not queue[0][1]:
                queue.popleft()


@dataclass(frozen=True)
class OpenPosition:
    """What an account holds of a symbol at a date's end."""

    position_quantity: Decimal
    lots_count: int
    oldest_lot_date: date
    average_price: Fraction
    multiplier: Decimal
    open_cost: Decimal
    held_days: int
    close_price: Decimal | None
    unrealized_pnl: Decimal | None


def position_at(
    lots: Iterable[Lot], day: date, close_price: Decimal | None = None
) -> OpenPosition | None:
    """Sum the lots of one account and symbol that are held at a date's end.

    The average price is quantity-weighted; unrealized is unknown without a mark.
    """
    held = [lot for lot in lots if lot.is_held(day)]
    if not held:
        return None
    quantity = total(lot.signed_quantity for lot in held)
    multiplier = held[0].opening.multiplier
    cost = total(lot.cost for lot in held)
    oldest = min(lot.opened_date for lot in held)
    unrealized = None
    if close_price is not None:
        unrealized = EXACT.subtract(worth(quantity, close_price, multiplier), cost)
    return OpenPosition(
        position_quantity=quantity,
        lots_count=len({lot.opening for lot in held}),
        oldest_lot_date=oldest,
        average_price=Fraction(cost) / Fraction(worth(quantity, 1, multiplier)),
        multiplier=multiplier,
        open_cost=cost,
        held_days=(day - oldest).days,
        close_price=close_price,
        unrealized_pnl=unrealized,
    )


def open_positions(
    book: Book,
    sessions: Iterable[Session],
    until: date,
    marks: Mapping[tuple[str, date], Decimal] | None = None,
) -> dict[tuple[str, str, date], OpenPosition]:
    """Positions by account, symbol and date at whose end they are open.

    Dates are the sessions up to `until` and those with a counted fill of the account,
    in whichever symbol: what it holds at a traded day's end is always whole.
    A mark, of a symbol and date, holds until the symbol's next one.
    """
    lots: dict[tuple[str, str], list[Lot]] = defaultdict(list)
    for lot in book.lots:
        lots[lot.opening.account, lot.opening.symbol].append(lot)
    session_dates = {session[0] for session in sessions if session[0] <= until}
    positions = {}
    for (account, symbol), carried in lots.items():
        traded = {fill.day for fill in book.counted if fill.account == account}
        for day in sorted(session_dates | traded):
            known = [d for name, d in marks or () if name == symbol and d <= day]
            mark = (marks or {})[symbol, max(known)] if known else None
            position = position_at(carried, day, mark)
            if position:
                positions[account, symbol, day] = position
    return positions


Path = list[tuple[Fill, Decimal]]


def realized_paths(book: Book) -> dict[tuple[str, date], Path]:
    """Each trader-date's running net P&L after each counted fill, in day order.

    Every match counts at its later fill, every fee at its fill. The start, 0, is not
    among the steps.
    """
    gross = book.gross_at()
    paths: dict[tuple[str, date], Path] = defaultdict(list)
    for fill in sorted(book.counted, key=lambda fill: (fill.day, fill.day_sequence)):
        path = paths[fill.trader, fill.day]
        before = path[-1][1] if path else Decimal(0)
        path.append((fill, total([before, gross[fill], -fill.fees])))
    return dict(paths)


@dataclass(frozen=True)
class IntradayPnl:
    """The shape of one trader-date's realized path."""

    final_gross_pnl: Decimal
    final_net_pnl: Decimal
    peak_net_pnl: Decimal
    peak_at: datetime | None
    trough_net_pnl: Decimal
    trough_at: datetime | None
    max_drawdown: Decimal
    drawdown_at: datetime | None
    give_back: Decimal
    fills_count: int
    has_unknown_times: bool


def describe_path(path: Path) -> IntradayPnl:
    """Peak, trough and largest fall of a path that starts at 0.

    Peak and trough include the start. The largest fall is measured from the running
    peak; its moment is its lowest point. A moment is the time of the first fill that
    reaches the figure: None if that is the start, or if its time is unknown.
    """
    peak = trough = fall = Decimal(0)
    peak_at = trough_at = fall_at = None
    for fill, net in path:
        moment = fill.at if fill.is_timed else None
        if net > peak:
            peak, peak_at = net, moment
        if net < trough:
            trough, trough_at = net, moment
        if EXACT.subtract(peak, net) > fall:
            fall, fall_at = EXACT.subtract(peak, net), moment
    final = path[-1][1]
    return IntradayPnl(
        final_gross_pnl=total([final, *(fill.fees for fill, _ in path)]),
        final_net_pnl=final,
        peak_net_pnl=peak,
        peak_at=peak_at,
        trough_net_pnl=trough,
        trough_at=trough_at,
        max_drawdown=fall,
        drawdown_at=fall_at,
        give_back=EXACT.subtract(peak, final),
        fills_count=sum(fill.is_regular for fill, _ in path),
        has_unknown_times=any(not fill.is_timed for fill, _ in path),
    )
