"""Notes what was done about a breach of a limit, in a file of the desk."""

import csv
import fcntl
import getpass
import io
from datetime import date
from pathlib import Path

from ingestion.desk_files import BREACH_NOTES, desk_folder
from runtime.errors import UserError
from runtime.files import write_atomic
from runtime.home import Home
from runtime.publish.marts_copy import open_published
from runtime.sessions import utc_now
from runtime.settings import Settings
from runtime.warehouse import rows_of


def note_breach(
    settings: Settings,
    home: Home,
    *,
    scope: str,
    trade_date: date,
    rule: str | None,
    note: str,
    closes: bool,
) -> str:
    """Add a line to breach_notes.csv of the desk.

    Args:
        home: Whose published breaches are noted on.
        scope: Account, trader, group or strategy; `desk` for the whole desk.
        trade_date: A date of the breach.
        rule: Left out where only one limit was breached.
        closes: Whether nothing more is to be done about it.

    Returns:
        A sentence for people.

    Raises:
        UserError: There is no such breach, more than one, or no text.
    """
    text = " ".join(note.split())
    if not text or not text.isprintable():
        raise UserError('A note needs its text: NOTE="Half size until Friday".')
    with open_published(home) as connection:
        breaches = rows_of(
            connection,
            "select scope_type, scope_name, rule, trade_date from marts.fct_breaches "
            "where scope_name = ? and ? between trade_date and last_breached_date "
            "order by rule, scope_type",
            [scope, trade_date],
        )
    found = [one for one in breaches if rule in (None, one["rule"])]
    if not found:
        others = ", ".join(one["rule"] for one in breaches)
        also = f"; breached that day: {others}" if others else ""
        raise UserError(
            f"{scope} breached no limit{f' of {rule}' if rule else ''} on {trade_date}"
            f"{also}. marts.fct_breaches has them all."
        )
    if len({one["rule"] for one in found}) > 1:
        rules = ", ".join(one["rule"] for one in found)
        raise UserError(
            f"{scope} breached more than one limit on {trade_date}. Say which: RULE= "
            f"one of {rules}"
        )
    path = desk_folder(settings, home) / BREACH_NOTES.file_name
    now = utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
    for one in found:
        kind = one["scope_type"]
        name = "" if kind == "desk" else one["scope_name"]
        line = (
            one["trade_date"], one["rule"], kind, name, now, getpass.getuser(),
            str(closes).lower(), text,
        )  # fmt: skip
        _add(path, line)
    done = "closed" if closes else "noted on"
    breach = f"{scope}, {found[0]['rule']} of {found[0]['trade_date']}"
    return f"{breach}, is {done} in {path}; the next `make daily` reads it"


def _add(path: Path, line: tuple[object, ...]) -> None:
    """One line more, whoever else adds one now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = path.read_bytes() if path.exists() else b""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not before.strip():
            before = b""
            writer.writerow(BREACH_NOTES.columns)
        elif not before.endswith(b"\n"):
            before += b"\n"
        writer.writerow(line)
        write_atomic(path, before + text.getvalue().encode())
