"""Round trips: from flat to flat, however many fills and days that takes."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from ingestion.simulator.firm import (
    Account,
    CorporateAction,
    Fill,
    Firm,
    execution_order,
)
from ingestion.simulator.rates import ONE, Spots, converted

ZERO = Decimal(0)
FEE_STEP = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A closed trip of one account in one symbol.

    Attributes:
        closed_on: Trade date of the fill that closed it.
        is_long: Whether the first fill bought.
        quantity: Shares or contracts entered in all.
        entry: Average price paid (long) or received (short) for them.
        exit: Average price at which they were closed.
        gross: Before fees, contract size included, in the account's currency.
        fees: By fee column.
    """

    opened_at: datetime
    closed_at: datetime
    closed_on: date
    symbol: str
    is_long: bool
    quantity: Decimal
    entry: Decimal
    exit: Decimal
    gross: Decimal
    fees: Mapping[str, Decimal]

    @property
    def net(self) -> Decimal:
        """Gross less fees."""
        return self.gross - sum(self.fees.values(), ZERO)


class _Open:
    """A trip under way."""

    def __init__(self, opened_at: datetime, is_long: bool) -> None:
        self.opened_at = opened_at
        self.is_long = is_long
        self.position = ZERO
        self.entered = ZERO
        self.entry_value = ZERO
        self.exit_value = ZERO
        self.fees: dict[str, Decimal] = {}

    def add(self, signed: Decimal, price: Decimal, fees: Mapping[str, Decimal]) -> None:
        quantity = abs(signed)
        if (signed > 0) == self.is_long:
            self.entered += quantity
            self.entry_value += quantity * price
        else:
            self.exit_value += quantity * price
        self.position += signed
        for name, amount in fees.items():
            self.fees[name] = self.fees.get(name, ZERO) + amount

    def convert(self, action: CorporateAction) -> None:
        """Continue in new shares."""
        self.position = self.position * action.new_shares / action.old_shares
        self.entered = self.entered * action.new_shares / action.old_shares

    def closed(
        self, fill: Fill, closed_on: date, multiplier: Decimal, spot: Decimal
    ) -> RoundTrip:
        gain = self.exit_value - self.entry_value
        return RoundTrip(
            self.opened_at,
            fill.filled_at,
            closed_on,
            fill.symbol,
            self.is_long,
            self.entered,
            self.entry_value / self.entered,
            self.exit_value / self.entered,
            converted(multiplier * (gain if self.is_long else -gain), spot),
            self.fees,
        )


def round_trips(firm: Firm, account: Account, fills: Sequence[Fill]) -> list[RoundTrip]:
    """The trips an account's fills close, in the order in which they closed.

    A fill through zero is split: its fees go with the quantities, the closing part's
    share rounded to 8 decimals and the opening part taking the rest.
    """
    spots = Spots(firm.exchange_rates)
    trips: list[RoundTrip] = []
    under_way: dict[str, _Open] = {}
    coming = deque(sorted(firm.corporate_actions, key=lambda one: one.effective))
    for fill in sorted(fills, key=execution_order):
        day = firm.trade_date(fill)
        while coming and coming[0].effective <= day:
            action = coming.popleft()
            if action.symbol in under_way:
                held = under_way.pop(action.symbol)
                held.convert(action)
                under_way[action.symbol_after] = held
        if fill.is_cancelled or fill.is_of_action:
            continue
        signed, fees = fill.signed_quantity, fill.fees
        trip = under_way.get(fill.symbol)
        if trip is not None:
            closing = signed
            part: Mapping[str, Decimal]
            rest: Mapping[str, Decimal]
            if (signed > 0) != trip.is_long and abs(signed) > abs(trip.position):
                closing = -trip.position
                share = closing / signed
                part = {
                    name: (amount * share).quantize(FEE_STEP)
                    for name, amount in fees.items()
                }
                rest = {name: amount - part[name] for name, amount in fees.items()}
            else:
                part, rest = fees, {}
            trip.add(closing, fill.price, part)
            signed, fees = signed - closing, rest
            if not trip.position:
                multiplier = firm.multipliers.get(fill.symbol, ONE)
                spot = spots.spot(fill.currency_in(account), account.currency, day)
                trips.append(trip.closed(fill, day, multiplier, spot))
                del under_way[fill.symbol]
        if signed:
            if fill.symbol not in under_way:
                under_way[fill.symbol] = _Open(fill.filled_at, signed > 0)
            under_way[fill.symbol].add(signed, fill.price, fees)
    return trips
