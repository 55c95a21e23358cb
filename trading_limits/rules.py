"""What is proposed from the facts, and what nobody may set. Nothing is read here.

The rules tighten, or set a limit where there is none. Only a person loosens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal

from runtime.errors import UserError
from trading_limits.rows import IN_SHARES, OFFICIAL, TEMPORARY, amount

# How long a limit is tighter after a breach, sessions.
TEMPORARY_SESSIONS = 5
# A limit so many times the trader's 1-in-20 is far from anything that happens ...
FAR_RATIO = Decimal("1.5")
# ... if so many days bear it out.
FAR_DAYS = 60
_STEP = Decimal(10)


@dataclass(frozen=True)
class Bound:
    """What the desk lets a limit be.

    Attributes:
        floor, ceiling: The least and the most.
        largest_change: Largest change from one session to the next, as a share.
    """

    floor: Decimal
    ceiling: Decimal
    largest_change: Decimal

    def problem(self, value: Decimal, before: Decimal | None) -> str | None:
        """Why nobody may set a value; None if it may be set.

        Args:
            before: What the session before ended with; None where nothing was.
        """
        if value > self.ceiling:
            return f"{amount(value)} is beyond the ceiling of {amount(self.ceiling)}"
        if value < self.floor:
            return f"{amount(value)} is below the floor of {amount(self.floor)}"
        if before is not None and abs(value - before) > before * self.largest_change:
            return (
                f"{amount(before)} to {amount(value)} is more than the largest change "
                f"a day, {amount(self.largest_change * 100)} %"
            )
        return None


@dataclass(frozen=True)
class Effect:
    """What a stop at a limit would have done to a trader.

    Attributes:
        mean: Of a trader day, dollars.
        low, high: Its 90 % interval; None where too few days are known.
    """

    mean: Decimal
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True)
class Breach:
    """The last breach of a trader's daily loss limit."""

    trade_date: date
    limit_value: Decimal
    worst_loss: Decimal


@dataclass(frozen=True)
class TraderFacts:
    """What is known of the trader of an account.

    Attributes:
        one_in_twenty, usual_days: Limits that the trader's own days propose; None
            where they are not known.
        days_count, beyond_count: Days looked back on, and those beyond the limit.
        breach: The last one of the last sessions; None if there was none.
    """

    one_in_twenty: Decimal | None
    usual_days: Decimal | None
    days_count: int
    beyond_count: int
    breach: Breach | None


@dataclass(frozen=True)
class Standing:
    """A limit in force: its value, and since when and until when if temporary."""

    value: Decimal
    since: date | None = None
    is_temporary: bool = False


@dataclass(frozen=True)
class Change:
    """What is proposed of one limit.

    Attributes:
        reverts_to: Of a temporary one.
    """

    limit_type: str
    value: Decimal
    reason: str
    reverts_to: Decimal | None


def propose_max_loss(
    facts: TraderFacts, standing: Standing | None, bound: Bound
) -> Change | None:
    """The next session's daily loss limit, if another than that in force.

    Args:
        standing: In force; None where nobody has set one.
    """
    found = (
        _first(facts)
        if standing is None
        else _after_breach(facts, standing, bound) or _far(facts, standing, bound)
    )
    if found is None:
        return None
    limit_type, wanted, fact = found
    least, most = bound.floor, bound.ceiling
    if standing is not None:
        least = max(least, standing.value * (1 - bound.largest_change))
        most = min(most, standing.value)
    value = min(max(wanted, _up(least)), most)
    before = standing.value if standing else None
    # A limit outside of the desk's bounds is a person's to bring back.
    if bound.problem(value, before) or (before is not None and value >= before):
        return None
    return Change(limit_type, value, fact, before if limit_type == TEMPORARY else None)


def evidence(value: Decimal, effect: Effect | None) -> str:
    """What a stop at this value would have done, in words."""
    if effect is None or effect.low is None or effect.high is None:
        return (
            f"What a stop at {_dollars(value)} would have done is not known: too few "
            "days."
        )
    verdict = "" if effect.low > 0 else ", no significant improvement"
    return (
        f"A stop at {_dollars(value)} would have changed the mean day by "
        f"{effect.mean:+,.2f} dollars (90 % interval {effect.low:+,.2f} to "
        f"{effect.high:+,.2f}{verdict})."
    )


def check_person(
    limit: str, value: Decimal, before: Decimal | None, bounds: Mapping[str, Bound]
) -> None:
    """Let nobody set what the desk does not allow.

    Raises:
        UserError: It is no such limit, or out of bounds.
    """
    if limit not in bounds:
        raise UserError(
            f"limit_bounds.csv of the desk says nothing of {limit}. Add a line: "
            f"{limit},<floor>,<ceiling>,<largest_change_share>,"
        )
    if limit in IN_SHARES and value != value.to_integral_value():
        raise UserError(f"{limit} is in whole units, not {amount(value)}.")
    if problem := bounds[limit].problem(value, before):
        raise UserError(
            f"{limit}: {problem} (limit_bounds.csv of the desk). Choose another value."
        )


def _first(facts: TraderFacts) -> tuple[str, Decimal, str] | None:
    if facts.one_in_twenty is not None:
        return OFFICIAL, facts.one_in_twenty, (
            "No daily loss limit is set. One traded day in twenty loses more than "
            f"{_dollars(facts.one_in_twenty)} (forecast)."
        )  # fmt: skip
    if facts.usual_days is not None:
        return OFFICIAL, facts.usual_days, (
            f"No daily loss limit is set. {_dollars(facts.usual_days)} is a multiple "
            f"of the usual day ({facts.days_count} days are known)."
        )  # fmt: skip
    return None


def _after_breach(
    facts: TraderFacts, standing: Standing, bound: Bound
) -> tuple[str, Decimal, str] | None:
    breach = facts.breach
    # One breach tightens once, however long it is looked back on.
    if breach is None or (standing.since and breach.trade_date < standing.since):
        return None
    if standing.is_temporary:
        # What it reverts to must stay what it was before the first one.
        return None
    return TEMPORARY, _up(standing.value * (1 - bound.largest_change)), (
        f"Lost up to {_dollars(breach.worst_loss)} on {breach.trade_date}, beyond the "
        f"limit of {_dollars(breach.limit_value)}."
    )  # fmt: skip


def _far(
    facts: TraderFacts, standing: Standing, bound: Bound
) -> tuple[str, Decimal, str] | None:
    usual = facts.one_in_twenty
    if usual is None or facts.days_count < FAR_DAYS or facts.beyond_count:
        return None
    if standing.is_temporary or standing.value <= usual * FAR_RATIO:
        return None
    return OFFICIAL, max(usual, _up(standing.value * (1 - bound.largest_change))), (
        f"No loss of the last {facts.days_count} days was beyond the limit of "
        f"{_dollars(standing.value)}; one traded day in twenty loses more than "
        f"{_dollars(usual)} (forecast)."
    )  # fmt: skip


def _up(value: Decimal) -> Decimal:
    """To the next ten dollars: never more than was allowed."""
    return (value / _STEP).to_integral_value(ROUND_CEILING) * _STEP


def _dollars(value: Decimal) -> str:
    return f"${value:,.0f}"
