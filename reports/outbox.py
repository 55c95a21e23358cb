"""Mails on disk until they are sent: each once, whatever breaks on the way.

A mail is `<key>.eml`; beside it `<key>.json` says who has it, whom the server refused
for good, and what the mail says. Both move to `sent/` when nobody is left. A report
that is written anew takes the place of the one that waits; one that was sent and says
something else now goes out again, as CORRECTED.
"""

import hashlib
import json
import os
import smtplib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import tenacity

from reports import smtp
from reports.mail import Mail
from runtime.errors import UserError
from runtime.files import write_atomic
from runtime.home import Home
from runtime.sessions import utc_now
from runtime.settings import MailSettings

# A server that is down for a moment is asked again within the run.
WAITS_SECONDS = (2, 10)
LOCK_WAIT_SECONDS = 300
KEPT_DAYS = 400
# More changes than this are counted, not listed.
CHANGES_SHOWN = 12
_ABSENT = "not shown"


def post(settings: MailSettings, home: Home, mail: Mail, *, force: bool = False) -> str:
    """Put a mail into the outbox and send all that waits there; see `post_all`."""
    return post_all(settings, home, [mail], force=force)


def post_all(
    settings: MailSettings, home: Home, mails: Sequence[Mail], *, force: bool = False
) -> str:
    """Put mails into the outbox and send all that waits there, these first.

    What was sent before is sent again if its substance has changed, corrected.

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
    # Before waiting for the sender: a mail is on disk, whatever happens to the wait.
    _take_in_all(settings, home, mails, force=force)
    with _sender_lock(outbox):
        if not force:
            # By now somebody else may have sent it, or what it has replaced.
            sent_now = [mail for mail in mails if _is_sent(sent, mail.key)]
            _take_in_all(settings, home, sent_now)
        fresh = [mail for mail in mails if force or _file(outbox, mail).exists()]
        keys = {mail.key for mail in fresh}
        # What an older day's mail suffers must not hold up today's.
        left = sorted(waiting(home), key=lambda path: path.stem not in keys)
        files = _as_on_disk(home, left)
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
    held = [file.stem for file in left if file not in files]
    if held:
        parts.append(
            f"held back, for the report in {home.reports} is another one by now: "
            f"{', '.join(held)} (`make report` with its AS_OF and FORCE=1 mails that; "
            f"delete what should not go)"
        )
    return ", ".join(parts)


def waiting(home: Home) -> list[Path]:
    """Mails that somebody has not got yet, the latest first."""
    times = {}
    for path in home.outbox.glob("*.eml"):
        # Who only looks may see one leave.
        with suppress(FileNotFoundError):
            times[path] = path.stat().st_mtime_ns
    return sorted(times, key=times.__getitem__, reverse=True)


def was_sent(home: Home, mail: Mail) -> bool:
    """Whether its recipients have one under its key."""
    return _is_sent(home.outbox / "sent", mail.key)


@dataclass
class _State:
    """How far a mail is.

    Attributes:
        digest: Of the mail's bytes: half a mail is none.
        to: Everybody it is for.
        taken: Who has it.
        refused: Whom the server refused for good, and in which words.
        substance: What its reader learns; None where that is not compared.
        changes: What it corrects of the one before, a line each.
        edition: Of the mails of one key, as in the Message-ID.
        page: The report it belongs to, a file seen from the home, if there is one.
        page_digest: Of that file, as it was then.
    """

    digest: str
    to: list[str]
    taken: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    substance: dict[str, str] | None = None
    changes: list[str] = field(default_factory=list)
    edition: str = ""
    page: str | None = None
    page_digest: str | None = None

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


def _take_in_all(
    settings: MailSettings, home: Home, mails: Sequence[Mail], *, force: bool = False
) -> None:
    # Of a large desk they all belong to one report.
    digest_of = cache(_file_digest)
    with _files_lock(home.outbox):
        for mail in mails:
            page = mail.page and mail.page.relative_to(home.root)
            about = {
                "substance": mail.substance and dict(mail.substance),
                "page": page and str(page),
                "page_digest": mail.page and digest_of(mail.page),
            }
            _take_in(home, mail, settings.sender, about, force=force)


def _take_in(
    home: Home, mail: Mail, sender: str, about: dict[str, Any], *, force: bool
) -> None:
    """Let a mail wait that nobody has, or that says something else than before.

    Args:
        about: What its state says of what it tells.
        force: Also one that says the same.
    """
    file, sent = _file(home.outbox, mail), home.outbox / "sent"
    waits = _state_of(file) if file.exists() else None
    if file.exists() and waits is None and not force:
        # Damaged: whoever sends next sets it aside and says so.
        return
    # Some of its recipients may have what waits already.
    had = waits if waits and waits.taken else _sent_state(sent, mail.key)
    changed = _changes(had, mail)
    edition = f".{utc_now():%Y%m%d%H%M%S%f}"
    if waits and waits.substance == mail.substance and not force:
        edition = waits.edition
    if force or changed:
        fresh = _State("", list(mail.to), changes=changed, edition=edition, **about)
        _queue(file, mail, sender, fresh)
    elif waits is None:
        if not _is_sent(sent, mail.key):
            _queue(file, mail, sender, _State("", list(mail.to), **about))
    elif mail.substance is None:
        return
    elif waits.changes and not waits.taken:
        # It would correct what is right again.
        file.unlink()
        file.with_suffix(".json").unlink()
    else:
        _queue(file, mail, sender, replace(waits, edition=edition, **about))


def _changes(had: _State | None, mail: Mail) -> list[str]:
    """What a mail says otherwise than the one that its recipients have, a line each."""
    if had is None or had.substance is None or mail.substance is None:
        return []
    then, now = had.substance, mail.substance
    differing = [
        f"{what}: {then.get(what, _ABSENT)}, now {now.get(what, _ABSENT)}"
        for what in dict.fromkeys((*now, *then))
        if then.get(what) != now.get(what)
    ]
    more = len(differing) - CHANGES_SHOWN
    shown = differing[:CHANGES_SHOWN]
    return [*shown, f"and {more} more"] if more > 0 else shown


def _queue(file: Path, mail: Mail, sender: str, state: _State) -> None:
    """Write a mail and its state; it takes the place of one that waits."""
    message = mail.correcting(state.changes).as_bytes(sender, state.edition)
    state.digest = _digest(message)
    # A mail that is there has its own state beside it, also if this is killed.
    file.unlink(missing_ok=True)
    state.write(file)
    _write(file, message)


def _file(outbox: Path, mail: Mail) -> Path:
    return outbox / f"{mail.key}.eml"


def _state_of(file: Path) -> _State | None:
    """How far a mail is; None if mail or state is damaged or gone."""
    try:
        state = _State.read(file)
        return state if state.digest == _digest(file.read_bytes()) else None
    except (OSError, ValueError, TypeError):
        return None


def _sent_state(sent: Path, key: str) -> _State | None:
    """What is known of a mail that was sent; None if nothing."""
    if not _is_sent(sent, key):
        return None
    # A kill as it was put away left the state where it was.
    for folder in (sent, sent.parent):
        with suppress(OSError, ValueError, TypeError):
            return _State.read(folder / f"{key}.eml")
    return None


def _as_on_disk(home: Home, files: Iterable[Path]) -> list[Path]:
    """Mails whose report is as it was when they were written, or is gone by now."""
    digest_of = cache(_file_digest)
    found = []
    for file in files:
        state = _state_of(file)
        # What is damaged is set aside by whoever sends it.
        page = state.page if state else None
        now = digest_of(home.root / page) if page else None
        if now is None or (state and now == state.page_digest):
            found.append(file)
    return found


def _file_digest(path: Path) -> str | None:
    """Of what a file holds; None if there is none."""
    try:
        return _digest(path.read_bytes())
    except FileNotFoundError:
        return None


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
    _record(state, message, file, sent)
    if final:
        yield _Trouble(f"(for {', '.join(final)})")
    if state.left:
        yield _Trouble(f"(for {', '.join(state.left)})", is_passing=True)


def _record(state: _State, message: bytes, file: Path, sent: Path) -> None:
    """Write down who has a mail, and put it away when nobody is left."""
    with _files_lock(file.parent):
        now = _state_of(file)
        if now is None or now.digest != state.digest:
            # Another one took its place meanwhile: that one waits.
            if state.taken and state.substance is not None:
                _record_replaced(state, message, now, file, sent)
            return
        state.write(file)
        if not state.left:
            # The mail first: without its state it would be taken for damaged.
            os.replace(file, sent / file.name)
            os.replace(file.with_suffix(".json"), sent / f"{file.stem}.json")


def _record_replaced(
    state: _State, message: bytes, now: _State | None, file: Path, sent: Path
) -> None:
    """Write down who got a mail that was replaced or withdrawn while it was sent."""
    if now and (now.substance, now.edition) == (state.substance, state.edition):
        now.taken += [one for one in state.taken if one not in now.taken]
        now.write(file)
    else:
        # By this the other one is known to be a correction.
        state.write(sent / file.name)
        _write(sent / file.name, message)


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
        f"{path} cannot be written ({error.strerror}). Make room, or fix the "
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
        name=f"test-{utc_now():%Y%m%d%H%M%S%f}",
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
            yield f"ok    {address} was accepted by {smtp.where(settings)}"
