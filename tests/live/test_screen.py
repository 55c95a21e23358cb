"""Rows of the screen: which scopes have one, and that what is kept is what is true."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

from live.figures import Scope, Snapshot
from live.screen import Assessment, Chance, KeptRows, screen
from live.session import Session
from runtime.sessions import EASTERN
from tests.live.days import opening_of
from tests.live.desk import SmallWatch

DAY = date(2025, 3, 3)
NOON = datetime(2025, 3, 3, 12, tzinfo=EASTERN)


class OfAccounts(SmallWatch):
    """Says something of some accounts alone."""

    def __init__(self) -> None:
        super().__init__()
        self.named: set[str] = set()

    def assess(self, snapshot: Snapshot) -> Mapping[Scope, Assessment]:
        del snapshot
        said = Assessment(chance=Chance(reason="an account's own"))
        return {("account", name): said for name in self.named}


def test_an_account_that_is_all_of_a_trader_has_the_traders_row(tmp_path: Path) -> None:
    traders = {"A1": "Ann", "A2": "Bob", "A3": "Bob"}
    opening = opening_of(DAY, None, list(traders), traders=traders)
    folder = tmp_path / str(DAY)
    folder.mkdir()
    watch, kept = OfAccounts(), KeptRows()
    with Session(folder, opening, [], clock=lambda: NOON) as session:
        snapshot = session.snapshot()

        def accounts() -> list[str]:
            rows = screen(snapshot, watch, kept).rows
            whole = screen(snapshot, watch).rows
            assert [one for one in whole if one in rows] == list(rows)
            assert len(whole) == len(snapshot.scopes)
            return [one.scope_name for one in rows if one.scope_type == "account"]

        assert accounts() == ["A2", "A3"]
        watch.named = {"A1", "A3"}
        assert accounts() == ["A1", "A2", "A3"]
        watch.named = set()
        assert accounts() == ["A2", "A3"]
