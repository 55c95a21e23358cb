"""P&L by a plain queue, one fill after the other: what the SQL must equal.

Written from the rule, not from the SQL: two queues per account and symbol, today's
lots and those carried from earlier days.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal

from tests.exports import ExportedFill
from tests.oracle.conversions import Conversion, Lot, Lots, convert, meet
from tests.oracle.sessions import cutoff_of, session_of


def trade_date(fill: ExportedFill) -> date:
    """The calendar date, or of futures the session."""
    return session_of(fill.at, cutoff_of(fill.symbol))


def daily_gross(
    fills: Iterable[ExportedFill],
    multipliers: dict[str, Decimal] | None = None,
    day_of: Callable[[ExportedFill], date] = trade_date,
) -> dict[tuple[str, date], Decimal]:
    """Gross P&L by account and date: intraday FIFO first, then overnight FIFO.

    Journal entries are left out of the first, and meet what is held in order of time.
    Which day a fill belongs to, `day_of` says.
    """
    return gross_and_lots(fills, (), multipliers, day_of)[0]


def gross_and_lots(
    fills: Iterable[ExportedFill],
    conversions: Sequence[Conversion],
    multipliers: dict[str, Decimal] | None = None,
    day_of: Callable[[ExportedFill], date] = trade_date,
) -> tuple[dict[tuple[str, date], Decimal], Lots]:
    """The same with corporate actions, before the fills of their session; open lots."""
    multipliers = multipliers or {}
    days: dict[tuple, list[ExportedFill]] = defaultdict(list)
    for fill in sorted(fills, key=_in_time):
        if fill.status != "CXLD":
            days[fill.account, fill.symbol, day_of(fill)].append(fill)
    gross: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    carried: dict[tuple[str, str], deque[Lot]] = defaultdict(deque)
    coming = deque(sorted(conversions, key=lambda one: one.session))

    def convert_until(day: date) -> None:
        while coming and coming[0].session <= day:
            action = coming.popleft()
            for account in sorted({account for account, _ in carried}):
                realized = convert(carried, account, action)
                if realized:
                    gross[account, action.session] += realized

    for (account, symbol, day), todays in sorted(
        days.items(), key=lambda item: item[0][2]
    ):
        convert_until(day)
        multiplier = multipliers.get(symbol, Decimal(1))
        pieces = [
            (f.signed_quantity > 0, f.status == "REGULAR", f, Lot(f.quantity, f.price))
            for f in todays
        ]
        bought = deque(
            lot for is_buy, is_regular, _, lot in pieces if is_regular and is_buy
        )
        sold = deque(
            lot for is_buy, is_regular, _, lot in pieces if is_regular and not is_buy
        )
        total = Decimal(0)
        while bought and sold:
            total += _match(bought, sold)
        # What is left of the day and its journal entries, in time: oldest lots first.
        lots = carried[account, symbol]
        for is_buy, _, fill, left in pieces:
            one = Lot(
                left.quantity if is_buy else -left.quantity, left.price, (day, fill.at)
            )
            total += meet(lots, one)
            if one.quantity:
                lots.append(one)
        gross[account, day] += multiplier * total
    convert_until(date.max)
    return dict(gross), carried


def daily_gross_in_time_order(
    fills: Iterable[ExportedFill],
) -> dict[tuple[str, date], Decimal]:
    """Gross P&L by account and date, by one queue that is walked fill by fill.

    A closing fill takes today's opening lots first, oldest first, then those held
    overnight; what it does not close opens a lot.
    """
    gross: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    todays: dict[tuple[str, str], deque[Lot]] = defaultdict(deque)
    carried: dict[tuple[str, str], deque[Lot]] = defaultdict(deque)
    last_day: dict[tuple[str, str], date] = {}
    for fill in sorted(fills, key=_in_time):
        if fill.status == "CXLD":
            continue
        key, day = (fill.account, fill.symbol), trade_date(fill)
        if last_day.get(key) != day:
            carried[key].extend(todays.pop(key, ()))
            last_day[key] = day
        left, total = fill.signed_quantity, Decimal(0)
        for lots in (todays[key], carried[key]):
            while left and lots and (lots[0].quantity > 0) != (left > 0):
                held = lots[0]
                sign = 1 if left > 0 else -1
                quantity = min(abs(held.quantity), abs(left))
                total += sign * quantity * (held.price - fill.price)
                held.quantity += sign * quantity
                left -= sign * quantity
                if not held.quantity:
                    lots.popleft()
        if left:
            todays[key].append(Lot(left, fill.price))
        gross[fill.account, day] += total
    return dict(gross)


def _match(bought: deque[Lot], sold: deque[Lot]) -> Decimal:
    quantity = min(bought[0].quantity, sold[0].quantity)
    total = quantity * (sold[0].price - bought[0].price)
    for side in (bought, sold):
        side[0].quantity -= quantity
        if not side[0].quantity:
            side.popleft()
    return total


def _in_time(fill: ExportedFill) -> tuple:
    numeric = fill.fill_id.isdigit()
    return (fill.at, not numeric, int(fill.fill_id) if numeric else 0, fill.fill_id)
