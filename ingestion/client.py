"""The PropReports API: log in, ask, read every page, log out."""

import logging
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Self
from urllib.parse import urlsplit

import requests
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util.retry import Retry

from ingestion.answers import Echoes, told
from ingestion.csv_reader import TRAILER
from runtime.errors import UserError
from runtime.settings import LOOPBACK

# To connect, and between two pieces of an answer.
TIMEOUT_SECONDS = (10, 120)
# One answer, from the first byte asked to the last one read; a question is all its
# pages. Fifty thousand fills, the most of a page, are some 15 MB.
ANSWER_SECONDS, QUESTION_SECONDS = 600, 3_600
ANSWER_BYTES, QUESTION_BYTES = 2**28, 2**30
LOG_OUT_SECONDS = 30
ATTEMPTS = 8
FIRST_WAIT_SECONDS = 1.0  # then 1.5 times as long each time, as the vendor's client
LONGEST_WAIT_SECONDS = 15.0
RETRIED_STATUSES = (429, 502, 503, 504)
TOKEN_LIFETIME_SECONDS = 6_000  # the vendor's own client renews after this long
REQUESTS_PER_SECOND = 8  # the limit is 40 in 4 seconds, over any 4 seconds
MAXIMUM_PAGES = 10_000
EXPIRED = "Invalid or expired token."


class ApiError(UserError):
    """PropReports refused a request, or answered with something that is no answer."""


class RefusedError(ApiError):
    """PropReports understood the request and will not answer it."""


class IncompleteError(ApiError):
    """Pages are cut off or changed while they were read: ask again from page 1."""


class TooManyPagesError(ApiError):
    """More pages than were wanted at once: ask for fewer days."""


