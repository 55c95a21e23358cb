"""A watched session of hand-made fills: a clock, a source, opening and limits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

from live.baselines import Baselines, no_baselines
from live.chance import Chances
from live.delivery import Delivery
from live.figures import OpeningState, ScopeType, SourceState
from live.opening import AccountInfo, LimitInForce, Opening
from live.reports import ExecutionReport, Side
from live.session import Session
from live.sources import Receive
from live.watch import Watch
from tests.live.days import opening_of

DAY = date(2025, 3, 3)
TEN = datetime(2025, 3, 3, 15, tzinfo=UTC)  # 10:00 Eastern


@dataclass
class Clock:
    """Time that a test sets; `seconds` is the one that nobody sets back."""

    now: datetime = TEN
    seconds: float = 0.0

    def at(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        """Both clocks go on."""
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds


@dataclass
class HandSource:
    """A source whose state a test sets."""

    name: str = "hand"
    shown: SourceState = field(
        default_factory=lambda: SourceState("hand", "fix", is_connected=True)
    )
    receive: Receive | None = None

    def start(self, receive: Receive, last_sequence: int | None) -> None:
        del last_sequence
        self.receive = receive

    def stop(self) -> None: ...

    def state(self) -> SourceState:
        return self.shown

    def is_now(self, **changes: object) -> None:
        """Another state from now on."""
        self.shown = replace(self.shown, **changes)  # type: ignore[arg-type]


_ids = count(1)


def fill(
    account: str,
    side: Side,
    quantity: int,
    price: str,
    at: datetime,
    *,
    symbol: str = "ABC",
    exec_id: str | None = None,
) -> ExecutionReport:
    """A report of a fill."""
    return ExecutionReport(
        source="hand",
        exec_id=exec_id or f"E{next(_ids)}",
        kind="new",
        account=account,
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        executed_at=at,
        received_at=at,
        currency="USD",
    )


def result(
    account: str, pnl: int, at: datetime, *, symbol: str = "ABC"
) -> list[ExecutionReport]:
    """A round trip of 100 shares that made so many dollars."""
    exit_price = Decimal(100) + Decimal(pnl) / 100
    return [
        fill(account, "B", 100, "100", at, symbol=symbol),
        fill(account, "S", 100, str(exit_price), at, symbol=symbol),
    ]


def limit(
    value: int,
    scope_type: ScopeType = "trader",
    scope_name: str = "T1",
    rule: str = "daily_loss",
    used_before: int | None = 0,
) -> LimitInForce:
    """A limit in force."""
    before = None if used_before is None else Decimal(used_before)
    return LimitInForce(scope_type, scope_name, rule, Decimal(value), None, before)


def opening(
    traders: Mapping[str, str] | None = None,
    limits: Sequence[LimitInForce] = (),
    **changes: object,
) -> Opening:
    """A day without positions, without fees: accounts and whose they are."""
    accounts = {
        account: AccountInfo(account, trader, "Blue", None, "USD", True)
        for account, trader in (traders or {"A1": "T1", "A2": "T2", "A3": "T3"}).items()
    }
    begun = replace(
        opening_of(DAY),
        accounts=accounts,
        limits=tuple(limits),
        state=OpeningState(DAY, date(2025, 2, 28), TEN, False, ()),
    )
    return replace(begun, **changes)  # type: ignore[arg-type]


class Watched:
    """A session and its watch in a folder, to be entered and left as often as liked."""

    def __init__(
        self,
        folder: Path,
        limits: Sequence[LimitInForce] = (),
        *,
        begun: Opening | None = None,
        baselines: Baselines | None = None,
        delivery: Delivery | None = None,
        past_problem: str | None = None,
    ) -> None:
        self.clock = Clock()
        self.source = HandSource()
        self._baselines = baselines or no_baselines()
        self._folder = folder
        self._limits = limits
        self._begun = begun or opening(limits=limits)
        self._delivery = delivery
        self._past_problem = past_problem

    def __enter__(self) -> "Watched":
        self.session = Session(self._folder, self._begun, [self.source], self.clock.at)
        self.session.__enter__()
        chances = Chances(self._baselines, {})
        self.watch = Watch(
            self.session,
            self._limits,
            self._baselines,
            chances,
            delivery=self._delivery,
            past_problem=self._past_problem,
            clock=self.clock.monotonic,
        )
        return self

    def __exit__(self, *error: object) -> None:
        self.session.__exit__(None, None, None)

    def take(self, *reports: ExecutionReport | Iterable[ExecutionReport]) -> None:
        """Reports come in."""
        flat: list[ExecutionReport] = []
        for one in reports:
            flat += [one] if isinstance(one, ExecutionReport) else one
        self.session.receive(flat)

    def lose(self, dollars: int, account: str = "A1") -> list[tuple[str, int]]:
        """Lose so many dollars (below zero: make them); what a look then raises."""
        self.pass_by(60)
        self.take(result(account, -dollars, self.clock.now))
        return self.look()

    def look(self) -> list[tuple[str, int]]:
        """Kind and level of what a look raises."""
        return [(one.kind, one.level) for one in self.watch.look()]

    def pass_by(self, seconds: float) -> None:
        """Time passes, and heartbeats come."""
        self.clock.pass_by(seconds)
        self.source.is_now(last_heard_at=self.clock.now)

    def wait(self, seconds: float, *, is_heard: bool = True) -> list[tuple[str, int]]:
        """Time passes, with heartbeats or without, then somebody looks."""
        self.clock.pass_by(seconds)
        if is_heard:
            self.source.is_now(last_heard_at=self.clock.now)
        return self.look()
