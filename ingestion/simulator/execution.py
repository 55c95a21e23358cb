"""Turns a trader's orders into fills: routes, partial fills, sides, fees, ids."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from ingestion.simulator import fees
from ingestion.simulator.cast import Profile
from ingestion.simulator.fees import FeeDesk, Plan
from ingestion.simulator.firm import CANCELLED, Fill, instrument_type
from ingestion.simulator.market import Series

FIRST_PROPREPORTS_ID = 900_001
OPENING_TIME = timedelta(hours=9, minutes=30)
SAME_SECOND = 0.5
CANCELLED_SHARE = 0.0006
REPEATED_FILL_ID = 0.02  # of equal parts in the same second

_ROUTES = {
    "Eq": ("ARCA", "NSDQ", "EDGX", "BATS"),
    "Op": ("OPTX",),
    "Fu": ("FUTX",),
}
_PLANS = {"Eq": fees.EQUITY, "Op": fees.OPTION, "Fu": fees.FUTURE}


@dataclass(slots=True)
class Order:
    """An order that fills within its minute.

    Attributes:
        quantity: Signed by its side.
        fills_at_once: Never in parts.
    """

    series: Series
    minute: int
    second: int
    quantity: int
    fills_at_once: bool = False


class Execution:
    """One trader's way to the market; keeps the positions.

    Args:
        chance: The trader's source of chance.
        fills: All fills of the firm, to which the trader's are appended.
    """

    def __init__(
        self, profile: Profile, chance: random.Random, desk: FeeDesk, fills: list[Fill]
    ) -> None:
        self._profile = profile
        self._chance = chance
        self._desk = desk
        self._fills = fills
        self._positions: dict[str, int] = defaultdict(int)

    def expected_fee(self, series: Series, quantity: int, session: int) -> float:
        """Dollars an order is expected to cost when its side is still open."""
        return self._desk.expected(
            self._plan(series.symbol),
            quantity,
            adds_share=self._profile.makes,
            value=quantity * series.level(session) * series.multiplier,
        )

    def fill(
        self, account_name: str, day: date, session: int, orders: Sequence[Order]
    ) -> float:
        """Append the fills of a day's orders in order of time; returns their fees."""
        midnight = datetime(day.year, day.month, day.day)
        prefix = f"{day:%y%m%d}"
        paid = sequence = 0
        in_time = sorted(orders, key=lambda order: (order.minute, order.second))
        for number, order in enumerate(in_time, start=1):
            series = order.series
            symbol = series.symbol
            plan = self._plan(symbol)
            units = series.price(session, order.minute)
            price = series.dollars(units)
            is_sale = order.quantity < 0
            worth = units * 10 ** (4 - series.decimals) * series.multiplier
            adds = self._chance.random() < self._profile.makes
            route = self._chance.choice(_ROUTES[instrument_type(symbol)])
            at = midnight + OPENING_TIME
            at += timedelta(minutes=order.minute, seconds=order.second)
            isin = f"ZZ{symbol:0>9}0" if symbol.isalpha() else ""
            order_id = f"{prefix}-{number:03d}"
            before = 0
            parts = self._parts(order)
            if self._chance.random() < CANCELLED_SHARE:
                # Busted, and then done again.
                parts.insert(0, -parts[0])
            for part in parts:
                quantity, is_cancelled = abs(part), part < 0
                is_later = before != 0 and self._chance.random() > SAME_SECOND
                if is_later and at.second < 59:
                    at += timedelta(seconds=1)
                is_equal = part == before and not is_later
                if not is_equal or self._chance.random() > REPEATED_FILL_ID:
                    sequence += 1
                before = part
                charged, total = self._desk.charge(
                    plan,
                    quantity,
                    adds=adds,
                    worth_sold=worth * quantity if is_sale else 0,
                )
                held = self._positions[symbol]
                if not is_cancelled:
                    paid += total
                    self._positions[symbol] += -quantity if is_sale else quantity
                self._fills.append(
                    Fill(
                        at,
                        account_name,
                        self._side(is_sale, held),
                        Decimal(quantity),
                        symbol,
                        price,
                        route,
                        "A" if adds else "R",
                        charged,
                        order_id,
                        str(sequence),
                        "USD",
                        isin,
                        "",
                        CANCELLED if is_cancelled else self._profile.status,
                        FIRST_PROPREPORTS_ID + len(self._fills),
                    )
                )
        return paid / 1e6

    def expire(self, account_name: str, day: date, series: Series) -> None:
        """Append the journal entry that takes a worthless option off the books."""
        self._fills.append(
            Fill(
                filled_at=datetime(day.year, day.month, day.day),
                account_name=account_name,
                side="S",
                quantity=Decimal(self._positions.pop(series.symbol)),
                symbol=series.symbol,
                price=Decimal("0.00"),
                order_id=f"e{day:%y%m%d}",
                fill_id=f"e{day:%y%m%d}",
                status="EXP",
                propreports_id=FIRST_PROPREPORTS_ID + len(self._fills),
            )
        )

    def _plan(self, symbol: str) -> Plan:
        kind = instrument_type(symbol)
        if kind == "Eq" and self._profile.has_detailed_fees:
            return fees.EQUITY_DETAILED
        return _PLANS[kind]

    def _side(self, is_sale: bool, held: int) -> str:
        sends_intention = self._profile.sends_intention
        if is_sale:
            return "T" if sends_intention and held <= 0 else "S"
        return "C" if sends_intention and held < 0 else "B"

    def _parts(self, order: Order) -> list[int]:
        """An order's quantity in one to three fills."""
        chance = self._chance
        quantity = abs(order.quantity)
        lot = 1
        if instrument_type(order.series.symbol) == "Eq":
            lot = 100 if quantity % 100 == 0 else 10
        lots = quantity // lot
        draw = chance.random()
        if order.fills_at_once or lots < 2 or draw < 0.62:
            return [quantity]
        if lots % 2 == 0 and draw < 0.72:
            return [quantity // 2, quantity // 2]
        first = chance.randrange(1, lots) * lot
        if lots - first // lot < 2 or draw < 0.9:
            return [first, quantity - first]
        second = chance.randrange(1, lots - first // lot) * lot
        return [first, second, quantity - first - second]
