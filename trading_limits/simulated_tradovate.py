"""A Tradovate of our own, over HTTP, that behaves as its pages say.

For tests, and for the sample desk.

Log-in, list of accounts, `userAccountAutoLiq` by account, penalty tickets in answers
of 200, errors as `errorText`, 429 and 500 on demand.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PASSWORD, SECRET, TOKEN = "opensesame-1", "cid-secret-22", "token-333"


@dataclass
class Tradovate:
    """What it holds, and how it misbehaves.

    Attributes:
        accounts: Number by name.
        limits: `userAccountAutoLiq` by number of the account.
        failures: What to answer next instead: a status, `penalty`, `captcha` or
            `drop` (the connection ends without an answer, and the request is done).
        refused: Accounts whose limits are refused, in words.
        deaf: Accounts whose limits are taken and not kept.
        updates: Every limit that was set, in order.
    """

    accounts: dict[str, int] = field(default_factory=lambda: {"A1": 11, "A2": 12})
    limits: dict[int, dict[str, Any]] = field(default_factory=dict)
    failures: list[int | str] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    deaf: set[int] = field(default_factory=set)
    updates: list[int] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, body: dict[str, Any], token: str) -> tuple[int, Any]:
        """What is answered to a request."""
        parts = urlsplit(path)
        name = parts.path.removeprefix("/v1/")
        if name == "auth/accesstokenrequest":
            is_right = (body["password"], body["sec"]) == (PASSWORD, SECRET)
            return 200, (
                {"accessToken": TOKEN}
                if is_right
                else {"errorText": "Incorrect username or password."}
            )
        if token != f"Bearer {TOKEN}":
            return 401, "Access is denied"
        if name == "account/list":
            return 200, [{"id": n, "name": a} for a, n in self.accounts.items()]
        if name == "userAccountAutoLiq/deps":
            account = int(parse_qs(parts.query)["masterid"][0])
            found = self.limits.get(account)
            return 200, [found] if found else []
        account = body["id"]
        assert (account in self.limits) == name.endswith("/update"), name
        if account in self.refused:
            return 200, {"errorText": f"Not allowed for {PASSWORD}"}
        self.updates.append(account)
        entity = {name: value for name, value in body.items() if name != "p-ticket"}
        if account not in self.deaf:
            self.limits[account] = entity
        return 200, entity


@contextmanager
def tradovate_server() -> Iterator[Tradovate]:
    """Served on a port of this machine until the end."""
    server_state = Tradovate()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            self._answer(json.loads(self.rfile.read(length)))

        def _answer(self, body: dict[str, Any]) -> None:
            failure = server_state.failures.pop(0) if server_state.failures else None
            if isinstance(failure, int):
                self._send(failure, "no")
            elif failure in ("penalty", "captcha"):
                ticket = {
                    "p-ticket": "t",
                    "p-time": 0,
                    "p-captcha": failure != "penalty",
                }
                self._send(200, ticket)
            else:
                token = self.headers.get("Authorization", "")
                status, content = server_state.answer(self.path, body, token)
                if failure == "drop":
                    self.close_connection = True
                    return
                self._send(status, content)

        def _send(self, status: int, content: object) -> None:
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", f"{len(text)}")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server_state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield server_state
    finally:
        server.shutdown()
        server.server_close()
