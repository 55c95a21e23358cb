"""What PropReports sends: its CSV columns, their types, and the raw columns they fill.

Columns are found by name, never by position; spellings differ between firms.
"""

from dataclasses import dataclass
from enum import StrEnum


class ColumnType(StrEnum):
    """How the text of a cell is read."""

    TEXT = "text"
    SIDE = "side"
    SYMBOL = "symbol"
    NUMBER = "number"
    POSITIVE = "positive number"
    COUNT = "count"
    DATE = "date"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True)
class Column:
    """A declared column.

    Attributes:
        name: Its name in the raw table.
        labels: Header spellings, compared without regard to case.
        type: How its cells are read.
        required: The document is refused without this column.
        not_null: A row with this cell empty is quarantined.
        null_on_error: Where only this cell cannot be read, it is reported and left
            empty, and the rest of the row is loaded.
    """

    name: str
    labels: tuple[str, ...]
    type: ColumnType = ColumnType.TEXT
    required: bool = False
    not_null: bool = False
    null_on_error: bool = False


def _key(name: str, label: str, column_type: ColumnType = ColumnType.TEXT) -> Column:
    return Column(name, (label,), column_type, required=True, not_null=True)


@dataclass(frozen=True)
class Resource:
    """One kind of document and the raw table it lands in.

    Attributes:
        name: The raw table.
        columns: Declared columns; any other is a fee column or reported as unknown.
        date_column: The column whose calendar date (New York) is the trade date.
        fees_between: Headers that enclose the fee columns, which differ by firm.
        fee_labels: Headers of fee columns that differ by account: their amounts are
            kept by name in `raw.broker_fees`, and added up in `fee_columns_amount`.
        summary_labels: First cells of total rows, which are not data.
        kept_aside: Header patterns of columns that are known and differ by account:
            they are kept as they are in `raw.extra_cells`.
        categories_between: Pairs of headers, folded, that enclose a column for each
            category of adjustments, which differ by firm: they are kept aside as well.
        unique_by: SQL, true of rows that no other row of their day can equal.
        is_essential: Nothing is loaded if a document of it cannot be read; of any
            other resource the document is set aside and reported.
    """

    name: str
    columns: tuple[Column, ...]
    date_column: str | None = None
    fees_between: tuple[str, str] | None = None
    fee_labels: tuple[str, ...] = ()
    summary_labels: tuple[str, ...] = ()
    kept_aside: tuple[str, ...] = ()
    categories_between: tuple[tuple[str, str], ...] = ()
    unique_by: str = "false"
    is_essential: bool = False

    @property
    def empty_document(self) -> bytes:
        """The header alone: what a reply without rows may leave out."""
        return (",".join(column.labels[0] for column in self.columns) + "\n").encode()


FEE_LABELS = (
    "comm", "ecn fee", "sec", "orf", "cat", "taf", "ftt", "nscc", "acc", "clr", "nfa",
    "occ", "misc", "regulatory fees",
)  # fmt: skip
"""Fee columns that firms are known to have; any other is known by where it stands."""

ACCOUNTS = Resource(
    name="accounts",
    is_essential=True,
    columns=(
        _key("account_number", "Account Id"),
        _key("account_name", "Account Name"),
        Column(
            "first_traded_date", ("First Traded",), ColumnType.DATE, null_on_error=True
        ),
        Column(
            "last_traded_date", ("Last Traded",), ColumnType.DATE, null_on_error=True
        ),
        Column("currency", ("Currency",)),
        Column("cash_amount", ("Cash",), ColumnType.NUMBER, null_on_error=True),
        Column(
            "unrealized_pnl", ("Unrealized",), ColumnType.NUMBER, null_on_error=True
        ),
    ),
)

FILLS = Resource(
    name="fills",
    is_essential=True,
    date_column="filled_at_et",
    fees_between=("Liq", "Order Id"),
    # An id of a fill that stands on different rows of a day names none of them.
    unique_by="nullif(propreports_id, '0') is not null or (fill_id is not null and "
    "(account_number, trade_date, fill_id) not in (from shared_ids))",
    columns=(
        _key("filled_at_et", "Date/Time", ColumnType.TIMESTAMP),
        _key("account_name", "Account"),
        _key("side", "B/S", ColumnType.SIDE),
        _key("quantity", "Qty", ColumnType.POSITIVE),
        _key("symbol", "Symbol", ColumnType.SYMBOL),
        _key("price", "Price", ColumnType.NUMBER),
        Column("route", ("Route",)),
        Column("liquidity", ("Liq",), required=True),
        Column("order_id", ("Order Id",), required=True),
        Column("fill_id", ("Fill Id",), required=True),
        Column("currency", ("Currency",)),
        Column("isin", ("ISIN", "ISIN/CUSIP")),
        Column("cusip", ("CUSIP",)),
        Column("status", ("Status",)),
        Column("propreports_id", ("PropReports Id",)),
    ),
)

BROKER_DAYS = Resource(
    name="broker_days",
    date_column="trade_date",
    summary_labels=("equities", "options", "futures", "forex", "total"),
    fee_labels=FEE_LABELS,
    kept_aside=("fee: *", "adj fees", "transfer: *"),
    categories_between=(("net", "adj net"), ("total δ", "transfers")),
    unique_by="true",
    columns=(
        _key("trade_date", "Date", ColumnType.DATE),
        Column("instrument_type", ("Type",)),
        Column("orders_count", ("Orders",), ColumnType.COUNT),
        Column("fills_count", ("Fills",), ColumnType.COUNT),
        Column("quantity", ("Qty",), ColumnType.NUMBER),
        Column("gross_pnl", ("Gross",), ColumnType.NUMBER, required=True),
        Column("total_fees", ("Trade Fees",), ColumnType.NUMBER),
        Column("net_pnl", ("Net",), ColumnType.NUMBER, required=True),
        Column("adjusted_net_pnl", ("Adj Net",), ColumnType.NUMBER),
        Column("unrealized_delta", ("Unrealized Δ", "Unrealized δ"), ColumnType.NUMBER),
        Column("total_delta", ("Total Δ", "Total δ"), ColumnType.NUMBER),
        Column("transfers_amount", ("Transfers",), ColumnType.NUMBER),
        Column("cash_amount", ("Cash",), ColumnType.NUMBER),
        Column("unrealized_pnl", ("Unrealized",), ColumnType.NUMBER),
        Column("end_balance", ("End Balance",), ColumnType.NUMBER),
    ),
)

POSITIONS = Resource(
    name="positions",
    date_column="trade_date",
    kept_aside=(*FEE_LABELS, "unrealized delta", "qty traded", "realized"),
    unique_by="true",
    columns=(
        _key("trade_date", "Date", ColumnType.DATE),
        _key("account_name", "Account"),
        _key("symbol", "Symbol", ColumnType.SYMBOL),
        Column("quantity", ("Qty",), ColumnType.NUMBER),
        Column("average_price", ("Avg Price",), ColumnType.NUMBER),
        Column("close_price", ("Close",), ColumnType.NUMBER, required=True),
        Column("unrealized_pnl", ("Unrealized",), ColumnType.NUMBER),
    ),
)

ADJUSTMENTS = Resource(
    name="adjustments",
    date_column="trade_date",
    kept_aside=("comment",),
    columns=(
        _key("trade_date", "Date", ColumnType.DATE),
        _key("account_name", "Account"),
        _key("category", "Category"),
        _key("amount", "Amount", ColumnType.NUMBER),
    ),
)

BY_DAY = (FILLS, BROKER_DAYS, POSITIONS, ADJUSTMENTS)
"""Resources that are versioned by (account, trade date)."""
