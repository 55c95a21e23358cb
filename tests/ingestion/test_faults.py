"""Whatever the API does on the way: it is survived, or refused in one line.

In each case, and in all combinations, with `make test-long`.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.simulator import Fault, Simulator, serve
from ingestion.simulator.firm import Adjustment
from runtime.errors import UserError
from runtime.home import Home
from runtime.warehouse import read_run_context
from tests.conftest import rows
from tests.draws import draw
from tests.ingestion.test_simulator_edge_cases import edge_case_firm
from tests.mornings import assert_as_shown, held, load_morning, raw_tables

AFTER = date(2025, 3, 5)
FREE = {"rate_limit": 10**6}


def home_in(folder: Path) -> Home:
    """The home of a test."""
    return Home(folder / "home")


PAGED = ("accounts", "fills", "positions", "adjustments")
ACTIONS = (*PAGED, "report")
OF_PAGES = (Fault.NO_TRAILER, Fault.CHANGED_PAGES)
PASSING = (
    Fault.BUSY,
    Fault.BAD_GATEWAY,
    Fault.UNAVAILABLE,
    Fault.GATEWAY_TIMEOUT,
    Fault.CUT,
    Fault.DROP,
)
OPTIONAL = ("positions", "adjustments", "report")
# Of fills alone: what a load of every action below does not meet as well.
OF_FILLS = (
    Fault.ERROR,
    Fault.HTML,
    Fault.WRONG_HEADER,
    Fault.TIMEOUT,
    Fault.SHIFTED_PAGES,
    Fault.DRIP,
)
HOSTILE = (Fault.DRIP, Fault.FLOOD, Fault.BOMB, Fault.ECHO)
SURVIVED = (PASSING, OF_PAGES, (Fault.EXPIRED,), (Fault.EMPTY,))


def one_by_one(groups: Iterable[tuple]) -> list[tuple]:
    """Groups that share a load; a load for each of their members in a long draw."""
    alone = [(one,) for group in groups for one in group]
    return draw(list(groups), alone)


@pytest.mark.few(2)
@pytest.mark.parametrize("fault", draw(OF_FILLS, tuple(Fault)))
def test_a_fault_of_fills_is_survived_or_refused_in_one_line(
    tmp_path: Path, fault: Fault
) -> None:
    home = home_in(tmp_path)
    with serve(edge_case_firm(), as_of=AFTER, page_size=6, **FREE) as simulator:
        simulator.faults.delay_seconds = 2
        simulator.faults.once(fault)
        try:
            load_morning(simulator, home, timeout_seconds=(1, 1), answer_seconds=3)
        except UserError as error:
            assert fault in (Fault.ERROR, Fault.HTML, Fault.WRONG_HEADER, *HOSTILE)
            assert "\n" not in str(error)
            assert simulator.password not in str(error)
            assert read_run_context(home) is None
            load_morning(simulator, home)
        assert simulator.faults.injected == {fault: 1}
        assert_as_shown(home, simulator)


@pytest.mark.few(3)
@pytest.mark.parametrize("faults", one_by_one(SURVIVED), ids=" ".join)
def test_a_fault_of_every_action_in_one_load_is_survived(
    tmp_path: Path, faults: tuple[Fault, ...]
) -> None:
    home = home_in(tmp_path)
    actions = PAGED if faults[0] in OF_PAGES else ACTIONS
    if faults[0] in PASSING:
        actions = ("login", *ACTIONS, "logout")
    pages = {"page_size": 3, "positions_page_size": 3}
    with serve(edge_case_firm(), as_of=AFTER, **pages, **FREE) as simulator:
        for action in actions:
            for fault in faults:
                simulator.faults.once(fault, action=action)
        load_morning(simulator, home)
        assert simulator.faults.injected == dict.fromkeys(faults, len(actions))
        assert_as_shown(home, simulator)


@pytest.fixture(scope="module")
def loaded(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Simulator, Home]]:
    """A simulator on a virtual morning, and a home that holds what it shows."""
    pages = {"page_size": 3, "positions_page_size": 3}
    with serve(edge_case_firm(), as_of=AFTER, **pages, **FREE) as simulator:
        home = home_in(tmp_path_factory.mktemp("loaded"))
        load_morning(simulator, home)
        yield simulator, home


@pytest.fixture(scope="module")
def before(loaded: tuple[Simulator, Home]) -> dict[str, list[tuple]]:
    """Every row of that home."""
    return raw_tables(loaded[1])


# What of a resource that is not essential is set aside, with the reason kept.
SETS_ASIDE = {
    Fault.WRONG_HEADER: "has no column",
    Fault.EMPTY: "came without even a header",
}


def lasting_faults() -> Iterator[object]:
    """Every fault that may last, with every action that it can hit.

    In a short draw: every fault with fills, and every action with one of the faults.
    """
    for fault in Fault:
        for action in ("login", *ACTIONS):
            only_pages = fault in (*OF_PAGES, Fault.WRONG_HEADER)
            if fault in (Fault.TIMEOUT, Fault.DRIP) or (
                only_pages and action not in PAGED
            ):
                continue
            if fault in SETS_ASIDE and action in OPTIONAL:
                continue  # set aside, and a test of its own
            if fault is Fault.SHIFTED_PAGES and action != "fills":
                continue  # only fills have a name of their own for each row
            is_short = action == "fills" or fault is Fault.ERROR
            if draw(is_short, True):
                yield pytest.param(fault, action, id=f"{fault} {action}")


@pytest.mark.few(4)
@pytest.mark.parametrize(("fault", "action"), lasting_faults())
def test_a_fault_that_lasts_stops_the_run_and_nothing_changes(
    tmp_path: Path,
    loaded: tuple[Simulator, Home],
    before: dict[str, list[tuple]],
    fault: Fault,
    action: str,
) -> None:
    simulator, held_home = loaded
    home = Home(shutil.copytree(held_home.root, tmp_path / "home"))
    simulator.faults.once(fault, action=action, times=10**6)
    asked = len(simulator.requests)
    try:
        with pytest.raises(UserError) as caught:
            load_morning(simulator, home, gate="warn")
    finally:
        simulator.faults.clear()
    assert "\n" not in str(caught.value)
    assert simulator.password not in str(caught.value)
    # What stopped it is kept as evidence.
    assert raw_tables(home) | {"quarantine": []} == before | {"quarantine": []}
    # It is asked again a few times, and not for ever.
    count = sum(name == action for name, _ in simulator.requests[asked:])
    assert count <= 40


def test_rows_that_keep_moving_are_read_four_times_and_no_more(
    loaded: tuple[Simulator, Home], tmp_path: Path
) -> None:
    simulator, _ = loaded
    simulator.faults.once(Fault.SHIFTED_PAGES, times=10**6)
    asked = len(simulator.requests)
    try:
        with pytest.raises(UserError):
            load_morning(simulator, home_in(tmp_path))
    finally:
        simulator.faults.clear()
    begun = Counter(
        fields["startDate"]
        for action, fields in simulator.requests[asked:]
        if action == "fills" and fields["page"] == "1"
    )
    assert max(begun.values()) == 4


def resources_of(actions: tuple[str, ...]) -> set[str]:
    """What actions bring, by the name it has in the warehouse."""
    return {"broker_days" if one == "report" else one for one in actions}


@pytest.mark.few(1)
@pytest.mark.parametrize("actions", one_by_one([OPTIONAL]), ids=" ".join)
@pytest.mark.parametrize("fault", SETS_ASIDE)
def test_what_is_not_essential_is_set_aside_if_it_cannot_be_read(
    tmp_path: Path,
    loaded: tuple[Simulator, Home],
    actions: tuple[str, ...],
    fault: Fault,
) -> None:
    simulator, held_home = loaded
    home = Home(shutil.copytree(held_home.root, tmp_path / "home"))
    before = held(home)
    for action in actions:
        simulator.faults.once(fault, action=action, times=10**6)
    try:
        load_morning(simulator, home)
    finally:
        simulator.faults.clear()
    assert held(home) == before
    found = rows(home, "select distinct resource, reason from raw.quarantine")
    assert {name for name, _ in found} == resources_of(actions)
    assert all(SETS_ASIDE[fault] in reason for _, reason in found)
    load_morning(simulator, home)
    assert rows(home, "select count(*) from raw.quarantine") == [(0,)]
    assert_as_shown(home, simulator)


@pytest.mark.long
@pytest.mark.parametrize("actions", one_by_one([OPTIONAL]), ids=" ".join)
def test_a_blank_answer_is_no_rows_where_none_are_held(
    tmp_path: Path, actions: tuple[str, ...]
) -> None:
    home = home_in(tmp_path)
    with serve(edge_case_firm(), as_of=AFTER, **FREE) as simulator:
        for action in actions:
            simulator.faults.once(Fault.EMPTY, action=action, times=10**6)
        load_morning(simulator, home)
        assert not any(held(home)[name] for name in resources_of(actions))
        simulator.faults.clear()
        load_morning(simulator, home)
        assert_as_shown(home, simulator)


@pytest.mark.long
def test_a_blank_month_of_fills_is_no_rows_where_none_are_held(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    firm = edge_case_firm()
    early = [
        replace(
            x,
            filled_at=x.filled_at.replace(month=1, day=30),
            propreports_id=x.propreports_id + 1000,
        )
        for x in firm.fills[:4]
    ]
    firm = replace(firm, fills=[*early, *firm.fills])
    with serve(firm, as_of=AFTER, **FREE) as simulator:
        # December to March: the third month is blank, also when asked twice.
        simulator.faults.once(Fault.EMPTY, after=2, times=2)
        load_morning(simulator, home, gate="warn")
        assert simulator.faults.injected == {Fault.EMPTY: 2}
        assert_as_shown(home, simulator)


@pytest.mark.long
def test_a_deposit_before_the_first_trade_is_held(tmp_path: Path) -> None:
    """An account is funded first and trades then."""
    home = home_in(tmp_path)
    firm = edge_case_firm()
    deposit = Adjustment(
        date(2025, 2, 20), firm.accounts[0].name, "Transfer: Deposit", Decimal("5000")
    )
    firm = replace(firm, adjustments=[deposit, *firm.adjustments])
    with serve(firm, as_of=AFTER, **FREE) as simulator:
        load_morning(simulator, home)
        assert_as_shown(home, simulator)
