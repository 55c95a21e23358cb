"""The command line: parses, runs, and turns errors into one line."""

import faulthandler
import gc
import sys
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from daily.limits_commands import add_limit_commands
from daily.live_commands import add_live_commands
from daily.run import (
    guarded,
    ingest,
    recorded,
    report_alone,
    run_alone,
    run_morning,
    run_steps,
    upgrade_alone,
)
from daily.steps import (
    MORNING,
    Done,
    Step,
    board,
    build,
    build_spark,
    docs,
    limits_demo,
    publish,
    report,
    risk,
    score,
    train,
    tune,
    verify,
)
from daily.witness import call_witness
from runtime.build_chain import BUILD, require
from runtime.files import keep_private
from runtime.home import Home
from runtime.settings import Settings
from runtime.signals import stop_on_signals

DATE = click.DateTime(["%Y-%m-%d"])


class _Command(click.Command):
    """A command whose wrong or missing option is one line, as make spells it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            click.echo(f"error: {self._in_words(error)}", err=True)
            ctx.exit(error.exit_code)

    def _in_words(self, error: click.UsageError) -> str:
        taken = [one for one in self.params if one.envvar]
        options = " ".join(f"{one.envvar}=" for one in taken)
        param = error.param if isinstance(error, click.BadParameter) else None
        what = " ".join(error.format_message().split())
        if param is not None:
            is_missing = isinstance(error, click.MissingParameter)
            message = "= is missing" if is_missing else f": {error.message}"
            what = f"{param.envvar}{message}"
        what = what.replace("%Y-%m-%d", "YYYY-MM-DD").rstrip(".")
        return f"{what}. `make {self.name}` takes {options or 'nothing more'}"


class _Group(click.Group):
    command_class = _Command


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Risk warehouse: ingest, build, train, score, risk, publish, report.

    Settings come from .env and the environment; .env.example explains each.
    """
    # Fills, P&L and names are the desk's alone.
    keep_private()
    # Each collection looks through all that dbt and dlt have imported.
    gc.set_threshold(100_000, 20, 50)
    # A crash inside a library leaves the line that it happened in.
    faulthandler.enable()
    # A service that is stopped says where, and lets go of the warehouse, as on Ctrl-C.
    stop_on_signals()
    call_witness()


@main.command("run")
def run_all() -> None:
    """Run the whole morning, step by step."""
    recorded("run", run_morning)


@main.command("ingest")
def run_ingest() -> None:
    """Load what is new or changed from the source."""

    recorded("ingest", ingest)


@main.command("upgrade")
def run_upgrade() -> None:
    """Bring a warehouse of an earlier version to this one; a copy is kept."""
    recorded("upgrade", upgrade_alone)


@main.command("backfill")
@click.option("--from", "first", type=DATE, required=True, envvar="FROM")
@click.option("--to", "last", type=DATE, required=True, envvar="TO")
def run_backfill(first: datetime, last: datetime) -> None:
    """Read the days from FROM to TO again, both included."""
    from ingestion.pipeline import backfill

    bring = partial(backfill, first=first.date(), last=last.date())
    recorded("backfill", lambda run: ingest(run, bring=bring))


@main.command("sweep")
def run_sweep() -> None:
    """Read again what the broker restated this month or the last."""
    from ingestion.sweep import sweep

    recorded("sweep", lambda run: ingest(run, bring=sweep))


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
    "--after-days",
    envvar="AFTER_DAYS",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="A trader's first days that are not evaluated, such as those a limit is from.",
)
@click.option(
    "--refit-days",
    envvar="REFIT_DAYS",
    type=click.IntRange(1, 365),
    default=14,
    show_default=True,
    help="Days between two refits of baselines; trees wait up to four times that.",
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
    after_days: int,
    refit_days: int,
    json_file: Path | None,
) -> None:
    """Load, build, and walk through the past: what models and policies are worth."""

    def walk(settings: Settings, home: Home) -> Done:
        from ml.backtest.step import backtest as walk_back
        from ml.backtest.walk import Window

        require(home, BUILD)
        window = Window(
            first and first.date(),
            last and last.date(),
            accounts,
            after_days,
            refit_days,
        )
        return Done(walk_back(settings, home, window, json_file))

    walk.__name__ = "backtest"
    recorded("backtest", lambda run: run_steps(run, (build, walk, risk)))


@main.command("sql")
@click.option("--query", envvar="Q", help="One statement or several; left out: stdin.")
def run_sql(query: str | None) -> None:
    """Query the published copy, also while a run writes."""
    from runtime.publish.sql_shell import run_sql as answer

    guarded(lambda settings: answer(published_home(settings), query))


@main.command("statement")
@click.option("--month", envvar="MONTH", required=True, help="Such as 2025-11.")
def run_statement(month: str) -> None:
    """Write a statement of each account for a month, from the published copy."""
    from reports.statement import write_statements

    guarded(
        lambda settings: click.echo(write_statements(published_home(settings), month))
    )


