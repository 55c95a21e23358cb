"""Trading Technologies: an account credit file, `Account,Credit,Currency`.

Credit is the daily limit of an account. Where the account's rule is *Apply P/L* it is a
pure daily loss limit, which is what `max_loss` is; under another rule it is not.
"""

from runtime.errors import UserError
from trading_limits.platforms import File, Format, Found, Wanted
from trading_limits.platforms.tables import table, wide
from trading_limits.rows import amount

TAKES = "max_loss"


def _write(wanted: Wanted) -> File:
    taken = [one for one in wanted.limits if one.limit == TAKES]
    if not taken:
        raise UserError(
            f"No {TAKES} is approved for {wanted.session}, and TT takes nothing else."
        )
    content = table(
        ("Account", "Credit", "Currency"),
        ((one.account_id, amount(one.value), one.currency) for one in taken),
    )
    others = sorted({one.limit for one in wanted.limits} - {TAKES})
    note = f"TT takes no {', '.join(others)}: set by hand" if others else ""
    return File(content, tuple(one.id for one in taken), note)


def _parse(content: bytes) -> Found:
    return wide(content, "Account", {TAKES: "Credit"})


FORMAT = Format("csv", _write, _parse)
