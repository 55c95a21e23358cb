"""Mails the report: into an outbox first, then out, once per date and recipients."""

import hashlib
import os
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import localtime
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from runtime.errors import UserError
from runtime.home import Home
from runtime.settings import LOOPBACK, Settings

TIMEOUT_SECONDS = 30


def post(
    settings: Settings, home: Home, as_of: date, subject: str, html: str, text: str
) -> str:
    """Put the report into the outbox and send all that waits there.

    Returns:
        A sentence for people.

    Raises:
        UserError: The server refused or did not answer; the mail stays in the outbox.
    """
    recipients = ",".join(sorted(settings.email_to))
    digest = hashlib.sha256(recipients.encode()).hexdigest()[:8]
    name = f"{as_of}-{digest}.eml"
    sent = home.outbox / "sent"
    sent.mkdir(parents=True, exist_ok=True)
    if not (sent / name).exists():
        message = EmailMessage(policy=policy.SMTP)
        message["From"] = settings.email_from
        message["To"] = ", ".join(settings.email_to)
        message["Subject"] = subject
        message["Date"] = localtime()
        message["Message-ID"] = (
            f"<{as_of}.{digest}@{settings.email_from.split('@')[-1]}>"
        )
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        partial = home.outbox / f".{name}"
        partial.write_bytes(message.as_bytes())
        os.replace(partial, home.outbox / name)
    waiting = sorted(home.outbox.glob("*.eml"), reverse=True)
    if not waiting:
        return f"mailed before to {len(settings.email_to)} recipients"
    # Today's first: what an older day's mail suffers must not hold it up.
    waiting.sort(key=lambda path: path.name != name)
    _deliver(settings, waiting, sent)
    return "mailed" if len(waiting) == 1 else f"{len(waiting)} mailed, old ones too"


def check_server(settings: Settings) -> str:
    """Log in to the mail server and leave again; where it is, for people.

    Raises:
        UserError: It does not answer, or refuses.
    """
    with _logged_in(settings, "then `make doctor`"):
        return f"{_where(settings)} takes mail of {settings.email_from}"


def _deliver(settings: Settings, waiting: list[Path], sent: Path) -> None:
    again = f"then `{settings.as_command('report')}`"
    refused = []
    with _logged_in(settings, f"{again}; it waits in {waiting[0].parent}") as server:
        for path in waiting:
            message = BytesParser(policy=policy.SMTP).parsebytes(path.read_bytes())
            try:
                left_out = server.send_message(message)
            except smtplib.SMTPRecipientsRefused as error:
                refused.append(f"{path.name} (for {', '.join(error.recipients)})")
                continue
            except smtplib.SMTPResponseException as error:
                refused.append(f"{path.name} (code {error.smtp_code})")
                continue
            os.replace(path, sent / path.name)
            if left_out:
                refused.append(f"{path.name} (for {', '.join(left_out)} only)")
    if refused:
        raise UserError(
            f"The mail server {_where(settings)} refused {'; '.join(refused)}. What is "
            f"not sent waits in {waiting[0].parent}; delete what should not go. Check "
            f"SMTP_URL and EMAIL_TO in .env, {again}."
        )


@contextmanager
def _logged_in(settings: Settings, again: str) -> Iterator[smtplib.SMTP]:
    """A session with the mail server; its failures as `UserError`."""
    server = urlsplit(settings.smtp_url)
    try:
        with _connected(server) as connection:
            # A mail server on this machine may know its users without a password.
            if connection.has_extn("auth") or server.hostname not in LOOPBACK:
                connection.login(
                    settings.email_from, settings.email_password.get_secret_value()
                )
            yield connection
    except smtplib.SMTPAuthenticationError as error:
        raise UserError(
            f"The mail server {_where(settings)} refused the log-in (code "
            f"{error.smtp_code}). Check EMAIL_FROM and EMAIL_PASSWORD in .env, {again}."
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        raise UserError(
            f"The mail server {_where(settings)} does not work "
            f"({type(error).__name__}). Check SMTP_URL in .env, {again}."
        ) from None


def _where(settings: Settings) -> str:
    server = urlsplit(settings.smtp_url)
    return f"{server.hostname}:{server.port or ''}".rstrip(":")


def _connected(server: SplitResult) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(
            server.hostname,
            server.port or 465,
            timeout=TIMEOUT_SECONDS,
            context=context,
        )
    connection = smtplib.SMTP(
        server.hostname, server.port or 587, timeout=TIMEOUT_SECONDS
    )
    connection.ehlo()
    # A password never travels in the clear, except where it leaves no machine.
    if connection.has_extn("starttls") or server.hostname not in LOOPBACK:
        connection.starttls(context=context)
        connection.ehlo()
    return connection
