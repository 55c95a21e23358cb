"""Figures and names as report and board write them."""

import re
import textwrap
import unicodedata
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

TEXT_WIDTH = 78
NO_BREAK = "\N{NO-BREAK SPACE}"
# Around a name written from right to left, so that it does not turn what follows.
_ISOLATE, _END = "\u2068", "\u2069"


def money(value: Decimal | float | str | None) -> str:
    """Whole dollars with a sign, rounded half up; a dash where unknown."""
    if value is None:
        return "–"
    whole = Decimal(str(value)).quantize(Decimal(1), ROUND_HALF_UP)
    return f"{'−' if whole < 0 else ''}${abs(whole):,}"


def dollars(value: Decimal | None) -> str:
    """Dollars and cents with a sign, rounded half up; says so where unknown."""
    if value is None:
        return "not known"
    cents = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{'−' if cents < 0 else ''}${abs(cents):,}"


def chance(value: float | None) -> str:
    """A probability, with a decimal where it is small; a dash where unknown."""
    if value is None:
        return "–"
    return share(value, 1 if round(value, 3) < 0.1 else 0)


def percent(value: float | None) -> str:
    """A ratio as a whole percentage; a dash where unknown."""
    return "–" if value is None else share(value, 0)


def share(value: float, places: int) -> str:
    """A ratio as a percentage with so many decimals."""
    return f"{100 * value:,.{places}f}{NO_BREAK}%"


def figure(value: float | None, measure: dict[str, Any]) -> str:
    """A figure of a measure: a share as a percentage, any other as a number."""
    if value is None or value != value:
        return "–"
    return share(value, 1) if measure["is_share"] else number(value)


def number(value: float | None) -> str:
    """Three decimals below ten, none above; a dash where unknown."""
    if value is None or value != value:
        return "–"
    return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.0f}"


def multiplier(value: float | None) -> str:
    """The advised size, as a multiple of the usual one; a dash where there is none."""
    return "–" if value is None else f"×{NO_BREAK}{value:g}"


def counted(count: int, one: str, several: str | None = None) -> str:
    """A count with its noun; the plural takes an s if nothing else is said."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def day(value: date | str | None) -> str:
    """A date with its weekday."""
    if isinstance(value, str):
        value = date.fromisoformat(value)
    return "–" if value is None else f"{value:%a} {value:%Y-%m-%d}"


def capitalized(text: str) -> str:
    """With a capital first, the rest as it is."""
    return text[:1].upper() + text[1:]


def isolated(name: str) -> str:
    """A name for plain text that leaves the order of what follows as it is."""
    turns = any(unicodedata.bidirectional(sign) in ("R", "AL", "AN") for sign in name)
    return f"{_ISOLATE}{name}{_END}" if turns else name


def wrapped(text: str, indent: int = 0, first: int | None = None) -> str:
    """A paragraph in lines of plain text.

    Args:
        indent: Blanks before each line.
        first: Blanks before the first one, if others.
    """
    return textwrap.fill(
        # Not at a no-break space, which split() would take for one.
        re.sub(r"[ \t\n]+", " ", text).strip(),
        width=TEXT_WIDTH,
        initial_indent=" " * (indent if first is None else first),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