@main.command("note")
@click.option("--scope", envvar="SCOPE", required=True, help="Whose limit, or desk.")
@click.option(
    "--date",
    "trade_date",
    envvar="DATE",
    required=True,
    type=DATE,
    help="A date of the breach.",
)
@click.option("--rule", envvar="RULE", help="Which limit, where more were breached.")
@click.option("--note", envvar="NOTE", required=True, help="What was done about it.")
@click.option("--close", envvar="CLOSE", is_flag=True, help="Nothing more is to do.")
def run_note(
    scope: str, trade_date: datetime, rule: str | None, note: str, *, close: bool
) -> None:
    """Note what was done about a breach of a limit; CLOSE=1 closes it."""
    from daily.note import note_breach

    guarded(
        lambda settings: click.echo(
            note_breach(
                settings, published_home(settings), scope=scope,
                trade_date=trade_date.date(), rule=rule, note=note, closes=close,
            )
        )
    )  # fmt: skip


@main.command("status")
def run_status() -> None:
    """Say what runs, how the last runs ended, how fresh data and models are."""
    from daily.status import status

    guarded(lambda settings: click.echo(status(settings)))


@main.command("watchdog")
def run_watchdog() -> None:
    """Alert if the morning is not done by its hour (DUE_AT)."""
    from daily.watchdog import watch

    guarded(lambda settings: click.echo(watch(settings)))


@main.command("schedule")
def run_schedule() -> None:
    """Print a crontab and systemd units that run the morning."""
    from daily.schedule import schedule

    guarded(lambda settings: click.echo(schedule(settings)))


@main.command("stats")
def run_stats() -> None:
    """Say how large everything is, and what the database holds."""
    from daily.diagnostics import stats

    guarded(lambda settings: click.echo(stats(published_home(settings))))


@main.command("predictions")
def run_predictions() -> None:
    """Show the latest forecasts, most at risk first."""
    from daily.diagnostics import predictions

    guarded(lambda settings: click.echo(predictions(published_home(settings))))


@main.command("explain")
@click.option("--trader", envvar="TRADER", help="Whose forecast; left out: the models.")
def run_explain(trader: str | None) -> None:
    """Say why a trader has a forecast, or none; without one, explain the models."""
    from daily.explain import explain_models, explain_trader

    def explain(home: Home) -> str:
        return explain_trader(home, trader) if trader else explain_models(home)

    guarded(lambda settings: click.echo(explain(published_home(settings))))


@main.command("what-if")
@click.option(
    "--rule",
    envvar="RULE",
    help="Such as 'stop 1500', 'stop 250..5000', 'give_back 1000; max_trades 20'; left "
    "out: the desk's candidates.",
)
def run_what_if(rule: str | None) -> None:
    """Say what a rule, or each of many, would have done to the traders' own fills."""
    from daily.what_if import what_if

    guarded(lambda settings: click.echo(what_if(published_home(settings), rule)))


@main.command("doctor")
def run_doctor() -> None:
    """Check settings, credentials, calendar, disk, mail server and warehouse."""
    from daily.doctor import examine

    sys.exit(examine())


@main.command("test-email")
def run_test_email() -> None:
    """Send everybody who gets mail a test, and say who has it."""
    from daily.alerts import send_test_mail

    guarded(send_test_mail)


@main.command("build-spark")
def run_build_spark() -> None:
    """Build the same models on Spark, from what the warehouse holds."""
    recorded("build-spark", lambda run: run_alone(run, (build_spark,)))


@main.command("report")
@click.option(
    "--force", envvar="FORCE", is_flag=True, help="Mail it again though it was mailed."
)
def run_report(force: bool) -> None:
    """Write the report and mail it; of a past morning (AS_OF), as it was then."""
    recorded("report", lambda run: report_alone(run, force=force))


@main.command("limits-demo")
def run_limits_demo() -> None:
    """Let the sample desk go through proposal, approval, files, and a drift."""
    steps = (limits_demo, risk, publish, report, board)
    recorded("limits-demo", lambda run: run_alone(run, steps))


@main.command("retrain-weekly")
def run_retrain() -> None:
    """Tune, train, score, and publish what comes of it; then verify."""
    steps = (tune, train, score, risk, publish, verify)
    recorded("retrain-weekly", lambda run: run_alone(run, steps))


def published_home(settings: Settings) -> Home:
    """The home whose published copy is of AS_OF; left out: the latest."""
    from runtime.publish.marts_copy import published_home as home_of

    return home_of(settings, Home(settings.home_root))


def _add_command(step: Step) -> None:
    @main.command(step.__name__, help=step.__doc__)
    def command() -> None:
        recorded(step.__name__, lambda run: run_alone(run, (step,)))


add_limit_commands(main, published_home)
add_live_commands(main)
for _step in (*MORNING, tune, verify, docs):
    if _step.__name__ not in main.commands:
        _add_command(_step)


if __name__ == "__main__":
    main()
