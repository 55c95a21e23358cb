"""FIX 5.0 SP2: limits of parties, defined and read back over a session of its own.

What stands is asked for (PartyRiskLimitsRequest, `CL`, answered by reports, `CM`), what
differs is defined (PartyRiskLimitsDefinitionRequest, `CS`, acknowledged by `CT`), then
asked for again. FIX has no type of its own for a daily loss: `fix_limits.csv` of the
desk says which RiskLimitType each limit is, as the platform's rules of engagement do.

Sequence numbers begin anew with each log-on and nothing is kept to be resent: a request
that was on its way when a process died must not arrive at the next log-on, days later.
"""

import json
import os
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import uuid4
from xml.etree import ElementTree

from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_incrementing,
)

from runtime.errors import UserError
from runtime.settings import LOOPBACK, Settings
from trading_limits.platforms import File, Format, Found, Key, Sent, Wanted
from trading_limits.rows import amount

_T = TypeVar("_T")
TIMEOUT_SECONDS = 30.0
TRIES, WAITS_SECONDS = 4, 2.0
# So many limits a request: a message stays of a size that every engine takes.
BATCH = 100
_SETTINGS = "LIMITS_FIX_ADDRESS, LIMITS_FIX_SENDER and LIMITS_FIX_TARGET"
# A customer's account, named as the platform and we have agreed.
_ROLE, _SOURCE = "24", "D"
_LOGON, _LOGOUT, _REJECT, _BUSINESS_REJECT = "A", "5", "3", "j"
# What the inbox is told when the line ends: no message of FIX.
_ENDED = "ended"
_MESSAGES = ("CL", "CM", "CS", "CT", _BUSINESS_REJECT)
_OK, _NO_DATA = 0, 2
# RiskLimitRequestResult (1761), and RiskLimitResult (1764) of each party.
_RESULTS = {
    1: "invalid party", 2: "invalid related party", 3: "invalid limit type",
    4: "invalid limit ID", 5: "invalid amount", 6: "invalid action",
    7: "invalid instrument scope", 8: "actions are not supported",
    12: "not approved for the party", 13: "defined for the party already",
    98: "not authorized",
}  # fmt: skip


@dataclass(frozen=True)
class _Limit:
    """One limit of a file."""

    account: str
    limit: str
    risk_limit_type: int
    action: int | None
    value: Decimal
    currency: str

    @property
    def key(self) -> Key:
        return self.account, self.limit


@dataclass(frozen=True)
class _Standing:
    """A limit at the platform: its ID there, and its amount."""

    id: str
    value: Decimal


# Type and message; the end of the line has no message.
_Inbox = queue.Queue[tuple[str, Any]]


class _LostError(UserError):
    """The platform is down, or does not answer."""


def _write(wanted: Wanted) -> File:
    taken = [one for one in wanted.limits if one.limit in wanted.fix_limits]
    if not taken:
        raise UserError(
            f"fix_limits.csv of the desk names no type for what is approved for "
            f"{wanted.session}. Add a line (limit_name,risk_limit_type,"
            "risk_limit_action,note) as the platform's rules of engagement say."
        )
    types = [wanted.fix_limits[name][0] for name in {one.limit for one in taken}]
    if len(types) > len(set(types)):
        raise UserError(
            "fix_limits.csv of the desk gives two limits one risk_limit_type: they "
            "could not be told apart at the platform."
        )
    limits = [
        {
            "account": one.account_id,
            "limit": one.limit,
            "type": wanted.fix_limits[one.limit][0],
            "action": wanted.fix_limits[one.limit][1],
            "amount": amount(one.value),
            "currency": one.currency,
        }
        for one in taken
    ]
    left = sorted({one.limit for one in wanted.limits} - wanted.fix_limits.keys())
    note = f"no type is named for {', '.join(left)}: set by hand" if left else ""
    text = json.dumps({"limits": limits}, indent=1)
    return File(f"{text}\n".encode(), tuple(one.id for one in taken), note)