class _TryAgainError(Exception):
    """A request failed in a way that may pass."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class _Answer:
    """What a server sent, read to its end."""

    status: int
    body: bytes
    is_redirect: bool

    @cached_property
    def text(self) -> str:
        """As UTF-8, whatever it claims to be."""
        return self.body.decode("utf-8", "replace")


class _Session(requests.Session):
    """Follows nowhere, and prepares to follow nowhere."""

    def get_redirect_target(self, _: requests.Response) -> None:
        """None: to prepare a redirect, the answer would be read without a limit."""
        return None


class PropReportsClient:
    """A session with one firm's PropReports. Use it as a context manager.

    Args:
        url: Address of `api.php`; a bare host gets the path added.
        token: A token issued beforehand; then nobody logs in or out.
        user: User id or e-mail, with `password`.
        password: Never logged, never part of an error.
        timeout_seconds: To connect, and between two pieces of an answer.
        answer_seconds: The longest that one answer may take.
        first_wait_seconds: Before the first repetition of a request.
        requests_per_second: The most that are sent.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        timeout_seconds: tuple[float, float] = TIMEOUT_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
        first_wait_seconds: float = FIRST_WAIT_SECONDS,
        requests_per_second: float = REQUESTS_PER_SECOND,
    ) -> None:
        bare = urlsplit(url).path in ("", "/")
        self._url = url.rstrip("/") + "/api.php" if bare else url
        self._host = urlsplit(url).netloc.rpartition("@")[2]
        self._user = user
        self._password = password
        self._token = token
        self._token_is_given = token is not None
        self._token_since = 0.0
        self._last_request = 0.0
        self._secrets = {one for one in (token, password) if one}
        self._echoes = Echoes(self._secrets)
        # What it warns of repeats what a server sent.
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)
        self._session = _Session()
        # A proxy for the world does not know the servers of this machine.
        self._session.trust_env = urlsplit(url).hostname not in LOOPBACK
        adapter = requests.adapters.HTTPAdapter(
            # Only to connect: everything else is repeated by `_post`.
            max_retries=Retry(
                total=3, read=0, status=0, other=0, backoff_factor=first_wait_seconds
            )
        )
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._timeout_seconds = timeout_seconds
        self._answer_seconds = answer_seconds
        self._interval_seconds = 1 / requests_per_second
        self._retrying = Retrying(
            retry=retry_if_exception_type(_TryAgainError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(
                first_wait_seconds, exp_base=1.5, max=LONGEST_WAIT_SECONDS
            ),
            reraise=True,
        )

    def __enter__(self) -> Self:
        if not self._token_is_given:
            self._log_in()
        return self

    def __exit__(
        self,
        *_: object,
    ) -> None:
        if self._token and not self._token_is_given:
            # What was asked for has been read, and the token dies by itself.
            self._answer_seconds = min(self._answer_seconds, LOG_OUT_SECONDS)
            with suppress(ApiError):
                self._post("logout", token=self._token)
        self._session.close()

    def report(self, report_type: str, **fields: object) -> bytes:
        """A report without pages, as CSV bytes."""
        text = self._ask_twice_if_empty("report", type=report_type, **fields)
        return text.encode()

    def version(self) -> str:
        """The name and version that the server gives."""
        return self._ask("version").strip().split("\n")[0][:100]

    def pages(
        self, action: str, *, limit: int | None = None, **fields: object
    ) -> bytes:
        """All pages of `action` as one CSV with one header.

        Args:
            limit: The most pages that are wanted.

        Raises:
            IncompleteError: A page is without trailer, or the number of pages or the
                header changed meanwhile.
            TooManyPagesError: There are more pages than `limit`.
            ApiError: The request was refused.
        """
        header, rows, total, page = "", [], 1, 1
        size, begun = 0, time.monotonic()
        while page <= total:
            seconds = time.monotonic() - begun
            if size > QUESTION_BYTES or seconds > QUESTION_SECONDS:
                raise ApiError(
                    f"PropReports sent more than {QUESTION_BYTES // 2**20} MiB, or for "
                    f"more than {QUESTION_SECONDS // 60} minutes, of `{action}`. Check "
                    "PROPREPORTS_URL, or ask PropReports."
                )
            try:
                text = self._ask_twice_if_empty(action, page=page, **fields)
            except RefusedError as error:
                if page == 1:
                    raise
                # Fewer pages than page 1 announced: they changed meanwhile.
                raise IncompleteError(str(error)) from None
            size += len(text)
            lines = text.replace("\r\n", "\n").split("\n")
            while lines and not lines[-1].strip():
                lines.pop()
            if page == 1 and not lines:
                return b""  # nothing at all is how some say that there are no rows
            trailer = TRAILER.match(lines.pop()) if lines else None
            if trailer is None:
                raise IncompleteError(
                    f"PropReports sent `{action}` page {page} without its last line "
                    "`Page i/n`: it may be cut off. Run `make ingest` again."
                )
            sent, count = (
                int(number) if len(number) < 10 else MAXIMUM_PAGES + 1
                for number in trailer.groups()
            )
            # Some number the page that is not there, where there are no rows, as 0.
            if sent != page and count:
                raise IncompleteError(
                    f"PropReports sent another page of `{action}` where page {page} "
                    "was asked for. Run `make ingest` again."
                )
            if page == 1:
                total = count
                header = lines[0] if lines else ""
            elif count != total or not lines or lines[0] != header:
                raise IncompleteError(
                    f"PropReports changed `{action}` while it was read (page {page} "
                    f"of {total}). Run `make ingest` again."
                )
            if total > MAXIMUM_PAGES:
                raise ApiError(
                    f"PropReports announces more than {MAXIMUM_PAGES} pages of "
                    f"`{action}`. Check PROPREPORTS_URL."
                )
            if limit is not None and total > limit:
                raise TooManyPagesError(f"`{action}` has more than {limit} pages.")
            rows += lines[1:]
            page += 1
        return "\n".join([header, *rows, ""]).encode()

    def _ask(self, action: str, **fields: object) -> str:
        if not self._token_is_given:
            age = time.monotonic() - self._token_since
            if age > TOKEN_LIFETIME_SECONDS:
                self._log_in()
        response = self._post(action, token=self._token, **fields)
        if response.text.strip() == EXPIRED and not self._token_is_given:
            self._log_in()
            response = self._post(action, token=self._token, **fields)
        if response.status != 200:
            hint = "Check API_GROUP_ID and HISTORY_START in .env."
            if response.text.strip() == EXPIRED:
                hint = "Renew API_TOKEN in .env."
            raise RefusedError(
                f"PropReports refused `{action}`: {self._excerpt(response)}. {hint}"
            )
        if self._echoes.are_in(response.body):
            raise ApiError(
                f"PropReports repeats API_PASSWORD or a token in its answer to "
                f"`{action}`, which is not read. Ask PropReports why, and change "
                "API_PASSWORD in .env, above all if it is a word of your data."
            )
        return response.text

    def _ask_twice_if_empty(self, action: str, **fields: object) -> str:
        """Nothing at all may mean that there is nothing, or that something broke."""
        text = self._ask(action, **fields)
        return text if text.strip() else self._ask(action, **fields)

    def _log_in(self) -> None:
        response = self._post("login", user=self._user, password=self._password)
        token = response.text.strip()
        is_token = re.fullmatch(r"[!-~]{1,1000}", token)
        if response.status != 200 or not is_token or self._echoes.are_in(response.body):
            # The answer may hold a token, or repeat the password in any spelling.
            raise ApiError(
                f"PropReports refused the log-in of API_USER (HTTP "
                f"{response.status}). Check API_USER and API_PASSWORD in .env."
            )
        self._token = token
        self._token_since = time.monotonic()
        self._secrets.add(token)
        self._echoes = Echoes(self._secrets)

    def _post(self, action: str, **fields: object) -> _Answer:
        """Post until there is an answer worth reading; every action only reads."""
        try:
            answer = self._retrying(self._post_once, {"action": action, **fields})
        except _TryAgainError as error:
            raise ApiError(
                f"PropReports does not answer `{action}` at {self._host} "
                f"({error.reason}, {ATTEMPTS} times). Check PROPREPORTS_URL and the "
                "network, or try again later."
            ) from None
        except (requests.RequestException, HTTPError, ValueError) as error:
            raise ApiError(
                f"PropReports does not answer at {self._host} "
                f"({type(error).__name__}). Check PROPREPORTS_URL and the network."
            ) from None
        start = answer.text[:200].lstrip().lower()
        if start.startswith(("<!doctype", "<html")) or answer.is_redirect:
            raise ApiError(
                f"{self._host} answered with a web page. "
                "PROPREPORTS_URL must be https://<firm>.propreports.com/api.php."
            )
        return answer

    def _post_once(self, data: dict[str, object]) -> _Answer:
        wait = self._last_request + self._interval_seconds - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._last_request = time.monotonic()
        read: SimpleQueue[_Answer | Exception] = SimpleQueue()
        given_up = Event()

        def work() -> None:
            try:
                read.put(self._read(data, given_up))
            except Exception as error:  # noqa: BLE001 - raised where it is waited for
                read.put(error)

        # A time limit of a socket begins anew with each byte: who sends one a second
        # would hold the morning for ever. So somebody else reads, and is waited for.
        Thread(target=work, daemon=True).start()
        try:
            answer = read.get(timeout=self._answer_seconds)
        except Empty:
            raise ApiError(
                f"PropReports took more than {self._answer_seconds:g} s to answer "
                f"`{data['action']}` at {self._host}. Check the network, or try again "
                "later."
            ) from None
        finally:
            given_up.set()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _read(self, data: dict[str, object], given_up: Event) -> _Answer:
        """Send a request and read its answer piece by piece.

        Args:
            given_up: Set when nobody waits any more.

        Raises:
            ApiError: It is larger than any of ours.
        """
        body = bytearray()
        try:
            with self._session.post(
                self._url,
                data=data,
                timeout=self._timeout_seconds,
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code in RETRIED_STATUSES:
                    raise _TryAgainError(f"HTTP {response.status_code}")
                if 300 <= response.status_code < 400:
                    return _Answer(response.status_code, b"", is_redirect=True)
                # Counted as unpacked: a little of it may be a flood.
                for piece in response.iter_content(2**16):
                    body += piece
                    if len(body) > ANSWER_BYTES or given_up.is_set():
                        raise ApiError(
                            f"PropReports sent more than {ANSWER_BYTES // 2**20} MiB "
                            f"as an answer to `{data['action']}`. Check "
                            "PROPREPORTS_URL, or ask PropReports."
                        )
                return _Answer(response.status_code, bytes(body), is_redirect=False)
        except requests.exceptions.SSLError:
            raise  # a wrong certificate is wrong the next time, too
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            if isinstance(error, requests.ConnectionError) and _is_nobody_there(error):
                raise
            raise _TryAgainError(type(error).__name__) from None

    def _excerpt(self, answer: _Answer) -> str:
        """What may be shown of a refusal."""
        is_echo = self._echoes.are_in(answer.body)
        text = "a text that repeats a secret" if is_echo else told(answer.text)
        return f"{text} (HTTP {answer.status})"


def _is_nobody_there(error: requests.ConnectionError) -> bool:
    """Whether no connection was made at all: a wrong address stays wrong."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError)
