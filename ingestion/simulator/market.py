"""Prices: seeded minute paths that every trader of the firm sees alike.

Log prices are Gaussian martingales whose variance over any stretch of minutes, nights
included, is known beforehand; that is what makes an expected |move| exact.
Options move as a multiple of their underlying and futures as indices of their own;
neither pretends to be a pricing model.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import pi, sqrt

import numpy as np

MINUTES = 390
CLOSE = MINUTES  # index of the closing price in a day of 391 prices
MEAN_ABSOLUTE = sqrt(2 / pi)  # E|z| of a standard normal z

EQUITIES = (
    *("QQZ", "WWX", "ZVXA", "QXJ", "XKQV", "ZZQB", "VQZL", "JXQ", "KZQW", "QVVX"),
    *("ZXQ/A", "XZQO", "WQXZ", "QZK", "VXXQ", "ZQJD", "XQZM", "QJZT", "ZKXQ", "XVQZ"),
    *("QWZX", "ZJQX", "KQXV", "VZQX", "QZX-P", "XJZQ", "ZWQV", "QKXZ", "XXZQ", "ZQVK"),
)
SUB_PENNY = ("QZK", "ZQVK")  # quoted in hundredths of a cent
FUTURE_MULTIPLIERS = {"#SIMA": 50, "#SIMB": 1000, "#SIMC": 20}
OPTION_MULTIPLIER = 100
OPTION_ROOTS = ("QQZ", "WWX")

_FUTURE_STARTS = {"#SIMA": 5000.0, "#SIMB": 110.0, "#SIMC": 18000.0}
_FUTURE_TICKS = {"#SIMA": 25, "#SIMB": 1, "#SIMC": 25}  # in hundredths
_SUB_PENNY_START = 12.0  # any cheaper, and fees outweigh a short trip's move
_QUARTER_CODES = "HMUZ"
_OPTION_LEVERAGE = {"C": 5.0, "P": -5.0}
_OPTION_PREMIUM = 3.0
_SMALLEST_PREMIUM = 5  # cents
_WORTHLESS_CLOSES = (14, 9, 5, 2, 1)  # cents, the last on the day of expiry
_GAP_SHARE = 0.45  # a night's sigma as a share of the day's


@dataclass(frozen=True, eq=False)
class Series:
    """One symbol's prices over the sessions on which it is listed.

    Attributes:
        multiplier: Contract size.
        decimals: Prices are whole numbers of 10**-decimals dollars.
        first: Number of the first session.
        usual_sigma: A usual day's standard deviation of the log price.
        units: Prices, (sessions, 391), from the open to the close.
        clock: Variance of the log price since the start, (sessions, 391).
        levels: Expected price before the open, (sessions,), in dollars.
    """

    symbol: str
    multiplier: int
    decimals: int
    first: int
    usual_sigma: float
    units: np.ndarray
    clock: np.ndarray
    levels: np.ndarray

    @property
    def last(self) -> int:
        """Number of the last session."""
        return self.first + len(self.units) - 1

    def price(self, session: int, minute: int) -> int:
        """Price in units at a minute of a session."""
        return int(self.units[session - self.first, minute])

    def elapsed(self, session: int, minute: int) -> float:
        """Variance of the log price from the start of the series to a minute."""
        return float(self.clock[session - self.first, minute])

    def level(self, session: int) -> float:
        """Price in dollars that is expected before the open of a session."""
        return float(self.levels[session - self.first])

    def dollars(self, units: int) -> Decimal:
        """A price as shown."""
        return Decimal(units).scaleb(-self.decimals)


@dataclass(frozen=True, eq=False)
class Market:
    """All series, and which symbol a family stands for on a session.

    Attributes:
        families: (first session, symbol) lists by family: an equity's symbol, a
            futures root, or `+QQZC` for the calls on QQZ.
        worthless: A call that expires worthless; None if no expiry leaves time for it.
    """

    series: dict[str, Series]
    families: dict[str, list[tuple[int, str]]]
    worthless: Series | None

    def front(self, family: str, session: int) -> Series:
        """The series a family trades in on a session."""
        listed = self.families[family]
        index = bisect_right(listed, session, key=lambda item: item[0]) - 1
        return self.series[listed[index][1]]

    def closes(self, sessions: Sequence[date]) -> dict[tuple[str, date], Decimal]:
        """Closing prices by (symbol, date)."""
        return {
            (one.symbol, sessions[one.first + day]): one.dollars(units)
            for one in self.series.values()
            for day, units in enumerate(one.units[:, CLOSE].tolist())
        }


def make_market(sessions: Sequence[date], seed: int) -> Market:
    """Draw the prices of all symbols over the sessions."""
    random = np.random.default_rng([seed, len(sessions)])
    roots = (*EQUITIES, *FUTURE_MULTIPLIERS)
    days = len(sessions)
    share = _minute_shares()
    sigma, usual = _sigmas(random, days)
    noise = random.standard_normal((len(roots), days, MINUTES), dtype=np.float32)
    common = random.standard_normal((days, MINUTES), dtype=np.float32)
    noise *= np.float32(sqrt(0.75))
    noise += np.float32(0.5) * common
    noise *= np.sqrt(share, dtype=np.float32)
    gaps = random.standard_normal((len(roots), days)) * _GAP_SHARE * sigma
    starts = np.exp(random.uniform(np.log(15), np.log(220), len(roots)))
    series: dict[str, Series] = {}
    families: dict[str, list[tuple[int, str]]] = {}
    worthless = None
    expiries = expiry_places(sessions)
    for row, root in enumerate(roots):
        walk = np.zeros((days, MINUTES + 1))
        walk[:, 0] = gaps[row]
        walk[:, 1:] = noise[row] * sigma[row][:, None]
        walk = np.cumsum(walk.ravel()).reshape(days, MINUTES + 1)
        spent = np.empty((days, MINUTES + 1))
        spent[:, 0] = (_GAP_SHARE * sigma[row]) ** 2
        spent[:, 1:] = share * (sigma[row] ** 2)[:, None]
        clock = np.cumsum(spent.ravel()).reshape(days, MINUTES + 1)
        if root in FUTURE_MULTIPLIERS:
            start, decimals, tick = _FUTURE_STARTS[root], 2, _FUTURE_TICKS[root]
        elif root in SUB_PENNY:
            start, decimals, tick = _SUB_PENNY_START, 4, 1
        else:
            start, decimals, tick = float(starts[row]), 2, 1
        units, levels = _prices(start, walk, clock, decimals, tick, tick)
        multiplier = FUTURE_MULTIPLIERS.get(root, 1)
        if root in FUTURE_MULTIPLIERS:
            listed = _contracts(root, sessions)
        else:
            listed = [(0, root)]
        families[root] = listed
        ends = [first for first, _ in listed[1:]] + [days]
        for (first, symbol), end in zip(listed, ends, strict=True):
            series[symbol] = Series(
                symbol,
                multiplier,
                decimals,
                first,
                float(usual[row]),
                units[first:end],
                clock[first:end],
                levels[first:end],
            )
        if root in OPTION_ROOTS:
            options = _options(root, sessions, expiries, walk, clock, levels)
            for family, one in options:
                usual_sigma = float(usual[row]) * abs(_OPTION_LEVERAGE[family[-1]])
                families.setdefault(family, []).append((one[1], one[0]))
                series[one[0]] = Series(
                    one[0], OPTION_MULTIPLIER, 2, one[1], usual_sigma, *one[2:]
                )
        if root == OPTION_ROOTS[0]:
            worthless = _worthless(root, sessions, expiries, levels)
            if worthless is not None:
                series[worthless.symbol] = worthless
    return Market(series, families, worthless)


def option_symbol(root: str, expiry: date, right: str, strike: int) -> str:
    """Such as `+QQZ260116C00050000` for the 50 dollar call of January 16, 2026."""
    return f"+{root}{expiry:%y%m%d}{right}{strike * 1000:08d}"


def _minute_shares() -> np.ndarray:
    """Each minute's share of a day's variance, high at the open and the close."""
    minute = np.arange(MINUTES)
    weight = 1 + 1.5 * np.exp(-minute / 40) + 0.8 * np.exp(-(MINUTES - minute) / 30)
    return weight / weight.sum()


def _sigmas(random: np.random.Generator, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Each day's sigma, (roots, days), with calm and wild spells; the usual ones."""
    usual = np.concatenate(
        [
            random.uniform(0.013, 0.032, len(EQUITIES)),
            random.uniform(0.007, 0.011, len(FUTURE_MULTIPLIERS)),
        ]
    )
    own = random.standard_normal((len(usual), days))
    shared = random.standard_normal(days)
    shock = (0.8 * own + 0.6 * shared) * 0.3
    spell = np.empty_like(shock)
    spell[:, 0] = shock[:, 0]
    for day in range(1, days):
        spell[:, day] = 0.95 * spell[:, day - 1] + sqrt(1 - 0.95**2) * shock[:, day]
    return usual[:, None] * np.exp(spell), usual


