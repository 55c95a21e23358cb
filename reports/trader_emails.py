"""Where traders get their own pages: a file of the desk's, copied nowhere."""

import csv
from pathlib import Path

from runtime.errors import UserError
from runtime.settings import is_address

HEADER = ["trader_id", "email"]


def read_trader_emails(path: Path) -> dict[str, str]:
    """Address by trader.

    Raises:
        UserError: The file is missing, or a line of it is wrong; names file and line.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UserError(
            f"TRADER_EMAILS={path} cannot be read ({reason}). Fix the path in .env, "
            "or leave it out."
        ) from None
    rows = list(csv.reader(text.splitlines()))
    if not rows or rows[0] != HEADER:
        raise UserError(f"{path}, line 1: the header must be {','.join(HEADER)}.")
    found: dict[str, str] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        if len(row) != len(HEADER) or not row[0]:
            raise UserError(f"{path}, line {number}: write a trader and an address.")
        trader, address = row
        if not is_address(address):
            raise UserError(
                f"{path}, line {number}, column email: {address!r} is not an address."
            )
        if trader in found:
            raise UserError(f"{path}, line {number}: {trader} has a line before it.")
        found[trader] = address
    return found
