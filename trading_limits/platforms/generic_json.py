"""The same as JSON: an object with a list. Amounts are text: none is rounded."""

import json

from trading_limits.platforms import File, Format, Wanted
from trading_limits.rows import amount


def _write(wanted: Wanted) -> File:
    limits = [
        {
            "account": one.account_id,
            "trader": one.trader_id,
            "limit": one.limit,
            "value": amount(one.value),
            "warning": None if one.warning is None else amount(one.warning),
            "currency": one.currency,
            "until": None if one.until is None else f"{one.until}",
            "approved_by": one.approved_by,
            "reason": one.reason,
        }
        for one in wanted.limits
    ]
    text = json.dumps({"session": f"{wanted.session}", "limits": limits}, indent=1)
    return File(f"{text}\n".encode(), tuple(one.id for one in wanted.limits))


FORMAT = Format("json", _write)
