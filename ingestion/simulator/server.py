"""`api.php` over HTTP on loopback."""

import gzip
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from threading import Event, Thread
from urllib.parse import parse_qsl

from ingestion.simulator import clock
from ingestion.simulator.api import VERSION, Limits, Simulator
from ingestion.simulator.dialect import Dialect
from ingestion.simulator.editions import Editions
from ingestion.simulator.faults import Fault, spoiled
from ingestion.simulator.firm import Firm
from ingestion.simulator.revisions import Revision

PATH = "/api.php"
_ENDS_CONNECTION = (Fault.TIMEOUT, Fault.CUT, Fault.DROP, Fault.DRIP, Fault.FLOOD)
_MEMBER_BYTES, _MEMBERS = 2**24, 64  # of a bomb
_DRIP_SECONDS = 0.05


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = f"PropReports-simulator/{VERSION} (synthetic data)"
    sys_version = ""
    # Header and body leave in one packet; in two, each reply waits 40 ms for an ACK.
    wbufsize = -1
    simulator: Simulator
    server: "_Server"

    def do_POST(self) -> None:
        """Answer a request with its form fields."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != PATH:
            self._reply(404, "Not found.")
            return
        try:
            fields = _form(self.headers.get("Content-Type", ""), body)
        except ValueError:
            self._reply(500, "Unreadable form.")
            return
        reply = self.simulator.answer(fields)
        fault = self.simulator.faults.draw(fields, reply)
        if fault in _ENDS_CONNECTION:
            self.close_connection = True
        if fault is Fault.DROP:
            return
        if fault is Fault.TIMEOUT:
            self.server.stopping.wait(self.simulator.faults.delay_seconds)
        if fault in (Fault.DRIP, Fault.FLOOD):
            self._send_without_end(fault)
            return
        if fault is Fault.BOMB:
            self._send_bomb()
            return
        if fault is Fault.ECHO:
            reply = 200, body.decode()
        elif fault is Fault.SHIFTED_PAGES:
            reply = 200, self.simulator.shifted_page(fields)
        elif fault is not None:
            reply = spoiled(fault, reply)
        self._reply(*reply, is_cut=fault is Fault.CUT)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The answer to every other method."""
        if name.startswith("do_"):
            return self._refuse
        raise AttributeError(name)

    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._reply(500, "Only POST is supported.")

    def send_error(self, *_: object) -> None:
        """Refuse what is no HTTP at all, in text and not in Python's web page."""
        self.close_connection = True
        self._reply(500, "Bad request.")

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def _reply(self, status: int, text: str, is_cut: bool = False) -> None:
        payload = text.encode()
        kind = "html" if text.startswith("<") else "plain"
        self.send_response(status)
        self.send_header("Content-Type", f"text/{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload[: len(payload) // 2] if is_cut else payload)

    def _send_without_end(self, fault: Fault) -> None:
        """Announce a tebibyte, and send until the client has had enough."""
        self.send_response(200)
        self.send_header("Content-Length", str(2**40))
        self.end_headers()
        is_drip = fault is Fault.DRIP
        piece = b"x" * (1 if is_drip else 2**16)
        while not self.server.stopping.wait(_DRIP_SECONDS if is_drip else 0):
            self.wfile.write(piece)
            self.wfile.flush()

    def _send_bomb(self) -> None:
        payload = gzip.compress(bytes(_MEMBER_BYTES)) * _MEMBERS
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


def _form(content_type: str, body: bytes) -> dict[str, str]:
    """Fields of an urlencoded or multipart/form-data body.

    Raises:
        ValueError: The body is not UTF-8, or of another type.
    """
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    if not content_type.startswith("multipart/form-data"):
        raise ValueError(content_type)
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    fields: dict[str, str] = {}
    for part in message.iter_parts():
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes), "no field of ours has parts of its own"
        name = part.get_param("name", header="content-disposition")
        fields[str(name)] = payload.decode()
    return fields


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        super().__init__(address, handler)
        self.stopping = Event()

    def handle_error(
        self, request: socket | tuple[bytes, socket], client_address: object
    ) -> None:
        """Stay quiet about clients that did not wait for their reply."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve(
    firm: Firm,
    *,
    as_of: date | None = None,
    revisions: Sequence[Revision] = (),
    dialect: Dialect | None = None,
    port: int = 0,
    page_size: int = 50_000,
    positions_page_size: int = 10_000,
    rate_limit: int = 40,
    rate_window_seconds: float = 4.0,
    token_lifetime_seconds: float = 7200,
    user: str = "demo",
    password: str = "demo-password",
) -> Iterator[Simulator]:
    """Serve a firm on loopback until the block ends.

    Args:
        as_of: The virtual time, US Eastern without zone, or a date for its morning;
            by default the day after the firm's last.
        revisions: What changes on record, in any order.
        dialect: How the replies are written; by default as `Dialect()` does.
        port: 0 takes a free one.

    Raises:
        ValueError: The firm has no dates and `as_of` is not given, or a revision is of
            something that is not on record.
    """
    editions = Editions(firm, revisions)
    limits = Limits(
        page_size,
        positions_page_size,
        rate_limit,
        rate_window_seconds,
        token_lifetime_seconds,
    )
    now = clock.moment(as_of or editions.archive(datetime.min).morning_after)
    simulator = Simulator(editions, now, user, password, limits, dialect or Dialect())
    handler = type("Handler", (_Handler,), {"simulator": simulator})
    with _Server(("127.0.0.1", port), handler) as server:
        simulator.url = f"http://127.0.0.1:{server.server_port}{PATH}"
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield simulator
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()
