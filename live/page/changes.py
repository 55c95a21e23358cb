"""A screen in parts, each with a name; what changed between two of them.

What only ages with the clock changes nothing: a page counts it on by itself from the
times that it has.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from itertools import chain
from operator import attrgetter
from typing import Any

import orjson

from live.screen import Screen, ScreenRow

# Of a row: they change with every look, and follow from a time beside them.
_AGES = {"open_price_age_seconds", "seconds_since_loss"}
_ROW = tuple(one.name for one in fields(ScreenRow) if one.name not in _AGES)
_of_row = attrgetter(*_ROW)
# Of the screen itself, beside rows, alerts and what changes with every report.
_HEAD = ("session_date", "state", "reasons", "is_synthetic", "is_late", "counts")
_of_head = attrgetter(*_HEAD)
# Of a row, what the watch says: a row read alone has it of the last whole screen.
_SAID = (
    "usual", "tilt", "limits", "limit_rule", "limit", "used", "used_share",
    "limit_counts_now", "chance", "alert_level", "latch",
)  # fmt: skip
# Name, content to compare, and value.
_Part = tuple[str, tuple, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What one look found.

    Attributes:
        parts: Each part that is new or another than before.
        fields: Of a row that was there before, only what is another.
        gone: Names of parts that are no more.
    """

    parts: Mapping[str, Any]
    fields: Mapping[str, Mapping[str, Any]]
    gone: tuple[str, ...]


class Changes:
    """Remembers the last screen, to tell what the next one changes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple] = {}
        self._sequence = 0
        # Rows that were read alone since: how many reports are in them, and they.
        self._newer: dict[str, tuple[int, ScreenRow]] = {}

    def of(self, shown: Screen) -> Change:
        """What changed since the screen before; the first time everything."""
        found = dict[str, tuple]()
        self._sequence = shown.sequence
        self._newer = {
            name: (sequence, row)
            for name, (sequence, row) in self._newer.items()
            if sequence > shown.sequence
        }
        rows = (
            (name, _of_row(row), row) for name, row in map(self._newest, shown.rows)
        )
        parts, fields_ = self._changed(chain(_parts(shown), rows), found)
        gone = tuple(name for name in self._known if name not in found)
        self._known = found
        return Change(parts, fields_, gone)

    def of_rows(self, shown: Screen) -> Change:
        """What changed of the rows of a screen that has some of them alone."""
        if shown.sequence < self._sequence:
            # A whole screen has overtaken it, and has them.
            return Change({}, {}, ())
        rows = [(_name(row), _of_row(row), row) for row in shown.rows]
        self._newer |= {name: (shown.sequence, row) for name, _, row in rows}
        return Change(*self._changed(rows, self._known), ())

    def _newest(self, row: ScreenRow) -> tuple[str, ScreenRow]:
        """A whole screen's row, with the figures of one that was read alone later."""
        name = _name(row)
        newer = self._newer.get(name)
        if newer is None:
            return name, row
        said = {field: getattr(row, field) for field in _SAID}
        return name, replace(newer[1], **said)

    def _changed(
        self, parts: Iterable[_Part], found: dict[str, tuple]
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        known = self._known
        changed, fields_ = dict[str, Any](), dict[str, dict[str, Any]]()
        for name, content, value in parts:
            before = known.get(name)
            found[name] = content
            if before == content:
                continue
            changed[name] = value
            if before is not None and isinstance(value, ScreenRow):
                fields_[name] = {
                    field: now
                    for field, was, now in zip(_ROW, before, content, strict=True)
                    if was != now
                }
        return changed, fields_


def _parts(shown: Screen) -> Iterator[_Part]:
    head = _of_head(shown)
    yield "head", head, dict(zip(_HEAD, head, strict=True))
    yield "sources", shown.sources, shown.sources
    yield "flags", shown.flags, shown.flags
    for alert in shown.alerts:
        yield f"alert/{alert.alert_id}", (alert,), alert


def _name(row: ScreenRow) -> str:
    return f"row/{row.scope_type}/{row.scope_name}"


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
