"""The rules on drawn mornings: never looser without a person, never out of bounds."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.errors import UserError
from tests.draws import draw
from tests.trading_limits.desk import (
    BOUND,
    BREACHED,
    CALM,
    FACTS,
    SESSION,
    LimitsDesk,
    limits_desk,
    sessions_after,
)
from trading_limits.rows import as_csv, row_of
from trading_limits.rules import (
    Bound,
    Breach,
    Standing,
    TraderFacts,
    check_person,
    propose_max_loss,
)

amounts = st.integers(1, 2_000_000).map(lambda cents: Decimal(cents) / 100)
shares = st.integers(1, 100).map(lambda hundredths: Decimal(hundredths) / 100)
bounds = st.builds(
    lambda one, other, share: Bound(min(one, other), max(one, other), share),
    amounts, amounts, shares,
)  # fmt: skip
breaches = st.builds(
    Breach, st.dates(date(2025, 1, 1), date(2025, 12, 18)), amounts, amounts
)
facts = st.builds(
    TraderFacts,
    st.none() | amounts, st.none() | amounts, st.integers(0, 250), st.integers(0, 5),
    st.none() | breaches,
)  # fmt: skip
standings = st.builds(
    Standing,
    amounts,
    st.none() | st.dates(date(2025, 1, 1), date(2025, 12, 18)),
    st.booleans(),
)


@settings(max_examples=draw(300, 3000))
@given(facts, st.none() | standings, bounds)
def test_the_rules_only_tighten_and_stay_within_the_bounds(
    known: TraderFacts, standing: Standing | None, bound: Bound
) -> None:
    change = propose_max_loss(known, standing, bound)
    if change is None:
        return
    assert bound.floor <= change.value <= bound.ceiling
    if standing is not None:
        assert change.value < standing.value
        assert standing.value - change.value <= standing.value * bound.largest_change
        assert not standing.is_temporary
    assert (change.limit_type == "temporary") == (change.reverts_to is not None)
    assert change.reverts_to in (None, standing and standing.value)
    assert change.reason


@given(amounts, st.none() | amounts, bounds)
def test_what_a_person_may_set_is_within_the_bounds(
    value: Decimal, before: Decimal | None, bound: Bound
) -> None:
    try:
        check_person("max_loss", value, before, {"max_loss": bound})
    except UserError:
        is_far = before and abs(value - before) > before * bound.largest_change
        assert not bound.floor <= value <= bound.ceiling or is_far
    else:
        assert bound.floor <= value <= bound.ceiling
        assert before is None or abs(value - before) <= before * bound.largest_change


def test_a_limit_far_from_anything_that_happens_comes_down_in_steps() -> None:
    far = replace(CALM, beyond_count=0)
    standing = Decimal(2400)
    seen = []
    while change := propose_max_loss(far, Standing(standing), BOUND):
        assert change.limit_type == "official"
        assert "No loss of the last 250 days was beyond the limit" in change.reason
        standing = change.value
        seen.append(int(standing))
    # Until it is no more than one and a half times what one day in twenty loses.
    assert seen == [1800, 1350]
    assert (
        propose_max_loss(replace(far, days_count=59), Standing(Decimal(2400)), BOUND)
        is None
    )


def test_a_limit_out_of_bounds_is_a_persons_to_bring_back() -> None:
    high = Standing(BOUND.ceiling * 3)
    assert propose_max_loss(BREACHED, high, BOUND) is None


def test_a_row_is_read_as_it_was_written(limits: LimitsDesk) -> None:
    limits.propose()
    for row in limits.rows().values():
        assert row_of(row.cells()) == row
        for column, cell in row.cells().items():
            if column in ("approved_by", "approved_at"):
                continue
            other = {"2025-12-19": "2025-12-22"}.get(cell, f"{cell}1")
            with pytest.raises(UserError):
                row_of(row.cells() | {column: other})
    assert as_csv(limits.rows().values()).count(b"\n") == 3


step = st.sampled_from(
    ("next session", "breach", "propose", "approve", "reject", "amend", "loosen",
     "temporary", "extend", "revert", "leave", "return")
)  # fmt: skip


@settings(max_examples=draw(12, 150))
@given(steps=st.lists(step, min_size=5, max_size=25), data=st.data())
def test_whatever_happens_a_limit_is_never_loosened_without_a_person(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], data: st.DataObject
) -> None:
    """Mornings, breaches and people in any order, against what may not happen."""
    sessions = sessions_after(SESSION, 30)
    with limits_desk(tmp_path_factory.mktemp("desk")) as desk:
        place = 0
        for one in ("propose", "approve", *steps):
            before, loosest = desk.in_force(), _loosest(desk)
            count = len(desk.entries())
            session = desk.facts.session
            place = _do(desk, one, sessions, place, data)
            after = desk.in_force()
            by_person = {entry.kind for entry in desk.entries()[count:] if entry.name}
            for key, value in after.items():
                # The desk has one bound; what nobody approved before has no `before`.
                assert BOUND.floor <= value <= BOUND.ceiling
                if key in before and value > before[key]:
                    is_end = desk.facts.session > session and value == loosest.get(key)
                    assert is_end or "approved" in by_person
        # Who approved is never who proposed, and all of it was signed.
        for row in (row for rows in desk.state().history.values() for row in rows):
            assert row.approved_by not in (None, row.proposed_by)


def _loosest(desk: LimitsDesk) -> dict[tuple[str, str], Decimal | None]:
    """What each limit goes back to by itself."""
    found = desk.state().in_force(desk.facts.session)
    return {key: row.reverts_to for key, (row, _) in found.items()}


def _do(
    desk: LimitsDesk, step: str, sessions: list[date], place: int, data: st.DataObject
) -> int:
    person = data.draw(st.sampled_from(("ann", "bob", "eve")))
    standing = desk.in_force().get(("A1", "max_loss"), Decimal(1500))
    share = Decimal(data.draw(st.integers(76, 124))) / 100
    try:
        if step == "next session":
            place = min(place + data.draw(st.integers(1, 4)), len(sessions) - 6)
            desk.publish(session=sessions[place])
            desk.propose()
        elif step == "breach":
            breach = Breach(desk.facts.session - timedelta(1), standing, standing * 2)
            known = replace(BREACHED, breach=breach)
            desk.publish(by_trader=FACTS.by_trader | {"T1": known})
            desk.propose()
        elif step == "propose":
            desk.propose()
        elif step in ("approve", "reject"):
            desk.decide(person, approves=step == "approve")
        elif step in ("amend", "loosen"):
            share = max(share, 1 / share) if step == "loosen" else share
            desk.amend(person, round(standing * share))
        elif step == "temporary":
            desk.amend(person, round(standing * share), until=sessions[place + 2])
        elif step == "extend":
            desk.change("extend", person, until=sessions[place + 5])
        elif step == "revert":
            desk.change("revert", person)
        else:
            gone = {"A2": "T2"} if step == "leave" else FACTS.traders
            desk.publish(traders=gone)
            desk.propose()
    except UserError:
        # Refused, and so nothing happened: the assertions of the caller hold.
        pass
    return place
