"""Who is in the same symbol on the same side: against a plain loop over the fills."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from ingestion.pipeline import bring_up_to_date
from tests.conftest import build_models_of, make_settings, rows
from tests.draws import draw
from tests.exports import ExportedFill, Exports

START = datetime(2025, 3, 3, 9, 30)
TRADERS = ("A1", "B1", "C1", "D1")


def random_fills(seed: int) -> list[ExportedFill]:
    """Four traders in two symbols, over five sessions; some keep what they have."""
    rng = np.random.default_rng(seed)
    return [
        ExportedFill(
            account=str(rng.choice(TRADERS)),
            at=START + timedelta(days=day, seconds=30 * number),
            side="B" if rng.random() < 0.5 else "S",
            quantity=Decimal(int(rng.integers(1, 4)) * 100),
            price=Decimal(int(rng.integers(900, 1100))) / 100,
            symbol=str(rng.choice(["ABC", "DEF"])),
        )
        for day in range(5)
        for number in range(12)
    ]  # fmt: skip


def crowds(fills: list[ExportedFill]) -> dict[tuple[date, str, str], tuple]:
    """Most traders at once, what they held then, its worth, and who is left."""
    position: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    found: dict[tuple[date, str, str], tuple] = {}

    def side_of(symbol: str, sign: int) -> tuple[int, Decimal]:
        held = [sign * position[trader, symbol] for trader in TRADERS]
        held = [one for one in held if one > 0]
        return len(held), sum(held, Decimal(0))

    days = sorted({fill.at.date() for fill in fills})
    for day in days:
        of_day = [fill for fill in fills if fill.at.date() == day]
        for symbol in ("ABC", "DEF"):
            here = [fill for fill in of_day if fill.symbol == symbol]
            first = here[0].price if here else None
            best = {
                name: (*side_of(symbol, sign), first)
                for name, sign in (("long", 1), ("short", -1))
            }
            for fill in here:
                signed = fill.quantity if fill.side == "B" else -fill.quantity
                position[fill.account, symbol] += signed
                for name, sign in (("long", 1), ("short", -1)):
                    count, quantity = side_of(symbol, sign)
                    if count > best[name][0]:
                        best[name] = (count, quantity, fill.price)
            for name, sign in (("long", 1), ("short", -1)):
                count, quantity, price = best[name]
                night, held = side_of(symbol, sign)
                if count > 1:
                    found[day, symbol, name] = (
                        count, quantity, None if price is None else quantity * price,
                        night if night > 1 else 0, held if night > 1 else 0,
                    )  # fmt: skip
    return found


@pytest.mark.parametrize("seed", draw([1], [1, 2, 3]))
def test_crowds_are_those_of_a_plain_loop(tmp_path: Path, seed: int) -> None:
    fills = random_fills(seed)
    exports = Exports(tmp_path / "exports").write(fills)
    settings = make_settings(
        source="files", exports=exports.folder, risk_home=tmp_path / "home"
    )
    home = bring_up_to_date(settings).home
    build_models_of(settings, home, models="+crowding", data_tests=True)
    made = {
        (row[0], row[1], row[2]): row[3:]
        for row in rows(
            home,
            "select trade_date, symbol, side, peak_traders_count, peak_quantity, "
            "peak_exposure, overnight_traders_count, overnight_quantity "
            "from marts.crowding where trade_date <= date '2025-03-07'",
        )
    }
    assert made == crowds(fills)
    assert len(made) > 5
