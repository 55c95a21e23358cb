"""Sheets to key in, the second pass, and files of what is in force elsewhere."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from runtime.errors import UserError
from tests.trading_limits.desk import LimitsDesk
from tests.trading_limits.test_ledger import as_person
from trading_limits.ledger import CHECKED, Ledger, LedgerError
from trading_limits.state import ON_THE_SCREEN
from trading_limits.verify import verify

AS_APPROVED = "Account,MaxLoss,Warning Loss,Max Order\nA2,1000,750,500\nA1,1130,565,\n"


@pytest.fixture
def keyed(limits: LimitsDesk) -> LimitsDesk:
    """A sheet for DAS, exported by cron."""
    limits.propose()
    limits.amend("ann", 500, account="A2", limit="max_order_shares")
    limits.decide("bob")
    limits.export("das")
    return limits


def file(limits: LimitsDesk, text: str) -> Path:
    path = limits.home.root / "screen.csv"
    path.write_text(text)
    return path


def test_a_sheet_has_the_columns_of_the_screen_and_a_page_to_print(
    keyed: LimitsDesk,
) -> None:
    path = keyed.exported("das")
    assert path.read_text() == (
        "Account,MaxLoss,Warning Loss,Max Position,Max Order,Buying Power\n"
        "A1,1130,565,,,\nA2,1000,750,,500,\n"
    )
    page = BeautifulSoup(path.with_suffix(".html").read_text(), "html.parser")
    assert page.h1.text == "DAS: limits for 2025-12-19"
    rows = [[cell.text for cell in row.find_all(["th", "td"])] for row in
            page.tbody.find_all("tr")]  # fmt: skip
    assert [row[0] for row in rows] == ["A1", "A2"]
    assert rows[0][1] == "1,130new"
    keyed.export("sterling")
    assert keyed.exported("sterling").read_text().startswith("Account,Max Loss,Max P")


def test_a_second_person_confirms_what_stands_on_the_screen(keyed: LimitsDesk) -> None:
    assert set(keyed.statuses("das").values()) == {"sent"}
    said = keyed.confirm("ann", "das", file=file(keyed, AS_APPROVED))
    assert "5 of 5 limits stand at das as approved" in said
    assert set(keyed.statuses("das").values()) == {"read back"}
    last = keyed.entries()[-1]
    assert (last.kind, last.name, last.body["how"]) == (CHECKED, "ann", ON_THE_SCREEN)
    verify(keyed.home)
    # What stood there is not marked as new on the next sheet.
    keyed.exported("das").unlink()
    keyed.export("das")
    assert (
        "new"
        not in keyed.exported("das")
        .with_suffix(".html")
        .read_text()
        .split("<tbody>")[1]
    )


def test_it_may_be_typed_and_what_is_approved_is_not_shown(keyed: LimitsDesk) -> None:
    asked = []
    answers = iter(["$1,130.00", "565", "1000", "750", "500"])

    def ask(what: str) -> str:
        asked.append(what)
        return next(answers)

    keyed.confirm("ann", "das", ask=ask)
    assert asked[0] == "A1, MaxLoss"
    assert not any("1130" in one for one in asked)
    assert set(keyed.statuses("das").values()) == {"read back"}


def test_what_differs_is_a_drift_named_by_account(keyed: LimitsDesk) -> None:
    text = AS_APPROVED.replace("1130", "11300").replace("750,500", "750,")
    with pytest.raises(UserError) as caught:
        keyed.confirm("ann", "das", file=file(keyed, text))
    line = str(caught.value)
    assert "2 of 5 limits at das drifted" in line
    assert "A1 max_loss: ours 1,130, theirs 11,300" in line
    assert "A2 max_order_shares: ours 500, theirs nothing" in line
    assert keyed.statuses("das")["A1", "max_loss"] == "drifted"
    # Corrected there, and looked at again.
    keyed.confirm("bob", "das", file=file(keyed, AS_APPROVED))
    assert set(keyed.statuses("das").values()) == {"read back"}


@pytest.mark.parametrize(
    ("name", "said", "problem"),
    [
        ("risk", {}, "risk.pem is not there"),
        ("ann", {"reason": " "}, "needs its reason"),
        ("ann", {"ask": lambda _: "a lot"}, "MaxLoss of A1 is no amount: a lot"),
        ("ann", {"file": Path("/nowhere.csv")}, "cannot be read"),
        ("ann", {"session": LimitsDesk}, "is not the next session"),
    ],
)
def test_what_is_refused_confirms_nothing(
    keyed: LimitsDesk, name: str, said: dict, problem: str
) -> None:
    entries = keyed.entries()
    with pytest.raises(UserError, match=problem):
        keyed.confirm(name, "das", **said)
    assert keyed.entries() == entries


def test_who_exported_the_sheet_does_not_confirm_it(limits: LimitsDesk) -> None:
    limits.propose()
    limits.decide("bob")
    with pytest.raises(UserError, match="nothing was exported for das"):
        limits.confirm("ann", "das")
    with limits.at("ann"):
        limits.export("das")
    with pytest.raises(UserError, match=r"ann \(ann\) exported the sheet"):
        limits.confirm("ann", "das")
    # Nor past the commands.
    ledger = Ledger(limits.home)
    body = {"platform": "das", "how": ON_THE_SCREEN, "found": [], "acknowledged": []}
    ledger.append(
        ledger.entries(), CHECKED, body, session="2025-12-19",
        by=as_person(limits, "ann"), reason="Me again",
    )  # fmt: skip
    with pytest.raises(LedgerError, match="exported the sheet"):
        verify(limits.home)


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        ("tt", "Currency,Account,Credit,Name\nUSD,A1,1130,x\nUSD,A2,1000,y\n"),
        ("csv", "account,limit,value\nA1,max_loss,1130\nA2,max_loss,1000\n"
                "A2,max_order_shares,500\nZ9,max_loss,1\n"),
        ("json", '{"limits": [{"account": "A1", "limit": "max_loss", "value": 1130},'
                 '{"account": "A2", "limit": "max_loss", "value": "1000"},'
                 '{"account": "A2", "limit": "max_order_shares", "value": "500.0"}]}'),
    ],
)  # fmt: skip
def test_a_file_of_what_is_in_force_confirms_or_names_the_drift(
    keyed: LimitsDesk, platform: str, text: str
) -> None:
    keyed.export(platform)
    assert "sent" in keyed.statuses(platform).values()
    keyed.check(platform, file(keyed, text))
    assert set(keyed.statuses(platform).values()) == {"read back"}
    with pytest.raises(UserError, match="A1 max_loss: ours 1,130, theirs 1,180"):
        keyed.check(platform, file(keyed, text.replace("1130", "1180")))
    for rubbish in ("", "\xff\x00", "a,b\n1,2\n", text.replace("1130", "NaN")):
        before = keyed.entries()
        with pytest.raises(UserError) as caught:
            keyed.check(platform, file(keyed, rubbish))
        assert "\n" not in str(caught.value)
        assert keyed.entries() == before


def test_each_platform_has_its_own_way(keyed: LimitsDesk) -> None:
    with pytest.raises(UserError, match="das is keyed in: somebody else confirms"):
        keyed.check("das")
    with pytest.raises(UserError, match="tt cannot be asked: FILE= names a file"):
        keyed.check("tt")
    with pytest.raises(UserError, match="tt is not keyed in: `make check-limits"):
        keyed.confirm("ann", "tt")


def test_what_changed_since_is_not_sent_and_no_drift(keyed: LimitsDesk) -> None:
    keyed.confirm("ann", "das", file=file(keyed, AS_APPROVED))
    keyed.amend("ann", 900, account="A2")
    keyed.decide("bob")
    found = keyed.statuses("das")
    assert found["A2", "max_loss"] == found["A2", "warning_loss"] == "not sent"
    assert found["A1", "max_loss"] == "read back"
