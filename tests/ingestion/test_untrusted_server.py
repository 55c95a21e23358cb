"""A server that means harm: neither memory, time nor secrets are its to take."""

import base64
import gzip
import html
import json
import logging
import random
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from threading import Thread
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.answers import SHORTEST_SECRET, Echoes, told
from ingestion.client import ApiError, PropReportsClient
from ingestion.simulator import Account, Fault, Firm, serve
from tests.draws import draw

SECRET = "Pä&ss'w\"r+d <1>%\\n"
PLAIN = "correct-horse-battery"
MIB = 2**20


def entities(text: str, form: str) -> str:
    """Each letter as an entity of HTML."""
    return "".join(form.format(ord(letter)) for letter in text)


def base64_in(before: str, *, is_url: bool = False) -> Callable[[str], str]:
    """Base64 of something longer."""
    encode = base64.urlsafe_b64encode if is_url else base64.b64encode
    return lambda text: encode(f"{before}{text}&more".encode()).decode()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "swapped case": str.swapcase,
    "percent": lambda text: quote(text, safe=""),
    "percent of every letter": lambda text: "".join(
        f"%{byte:02x}" for byte in text.encode()
    ),
    "plus": quote_plus,
    "html": html.escape,
    "decimal": lambda text: entities(text, "&#{};"),
    "decimal, padded": lambda text: entities(text, "&#{:07d};"),
    "hexadecimal": lambda text: entities(text, "&#x{:x};"),
    "hexadecimal, upper": lambda text: entities(text, "&#X{:X};"),
    "json": lambda text: json.dumps(text)[1:-1],
    "unicode escapes": lambda text: entities(text, "\\u{:04x}"),
    "unicode escapes, doubled": lambda text: entities(text, "\\\\u{:04X}"),
    "unicode escapes, braced": lambda text: entities(text, "\\u{{{:x}}}"),
    "percent u": lambda text: entities(text, "%u{:04x}"),
    "base64": base64_in(""),
    "base64, one before": base64_in("x"),
    "base64, two before": base64_in("xy"),
    "base64 of a form": base64_in("user=u&password="),
    "base64 of addresses": base64_in("ab", is_url=True),
    "hex": lambda text: text.encode().hex(),
    "hex, upper": lambda text: text.encode().hex().upper(),
    "hex, colons": lambda text: text.encode().hex(":"),
}


@pytest.mark.parametrize("secret", [PLAIN, SECRET, "d7" * 16 + ":501"])
@pytest.mark.parametrize("outer", SPELLINGS)
def test_a_secret_is_found_in_every_spelling(outer: str, secret: str) -> None:
    echoes = Echoes([secret])
    spell = SPELLINGS[outer]
    assert echoes.are_in(f"a,b\n1,no: {spell(secret)}!\n".encode())
    if outer in ("upper", "swapped case", "hex, colons"):
        return  # what is packed has a case; dumps are looked for as they are
    for inner in ("percent", "html", "decimal", "hexadecimal", "json", "base64", "hex"):
        twice = spell(SPELLINGS[inner](secret))
        assert echoes.are_in(f"a,b\n1,{twice}\n".encode()), inner


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["C", "Z"]),
        min_size=SHORTEST_SECRET,
        max_size=30,
    ),
    st.lists(
        st.sampled_from(["percent", "html", "decimal", "hexadecimal"]), max_size=3
    ),
)
def test_any_secret_is_found_however_often_it_is_spelled_anew(
    secret: str, spellings: list[str]
) -> None:
    text = secret
    for name in spellings:
        text = SPELLINGS[name](text)
    assert Echoes([secret]).are_in(f"x{text}y".encode())


