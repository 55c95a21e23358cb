"""What trading platforms take, a module for each format.

Each has `FORMAT`, a `Format`: what it takes, how a file of it is written, and how what
stands at the platform is read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from runtime.settings import Settings

Key = tuple[str, str]
"""An account, and which of its limits."""
Found = dict[Key, Decimal | None]
"""What stands at a platform; None where nothing does. What is missing is not known."""


@dataclass(frozen=True)
class LimitInForce:
    """An approved limit, as it is in force in a session.

    Attributes:
        id: Names it for ever: the same limit has it in every session.
        until: Last session of a temporary one; None if it lasts until changed.
        warning: From which loss on to warn; None of all but `max_loss`.
    """

    id: str
    account_id: str
    trader_id: str
    limit: str
    value: Decimal
    warning: Decimal | None
    currency: str
    until: date | None
    approved_by: str
    reason: str

    @property
    def key(self) -> Key:
        """The account and the limit."""
        return self.account_id, self.limit


@dataclass(frozen=True)
class Wanted:
    """What is asked of a format.

    Attributes:
        limits: What is in force, by account and limit.
        sent: Ids that the platform's files of earlier sessions have held.
        lately: Those of its last file of this session, which this one replaces.
        ibkr_rules: By limit, its rule type and parameter at Interactive Brokers.
        fix_limits: By limit, its RiskLimitType and RiskLimitAction over FIX; the action
            is None where none is sent.
        standing: What stood at the platform when it was last looked at.
        is_sample: Whether the desk is synthetic, which every page says.
    """

    session: date
    limits: Sequence[LimitInForce]
    sent: frozenset[str]
    lately: frozenset[str]
    ibkr_rules: Mapping[str, tuple[str, str]]
    fix_limits: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    standing: Mapping[Key, Decimal | None] = field(default_factory=dict)
    is_sample: bool = False


@dataclass(frozen=True)
class File:
    """A file for a platform.

    Attributes:
        content: Empty where the platform has it all by now.
        ids: Of the limits that it holds, or that the platform has by now.
        note: What a person has to do beside, in a sentence; empty if nothing.
        page: The same to be printed, as HTML; None where there is none.
    """

    content: bytes
    ids: tuple[str, ...]
    note: str = ""
    page: bytes | None = None


@dataclass(frozen=True)
class Sent:
    """What came of sending a file.

    Attributes:
        found: What was read back.
        acknowledged: What the platform said it took, and may not have been read back.
        message: A sentence for people.
        problem: Why not all is as approved, in a sentence; empty if it is.
    """

    found: Found
    acknowledged: frozenset[Key]
    message: str
    problem: str = ""


@dataclass(frozen=True)
class Format:
    """A platform.

    Attributes:
        extension: Of its file.
        write: Writes a file; raises a UserError where the platform would refuse it.
        parse: What a file of this format says, one that was written here or that the
            platform gave; raises a UserError where it is none.
        send: Sends a file and reads back what came of it; raises a UserError where
            nothing was sent. None where a person takes the file.
        read: What stands at the platform of that which a file holds; raises a UserError
            where it does not answer. None where nobody can ask it.
        has_warnings: Whether its files hold from which loss on to warn, and what stands
            there can be compared.
    """

    extension: str
    write: Callable[[Wanted], File]
    parse: Callable[[bytes], Found]
    send: Callable[[Settings, bytes], Sent] | None = None
    read: Callable[[Settings, bytes], Found] | None = None
    has_warnings: bool = False
