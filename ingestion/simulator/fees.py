"""What a fill costs: a broker's plan per unit, and the dated rates on US sales.

Amounts are whole millionths of a dollar until they are handed out as `Decimal`.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TypeVar

# Section 31 fee: (first day, cents per million dollars sold).
SEC_CENTS_PER_MILLION = (
    (date.min, 2310),
    (date(2018, 5, 22), 1300),
    (date(2019, 4, 16), 2070),
    (date(2020, 2, 18), 2210),
    (date(2021, 2, 25), 510),
    (date(2022, 5, 14), 2290),
    (date(2023, 2, 27), 800),
    (date(2024, 5, 22), 2780),
    (date(2025, 5, 14), 0),
    (date(2026, 4, 4), 2060),
)
# Trading activity fee: (first day, (millionths per share sold, cap per fill)).
TAF_MILLIONTHS = (
    (date.min, (119, 5_950_000)),
    (date(2022, 1, 1), (130, 6_490_000)),
    (date(2023, 1, 1), (145, 7_270_000)),
    (date(2024, 1, 1), (166, 8_300_000)),
    (date(2026, 1, 1), (195, 9_790_000)),
)

AnyRate = TypeVar("AnyRate")


@dataclass(frozen=True, eq=False)
class Plan:
    """Fees per share or contract, in millionths of a dollar.

    Attributes:
        adds: Ecn Fee of an order that rests; negative is a rebate.
        removes: Ecn Fee of an order that takes.
        others: Further columns and their rates.
        pays_sec: Whether sales pay the Section 31 fee.
        pays_taf: Whether sales pay the trading activity fee.
    """

    commission: int
    adds: int
    removes: int
    others: tuple[tuple[str, int], ...]
    pays_sec: bool
    pays_taf: bool

    @cached_property
    def fixed(self) -> int:
        """All but the Ecn Fee and the fees of sales."""
        return self.commission + sum(rate for _, rate in self.others)


_CLEARING = (("NSCC", 100), ("Clr", 200), ("Misc", 0))
EQUITY = Plan(3_000, -2_000, 3_000, _CLEARING, pays_sec=True, pays_taf=True)
# The same with the columns of the vendor's longer header.
EQUITY_DETAILED = Plan(
    2_500,
    -2_000,
    3_000,
    (("ORF", 0), ("CAT", 35), ("FTT", 0), ("Acc", 50), *_CLEARING),
    pays_sec=True,
    pays_taf=True,
)
OPTION = Plan(
    500_000,
    -250_000,
    450_000,
    (("ORF", 20_000), ("OCC", 20_000), ("Clr", 30_000)),
    pays_sec=True,
    pays_taf=False,
)
FUTURE = Plan(
    900_000,
    1_380_000,
    1_380_000,
    (("NFA", 20_000), ("Clr", 100_000)),
    pays_sec=False,
    pays_taf=False,
)


class FeeDesk:
    """Charges fills, one date after the other."""

    def __init__(self) -> None:
        self._per_unit: dict[tuple, tuple[dict[str, Decimal], int]] = {}
        self.turn_to(date.min)

    def turn_to(self, day: date) -> None:
        """From now on charge the rates of this date."""
        self._sec = _rate_on(SEC_CENTS_PER_MILLION, day)
        self._taf, self._taf_cap = _rate_on(TAF_MILLIONTHS, day)

    def charge(
        self, plan: Plan, quantity: int, *, adds: bool, worth_sold: int
    ) -> tuple[Mapping[str, Decimal], int]:
        """Fees of one fill.

        Args:
            adds: Whether it took a resting order's side.
            worth_sold: Value sold in hundredths of a cent, 0 for a purchase.

        Returns:
            Dollars by column, and their sum in millionths.
        """
        key = (plan, quantity, adds)
        if key not in self._per_unit:
            amounts = {
                "Comm": plan.commission * quantity,
                "Ecn Fee": (plan.adds if adds else plan.removes) * quantity,
                **dict.fromkeys(("SEC", "TAF"), 0),
                **{name: rate * quantity for name, rate in plan.others},
            }
            shown = {name: _dollars(amount) for name, amount in amounts.items()}
            self._per_unit[key] = (shown, sum(amounts.values()))
        fees, total = self._per_unit[key]
        if not worth_sold:
            return fees, total
        # Half-up; 1e-4 dollars x 1e-2 dollars per million are 1e-6 millionths.
        sec = worth_sold * self._sec + 500_000 if plan.pays_sec else 0
        sec //= 1_000_000
        taf = min(self._taf * quantity, self._taf_cap) if plan.pays_taf else 0
        return {**fees, "SEC": _dollars(sec), "TAF": _dollars(taf)}, total + sec + taf

    def expected(
        self, plan: Plan, quantity: int, *, adds_share: float, value: float
    ) -> float:
        """Dollars an order is expected to cost if it may as well buy as sell.

        Args:
            adds_share: Probability that it rests.
            value: Quantity x price x contract size, in dollars.
        """
        ecn = adds_share * plan.adds + (1 - adds_share) * plan.removes
        sale = value * self._sec / 100 if plan.pays_sec else 0.0
        if plan.pays_taf:
            sale += min(self._taf * quantity, self._taf_cap)
        return ((plan.fixed + ecn) * quantity + sale / 2) / 1e6


def _rate_on(table: Sequence[tuple[date, AnyRate]], day: date) -> AnyRate:
    starts = [start for start, _ in table]
    return table[bisect_right(starts, day) - 1][1]


@lru_cache(maxsize=100_000)
def _dollars(millionths: int) -> Decimal:
    return Decimal(millionths).scaleb(-6).normalize()
