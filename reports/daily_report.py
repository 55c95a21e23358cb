"""The report step: render to disk, then mail."""

from pathlib import Path

from reports.render import render
from reports.send import post
from reports.summary import summarise
from runtime.home import Home
from runtime.settings import Settings


def report_path(home: Home, as_of: object) -> Path:
    """The HTML report of a date; the text lies beside it."""
    return home.reports / str(as_of) / "report.html"


def report(settings: Settings, home: Home, *, mails: bool) -> str:
    """Write the report and, if `mails` and a server is set, send it.

    Returns:
        A sentence for people.

    Raises:
        UserError: The marts are not built, or the mail was not taken.
    """
    summary = summarise(home)
    subject, html, text = render(summary)
    path = report_path(home, summary["as_of"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    path.with_suffix(".txt").write_text(text, encoding="utf-8")
    if not settings.sends_mail:
        return (
            f"{subject}; not mailed: EMAIL_FROM, EMAIL_PASSWORD, EMAIL_TO are not set"
        )
    if not mails:
        return (
            f"{subject}; not mailed: the run is of the past (PUBLISH_PAST=1 mails it)"
        )
    return f"{subject}; {post(settings, home, summary['as_of'], subject, html, text)}"
