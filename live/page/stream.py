"""Server-sent events: a full screen first, then what changed.

Everything here runs in the thread of the server's loop. A client has a queue of events
that all clients share; one that does not keep up is dropped, and comes again for a
full screen. So what is kept is bounded: by the screen, the queue, and the clients.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from live.page.changes import Change, to_json

MOST_CLIENTS = 100
# Events: a few seconds of a busy desk.
_MOST_WAITING = 128
# A client that takes nothing for so long is not there.
_SEND_SECONDS = 10
# How often a client's log-in is looked at again.
_ACCESS_SECONDS = 15


class Client:
    """Somebody who follows the screen.

    Attributes:
        waiting: Events that are not sent yet.
        is_dropped: It did not keep up, or the server ends.
    """

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue(_MOST_WAITING)
        self.is_dropped = False
        self.task: asyncio.Task | None = None

    def drop(self) -> None:
        """End its stream."""
        self.is_dropped = True
        if self.task is not None:
            self.task.cancel()


class Stream:
    """The screen as it is, and who follows it."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self._parts: dict[str, Any] = {}
        # Of this process: numbers of another one mean nothing here.
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._at, self._sequence, self._sent = "", 0, 0.0
        self._problem: bytes | None = None

    def publish(self, change: Change, at: str, sequence: int) -> None:
        """Send a look's changes to everybody; without any it says that we live.

        Args:
            at: Now, in ISO 8601.
            sequence: Reports taken so far.
        """
        for name in change.gone:
            self._parts.pop(name, None)
        self._parts |= change.parts
        self._number += 1
        self._at, self._sequence, self._problem = at, sequence, None
        self._sent = time.time()
        if self.clients:
            # Of a row that a page has, what changed of it is enough.
            whole = {
                name: value
                for name, value in change.parts.items()
                if name not in change.fields
            }
            # Who came before the first look has nothing that this could change.
            is_first = self._number == 1
            self._send_all(
                self._event(whole, change.fields, change.gone, is_full=is_first)
            )

    def publish_problem(self, sentence: str) -> None:
        """Say that nothing can be shown, and why."""
        event = b"event: problem\ndata: " + to_json(sentence) + b"\n\n"
        self._problem = event
        self._send_all(event)

    def close(self) -> None:
        """End every stream."""
        for client in list(self.clients):
            client.drop()

    def first_events(self, last_id: str | None) -> list[bytes]:
        """What somebody gets who comes: the full screen, unless they have it.

        Args:
            last_id: Of the last event that they had.
        """
        events = []
        if self._number and last_id != f"{self._epoch}.{self._number}":
            events.append(self._event(self._parts, {}, (), is_full=True))
        if self._problem is not None:
            events.append(self._problem)
        return events

    def _event(
        self,
        parts: Mapping[str, Any],
        fields: Mapping[str, Any],
        gone: tuple[str, ...],
        *,
        is_full: bool = False,
    ) -> bytes:
        said = {
            "is_full": is_full,
            "number": self._number,
            "at": self._at,
            "sequence": self._sequence,
            # A page counts the time without a word from here on; milliseconds.
            "sent": round(self._sent * 1000),
            "age": round(max(0.0, time.time() - self._sent) * 1000),
            "gone": gone,
            "parts": parts,
            "fields": fields,
        }
        name = f"{self._epoch}.{self._number}".encode()
        return b"id: %b\nevent: screen\ndata: %b\n\n" % (name, to_json(said))

    def _send_all(self, event: bytes) -> None:
        for client in list(self.clients):
            try:
                client.waiting.put_nowait(event)
            except asyncio.QueueFull:
                client.drop()


class StreamResponse:
    """The events of one client, until it leaves or is dropped.

    Args:
        may_follow: Whether its log-in still holds.
    """

    def __init__(
        self, stream: Stream, request: Request, may_follow: Callable[[], bool]
    ) -> None:
        self._stream = stream
        self._last_id = request.headers.get("last-event-id")
        self._may_follow = may_follow

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until there is nobody to send to."""
        del scope
        client = Client()
        self._stream.clients.add(client)
        client.task = asyncio.current_task()
        leaving = asyncio.create_task(_left(receive, client))
        try:
            with suppress(asyncio.CancelledError, TimeoutError):
                await self._send_events(client, send)
        finally:
            leaving.cancel()
            self._stream.clients.discard(client)
        # To a client that does not take anything this is not sent either.
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await send({"type": "http.response.body", "body": b""})

    async def _send_events(self, client: Client, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"text/event-stream; charset=utf-8"),
                    (b"x-accel-buffering", b"no"),
                ],
            }
        )
        # A browser whose stream ends comes again after so many milliseconds.
        await _send_body(send, b"retry: 1000\n\n")
        for event in self._stream.first_events(self._last_id):
            await _send_body(send, event)
        loop = asyncio.get_running_loop()
        look_at = loop.time() + _ACCESS_SECONDS
        while not client.is_dropped:
            await _send_body(send, await client.waiting.get())
            if loop.time() >= look_at:
                look_at = loop.time() + _ACCESS_SECONDS
                if not self._may_follow():
                    return


async def _send_body(send: Send, body: bytes) -> None:
    async with asyncio.timeout(_SEND_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _left(receive: Receive, client: Client) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    client.drop()
