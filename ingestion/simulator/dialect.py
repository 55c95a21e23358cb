"""How an instance writes its CSV: columns, numbers and line ends differ."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from ingestion.simulator.tables import Header, Money, Number, Table

BYTE_ORDER_MARK = "\ufeff"
NO_DATA = "No data available"


@dataclass(frozen=True)
class Dialect:
    """One way to write. By default, the one of the vendor's clients.

    Attributes:
        isin_and_cusip_in_one: Fills have one column `ISIN/CUSIP`.
        extra_columns: Further columns of fills, behind the known ones, and what
            stands in all their cells.
        line_end: Of every line of CSV.
        byte_order_mark: Whether CSV begins with one.
        blank_zero_fees: Whether a fee of 0 is a blank cell of a fill.
        accounting_numbers: Whether numbers are written as `(1,234.50)`.
        dashes_for_zero: Whether money of 0 is `-` in reports.
        column_names: Other names for columns, of all tables and reports.
        column_order: `reversed` turns the columns of fills around, but leaves the fee
            columns between Liq and Order Id.
        cells: Text for single cells of fills, by row id and column; as the default
            dialect names the column.
        empty_trailer: Page and count in the trailer of a result without rows.
        page_beyond_the_last: What a page after the last one is: refused, empty, or the
            last one again.
        further_columns: As `extra_columns`, by action or report type.
        replaced: Text in place of what a cell holds, by action or report type, column
            as the default dialect names it, and text.
    """

    isin_and_cusip_in_one: bool = False
    extra_columns: Mapping[str, str] = field(default_factory=dict)
    line_end: Literal["\n", "\r\n"] = "\n"
    byte_order_mark: bool = False
    blank_zero_fees: bool = False
    accounting_numbers: bool = False
    dashes_for_zero: bool = False
    column_names: Mapping[str, str] = field(default_factory=dict)
    column_order: Literal["reversed"] | None = None
    cells: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    empty_trailer: Literal["1/1", "0/0", "1/0"] = "1/1"
    page_beyond_the_last: Literal["refused", "empty", "last"] = "refused"
    further_columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    replaced: Mapping[tuple[str, str, str], str] = field(default_factory=dict)

    def page(self, action: str, table: Table, items: Sequence[Any]) -> str:
        """The rows of some items under the header of their table."""
        rows = [Header(table.header), *map(table.row, items)]
        return self._text(self._altered(action, rows))

    def report(self, kind: str, rows: Sequence[Sequence[str]]) -> str:
        """Rows of a report, or that there are none."""
        if self.dashes_for_zero:
            rows = [_with_dashes(row) for row in rows]
        return self._text(self._altered(kind, rows) or [[NO_DATA]])

    def fills(self, table: Table) -> Table:
        """The table of fills with the columns of this dialect."""
        if self == Dialect():
            return table
        usual = list(table.header)
        columns = self._fill_columns(usual)
        fee_names = usual[usual.index("Liq") + 1 : usual.index("Order Id")]

        def row(item: Any) -> list[str]:
            cells = dict(zip(usual, table.row(item), strict=True))
            cells["ISIN/CUSIP"] = cells["ISIN"] or cells["CUSIP"]
            cells.update(self.extra_columns)
            if self.blank_zero_fees:
                for name in fee_names:
                    if cells[name] and not Decimal(cells[name]):
                        cells[name] = ""
            cells.update(self.cells.get(int(cells["PropReports Id"]), {}))
            return [cells[name] for name in columns]

        return Table(columns, table.items, row)

    def _altered(
        self, kind: str, rows: Sequence[Sequence[str]]
    ) -> Sequence[Sequence[str]]:
        """Rows with other text in some cells, and with further columns."""
        further = self.further_columns.get(kind, {})
        if not further and all(key[0] != kind for key in self.replaced):
            return rows
        altered: list[Sequence[str]] = []
        header: Sequence[str] = []
        for row in rows:
            if isinstance(row, Header):
                header = row
                altered.append(Header([*row, *further]))
            elif len(row) == len(header):
                cells = [
                    self.replaced.get((kind, name, cell), cell)
                    for name, cell in zip(header, row, strict=True)
                ]
                altered.append([*cells, *further.values()])
            else:
                altered.append(row)
        return altered

    def _fill_columns(self, usual: Sequence[str]) -> list[str]:
        columns = [*usual, *self.extra_columns]
        if self.isin_and_cusip_in_one:
            columns[columns.index("ISIN")] = "ISIN/CUSIP"
            columns.remove("CUSIP")
        if self.column_order == "reversed":
            liq, order_id = columns.index("Liq"), columns.index("Order Id")
            columns = [
                *reversed(columns[:liq]),
                "Liq",
                *reversed(columns[liq + 1 : order_id]),
                "Order Id",
                *reversed(columns[order_id + 1 :]),
            ]
        return columns

    def _text(self, rows: Iterable[Sequence[str]]) -> str:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator=self.line_end)
        writer.writerows(map(self._cells, rows))
        mark = BYTE_ORDER_MARK if self.byte_order_mark else ""
        return mark + text.getvalue()

    def _cells(self, row: Sequence[str]) -> Sequence[str]:
        if isinstance(row, Header):
            return [self.column_names.get(name, name) for name in row]
        if self.accounting_numbers:
            return [
                _accounting(cell) if isinstance(cell, Number) else cell for cell in row
            ]
        return row


def _accounting(cell: str) -> str:
    number = Decimal(cell)
    return f"({-number:,f})" if number < 0 else f"{number:,f}"


def _with_dashes(row: Sequence[str]) -> Sequence[str]:
    if isinstance(row, Header):
        return row
    return [
        "-" if isinstance(cell, Money) and not Decimal(cell) else cell for cell in row
    ]
