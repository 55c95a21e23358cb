"""What the replies are made of before a dialect writes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


class Number(str):
    """A cell with a number, in plain digits."""

    __slots__ = ()


class Money(Number):
    """A cell with an amount of money, rounded to cents."""

    __slots__ = ()


class Header(list[str]):
    """A row of column names."""


@dataclass(frozen=True)
class Table:
    """A reply in pages: rows are written only when their page is asked for.

    Attributes:
        items: The records behind the rows.
        row: Writes the cells of one.
    """

    header: Sequence[str]
    items: Sequence[Any]
    row: Callable[[Any], Sequence[str]]
