"""Fills drawn at random, and what a position is worth at a price, in plain Python."""

import random
from datetime import datetime, timedelta
from decimal import Decimal

from tests.exports import ExportedFill

MONDAY = datetime(2025, 3, 3)
CENTS = Decimal("0.01")
MULTIPLIERS = {"ABC": 1, "DEF": 1, "+ABC260116C00050000": 100, "#SIMAH5": 50}


def random_fills(account: str, seed: int) -> list[ExportedFill]:
    """Sixty fills of three weeks: ties, fractions, journal entries, some at zero."""
    draw = random.Random(seed)
    fills = []
    for number in range(60):
        day = draw.randrange(12)
        minute = draw.choice([None, 1, 1, 2, 50, 300])
        at = MONDAY + timedelta(days=day + 2 * (day // 5))
        status = draw.choice(["REGULAR"] * 7 + ["CXLD", "SPLIT"])
        symbol = draw.choice(list(MULTIPLIERS))
        fills.append(
            ExportedFill(
                account,
                at if minute is None else at + timedelta(hours=9, minutes=30 + minute),
                draw.choice("BSTC"),
                draw.choice([Decimal(1), Decimal(40), Decimal(300), Decimal("0.5")]),
                Decimal(0)
                if status == "SPLIT" and draw.random() < 0.5
                else Decimal(draw.randrange(1_000, 9_000)) / 100,
                symbol=symbol,
                comm=Decimal(draw.randrange(-50, 200)) / 10_000,
                ecn_fee=Decimal(draw.choice([0, 0, 1, -3])) / 1000,
                fill_id=str(number),
                status=status,
            )
        )
    return fills


def worth(quantity: Decimal, price: Decimal | None, symbol: str) -> Decimal | None:
    """Dollars to the cent; unknown without a price."""
    if not quantity:
        return Decimal(0)
    return price and (quantity * price * MULTIPLIERS[symbol]).quantize(
        CENTS, rounding="ROUND_HALF_UP"
    )
