"""One execution report, as every source hands it over."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Kind = Literal["new", "cancel", "correct"]
Side = Literal["B", "S", "T", "C"]


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """What a source says was traded, or was not after all.

    Attributes:
        source: Name of the source; ids are unique within it and a trade date only.
        exec_id: The report's own id.
        kind: A fill, the bust of one, or its correction.
        account: Its id in the warehouse; sources know it by their own names.
        symbol: As PropReports writes it (`+` options, `#` futures).
        side: B buys, C covers, S sells, T sells short: only the sign of B and C counts.
        quantity: Shares or contracts, above 0. Of a cancel what it names, or 0.
        price: Of the instrument's currency, per share or point.
        executed_at: With a time zone. Of a correction its own time: the fill keeps its.
        received_at: With a time zone, when it came here.
        ref_exec_id: Of a cancel or correction, the id of the report it is about.
        trade_date: Where the source says one; else it follows from time and symbol.
        order_id: The order's, where known.
        poss_dup: The source sends it again, or for the first time after a gap: no
            reason to drop it.
        currency: ISO 4217 of the price, where the source says one.
        route: Where it traded.
        liquidity: The code of adding or taking, for fees.
        sequence: The source's own running number; None where it has none.
        is_late: From a source that is hours behind (PropReports polled).
    """

    source: str
    exec_id: str
    kind: Kind
    account: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    received_at: datetime
    ref_exec_id: str | None = None
    trade_date: date | None = None
    order_id: str | None = None
    poss_dup: bool = False
    currency: str | None = None
    route: str | None = None
    liquidity: str | None = None
    sequence: int | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class BadMessage:
    """What came and could not be read: kept in the quarantine, with its reason.

    Attributes:
        text: As it came, cut to what is bearable, without secrets.
        reason: One sentence for people: what is wrong, and where.
    """

    source: str
    received_at: datetime
    reason: str
    text: str


# As the warehouse has it: no type would hold the products of more.
_MOST_UNITS, _MOST_VALUE = Decimal(10) ** 8, Decimal(10) ** 11
# A unit that costs more is none; the engine's columns hold up to nine times as much.
_MOST_PRICE = Decimal(10) ** 10
# Whatever the zone, times of these years are times in every other.
_YEARS = range(1970, 9999)
_LONGEST = 100


def problem_of(report: ExecutionReport) -> str | None:
    """Why a report cannot be booked, in one sentence; None if it can."""
    for name, text in (
        ("ExecID", report.exec_id),
        ("account", report.account),
        ("symbol", report.symbol),
    ):
        if not text or len(text) > _LONGEST or not text.isprintable():
            return f"its {name} is empty, too long, or holds a sign that nobody sees"
    for name, number in (("quantity", report.quantity), ("price", report.price)):
        if not number.is_finite():
            return f"its {name} is no number"
        if abs(number) < _MOST_VALUE and number != round(number, 8):
            return f"its {name} has more than eight decimals"
    if report.executed_at.year not in _YEARS:
        return f"its time is of the year {report.executed_at.year}"
    is_cancel = report.kind == "cancel"
    if report.quantity < 0 or (not report.quantity and not is_cancel):
        return "its quantity is not above 0"
    if report.quantity >= _MOST_UNITS:
        return "its quantity is 100 million units or more"
    if abs(report.price) >= _MOST_PRICE:
        return "its price is 10 billion or more"
    if abs(report.quantity * report.price) >= _MOST_VALUE:
        return "its quantity times price is 100 billion or more"
    return None
