"""A fill as the accounting sees it: whose it is, whether it counts, in which order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal

from tests.exports import ExportedFill
from tests.oracle.sessions import cutoff_of, session_of

# Wide enough that no product of quantity, price and contract size is rounded.
EXACT = Context(prec=80)
CENT = Decimal("0.01")

# A trader for ever, or (valid from, trader) pairs; None is "since ever".
Owners = Mapping[str, str | Sequence[tuple[date | None, str]]]
Multipliers = Mapping[str, Decimal | None]


@dataclass(eq=False)
class Fill:
    """A fill with all that is said about it by the seeds and by its order.

    Two fills are never equal, however alike: partial fills may look the same.
    """

    account: str
    trader: str
    symbol: str
    at: datetime
    signed_quantity: Decimal
    price: Decimal
    multiplier: Decimal | None
    fees: Decimal
    status: str
    order_id: str
    fill_id: str
    propreports_id: str
    row_number: int
    fill_sequence: int = 0
    day_sequence: int | None = None

    @property
    def day(self) -> date:
        """The trade date: the Eastern date, or of futures the session."""
        return session_of(self.at, cutoff_of(self.symbol))

    @property
    def is_cancelled(self) -> bool:
        """Cancelled fills leave no trace in any total."""
        return self.status == "CXLD"

    @property
    def is_counted(self) -> bool:
        """Not cancelled, and it is known what a unit is worth."""
        return not self.is_cancelled and self.multiplier is not None

    @property
    def is_regular(self) -> bool:
        """Volume: a counted fill that is no journal entry."""
        return self.is_counted and self.status in ("REGULAR", "")

    @property
    def is_timed(self) -> bool:
        """Midnight stands for an unknown time."""
        return self.at.time() != time(0)

    @property
    def quantity(self) -> Decimal:
        """Units, always positive."""
        return abs(self.signed_quantity)

    @property
    def value(self) -> Decimal:
        """Quantity x price x multiplier, exact."""
        return worth(self.quantity, self.price, self.multiplier)

    @property
    def notional(self) -> Decimal:
        """The value without sign, rounded half away from zero to cents."""
        return abs(self.value).quantize(CENT, ROUND_HALF_UP, EXACT)


def worth(quantity: Decimal, price: Decimal, multiplier: Decimal) -> Decimal:
    """Quantity x price x multiplier, exact."""
    return EXACT.multiply(EXACT.multiply(quantity, price), multiplier)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum; 0 of nothing."""
    found = Decimal(0)
    for amount in amounts:
        found = EXACT.add(found, amount)
    return found


def owner(traders: Owners, account: str, day: date) -> str:
    """The trader an account belongs to on a date; its own code where none is named.

    A row holds until the account's next valid_from; a blank one holds since ever.
    """
    entry = traders.get(account, account)
    if isinstance(entry, str):
        return entry
    found = account
    for valid_from, trader in sorted(entry, key=lambda row: row[0] or date.min):
        if valid_from is None or valid_from <= day:
            found = trader
    return found


def multiplier_of(symbol: str, multipliers: Multipliers) -> Decimal | None:
    """Units per contract: as given, else 100 for options, unknown for futures, 1."""
    if symbol in multipliers:
        return multipliers[symbol]
    if symbol.startswith("+"):
        return Decimal(100)
    return None if symbol.startswith("#") else Decimal(1)


def _id_order(text: str) -> tuple:
    """An id as a number (others last), then as text (blanks last)."""
    is_number = text.isascii() and text.isdigit()
    return (not is_number, int(text) if is_number else 0, text == "", text)


def day_order(fill: Fill) -> tuple:
    """Time, fill id, PropReports id, account, symbol, row: the order of a trader-day.

    Each id counts as a number first (others last), then as text (blanks last).
    """
    return (
        fill.at,
        *_id_order(fill.fill_id),
        *_id_order(fill.propreports_id),
        fill.account,
        fill.symbol,
        fill.row_number,
    )


def prepare(
    exported: Iterable[ExportedFill],
    *,
    multipliers: Multipliers | None = None,
    traders: Owners | None = None,
) -> list[Fill]:
    """Every fill with its trader and numbers, in the order of `day_order`.

    `fill_sequence` numbers all fills of account and symbol, cancelled ones too;
    `day_sequence` the counted ones of a trader's date over all accounts and symbols.
    The row number is the place in the list among the account's rows of the date; the
    warehouse numbers them by content, so only twins should be left to it.
    """
    rows_of: dict[tuple[str, date], int] = defaultdict(int)
    fills = []
    for one in exported:
        key = (one.account, one.at.date())
        rows_of[key] += 1
        fills.append(
            Fill(
                account=one.account,
                trader=owner(
                    traders or {},
                    one.account,
                    session_of(one.at, cutoff_of(one.symbol)),
                ),
                symbol=one.symbol,
                at=one.at,
                signed_quantity=one.signed_quantity,
                price=one.price,
                multiplier=multiplier_of(one.symbol, multipliers or {}),
                fees=one.fees,
                status=one.status,
                order_id=one.order_id,
                fill_id=one.fill_id,
                propreports_id=one.propreports_id,
                row_number=rows_of[key],
            )
        )
    fills.sort(key=day_order)
    last_of: dict[tuple, int] = defaultdict(int)
    for fill in fills:
        last_of[fill.account, fill.symbol] += 1
        fill.fill_sequence = last_of[fill.account, fill.symbol]
        if fill.is_counted:
            last_of["day", fill.trader, fill.day] += 1
            fill.day_sequence = last_of["day", fill.trader, fill.day]
    return fills
