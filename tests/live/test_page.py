"""The live page over real HTTP: its stream, who may do what, and floods."""

import http.client
import itertools
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from live.desk import _write_state
from live.page import Page, app, follow, server, stream
from live.page.access import read_access
from live.page.changes import Change, Changes, to_json
from live.page.logins import Logins, Throttle, add_login, hash_of
from live.screen import as_json, screen, symbol_rows
from live.session import STATE, Session
from runtime.errors import UserError
from tests.live import desk
from tests.live.desk import DAY, HOSTILE, OPEN, SmallWatch, reports, running

TRADERS = ["T1", "T2", *HOSTILE]
SYMBOLS = ["ABC", HOSTILE[0]]
PASSWORD = "correct horse battery"


def ask(
    page: Page, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One request; names of headers have _ for -."""
    where = urlsplit(page.address)
    kind = http.client.HTTPConnection
    more: dict[str, Any] = {}
    if where.scheme == "https":
        kind = http.client.HTTPSConnection
        more["context"] = ssl._create_unverified_context()
    connection = kind("127.0.0.1", where.port, timeout=20, **more)
    try:
        connection.request(
            method, path, body,
            {name.replace("_", "-"): value for name, value in headers.items()},
        )  # fmt: skip
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read()
    finally:
        connection.close()


def come(page: Page, **headers: str) -> tuple[str, str]:
    """Open the page; the cookie that it gives, and its token."""
    status, given, text = ask(page, "GET", "/", **headers)
    assert status == 200
    token = re.search(rb'name="token" content="([0-9a-f]+)"', text)
    assert token
    return given["set-cookie"].split(";")[0], token[1].decode()


class Following:
    """Reads a stream's events as they come."""

    def __init__(self, page: Page, **headers: str) -> None:
        where = urlsplit(page.address)
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", where.port, timeout=20
        )
        self._connection.request(
            "GET",
            "/stream",
            headers={k.replace("_", "-"): v for k, v in headers.items()},
        )
        self._answer = self._connection.getresponse()
        self.status = self._answer.status
        self.last_id = ""

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        kind, data = "", ""
        while line := self._answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "id":
                self.last_id = value
            elif name == "event":
                kind = value
            elif name == "data":
                data = value
            elif not line.strip() and kind:
                yield kind, json.loads(data)
                kind = ""

    def close(self) -> None:
        """Leave."""
        self._connection.close()


@pytest.fixture
def a_desk(tmp_path: Path) -> Iterator[tuple[desk.Feed, SmallWatch, Page]]:
    """A desk of hostile names, on loopback, without a log-in."""
    with running(tmp_path, TRADERS, firm="<b>Firm</b>") as found:
        yield found


# ---------------------------------------------------------------------- the stream


def test_a_stream_begins_whole_and_goes_by_changes(a_desk: Any) -> None:
    feed, _, page = a_desk
    following = Following(page)
    events = iter(following)
    kind, first = next(events)
    assert kind == "screen" and first["is_full"]
    names = {f"row/trader/{one}" for one in TRADERS}
    assert names | {"head", "sources", "flags", "row/desk/desk"} <= set(first["parts"])
    feed.send([next(reports(["T1"], ["ABC"]))])
    touched: set[str] = set()
    shown = dict(first["parts"])
    number = first["number"]
    for _, event in events:
        assert not event["is_full"] and event["number"] == number + 1
        number = event["number"]
        shown |= event["parts"]
        for name, fields in event["fields"].items():
            shown[name] = shown[name] | fields
        touched |= set(event["fields"])
        if "row/desk/desk" in event["fields"]:
            break
    assert touched == {
        "row/trader/T1", "row/trader_group/group 0", "row/desk/desk",
    }  # fmt: skip
    assert shown["row/trader/T1"]["fills_count"] == 1
    # Unknown is null, and money is text: no digit is lost on the way.
    assert shown["row/trader/T1"]["net_pnl"] == "-2.00000000"
    assert shown["row/trader/T2"]["open_price_at"] is None
    following.close()


