"""How much is drawn: little with `make test`, more with `make test-long`."""

from typing import TypeVar

T = TypeVar("T")

# Set by pytest's option `--long`, before any test is collected.
is_long = False


def draw(short: T, long: T) -> T:
    """What is drawn: `short`, or `long` when asked for."""
    return long if is_long else short
