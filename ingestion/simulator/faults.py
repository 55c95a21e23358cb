"""What can go wrong between a server and its client, on demand or at random."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from threading import Lock

Reply = tuple[int, str]


class Fault(StrEnum):
    """A way to spoil a reply.

    `TIMEOUT` answers too late, `CUT` sends half of what it announced, `DROP` nothing;
    the connection ends with each. `NO_TRAILER`, `CHANGED_PAGES` and `WRONG_HEADER`
    spoil only replies that have a trailer or a header. `SHIFTED_PAGES` hits a second
    or later page, as if a row had come in before it while the pages were read: it
    begins with the last row of the page before and loses its own last one.

    The last are of a server that means harm: `DRIP` sends a byte of its answer now and
    then, `FLOOD` one without end, `BOMB` a gibibyte packed small, and `ECHO` what it
    was sent, password and token included.
    """

    BUSY = "busy"
    ERROR = "error"
    BAD_GATEWAY = "bad gateway"
    UNAVAILABLE = "unavailable"
    GATEWAY_TIMEOUT = "gateway timeout"
    TIMEOUT = "timeout"
    CUT = "cut"
    DROP = "drop"
    HTML = "html"
    NO_TRAILER = "no trailer"
    CHANGED_PAGES = "changed pages"
    WRONG_HEADER = "wrong header"
    SHIFTED_PAGES = "shifted pages"
    EXPIRED = "expired"
    EMPTY = "empty"
    DRIP = "drip"
    FLOOD = "flood"
    BOMB = "bomb"
    ECHO = "echo"


_REPLIES: dict[Fault, Reply] = {
    Fault.BUSY: (429, "Too many requests."),
    Fault.ERROR: (500, "An error occurred."),
    Fault.BAD_GATEWAY: (502, "Bad gateway."),
    Fault.UNAVAILABLE: (503, "Service unavailable."),
    Fault.GATEWAY_TIMEOUT: (504, "Gateway timeout."),
    Fault.HTML: (
        200,
        "<!DOCTYPE html>\n<html><head><title>Log in</title></head>"
        "<body>Please log in.</body></html>\n",
    ),
    Fault.EXPIRED: (500, "Invalid or expired token."),
    Fault.EMPTY: (200, ""),
}
_FIRST_LINE = re.compile(r"[^\r\n]*")
_TRAILER = re.compile(r"(?P<page>Page \d+/)(?P<count>\d+)\Z")


def _without_trailer(text: str) -> str:
    return _TRAILER.sub("", text)


def _with_one_page_more(text: str) -> str:
    return _TRAILER.sub(lambda found: f"{found[1]}{int(found[2]) + 1}", text)


def _with_other_columns(text: str) -> str:
    found = _FIRST_LINE.match(text)
    assert found is not None, "a first line may be empty"
    header = found[0]
    if "," not in header:
        return text
    names = [f"Column {number}" for number in range(1, header.count(",") + 2)]
    return ",".join(names) + text[len(header) :]


_ALTERATIONS: dict[Fault, Callable[[str], str]] = {
    Fault.NO_TRAILER: _without_trailer,
    Fault.CHANGED_PAGES: _with_one_page_more,
    Fault.WRONG_HEADER: _with_other_columns,
}


def shifted(before: str, page: str) -> str:
    """A page after a row came in before it: its rows move on by one."""
    *_, last, _ = before.split("\n")
    header, *rows, trailer = page.split("\n")
    return "\n".join([header, last, *rows[:-1], trailer])


def spoiled(fault: Fault, reply: Reply) -> Reply:
    """Status and text in place of the right ones.

    The same as they were if the fault lies in how they travel, or finds nothing.
    """
    status, text = reply
    if fault in _ALTERATIONS and status == 200:
        return status, _ALTERATIONS[fault](text)
    return _REPLIES.get(fault, reply)


@dataclass
class _Order:
    fault: Fault
    action: str
    page: str | None
    after: int
    times: int


class Faults:
    """Decides which request gets which fault.

    Attributes:
        delay_seconds: How long a `TIMEOUT` keeps its client waiting.
        injected: How often each fault was given; `clear` keeps it.
    """

    def __init__(self) -> None:
        self.delay_seconds = 30.0
        self.injected: Counter[Fault] = Counter()
        self._lock = Lock()
        self._orders: list[_Order] = []
        self._share = 0.0
        self._kinds: Sequence[Fault] = ()
        self._chance = Random()

    def once(
        self,
        fault: Fault,
        action: str = "fills",
        times: int = 1,
        page: int | None = None,
        after: int = 0,
    ) -> None:
        """Give a fault to the next requests of an action.

        A request gets one fault at most; what was ordered first comes first.

        Args:
            times: How many requests get it.
            page: Only requests of this page count.
            after: How many such requests pass before.
        """
        wanted = None if page is None else str(page)
        with self._lock:
            self._orders.append(_Order(fault, action, wanted, after, times))

    def random(self, share: float, kinds: Sequence[Fault], seed: int) -> None:
        """Give any request, log-in and log-out included, one of `kinds` by chance.

        Args:
            share: Probability of a fault; of a request for which an order of `once`
                waits it is not asked.
        """
        with self._lock:
            self._share, self._kinds, self._chance = share, kinds, Random(seed)

    def clear(self) -> None:
        """No more faults."""
        with self._lock:
            self._orders.clear()
            self._share = 0.0

    def draw(self, fields: Mapping[str, str], reply: Reply) -> Fault | None:
        """The fault that a request gets in place of its right reply, if any."""
        with self._lock:
            fault = self._ordered(fields, reply) or self._by_chance(fields, reply)
            if fault is not None:
                self.injected[fault] += 1
            return fault

    def _ordered(self, fields: Mapping[str, str], reply: Reply) -> Fault | None:
        given = None
        for order in list(self._orders):
            if order.action != fields.get("action"):
                continue
            if order.page not in (None, fields.get("page")):
                continue
            if order.after:
                order.after -= 1
            elif given is None and _can_hit(order.fault, fields, reply):
                given = order.fault
                order.times -= 1
                if not order.times:
                    self._orders.remove(order)
        return given

    def _by_chance(self, fields: Mapping[str, str], reply: Reply) -> Fault | None:
        if self._chance.random() >= self._share:
            return None
        kinds = [kind for kind in self._kinds if _can_hit(kind, fields, reply)]
        return self._chance.choice(kinds) if kinds else None


def _can_hit(fault: Fault, fields: Mapping[str, str], reply: Reply) -> bool:
    if fault is Fault.SHIFTED_PAGES:
        return reply[0] == 200 and fields.get("page", "1") != "1"
    return fault not in _ALTERATIONS or spoiled(fault, reply) != reply
