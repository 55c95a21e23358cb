"""Serves the page: its socket, TLS, and the thread of the server."""

import asyncio
import logging
import socket
import threading
import time
from functools import partial
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from live.page.access import read_access
from live.page.app import Watched, make_app
from live.page.follow import Follower
from live.page.stream import Stream
from live.session import Session
from runtime.errors import UserError
from runtime.settings import LOOPBACK, Settings

# Connections at once, those that follow among them.
_MOST_CONNECTIONS = 256
# By when a request must be here, from the connection or the last answer on.
_REQUEST_SECONDS = 10
_KEEP_SECONDS = 5
_START_SECONDS = _STOP_SECONDS = 10
_LARGEST_HEAD_BYTES = 2**14


def serve(session: Session, watch: Watched, settings: Settings) -> "Page":
    """Serve the page of a session until it is closed; use it as a context manager.

    Args:
        session: Entered; its folder's parent keeps the page's secret.
        watch: What is watched of it.

    Raises:
        UserError: The port is taken, a file cannot be read, or LIVE_HOST lets others
            in without log-in or TLS.
    """
    return Page(session, watch, settings)


class Page:
    """The page as it is served.

    Attributes:
        address: Where to open it.
    """

    def __init__(self, session: Session, watch: Watched, settings: Settings) -> None:
        access = read_access(settings, session.folder.parent)
        self.address = _address(settings)
        self._loop = asyncio.new_event_loop()
        self._stream = Stream()
        self._follower = Follower(
            session, watch, self._stream, self._loop.call_soon_threadsafe
        )
        app = make_app(access, self._stream, self._follower, watch, settings.firm or "")
        self._server = uvicorn.Server(_config(settings, app))
        self._socket = _bound(settings.live_host, settings.live_port)
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)
        self._thread.start()
        self._follower.start()
        until = time.monotonic() + _START_SECONDS
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.01)
        if not self._server.started:
            self.close()
            raise UserError(f"The page at {self.address} does not start: see the log.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End within seconds; browsers turn red by themselves."""
        self._follower.stop()
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        if self._server.config.is_ssl:
            # Else a connection without a handshake lives for a minute.
            self._loop.create_server = partial(  # type: ignore[method-assign]
                self._loop.create_server, ssl_handshake_timeout=_REQUEST_SECONDS
            )
        self._loop.run_until_complete(self._serve())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _serve(self) -> None:
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.should_exit and not serving.done():
            await asyncio.sleep(0.1)
        # Streams have no end of their own.
        self._stream.close()
        await serving


class _Bounded(H11Protocol):
    """Gives nobody a connection for nothing: few of them, and each must ask soon."""

    _waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, or none at all where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > _MOST_CONNECTIONS:
            transport.abort()
            return
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Once a request's head is here, the app has limits of its own."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Wait for the next one."""
        self._await_request()
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Somebody who does not even take the answer is not waited for."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _await_request(self) -> None:
        self._stop_waiting()
        self._waits = self.loop.call_later(_REQUEST_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None


def _config(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    """The server's.

    Raises:
        UserError: The certificate or its key cannot be used.
    """
    certificate, key = settings.live_certificate, settings.live_certificate_key
    config = uvicorn.Config(
        app,
        http=_Bounded,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        server_header=False,
        # A proxy stands on this machine, and says for whom it asks.
        proxy_headers=settings.live_url is not None and certificate is None,
        forwarded_allow_ips=list(LOOPBACK[1:]),
        timeout_keep_alive=_KEEP_SECONDS,
        timeout_graceful_shutdown=2,
        h11_max_incomplete_event_size=_LARGEST_HEAD_BYTES,
        ssl_certfile=None if certificate is None else str(certificate),
        ssl_keyfile=None if key is None else str(key),
    )
    try:
        config.load()
    except OSError as error:
        raise UserError(
            f"LIVE_CERTIFICATE={certificate} with LIVE_CERTIFICATE_KEY={key} cannot be "
            f"used ({error.strerror or error}): both are files in PEM, of one pair."
        ) from None
    return config


def _bound(host: str, port: int) -> socket.socket:
    """A listening place.

    Raises:
        UserError: The port is taken, or the host is none of this machine's.
    """
    try:
        kind, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[
            0
        ]
        made = socket.socket(kind, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(place)
            # Connections inherit it: who takes nothing for so long is not there.
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)
        except OSError:
            made.close()
            raise
    except OSError as error:
        raise UserError(
            f"The page cannot be served at {host}:{port} ({error.strerror}). Is "
            "another live desk running? Set LIVE_PORT or LIVE_HOST to another."
        ) from None
    return made


def _address(settings: Settings) -> str:
    if settings.live_url is not None:
        return f"{settings.live_url}/"
    scheme = "http" if settings.live_certificate is None else "https"
    host = settings.live_host
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{settings.live_port}/"
