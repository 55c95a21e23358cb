"""The API client against the simulator, over real HTTP."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ingestion.client import REQUESTS_PER_SECOND, ApiError, PropReportsClient
from ingestion.simulator import Account, Fault, Fill, Firm, serve
from runtime.home import Home
from tests.conftest import rows, run_daily
from tests.mornings import load_morning

SECRET = "correct horse battery"


@pytest.fixture(scope="module")
def firm() -> Firm:
    """One account with 123 fills on one day."""
    fills = [
        Fill(
            filled_at=datetime(2025, 3, 3, 9, 30 + number // 60, number % 60),
            account_name="A1",
            side="B" if number % 2 else "S",
            quantity=Decimal(100),
            symbol="QQZ",
            price=Decimal("20.00"),
            fill_id=f"F{number}",
            propreports_id=str(900_000 + number),
        )
        for number in range(123)
    ]
    return Firm(accounts=(Account(501, "A1"),), fills=tuple(fills))


def client(
    simulator, *, requests_per_second: float = 1000, **more
) -> PropReportsClient:
    """A client of the simulator, which need not be spared."""
    return PropReportsClient(
        simulator.url,
        user=simulator.user,
        password=simulator.password,
        requests_per_second=requests_per_second,
        **more,
    )


def actions(simulator) -> list[str]:
    """The actions the simulator was asked for, in order."""
    return [action for action, _ in simulator.requests]


@pytest.mark.parametrize("page_size", [50, 41, 123, 1000])
def test_every_page_is_read_once_and_joined_under_one_header(
    firm: Firm, page_size: int
) -> None:
    with serve(firm, as_of=date(2025, 3, 4), page_size=page_size) as simulator:
        with client(simulator) as session:
            body = session.pages(
                "fills", groupId=-2, startDate="2025-03-03", endDate="2025-03-03"
            )
        lines = body.decode().splitlines()
        assert len(lines) == 124
        assert len(set(lines)) == 124
        asked = actions(simulator)
        assert asked[0] == "login"
        assert asked[-1] == "logout"
        assert asked.count("fills") == -(-123 // page_size)


def test_an_empty_result_is_a_header_alone(firm: Firm) -> None:
    with serve(firm, as_of=date(2025, 3, 4)) as simulator, client(simulator) as session:
        body = session.pages(
            "fills", groupId=-2, startDate="2025-02-03", endDate="2025-02-03"
        )
        assert len(body.decode().splitlines()) == 1


def test_an_expired_token_is_renewed_by_itself(firm: Firm) -> None:
    with (
        serve(firm, as_of=date(2025, 3, 4), token_lifetime_seconds=0.5) as simulator,
        client(simulator) as session,
    ):
        time.sleep(0.6)
        assert session.pages("accounts", groupId=-2).count(b"\n") == 2
        assert actions(simulator).count("login") == 2


def test_a_token_that_is_never_good_is_renewed_only_once(firm: Firm) -> None:
    with (
        serve(firm, as_of=date(2025, 3, 4), token_lifetime_seconds=0) as simulator,
        pytest.raises(ApiError, match="Invalid or expired token"),
        client(simulator) as session,
    ):
        session.pages("accounts", groupId=-2)
    assert actions(simulator).count("login") == 2


class Clock:
    """The client's clock, ahead of the real one by as much as a test wants."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.sleep = time.sleep

    def monotonic(self) -> float:
        """Seconds."""
        return time.monotonic() + self.ahead


@pytest.mark.parametrize(("age", "logins"), [(5_990, 1), (6_001, 2)])
def test_a_token_is_renewed_before_it_expires(
    firm: Firm, monkeypatch: pytest.MonkeyPatch, age: int, logins: int
) -> None:
    """After 6,000 s, as the vendor's client does; so no request is ever refused."""
    clock = Clock()
    monkeypatch.setattr("ingestion.client.time", clock)
    with serve(firm, as_of=date(2025, 3, 4)) as simulator:
        with client(simulator) as session:
            for _ in range(2):
                session.pages("accounts", groupId=-2)
                clock.ahead += age
                simulator.now += timedelta(seconds=age)
        asked = actions(simulator)
    renewed = ["login"] * (logins - 1)
    # The log-out of an old token only ends it.
    assert asked == ["login", "accounts", *renewed, "accounts", "logout"]
    assert len(simulator.tokens) == logins


