"""A desk of three people for tests of limits, whose facts a test sets as it likes."""

import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from runtime.home import Home
from runtime.sessions import sessions_between
from runtime.settings import Settings
from tests.conftest import make_settings
from trading_limits import confirm, export, people, proposal
from trading_limits.checks import compare
from trading_limits.facts import Facts
from trading_limits.ledger import Entry, Ledger
from trading_limits.rows import LimitRow, row_of
from trading_limits.rules import Bound, Breach, Effect, TraderFacts
from trading_limits.state import State, replay

SESSION = date(2025, 12, 19)
NEXT = date(2025, 12, 22)
LAST = date(2025, 12, 26)
"""Of five sessions from `SESSION` on; the 25th is none."""
AFTER = date(2025, 12, 29)
BOUND = Bound(Decimal(250), Decimal(5000), Decimal("0.25"))
CALM = TraderFacts(Decimal(1000), Decimal(800), 250, 9, None)
BREACHED = replace(
    CALM,
    one_in_twenty=Decimal(3410),
    breach=Breach(date(2025, 12, 18), Decimal(1500), Decimal(1849)),
)
FACTS = Facts(
    session=SESSION,
    traders={"A1": "T1", "A2": "T2", "A3": "T3"},
    by_trader={"T1": BREACHED, "T2": CALM, "T3": CALM},
    desk_limits={("A1", "max_loss"): Decimal(1500), ("A3", "max_loss"): Decimal(1200)},
    warning_shares={"T1": Decimal("0.5")},
    bounds={
        "max_loss": BOUND,
        "max_order_shares": Bound(Decimal(1), Decimal(2000), Decimal(1)),
    },
    model_version="2025-12-19-abc",
    ibkr_rules={},
    fix_limits={},
    is_sample=True,
)


@dataclass
class LimitsDesk:
    """A home and who is at the keyboard.

    Attributes:
        user: The system's user.
        facts: What is published; a test replaces it as time goes by.
    """

    home: Home
    settings: Settings
    user: str = "risk"
    facts: Facts = field(default_factory=lambda: FACTS)

    @contextmanager
    def at(self, user: str) -> Iterator[None]:
        """Let somebody else sit down."""
        before, self.user = self.user, user
        try:
            yield
        finally:
            self.user = before

    def propose(self) -> str:
        """`make limits`, as cron does it."""
        return proposal.propose(self.settings, self.home)

    def key(self, name: str) -> str:
        """`make limits-key`, by the user of that name."""
        with self.at(name):
            return people.register_key(self.settings, self.home, name)

    def decide(self, name: str, *, user: str | None = None, **said: object) -> str:
        """`make approve-limits`, or reject."""
        options = {
            "session": self.facts.session, "reason": "Agreed", "only": None,
            "approves": True,
        }  # fmt: skip
        with self.at(user or name):
            return people.decide(
                self.settings, self.home, name=name, **(options | said)
            )

    def amend(self, name: str, value: object, **said: object) -> str:
        """`make amend-limits` of A1's daily loss."""
        until = said.pop("until", None)
        with self.at(name):
            return people.amend(
                self.settings, self.home, self.request(name, said),
                value=Decimal(str(value)), until=until,
            )  # fmt: skip

    def change(self, kind: str, name: str, **said: object) -> str:
        """`make extend-limits` or `make revert-limits` of A1's daily loss."""
        more = {"until": said.pop("until")} if "until" in said else {}
        with self.at(name):
            return getattr(people, kind)(
                self.settings, self.home, self.request(name, said), **more
            )

    def request(self, name: str, said: dict[str, object]) -> people.Request:
        """Of A1's daily loss, unless something else is said."""
        options = {
            "session": self.facts.session, "reason": "Desk head asked",
            "account": "A1", "limit": "max_loss",
        }  # fmt: skip
        return people.Request(name=name, **(options | said))

    def check(self, platform: str, file: Path | None = None) -> str:
        """`make check-limits`."""
        return confirm.check(self.settings, self.home, platform=platform, file=file)

    def confirm(self, name: str, platform: str, **said: object) -> str:
        """`make confirm-limits`."""
        options = {
            "session": self.facts.session, "reason": "Looked at the screen",
            "file": None, "ask": lambda _: "",
        }  # fmt: skip
        with self.at(name):
            return confirm.confirm(
                self.settings, self.home, platform=platform, name=name,
                **(options | said),
            )  # fmt: skip

    def export(self, platform: str = "csv", *, shows_only: bool = False) -> str:
        """`make export-limits`."""
        return export.export(
            self.settings, self.home, session=self.facts.session, platform=platform,
            shows_only=shows_only,
        )  # fmt: skip

    def exported(self, platform: str = "csv") -> Path:
        """Where it lies."""
        return export.exported_path(self.home, self.facts.session, platform)

    def publish(self, **facts: object) -> None:
        """Another morning."""
        self.facts = replace(self.facts, **facts)

    def entries(self) -> list[Entry]:
        """Of the ledger."""
        return Ledger(self.home).entries()

    def state(self) -> State:
        """What they come to."""
        return replay(self.entries())

    def in_force(self, session: date | None = None) -> dict[tuple[str, str], Decimal]:
        """Values by account and limit."""
        found = self.state().in_force(session or self.facts.session)
        return {key: value for key, (_, value) in found.items()}

    def statuses(self, platform: str) -> dict[tuple[str, str], str]:
        """How each limit in force stands at a platform."""
        found = compare(self.state(), self.facts.session, [platform])
        return {(one.account_id, one.limit): one.status for one in found}

    def rows(self) -> dict[str, LimitRow]:
        """The set as its file has it, by account."""
        path = proposal.proposed_path(self.home, self.facts.session)
        return read_rows(path)


def read_rows(path: Path) -> dict[str, LimitRow]:
    """Rows of a file by account."""
    import csv

    with path.open(newline="") as file:
        return {cells["account_id"]: row_of(cells) for cells in csv.DictReader(file)}


def sessions_after(session: date, count: int) -> list[date]:
    """The sessions from one on."""
    return sessions_between(session, session + timedelta(days=2 * count + 14))[:count]


def effects(_: Home, values: set[Decimal]) -> dict[tuple[str, Decimal], Effect]:
    """Of T1 alone anything is known."""
    known = Effect(Decimal("12.50"), Decimal("-3.25"), Decimal("28.25"))
    return {("T1", value): known for value in values}


@contextmanager
def limits_desk(folder: Path) -> Iterator[LimitsDesk]:
    """A desk whose cron runs as `risk`; ann, bob and eve have keys."""
    settings = make_settings(
        source="sample", risk_home=folder / "home", limits_keys=folder / "keys"
    )
    desk = LimitsDesk(Home(folder / "home"), settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_name=desk.user))
        for module in (proposal, people, export, confirm):
            patch.setattr(module, "read_facts", lambda *_: desk.facts)
        patch.setattr(proposal, "stop_effects", effects)
        for name in ("ann", "bob", "eve"):
            desk.key(name)
        yield desk
