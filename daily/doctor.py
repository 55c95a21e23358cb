"""Examines everything a morning's run depends on: `make doctor`."""

import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from shlex import quote

import click

from runtime.errors import UserError
from runtime.files import open_to_others
from runtime.home import Home
from runtime.limits import disk_space_needed, free_disk_space, machine_memory, size
from runtime.sessions import EASTERN, sessions_between
from runtime.settings import Settings, env_file, load_settings
from runtime.terminal import wrapped
from runtime.warehouse import open_warehouse, read_run_context

# Of the machine's memory, what the warehouse may be allowed at most.
MEMORY_SHARE = 0.75
STALE_AFTER = timedelta(days=4)
# A year ahead is as far as its last session: holidays and weekends may follow it.
CALENDAR_SLACK = timedelta(days=7)


def examine() -> int:
    """Print one line per check, with how to fix what fails; 1 if any does."""
    try:
        settings = load_settings()
        _say("settings", f"source {settings.source_name}, home {settings.home_root}")
    except Exception as error:
        _say("settings", _complaint(error), is_well=False)
        return 1
    checks: dict[str, Callable[[Settings], str]] = {
        "private": _private,
        "source": _source,
        "desk": _desk,
        "calendar": _calendar,
        "disk": _disk,
        "memory": _memory,
        "warehouse": _warehouse,
        "mail": _mail,
    }
    failed = 0
    for name, check in checks.items():
        try:
            _say(name, check(settings))
        # The other checks are worth their lines, whatever happens to one.
        except Exception as error:
            failed += 1
            _say(name, _complaint(error), is_well=False)
    return min(failed, 1)


def _say(name: str, text: str, *, is_well: bool = True) -> None:
    line = " ".join(text.split())
    click.echo(wrapped(f"{'ok  ' if is_well else 'FAIL'}  {name:<10} ", line))


def _complaint(error: Exception) -> str:
    """What went wrong; of an error nobody expected only its kind and place.

    Its own words may repeat a password, an address or a row.
    """
    if isinstance(error, UserError):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    file = Path(place.filename).name
    return (
        f"cannot be examined: unexpected {type(error).__name__} ({file}, line "
        f"{place.lineno}). Run `make setup` again; if it stays, report this line."
    )


def _private(settings: Settings) -> str:
    """What is open to others; within a folder that is closed, nothing is."""
    fixes = []
    secrets = env_file()
    if secrets is not None and open_to_others(secrets):
        fixes.append(f"chmod go-rwx {quote(str(secrets))}")
    if open_to_others(settings.home_root):
        fixes.append(f"chmod -R go-rwx {quote(str(settings.home_root))}")
    if fixes:
        raise UserError(
            "others on this machine may read passwords, fills or P&L. Run "
            f"`{' && '.join(fixes)}`."
        )
    return ".env and home are open to nobody else"


def _source(settings: Settings) -> str:
    """Log in and out, and read the list of accounts."""
    from ingestion.csv_reader import CsvReader
    from ingestion.documents import match_header
    from ingestion.sources import open_source

    if settings.source_name == "sample":
        return "the synthetic sample firm needs nothing"
    with open_source(settings) as source:
        document = source.accounts()
        reader = CsvReader(document)
        match_header(document, reader.names)
        count = sum(block.num_rows for block in reader.blocks())
        what = "account" if count == 1 else "accounts"
        unread = source.unread()
        if unread:
            raise UserError(
                f"{source.firm} lists {count} {what}, but {len(unread)} files "
                f"or folders are not read, the first: {unread[0]}. Fix them or move "
                "them away."
            )
        return f"{source.firm} {_answers(settings)} and lists {count} {what}"


def _desk(settings: Settings) -> str:
    """Read every file of the desk as a morning does."""
    from ingestion.desk_files import desk_folder, read_desk

    home = Home(settings.home_root)
    contents = read_desk(settings, home)
    wrong = [f"{one.path}, {why}" for one in contents for _, why in one.refused]
    if wrong:
        more = f" {len(wrong) - 1} more are wrong." if len(wrong) > 1 else ""
        raise UserError(f"{wrong[0]} Until then it does not count.{more}")
    found = [f"{one.path.name} {len(one.lines)}" for one in contents]
    folder = desk_folder(settings, home)
    return f"lines in {folder}: {', '.join(found) or 'none yet'}"


def _answers(settings: Settings) -> str:
    """How the source let us in, in words."""
    if settings.source_name == "files":
        return "is there"
    return "takes API_TOKEN" if settings.api_token else "lets API_USER log in and out"


def _calendar(settings: Settings) -> str:  # noqa: ARG001
    from ingestion.pipeline import CALENDAR_AHEAD

    today = datetime.now(EASTERN).date()
    ahead = sessions_between(today, today + CALENDAR_AHEAD)
    if not ahead or ahead[-1] < today + CALENDAR_AHEAD - CALENDAR_SLACK:
        until = f"knows sessions until {ahead[-1]} only" if ahead else "has ended"
        raise UserError(
            f"the exchange calendar {until}, and a run looks {CALENDAR_AHEAD.days} "
            f"days ahead of {today}. See that this machine's date is right, and run "
            "`make setup` again for a newer exchange-calendars."
        )
    return (
        f"today is {today} in New York, the next session {ahead[0]}, sessions are "
        f"known until {ahead[-1]}"
    )


def _disk(settings: Settings) -> str:
    folder = settings.home_root
    while not folder.exists():
        folder = folder.parent
    free, needed = free_disk_space(folder), disk_space_needed(Home(settings.home_root))
    if free < needed:
        raise UserError(
            f"only {size(free)} are free for {settings.home_root}; a run needs "
            f"{size(needed)}. Make room, or set RISK_HOME to another disk."
        )
    probe = folder / ".doctor"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written ({error.strerror}). Fix its permissions, or "
            "set RISK_HOME to another folder."
        ) from None
    return f"{size(free)} free, a run needs {size(needed)}; {folder} can be written"


def _memory(settings: Settings) -> str:
    has = machine_memory()
    if settings.memory_bytes > MEMORY_SHARE * has:
        raise UserError(
            f"MEMORY_LIMIT={settings.memory_limit} is too much of the {size(has)} that "
            "this machine has: models, Python and the system need a quarter of it. Set "
            f"MEMORY_LIMIT={int(has / 2e6)}MB in .env."
        )
    return f"MEMORY_LIMIT={settings.memory_limit} of the {size(has)} there are"


def _warehouse(settings: Settings) -> str:
    home = Home(settings.home_root)
    if not home.warehouse.exists():
        return "none yet; `make daily` makes it"
    context = read_run_context(home)
    if context is None:
        raise UserError(
            "the first load is not finished. Run `make ingest`: it resumes where it "
            "stopped."
        )
    with open_warehouse(home.warehouse, read_only=True) as connection:
        last = connection.execute(
            "select max(trade_date) from raw.day_versions where resource = 'fills'"
        ).fetchall()[0][0]
    is_old = datetime.now(EASTERN).date() - context.as_of > STALE_AFTER
    if is_old and context.source == "api":
        raise UserError(
            f"the last run was as of {context.as_of}. Run `make daily`, and see that "
            "cron does."
        )
    return f"as of {context.as_of}, fills up to {last}, {home.warehouse}"


def _mail(settings: Settings) -> str:
    from reports.outbox import check_server

    if not settings.sends_mail:
        return "not configured; the report is left on disk only"
    return check_server(settings)
