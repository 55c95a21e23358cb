"""Writes folders of PropReports CSV exports for tests."""

import csv
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

FILL_HEADER = (
    "Date/Time", "Account", "B/S", "Qty", "Symbol", "Price", "Route", "Liq", "Comm",
    "Ecn Fee", "Order Id", "Fill Id", "Currency", "Status", "PropReports Id",
)  # fmt: skip
SUMMARY_HEADER = ("Date", "Type", "Fills", "Qty", "Gross", "Trade Fees", "Net")


@dataclass(frozen=True)
class ExportedFill:
    """A row of fills/*.csv."""

    account: str
    at: datetime
    side: str
    quantity: Decimal
    price: Decimal
    symbol: str = "ABC"
    comm: Decimal = Decimal(0)
    ecn_fee: Decimal = Decimal(0)
    order_id: str = ""
    fill_id: str = ""
    status: str = "REGULAR"
    propreports_id: str = ""
    currency: str = "USD"

    @property
    def signed_quantity(self) -> Decimal:
        """Positive when bought."""
        return self.quantity if self.side in "BC" else -self.quantity

    @property
    def fees(self) -> Decimal:
        """All fees."""
        return self.comm + self.ecn_fee

    def row(self) -> tuple:
        """Cells in the order of `FILL_HEADER`."""
        return (
            f"{self.at:%m/%d/%Y %H:%M:%S}", self.account, self.side,
            f"{self.quantity:f}", self.symbol, self.price, "ARCA", "R", self.comm,
            self.ecn_fee, self.order_id, self.fill_id, self.currency, self.status,
            self.propreports_id,
        )  # fmt: skip


@dataclass(frozen=True)
class ExportedDay:
    """A row of summaryByDate/*.csv."""

    account: str
    day: date
    fills: int
    quantity: Decimal
    gross: Decimal
    fees: Decimal = Decimal(0)
    net: Decimal | None = None

    def row(self) -> tuple:
        """Cells in the order of `SUMMARY_HEADER`, money in cents."""
        net = self.gross - self.fees if self.net is None else self.net
        money = (f"{amount:.2f}" for amount in (self.gross, self.fees, net))
        date_cell = f"{self.day.month}/{self.day.day}/{self.day.year}"
        return (date_cell, "Eq", self.fills, f"{self.quantity:f}", *money)


@dataclass
class Exports:
    """A folder of exports under construction."""

    folder: Path
    accounts: dict[str, str] = field(default_factory=dict)

    def write(self, fills: Iterable[ExportedFill]) -> "Exports":
        """Write accounts.csv and one file of fills per account."""
        by_account: dict[str, list[ExportedFill]] = {}
        for fill in fills:
            by_account.setdefault(fill.account, []).append(fill)
        for number, account in enumerate(by_account, start=500 + len(self.accounts)):
            self.accounts.setdefault(account, str(number))
        (self.folder / "fills").mkdir(parents=True, exist_ok=True)
        self._table(
            "accounts.csv",
            ("Account Id", "Account Name"),
            ((number, name) for name, number in self.accounts.items()),
        )
        for account, rows in by_account.items():
            name = f"fills/{self.accounts[account]}.csv"
            self._table(name, FILL_HEADER, (fill.row() for fill in rows))
        return self

    def summarise(self, days: Iterable[ExportedDay]) -> "Exports":
        """Write the broker's own summaries, one file per account."""
        by_account: dict[str, list[ExportedDay]] = {}
        for one in days:
            by_account.setdefault(one.account, []).append(one)
        (self.folder / "summaryByDate").mkdir(parents=True, exist_ok=True)
        for account, rows in by_account.items():
            name = f"summaryByDate/{account}.csv"
            self._table(name, SUMMARY_HEADER, (one.row() for one in rows))
        return self

    def _table(self, name: str, header: tuple, rows: Iterable[tuple]) -> None:
        path = self.folder / name
        with path.open("w", newline="") as handle:
            csv.writer(handle).writerows([header, *rows])
        # Written to a while ago: nobody waits whether it still grows.
        written_at = time.time() - 60
        os.utime(path, (written_at, written_at))
