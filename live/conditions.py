"""What alerts apart from limits: the feed, the opening, tilt."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from live.alerts import Condition
from live.figures import DESK, ScopeFigures, Snapshot, SourceState
from live.screen import State, Usual
from reports.words import dollars

# A source that was not heard for so long, heartbeats included, says nothing any more.
SILENT_SECONDS = 90
LATE_SILENT_SECONDS = 3600
# One without heartbeats says something only when somebody trades.
QUIET_SECONDS = 900
_WITHOUT_HEARTBEAT = ("folder",)
_CLOCK_OFF = timedelta(seconds=5)
# A losing trader who trades, or sizes, so many times the usual of this time of day.
TILT_LOSING_STREAK = 3
TILT_RATIO = 2.0
# So many traders on one side of a symbol, and so much of the desk's gross exposure.
CROWDED_TRADERS = 3
CROWDED_SHARE = 1 / 3

# Flags that leave figures unreliable as a whole.
_CRITICAL_FLAGS = ("journal",)


def feed_conditions(
    snapshot: Snapshot, unheard_seconds: Mapping[str, float], *, is_open: bool
) -> Iterator[Condition]:
    """What keeps figures from being those of now, most serious first.

    Args:
        unheard_seconds: Of each source, by a clock that nobody sets, how long ago it
            was last heard.
        is_open: Whether the exchange is.
    """
    if not snapshot.sources:
        yield Condition("no_source", "desk", "critical", "No source: nothing comes in.")
    for source in snapshot.sources:
        yield from _of_source(source, unheard_seconds.get(source.name, 0.0), is_open)
    if snapshot.opening.positions_date is None:
        yield Condition(
            "opening",
            "none",
            "critical",
            " ".join(snapshot.opening.problems)
            or "Nothing of last night is known: every position begins at 0.",
        )
    for flag in snapshot.flags:
        if flag.kind == "opening":
            continue
        is_critical = flag.kind in _CRITICAL_FLAGS
        # What it is of may grow: it is one thing that somebody must see to.
        count = f" ({flag.count:,})" if flag.count > 1 else ""
        yield Condition(
            flag.kind,
            "desk" if not is_critical else flag.subject,
            "critical" if is_critical else "warning",
            f"{flag.subject}{count}: {flag.message}",
        )
    desk = snapshot.scopes.get(DESK)
    last = None if desk is None else desk.last_fill_at
    if last is not None and last > snapshot.taken_at + _CLOCK_OFF:
        ahead = (last - snapshot.taken_at).total_seconds()
        yield Condition(
            "clock",
            "desk",
            "warning",
            f"A clock is off: the last fill is {ahead:,.0f} s in the future. Ages of "
            "prices and times since a loss are wrong. Set the clock of this machine, "
            "or ask who sends.",
        )
    if snapshot.opening.positions_date is not None and snapshot.opening.problems:
        yield Condition(
            "opening", "stale", "warning", " ".join(snapshot.opening.problems)
        )


def _of_source(
    source: SourceState, unheard_seconds: float, is_open: bool
) -> Iterator[Condition]:
    name, problem = source.name, source.problem
    longest = _longest_silence(source, is_open)
    told = f": {problem.rstrip('.')}" if problem else ""
    if source.is_finished:
        pass
    elif not source.is_connected:
        yield Condition(
            "feed_down",
            name,
            "critical",
            f"Source {name} is not connected{told}. Nothing of it comes in.",
        )
    elif unheard_seconds > longest:
        yield Condition(
            "feed_silent",
            name,
            "critical",
            f"Source {name} has been silent for more than {longest:.0f} s: it may be "
            "dead.",
        )
    elif problem:
        yield Condition("feed_problem", name, "warning", f"Source {name}{told}.")
    if source.missing:
        ranges = ", ".join(
            f"{first} to {last}" if first != last else str(first)
            for first, last in source.missing[:5]
        )
        yield Condition(
            "gap",
            name,
            "critical",
            f"Source {name} lacks messages {ranges}: asked for, not here yet. Figures "
            "are without them.",
        )
    if source.is_late:
        yield Condition(
            "late",
            name,
            "info",
            f"Source {name} is hours behind by its nature: no figure is of now.",
        )


def _longest_silence(source: SourceState, is_open: bool) -> float:
    if source.kind in _WITHOUT_HEARTBEAT:
        return QUIET_SECONDS if is_open else float("inf")
    return LATE_SILENT_SECONDS if source.is_late else SILENT_SECONDS


def state_of(conditions: Iterable[Condition]) -> tuple[State, tuple[str, ...]]:
    """Red for what is critical, yellow for what is wrong; and the sentences."""
    found = sorted(
        (one for one in conditions),
        key=lambda one: ("critical", "warning", "info").index(one.severity),
    )
    state: State = "green"
    if any(one.severity == "critical" for one in found):
        state = "red"
    elif found:
        state = "yellow"
    return state, tuple(one.text for one in found)


def tilt_said(figures: ScopeFigures, usual: Usual) -> str | None:
    """Why a trader seems to be on tilt; None if they do not."""
    if figures.net_pnl is None or figures.net_pnl >= 0:
        return None
    if figures.losing_streak < TILT_LOSING_STREAK:
        return None
    signs = [
        f"{words} {ratio:.1f} times the usual at this time of day"
        for words, ratio in (
            ("trades", usual.tempo_ratio),
            ("size", usual.size_ratio),
        )
        if ratio is not None and ratio >= TILT_RATIO
    ]
    if not signs:
        return None
    return (
        f"{figures.losing_streak} losing trades in a row, net "
        f"{dollars(figures.net_pnl)}, {' and '.join(signs)}"
    )


def tilt_conditions(said: Mapping[str, str]) -> Iterator[Condition]:
    """Of traders on tilt, by name."""
    for trader, why in said.items():
        yield Condition(
            "tilt",
            trader,
            "warning",
            f"Trader {trader} may be on tilt: {why}.",
            ("trader", trader),
        )


def crowding_conditions(
    desk: ScopeFigures | None,
    exposures_by_side: Mapping[tuple[str, bool], Mapping[str, Decimal]],
) -> Iterator[Condition]:
    """Symbols in which much of the desk stands on one side.

    Args:
        exposures_by_side: Dollars of each trader by symbol, long (True) or short.
    """
    if desk is None or not desk.gross_exposure:
        return
    for (symbol, is_long), traders in sorted(exposures_by_side.items()):
        exposure = sum(traders.values(), Decimal(0))
        share = float(exposure / desk.gross_exposure)
        if len(traders) >= CROWDED_TRADERS and share >= CROWDED_SHARE:
            side_word = "long" if is_long else "short"
            names = ", ".join(sorted(traders)[:10])
            yield Condition(
                "crowding",
                f"{symbol} {side_word}",
                "warning",
                f"{len(traders)} traders are {side_word} {symbol}, ${exposure:,.0f}, "
                f"{share:.0%} of the desk's gross exposure: {names}.",
                DESK,
            )