def _parse(content: bytes) -> Found:
    return {one.key: one.value for one in _limits(content)}


def _limits(content: bytes) -> list[_Limit]:
    try:
        return [
            _Limit(
                str(one["account"]), str(one["limit"]), int(one["type"]),
                one["action"], Decimal(one["amount"]), str(one["currency"]),
            )
            for one in json.loads(content)["limits"]
        ]  # fmt: skip
    except (ValueError, TypeError, KeyError, InvalidOperation):
        raise UserError("The file is not what is sent over FIX.") from None


def _send(settings: Settings, content: bytes) -> Sent:
    """Define what differs, and read it back.

    Raises:
        UserError: The platform is down or does not log on, or refuses to be asked.
    """
    wanted = _limits(content)
    acknowledged: set[Key] = set()
    refused: dict[Key, str] = {}

    def once() -> tuple[Found, list[Key]]:
        with _connected(settings) as platform:
            standing = platform.standing(wanted)
            differing = [one for one in wanted if not _is_as(standing, one)]
            for start in range(0, len(differing), BATCH):
                part = differing[start : start + BATCH]
                refused.update(platform.define(part, standing))
                acknowledged.update(one.key for one in part)
            found = platform.standing(wanted) if differing else standing
            return _found(wanted, found), [one.key for one in differing]

    try:
        found, differing = _again_and_again(once)
    except _LostError as error:
        if not acknowledged:
            raise
        taken = acknowledged - refused.keys()
        problem = (
            f"{str(error).rstrip('.')} after it acknowledged {len(taken)} limits: what "
            "stands there is not known. Run it again."
        )
        return Sent({}, frozenset(taken), "", problem)
    wrong = [one for one in wanted if found[one.key] != one.value]
    if not wrong:
        now = ", ".join(sorted({account for account, _ in differing})) or "none"
        count = f"{len(wanted)} limits at the platform are as approved"
        message = f"{count}, read back over FIX; defined now: {now}"
        return Sent(found, frozenset(found), message)
    why = {one.key: refused.get(one.key, "read back, it is another") for one in wrong}
    told = ", ".join(f"{' '.join(key)} ({reason})" for key, reason in why.items())
    problem = (
        f"The platform has {len(wanted) - len(wrong)} of {len(wanted)} limits as "
        f"approved; not {told}. Run it again: what is there already is not sent twice."
    )
    return Sent(found, frozenset(acknowledged - refused.keys()), "", problem)


def _read(settings: Settings, content: bytes) -> Found:
    """What stands at the platform of the limits of a file."""
    wanted = _limits(content)

    def once() -> Found:
        with _connected(settings) as platform:
            return _found(wanted, platform.standing(wanted))

    return _again_and_again(once)


def _again_and_again(once: Callable[[], _T]) -> _T:
    """Do it; again where the platform was down or silent."""
    retrying = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_incrementing(WAITS_SECONDS, WAITS_SECONDS),
        retry=retry_if_exception_type(_LostError),
        reraise=True,
    )
    return retrying(once)


_Stands = Mapping[tuple[str, int], _Standing]


def _is_as(standing: _Stands, one: _Limit) -> bool:
    found = standing.get((one.account, one.risk_limit_type))
    return found is not None and found.value == one.value


def _found(wanted: Sequence[_Limit], standing: _Stands) -> Found:
    return {
        one.key: found.value if found else None
        for one in wanted
        for found in [standing.get((one.account, one.risk_limit_type))]
    }


