"""What a symbol is: its type, contract size, currency and session, as the models say.

The same rules as int_instruments, int_session_cutoffs and int_session_dates; each
symbol is looked up once.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from live.opening import Cutoff, InstrumentLine

# The currencies of macro quote_currency.
_CODES = (
    "AUD|BRL|CAD|CHF|CLP|CNH|CNY|COP|CZK|DKK|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KRW|MXN|MYR"
    "|NOK|NZD|PHP|PLN|RON|RUB|SAR|SEK|SGD|THB|TRY|TWD|USD|ZAR"
)
_PAIR = re.compile(
    rf"[^A-Z0-9]?(?:{_CODES}|XAU|XAG|XPT|XPD)[-./_]?({_CODES})", re.ASCII
)
_PARTED_PAIR = re.compile(rf"[^A-Z0-9]?[A-Z0-9]+/({_CODES})", re.ASCII)
_FUTURE = re.compile(
    r"([^A-Za-z0-9][A-Za-z0-9]+)[FGHJKMNQUVXZfghjkmnquvxz]"
    r"(?:[0-9]|[0-9][0-9]|[0-9][0-9][0-9][0-9])",
    re.ASCII,
)
_OPTION = re.compile(r"([^A-Za-z0-9].+)[0-9]{6}[CPcp][0-9.]+", re.ASCII)
_SUFFIX = re.compile(r"[.][A-Z]+$", re.ASCII)
# A session that is further away is none: beyond the calendar a date is its own.
_MOST_DAYS = 14


@dataclass(frozen=True, slots=True)
class Instrument:
    """A symbol, as far as it is known.

    Attributes:
        multiplier: None where nobody has said what a contract is worth.
        currency: None where the symbol tells none.
        cutoff_minute: Of the day, from which a fill is of the next session; None for
            calendar dates.
    """

    symbol: str
    type: str | None
    multiplier: Decimal | None
    currency: str | None
    cutoff_minute: int | None


class Instruments:
    """All symbols, by the lines of the desk and of the project."""

    def __init__(
        self,
        lines: Mapping[str, InstrumentLine],
        currency_suffixes: Mapping[str, str],
        cutoffs: Sequence[Cutoff],
    ) -> None:
        self._lines = lines
        self._currency_suffixes = currency_suffixes
        self._cutoffs = {one.symbol_prefix: one.cutoff_time for one in cutoffs}
        self._known: dict[str, Instrument] = {}

    def __getitem__(self, symbol: str) -> Instrument:
        found = self._known.get(symbol)
        if found is None:
            found = self._known[symbol] = self._look_up(symbol)
        return found

    def _look_up(self, symbol: str) -> Instrument:
        sign = "" if re.match(r"[A-Za-z0-9]", symbol) else symbol[:1]
        future = _FUTURE.fullmatch(symbol)
        option = _OPTION.fullmatch(symbol)
        future_root = future[1] if future else None
        option_root = option[1].strip() if option else None
        line, kind, multiplier = self._size(symbol, sign, future_root, option_root)
        root = option_root or future_root or symbol
        cutoff: time | None = None
        # The longest name that has a line decides, one that ends a cut-off among them.
        for name in (symbol, root, sign):
            if name in self._cutoffs:
                cutoff = self._cutoffs[name]
                break
        return Instrument(
            symbol,
            kind,
            multiplier,
            self._currency(symbol, option_root, sign, line),
            None if cutoff is None else 60 * cutoff.hour + cutoff.minute,
        )

    def _size(
        self, symbol: str, sign: str, future_root: str | None, option_root: str | None
    ) -> tuple[str | None, str | None, Decimal | None]:
        """Which line decides, the type and the contract size."""
        lines = self._lines
        named = [(symbol, None), (future_root, "future"), (option_root, "option")]
        for name, kind in sorted(
            ((name, kind) for name, kind in named if name),
            key=lambda pair: -len(pair[0] or ""),
        ):
            if name in lines and kind in (None, lines[name].instrument_type):
                return name, lines[name].instrument_type, lines[name].multiplier
        if sign not in lines:
            return None, None, None
        kind, multiplier, _ = lines[sign]
        is_unclear = (
            sign != ""
            and future_root is None
            and option_root is None
            and any(
                symbol.startswith(name) and 2 <= len(name) < len(symbol)
                for name in lines
            )
        )
        # Contract sizes of futures differ by root: the sign says the type alone.
        size = None if kind == "future" or is_unclear else multiplier
        return sign, kind, size

    def _currency(
        self, symbol: str, option_root: str | None, sign: str, name: str | None
    ) -> str | None:
        upper = symbol.upper()
        pair = _PAIR.fullmatch(upper) or _PARTED_PAIR.fullmatch(upper)
        if pair:
            return pair[1]
        of_line = None if name is None else self._lines[name].currency
        suffix = _SUFFIX.search((option_root or symbol).upper())
        of_suffix = self._currency_suffixes.get(suffix[0]) if suffix else None
        # What is said of a symbol or its root is more than what its ending tells.
        return of_suffix or of_line if name == sign else of_line or of_suffix


class SessionDates:
    """Which session a fill is of."""

    def __init__(self, sessions: Sequence[date]) -> None:
        self._sessions = sorted(sessions)

    def of(self, instrument: Instrument, at_et: datetime) -> date:
        """The trade date of a fill at a naive Eastern time."""
        day = at_et.date()
        if instrument.cutoff_minute is None:
            return day
        is_evening = 60 * at_et.hour + at_et.minute >= instrument.cutoff_minute
        find = bisect_right if is_evening else bisect_left
        place = find(self._sessions, day)
        if place == len(self._sessions):
            return day
        session = self._sessions[place]
        return session if (session - day).days <= _MOST_DAYS else day
