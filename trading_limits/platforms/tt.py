"""Trading Technologies: an account credit file, `Account,Credit,Currency`.

Credit is the daily limit of an account. Where the account's rule is *Apply P/L* it is a
pure daily loss limit, which is what `max_loss` is; under another rule it is not.
"""

import csv
import io

from runtime.errors import UserError
from trading_limits.platforms import File, Format, Wanted
from trading_limits.rows import amount

TAKES = "max_loss"


def _write(wanted: Wanted) -> File:
    taken = [one for one in wanted.limits if one.limit == TAKES]
    if not taken:
        raise UserError(
            f"No {TAKES} is approved for {wanted.session}, and TT takes nothing else."
        )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("Account", "Credit", "Currency"))
    for one in taken:
        writer.writerow((one.account_id, amount(one.value), one.currency))
    others = sorted({one.limit for one in wanted.limits} - {TAKES})
    note = f"TT takes no {', '.join(others)}: set by hand" if others else ""
    return File(text.getvalue().encode(), tuple(one.id for one in taken), note)


FORMAT = Format("csv", _write)
