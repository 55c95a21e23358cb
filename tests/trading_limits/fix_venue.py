"""A platform of our own that takes limits over FIX, as FIX 5.0 SP2 documents them.

A process of its own, for the engine ends with whoever it is part of. What it holds it
writes to a file after each change; how it misbehaves it reads from another.
"""

import json
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import quickfix as fix

from trading_limits.platforms.fix import dictionaries

SENDER, TARGET, USER, PASSWORD = "DESK", "VENUE", "desk", "opensesame-2"
ACCOUNTS = ("A1", "A2", "A3")
# Each is a fork of one process that has imported all of it, and started no engine.
_VENUES = multiprocessing.get_context("forkserver")
_VENUES.set_forkserver_preload([__name__])


@dataclass
class Venue:
    """Where it is, and what it holds.

    Attributes:
        folder: Of its two files.
        port: It listens on 127.0.0.1.
    """

    folder: Path
    port: int
    process: multiprocessing.Process | None = None

    def limits(self) -> dict[str, str]:
        """Amount by `account:type`."""
        return self._held()["limits"]

    def asked(self) -> list[str]:
        """Types of the requests, in order."""
        return self._held()["asked"]

    def set(self, key: str, amount: str) -> None:
        """Somebody changes a limit there."""
        held = self._held()
        held["limits"][key] = amount
        (self.folder / "held.json").write_text(json.dumps(held))

    def misbehave(self, **how: object) -> None:
        """See `_Application`."""
        (self.folder / "how.json").write_text(json.dumps(how))

    def start(self) -> None:
        """Listen."""
        self.process = _VENUES.Process(
            target=_serve, args=(self.folder, self.port), daemon=True
        )
        self.process.start()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("the venue does not listen")

    def stop(self) -> None:
        """Be down."""
        assert self.process is not None
        self.process.kill()
        self.process.join()

    def _held(self) -> dict[str, Any]:
        return json.loads((self.folder / "held.json").read_text())


