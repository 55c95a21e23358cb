"""A real mail server on this machine, with TLS and log-in, that can misbehave."""

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from threading import Thread

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from runtime.settings import Settings
from tests.conftest import make_settings

PASSWORD = "correct horse battery"


@dataclass
class Desk:
    """A mail server's memory, and what it is to do wrong.

    Attributes:
        answers: To each message, the last one to all that follow.
        refuses: Recipients, with the answer they get.
        forgives: Recipients who are refused once only.
        farewell: How it answers who takes their leave.
        slow_seconds: How long it thinks about a recipient.
        hangs_up: How many messages it takes without saying so.
        kills: Process that dies while it hands over its second message.
    """

    answers: list[str] = field(default_factory=lambda: ["250 taken"])
    refuses: dict[str, str] = field(default_factory=dict)
    forgives: set[str] = field(default_factory=set)
    farewell: str = ""
    slow_seconds: float = 0
    hangs_up: int = 0
    kills: int | None = None
    port: int = 0
    certificate: Path | None = None
    taken: list[tuple[list[str], bytes]] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)

    @property
    def mails(self) -> list[EmailMessage]:
        """What was taken, in order."""
        return [message_from_bytes(raw, policy=policy.default) for _, raw in self.taken]

    @property
    def recipients(self) -> list[str]:
        """Who got a mail, as often as they did."""
        return sorted(address for to, _ in self.taken for address in to)

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: ARG002, N802
        if self.kills and self.taken:
            os.kill(self.kills, signal.SIGKILL)
            self.kills = None
            return "451 nobody is there"
        answer = self.answers[0]
        if len(self.answers) > 1:
            self.answers.pop(0)
        if answer.startswith("250"):
            self.taken.append((list(envelope.rcpt_tos), envelope.content))
        if self.hangs_up:
            self.hangs_up -= 1
            server.transport.abort()
        return answer

    async def handle_RCPT(  # noqa: N802
        self,
        server,  # noqa: ARG002
        session,  # noqa: ARG002
        envelope,
        address: str,
        options,  # noqa: ARG002
    ) -> str:
        await asyncio.sleep(self.slow_seconds)
        if address in self.refuses:
            answer = self.refuses[address]
            if address in self.forgives:
                del self.refuses[address]
            return answer
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_QUIT(self, server, session, envelope) -> str:  # noqa: ARG002, N802
        return self.farewell or "221 bye"

    def authenticate(self, server, session, envelope, mechanism, data):  # noqa: ARG002
        self.logins.append(data.password)
        # handled=False: otherwise a wrong password leaves the client waiting.
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    def settings(self, **more: object) -> Settings:
        """Settings that mail to it."""
        return mail_settings(self.port, **more)


def mail_settings(port: int, **more: object) -> Settings:
    """Settings that mail to a server on this machine."""
    chosen = {
        "source": "sample",
        "smtp_url": f"smtp://localhost:{port}",
        "email_from": "desk@x.test",
        "email_password": PASSWORD,
        "email_to": "a@x.test,b@x.test",
    }
    return make_settings(**chosen | more)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


@contextmanager
def mail_server(
    certificate: tuple[Path, Path], *, port: int = 0, is_smtps: bool = False
) -> Iterator[Desk]:
    """Serve with log-in, over STARTTLS or (`is_smtps`) TLS from the first byte."""
    pem, key = certificate
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, key)
    desk = Desk(port=port or free_port(), certificate=pem)
    security = {"ssl_context": context} if is_smtps else {"tls_context": context}
    controller = Controller(
        desk,
        hostname="localhost",
        port=desk.port,
        authenticator=desk.authenticate,
        auth_required=True,
        auth_require_tls=not is_smtps,
        **security,
    )
    controller.start()
    try:
        yield desk
    finally:
        controller.stop()


@contextmanager
def cutting_proxy(port: int, after_bytes: int) -> Iterator[tuple[int, list[int]]]:
    """Passes everything on, but cuts the first connection after so many bytes sent.

    Yields:
        Its port, and how many bytes each connection sent.
    """
    listener = socket.create_server(("localhost", 0))
    counts: list[int] = []

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("localhost", port))
            counts.append(0)
            number = len(counts) - 1
            Thread(target=pump, args=(server, client, None), daemon=True).start()
            Thread(target=pump, args=(client, server, number), daemon=True).start()

    def pump(source: socket.socket, target: socket.socket, number: int | None) -> None:
        with suppress(OSError):
            while data := source.recv(1024):
                if number is not None:
                    counts[number] += len(data)
                    if number == 0 and counts[0] > after_bytes:
                        break
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1], counts
    finally:
        listener.close()
