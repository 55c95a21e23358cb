"""What trading platforms take, a module for each format.

Each has `FORMAT`, a `Format`: what it takes, and how a file of it is written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from runtime.settings import Settings


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


@dataclass(frozen=True)
class Wanted:
    """What is asked of a format.

    Attributes:
        limits: What is in force, by account and limit.
        sent: Ids that the platform's files of earlier sessions have held.
        lately: Those of its last file of this session, which this one replaces.
        ibkr_rules: By limit, its rule type and parameter at Interactive Brokers.
    """

    session: date
    limits: Sequence[LimitInForce]
    sent: frozenset[str]
    lately: frozenset[str]
    ibkr_rules: Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class File:
    """A file for a platform.

    Attributes:
        content: Empty where the platform has it all by now.
        ids: Of the limits that it holds, or that the platform has by now.
        note: What a person has to do beside, in a sentence; empty if nothing.
    """

    content: bytes
    ids: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Format:
    """A platform.

    Attributes:
        extension: Of its file.
        write: Writes a file; raises a UserError where the platform would refuse it.
        send: Sends a file and reads back what came of it, in a sentence; raises a
            UserError where anything is not so. None where a person takes the file.
    """

    extension: str
    write: Callable[[Wanted], File]
    send: Callable[[Settings, bytes], str] | None = None
