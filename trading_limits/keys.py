"""Who a person is: the system's user who logged in, and a key of their own."""

import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from runtime.errors import UserError
from runtime.files import open_to_others, read_regular, write_atomic
from runtime.settings import Settings

# No user of any system: the second person of the sample desk (sample_desk.py).
SYNTHETIC = "(synthetic)"
_LOGIN, _NO_LOGIN = Path("/proc/self/loginuid"), 2**32 - 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)


@dataclass(frozen=True)
class Person:
    """Somebody who signs.

    Attributes:
        name: As NAME= gives it.
        os_user: The system's user.
    """

    name: str
    os_user: str
    key: Ed25519PrivateKey

    @property
    def public_key(self) -> str:
        """In hexadecimal."""
        return self.key.public_key().public_bytes_raw().hex()

    def sign(self, text: str) -> str:
        """The signature of a text, in hexadecimal."""
        return self.key.sign(text.encode()).hex()


def is_signed(public_key: str, signature: str, text: str) -> bool:
    """Whether a text was signed by the holder of a key."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        signed = bytes.fromhex(signature)
        key.verify(signed, text.encode())
    except (InvalidSignature, ValueError):
        return False
    # The same in capitals is another text.
    return signed.hex() == signature


def os_user() -> str:
    """Who logged in to the system; `sudo` and variables do not make it another.

    Where the kernel does not keep it, as in most containers, the user of this process.
    """
    try:
        user = int(_LOGIN.read_text())
    except (OSError, ValueError):
        user = _NO_LOGIN
    if user == _NO_LOGIN:
        user = os.getuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def person(settings: Settings, name: str) -> Person:
    """Somebody with a key, who runs this process.

    Raises:
        UserError: There is no such key, or others could use it.
    """
    path = key_path(settings, name)
    try:
        content = read_regular(path)
    except FileNotFoundError:
        raise UserError(
            f"{path} is not there. `make limits-key NAME={name}` makes a key."
        ) from None
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): it is another user's, or "
            "damaged."
        ) from None
    if open_to_others(path):
        raise UserError(f"{path} is open to others. Close it: chmod 600 {path}")
    try:
        key = serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UserError(f"{path} holds no Ed25519 key. Put the right file there.")
    return Person(name, os_user(), key)


def make_key(settings: Settings, name: str) -> Person:
    """The person's key; a new one unless there is one."""
    path = key_path(settings, name)
    if not path.exists():
        content = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_atomic(path, content)
        path.chmod(0o600)
    return person(settings, name)


def key_path(settings: Settings, name: str) -> Path:
    """Where a person's key lies.

    Raises:
        UserError: It is no name.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"NAME={name} is no name: at most 32 of small letters, digits, . _ and -."
        )
    folder = settings.limits_keys or Path("~/.config/risk-warehouse")
    return folder.expanduser() / f"{name}.pem"
