"""A CSV text as it came, and which column of its header is which."""

import io
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

from ingestion.errors import DocumentError
from ingestion.file_formats import open_file
from ingestion.resources import ACCOUNTS, BY_DAY, FEE_LABELS, Resource

_LABELS = set(FEE_LABELS) | {
    label.casefold()
    for resource in (ACCOUNTS, *BY_DAY)
    for column in resource.columns
    for label in column.labels
}


@dataclass(frozen=True)
class Document:
    """A CSV text as it came.

    Attributes:
        resource: What it holds.
        origin: Where from, for messages: a file, or a request and its dates.
        body: The bytes, header first, or the file that holds them.
        account_name: Whose it is, for reports without an account column.
        covers: First and last date it covers: a day in between that it does not
            hold has no rows. None: from an account's first day in it on.
        is_blank: It came without a header even: no rows, or no answer.
    """

    resource: Resource
    origin: str
    body: bytes | Path = field(repr=False)
    account_name: str | None = None
    covers: tuple[date, date] | None = None
    is_blank: bool = False

    def open(self) -> BinaryIO:
        """The bytes as a stream, inflated where they are compressed.

        Raises:
            DocumentError: The file cannot be read, or is no file.
        """
        if isinstance(self.body, bytes):
            return io.BytesIO(self.body)
        return open_file(self.body)


@dataclass(frozen=True)
class ExtraColumn:
    """A column that no column of the raw table is declared for.

    Attributes:
        header_cell: As it stands in the header.
        is_known: Whether it is known all the same.
        fee_name: Of a fee column of the broker's summary: its amounts are loaded.
    """

    header_cell: str
    is_known: bool
    fee_name: str | None = None

    @property
    def label(self) -> str:
        """The header cell for people and for `raw.extra_cells`."""
        return self.header_cell.strip()


@dataclass(frozen=True)
class Header:
    """Which cell of a document's header is what.

    Attributes:
        cells: All of them, in their order.
        columns: Header cell by raw column name.
        fees: Header cell by fee name, of fills.
        extra: What else there is, in the header's order.
    """

    cells: tuple[str, ...]
    columns: dict[str, str]
    fees: dict[str, str]
    extra: tuple[ExtraColumn, ...]


def match_header(document: Document, cells: list[str]) -> Header:
    """Find the declared columns among the header cells.

    Raises:
        DocumentError: A required column is absent, or two fees have one name.
    """
    resource = document.resource
    folded = {cell.strip().casefold(): cell for cell in cells}
    found: dict[str, str] = {}
    for column in resource.columns:
        for label in column.labels:
            cell = folded.get(label.casefold())
            if cell is not None:
                found[column.name] = cell
                break
    absent = [
        column.labels[0]
        for column in resource.columns
        if column.required and column.name not in found
    ]
    if absent:
        # A first line that is no header may be a row, and hold a person's name.
        shown = f"Its header is: {', '.join(cells)[:200]}. " if found else ""
        raise DocumentError(
            f"{document.origin} has no column {', '.join(absent)}. {shown}"
            "Export it again with all columns."
        )
    rest = [cell for cell in cells if cell not in found.values()]
    fees: dict[str, str] = {}
    if resource.fees_between:
        first, last = (cells.index(folded[x.casefold()]) for x in resource.fees_between)
        between = cells[first + 1 : last]
        for cell in rest:
            if cell not in between and cell.strip().casefold() not in FEE_LABELS:
                continue
            name = fee_name(cell)
            if name in fees:
                raise DocumentError(
                    f"{document.origin} has two columns for the fee {name}: "
                    f"{fees[name]} and {cell}. Export it again with one."
                )
            fees[name] = cell
        rest = [cell for cell in rest if cell not in fees.values()]
    categories = _category_columns(resource, cells)
    extra = tuple(_extra_column(resource, cell, categories) for cell in rest)
    return Header(tuple(cells), found, fees, extra)


def is_header(names: list[str], cells: list[str]) -> bool:
    """Whether a row repeats a header: half of its cells, two at least, name a column.

    Args:
        names: The header cells of its document.
    """
    known = {name.strip().casefold() for name in names} | _LABELS
    folded = [cell.strip().casefold() for cell in cells if cell.strip()]
    found = sum(cell in known for cell in folded)
    return found >= 2 and 2 * found >= len(folded)


def fee_name(label: str) -> str:
    """The name of a fee by the header of its column: in snake case."""
    return re.sub(r"[^0-9a-z]+", "_", label.strip().casefold()).strip("_")


def _category_columns(resource: Resource, cells: Sequence[str]) -> set[str]:
    """Header cells that stand where a summary shows adjustments by category."""
    folded = [cell.strip().casefold() for cell in cells]
    found: set[str] = set()
    for first, last in resource.categories_between:
        if first in folded and last in folded:
            found.update(cells[folded.index(first) + 1 : folded.index(last)])
    return found


def _extra_column(
    resource: Resource, cell: str, categories: Collection[str]
) -> ExtraColumn:
    label = cell.strip().casefold()
    if label in resource.fee_labels:
        return ExtraColumn(cell, is_known=True, fee_name=fee_name(label))
    is_known = cell in categories or any(
        fnmatchcase(label, known) for known in resource.kept_aside
    )
    return ExtraColumn(cell, is_known)