def test_what_is_no_echo_is_none() -> None:
    rows = "\n".join(
        f"{number},A{number % 7},B,100,QQZ,20.{number:04},2025-03-03 09:30:00,AT&T 50%"
        for number in range(5_000)
    )
    assert not Echoes([PLAIN, SECRET, "short"]).are_in(rows.encode())
    assert not Echoes(["100"]).are_in(b"100")  # shorter ones are ordinary figures


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_of_a_refusal_only_known_words_are_told(text: str) -> None:
    said = told(text)
    assert said.isprintable() and len(said) < 1_000
    assert all(word.isascii() or word == "…" for word in said.split())


def test_a_refusal_tells_enough_to_act_on() -> None:
    assert told("Invalid or expired token.") == "Invalid or expired token"
    assert told("Unknown group: 'Kapoor, Desk 4'.\nmore") == "Unknown group …"
    assert told("\x1b[31mUser jane@firm.test is locked!") == "… is locked"


@pytest.fixture
def firm() -> Firm:
    return Firm(accounts=(Account(501, "A1"),), fills=())


def ask(url: str, **more) -> bytes:
    """Log in with a password that must not be told, and ask for fills."""
    client = PropReportsClient(
        url,
        user="demo",
        password=PLAIN,
        first_wait_seconds=0.001,
        requests_per_second=1000,
        **more,
    )
    with client as session:
        return session.pages(
            "fills", groupId=-2, startDate="2025-03-03", endDate="2025-03-03"
        )


@pytest.mark.parametrize("action", ["login", "fills"])
@pytest.mark.parametrize("fault", [Fault.FLOOD, Fault.BOMB])
def test_an_answer_too_large_is_refused_before_it_fills_the_memory(
    firm: Firm, monkeypatch: pytest.MonkeyPatch, fault: Fault, action: str
) -> None:
    monkeypatch.setattr("ingestion.client.ANSWER_BYTES", 8 * MIB)
    with serve(firm, as_of=date(2025, 3, 4), password=PLAIN) as simulator:
        simulator.faults.once(fault, action=action)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(ApiError, match=rf"more than 8 MiB.*`{action}`"):
            ask(simulator.url)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown * 1024 < 100 * MIB  # the bomb itself is packed by this process
        assert simulator.faults.injected == {fault: 1}, "and not asked again"


@pytest.mark.parametrize("action", ["login", "fills"])
def test_an_answer_that_drips_is_given_up(firm: Firm, action: str) -> None:
    with serve(firm, as_of=date(2025, 3, 4), password=PLAIN) as simulator:
        simulator.faults.once(Fault.DRIP, action=action)
        begun = time.monotonic()
        with pytest.raises(ApiError, match=rf"more than 0.5 s .*`{action}`"):
            ask(simulator.url, answer_seconds=0.5)
        assert time.monotonic() - begun < 5


def test_a_log_out_that_drips_is_no_error(firm: Firm) -> None:
    with serve(firm, as_of=date(2025, 3, 4), password=PLAIN) as simulator:
        simulator.faults.once(Fault.DRIP, action="logout")
        assert ask(simulator.url, answer_seconds=0.5).startswith(b"Date/Time,")


def test_what_it_was_sent_is_not_read_where_it_comes_back(firm: Firm) -> None:
    with serve(firm, as_of=date(2025, 3, 4), password=PLAIN) as simulator:
        simulator.faults.once(Fault.ECHO, action="login")
        with pytest.raises(ApiError, match="refused the log-in"):
            ask(simulator.url)
        simulator.faults.once(Fault.ECHO)
        with pytest.raises(ApiError, match="repeats API_PASSWORD or a token") as caught:
            ask(simulator.url)
        assert "groupId" not in str(caught.value)


