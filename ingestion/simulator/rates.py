"""What currencies are worth: the rates of a firm, and made-up ones for the sample.

A rate is what a unit of a currency is worth in dollars at the close of a date; it
counts until the currency's next one.
"""

import random
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

DOLLAR = "USD"
ONE = Decimal(1)
STEP = Decimal("1e-8")

ExchangeRates = Mapping[tuple[str, date], Decimal]

# Start, standard deviation of a day, and decimals that are quoted.
_WALKS = {"CAD": (0.72, 0.004, 4), "JPY": (0.0066, 0.006, 6)}
_WALK_SEED = "exchange rates"

_CODES = "AUD|CAD|CHF|EUR|GBP|JPY|NZD|USD"
_PAIR = re.compile(rf"[^A-Z0-9]?(?:{_CODES})[-./_]?({_CODES})")
_SUFFIXES = {".TO": "CAD", ".TV": "CAD", ".CN": "CAD", ".NE": "CAD"}


class Spots:
    """Exchange rates, looked up by date."""

    def __init__(self, rates: ExchangeRates) -> None:
        self._dates: dict[str, list[date]] = defaultdict(list)
        self._rates: dict[str, list[Decimal]] = defaultdict(list)
        for (currency, day), rate in sorted(rates.items()):
            self._dates[currency].append(day)
            self._rates[currency].append(rate)

    def spot(self, currency: str, into: str, day: date) -> Decimal:
        """What a unit of a currency is worth in another one.

        Raises:
            ValueError: The firm has no rate of one of them by then.
        """
        if currency == into:
            return ONE
        return self._in_dollars(currency, day) / self._in_dollars(into, day)

    def _in_dollars(self, currency: str, day: date) -> Decimal:
        if currency == DOLLAR:
            return ONE
        place = bisect_right(self._dates[currency], day)
        if not place:
            raise ValueError(f"The firm has no exchange rate of {currency} on {day}.")
        return self._rates[currency][place - 1]


def converted(amount: Decimal, spot: Decimal) -> Decimal:
    """An amount at a spot rate, to the eighth decimal; as it is at 1."""
    return amount if spot == 1 else (amount * spot).quantize(STEP, ROUND_HALF_UP)


def symbol_currency(symbol: str) -> str:
    """A pair's second leg, or what the ending says; blank where a symbol tells none."""
    pair = _PAIR.fullmatch(symbol)
    if pair is not None:
        return pair[1]
    return _SUFFIXES.get(symbol[-3:], "")


def made_up_rates(sessions: Sequence[date]) -> dict[tuple[str, date], Decimal]:
    """A walk of each currency, whatever the sample's seed."""
    rates: dict[tuple[str, date], Decimal] = {}
    for currency, (start, sigma, decimals) in _WALKS.items():
        chance, rate = random.Random(f"{_WALK_SEED} {currency}"), start
        for day in sessions:
            rate *= 1 + chance.gauss(0, sigma)
            rates[currency, day] = Decimal(f"{rate:.{decimals}f}")
    return rates
