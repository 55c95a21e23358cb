"""A screen in parts, each with a name and its JSON; what changed between two of them.

What only ages with the clock changes nothing: a page counts it on by itself from the
times that it has.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from operator import attrgetter
from typing import Any

import orjson

from live.screen import Screen, ScreenRow

# Of a row: they change with every look, and follow from a time beside them.
_AGES = {"open_price_age_seconds", "seconds_since_loss"}
_of_row = attrgetter(*(one.name for one in fields(ScreenRow) if one.name not in _AGES))
# Of the screen itself, beside rows, alerts and what changes with every report.
_HEAD = ("session_date", "state", "reasons", "is_synthetic", "is_late", "counts")
_of_head = attrgetter(*_HEAD)
# Name, content to compare, and value or what makes it.
_Part = tuple[str, Any, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What one look found.

    Attributes:
        parts: JSON of each part that is new or another than before.
        gone: Names of parts that are no more.
    """

    parts: dict[str, bytes]
    gone: tuple[str, ...]


class Changes:
    """Remembers the last screen, to tell what the next one changes."""

    def __init__(self) -> None:
        self._known: dict[str, Hashable] = {}

    def of(self, shown: Screen) -> Change:
        """What changed since the screen before; the first time everything."""
        found = dict[str, Hashable]()
        parts = self._changed(_parts(shown), found)
        gone = tuple(name for name in self._known if name not in found)
        self._known = found
        return Change(parts, gone)

    def of_rows(self, shown: Screen) -> Change:
        """What changed of the rows of a screen that has some of them alone."""
        return Change(self._changed(_rows(shown), self._known), ())

    def _changed(self, parts: Iterable[_Part], found: dict[str, Hashable]) -> dict:
        known, changed = self._known, {}
        for name, content, value in parts:
            is_same = known.get(name) == content
            found[name] = content
            if not is_same:
                changed[name] = to_json(value() if callable(value) else value)
        return changed


def _parts(shown: Screen) -> Iterator[_Part]:
    head = _of_head(shown)
    yield "head", head, lambda: dict(zip(_HEAD, head, strict=True))
    yield "sources", shown.sources, shown.sources
    yield "flags", shown.flags, shown.flags
    for alert in shown.alerts:
        yield f"alert/{alert.alert_id}", alert, alert
    yield from _rows(shown)


def _rows(shown: Screen) -> Iterator[_Part]:
    for row in shown.rows:
        yield f"row/{row.scope_type}/{row.scope_name}", _of_row(row), row


def to_json(value: Any) -> bytes:
    """As `screen.as_json` has it: decimals as text, times in ISO 8601.

    A thousand rows a second are too many for `dataclasses.asdict`; a test holds that
    both say the same.
    """
    return orjson.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple):
        return list(value)
    raise TypeError(f"no JSON of {type(value).__name__}")