def test_parts_are_the_json_of_the_screen(tmp_path: Path) -> None:
    folder = tmp_path / str(DAY)
    folder.mkdir()
    feed, watch = desk.Feed(), SmallWatch()
    with Session(folder, desk.opening(TRADERS), [feed], clock=lambda: OPEN) as session:
        feed.send(list(itertools.islice(reports(TRADERS, SYMBOLS), 200)))
        shown = screen(session.snapshot(), watch)
        symbols = symbol_rows(session.symbol_figures(), session.snapshot())
    parts = Changes().of(shown).parts
    whole = as_json(shown, symbols)
    for row, said in zip(shown.rows, whole["rows"], strict=True):
        part = parts[f"row/{row.scope_type}/{row.scope_name}"]
        assert json.loads(to_json(part)) == said
    assert json.loads(to_json(parts["sources"])) == whole["sources"]
    assert json.loads(to_json(symbols)) == whole["symbols"]


def test_half_a_sign_in_a_name_breaks_neither_page_nor_state(tmp_path: Path) -> None:
    """Names that were read from bytes which are no text, as of files, have them."""
    half = b"T\xff".decode("utf-8", "surrogateescape")
    with running(tmp_path, ["T1", half]) as (feed, _, page):
        following = Following(page)
        events = iter(following)
        kind, first = next(events)
        row = first["parts"]["row/trader/T\\udcff"]
        assert (kind, row["scope_name"]) == ("screen", "T\\udcff")
        assert first["parts"]["row/trader/T1"]["net_pnl"] == "0.00000000"
        feed.said = replace(feed.said, problem=half)
        changed = next(one for _, one in events if "sources" in one["parts"])
        assert changed["parts"]["sources"][0]["problem"] == "T\\udcff"
        following.close()
    folder = tmp_path / "state" / str(DAY)
    folder.mkdir(parents=True)
    begun = desk.opening([half])
    with Session(folder, begun, [feed], clock=lambda: OPEN) as session:
        _write_state(session, SmallWatch(), is_finished=True)  # type: ignore[arg-type]
    state = json.loads((folder / STATE).read_bytes())
    assert half in [row["scope_name"] for row in state["rows"]]
    assert state["sources"][0]["problem"] == half


def test_what_only_ages_is_no_change(tmp_path: Path) -> None:
    folder = tmp_path / str(DAY)
    folder.mkdir()
    feed, watch, now = desk.Feed(), SmallWatch(), OPEN
    opening = desk.opening(TRADERS)
    with Session(folder, opening, [feed], clock=lambda: now) as session:
        feed.send(list(itertools.islice(reports(TRADERS, SYMBOLS), 200)))
        changes = Changes()
        changes.of(screen(session.snapshot(), watch))
        now += timedelta(seconds=30)
        again = changes.of(screen(session.snapshot(), watch))
    assert again.parts == {} and again.gone == ()


