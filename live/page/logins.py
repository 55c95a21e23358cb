"""Who may log in: a file of names and password hashes, and how often one may try.

The file is CSV with the columns `name,password_hash`, its owner's alone. It is read
when somebody comes, so that a line that is gone ends that person's session at once.
"""

import csv
import hashlib
import hmac
import io
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from runtime.errors import UserError
from runtime.files import open_to_others, read_regular, write_atomic

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
# 32 MiB and about a tenth of a second for each try.
_COST, _BLOCK, _PARALLEL = 2**15, 8, 1
_HASH = re.compile(r"scrypt:([0-9a-f]{32}):([0-9a-f]{64})", re.ASCII)
_HEADER = ["name", "password_hash"]
# Of one address; from then on each wait is twice as long as the one before.
_FREE_TRIES, _LONGEST_WAIT_SECONDS, _FORGET_SECONDS = 5, 300, 3600
# Of all together, within a minute: however many addresses somebody has.
_TRIES_A_MINUTE = 30


def hash_of(password: str, salt: str | None = None) -> str:
    """What the file keeps of a password."""
    salt = salt or secrets.token_hex(16)
    made = hashlib.scrypt(
        password.encode(), salt=bytes.fromhex(salt),
        n=_COST, r=_BLOCK, p=_PARALLEL, maxmem=2**26, dklen=32,
    )  # fmt: skip
    return f"scrypt:{salt}:{made.hex()}"


# Whoever has no line is tried against this one: it takes as long.
_NOBODY = "scrypt:" + "0" * 32 + ":" + "0" * 64


class Logins:
    """The file, read anew whenever it is another one."""

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            UserError: It is not there, open to others, or wrong.
        """
        self._path = path
        self._hashes, self._read = self._content(), self._stamp()
        if not self._hashes:
            raise UserError(_how(path, "names nobody"))

    def hash_for(self, name: str) -> str | None:
        """The hash of a person, as the file has it now; None of one who has no line."""
        stamp = self._stamp()
        if stamp != self._read:
            try:
                self._hashes = self._content()
            except UserError:
                # Nobody comes in until it can be read again.
                self._hashes = {}
            self._read = stamp
        return self._hashes.get(name)

    def is_right(self, name: str, password: str) -> bool:
        """Whether it is the person's password; takes as long for one who is unknown."""
        known = self.hash_for(name)
        found = hash_of(password[:LONGEST_PASSWORD], (known or _NOBODY).split(":")[1])
        return hmac.compare_digest(found, known or _NOBODY) and known is not None

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            one = self._path.stat()
        except OSError:
            return None
        return one.st_mtime_ns, one.st_size, one.st_ino

    def _content(self) -> Mapping[str, str]:
        return dict(_read(self._path))


def add_login(path: Path, name: str, password: str) -> None:
    """Write a person's line, in place of one that is there.

    Raises:
        UserError: Name or password will not do, or the file is wrong.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"NAME={name} is no name for a log-in: small letters, digits, . _ and - "
            "(NAME=ann)."
        )
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UserError(
            f"The password must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} "
            "characters. Run it again with another one."
        )
    lines = dict(_read(path)) if path.exists() else {}
    lines[name] = hash_of(password)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([_HEADER, *lines.items()])
    try:
        write_atomic(path, text.getvalue().encode())
        path.chmod(0o600)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None


def _read(path: Path) -> list[tuple[str, str]]:
    if open_to_others(path):
        raise UserError(_how(path, "is open to others", f"chmod 600 {path}"))
    try:
        lines = list(csv.reader(read_regular(path).decode().splitlines()))
    except (OSError, ValueError, csv.Error):
        raise UserError(_how(path, "cannot be read")) from None
    if not lines or lines[0] != _HEADER:
        raise UserError(_how(path, f"does not begin with {','.join(_HEADER)}"))
    for number, line in enumerate(lines[1:], 2):
        if (
            len(line) != 2
            or not _NAME.fullmatch(line[0])
            or not _HASH.fullmatch(line[1])
        ):
            raise UserError(_how(path, f"is wrong in line {number}"))
    return [(line[0], line[1]) for line in lines[1:]]


def _how(path: Path, problem: str, command: str = "make live-login NAME=") -> str:
    return f"LIVE_LOGINS={path} {problem}. Fix it: {command}"


class Throttle:
    """How long somebody must wait before the next try.

    A try counts as failed from its beginning, so that many at once are many.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # Of each address: failures, and when the last one was. Bounded: a minute adds
        # `_TRIES_A_MINUTE` at most, and an hour later they are forgotten.
        self._failures: dict[str, tuple[int, float]] = {}
        self._tries: list[float] = []

    def begin(self, address: str) -> float:
        """Begin a try.

        Returns:
            0 if it may be made; else the seconds to wait, and it does not count.
        """
        with self._lock:
            now = self._clock()
            self._tries = [at for at in self._tries if at > now - 60]
            if len(self._tries) >= _TRIES_A_MINUTE:
                return self._tries[0] + 60 - now
            self._failures = {
                one: (count, at)
                for one, (count, at) in self._failures.items()
                if at > now - _FORGET_SECONDS
            }
            count, last = self._failures.get(address, (0, 0.0))
            if count >= _FREE_TRIES:
                pause = min(2.0 ** (count - _FREE_TRIES + 1), _LONGEST_WAIT_SECONDS)
                if now < last + pause:
                    return last + pause - now
            self._failures[address] = count + 1, now
            self._tries.append(now)
            return 0.0

    def succeed(self, address: str) -> None:
        """The try was right: the address begins anew."""
        with self._lock:
            self._failures.pop(address, None)
            if self._tries:
                self._tries.pop()