def _prices(
    start: float,
    walk: np.ndarray,
    clock: np.ndarray,
    decimals: int,
    tick: int,
    smallest: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Prices in units, rounded to ticks, and the levels before each open."""
    price = start * np.exp(walk - clock / 2)
    units = np.rint(price * (10**decimals / tick)).astype(np.int32) * tick
    levels = np.concatenate([[start], price[:-1, CLOSE]])
    return np.maximum(units, smallest), levels


def expiry_places(sessions: Sequence[date]) -> list[int]:
    """Numbers of the sessions on which options expire: third Fridays, or before."""
    found = []
    friday = _third_friday(sessions[0])
    while friday <= sessions[-1]:
        found.append(bisect_right(sessions, friday) - 1)
        friday = _third_friday(friday + timedelta(days=1))
    return [index for index in found if index >= 0]


def _third_friday(day: date) -> date:
    """The first third Friday of a month on or after a day."""
    while not (day.weekday() == 4 and 15 <= day.day <= 21):
        day += timedelta(days=1)
    return day


def _contracts(root: str, sessions: Sequence[date]) -> list[tuple[int, str]]:
    """First session and symbol of each quarter's contract; rolled a week early."""
    listed: list[tuple[int, str]] = []
    for number, day in enumerate(sessions):
        rolled = day + timedelta(days=7)
        code = _QUARTER_CODES[(rolled.month - 1) // 3]
        symbol = f"{root}{code}{rolled.year % 10}"
        if not listed or listed[-1][1] != symbol:
            listed.append((number, symbol))
    return listed


def _options(
    root: str,
    sessions: Sequence[date],
    expiries: Sequence[int],
    walk: np.ndarray,
    clock: np.ndarray,
    levels: np.ndarray,
) -> list[tuple[str, tuple]]:
    """A call and a put per month: family and (symbol, first, units, clock, levels)."""
    found = []
    ends = [*expiries, len(sessions) - 1]
    starts = [0, *[index + 1 for index in expiries]]
    for first, last in zip(starts, ends, strict=True):
        if first > last:
            continue
        expiry = sessions[last] if last in expiries else _third_friday(sessions[last])
        strike = max(5, round(float(levels[first]) / 5) * 5)
        span = slice(first, last + 1)
        base_walk = walk[first - 1, CLOSE] if first else 0.0
        base_clock = clock[first - 1, CLOSE] if first else 0.0
        for right, leverage in _OPTION_LEVERAGE.items():
            own_walk = leverage * (walk[span] - base_walk)
            own_clock = leverage**2 * (clock[span] - base_clock)
            units, own_levels = _prices(
                _OPTION_PREMIUM, own_walk, own_clock, 2, 1, _SMALLEST_PREMIUM
            )
            symbol = option_symbol(root, expiry, right, strike)
            found.append(
                (f"+{root}{right}", (symbol, first, units, own_clock, own_levels))
            )
    return found


def _worthless(
    root: str,
    sessions: Sequence[date],
    expiries: Sequence[int],
    levels: np.ndarray,
) -> Series | None:
    """A call far out of the money over its last sessions."""
    days = len(_WORTHLESS_CLOSES)
    late = [index for index in expiries if index >= days]
    if not late:
        return None
    last = min(late, key=lambda index: abs(index - 0.6 * len(sessions)))
    first = last - days + 1
    strike = max(5, round(float(levels[first]) / 5) * 10)
    cents = np.array(_WORTHLESS_CLOSES, dtype=np.int32)
    return Series(
        option_symbol(root, sessions[last], "C", strike),
        OPTION_MULTIPLIER,
        2,
        first,
        0.5,
        np.repeat(cents[:, None], MINUTES + 1, axis=1),
        np.zeros((days, MINUTES + 1)),
        cents / 100,
    )
