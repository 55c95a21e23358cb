"""Mail through a real server: once to everybody, whatever breaks on the way."""

import fcntl
import json
import os
import socket
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from reports import outbox, smtp
from reports.mail import Mail
from reports.outbox import post, post_all, waiting
from reports.trader_emails import read_trader_emails
from runtime.errors import UserError
from runtime.home import Home
from tests.conftest import start_python
from tests.in_process import call_daily
from tests.mail_server import (
    PASSWORD,
    Desk,
    cutting_proxy,
    free_port,
    mail_server,
    mail_settings,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
TO = ("a@x.test", "b@x.test")
SENDER = """
import sys
from pathlib import Path
from reports.mail import Mail
from reports.outbox import post_all
from runtime.home import Home
from tests.mail_server import mail_settings
mails = [Mail(name, ("a@x.test", "b@x.test"), name, "text") for name in sys.argv[3:]]
print(post_all(mail_settings(int(sys.argv[2])), Home(Path(sys.argv[1])), mails))
"""


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "WAITS_SECONDS", (0.05, 0.3))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Where mails wait."""
    return Home(tmp_path / "home")


def mail(name: str = "report-2026-03-02", to: tuple[str, ...] = TO, **more) -> Mail:
    """A mail with a picture."""
    values = {
        "subject": "Risk", "text": "plain words", "images": {"days-1": PNG},
        "html": '<p>bright words <img src="cid:days-1" alt="bars"></p>',
    } | more  # fmt: skip
    return Mail(name, to, **values)


def state(home: Home, key: str) -> dict:
    """What is known of a mail that is not finished."""
    return json.loads((home.outbox / f"{key}.json").read_text())


def test_a_mail_is_sent_once_with_text_html_and_pictures(
    desk: Desk, home: Home
) -> None:
    assert post(desk.settings(), home, mail()) == "mailed"
    assert post(desk.settings(), home, mail()) == "mailed before to 2 recipients"
    (got,) = desk.mails
    assert got["To"] == "a@x.test, b@x.test"
    assert got["Date"].datetime.date() == datetime.now().date()
    assert got["Auto-Submitted"] == "auto-generated"
    assert "plain words" in got.get_body(("plain",)).get_content()
    assert "bright words" in got.get_body(("html",)).get_content()
    # The picture belongs to the HTML, not to the mail: nobody is shown an attachment.
    assert got.get_content_type() == "multipart/alternative"
    related = got.get_payload()[1]
    assert related.get_content_type() == "multipart/related"
    picture = related.get_payload()[1]
    assert picture["Content-ID"] == "<days-1>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == PNG
    assert not list(got.iter_attachments())


def test_other_recipients_get_it_too(desk: Desk, home: Home) -> None:
    post(desk.settings(), home, mail())
    post(desk.settings(), home, mail(to=("c@x.test",)))
    assert desk.recipients == ["a@x.test", "b@x.test", "c@x.test"]


def test_by_force_everybody_gets_it_again_as_another_mail(
    desk: Desk, home: Home
) -> None:
    post(desk.settings(), home, mail())
    assert post(desk.settings(), home, mail(), force=True) == "mailed"
    first, second = desk.mails
    assert first["Message-ID"] != second["Message-ID"]
    assert post(desk.settings(), home, mail()) == "mailed before to 2 recipients"


def test_several_mails_say_how_many_went_and_how_many_had(
    desk: Desk, home: Home
) -> None:
    one, two, three = mail("a"), mail("b"), mail("c", to=("c@x.test",))
    post(desk.settings(), home, one)
    told = post_all(desk.settings(), home, [one, two, three])
    assert told == "2 mailed, mailed before to 2 recipients"


def test_over_tls_from_the_first_byte(
    certificate: tuple[Path, Path], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with mail_server(certificate, is_smtps=True) as desk:
        url = f"smtps://localhost:{desk.port}"
        assert post(desk.settings(smtp_url=url), home, mail()) == "mailed"
        assert desk.logins == [PASSWORD.encode()]


def test_a_wrong_password_says_so_once_and_keeps_the_mail(
    desk: Desk, home: Home
) -> None:
    with pytest.raises(UserError, match="EMAIL_PASSWORD") as caught:
        post(desk.settings(email_password="sesame"), home, mail())
    assert "sesame" not in str(caught.value)
    assert len(waiting(home)) == 1
    assert not desk.taken
    # Once with each of the server's two mechanisms, and not again: too many wrong
    # passwords lock an account.
    assert len(desk.logins) == 2


def test_an_unknown_certificate_is_refused_before_the_log_in(
    desk: Desk, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(UserError, match="SSLCertVerificationError"):
        post(desk.settings(), home, mail())
    assert not desk.logins
    assert len(waiting(home)) == 1


def test_a_server_that_is_down_is_one_line_and_the_next_run_sends(
    certificate: tuple[Path, Path], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    port = free_port()
    with pytest.raises(UserError, match="SMTP_URL") as caught:
        post(mail_settings(port), home, mail())
    assert "\n" not in str(caught.value)
    assert str(home.outbox) in str(caught.value)
    with mail_server(certificate, port=port) as desk:
        told = post(desk.settings(), home, mail("report-2026-03-03"))
        assert told == "2 mailed, 1 of them left from before"
        # Today's first.
        assert "03-03" in desk.mails[0]["Message-ID"]
    assert waiting(home) == []


def test_a_server_that_comes_back_within_the_run_is_asked_again(
    certificate: tuple[Path, Path], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setattr(outbox, "WAITS_SECONDS", (0.1, 3))
    port, found = free_port(), []

    def come_back() -> None:
        time.sleep(1)
        with mail_server(certificate, port=port) as desk:
            time.sleep(5)
            found.extend(desk.taken)

    late = threading.Thread(target=come_back)
    late.start()
    assert post(mail_settings(port), home, mail()) == "mailed"
    late.join()
    assert len(found) == 1


def test_a_server_that_asks_to_come_back_is_asked_again(desk: Desk, home: Home) -> None:
    desk.answers = ["451 busy", "452 still busy", "250 taken"]
    assert post(desk.settings(), home, mail()) == "mailed"
    assert desk.recipients == ["a@x.test", "b@x.test"]


def test_what_a_server_refuses_waits_and_is_not_pressed_upon_it(
    desk: Desk, home: Home
) -> None:
    desk.answers = ["554 looks like spam", "250 taken"]
    with pytest.raises(UserError, match=r"code 554.*delete what should not go"):
        post(desk.settings(), home, mail())
    assert not desk.taken
    assert len(waiting(home)) == 1
    assert post(desk.settings(), home, mail()) == "mailed"


def test_who_is_refused_for_good_is_told_and_holds_up_nobody(
    desk: Desk, home: Home
) -> None:
    desk.refuses = {"b@x.test": "550 nobody of that name"}
    with pytest.raises(UserError, match=r"for b@x\.test"):
        post(desk.settings(), home, mail())
    assert desk.recipients == ["a@x.test"]
    kept = json.loads((home.outbox / "sent" / f"{mail().key}.json").read_text())
    assert kept["taken"] == ["a@x.test"]
    assert kept["refused"] == {"b@x.test": "550 nobody of that name"}
    # The mail is done with: the next run neither tries again nor fails for it.
    desk.refuses = {}
    assert waiting(home) == []
    assert post(desk.settings(), home, mail()) == "mailed before to 2 recipients"
    assert desk.recipients == ["a@x.test"]


def test_who_is_refused_for_now_gets_it_from_the_next_run_and_nobody_twice(
    desk: Desk, home: Home
) -> None:
    desk.refuses = {"b@x.test": "450 mailbox busy"}
    with pytest.raises(UserError, match=r"for b@x\.test"):
        post(desk.settings(), home, mail())
    assert state(home, mail().key)["taken"] == ["a@x.test"]
    desk.refuses = {}
    assert post(desk.settings(), home, mail()) == "mailed"
    assert desk.recipients == ["a@x.test", "b@x.test"]


def test_a_slow_server_is_not_waited_for_forever(
    desk: Desk, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT_SECONDS", 0.5)
    desk.slow_seconds = 3
    began = time.monotonic()
    with pytest.raises(UserError, match="does not work"):
        post(desk.settings(), home, mail())
    assert time.monotonic() - began < 30
    desk.slow_seconds = 0
    assert post(desk.settings(), home, mail()) == "mailed"
    assert desk.recipients == ["a@x.test", "b@x.test"]


def test_a_connection_cut_in_mid_message_loses_and_doubles_nothing(
    desk: Desk, home: Home
) -> None:
    large = mail(text="word " * 40_000)
    with cutting_proxy(desk.port, after_bytes=50_000) as (port, counts):
        assert post(mail_settings(port), home, large) == "mailed"
    assert len(counts) == 2
    assert counts[0] > 50_000
    (got,) = desk.mails
    assert got.get_body(("plain",)).get_content().count("word") == 40_000
    assert waiting(home) == []


def test_a_mail_whose_receipt_was_lost_comes_again_under_the_same_id(
    desk: Desk, home: Home
) -> None:
    """Nobody can know whether it was taken; who gets it twice can tell."""
    desk.hangs_up = 1
    assert post(desk.settings(), home, mail()) == "mailed"
    first, second = desk.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_a_run_killed_between_two_mails_sends_neither_twice(
    desk: Desk, home: Home
) -> None:
    arguments = ("-c", SENDER, str(home.root), str(desk.port), "one", "two", "three")
    environment = {"SSL_CERT_FILE": os.environ["SSL_CERT_FILE"]}
    process = start_python(*arguments, **environment)
    desk.kills = process.pid
    out, err = process.communicate(timeout=60)
    assert process.returncode == -9, out + err
    assert len(desk.taken) == 1
    process = start_python(*arguments, **environment)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert sorted(got["Subject"] for got in desk.mails) == ["one", "three", "two"]


def test_two_processes_at_once_send_a_mail_once(desk: Desk, home: Home) -> None:
    desk.slow_seconds = 0.3
    both = [
        start_python(
            "-c", SENDER, str(home.root), str(desk.port), "one",
            SSL_CERT_FILE=os.environ["SSL_CERT_FILE"],
        )
        for _ in range(2)
    ]  # fmt: skip
    said = sorted(process.communicate(timeout=60)[0].strip() for process in both)
    assert said == ["mailed", "mailed before to 2 recipients"]
    assert desk.recipients == ["a@x.test", "b@x.test"]


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff\x00", b'{"to": 3}'])
@pytest.mark.parametrize("suffix", [".eml", ".json"])
def test_a_damaged_mail_is_set_aside_and_holds_up_nothing(
    desk: Desk, home: Home, content: bytes, suffix: str
) -> None:
    desk.answers = ["554 no", "250 taken"]
    old = mail("report-2026-03-01")
    with pytest.raises(UserError):
        post(desk.settings(), home, old)
    (home.outbox / f"{old.key}{suffix}").write_bytes(content)
    with pytest.raises(UserError, match=f"{old.key}.*lies in .*damaged"):
        post(desk.settings(), home, mail())
    assert len(desk.taken) == 1
    assert (home.outbox / "damaged" / f"{old.key}.eml").exists()
    assert post(desk.settings(), home, mail("report-2026-03-03")) == "mailed"


def test_a_subject_and_a_name_cannot_add_headers_or_break_old_servers(
    desk: Desk, home: Home
) -> None:
    subject = "Risk\r\nBcc: thief@x.test\n\n😀 אבג"
    post(desk.settings(), home, mail(subject=subject, text="Händler " * 300))
    (got,) = desk.mails
    assert got["Subject"] == "Risk Bcc: thief@x.test 😀 אבג"
    assert got["Bcc"] is None
    assert desk.recipients == ["a@x.test", "b@x.test"]
    assert all(byte < 128 for byte in desk.taken[0][1])
    assert max(map(len, desk.taken[0][1].splitlines())) <= 998
    assert got.get_body(("plain",)).get_content().count("Händler") == 300


def test_what_was_sent_is_kept_but_not_for_ever(desk: Desk, home: Home) -> None:
    for number in range(3):
        post(desk.settings(), home, mail(f"report-{number}"))
    sent = home.outbox / "sent"
    for old in sent.glob("report-0*"):
        os.utime(old, (0, 0))
    post(desk.settings(), home, mail("report-3"))
    kept = sorted(path.name[:8] for path in sent.glob("*.eml"))
    assert kept == ["report-1", "report-2", "report-3"]
    assert len(list(sent.glob("*.json"))) == 3


def test_a_server_that_hangs_up_between_recipients_has_given_it_to_nobody(
    desk: Desk, home: Home
) -> None:
    desk.refuses = {"b@x.test": "421 closing"}
    with pytest.raises(UserError, match=r"for a@x\.test, b@x\.test"):
        post(desk.settings(), home, mail())
    assert state(home, mail().key)["taken"] == []
    desk.refuses = {}
    assert post(desk.settings(), home, mail()) == "mailed"
    assert desk.recipients == ["a@x.test", "b@x.test"]


def test_a_kill_while_a_mail_is_put_away_does_not_send_it_again(
    desk: Desk, home: Home
) -> None:
    post(desk.settings(), home, mail())
    sent = home.outbox / "sent"
    # The mail was moved, its state was not yet.
    os.replace(sent / f"{mail().key}.json", home.outbox / f"{mail().key}.json")
    assert post(desk.settings(), home, mail()) == "mailed before to 2 recipients"
    assert len(desk.taken) == 1


def test_who_is_refused_for_good_is_told_though_another_gets_it_later(
    desk: Desk, home: Home
) -> None:
    desk.refuses = {"a@x.test": "550 gone", "b@x.test": "451 busy"}
    desk.forgives = {"b@x.test"}
    with pytest.raises(UserError, match=r"for a@x\.test"):
        post(desk.settings(), home, mail())
    assert desk.recipients == ["b@x.test"]
    assert waiting(home) == []


def test_a_mail_is_on_disk_before_anybody_waits_for_the_lock(
    desk: Desk, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LOCK_WAIT_SECONDS", 0.2)
    home.outbox.mkdir(parents=True)
    with (home.outbox / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="Another process has been sending"):
            post(desk.settings(), home, mail())
    assert len(waiting(home)) == 1
    assert post(desk.settings(), home, mail()) == "mailed"


def test_two_who_write_a_mail_at_once_leave_a_whole_one(
    desk: Desk, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = outbox.LOCK_WAIT_SECONDS
    monkeypatch.setattr(outbox, "LOCK_WAIT_SECONDS", 0)
    names = [f"report-{number}" for number in range(20)]
    start = threading.Barrier(2)

    def write_all() -> None:
        start.wait()
        for name in names:
            with suppress(UserError):
                post(desk.settings(), home, mail(name), force=True)

    home.outbox.mkdir(parents=True)
    with (home.outbox / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        writers = [threading.Thread(target=write_all) for _ in range(2)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    assert len(waiting(home)) == len(names)
    monkeypatch.setattr(outbox, "LOCK_WAIT_SECONDS", wait)
    said = post(desk.settings(), home, mail("last"))
    assert said == "21 mailed, 20 of them left from before"
    assert len(desk.taken) == 21


def test_an_edition_that_comes_while_another_is_sent_waits(
    desk: Desk, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = smtp.Session.send

    def send_slowly(*arguments: object) -> dict[str, tuple[int, str]]:
        monkeypatch.setattr(smtp.Session, "send", send)
        monkeypatch.setattr(outbox, "LOCK_WAIT_SECONDS", 0)
        with pytest.raises(UserError, match="Another process has been sending"):
            post(desk.settings(), home, mail(), force=True)
        return send(*arguments)

    monkeypatch.setattr(smtp.Session, "send", send_slowly)
    assert post(desk.settings(), home, mail()) == "mailed"
    assert len(waiting(home)) == 1
    post(desk.settings(), home, mail("other"))
    assert len({got["Message-ID"] for got in desk.mails}) == 3
    assert waiting(home) == []


def test_half_a_mail_is_not_sent(desk: Desk, home: Home) -> None:
    desk.answers = ["554 no", "250 taken"]
    with pytest.raises(UserError):
        post(desk.settings(), home, mail())
    file = home.outbox / f"{mail().key}.eml"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(UserError, match="damaged"):
        post(desk.settings(), home, mail("other"))
    assert [got["Message-ID"][:6] for got in desk.mails] == ["<other"]


def test_a_server_that_drips_is_left(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "SESSION_SECONDS", 1)
    listener = socket.create_server(("localhost", 0))

    def drip() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with suppress(OSError):
                    while True:
                        client.sendall(b"2")
                        time.sleep(0.2)

    threading.Thread(target=drip, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(UserError, match="does not work"):
        post(mail_settings(listener.getsockname()[1]), home, mail())
    assert time.monotonic() - began < 20
    listener.close()


def test_a_server_without_manners_at_the_end_has_the_mail(
    desk: Desk, home: Home
) -> None:
    desk.farewell = "421 go away"
    assert post(desk.settings(), home, mail()) == "mailed"
    assert len(desk.taken) == 1


def test_a_test_mail_says_who_has_it(desk: Desk, tmp_path: Path) -> None:
    desk.refuses = {"gone@x.test": "550 nobody of that name"}
    environment = {
        "SOURCE": "sample", "RISK_HOME": tmp_path, "EMAIL_FROM": "desk@x.test",
        "EMAIL_PASSWORD": PASSWORD, "EMAIL_TO": "a@x.test",
        "SMTP_URL": f"smtp://localhost:{desk.port}",
        "SSL_CERT_FILE": desk.certificate,
    }  # fmt: skip
    run = call_daily("test-email", **environment)
    assert run.code == 0, run.err
    assert run.out == f"ok    a@x.test was accepted by localhost:{desk.port}\n"
    run = call_daily("test-email", ALERT_TO="ops@x.test,gone@x.test", **environment)
    assert run.code == 1
    assert "ok    ops@x.test" in run.out
    assert "FAIL  gone@x.test: 550 nobody of that name" in run.out
    assert desk.recipients == ["a@x.test", "a@x.test", "ops@x.test"]
    run = call_daily("test-email", SOURCE="sample", RISK_HOME=tmp_path)
    assert run.code == 1
    assert "Set EMAIL_FROM" in run.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read"),
        ("trader,mail\nT1,a@x.test\n", "line 1: the header must be trader_id,email"),
        ("", "line 1: the header"),
        ("trader_id,email\nT1\n", "line 2: write a trader and an address"),
        ("trader_id,email\nT1,nobody\n", "line 2, column email: 'nobody' is no"),
        ("trader_id,email\nT1,a@x.test\nT1,b@x.test\n", "line 3: T1 has a line before"),
    ],
)
def test_a_wrong_list_of_addresses_is_one_line(
    tmp_path: Path, text: str | None, told: str
) -> None:
    file = tmp_path / "addresses.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match=told) as caught:
        read_trader_emails(file)
    assert str(file) in str(caught.value)


def test_addresses_are_read_with_names_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "addresses.csv"
    file.write_text('\ufefftrader_id,email\n"A, B",a@x.test\n\nאבג,b@x.test\n')
    assert read_trader_emails(file) == {"A, B": "a@x.test", "אבג": "b@x.test"}
