"""The mail server: TLS with its certificate checked, log-in, and what it refuses."""

import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Timer
from urllib.parse import SplitResult, urlsplit

from runtime.errors import UserError
from runtime.settings import LOOPBACK, MailSettings

TIMEOUT_SECONDS = 30
# A server that drips a byte now and then keeps every single timeout.
SESSION_SECONDS = 600
_NOT_ASKED = 421, b"the server hung up"


class ServerBusyError(UserError):
    """The server is down, slow, or asks to come back: another try may go through."""


class Session:
    """A log-in to the mail server, for one mail after the other."""

    def __init__(self, connection: smtplib.SMTP, sender: str) -> None:
        self._connection = connection
        self._sender = sender

    def send(self, message: bytes, to: Sequence[str]) -> dict[str, tuple[int, str]]:
        """Hand over one message.

        Returns:
            Of each recipient whom the server refused its code and words; a code of the
            400s may pass, one of the 500s stays. Whoever is not named has the mail.

        Raises:
            smtplib.SMTPException, OSError: The server took it for nobody.
        """
        try:
            refused = self._connection.sendmail(self._sender, list(to), message)
        except smtplib.SMTPRecipientsRefused as error:
            # Nobody has it, whom the server was not asked about any more least of all.
            refused = {one: error.recipients.get(one, _NOT_ASKED) for one in to}
        return {
            address: (code, " ".join(bytes(words).decode("utf-8", "replace").split()))
            for address, (code, words) in refused.items()
        }


def where(settings: MailSettings) -> str:
    """Host and port of the server, for people."""
    server = urlsplit(settings.smtp_url)
    return f"{server.hostname}:{server.port or ''}".rstrip(":")


@contextmanager
def logged_in(settings: MailSettings, again: str) -> Iterator[Session]:
    """A session with the mail server.

    Args:
        again: What to do after the fix, at the end of a message.

    Raises:
        ServerBusyError: The server does not answer, or the connection broke.
        UserError: It refuses the log-in, or its certificate is not to be trusted.
    """
    server = urlsplit(settings.smtp_url)
    try:
        with _connected(server) as connection:
            # A mail server on this machine may know its users without a password.
            if connection.has_extn("auth") or server.hostname not in LOOPBACK:
                connection.login(settings.sender, settings.password)
            yield Session(connection, settings.sender)
    except smtplib.SMTPAuthenticationError as error:
        if is_passing(error):
            raise _busy(settings, error, again) from None
        raise UserError(
            f"The mail server {where(settings)} refused the log-in (code "
            f"{error.smtp_code}). Check EMAIL_FROM and EMAIL_PASSWORD in .env, {again}."
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        raise _busy(settings, error, again) from None


def is_passing(error: Exception) -> bool:
    """Whether another try may go through."""
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code < 500
    # A certificate does not become a better one, nor a server one that knows TLS.
    final = ssl.SSLCertVerificationError, smtplib.SMTPNotSupportedError
    return not isinstance(error, final)


def _busy(settings: MailSettings, error: Exception, again: str) -> UserError:
    kind = ServerBusyError if is_passing(error) else UserError
    return kind(
        f"The mail server {where(settings)} does not work ({type(error).__name__}). "
        f"Check SMTP_URL in .env, {again}."
    )


@contextmanager
def _connected(server: SplitResult) -> Iterator[smtplib.SMTP]:
    host = server.hostname or ""
    context, is_plain = ssl.create_default_context(), server.scheme != "smtps"
    if is_plain:
        connection = smtplib.SMTP(timeout=TIMEOUT_SECONDS)
        port = 587
    else:
        connection = smtplib.SMTP_SSL(timeout=TIMEOUT_SECONDS, context=context)
        port = 465
    # What smtplib's constructor keeps for TLS, had it connected itself.
    connection._host = host  # type: ignore[attr-defined]
    limit = Timer(SESSION_SECONDS, _hang_up, [connection])
    limit.daemon = True
    limit.start()
    try:
        connection.connect(host, server.port or port)
        connection.ehlo()
        # A password never travels in the clear, except where it leaves no machine.
        if is_plain and (
            connection.has_extn("starttls") or server.hostname not in LOOPBACK
        ):
            connection.starttls(context=context)
            connection.ehlo()
        yield connection
    finally:
        limit.cancel()
        # How a server takes its leave changes nothing of what it took.
        with suppress(OSError, smtplib.SMTPException):
            connection.quit()
        connection.close()


def _hang_up(connection: smtplib.SMTP) -> None:
    with suppress(OSError):
        if connection.sock:
            connection.sock.shutdown(socket.SHUT_RDWR)
