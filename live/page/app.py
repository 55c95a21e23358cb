"""The page's routes: what is shown, and the two things that a person may do."""

import asyncio
import hashlib
import json
import math
import unicodedata
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs

import jinja2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import reports.board
from live.page.access import SESSION_SECONDS, Access
from live.page.changes import to_json
from live.page.follow import Follower
from live.page.stream import MOST_CLIENTS, Stream, StreamResponse
from live.screen import Watching
from runtime.errors import UserError

_FOLDER = Path(__file__).parent
# The look is the board's: one style for both.
_BOARD_STYLE = Path(reports.board.__file__).parent / "assets" / "board.css"
_KINDS = {".css": "text/css", ".js": "text/javascript"}
_MOST_BYTES, _BODY_SECONDS = 2**14, 10
_LONGEST_NAME, _LONGEST_REASON = 40, 500
# Tries of passwords at a time, and those that wait for their turn.
_MOST_TRIES = 8
_COME_AGAIN = '<meta http-equiv="refresh" content="0;url=/login">'
_HEADERS = [
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
        b"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        b"base-uri 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


class Watched(Watching, Protocol):
    """What the page asks of the watch; each raises UserError with a sentence."""

    def acknowledge(self, alert_id: str, by: str, reason: str) -> Any:
        """Somebody has seen an alert."""

    def release(self, alert_id: str, by: str, reason: str) -> Any:
        """Somebody releases a breach."""

    def case_of(self, alert_id: str) -> Any:
        """The case file of an alert, as JSON has it."""


def make_app(
    access: Access, stream: Stream, follower: Follower, watch: Watched, firm: str
) -> ASGIApp:
    """The page as an ASGI application."""
    return _Guard(_Routes(access, stream, follower, watch, firm).app(), access)


class _Guard:
    """Answers nobody under another name, and sets every answer's headers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return

        async def guarded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        names = [value for name, value in scope["headers"] if name == b"host"]
        app = self._app
        if [one.decode("latin-1").lower() in self._access.hosts for one in names] != [
            True
        ]:
            app = Response("This is not our name: wrong Host.\n", 400)
        await app(scope, receive, guarded_send)


class _Routes:
    def __init__(
        self,
        access: Access,
        stream: Stream,
        follower: Follower,
        watch: Watched,
        firm: str,
    ) -> None:
        self._access = access
        self._stream = stream
        self._follower = follower
        self._watch = watch
        self._firm = firm
        self._tries = asyncio.Semaphore(1)
        self._waiting_tries = 0
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )
        files = [_BOARD_STYLE, *sorted((_FOLDER / "assets").iterdir())]
        self._assets = {one.name: one.read_bytes() for one in files}
        # A page of another version loads itself anew.
        self._version = hashlib.sha256(b"".join(self._assets.values())).hexdigest()[:12]

    def app(self) -> Starlette:
        get, post = ["GET"], ["POST"]
        return Starlette(
            routes=[
                Route("/", self.page, methods=get),
                Route("/assets/{name}", self.asset, methods=get),
                Route("/login", self.login_page, methods=get),
                Route("/login", self.login, methods=post),
                Route("/logout", self._change(self.logout), methods=post),
                Route("/version", self._seen(self.version), methods=get),
                Route("/stream", self._seen(self.stream), methods=get),
                Route("/detail", self._seen(self.detail), methods=get),
                Route("/case/{alert_id}", self._seen(self.case), methods=get),
                Route("/acknowledge", self._change(self.acknowledge), methods=post),
                Route("/release", self._change(self.release), methods=post),
            ]
        )

    # ---------------------------------------------------------------- who may what

    def _cookie(self, request: Request) -> str | None:
        return request.cookies.get(self._access.cookie)

    def _seen(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Only for who may look, and asked by our own page."""

        async def checked(request: Request) -> Response:
            if not self._access.may_look(self._cookie(request)):
                raise HTTPException(401, "Log in first.")
            if not self._access.is_own_page(request.headers):
                raise HTTPException(403, "Not asked by our own page.")
            return await answer(request)

        return checked

    def _change(
        self, answer: Callable[[Request, str], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Only with the token of our own page; who does it is known with a log-in."""

        async def checked(request: Request) -> Response:
            cookie = self._cookie(request)
            token = request.headers.get("x-csrf-token")
            if not self._access.may_look(cookie):
                raise HTTPException(401, "Log in first.")
            if not (
                self._access.is_own_page(request.headers)
                and self._access.may_change(cookie, token)
            ):
                raise HTTPException(403, "The page is too old: load it again.")
            return await answer(request, self._access.person_of(cookie) or "")

        return checked

    def _with_session(self, response: Response, cookie: str) -> Response:
        response.set_cookie(
            self._access.cookie, cookie, max_age=SESSION_SECONDS, path="/",
            secure=self._access.is_secure, httponly=True, samesite="strict",
        )  # fmt: skip
        return response

    def _html(self, name: str, status: int = 200, **values: Any) -> Response:
        text = self._templates.get_template(name).render(
            firm=self._firm, version=self._version, **values
        )
        return HTMLResponse(text, status)

    # ------------------------------------------------------------------------ pages

    async def page(self, request: Request) -> Response:
        cookie, access = self._cookie(request), self._access
        if not access.may_look(cookie):
            if request.headers.get("sec-fetch-site") == "cross-site":
                # Led here from a mail: a strict cookie comes along with the next load.
                return HTMLResponse(
                    '<meta http-equiv="refresh" content="0;url=/login">'
                )
            return RedirectResponse("/login", 303)
        if access.person_of(cookie) is None:
            cookie = access.new_session()
        assert cookie is not None, "a session of ours"
        shown = self._html(
            "page.html.j2",
            token=access.token_for(cookie),
            person=access.person_of(cookie) or "",
            has_login=access.logins is not None,
        )
        return self._with_session(shown, cookie)

    async def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._assets:
            raise HTTPException(404)
        return Response(self._assets[name], media_type=_KINDS[Path(name).suffix])

    async def version(self, request: Request) -> Response:
        del request
        return Response(self._version, media_type="text/plain")

    async def stream(self, request: Request) -> Response:
        if len(self._stream.clients) >= MOST_CLIENTS:
            return Response("Too many follow already.\n", 503, {"retry-after": "10"})
        cookie = self._cookie(request)
        return StreamResponse(  # type: ignore[return-value]
            self._stream, request, lambda: self._access.may_look(cookie)
        )

    async def detail(self, request: Request) -> Response:
        """Symbols and last reports of a trader or an account."""
        kind, name = (request.query_params.get(one, "") for one in ("kind", "name"))
        found = await asyncio.to_thread(self._follower.detail, kind, name)
        if found is None:
            raise HTTPException(404, "No such trader or account.")
        return Response(to_json(found), media_type="application/json")

    async def case(self, request: Request) -> Response:
        """The case file of an alert."""
        case = await self._asked(self._watch.case_of, request.path_params["alert_id"])
        if case is None:
            raise HTTPException(404, "No such case file.")
        text = case if isinstance(case, str) else json.dumps(case, indent=1)
        return Response(text, media_type="application/json")

    # ----------------------------------------------------------------------- log-in

    async def login_page(self, request: Request) -> Response:
        if self._access.may_look(self._cookie(request)):
            return RedirectResponse("/", 303)
        return self._login_form()

    def _login_form(
        self, problem: str = "", status: int = 200, wait: float = 0
    ) -> Response:
        cookie = self._access.new_session()
        shown = self._html(
            "login.html.j2", status,
            token=self._access.token_for(cookie), problem=problem,
        )  # fmt: skip
        if wait:
            shown.headers["retry-after"] = str(math.ceil(wait))
        return self._with_session(shown, cookie)

    async def login(self, request: Request) -> Response:
        access, logins = self._access, self._access.logins
        if logins is None:
            raise HTTPException(404)
        form = parse_qs((await _body(request)).decode("utf-8", "replace"))
        name, password, token = (
            form.get(one, [""])[0] for one in ("name", "password", "token")
        )
        if not access.is_own_page(request.headers) or not access.may_change(
            self._cookie(request), token
        ):
            return self._login_form("The form was too old. Try again.", 403)
        address = request.client.host if request.client else ""
        if self._waiting_tries >= _MOST_TRIES:
            return self._login_form("Too many try. Wait a moment.", 429, 5)
        if wait := access.throttle.begin(address):
            sentence = f"Too many failed. Wait {math.ceil(wait)} s."
            return self._login_form(sentence, 429, wait)
        self._waiting_tries += 1
        try:
            async with self._tries:
                is_right = await asyncio.to_thread(logins.is_right, name, password)
        finally:
            self._waiting_tries -= 1
        if not is_right:
            return self._login_form("Name or password is wrong.", 401)
        access.throttle.succeed(address)
        return self._with_session(RedirectResponse("/", 303), access.new_session(name))

    async def logout(self, request: Request, person: str) -> Response:
        del request, person
        gone = Response(status_code=204)
        gone.delete_cookie(
            self._access.cookie, path="/", secure=self._access.is_secure,
            httponly=True, samesite="strict",
        )  # fmt: skip
        return gone

    # ---------------------------------------------------------------------- changes

    async def acknowledge(self, request: Request, person: str) -> Response:
        """A person has seen an alert, and may say what is known of it."""
        told = await _object(request)
        by = person or _line(told, "by", _LONGEST_NAME)
        # Whoever has nothing to say leaves it out, or empty.
        reason = _line(told, "reason", _LONGEST_REASON) if told.get("reason") else ""
        alert_id = _line(told, "alert_id", 200)
        await self._asked(self._watch.acknowledge, alert_id, by, reason)
        return self._done()

    async def release(self, request: Request, person: str) -> Response:
        """A person releases a breach, and says why."""
        told = await _object(request)
        by = person or _line(told, "by", _LONGEST_NAME)
        reason = _line(told, "reason", _LONGEST_REASON)
        alert_id = _line(told, "alert_id", 200)
        await self._asked(self._watch.release, alert_id, by, reason)
        return self._done()

    def _done(self) -> Response:
        self._follower.look_now()
        return Response(status_code=204)

    async def _asked(self, ask: Callable[..., Any], *values: str) -> Any:
        """Ask the watch, which may wait for a disk; what it refuses is said."""
        try:
            return await asyncio.to_thread(ask, *values)
        except UserError as error:
            raise HTTPException(409, str(error)) from None


def _line(told: dict[str, Any], name: str, longest: int) -> str:
    """One line of text that a person wrote.

    Raises:
        HTTPException: It is empty, too long, or holds signs that nobody sees.
    """
    text = told.get(name)
    text = text.strip() if isinstance(text, str) else ""
    if not text or len(text) > longest:
        raise HTTPException(400, f"Write {name}: 1 to {longest} characters.")
    if any(unicodedata.category(sign)[0] == "C" for sign in text):
        raise HTTPException(400, f"Write {name} without signs that nobody sees.")
    return text


async def _object(request: Request) -> dict[str, Any]:
    try:
        told = json.loads(await _body(request))
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise HTTPException(400, "No JSON object.")
    return told


async def _body(request: Request) -> bytes:
    """A request's body, bounded in size and time.

    Raises:
        HTTPException: It is too large, or too slow.
    """
    content = b""
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.stream():
                content += part
                if len(content) > _MOST_BYTES:
                    raise HTTPException(413, "Too large.", {"connection": "close"})
    except TimeoutError:
        raise HTTPException(408, "Too slow.", {"connection": "close"}) from None
    return content
