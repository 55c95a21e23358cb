"""Whose fills a name stands for: never another's in silence, and no fill twice."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from ingestion.documents import Document
from ingestion.exports_folder import UnreadFile
from ingestion.gate import GateError
from ingestion.pipeline import IngestSummary, load
from ingestion.resources import ACCOUNTS, FILLS
from ingestion.sources import Request
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import sessions_between
from tests.conftest import make_settings, rows
from tests.ingestion.test_account_ids import COUNTED
from tests.mornings import CURRENT_VERSIONS

SESSIONS = sessions_between(date(2025, 3, 3), date(2025, 3, 21))
HEADER = (
    "Date/Time,Account,B/S,Qty,Symbol,Price,Liq,Order Id,Fill Id,Status,PropReports Id"
)
PER_DAY = 10
A, B = "MERIDIAN CAPITAL PARTNERS A", "MERIDIAN CAPITAL PARTNERS B"
SHOWN = A[:20].strip()
OTHER = {"OTHER1": "9"}
Lists = dict[str, str]


class Told:
    """A source that shows a list and fills, as files or as an answer of the API."""

    name, firm = "api", "A firm"
    desk_lines: ClassVar = {}

    def __init__(self, listed: Lists, fills: list[str], as_of: date, kind: str) -> None:
        self.reads_whole = kind == "files"
        self._listed = listed
        self._fills = fills
        self._as_of = as_of

    def version(self) -> None:
        return None

    def latest_as_of(self) -> date | None:
        return None if self.reads_whole else self._as_of

    def accounts(self) -> Document:
        first = f"{SESSIONS[0]:%m/%d/%Y}"
        lines = [f"{number},{name},{first}" for name, number in self._listed.items()]
        text = "\n".join(["Account Id,Account Name,First Traded", *lines, ""])
        return Document(ACCOUNTS, "accounts", text.encode())

    def requests(self, _: Lists, first: date, last: date) -> list[Request]:
        if self.reads_whole:
            return [Request("fills", FILLS)]
        return [Request("fills", FILLS, first=first, last=last)]

    def read(self, request: Request) -> Iterator[Document]:
        covers, lines = None, self._fills
        if request.first and request.last:
            covers = (request.first, request.last)
            asked = [
                f"{x:%m/%d/%Y}" for x in SESSIONS if request.first <= x <= request.last
            ]
            lines = [x for x in lines if x.split()[0] in asked]
        text = "\n".join([HEADER, *lines, ""]).encode()
        yield Document(FILLS, "fills", text, covers=covers)

    def unread(self) -> list[UnreadFile]:
        return []

    def finish(self, _: Home) -> None:
        return


def fills(name: str, days: int, per_day: int = PER_DAY) -> list[str]:
    """Round trips under a name, of the first sessions."""
    return [
        f"{day:%m/%d/%Y} 10:{minute:02}:00,{name},{'BS'[minute % 2]},"
        f"{100 + minute // 2},ABC,10.{minute:02},,,,REGULAR,{name[:4]}{day}{minute}"
        for day in SESSIONS[:days]
        for minute in range(per_day)
    ]


def morning(
    home: Home, kind: str, listed: Lists, shown: list[str], days: int
) -> IngestSummary:
    """Load what is shown after so many sessions, with a gate that stops."""
    as_of = SESSIONS[days - 1] + timedelta(days=1)
    now = datetime.combine(as_of, datetime.min.time(), UTC) + timedelta(hours=13)
    return load(
        make_settings(risk_home=home.root, source="files", exports=home.root),
        Told(OTHER | listed, shown, as_of, kind),
        home,
        now=now.replace(tzinfo=None),
    )


def counted(home: Home) -> int:
    """Fills that count for an analyst."""
    return rows(home, COUNTED)[0][0]


def held(home: Home) -> dict[str, int]:
    """Fills by account number; what no list has is `unlisted`."""
    current = CURRENT_VERSIONS.format(resource="fills")
    return dict(
        rows(
            home,
            f"""
            with current_versions as ({current})
            select regexp_replace(account_number, '-.*', ''), count(*) from raw.fills
            inner join current_versions
                using (account_number, trade_date, content_hash)
            where account_number <> '9' group by 1
            """,
        )
    )


# The lists of some mornings, and where the fills are in the end; one more day is shown
# on each of them. None: the last list is refused.
WHOSE: dict[str, tuple[list[Lists], dict[str, int] | None]] = {
    "joined": ([{A: "1"}, {A: "1", B: "2"}], None),
    "joined by one who is called so": ([{A: "1"}, {A: "1", SHOWN: "2"}], None),
    "joined by another case": ([{A: "1"}, {A: "1", A.replace(" A", " a"): "2"}], None),
    "replaced": ([{A: "1"}, {B: "2"}], None),
    "gone and replaced": ([{A: "1"}, {}, {B: "2"}], None),
    "of nobody, listed, joined": ([{}, {A: "1"}, {A: "1", B: "2"}], None),
    "gone": ([{A: "1"}, {}, {}], {"1": 50}),
    "gone and back": ([{A: "1"}, {}, {A: "1"}], {"1": 50}),
    "renamed": ([{A: "1"}, {"X1": "1"}], {"1": 40}),
    "renamed, then another": ([{A: "1"}, {"X1": "1", B: "2"}], {"1": 30, "2": 10}),
    "renumbered": ([{A: "1"}, {A: "2"}], {"2": 40}),
    "two from the first": ([{A: "1", B: "2"}, {A: "1"}, {B: "2"}], {"unlisted": 50}),
    # Nobody has it any more, and what they held by it stays theirs.
    "both renamed": (
        [{A: "1"}, {"X1": "1", B: "2"}, {"X1": "1", "Y1": "2"}],
        {"1": 30, "2": 10, "unlisted": 10},
    ),
    "listed late": ([{}, {A: "1"}], {"1": 40}),
}


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["files", "api"])
@pytest.mark.parametrize(("lists", "expected"), WHOSE.values(), ids=WHOSE)
def test_what_a_beginning_meant_it_means(
    tmp_path: Path, kind: str, lists: list[Lists], expected: dict[str, int] | None
) -> None:
    home = Home(tmp_path / "home")
    for days, listed in enumerate(lists, start=3):
        shown = [*fills("OTHER1", days, 30), *fills(SHOWN, days)]
        before = held(home) if days > 3 else {}
        if expected is None and listed is lists[-1]:
            with pytest.raises(UserError, match=r"numbers 1 and 2 begin with") as error:
                morning(home, kind, listed, shown, days)
            assert "\n" not in str(error.value)
            assert held(home) == before
        else:
            summary = morning(home, kind, listed, shown, days)
            assert summary.vanished_days == 0
            assert counted(home) == days * (30 + PER_DAY)
    if expected is not None:
        found = held(home)
        # What an earlier number of an account holds counts under the last one.
        assert {x: found.get(x) for x in expected} == expected


@pytest.mark.few(1)
@pytest.mark.parametrize("then", ["as it was", "corrected"])
def test_what_an_account_traded_before_it_was_listed_moves_to_it(
    tmp_path: Path, then: str
) -> None:
    home = Home(tmp_path / "home")
    other, late = fills("OTHER1", 5, 30), fills("LATE1", 5)
    morning(home, "api", {}, other + late, 5)
    if then == "corrected":
        late = [x.replace(",ABC,", ",XYZ,") for x in late[1:]]
    summary = morning(home, "api", {"LATE1": "7"}, other + late, 5)
    assert (summary.vanished_days, summary.warnings) == (0, 0)
    assert counted(home) == len(other + late)
    assert held(home) == {"7": len(late)}
    # Nor is it told on any later morning.
    later = fills("OTHER1", 6, 30) + late
    assert morning(home, "api", {"LATE1": "7"}, later, 6).warnings == 0
    assert held(home) == {"7": len(late)}


@pytest.mark.long
def test_what_is_lost_while_an_account_is_listed_is_said(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    other, late = fills("OTHER1", 5, 30), fills("LATE1", 5)
    morning(home, "api", {}, other + late, 5)
    with pytest.raises(GateError, match=r"account unlisted-\w+ lost 25 of 50"):
        morning(home, "api", {"LATE1": "7"}, other + late[::2], 5)
    assert held(home) == {"unlisted": len(late)}
