"""What a screen of the live desk shows: the session's figures, and what is watched.

`screen` makes it of a snapshot and the watch, `as_json` turns it into what a page
reads: money as decimal strings, times as ISO 8601 in UTC, unknown as null, never 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import compress, repeat
from operator import is_not, or_
from typing import Any, Literal, Protocol

from live.figures import (
    Flag,
    OpeningState,
    Scope,
    ScopeFigures,
    ScopeType,
    Snapshot,
    SourceState,
    SymbolFigures,
)

State = Literal["green", "yellow", "red"]
# Shares of a limit, in percent, that alert once each; 0 is below the lowest.
LEVELS = (50, 75, 90, 100)


@dataclass(frozen=True, slots=True)
class Latch:
    """A breach that holds until a person releases it, over restarts too.

    Attributes:
        alert_id: Of the alert at 100 %; releasing names it.
    """

    alert_id: str
    rule: str
    since: datetime


# Not frozen, as rows are not: of a busy desk thousands are made a second, and to make a
# frozen one of nine takes 3 microseconds in place of 0.5.
@dataclass(slots=True)
class LimitUse:
    """One limit of a scope, as used now.

    Attributes:
        limit, used: Dollars, units, trades or losing trades, by `rule`.
        used_share: 0 and above, 1 is the limit; None where the use is not known.
        counts_now: False: it is held against what is there at the close, not before.
        level: Highest of `LEVELS` that holds, with hysteresis; 0 below them.
        unknown: Why the use is not known; None where it is.
        command: With what a person proposes another value (two people decide).
    """

    rule: str
    limit: Decimal
    used: Decimal | None
    used_share: float | None
    counts_now: bool
    level: int
    latch: Latch | None
    unknown: str | None
    command: str | None


@dataclass(slots=True)
class Usual:
    """A trader against the usual at this time of day.

    Attributes:
        trades_count, quantity: The median of past sessions up to this minute; None
            where there are too few of them.
        tempo_ratio: Trades opened today to the usual ones; None without those.
        size_ratio: Units per fill today to the usual ones; None without those.
        sessions_count: Past sessions that it is read from.
        unknown: Why there is no usual; None where there is.
    """

    trades_count: float | None = None
    quantity: float | None = None
    tempo_ratio: float | None = None
    size_ratio: float | None = None
    sessions_count: int = 0
    unknown: str | None = None


@dataclass(slots=True)
class Chance:
    """The chance of breaching the day's loss limit by the close.

    Attributes:
        probability: 0 to 1; None where it is not known.
        base_rate: How often past days at all breached it; None where unknown.
        is_own: From the trader's own place now; False: it is the base rate alone.
        reason: One sentence: why unknown, or why only the base rate.
    """

    probability: float | None = None
    base_rate: float | None = None
    is_own: bool = False
    reason: str | None = None


@dataclass(slots=True)
class Assessment:
    """What the watch says of one scope now."""

    limits: tuple[LimitUse, ...] = ()
    usual: Usual = field(default_factory=Usual)
    chance: Chance = field(default_factory=Chance)
    tilt: str | None = None


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert, as a person sees it.

    Attributes:
        kind: limit, tilt, crowding, feed_silent, gap, unknown_account, …
        level: Percent of the limit; 0 of alerts that are of no limit.
        is_over: What it is of has passed.
        acknowledged_by, released_by: Who; None while nobody did.
        acknowledge_reason: None where nobody gave one.
        has_case: A case file can be asked for: `Watch.case_of(alert_id)`.
    """

    alert_id: str
    kind: str
    severity: Literal["info", "warning", "critical"]
    level: int
    scope: Scope | None
    rule: str | None
    text: str
    raised_at: datetime
    is_over: bool
    is_latched: bool
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    acknowledge_reason: str | None
    released_by: str | None
    released_at: datetime | None
    release_reason: str | None
    has_case: bool
    delivery: str | None


