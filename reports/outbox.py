"""Mails on disk until they are sent: each once, whatever breaks on the way.

A mail is `<key>.eml`; beside it `<key>.json` says who has it and whom the server
refused for good. Both move to `sent/` when nobody is left.
"""

import hashlib
import json
import os
import smtplib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import filelock
import tenacity

from reports import smtp
from reports.mail import Mail
from runtime.errors import UserError
from runtime.files import write_atomic
from runtime.home import Home
from runtime.settings import MailSettings

# A server that is down for a moment is asked again within the run.
WAITS_SECONDS = (2, 10)
LOCK_WAIT_SECONDS = 300
KEPT_DAYS = 400


def post(settings: MailSettings, home: Home, mail: Mail, *, force: bool = False) -> str:
    """Put a mail into the outbox and send all that waits there; see `post_all`."""
    return post_all(settings, home, [mail], force=force)


def post_all(
    settings: MailSettings, home: Home, mails: Sequence[Mail], *, force: bool = False
) -> str:
    """Put mails into the outbox and send all that waits there, these first.

    Args:
        force: Send them to everybody, though they were sent before.

    Returns:
        A sentence for people.

    Raises:
        UserError: The server did not take everything; what it may take later waits.
    """
    outbox, sent = home.outbox, home.outbox / "sent"
    try:
        sent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(sent, error) from None
    # Before waiting for the sender: a mail is on disk, whatever becomes of the wait.
    with _files_lock(outbox):
        for mail in mails:
            is_there = _is_sent(sent, mail.key) or (outbox / f"{mail.key}.eml").exists()
            if force or not is_there:
                _queue(outbox, mail, settings.sender, force=force)
    with _sender_lock(outbox):
        # By now somebody else may have sent it.
        fresh = [mail for mail in mails if force or not _is_sent(sent, mail.key)]
        keys = {mail.key for mail in fresh}
        # What an older day's mail suffers must not hold up today's.
        files = sorted(waiting(home), key=lambda path: path.stem not in keys)
        before = len(mails) - len(fresh)
        if files:
            _send_all(settings, files, sent)
        _prune(sent)
    parts = [f"{len(files)} mailed" if len(files) > 1 else "mailed"] if files else []
    if len(files) > len(fresh):
        parts.append(f"{len(files) - len(fresh)} of them left from before")
    if before:
        to = sum(len(mail.to) for mail in mails) - sum(len(mail.to) for mail in fresh)
        parts.append(f"mailed before to {to} recipient{'s' if to > 1 else ''}")
    return ", ".join(parts)


def waiting(home: Home) -> list[Path]:
    """Mails that somebody has not got yet, the latest first."""
    times = {}
    for path in home.outbox.glob("*.eml"):
        # Who only looks may see one leave.
        with suppress(FileNotFoundError):
            times[path] = path.stat().st_mtime_ns
    return sorted(times, key=times.__getitem__, reverse=True)


@dataclass
class _State:
    """How far a mail is.

    Attributes:
        digest: Of the mail's bytes: half a mail is none.
        to: Everybody it is for.
        taken: Who has it.
        refused: Whom the server refused for good, and in which words.
    """

    digest: str
    to: list[str]
    taken: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def left(self) -> list[str]:
        return [one for one in self.to if one not in {*self.taken, *self.refused}]

    @classmethod
    def read(cls, file: Path) -> "_State":
        state = cls(**json.loads(file.with_suffix(".json").read_text("utf-8")))
        if not isinstance(state.to, list) or not isinstance(state.taken, list):
            raise ValueError("no list of recipients")
        return state

    def write(self, file: Path) -> None:
        _write(file.with_suffix(".json"), json.dumps(asdict(self), indent=1).encode())


def _queue(outbox: Path, mail: Mail, sender: str, *, force: bool) -> None:
    edition = f".{datetime.now(UTC):%Y%m%d%H%M%S%f}" if force else ""
    file = outbox / f"{mail.key}.eml"
    message = mail.as_bytes(sender, edition)
    # First: a mail that is there has its recipients beside it.
    _State(_digest(message), list(mail.to)).write(file)
    _write(file, message)


def _is_sent(sent: Path, key: str) -> bool:
    return (sent / f"{key}.eml").exists()


def _digest(message: bytes) -> str:
    return hashlib.sha256(message).hexdigest()


class UnwritableError(UserError):
    """The outbox takes nothing: a full disk, or permissions."""


class _Trouble(NamedTuple):
    """Why somebody has not got a mail, and whether another try may go through."""

    text: str
    is_passing: bool = False


def _send_all(settings: MailSettings, files: list[Path], sent: Path) -> None:
    """Send the mails, again where the server is busy.

    Raises:
        UserError: Somebody did not get a mail.
    """
    again = f"then run the step again; what is not sent waits in {sent.parent}"
    # What stays refused is reported at the end, whatever passes meanwhile.
    final: dict[str, _Trouble] = {}

    def once() -> None:
        passing: dict[str, _Trouble] = {}
        with smtp.logged_in(settings, again) as session:
            for file in files:
                for trouble in _send(session, file, sent) if file.exists() else ():
                    (passing if trouble.is_passing else final)[file.name] = trouble
        if passing:
            raise smtp.ServerBusyError(in_words(passing | final))

    def in_words(found: dict[str, _Trouble]) -> str:
        listed = "; ".join(f"{name} {one.text}" for name, one in found.items())
        return (
            f"The mail server {smtp.where(settings)} did not take everything: "
            f"{listed}. Check SMTP_URL and EMAIL_TO in .env, {again}; delete what "
            "should not go."
        )

    tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(smtp.ServerBusyError),
        stop=tenacity.stop_after_attempt(1 + len(WAITS_SECONDS)),
        wait=tenacity.wait_chain(*map(tenacity.wait_fixed, WAITS_SECONDS)),
        reraise=True,
    )(once)
    if final:
        raise UserError(in_words(final))


