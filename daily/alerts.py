"""A short mail when something failed: what, the last lines, and how to fix it."""

import hashlib
import sys
from datetime import datetime

import click

from reports.mail import Mail
from reports.outbox import UnwritableError, post, send_now, send_test
from runtime.errors import UserError
from runtime.home import Home
from runtime.logs import STEPS, last_lines
from runtime.sessions import EASTERN
from runtime.settings import PROJECT_ROOT, MailSettings, Settings, load_mail_settings

LINES_SHOWN = 12
# Where alerts wait if settings do not say where a run writes.
_NOWHERE = PROJECT_ROOT / "var" / "unsettled"
_RUNBOOK = "docs/operation.md says what each failure means and how to fix it."


def alert(
    settings: Settings | None, home: Home | None, step: str, message: str
) -> None:
    """Mail that a step failed, once a day for the same words; never raises.

    Nobody is mailed of a run in a terminal: who sits there sees it.

    Args:
        settings: None where they could not be read; then those of mail alone are tried.
        home: Where the run writes; None where that is not known.
        step: Which failed.
        message: In one line, with the command that fixes it.
    """
    known = settings or _mail_alone()
    if known is None or not known.sends_mail or sys.stderr.isatty():
        return
    home = home or Home(known.risk_home or _NOWHERE)
    again = settings.as_command("daily") if settings else "make daily"
    try:
        sent = send_alert(
            known,
            home,
            f"{step}-{_digest(message)}",
            f"Risk run failed: {step}",
            _text(home, step, message, again),
        )
        click.echo(f"alert: {sent}", err=True)
    except (UserError, OSError) as error:
        # What failed is printed after this, and must not be lost.
        click.echo(f"The alert waits, too: {error}", err=True)


def _mail_alone() -> MailSettings | None:
    """Settings of mail, where others could not be read; None if they cannot, either."""
    try:
        return load_mail_settings()
    except UserError:
        return None


def send_alert(
    settings: MailSettings, home: Home, name: str, subject: str, text: str
) -> str:
    """Mail one alert, once a day under its name; a sentence for people.

    Raises:
        UserError: The mail was not taken; it waits in the outbox.
    """
    today = datetime.now(EASTERN).date()
    mail = Mail(
        name=f"alert-{today}-{name}",
        to=settings.alert_recipients,
        subject=f"{subject} ({today:%a} {today})",
        text=text,
    )
    try:
        return post(settings, home, mail)
    except UnwritableError:
        # A full disk is what it may be about.
        refused = send_now(settings, mail, "then run the step again")
        return f"mailed past the outbox, refused by {len(refused)}"


def _text(home: Home, step: str, message: str, command: str) -> str:
    lines = last_lines(home.logs / STEPS, LINES_SHOWN)
    shown = "\n".join(f"  {line}" for line in lines) or "  (none)"
    return (
        f"The step `{step}` failed:\n\n  {message}\n\n"
        f"Once it is fixed, run:\n\n  {command}\n\n"
        f"Until then the reports on disk and the published marts are the last good "
        f"ones.\n\nLast lines of {home.logs / STEPS}:\n\n{shown}\n\n{_RUNBOOK}\n"
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def send_test_mail(settings: Settings) -> None:
    """Send everybody a test and print who has it.

    Raises:
        UserError: No mail is configured, or somebody was refused.
    """
    if not settings.sends_mail:
        raise UserError(
            "No mail is configured. Set EMAIL_FROM, EMAIL_PASSWORD and EMAIL_TO in "
            ".env (.env.example explains them)."
        )
    lines = list(send_test(settings))
    click.echo("\n".join(lines))
    if any(line.startswith("FAIL") for line in lines):
        raise UserError("Some were refused. Check EMAIL_TO and ALERT_TO in .env.")
