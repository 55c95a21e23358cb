"""A desk for tests of the page: a real session, fed by hand, and a small watch."""

import random
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from live.figures import OpeningState, Scope, Snapshot, SourceState
from live.opening import AccountInfo, Opening
from live.page import Page, serve
from live.reports import ExecutionReport
from live.screen import AlertRow, Assessment, Chance, Latch, LimitUse, State, Usual
from live.session import Session
from runtime.errors import UserError
from runtime.sessions import EASTERN
from runtime.settings import Settings
from tests.live.days import CUTOFFS, INSTRUMENT_LINES, NO_FEES, SESSIONS

DAY = date(2025, 3, 3)
OPEN = datetime(2025, 3, 3, 9, 30, tzinfo=EASTERN)
# What a symbol or a trader may be called by somebody who means no good.
HOSTILE = (
    "<img src=x onerror=document.title='HACKED'>", "</script><script>alert(1)",
    "\"onmouseover=\"x", "‮evil", "a/b?c#d&e", "__proto__",
)  # fmt: skip


class Feed:
    """A source that a test sends through, and that can fall silent."""

    def __init__(self, *, is_synthetic: bool = False) -> None:
        self.name = "drop-copy"
        self.said = SourceState(self.name, "fix", True, is_synthetic=is_synthetic)

    def start(self, receive: Any, last_sequence: int | None) -> None:
        del last_sequence
        self.receive = receive

    def stop(self) -> None:
        pass

    def state(self) -> SourceState:
        return self.said

    def disconnect(self) -> None:
        self.said = replace(self.said, is_connected=False)

    def lose(self, trader: str) -> None:
        """Let a trader lose twice the limit."""
        bought = ExecutionReport(
            self.name, "lost 1", "new", trader, "ABC", "B", Decimal(1000), Decimal(100),
            OPEN, OPEN,
        )  # fmt: skip
        sold = replace(bought, exec_id="lost 2", side="S", price=Decimal(90))
        self.send([bought, sold])

    def send(self, reports: Sequence[ExecutionReport]) -> None:
        self.receive(reports)
        last = reports[-1].received_at
        self.said = replace(
            self.said, last_report_at=last, last_heard_at=last,
            reports_count=self.said.reports_count + len(reports),
        )  # fmt: skip


class SmallWatch:
    """A loss limit for every trader; a breach latches, an alert is acknowledged."""

    LIMIT = Decimal(5000)

    def __init__(self) -> None:
        self.rows: dict[str, AlertRow] = {}
        self.fails = False

    def assess(self, snapshot: Snapshot) -> Mapping[Scope, Assessment]:
        if self.fails:
            raise RuntimeError("planted")
        found = {}
        for scope, one in snapshot.scopes.items():
            if scope[0] != "trader":
                continue
            net = one.net_pnl
            used = None if net is None else max(-net, Decimal(0))
            share = None if used is None else float(used / self.LIMIT)
            level = max(
                (at for at in (50, 75, 90, 100) if (share or 0) >= at / 100), default=0
            )
            alert_id = f"{DAY}-limit-{scope[1].encode('utf-8', 'replace').hex()[:40]}"
            if level >= 75 and alert_id not in self.rows:
                self.rows[alert_id] = self._raised(alert_id, scope, level, snapshot)
            row = self.rows.get(alert_id)
            latch = (
                Latch(alert_id, "daily_loss", row.raised_at)
                if row and row.is_latched
                else None
            )
            use = LimitUse(
                "daily_loss",
                self.LIMIT,
                used,
                share,
                True,
                level,
                latch,
                None,
                f"make amend-limits ACCOUNT={scope[1]} LIMIT=max_loss"
                if level
                else None,
            )
            found[scope] = Assessment(
                (use,),
                Usual(12.0, Decimal(2400), 1.4, 0.8, 60),
                Chance(min(share or 0, 1.0) * 0.6, 0.04, True),
                "size after a loss" if level == 75 else None,
            )
        return found

    def _raised(
        self, alert_id: str, scope: Scope, level: int, snapshot: Snapshot
    ) -> AlertRow:
        return AlertRow(
            alert_id, "limit", "critical" if level == 100 else "warning",
            level, scope, "daily_loss",
            f"Trader {scope[1]}: {level} % of the daily loss limit.", snapshot.taken_at,
            False, level == 100, None, None, None, None, None, None, True, "mailed",
        )  # fmt: skip

    def health(self, snapshot: Snapshot) -> tuple[State, tuple[str, ...]]:
        if not all(one.is_connected for one in snapshot.sources):
            return "red", ("drop-copy is not connected: nothing comes.",)
        if any(one.is_latched for one in self.rows.values()):
            return "yellow", ("A limit is breached.",)
        return "green", ()

    def alerts(self) -> tuple[AlertRow, ...]:
        return tuple(
            sorted(self.rows.values(), key=lambda one: one.raised_at, reverse=True)
        )

    def acknowledge(self, alert_id: str, by: str, reason: str) -> None:
        self._change(
            alert_id,
            acknowledged_by=by,
            acknowledged_at=OPEN,
            acknowledge_reason=reason or None,
        )

    def release(self, alert_id: str, by: str, reason: str) -> None:
        self._change(
            alert_id,
            is_latched=False,
            released_by=by,
            released_at=OPEN,
            release_reason=reason,
        )

    def case_of(self, alert_id: str) -> Any:
        if alert_id not in self.rows:
            raise UserError("There is no such alert.")
        return {"alert_id": alert_id}

    def _change(self, alert_id: str, **values: Any) -> None:
        if alert_id not in self.rows:
            raise UserError("There is no such alert.")
        self.rows[alert_id] = replace(self.rows[alert_id], **values)


