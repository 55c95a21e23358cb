"""The gate: what stops a run before anything counts, and what is only said."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.gate import GateError
from ingestion.simulator import Fill, Firm, sample_firm, serve
from runtime.home import Home
from runtime.sessions import sessions_between
from runtime.warehouse import read_run_context
from tests.conftest import rows
from tests.mornings import load_morning

SESSIONS = sessions_between(date(2024, 12, 2), date(2025, 3, 7))
LAST = SESSIONS[-1]
BEFORE, AFTER = LAST, LAST + timedelta(days=1)


@pytest.fixture(scope="module")
def firm() -> Firm:
    """Three months of the sample firm."""
    return sample_firm(SESSIONS, 7)


def changed_last_day(firm: Firm, change) -> Firm:
    """The firm with each fill of its last day replaced by what `change` makes of it."""
    fills: list[Fill] = []
    for fill in firm.fills:
        is_last = fill.filled_at.date() == LAST
        fills.extend(change(fill) if is_last else [fill])
    return replace(firm, fills=fills)


def load(firm: Firm, home: Home, as_of: date, **settings: object):
    """Load the firm as of a morning."""
    with serve(firm, as_of=as_of, rate_limit=10**6) as simulator:
        return load_morning(simulator, home, **settings)


def unmet(home: Home) -> set[str]:
    """Checks that are not met on the last morning."""
    found = rows(
        home,
        "select check_name from raw.gate_results where not is_met "
        "and as_of = (select max(as_of) from raw.gate_results)",
    )
    return {name for (name,) in found}


def last_day(home: Home) -> int:
    """Versions of the firm's last day that count."""
    return rows(
        home,
        "select count(*) from raw.day_versions "
        f"where resource = 'fills' and trade_date = '{LAST}'",
    )[0][0]


def test_a_usual_morning_passes_in_silence(firm: Firm, tmp_path: Path) -> None:
    home = Home(tmp_path)
    load(firm, home, BEFORE)
    assert load(firm, home, AFTER).warnings == 0
    assert unmet(home) == set()
    assert rows(home, "select count(*) > 5 from raw.gate_results") == [(True,)]


def hours_later(fill: Fill) -> Iterable[Fill]:
    """Five hours later, as if the times were UTC; but on the same date."""
    moved = fill.filled_at + timedelta(hours=5)
    return [replace(fill, filled_at=moved)] if moved.date() == LAST else []


def in_the_night(fill: Fill) -> Iterable[Fill]:
    """At an hour at which no equity trades."""
    return [replace(fill, filled_at=fill.filled_at.replace(hour=2))]


def test_times_of_another_zone_stop_the_run_and_nothing_counts(
    firm: Firm, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    load(firm, home, BEFORE)
    context = read_run_context(home)
    odd = changed_last_day(firm, in_the_night)
    with pytest.raises(GateError, match="are the times Eastern.*GATE=warn") as caught:
        load(odd, home, AFTER)
    assert "\n" not in str(caught.value)
    assert "times_eastern" in unmet(home)
    assert last_day(home) == 0
    assert read_run_context(home) == context
    # Told only to warn, the same data loads and the warning stays.
    summary = load(odd, home, AFTER, gate="warn")
    assert summary.warnings >= 1
    assert last_day(home) > 10
    assert "times_eastern" in unmet(home)


ODD_DAYS = {
    "times_in_day": hours_later,
    "prices_usual": lambda fill: (
        [replace(fill, price=fill.price * 100)]
        if fill.fill_id.endswith("7") and fill.symbol.isalpha()
        else [fill]
    ),
    "quantities_usual": lambda fill: [replace(fill, quantity=Decimal(2_000_000))],
    "prices_not_negative": lambda fill: [replace(fill, price=-fill.price)],
    "volume_usual": lambda fill: [
        replace(fill, propreports_id=fill.propreports_id * 1000 + number)
        for number in range(40 if fill.account_name == "SIM021" else 1)
    ],
    "firm_volume_usual": lambda fill: [fill] if fill.account_name == "SIM021" else [],
}


@pytest.mark.parametrize(("check", "change"), ODD_DAYS.items(), ids=ODD_DAYS)
def test_an_odd_day_is_loaded_and_said(
    firm: Firm, tmp_path: Path, check: str, change
) -> None:
    home = Home(tmp_path)
    load(firm, home, BEFORE)
    summary = load(changed_last_day(firm, change), home, AFTER)
    assert check in unmet(home)
    assert summary.warnings >= 1
    assert last_day(home) >= 1


def test_a_firm_without_fills_is_said_and_then_stops_the_run(
    firm: Firm, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    load(firm, home, AFTER)
    assert load(firm, home, LAST + timedelta(days=6)).warnings == 1
    assert unmet(home) == {"firm_fresh"}
    with pytest.raises(GateError, match="does PropReports still get them"):
        load(firm, home, LAST + timedelta(days=14))


def test_days_that_vanish_by_the_dozen_stop_the_run(firm: Firm, tmp_path: Path) -> None:
    home = Home(tmp_path)
    load(firm, home, AFTER)
    held = last_day(home)
    week = SESSIONS[-5]
    bare = replace(firm, fills=[x for x in firm.fills if x.filled_at.date() < week])
    with pytest.raises(GateError, match="API_GROUP_ID"):
        load(bare, home, AFTER)
    assert last_day(home) == held


def test_a_day_off_the_calendar_is_said(firm: Firm, tmp_path: Path) -> None:
    home = Home(tmp_path)
    saturday = LAST + timedelta(days=1)
    moved = changed_last_day(
        firm,
        lambda fill: [
            replace(
                fill,
                filled_at=fill.filled_at.replace(
                    month=saturday.month, day=saturday.day
                ),
            )
        ],
    )
    load(firm, home, BEFORE)
    load(moved, home, saturday + timedelta(days=1), gate="warn")
    assert "dates_in_sessions" in unmet(home)
