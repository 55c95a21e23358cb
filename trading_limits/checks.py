"""What platforms have, held against what is approved: read back, in a file, by eye."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from runtime.home import Home
from runtime.settings import Settings
from trading_limits.keys import Person
from trading_limits.ledger import CHECKED, Entry, Ledger, LedgerError
from trading_limits.platforms import Found, Key, LimitInForce
from trading_limits.rows import WARNING, LimitRow, amount
from trading_limits.state import (
    ACKNOWLEDGED,
    DRIFTED,
    NOT_SENT,
    PENDING,
    READ_BACK,
    SENT,
    AtPlatform,
    State,
    replay,
)

NO_PLATFORM = "any platform"


@dataclass(frozen=True)
class Comparison:
    """One limit that is in force, and what is known of it at one platform.

    Attributes:
        platform: `NO_PLATFORM` where nothing was ever exported anywhere.
        limit: One of `LIMITS`, or `WARNING`.
        ours: What is approved and in force.
        there: What is known of it there.
    """

    platform: str
    account_id: str
    trader_id: str
    limit: str
    ours: Decimal
    there: AtPlatform

    @property
    def status(self) -> str:
        """`NOT_SENT`, `SENT`, `ACKNOWLEDGED`, `READ_BACK` or `DRIFTED`."""
        return self.there.status(self.ours)

    @property
    def theirs(self) -> str:
        """What stands there, for people."""
        return "nothing" if self.there.seen is None else f"{self.there.seen:,f}"

    def __str__(self) -> str:
        """Of a drift, who, which, ours and theirs."""
        return (
            f"{self.account_id} {self.limit}: ours {self.ours:,f}, theirs {self.theirs}"
        )


def limits_in_force(state: State, session: date) -> list[LimitInForce]:
    """Everything approved that is in force in a session, accounts in order."""
    found = sorted(state.in_force(session).items(), key=lambda item: item[0])
    return [_in_force(row, value, session) for _, (row, value) in found]


def compare(
    state: State, session: date, platforms: Iterable[str] = ()
) -> list[Comparison]:
    """Everything in force in a session against every platform.

    Args:
        platforms: Those that the desk keeps up to date; left out: all that were ever
            exported to.
    """
    limits = limits_in_force(state, session)
    named = sorted(platforms) or sorted(state.platforms) or [NO_PLATFORM]
    found = []
    for platform in named:
        there = state.platforms.get(platform, {})
        left = state.not_taken.get(platform, frozenset({WARNING}))
        for one in limits:
            ours = {one.limit: one.value}
            if one.warning is not None:
                ours[WARNING] = one.warning
            found += [
                Comparison(
                    platform, one.account_id, one.trader_id, limit, value,
                    there.get((one.account_id, limit), AtPlatform()),
                )
                for limit, value in ours.items()
                if limit not in left
            ]  # fmt: skip
    return found


def drifted(found: Iterable[Comparison]) -> list[Comparison]:
    """Those that were sent and stand there as something else."""
    return [one for one in found if one.status == DRIFTED]


def not_sent(found: Iterable[Comparison]) -> list[Comparison]:
    """Those that are approved, and were not exported as they are."""
    return [one for one in found if one.status == NOT_SENT]


def news(settings: Settings, home: Home, session: date) -> list[str]:
    """What is to be said of limits, for people; nothing where there is no ledger.

    Args:
        session: The next one.
    """
    try:
        entries = Ledger(home).entries()
        if not entries:
            return []
        state = replay(entries)
    except LedgerError as error:
        return [f"! {error}"]
    found = compare(state, session, settings.limits_platforms)
    lines = [f"! drifted at {one.platform}: {one}" for one in drifted(found)]
    rows = state.sets.get(session, {}).values()
    if waiting := sum(one.status == PENDING for one in rows):
        lines.append(f"{waiting} wait for approval for {session}: make approve-limits")
    for platform, count in Counter(one.platform for one in not_sent(found)).items():
        where = "" if platform == NO_PLATFORM else platform
        lines.append(
            f"{count} approved and not exported to {platform}: make limits, make "
            f"export-limits PLATFORM={where}"
        )
    unconfirmed = [one.platform for one in found if one.status in (SENT, ACKNOWLEDGED)]
    for platform, count in Counter(unconfirmed).items():
        lines.append(f"{count} exported to {platform} and not read back")
    confirmed = sum(one.status == READ_BACK for one in found)
    return lines or [f"{confirmed} in force on {session}, all of them read back"]


def record_check(
    ledger: Ledger,
    entries: list[Entry],
    session: date,
    platform: str,
    how: str,
    found: Found,
    acknowledged: Iterable[Key] = (),
    *,
    by: Person | None = None,
    reason: str | None = None,
) -> None:
    """Write what was found at a platform; with the ledger locked.

    What the last look since the last file has said already is not written again.
    """
    body = {
        "platform": platform,
        "how": how,
        "found": sorted(
            [*key, None if value is None else amount(value)]
            for key, value in found.items()
        ),
        "acknowledged": sorted([*key] for key in acknowledged),
    }
    for entry in reversed(entries):
        if entry.body.get("platform") != platform:
            continue
        is_same = entry.kind == CHECKED and entry.session == f"{session}"
        if is_same and entry.body == body and by is None:
            return
        break
    ledger.append(entries, CHECKED, body, session=f"{session}", by=by, reason=reason)


def _in_force(row: LimitRow, value: Decimal, session: date) -> LimitInForce:
    is_over = row.expires_session is not None and session > row.expires_session
    warning = row.warning_loss
    if is_over and warning is not None:
        warning = (warning / row.value * value).quantize(Decimal("0.01"))
    return LimitInForce(
        id=f"{row.content_sha256[:12]}{'-after' if is_over else ''}",
        account_id=row.account_id,
        trader_id=row.trader_id,
        limit=row.limit,
        value=value,
        warning=warning,
        currency=row.currency,
        until=None if is_over else row.expires_session,
        approved_by=str(row.approved_by),
        reason=row.reason,
    )