def opening(traders: Sequence[str], groups: int = 3) -> Opening:
    """A day without positions; each trader has an account of the same name."""
    return Opening(
        state=OpeningState(DAY, date(2025, 2, 28), OPEN, False, ()),
        accounts={
            name: AccountInfo(name, name, f"group {place % groups}", None, "USD", True)
            for place, name in enumerate(traders)
        },
        instrument_lines=INSTRUMENT_LINES,
        cutoffs=CUTOFFS,
        fee_rates={**NO_FEES, (None, "equity"): Decimal("0.004")},
        sessions=SESSIONS,
    )  # fmt: skip


def reports(
    traders: Sequence[str], symbols: Sequence[str], *, seed: int = 7, first: int = 1,
    at: datetime = OPEN, step: timedelta = timedelta(seconds=2),
) -> Iterator[ExecutionReport]:  # fmt: skip
    """Fills without end, each trader in and out of a few symbols."""
    dice = random.Random(seed)
    number = first
    while True:
        when = at + step * (number - first)
        yield ExecutionReport(
            "drop-copy",
            f"E{number:07}",
            "new",
            dice.choice(traders),
            dice.choice(symbols),
            dice.choice("BS"),
            Decimal(dice.choice((100, 200, 500))),  # type: ignore[arg-type]
            Decimal(dice.randrange(4800, 5200)) / 100,
            when,
            when,
            sequence=number,
        )
        number += 1


def free_port() -> int:
    """One that nobody has just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def settings(**values: Any) -> Settings:
    """Of a test, from nowhere else."""
    return Settings(_env_file=None, **({"live_port": free_port()} | values))  # type: ignore[call-arg]


@contextmanager
def running(
    folder: Path, traders: Sequence[str], *, watch: SmallWatch | None = None,
    is_synthetic: bool = False, **values: Any,
) -> Iterator[tuple[Feed, SmallWatch, Page]]:  # fmt: skip
    """A session whose clock began at half past nine, and its page."""
    folder = folder / str(DAY)
    folder.mkdir(parents=True, exist_ok=True)
    feed, watch, began = (
        Feed(is_synthetic=is_synthetic),
        watch or SmallWatch(),
        time.monotonic(),
    )

    def clock() -> datetime:
        return OPEN + timedelta(hours=1, seconds=time.monotonic() - began)

    with (
        Session(folder, opening(traders), [feed], clock=clock) as session,
        serve(session, watch, settings(**values)) as page,
    ):
        yield feed, watch, page
