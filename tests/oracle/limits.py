"""What is held against limits: a walk over all fills of a scope, in plain Python."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from tests.oracle.exposure import worth

ZERO = Decimal(0)


@dataclass(frozen=True)
class Fill:
    """A counted fill, with what it realized."""

    account: str
    trader: str
    symbol: str
    trade_date: date
    at: datetime
    day_sequence: int
    signed_quantity: Decimal
    price: Decimal
    net_pnl: Decimal
    is_regular: bool
    has_time: bool


@dataclass(frozen=True)
class Step:
    """Where a day stands before its first fill, or after one of them."""

    moment: datetime | None
    net_pnl: Decimal
    gross: Decimal | None
    net: Decimal | None
    units: Decimal
    trades: int
    held: dict[tuple[str, str], Decimal]
    is_regular: bool = False


@dataclass
class Day:
    """A scope's day: its steps, the first before any fill."""

    steps: list[Step] = field(default_factory=list)

    @property
    def net_pnl(self) -> Decimal:
        """Realized, at the close."""
        return self.steps[-1].net_pnl


@dataclass(frozen=True)
class Use:
    """What one rule finds of one day."""

    used: Decimal | None
    peak: Decimal | None
    breached_at: datetime | None
    fills_after: int | None
    pnl_after: Decimal | None


def walk(fills: Sequence[Fill]) -> dict[date, Day]:
    """The days of one scope, with all its accounts' fills in time."""
    held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    prices: dict[tuple[str, str], Decimal] = {}
    days: dict[date, Day] = {}
    ordered = sorted(
        fills, key=lambda one: (one.trade_date, one.at, one.trader, one.day_sequence)
    )
    for one in ordered:
        if one.trade_date not in days:
            days[one.trade_date] = Day([_step(None, ZERO, held, prices, 0, False)])
        day = days[one.trade_date]
        key = (one.account, one.symbol)
        before = held[key]
        held[key] += one.signed_quantity
        if one.price:
            prices[key] = one.price
        opens = held[key] != 0 and (before == 0 or (before > 0) != (held[key] > 0))
        day.steps.append(
            _step(
                one.at if one.has_time else None,
                day.net_pnl + one.net_pnl,
                held,
                prices,
                day.steps[-1].trades + opens,
                one.is_regular,
            )
        )
    return days


def _step(
    moment: datetime | None,
    net_pnl: Decimal,
    held: dict[tuple[str, str], Decimal],
    prices: dict[tuple[str, str], Decimal],
    trades: int,
    is_regular: bool,
) -> Step:
    worths = [worth(q, prices.get(key), key[1]) for key, q in held.items()]
    known = [one for one in worths if one is not None]
    is_known = len(known) == len(worths)
    return Step(
        moment,
        net_pnl,
        sum(map(abs, known), ZERO) if is_known else None,
        sum(known, ZERO) if is_known else None,
        max(map(abs, held.values()), default=ZERO),
        trades,
        {key: q for key, q in held.items() if q},
        is_regular,
    )


def loss_use(days: dict[date, Day], limit: Decimal, period: str) -> dict[date, Use]:
    """Daily, weekly (from Monday) or monthly loss."""
    used = {}
    for day, one in days.items():
        before = sum(
            (
                other.net_pnl
                for at, other in days.items()
                if at < day and _period(at, period) == _period(day, period)
            ),
            ZERO,
        )
        levels = [-(before + step.net_pnl) for step in one.steps]
        used[day] = _use(one, [max(level, ZERO) for level in levels], limit, levels)
    return used


def _period(day: date, period: str) -> date:
    match period:
        case "weekly":
            return day - timedelta(days=day.weekday())
        case "monthly":
            return day.replace(day=1)
    return day


def level_use(days: dict[date, Day], limit: Decimal, name: str) -> dict[date, Use]:
    """Gross or net exposure, units of a position or number of trades."""
    return {
        day: _use(one, [_level(step, name) for step in one.steps], limit, None)
        for day, one in days.items()
    }


def _level(step: Step, name: str) -> Decimal | None:
    if name == "net":
        return None if step.net is None else abs(step.net)
    value = getattr(step, name)
    return None if value is None else Decimal(value)


def _use(
    day: Day,
    levels: Sequence[Decimal | None],
    limit: Decimal,
    exact: Sequence[Decimal] | None,
) -> Use:
    if None in levels:
        return Use(levels[-1], None, None, None, None)
    known = [one for one in levels if one is not None]
    past = [place for place, one in enumerate(exact or known) if one > limit]
    if not past:
        return Use(known[-1], max(known), None, None, None)
    first = past[0]
    return Use(
        known[-1],
        max(known),
        day.steps[first].moment,
        sum(step.is_regular for step in day.steps[first + 1 :]),
        day.net_pnl - day.steps[first].net_pnl,
    )


def drawdowns(days: dict[date, Day]) -> dict[date, Decimal]:
    """Below the peak of the P&L added up, at the close."""
    level = peak = ZERO
    found = {}
    for day in sorted(days):
        level += days[day].net_pnl
        peak = max(peak, level)
        found[day] = peak - level
    return found


def streaks(days: dict[date, Day]) -> dict[date, int]:
    """Losing days one after the other, up to each."""
    count = 0
    found = {}
    for day in sorted(days):
        count = count + 1 if days[day].net_pnl < 0 else 0
        found[day] = count
    return found
