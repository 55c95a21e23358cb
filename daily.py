"""The morning's run, and each of its steps alone: `python -m daily --help`."""

import faulthandler
import logging
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import datetime
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtime.errors import UserError
from runtime.home import Home
from runtime.settings import Settings, load_settings
from runtime.warehouse import read_run_context

if TYPE_CHECKING:
    from ingestion.pipeline import Ingested

DATE = click.DateTime(["%Y-%m-%d"])
SHOWN_FROM_REQUESTS = 20
Step = Callable[[Settings, Home], str]
logger = logging.getLogger("daily")
logger.addHandler(logging.NullHandler())
logger.propagate = False


def freshness(settings: Settings, home: Home) -> str:
    """Check how long ago the data was loaded: late is a warning, stale an error."""
    from runtime.transform import check_freshness

    return check_freshness(settings, home)


def build(settings: Settings, home: Home) -> str:
    """Build and test every model up to features and labels."""
    return _dbt_build(settings, home, "before_scoring")


def train(settings: Settings, home: Home) -> str:
    """Train the models, unless today's data has trained them already."""
    from ml.train import train as train_models

    return train_models(settings, home)


def score(settings: Settings, home: Home) -> str:
    """Predict the next session."""
    from ml.score import score as score_traders

    return score_traders(settings, home)


def risk(settings: Settings, home: Home) -> str:
    """Build and test the risk marts on the predictions."""
    return _dbt_build(settings, home, "after_scoring")


def publish(settings: Settings, home: Home) -> str:
    """Publish a read-only copy of the marts."""
    from runtime.publish import publish as publish_marts

    if _is_past(settings, home):
        return "not published: the run is of the past (PUBLISH_PAST=1 publishes it)"
    return publish_marts(home)


def report(settings: Settings, home: Home) -> str:
    """Write the report and mail it."""
    from reports.daily_report import report as write_report

    return write_report(settings, home, mails=not _is_past(settings, home))


def tune(settings: Settings, home: Home) -> str:
    """Choose the models' settings on a validation split, for the days to come."""
    from ml.tune import tune as tune_models

    return tune_models(settings, home)


def verify(settings: Settings, home: Home) -> str:
    """Check that every model is sound and fresh, and say what beats its baseline."""
    from ml.verify import verify as verify_models

    return verify_models(settings, home)


def docs(settings: Settings, home: Home) -> str:
    """Write the lineage site: one static page that works offline."""
    from runtime.lineage_site import lineage_page
    from runtime.transform import run_dbt

    run_dbt(settings, home, "docs generate")
    is_sample = read_run_context(home).is_sample
    home.docs.mkdir(parents=True, exist_ok=True)
    page = home.docs / "index.html"
    page.write_text(
        lineage_page(home.dbt / "target", is_sample=is_sample), encoding="utf-8"
    )
    return f"open {page}"


