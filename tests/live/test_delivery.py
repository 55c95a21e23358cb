"""Alerts by mail and webhook: real servers, each alert once, whatever breaks."""

import hashlib
import hmac
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from live.alert_log import FILE, AlertLog
from live.alerts import Alerts, Condition
from live.delivery import Delivery, signature
from live.limit_uses import Use
from runtime.home import Home
from tests.conftest import make_settings
from tests.live.watched import DAY, TEN, Decimal, limit

SECRET = "between the two of us"


@dataclass
class Hook:
    """What a webhook's server got, and what it answers."""

    answers: list[int] = field(default_factory=lambda: [200])
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    slow_seconds: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/T0/secret-path"

    @property
    def told(self) -> list[dict]:
        """Bodies of what was accepted."""
        return [json.loads(body) for _, body in self.got]


@contextmanager
def hook_server(port: int = 0) -> Iterator[Hook]:
    """A real HTTP server that takes posts."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(hook.slow_seconds)
            answer = hook.answers[0]
            if len(hook.answers) > 1:
                hook.answers.pop(0)
            if answer < 300:
                hook.got.append((dict(self.headers), body))
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    hook.port = server.server_address[1]
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hook_server() as one:
        yield one


def raised(path: Path, *conditions: Condition, used: str = "1.2") -> AlertLog:
    """A log with a breach of T1, and what else there is."""
    log = AlertLog(path)
    alerts = Alerts(log, DAY, lambda _: {})
    share = Decimal(used) * 1000
    alerts.look([Use(limit(1000), share, share, None)], conditions, TEN)
    return log


def webhook_settings(hook: Hook, **more: object):
    return make_settings(
        source="sample",
        live_webhook_url=hook.url,
        live_webhook_secret=SECRET,
        **more,
    )


def test_a_mail_says_what_is_past_its_limit_once(desk, tmp_path: Path) -> None:
    log = raised(tmp_path / FILE)
    delivery = Delivery(log, desk.settings(), Home(tmp_path), is_synthetic=False)
    delivery.send()
    delivery.send()
    (mail,) = desk.mails
    assert mail["Subject"] == "Live desk: Trader T1 has breached a limit"
    text = mail.get_content()
    assert "$1,200.00 of $1,000.00" in text
    # Lower levels of the same limit are not told beside it.
    assert "75 %" not in text
    assert "make release-breach ALERT=2025-03-03-limit-" in text
    assert all(one.sent == {"mail"} for one in log.alerts.values())


def test_a_mail_server_that_is_down_is_told_and_tried_again(
    desk, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("reports.outbox.WAITS_SECONDS", (0.01,))
    log = raised(tmp_path / FILE)
    desk.answers[:] = [*["451 come back later"] * 2, "250 taken"]
    delivery = Delivery(
        log, desk.settings(), Home(tmp_path), is_synthetic=True, retry_seconds=0
    )
    delivery.send()
    assert "mail" in delivery.problems
    delivery.send()
    assert delivery.problems == {}
    assert [one["Subject"][:10] for one in desk.mails] == ["SIMULATED:"]


def test_a_webhook_gets_signed_json_once(hook, tmp_path: Path) -> None:
    log = raised(tmp_path / FILE)
    delivery = Delivery(log, webhook_settings(hook), Home(tmp_path), is_synthetic=True)
    delivery.send()
    delivery.send()
    ((headers, body),) = hook.got
    stamp = headers["X-Risk-Timestamp"]
    made = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    assert headers["X-Risk-Signature"] == f"sha256={made.hexdigest()}"
    assert headers["X-Risk-Signature"] == signature(SECRET, stamp, body)
    assert abs(int(stamp) - time.time()) < 60
    told = json.loads(body)
    assert told["is_synthetic"] is True
    assert [(one["level"], one["scope_name"]) for one in told["alerts"]] == [
        (100, "T1")
    ]
    assert headers["Idempotency-Key"] == told["batch"]


def test_slack_gets_its_own_format(hook, tmp_path: Path) -> None:
    hostile = Condition("gap", "x", "critical", "Source <!channel> & co lacks 1.")
    log = raised(tmp_path / FILE, hostile, used="0.6")
    settings = webhook_settings(hook, live_webhook_format="slack")
    Delivery(log, settings, Home(tmp_path), is_synthetic=False).send()
    (told,) = hook.told
    assert set(told) == {"text"}
    assert told["text"].splitlines()[0] == (
        ":red_circle: Source &lt;!channel&gt; &amp; co lacks 1."
    )
    assert "has used 50 %" in told["text"]


@pytest.mark.parametrize("answer", [500, 503, 429])
def test_a_busy_webhook_is_tried_again_at_once(
    hook, tmp_path: Path, answer: int
) -> None:
    hook.answers[:] = [answer, answer, 200]
    log = raised(tmp_path / FILE)
    delivery = Delivery(log, webhook_settings(hook), Home(tmp_path), is_synthetic=False)
    delivery.send()
    assert len(hook.got) == 1
    assert delivery.problems == {}


@pytest.mark.parametrize("answer", [400, 404, 302])
def test_a_webhook_that_refuses_is_told_without_its_address(
    hook, tmp_path: Path, answer: int
) -> None:
    hook.answers[:] = [answer]
    log = raised(tmp_path / FILE)
    delivery = Delivery(log, webhook_settings(hook), Home(tmp_path), is_synthetic=False)
    delivery.send()
    assert f"code {answer}" in delivery.problems["webhook"]
    assert "secret-path" not in delivery.problems["webhook"]
    assert SECRET not in (tmp_path / FILE).read_text()
    # Not asked again before a minute has passed.
    hook.answers[:] = [200]
    delivery.send()
    assert hook.got == []


def test_a_webhook_that_is_gone_does_not_hold_up_the_mail(
    desk, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("live.delivery._TRY_SECONDS", 0.5)
    with hook_server() as gone:
        settings = desk.settings(live_webhook_url=gone.url)
    log = raised(tmp_path / FILE)
    delivery = Delivery(log, settings, Home(tmp_path), is_synthetic=False)
    delivery.send()
    assert len(desk.mails) == 1
    assert "does not answer" in delivery.problems["webhook"]
    assert "secret-path" not in delivery.problems["webhook"]


def test_a_flood_is_one_message(hook, tmp_path: Path) -> None:
    log = AlertLog(tmp_path / FILE)
    alerts = Alerts(log, DAY, lambda _: {})
    uses = [
        Use(limit(1, scope_name=f"T{one}"), Decimal(2), Decimal(2), None)
        for one in range(1000)
    ]
    alerts.look(uses, [], TEN)
    assert len(log.alerts) == 4000
    Delivery(log, webhook_settings(hook), Home(tmp_path), is_synthetic=False).send()
    (told,) = hook.told
    assert len(told["alerts"]) == 1000


_SENDER = """
import sys
from pathlib import Path
from live.alert_log import AlertLog
from live.delivery import Delivery
from runtime.home import Home
from runtime.settings import Settings
folder = Path(sys.argv[1])
settings = Settings(
    _env_file=None, source="sample", live_webhook_url=sys.argv[2],
    live_webhook_secret="x", risk_home=folder,
)
print("ready", flush=True)
Delivery(AlertLog(folder / "alerts.jsonl"), settings, Home(folder),
         is_synthetic=False).send()
