"""What the day begins with: last night's lots, whose accounts are, limits in force."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import NamedTuple

from live.figures import OpeningState, ScopeType


@dataclass(frozen=True, slots=True)
class OpeningLot:
    """Units held since before the session, of one fill; oldest first within a symbol.

    Attributes:
        signed_quantity: Below 0 if short.
        price: Paid, in the instrument's currency.
    """

    account_id: str
    symbol: str
    signed_quantity: Decimal
    price: Decimal
    multiplier: Decimal
    currency: str
    opened_date: date


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """Whose an account is on the session's date."""

    account_id: str
    trader_id: str
    trader_group: str | None
    strategy: str | None
    currency: str
    is_in_desk_total: bool


@dataclass(frozen=True, slots=True)
class LimitInForce:
    """A limit that somebody has set, as marts.fct_limit_use has it at the last close.

    Attributes:
        rule: As in limits.csv: daily_loss, weekly_loss, drawdown, position, trades, …
        limit_value: Dollars, units, days or trades.
        warning_share: Of limits.csv, 0 to 1; None where it says none.
        used_before: What was used of it before the session, of rules that look back: a
            week's or month's loss so far, below 0 where it is a gain, a drawdown, a
            streak. 0 of a day's; None where unknown.
    """

    scope_type: ScopeType
    scope_name: str
    rule: str
    limit_value: Decimal
    warning_share: Decimal | None
    used_before: Decimal | None


@dataclass(frozen=True, slots=True)
class Cutoff:
    """From which minute of the day on symbols with a prefix are of the next session."""

    symbol_prefix: str
    cutoff_time: time | None


class InstrumentLine(NamedTuple):
    """What a line of `instrument_multipliers` says of a symbol, a root or a sign."""

    instrument_type: str
    multiplier: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Opening:
    """All that the engine knows before the first report.

    Attributes:
        lots: In the order in which they close.
        marks: Last night's closing price of a symbol, and the age in sessions.
        own_prices: Of (account, symbol): the account's last own price.
        open_costs: Of (account, symbol): what was paid for the lots; else it is theirs.
        instrument_lines: Of `instrument_multipliers`, by symbol prefix.
        rates: What a unit of a currency is worth in the base currency, on this date.
        fee_rates: What a unit costs, of (account_id or None for the desk, type).
        sessions: Dates of the exchange's sessions, from this one's month before on.
    """

    state: OpeningState
    lots: tuple[OpeningLot, ...] = ()
    accounts: Mapping[str, AccountInfo] = field(default_factory=dict)
    limits: tuple[LimitInForce, ...] = ()
    marks: Mapping[str, tuple[Decimal, int]] = field(default_factory=dict)
    own_prices: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    open_costs: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    instrument_lines: Mapping[str, InstrumentLine] = field(default_factory=dict)
    currency_suffixes: Mapping[str, str] = field(default_factory=dict)
    cutoffs: tuple[Cutoff, ...] = ()
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    fee_rates: Mapping[tuple[str | None, str], Decimal] = field(default_factory=dict)
    sessions: tuple[date, ...] = ()
