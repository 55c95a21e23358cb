"""Every column of the feature marts, by loops over a trader's days.

A feature that cannot be known is None. Sums and means are exact fractions; only the
finished row holds floats.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from tests.exports import ExportedFill
from tests.oracle.fills import Fill, Multipliers, Owners, owner, prepare, total
from tests.oracle.pnl import (
    Book,
    IntradayPnl,
    Path,
    describe_path,
    keep_book,
    position_at,
    realized_paths,
)
from tests.oracle.sessions import Session, hours_of
from tests.oracle.trips import Trip, round_trips

Row = dict[str, object]
REVENGE_WINDOW = timedelta(minutes=5)
HOUR = timedelta(hours=1)
SUM_WINDOWS = (3, 5, 10, 20, 60)
EWM_HALF_LIVES = (5, 20)
MINIMUM_STOP_DAYS = 3


@dataclass(eq=False)
class TraderDay:
    """What happened on one trader day, and what was held at its end.

    `regular` is empty where it has P&L or fees alone.
    """

    trader: str
    day: date
    regular: list[Fill]
    path: Path
    shape: IntradayPnl
    opened: list[Trip]
    closed: list[Trip]
    # |Open cost| by account and symbol.
    held: dict[tuple[str, str], Decimal]
    hours: tuple[datetime, datetime]

    @property
    def net(self) -> Decimal:
        """Net P&L."""
        return self.shape.final_net_pnl

    @property
    def gross(self) -> Decimal:
        """Gross P&L."""
        return self.shape.final_gross_pnl

    @property
    def fees(self) -> Decimal:
        """Fees of all counted fills."""
        return total(fill.fees for fill, _ in self.path)

    @property
    def timed(self) -> list[Fill]:
        """The regular fills of known time, in time order."""
        return [fill for fill in self.regular if fill.is_timed]

    @property
    def notional(self) -> Decimal:
        """Rounded notional of the regular fills."""
        return total(fill.notional for fill in self.regular)

    @property
    def mean_fill_notional(self) -> Fraction:
        """Mean notional of the regular fills."""
        return mean(fill.notional for fill in self.regular)

    @property
    def entries(self) -> list[Fraction]:
        """Entry notional, by that day's legs, of the trips opened, in their order."""
        return [trip.entry_notional(self.day) for trip in self.opened]

    @property
    def nets(self) -> list[Fraction]:
        """Net P&L of the trips closed."""
        return [trip.net for trip in self.closed]

    def previous_outcome(self, trip: Trip) -> Fraction | None:
        """Net P&L of the trip closed last that day before this one was opened.

        The trip that a fill through zero closes is before the one it opens.
        """
        before = [
            other
            for other in self.closed
            if other is not trip
            and other.closing.day_sequence <= trip.opening.day_sequence
        ]
        if not before:
            return None
        return max(before, key=lambda other: other.closing.day_sequence).net

    def entries_after(self, sign: int) -> list[Fraction]:
        """Entry notionals of trips whose previous outcome was won (1) or lost (-1)."""
        found = []
        for trip in self.opened:
            outcome = self.previous_outcome(trip)
            if outcome is not None and outcome * sign > 0:
                found.append(trip.entry_notional(self.day))
        return found

    def holding_minutes(self, sign: int | None = None) -> list[Fraction]:
        """Minutes held of the trips opened and closed that day at known times.

        With a sign, only those that won (1) or lost (-1).
        """
        return [
            minutes(trip.closed_at - trip.opened_at)
            for trip in self.closed
            if trip.opened_date == self.day
            and trip.opened_at
            and trip.closed_at
            and (sign is None or trip.net * sign > 0)
        ]


# ---------------------------------------------------------------- small arithmetic


def ratio(numerator: object, denominator: object) -> Fraction | None:
    """The quotient; None if either is unknown or the denominator is 0."""
    if numerator is None or denominator is None or denominator == 0:
        return None
    return Fraction(numerator) / Fraction(denominator)


