"""Notices the run that did not happen: cron runs it at the hour it must be done."""

from datetime import UTC, datetime

from daily.alerts import send_alert
from daily.status import eastern
from reports.outbox import waiting
from reports.render import counted
from runtime.errors import UserError
from runtime.home import Home
from runtime.ledger import FAILED, RUNNING, SUCCEEDED, Ledger, PastRun
from runtime.sessions import EASTERN, sessions_between, utc_now
from runtime.settings import Settings


def watch(settings: Settings, now: datetime | None = None) -> str:
    """Say that the morning is done, or alert.

    Args:
        now: Aware; left out: the present.

    Raises:
        UserError: It is not done, or its mail was not sent.
    """
    now = (now or utc_now()).astimezone(EASTERN)
    today = now.date()
    if not sessions_between(today, today):
        return f"nothing is due: {today:%a} {today} is no session"
    if now.time() < settings.due_at:
        return f"nothing is due before {settings.due_at:%H:%M} ET"
    home = Home(settings.home_root)
    todays = [
        one
        for one in Ledger(home).runs()
        # A past morning that somebody rebuilt today is not this one.
        if one.command == "run"
        and one.home == str(home.root)
        # One that began before midnight may still be running.
        and (_day(one) == today or one.outcome == RUNNING)
    ]
    trouble = _trouble(settings, home, todays)
    if trouble is None:
        return f"the morning of {today} is done"
    message = f"The morning of {today} is not done: {trouble}"
    if settings.sends_mail:
        text = (
            f"{message}\n\n`make status` says more, docs/operation.md how to fix it.\n"
        )
        try:
            send_alert(settings, home, "watchdog", "The risk run is not done", text)
        except (UserError, OSError) as error:
            # A mail server that is down must not hide what the alert is about.
            message += f" The alert was not sent, either: {error}"
    raise UserError(message)


def _day(run: PastRun) -> object:
    return run.started_at.replace(tzinfo=UTC).astimezone(EASTERN).date()


def _trouble(settings: Settings, home: Home, today: list[PastRun]) -> str | None:
    """What is wrong with today's runs, the latest first; None if one is complete."""
    done = [run for run in today if run.outcome == SUCCEEDED]
    if any(not run.missing_sessions_count for run in done):
        left = waiting(home) if settings.sends_mail else []
        if left:
            return (
                f"{home.outbox} holds what was not sent ({len(left)}). Run `make "
                "doctor`, then `make report`."
            )
        return None
    command = settings.as_command("daily")
    if done:
        missing = counted(done[0].missing_sessions_count, "session")
        return (
            f"STALE: the run of {eastern(done[0].started_at)} found data that "
            f"ends {missing} before today. Load the missing days, then run "
            f"`{command}`."
        )
    if not today:
        return f"no run has begun today. See that cron does, then run `{command}`."
    run = today[0]
    where = f"{run.last.step}, step {run.last.step_number} of {run.last.steps_count}"
    if run.outcome == RUNNING:
        return (
            f"the run of {eastern(run.started_at)} is still running, at {where} "
            f"(process {run.last.process}). Wait, or stop it and run `{command}`."
        )
    if run.outcome == FAILED:
        return (
            f"the run of {eastern(run.started_at)} failed at {where}: "
            f"{run.last.message} Then run `{command}`."
        )
    return (
        f"the run of {eastern(run.started_at)} was killed at {where}. See that "
        f"the machine has memory and disk space left, then run `{command}`."
    )
