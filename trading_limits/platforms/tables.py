"""CSV files that platforms take or give: one line per account, a column per limit."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from runtime.errors import UserError
from trading_limits.platforms import Found


def table(header: Sequence[str], lines: Iterable[Sequence[object]]) -> bytes:
    """A CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue().encode()


def lines(content: bytes, needed: Sequence[str]) -> list[dict[str, str]]:
    """The lines of a CSV file, by column; columns in any order, others are left out.

    Raises:
        UserError: It is no text, or a column is missing.
    """
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        found = [
            {str(name).strip(): (cell or "").strip() for name, cell in line.items()
             if isinstance(cell, str | None)}
            for line in reader
        ]  # fmt: skip
    except (UnicodeDecodeError, csv.Error):
        raise UserError("The file is no CSV in UTF-8. Save it as CSV again.") from None
    names = [str(name).strip() for name in reader.fieldnames or ()]
    if missing := [name for name in needed if name not in names]:
        raise UserError(
            f"The file has no column {', '.join(missing)}. Its header must name "
            f"{', '.join(needed)}."
        )
    return found


def wide(content: bytes, account: str, columns: Mapping[str, str]) -> Found:
    """What a table of accounts says, of the columns that it has.

    Args:
        account: Name of the account's column.
        columns: By limit, the name of its column.

    Raises:
        UserError: It is no such table, or a cell is no amount.
    """
    found: Found = {}
    for line in lines(content, [account]):
        for limit, column in columns.items():
            if line.get(account) and column in line:
                found[line[account], limit] = cell(line[column], line[account], column)
    return found


def cell(text: str, account: str, column: str) -> Decimal | None:
    """An amount as a person or a screen writes it: 1,500.00 or $1500; None if empty.

    Raises:
        UserError: It is no amount.
    """
    plain = text.replace(",", "").replace("$", "").strip()
    if not plain:
        return None
    try:
        value = Decimal(plain)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise UserError(f"{column} of {account} is no amount: {text[:40]}")
    return value