# Not frozen: to make one would take 4 microseconds in place of 0.4.
@dataclass(slots=True)
class ScreenRow:
    """One account, trader, group, strategy or the desk.

    Attributes:
        realized_pnl: Before fees. open_pnl: None where a price is missing or stale.
        open_price_at: Of the oldest price in open_pnl.
        limit_rule, limit, used, used_share: Of the limit that is used most, of those
            that count now if any does (`limit_counts_now`).
        alert_level: The highest level of its limits, a latched one included.
    """

    scope_type: ScopeType
    scope_name: str
    trader_ids: tuple[str, ...]
    account_ids: tuple[str, ...]
    realized_pnl: Decimal | None
    open_pnl: Decimal | None
    open_price_at: datetime | None
    open_unknown: tuple[str, ...]
    estimated_fees: Decimal | None
    net_pnl: Decimal | None
    total_pnl: Decimal | None
    peak_net_pnl: Decimal | None
    drawdown: Decimal | None
    max_drawdown: Decimal | None
    give_back_ratio: float | None
    gross_exposure: Decimal | None
    net_exposure: Decimal | None
    largest_position: Decimal
    trades_count: int
    fills_count: int
    losing_streak: int
    last_loss_at: datetime | None
    last_fill_at: datetime | None
    usual: Usual
    tilt: str | None
    limits: tuple[LimitUse, ...]
    limit_rule: str | None
    limit: Decimal | None
    used: Decimal | None
    used_share: float | None
    limit_counts_now: bool
    chance: Chance
    alert_level: int
    latch: Latch | None
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SymbolRow:
    """A symbol that a trader has traded today or holds, over the trader's accounts."""

    trader_id: str
    account_id: str
    symbol: str
    currency: str | None
    position_quantity: Decimal
    average_price: Decimal | None
    mark_price: Decimal | None
    mark_at: datetime | None
    gross_pnl: Decimal | None
    net_pnl: Decimal | None
    open_pnl: Decimal | None
    exposure: Decimal | None
    fills_count: int
    last_fill_at: datetime | None


@dataclass(frozen=True, slots=True)
class Screen:
    """All that a screen shows at one moment.

    Attributes:
        reasons: Why it is not green, most serious first; empty where it is.
        counts: Reports by outcome.
        rows: The desk first, then groups, strategies, traders, accounts, by name.
        alerts: Newest first.
    """

    taken_at: datetime
    session_date: date
    sequence: int
    state: State
    reasons: tuple[str, ...]
    is_synthetic: bool
    is_late: bool
    sources: tuple[SourceState, ...]
    flags: tuple[Flag, ...]
    counts: Mapping[str, int]
    rows: tuple[ScreenRow, ...]
    alerts: tuple[AlertRow, ...]


class Watching(Protocol):
    """What a screen asks of the watch."""

    def assess(self, snapshot: Snapshot) -> Mapping[Scope, Assessment]:
        """What is said of each scope; of those left out, nothing."""

    def health(self, snapshot: Snapshot) -> tuple[State, tuple[str, ...]]:
        """Whether the screen can be trusted, and why not, most serious first."""

    def alerts(self) -> tuple[AlertRow, ...]:
        """Every alert of the session, newest first."""


_ORDER: dict[str, int] = {
    "desk": 0, "trader_group": 1, "strategy": 2, "trader": 3, "account": 4,
}  # fmt: skip
# Of scopes that the watch says nothing of.
NOTHING_SAID = Assessment()


class KeptRows:
    """Rows of one screen after the other, each made anew only where it is another.

    An account that is all of a trader, and of which nothing more is said, has none: the
    trader's row says it.
    """

    def __init__(self) -> None:
        # In the order of the screen.
        self._rows: dict[Scope, ScreenRow] = {}
        # Of which opening and scopes the rows are, and what each was made of.
        self._opening: OpeningState | None = None
        self._scopes: tuple[Scope, ...] = ()
        self._figures: tuple[ScopeFigures | None, ...] = ()
        self._said: tuple[Assessment | None, ...] = ()
        # Accounts that are all of a trader.
        self._alone: frozenset[Scope] = frozenset()

    def of(
        self, snapshot: Snapshot, assessed: Mapping[Scope, Assessment]
    ) -> tuple[ScreenRow, ...]:
        """The desk first, then groups, strategies, traders, accounts, by name."""
        scopes = tuple(snapshot.scopes)
        if snapshot.opening is not self._opening or scopes != self._scopes:
            self._begin(snapshot, scopes)
        figures = tuple(snapshot.scopes.values())
        said = tuple(map(assessed.get, scopes, repeat(NOTHING_SAID)))
        # Of a large desk most are the same objects as before.
        is_other = map(
            or_, map(is_not, figures, self._figures), map(is_not, said, self._said)
        )
        rows, is_in_order = self._rows, True
        for scope, its_figures, its_said in compress(
            zip(scopes, figures, said, strict=True), is_other
        ):
            if its_said is NOTHING_SAID and scope in self._alone:
                rows.pop(scope, None)
                continue
            is_in_order = is_in_order and scope in rows
            rows[scope] = _row(scope, its_figures, its_said)
        if not is_in_order:
            self._rows = rows = {scope: rows[scope] for scope in _in_order(rows)}
        self._figures, self._said = figures, said
        return tuple(rows.values())

    def _begin(self, snapshot: Snapshot, scopes: tuple[Scope, ...]) -> None:
        self._opening, self._scopes = snapshot.opening, scopes
        self._rows = {}
        self._figures = self._said = (None,) * len(scopes)
        self._alone = frozenset(
            scope
            for scope, figures in snapshot.scopes.items()
            if _is_all_of_a_trader(snapshot, scope, figures)
        )


