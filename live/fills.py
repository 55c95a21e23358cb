"""Every booked fill of the session, as columns: a million of them fit into memory.

Amounts are whole hundred-millionths (`amounts`), times microseconds of naive Eastern
time since 1970, which is the order that the warehouse knows.
"""

import re
from array import array
from datetime import datetime, timedelta

_BEGINNING = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 2**63
# What fills came to: a list once an amount was larger than a machine's number.
_Amounts = array | list[int]


def microseconds(at_et: datetime) -> int:
    """A naive Eastern time as a number."""
    return (at_et - _BEGINNING) // _MICROSECOND


def id_order(text: str) -> tuple[bool, int, str]:
    """An id's place among others: as a number where it is one, then as text.

    DuckDB's try_cast to bigint decides what a number is.
    """
    if text.isascii() and text.isdigit():
        number = int(text)
        return (number >= _LARGEST, number if number < _LARGEST else 0, text)
    found = _number(text.strip())
    return (found is None, found or 0, text)


def _number(text: str) -> int | None:
    try:
        if re.fullmatch(r"0[xX][0-9a-fA-F]+|0[bB][01]+", text):
            number = int(text, 0)
        elif re.fullmatch(r"[+-]?\d+(_\d+)*", text, re.ASCII):
            number = int(text)
        elif re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text, re.ASCII):
            exact = float(text)
            number = int(exact + (0.5 if exact >= 0 else -0.5))
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return number if -_LARGEST <= number < _LARGEST else None


class Fills:
    """One row per fill, numbered as booked.

    Attributes:
        at: Time of the fill.
        quantity: Signed; 0 of a fill that was busted.
        price: Per share or point.
        fee: Estimated.
        intraday: Realized at the fill by the first FIFO level, in the fill's currency.
        gross: Realized at the fill by both levels, in the base currency.
        gross_cents, net_cents: What the fill moved exposure by.
        book: Number of its book.
        exec_id: Its id, in the order of booking.
        source: Number of the source that sent it.
        closed_trade: Of a fill that closed a round trip: what that made, net.
    """

    __slots__ = (
        "at",
        "book",
        "closed_trade",
        "exec_id",
        "fee",
        "gross",
        "gross_cents",
        "intraday",
        "net_cents",
        "price",
        "quantity",
        "source",
    )

    def __init__(self) -> None:
        self.at = array("q")
        self.quantity = array("q")
        self.price = array("q")
        self.fee: _Amounts = array("q")
        self.intraday: _Amounts = array("q")
        self.gross: _Amounts = array("q")
        self.gross_cents: _Amounts = array("q")
        self.net_cents: _Amounts = array("q")
        self.book = array("l")
        self.source = array("H")
        self.exec_id: list[str] = []
        self.closed_trade: dict[int, int | None] = {}

    def __len__(self) -> int:
        return len(self.at)

    def __getstate__(self) -> dict:
        """Ids as one text: no sign of them is a line's end."""
        state = {name: getattr(self, name) for name in self.__slots__}
        return state | {"exec_id": "\n".join(self.exec_id)}

    def __setstate__(self, state: dict) -> None:
        for name, column in state.items():
            setattr(self, name, column)
        self.exec_id = state["exec_id"].split("\n") if self.at else []

    def note(self, number: int, **amounts: int) -> None:
        """Keep what a fill came to, by column; no amount is too large."""
        for column, amount in amounts.items():
            try:
                getattr(self, column)[number] = amount
            except OverflowError:
                setattr(self, column, list(getattr(self, column)))
                getattr(self, column)[number] = amount

    def add(
        self, at: int, quantity: int, price: int, book: int, exec_id: str, source: int
    ) -> int:
        """Append a fill; its number."""
        self.at.append(at)
        self.quantity.append(quantity)
        self.price.append(price)
        self.fee.append(0)
        self.source.append(source)
        self.intraday.append(0)
        self.gross.append(0)
        self.gross_cents.append(0)
        self.net_cents.append(0)
        self.book.append(book)
        self.exec_id.append(exec_id)
        return len(self.at) - 1