def mean(values: Iterable) -> Fraction | None:
    """The mean of the known ones; None if there are none."""
    known = [Fraction(value) for value in values if value is not None]
    return sum(known) / len(known) if known else None


def variation(values: Sequence, least: int) -> float | None:
    """Population standard deviation over mean; None below `least` or if that is 0."""
    middle = mean(values)
    if len(values) < least or not middle:
        return None
    variance = mean((Fraction(value) - middle) ** 2 for value in values)
    return math.sqrt(variance) / float(middle)


def sample_deviation(values: Sequence) -> float | None:
    """Sample standard deviation; None under 2."""
    if len(values) < 2:
        return None
    middle = mean(values)
    squares = sum((Fraction(value) - middle) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - 1))


def share(those: Iterable[bool]) -> Fraction | None:
    """Share of true ones; None of nothing."""
    return mean(int(one) for one in those)


def minutes(span: timedelta) -> Fraction:
    """A span in minutes."""
    return Fraction(int(span.total_seconds()), 60)


def window(days: Sequence[TraderDay], at: int, length: int) -> list[TraderDay]:
    """The last `length` traded days up to and including that at an index."""
    return list(days[max(0, at + 1 - length) : at + 1])


def versus_20d(
    days: Sequence[TraderDay], at: int, figure: Callable[[TraderDay], object]
) -> Fraction | None:
    """A day's figure over the mean of the known ones of 20 days, itself included."""
    recent = mean(figure(day) for day in window(days, at, 20))
    return ratio(figure(days[at]), recent)


def scale(days: Sequence[TraderDay], at: int) -> Fraction:
    """pnl_scale_20d: the mean of |net P&L| over 20 days, fewer at first."""
    return mean(abs(day.net) for day in window(days, at, 20))


# ---------------------------------------------------------------- themes


def active_minutes(day: TraderDay) -> Fraction | None:
    """First to last timed regular fill; None without one."""
    return minutes(day.timed[-1].at - day.timed[0].at) if day.timed else None


def trip_tempo(day: TraderDay) -> Fraction | None:
    """Mean minutes between openings of timed trips; None under 2."""
    times = sorted(trip.opened_at for trip in day.opened if trip.opened_at)
    if len(times) < 2:
        return None
    return minutes(times[-1] - times[0]) / (len(times) - 1)


def activity(days: Sequence[TraderDay], at: int) -> Row:
    """How much, how fast and when."""
    day = days[at]
    timed, (opens, closes) = day.timed, day.hours
    active = active_minutes(day)
    gaps = [
        int((later.at - earlier.at).total_seconds())
        for earlier, later in zip(timed, timed[1:], strict=False)
    ]
    orders = {(fill.account, fill.order_id) for fill in day.regular if fill.order_id}
    hours = Counter(fill.at.hour for fill in timed)
    shares = [count / len(timed) for count in hours.values()]
    morning = share(fill.at.hour < 12 for fill in timed)
    return {
        "fills_count": len(day.regular),
        "orders_count": len(orders),
        "closed_trips_count": len(day.closed),
        "opened_trips_count": len(day.opened),
        "fills_vs_20d_ratio": versus_20d(
            days, at, lambda one: len(one.regular) if one.regular else None
        ),
        "trips_vs_20d_ratio": versus_20d(
            days, at, lambda one: len(one.opened) if one.regular else None
        ),
        "active_minutes": active,
        "active_minutes_vs_20d_ratio": versus_20d(days, at, active_minutes),
        "mean_seconds_between_fills": mean(gaps),
        "fill_gap_variation": variation(gaps, 2),
        "mean_minutes_between_trips": trip_tempo(day),
        "trip_tempo_vs_20d_ratio": versus_20d(days, at, trip_tempo),
        "first_hour_fills_ratio": share(opens <= f.at < opens + HOUR for f in timed),
        "morning_fills_ratio": morning,
        "afternoon_fills_ratio": None if morning is None else 1 - morning,
        "last_hour_fills_ratio": share(closes - HOUR <= f.at < closes for f in timed),
        "outside_hours_fills_ratio": share(
            f.at < opens or f.at >= closes for f in timed
        ),
        "time_entropy": (
            # Never -0.0: all in one hour is 0.
            abs(sum(part * math.log(part) for part in shares)) / math.log(24)
            if timed
            else None
        ),
        "busiest_hour_fills_ratio": max(shares) if timed else None,
    }


