"""What a rule of the desk would have done, fill by fill in plain loops."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from ingestion.desk_rules import Rule
from tests.oracle.fills import EXACT, Fill, worth
from tests.oracle.pnl import Book, Path
from tests.oracle.trips import Trip

Key = tuple[str, date]


@dataclass(frozen=True)
class Replay:
    """A day that a rule would have hit.

    Attributes:
        place: Number of the fill that hit it, from 0; None of a size cap.
        effect: Dollars better than it was; None where unknown.
        replaced: Dollars of the trades that ended the day at once.
    """

    place: int | None
    effect: Fraction | None
    replaced: Fraction = Fraction(0)


def foreknown_days(book: Book) -> set[Key]:
    """Days on which what was held is reduced first and taken up again later."""
    held: dict[tuple[str, str], dict[date, Decimal]] = defaultdict(
        lambda: defaultdict(Decimal)
    )
    for fill in book.counted:
        held[fill.account, fill.symbol][fill.day] += fill.signed_quantity
    found = set()
    for match in book.matches:
        fill = match.booked_at
        before = sum(
            units
            for day, units in held[fill.account, fill.symbol].items()
            if day < fill.day
        )
        first = match.sold if fill is match.bought else match.bought
        if not match.is_overnight and before * first.signed_quantity < 0:
            found.add((fill.trader, fill.day))
    return found


def stopped_after(fills: Sequence[Fill], place: int) -> tuple[Fraction, Fraction]:
    """Effect of stopping after a fill of a trader's day, and the dollars replaced.

    All that the trader still did in an account and symbol is done at once, at the price
    of the next own fill there, for the mean fee per unit of what it replaces.
    """
    later: dict[tuple[str, str], list[Fill]] = defaultdict(list)
    for fill in fills[place + 1 :]:
        if fill.is_regular:
            later[fill.account, fill.symbol].append(fill)
    effect = replaced = Fraction(0)
    for todo in later.values():
        signed = sum(fill.signed_quantity for fill in todo)
        units = sum(fill.quantity for fill in todo)
        fees = Fraction(sum(fill.fees for fill in todo))
        price, multiplier = todo[0].price, todo[0].multiplier
        had = sum(
            Fraction(worth(-fill.signed_quantity, fill.price, fill.multiplier))
            for fill in todo
        )
        instead = Fraction(worth(-signed, price, multiplier))
        effect += instead - had
        effect += fees - (
            fees * abs(Fraction(signed)) / Fraction(units) if units else 0
        )
        replaced += abs(Fraction(worth(signed, price, multiplier)))
    return effect, replaced


def hit_after(
    path: Path, closed: Mapping[Fill, Trip], kind: str, least: Decimal
) -> int | None:
    """Number of the first fill at which a rule holds, by what is known at it."""
    peak = Decimal(0)
    trades = losing = 0
    for place, (fill, net) in enumerate(path):
        peak = max(peak, net)
        trip = closed.get(fill)
        if trip:
            trades += 1
            losing = losing + 1 if trip.net < 0 else 0
        reached = {
            "stop": -net if net < 0 else None,
            "warn": -net if net < 0 else None,
            "give_back": EXACT.subtract(peak, net) if 0 < peak > net else None,
            "max_trades": trades if trip else None,
            "losing_trades": losing if trip else None,
            "cool_down": losing if trip else None,
        }[kind]
        if reached is not None and reached >= least:
            return place
    return None


def replayed(
    paths: Mapping[Key, Path],
    trips: Iterable[Trip],
    kind: str,
    threshold: Mapping[Key, Decimal],
    minutes: int | None = None,
    foreknown: Collection[Key] = (),
) -> dict[Key, Replay]:
    """The days that a rule would have hit, by trader and date.

    Args:
        threshold: Of each trader's date; where it is absent the rule is not known.
        minutes: How long a cool_down lasts.
        foreknown: Days whose path knows later fills.
    """
    trips = [trip for trip in trips if trip.is_closed]
    closed_by = {trip.closing: trip for trip in trips}
    trips_of: dict[Key, list[Trip]] = defaultdict(list)
    for trip in trips:
        trips_of[trip.trader, trip.closed_date].append(trip)
    found = {}
    for (trader, day), path in paths.items():
        if (trader, day) not in threshold:
            continue
        least = threshold[trader, day]
        todays = trips_of[trader, day]
        if kind == "size_cap":
            large = [t for t in todays if _peak_notional(t) > least]
            effect = sum(
                -t.net * (1 - Fraction(least) / _peak_notional(t)) for t in large
            )
            if large:
                found[trader, day] = Replay(None, Fraction(effect))
            continue
        place = hit_after(path, closed_by, kind, least)
        if place is None:
            continue
        fills = [fill for fill, _ in path]
        if kind == "cool_down":
            effect = _paused(fills[place], todays, minutes)
            found[trader, day] = Replay(place, effect)
            continue
        effect, replaced = stopped_after(fills, place)
        if (trader, day) in foreknown and kind in ("stop", "warn", "give_back"):
            found[trader, day] = Replay(place, None)
            continue
        share = Fraction(1, 2) if kind == "warn" else 1
        found[trader, day] = Replay(place, effect * share, replaced * share)
    return found


def days_changed(
    nets: Mapping[Key, Decimal],
    fills: Mapping[Key, Sequence[Fill]],
    rule: Rule,
    threshold: Mapping[Key, Decimal],
) -> dict[Key, Replay]:
    """The days that a rule on the days before would have changed, one after the other.

    Args:
        nets: Net P&L of every trader day.
        fills: Those of a day in order; a day may have none.
        rule: A sit_out or half_size.
        threshold: Of each trader's date; where it is absent nothing hits the rule.
    """
    found = {}
    for trader in {trader for trader, _ in nets}:
        row = to_go = 0
        for day in sorted(day for name, day in nets if name == trader):
            key = trader, day
            if to_go:
                to_go -= 1
                effect, replaced = stopped_after(fills.get(key, ()), -1)
                share = Fraction(1, 2) if rule.kind == "half_size" else 1
                found[key] = Replay(None, effect * share, replaced * share)
                continue
            row = row + 1 if nets[key] < 0 else 0
            if key not in threshold:
                continue
            reached = row if rule.is_losing_days else -nets[key]
            if reached >= threshold[key]:
                row, to_go = 0, rule.duration
    return found


def _peak_notional(trip: Trip) -> Fraction:
    """Dollars of the largest position, at the price of the leg that built it."""
    held, largest = Decimal(0), Fraction(0)
    for leg in trip.legs:
        held = EXACT.add(held, leg.signed_quantity)
        if leg.is_entering:
            value = worth(abs(held), leg.fill.price, leg.fill.multiplier)
            largest = max(largest, Fraction(value))
    return largest


def _paused(fill: Fill, todays: Iterable[Trip], minutes: int) -> Fraction | None:
    """Effect of not having opened anything for so long after a fill."""
    todays = [trip for trip in todays if trip.opened_date == trip.closed_date]
    if not fill.is_timed or any(trip.opened_at is None for trip in todays):
        return None
    until: datetime = fill.at + timedelta(minutes=minutes)
    return Fraction(
        -sum(trip.net for trip in todays if fill.at < trip.opened_at <= until)
    )