def test_somebody_who_has_everything_gets_no_screen_again(
    a_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, page = a_desk
    monkeypatch.setattr(follow, "BEAT_SECONDS", 60)
    following = Following(page)
    next(iter(following))
    time.sleep(1.5)
    events = Following(
        page, last_event_id=page._stream._epoch + f".{page._stream._number}"
    )
    page._follower.look_now()
    assert not next(iter(events))[1]["is_full"]
    # Of another process, or an older one: the full screen.
    assert next(iter(Following(page, last_event_id="0123abcd.1")))[1]["is_full"]


def test_it_beats_though_nothing_happens(a_desk: Any) -> None:
    _, _, page = a_desk
    began = time.monotonic()
    for _ in itertools.islice(Following(page), 4):
        pass
    assert time.monotonic() - began < 8


def test_figures_that_cannot_be_read_are_said_and_come_back(a_desk: Any) -> None:
    _, watch, page = a_desk
    events = iter(Following(page))
    next(events)
    watch.fails = True
    kind, sentence = next(one for one in events if one[0] == "problem")
    assert "RuntimeError" in sentence
    # Who comes now is told as well.
    assert any(kind == "problem" for kind, _ in itertools.islice(Following(page), 3))
    watch.fails = False
    assert next(one for one in events if one[0] == "screen")


def test_a_client_that_reads_nothing_is_dropped(
    a_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, _, page = a_desk
    monkeypatch.setattr(stream, "_MOST_WAITING", 3)
    monkeypatch.setattr(stream, "_SEND_SECONDS", 1)
    # Else the system takes in megabytes first, of somebody who reads nothing.
    page._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    where = urlsplit(page.address)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    slow.connect(("127.0.0.1", where.port))
    slow.sendall(f"GET /stream HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode())
    fast = Following(page)
    assert fast.status == 200
    # Before the server gives up the connection itself, after half a minute.
    deadline = time.monotonic() + 20
    made = reports(TRADERS, SYMBOLS)
    threading.Thread(target=lambda: [None for _ in fast], daemon=True).start()
    while len(page._stream.clients) != 1 and time.monotonic() < deadline:
        feed.send(list(itertools.islice(made, 50)))
        time.sleep(0.02)
    assert len(page._stream.clients) == 1
    slow.close()


# ------------------------------------------------------------------ who may do what


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8321", "127.0.0.1", "127.0.0.1.evil.example"]
)
@pytest.mark.parametrize("path", ["/", "/stream", "/assets/live.js", "/nothing"])
def test_another_name_that_leads_here_is_refused(
    a_desk: Any, host: str, path: str
) -> None:
    assert ask(a_desk[2], "GET", path, host=host)[0] == 400


def test_without_the_token_nothing_changes(a_desk: Any) -> None:
    feed, watch, page = a_desk
    alert_id = breach(feed, watch)
    cookie, token = come(page)
    told = json.dumps({"alert_id": alert_id, "by": "Ann", "reason": "seen"}).encode()
    other = "0" * 64
    for path in ("/acknowledge", "/release", "/logout"):
        for headers in (
            {},
            {"cookie": cookie},
            {"x_csrf_token": token},
            {"cookie": cookie, "x_csrf_token": other},
            {"cookie": cookie[:-1] + "x", "x_csrf_token": token},
            {"cookie": cookie, "x_csrf_token": token, "origin": "https://evil.example"},
            {"cookie": cookie, "x_csrf_token": token, "origin": "null"},
            {"cookie": cookie, "x_csrf_token": token, "sec_fetch_site": "cross-site"},
        ):
            assert ask(page, "POST", path, told, **headers)[0] == 403, (path, headers)
    assert watch.rows[alert_id].acknowledged_by is None
    assert watch.rows[alert_id].is_latched


def test_acknowledging_and_releasing(a_desk: Any) -> None:
    feed, watch, page = a_desk
    alert_id = breach(feed, watch)
    cookie, token = come(page)
    may = {"cookie": cookie, "x_csrf_token": token}

    def post(path: str, **told: str) -> int:
        return ask(page, "POST", path, json.dumps(told).encode(), **may)[0]

    assert post("/acknowledge", alert_id=alert_id) == 400  # Who?
    assert post("/acknowledge", alert_id=alert_id, by="An\nn") == 400
    assert post("/acknowledge", alert_id=alert_id, by="‮nnA") == 400
    assert post("/acknowledge", alert_id="no such", by="Ann") == 409
    assert post("/acknowledge", alert_id=alert_id, by="Ann", reason="x" * 501) == 400
    assert post("/acknowledge", alert_id=alert_id, by=" Ann ") == 204
    assert watch.rows[alert_id].acknowledged_by == "Ann"
    assert watch.rows[alert_id].acknowledge_reason is None
    assert post("/acknowledge", alert_id=alert_id, by="Ann", reason=" a hedge ") == 204
    assert watch.rows[alert_id].acknowledge_reason == "a hedge"
    assert post("/release", alert_id=alert_id, by="Ann") == 400  # Why?
    assert post("/release", alert_id=alert_id, by="Ann", reason="spoke with T1") == 204
    assert not watch.rows[alert_id].is_latched
    for rubbish in (b"", b"[]", b"{", b"\xff", b"[" * 10_000):
        assert ask(page, "POST", "/release", rubbish, **may)[0] == 400
    assert ask(page, "GET", "/release", **may)[0] == 405


def breach(feed: desk.Feed, watch: SmallWatch) -> str:
    """Let somebody lose too much; the alert."""
    feed.lose("T1")
    until = time.monotonic() + 10
    while not watch.rows and time.monotonic() < until:
        time.sleep(0.02)
    return next(iter(watch.rows))


def test_names_of_evil_are_text(a_desk: Any) -> None:
    feed, _, page = a_desk
    feed.send(list(itertools.islice(reports(TRADERS, SYMBOLS), 300)))
    time.sleep(1.5)
    # The engine refuses a name with a sign that nobody sees; the desk's files may not.
    for name in (one for one in HOSTILE if one.isprintable()):
        query = urlencode({"kind": "trader", "name": name})
        status, headers, body = ask(page, "GET", f"/detail?{query}")
        assert status == 200 and headers["content-type"] == "application/json"
        assert {one["symbol"] for one in json.loads(body)["symbols"]} <= set(SYMBOLS)
        assert {one["account"] for one in json.loads(body)["reports"]} == {name}
    text = ask(page, "GET", "/")[2].decode()
    assert "&lt;b&gt;Firm&lt;/b&gt;" in text and "<b>Firm</b>" not in text
    assert ask(page, "GET", "/detail?kind=trader&name=nobody")[0] == 404
    assert ask(page, "GET", "/detail?kind=desk&name=desk")[0] == 404
    assert ask(page, "GET", "/case/no-such-alert")[0] == 409
    for path in ("/assets/../serve.py", "/assets/..%2fserve.py", "/assets/%2e%2e/x"):
        assert ask(page, "GET", path)[0] == 404


def test_every_answer_is_strict(a_desk: Any) -> None:
    for path in ("/", "/assets/live.js", "/nothing", "/detail", "/login"):
        headers = ask(a_desk[2], "GET", path)[1]
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
    text = ask(a_desk[2], "GET", "/")[2].decode()
    assert not re.search(r"<script(?! defer src=)|<style|\sstyle=|\son\w+=", text)


def test_another_site_cannot_use_up_the_streams(a_desk: Any) -> None:
    status = ask(a_desk[2], "GET", "/stream", sec_fetch_site="cross-site")[0]
    assert status == 403


# -------------------------------------------------------------------------- log-in


@pytest.fixture
def logins(tmp_path: Path) -> Path:
    path = tmp_path / "logins.csv"
    add_login(path, "ann", PASSWORD)
    add_login(path, "bob", PASSWORD[::-1])
    return path


def log_in(
    page: Page, name: str, password: str, **more: str
) -> tuple[int, dict, bytes]:
    """Try to; the form's own cookie and token are used."""
    _, given, text = ask(page, "GET", "/login", **more)
    cookie = given["set-cookie"].split(";")[0]
    token = re.search(rb'name="token" value="([0-9a-f]+)"', text)
    assert token
    form = urlencode({"name": name, "password": password, "token": token[1].decode()})
    return ask(page, "POST", "/login", form.encode(), cookie=cookie, **more)


def test_with_logins_nothing_is_seen_without_one(tmp_path: Path, logins: Path) -> None:
    with running(tmp_path, TRADERS, live_logins=logins) as (feed, watch, page):
        status, headers, _ = ask(page, "GET", "/")
        assert (status, headers["location"]) == (303, "/login")
        for path in ("/stream", "/detail?kind=trader&name=T1", "/version", "/case/x"):
            assert ask(page, "GET", path)[0] == 401
        assert ask(page, "POST", "/release", b"{}")[0] == 401
        assert log_in(page, "ann", "wrong")[0] == 401
        assert log_in(page, "nobody", PASSWORD)[0] == 401
        # The form of somebody else's session.
        form = urlencode({"name": "ann", "password": PASSWORD, "token": "0" * 64})
        assert ask(page, "POST", "/login", form.encode())[0] == 403
        status, headers, _ = log_in(page, "ann", PASSWORD)
        assert (status, headers["location"]) == (303, "/")
        said = headers["set-cookie"].lower()
        assert "httponly" in said and "samesite=strict" in said
        cookie, token = come(page, cookie=headers["set-cookie"].split(";")[0])
        # Who acknowledges is who logged in, whatever is written.
        alert_id = breach(feed, watch)
        told = json.dumps({"alert_id": alert_id, "by": "bob"}).encode()
        may = {"cookie": cookie, "x_csrf_token": token}
        assert ask(page, "POST", "/acknowledge", told, **may)[0] == 204
        assert watch.rows[alert_id].acknowledged_by == "ann"
        # Another password ends the sessions of the old one.
        add_login(logins, "ann", PASSWORD + "!")
        assert ask(page, "GET", "/version", cookie=cookie)[0] == 401


def test_a_session_outlives_a_restart_and_no_day(
    tmp_path: Path, logins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"live_logins": logins, "live_port": desk.free_port()}
    with running(tmp_path, TRADERS, **values) as (_, _, page):
        cookie = log_in(page, "ann", PASSWORD)[1]["set-cookie"].split(";")[0]
    with running(tmp_path, TRADERS, **values) as (_, _, page):
        assert ask(page, "GET", "/version", cookie=cookie)[0] == 200
        later = time.time() + 13 * 3600
        monkeypatch.setattr("live.page.access.time.time", lambda: later)
        assert ask(page, "GET", "/version", cookie=cookie)[0] == 401


def test_guessing_is_throttled(tmp_path: Path, logins: Path) -> None:
    with running(tmp_path, TRADERS, live_logins=logins) as (_, _, page):
        assert [log_in(page, "ann", "wrong")[0] for _ in range(6)] == [401] * 5 + [429]
        # The right one is not even looked at.
        status, headers, _ = log_in(page, "ann", PASSWORD)
        assert status == 429 and int(headers["retry-after"]) >= 1


def test_waits_double_and_all_together_are_few() -> None:
    now = 0.0
    throttle = Throttle(lambda: now)
    waits = []
    for _ in range(12):
        while wait := throttle.begin("a"):
            waits.append(wait)
            now += wait
    assert waits == [2, 4, 8, 16, 32, 64, 128]
    now += 4000
    assert [throttle.begin(f"address {one}") for one in range(30)] == [0.0] * 30
    assert throttle.begin("yet another") > 0
    now += 61
    assert throttle.begin("a") == 0
    throttle.succeed("a")
    assert not throttle._failures.keys() & {"a"}


def test_a_wrong_name_takes_as_long(logins: Path) -> None:
    one = Logins(logins)

    def seconds(name: str) -> float:
        began = time.process_time()
        assert not one.is_right(name, "wrong")
        return time.process_time() - began

    known = min(seconds("ann") for _ in range(3))
    unknown = min(seconds("nobody") for _ in range(3))
    assert 0.5 < known / unknown < 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "does not begin with name,password_hash"),
        ("name,password_hash\n", "names nobody"),
        ("name,password_hash\nann,secret\n", "is wrong in line 2"),
        ("name,password_hash\nAnn Lee,x\n", "is wrong in line 2"),
        (f"name,password_hash\nann,{hash_of('x' * 12)}\nbob\n", "is wrong in line 3"),
    ],
)
def test_a_wrong_file_of_logins_is_one_line(
    tmp_path: Path, content: str, sentence: str
) -> None:
    path = tmp_path / "logins.csv"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(UserError, match=sentence):
        Logins(path)
    path.chmod(0o644)
    with pytest.raises(UserError, match=f"open to others. Fix it: chmod 600 {path}"):
        Logins(path)


