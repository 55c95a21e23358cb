"""A screen in parts, each with a name; what changed between two of them.

What only ages with the clock is no part: a page counts it on by itself from the times
that it has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any

import orjson

from live.screen import Screen, ScreenRow

_ROW = tuple(one.name for one in fields(ScreenRow))
_of_row = attrgetter(*_ROW)
# Of the screen itself, beside rows, alerts and what changes with every report.
_HEAD = ("session_date", "state", "reasons", "is_synthetic", "is_late", "counts")
_of_head = attrgetter(*_HEAD)


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
        # Of each part but rows what to compare.
        self._known: dict[str, Any] = {}
        self._rows: tuple[ScreenRow, ...] = ()

    def of(self, shown: Screen) -> Change:
        """What changed since the screen before; the first time everything."""
        known, found = self._known, dict[str, Any]()
        parts, fields_ = dict[str, Any](), dict[str, dict[str, Any]]()
        for name, content, value in _parts(shown):
            found[name] = content
            if known.get(name) != content:
                parts[name] = value
        gone = [name for name in known if name not in found]
        pairs, gone_rows = _pairs(self._rows, shown.rows)
        for before, row in pairs:
            name = _name(row)
            if before is None:
                parts[name] = row
            elif other := _other_fields(before, row):
                parts[name], fields_[name] = row, other
        self._known, self._rows = found, shown.rows
        return Change(parts, fields_, (*gone, *gone_rows))


def _name(row: ScreenRow) -> str:
    return f"row/{row.scope_type}/{row.scope_name}"


def _pairs(
    before: tuple[ScreenRow, ...], now: tuple[ScreenRow, ...]
) -> tuple[list[tuple[ScreenRow | None, ScreenRow]], list[str]]:
    """Rows that are other objects than before, each beside its own; names that went."""
    if len(before) == len(now):
        # Of a large desk most rows are the same ones, each in its place.
        pairs = [
            (was, row) for was, row in zip(before, now, strict=True) if was is not row
        ]
        if all(
            was.scope_name == row.scope_name and was.scope_type == row.scope_type
            for was, row in pairs
        ):
            return [*pairs], []
    names = {_name(row): row for row in before}
    found = [(names.pop(_name(row), None), row) for row in now]
    return [(was, row) for was, row in found if was is not row], [*names]


def _other_fields(before: ScreenRow, row: ScreenRow) -> dict[str, Any]:
    return {
        name: now
        for name, was, now in zip(_ROW, _of_row(before), _of_row(row), strict=True)
        if was is not now and was != now
    }


def _parts(shown: Screen) -> Iterator[tuple[str, tuple, Any]]:
    """Name, content to compare, and value of what is no row."""
    head = _of_head(shown)
    yield "head", head, dict(zip(_HEAD, head, strict=True))
    yield "sources", shown.sources, shown.sources
    yield "flags", shown.flags, shown.flags
    for alert in shown.alerts:
        yield f"alert/{alert.alert_id}", (alert,), alert


def to_json(value: Any) -> bytes:
    """As `screen.as_json` has it: decimals as text, times in ISO 8601.

    A thousand rows a second are too many for `dataclasses.asdict`; a test holds that
    both say the same. Half a sign, which no UTF-8 has, is shown as its number.
    """
    try:
        return orjson.dumps(value, default=_plain)
    except orjson.JSONEncodeError:
        return orjson.dumps(_without_half_signs(value), default=_plain)


def _without_half_signs(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if is_dataclass(value):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, Mapping):
        return {
            _without_half_signs(name): _without_half_signs(one)
            for name, one in value.items()
        }
    if isinstance(value, tuple | list):
        return [_without_half_signs(one) for one in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        text = str(value)
        # Few are written with an exponent, and `f` takes three times as long.
        return f"{value:f}" if "E" in text else text
    if isinstance(value, tuple):
        return list(value)
    raise TypeError(f"no JSON of {type(value).__name__}")
