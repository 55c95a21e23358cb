"""Who may do what on the page: hosts, log-in, sessions, and the token of a change.

A session is a signed cookie, nothing is kept of it: its key is the page's secret, and
the password's hash is part of what is signed, so that another password ends it.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from live.page.logins import Logins, Throttle
from runtime.errors import UserError
from runtime.files import open_to_others, read_regular, write_atomic
from runtime.settings import LOOPBACK, Settings

SESSION_SECONDS = 12 * 3600
_SECRET_BYTES = 32


@dataclass(frozen=True)
class Access:
    """Who may reach the page, and as whom.

    Attributes:
        hosts: Our names in a browser (Host), in lower case: any other name
            that leads here is somebody else's.
        origins: Where a change may come from (Origin).
        is_secure: Browsers reach us over https.
        logins: None: whoever reaches this machine's loopback may look, and says who
            they are when they acknowledge.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    is_secure: bool
    cookie: str
    logins: Logins | None
    secret: bytes = field(repr=False)
    throttle: Throttle = field(default_factory=Throttle)

    def new_session(self, name: str = "") -> str:
        """A cookie for a person, or for nobody yet."""
        body = f"{name}:{int(time.time()) + SESSION_SECONDS}:{secrets.token_hex(16)}"
        return f"{body}:{self._signed(body, self._hash_for(name))}"

    def person_of(self, cookie: str | None) -> str | None:
        """Whose session it is, empty for nobody's; None if it is none of ours."""
        body, _, signature = (cookie or "").rpartition(":")
        name, _, rest = body.partition(":")
        expires = rest.partition(":")[0]
        if not expires.isascii() or not expires.isdigit():
            return None
        signed = self._signed(body, self._hash_for(name))
        is_ours = hmac.compare_digest(signature.encode(), signed.encode())
        return name if is_ours and int(expires) > time.time() else None

    def may_look(self, cookie: str | None) -> bool:
        """Whether the page may be shown."""
        return self.logins is None or bool(self.person_of(cookie))

    def token_for(self, cookie: str) -> str:
        """What every change must bring along: only our own page has it."""
        return self._signed(cookie, "token")

    def may_change(self, cookie: str | None, token: str | None) -> bool:
        """Whether a change comes from our own page, in a session of ours."""
        return self.person_of(cookie) is not None and hmac.compare_digest(
            (token or "").encode(), self.token_for(cookie or "").encode()
        )

    def is_own_page(self, headers: Mapping[str, str]) -> bool:
        """Whether a browser says that our own page asks, or says nothing of it."""
        origin = headers.get("origin")
        return (origin is None or origin in self.origins) and headers.get(
            "sec-fetch-site", "same-origin"
        ) in ("same-origin", "none")

    def _hash_for(self, name: str) -> str:
        if not name or self.logins is None:
            return ""
        # Nobody knows this one: a session of who has no line is none.
        return self.logins.hash_for(name) or secrets.token_hex()

    def _signed(self, *texts: str) -> str:
        text = "\n".join(texts).encode()
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()


def read_access(settings: Settings, folder: Path) -> Access:
    """The access that settings ask for.

    Args:
        folder: Where the page's secret is kept: `RISK_HOME/live/`.

    Raises:
        UserError: Bound beyond this machine without log-in or TLS; a file is wrong.
    """
    host, port = settings.live_host, settings.live_port
    is_loopback = host in LOOPBACK
    has_tls = settings.live_certificate is not None
    if not is_loopback and (settings.live_logins is None or not has_tls):
        raise UserError(
            f"LIVE_HOST={host} lets others reach the page: set LIVE_LOGINS, "
            "LIVE_CERTIFICATE and LIVE_CERTIFICATE_KEY as well, or leave LIVE_HOST out "
            "(docs/live_page.md)."
        )
    if settings.live_url is not None and settings.live_logins is None:
        raise UserError(
            "LIVE_URL lets others reach the page: set LIVE_LOGINS as well "
            "(make live-login NAME= writes it)."
        )
    hosts = {_with_port(host, port)}
    if is_loopback:
        hosts |= {_with_port(name, port) for name in LOOPBACK}
    own = "https" if has_tls else "http"
    origins = {f"{own}://{one}" for one in hosts}
    if settings.live_url is not None:
        hosts.add(urlsplit(settings.live_url).netloc)
        origins.add(settings.live_url)
    is_secure = has_tls or settings.live_url is not None
    return Access(
        hosts=frozenset(hosts),
        origins=frozenset(origins),
        is_secure=is_secure,
        # A browser sends cookies to every port of a host.
        cookie=f"{'__Host-' if is_secure else ''}live-{port}",
        logins=None if settings.live_logins is None else Logins(settings.live_logins),
        secret=_secret(folder / "page.secret"),
    )


def _with_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host.lower()}:{port}"


def _secret(path: Path) -> bytes:
    """The page's own secret: the same after a restart, so that sessions last."""
    try:
        if not path.exists() or open_to_others(path):
            write_atomic(path, secrets.token_bytes(_SECRET_BYTES))
            path.chmod(0o600)
        found = read_regular(path)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read or written ({error.strerror}): delete it, and "
            "start again."
        ) from None
    if len(found) != _SECRET_BYTES:
        raise UserError(f"{path} is damaged: delete it, and start again.")
    return found