class _Platform:
    """A session that is logged on.

    Args:
        fix: The engine's module.
        inbox: What came, as the session's threads put it there.
    """

    def __init__(self, fix: Any, session: Any, inbox: "_Inbox") -> None:
        self._fix, self._session, self._inbox = fix, session, inbox

    def standing(self, wanted: Sequence[_Limit]) -> _Stands:
        """What is defined for the accounts, by account and type.

        Limits of some instruments alone are left out: ours are of the whole account.

        Raises:
            UserError: The platform refuses to say, or has two of one type.
        """
        types = {one.risk_limit_type for one in wanted}
        accounts = sorted({one.account for one in wanted})
        found: dict[tuple[str, int], _Standing] = {}
        for start in range(0, len(accounts), BATCH):
            for account, kind, standing in self._reported(
                accounts[start : start + BATCH]
            ):
                if kind not in types:
                    continue
                if (account, kind) in found:
                    raise UserError(
                        f"The platform has two limits of type {kind} for {account}: "
                        "which one counts is not known. Leave one there."
                    )
                found[account, kind] = standing
        return found

    def _reported(
        self, accounts: Sequence[str]
    ) -> Iterator[tuple[str, int, _Standing]]:
        request = self._message("CL", {1760: "1"})
        for account in accounts:
            self._add(request, 453, 448, {448: account, 447: _SOURCE, 452: _ROLE})
        is_last = False
        answers = self._ask(request, "CM")
        while not is_last:
            report = next(answers)
            result = int(_field(report, 1511) or _OK)
            if result == _NO_DATA:
                return
            if result != _OK:
                raise UserError(
                    "The platform does not say which limits stand there "
                    f"(RequestResult {result}). Check what the log-in may ask."
                )
            is_last = (_field(report, 893) or "Y") == "Y"
            for party in self._groups(report, 1677, 1671):
                id_there = _field(party, 1670) or ""
                names = [
                    str(_field(one, 1691)) for one in self._groups(party, 1671, 1691)
                ]
                for limits in self._groups(party, 1669, 1529):
                    if _field(limits, 1534):
                        continue
                    for one in self._groups(limits, 1529, 1530):
                        kind, value = _field(one, 1530), _field(one, 1531)
                        if kind is not None and value is not None:
                            for name in names:
                                standing = _Standing(id_there, Decimal(value))
                                yield name, int(kind), standing

    def define(self, limits: Sequence[_Limit], standing: _Stands) -> dict[Key, str]:
        """Ask for these limits; which were refused, and why.

        Raises:
            UserError: All of it is refused.
        """
        request = self._message("CS", {})
        for one in limits:
            there = standing.get((one.account, one.risk_limit_type))
            party = self._fix.Group(1677, 1324)
            party.setField(1324, "M" if there else "A")
            self._add(
                party, 1671, 1691, {1691: one.account, 1692: _SOURCE, 1693: _ROLE}
            )
            scope = self._fix.Group(1669, 1529)
            action = {} if one.action is None else {1767: str(one.action)}
            self._add(
                scope, 1529, 1530,
                {1530: str(one.risk_limit_type), 1531: amount(one.value)}
                | action | {1532: one.currency},
            )  # fmt: skip
            party.addGroup(scope)
            party.setField(1670, there.id if there and there.id else ":".join(one.key))
            request.addGroup(party)
        answer = next(self._ask(request, "CT"))
        whole = int(_field(answer, 1761) or _OK)
        refused: dict[Key, str] = {}
        for party in self._groups(answer, 1677, 1324):
            result = int(_field(party, 1764) or _OK)
            names = {_field(one, 1691) for one in self._groups(party, 1671, 1691)}
            kinds = {
                int(_field(one, 1530) or -1)
                for scope in self._groups(party, 1669, 1529)
                for one in self._groups(scope, 1529, 1530)
            }
            for one in limits:
                if (
                    result != _OK
                    and one.account in names
                    and (not kinds or one.risk_limit_type in kinds)
                ):
                    refused[one.key] = _reason(result)
        if whole != _OK and not refused:
            return {one.key: _reason(whole) for one in limits}
        return refused

    def _message(self, kind: str, fields: Mapping[int, str]) -> Any:
        message = self._fix.Message()
        message.getHeader().setField(35, kind)
        message.setField(1666, uuid4().hex[:20])
        for tag, value in fields.items():
            message.setField(tag, value)
        return message

    def _add(self, to: Any, count: int, first: int, fields: Mapping[int, str]) -> None:
        group = self._fix.Group(count, first)
        for tag, value in fields.items():
            group.setField(tag, value)
        to.addGroup(group)

    def _groups(self, of: Any, count: int, first: int) -> list[Any]:
        found = []
        for number in range(1, int(_field(of, count) or 0) + 1):
            group = self._fix.Group(count, first)
            of.getGroup(number, group)
            found.append(group)
        return found

    def _ask(self, request: Any, kind: str) -> Iterator[Any]:
        """Send a request; its answers of that kind, each within the time there is.

        Raises:
            _LostError: None came, or the session ended.
            UserError: The platform rejects the request.
        """
        asked = _field(request, 1666)
        if not self._fix.Session.sendToTarget(request, self._session):
            raise _LostError("The platform has ended the FIX session.")
        while True:
            found, message = _next(self._inbox)
            if found in (_REJECT, _BUSINESS_REJECT):
                tag = 380 if found == _BUSINESS_REJECT else 373
                code = _field(message, tag) or "without one"
                sent = request.getHeader().getField(35)
                raise UserError(
                    f"The platform rejects the request {sent} (reason {code}). Nothing "
                    "of it is in force; see its rules of engagement, and "
                    "fix_limits.csv of the desk."
                )
            if found in (_LOGOUT, _ENDED):
                raise _LostError("The platform has ended the FIX session.")
            if found == kind and _field(message, 1666) == asked:
                yield message