def test_an_old_token_would_have_been_refused(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the test before would pass with a token that never dies."""
    monkeypatch.setattr("ingestion.client.TOKEN_LIFETIME_SECONDS", 10**6)
    with (
        serve(firm, as_of=date(2025, 3, 4)) as simulator,
        client(simulator) as session,
    ):
        simulator.now += timedelta(seconds=7_201)
        session.pages("accounts", groupId=-2)
        assert actions(simulator) == ["login", "accounts", "login", "accounts"]


def test_the_limit_of_requests_is_never_reached(firm: Firm) -> None:
    """With the pace of the product, at a server with the limit of the vendor."""
    with serve(firm, as_of=date(2025, 3, 4)) as simulator:
        answered: list[tuple[float, int]] = []
        answer = simulator.answer

        def noted(fields):
            reply = answer(fields)
            answered.append((time.monotonic(), reply[0]))
            return reply

        simulator.answer = noted
        with client(simulator, requests_per_second=REQUESTS_PER_SECOND) as session:
            for _ in range(60):
                session.version()
    assert {status for _, status in answered} == {200}
    times = [moment for moment, _ in answered]
    assert len(times) == 62
    assert max(sum(0 <= x - begin < 4 for x in times) for begin in times) <= 40
    # And not at a snail's pace: more than half of what is allowed.
    assert times[-1] - times[0] < 62 / 5


def test_a_busy_server_is_asked_again(firm: Firm) -> None:
    with (
        serve(
            firm, as_of=date(2025, 3, 4), rate_limit=3, rate_window_seconds=0.6
        ) as simulator,
        client(simulator) as session,
    ):
        for _ in range(6):
            assert session.pages("accounts", groupId=-2).count(b"\n") == 2


def test_a_wrong_password_is_one_line_without_the_password(firm: Firm) -> None:
    with serve(firm, as_of=date(2025, 3, 4)) as simulator:
        with pytest.raises(ApiError, match="API_PASSWORD in .env") as caught:
            PropReportsClient(simulator.url, user="demo", password=SECRET).__enter__()
        assert SECRET not in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [x for x in Fault if x not in (Fault.TIMEOUT, Fault.SHIFTED_PAGES, Fault.DRIP)],
)
def test_a_log_out_that_fails_is_no_error(firm: Firm, fault: Fault) -> None:
    """What was asked for has been read."""
    with serve(firm, as_of=date(2025, 3, 4), rate_limit=10**6) as simulator:
        simulator.faults.once(fault, action="logout", times=100)
        with client(simulator, first_wait_seconds=0.001) as session:
            session.pages("accounts", groupId=-2)
        assert "logout" in actions(simulator)


def test_a_refused_request_says_what_propreports_said(firm: Firm) -> None:
    with (
        serve(firm, as_of=date(2025, 3, 4)) as simulator,
        pytest.raises(ApiError, match="PropReports refused `nonsense`"),
        client(simulator) as session,
    ):
        session.pages("nonsense")


def test_a_bare_host_is_enough_of_an_address(firm: Firm) -> None:
    with serve(firm, as_of=date(2025, 3, 4)) as simulator:
        host = simulator.url.removesuffix("/api.php")
        with PropReportsClient(
            host, user=simulator.user, password=simulator.password
        ) as session:
            assert session.pages("accounts", groupId=-2)


def test_a_given_token_is_neither_made_nor_ended(firm: Firm) -> None:
    with serve(firm, as_of=date(2025, 3, 4)) as simulator:
        with client(simulator) as session:
            token = session._token
            with PropReportsClient(simulator.url, token=token) as other:
                other.pages("accounts", groupId=-2)
            session.pages("accounts", groupId=-2)
        assert actions(simulator).count("login") == 1


@contextmanager
def answering(
    text: str,
    status: int = 200,
    certificate: tuple[Path, Path] | None = None,
    asked: list[bytes] | None = None,
) -> Iterator[str]:
    """A server that answers everything alike; yields its address.

    Args:
        certificate: Of the server and its key, to speak TLS.
        asked: Gets the body of each request.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            if asked is not None:
                asked.append(sent)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = "http"
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{scheme}://127.0.0.1:{server.server_port}/api.php"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!DOCTYPE html><html>Welcome</html>", "web page"),
        ("Account Id,Account Name\n1,A\n", "without its last line"),
        ("Account Id,Account Name\n1,A\nPage 2/3\n", "sent another page"),
        (f"Account Id\n1\nPage 1/{'9' * 5_000}\n", "more than 10000 pages"),
    ],
)
def test_an_answer_that_is_none_is_refused(text: str, message: str) -> None:
    with (
        answering(text) as url,
        pytest.raises(ApiError, match=message),
        PropReportsClient(url, token="given") as session,
    ):
        session.pages("accounts")


