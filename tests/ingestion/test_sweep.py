"""What is restated after the mornings have stopped reading it is found by a sweep."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.resources import FILLS
from ingestion.simulator import Fault, Firm, Simulator, sample_firm, serve
from ingestion.simulator.firm import Adjustment, Fill
from ingestion.simulator.revisions import recompute_fees
from ingestion.sources import ApiSource
from ingestion.sweep import has_carried_break, sweep_source
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import sessions_between
from tests.conftest import build_models_of, make_settings
from tests.desks import since, some_of
from tests.draws import draw
from tests.mornings import (
    assert_as_shown,
    assert_versions_are_whole,
    connect,
    in_utc,
    load_morning,
)

AS_OF = date(2025, 3, 10)
SESSIONS = sessions_between(date(2024, 12, 2), date(2025, 3, 7))
LATE = datetime(2025, 3, 9)
FREE = {"rate_limit": 10**6}


@pytest.fixture(scope="module")
def firm() -> Firm:
    """Three months; in a short draw nobody trades in the first two."""
    begins = draw(date(2025, 1, 27), SESSIONS[0])
    return since(begins, some_of(sample_firm(SESSIONS, 7), draw(2, 5)))


def swept(simulator: Simulator, home: Home) -> str:
    """What a sweep says at the simulator's time."""
    settings = make_settings(risk_home=home.root)
    with connect(simulator) as client:
        source = ApiSource(
            client, name="api", firm="simulated firm", group_id=-2, latest_as_of=AS_OF
        )
        said, _ = sweep_source(settings, source, home, now=in_utc(simulator.now))
    return said


def days_of(firm: Firm, *dates: date) -> list[tuple[str, date]]:
    """An account-day with a fill of each date."""
    found = {}
    for fill in firm.fills:
        day = fill.filled_at.date()
        if day in dates and fill.is_regular:
            found.setdefault(day, (fill.account_name, day))
    assert len(found) == len(dates)
    return list(found.values())


@pytest.mark.long
@pytest.mark.parametrize(
    "dates",
    [
        (date(2025, 2, 13), date(2025, 2, 14), date(2025, 2, 18), date(2025, 2, 26)),
        (date(2025, 2, 18),),
        (date(2025, 2, 3),),
    ],
    ids=lambda dates: f"{len(dates)} from {dates[0]}",
)
def test_a_restated_fee_is_found_and_its_dates_alone_are_read(
    tmp_path: Path, firm: Firm, dates: tuple[date, ...]
) -> None:
    home = Home(tmp_path / "home")
    restated = [recompute_fees(LATE, days_of(firm, *dates), "NSCC", Decimal("0.05"))]
    with serve(firm, as_of=date(2025, 3, 8), revisions=restated, **FREE) as simulator:
        load_morning(simulator, home)
        simulator.as_of = AS_OF
        load_morning(simulator, home)
        asked = len(simulator.requests)
        said = swept(simulator, home)
        count = "1 date" if len(dates) == 1 else f"{len(dates)} dates"
        assert f": {count} restated and read again ({dates[0]}" in said
        read = {
            tuple(date.fromisoformat(fields[key]) for key in ("startDate", "endDate"))
            for action, fields in simulator.requests[asked:]
            if action == FILLS.name
        }
        covered = [sum(first <= day <= last for first, last in read) for day in dates]
        assert covered == [1] * len(dates)
        # And the session before it, with what lies between.
        count = sum((last - first).days + 1 for first, last in read)
        assert count <= 5 * len(dates)
        # Summaries of days after it, whose cash is another one now, as well.
        assert_as_shown(home, simulator)
        assert swept(simulator, home).endswith("are unchanged")


@pytest.mark.parametrize(
    ("evening", "session"),
    [
        (date(2025, 2, 5), date(2025, 2, 6)),
        # Friday's before a weekend and a holiday.
        pytest.param(date(2025, 2, 14), date(2025, 2, 18), marks=pytest.mark.long),
    ],
    ids=str,
)
def test_a_restated_evening_of_a_future_is_found_on_its_calendar_date(
    tmp_path: Path, firm: Firm, evening: date, session: date
) -> None:
    """The summary that changes is the session's; the fill lies on the date before."""
    home = Home(tmp_path / "home")
    name = firm.accounts[0].name
    bought = Fill(
        datetime(evening.year, evening.month, evening.day, 19), name, "B", Decimal(1),
        "#ESM5", Decimal(5000), fill_id="1", propreports_id=10**9,
    )  # fmt: skip
    sold = replace(
        bought, filled_at=datetime(session.year, session.month, session.day, 10),
        side="S", fill_id="2", propreports_id=10**9 + 1,
    )  # fmt: skip
    fills = [one for one in firm.fills if one.filled_at.date() != evening]
    futures = replace(firm, fills=[*fills, bought, sold], sessions=SESSIONS)
    restated = [recompute_fees(LATE, [(name, evening)], "NSCC", Decimal("0.5"))]
    with serve(
        futures, as_of=date(2025, 3, 8), revisions=restated, **FREE
    ) as simulator:
        load_morning(simulator, home)
        simulator.as_of = AS_OF
        load_morning(simulator, home)
        said = swept(simulator, home)
        assert f": 1 date restated and read again ({session})" in said
        assert_as_shown(home, simulator)


