"""Watches a session: limits, tilt, crowding, the feed; decides on alerts, tells.

A thread looks as soon as something changed, and once a second at least. Whoever shows
the session asks it what is said of each scope, whether the screen can be trusted, and
which alerts there are.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import Any

from live.alert_log import FILE, Alert, AlertLog
from live.alerts import Alerts, Condition, acknowledge, release
from live.baselines import Baselines, bucket_of
from live.case_file import case_file
from live.chance import Chances
from live.conditions import (
    crowding_conditions,
    feed_conditions,
    state_of,
    tilt_conditions,
    tilt_said,
)
from live.delivery import Delivery
from live.figures import DESK, Scope, ScopeFigures, Snapshot, other_figures
from live.limit_uses import AT_CLOSE, Use, use_of
from live.opening import LimitInForce
from live.screen import (
    NOTHING_SAID,
    AlertRow,
    Assessment,
    Chance,
    LimitUse,
    State,
    Usual,
)
from live.session import Session
from runtime.sessions import EASTERN, sessions_table, utc_now

LOOK_SECONDS = 1.0
# Two looks are so far apart at least: fills between them are read once.
_PACE_SECONDS = 0.2
# The page of a busy desk looks as often, and the same figures will do.
_OLDEST_SECONDS = 0.3
# A line that drops and comes back at once is shown, and alerts nobody.
GRACE_SECONDS = 10.0
_GRACED = ("feed_down", "gap", "waiting")
# Without a look for so long the watch itself is what fails.
STUCK_SECONDS = 15.0
# Exposure at the close is only known shortly before.
_BEFORE_CLOSE = timedelta(minutes=30)
_CHANCE_RULE = "daily_loss"
_logger = logging.getLogger(__name__)


class Watch:
    """What is watched of a session; `start` it, or let it `look`.

    Args:
        session: Entered.
        limits: In force as the day begins.
        past_problem: Why breaches of the session before may not all be known.
        clock: Seconds that nobody sets back; tests bring their own.
    """

    def __init__(
        self,
        session: Session,
        limits: Sequence[LimitInForce],
        baselines: Baselines,
        chances: Chances,
        *,
        delivery: Delivery | None = None,
        log: AlertLog | None = None,
        past_problem: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._baselines = baselines
        self._chances = chances
        self._delivery = delivery
        self._clock = clock
        # One look at a time, which waits for a disk; who shows figures does not.
        self._looking = threading.Lock()
        self._lock = threading.RLock()
        self._limits = _by_scope(limits)
        self._limits_problem: str | None = None
        self._log = log or AlertLog(session.folder / FILE)
        self._past_problem = past_problem
        self._snapshot = session.snapshot()
        self._session_date = self._snapshot.session_date
        self._opens_at, self._closes_at = _hours(self._session_date)
        self._alerts = Alerts(self._log, self._session_date, self._case)
        self._heard: dict[str, tuple[object, float]] = {}
        self._held_since: dict[str, float] = {}
        # What was said last of each scope, and the uses of whoever has limits; of which
        # figures, and all else that it follows from.
        self._said: dict[Scope, Assessment] = {}
        self._uses: dict[Scope, list[Use]] = {}
        self._figures: Mapping[Scope, ScopeFigures | None] = {}
        self._said_of: tuple | None = None
        self._said_by: tuple[int, int] | None = None
        self._usual: dict[str, tuple[tuple, Usual]] = {}
        self._chance: dict[str, tuple[tuple, Chance]] = {}
        self._crowded: list[Condition] = []
        self._crowding_at = -LOOK_SECONDS
        self._looked_at = clock()
        self._problem: str | None = None
        self._stopping = threading.Event()
        self._subscription = session.subscribe()
        self._thread = threading.Thread(target=self._run, daemon=True, name="watch")

    def start(self) -> None:
        """Begin to look, and to send what is raised."""
        self._thread.start()
        if self._delivery is not None:
            self._delivery.start()

    def stop(self) -> None:
        """Look once more, send what there is, and end."""
        self._stopping.set()
        self._subscription.close()
        if self._thread.is_alive():
            self._thread.join()
        self.look()
        if self._delivery is not None:
            self._delivery.stop()

    def look(self, *, oldest: float = 0.0) -> list[Alert]:
        """Read the session and decide on alerts; those that were raised.

        Args:
            oldest: Seconds; figures of a look that was within them will do. Where any
                will, the desk's crowding is that of up to a second ago.
        """
        with self._looking:
            snapshot = self._snapshot = self._session.snapshot(oldest=oldest)
            self._log.flush()
            with self._lock:
                assessed = self.assess(snapshot)
                found = self._conditions(snapshot)
                uses = [*chain.from_iterable(self._uses.values())]
                uses += [
                    use_of(limit, None)
                    for scope, limits in self._limits.items()
                    if scope not in snapshot.scopes
                    for limit in limits
                ]
            tilted = {scope[1]: one.tilt for scope, one in assessed.items() if one.tilt}
            conditions = self._lasting(
                one
                for one in (
                    *found,
                    *tilt_conditions(tilted),
                    *self._crowding(snapshot, LOOK_SECONDS if oldest else 0.0),
                )
                if one.severity != "info"
            )
            now = snapshot.taken_at
            is_near = self._is_near_close(now)
            due = [one for one in uses if _is_due(one, is_near)]
            raised = self._alerts.look(due, conditions, now)
            self._looked_at = self._clock()
            return raised

    def set_limits(
        self, limits: Sequence[LimitInForce] | None, problem: str | None
    ) -> None:
        """Watch other limits from now on.

        Args:
            limits: In force; None keeps those that are known.
            problem: Why they cannot be read; None where they can.
        """
        with self._lock:
            if limits is not None:
                self._limits = _by_scope(limits)
            self._limits_problem = problem
            self._said_of = None

    # -------------------------------------------------------------- what is shown

    def assess(self, snapshot: Snapshot) -> Mapping[Scope, Assessment]:
        """What is said of each scope; the same object where nothing is another."""
        with self._lock:
            bucket = bucket_of(snapshot.taken_at, self._session_date)
            is_near = self._is_near_close(snapshot.taken_at)
            self._forget_if_other(bucket, is_near, self._chances.test)
            scopes = snapshot.scopes
            for scope in other_figures(scopes, self._figures):
                self._say(scope, scopes[scope], bucket, is_near)
            self._figures = scopes
            if len(self._said) > len(scopes):
                # Of a desk that began anew, with fewer.
                for scope in self._said.keys() - scopes.keys():
                    del self._said[scope]
                    self._uses.pop(scope, None)
            return self._said.copy()

    def _forget_if_other(self, *said_of: object) -> None:
        """Say all anew where something else than figures has changed."""
        if said_of != self._said_of:
            self._said_of = said_of
            self._figures = {}
        # A release counts at once, an alert once it is known to whoever decides.
        said_by = self._log.version, self._alerts.version
        if said_by != self._said_by:
            self._said_by = said_by
            # Of whom there is no alert nothing else is said.
            others = {alert.scope for alert in list(self._log.alerts.values())}
            self._figures = {
                scope: None if scope in others else figures
                for scope, figures in self._figures.items()
            }

    def _say(
        self, scope: Scope, figures: ScopeFigures, bucket: int, is_near: bool
    ) -> None:
        limits = self._limits.get(scope)
        if limits is None and scope[0] != "trader":
            self._said[scope] = NOTHING_SAID
            self._uses.pop(scope, None)
            return
        uses = [use_of(one, figures) for one in limits or ()]
        shown = tuple([self._limit_use(one, scope, figures, is_near) for one in uses])
        if scope[0] == "trader":
            usual = self._usual_of(scope[1], figures, bucket)
            chance = self._chance_of(scope[1], figures, uses, bucket)
            said = Assessment(shown, usual, chance, tilt_said(figures, usual))
        else:
            chance = Chance(reason="unknown: of traders only")
            said = Assessment(shown, chance=chance)
        self._uses[scope], self._said[scope] = uses, said

    def health(self, snapshot: Snapshot) -> tuple[State, tuple[str, ...]]:
        """Whether the screen can be trusted, and why not, most serious first."""
        with self._lock:
            return state_of(self._conditions(snapshot))

    def alerts(self) -> tuple[AlertRow, ...]:
        """Every alert of the session, newest first."""
        delivery = self._delivery
        return tuple(
            _row(one, () if delivery is None else delivery.channels)
            for one in reversed(list(self._log.alerts.values()))
        )

    def case_of(self, alert_id: str) -> dict[str, Any] | None:
        """The case file of an alert, as JSON has it; None where there is none.

        What people said of it since is in it too.
        """
        alert = self._log.alerts.get(alert_id)
        if alert is None:
            return None
        return {
            "alert_id": alert.alert_id,
            "text": alert.text,
            "raised_at": alert.raised_at.isoformat(),
            "worst_share": alert.worst,
            "acknowledged_by": alert.acknowledged_by,
            "acknowledged_at": _iso(alert.acknowledged_at),
            "acknowledge_reason": alert.acknowledge_reason,
            "released_by": alert.released_by,
            "released_at": _iso(alert.released_at),
            "release_reason": alert.release_reason,
            **alert.case,
        }

    def acknowledge(self, alert_id: str, by: str, reason: str) -> None:
        """Note that a person has seen an alert, and what they say of it, if anything.

        Raises:
            UserError: There is no such alert, no name, or the reason is too long.
        """
        acknowledge(self._log, alert_id, by, reason, utc_now())

    def release(self, alert_id: str, by: str, reason: str) -> None:
        """Release a breach.

        Raises:
            UserError: There is no such breach, or a name or reason is missing.
        """
        with self._looking:
            release(self._log, alert_id, by, reason, utc_now())

    # ------------------------------------------------------------------ what it does

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look(oldest=_OLDEST_SECONDS)
                self._problem = None
            except Exception as error:
                # A watch that ends is worse than one that says what it cannot do.
                _logger.exception("the watch failed to look")
                self._problem = str(error) or type(error).__name__
            if self._stopping.wait(_PACE_SECONDS):
                return
            # Figures that were at hand may be without the fill that woke us.
            if self._snapshot.sequence == self._session.sequence:
                self._subscription.wait(LOOK_SECONDS)

    def _crowding(self, snapshot: Snapshot, oldest: float) -> list[Condition]:
        """Read from every position of the desk, which takes longer than a look."""
        now = self._clock()
        if now - self._crowding_at >= oldest:
            self._crowding_at = now
            self._crowded = list(
                crowding_conditions(
                    snapshot.scopes.get(DESK), self._session.exposures_by_side()
                )
            )
        return self._crowded

    def _case(self, scope: Scope | None) -> dict[str, Any]:
        return case_file(self._snapshot, self._session, scope)

    def _is_near_close(self, now: datetime) -> bool:
        return self._closes_at is None or now >= self._closes_at - _BEFORE_CLOSE

    def _limit_use(
        self, use: Use, scope: Scope, figures: ScopeFigures, is_near: bool
    ) -> LimitUse:
        limit = use.limit
        return LimitUse(
            rule=limit.rule,
            limit=limit.limit_value,
            used=use.used,
            used_share=use.used_share,
            counts_now=_is_due(use, is_near),
            level=self._alerts.level(scope, limit.rule),
            latch=self._alerts.latch(scope, limit.rule),
            unknown=use.unknown,
            command=_command(limit.rule, scope[0], figures.account_ids[:1]),
        )

    def _usual_of(self, trader: str, figures: ScopeFigures, bucket: int) -> Usual:
        quantity = figures.quantity
        key = bucket, figures.trades_count, figures.fills_count, quantity
        kept = self._usual.get(trader)
        if kept is None or kept[0] != key:
            made = self._baselines.usual(trader, *key[:3], float(quantity))
            kept = self._usual[trader] = key, made
        return kept[1]

    def _chance_of(
        self, trader: str, figures: ScopeFigures, uses: Sequence[Use], bucket: int
    ) -> Chance:
        use = next((one for one in uses if one.limit.rule == _CHANCE_RULE), None)
        if use is None or use.limit.limit_value <= 0:
            return Chance(reason="unknown: no limit on the day's loss")
        limit = use.limit.limit_value
        net, trough = figures.net_pnl, figures.trough_net_pnl
        has_begun = figures.fills_count > 0
        key = limit, net, trough, bucket, has_begun, self._chances.test
        kept = self._chance.get(trader)
        if kept is None or kept[0] != key:
            made = self._chances.of(
                trader,
                float(limit),
                _float(net),
                _float(trough),
                bucket,
                has_begun=has_begun,
            )
            kept = self._chance[trader] = key, made
        return kept[1]

    def _conditions(self, snapshot: Snapshot) -> list[Condition]:
        now = snapshot.taken_at
        is_open = bool(
            self._opens_at
            and self._closes_at
            and self._opens_at <= now < self._closes_at
        )
        found = list(
            feed_conditions(snapshot, self._unheard(snapshot), is_open=is_open)
        )
        if self._limits_problem:
            found.append(
                Condition("limits_missing", "file", "warning", self._limits_problem)
            )
        elif not self._limits:
            found.append(
                Condition(
                    "limits_missing",
                    "none",
                    "warning",
                    "No limit is in force for anybody: nothing alerts before it is too "
                    "late. Write limits.csv.",
                )
            )
        if self._past_problem:
            found.append(
                Condition("past_alerts", "desk", "warning", self._past_problem)
            )
        if self._log.damage:
            found.append(
                Condition(
                    "alerts_damaged",
                    "file",
                    "warning",
                    f"{self._log.path} is damaged ({self._log.damage}): what cannot be "
                    "read may alert once more, and a breach whose release cannot be "
                    "read is red until it is released again (make release-breach).",
                )
            )
        if self._log.problem:
            found.append(
                Condition(
                    "alerts_unwritten",
                    "disk",
                    "critical",
                    f"Alerts cannot be kept in {self._log.path} ({self._log.problem}): "
                    "they hold until this process ends. Free disk space.",
                )
            )
        if self._delivery is not None:
            found += [
                Condition("undelivered", channel, "warning", problem)
                for channel, problem in sorted(self._delivery.problems.items())
            ]
        if self._problem or (
            self._thread.is_alive() and self._clock() - self._looked_at > STUCK_SECONDS
        ):
            found.append(
                Condition(
                    "watch",
                    "desk",
                    "critical",
                    f"The watch fails ({self._problem or 'it is stuck'}): no alert can "
                    "be relied on. See logs/, and start the live desk again.",
                )
            )
        return found

    def _unheard(self, snapshot: Snapshot) -> dict[str, float]:
        """How long each source was not heard, by our own clock."""
        now = self._clock()
        for source in snapshot.sources:
            sign = source.last_heard_at, source.reports_count, source.is_connected
            known = self._heard.get(source.name)
            if known is None or known[0] != sign:
                self._heard[source.name] = sign, now
        return {name: now - since for name, (_, since) in self._heard.items()}

    def _lasting(self, conditions: Iterable[Condition]) -> list[Condition]:
        """Those that hold for long enough to alert anybody."""
        now = self._clock()
        found, held = [], {}
        for one in conditions:
            if one.kind in _GRACED:
                key = f"{one.kind}|{one.subject}"
                held[key] = self._held_since.get(key, now)
                if now - held[key] < GRACE_SECONDS:
                    continue
            found.append(one)
        self._held_since = held
        return found


def _by_scope(limits: Iterable[LimitInForce]) -> dict[Scope, list[LimitInForce]]:
    found: dict[Scope, list[LimitInForce]] = {}
    for one in limits:
        found.setdefault((one.scope_type, one.scope_name), []).append(one)
    return found


def _hours(session_date: date) -> tuple[datetime | None, datetime | None]:
    rows = sessions_table(session_date, session_date).to_pylist()
    if not rows:
        return None, None
    begin, end = (
        rows[0][name].replace(tzinfo=EASTERN).astimezone(UTC)
        for name in ("opens_at_et", "closes_at_et")
    )
    return begin, end


def _is_due(use: Use, is_near_close: bool) -> bool:
    """Whether it is held against now, or only against what is there at the close."""
    return is_near_close or use.limit.rule not in AT_CLOSE


# Names of a platform for what a rule limits.
_PLATFORM_LIMITS = {
    "daily_loss": "max_loss",
    "drawdown": "max_drawdown",
    "gross_exposure": "max_gross",
    "position": "max_position_shares",
}


# Asked with each look at each limit, and always the same.
@lru_cache(maxsize=2**14)
def _command(rule: str, scope_type: str, account_ids: tuple[str, ...]) -> str | None:
    """How a person proposes a platform's limit; a second one approves it."""
    kind = _PLATFORM_LIMITS.get(rule)
    if kind is None or scope_type not in ("account", "trader") or not account_ids:
        return None
    return (
        f"make amend-limits ACCOUNT={account_ids[0]} LIMIT={kind} "
        "VALUE= SESSION= NAME= REASON="
    )


def _row(alert: Alert, channels: Sequence[str]) -> AlertRow:
    waiting = [one for one in channels if one not in alert.sent]
    told = [f"sent by {one}" for one in channels if one in alert.sent]
    told += [f"waits for {one}" for one in waiting]
    return AlertRow(
        alert_id=alert.alert_id,
        kind=alert.kind,
        severity=alert.severity,
        level=alert.level,
        scope=alert.scope,
        rule=alert.rule,
        text=alert.text,
        raised_at=alert.raised_at,
        is_over=alert.is_over,
        is_latched=alert.is_latched,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_at=alert.acknowledged_at,
        acknowledge_reason=alert.acknowledge_reason,
        released_by=alert.released_by,
        released_at=alert.released_at,
        release_reason=alert.release_reason,
        has_case=bool(alert.case),
        delivery=", ".join(told) or None,
    )


def _float(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