def test_nothing_at_all_is_no_rows() -> None:
    with answering("") as url, PropReportsClient(url, token="given") as session:
        assert session.pages("fills") == b""


@pytest.mark.parametrize("status", [200, 500])
def test_a_secret_that_an_answer_repeats_is_not_shown(status: int) -> None:
    with (
        answering(f"no: token=tok-{SECRET} and password={SECRET}", status) as url,
        pytest.raises(ApiError) as caught,
        PropReportsClient(url, user="u", password=SECRET) as session,
    ):
        session.pages("accounts")
    assert SECRET not in str(caught.value)


def test_a_certificate_that_nobody_signed_is_refused(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    """Not one byte goes to a server that cannot prove who it is."""
    asked: list[bytes] = []
    with answering("a-token", certificate=certificate, asked=asked) as url:
        with pytest.raises(ApiError, match="SSLError") as caught:
            PropReportsClient(url, user="u", password=SECRET).__enter__()
        assert asked == []
        assert "\n" not in str(caught.value)
        assert SECRET not in str(caught.value)
        # It is the signature that is wrong, and nothing else.
        trusting = PropReportsClient(url, user="u", password=SECRET)
        trusting._session.verify = str(certificate[0])
        with trusting:
            assert len(asked) == 1
        # Neither a setting nor the environment can switch it off.
        run = run_daily(
            "ingest",
            RISK_HOME=tmp_path,
            PROPREPORTS_URL=url,
            API_USER="u",
            API_PASSWORD=SECRET,
            PYTHONHTTPSVERIFY="0",
            CURL_CA_BUNDLE="",
        )
        assert run.code == 1
        assert run.err.count("\n") == 1
        assert "SSLError" in run.err
    assert len(asked) == 2


def test_nobody_there_names_the_host_and_the_setting() -> None:
    with pytest.raises(ApiError, match=r"127.0.0.1:9 .*PROPREPORTS_URL"):
        PropReportsClient(
            "http://127.0.0.1:9/api.php",
            user="u",
            password=SECRET,
            first_wait_seconds=0.001,
        )._log_in()


@pytest.mark.long
def test_an_account_that_appears_later_brings_its_history(tmp_path: Path) -> None:
    """A new account may be one that was only hidden from us."""

    def fills(account: str, month: int) -> tuple[Fill, ...]:
        at = datetime(2025, month, 3, 10)
        return tuple(
            Fill(at.replace(day=day), account, "B", Decimal(1), "QQZ", Decimal(1))
            for day in (3, 4)
        )

    def load(firm: Firm) -> None:
        with serve(firm, as_of=date(2025, 8, 1)) as simulator:
            load_morning(simulator, home, gate="warn")

    home = Home(tmp_path)
    one = fills("A1", 6)
    load(Firm(accounts=(Account(501, "A1"),), fills=one))
    both = (Account(501, "A1"), Account(502, "B2"))
    load(Firm(accounts=both, fills=one + fills("B2", 2)))
    assert rows(
        home, "select account_number, count(*) from raw.fills group by 1 order by 1"
    ) == [("501", 2), ("502", 2)]


@pytest.mark.long
def test_a_row_quarantined_over_the_api_is_counted_once_until_fixed(
    tmp_path: Path,
) -> None:
    """The window moves every morning; what it re-reads it also forgets."""
    good = Fill(datetime(2025, 3, 3, 10), "A1", "B", Decimal(1), "QQZ", Decimal(1))
    bad = replace(good, filled_at=datetime(2025, 3, 4, 10), side="X")
    home = Home(tmp_path)

    def load(*fills: Fill, as_of: date) -> int:
        firm = Firm(accounts=(Account(501, "A1"),), fills=fills)
        with serve(firm, as_of=as_of) as simulator:
            load_morning(simulator, home)
        return rows(home, "select count(*) from raw.quarantine")[0][0]

    assert load(good, bad, as_of=date(2025, 3, 6)) == 1
    assert load(good, bad, as_of=date(2025, 3, 7)) == 1
    assert load(good, replace(bad, side="S"), as_of=date(2025, 3, 10)) == 0
