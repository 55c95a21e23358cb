"""Tradovate: the daily loss at which an account is liquidated, over its REST API.

Of `max_loss` it is `dailyLossAutoLiq`, of its warning `dailyLossAlert`. Each account is
read, set if it differs, and read again: sending again sends nothing twice, and what
somebody changed there since is found.
"""

import json
import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import requests

from runtime.errors import UserError
from runtime.settings import Settings
from trading_limits.platforms import File, Format, Found, Sent, Wanted

TAKES = "max_loss"
TIMEOUT_SECONDS = 30
TRIES, WAITS_SECONDS = 4, 2.0
# A longer penalty is a person's to wait for.
LONGEST_PENALTY_SECONDS = 60
_APP = {"appId": "risk-warehouse", "appVersion": "1.0"}
_SETTINGS = "TRADOVATE_URL, TRADOVATE_USER, TRADOVATE_PASSWORD, TRADOVATE_CID"


def _write(wanted: Wanted) -> File:
    taken = [one for one in wanted.limits if one.limit == TAKES]
    if not taken:
        raise UserError(
            f"No {TAKES} is approved for {wanted.session}, and Tradovate is given "
            "nothing else."
        )
    accounts = {
        one.account_id: {"dailyLossAutoLiq": float(one.value)}
        | ({} if one.warning is None else {"dailyLossAlert": float(one.warning)})
        for one in taken
    }
    others = sorted({one.limit for one in wanted.limits} - {TAKES})
    note = f"Tradovate is given no {', '.join(others)}: set by hand" if others else ""
    text = json.dumps(accounts, indent=1)
    return File(f"{text}\n".encode(), tuple(one.id for one in taken), note)


def _send(settings: Settings, content: bytes) -> Sent:
    """Make every account as the file says, and read it back.

    Raises:
        UserError: Nothing was sent, for the log-in or an account is wrong.
    """
    client = _Client(settings)
    wanted = json.loads(content)
    ids = _ids(client, wanted)
    sent, failed, found = [], [], _parse(content)
    for account, limits in sorted(wanted.items()):
        try:
            if client.set_limits(ids[account], limits):
                sent.append(account)
        except _RefusedError as error:
            failed.append(f"{account} ({error})")
            del found[account, TAKES]
            if error.standing is not _UNKNOWN:
                found[account, TAKES] = error.standing
    count = f"{len(wanted)} accounts at Tradovate are as approved"
    message = f"{count}, read back; set now: {', '.join(sent) or 'none'}"
    if not failed:
        return Sent(found, frozenset(found), message)
    problem = (
        f"Tradovate has {len(wanted) - len(failed)} of {len(wanted)} accounts as "
        f"approved; not {', '.join(failed)}. Run it again: what is there already "
        "is not sent twice."
    )
    return Sent(found, frozenset(), message, problem)


def _read(settings: Settings, content: bytes) -> Found:
    """What stands at Tradovate of the accounts of a file."""
    client = _Client(settings)
    wanted = json.loads(content)
    ids = _ids(client, wanted)
    return {(one, TAKES): client.limit(ids[one]) for one in sorted(wanted)}


def _parse(content: bytes) -> Found:
    try:
        return {
            (account, TAKES): Decimal(str(limits["dailyLossAutoLiq"]))
            for account, limits in json.loads(content).items()
        }
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        raise UserError("The file is not what is sent to Tradovate.") from None


def _ids(client: "_Client", wanted: Iterable[str]) -> dict[str, int]:
    """Number of each account.

    Raises:
        UserError: Tradovate does not know one of them.
    """
    try:
        ids = {one["name"]: one["id"] for one in client.get("account/list")}
    except (TypeError, KeyError):
        raise UserError("Tradovate lists no accounts. Nothing was sent.") from None
    if unknown := sorted(set(wanted) - ids.keys()):
        raise UserError(
            f"Tradovate knows no account {', '.join(unknown)}. Nothing was sent: amend "
            "who it is approved for, or check the log-in."
        )
    return ids


# What stands there could not be asked.
_UNKNOWN = Decimal("NaN")


class _RefusedError(Exception):
    """An account that was not set, why, and what stands there instead."""

    def __init__(self, why: str, standing: Decimal | None = _UNKNOWN) -> None:
        super().__init__(why)
        self.standing = standing


class _LostError(UserError):
    """No answer came, or one that does not say what was done."""


