"""The same as JSON: an object with a list. Amounts are text: none is rounded."""

import json

from runtime.errors import UserError
from trading_limits.platforms import File, Format, Found, Wanted
from trading_limits.platforms.tables import cell
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


def _parse(content: bytes) -> Found:
    try:
        return {
            (str(one["account"]), str(one["limit"])): cell(
                "" if one["value"] is None else str(one["value"]),
                str(one["account"]),
                str(one["limit"]),
            )
            for one in json.loads(content)["limits"]
        }
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UserError(
            'The file is no JSON such as {"limits": [{"account": "A1", "limit": '
            '"max_loss", "value": "1500"}]}.'
        ) from None


FORMAT = Format("json", _write, _parse)
