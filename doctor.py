"""Examines everything a morning's run depends on: `make doctor`."""

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta

import click

from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import EASTERN, next_session
from runtime.settings import Settings, load_settings
from runtime.warehouse import open_warehouse, read_run_context

GIB = 2**30
MINIMUM_FREE_GIB = 2
STALE_AFTER = timedelta(days=4)


def examine() -> int:
    """Print one line per check, with the mend where one fails; 1 if any does, else 0."""
    try:
        settings = load_settings()
    except UserError as error:
        _say("settings", str(error), is_well=False)
        return 1
    _say("settings", f"source {settings.source_name}, home {settings.home_root}")
    checks: dict[str, Callable[[Settings], str]] = {
        "source": _source,
        "calendar": _calendar,
        "disk": _disk,
        "warehouse": _warehouse,
        "mail": _mail,
    }
    failed = 0
    for name, check in checks.items():
        try:
            _say(name, check(settings))
        except UserError as error:
            failed += 1
            _say(name, str(error), is_well=False)
    return min(failed, 1)


def _say(name: str, text: str, *, is_well: bool = True) -> None:
    click.echo(f"{'ok  ' if is_well else 'FAIL'}  {name:<10} {text}")


def _source(settings: Settings) -> str:
    """Log in and out, and read the list of accounts."""
    from ingestion.documents import Cells
    from ingestion.sources import open_source

    if settings.source_name == "sample":
        return "the synthetic sample firm needs nothing"
    with open_source(settings) as source:
        blocks = Cells(source.accounts()).blocks()
        count = sum(block.num_rows for block in blocks)
        return f"{source.firm} answers and lists {count} accounts"


def _calendar(settings: Settings) -> str:  # noqa: ARG001
    today = datetime.now(EASTERN).date()
    return f"today is {today} in New York, the next session {next_session(today)}"


def _disk(settings: Settings) -> str:
    folder = settings.home_root
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / GIB
    if free < MINIMUM_FREE_GIB:
        raise UserError(
            f"only {free:.1f} GiB are free for {settings.home_root}; a run needs "
            f"{MINIMUM_FREE_GIB}. Make room, or set RISK_HOME to another disk."
        )
    probe = folder / ".doctor"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written ({error.strerror}). Mend its permissions, or "
            "set RISK_HOME to another folder."
        ) from None
    return f"{free:.0f} GiB free, {folder} can be written"


def _warehouse(settings: Settings) -> str:
    home = Home(settings.home_root)
    if not home.warehouse.exists():
        return "none yet; `make daily` makes it"
    context = read_run_context(home)
    if context is None:
        raise UserError(
            "the first load is not finished. Run `make ingest`: it goes on where it "
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
    from reports.send import check_server

    if not settings.sends_mail:
        return "not configured; the report is left on disk only"
    return check_server(settings)
