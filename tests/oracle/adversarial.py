"""Fills on which a careless model goes wrong: named cases, and seeded messy firms.

Every case trades in accounts of its own, so that all of them fit into one warehouse.
The dates are sessions of 2025 from March on, apart from those of the holiday case.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from tests.exports import ExportedFill
from tests.oracle.sessions import Session, weekday_sessions

SESSIONS: list[Session] = weekday_sessions(date(2025, 1, 1), date(2025, 12, 31))
# The first sessions from Monday, 3 March 2025 on; `day` 0 is that Monday.
DAYS = [session[0] for session in SESSIONS if session[0] >= date(2025, 3, 3)]
OPTION = "+ABC260116C00050000"
UNKNOWN_FUTURE = "#NEWM6"
# The sample firm's futures, as the seed knows them.
MULTIPLIERS = {"#SIMAH1": Decimal(50)}


@dataclass(frozen=True)
class Case:
    """A list of fills that is awkward in one named way."""

    name: str
    fills: list[ExportedFill]
    traders: dict[str, list[tuple[date | None, str]]] = field(default_factory=dict)


def trade(
    account: str, day: int | date, clock: str, side: str, quantity, price, **more
) -> ExportedFill:
    """A fill on the `day`th session from 3 March 2025, or on a date."""
    on = DAYS[day] if isinstance(day, int) else day
    at = datetime.combine(on, time.fromisoformat(clock))
    number = Decimal(str(quantity))
    return ExportedFill(account, at, side, number, Decimal(str(price)), **more)


def flat_trip(
    account: str, day: int | date, clock: str, result, *, minutes: int = 1, **more
) -> list[ExportedFill]:
    """100 bought at 50 and sold after some minutes, for a given gross result."""
    opening = trade(account, day, clock, "B", 100, 50, **more)
    price = Decimal(50) + Decimal(str(result)) / 100
    closing = opening.at + timedelta(minutes=minutes)
    return [
        opening,
        ExportedFill(account, closing, "S", Decimal(100), price, **more),
    ]


def one_trade_days() -> list[ExportedFill]:
    """A single fill on each day: nothing to take a gap, a spread or a trip from."""
    return [
        trade("ONEFILL", day, "10:00:00", "BS"[day % 2], 100, 50 + day)
        for day in range(8)
    ]


def first_day_only() -> list[ExportedFill]:
    """No history at all."""
    return flat_trip("FIRSTDAY", 4, "09:30:00", 25, comm=Decimal("0.35"))


def through_zero() -> list[ExportedFill]:
    """One fill closes a long at a loss and opens a short; fees in thirds."""
    return [
        trade("ZERO", 0, "10:00:00", "B", 100, "10.00"),
        trade("ZERO", 0, "10:05:00", "S", 300, "9.90", comm=Decimal("0.10")),
        trade("ZERO", 0, "10:07:00", "B", 500, "9.80", comm=Decimal("1.00")),
        trade("ZERO", 1, "09:45:00", "T", 700, "9.70", comm=Decimal("0.01")),
        trade("ZERO", 2, "09:45:00", "C", 400, "9.60"),
    ]


def averaging_down() -> list[ExportedFill]:
    """Scaled in at worse, equal and better prices, long and short, over a night."""
    return [
        trade("SCALEIN", 0, "09:31:00", "B", 100, "20.00"),
        trade("SCALEIN", 0, "09:32:00", "B", 100, "19.50"),
        trade("SCALEIN", 0, "09:40:00", "S", 200, "19.80"),
        trade("SCALEIN", 0, "10:31:00", "T", 100, "20.00"),
        trade("SCALEIN", 0, "10:32:00", "T", 300, "20.00"),
        trade("SCALEIN", 0, "10:40:00", "C", 400, "19.80"),
        trade("SCALEIN", 0, "11:31:00", "T", 100, "20.00"),
        trade("SCALEIN", 0, "11:32:00", "T", 200, "19.00"),
        trade("SCALEIN", 1, "09:32:00", "T", 100, "19.50"),
        trade("SCALEIN", 1, "09:40:00", "C", 400, "19.00"),
    ]


def partial_closes() -> list[ExportedFill]:
    """Closed in pieces, with an entry between them, over three days."""
    return [
        trade("PARTIAL", 0, "10:00:00", "B", 300, "10.00"),
        trade("PARTIAL", 0, "10:10:00", "S", 100, "10.10"),
        trade("PARTIAL", 0, "10:20:00", "B", 50, "10.20"),
        trade("PARTIAL", 1, "10:00:00", "S", 125, "10.30"),
        trade("PARTIAL", 2, "10:00:00", "S", 100, "9.90"),
        trade("PARTIAL", 2, "10:01:00", "S", 25, "9.80"),
    ]


def closed_in_one_second() -> list[ExportedFill]:
    """Three trips close in the same second: a win, a loss, a zero; then one opens."""
    fills = []
    for number, (symbol, price) in enumerate([("AAA", 51), ("BBB", 49), ("CCC", 50)]):
        more = {"symbol": symbol}
        fills += [
            trade("SAMESEC", 0, "10:00:00", "B", 10, 50, fill_id=str(number), **more),
            trade(
                "SAMESEC", 0, "10:30:00", "S", 10, price, fill_id=str(9 - number),
                **more,
            ),
            trade("SAMESEC", 0, "10:30:00", "B", 20, price, fill_id="10", **more),
            trade("SAMESEC", 0, "10:31:00", "S", 20, 52 - number, **more),
        ]  # fmt: skip
    return fills


def unknown_times() -> list[ExportedFill]:
    """Midnight stands for an unknown time: first all of a day, then some of it."""
    return [
        trade("NOTIME", 0, "00:00:00", "B", 100, 50, fill_id="1"),
        trade("NOTIME", 0, "00:00:00", "S", 100, "50.30", fill_id="2"),
        trade("NOTIME", 1, "00:00:00", "B", 100, 50),
        trade("NOTIME", 1, "10:00:00", "S", 100, 49),
        trade("NOTIME", 1, "10:01:00", "B", 100, 49),
        trade("NOTIME", 1, "11:00:00", "S", 100, 51),
        trade("NOTIME", 1, "00:00:00", "B", 5, 20, symbol="DEF", fill_id="1"),
        trade("NOTIME", 1, "00:00:00", "S", 5, 21, symbol="DEF", fill_id="2"),
    ]


def all_cancelled() -> list[ExportedFill]:
    """A day on which every fill was cancelled is no traded day."""
    cancelled = flat_trip("CANCEL", 1, "10:00:00", 500, status="CXLD")
    return [
        *flat_trip("CANCEL", 0, "10:00:00", 10),
        *cancelled,
        *flat_trip("CANCEL", 2, "10:00:00", -20),
        trade("CANCEL", 2, "10:00:30", "S", 100, 90, status="CXLD"),
    ]


def identical_partials() -> list[ExportedFill]:
    """Partial fills alike in every cell are as many fills."""
    one = trade("TWINS", 0, "10:00:00", "B", 50, 20, order_id="7", comm=Decimal("0.1"))
    out = trade("TWINS", 0, "10:05:00", "S", 50, 21, order_id="8", comm=Decimal("0.1"))
    return [one, one, one, out, out, out]


def ties_by_id() -> list[ExportedFill]:
    """One second; ids decide: 9 before 10, numbers before text, then 007 before 7."""

    def one(fill_id: str, side: str, price, **more) -> ExportedFill:
        return trade("TIES", 0, "10:00:00", side, 100, price, fill_id=fill_id, **more)

    return [
        one("", "S", "10.70", propreports_id="5"),
        one("", "B", "10.60"),
        one("", "S", "10.20", propreports_id="40"),
        one("A10", "B", "10.50"),
        one("A9", "S", "10.40"),
        one("10", "S", "10.30"),
        one("9", "B", "10.00"),
        one("7", "S", "10.90"),
        one("007", "B", "10.80"),
    ]


def journal_fills() -> list[ExportedFill]:
    """Journal entries are no volume; a day of them alone counts if they have P&L."""
    return [
        trade("JOURNAL", 0, "10:00:00", "B", 2, "1.50", symbol=OPTION),
        *flat_trip("JOURNAL", 1, "10:00:00", 40),
        trade("JOURNAL", 1, "00:00:00", "S", 1, 0, symbol=OPTION, status="EXP"),
        trade("JOURNAL", 2, "00:00:00", "S", 1, 0, symbol=OPTION, status="EXP"),
        *flat_trip("JOURNAL", 3, "10:00:00", -40),
        trade("JOURNAL", 3, "15:00:00", "B", 10, 5, status="JRNL", symbol="DEF"),
    ]


def options_and_futures() -> list[ExportedFill]:
    """Contract sizes of 100, 50 and unknown; a day of unknown ones alone."""
    future = {"symbol": "#SIMAH1"}
    return [
        trade("CONTRACT", 0, "10:00:00", "B", 3, "1.25", symbol=OPTION),
        trade("CONTRACT", 0, "10:10:00", "S", 3, "1.15", symbol=OPTION),
        trade("CONTRACT", 0, "11:00:00", "T", 2, "5000.25", **future),
        trade("CONTRACT", 0, "11:00:00", "B", 1, "100", symbol=UNKNOWN_FUTURE),
        trade("CONTRACT", 1, "11:00:00", "S", 1, "110", symbol=UNKNOWN_FUTURE),
        trade("CONTRACT", 2, "11:00:00", "C", 2, "4999.75", **future),
    ]


def carried_for_weeks() -> list[ExportedFill]:
    """Lots of three days, closed oldest first weeks later, with day trades between."""
    fills = [trade("CARRYLOT", day, "10:00:00", "B", 100, 10 + day) for day in range(3)]
    fills += flat_trip("CARRYLOT", 6, "10:00:00", 15)
    fills += [trade("CARRYLOT", 20, "10:00:00", "S", 150, 14)]
    fills += [
        trade("CARRYLOT", 24, "09:35:00", "S", 100, 15),
        trade("CARRYLOT", 24, "10:00:00", "B", 100, 16),
        trade("CARRYLOT", 30, "10:00:00", "S", 150, 9),
    ]
    return fills


def holidays() -> list[ExportedFill]:
    """Trades on a holiday, a Saturday, and around an early closing at 13:00."""
    return [
        *flat_trip("HOLIDAY", date(2025, 7, 2), "15:59:59", 10),
        *flat_trip("HOLIDAY", date(2025, 7, 3), "11:59:59", 10),
        *flat_trip("HOLIDAY", date(2025, 7, 3), "12:59:59", -10),
        *flat_trip("HOLIDAY", date(2025, 7, 3), "15:30:00", -30),
        *flat_trip("HOLIDAY", date(2025, 7, 4), "10:30:00", 20),
        *flat_trip("HOLIDAY", date(2025, 7, 5), "09:29:59", 20),
        *flat_trip("HOLIDAY", date(2025, 7, 31), "09:30:00", 20),
    ]


def idle_gaps() -> list[ExportedFill]:
    """Weeks without a trade, a position open meanwhile."""
    return [
        *flat_trip("IDLE", 0, "10:00:00", 10),
        trade("IDLE", 1, "15:59:00", "T", 10, 50),
        *flat_trip("IDLE", 60, "10:00:00", -10, symbol="DEF"),
        trade("IDLE", 120, "10:00:00", "C", 10, 45),
    ]


def winner_and_loser() -> list[ExportedFill]:
    """One who never loses and one who never wins, 25 days each."""
    fills = []
    for day in range(25):
        fills += flat_trip("WINNER", day, "10:00:00", 10 + day)
        fills += flat_trip("LOSER", day, "10:00:00", -10 - day, minutes=7)
    return fills


def zero_days() -> list[ExportedFill]:
    """Days of exactly 0: at first, amid gains and losses, and by fees alone."""
    results = [0, 0, 10, 0, -10, 0, -5, 5]
    fills = []
    for day, result in enumerate(results):
        fills += flat_trip("NOTHING", day, "10:00:00", result)
    return [*fills, *flat_trip("NOTHING", 8, "10:00:00", 1, comm=Decimal("0.5"))]


def fractions() -> list[ExportedFill]:
    """Fractional quantities and prices; notionals on half a cent."""
    return [
        trade("FRACTION", 0, "10:00:00", "B", "0.00000003", "3.33333333"),
        trade("FRACTION", 0, "10:01:00", "B", "0.5", "0.01"),
        trade("FRACTION", 0, "10:02:00", "S", "0.33333333", "0.03"),
        trade("FRACTION", 0, "10:03:00", "S", "0.1666667", "0.07"),
        trade("FRACTION", 1, "10:03:00", "S", "1.00000001", "0.12345678"),
        trade("FRACTION", 2, "10:03:00", "B", "1.00000001", "0.12345677"),
    ]


def price_of_zero() -> list[ExportedFill]:
    """Given away and taken for nothing: no notional, no scale."""
    return [
        trade("GRATIS", 0, "10:00:00", "B", 100, 0),
        trade("GRATIS", 0, "10:10:00", "S", 100, 0),
        trade("GRATIS", 1, "10:00:00", "B", 100, 0),
        trade("GRATIS", 2, "10:00:00", "S", 100, "0.05"),
    ]


def usual_stop() -> list[ExportedFill]:
    """Loses about 100 on most days, then goes on beyond it; once exactly to it."""
    fills = []
    for day, trough in enumerate([-90, -100, -110, -60]):
        fills += flat_trip("STOPPED", day, "10:00:00", trough)
        fills += flat_trip("STOPPED", day, "10:30:00", 20)
    fills += flat_trip("STOPPED", 4, "10:00:00", 50)
    for clock, result in (("10:00:00", -90), ("10:10:00", -60), ("10:20:00", 300)):
        fills += flat_trip("STOPPED", 5, clock, result)
    # Days that ended well leave the stop where it was: this one touches it exactly.
    fills += flat_trip("STOPPED", 6, "10:00:00", -90)
    return [*fills, *flat_trip("STOPPED", 6, "11:00:00", 40)]


def revenge() -> list[ExportedFill]:
    """Back after a loss at once, at 5:00 and at 5:01; after a win; by a reversal."""
    return [
        *flat_trip("REVENGE", 0, "10:00:00", -10),  # closed 10:01
        *flat_trip("REVENGE", 0, "10:06:00", -10),  # 5:00 later; closed 10:07
        *flat_trip("REVENGE", 0, "10:12:01", 10),  # 5:01 later; closed 10:13:01
        *flat_trip("REVENGE", 0, "10:13:01", -10, symbol="DEF"),  # in that second
        trade("REVENGE", 1, "10:00:00", "B", 100, 50),
        trade("REVENGE", 1, "10:02:00", "S", 300, 49),  # a loss, reversed
        trade("REVENGE", 1, "10:20:00", "C", 200, 48),
        trade("REVENGE", 1, "10:22:00", "B", 50, 48),
    ]


def long_history() -> list[ExportedFill]:
    """70 days: every window fills up, and outgrows its length."""
    fills = []
    for day in range(70):
        result = (day * 37) % 101 - 45
        for trip in range(1 + day % 4):
            clock = f"{9 + (day + trip) % 7:02}:{(31 + day) % 60:02}:00"
            fills += flat_trip(
                "LONGRUN", day, clock, result - 7 * trip, minutes=3 + trip,
                symbol="ABCDE"[(day + trip) % 5], order_id=f"{day}-{trip}",
                comm=Decimal("0.25"),
            )  # fmt: skip
    return fills


MOVED_ON = DAYS[3]


def moved_trader() -> list[ExportedFill]:
    """A trader with two accounts at once; one of them is handed on with a position."""
    fills = []
    for day in range(6):
        fills += flat_trip("MOVEA", day, "10:00:00", 10 * day - 20, order_id="1")
        if day != 4:
            fills += flat_trip("MOVEB", day, "10:00:30", 15, order_id="1")
    return [
        *fills,
        trade("MOVEB", 2, "15:00:00", "B", 100, 20, symbol="DEF"),
        trade("MOVEB", 5, "15:00:00", "S", 100, 22, symbol="DEF"),
        *flat_trip("MOVEC", 3, "11:00:00", -35),
    ]


_TRADERS_OF = {
    "moved_trader": {
        "MOVEA": [(None, "MOVER")],
        "MOVEB": [(None, "MOVER"), (MOVED_ON, "HEIR")],
        "MOVEC": [(MOVED_ON, "MOVER")],
    }
}
_BUILDERS: Sequence[Callable[[], list[ExportedFill]]] = (
    one_trade_days, first_day_only, through_zero, averaging_down, partial_closes,
    closed_in_one_second, unknown_times, all_cancelled, identical_partials, ties_by_id,
    journal_fills, options_and_futures, carried_for_weeks, holidays, idle_gaps,
    winner_and_loser, zero_days, fractions, price_of_zero, usual_stop, revenge,
    long_history, moved_trader,
)  # fmt: skip


def cases() -> list[Case]:
    """All named cases."""
    return [
        Case(build.__name__, build(), _TRADERS_OF.get(build.__name__, {}))
        for build in _BUILDERS
    ]


def case(name: str) -> Case:
    """One of them."""
    return next(one for one in cases() if one.name == name)


def all_traders() -> dict[str, list[tuple[date | None, str]]]:
    """The accounts of all cases that are not their own trader."""
    return {account: rows for one in cases() for account, rows in one.traders.items()}


def random_fills(seed: int, traders: int, days: int) -> list[ExportedFill]:
    """Messy fills of some traders over some sessions, the same for the same seed.

    Accounts are R<seed>T<number>. The awkwardness of all cases, by chance: ties in
    time and id, unknown times, twins, cancellations, journal entries, fractions,
    options and unknown futures, crossings, carry, idle days, weekends, late hours.
    """
    draw = random.Random(f"{seed}/{traders}/{days}")
    symbols = ["ABC", "DEF", "GHI", OPTION, "#SIMAH1", UNKNOWN_FUTURE]
    weights = [8, 5, 3, 2, 1, 0.3]
    fills: list[ExportedFill] = []
    for trader in range(traders):
        account = f"R{seed}T{trader:02}"
        tidy = draw.random()  # how often the trader is flat again at once
        busy = draw.choice([2, 5, 9])
        prices = {
            symbol: Decimal(draw.randrange(900, 9000)) / 100 for symbol in symbols
        }
        for index in range(days):
            if draw.random() < 0.15:
                continue
            day = DAYS[index]
            if day.weekday() == 4 and draw.random() < 0.05:
                day += timedelta(days=1)
            fills += _random_day(draw, account, day, busy, tidy, prices, weights)
    fills = _without_repeats(_told_apart(fills))
    draw.shuffle(fills)
    return fills


def tie(one: ExportedFill) -> tuple:
    """All that decides the order of two fills before their row number does."""
    return (one.at, one.fill_id, one.propreports_id, one.account, one.symbol)


def _told_apart(fills: list[ExportedFill]) -> list[ExportedFill]:
    """Ids for fills that only their row number would tell apart, twins excepted.

    The warehouse numbers rows by their content, not by their place in the file: such
    an order is nobody's to foresee.
    """
    numbers = {one: str(10**11 + at) for at, one in enumerate(dict.fromkeys(fills))}
    ties = Counter(tie(one) for one in numbers)
    return [
        _with(one, propreports_id=numbers[one]) if ties[tie(one)] > 1 else one
        for one in fills
    ]


def _without_repeats(fills: list[ExportedFill]) -> list[ExportedFill]:
    """Of equal fills with an id the first one: what repeats it is a faulty export."""
    seen: set[ExportedFill] = set()
    kept = []
    for one in fills:
        if one not in seen:
            kept.append(one)
        if one.fill_id or one.propreports_id:
            seen.add(one)
    return kept


def _random_day(
    draw: random.Random,
    account: str,
    day: date,
    busy: int,
    tidy: float,
    prices: dict[str, Decimal],
    weights: list[float],
) -> list[ExportedFill]:
    fills: list[ExportedFill] = []
    clock = datetime.combine(day, time(draw.choice([4, 9, 9, 9, 9, 10, 12, 15]), 30))
    all_gone = draw.random() < 0.03
    for number in range(draw.randrange(1, 2 * busy)):
        symbol = draw.choices(list(prices), weights)[0]
        prices[symbol] += Decimal(draw.randrange(-30, 31)) / 100
        quantity = Decimal(draw.choice([1, 50, 100, 100, 200, 300]))
        if draw.random() < 0.05:
            quantity = Decimal(draw.randrange(1, 10**6)) / 10**4
        clock += timedelta(
            seconds=draw.choice([0, 0, 1, 20, 60, 299, 300, 301, 1000, 4000])
        )
        # Nothing may run into the next date.
        at = min(clock, datetime.combine(day, time(23, 50)))
        first = ExportedFill(
            account,
            datetime.combine(day, time(0)) if draw.random() < 0.03 else at,
            draw.choice("BSTC"),
            quantity,
            max(prices[symbol], Decimal("0.01"))
            if draw.random() > 0.005
            else Decimal(0),
            symbol=symbol,
            comm=Decimal(draw.randrange(-100, 300)) / 1000,
            ecn_fee=Decimal(draw.randrange(0, 50)) / 10_000,
            order_id=draw.choice(["", str(number // 2), f"o{number}"]),
            fill_id=draw.choice(["", str(draw.randrange(120)), f"x{number}", "007"]),
            status="CXLD" if all_gone or draw.random() < 0.04 else "REGULAR",
            propreports_id=draw.choice(["", str(draw.randrange(10**9))]),
        )
        if draw.random() < 0.02:
            first = _with(first, status=draw.choice(["EXP", "JRNL"]))
        fills.append(first)
        if draw.random() < 0.05:
            fills.append(first)
        if draw.random() < tidy:
            clock += timedelta(seconds=draw.choice([0, 30, 300, 1800]))
            back = {
                "at": min(clock, datetime.combine(day, time(23, 55))),
                "side": "S" if first.side in "BC" else "C",
                "price": first.price + Decimal(draw.randrange(-50, 51)) / 100
                if first.price > 1
                else first.price,
                "fill_id": "",
                "propreports_id": first.propreports_id and f"2{first.propreports_id}",
            }
            if draw.random() < 0.1:
                back["quantity"] = 2 * first.quantity
            fills.append(_with(first, **back))
    return fills


def _with(one: ExportedFill, **changes: object) -> ExportedFill:
    return ExportedFill(**(vars(one) | changes))
