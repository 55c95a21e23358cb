"""A first load that stops resumes where it stopped; a backfill finds what is old."""

import time
from datetime import date, datetime
from pathlib import Path

import pytest

from ingestion.gate import GateError
from ingestion.simulator import Fault, Firm, sample_firm, serve
from ingestion.simulator.revisions import correct, remove_account
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import sessions_between
from runtime.warehouse import read_run_context
from tests.conftest import rows
from tests.desks import since, some_of
from tests.mornings import assert_as_shown, held_fills, load_morning, shown_fills

FREE = {"rate_limit": 10**6}
SESSIONS = sessions_between(date(2024, 12, 2), date(2025, 3, 7))


def home_in(folder: Path) -> Home:
    """The home of a test."""
    return Home(folder / "home")


@pytest.fixture(scope="module")
def autumn() -> Firm:
    """The last three of its five months."""
    sessions = sessions_between(date(2024, 9, 3), date(2025, 1, 31))
    return since(date(2024, 11, 1), some_of(sample_firm(sessions, 7)))


@pytest.fixture(scope="module")
def firm() -> Firm:
    """Three months."""
    return some_of(sample_firm(SESSIONS, 7))


@pytest.mark.long
def test_a_first_load_goes_on_where_it_stopped(
    tmp_path: Path, autumn: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.pipeline.SLICE_ROWS", 1000)
    home = home_in(tmp_path)
    with serve(autumn, as_of=date(2025, 2, 1), **FREE) as simulator:
        simulator.faults.once(Fault.ERROR, action="fills", after=3)
        with pytest.raises(UserError, match="refused `fills`"):
            load_morning(simulator, home)
        asked = len(simulator.requests)
        load_morning(simulator, home)
        months = [
            fields["startDate"][:7]
            for action, fields in simulator.requests[asked:]
            if action == "fills"
        ]
        # January is too young to be sure of.
        assert months == ["2025-01"]
        assert_as_shown(home, simulator)


@pytest.mark.long
def test_a_first_load_commits_by_time_as_well(
    tmp_path: Path, autumn: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few rows came: what was read for half a minute is not read again."""
    home = home_in(tmp_path)
    ahead = [0.0]
    monotonic = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + ahead[0])
    with serve(autumn, as_of=date(2025, 2, 1), **FREE) as simulator:
        answer = simulator.answer

        def slowly(fields):
            # A month of a large firm may well take so long.
            ahead[0] += 31 if fields.get("action") == "fills" else 0
            return answer(fields)

        simulator.answer = slowly
        simulator.faults.once(Fault.ERROR, action="fills", after=3)
        with pytest.raises(UserError, match="refused `fills`"):
            load_morning(simulator, home)
        asked = len(simulator.requests)
        load_morning(simulator, home)
        months = [
            fields["startDate"][:7]
            for action, fields in simulator.requests[asked:]
            if action == "fills"
        ]
        # January was refused; what was read last before it may be read once more.
        assert months in (["2025-01"], ["2024-12", "2025-01"])
        assert_as_shown(home, simulator)


@pytest.mark.long
def test_a_first_load_that_the_gate_stopped_at_its_end_goes_on(
    tmp_path: Path, firm: Firm
) -> None:
    home = home_in(tmp_path)
    # The firm's fills end weeks before: only at the end of the load is that known.
    with serve(firm, as_of=date(2025, 4, 14), **FREE) as simulator:
        with pytest.raises(GateError, match="without a single fill of the firm"):
            load_morning(simulator, home)
        assert read_run_context(home) is None
        summary = load_morning(simulator, home, gate="warn")
        assert summary.warnings
        assert read_run_context(home).as_of == date(2025, 4, 14)
        assert_as_shown(home, simulator)


@pytest.mark.long
def test_a_backfill_finds_what_no_morning_looks_at(tmp_path: Path, firm: Firm) -> None:
    home = home_in(tmp_path)
    fill = next(x for x in firm.fills if x.is_regular)
    day = fill.filled_at.date()
    late = datetime(2025, 3, 9)
    revisions = [correct(late, fill, price=fill.price + 1)]
    with serve(firm, as_of=date(2025, 3, 8), revisions=revisions, **FREE) as simulator:
        load_morning(simulator, home)
        simulator.as_of = date(2025, 3, 10)
        assert load_morning(simulator, home).days_changed == 0
        assert held_fills(home) != shown_fills(simulator)
        # What was bought at another price changes the summaries of later days, too.
        window = (day, date(2025, 3, 9))
        summary = load_morning(simulator, home, window=window)
        assert (summary.corrected_days, summary.new_days) == (1, 0)
        assert_as_shown(home, simulator)
        known = rows(
            home,
            "select max(known_at) > timestamp '2025-03-10' from raw.day_versions "
            f"where resource = 'fills' and trade_date = '{day}'",
        )
        assert known == [(True,)]


@pytest.mark.long
def test_an_account_that_is_listed_no_more_keeps_its_days(
    tmp_path: Path, firm: Firm
) -> None:
    home = home_in(tmp_path)
    gone = firm.accounts[0]
    revisions = [remove_account(datetime(2025, 3, 9), gone.name)]
    with serve(firm, as_of=date(2025, 3, 8), revisions=revisions, **FREE) as simulator:
        load_morning(simulator, home)
        before = held_fills(home)
        simulator.as_of = date(2025, 3, 10)
        assert load_morning(simulator, home).days_changed == 0
    assert held_fills(home) == before
    history = rows(
        home,
        "select is_listed from raw.account_versions "
        f"where account_number = '{gone.number}' order by known_at",
    )
    assert history == [(True,), (False,)]
