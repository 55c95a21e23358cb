"""Generates the sample firm: traders who behave, and what they may expect each day.

In the morning a trader's state, which only earlier days have shaped, fixes how many
trips there will be, when, how large, and how likely each is on the right side. A trip
then takes the side of the price's actual later move with that probability p, else the
opposite one, so its gross has the expectation E|move| x size x (2p - 1), and E|move|
is known from the market's variance. Who chases enlarges the trip after a losing one,
with p brought so much closer to one half that the expectation stays the same.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from math import sqrt

from ingestion.simulator.cast import CAST, Profile
from ingestion.simulator.execution import Execution, Order
from ingestion.simulator.fees import FeeDesk
from ingestion.simulator.firm import Account, Adjustment, Fill, Firm, instrument_type
from ingestion.simulator.market import (
    CLOSE,
    MEAN_ABSOLUTE,
    MINUTES,
    Market,
    Series,
    make_market,
)
from ingestion.simulator.plans import (
    Leg,
    PlannedTrip,
    enlarged,
    expected_absolute,
    halves,
    round_lots,
)
from ingestion.simulator.sample_books import with_books

MINIMUM_SESSIONS = 60
FIRST_ACCOUNT_NUMBER = 601
TRADED_MINUTES = MINUTES - 3  # everybody is done a little before the close

# Form: slow-moving skill, in standard deviations of a day.
FORM_MEMORY = 0.97
FORM_SIGMA = 0.16
# What one unit of tilt or of fatigue takes from it, and tilt adds to trips and size.
TILT_COST = 0.26
FATIGUE_COST = 0.45
TILT_TRIPS = 0.22
TILT_SIZE = 0.16
TILT_MEMORY = 0.35
TILT_LIMIT = 1.4
FATIGUE_MEMORY = 0.70
# The usual level of both, at which a trader is neither better nor worse than usual.
USUAL_TILT = 0.40
USUAL_FATIGUE = 0.15
# Both together never take more: who is down must be able to come back.
BURDEN_LIMIT = 0.28
# Size creeps up with every winning day, until a large loss.
CREEP_STEP = 1.03
CREEP_LIMIT = 1.5
LARGE_LOSS = 1.3  # in standard deviations of a day
ACTIVITY_SIGMA = 0.25
# By how much creep, tilt and wild spells make a day larger than its plain plan.
USUAL_GROWTH = 1.4
SIZE_SIGMA = 0.25
EDGE_LIMIT = 0.7

SCALES_IN = 0.25
SCALES_OUT = 0.30
REVERSES = 0.06
HELD_AT_ONCE = 3
USUAL_NIGHTS = 4
LONGEST_NIGHTS = 10
WORTHLESS_CONTRACTS = 10
WORTHLESS_MINUTE = 200


@dataclass
class _Day:
    """What is settled about a trader's session.

    Attributes:
        gross: Dollars that its trips closed so far realize.
        expected: Gross expected of trips opened on earlier days.
        expires: The option that expires worthless.
    """

    orders: list[Order] = field(default_factory=list)
    gross: float = 0.0
    expected: float = 0.0
    expires: Series | None = None


def sample_firm(sessions: Sequence[date], seed: int = 7) -> Firm:
    """Generate the firm: the same sessions and seed give the same firm.

    `expected_pnl` holds, for each trader's account and date with fills, the net (gross
    less fees, adjustments left out) that the generator itself expects, knowing the
    trader's state and the market's volatility but no price move. Fees are those of the
    planned sizes. A trip held over nights counts on the date it is closed, like
    realized P&L.

    Args:
        sessions: Trading days, ascending, at least 60.

    Raises:
        ValueError: Too few sessions, or not in ascending order.
    """
    if len(sessions) < MINIMUM_SESSIONS:
        raise ValueError(
            f"{len(sessions)} sessions are too few for the cast; "
            f"pass at least {MINIMUM_SESSIONS}."
        )
    if any(one >= two for one, two in zip(sessions, sessions[1:], strict=False)):
        raise ValueError("The sessions are not in ascending order.")
    market = make_market(sessions, seed)
    desk = FeeDesk()
    fills: list[Fill] = []
    traders = []
    for profile in CAST:
        # A source of chance each: changing one trader leaves the others alone.
        chance = random.Random(f"{seed}:{profile.code}")
        execution = Execution(profile, chance, desk, fills)
        traders.append(_Trader(profile, market, sessions, chance, execution))
    if market.worthless is not None:
        next(trader for trader in traders if trader.has_options).hold_to_expiry(
            market.worthless
        )
    accounts: list[Account] = []
    adjustments: list[Adjustment] = []
    for trader in traders:
        for name, first, last in trader.spans:
            number = FIRST_ACCOUNT_NUMBER + len(accounts)
            accounts.append(Account(number, name, trader.profile.currency))
            adjustments += trader.adjustments(name, first, last)
    expected: list[tuple[str, date, Decimal]] = []
    for session, day in enumerate(sessions):
        desk.turn_to(day)
        for trader in traders:
            before = len(fills)
            amount = trader.trade(session)
            if len(fills) > before:
                name = fills[-1].account_name
                expected.append((name, day, Decimal(f"{amount:.4f}")))
    traded = Firm(
        tuple(accounts),
        tuple(fills),
        tuple(sorted(adjustments, key=lambda row: row.date)),
        market.closes(sessions),
        {
            one.symbol: Decimal(one.multiplier)
            for one in market.series.values()
            if one.multiplier != 1
        },
        tuple(expected),
        sessions=sessions,
    )
    return with_books(traded, sessions, seed)


class _Trader:
    """One trader over all sessions: traits, state, plans.

    Attributes:
        spans: Account name, first and last session of each account of the trader.
    """

    def __init__(
        self,
        profile: Profile,
        market: Market,
        sessions: Sequence[date],
        chance: random.Random,
        execution: Execution,
    ) -> None:
        self.profile = profile
        self._market = market
        self._sessions = sessions
        self._chance = chance
        self._execution = execution
        self.spans = _spans(profile, len(sessions))
        self._form = chance.gauss(0, FORM_SIGMA)
        self._tilt = 0.0
        self._fatigue = 1.0
        self._creep = 1.0
        self._days: dict[int, _Day] = defaultdict(_Day)
        self._held_until: dict[str, int] = {}

    @property
    def has_options(self) -> bool:
        """Whether options are among what is traded."""
        return any(instrument_type(name) == "Op" for name in self.profile.families)

    def adjustments(self, name: str, first: int, last: int) -> list[Adjustment]:
        """The opening deposit, and the platform fee on each month's first session."""
        if not self.profile.trades:
            return []
        deposit = Decimal(round(self.profile.typical / 25) * 1000)
        platform = Decimal(-150 - 50 * (len(self.profile.families) % 5))
        days = self._sessions[first : last + 1]
        rows = [Adjustment(days[0], name, "Transfer: Deposit", deposit, "wire in")]
        for before, day in zip([None, *days], days, strict=False):
            if before is None or before.month != day.month:
                comment = f"platform, {day:%B}"
                rows.append(
                    Adjustment(day, name, "Fee: Software & MD", platform, comment)
                )
        return rows

    def hold_to_expiry(self, series: Series) -> None:
        """Buy calls that end worthless; the loss is certain, so it is expected too."""
        entry = Order(series, WORTHLESS_MINUTE, 0, WORTHLESS_CONTRACTS)
        self._days[series.first].orders.append(entry)
        paid = float(series.dollars(series.price(series.first, WORTHLESS_MINUTE)))
        loss = -paid * series.multiplier * WORTHLESS_CONTRACTS
        self._days[series.last] = _Day([], loss, loss, series)

    def trade(self, session: int) -> float:
        """Live through one session; returns the expected net in dollars."""
        profile, chance = self.profile, self._chance
        name = next((name for name, a, z in self.spans if a <= session <= z), None)
        if name is None or not profile.trades:
            return 0.0
        shock = sqrt(1 - FORM_MEMORY**2) * FORM_SIGMA
        self._form = FORM_MEMORY * self._form + chance.gauss(0, shock)
        # Newcomers come every day, so that their history is as long as it says.
        is_off = not profile.last_sessions and chance.random() > profile.presence
        day = self._days.pop(session, _Day())
        trips: list[PlannedTrip] = []
        if is_off:
            self._rest()
        else:
            trips = self._plan(session, day)
        expected = day.expected + sum(trip.expected_net for trip in trips)
        expected -= sum(
            self._execution.expected_fee(order.series, abs(order.quantity), session)
            for order in day.orders
        )
        self._run(trips, day)
        date_ = self._sessions[session]
        if day.expires is not None:
            self._execution.expire(name, date_, day.expires)
        paid = self._execution.fill(name, date_, session, day.orders)
        if not is_off:
            self._learn(day.gross - paid, len(trips))
        return expected

    def _rest(self) -> None:
        self._tilt *= TILT_MEMORY
        self._fatigue = 1 + (self._fatigue - 1) * FATIGUE_MEMORY

    def _learn(self, net: float, trips: int) -> None:
        """What the day's result does to the mornings after."""
        result = net / (self.profile.typical / MEAN_ABSOLUTE)
        self._tilt = min(TILT_LIMIT, self._tilt * TILT_MEMORY + max(0.0, -result))
        busy = trips / self.profile.trips
        self._fatigue = FATIGUE_MEMORY * self._fatigue + (1 - FATIGUE_MEMORY) * busy
        if result < -LARGE_LOSS:
            self._creep = 1.0
        elif result > 0:
            self._creep = min(CREEP_LIMIT, self._creep * CREEP_STEP)

    def _strength(self) -> float:
        """Today's skill: expected net of a usual day, in its standard deviations."""
        excess = max(0.0, self._fatigue - 1) - USUAL_FATIGUE
        burden = self.profile.tilt * (self._tilt - USUAL_TILT) * TILT_COST
        burden += self.profile.fatigue * excess * FATIGUE_COST
        return self.profile.skill + self._form - min(BURDEN_LIMIT, burden)

    def _plan(self, session: int, day: _Day) -> list[PlannedTrip]:
        """The morning: trips of the day, and perhaps a position held for days."""
        profile, chance = self.profile, self._chance
        strength = self._strength()
        tilt = profile.tilt * self._tilt
        size = self._creep * (1 + TILT_SIZE * tilt) / USUAL_GROWTH
        rate = profile.trips * (1 + TILT_TRIPS * tilt)
        rate *= chance.lognormvariate(-(ACTIVITY_SIGMA**2) / 2, ACTIVITY_SIGMA)
        count = round(chance.gauss(rate, sqrt(rate)))
        count = min(max(1, count), round(3 * profile.trips))
        if profile.overnight and chance.random() < profile.overnight:
            self._hold_over_nights(session, strength, size, day)
        # Days on which a held position is changed leave its symbol to it, so that the
        # matching of the day does not mix the two; the days in between do not.
        busy = {order.series.symbol for order in day.orders}
        fronts = [self._market.front(family, session) for family in profile.families]
        fronts = [series for series in fronts if series.symbol not in busy]
        target = profile.typical / sqrt(profile.trips) * size
        edge = strength / (MEAN_ABSOLUTE * sqrt(profile.trips))
        trips: list[PlannedTrip] = []
        for enters, leaves, reverses in self._schedule(count):
            series = trips[-1].series if reverses else chance.choice(fronts)
            usual = series.usual_sigma * sqrt(profile.hold / MINUTES)
            wanted = target * chance.lognormvariate(0, SIZE_SIGMA)
            quantity, lot = round_lots(series, session, wanted, usual)
            legs = self._legs(session, enters, leaves, quantity, lot)
            trips.append(self._planned(session, series, legs, edge, reverses))
        return trips

    def _planned(
        self,
        session: int,
        series: Series,
        legs: tuple[Leg, ...],
        edge: float,
        reverses: bool = False,
    ) -> PlannedTrip:
        """A trip with its costs made up for: who is good is good enough to pay them."""
        cost = sum(
            self._execution.expected_fee(series, abs(leg.quantity), session)
            for leg in legs
        )
        move = expected_absolute(series, legs)
        edge = min(EDGE_LIMIT, max(-EDGE_LIMIT, edge + cost / move))
        return PlannedTrip(series, legs, move, edge, cost, reverses)

    def _schedule(self, count: int) -> list[tuple[int, int, bool]]:
        """Trips one after the other; fewer if time is short.

        Returns:
            (entry minute, exit minute, whether entered at the exit of the one before).
        """
        chance, hold = self._chance, self.profile.hold
        pause = max(3.0, (TRADED_MINUTES - count * hold) / (count + 1))
        steps = []
        for number in range(count):
            reverses = number > 0 and chance.random() < REVERSES
            gap = 0.0 if reverses else 1 + chance.expovariate(1 / pause)
            steps.append((gap, 3 + chance.expovariate(1 / hold), reverses))
        scale = min(1.0, TRADED_MINUTES / sum(gap + length for gap, length, _ in steps))
        found: list[tuple[int, int, bool]] = []
        minute = 0
        for gap, length, reverses in steps:
            enters = minute if reverses else minute + max(1, int(gap * scale))
            leaves = enters + max(2, int(length * scale))
            if leaves > TRADED_MINUTES and found:
                break
            minute = min(leaves, TRADED_MINUTES)
            found.append((enters, minute, reverses))
        return found

    def _legs(
        self, session: int, enters: int, leaves: int, quantity: int, lot: int
    ) -> tuple[Leg, ...]:
        """Entry and exit, each perhaps in two parts."""
        quarter = (leaves - enters) // 4
        parts = halves(quantity, lot) if quarter else None
        entries = [Leg(session, enters, quantity)]
        exits = [Leg(session, leaves, -quantity)]
        if parts and self._chance.random() < SCALES_IN:
            entries = [
                Leg(session, enters, parts[0]),
                Leg(session, enters + quarter, parts[1]),
            ]
        if parts and self._chance.random() < SCALES_OUT:
            exits = [
                Leg(session, leaves - quarter, -parts[0]),
                Leg(session, leaves, -parts[1]),
            ]
        return (*entries, *exits)

    def _hold_over_nights(
        self, session: int, strength: float, size: float, day: _Day
    ) -> None:
        """Open a position for some days: its orders go to the days they fall on."""
        chance = self._chance
        self._held_until = {
            name: last for name, last in self._held_until.items() if last >= session
        }
        free = [name for name in self.profile.families if name not in self._held_until]
        if len(self._held_until) >= HELD_AT_ONCE:
            return
        family = chance.choice(free)
        series = self._market.front(family, session)
        nights = 1 + int(chance.expovariate(1 / (USUAL_NIGHTS - 1)))
        nights = min(LONGEST_NIGHTS, nights)
        leaves = session + nights
        self._held_until[family] = leaves
        usual = 1.1 * series.usual_sigma * sqrt(nights)
        quantity, lot = round_lots(series, session, self.profile.typical * size, usual)
        parts = halves(quantity, lot)
        minutes = range(5, TRADED_MINUTES)
        last_minute = chance.choice(minutes[60:])
        legs = [
            Leg(session, chance.choice(minutes), quantity),
            Leg(leaves, last_minute, -quantity),
        ]
        if parts and nights > 2 and chance.random() < SCALES_IN:
            legs[0] = Leg(session, legs[0].minute, parts[0])
            legs.insert(1, Leg(session + 1, chance.choice(minutes), parts[1]))
        if parts and chance.random() < SCALES_OUT:
            legs[-1] = Leg(leaves, last_minute - 40, -parts[0])
            legs.append(Leg(leaves, last_minute, -parts[1]))
        # Beyond the last session nobody knows the price: the position stays open.
        known = [leg for leg in legs if leg.session <= series.last]
        rest = sum(leg.quantity for leg in known)
        marked = [*known, Leg(series.last, CLOSE, -rest)] if rest else known
        trip = self._planned(session, series, tuple(marked), strength)
        direction, gross = self._take_side(trip)
        for leg in known:
            at = day if leg.session == session else self._days[leg.session]
            signed = direction * leg.quantity
            at.orders.append(Order(series, leg.minute, chance.randrange(60), signed))
        if not rest:
            self._days[leaves].gross += gross
            # Its fees are counted on their own dates.
            self._days[leaves].expected += trip.expected_net + trip.cost

    def _take_side(self, trip: PlannedTrip) -> tuple[int, float]:
        """Direction (1 long, -1 short) and gross, once the prices are known."""
        series = trip.series
        moved = -sum(
            leg.quantity * series.price(leg.session, leg.minute) for leg in trip.legs
        )
        favoured = 1 if moved > 0 else -1
        if not moved:
            favoured = self._chance.choice((1, -1))
        is_right = self._chance.random() < (1 + trip.edge) / 2
        direction = favoured if is_right else -favoured
        return direction, direction * moved * series.multiplier / 10**series.decimals

    def _run(self, trips: Sequence[PlannedTrip], day: _Day) -> None:
        """Trade the planned trips one after the other."""
        lost = False
        previous = 0
        for planned in trips:
            trip = enlarged(planned) if lost and self.profile.chases else planned
            direction, gross = self._take_side(trip)
            day.gross += gross
            for number, leg in enumerate(trip.legs):
                signed = direction * leg.quantity
                if number == 0 and trip.reverses and direction == -previous:
                    # Leaving and entering go the same way: one fill through zero.
                    day.orders[-1].quantity += signed
                    day.orders[-1].fills_at_once = True
                    continue
                # Exits in a minute's first half, so they precede the next entry.
                second = self._chance.randrange(26) + (30 if leg.quantity > 0 else 0)
                day.orders.append(Order(trip.series, leg.minute, second, signed))
            lost = gross < 0
            previous = direction


def _spans(profile: Profile, count: int) -> list[tuple[str, int, int]]:
    name = f"{profile.code}{profile.remark}"
    first = count - profile.last_sessions if profile.last_sessions else 0
    last = count - 1 - min(profile.missing_sessions, count // 2)
    if not profile.changes_account:
        return [(name, first, last)]
    half = count // 2
    return [(f"{name}_OLD", first, half - 1), (name, half, last)]