def test_a_file_of_logins_that_is_gone_lets_nobody_in(logins: Path) -> None:
    one = Logins(logins)
    assert one.is_right("ann", PASSWORD)
    logins.unlink()
    assert not one.is_right("ann", PASSWORD)
    with pytest.raises(UserError, match="cannot be read"):
        Logins(logins)


@pytest.mark.parametrize(
    ("name", "password", "sentence"),
    [("Ann Lee", PASSWORD, "small letters"), ("ann", "short", "12 to 200")],
)
def test_logins_that_will_not_do(
    tmp_path: Path, name: str, password: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        add_login(tmp_path / "logins.csv", name, password)


# --------------------------------------------------------------- beyond this machine


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"live_host": "0.0.0.0"}, "LIVE_HOST=0.0.0.0 lets others reach the page"),
        ({"live_url": "https://desk.example.com"}, "set LIVE_LOGINS as well"),
        ({"live_logins": Path("/nowhere/logins.csv")}, "cannot be read"),
    ],
)
def test_others_get_in_only_by_a_log_in(
    tmp_path: Path, values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        read_access(desk.settings(**values), tmp_path)


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, Path]:
    made = {
        "live_certificate": tmp_path / "page.pem",
        "live_certificate_key": tmp_path / "key.pem",
    }
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-out", made["live_certificate"], "-keyout", made["live_certificate_key"],
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return made


