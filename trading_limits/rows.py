"""One limit of one account, as `proposed.csv` holds it."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation

from ingestion.desk_files import TRADING_LIMITS
from runtime.errors import UserError

# Of each the smaller is the tighter. A row fills one of them.
LIMITS = TRADING_LIMITS
# Units held or ordered; the others are money of the account's currency.
IN_SHARES = ("max_position_shares", "max_order_shares")
# From which loss on to warn: no limit, and beside `max_loss` on some screens.
WARNING = "warning_loss"
OFFICIAL, TEMPORARY = "official", "temporary"
# Who signs when; all else is what they sign.
_APPROVAL = ("approved_by", "approved_at", "content_sha256")


@dataclass(frozen=True)
class LimitRow:
    """A limit of an account, from a session on.

    Attributes:
        limit_set_id: The session that the set is for.
        version: Of the row within its set, from 1.
        effective_session, expires_session: First and last session that it holds for;
            the last is None of an official one.
        limit_type: official (until changed) or temporary (until `expires_session`).
        max_loss, max_drawdown, max_gross, buying_power: Money of `currency`.
        warning_loss: From which loss on to warn; only beside `max_loss`.
        max_position_shares, max_order_shares: Units.
        previous_value: What was in force before; None where nothing was.
        reason: Facts first, then what the rule would have done.
        model_version: Of the forecasts it leans on; None where it leans on none.
        proposed_by: A person's name; of what the rules propose, the system's user.
        proposed_at, approved_at: UTC, ISO 8601.
        reverts_to: What a temporary one goes back to, by itself.
        content_sha256: Of everything but the approval.
    """

    limit_set_id: str
    version: int
    account_id: str
    trader_id: str
    effective_session: date
    expires_session: date | None
    limit_type: str
    max_loss: Decimal | None
    warning_loss: Decimal | None
    max_drawdown: Decimal | None
    max_gross: Decimal | None
    max_position_shares: Decimal | None
    max_order_shares: Decimal | None
    buying_power: Decimal | None
    currency: str
    previous_value: Decimal | None
    reason: str
    model_version: str | None
    proposed_by: str
    proposed_at: str
    approved_by: str | None
    approved_at: str | None
    reverts_to: Decimal | None
    content_sha256: str

    @property
    def limit(self) -> str:
        """Which of `LIMITS` it sets."""
        return next(name for name in LIMITS if getattr(self, name) is not None)

    @property
    def value(self) -> Decimal:
        """What it sets it to."""
        return getattr(self, self.limit)

    @property
    def key(self) -> tuple[str, str]:
        """The account and the limit."""
        return self.account_id, self.limit

    @property
    def is_loosening(self) -> bool:
        """Whether more is allowed than before."""
        return self.previous_value is not None and self.value > self.previous_value

    def content(self) -> dict[str, str]:
        """Its cells by column, without those of the approval; empty where None."""
        return {
            name: _text(value)
            for name, value in vars(self).items()
            if name not in _APPROVAL
        }

    def sealed(self) -> "LimitRow":
        """The same with the hash of its content."""
        return replace(self, content_sha256=self.digest())

    def digest(self) -> str:
        """What its hash must be."""
        text = json.dumps(self.content(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def cells(self) -> dict[str, str]:
        """Every cell by column."""
        return {name: _text(value) for name, value in vars(self).items()}


COLUMNS = tuple(field.name for field in fields(LimitRow))
_DATES = ("effective_session", "expires_session")
_NUMBERS = (*LIMITS, "warning_loss", "previous_value", "reverts_to")
_OPTIONAL = ("model_version", "approved_by", "approved_at")


def row_of(cells: dict[str, str]) -> LimitRow:
    """The row that cells of a file or of the ledger say.

    Raises:
        UserError: They are not those of a row, or not what their hash says.
    """
    try:
        values: dict[str, object] = {name: cells[name] for name in COLUMNS}
        values["version"] = int(cells["version"])
        for name in _DATES:
            values[name] = date.fromisoformat(cells[name]) if cells[name] else None
        for name in _NUMBERS:
            values[name] = Decimal(cells[name]) if cells[name] else None
        for name in _OPTIONAL:
            values[name] = cells[name] or None
        row = LimitRow(**values)  # type: ignore[arg-type]
        filled = [name for name in LIMITS if getattr(row, name) is not None]
    except (KeyError, ValueError, InvalidOperation):
        raise UserError("A row of limits is not readable.") from None
    if len(filled) != 1 or row.digest() != row.content_sha256:
        raise UserError(
            f"The limit of {row.account_id} for {row.effective_session} is not what "
            "its hash says."
        )
    return row


def as_csv(rows: Iterable[LimitRow]) -> bytes:
    """A file of rows, accounts in order."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.cells() for row in sorted(rows, key=lambda row: row.key))
    return text.getvalue().encode()


def amount(value: Decimal) -> str:
    """A number as people and platforms read it: 1500, 1125.5."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(value: object) -> str:
    if value is None:
        return ""
    return amount(value) if isinstance(value, Decimal) else str(value)
