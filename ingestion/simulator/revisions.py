"""What changes on record after it was published: late fills, busts, corrections.

Fills are found by their `propreports_id`, as the firm holds them at that moment; a
revision of what is not there raises `ValueError`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TypedDict, Unpack

from ingestion.simulator.firm import (
    CANCELLED,
    Account,
    Adjustment,
    Fill,
    Firm,
    execution_order,
)

Day = tuple[str, date]


class Changes(TypedDict, total=False):
    """Fields of a `Fill`, those that are not as they were."""

    filled_at: datetime
    account_name: str
    side: str
    quantity: Decimal
    symbol: str
    price: Decimal
    route: str
    liquidity: str
    fees: Mapping[str, Decimal]
    order_id: str
    fill_id: str
    currency: str
    isin: str
    cusip: str
    status: str
    propreports_id: int


@dataclass(frozen=True)
class Revision:
    """A change that shows from a virtual moment on.

    Attributes:
        at: US Eastern, without zone.
        kind: What it is, for the log.
        apply: Makes the changed firm.
        days: (account name, calendar date) of the rows it touches; empty where only the
            firm can tell.
    """

    at: datetime
    kind: str
    apply: Callable[[Firm], Firm]
    days: tuple[Day, ...]


def late_fills(at: datetime, fills: Sequence[Fill]) -> Revision:
    """Fills of past days arrive."""

    def apply(firm: Firm) -> Firm:
        return replace(firm, fills=[*firm.fills, *fills])

    return Revision(at, "late fills", apply, _days(fills))


def bust(at: datetime, fill: Fill, vanishes: bool = False) -> Revision:
    """A fill is cancelled: its row turns CXLD, or is gone."""

    def change(shown: Fill) -> list[Fill]:
        return [] if vanishes else [replace(shown, status=CANCELLED)]

    return Revision(at, "bust", _with_fill(fill, change), _days([fill]))


def correct(at: datetime, fill: Fill, **changes: Unpack[Changes]) -> Revision:
    """A fill is edited in place: price, symbol, quantity or any other field."""

    def change(shown: Fill) -> list[Fill]:
        return [replace(shown, **changes)]

    days = _days([fill, replace(fill, **changes)])
    return Revision(at, "correction", _with_fill(fill, change), days)


def recompute_fees(
    at: datetime, days: Collection[Day], column: str, per_unit: Decimal
) -> Revision:
    """A fee column of all regular fills of some days is computed again.

    Like the vendor's formulas it leaves cancelled fills and journal entries alone.
    """

    def change(fill: Fill) -> Fill:
        if not fill.is_regular or _day(fill) not in days:
            return fill
        return replace(fill, fees={**fill.fees, column: per_unit * fill.quantity})

    def apply(firm: Firm) -> Firm:
        return replace(firm, fills=[change(fill) for fill in firm.fills])

    return Revision(at, "fee recompute", apply, tuple(days))


def reupload(at: datetime, account_name: str, day: date, first_id: int) -> Revision:
    """The rows of a day are deleted and posted again under new row ids."""
    key = (account_name, day)

    def apply(firm: Firm) -> Firm:
        posted = sorted(
            (fill for fill in firm.fills if _day(fill) == key), key=execution_order
        )
        if not posted:
            raise ValueError(f"{account_name} has no fill on {day}.")
        others = [fill for fill in firm.fills if _day(fill) != key]
        again = [
            replace(fill, propreports_id=number)
            for number, fill in enumerate(posted, start=first_id)
        ]
        return replace(firm, fills=[*others, *again])

    return Revision(at, "re-upload", apply, (key,))


def rename_account(at: datetime, old: str, new: str) -> Revision:
    """An account and all its rows, past ones included, carry a new name."""

    def apply(firm: Firm) -> Firm:
        _check_listed(firm, old)
        return replace(
            firm,
            accounts=[
                replace(account, name=new) if account.name == old else account
                for account in firm.accounts
            ],
            fills=[
                replace(fill, account_name=new) if fill.account_name == old else fill
                for fill in firm.fills
            ],
            adjustments=[
                replace(row, account_name=new) if row.account_name == old else row
                for row in firm.adjustments
            ],
        )

    return Revision(at, "account renamed", apply, ())


def add_account(at: datetime, account: Account) -> Revision:
    """An account is listed that was unknown, with the rows the firm holds of it."""

    def apply(firm: Firm) -> Firm:
        return replace(firm, accounts=[*firm.accounts, account])

    return Revision(at, "account added", apply, ())


def remove_account(at: datetime, name: str) -> Revision:
    """An account is no longer listed, and its rows are gone."""

    def apply(firm: Firm) -> Firm:
        _check_listed(firm, name)
        return replace(
            firm,
            accounts=[account for account in firm.accounts if account.name != name],
            fills=[fill for fill in firm.fills if fill.account_name != name],
            adjustments=[row for row in firm.adjustments if row.account_name != name],
        )

    return Revision(at, "account removed", apply, ())


def post_adjustment(at: datetime, adjustment: Adjustment) -> Revision:
    """A booking of a past day arrives."""

    def apply(firm: Firm) -> Firm:
        return replace(firm, adjustments=[*firm.adjustments, adjustment])

    days = ((adjustment.account_name, adjustment.date),)
    return Revision(at, "adjustment", apply, days)


def _with_fill(
    fill: Fill, change: Callable[[Fill], list[Fill]]
) -> Callable[[Firm], Firm]:
    """Puts what `change` makes of a fill in its place."""
    wanted = fill.propreports_id

    def apply(firm: Firm) -> Firm:
        if all(shown.propreports_id != wanted for shown in firm.fills):
            raise ValueError(f"No fill has the row id {wanted}.")
        fills = []
        for shown in firm.fills:
            fills += change(shown) if shown.propreports_id == wanted else [shown]
        return replace(firm, fills=fills)

    return apply


def _check_listed(firm: Firm, name: str) -> None:
    if all(account.name != name for account in firm.accounts):
        raise ValueError(f"No account is named {name}.")


def _day(fill: Fill) -> Day:
    return fill.account_name, fill.filled_at.date()


def _days(fills: Sequence[Fill]) -> tuple[Day, ...]:
    return tuple(dict.fromkeys(map(_day, fills)))
