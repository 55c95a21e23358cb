"""The report step: render to disk, then mail."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from reports.mail import Mail
from reports.names import slug
from reports.outbox import post_all, was_sent
from reports.render import Rendered, render, render_trader
from reports.substance import desk_substance, trader_substance
from reports.summary import forecasts_by_trader, keep, read_kept, summarise
from reports.trader_emails import read_trader_emails
from reports.words import day
from runtime.errors import UserError
from runtime.files import write_atomic
from runtime.home import Home
from runtime.sessions import EASTERN
from runtime.settings import Settings


def report_path(home: Home, as_of: object) -> Path:
    """The HTML report of a date; the text lies beside it."""
    return home.reports / str(as_of) / "report.html"


def report(settings: Settings, home: Home, *, mails: bool, force: bool = False) -> str:
    """Write the published morning's report; if `mails` and a server is set, send it.

    Args:
        force: Send it though it was sent before.

    Returns:
        A sentence for people.

    Raises:
        UserError: Nothing is published, or the mail was not taken.
    """
    summary = summarise(settings, home)
    keep(home, summary)
    return _deliver(settings, home, summary, mails=mails, force=force)


def report_again(settings: Settings, home: Home, as_of: date, *, force: bool) -> str:
    """Write a past morning's report from what was kept of it, as it was then.

    It is mailed only where the settings ask for that, or by force.
    """
    summary = read_kept(home, as_of)
    mails = settings.publish_past or force
    return _deliver(settings, home, summary, mails=mails, force=force)


def _deliver(
    settings: Settings, home: Home, summary: dict[str, Any], *, mails: bool, force: bool
) -> str:
    rendered = render(summary, settings.board_url)
    path = report_path(home, summary["as_of"])
    write_atomic(path, rendered.page().encode())
    write_atomic(path.with_suffix(".txt"), rendered.text.encode())
    if not settings.sends_mail:
        unset = "EMAIL_FROM, EMAIL_PASSWORD, EMAIL_TO are not set"
        return f"{rendered.subject}; not mailed: {unset}"
    if not mails:
        past = "the run is of the past (PUBLISH_PAST=1 mails it)"
        return f"{rendered.subject}; not mailed: {past}"
    # What is stale may be the morning of a week ago, and is mailed once a day.
    name = f"report-{summary['as_of']}"
    if summary["stale"]:
        name = f"stale-{datetime.now(EASTERN).date()}"
    desk = _mail(name, settings.email_to, rendered, desk_substance(summary), path)
    try:
        own, without = _trader_mails(settings, home, summary, path)
    except UserError:
        # A wrong list of addresses keeps nothing from the desk.
        post_all(settings, home, [desk], force=force)
        raise
    sent = post_all(settings, home, [desk, *own], force=force)
    missed = f"; no forecast today for {', '.join(without)}" if without else ""
    return f"{rendered.subject}; {sent}{missed}"


def _trader_mails(
    settings: Settings, home: Home, summary: dict[str, Any], page: Path
) -> tuple[list[Mail], list[str]]:
    """Each trader's own page for who has an address, and who of them has no
    forecast. Who was mailed one that no longer holds is mailed that.
    """
    # No trader is to trade on a forecast made of old data.
    if settings.trader_emails is None or summary["stale"]:
        return [], []
    addresses = read_trader_emails(settings.trader_emails)
    forecasts = forecasts_by_trader(summary)
    mails = []
    for trader, address in addresses.items():
        name, to = f"trader-{summary['as_of']}-{slug(trader)}", (address,)
        if trader in forecasts:
            rendered = render_trader(summary, forecasts[trader], settings.board_url)
            substance = trader_substance(summary, forecasts[trader])
            mails.append(_mail(name, to, rendered, substance, page))
            continue
        session = day(summary["prediction_date"])
        withdrawn = Mail(
            name, to, f"No forecast for you for {session}",
            f"There is no forecast for you for {session} any more: the one that was "
            "mailed before does not hold.\n",
            substance={}, page=page,
        )  # fmt: skip
        if was_sent(home, withdrawn):
            mails.append(withdrawn)
    return mails, sorted(addresses.keys() - forecasts.keys())


def _mail(
    name: str,
    to: tuple[str, ...],
    rendered: Rendered,
    substance: dict[str, str],
    page: Path,
) -> Mail:
    return Mail(
        name, to, rendered.subject, rendered.text, rendered.html, rendered.images,
        substance, page,
    )  # fmt: skip