def _send(session: smtp.Session, file: Path, sent: Path) -> Iterator[_Trouble]:
    """Send one mail to who has not got it, and write down who has."""
    try:
        with _files_lock(file.parent):
            state, message = _State.read(file), file.read_bytes()
        if state.digest != _digest(message):
            raise ValueError("not what was written")
    except (OSError, ValueError, TypeError):
        aside = file.parent / "damaged"
        aside.mkdir(exist_ok=True)
        os.replace(file, aside / file.name)
        yield _Trouble(f"cannot be read any more and lies in {aside}")
        return
    try:
        refused = session.send(message, state.left) if state.left else {}
    except smtplib.SMTPResponseException as error:
        yield _Trouble(f"(code {error.smtp_code})", smtp.is_passing(error))
        return
    final = {one: answer for one, answer in refused.items() if answer[0] >= 500}
    state.taken += [one for one in state.left if one not in refused]
    state.refused |= {one: f"{code} {words}" for one, (code, words) in final.items()}
    _record(state, file, sent)
    if final:
        yield _Trouble(f"(for {', '.join(final)})")
    if state.left:
        yield _Trouble(f"(for {', '.join(state.left)})", is_passing=True)


def _record(state: _State, file: Path, sent: Path) -> None:
    """Write down who has a mail, and put it away when nobody is left."""
    with _files_lock(file.parent):
        if _digest(file.read_bytes()) != state.digest:
            # By force another edition took its place meanwhile: that one waits.
            return
        state.write(file)
        if not state.left:
            # The mail first: without its state it would be taken for damaged.
            os.replace(file, sent / file.name)
            os.replace(file.with_suffix(".json"), sent / f"{file.stem}.json")


def _write(file: Path, content: bytes) -> None:
    """Write a file whole.

    Raises:
        UnwritableError: The disk is full, or the folder cannot be written.
    """
    try:
        write_atomic(file, content)
    except OSError as error:
        raise _unwritable(file, error) from None


def _unwritable(path: Path, error: OSError) -> UnwritableError:
    return UnwritableError(
        f"{path} cannot be written ({error.strerror}). Make room, or mend the "
        "permissions, then run the step again."
    )


def _prune(sent: Path) -> None:
    """Forget what was sent more than a year ago."""
    oldest = time.time() - KEPT_DAYS * 24 * 3600
    for file in sent.iterdir():
        if file.stat().st_mtime < oldest:
            file.unlink()


@contextmanager
def _sender_lock(outbox: Path) -> Iterator[None]:
    """One sender at a time: an alert may be sent while another run is sending.

    Raises:
        UserError: Somebody else has been sending for minutes.
    """
    try:
        with filelock.FileLock(outbox / "lock", timeout=LOCK_WAIT_SECONDS):
            yield
    except filelock.Timeout:
        raise UserError(
            f"Another process has been sending mail from {outbox} for "
            f"{LOCK_WAIT_SECONDS} s. Wait for it, or stop it; `make report` sends what "
            "waits."
        ) from None


@contextmanager
def _files_lock(outbox: Path) -> Iterator[None]:
    """For a moment the only one who reads or writes mails and their states.

    Raises:
        UnwritableError: The disk is full, or the folder cannot be written.
    """
    lock = filelock.FileLock(outbox / "files.lock")
    try:
        lock.acquire()
    except OSError as error:
        raise _unwritable(Path(lock.lock_file), error) from None
    try:
        yield
    finally:
        lock.release()


def check_server(settings: MailSettings) -> str:
    """Log in to the mail server and leave again; where it is, for people.

    Raises:
        UserError: It does not answer, or refuses.
    """
    with smtp.logged_in(settings, "then `make doctor`"):
        return f"{smtp.where(settings)} takes mail of {settings.sender}"


def send_now(
    settings: MailSettings, mail: Mail, again: str
) -> dict[str, tuple[int, str]]:
    """Send a mail past the outbox, once; code and words of each who was refused.

    Args:
        again: What to do after the fix, at the end of a message.

    Raises:
        UserError: The server does not answer or refuses the mail.
    """
    with smtp.logged_in(settings, again) as session:
        return session.send(mail.as_bytes(settings.sender), mail.to)


def send_test(settings: MailSettings) -> Iterable[str]:
    """Send everybody a line right now, past the outbox; who has it, or why not.

    Raises:
        UserError: The server does not answer or refuses the mail.
    """
    mail = Mail(
        name=f"test-{datetime.now(UTC):%Y%m%d%H%M%S%f}",
        to=tuple(dict.fromkeys((*settings.email_to, *settings.alert_recipients))),
        subject="Test of the risk warehouse's mail",
        text="This is a test. The morning's report and its alerts come this way.\n",
    )
    refused = send_now(settings, mail, "then `make test-email`")
    for address in mail.to:
        if address in refused:
            code, words = refused[address]
            yield f"FAIL  {address}: {code} {words}"
        else:
            yield f"ok    {address} was taken by {smtp.where(settings)}"
