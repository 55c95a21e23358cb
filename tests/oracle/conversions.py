"""Spin-offs, mergers and new symbols that convert lots one by one, walked lot by lot.

Written from the rule, not from the SQL: each lot of the old symbol becomes its new
shares; the queue of the new symbol is in the order in which its lots were opened at
first.
"""

from collections import deque
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

_UNIT = Decimal("0.00000001")


@dataclass
class Lot:
    """Units of one fill that are not matched yet; below zero if short."""

    quantity: Decimal
    price: Decimal
    opened: tuple = ()


@dataclass(frozen=True)
class Conversion:
    """A line of the desk; `session` is the first one from its date on.

    Attributes:
        cost_share: Part of the cost that the new shares take over; None if all.
        cash: What an old share is paid besides.
    """

    session: date
    action: str
    symbol: str
    new_symbol: str
    new: int = 1
    old: int = 1
    cash: Decimal | None = None
    cost_share: Decimal | None = None


Lots = MutableMapping[tuple[str, str], deque[Lot]]


def convert(lots: Lots, account: str, action: Conversion) -> Decimal:
    """Convert what an account holds of the old symbol; what the cash realizes."""
    held = list(lots[account, action.symbol])
    if not held:
        return Decimal(0)
    part = Decimal(1) if action.cost_share is None else action.cost_share
    ratio = Decimal(action.new) / Decimal(action.old)
    realized = Decimal(0)
    if action.cash is not None:
        realized = sum(
            (lot.quantity * (action.cash - lot.price * (1 - part)) for lot in held),
            Decimal(0),
        )
    given = [
        Lot(
            (lot.quantity * ratio).quantize(_UNIT),
            (lot.price * part / ratio).quantize(_UNIT),
            lot.opened,
        )
        for lot in held
    ]
    left = [replace(lot, price=lot.price * (1 - part)) for lot in held]
    lots[account, action.symbol] = deque(left if action.action == "spin_off" else ())
    queue: deque[Lot] = deque()
    old_queue = list(lots[account, action.new_symbol])
    for lot in sorted([*old_queue, *given], key=lambda one: one.opened):
        realized += meet(queue, lot)
        if lot.quantity:
            queue.append(lot)
    lots[account, action.new_symbol] = queue
    return realized


def meet(queue: deque[Lot], lot: Lot) -> Decimal:
    """Close lots of the other side, oldest first; what that realizes."""
    realized = Decimal(0)
    while lot.quantity and queue and (queue[0].quantity > 0) != (lot.quantity > 0):
        held = queue[0]
        sign = 1 if lot.quantity > 0 else -1
        quantity = min(abs(held.quantity), abs(lot.quantity))
        realized += sign * quantity * (held.price - lot.price)
        held.quantity += sign * quantity
        lot.quantity -= sign * quantity
        if not held.quantity:
            queue.popleft()
    return realized
