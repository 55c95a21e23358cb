"""Runs steps under one lock; says, logs and records what each did, and alerts."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import click

from daily import witness
from daily.alerts import alert
from daily.steps import (
    MORNING,
    Done,
    Step,
    build,
    build_spark,
    report,
    report_by_force,
)
from runtime.errors import UserError
from runtime.home import Home
from runtime.ledger import FAILED, START, SUCCEEDED, Ledger, StepRun, run_id
from runtime.limits import out_of_resources_error
from runtime.logs import DETAIL, detail_log, log_to, steps_log
from runtime.settings import Settings, load_settings
from runtime.signals import is_stop_asked, stop_if_asked
from runtime.staleness import (
    is_past_morning,
    last_fill_date,
    missing_sessions,
    staleness,
)
from runtime.warehouse import read_run_context, require_run_context

if TYPE_CHECKING:
    from ingestion.pipeline import Ingested

# What reads the desk's files by way of the warehouse.
_BUILDERS = {build, build_spark}
# What ends a run: an error, or Ctrl-C and SIGTERM.
_STOPS = (Exception, KeyboardInterrupt)


class Run:
    """One command that writes: its lock, and its steps in ledger, logs and words."""

    def __init__(self, settings: Settings, command: str) -> None:
        self.settings = settings
        self.root = Home(settings.home_root)
        self._command = command
        self._id = run_id()
        self._ledger = Ledger(self.root)
        self._held = ExitStack()
        self.failed: StepRun | None = None

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Hold what gets locked until the end, and record what fails before a step."""
        try:
            with self._held:
                yield
        except _STOPS as error:
            if self.failed is not None:
                raise
            begun = self._ledger.begin(self._id, self._command, START, 0, 0, self.root)
            self._fail(begun, error, self.root)

    def lock(self, home: Home) -> None:
        """Lock a home until the run ends, and log to it from now on."""
        self._held.enter_context(home.locked())
        log_to(home)
        if home == self.root:
            self._ledger.prune()
            if (killed := self._ledger.untold(self._id)) is not None:
                # Who sits at a terminal is not mailed.
                told = witness.tell(self.settings, self.root, self._ledger, killed)
                click.echo(f"The run before: {told}", err=True)

    def step(
        self, number: int, total: int, name: str, home: Home, work: Callable[[], Done]
    ) -> Done:
        """Do one step of the run."""
        detail_log.info("%s begins", name)
        begun = self._ledger.begin(self._id, self._command, name, number, total, home)
        try:
            # Before, not after: what is done is done, and the ledger says so.
            stop_if_asked()
            done = work()
        except _STOPS as error:
            self._fail(begun, error, home)
        ended = self._ledger.end(
            begun,
            SUCCEEDED,
            done.message,
            done.rows_count,
            done.missing_sessions_count,
        )
        seconds = ended.seconds
        steps_log.info("%s: %s (%.1f s)", name, done.message, seconds)
        click.echo(f"[{number}/{total}] {name:<9} {seconds:6.1f} s  {done.message}")
        return done

    def _fail(self, begun: StepRun, error: BaseException, home: Home) -> NoReturn:
        """Record how a step failed, and raise it as a person can fix it."""
        where = f"in step {begun.step}"
        # A library may raise something else for it, as Python 3.11 does in a class.
        if isinstance(error, KeyboardInterrupt) or is_stop_asked():
            known: UserError | None = UserError(
                f"Stopped {where}, as asked. `{self.settings.as_command('daily')}` "
                "resumes; the published marts are unchanged."
            )
        else:
            known = out_of_resources_error(error, self.settings, home, where)
        self.failed = self._ledger.end(begun, FAILED, in_words(known or error))
        if known:
            raise known from error
        raise error

    def steps(
        self, steps: Sequence[Step], home: Home, first: int = 1, total: int = 0
    ) -> None:
        """Do several steps, one after the other."""
        total = total or len(steps)
        for number, step in enumerate(steps, start=first):
            name = step.__name__
            self.step(number, total, name, home, partial(step, self.settings, home))


def guarded(action: Callable[[Settings], None]) -> None:
    """Do what only reads; what a person can fix becomes one line and exit code 1."""
    try:
        action(load_settings())
    except Exception as error:
        _give_up(error)


def recorded(command: str, action: Callable[[Run], object]) -> None:
    """The same for what writes: in the ledger, with an alert if it fails or dies."""
    witness.begun()
    try:
        _recorded(command, action)
    finally:
        witness.ended()


def _recorded(command: str, action: Callable[[Run], object]) -> None:
    try:
        run = Run(load_settings(), command)
    except UserError as error:
        alert(None, None, START, str(error))
        _give_up(error)
    try:
        with run.recorded():
            action(run)
    except Exception as error:
        step = run.failed.step if run.failed else START
        steps_log.error("%s: %s", step, in_words(error))
        alert(run.settings, run.root, step, in_words(error))
        _give_up(error)


def in_words(error: BaseException) -> str:
    """What went wrong, in one line."""
    if isinstance(error, UserError):
        return str(error)
    message = " ".join(str(error).split())[:300]
    return f"unexpected {type(error).__name__}: {message}"