@pytest.mark.long
def test_a_sweep_that_is_stopped_finds_it_again(tmp_path: Path, firm: Firm) -> None:
    home = Home(tmp_path / "home")
    dates = (date(2025, 2, 4), date(2025, 2, 18))
    restated = [recompute_fees(LATE, days_of(firm, *dates), "NSCC", Decimal("0.05"))]
    with serve(firm, as_of=date(2025, 3, 8), revisions=restated, **FREE) as simulator:
        load_morning(simulator, home)
        simulator.as_of = AS_OF
        # The first of two dates is in, the second one refused.
        simulator.faults.once(Fault.ERROR, action="fills", after=1)
        with pytest.raises(UserError):
            swept(simulator, home)
        assert ": 1 date restated and read again (2025-02-18)" in swept(simulator, home)
        assert_as_shown(home, simulator)
        assert_versions_are_whole(home)


@pytest.mark.long
def test_an_adjustment_booked_late_on_an_idle_day_is_found(
    tmp_path: Path, firm: Firm
) -> None:
    home = Home(tmp_path / "home")
    name = firm.accounts[0].name
    booked = Adjustment(date(2025, 2, 9), name, "Fee: Desk", Decimal("-500"))
    later = Firm(
        firm.accounts, firm.fills, [*firm.adjustments, booked], firm.closes,
        multipliers=firm.multipliers,
    )  # fmt: skip
    with serve(firm, as_of=AS_OF, **FREE) as simulator:
        load_morning(simulator, home)
    with serve(later, as_of=AS_OF, **FREE) as simulator:
        assert "(2025-02-09)" in swept(simulator, home)
        assert_as_shown(home, simulator)


@pytest.mark.long
def test_what_was_not_restated_costs_one_reading_of_the_summaries(
    tmp_path: Path, firm: Firm
) -> None:
    home = Home(tmp_path / "home")
    with serve(firm, as_of=AS_OF, **FREE) as simulator:
        load_morning(simulator, home)
        asked = len(simulator.requests)
        assert swept(simulator, home) == (
            "summaries of 2025-02-01 to 2025-03-09 are unchanged"
        )
        actions = [action for action, _ in simulator.requests[asked:]]
        assert FILLS.name not in actions
        assert actions.count("report") == len(firm.accounts)


def test_cash_that_does_not_carry_over_tells_of_it_until_it_is_swept(
    tmp_path: Path, firm: Firm
) -> None:
    home = Home(tmp_path / "home")
    assert not has_carried_break(home)
    dates = days_of(firm, date(2025, 2, 18))
    restated = [recompute_fees(LATE, dates, "NSCC", Decimal("0.05"))]
    settings = make_settings(risk_home=home.root)

    def built() -> bool:
        build_models_of(settings, home, models="+int_broker_identities")
        return has_carried_break(home)

    with serve(firm, as_of=date(2025, 3, 8), revisions=restated, **FREE) as simulator:
        load_morning(simulator, home)
        assert not built()
        simulator.as_of = AS_OF
        load_morning(simulator, home)
        assert built()
        assert ": 1 date restated and read again (2025-02-18)" in swept(simulator, home)
        assert not built()
        assert_as_shown(home, simulator)


@pytest.mark.long
def test_what_stands_after_a_sweep_is_no_reason_for_another(
    tmp_path: Path, firm: Firm
) -> None:
    """Until there is another break, or it is another one."""
    home = Home(tmp_path / "home")
    with serve(firm, as_of=AS_OF, **FREE) as simulator:
        load_morning(simulator, home)
        # The broker's cash moved by what nothing explains.
        for amount in (7, 8):
            with duckdb.connect(home.warehouse) as connection:
                connection.execute(
                    "create schema if not exists intermediate; create or replace table "
                    "intermediate.int_broker_identities as select 'SIM001' as "
                    "account_id, date '2025-03-04' as trade_date, 'cash_carried' as "
                    f"identity_name, {amount}::decimal(38, 8) as difference_amount"
                )
            assert has_carried_break(home)
            assert swept(simulator, home).endswith("are unchanged")
            assert not has_carried_break(home)
