"""Planned trips: what a trader fixes before any price of the trip is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from ingestion.simulator.firm import instrument_type
from ingestion.simulator.market import MEAN_ABSOLUTE, Series

LOT_PRICE = 120  # dollars; dearer shares trade in tens
ENLARGEMENT = 1.3


@dataclass(frozen=True, slots=True)
class Leg:
    """Part of a trip: entry (+) or exit (-), whatever the side will be."""

    session: int
    minute: int
    quantity: int


@dataclass(frozen=True, slots=True)
class PlannedTrip:
    """A trip whose side comes from the market.

    Attributes:
        legs: In order of time; quantities add up to 0.
        absolute_move: E|gross| in dollars.
        edge: 2p - 1, where p is the probability of being on the right side.
        cost: Expected fees in dollars.
        reverses: Enters at the very minute at which the trip before left, in the same
            symbol: if the sides differ, one fill takes the position through zero.
    """

    series: Series
    legs: tuple[Leg, ...]
    absolute_move: float
    edge: float
    cost: float
    reverses: bool = False

    @property
    def expected_net(self) -> float:
        """Dollars."""
        return self.absolute_move * self.edge - self.cost


def expected_absolute(series: Series, legs: Sequence[Leg]) -> float:
    """E|what the legs gain| in dollars: the same for a long and a short trip."""
    variance = 0.0
    held = 0
    before = 0.0
    for leg in legs:
        now = series.elapsed(leg.session, leg.minute)
        variance += held**2 * (now - before)
        held += leg.quantity
        before = now
    worth = series.level(legs[0].session) * series.multiplier
    return MEAN_ABSOLUTE * sqrt(variance) * worth


def enlarged(trip: PlannedTrip) -> PlannedTrip:
    """The same trip with more size and less edge: as much expected gross."""
    places = -1 if instrument_type(trip.series.symbol) == "Eq" else None
    larger = [int(round(leg.quantity * ENLARGEMENT, places)) for leg in trip.legs]
    larger[-1] -= sum(larger)
    legs = tuple(
        Leg(leg.session, leg.minute, quantity)
        for leg, quantity in zip(trip.legs, larger, strict=True)
    )
    move = expected_absolute(trip.series, legs)
    edge = trip.edge * trip.absolute_move / move
    return PlannedTrip(trip.series, legs, move, edge, trip.cost, trip.reverses)


def round_lots(
    series: Series, session: int, wanted: float, sigma: float
) -> tuple[int, int]:
    """Quantity that moves about `wanted` dollars, and the lot it comes in.

    Args:
        sigma: Standard deviation of the log price while the position is held.
    """
    level = series.level(session)
    lot = 1
    if instrument_type(series.symbol) == "Eq":
        lot = 100 if level < LOT_PRICE else 10
    unit = MEAN_ABSOLUTE * sigma * level * series.multiplier
    return max(1, round(wanted / unit / lot)) * lot, lot


def halves(quantity: int, lot: int) -> tuple[int, int] | None:
    """A quantity in two parts of whole lots; None if it is a single lot."""
    half = quantity // lot // 2 * lot
    return (half, quantity - half) if half else None
