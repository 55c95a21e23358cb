"""The gate: what stops a run before anything counts, and what is only reported."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from bs4 import BeautifulSoup

from ingestion.gate import CONCERNS_SCHEMA, RESULTS_SCHEMA, GateError
from ingestion.landing import THE_FIRM, open_landing
from ingestion.pipeline import IngestSummary
from ingestion.simulator import Fill, Firm, sample_firm, serve
from runtime.home import Home
from runtime.sessions import EASTERN, sessions_between
from runtime.warehouse import read_run_context
from tests.conftest import rows
from tests.desks import since, some_of
from tests.draws import draw
from tests.mornings import load_morning

SESSIONS = sessions_between(date(2024, 12, 2), date(2025, 3, 7))
LAST = SESSIONS[-1]
BEFORE, AFTER = LAST, LAST + timedelta(days=1)


@pytest.fixture(scope="module")
def firm() -> Firm:
    """Seven weeks of a quarter of the sample firm; of half of it in a long draw."""
    return since(date(2025, 1, 21), some_of(sample_firm(SESSIONS, 7), draw(6, 12)))


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


@pytest.fixture(scope="module")
def loaded(firm: Firm, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The firm as of the morning before its last day, loaded once for all tests."""
    home = Home(tmp_path_factory.mktemp("loaded"))
    load(firm, home, BEFORE)
    return home


@pytest.fixture
def home(loaded: Home, tmp_path: Path) -> Home:
    """A copy of it, for a last day of one's own."""
    shutil.copytree(loaded.root, tmp_path / "home")
    return Home(tmp_path / "home")


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


@pytest.fixture(scope="module")
def usual(
    firm: Firm, loaded: Home, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Home, IngestSummary]:
    """The morning after the last day, to be copied, and what its load said."""
    home = Home(tmp_path_factory.mktemp("usual") / "home")
    shutil.copytree(loaded.root, home.root)
    return home, load(firm, home, AFTER)


def test_a_usual_morning_passes_in_silence(usual: tuple[Home, IngestSummary]) -> None:
    home, summary = usual
    assert summary.warnings == 0
    assert unmet(home) == set()
    assert rows(home, "select count(*) > 5 from raw.gate_results") == [(True,)]


def test_what_was_checked_has_pages_that_need_no_network_and_name_nobody(
    firm: Firm, home: Home
) -> None:
    load(changed_last_day(firm, ODD_DAYS["prices_usual"]), home, AFTER)
    mornings = {one.name for one in home.data_docs.iterdir() if one.is_dir()}
    assert mornings == {str(BEFORE), str(AFTER)}
    pages = list(home.data_docs.rglob("*.html"))
    assert len(pages) >= 5
    for page in pages:
        text = page.read_text("utf-8")
        assert not re.findall(r"https?:|<script|<img|\son\w+=", text), page
        found = BeautifulSoup(text, "html.parser")
        for link in found.find_all("a"):
            target = (page.parent / link["href"]).resolve()
            # The board is written at the end of the morning.
            is_board = target == home.board / "index.html"
            assert target.exists() or is_board, (page, link)
        assert not [one.name for one in firm.accounts if one.name in text]
    # What was not met comes first.
    first = home.data_docs / str(AFTER) / "001.html"
    assert "✗ Failed" in " ".join(
        BeautifulSoup(first.read_text(), "html.parser").text.split()
    )
    listed = (home.data_docs / str(AFTER) / "index.html").read_text()
    assert "1 not met" in listed


