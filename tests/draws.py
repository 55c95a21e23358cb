"""How much is drawn: little each time, more with `make test-long`."""

import os
from typing import TypeVar

T = TypeVar("T")


def draw(short: T, long: T) -> T:
    """What is drawn: `short`, or `long` when asked for."""
    return long if os.environ.get("LONG_TESTS") else short


def draw_size(short: int, long: int) -> int:
    """The size of a draw."""
    return draw(short, long)
