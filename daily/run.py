"""Runs steps under one lock, and says and logs what each did."""

import logging
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

import click

from daily.steps import AFTER_INGEST, Step
from runtime.errors import UserError
from runtime.home import Home
from runtime.settings import Settings, load_settings
from runtime.warehouse import read_run_context

if TYPE_CHECKING:
    from ingestion.pipeline import Ingested

SHOWN_FROM_REQUESTS = 20
logger = logging.getLogger("daily")
logger.addHandler(logging.NullHandler())
logger.propagate = False


def guarded(action: Callable[[Settings], None]) -> None:
    """Run, and turn what a person can mend into one line and exit code 1."""
    try:
        action(load_settings())
    except UserError as error:
        logger.error("%s", error)
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except Exception as error:
        logger.exception("unexpected")
        logs = [h.baseFilename for h in logger.handlers if hasattr(h, "baseFilename")]
        where = f" The log is {logs[0]}." if logs else ""
        click.echo(
            f"error: unexpected {type(error).__name__}: "
            f"{' '.join(str(error).split())[:300]}.{where}",
            err=True,
        )
        sys.exit(1)


def run_morning(settings: Settings) -> None:
    """Every step of the morning, and where to look next."""
    from reports.daily_report import report_path

    started = time.monotonic()
    home = run_steps(settings, AFTER_INGEST)
    context = read_run_context(home)
    click.echo(f"done in {time.monotonic() - started:.1f} s. Where to look next:")
    click.echo(f"  report     {report_path(home, context.as_of)}")
    if (home.published / "current").exists():
        click.echo(f"  marts      {home.published / 'current'} (DuckDB and Parquet)")
    click.echo(f"  lineage    {settings.as_command('docs')}")


def run_steps(settings: Settings, steps: Sequence[Step]) -> Home:
    """Ingest, then these steps, under one lock."""
    total = 1 + len(steps)
    with ExitStack() as held:
        home = _ingest(settings, held, total)
        for number, step in enumerate(steps, start=2):
            _run_step(step, settings, home, number, total)
    return home


def ingest_alone(
    settings: Settings, bring: Callable[..., "Ingested"] | None = None
) -> None:
    """Ingest only, in the way `bring` does; left out: what is new or changed."""
    with ExitStack() as held:
        _ingest(settings, held, total=1, bring=bring)


def _ingest(
    settings: Settings,
    held: ExitStack,
    total: int,
    bring: Callable[..., "Ingested"] | None = None,
) -> Home:
    """Ingest, and leave the home locked until `held` is closed."""
    from ingestion.pipeline import bring_up_to_date

    started = time.monotonic()
    root = Home(settings.home_root)
    held.enter_context(root.locked())
    _log_to(root)
    done = (bring or bring_up_to_date)(settings, progress_bar=_progress_bar)
    if done.home != root:
        held.enter_context(done.home.locked())
        _log_to(done.home)
    kind = "SAMPLE DATA of a " if done.context.is_sample else ""
    click.echo(
        f"{kind}{done.context.firm}, as of the morning of {done.context.as_of}, "
        f"in {done.home.root}"
    )
    _say(1, total, "ingest", done.sentence, started)
    return done.home


def _progress_bar(requests: list) -> AbstractContextManager:
    """A bar on a terminal; nothing in a log, or where it would be gone at once."""
    is_short = len(requests) < SHOWN_FROM_REQUESTS
    if is_short or not sys.stderr.isatty():
        return nullcontext(requests)
    return click.progressbar(
        requests,
        label="Reading",
        item_show_func=lambda request: request.name if request else None,
        file=sys.stderr,
    )


def run_alone(settings: Settings, steps: Sequence[Step]) -> None:
    """Steps on the warehouse as it is, under one lock."""
    with ExitStack() as held:
        root = Home(settings.home_root)
        held.enter_context(root.locked())
        home = _existing_home(settings, root)
        if home != root:
            held.enter_context(home.locked())
        _log_to(home)
        for number, step in enumerate(steps, start=1):
            _run_step(step, settings, home, number, len(steps))


def _run_step(
    step: Step, settings: Settings, home: Home, number: int, total: int
) -> None:
    started = time.monotonic()
    logger.info("%s begins", step.__name__)
    _say(number, total, step.__name__, step(settings, home), started)


def _say(number: int, total: int, name: str, text: str, started: float) -> None:
    seconds = time.monotonic() - started
    logger.info("%s: %s (%.1f s)", name, text, seconds)
    click.echo(f"[{number}/{total}] {name:<9} {seconds:6.1f} s  {text}")


def _existing_home(settings: Settings, root: Home) -> Home:
    """The home that holds AS_OF (left out: the latest).

    Raises:
        UserError: No run has made one.
    """
    past = root.past(settings.as_of) if settings.as_of else root
    latest = read_run_context(root)
    if latest and settings.as_of in (None, latest.as_of):
        return root
    if not past.warehouse.exists():
        raise UserError(
            f"There is no warehouse in {past.root}. Run `make daily` with the same "
            "SOURCE and AS_OF first."
        )
    return past


def _log_to(home: Home) -> None:
    """Write what happens to `logs/daily.log`, ten files of a megabyte at most."""
    home.logs.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        home.logs / "daily.log", maxBytes=10**6, backupCount=9
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