def concentration(day: TraderDay) -> Fraction | None:
    """Herfindahl index of notional over symbols; None without notional."""
    shares = symbol_shares(day)
    return sum(part**2 for part in shares) if shares else None


def symbol_shares(day: TraderDay) -> list[Fraction]:
    """Shares of the regular fills' notional by symbol; empty without notional."""
    by_symbol: dict[str, Decimal] = defaultdict(Decimal)
    for fill in day.regular:
        by_symbol[fill.symbol] = total([by_symbol[fill.symbol], fill.notional])
    if not day.notional:
        return []
    return [ratio(part, day.notional) for part in by_symbol.values()]


def symbols(days: Sequence[TraderDay], at: int) -> Row:
    """What was traded, and whether it was new."""

    def traded(day: TraderDay) -> set[str]:
        return {fill.symbol for fill in day.regular}

    todays = traded(days[at])
    before = set().union(*(traded(day) for day in days[:at]))
    return {
        "symbols_count": len(todays),
        "symbol_concentration": concentration(days[at]),
        "top_symbol_notional_ratio": max(symbol_shares(days[at]), default=None),
        "new_symbols_ratio": (
            share(symbol not in before for symbol in todays) if before else None
        ),
        "symbols_vs_20d_ratio": versus_20d(
            days, at, lambda day: len(traded(day)) or None
        ),
        "symbol_concentration_vs_20d_ratio": versus_20d(days, at, concentration),
    }


def sizing(days: Sequence[TraderDay], at: int) -> Row:
    """How large fills and trips were, and whether they grew."""
    day = days[at]

    def trip_size(one: TraderDay) -> Fraction | None:
        return mean(one.entries)

    usual = mean(trip_size(one) for one in window(days, at, 20))
    entries = day.entries
    half = len(entries) // 2
    return {
        "mean_fill_notional": day.mean_fill_notional,
        "fill_size_variation": variation([fill.notional for fill in day.regular], 1),
        "fill_size_vs_20d_ratio": versus_20d(
            days, at, lambda one: one.mean_fill_notional
        ),
        "notional_vs_20d_ratio": versus_20d(
            days, at, lambda one: one.notional if one.regular else None
        ),
        "mean_trip_notional": trip_size(day),
        "trip_size_variation": variation(entries, 2),
        "trip_size_vs_20d_ratio": ratio(trip_size(day), usual),
        "largest_trip_vs_20d_ratio": ratio(max(entries, default=None), usual),
        "size_creep_5d_vs_20d_ratio": ratio(
            mean(trip_size(one) for one in window(days, at, 5)), usual
        ),
        "intraday_size_creep_ratio": (
            ratio(mean(entries[-half:]), mean(entries[:half]))
            if len(entries) >= 4
            else None
        ),
    }


def positions(days: Sequence[TraderDay], at: int) -> Row:
    """Which way, for how long, and what was kept overnight."""
    day, recent = days[at], window(days, at, 20)

    def pooled(sign: int) -> Fraction | None:
        return mean(held for one in recent for held in one.holding_minutes(sign))

    winner, loser = mean(day.holding_minutes(1)), mean(day.holding_minutes(-1))
    bought = total(fill.notional for fill in day.regular if fill.signed_quantity > 0)
    return {
        "long_trips_ratio": share(trip.is_long for trip in day.closed),
        "bought_notional_ratio": ratio(bought, day.notional),
        "mean_holding_minutes": mean(day.holding_minutes()),
        "mean_winner_holding_minutes": winner,
        "mean_loser_holding_minutes": loser,
        "disposition_ratio": ratio(loser, winner),
        "disposition_ratio_20d": ratio(pooled(-1), pooled(1)),
        "averaging_down_trips_ratio": share(trip.averages_down for trip in day.closed),
        "averaging_down_trips_ratio_20d": share(
            trip.averages_down for one in recent for trip in one.closed
        ),
        "open_symbols_count": len({symbol for _, symbol in day.held}),
        "overnight_notional_ratio": ratio(total(day.held.values()), day.notional),
        "carried_trips_ratio": share(trip.opened_date < day.day for trip in day.closed),
        "overnight_days_ratio_20d": share(bool(one.held) for one in recent),
    }


