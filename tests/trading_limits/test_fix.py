"""Limits over FIX 5.0 SP2, against an acceptor that behaves as documented."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("quickfix", reason="make setup-live")

from runtime.errors import UserError
from tests.conftest import make_settings
from tests.trading_limits.desk import LimitsDesk
from tests.trading_limits.fix_venue import (
    PASSWORD,
    SENDER,
    TARGET,
    USER,
    Venue,
    fix_venue,
)
from tests.trading_limits.test_kills import killed_at
from trading_limits.platforms import fix

TYPES = {"max_loss": (100, 2), "max_order_shares": (10, None)}
APPROVED = {"A1:100": "1130", "A2:100": "1000", "A2:10": "500"}


@pytest.fixture
def venue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Venue]:
    monkeypatch.setattr(fix, "TIMEOUT_SECONDS", 3.0)
    monkeypatch.setattr(fix, "WAITS_SECONDS", 0.0)
    with fix_venue(tmp_path / "venue") as made:
        yield made


@pytest.fixture
def approved(limits: LimitsDesk, venue: Venue) -> LimitsDesk:
    """Three limits of two kinds are approved, and the session is set."""
    limits.settings = make_settings(
        source="sample", risk_home=limits.settings.risk_home,
        limits_keys=limits.settings.limits_keys,
        limits_fix_address=f"localhost:{venue.port}", limits_fix_sender=SENDER,
        limits_fix_target=TARGET, limits_fix_user=USER, limits_fix_password=PASSWORD,
    )  # fmt: skip
    limits.publish(fix_limits=TYPES)
    limits.propose()
    limits.amend("ann", 500, account="A2", limit="max_order_shares")
    limits.decide("bob")
    return limits


def exported(limits: LimitsDesk) -> list[str]:
    return [one.kind for one in limits.entries() if one.kind == "exported"]


def refused(limits: LimitsDesk) -> str:
    """The line, which holds no secret; nothing is said to be exported."""
    with pytest.raises(UserError) as caught:
        limits.export("fix")
    line = str(caught.value)
    assert "\n" not in line
    assert PASSWORD not in line
    assert exported(limits) == []
    assert not limits.exported("fix").exists()
    return line


def statuses(limits: LimitsDesk) -> dict[tuple[str, str], str]:
    return limits.statuses("fix")


def test_what_is_approved_is_defined_acknowledged_and_read_back(
    approved: LimitsDesk, venue: Venue
) -> None:
    said = approved.export("fix")
    assert "3 limits at the platform are as approved, read back over FIX" in said
    assert "defined now: A1, A2" in said
    assert venue.limits() == APPROVED
    assert venue.asked() == ["CL", "CS", "CL"]
    assert set(statuses(approved).values()) == {"read back"}
    # Again: asked for, and nothing defined.
    entries = approved.entries()
    assert "defined now: none" in approved.export("fix")
    assert venue.asked() == ["CL", "CS", "CL", "CL"]
    assert approved.entries() == entries


@pytest.mark.long
def test_what_drifted_is_found_and_defined_again(
    approved: LimitsDesk, venue: Venue
) -> None:
    approved.export("fix")
    assert "3 of 3 limits stand at fix as approved" in approved.check("fix")
    venue.set("A1:100", "9999")
    with pytest.raises(UserError, match="A1 max_loss: ours 1,130, theirs 9,999"):
        approved.check("fix")
    assert statuses(approved)["A1", "max_loss"] == "drifted"
    assert "defined now: A1" in approved.export("fix")
    assert venue.limits() == APPROVED
    assert set(statuses(approved).values()) == {"read back"}


def test_one_limit_that_is_refused_is_named_and_the_others_are_there(
    approved: LimitsDesk, venue: Venue
) -> None:
    venue.misbehave(refuse=["A1"])
    line = refused(approved)
    assert (
        "has 2 of 3 limits as approved; not A1 max_loss (refused: invalid amount)"
        in (line)
    )
    assert statuses(approved) == {
        ("A1", "max_loss"): "not sent", ("A2", "max_loss"): "read back",
        ("A2", "max_order_shares"): "read back",
    }  # fmt: skip
    venue.misbehave(deaf=["A1"])
    assert "not A1 max_loss (read back, it is another)" in refused(approved)
    venue.misbehave()
    approved.export("fix")
    assert venue.limits() == APPROVED


@pytest.mark.long
def test_an_account_that_the_platform_does_not_know_is_named(
    approved: LimitsDesk, venue: Venue
) -> None:
    approved.publish(traders=approved.facts.traders | {"A9": "T1"})
    approved.amend("ann", 900, account="A9")
    approved.decide("bob")
    assert "not A9 max_loss (refused: invalid party)" in refused(approved)
    assert venue.limits() == APPROVED


def test_a_business_reject_is_one_line(approved: LimitsDesk, venue: Venue) -> None:
    venue.misbehave(reject=6)
    assert "The platform rejects the request CL (reason 6)" in refused(approved)
    assert venue.limits() == {}


def test_a_platform_that_is_down_is_tried_again_and_said(
    approved: LimitsDesk, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix, "TRIES", 2)
    venue.stop()
    assert "The platform does not answer over FIX" in refused(approved)
    venue.start()
    approved.export("fix")
    assert venue.limits() == APPROVED


@pytest.mark.long
def test_a_platform_that_is_slow_is_waited_for(
    approved: LimitsDesk, venue: Venue
) -> None:
    venue.misbehave(slow=1)
    approved.export("fix")
    assert venue.limits() == APPROVED


@pytest.mark.long
def test_a_platform_that_is_silent_is_not_taken_for_one_that_agrees(
    approved: LimitsDesk, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix, "TRIES", 1)
    venue.misbehave(silent=["CS"])
    assert "does not answer over FIX" in refused(approved)
    assert set(statuses(approved).values()) == {"not sent"}


@pytest.mark.few(1)
@pytest.mark.parametrize("how", ["die_after", "die"])
def test_a_platform_that_dies_between_request_and_acknowledgement(
    approved: LimitsDesk, venue: Venue, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(fix, "TRIES", 1)
    venue.misbehave(**{how: "CS"})
    refused(approved)
    venue.misbehave()
    venue.stop()
    venue.start()
    approved.export("fix")
    assert venue.limits() == APPROVED
    # What had arrived is not sent again.
    assert venue.asked().count("CS") == (2 if how == "die" else 1)


def test_a_wrong_log_on_missing_settings_and_a_password_in_the_clear_are_one_line(
    approved: LimitsDesk, venue: Venue
) -> None:
    right = approved.settings
    secret = type(right.limits_fix_password)
    for changed, problem in (
        ({"limits_fix_password": secret("other")}, "does not log on with these"),
        ({"limits_fix_target": None}, "PLATFORM=fix needs LIMITS_FIX_ADDRESS"),
        (
            {"limits_fix_address": "venue.example.com:1"},
            "over the network in the clear",
        ),
    ):
        approved.settings = right.model_copy(update=changed)
        assert problem in refused(approved)
    assert venue.asked() == []


def test_without_the_engine_one_line_says_what_to_install(
    approved: LimitsDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "quickfix", None)
    assert "needs the FIX engine. Run `make setup-live`" in refused(approved)


def test_without_types_of_the_desk_nothing_is_sent(
    approved: LimitsDesk, venue: Venue
) -> None:
    approved.publish(fix_limits={})
    assert "fix_limits.csv of the desk names no type" in refused(approved)
    approved.publish(fix_limits={"max_loss": (1, None), "max_order_shares": (1, 2)})
    assert "gives two limits one risk_limit_type" in refused(approved)
    assert venue.asked() == []


@pytest.mark.few(1)
@pytest.mark.parametrize("count", range(1, 7))
def test_killed_after_any_message_it_ends_with_exactly_what_is_approved(
    approved: LimitsDesk, venue: Venue, count: int
) -> None:
    def killed_by_then() -> None:
        seen, ask, following = 0, fix._Platform._ask, fix._next

        def kill_at_last() -> None:
            nonlocal seen
            seen += 1
            if seen == count:
                os.kill(os.getpid(), signal.SIGKILL)

        def asked(platform: object, request: object, kind: str) -> Iterator[object]:
            for answer in ask(platform, request, kind):
                kill_at_last()
                yield answer

        def answered(inbox: object) -> object:
            # The request is on its way, and nobody knows of an answer.
            kill_at_last()
            return following(inbox)

        fix._Platform._ask, fix._next = asked, answered
        approved.export("fix")

    # Asked, answered; defined, acknowledged; asked and answered again.
    assert killed_at(killed_by_then, 0, after=True)
    assert exported(approved) == []
    approved.export("fix")
    assert venue.limits() == APPROVED
    assert venue.asked().count("CS") <= 2
    assert exported(approved) == ["exported"]


@pytest.mark.long
@pytest.mark.parametrize("count", range(1, 6))
def test_killed_as_it_writes_what_came_it_ends_with_exactly_what_is_approved(
    approved: LimitsDesk, venue: Venue, count: int
) -> None:
    # The file, then two entries of the ledger with their heads.
    assert killed_at(lambda: approved.export("fix"), count, after=True)
    approved.export("fix")
    assert venue.limits() == APPROVED
    assert venue.asked().count("CS") == 1
    assert exported(approved) == ["exported"]
    assert set(statuses(approved).values()) == {"read back"}