"""


def test_killed_while_it_sends_it_sends_the_very_same_message(
    hook, tmp_path: Path
) -> None:
    """Between the answer and the note of it nobody can know: the key is the same."""
    raised(tmp_path / FILE)
    hook.slow_seconds = 1.0
    process = subprocess.Popen(
        [sys.executable, "-c", _SENDER, str(tmp_path), hook.url],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    until = time.monotonic() + 10
    while b"batched" not in (tmp_path / FILE).read_bytes():
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # What is raised meanwhile goes out with a message of its own.
    log = AlertLog(tmp_path / FILE)
    Alerts(log, DAY, lambda _: {}).look(
        [], [Condition("gap", "x", "critical", "A gap.")], TEN
    )
    hook.slow_seconds = 0.0
    Delivery(log, webhook_settings(hook), Home(tmp_path), is_synthetic=False).send()
    by_key: dict[str, set[bytes]] = {}
    for headers, body in hook.got:
        by_key.setdefault(headers["Idempotency-Key"], set()).add(body)
    assert sorted(map(len, by_key.values())) == [1, 1]
    before = len(hook.got)
    Delivery(
        AlertLog(tmp_path / FILE), webhook_settings(hook), Home(tmp_path),
        is_synthetic=False,
    ).send()  # fmt: skip
    assert len(hook.got) == before


def test_without_mail_and_webhook_nothing_is_sent(tmp_path: Path) -> None:
    log = raised(tmp_path / FILE)
    settings = make_settings(source="sample")
    delivery = Delivery(log, settings, Home(tmp_path), is_synthetic=False)
    delivery.send()
    assert delivery.channels == ()
    assert not (tmp_path / "outbox").exists()


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "ftp://x.test", "hooks.slack.com/x"]
)
def test_an_address_in_the_clear_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match="https") as error:
        make_settings(source="sample", live_webhook_url=url)
    assert url not in str(error.value)