def reentries(day: TraderDay, sign: int) -> list[bool]:
    """Of each trip that won or lost and closed at a known time: was one opened soon?

    Soon: at a known time from the closing to 5 minutes after it, both included, and
    not earlier in the day's sequence; the other half of a fill through zero counts.
    """
    return [
        any(
            other.opening.day_sequence >= trip.closing.day_sequence
            and other is not trip
            and other.opened_at is not None
            and timedelta(0) <= other.opened_at - trip.closed_at <= REVENGE_WINDOW
            for other in day.opened
        )
        for trip in day.closed
        if trip.net * sign > 0 and trip.closed_at is not None
    ]


def usual_stop(days: Sequence[TraderDay], at: int) -> Fraction | None:
    """Mean trough of the losing days among the previous 20; None under 3 such days."""
    if not days[at].regular:
        return None
    traded = [day for day in days[:at] if day.regular][-20:]
    troughs = [day.shape.trough_net_pnl for day in traded if day.net < 0]
    return mean(troughs) if len(troughs) >= MINIMUM_STOP_DAYS else None


def past_stop(days: Sequence[TraderDay], at: int) -> Fraction | None:
    """Share of regular fills after the first fill at which the stop was reached.

    0 if it never was; None without a usual stop.
    """
    stop = usual_stop(days, at)
    if stop is None:
        return None
    reached, after = False, 0
    for fill, net in days[at].path:
        after += reached and fill.is_regular
        reached = reached or net <= stop
    return Fraction(after, len(days[at].regular))


def tilt(days: Sequence[TraderDay], at: int) -> Row:
    """What came after losses and gains, and what the day's path was like."""
    day, first = days[at], max(0, at - 19)
    recent, own_scale = window(days, at, 20), scale(days, at)
    reached = [
        days[index].shape.trough_net_pnl <= usual_stop(days, index)
        for index in range(first, at + 1)
        if usual_stop(days, index) is not None
    ]

    def pooled(sign: int) -> Fraction | None:
        return mean(size for one in recent for size in one.entries_after(sign))

    shape = day.shape
    return {
        "losing_trips_count": sum(net < 0 for net in day.nets),
        "reentry_after_loss_ratio": share(reentries(day, -1)),
        "reentry_after_win_ratio": share(reentries(day, 1)),
        "size_after_loss_vs_win_ratio": ratio(
            mean(day.entries_after(-1)), mean(day.entries_after(1))
        ),
        "size_after_loss_vs_win_ratio_20d": ratio(pooled(-1), pooled(1)),
        "usual_stop_pnl": usual_stop(days, at),
        "past_stop_fills_ratio": past_stop(days, at),
        "past_stop_days_ratio_20d": share(reached),
        "trough_scaled": ratio(shape.trough_net_pnl, own_scale),
        "max_drawdown_scaled": ratio(shape.max_drawdown, own_scale),
        "give_back_ratio": ratio(shape.give_back, shape.peak_net_pnl),
    }


