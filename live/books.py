"""What an account holds and made in one symbol: both FIFO levels, fill by fill.

First today's bought units meet today's sold ones, first with first, whatever is held
overnight; what is left of the day, the tail, meets the lots of before, oldest first.
The first level only grows with each fill in order. The second depends on the tail as it
is now, so it is matched anew when somebody looks, from the tail alone.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd
from typing import Any

from live.amounts import UNIT, cents, in_base, product
from live.fills import Fills, id_order


class _Side:
    """Bought or sold fills of the day, and how far they are matched."""

    __slots__ = ("first", "left", "numbers")

    def __init__(self) -> None:
        self.numbers = array("q")
        # The first fill that is not wholly matched, and what is left of it.
        self.first = 0
        self.left = 0


@dataclass(slots=True, eq=False)
class Mark:
    """The desk's last price in a symbol today, which all its books look at.

    Attributes:
        number: Of the fill that has it; None while there is none.
        at: Time of that fill.
    """

    number: int | None = None
    price: int = 0
    at: int = 0


class Book:
    """One account's fills of one symbol on the session's date.

    Amounts are scaled (`amounts`), in the instrument's currency unless they are said to
    be of the base currency.

    Attributes:
        lots: What was held before, [signed quantity, price], oldest first.
        multiplier: None where a unit's worth is not known: its fills are excluded.
        rate: Of the currency; None where it is not known.
        fee_rate: What a unit costs, by history; None where nobody has one.
        numbers: Its fills in order of time, those that were busted left out.
        intraday_gross, overnight_gross: Realized by each level.
        exposure: Cents of the base currency, at the own last price.
        is_exposure_known: Whether each position of the day had a price.
    """

    __slots__ = (
        "_overnight",
        "_price_step",
        "_quantity_step",
        "_trip_cash",
        "_trip_fees",
        "account_id",
        "bought",
        "closed_trades",
        "currency",
        "exposure",
        "fee_rate",
        "fees",
        "intraday_gross",
        "is_disordered",
        "is_exposure_known",
        "is_overnight_stale",
        "lots",
        "mark",
        "multiplier",
        "number",
        "numbers",
        "opening_cost",
        "opening_exposure",
        "opening_price",
        "opening_quantity",
        "other_currencies",
        "overnight_gross",
        "own_price",
        "paid",
        "peak_quantity",
        "position",
        "rate",
        "realized",
        "sold",
        "symbol",
        "trades",
        "usual_currency",
        "usual_rate",
        "volume",
    )

    def __init__(
        self,
        number: int,
        account_id: str,
        symbol: str,
        multiplier: int | None,
        currency: str,
        rate: int | None,
        mark: Mark,
        lots: Iterable[tuple[int, int]] = (),
        opening_cost: int | None = None,
        opening_price: int | None = None,
        fee_rate: int | None = None,
    ) -> None:
        self.number = number
        self.account_id = account_id
        self.symbol = symbol
        self.multiplier = multiplier
        self.usual_currency = currency
        self.usual_rate = rate
        self.mark = mark
        self.lots = list(lots)
        self.opening_quantity = sum(quantity for quantity, _ in self.lots)
        if opening_cost is None and multiplier is not None:
            opening_cost = sum(product(q, price, multiplier) for q, price in self.lots)
        self.opening_cost = opening_cost or 0
        self.opening_price = opening_price
        self.fee_rate = fee_rate
        # Of fills in another currency than the usual one: its name and rate.
        self.other_currencies: dict[int, tuple[str, int | None]] = {}
        self.numbers = array("q")
        self.is_disordered = False
        # What `valuation` has summed up of it.
        self.realized: Any = None
        self._begin()

    def _begin(self) -> None:
        """The day as it is before its first fill."""
        self.currency: str | None = self.usual_currency
        self.rate = self.usual_rate
        self.bought, self.sold = _Side(), _Side()
        self.intraday_gross = self.overnight_gross = 0
        self._overnight: dict[int, int] = {}
        self.is_overnight_stale = False
        self.position = self.opening_quantity
        self.peak_quantity = abs(self.position)
        self.paid = self.fees = self.volume = 0
        self.trades = self.closed_trades = 0
        self._trip_cash, self._trip_fees = -self.opening_cost, 0
        self.own_price = self.opening_price
        self.is_exposure_known = True
        self.opening_exposure = self.exposure = self._worth()
        self._quantity_step = self._price_step = 0
        for quantity, price in self.lots:
            self._quantity_step = gcd(self._quantity_step, quantity)
            self._price_step = gcd(self._price_step, price)

    @property
    def open_cost(self) -> int:
        """What was paid for the position, less what was got: an identity."""
        return (
            self.opening_cost + self.paid + self.intraday_gross + self.overnight_gross
        )

    @property
    def is_settled(self) -> bool:
        """Whether `settle` has nothing to do."""
        return not (self.is_disordered or self.is_overnight_stale)

    def is_after_last(self, fills: Fills, number: int) -> bool:
        """Whether a fill comes after all others of the book."""
        if not self.numbers:
            return True
        last = self.numbers[-1]
        if fills.at[number] != fills.at[last]:
            return fills.at[number] > fills.at[last]
        return _in_book(fills, number) > _in_book(fills, last)

    def append(self, fills: Fills, number: int) -> None:
        """Book a fill that comes after all others."""
        self.numbers.append(number)
        multiplier = self.multiplier
        if multiplier is None:
            return
        if self.other_currencies:
            self._note_currency(number)
        signed, price = fills.quantity[number], fills.price[number]
        quantity = abs(signed)
        lots_sign = self.opening_quantity
        was_closing = lots_sign and self._tail_sign() * lots_sign < 0
        gross = self._match_intraday(fills, number, signed, quantity, price, multiplier)
        self.intraday_gross += gross
        rate = self._rate_of(number)
        if was_closing or (lots_sign and self._tail_sign() * lots_sign < 0):
            self.is_overnight_stale = True
        self._quantity_step = gcd(self._quantity_step, quantity)
        self._price_step = gcd(self._price_step, price)
        if not self._is_exact(multiplier):
            # Sums are rounded by fill, pairs by pair: both are known at the end only.
            self.is_overnight_stale = True
        self._count_trips(fills, number, signed, price, multiplier)
        self.paid += product(signed, price, multiplier)
        self.fees += fills.fee[number]
        self.volume += quantity
        self.position += signed
        self.peak_quantity = max(self.peak_quantity, abs(self.position))
        if price:
            self.own_price = price
        before, self.exposure = self.exposure, self._worth()
        fills.note(
            number,
            intraday=gross,
            gross=0 if rate is None else in_base(gross, rate),
            gross_cents=abs(self.exposure) - abs(before),
            net_cents=self.exposure - before,
        )

    def insert(self, fills: Fills, number: int) -> None:
        """Book a fill that comes before others; `settle` matches all anew."""
        place = len(self.numbers)
        while place and _is_before(fills, number, self.numbers[place - 1]):
            place -= 1
        self.numbers.insert(place, number)
        self.is_disordered = True

    def remove(self, number: int) -> None:
        """Take a fill out; `settle` matches all anew."""
        self.numbers.remove(number)
        self.other_currencies.pop(number, None)
        self.is_disordered = True

    def settle(self, fills: Fills) -> int | None:
        """Match what cannot be matched fill by fill.

        Returns:
            The earliest time of a fill that something else is realized at now.
        """
        if self.is_disordered:
            before = [_booked_at(fills, number) for number in self.numbers]
            self._book_again(fills)
            changed = [
                number
                for number, was in zip(self.numbers, before, strict=True)
                if _booked_at(fills, number) != was
            ]
        else:
            changed = self._match_tail(fills)
        return min((fills.at[number] for number in changed), default=None)

    def _book_again(self, fills: Fills) -> None:
        self.is_disordered = False
        numbers, self.numbers = self.numbers, array("q")
        self._begin()
        for number in numbers:
            fills.closed_trade.pop(number, None)
            self.append(fills, number)
        self._match_tail(fills)

    def _match_tail(self, fills: Fills) -> list[int]:
        """Match the tail with the lots of before, if it is another than before."""
        if not self.is_overnight_stale:
            return []
        self.is_overnight_stale = False
        return self._match_overnight(fills)

    def _tail_sign(self) -> int:
        """1 where bought units are left of the day, -1 where sold ones are."""
        if self.bought.first < len(self.bought.numbers):
            return 1
        return -1 if self.sold.first < len(self.sold.numbers) else 0

    def _match_intraday(
        self,
        fills: Fills,
        number: int,
        signed: int,
        quantity: int,
        price: int,
        multiplier: int,
    ) -> int:
        own, other = (
            (self.bought, self.sold) if signed > 0 else (self.sold, self.bought)
        )
        gross, left = 0, quantity
        while left and other.first < len(other.numbers):
            piece = min(left, other.left)
            other_price = fills.price[other.numbers[other.first]]
            made = product(piece, other_price, multiplier)
            paid = product(piece, price, multiplier)
            gross += made - paid if signed > 0 else paid - made
            left -= piece
            other.left -= piece
            if not other.left:
                other.first += 1
                if other.first < len(other.numbers):
                    other.left = abs(fills.quantity[other.numbers[other.first]])
        own.numbers.append(number)
        if own.first == len(own.numbers) - 1:
            if left:
                own.left = left
            else:
                own.first += 1
        return gross

    def _match_overnight(self, fills: Fills) -> list[int]:
        """Match the tail with the lots of before; the fills whose gross changed."""
        multiplier = self.multiplier
        assert multiplier is not None, "without one nothing is matched"
        if not self._is_exact(multiplier):
            self.intraday_gross = self._intraday_by_fill(fills, multiplier)
            self.is_overnight_stale = False
        sign = self._tail_sign()
        found: dict[int, int] = {}
        if sign and sign * self.opening_quantity < 0:
            side = self.bought if sign > 0 else self.sold
            lots = iter(self.lots)
            held, paid = next(lots)
            lot = abs(held)
            for place in range(side.first, len(side.numbers)):
                number = side.numbers[place]
                is_first = place == side.first
                left = side.left if is_first else abs(fills.quantity[number])
                price = fills.price[number]
                while left and lot:
                    piece = min(left, lot)
                    bought = product(piece, price if sign > 0 else paid, multiplier)
                    sold = product(piece, paid if sign > 0 else price, multiplier)
                    found[number] = found.get(number, 0) + sold - bought
                    left -= piece
                    lot -= piece
                    if not lot:
                        held, paid = next(lots, (0, 0))
                        lot = abs(held)
                if not lot:
                    break
        changed = [
            number
            for number in {*found, *self._overnight}
            if found.get(number) != self._overnight.get(number)
        ]
        for number in changed:
            rate = self._rate_of(number)
            local = fills.intraday[number] + found.get(number, 0)
            fills.note(number, gross=0 if rate is None else in_base(local, rate))
        self._overnight = found
        self.overnight_gross = sum(found.values())
        return changed

    def _intraday_by_fill(self, fills: Fills, multiplier: int) -> int:
        """The first level's gross: what the matched part of each fill is worth."""
        total = 0
        both = min(
            sum(abs(fills.quantity[number]) for number in side.numbers)
            for side in (self.bought, self.sold)
        )
        for side, sign in ((self.bought, -1), (self.sold, 1)):
            left = both
            for number in side.numbers:
                matched = min(left, abs(fills.quantity[number]))
                total += sign * product(matched, fills.price[number], multiplier)
                left -= matched
        return total

    def _is_exact(self, multiplier: int) -> bool:
        """Whether no product of any part of any fill is rounded."""
        step = self._quantity_step * multiplier
        return not step % UNIT and not (step // UNIT) * self._price_step % UNIT

    def _count_trips(
        self, fills: Fills, number: int, signed: int, price: int, multiplier: int
    ) -> None:
        """Round trips from flat to flat; one through zero closes one and opens one."""
        before, after = self.position, self.position + signed
        fee = fills.fee[number]
        is_through_zero = before * after < 0
        closing = -before if is_through_zero else signed
        share = fee * abs(closing) // abs(signed) if is_through_zero else fee
        self._trip_cash -= product(closing, price, multiplier)
        self._trip_fees += share
        if before and (is_through_zero or not after):
            self.closed_trades += 1
            rate = self._rate_of(number)
            fills.closed_trade[number] = (
                None
                if rate is None
                else in_base(self._trip_cash, rate) - self._trip_fees
            )
        if is_through_zero or not after:
            self._trip_cash = self._trip_fees = 0
        if is_through_zero:
            self._trip_cash -= product(after, price, multiplier)
            self._trip_fees += fee - share
        if after and (not before or is_through_zero):
            self.trades += 1

    def _worth(self) -> int:
        """Cents of the position at the own last price; 0 where that is not known."""
        if not self.position or self.multiplier is None:
            return 0
        if self.own_price is None or self.rate is None:
            self.is_exposure_known = False
            return 0
        worth = product(self.position, self.own_price, self.multiplier)
        return cents(in_base(worth, self.rate))

    def _rate_of(self, number: int) -> int | None:
        if self.other_currencies:
            return self.other_currencies.get(number, ("", self.usual_rate))[1]
        return self.usual_rate

    def _note_currency(self, number: int) -> None:
        """The currency that all fills name; unknown where they name several."""
        named = self.other_currencies.get(
            number, (self.usual_currency, self.usual_rate)
        )
        if number == self.numbers[0]:
            self.currency, self.rate = named
        elif self.currency != named[0]:
            self.currency = self.rate = None


def _booked_at(fills: Fills, number: int) -> tuple:
    """What the path of a scope takes from a fill."""
    return (
        fills.gross[number],
        fills.fee[number],
        fills.gross_cents[number],
        fills.net_cents[number],
        number in fills.closed_trade,
        fills.closed_trade.get(number),
    )


def _in_book(fills: Fills, number: int) -> tuple:
    """The order of two fills of one time."""
    return (*id_order(fills.exec_id[number]), number)


def _is_before(fills: Fills, number: int, other: int) -> bool:
    if fills.at[number] != fills.at[other]:
        return fills.at[number] < fills.at[other]
    return _in_book(fills, number) < _in_book(fills, other)
