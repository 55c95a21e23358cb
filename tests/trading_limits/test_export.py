"""Files for platforms, parsed back; whole or not there; twice is once."""

import csv
import json
import re
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from typing import get_args

import pytest

from runtime.errors import UserError
from runtime.settings import PlatformName
from tests.trading_limits.desk import AFTER, BOUND, FACTS, LAST, NEXT, LimitsDesk
from trading_limits.export import PLATFORMS
from trading_limits.platforms import LimitInForce, Wanted, ibkr
from trading_limits.platforms.sheet import SHEETS
from trading_limits.rows import WARNING

# Those that a person takes; the others are sent, and read back.
FILES = [name for name, form in PLATFORMS.items() if form.send is None]
RULES = {
    "max_loss": ("Loss of the Day", "Amount"),
    "max_order_shares": ("Order", "Qty"),
}


@pytest.fixture
def approved(limits: LimitsDesk) -> LimitsDesk:
    """Two limits of one kind and one of another, approved."""
    limits.publish(ibkr_rules=RULES)
    limits.propose()
    limits.amend("ann", 500, account="A2", limit="max_order_shares")
    limits.decide("bob")
    return limits


def test_the_settings_know_the_same_platforms() -> None:
    assert get_args(PlatformName) == tuple(PLATFORMS)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nothing_goes_out_that_nobody_approved(
    limits: LimitsDesk, platform: str
) -> None:
    limits.publish(ibkr_rules=RULES)
    with pytest.raises(UserError, match="No limits are proposed for 2025-12-19"):
        limits.export(platform)
    limits.propose()
    with pytest.raises(UserError, match=r"Nothing of the set .* is approved; 2 wait"):
        limits.export(platform)
    limits.decide("bob", approves=False)
    with pytest.raises(UserError, match="No approved limit is in force"):
        limits.export(platform)
    assert not limits.exported(platform).parent.exists()


def parsed(limits: LimitsDesk, platform: str) -> dict[tuple[str, str], Decimal]:
    """What a platform would take from its file."""
    text = limits.exported(platform).read_text()
    if platform == "json":
        return {
            (one["account"], one["limit"]): Decimal(one["value"])
            for one in json.loads(text)["limits"]
        }
    if platform == "ibkr":
        return {
            tuple(name.split()[:2]): Decimal(rule[RULES[name.split()[1]][1]])
            for name, rule in restrictions(text).items()
        }
    rows = csv.DictReader(StringIO(text))
    if platform in SHEETS:
        columns = {name: one for one, name in SHEETS[platform].columns.items()}
        return {
            (row["Account"], columns[name]): Decimal(cell)
            for row in rows
            for name, cell in row.items()
            if cell and columns.get(name, WARNING) != WARNING and name != "Account"
        }
    if platform == "tt":
        assert rows.fieldnames == ["Account", "Credit", "Currency"]
        return {(row["Account"], "max_loss"): Decimal(row["Credit"]) for row in rows}
    return {(row["account"], row["limit"]): Decimal(row["value"]) for row in rows}


def restrictions(text: str) -> dict[str, dict[str, str]]:
    """Restrictions by name, read by what Interactive Brokers documents."""
    found = {}
    for line in text.splitlines():
        action, name, *cells = line.split(",")
        assert action == "RESTR_ADD"
        assert name not in found, "a name must be unique"
        begin, end = cells.index("RULE_BEGIN"), cells.index("RULE_END")
        assert end == len(cells) - 1
        rule = dict(re.fullmatch(r'(.+?)="?(.*?)"?', one).groups() for one in
                    cells[:begin] + cells[begin + 1 : end])  # fmt: skip
        assert rule["TIF"] in ("GTC", "GTD")
        if rule["TIF"] == "GTD":
            assert re.fullmatch(r"\d{8}", rule["START"])
            assert re.fullmatch(r"\d{8}", rule["END"])
        found[name] = rule
    return found


@pytest.mark.parametrize("platform", FILES)
def test_a_file_holds_exactly_what_is_approved(
    approved: LimitsDesk, platform: str
) -> None:
    approved.export(platform)
    expected = approved.in_force()
    assert len(expected) == 3
    if platform == "tt":
        expected = {key: one for key, one in expected.items() if key[1] == "max_loss"}
    assert parsed(approved, platform) == expected


@pytest.mark.parametrize("platform", FILES)
def test_twice_sends_once(approved: LimitsDesk, platform: str) -> None:
    approved.export(platform)
    path = approved.exported(platform)
    before, entries = path.stat().st_mtime_ns, approved.entries()
    assert "nothing to send" in approved.export(platform)
    assert (path.stat().st_mtime_ns, approved.entries()) == (before, entries)
    # Killed before the ledger said so, or edited since: the same file again.
    whole = path.read_bytes()
    path.write_bytes(b"half")
    approved.export(platform)
    assert (path.read_bytes(), approved.entries()) == (whole, entries)


