"""Fills that are written down one by one, for accounts that no trader is drawn for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal

from ingestion.simulator.firm import Fill
from ingestion.simulator.rates import DOLLAR

COMMISSION = Decimal("0.0035")
CLEARING = Decimal("0.0002")


@dataclass(frozen=True)
class Blotter:
    """Fills of one account, or of several.

    Attributes:
        closes: What they are priced at, for want of another.
        first_id: PropReports' id of the first one.
        account: Whose they are where nothing else is said.
    """

    sessions: Sequence[date]
    closes: dict[tuple[str, date], Decimal]
    first_id: int
    account: str
    fills: list[Fill] = field(default_factory=list)

    def trade(
        self, place: int, side: str, quantity: int, symbol: str, minute: int = 45,
        account: str = "", currency: str = DOLLAR, commission: Decimal = COMMISSION,
    ) -> None:  # fmt: skip
        """Add a fill of a session's morning, at its close."""
        day = self.sessions[place]
        self.write(
            datetime.combine(day, time(10, minute)), side, quantity, symbol,
            self.closes[symbol, day], account, currency, commission,
        )  # fmt: skip

    def write(
        self, at: datetime, side: str, quantity: int, symbol: str, price: Decimal,
        account: str = "", currency: str = DOLLAR, commission: Decimal = COMMISSION,
    ) -> None:  # fmt: skip
        """Add a fill of any time and price."""
        number = self.first_id + len(self.fills)
        self.fills.append(
            Fill(
                at,
                account or self.account,
                side,
                Decimal(quantity),
                symbol,
                price,
                route="ARCA",
                liquidity="R",
                fees={"Comm": quantity * commission, "NSCC": CLEARING},
                order_id=f"{number}",
                fill_id=f"{number}",
                currency=currency,
                propreports_id=number,
            )
        )


def places(sessions: Sequence[date]) -> Callable[[float], int]:
    """Number of the session at a share of the history."""
    return lambda share: int(share * (len(sessions) - 1))


def monthly(sessions: Sequence[date]) -> list[date]:
    """Each month's first session."""
    return [
        day
        for before, day in zip([None, *sessions], sessions, strict=False)
        if before is None or before.month != day.month
    ]
