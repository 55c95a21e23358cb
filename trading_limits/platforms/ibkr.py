"""Interactive Brokers, Pre-Trade Compliance: a file that adds restrictions.

A line a restriction: `RESTR_ADD,<name>,…,RULE_BEGIN,rule_type="…",…,RULE_END`. Which
rule type a limit is, and which parameter holds its value, the desk says in
`ibkr_rules.csv`, as its compliance tool lists them. A name must be new, so a limit is
in one file only; a file has at most 512 KB and 10,000 lines.
"""

from runtime.errors import UserError
from trading_limits.platforms import File, Format, LimitInForce, Wanted
from trading_limits.platforms.generic_csv import parse
from trading_limits.rows import amount

MOST_BYTES, MOST_LINES = 512 * 1024, 10_000


def _write(wanted: Wanted) -> File:
    taken = [one for one in wanted.limits if one.limit in wanted.ibkr_rules]
    if not taken:
        raise UserError(
            f"ibkr_rules.csv of the desk names no rule for what is approved for "
            f"{wanted.session}. Add a line (limit_name,rule_type,value_parameter,note) "
            "as the compliance tool lists its rules."
        )
    lines = [_line(one, wanted) for one in taken if one.id not in wanted.sent]
    content = "".join(f"{line}\n" for line in lines).encode()
    if len(content) > MOST_BYTES or len(lines) > MOST_LINES:
        raise UserError(
            f"The file for Interactive Brokers would have {len(lines):,} lines and "
            f"{len(content):,} bytes, of at most {MOST_LINES:,} and {MOST_BYTES:,}. "
            "Approve in parts: ONLY=."
        )
    left = sorted({one.limit for one in wanted.limits} - wanted.ibkr_rules.keys())
    notes = []
    if lines:
        notes.append(
            "associate new restrictions with their accounts; they take effect the next "
            "business day, and earlier ones of an account hold until deleted there"
        )
    ids = {one.id for one in taken} - wanted.sent
    if wanted.lately and ids != wanted.lately - wanted.sent:
        again = len(ids & wanted.lately)
        notes.append(
            f"the file of before had {again} of these: if it was uploaded, leave them "
            "out of this one, for their names are taken"
        )
    if left:
        notes.append(f"no rule is named for {', '.join(left)}")
    return File(content, tuple(one.id for one in taken), "; ".join(notes))


def _line(one: LimitInForce, wanted: Wanted) -> str:
    rule_type, parameter = wanted.ibkr_rules[one.limit]
    lasts = ['TIF="GTC"']
    if one.until is not None:
        start, end = f"{wanted.session:%Y%m%d}", f"{one.until:%Y%m%d}"
        lasts = ['TIF="GTD"', f"START={start}", f"END={end}"]
    name = f"{one.account_id} {one.limit} {amount(one.value)} {one.id}"
    if any(sign in name for sign in '",\n'):
        raise UserError(
            f"The account {one.account_id} has a comma or a quote, which a file for "
            "Interactive Brokers cannot hold."
        )
    return ",".join(
        [
            "RESTR_ADD", name, f'Description="approved by {one.approved_by}"',
            'Allow_Restrict="Restrict"', 'RuleMatch="Any"', "RULE_BEGIN",
            f'rule_type="{rule_type}"', f'{parameter}="{amount(one.value)}"', *lasts,
            "RULE_END",
        ]
    )  # fmt: skip


# It documents no file of what is in force: whoever looks it up writes a plain one.
FORMAT = Format("csv", _write, parse)