def weighted(
    days: Sequence[TraderDay], at: int, half_life: int
) -> tuple[float, float, float]:
    """Exponentially weighted over 8 half-lives: net P&L's mean, deviation; losses."""
    recent = window(days, at, 8 * half_life)[::-1]
    nets = [float(day.net) for day in recent]
    weights = [0.5 ** (age / half_life) for age in range(len(nets))]
    whole = math.fsum(weights)
    middle = math.fsum(w * x for w, x in zip(weights, nets, strict=True)) / whole
    # The same as E[x^2] - mean^2, without its loss of digits.
    variance = math.fsum(
        w * (x - middle) ** 2 for w, x in zip(weights, nets, strict=True)
    )
    lost = math.fsum(w for w, day in zip(weights, recent, strict=True) if day.net < 0)
    return middle, math.sqrt(variance / whole), lost / whole


LOSS_HALF_LIFE = 10


def losses(days: Sequence[TraderDay], at: int) -> Row:
    """How often the trader loses, and how much when it happens."""
    recent = window(days, at, 8 * LOSS_HALF_LIFE)[::-1]
    weights = [0.5 ** (age / LOSS_HALF_LIFE) for age in range(len(recent))]
    row: Row = {"gross_pnl": days[at].gross}
    for kind, is_kind in {
        "trading_loss": lambda day: day.net < 0 and day.gross < 0,
        "fees_loss": lambda day: day.net < 0 and day.gross >= 0,
        "gain": lambda day: day.net > 0,
    }.items():
        of_kind = [
            (weight, math.log(max(abs(day.net), Decimal("0.01"))))
            for weight, day in zip(weights, recent, strict=True)
            if is_kind(day)
        ]
        weight = math.fsum(weight for weight, _ in of_kind)
        row[f"{kind}_day_ratio_ewm_10d"] = weight / math.fsum(weights)
        row[f"log_{kind}_size_ewm_10d"] = (
            math.fsum(weight * size for weight, size in of_kind) / weight
            if of_kind
            else None
        )
    return row


def drawdown(days: Sequence[TraderDay], at: int) -> tuple[Decimal, Decimal, int]:
    """Fall of cumulative net P&L from its peak, that peak, and days since it.

    The peak is at least the starting 0, and while it is 0 the age counts from the
    start: the number of traded days. Of several days at the peak the latest counts.
    """
    cumulative = peak = Decimal(0)
    reached = 0
    for number, day in enumerate(days[: at + 1], start=1):
        cumulative = total([cumulative, day.net])
        if cumulative >= peak and cumulative > 0:
            peak, reached = cumulative, number
    return total([peak, -cumulative]), peak, at + 1 - reached


def streak(days: Sequence[TraderDay], at: int, sign: int) -> int:
    """Traded days in a row, up to this one, with a gain (1) or a loss (-1)."""
    length = 0
    while length <= at and days[at - length].net * sign > 0:
        length += 1
    return length


