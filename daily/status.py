"""One page for people: what runs, what ran, how fresh everything is."""

from datetime import UTC, datetime, timedelta

import duckdb
import humanize

from live.alert_log import past_alerts
from live.last_night import session_at
from reports.outbox import waiting
from reports.render import counted
from reports.summary import published_data
from runtime.errors import UserError
from runtime.home import Home
from runtime.ledger import RUNNING, SUCCEEDED, Ledger, PastRun
from runtime.publish.marts_copy import open_published, require_published
from runtime.sessions import EASTERN, next_session, utc_now
from runtime.settings import Settings
from runtime.staleness import staleness
from runtime.terminal import wrapped

RUNS_SHOWN = 5


def status(settings: Settings, now: datetime | None = None) -> str:
    """The page.

    Args:
        now: Aware; left out: the present.
    """
    now = (now or utc_now()).astimezone(EASTERN)
    home = Home(settings.home_root)
    runs = Ledger(home).runs()
    lines = [
        *_stale(settings, home, now),
        ("home", str(home.root)),
        ("running", _running(runs)),
        *_last_runs(runs),
        ("morning", _morning(runs, home)),
        *_loaded(runs, home),
        ("marts", _marts(home)),
        *_published(home, now),
        ("next", _next(settings, now)),
        ("mail", _mail(settings, home)),
        *_limits(settings, home, now),
        *_live(home, now),
    ]
    return "\n".join(wrapped(f"{name:<9} ", text) for name, text in lines)


def eastern(moment: datetime | None) -> str:
    """A naive UTC moment as people of the desk read it; a dash where unknown."""
    if moment is None:
        return "–"
    return f"{moment.replace(tzinfo=UTC).astimezone(EASTERN):%a %Y-%m-%d %H:%M} ET"


def _stale(settings: Settings, home: Home, now: datetime) -> list[tuple[str, str]]:
    """That the data is old, before anything else; of the published marts."""
    try:
        with open_published(home) as connection:
            data_ends, is_sample = published_data(connection)
    except UserError:
        return []
    stale = staleness(settings, data_ends, now, is_sample=is_sample)
    return [("STALE", str(stale))] if stale else []


def _running(runs: list[PastRun]) -> str:
    for run in runs:
        if run.outcome == RUNNING:
            return (
                f"`{run.command}` since {eastern(run.started_at)}, at step "
                f"{run.last.step_number} of {run.last.steps_count}, {run.last.step} "
                f"(process {run.last.process})"
            )
    return "nothing"


def _last_runs(runs: list[PastRun]) -> list[tuple[str, str]]:
    if not runs:
        return [("runs", "none yet; run `make daily`")]
    lines: list[tuple[str, str]] = []
    for run in [one for one in runs if one.outcome != RUNNING][:RUNS_SHOWN]:
        text = f"{eastern(run.started_at)}  {run.command:<14} {run.outcome}"
        if run.outcome == SUCCEEDED:
            text += f" in {sum(one.seconds or 0 for one in run.steps):.0f} s"
            if run.missing_sessions_count:
                missing = counted(run.missing_sessions_count, "session")
                text += f", of STALE data: {missing} missing"
        else:
            text += f" at {run.last.step}" + (
                f": {run.last.message}" if run.last.message else ""
            )
        lines.append(("" if lines else "runs", text))
    return lines


def _morning(runs: list[PastRun], home: Home) -> str:
    done = [
        one
        for one in runs
        if (one.command, one.home, one.outcome) == ("run", str(home.root), SUCCEEDED)
        and not one.missing_sessions_count
    ]
    if not done:
        return "none has been complete yet"
    return f"last complete {eastern(done[0].ended_at)}"