@pytest.mark.long
def test_a_page_that_cannot_be_drawn_keeps_no_fill_out(
    firm: Firm, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no page")

    monkeypatch.setattr("ingestion.pipeline.write_data_docs", broken)
    load(firm, home, AFTER)
    assert last_day(home) > 5


def in_the_evening(fill: Fill) -> Iterable[Fill]:
    """After hours, for one trader of many."""
    is_moved = fill.account_name == "SIM010"
    moved = fill.filled_at.replace(hour=22) if is_moved else fill.filled_at
    return [replace(fill, filled_at=moved)]


def in_the_night(fill: Fill) -> Iterable[Fill]:
    """At an hour at which no equity trades."""
    return [replace(fill, filled_at=fill.filled_at.replace(hour=2))]


def test_times_of_another_zone_stop_the_run_and_nothing_counts(
    firm: Firm, home: Home
) -> None:
    context = read_run_context(home)
    odd = changed_last_day(firm, in_the_night)
    with pytest.raises(GateError, match="are the times Eastern.*GATE=warn") as caught:
        load(odd, home, AFTER)
    assert "\n" not in str(caught.value)
    assert "times_eastern" in unmet(home)
    assert last_day(home) == 0
    assert read_run_context(home) == context
    # Set only to warn, the same data loads and the warning stays.
    summary = load(odd, home, AFTER, gate="warn")
    assert summary.warnings >= 1
    assert last_day(home) > 5
    assert "times_eastern" in unmet(home)


def as_utc(fill: Fill) -> Iterable[Fill]:
    """At the moment's time in UTC, as far as it is the same day."""
    moment = fill.filled_at.replace(tzinfo=EASTERN).astimezone(UTC)
    is_known = fill.filled_at.time() != time()
    moved = moment.replace(tzinfo=None) if is_known else fill.filled_at
    return [replace(fill, filled_at=moved)] if moved.date() == LAST else []


@pytest.mark.long
def test_times_in_utc_stop_the_run_though_they_lie_in_the_day(
    firm: Firm, home: Home
) -> None:
    with pytest.raises(GateError, match="look like UTC; the first are of fills "):
        load(changed_last_day(firm, as_utc), home, AFTER)
    assert "times_not_of_another_zone" in unmet(home)
    assert last_day(home) == 0


ODD_DAYS = {
    "times_in_day": in_the_evening,
    "prices_usual": lambda fill: (
        [replace(fill, price=fill.price * 100)]
        if fill.fill_id.endswith("7") and fill.symbol.isalpha()
        else [fill]
    ),
    "quantities_usual": lambda fill: [replace(fill, quantity=Decimal(2_000_000))],
    "prices_not_negative": lambda fill: [replace(fill, price=-fill.price)],
    "volume_usual": lambda fill: [
        replace(fill, propreports_id=fill.propreports_id * 1000 + number)
        for number in range(40 if fill.account_name == "SIM010" else 1)
    ],
    "fees_not_negative": lambda fill: [
        replace(fill, fees=dict.fromkeys(fill.fees, Decimal("-0.01")))
    ],
    "firm_volume_usual": lambda fill: [fill] if fill.account_name == "SIM010" else [],
}


@pytest.mark.long
@pytest.mark.parametrize(("check", "change"), ODD_DAYS.items(), ids=ODD_DAYS)
def test_an_odd_day_is_loaded_and_said(
    firm: Firm, home: Home, check: str, change
) -> None:
    summary = load(changed_last_day(firm, change), home, AFTER)
    assert check in unmet(home)
    assert summary.warnings >= 1
    assert last_day(home) >= 1


def test_a_firm_without_fills_is_said_and_then_stops_the_run(
    firm: Firm, usual: tuple[Home, IngestSummary], tmp_path: Path
) -> None:
    home = Home(shutil.copytree(usual[0].root, tmp_path / "usual"))
    assert load(firm, home, LAST + timedelta(days=6)).warnings == 1
    assert unmet(home) == {"firm_fresh"}
    with pytest.raises(GateError, match="does PropReports still get them"):
        load(firm, home, LAST + timedelta(days=14))


@pytest.mark.long
def test_days_that_vanish_by_the_dozen_stop_the_run(firm: Firm, home: Home) -> None:
    load(firm, home, AFTER)
    held = last_day(home)
    week = SESSIONS[-5]
    bare = replace(firm, fills=[x for x in firm.fills if x.filled_at.date() < week])
    with pytest.raises(GateError, match="API_GROUP_ID"):
        load(bare, home, AFTER)
    assert last_day(home) == held


@pytest.mark.long
def test_a_day_off_the_calendar_is_said(firm: Firm, home: Home) -> None:
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
    load(moved, home, saturday + timedelta(days=1), gate="warn")
    assert "dates_in_sessions" in unmet(home)


def gate_rows(as_of: date, batch: str, check: str, *, is_met: bool) -> pa.Table:
    """A result, as the gate gives it."""
    row = {
        "as_of": as_of, "check_name": check, "severity": "warning", "batch": batch,
        "is_met": is_met, "found_count": 1, "checked_count": 1, "finding": batch,
        "checked_at": datetime(2025, 3, 5, 12),
    }  # fmt: skip
    return pa.Table.from_pylist([row], schema=RESULTS_SCHEMA)


def gate_concerns(as_of: date, batch: str, check: str, version: str) -> pa.Table:
    """The day version that it speaks of."""
    row = {
        "as_of": as_of, "check_name": check, "batch": batch, "resource": "fills",
        "account_number": "1", "trade_date": date(2025, 3, 4), "rows_count": 1,
        "content_hash": version,
    }  # fmt: skip
    return pa.Table.from_pylist([row], schema=CONCERNS_SCHEMA)


def test_a_later_load_of_the_morning_takes_no_standing_warning_away(
    tmp_path: Path,
) -> None:
    home, as_of, batch = Home(tmp_path), date(2025, 3, 5), "fills of Tuesday"
    nothing = CONCERNS_SCHEMA.empty_table()

    def kept() -> list[tuple]:
        return rows(
            home,
            "select batch, check_name, is_met, content_hash from raw.gate_results "
            "left join raw.gate_concerns using (as_of, batch, check_name) order by all",
        )

    with open_landing(home, 1) as landing:
        landing.connection.execute(
            "insert into raw.day_versions select 'fills', '1', date '2025-03-04', "
            "version, 1, now(), now(), now() from (values ('v1'), ('v2')) as x(version)"
        )
        for version in ("v1", "v2", "refused", "refused"):
            landing.record_gate(
                gate_rows(as_of, batch, "prices_usual", is_met=False),
                gate_concerns(as_of, batch, "prices_usual", version),
                as_of,
                (),
            )
        both = ("files_reach", "firm_volume_usual")
        for check in both:
            found = gate_rows(as_of, THE_FIRM, check, is_met=False)
            landing.record_gate(found, nothing, as_of, [check])
        # A run that is stopped before it looks at the whole firm says nothing of it.
        landing.record_gate(RESULTS_SCHEMA.empty_table(), nothing, as_of, ())
        landing.record_gate(RESULTS_SCHEMA.empty_table(), nothing, as_of, both[:1])
    assert kept() == [
        (batch, "prices_usual", False, "v1"),
        (f"{batch}, load 2", "prices_usual", False, "v2"),
        (f"{batch}, load 3", "prices_usual", False, "refused"),
        (THE_FIRM, "firm_volume_usual", False, None),
    ]