def pnl(days: Sequence[TraderDay], at: int, sessions: Sequence[Session]) -> Row:
    """What was made, in units of the trader's own scale."""
    day, recent, own_scale = days[at], window(days, at, 20), scale(days, at)
    row: Row = {
        "net_pnl": day.net,
        "net_pnl_scaled": ratio(day.net, own_scale),
        "pnl_scale_20d": own_scale,
    }
    for length in SUM_WINDOWS:
        nets = [one.net for one in window(days, at, length)]
        is_full = len(nets) == length
        whole = total(nets) if is_full else None
        deviation = sample_deviation(nets) if is_full else None
        row[f"net_pnl_sum_{length}d"] = whole
        row[f"net_pnl_momentum_{length}d"] = ratio(whole, length * own_scale)
        row[f"net_pnl_volatility_{length}d"] = ratio(deviation, own_scale)
    for half_life in EWM_HALF_LIVES:
        middle, deviation, lost_ratio = weighted(days, at, half_life)
        row[f"net_pnl_ewm_momentum_{half_life}d"] = ratio(middle, own_scale)
        row[f"net_pnl_ewm_volatility_{half_life}d"] = ratio(deviation, own_scale)
        row[f"loss_day_ratio_ewm_{half_life}d"] = lost_ratio
    fall, peak, age = drawdown(days, at)
    pooled = [net for one in recent for net in one.nets]
    traded = [one.day for one in days[:at] if one.regular]
    previous = traded[-1] if traded else None

    def won(nets: Iterable[Fraction]) -> list[Fraction]:
        return [net for net in nets if net > 0]

    def lost(nets: Iterable[Fraction]) -> list[Fraction]:
        return [-net for net in nets if net < 0]

    gains, losses = sum(won(day.nets)), sum(lost(day.nets))
    return row | {
        "drawdown_scaled": ratio(fall, own_scale),
        "drawdown_ratio": ratio(fall, peak),
        "drawdown_age_days": age,
        "win_streak_days": streak(days, at, 1),
        "loss_streak_days": streak(days, at, -1),
        "loss_day_ratio_to_date": share(one.net < 0 for one in days[: at + 1]),
        "loss_day_ratio_20d": share(one.net < 0 for one in recent),
        "loss_day_ratio_60d": share(one.net < 0 for one in window(days, at, 60)),
        "best_day_20d_scaled": ratio(max(one.net for one in recent), own_scale),
        "worst_day_20d_scaled": ratio(min(one.net for one in recent), own_scale),
        "trip_win_ratio": share(net > 0 for net in day.nets),
        "trip_win_ratio_20d": share(net > 0 for net in pooled),
        "won_trips_pnl_ratio": ratio(gains, gains + losses),
        "worst_trip_scaled": ratio(min(day.nets, default=None), own_scale),
        "payoff_ratio_20d": ratio(mean(won(pooled)), mean(lost(pooled))),
        "profit_factor_20d": ratio(sum(won(pooled)), sum(lost(pooled))),
        "fee_share_of_gross": ratio(day.fees, abs(day.gross)),
        "fee_share_of_gross_20d": ratio(
            total(one.fees for one in recent), total(abs(one.gross) for one in recent)
        ),
        "fee_rate_vs_20d_ratio": versus_20d(
            days, at, lambda one: ratio(one.fees, one.notional)
        ),
        "days_since_previous_trade": (day.day - previous).days if previous else None,
        "sessions_missed": (
            sum(previous < session[0] < day.day for session in sessions)
            if previous
            else None
        ),
        "traded_days_count": sum(bool(one.regular) for one in days[: at + 1]),
        "tenure_days": (day.day - days[0].day).days,
    }


def context(
    history: dict[str, list[TraderDay]],
    trader: str,
    day: date,
    sessions: Sequence[Session],
) -> Row:
    """What the others did that day, and where it lies in the calendar."""
    others = [
        (days, index)
        for name, days in history.items()
        if name != trader
        for index, one in enumerate(days)
        if one.day == day
    ]
    usual = [
        mean(len(one.regular) for one in window(days, index, 20) if one.regular) or 0
        for days, index in others
    ]
    session_dates = {session[0]: session for session in sessions}
    in_month = [
        one for one in session_dates if (one.year, one.month) == (day.year, day.month)
    ]
    usual_hours = timedelta(hours=6, minutes=30)
    is_early = day in session_dates and (
        session_dates[day][2] - session_dates[day][1] < usual_hours
    )
    return {
        "others_traders_count": len(others),
        "others_net_pnl_scaled": ratio(
            sum(Fraction(days[index].net) for days, index in others),
            sum(scale(days, index) for days, index in others),
        ),
        "others_loss_ratio": share(days[index].net < 0 for days, index in others),
        "others_activity_ratio": ratio(
            sum(len(days[index].regular) for days, index in others), sum(usual)
        ),
        "day_of_week": day.isoweekday() % 7,
        "is_session": int(day in session_dates),
        "is_early_close": int(is_early),
        "sessions_to_month_end": sum(one > day for one in in_month),
        "is_month_end": int(day in session_dates and day == max(in_month)),
    }


# ---------------------------------------------------------------- everything together