def test_over_tls_cookies_are_secure(
    tmp_path: Path, logins: Path, certificate: dict[str, Path]
) -> None:
    port = desk.free_port()
    values = {"live_host": "0.0.0.0", "live_port": port, "live_logins": logins}
    url = f"https://localhost:{port}"
    with running(tmp_path, TRADERS, live_url=url, **values, **certificate) as (
        *_,
        page,
    ):
        assert page.address == f"{url}/"
        named = {"host": f"localhost:{port}"}
        status, headers, _ = log_in(page, "ann", PASSWORD, **named)
        assert status == 303
        assert headers["set-cookie"].startswith("__Host-live-")
        assert "; Secure" in headers["set-cookie"]
        assert ask(page, "GET", "/", host=f"127.0.0.1:{port}")[0] == 400
        # Plain text gets nothing.
        with socket.create_connection(("127.0.0.1", port)) as plain:
            plain.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            plain.settimeout(15)
            with suppress(ConnectionResetError):
                assert b"HTTP" not in plain.recv(100)


def test_behind_a_proxy_addresses_are_those_of_people(
    tmp_path: Path, logins: Path
) -> None:
    values = {"live_url": "https://desk.example.com", "live_logins": logins}
    with running(tmp_path, TRADERS, **values) as (_, _, page):
        assert page.address == "https://desk.example.com/"
        page.address = f"http://127.0.0.1:{page._socket.getsockname()[1]}/"
        evil = {"host": "desk.example.com", "x_forwarded_for": "10.0.0.66"}
        good = {"host": "desk.example.com", "x_forwarded_for": "10.0.0.5"}
        assert [log_in(page, "ann", "wrong", **evil)[0] for _ in range(6)][-1] == 429
        status, headers, _ = log_in(page, "ann", PASSWORD, **good)
        assert status == 303 and "; Secure" in headers["set-cookie"]


