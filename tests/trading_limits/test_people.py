"""Proposals, two people, and what is refused in one line."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from runtime.errors import UserError
from runtime.sessions import utc_now
from tests.trading_limits.desk import (
    AFTER,
    BOUND,
    BREACHED,
    CALM,
    FACTS,
    LAST,
    NEXT,
    SESSION,
    LimitsDesk,
)
from trading_limits.keys import key_path
from trading_limits.people import revoke_key
from trading_limits.proposal import proposed_path
from trading_limits.rules import Breach

LOSS = ("A1", "max_loss")


def refused(text: str, work: object, *arguments: object, **options: object) -> str:
    """The line that says why, which leaves no trace."""
    with pytest.raises(UserError, match=text) as caught:
        work(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_proposal_says_old_new_why_how_long_and_what_then(
    limits: LimitsDesk,
) -> None:
    said = limits.propose()
    first, second = limits.rows().values()
    assert (first.account_id, first.previous_value, first.value) == ("A1", 1500, 1130)
    assert (first.limit_type, first.effective_session, first.expires_session) == (
        "temporary", SESSION, LAST
    )  # fmt: skip
    assert (first.reverts_to, first.warning_loss) == (1500, 565)
    assert first.reason == (
        "Lost up to $1,849 on 2025-12-18, beyond the limit of $1,500. A stop at $1,130 "
        "would have changed the mean day by +12.50 dollars (90 % interval -3.25 to "
        "+28.25, no significant improvement)."
    )
    assert (second.account_id, second.previous_value, second.value) == (
        "A2",
        None,
        1000,
    )
    assert (second.limit_type, second.expires_session) == ("official", None)
    assert "No daily loss limit is set" in second.reason
    assert "not known: too few days" in second.reason
    assert "2 waiting for approval" in said


def test_proposing_again_changes_nothing(limits: LimitsDesk) -> None:
    limits.propose()
    before = limits.entries()
    limits.propose()
    assert limits.entries() == before
    # Other facts are another version; what is no longer proposed is withdrawn.
    changed = replace(CALM, one_in_twenty=Decimal(900))
    limits.publish(by_trader={"T1": CALM, "T2": changed, "T3": CALM})
    limits.propose()
    (row,) = limits.rows().values()
    assert (row.account_id, row.value, row.version) == ("A2", 900, 2)


def test_somebody_else_approves(limits: LimitsDesk) -> None:
    with limits.at("ann"):
        limits.propose()
    refused(r"ann \(ann\) proposed the limit of A1", limits.decide, "ann")
    assert limits.in_force() == {}
    assert "2 limits approved by bob" in limits.decide("bob")
    assert limits.in_force() == {LOSS: 1130, ("A2", "max_loss"): 1000}
    assert {row.approved_by for row in limits.rows().values()} == {"bob"}
    refused("Nothing waits.*approved by bob", limits.decide, "eve")


def test_only_some_are_approved_and_some_rejected(limits: LimitsDesk) -> None:
    limits.propose()
    limits.decide("bob", only="A2:max_loss")
    limits.decide("bob", approves=False, reason="Was a fat finger")
    assert limits.in_force() == {("A2", "max_loss"): 1000}
    assert list(limits.rows()) == ["A2"]
    # Rejected stays rejected, however often it is proposed.
    limits.propose()
    assert list(limits.rows()) == ["A2"]
    refused("ONLY=A9 is not in the set", limits.decide, "bob", only="A9")


def test_nobody_signs_in_anothers_name(limits: LimitsDesk) -> None:
    limits.propose()
    refused("bob is bob; this is ann", limits.decide, "bob", user="ann")
    refused("ann has a key already, as ann", named, limits, "ann", "mallory")
    refused("key of zoe|zoe.pem is not there", limits.decide, "zoe")
    # A key of one's own, under the other's name.
    key_path(limits.settings, "bob").write_bytes(
        key_path(limits.settings, "ann").read_bytes()
    )
    refused("The key of bob is not known here", limits.decide, "bob")
    key_path(limits.settings, "ann").chmod(0o644)
    refused("is open to others", limits.decide, "ann")
    assert limits.in_force() == {}


def test_a_key_that_is_lost_is_revoked_and_made_anew(limits: LimitsDesk) -> None:
    limits.propose()
    limits.decide("ann", only="A1")
    key_path(limits.settings, "ann").unlink()
    refused("If it is lost, somebody else revokes it", limits.key, "ann")
    with limits.at("bob"):
        for revoked, reason, problem in (
            ("zoe", "Left", "REVOKE=zoe has no key here"),
            ("ann", "", "needs its reason"),
        ):
            refused(
                problem, revoke_key, limits.settings, limits.home, name="bob",
                revoked=revoked, reason=reason,
            )  # fmt: skip
        revoke_key(
            limits.settings, limits.home, name="bob", revoked="ann", reason="Lost"
        )
    limits.key("ann")
    limits.decide("ann")
    # What the first key signed stays signed.
    assert len(limits.in_force()) == 2


def named(limits: LimitsDesk, user: str, name: str) -> None:
    with limits.at(user):
        from trading_limits.people import register_key

        register_key(limits.settings, limits.home, name)


def test_a_person_loosens_with_a_reason_within_the_bounds(limits: LimitsDesk) -> None:
    limits.propose()
    refused("needs its reason", limits.amend, "ann", 1600, reason=" ")
    refused("is beyond the ceiling of 5000", limits.amend, "ann", 5001)
    refused("is below the floor of 250", limits.amend, "ann", 249)
    refused("more than the largest change a day, 25 %", limits.amend, "ann", 1900)
    refused("says nothing of max_gross", limits.amend, "ann", 100, limit="max_gross")
    refused("A9 is no account", limits.amend, "ann", 1600, account="A9")
    limits.amend("ann", 1600)
    row = limits.rows()["A1"]
    assert (row.previous_value, row.value, row.proposed_by) == (1500, 1600, "ann")
    assert (row.limit_type, row.model_version) == ("official", None)
    # The rules leave it alone from now on.
    limits.propose()
    assert limits.rows()["A1"] == row
    refused(r"ann \(ann\) proposed", limits.decide, "ann", only="A1")
    limits.decide("bob")
    assert limits.in_force()[LOSS] == 1600


def test_the_bounds_of_today_count_when_it_is_approved(limits: LimitsDesk) -> None:
    limits.propose()
    limits.publish(bounds={"max_loss": replace(BOUND, ceiling=Decimal(1100))})
    refused("1130 is beyond the ceiling of 1100", limits.decide, "bob")


def test_a_temporary_limit_reverts_by_itself_and_says_so(limits: LimitsDesk) -> None:
    limits.propose()
    limits.decide("bob")
    limits.publish(session=LAST)
    assert "back at" not in limits.propose()
    assert limits.in_force()[LOSS] == 1130
    limits.publish(session=AFTER)
    said = limits.propose()
    assert "A1: max_loss is back at 1500 (it was 1130 until 2025-12-26)" in said
    assert limits.in_force()[LOSS] == 1500
    assert "back at" not in limits.propose()


def test_one_breach_tightens_once(limits: LimitsDesk) -> None:
    limits.propose()
    limits.decide("bob")
    limits.publish(session=NEXT)
    limits.propose()
    assert limits.rows() == {}
    limits.publish(session=AFTER)
    limits.propose()
    assert limits.rows() == {}
    again = Breach(NEXT, Decimal(1130), Decimal(1300))
    limits.publish(by_trader=FACTS.by_trader | {"T1": replace(BREACHED, breach=again)})
    limits.propose()
    assert (limits.rows()["A1"].previous_value, limits.rows()["A1"].value) == (
        1500,
        1130,
    )


def test_a_temporary_limit_is_extended_or_ended_early(limits: LimitsDesk) -> None:
    limits.propose()
    limits.decide("bob")
    limits.publish(session=NEXT)
    limits.propose()
    refused(
        "lasts until 2025-12-26 already", limits.change, "extend", "ann", until=LAST
    )
    refused("is no session", limits.change, "extend", "ann", until=AFTER - timedelta(1))
    limits.change("extend", "ann", until=AFTER)
    limits.decide("bob")
    assert limits.in_force(AFTER)[LOSS] == 1130
    limits.change("revert", "bob")
    assert limits.rows()["A1"].previous_value == 1130
    refused("bob", limits.decide, "bob")
    # More than the largest change a day, and yet what was approved before.
    limits.decide("ann")
    assert limits.in_force()[LOSS] == 1500
    refused("No temporary max_loss of A1", limits.change, "revert", "bob")


def test_a_temporary_amendment_reverts_to_the_official_limit(
    limits: LimitsDesk,
) -> None:
    limits.propose()
    refused(
        "has nothing to go back to", limits.amend, "ann", 900, account="A2", until=LAST
    )
    limits.decide("bob")
    limits.publish(session=NEXT)
    limits.propose()
    limits.amend("ann", 1000, until=AFTER)
    limits.decide("bob")
    assert limits.in_force(AFTER)[LOSS] == 1000
    assert limits.rows()["A1"].reverts_to == 1500


def test_yesterdays_set_is_nobodys(limits: LimitsDesk) -> None:
    limits.propose()
    limits.publish(session=NEXT)
    for work in (limits.decide, limits.amend):
        arguments = ("bob",) if work == limits.decide else ("bob", 1000)
        refused(
            "SESSION=2025-12-19 is not the next session, which is 2025-12-22",
            work, *arguments, session=SESSION,
        )  # fmt: skip


def test_an_edited_file_is_refused_until_it_is_written_anew(limits: LimitsDesk) -> None:
    limits.propose()
    path = proposed_path(limits.home, SESSION)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"1130", b"1190"))
    refused("is not what was proposed: it was edited", limits.decide, "bob")
    path.unlink()
    refused("is not what was proposed", limits.decide, "bob")
    limits.propose()
    assert path.read_bytes() == whole
    limits.decide("bob")


def test_of_two_approvals_at_once_one_counts(limits: LimitsDesk) -> None:
    limits.propose()
    # All sit at one keyboard here: the system's user is bob's.
    limits.user = "bob"

    def approve(_: int) -> str:
        try:
            return limits.decide("bob")
        except UserError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(approve, range(4)))
    assert [one[:8] for one in said] == ["2 limits"] + ["Nothing "] * 3
    assert [one.kind for one in limits.entries()].count("approved") == 1


def test_a_clock_that_goes_back_is_refused(
    limits: LimitsDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits.propose()
    yesterday = utc_now() - timedelta(days=1)
    monkeypatch.setattr("trading_limits.ledger.utc_now", lambda: yesterday)
    refused("before the last entry of the ledger", limits.decide, "bob")
    assert limits.in_force() == {}


def test_an_account_that_left_loses_its_limits(limits: LimitsDesk) -> None:
    limits.propose()
    limits.publish(traders={"A2": "T2", "A3": "T3"})
    refused("A1 is no account that trades for the desk", limits.decide, "bob")
    limits.publish(traders=FACTS.traders)
    limits.decide("bob")
    limits.publish(session=NEXT, traders={"A2": "T2", "A3": "T3"})
    refused("No limits are proposed for 2025-12-22", limits.export)
    said = limits.propose()
    assert "Left, and without limits from now on: A1" in said
    assert limits.in_force() == {("A2", "max_loss"): 1000}


def test_without_bounds_nothing_is_proposed(limits: LimitsDesk) -> None:
    limits.publish(bounds={})
    refused("limit_bounds.csv of the desk has no line", limits.propose)