def _is_all_of_a_trader(
    snapshot: Snapshot, scope: Scope, figures: ScopeFigures
) -> bool:
    if scope[0] != "account":
        return False
    trader = snapshot.scopes.get(("trader", figures.trader_ids[0]))
    return trader is not None and trader.account_ids == figures.account_ids


def _in_order(scopes: Iterable[Scope]) -> list[Scope]:
    return sorted(scopes, key=lambda one: (_ORDER[one[0]], one[1]))


def screen(snapshot: Snapshot, watch: Watching, kept: KeptRows | None = None) -> Screen:
    """What a screen shows of a snapshot; from any thread.

    Args:
        kept: Rows of the screen before, one thread's own; None: every scope has a row.
    """
    assessed = watch.assess(snapshot)
    if kept is None:
        rows = tuple(
            _row(scope, snapshot.scopes[scope], assessed.get(scope, NOTHING_SAID))
            for scope in _in_order(snapshot.scopes)
        )
    else:
        rows = kept.of(snapshot, assessed)
    state, reasons = watch.health(snapshot)
    return Screen(
        taken_at=snapshot.taken_at,
        session_date=snapshot.session_date,
        sequence=snapshot.sequence,
        state=state,
        reasons=reasons,
        is_synthetic=any(one.is_synthetic for one in snapshot.sources),
        is_late=any(one.is_late for one in snapshot.sources),
        sources=snapshot.sources,
        flags=snapshot.flags,
        counts=snapshot.counts,
        rows=rows,
        alerts=watch.alerts(),
    )


def symbol_rows(
    symbols: Mapping[tuple[str, str], SymbolFigures], snapshot: Snapshot
) -> tuple[SymbolRow, ...]:
    """What is shown of symbols, by account and symbol."""
    traders = {
        account: name
        for (kind, name), one in snapshot.scopes.items()
        if kind == "trader"
        for account in one.account_ids
    }
    return tuple(
        SymbolRow(
            trader_id=traders.get(account_id, account_id),
            account_id=account_id,
            symbol=symbol,
            currency=one.currency,
            position_quantity=one.position_quantity,
            average_price=one.average_price,
            mark_price=one.mark_price,
            mark_at=one.mark_at,
            gross_pnl=one.gross_pnl,
            net_pnl=one.net_pnl,
            open_pnl=one.open_pnl,
            exposure=one.exposure,
            fills_count=one.fills_count,
            last_fill_at=one.last_fill_at,
        )
        for (account_id, symbol), one in sorted(symbols.items())
    )


def _row(scope: Scope, figures: ScopeFigures, said: Assessment) -> ScreenRow:
    most = _most_used(said.limits)
    latches = [one.latch for one in said.limits if one.latch is not None]
    return ScreenRow(
        scope_type=scope[0],
        scope_name=scope[1],
        trader_ids=figures.trader_ids,
        account_ids=figures.account_ids,
        realized_pnl=figures.gross_pnl,
        open_pnl=figures.open_pnl,
        open_price_at=figures.oldest_mark_at,
        open_unknown=figures.open_unknown,
        estimated_fees=figures.estimated_fees,
        net_pnl=figures.net_pnl,
        total_pnl=figures.total_pnl,
        peak_net_pnl=figures.peak_net_pnl,
        drawdown=figures.drawdown,
        max_drawdown=figures.max_drawdown,
        give_back_ratio=figures.give_back_ratio,
        gross_exposure=figures.gross_exposure,
        net_exposure=figures.net_exposure,
        largest_position=figures.largest_position,
        trades_count=figures.trades_count,
        fills_count=figures.fills_count,
        losing_streak=figures.losing_streak,
        last_loss_at=figures.last_loss_at,
        last_fill_at=figures.last_fill_at,
        usual=said.usual,
        tilt=said.tilt,
        limits=said.limits,
        limit_rule=None if most is None else most.rule,
        limit=None if most is None else most.limit,
        used=None if most is None else most.used,
        used_share=None if most is None else most.used_share,
        limit_counts_now=most is not None and most.counts_now,
        chance=said.chance,
        alert_level=(
            LEVELS[-1]
            if latches
            else max([one.level for one in said.limits], default=0)
        ),
        latch=min(latches, key=lambda one: one.since) if latches else None,
        unknown=figures.unknown,
    )


def _most_used(limits: Sequence[LimitUse]) -> LimitUse | None:
    if len(limits) <= 1:
        return limits[0] if limits else None
    return max(
        limits,
        key=lambda one: (
            one.counts_now,
            -1.0 if one.used_share is None else one.used_share,
        ),
    )


def as_json(shown: Screen, symbols: Sequence[SymbolRow]) -> dict[str, Any]:
    """What `json.dumps` takes: decimals as text, times in ISO 8601."""
    return plain(asdict(shown) | {"symbols": [asdict(one) for one in symbols]})


def plain(value: Any) -> Any:
    """The same as what JSON knows."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value
