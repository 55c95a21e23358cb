"""Figures and tables in plain text."""

from collections.abc import Sequence


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns of text: numbers to the right, words to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    is_number = [
        all(not cell or cell[-1].isdigit() or cell[-1] in "B%" for cell in column[1:])
        for column in zip(*rows, strict=True)
    ]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_number, strict=True)
        ).rstrip()
        for row in rows
    ]


def dollars(amount: object) -> str:
    """Whole dollars; nothing where unknown."""
    return "" if amount is None else f"{amount:,.0f}"
