"""Which alerts are raised, and which are over: levels of limits, and conditions.

A level of a limit alerts once; it may again only after the use has fallen under the
level below (hysteresis). A breach latches: it stays, whatever the P&L does then, until
a person releases it with a reason; a loss that comes back before that is the same
breach. A condition, such as a silent feed, alerts once and again only after it has been
over for a while. What is decided follows from the log and the figures alone: a process
that is killed at any moment and started again decides the same, and gives the same ids.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from live.alert_log import CHANNELS, Alert, AlertLog, Severity
from live.figures import Scope
from live.limit_uses import Use
from live.screen import LEVELS, Latch
from reports.words import dollars
from runtime.errors import UserError

# A level alerts again once the use was under the one below it.
_REARMED_UNDER = dict(
    zip(LEVELS, (0.25, *(level / 100 for level in LEVELS)), strict=False)
)
_LOWEST = LEVELS[0] / 100
# A condition that comes and goes within it is one.
SETTLED_AFTER = timedelta(minutes=2)
BREACH = LEVELS[-1]
# Begins the key of a breach of an earlier session.
CARRIED = "carried|"
_SEVERITY: dict[int, Severity] = {
    50: "info",
    75: "warning",
    90: "warning",
    100: "critical",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """Something of the day that alerts, apart from limits.

    Attributes:
        kind: feed_silent, gap, unknown_account, tilt, crowding, …
        subject: Of what; the same kind and subject are the same condition.
        text: One sentence.
        scope: Of whom, where it is a trader's.
    """

    kind: str
    subject: str
    severity: Severity
    text: str
    scope: Scope | None = None


class Alerts:
    """Decides on alerts of one session.

    Args:
        case_of: Figures, last fills and positions of a scope, as of now.
    """

    def __init__(
        self,
        log: AlertLog,
        session_date: date,
        case_of: Callable[[Scope | None], dict[str, Any]],
    ) -> None:
        self.log = log
        self._session_date = session_date
        self._case_of = case_of
        self._gone_since: dict[str, datetime] = {}
        # The most of each limit that any look so far has seen used.
        self._seen: dict[tuple[Scope, str], float] = {}
        # Of each limit the alerts of its levels, the latest of a level last.
        self._by_limit: dict[tuple[Scope, str], dict[int, Alert]] = {}
        self._by_key: dict[str, Alert] = {}
        # Breaches of earlier sessions that nobody has released.
        self._carried: dict[tuple[Scope, str], Alert] = {}
        self._ordinals: Counter[str] = Counter()
        self._indexed = 0
        # Of the log, up to which `level` and `latch` know every alert.
        self.version = 0
        # Of each limit the use that was decided on last, and by which log.
        self._decided: dict[tuple[Scope, str], Use] = {}
        self._decided_by: int | None = None
        self._index()

    def look(
        self, uses: Iterable[Use], conditions: Iterable[Condition], now: datetime
    ) -> list[Alert]:
        """Raise what is new, end what is over; the alerts that were raised."""
        self.log.refresh()
        self._index()
        before = len(self.log.alerts)
        if self._decided_by != self.log.version:
            self._decided_by = self.log.version
            self._decided.clear()
        events = []
        for use in uses:
            limit = use.scope, use.limit.rule
            if self._decided.get(limit) is not use:
                events += self._limit_events(use, limit, now)
        events += self._condition_events(list(conditions), now)
        self.log.append(events)
        if not events:
            self.log.flush()
        self._index()
        return list(self.log.alerts.values())[before:]

    def level(self, scope: Scope, rule: str) -> int:
        """The highest level of a limit that holds; 0 below them."""
        found = self._by_limit.get((scope, rule))
        if not found:
            return 0
        return max(
            (level for level, one in found.items() if not one.is_over), default=0
        )

    def latch(self, scope: Scope, rule: str) -> Latch | None:
        """The breach of a limit that nobody has released."""
        for alert in (
            self._carried.get((scope, rule)),
            self._by_limit.get((scope, rule), {}).get(BREACH),
        ):
            if alert is not None and alert.is_latched:
                return Latch(alert.alert_id, rule, alert.raised_at)
        return None

    def _index(self) -> None:
        version, alerts = self.log.version, list(self.log.alerts.values())
        for alert in alerts[self._indexed :]:
            self._ordinals[alert.key] += 1
            self._by_key[alert.key] = alert
            if alert.kind != "limit" or not alert.scope or not alert.rule:
                continue
            if alert.key.startswith(CARRIED):
                self._carried[alert.scope, alert.rule] = alert
            else:
                limit = alert.scope, alert.rule
                # Another one each time: somebody may be reading the one before.
                known = self._by_limit.get(limit, {})
                self._by_limit[limit] = {**known, alert.level: alert}
        self._indexed = len(alerts)
        self.version = version

    # ------------------------------------------------------------------- limits

    def _limit_events(
        self, use: Use, limit: tuple[Scope, str], now: datetime
    ) -> list[dict[str, Any]]:
        share, worst = use.used_share, use.worst_share
        if share is None or worst is None:
            return []
        self._decided[limit] = use
        known, seen = self._by_limit.get(limit), self._seen.get(limit, 0.0)
        self._seen[limit] = max(seen, worst)
        if known is None:
            # Most limits were never used so far.
            if share < _LOWEST and worst < _LOWEST:
                return []
            known = {}
        kept = max((one.worst or 0.0 for one in known.values()), default=0.0)
        seen = max(kept, seen)
        # A loss that came and went between two looks was one.
        reached = max(share, worst if worst > seen else 0.0)
        events = []
        for level in LEVELS:
            alert = known.get(level)
            is_reached = reached > 1.0 if level == BREACH else reached >= level / 100
            if is_reached and (alert is None or alert.is_over):
                if alert is None or not alert.is_latched:
                    events.append(self._raised_level(use, level, worst, now))
                else:
                    # Alerted already; how deep it went must outlive this process.
                    events.append(_moved(alert, "again", worst, now))
            elif (
                alert is not None
                and not alert.is_over
                and share < _REARMED_UNDER[level]
            ):
                events.append(_moved(alert, "over", worst, now))
        return events

    def _raised_level(
        self, use: Use, level: int, worst: float, now: datetime
    ) -> dict[str, Any]:
        kind, name = use.scope
        key = f"limit|{kind}|{name}|{use.limit.rule}|{level}"
        return self._raised(
            key,
            kind="limit",
            severity=_SEVERITY[level],
            level=level,
            scope=use.scope,
            rule=use.limit.rule,
            text=_limit_text(use, level),
            now=now,
            worst=worst,
        )

    # --------------------------------------------------------------- conditions

    def _condition_events(
        self, conditions: list[Condition], now: datetime
    ) -> list[dict[str, Any]]:
        events = []
        holding = set()
        for one in conditions:
            key = f"{one.kind}|{one.subject}"
            if key in holding:
                continue
            holding.add(key)
            self._gone_since.pop(key, None)
            alert = self._by_key.get(key)
            if alert is None or alert.is_over:
                events.append(
                    self._raised(
                        key,
                        kind=one.kind,
                        severity=one.severity,
                        level=0,
                        scope=one.scope,
                        rule=None,
                        text=one.text,
                        now=now,
                    )
                )
        for key, alert in self._by_key.items():
            if alert.kind == "limit" or alert.is_over or key in holding:
                continue
            gone = self._gone_since.setdefault(key, now)
            if now - gone >= SETTLED_AFTER:
                del self._gone_since[key]
                events.append(
                    {"event": "over", "at": now.isoformat(), "alert_id": alert.alert_id}
                )
        return events

    def _raised(
        self,
        key: str,
        *,
        kind: str,
        severity: Severity,
        level: int,
        scope: Scope | None,
        rule: str | None,
        text: str,
        now: datetime,
        worst: float | None = None,
    ) -> dict[str, Any]:
        return {
            "event": "raised",
            "at": now.isoformat(),
            "alert_id": _alert_id(self._session_date, kind, key, self._ordinals[key]),
            "key": key,
            "kind": kind,
            "severity": severity,
            "level": level,
            "scope": scope,
            "rule": rule,
            "text": text,
            "worst": worst,
            "case": self._case_of(scope),
        }


def _moved(alert: Alert, event: str, worst: float, now: datetime) -> dict[str, Any]:
    return {
        "event": event,
        "at": now.isoformat(),
        "alert_id": alert.alert_id,
        "worst": worst,
    }


def _alert_id(session_date: date, kind: str, key: str, ordinal: int) -> str:
    """A file's name of letters, whatever a trader's name."""
    made_of = f"{session_date}|{key}|{ordinal}".encode("utf-8", "backslashreplace")
    return f"{session_date}-{kind}-{hashlib.sha256(made_of).hexdigest()[:12]}"


def carry_latches(log: AlertLog, past: Iterable[Alert]) -> None:
    """Bring breaches that nobody has released into the log of a new session.

    They are shown there until somebody releases them, and are not sent once more.
    """
    events: list[dict[str, Any]] = []
    for one in past:
        if not one.is_latched or one.alert_id in log.alerts:
            continue
        text, key = one.text, one.key
        if not key.startswith(CARRIED):
            text = f"Not released since {one.raised_at:%Y-%m-%d}: {text}"
            key = CARRIED + key
        told = {"at": one.raised_at.isoformat(), "alert_ids": [one.alert_id]}
        events += [
            {
                "event": "raised",
                "at": one.raised_at.isoformat(),
                "alert_id": one.alert_id,
                "key": key,
                "kind": one.kind,
                "severity": one.severity,
                "level": one.level,
                "scope": one.scope,
                "rule": one.rule,
                "text": text,
                "worst": None,
                "case": one.case,
            },
            told | {"event": "batched", "batch": one.alert_id},
            *(told | {"event": "sent", "channel": name} for name in sorted(CHANNELS)),
        ]
    log.append(events)


def acknowledge(
    log: AlertLog, alert_id: str, by: str, reason: str, now: datetime
) -> Alert:
    """Note who has seen an alert, and what they say of it; the first one stays.

    Args:
        reason: May be empty.

    Raises:
        UserError: There is no such alert, no name, or the reason is too long.
    """
    alert = _alert_of(log, alert_id)
    by = _words(by, "NAME", "who acknowledges it")
    if reason:
        reason = _words(reason, "REASON", "what is known of it")
    if alert.acknowledged_at is None:
        log.append(
            [
                {
                    "event": "acknowledged",
                    "at": now.isoformat(),
                    "alert_id": alert_id,
                    "by": by,
                    "reason": reason or None,
                }
            ]
        )
    return alert


def release(log: AlertLog, alert_id: str, by: str, reason: str, now: datetime) -> Alert:
    """Release a breach: the limit is watched anew from here on.

    Raises:
        UserError: There is no such breach, it was released before, or a name or reason
            is missing.
    """
    alert = _alert_of(log, alert_id)
    if alert.kind != "limit" or alert.level != BREACH:
        raise UserError(f"{alert_id} is no breach: only a breach is released.")
    if alert.released_at is not None:
        raise UserError(
            f"{alert_id} was released by {alert.released_by} at {alert.released_at}."
        )
    by = _words(by, "NAME", "who releases it")
    reason = _words(reason, "REASON", "why the trader may trade")
    log.append(
        [
            {
                "event": "released",
                "at": now.isoformat(),
                "alert_id": alert_id,
                "by": by,
                "reason": reason,
            }
        ]
    )
    return alert


_LONGEST = 500


def _words(text: str, name: str, meaning: str) -> str:
    text = " ".join(text.split())
    if not text or len(text) > _LONGEST or not text.isprintable():
        raise UserError(f"{name}= must say {meaning}, in up to {_LONGEST} letters.")
    return text


def _alert_of(log: AlertLog, alert_id: str) -> Alert:
    log.refresh()
    alert = log.alerts.get(alert_id)
    if alert is None:
        raise UserError(
            f"There is no alert {alert_id[:100]!r} in {log.path}. The page and "
            "the mail name its id."
        )
    return alert


RULE_WORDS = {
    "daily_loss": "daily loss",
    "weekly_loss": "weekly loss",
    "monthly_loss": "monthly loss",
    "drawdown": "drawdown",
    "losing_streak": "losing days in a row",
    "position": "largest position",
    "gross_exposure": "gross exposure",
    "net_exposure": "net exposure",
    "overnight_exposure": "exposure at the close",
    "trades": "trades",
}
_COUNTED = ("losing_streak", "position", "trades")
_SCOPE_WORDS = {
    "account": "Account",
    "trader": "Trader",
    "trader_group": "Group",
    "strategy": "Strategy",
    "desk": "The",
}


def scope_said(scope: Scope) -> str:
    """A scope for people."""
    return f"{_SCOPE_WORDS[scope[0]]} {scope[1]}"


def _limit_text(use: Use, level: int) -> str:
    rule = use.limit.rule

    def amount(value: Decimal | None) -> str:
        if value is None:
            return "unknown"
        return f"{value:,.0f}" if rule in _COUNTED else dollars(value)

    what = RULE_WORDS.get(rule, rule)
    if level == BREACH:
        text = (
            f"{scope_said(use.scope)} has breached the limit on {what}: "
            f"{amount(use.worst)} of {amount(use.limit.limit_value)}, now "
            f"{amount(use.used)}. It holds until a person releases it."
        )
    else:
        text = (
            f"{scope_said(use.scope)} has used {level} % of the limit on {what}: "
            f"{amount(use.worst)} of {amount(use.limit.limit_value)}, now "
            f"{amount(use.used)}."
        )
    if use.unknown:
        text += f" At least: {use.unknown} not known."
    return text
