"""The replies as rows of cells: what PropReports would write for a firm's records.

Amounts are shown with two decimals, half-up, and computed unrounded, in the account's
currency; fills are shown as they are. A window without rows is a header alone, or no
row at all.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby

from ingestion.simulator.archive import Archive
from ingestion.simulator.firm import (
    Account,
    Adjustment,
    Fill,
    fee_columns,
    instrument_type,
    is_transfer,
)
from ingestion.simulator.ledger import AccountDay, SymbolDay
from ingestion.simulator.rates import converted
from ingestion.simulator.tables import Header, Money, Number, Table
from ingestion.simulator.trips import RoundTrip, round_trips

Rows = list[Sequence[str]]

ZERO = Decimal(0)
CENT = Decimal("0.01")
SPOT_STEP = Decimal("1e-8")
TYPE_TOTALS = {"Eq": "Equities", "Op": "Options", "Fu": "Futures"}
REGULATORY_COLUMNS = ("SEC", "ORF", "CAT", "TAF", "FTT", "NFA")

ACCOUNT_HEADER = [
    *("Account Id", "Account Name", "First Traded", "Last Traded"),
    *("Currency", "Cash", "Unrealized"),
]
POSITION_HEADER = [
    *("Date", "Account", "Symbol", "Qty", "Avg Price", "Close", "Unrealized"),
    *("Unrealized Delta", "Qty Traded", "Realized"),
    *("Comm", "ECN Fee", "Regulatory Fees"),
]
ADJUSTMENT_HEADER = ["Date", "Account", "Category", "Amount", "Comment"]
OPEN_POSITION_HEADER = [
    *("Symbol", "Qty", "Avg Price", "Close Price", "CCY", "Spot"),
    *("Cost", "Market Value", "Unrealized Δ", "Unrealized"),
]


def accounts(archive: Archive, scope: Sequence[Account], last: date) -> Table:
    """One row per account; first and last traded blank when it never traded."""

    def row(account: Account) -> list[str]:
        traded = archive.traded_between(account.name, last)
        day = archive.ledger.last_day(account.name, last)
        return [
            str(account.number),
            account.name,
            *([day.isoformat() for day in traded] if traded else ["", ""]),
            account.currency,
            _money(day.cash if day else ZERO),
            _money(day.unrealized if day else ZERO),
        ]

    return Table(ACCOUNT_HEADER, scope, row)


def fills(archive: Archive, names: set[str], first: date, last: date) -> Table:
    """One row per fill, cancelled ones included, in order of time.

    A fee column is there if any fill of the reply carries it; a fill without it has
    a blank cell.
    """
    found = archive.fills(names, first, last)
    fees = fee_columns({name for fill in found for name in fill.fees})
    header = [
        *("Date/Time", "Account", "B/S", "Qty", "Symbol", "Price", "Route", "Liq"),
        *fees,
        *("Order Id", "Fill Id", "Currency", "ISIN", "CUSIP", "Status"),
        "PropReports Id",
    ]

    def row(fill: Fill) -> list[str]:
        amounts = fill.fees
        return [
            fill.filled_at.strftime("%m/%d/%Y %H:%M:%S"),
            fill.account_name,
            fill.side,
            Number(f"{fill.quantity:f}"),
            fill.symbol,
            Number(f"{fill.price:f}"),
            fill.route,
            fill.liquidity,
            *[Number(f"{amounts[x]:f}") if x in amounts else "" for x in fees],
            fill.order_id,
            fill.fill_id,
            fill.currency,
            fill.isin,
            fill.cusip,
            fill.status,
            str(fill.propreports_id),
        ]

    return Table(header, found, row)


def positions(
    archive: Archive, scope: Sequence[Account], first: date, last: date
) -> Table:
    """One row per date, account and symbol that was traded or held."""
    found = [
        (account.name, symbol_day)
        for account in scope
        for day in archive.ledger.days(account.name, first, last)
        for symbol_day in day.symbol_days
    ]
    found.sort(key=lambda item: item[1].date)

    def row(item: tuple[str, SymbolDay]) -> list[str]:
        name, day = item
        regulatory = sum((day.fees.get(x, ZERO) for x in REGULATORY_COLUMNS), ZERO)
        return [
            _padded(day.date),
            name,
            day.symbol,
            _plain(day.position),
            _money(day.average_price),
            _price(day.mark),
            _money(day.unrealized),
            _money(day.unrealized_delta),
            _plain(day.quantity),
            _money(day.gross),
            _money(day.fees.get("Comm", ZERO)),
            _money(day.fees.get("Ecn Fee", ZERO)),
            _money(regulatory),
        ]

    return Table(POSITION_HEADER, found, row)


def adjustments(archive: Archive, names: set[str], first: date, last: date) -> Table:
    """One row per adjustment."""

    def row(adjustment: Adjustment) -> list[str]:
        return [
            _padded(adjustment.date),
            adjustment.account_name,
            adjustment.category,
            _money(adjustment.amount),
            adjustment.comment,
        ]

    return Table(ADJUSTMENT_HEADER, archive.adjustments(names, first, last), row)


def summary_by_date(
    archive: Archive, account: Account, first: date, last: date
) -> Rows:
    """One row per date and instrument type on which anything moved, then totals.

    An account's adjustments, transfers, cash and end balance stand in the first row of
    a date only, whichever type it is of; further rows of the date have 0 and blank
    there, and Unrealized is by type. So the rows of a date add up to the account's day,
    but for the unrealized of a type that has not moved.
    """
    days = archive.ledger.days(account.name, first, last)
    fees = fee_columns(_fee_names(days))
    categories = sorted({name for day in days for name in day.adjustments})
    booked = [x for x in categories if not is_transfer(x)]
    transfers = [x for x in categories if is_transfer(x)]
    header = [
        *("Date", "Type", "Orders", "Fills", "Qty", "Gross", *fees),
        *("Trade Fees", "Net", *booked, "Adj Fees", "Adj Net"),
        *("Unrealized Δ", "Total Δ", *transfers, "Transfers"),
        *("Cash", "Unrealized", "End Balance"),
    ]
    rows: Rows = [Header(header)]
    totals: dict[str, list[Decimal]] = {}
    states: dict[str, list[str]] = {}
    types_traded = {x.type for day in days for x in day.symbol_days}
    home = next((kind for kind in TYPE_TOTALS if kind in types_traded), "Eq")
    for day in days:
        by_type = {
            kind: [x for x in day.symbol_days if x.type == kind] for kind in TYPE_TOTALS
        }
        moved = [
            kind
            for kind, own in by_type.items()
            if any(_symbol_flows(own, fees)) or _total(x.unrealized_delta for x in own)
        ]
        if not moved and day.adjustments:
            moved = [next((kind for kind, own in by_type.items() if own), home)]
        for number, kind in enumerate(moved):
            own = by_type[kind]
            sums = day.adjustments if number == 0 else {}
            adjusted = day.adjusted if number == 0 else ZERO
            flows = [
                *_symbol_flows(own, fees),
                *[-sums.get(name, ZERO) for name in booked],
                -adjusted,
                _total(x.net for x in own) + adjusted,
                _total(x.unrealized_delta for x in own),
                _total(x.total_delta for x in own) + adjusted,
                *[sums.get(name, ZERO) for name in transfers],
                day.transfers if number == 0 else ZERO,
            ]
            state = [
                _money(day.cash) if number == 0 else "",
                _money(_total(x.unrealized or ZERO for x in own)),
                _money(day.end_balance) if number == 0 else "",
            ]
            rows.append([_short(day.date), kind, *_flow_cells(flows), *state])
            totals[kind] = _added(totals.get(kind), flows)
            states[kind] = state
    rows += [
        [TYPE_TOTALS[kind], "", *_flow_cells(totals[kind]), *states[kind]]
        for kind in TYPE_TOTALS
        if kind in totals
    ]
    return rows


def totals_by_date(archive: Archive, account: Account, first: date, last: date) -> Rows:
    """A block per date: symbols traded or held, then a subtotal per type."""
    days = archive.ledger.days(account.name, first, last)
    fees = fee_columns(_fee_names(days))
    header = [
        *("Symbol", "Orders", "Fills", "Qty", "Gross", *fees, "Net"),
        *("Unrealized δ", "Total δ", "Unrealized"),
    ]

    def line(label: str, of: Sequence[SymbolDay]) -> list[str]:
        flows = _symbol_flows(of, fees)
        # Trade fees are not shown here.
        shown = [*flows[:-2], flows[-1]]
        shown.append(_total(x.unrealized_delta for x in of))
        shown.append(_total(x.total_delta for x in of))
        shown.append(_total(x.unrealized or ZERO for x in of))
        return [label, *_flow_cells(shown)]

    rows: Rows = []
    for day in days:
        if not day.symbol_days:
            continue
        rows += [[_short(day.date)], Header(header)]
        rows += [line(x.symbol, [x]) for x in day.symbol_days]
        for kind, label in TYPE_TOTALS.items():
            own = [x for x in day.symbol_days if x.type == kind]
            if own:
                rows.append(line(label, own))
    return rows


def trades(archive: Archive, account: Account, first: date, last: date) -> Rows:
    """A block per date: round trips closed on it, then a subtotal per type."""
    history = archive.fills({account.name}, date.min, last)
    closed = [
        trip
        for trip in round_trips(archive.firm, account, history)
        if first <= trip.closed_on <= last
    ]
    closed.sort(key=lambda trip: trip.closed_on)
    fees = fee_columns({name for trip in closed for name in trip.fees})
    header = [
        *("Opened", "Closed", "Held", "Symbol", "Type", "Entry", "Exit"),
        *("Qty", "Gross", *fees, "Net"),
    ]

    def sums(of: Sequence[RoundTrip]) -> list[str]:
        return [
            _plain(_total(trip.quantity for trip in of)),
            _money(_total(trip.gross for trip in of)),
            *[_money(_total(x.fees.get(name, ZERO) for x in of)) for name in fees],
            _money(_total(trip.net for trip in of)),
        ]

    rows: Rows = []
    for day, group in groupby(closed, key=lambda trip: trip.closed_on):
        trips = list(group)
        rows += [[_short(day)], Header(header)]
        for trip in trips:
            rows.append(
                [
                    trip.opened_at.strftime("%m/%d/%y %H:%M:%S"),
                    trip.closed_at.strftime("%H:%M:%S"),
                    _held(trip),
                    trip.symbol,
                    "Long" if trip.is_long else "Short",
                    _money(trip.entry),
                    _money(trip.exit),
                    *sums([trip]),
                ]
            )
        for kind, label in TYPE_TOTALS.items():
            own = [trip for trip in trips if instrument_type(trip.symbol) == kind]
            if own:
                rows.append([label, "", "", "", "", "", "", *sums(own)])
    return rows


def open_positions(archive: Archive, account: Account, first: date, last: date) -> Rows:
    """A block per date: positions at its end, then long, short, closed and all."""
    rows: Rows = []
    for day in archive.ledger.days(account.name, first, last):
        held = [x for x in day.symbol_days if x.position]
        closed = [x for x in day.symbol_days if not x.position and x.unrealized_delta]
        if not held and not closed:
            continue
        rows += [[_short(day.date)], Header(OPEN_POSITION_HEADER)]
        for x in held:
            cost = converted(x.cost, x.spot)
            value = None if x.unrealized is None else cost + x.unrealized
            rows.append(
                [
                    *(x.symbol, _plain(x.position), _money(x.average_price)),
                    *(_price(x.mark), x.currency, _spot(x.spot), _money(cost)),
                    *(_money(value), _money(x.unrealized_delta), _money(x.unrealized)),
                ]
            )
        groups = {
            "Long:": [x for x in held if x.position > 0],
            "Short:": [x for x in held if x.position < 0],
            "Closed:": closed,
            "": held + closed,
        }
        rows += [_position_sums(label, of) for label, of in groups.items() if of]
    return rows


REPORTS: dict[str, Callable[[Archive, Account, date, date], Rows]] = {
    "summaryByDate": summary_by_date,
    "totalsByDate": totals_by_date,
    "trades": trades,
    "openPositions": open_positions,
}
"""Report types by name; each for one account, first and last date included."""


def _position_sums(label: str, of: Sequence[SymbolDay]) -> list[str]:
    cost = _total(converted(x.cost, x.spot) for x in of)
    unrealized = _total(x.unrealized or ZERO for x in of)
    delta = _total(x.unrealized_delta for x in of)
    amounts = (cost, cost + unrealized, delta, unrealized)
    return [label, "", "", "", "", "", *map(_money, amounts)]


def _symbol_flows(of: Sequence[SymbolDay], fees: Sequence[str]) -> list[Decimal]:
    """Orders, fills, quantity, gross, each fee column, trade fees, net."""
    return [
        _total(x.orders for x in of),
        _total(x.fills for x in of),
        _total(x.quantity for x in of),
        _total(x.gross for x in of),
        *[_total(x.fees.get(name, ZERO) for x in of) for name in fees],
        _total(x.trade_fees for x in of),
        _total(x.net for x in of),
    ]


def _flow_cells(flows: Sequence[Decimal]) -> list[str]:
    """The first three are counts, the rest is money."""
    return [*map(_plain, flows[:3]), *map(_money, flows[3:])]


def _fee_names(days: Iterable[AccountDay]) -> set[str]:
    return {name for day in days for x in day.symbol_days for name in x.fees}


def _added(one: list[Decimal] | None, two: list[Decimal]) -> list[Decimal]:
    return two if one is None else [a + b for a, b in zip(one, two, strict=True)]


def _total(amounts: Iterable[Decimal | int]) -> Decimal:
    return sum(map(Decimal, amounts), ZERO)


def _money(amount: Decimal | None) -> str:
    # Adding 0 turns -0.00 into 0.00.
    if amount is None:
        return ""
    return Money(f"{amount.quantize(CENT, ROUND_HALF_UP) + ZERO:f}")


def _price(price: Decimal | None) -> str:
    """At least two decimals; a sub-penny close keeps all it has."""
    if price is None:
        return ""
    return Number(f"{price:f}") if price != price.quantize(CENT) else _money(price)


def _spot(spot: Decimal) -> str:
    return _plain(spot.quantize(SPOT_STEP))


def _plain(number: Decimal) -> str:
    return Number(f"{number.normalize() + ZERO:f}")


def _padded(day: date) -> str:
    return day.strftime("%m/%d/%Y")


def _short(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _held(trip: RoundTrip) -> str:
    days = (trip.closed_at.date() - trip.opened_at.date()).days
    if days:
        return f"{days}d"
    minutes, seconds = divmod((trip.closed_at - trip.opened_at).seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
