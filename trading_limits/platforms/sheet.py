"""Sheets to key in, for platforms that document no import: their screens' own words.

A line per account, in order, with the columns of the platform's risk screen; and the
same as a page to print, where what differs from what stood there last is marked. What
was keyed is confirmed by somebody else (`make confirm-limits`): nobody reads it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import jinja2

from runtime.errors import UserError
from trading_limits.platforms import File, Format, Found, Wanted
from trading_limits.platforms.tables import table, wide
from trading_limits.rows import WARNING, amount

ACCOUNT = "Account"
_TEMPLATE = Path(__file__).with_name("sheet.html.j2")


@dataclass(frozen=True)
class Screen:
    """A platform's risk screen.

    Attributes:
        name: The platform's.
        columns: By limit (and `WARNING`), what the screen names it; in its order.
    """

    name: str
    columns: Mapping[str, str]

    def write(self, wanted: Wanted) -> File:
        """The sheet, and its page."""
        taken = [one for one in wanted.limits if one.limit in self.columns]
        if not taken:
            raise UserError(
                f"Nothing is approved for {wanted.session} that {self.name} has on its "
                "risk screen."
            )
        values: Found = {one.key: one.value for one in taken}
        if WARNING in self.columns:
            values |= {
                (one.account_id, WARNING): one.warning
                for one in taken
                if one.warning is not None
            }
        accounts = sorted({one.account_id for one in taken})
        content = table(
            (ACCOUNT, *self.columns.values()),
            (
                (account, *(_cell(values.get((account, one))) for one in self.columns))
                for account in accounts
            ),
        )
        left = sorted({one.limit for one in wanted.limits} - self.columns.keys())
        notes = ["key it in, then somebody else confirms what stands there"]
        if left:
            notes.append(f"{self.name} has no field for {', '.join(left)}")
        page = _page(self, wanted, accounts, values)
        return File(content, tuple(one.id for one in taken), "; ".join(notes), page)

    def parse(self, content: bytes) -> Found:
        """What such a sheet says, or one that was made of the screen."""
        return wide(content, ACCOUNT, self.columns)

    @property
    def format(self) -> Format:
        """As the others."""
        has_warnings = WARNING in self.columns
        return Format("csv", self.write, self.parse, has_warnings=has_warnings)


def _cell(value: Decimal | None) -> str:
    return "" if value is None else amount(value)


def _page(screen: Screen, wanted: Wanted, accounts: list[str], values: Found) -> bytes:
    def shown(account: str, limit: str) -> dict[str, object]:
        value = values.get((account, limit))
        before = wanted.standing.get((account, limit))
        return {
            "value": "" if value is None else f"{value:,f}",
            "before": None if before is None else f"{before:,f}",
            "is_new": value is not None and value != before,
        }

    template = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined
    ).from_string(_TEMPLATE.read_text("utf-8"))
    text = template.render(
        platform=screen.name,
        session=wanted.session,
        is_sample=wanted.is_sample,
        columns=screen.columns.values(),
        lines=[
            (account, [shown(account, limit) for limit in screen.columns])
            for account in accounts
        ],
        approved_by=sorted({one.approved_by for one in wanted.limits}),
    )
    return text.encode()


# "MaxLoss" and "Warning Loss" as dastrader.com explains its Risk Control window, where
# MaxLoss is of the realized result and leaves out ECN and SEC fees.
DAS_SCREEN = Screen(
    "DAS",
    {
        "max_loss": "MaxLoss",
        WARNING: "Warning Loss",
        "max_position_shares": "Max Position",
        "max_order_shares": "Max Order",
        "buying_power": "Buying Power",
    },
)
STERLING_SCREEN = Screen(
    "Sterling",
    {
        "max_loss": "Max Loss",
        "max_position_shares": "Max Position",
        "max_order_shares": "Max Order",
        "buying_power": "Buying Power",
    },
)
SHEETS = {"das": DAS_SCREEN, "sterling": STERLING_SCREEN}