def _loaded(runs: list[PastRun], home: Home) -> list[tuple[str, str]]:
    done = [
        step
        for run in runs
        # A past morning is rebuilt from what is there, and loads nothing.
        if run.home == str(home.root)
        for step in run.steps
        if (step.step, step.outcome) == ("ingest", SUCCEEDED)
    ]
    return [
        ("loaded", f"{eastern(step.ended_at)}: {step.message}") for step in done[:1]
    ]


def _marts(home: Home) -> str:
    if home.lock_holder() is not None:
        # Its next step opens the warehouse, and must find nobody there.
        return "a run is writing; the published copy is complete"
    try:
        require_published(home)
    except UserError as error:
        return str(error)
    return "complete, and published"


def _published(home: Home, now: datetime) -> list[tuple[str, str]]:
    try:
        with open_published(home) as connection:
            return [("data", _data(connection)), ("models", _models(connection, now))]
    except UserError as error:
        return [("data", str(error))]


def _data(connection: duckdb.DuckDBPyConnection) -> str:
    as_of, published_at, kind = connection.execute(
        "select as_of_date, published_at, firm_kind from published_at"
    ).fetchall()[0]
    last, accounts = connection.execute(
        "select max(trade_date), count(distinct account_id) from daily_totals "
        "where fills_count > 0"
    ).fetchall()[0]
    return (
        f"{kind}, as of the morning of {as_of}, fills up to {last} of {accounts} "
        f"accounts; published {eastern(published_at)}"
    )


def _models(connection: duckdb.DuckDBPyConnection, now: datetime) -> str:
    found = connection.execute(
        "select model_version, trained_through, breach_model, loss_model, pnl_model, "
        "quantiles_model, trained_at from model_registry where model = 'global' "
        "order by as_of_date desc, trained_at desc limit 1"
    ).fetchall()
    if not found:
        return "none: too little history to learn from"
    version, through, breach, loss, pnl, quantiles, trained_at = found[0]
    age = humanize.naturaltime(now - trained_at.replace(tzinfo=UTC))
    return (
        f"{version}, trained {eastern(trained_at)} ({age}), "
        f"learned through {through}; "
        f"{breach} is selected for limits, {loss} for losses, {pnl} for P&L, "
        f"{quantiles} for intervals"
    )


def _next(settings: Settings, now: datetime) -> str:
    today = now.date()
    is_over = now.time() >= settings.due_at
    session = next_session(today + timedelta(days=1) if is_over else today)
    return (
        f"session {session:%a %Y-%m-%d}; its run begins at {settings.run_at:%H:%M} "
        f"and is due by {settings.due_at:%H:%M} ET"
    )


def _limits(settings: Settings, home: Home, now: datetime) -> list[tuple[str, str]]:
    """Limits for trading platforms as the ledger has them now; nothing without one."""
    from trading_limits.checks import news

    try:
        with open_published(home) as connection:
            session = connection.execute(
                "select prediction_date from published_at"
            ).fetchall()[0][0]
    except UserError:
        session = next_session(now.date())
    lines = news(settings, home, session)
    return [("" if place else "limits", line) for place, line in enumerate(lines)]


def _live(home: Home, now: datetime) -> list[tuple[str, str]]:
    """What of the live desk's past sessions a person should act on; or nothing."""
    _, damage = past_alerts(home.live, session_at(now))
    found = [] if damage is None else [damage]
    try:
        with open_published(home) as connection:
            findings = connection.execute(
                "select finding from live_health where needs_attention "
                "and found_count > 0 order by check_order"
            ).fetchall()
    except UserError:
        # Nothing is published, or by a version that knew no live desk.
        findings = []
    found += [line for (line,) in findings]
    return [("" if place else "live", line) for place, line in enumerate(found)]


def _mail(settings: Settings, home: Home) -> str:
    if not settings.sends_mail:
        return "not configured"
    left = waiting(home)
    if not left:
        return "nothing waits"
    names = ", ".join(path.stem for path in left[:3])
    return f"{len(left)} wait in {home.outbox}: {names}; `make report` sends them"