def _give_up(error: Exception) -> None:
    where = ""
    if not isinstance(error, UserError):
        detail_log.error("unexpected", exc_info=error)
        where = f". More is in {DETAIL} beside the other logs" if _is_logged() else ""
    click.echo(f"error: {in_words(error)}{where}", err=True)
    sys.exit(1)


def _is_logged() -> bool:
    return len(steps_log.handlers) > 1


def run_morning(run: Run) -> None:
    """Every step of the morning, and where to look next."""
    from reports.daily_report import report_path

    started = time.monotonic()
    home = run_steps(run, MORNING)
    context = require_run_context(home)
    click.echo(f"done in {time.monotonic() - started:.1f} s. Where to look next:")
    ends, is_sample = last_fill_date(home), context.is_sample
    if stale := staleness(run.settings, ends, is_sample=is_sample):
        click.echo(f"  STALE      {stale}: this is no finished morning")
    click.echo(f"  report     {report_path(home, context.as_of)}")
    click.echo(f"  board      {home.board / 'index.html'}")
    click.echo(f"  marts      {home.published / 'current'} (DuckDB and Parquet)")
    click.echo(f"  lineage    {run.settings.as_command('docs')}")
    # A past morning answers with its AS_OF, which the command has.
    ask = run.settings.as_command("predictions")
    click.echo(f"  ask        {ask}  (or explain, sql, stats, what-if)")


def run_steps(run: Run, steps: Sequence[Step]) -> Home:
    """Ingest, then these steps."""
    total = 1 + len(steps)
    home = ingest(run, total)
    run.steps(steps, home, first=2, total=total)
    return home


def run_alone(run: Run, steps: Sequence[Step]) -> None:
    """Steps on the warehouse as it is."""
    from ingestion.desk_files import read_desk, record_desk
    from ingestion.downstream import prepare_downstream
    from ingestion.upgrade import upgrade

    run.lock(run.root)
    home = _existing_home(run.settings, run.root)
    if home != run.root:
        run.lock(home)
    _tell(upgrade(home))
    prepare_downstream(home)
    # A past morning keeps what the desk said then.
    if home == run.root and not _BUILDERS.isdisjoint(steps):
        _tell(record_desk(home, read_desk(run.settings, home)))
    run.steps(steps, home)


def upgrade_alone(run: Run) -> None:
    """Bring the warehouse to the present version, and its past mornings as well.

    Seeds that were edited in the project come along to the desk's folder.
    """
    from ingestion.desk_files import begin_desk
    from ingestion.upgrade import upgrade

    run.lock(run.root)
    past = sorted(run.root.root.glob("as_of/*/risk.duckdb"))
    homes = [run.root, *(Home(warehouse.parent) for warehouse in past)]

    def work() -> Done:
        done = []
        for home in homes:
            if home != run.root:
                run.lock(home)
            done.append(upgrade(home))
        done.append(begin_desk(run.settings, run.root))
        return Done("; ".join(filter(None, done)) or "nothing to upgrade")

    run.step(1, 1, "upgrade", run.root, work)


def report_alone(run: Run, *, force: bool) -> None:
    """The report of the marts as they are; of a past morning as it was then.

    Args:
        force: Mail it again though it was mailed.
    """
    from reports.daily_report import report_again
    from reports.summary import is_kept

    settings, as_of = run.settings, run.settings.as_of
    if as_of is None or not is_kept(run.root, as_of):
        run_alone(run, (report_by_force if force else report,))
        return
    run.lock(run.root)
    run.step(
        1, 1, report.__name__, run.root,
        lambda: Done(report_again(settings, run.root, as_of, force=force)),
    )  # fmt: skip


def ingest(
    run: Run, total: int = 1, bring: Callable[..., "Ingested"] | None = None
) -> Home:
    """Ingest in the way `bring` does; left out: what is new or changed.

    Returns:
        The home to continue with: the run's, or that of a past morning.
    """
    from ingestion.sweep import bring_up_to_date_and_sweep

    run.lock(run.root)
    found: list[Ingested] = []

    def work() -> Done:
        way = bring or bring_up_to_date_and_sweep
        done = way(run.settings)
        if done.home != run.root:
            run.lock(done.home)
        kind = "SAMPLE DATA of a " if done.context.is_sample else ""
        click.echo(
            f"{kind}{done.context.firm}, as of the morning of {done.context.as_of}, "
            f"in {done.home.root}"
        )
        found.append(done)
        missing = missing_sessions(
            last_fill_date(done.home), is_sample=done.context.is_sample
        )
        # A past morning is old on purpose, and yet no finished one of today.
        is_stale = missing and not is_past_morning(run.settings)
        sentence = f"STALE: {missing}; {done.sentence}" if is_stale else done.sentence
        count = len(missing.sessions) if missing else None
        return Done(sentence, done.rows_count, count)

    run.step(1, total, "ingest", run.root, work)
    return found[0].home


def _tell(message: str | None) -> None:
    """Say what was done before the first step, if anything was."""
    if message:
        click.echo(message)


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
