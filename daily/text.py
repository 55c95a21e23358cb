"""Figures and tables in plain text."""

from collections.abc import Sequence
from io import StringIO


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns of text, the first row being the head: numbers to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    for _, *cells in zip(*rows, strict=True):
        is_number = all(cell == "" or cell.lstrip("-")[:1].isdigit() for cell in cells)
        grid.add_column(justify="right" if is_number else "left", no_wrap=True)
    for row in rows:
        # As text: a name in brackets is no markup.
        grid.add_row(*map(Text, row))
    # As wide as it takes: a pipe or a log cuts nothing off.
    console = Console(file=StringIO(), width=10_000, color_system=None)
    with console.capture() as capture:
        console.print(grid)
    return [f"  {line.rstrip()}" for line in capture.get().splitlines()]


def dollars(amount: object) -> str:
    """Whole dollars; nothing where unknown."""
    return "" if amount is None else f"{amount:,.0f}"
