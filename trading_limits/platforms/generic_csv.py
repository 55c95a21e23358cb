"""For every platform that has no format of its own: a row per account and limit."""

from trading_limits.platforms import File, Format, Found, Wanted
from trading_limits.platforms.tables import cell, lines, table
from trading_limits.rows import amount

COLUMNS = (
    "session", "account", "trader", "limit", "value", "warning", "currency", "until",
    "approved_by", "reason",
)  # fmt: skip


def _write(wanted: Wanted) -> File:
    content = table(
        COLUMNS,
        (
            (
                wanted.session, one.account_id, one.trader_id, one.limit,
                amount(one.value), "" if one.warning is None else amount(one.warning),
                one.currency, one.until or "", one.approved_by, one.reason,
            )
            for one in wanted.limits
        ),
    )  # fmt: skip
    return File(content, tuple(one.id for one in wanted.limits))


def parse(content: bytes) -> Found:
    """What a file with the columns account, limit and value says."""
    return {
        (line["account"], line["limit"]): cell(
            line["value"], line["account"], line["limit"]
        )
        for line in lines(content, ["account", "limit", "value"])
    }


FORMAT = Format("csv", _write, parse)