class _Client:
    """Logged in.

    Raises:
        UserError: A setting is missing, or Tradovate does not answer or log in.
    """

    def __init__(self, settings: Settings) -> None:
        password, secret = settings.tradovate_password, settings.tradovate_secret
        url, user = settings.tradovate_url, settings.tradovate_user
        if not (url and user and password and secret and settings.tradovate_cid):
            raise UserError(
                f"PLATFORM=tradovate needs {_SETTINGS} and TRADOVATE_SECRET."
            )
        self._url = url.rstrip("/")
        self._session = requests.Session()
        answer = self._ask(
            "auth/accesstokenrequest",
            {
                "name": user,
                "password": password.get_secret_value(),
                "cid": settings.tradovate_cid,
                "sec": secret.get_secret_value(),
                **_APP,
            },
        )
        token = answer.get("accessToken") if isinstance(answer, dict) else None
        if not token:
            raise UserError(
                "Tradovate does not log in with these TRADOVATE_ settings. Nothing was "
                "sent."
            )
        self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> Any:
        """What is there."""
        return self._ask(path, None)

    def set_limits(self, account: int, limits: dict[str, float]) -> bool:
        """Set the limits of an account unless they are so; whether it was needed.

        Raises:
            _RefusedError: They are not so afterwards.
        """
        try:
            return self._set(account, limits)
        except UserError as error:
            raise _RefusedError(str(error).rstrip(".")) from None

    def _set(self, account: int, limits: dict[str, float]) -> bool:
        for tries in range(TRIES):
            found = self._limits(account)
            if _is_as(found, limits):
                return tries > 0
            path = "userAccountAutoLiq/update" if found else "userAccountAutoLiq/create"
            try:
                # What else is set there stays: an update replaces the whole.
                answer = self._ask(
                    path, (found or {}) | {"id": account} | limits, is_repeatable=False
                )
            except _LostError as error:
                # It may have arrived: read first, for to create it twice is an error.
                if tries == TRIES - 1:
                    raise error
                time.sleep(WAITS_SECONDS * (tries + 1))
                continue
            if isinstance(answer, dict) and answer.get("errorText"):
                raise _RefusedError("Tradovate refused it", _loss(found))
            found = self._limits(account)
            if not _is_as(found, limits):
                raise _RefusedError("read back, it is another", _loss(found))
            return True
        raise AssertionError("the last try returns or raises")

    def limit(self, account: int) -> Decimal | None:
        """The daily loss at which an account is liquidated; None where none is set."""
        return _loss(self._limits(account))

    def _limits(self, account: int) -> dict[str, Any] | None:
        found = self.get(f"userAccountAutoLiq/deps?masterid={account}")
        return found[0] if isinstance(found, list) and found else None

    def _ask(
        self, path: str, body: dict[str, Any] | None, *, is_repeatable: bool = True
    ) -> Any:
        """The answer; asked again after a penalty, and after a failure if repeatable.

        Raises:
            _LostError: There was none, or it is not known what came of it.
            UserError: It is a refusal. Nothing of an answer is shown: it may hold a
                secret.
        """
        problem = "does not answer"
        for tries in range(TRIES):
            if tries:
                time.sleep(WAITS_SECONDS * tries)
            try:
                answer = self._session.request(
                    "GET" if body is None else "POST", f"{self._url}/{path}", json=body,
                    timeout=TIMEOUT_SECONDS, allow_redirects=False,
                )  # fmt: skip
                content = answer.json() if answer.status_code == 200 else None
            except (requests.RequestException, ValueError):
                if is_repeatable:
                    continue
                break
            if answer.status_code == 429:
                raise UserError("Tradovate takes no more requests for an hour.")
            if answer.status_code >= 500:
                problem = f"answers with {answer.status_code}"
                if is_repeatable:
                    continue
                break
            if answer.status_code != 200:
                raise UserError(f"Tradovate answers with {answer.status_code}.")
            if not isinstance(content, dict) or "p-ticket" not in content:
                return content
            # A penalty comes as an answer like any other; the request was not handled.
            time.sleep(_penalty_seconds(content))
            body = (body or {}) | {"p-ticket": content["p-ticket"]}
            problem = "asks to wait again and again"
        raise _LostError(f"Tradovate {problem}.")


def _loss(found: dict[str, Any] | None) -> Decimal | None:
    value = (found or {}).get("dailyLossAutoLiq")
    return Decimal(str(value)) if isinstance(value, (int, float)) else None


def _is_as(found: dict[str, Any] | None, limits: dict[str, float]) -> bool:
    return found is not None and all(
        isinstance(found.get(name), (int, float))
        and Decimal(str(found[name])) == Decimal(str(value))
        for name, value in limits.items()
    )


def _penalty_seconds(content: dict[str, Any]) -> float:
    """How long to wait.

    Raises:
        UserError: Longer than anybody waits, or a person is asked for.
    """
    seconds = content.get("p-time")
    is_short = isinstance(seconds, (int, float)) and (
        0 <= seconds <= LONGEST_PENALTY_SECONDS
    )
    if content.get("p-captcha") or not is_short:
        raise UserError("Tradovate wants a person to log in first.")
    assert isinstance(seconds, (int, float))
    return float(seconds)


FORMAT = Format("json", _write, _parse, _send, _read)