def test_a_certificate_that_will_not_do_is_one_line(
    tmp_path: Path, logins: Path, certificate: dict[str, Path]
) -> None:
    certificate["live_certificate_key"].write_text("no key")
    values = {"live_logins": logins, **certificate}
    with (
        pytest.raises(UserError, match="cannot be used"),
        running(tmp_path, TRADERS, **values),
    ):
        pass


def test_a_port_that_is_taken_is_one_line(a_desk: Any, tmp_path: Path) -> None:
    port = a_desk[2]._socket.getsockname()[1]
    with (
        pytest.raises(UserError, match=f"127.0.0.1:{port} .*LIVE_PORT"),
        running(tmp_path / "other", TRADERS, live_port=port),
    ):
        pass


# -------------------------------------------------------------------------- floods


def test_a_large_body_is_cut_off(a_desk: Any) -> None:
    cookie, token = come(a_desk[2])
    may = {"cookie": cookie, "x_csrf_token": token}
    assert ask(a_desk[2], "POST", "/release", b"x" * 20_000, **may)[0] == 413
    # The rest of what was sent may meet a connection that is closed already.
    with suppress(ConnectionError):
        assert ask(a_desk[2], "GET", "/?" + "x" * 400_000)[0] == 400


def test_slow_requests_and_many_connections_end(
    a_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, page = a_desk
    monkeypatch.setattr(app, "_BODY_SECONDS", 1)
    monkeypatch.setattr(server, "_REQUEST_SECONDS", 1)
    where = urlsplit(page.address)
    idle = [socket.create_connection(("127.0.0.1", where.port)) for _ in range(300)]
    for one in idle[:50]:
        one.sendall(b"GET / HTTP/1.1\r\nHost: x")
    for one in idle:
        one.settimeout(20)
        # Each is turned away or given up; one that waits to be taken is neither yet.
        with suppress(ConnectionResetError):
            assert one.recv(1) == b""
    monkeypatch.setattr(server, "_REQUEST_SECONDS", 20)
    cookie, token = come(page)
    slow = socket.create_connection(("127.0.0.1", where.port))
    slow.sendall(
        f"POST /release HTTP/1.1\r\nHost: {where.netloc}\r\nCookie: {cookie}\r\n"
        f"X-CSRF-Token: {token}\r\nContent-Length: 100\r\n\r\n{{".encode()
    )
    slow.settimeout(10)
    assert b"408" in slow.recv(100)
    for one in (*idle, slow):
        one.close()


def test_who_comes_before_the_first_look_gets_all_of_it() -> None:
    following, early = stream.Stream(), stream.Client()
    following.clients.add(early)
    for sequence in range(2):
        following.publish(Change({"head": sequence}, {}, ()), "now", sequence)
    events = [early.waiting.get_nowait().decode() for _ in range(2)]
    told = [json.loads(one.partition("data: ")[2]) for one in events]
    assert [one["is_full"] for one in told] == [True, False]


def test_followers_are_bounded(a_desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, page = a_desk
    monkeypatch.setattr(app, "MOST_CLIENTS", 3)
    following = [Following(page) for _ in range(3)]
    assert {one.status for one in following} == {200}
    assert Following(page).status == 503
    following[0].close()
    until = time.monotonic() + 10
    while Following(page).status != 200 and time.monotonic() < until:
        time.sleep(0.2)
    assert time.monotonic() < until


def test_the_end_takes_seconds_though_somebody_follows(tmp_path: Path) -> None:
    with running(tmp_path, TRADERS) as (_, _, page):
        following = Following(page)
        next(iter(following))
        began = time.monotonic()
        page.close()
        assert time.monotonic() - began < 5
        assert list(following) == []


def test_no_secret_is_logged(
    tmp_path: Path, logins: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    with running(tmp_path, TRADERS, live_logins=logins) as (_, _, page):
        cookie = log_in(page, "ann", PASSWORD)[1]["set-cookie"].split(";")[0]
        come(page, cookie=cookie)
        ask(page, "GET", "/%01", cookie=cookie)
    assert PASSWORD not in caplog.text and cookie.split("=")[1] not in caplog.text
    assert (tmp_path / "page.secret").stat().st_mode & 0o077 == 0