@pytest.mark.parametrize("platform", FILES)
def test_dry_run_shows_and_writes_nothing(approved: LimitsDesk, platform: str) -> None:
    entries = approved.entries()
    shown = approved.export(platform, shows_only=True)
    assert "Nothing was written (DRY_RUN)" in shown
    assert not approved.exported(platform).parent.exists()
    assert approved.entries() == entries
    approved.export(platform)
    assert approved.exported(platform).read_text().rstrip("\n") in shown


@pytest.mark.parametrize("platform", FILES)
def test_one_account_that_left_or_one_limit_beyond_stops_the_whole(
    approved: LimitsDesk, platform: str
) -> None:
    approved.publish(traders={"A2": "T2"})
    with pytest.raises(
        UserError, match="A1 has an approved max_loss and is no account"
    ):
        approved.export(platform)
    low = {"max_loss": replace(BOUND, ceiling=Decimal(1100))} | {
        "max_order_shares": FACTS.bounds["max_order_shares"]
    }
    approved.publish(traders=FACTS.traders, bounds=low)
    with pytest.raises(UserError, match=r"1130 of A1 is beyond .* ceiling of 1100"):
        approved.export(platform)
    assert not approved.exported(platform).parent.exists()


def test_what_reverted_goes_out_reverted(approved: LimitsDesk) -> None:
    approved.publish(session=AFTER)
    approved.propose()
    approved.export("tt")
    assert parsed(approved, "tt") == {
        ("A1", "max_loss"): 1500,
        ("A2", "max_loss"): 1000,
    }
    approved.export("csv")
    with approved.exported().open() as file:
        row = next(csv.DictReader(file))
    assert (row["value"], row["warning"], row["until"]) == ("1500", "750", "")


def test_a_restriction_is_added_once_and_its_end_is_in_the_file(
    approved: LimitsDesk,
) -> None:
    said = approved.export("ibkr")
    assert "associate new restrictions with their accounts" in said
    found = restrictions(approved.exported("ibkr").read_text())
    temporary = next(rule for name, rule in found.items() if name.startswith("A1 "))
    assert (temporary["TIF"], temporary["START"], temporary["END"]) == (
        "GTD", "20251219", f"{LAST:%Y%m%d}"
    )  # fmt: skip
    approved.publish(session=NEXT)
    approved.propose()
    assert "ibkr has all that is approved" in approved.export("ibkr")
    assert not approved.exported("ibkr").exists()
    approved.publish(session=AFTER)
    approved.propose()
    approved.export("ibkr")
    again = restrictions(approved.exported("ibkr").read_text())
    assert [name.split()[:3] for name in again] == [["A1", "max_loss", "1500"]]
    assert not found.keys() & again.keys()


def test_a_second_file_of_a_session_says_what_the_first_held(
    limits: LimitsDesk,
) -> None:
    limits.publish(ibkr_rules=RULES)
    limits.propose()
    limits.decide("bob", only="A1")
    assert "Not in it: 1 that wait for approval" in limits.export("ibkr")
    assert "the file of before" not in limits.export("ibkr")
    limits.decide("bob")
    said = limits.export("ibkr")
    assert "the file of before had 1 of these: if it was uploaded" in said
    assert len(restrictions(limits.exported("ibkr").read_text())) == 2


def test_interactive_brokers_limits_of_size_and_lines_are_kept() -> None:
    def wanted(count: int, account: str) -> Wanted:
        limit = LimitInForce(
            "id", account, "T1", "max_loss", Decimal(1000), None, "USD", None, "bob", ""
        )
        limits = [replace(limit, id=f"{n}") for n in range(count)]
        return Wanted(NEXT, limits, frozenset(), frozenset(), RULES)

    file = ibkr.FORMAT.write(wanted(2_500, "A1"))
    assert len(file.content.splitlines()) == 2_500
    with pytest.raises(UserError, match=r"would have 2,600 lines and .* bytes"):
        ibkr.FORMAT.write(wanted(2_600, "A" * 60))
    with pytest.raises(UserError, match="has a comma or a quote"):
        ibkr.FORMAT.write(wanted(1, 'A"1'))


def test_a_platform_that_takes_nothing_of_it_says_so(limits: LimitsDesk) -> None:
    limits.propose()
    limits.decide("bob", approves=False)
    limits.amend("ann", 500, account="A2", limit="max_order_shares")
    limits.decide("bob")
    with pytest.raises(
        UserError, match="No max_loss is approved.*TT takes nothing else"
    ):
        limits.export("tt")
    with pytest.raises(UserError, match="ibkr_rules.csv of the desk names no rule"):
        limits.export("ibkr")
    limits.export("csv")
