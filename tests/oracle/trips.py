"""Round trips: what an account does in a symbol from flat to flat."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from tests.oracle.fills import EXACT, Fill, total, worth


@dataclass(eq=False)
class Leg:
    """A fill, or the part of a fill on one side of zero."""

    fill: Fill
    signed_quantity: Decimal
    fees: Fraction
    is_entering: bool


@dataclass(eq=False)
class Trip:
    """One flat-to-flat trip, possibly still open."""

    account: str
    symbol: str
    number: int
    legs: list[Leg] = field(default_factory=list)

    @property
    def is_long(self) -> bool:
        """Whether it began with a buy."""
        return self.legs[0].signed_quantity > 0

    @property
    def is_closed(self) -> bool:
        """Whether the position is flat again."""
        return not total(leg.signed_quantity for leg in self.legs)

    @property
    def opening(self) -> Fill:
        """The fill that opened it."""
        return self.legs[0].fill

    @property
    def closing(self) -> Fill | None:
        """The fill that closed it; None while open."""
        return self.legs[-1].fill if self.is_closed else None

    @property
    def trader(self) -> str:
        """The trader of the last leg's fill."""
        return self.legs[-1].fill.trader

    @property
    def opened_date(self) -> date:
        """Date of the first leg."""
        return self.opening.day

    @property
    def closed_date(self) -> date | None:
        """Date of the last leg, on which the trip counts; None while open."""
        return self.closing.day if self.closing else None

    @property
    def opened_at(self) -> datetime | None:
        """Time of the opening fill; None where unknown."""
        return self.opening.at if self.opening.is_timed else None

    @property
    def closed_at(self) -> datetime | None:
        """Time of the closing fill; None while open or where unknown."""
        return self.closing.at if self.closing and self.closing.is_timed else None

    @property
    def gross(self) -> Decimal | None:
        """The cash it left behind; None while open."""
        if not self.is_closed:
            return None
        return total(
            worth(-leg.signed_quantity, leg.fill.price, leg.fill.multiplier)
            for leg in self.legs
        )

    @property
    def fees(self) -> Fraction:
        """Fees of its legs; a fill through zero shares them by quantity."""
        return sum((leg.fees for leg in self.legs), Fraction(0))

    @property
    def net(self) -> Fraction | None:
        """Gross less fees; None while open."""
        return Fraction(self.gross) - self.fees if self.is_closed else None

    def entry_notional(self, until: date) -> Fraction:
        """Quantity x price x multiplier of entering legs up to a date, not rounded."""
        return Fraction(
            total(
                worth(abs(leg.signed_quantity), leg.fill.price, leg.fill.multiplier)
                for leg in self.legs
                if leg.is_entering and leg.fill.day <= until
            )
        )

    @property
    def averages_down(self) -> bool:
        """Whether an entering leg came at a worse price than those before it.

        Worse than the quantity-weighted average price of all entering legs before it:
        lower when long, higher when short.
        """
        quantity = cost = Decimal(0)
        for leg in self.legs:
            if not leg.is_entering:
                continue
            units, price = abs(leg.signed_quantity), leg.fill.price
            # Both sides times the quantity before: no division, no rounding.
            difference = EXACT.subtract(EXACT.multiply(price, quantity), cost)
            if quantity and (difference < 0 if self.is_long else difference > 0):
                return True
            quantity = EXACT.add(quantity, units)
            cost = EXACT.add(cost, EXACT.multiply(units, price))
        return False


def round_trips(fills: Iterable[Fill]) -> list[Trip]:
    """All trips of the counted fills, by account, symbol and number.

    A fill that finds the account flat opens a trip, one that makes it flat closes it.
    A fill through zero is split: its first part closes, the rest opens the next trip,
    and its fees are shared by quantity.
    """
    by_symbol: dict[tuple[str, str], list[Fill]] = defaultdict(list)
    for fill in fills:
        if fill.is_counted:
            by_symbol[fill.account, fill.symbol].append(fill)
    trips = []
    for (account, symbol), own in sorted(by_symbol.items()):
        position = Decimal(0)
        number = 0
        for fill in sorted(own, key=lambda one: one.fill_sequence):
            for quantity in _parts(position, fill.signed_quantity):
                if not position:
                    number += 1
                    trips.append(Trip(account, symbol, number))
                share = Fraction(quantity) / Fraction(fill.signed_quantity)
                fees = Fraction(fill.fees) * share
                enters = not position or (position > 0) == (quantity > 0)
                trips[-1].legs.append(Leg(fill, quantity, fees, enters))
                position = EXACT.add(position, quantity)
    return trips


def _parts(position: Decimal, quantity: Decimal) -> list[Decimal]:
    """A fill's quantity, cut in two where it passes through zero."""
    crosses = position and (position > 0) != (quantity > 0)
    if crosses and abs(quantity) > abs(position):
        return [-position, EXACT.add(quantity, position)]
    return [quantity]
