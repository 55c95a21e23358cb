"""What a person at a terminal sees: tables, wrapped text, progress bars.

In a pipe, a log or a mail the same is plain text, a line for each row, and no bar.
"""

import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TypeVar

Item = TypeVar("Item")
UNKNOWN = "NULL"
_INDENT, _BETWEEN = 2, 2
# A long text wraps at this width, and at no less.
_TEXT_WIDTH = 24
# 1,200.50, -3%, 12.5 MB, 2025-12-18 09:30:00, -20.00 to 5.10
_NUMBER = re.compile(r"(?=.{1,30}$)[-−]?\$?\d\S*(\s\S+|\sto\s\S+)?")
# Columns that were left out and are named.
_NAMED = 12
# A pipe or a log cuts nothing off.
_NO_END = 10_000


def table(rows: Sequence[tuple[str, ...]], optional: Sequence[str] = ()) -> list[str]:
    """Lines of a table whose first row is the head: numbers to the right, and whole.

    On a terminal it is no wider than that: texts wrap, then columns are left out.

    Args:
        optional: Heads of columns that may be left out, the first one first.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = list(zip(*rows, strict=True))
    left_out: list[str] = []
    width = _width() - _INDENT
    sizes = [_sizes(column) for column in columns]
    for head in optional:
        if _total([least for least, _ in sizes]) <= width:
            break
        # The last one of several that have the name.
        place = max(n for n, column in enumerate(columns) if column[0] == head)
        left_out.append(head)
        del columns[place], sizes[place]
    grid = Table.grid(padding=(0, _BETWEEN, 0, 0))
    for column, size in zip(columns, _fitted(sizes, width), strict=True):
        side = "right" if _holds_numbers(column) else "left"
        grid.add_column(justify=side, width=size, overflow="fold")  # type: ignore[arg-type]
    for number, row in enumerate(zip(*columns, strict=True)):
        # As text: a name in brackets is no markup.
        grid.add_row(*map(Text, row), style="" if number else "bold")
    console = Console(
        file=StringIO(),
        # Never cut, should the least there is be wider than the terminal.
        width=max(width, _total([least for least, _ in sizes])) + _BETWEEN,
        force_terminal=sys.stdout.isatty(),
        color_system="standard" if sys.stdout.isatty() else None,
        highlight=False,
    )
    with console.capture() as capture:
        console.print(grid)
    lines = [" " * _INDENT + line.rstrip() for line in capture.get().splitlines()]
    if left_out:
        names = ", ".join(left_out[: -_NAMED - 1 : -1])
        more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
        lines.append(wrapped("  ", f"Too narrow a terminal for: {names}{more}"))
    return lines


def wrapped(head: str, text: str) -> str:
    """A text behind its head; on a terminal it wraps, below where it begins."""
    if not sys.stdout.isatty():
        return head + text
    return textwrap.fill(
        text,
        _width(),
        initial_indent=head,
        subsequent_indent=" " * len(head),
        # A path stays whole, and a minus with its number.
        break_long_words=False,
        break_on_hyphens=False,
    )


def dollars(amount: object) -> str:
    """Whole dollars; nothing where unknown."""
    return "" if amount is None else f"{amount:,.0f}"


@contextmanager
def progress_bar(
    items: Sequence[Item], title: Callable[[Item], str]
) -> Iterator[Iterable[Item]]:
    """The same items, with a bar and the time left while a terminal's user waits.

    Nothing where stderr is no terminal: cron's log has a line for each step.

    Args:
        title: What is being done with an item.
    """
    if not sys.stderr.isatty():
        yield items
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(
        console=Console(stderr=True),
        # The step's own line says what came of it.
        transient=True,
        refresh_per_second=2,
        # Items take seconds each: of fewer nothing could be estimated.
        speed_estimate_period=600,
    ) as progress:
        bar = progress.add_task("", total=len(items))

        def shown() -> Iterator[Item]:
            for item in items:
                progress.update(bar, description=title(item))
                yield item
                progress.advance(bar)

        yield shown()


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _NO_END


def _holds_numbers(column: Sequence[str]) -> bool:
    known = [cell for cell in column[1:] if cell not in ("", "–", UNKNOWN)]
    return all(_NUMBER.fullmatch(cell) for cell in known)


def _sizes(column: Sequence[str]) -> tuple[int, int]:
    """The least width of a column, and that at which nothing wraps."""
    head, *cells = column
    widest = max(_length(cell) for cell in column)
    if _holds_numbers(column):
        # Its head may wrap.
        return max(map(_length, [*head.split(), *cells]), default=0), widest
    return min(widest, _TEXT_WIDTH), widest


def _length(text: str) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, text.splitlines()), default=0)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _BETWEEN * (len(widths) - 1)


def _fitted(sizes: Sequence[tuple[int, int]], width: int) -> list[int]:
    """Widths of columns: the room that is left goes to those that need least, first."""
    widths = [least for least, _ in sizes]
    room = max(width - _total(widths), 0)
    needs = sorted((widest - least, n) for n, (least, widest) in enumerate(sizes))
    for place, (need, n) in enumerate(needs):
        given = min(need, room // (len(needs) - place))
        widths[n] += given
        room -= given
    return widths
