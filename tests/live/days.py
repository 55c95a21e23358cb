"""A day of the oracle's fills as the reports that a source would send of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from live.figures import OpeningState
from live.opening import AccountInfo, Cutoff, InstrumentLine, Opening, OpeningLot
from live.reports import ExecutionReport, Kind
from runtime.sessions import EASTERN
from tests.exports import ExportedFill
from tests.oracle.fills import Fill, Multipliers, Owners, multiplier_of, owner
from tests.oracle.pnl import Book
from tests.oracle.sessions import weekday_sessions

SESSIONS = tuple(
    day for day, _, _ in weekday_sessions(date(2024, 12, 1), date(2026, 1, 31))
)
NO_FEES = {(None, kind): Decimal(0) for kind in ("equity", "option", "future", "forex")}
INSTRUMENT_LINES = {
    "": InstrumentLine("equity", Decimal(1), None),
    "@": InstrumentLine("forex", Decimal(1), None),
    "+": InstrumentLine("option", Decimal(100), None),
    "#": InstrumentLine("future", None, None),
}
CUTOFFS = (Cutoff("#", datetime(2025, 1, 1, 18).time()),)


def report_of(
    fill: ExportedFill,
    exec_id: str,
    *,
    kind: Kind = "new",
    ref: str | None = None,
    source: str = "test",
    after: timedelta = timedelta(0),
) -> ExecutionReport:
    """A report of a fill; of an amendment its own time is `after` the fill's."""
    at = fill.at.replace(tzinfo=EASTERN).astimezone(UTC) + after
    return ExecutionReport(
        source=source,
        exec_id=exec_id,
        kind=kind,
        account=fill.account,
        symbol=fill.symbol,
        side=fill.side,  # type: ignore[arg-type]
        quantity=fill.quantity,
        price=fill.price,
        executed_at=at,
        received_at=at,
        ref_exec_id=ref,
        currency=fill.currency or None,
    )


def opening_of(
    day: date,
    book: Book | None = None,
    accounts: Iterable[str] = (),
    *,
    traders: Owners | None = None,
    groups: Mapping[str, str] | None = None,
    multipliers: Multipliers | None = None,
    fee_rates: Mapping[tuple[str | None, str], Decimal] | None = None,
    rates: Mapping[str, Decimal] | None = None,
) -> Opening:
    """What the oracle says was held before a day, with zero fees unless told."""
    lots, prices = _held(day, book)
    lines = INSTRUMENT_LINES | {
        symbol: InstrumentLine(
            "future" if symbol.startswith("#") else "equity", size, None
        )
        for symbol, size in (multipliers or {}).items()
    }
    infos = {}
    for account in accounts:
        trader = owner(traders or {}, account, day)
        infos[account] = AccountInfo(
            account, trader, (groups or {}).get(trader), None, "USD", True
        )
    return Opening(
        state=OpeningState(day, None, None, False, ()),
        lots=lots,
        accounts=infos,
        own_prices=prices,
        instrument_lines=lines,
        currency_suffixes={".TO": "CAD"},
        cutoffs=CUTOFFS,
        rates=rates or {},
        fee_rates=NO_FEES if fee_rates is None else fee_rates,
        sessions=SESSIONS,
    )


def _held(
    day: date, book: Book | None
) -> tuple[tuple[OpeningLot, ...], dict[tuple[str, str], Decimal]]:
    if book is None:
        return (), {}
    opened: dict[Fill, Decimal] = {}
    for lot in book.lots:
        if lot.is_held(day - timedelta(days=1)):
            found = opened.get(lot.opening, Decimal(0))
            opened[lot.opening] = found + lot.signed_quantity
    lots = [
        OpeningLot(
            fill.account, fill.symbol, quantity, fill.price,
            fill.multiplier or Decimal(1), "USD", fill.day,
        )
        for fill, quantity in sorted(
            opened.items(), key=lambda item: item[0].fill_sequence
        )
    ]  # fmt: skip
    prices: dict[tuple[str, str], Decimal] = {}
    for fill in sorted(book.counted, key=lambda one: one.fill_sequence):
        if fill.day < day and fill.price:
            prices[fill.account, fill.symbol] = fill.price
    return tuple(lots), prices


def sized(fills: Sequence[ExportedFill], multipliers: Multipliers) -> Multipliers:
    """The contract size of every symbol among fills."""
    return {
        symbol: multiplier_of(symbol, multipliers)
        for symbol in {fill.symbol for fill in fills}
    }