def _next(inbox: "_Inbox") -> tuple[str, Any]:
    try:
        return inbox.get(timeout=TIMEOUT_SECONDS)
    except queue.Empty:
        raise _LostError("The platform does not answer over FIX.") from None


def _reason(result: int) -> str:
    return f"refused: {_RESULTS.get(result, f'result {result}')}"


def _field(of: Any, tag: int) -> str | None:
    return of.getField(tag) if of.isSetField(tag) else None


@contextmanager
def _connected(settings: Settings) -> Iterator[_Platform]:
    """A session, logged on until the end.

    Raises:
        UserError: A setting or the engine is missing, or the log-on is refused.
        _LostError: Nobody answers there.
    """
    inbox: _Inbox = queue.Queue()
    with TemporaryDirectory() as folder:
        fix, sessions, session = _session(settings, Path(folder))
        application = _application(fix, settings, inbox)
        factory = fix.MemoryStoreFactory()
        initiator = fix.SocketInitiator(application, factory, sessions)
    initiator.start()
    try:
        began = time.monotonic()
        while True:
            try:
                kind, _ = inbox.get(timeout=max(TIMEOUT_SECONDS / 3, 0.1))
            except queue.Empty:
                raise _LostError("The platform does not answer over FIX.") from None
            if kind == _LOGON:
                break
            if kind == _LOGOUT:
                raise UserError(
                    "The platform does not log on with these LIMITS_FIX_ settings. "
                    "Nothing was sent."
                )
            if kind == _ENDED or time.monotonic() - began > TIMEOUT_SECONDS:
                raise _LostError("The platform does not answer over FIX.")
        yield _Platform(fix, session, inbox)
    finally:
        # Its own way to end takes two seconds.
        _log_out(fix, session)
        with suppress(queue.Empty):
            while inbox.get(timeout=1)[0] != _ENDED:
                pass
        initiator.stop(True)
        # Now, and before what it refers to: an error that is kept would keep it, too,
        # and the collector of garbage frees in any order, which ends the process.
        del initiator


def _log_out(fix: Any, session: Any) -> None:
    if engine := fix.Session.lookupSession(session):
        engine.logout()