def test_pages_together_have_a_limit_too(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.client.QUESTION_BYTES", MIB)
    pages = iter(range(1, 1000))
    with serve(firm, as_of=date(2025, 3, 4), password=PLAIN) as simulator:
        answer = simulator.answer

        def many(fields: dict) -> tuple[int, str]:
            if fields["action"] != "fills":
                return answer(fields)
            return 200, "a,b\n" + "1,2\n" * 50_000 + f"Page {next(pages)}/999\n"

        simulator.answer = many
        with pytest.raises(ApiError, match="more than 1 MiB"):
            ask(simulator.url)
    assert next(pages) < 10


@contextmanager
def raw_server(*pieces: bytes, pause: float = 0.0) -> Iterator[str]:
    """Answers any request with these bytes, which need be no HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def work() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(2**16)
                        for piece in pieces:
                            connection.sendall(piece)
                            time.sleep(pause)
                    except OSError:
                        pass

        Thread(target=work, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/api.php"
        listening.shutdown(socket.SHUT_RDWR)


HEAD = b"HTTP/1.1 200 OK\r\n"
BODY = b"Content-Length: 2\r\n\r\nok"
ECHO = f"password={PLAIN}".encode()
HEADS = {
    "no HTTP": ECHO + b"\r\n\r\n",
    "a long status": b"HTTP/1.1 200 " + ECHO * 10_000 + b"\r\n" + BODY,
    "a status of words": b"HTTP/1.1 " + ECHO + b" OK\r\n" + BODY,
    "a long line": HEAD + b"X-A: " + b"a" * 100_000 + b"\r\n" + BODY,
    "many lines": HEAD + b"".join(b"X-%d: a\r\n" % n for n in range(500)) + BODY,
    "no header": HEAD + ECHO + b"\r\n" + BODY,
    "folded": HEAD + b" " + ECHO + b"\r\n" + BODY,
    "length of words": HEAD + b"Content-Length: " + ECHO + b"\r\n\r\nok",
    "two lengths": HEAD + b"Content-Length: 5\r\n" + BODY,
    "below nothing": HEAD + b"Content-Length: -5\r\n\r\nok",
    "chunks of words": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + ECHO + b"\r\nok",
    "huge chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nok",
    "no gzip": HEAD + b"Content-Encoding: gzip\r\n" + BODY,
    "gzip in gzip": HEAD
    + b"Content-Encoding: " + b"gzip, " * 40 + b"gzip\r\nContent-Length: 20\r\n\r\n"
    + gzip.compress(b"")[:20],
    "elsewhere": b"HTTP/1.1 302 Found\r\nLocation: http://[" + ECHO + b"\r\n" + BODY,
    "continue": b"HTTP/1.1 100 " + ECHO + b"\r\n\r\n" + HEAD + b"Location: x\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS)
def test_heads_of_any_kind_are_refused_in_one_line(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with raw_server(HEADS[name]) as url, pytest.raises(ApiError) as caught:
        ask(url, answer_seconds=20)
    assert "\n" not in str(caught.value)
    for text in (str(caught.value), caplog.text):
        assert PLAIN not in text and "password=" not in text


def test_a_head_that_drips_is_given_up() -> None:
    with raw_server(*[b"H"] * 10_000, pause=0.05) as url:
        begun = time.monotonic()
        with pytest.raises(ApiError, match=r"more than 0.5 s"):
            ask(url, answer_seconds=0.5)
        assert time.monotonic() - begun < 5


def test_a_redirect_is_neither_followed_nor_read() -> None:
    """To prepare one, `requests` would read its body, however long."""
    head = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 9999999999\r\n\r\n"
    begun = time.monotonic()
    sent = raw_server(head, *[b"x" * MIB] * 10_000)
    with sent as url, pytest.raises(ApiError, match="a web page"):
        ask(url)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("seed", range(draw(40, 400)))
def test_noise_is_refused_in_one_line(seed: int) -> None:
    chance = random.Random(seed)
    noise = bytearray(HEAD + b"Content-Type: text/plain\r\n" + BODY)
    for _ in range(chance.randint(1, 12)):
        noise[chance.randrange(len(noise))] = chance.randrange(256)
    with raw_server(bytes(noise)) as url, pytest.raises(ApiError) as caught:
        ask(url, timeout_seconds=(1, 1), answer_seconds=2)
    assert "\n" not in str(caught.value)
