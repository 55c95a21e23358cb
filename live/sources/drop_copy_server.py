"""A drop copy on loopback: the other side of `fix`, for simulated sessions and tests.

It knows as much of FIX as a drop copy needs: log-on, heartbeats, resend requests (with
43=Y, what is no report filled by a sequence reset), log-out. What venues get wrong can
be sent as it is.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from live.sources.fix_messages import SOH, tags_of
from runtime.sessions import utc_now

Fields = Sequence[tuple[int, str]]
_POLL_SECONDS = 0.05


class DropCopyServer:
    """Serves one client after the other; use it as a context manager.

    Attributes:
        received: Every message of clients, by tag, in order.
        sequence: Number of the next message.
    """

    def __init__(
        self,
        begin_string: str = "FIX.4.2",
        *,
        sender: str = "VENUE",
        target: str = "DESK",
        heartbeat_seconds: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.begin_string = begin_string
        self.sender, self.target = sender, target
        self.received: list[dict[str, str]] = []
        self.sequence = 1
        self._clock = clock
        self._heartbeat_seconds = heartbeat_seconds
        self._sent: dict[int, Fields] = {}
        self._lock = threading.RLock()
        self._client: socket.socket | None = None
        self._is_logged_on = False
        self._stopping = threading.Event()
        self._listener = socket.create_server((host, port))
        self._listener.settimeout(_POLL_SECONDS)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "DropCopyServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.hang_up()
        self._thread.join()
        self._listener.close()

    def report(self, fields: Fields) -> int:
        """Send an execution report, or keep it for when it is asked for; its number."""
        with self._lock:
            number = self.sequence
            self.sequence += 1
            self._sent[number] = fields
            if self._is_logged_on:
                self._write("8", number, fields)
            return number

    def send(
        self, kind: str, number: int, fields: Fields = (), *, poss_dup: bool = False
    ) -> None:
        """Send a message under any number, right or wrong."""
        with self._lock:
            self._write(kind, number, fields, poss_dup=poss_dup)

    def skip(self, count: int = 1) -> None:
        """Lose numbers: what stood there is asked for, and filled as nothing."""
        with self._lock:
            self.sequence += count

    def hang_up(self) -> None:
        """Drop the connection without a word."""
        with self._lock:
            if self._client is not None:
                with contextlib.suppress(OSError):
                    self._client.shutdown(socket.SHUT_RDWR)

    @property
    def is_logged_on(self) -> bool:
        """Whether a client is there and has logged on."""
        return self._is_logged_on

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with client:
                client.settimeout(self._heartbeat_seconds)
                self._client = client
                with contextlib.suppress(OSError):
                    self._talk(client)
                with self._lock:
                    self._client, self._is_logged_on = None, False

    def _talk(self, client: socket.socket) -> None:
        buffer = b""
        while not self._stopping.is_set():
            try:
                came = client.recv(2**16)
            except TimeoutError:
                if self._is_logged_on:
                    self._admin("0")
                continue
            if not came:
                return
            buffer += came
            # Each message ends with its checksum.
            while (place := buffer.find(b"\x0110=")) >= 0 and (
                end := buffer.find(b"\x01", place + 1)
            ) >= 0:
                message, buffer = buffer[: end + 1], buffer[end + 1 :]
                tags = tags_of(message.decode("latin-1"))
                self.received.append(tags)
                if not self._answer(tags):
                    return

    def _answer(self, tags: Mapping[str, str]) -> bool:
        """React to a client's message; False to end the talk."""
        kind = tags.get("35")
        with self._lock:
            if kind == "A":
                if tags.get("141") == "Y":
                    self.sequence, self._sent = 1, {}
                answer = [(98, "0"), (108, tags.get("108", "30"))]
                self._admin("A", [*answer, *([(141, "Y")] * (tags.get("141") == "Y"))])
                self._is_logged_on = True
            elif kind == "1":
                self._admin("0", [(112, tags.get("112", ""))])
            elif kind == "2":
                self._resend(int(tags["7"]), int(tags["16"]))
            elif kind == "5":
                self._admin("5")
                return False
        return True

    def _resend(self, first: int, last: int) -> None:
        last = min(last or self.sequence - 1, self.sequence - 1)
        number = first
        while number <= last:
            if number in self._sent:
                self._write("8", number, self._sent[number], poss_dup=True)
                number += 1
                continue
            # What is no report is filled up to the next one.
            following = number
            while following <= last and following not in self._sent:
                following += 1
            fill = [(123, "Y"), (36, str(following))]
            self._write("4", number, fill, poss_dup=True)
            number = following

    def _admin(self, kind: str, fields: Fields = ()) -> None:
        with self._lock:
            self._write(kind, self.sequence, fields)
            self.sequence += 1

    def _write(
        self, kind: str, number: int, fields: Fields, *, poss_dup: bool = False
    ) -> None:
        now = self._clock().strftime("%Y%m%d-%H:%M:%S.%f")[:-3]
        head: list[tuple[int, str]] = [
            (35, kind),
            (49, self.sender),
            (56, self.target),
            (34, str(number)),
            (52, now),
        ]
        if poss_dup:
            head += [(43, "Y"), (122, now)]
        # PossResend is of the header.
        head += [(tag, value) for tag, value in fields if tag == 97]
        rest = [(tag, value) for tag, value in fields if tag != 97]
        body = "".join(f"{tag}={value}{SOH}" for tag, value in (*head, *rest))
        text = f"8={self.begin_string}{SOH}9={len(body.encode())}{SOH}{body}"
        checksum = sum(text.encode()) % 256
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.sendall(f"{text}10={checksum:03}{SOH}".encode())
