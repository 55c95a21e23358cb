"""The ledger: one changed byte is found, and what is written past the commands."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.draws import draw
from tests.trading_limits.desk import LAST, NEXT, SESSION, LimitsDesk
from trading_limits.keys import Person, person
from trading_limits.ledger import (
    APPROVED,
    CHANGED,
    EXPORTED,
    FILE,
    HEAD,
    PROPOSED,
    SCHEMA,
    Ledger,
    LedgerError,
)
from trading_limits.people import decide
from trading_limits.proposal import proposed_path
from trading_limits.state import replay
from trading_limits.verify import verify


@pytest.fixture
def file(limits: LimitsDesk) -> Path:
    """A ledger with an entry of each kind but those of the end."""
    limits.propose()
    limits.decide("bob", only="A1")
    limits.decide("ann", approves=False)
    limits.export()
    limits.publish(session=NEXT)
    limits.propose()
    limits.change("extend", "eve", until=LAST.replace(day=29))
    return limits.home.limits / FILE


def test_any_changed_byte_is_found(limits: LimitsDesk, file: Path) -> None:
    whole = file.read_bytes()
    assert "9 entries of the ledger of limits" in verify(limits.home)
    for place in range(0, len(whole), draw(97, 3)):
        for byte in {whole[place] ^ 1, whole[place] ^ 32, ord(" ")} - {whole[place]}:
            file.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            with pytest.raises(LedgerError, match="Nothing is approved or exported"):
                verify(limits.home)
    for changed in (
        whole + b"\n", whole[:-1], whole + whole.splitlines(True)[-1],
        b"".join(whole.splitlines(True)[1:]), b"".join(whole.splitlines(True)[::-1]),
        whole.replace(b"\n", b"\r\n"),
        whole.replace(b'"signature":null', b'"signature":"00"', 1),
        whole.replace(b'":"', b'": "', 1),
    ):  # fmt: skip
        file.write_bytes(changed)
        with pytest.raises(LedgerError):
            verify(limits.home)
    file.write_bytes(whole)
    verify(limits.home)


def test_an_end_that_was_cut_off_is_found(limits: LimitsDesk, file: Path) -> None:
    whole = file.read_bytes().splitlines(True)
    for count in range(len(whole)):
        file.write_bytes(b"".join(whole[:count]))
        with pytest.raises(LedgerError, match="is missing: the file was cut off"):
            verify(limits.home)
    # Killed between the two files: the head is one behind, and all is there.
    file.write_bytes(b"".join(whole))
    before = json.loads(whole[-2])["hash"]
    (file.parent / HEAD).write_text(f"{before}\n")
    verify(limits.home)


def test_an_entry_that_is_added_while_it_is_read_is_no_damage(
    limits: LimitsDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits.propose()
    lines, is_done = Ledger._lines, False

    def meanwhile(ledger: Ledger) -> list[bytes]:
        nonlocal is_done
        found = lines(ledger)
        if not is_done:
            is_done = True
            limits.decide("bob")
        return found

    monkeypatch.setattr(Ledger, "_lines", meanwhile)
    before = Ledger(limits.home).entries()
    assert len(Ledger(limits.home).entries()) == len(before) + 1


def test_a_broken_chain_stops_every_command(limits: LimitsDesk, file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"Agreed", b"Agreet", 1))
    for work in (limits.propose, limits.export, lambda: limits.decide("bob")):
        with pytest.raises(LedgerError, match="is not what was written"):
            work()


def test_a_chain_made_anew_needs_every_key(limits: LimitsDesk, file: Path) -> None:
    """Who can write the file can hash it again, and cannot sign it."""
    entries = Ledger(limits.home).entries()
    forged = []
    for entry in entries:
        reason = "Forged" if entry.kind == APPROVED else entry.reason
        one = replace(
            entry, reason=reason, hash="",
            previous_hash=forged[-1].hash if forged else entry.previous_hash,
        )  # fmt: skip
        forged.append(replace(one, hash=one.digest()))
    file.write_bytes(b"".join(one.line() for one in forged))
    (file.parent / HEAD).write_text(f"{forged[-1].hash}\n")
    with pytest.raises(LedgerError, match="is not signed by bob's key"):
        verify(limits.home)


def as_person(limits: LimitsDesk, name: str, user: str | None = None) -> Person:
    """Somebody whose key a test uses past the commands."""
    with limits.at(user or name):
        return person(limits.settings, name)


@pytest.mark.parametrize(
    ("kind", "name", "problem"),
    [
        (APPROVED, "ann", r"ann \(ann\) proposed the limit of A1"),
        (APPROVED, None, "the key of None is unknown"),
        (APPROVED, "bob", "it has no reason"),
        (CHANGED, "bob", "ann did not propose it"),
        (PROPOSED, None, "the rules loosen the limit of A1"),
    ],
)
def test_what_the_rules_do_not_allow_is_found_in_the_ledger(
    limits: LimitsDesk, kind: str, name: str | None, problem: str
) -> None:
    limits.propose()
    limits.amend("ann", 1600)
    row = limits.rows()["A1"]
    body: dict = {"rows": [[*row.key, row.content_sha256]]}
    if kind in (CHANGED, PROPOSED):
        body = {"rows": [row.cells()], "withdrawn": []}
    ledger = Ledger(limits.home)
    ledger.append(
        ledger.entries(), kind, body, session=f"{SESSION}",
        by=as_person(limits, name) if name else None,
        reason=None if problem == "it has no reason" else "Past the commands",
    )  # fmt: skip
    with pytest.raises(LedgerError, match=problem):
        verify(limits.home)


def test_an_edited_set_and_an_edited_file_are_found(limits: LimitsDesk) -> None:
    limits.propose()
    limits.decide("bob")
    limits.export()
    for path in (proposed_path(limits.home, SESSION), limits.exported()):
        whole = path.read_bytes()
        path.write_bytes(whole.replace(b"1130", b"1180"))
        with pytest.raises(Exception, match=r"is not what was (proposed|exported)"):
            verify(limits.home)
        path.write_bytes(whole)
    verify(limits.home)


def test_the_table_has_what_the_file_has(limits: LimitsDesk, file: Path) -> None:
    table = Ledger.table(limits.entries())
    assert table.schema == SCHEMA
    lines = file.read_bytes().splitlines()
    assert table["hash"].to_pylist() == [json.loads(line)["hash"] for line in lines]
    assert EXPORTED in table["kind"].to_pylist()


def test_an_empty_ledger_is_said(limits: LimitsDesk, tmp_path: Path) -> None:
    del tmp_path
    for path in limits.home.limits.glob("ledger*"):
        path.unlink()
    assert "is empty" in verify(limits.home)
    assert replay([]).holders == {}
    with pytest.raises(Exception, match="not the next session"):
        decide(
            limits.settings, limits.home, session=NEXT, name="bob", reason="x",
            only=None, approves=True,
        )  # fmt: skip