def _session(settings: Settings, folder: Path) -> tuple[Any, Any, Any]:
    address, sender = settings.limits_fix_address, settings.limits_fix_sender
    if not (address and sender and settings.limits_fix_target):
        raise UserError(f"PLATFORM=fix needs {_SETTINGS}.")
    host, _, port = address.rpartition(":")
    if settings.limits_fix_password and host not in LOOPBACK:
        raise UserError(
            "LIMITS_FIX_PASSWORD would go over the network in the clear. Lead it "
            "through a TLS tunnel on this machine (stunnel), and set "
            "LIMITS_FIX_ADDRESS to its end here, such as localhost:9876."
        )
    try:
        import quickfix as fix
    except ImportError:
        raise UserError(
            "PLATFORM=fix needs the FIX engine. Run `make setup-live`."
        ) from None
    values = {
        "ConnectionType": "initiator",
        "StartTime": "00:00:00",
        "EndTime": "00:00:00",
        "NonStopSession": "Y",
        "HeartBtInt": "30",
        "ReconnectInterval": "1",
        "ResetOnLogon": "Y",
        "UseDataDictionary": "Y",
        # A platform has fields of its own, and types beyond those of the standard.
        "ValidateUserDefinedFields": "N",
        "AllowUnknownMsgFields": "Y",
        "ValidateFieldsOutOfOrder": "N",
        **dictionaries(folder),
        "DefaultApplVerID": "FIX.5.0SP2",
        "SocketConnectHost": "127.0.0.1" if host == "localhost" else host,
        "SocketConnectPort": port,
    }
    dictionary = fix.Dictionary()
    for name, value in values.items():
        dictionary.setString(name, value)
    session = fix.SessionID("FIXT.1.1", sender, settings.limits_fix_target)
    sessions = fix.SessionSettings()
    sessions.set(session, dictionary)
    return fix, sessions, session


def dictionaries(folder: Path) -> dict[str, str]:
    """The engine's dictionaries, as its settings name them.

    Of that of the application only the messages that are used, in this folder: the
    engine takes seconds to read the whole.
    """
    application = ElementTree.parse(_packaged("FIX50SP2.xml"))
    messages = application.getroot().find("messages")
    assert messages is not None, "a dictionary has messages"
    for message in list(messages):
        if message.get("msgtype") not in _MESSAGES:
            messages.remove(message)
    path = folder / "FIX50SP2.xml"
    application.write(path)
    return {
        "TransportDataDictionary": _packaged("FIXT11.xml"),
        "AppDataDictionary": str(path),
    }


def _packaged(name: str) -> str:
    """Where the engine's package has put a dictionary."""
    try:
        found = [one for one in files("quickfix-py") or () if one.name == name]
    except PackageNotFoundError:
        found = []
    if not found:
        raise UserError(
            f"The FIX engine lacks its dictionary {name}. Run `make setup-live`."
        )
    return os.path.realpath(str(found[0].locate()))


def _application(fix: Any, settings: Settings, inbox: "_Inbox") -> Any:
    """What the engine's threads call; all they do is put messages into the inbox."""

    class Application(fix.Application):
        def onCreate(self, _: Any) -> None:
            """Nothing to do."""

        def onLogon(self, _: Any) -> None:
            """Not before: the engine has not yet taken the log-on for done."""
            inbox.put((_LOGON, None))

        def onLogout(self, _: Any) -> None:
            """The other side ended it, or the line broke."""
            inbox.put((_ENDED, None))

        def toAdmin(self, message: Any, _: Any) -> None:
            """Log on as somebody."""
            if message.getHeader().getField(35) != _LOGON:
                return
            if settings.limits_fix_user:
                message.setField(553, settings.limits_fix_user)
            if settings.limits_fix_password:
                message.setField(554, settings.limits_fix_password.get_secret_value())

        def fromAdmin(self, message: Any, _: Any) -> None:
            """Log-out and rejects are waited for."""
            kind = message.getHeader().getField(35)
            if kind in (_LOGOUT, _REJECT):
                inbox.put((kind, fix.Message(message)))

        def toApp(self, message: Any, _: Any) -> None:
            """Nothing to do."""

        def fromApp(self, message: Any, _: Any) -> None:
            """An answer."""
            inbox.put((message.getHeader().getField(35), fix.Message(message)))

    return Application()


FORMAT = Format("json", _write, _parse, _send, _read)