AFTER_INGEST: tuple[Step, ...] = (
    freshness, build, train, score, risk, publish, report,
)  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Risk warehouse: ingest, build, train, score, risk, publish, report.

    Settings come from .env and the environment; .env.example explains each.
    """
    # A crash inside a library leaves the line that it happened in.
    faulthandler.enable()


@main.command("run")
def run_all() -> None:
    """Run the whole morning, step by step."""
    _guarded(_run_all)


@main.command("ingest")
def run_ingest() -> None:
    """Load what is new or changed from the source."""

    def ingest_alone(settings: Settings) -> None:
        with ExitStack() as held:
            _ingest(settings, held, total=1)

    _guarded(ingest_alone)


@main.command("backfill")
@click.option("--from", "first", type=DATE, required=True, envvar="FROM")
@click.option("--to", "last", type=DATE, required=True, envvar="TO")
def run_backfill(first: datetime, last: datetime) -> None:
    """Read the days from FROM to TO again, both included."""
    from ingestion.pipeline import backfill

    def backfill_alone(settings: Settings) -> None:
        with ExitStack() as held:
            _ingest(
                settings,
                held,
                total=1,
                bring=partial(backfill, first=first.date(), last=last.date()),
            )

    _guarded(backfill_alone)


@main.command("backtest")
@click.option("--from", "first", type=DATE, envvar="FROM", help="First feature date.")
@click.option("--to", "last", type=DATE, envvar="TO", help="Last feature date.")
@click.option(
    "--accounts",
    envvar="ACCOUNTS",
    default="*",
    show_default=True,
    help="Traders or accounts to evaluate: patterns, by comma.",
)
@click.option(
    "--refit-days",
    envvar="REFIT_DAYS",
    type=click.IntRange(1, 365),
    default=14,
    show_default=True,
    help="Days between two refits.",
)
@click.option(
    "--json",
    "json_file",
    envvar="JSON",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where every figure goes.",
)
def run_backtest(
    first: datetime | None,
    last: datetime | None,
    accounts: str,
    refit_days: int,
    json_file: Path | None,
) -> None:
    """Load, build, and walk through the past: what models and policies are worth."""

    def walk(settings: Settings, home: Home) -> str:
        from ml.backtest.step import backtest
        from ml.backtest.walk import Window

        window = Window(
            first and first.date(), last and last.date(), accounts, refit_days
        )
        return backtest(settings, home, window, json_file)

    walk.__name__ = "backtest"
    _guarded(lambda settings: _run_steps(settings, (build, walk, risk)))


@main.command("sql")
@click.option("--query", envvar="Q", help="One statement or several; left out: stdin.")
def run_sql(query: str | None) -> None:
    """Query the published copy, also while a run writes."""
    from runtime.publish import COPY, CURRENT
    from runtime.sql_shell import run_sql as answer

    def query_published(settings: Settings) -> None:
        home = Home(settings.home_root)
        latest = (home.published / CURRENT).resolve().name
        if settings.as_of and not latest.startswith(str(settings.as_of)):
            home = home.past(settings.as_of)
        answer(home.published / CURRENT / COPY, query)

    _guarded(query_published)


@main.command("doctor")
def run_doctor() -> None:
    """Check settings, credentials, calendar, disk, mail server and warehouse."""
    from doctor import examine

    sys.exit(examine())


@main.command("retrain-weekly")
def run_retrain() -> None:
    """Tune, train, score, and publish what comes of it; then verify."""
    steps = (tune, train, score, risk, publish, verify)
    _guarded(lambda settings: _run_alone(settings, steps))


def _add_command(step: Step) -> None:
    @main.command(step.__name__, help=step.__doc__)
    def command() -> None:
        _guarded(lambda settings: _run_alone(settings, (step,)))


for _step in (*AFTER_INGEST, tune, verify, docs):
    _add_command(_step)


def _guarded(action: Callable[[Settings], None]) -> None:
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


def _run_all(settings: Settings) -> None:
    from reports.daily_report import report_path

    started = time.monotonic()
    home = _run_steps(settings, AFTER_INGEST)
    context = read_run_context(home)
    click.echo(f"done in {time.monotonic() - started:.1f} s. Where to look next:")
    click.echo(f"  report     {report_path(home, context.as_of)}")
    if (home.published / "current").exists():
        click.echo(f"  marts      {home.published / 'current'} (DuckDB and Parquet)")
    click.echo(f"  lineage    {settings.as_command('docs')}")


def _run_steps(settings: Settings, steps: Sequence[Step]) -> Home:
    """Ingest, then these steps, under one lock."""
    total = 1 + len(steps)
    with ExitStack() as held:
        home = _ingest(settings, held, total)
        for number, step in enumerate(steps, start=2):
            _run_step(step, settings, home, number, total)
    return home


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


def _run_alone(settings: Settings, steps: Sequence[Step]) -> None:
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


def _is_past(settings: Settings, home: Home) -> bool:
    return home.root != settings.home_root and not settings.publish_past


def _dbt_build(settings: Settings, home: Home, selector: str) -> str:
    from runtime.transform import run_dbt

    # Unit tests check the code, not the data: they belong to `make test`.
    results = run_dbt(
        settings, home, "build", "--selector", selector,
        "--exclude-resource-type", "unit_test",
    )  # fmt: skip
    kinds = [result.node.resource_type for result in results]
    tests = sum(kind == "test" for kind in kinds)
    return f"{len(kinds) - tests} models and seeds built, {tests} tests passed"


def _log_to(home: Home) -> None:
    """Write what happens to `logs/daily.log`, ten files of a megabyte at most."""
    home.logs.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        home.logs / "daily.log", maxBytes=10**6, backupCount=9
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


if __name__ == "__main__":
    main()