@contextmanager
def fix_venue(folder: Path) -> Iterator[Venue]:
    """One that listens until the end."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    venue = Venue(folder, port)
    (folder / "held.json").write_text(json.dumps({"limits": {}, "asked": []}))
    venue.misbehave()
    venue.start()
    try:
        yield venue
    finally:
        venue.stop()


class _Application(fix.Application):
    """Holds limits of `ACCOUNTS`.

    It may `refuse` an account (1764 of that party), `reject` everything with a business
    reject of that reason, be `deaf` for an account (acknowledged, and not kept),
    `silent` to a type of request, `slow` by so many seconds, or `die` at a type of
    request (before it does anything) or `die_after` it (before it answers).
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def onCreate(self, session: Any) -> None:
        pass

    def onLogon(self, session: Any) -> None:
        pass

    def onLogout(self, session: Any) -> None:
        pass

    def toAdmin(self, message: Any, session: Any) -> None:
        pass

    def toApp(self, message: Any, session: Any) -> None:
        pass

    def fromAdmin(self, message: Any, _: Any) -> None:
        if message.getHeader().getField(35) == "A":
            named = (message.getField(553), message.getField(554))
            if named != (USER, PASSWORD):
                raise fix.RejectLogon("unknown user")

    def fromApp(self, message: Any, session: Any) -> None:
        how = json.loads((self._folder / "how.json").read_text())
        held = json.loads((self._folder / "held.json").read_text())
        kind = message.getHeader().getField(35)
        held["asked"].append(kind)
        self._keep(held)
        if how.get("die") == kind:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(how.get("slow", 0))
        if kind in how.get("silent", ()):
            return
        if "reject" in how:
            answer = self._message("j")
            answer.setField(372, kind)
            answer.setField(380, str(how["reject"]))
        else:
            answer = (self._report if kind == "CL" else self._define)(
                message, held, how
            )
            self._keep(held)
        if how.get("die_after") == kind:
            os.kill(os.getpid(), signal.SIGKILL)
        fix.Session.sendToTarget(answer, session)

    def _keep(self, held: dict[str, Any]) -> None:
        partial = self._folder / "held.partial"
        partial.write_text(json.dumps(held))
        partial.replace(self._folder / "held.json")

    def _message(self, kind: str) -> Any:
        message = fix.Message()
        message.getHeader().setField(35, kind)
        return message

    def _report(self, message: Any, held: dict[str, Any], _: dict[str, Any]) -> Any:
        answer = self._message("CM")
        answer.setField(1667, "report")
        answer.setField(1666, message.getField(1666))
        asked = []
        for number in range(1, int(message.getField(453)) + 1):
            group = fix.Group(453, 448)
            message.getGroup(number, group)
            asked.append(group.getField(448))
        found = [key for key in held["limits"] if key.split(":")[0] in asked]
        if not found:
            answer.setField(1511, "2")
            return answer
        answer.setField(1511, "0")
        for key in found:
            account, kind = key.split(":")
            party = fix.Group(1677, 1671)
            self._party(party, account, kind, held["limits"][key])
            party.setField(1670, f"theirs-{key}")
            answer.addGroup(party)
        return answer

    def _party(self, party: Any, account: str, kind: str, amount: str) -> None:
        detail = fix.Group(1671, 1691)
        detail.setField(1691, account)
        detail.setField(1692, "D")
        detail.setField(1693, "24")
        party.addGroup(detail)
        scope, one = fix.Group(1669, 1529), fix.Group(1529, 1530)
        one.setField(1530, kind)
        one.setField(1531, amount)
        scope.addGroup(one)
        party.addGroup(scope)

    def _define(self, message: Any, held: dict[str, Any], how: dict[str, Any]) -> Any:
        answer = self._message("CT")
        answer.setField(1666, message.getField(1666))
        worst = 0
        for number in range(1, int(message.getField(1677)) + 1):
            party, detail = fix.Group(1677, 1324), fix.Group(1671, 1691)
            scope, one = fix.Group(1669, 1529), fix.Group(1529, 1530)
            message.getGroup(number, party)
            party.getGroup(1, detail)
            party.getGroup(1, scope)
            scope.getGroup(1, one)
            account, kind = detail.getField(1691), one.getField(1530)
            amount, key = one.getField(1531), f"{account}:{kind}"
            result = 0
            if account not in ACCOUNTS:
                result = 1
            elif account in how.get("refuse", ()):
                result = 5
            elif (party.getField(1324) == "M") != (key in held["limits"]):
                result = 4 if party.getField(1324) == "M" else 13
            if not result and account not in how.get("deaf", ()):
                held["limits"][key] = amount
            back = fix.Group(1677, 1324)
            back.setField(1324, party.getField(1324))
            back.setField(1763, "2" if result else "0")
            back.setField(1764, str(result))
            self._party(back, account, kind, amount)
            answer.addGroup(back)
            worst = worst or result
        answer.setField(1761, "99" if worst else "0")
        answer.setField(1762, "2" if worst else "0")
        return answer


def _serve(folder: Path, port: int) -> None:
    values = {
        "ConnectionType": "acceptor", "StartTime": "00:00:00", "EndTime": "00:00:00",
        "NonStopSession": "Y", "HeartBtInt": "30", "ResetOnLogon": "Y",
        "UseDataDictionary": "Y",
        "DefaultApplVerID": "FIX.5.0SP2", "SocketAcceptPort": str(port),
        "SocketReuseAddress": "Y",
    } | dictionaries(folder)  # fmt: skip
    dictionary = fix.Dictionary()
    for name, value in values.items():
        dictionary.setString(name, value)
    settings = fix.SessionSettings()
    settings.set(fix.SessionID("FIXT.1.1", TARGET, SENDER), dictionary)
    application = _Application(folder)
    acceptor = fix.SocketAcceptor(application, fix.MemoryStoreFactory(), settings)
    acceptor.start()
    threading.Event().wait()
