"""A CSV for everybody: a sheet to key in where a platform documents no import."""

import csv
import io

from trading_limits.platforms import File, Format, Wanted
from trading_limits.rows import amount

COLUMNS = (
    "session", "account", "trader", "limit", "value", "warning", "currency", "until",
    "approved_by", "reason",
)  # fmt: skip


def _write(wanted: Wanted) -> File:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in wanted.limits:
        warning = "" if one.warning is None else amount(one.warning)
        writer.writerow(
            (
                wanted.session, one.account_id, one.trader_id, one.limit,
                amount(one.value), warning, one.currency, one.until or "",
                one.approved_by, one.reason,
            )
        )  # fmt: skip
    return File(text.getvalue().encode(), tuple(one.id for one in wanted.limits))


FORMAT = Format("csv", _write)