def trader_days(
    book: Book, *, traders: Owners | None = None, sessions: Sequence[Session] = ()
) -> dict[str, list[TraderDay]]:
    """Each trader's days: dates with a regular fill, P&L or fees in any account.

    A trip counts as opened for the trader of its opening fill, as closed for the
    trader of its last one. A trader holds what the accounts hold that are the
    trader's on the date.
    """
    paths, trips = realized_paths(book), round_trips(book.fills)
    opened: dict[tuple[str, date], list[Trip]] = defaultdict(list)
    closed: dict[tuple[str, date], list[Trip]] = defaultdict(list)
    for trip in trips:
        opened[trip.opening.trader, trip.opened_date].append(trip)
        if trip.is_closed:
            closed[trip.trader, trip.closed_date].append(trip)
    lots: dict[tuple[str, str], list] = defaultdict(list)
    for lot in book.lots:
        lots[lot.opening.account, lot.opening.symbol].append(lot)
    history: dict[str, list[TraderDay]] = defaultdict(list)
    for (trader, day), path in sorted(paths.items(), key=lambda item: item[0]):
        regular = [fill for fill, _ in path if fill.is_regular]
        shape = describe_path(path)
        fees = any(fill.fees for fill, _ in path)
        if not (regular or shape.final_gross_pnl or fees):
            continue
        held = {}
        for (account, symbol), carried in lots.items():
            if owner(traders or {}, account, day) == trader:
                position = position_at(carried, day)
                if position:
                    held[account, symbol] = abs(position.open_cost)
        history[trader].append(
            TraderDay(
                trader=trader,
                day=day,
                regular=regular,
                path=path,
                shape=shape,
                opened=sorted(
                    opened[trader, day], key=lambda trip: trip.opening.day_sequence
                ),
                closed=sorted(
                    closed[trader, day], key=lambda trip: trip.closing.day_sequence
                ),
                held=held,
                hours=hours_of(sessions, day),
            )
        )
    return dict(history)


THEMES: dict[str, Callable[..., Row]] = {
    "activity": activity,
    "symbols": symbols,
    "sizing": sizing,
    "positions": positions,
    "tilt": tilt,
    "pnl": pnl,
    "losses": losses,
    "context": context,
}


def feature_rows(
    exported: Iterable[ExportedFill],
    sessions: Sequence[Session],
    *,
    multipliers: Multipliers | None = None,
    traders: Owners | None = None,
    theme: str | None = None,
) -> dict[tuple[str, date], Row]:
    """Features by trader and traded day, of one theme or of all of them.

    Counts are ints, all else floats, and what cannot be known is None.
    """
    book = keep_book(prepare(exported, multipliers=multipliers, traders=traders))
    history = trader_days(book, traders=traders, sessions=sessions)
    rows = {}
    for trader, days in history.items():
        for at, day in enumerate(days):
            row: Row = {}
            for name, columns in THEMES.items():
                if theme not in (None, name):
                    continue
                if name == "pnl":
                    row |= columns(days, at, sessions)
                elif name == "context":
                    row |= columns(history, trader, day.day, sessions)
                else:
                    row |= columns(days, at)
            rows[trader, day.day] = {key: _finished(row[key]) for key in row}
    return rows


def _finished(value: object) -> object:
    return float(value) if isinstance(value, Fraction | Decimal) else value


def label_rows(
    exported: Iterable[ExportedFill],
    *,
    multipliers: Multipliers | None = None,
    traders: Owners | None = None,
) -> dict[tuple[str, date], Row]:
    """What came next, by trader and traded day that has a later one.

    `next_net_pnl_scaled` is over pnl_scale_20d of the day itself, at least 1 dollar.
    """
    book = keep_book(prepare(exported, multipliers=multipliers, traders=traders))
    rows = {}
    for trader, days in trader_days(book, traders=traders).items():
        for at, later in enumerate(days[1:]):
            rows[trader, days[at].day] = {
                "next_trade_date": later.day,
                "next_gross_pnl": later.gross,
                "next_net_pnl": later.net,
                "is_next_loss": later.net < 0,
                "is_next_realised_loss": later.gross < 0,
                "next_net_pnl_scaled": float(
                    ratio(later.net, max(scale(days, at), Fraction(1)))
                ),
            }
    return rows
