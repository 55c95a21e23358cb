"""What the sample firm trades in other currencies, and in the evening.

A Canadian account of the firm's own holds shares of Toronto, a share priced in dollars
and yen; a trader of futures trades one whose evening is the next session's.
"""

import random
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from ingestion.simulator.back_office import book, pay_dividend
from ingestion.simulator.blotter import COMMISSION, Blotter, monthly, places
from ingestion.simulator.firm import Account, Adjustment, Firm
from ingestion.simulator.rates import (
    DOLLAR,
    ExchangeRates,
    made_up_rates,
    symbol_currency,
)

ABROAD, BASE = "SIMC01", "CAD"
PAIR, PAIR_COMMISSION = "@USDJPY", Decimal("0.0001")
AFTER_HOURS = "SIM020"
FUTURE_ROOT, FUTURE, FUTURE_SIZE = "#QSF", "#QSFH6", 5

_STARTS_AT = 0.6
_STARTS = {"QSTA.TO": 45.0, "QSTB.TO": 18.0, "QSTC": 52.0}
_DAY_SIGMA = 0.013
_FUTURE_START, _TICK = 900, Decimal("0.25")
_EVENING, _EVENING_SIGMA = time(19, 30), 0.004


def sample_rates(sessions: Sequence[date]) -> ExchangeRates:
    """What the currencies are worth from the account's first session on."""
    return made_up_rates(sessions[places(sessions)(_STARTS_AT) :])


def abroad(
    sessions: Sequence[date], seed: int, first_number: int, first_id: int
) -> Firm:
    """The account of another currency, and a trader's evenings."""
    at = places(sessions)
    chance, rates = random.Random(f"{seed}:{ABROAD}"), sample_rates(sessions)
    start = at(_STARTS_AT)
    closes: dict[tuple[str, date], Decimal] = {}
    for symbol, price in _STARTS.items():
        for day in sessions[start:]:
            price *= 1 + chance.gauss(0, _DAY_SIGMA)
            closes[symbol, day] = Decimal(f"{price:.2f}")
    for day in sessions[start:]:
        closes[PAIR, day] = round(1 / rates["JPY", day], 3)
    blotter = Blotter(sessions, closes, first_id, ABROAD)
    _hold(blotter)
    _trade_evenings(blotter, start, chance)
    firm = Firm(
        (Account(first_number, ABROAD, BASE),), blotter.fills, (), closes,
        {FUTURE: Decimal(FUTURE_SIZE)}, exchange_rates=rates, sessions=sessions,
    )  # fmt: skip
    firm = pay_dividend(firm, "QSTA.TO", sessions[at(0.72)], Decimal("0.30"))
    firm = pay_dividend(firm, "QSTC", sessions[at(0.80)], Decimal("0.25"))
    return book(
        firm,
        Adjustment(sessions[start], ABROAD, "Transfer: Deposit", Decimal(80_000)),
        *(
            Adjustment(day, ABROAD, "Fee: Market Data", Decimal(-35), "Toronto's feed")
            for day in monthly(sessions[start:])
        ),
    )


def _hold(blotter: Blotter) -> None:
    """Positions over many rates, some closed on the same day."""
    at = places(blotter.sessions)
    for share, side, quantity, symbol, minute in (
        (0.61, "B", 300, "QSTA.TO", 5), (0.70, "S", 100, "QSTA.TO", 5),
        (0.70, "B", 50, "QSTA.TO", 25), (0.91, "S", 150, "QSTA.TO", 5),
        (0.63, "T", 400, "QSTB.TO", 5), (0.63, "C", 100, "QSTB.TO", 35),
        (0.79, "C", 300, "QSTB.TO", 5), (0.96, "B", 200, "QSTB.TO", 5),
        (0.65, "B", 120, "QSTC", 5), (0.88, "S", 120, "QSTC", 5),
        (0.67, "B", 10_000, PAIR, 15), (0.76, "S", 4_000, PAIR, 15),
        (0.76, "B", 1_000, PAIR, 55), (0.94, "S", 7_000, PAIR, 15),
    ):  # fmt: skip
        blotter.trade(
            at(share),
            side,
            quantity,
            symbol,
            minute,
            currency=symbol_currency(symbol) or DOLLAR,
            commission=PAIR_COMMISSION if symbol == PAIR else COMMISSION,
        )


def _trade_evenings(blotter: Blotter, start: int, chance: random.Random) -> None:
    """Futures bought and sold in evenings, Sundays' among them, and in the morning."""
    sessions, closes = blotter.sessions, blotter.closes
    price = Decimal(_FUTURE_START)

    def moved(sigma: float) -> Decimal:
        return round(price * Decimal(1 + chance.gauss(0, sigma)) / _TICK) * _TICK

    evenings = {}
    for day in sessions[start:]:
        evenings[day] = moved(_EVENING_SIGMA)
        price = closes[FUTURE, day] = moved(_DAY_SIGMA)

    def trade(place: int, side: str, quantity: int, *, in_evening: bool) -> None:
        day = sessions[place]
        at = datetime.combine(day, time(10, 15))
        if in_evening:
            at = datetime.combine(day - timedelta(days=1), _EVENING)
        traded = evenings[day] if in_evening else closes[FUTURE, day]
        blotter.write(at, side, quantity, FUTURE, traded, AFTER_HOURS)

    at = places(sessions)
    for share in (0.84, 0.87, 0.90, 0.93, 0.96):
        # In and out within one session, though on two dates.
        trade(at(share), "B", 2, in_evening=True)
        trade(at(share), "S", 2, in_evening=False)
    later = range(at(0.8), len(sessions) - 2)
    mondays = [place for place in later if sessions[place].weekday() == 0]
    for monday in mondays[::2]:
        # Held for two sessions from Sunday's evening on.
        trade(monday, "T", 1, in_evening=True)
        trade(monday + 2, "C", 1, in_evening=True)
