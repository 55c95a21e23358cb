"""Rows written in other ways are read alike; what cannot be read is set aside."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ingestion.resources import ACCOUNTS, ADJUSTMENTS, BROKER_DAYS, POSITIONS
from ingestion.simulator import Dialect, serve
from runtime.home import Home
from tests.conftest import rows
from tests.draws import draw
from tests.ingestion.test_simulator_edge_cases import edge_case_firm
from tests.mornings import (
    COLUMNS,
    assert_as_shown,
    assert_versions_are_whole,
    held,
    held_fills,
    load_morning,
    shown,
    shown_fills,
)

AFTER = date(2025, 3, 5)
FREE = {"rate_limit": 10**6}


def home_in(folder: Path) -> Home:
    """The home of a test."""
    return Home(folder / "home")


def test_the_comparison_leaves_no_declared_column_out() -> None:
    for resource in (ACCOUNTS, BROKER_DAYS, POSITIONS, ADJUSTMENTS):
        # The account of a row is its number; of the list it is the name as well.
        keys = {"account_name"} if resource is not ACCOUNTS else set()
        declared = {column.name for column in resource.columns} - keys
        assert COLUMNS[resource.name].keys() == declared


DIALECTS = {
    "isin and cusip in one column": Dialect(isin_and_cusip_in_one=True),
    "columns nobody has declared": Dialect(extra_columns={"Mood": "fine", "Fee": "9"}),
    "windows line ends": Dialect(line_end="\r\n"),
    "a byte order mark": Dialect(byte_order_mark=True),
    "blank fees": Dialect(blank_zero_fees=True),
    "accounting numbers": Dialect(accounting_numbers=True),
    "dashes": Dialect(dashes_for_zero=True),
    "other spellings": Dialect(column_names={"Ecn Fee": "ECN Fee", "B/S": "b/s"}),
    "columns in another order": Dialect(column_order="reversed"),
    "no page at all": Dialect(empty_trailer="0/0"),
    "page 1 of 0": Dialect(empty_trailer="1/0"),
}


# What can be written at once, and so be read in one load.
TOGETHER = (
    (
        "isin and cusip in one column",
        "columns nobody has declared",
        "windows line ends",
        "a byte order mark",
        "blank fees",
        "accounting numbers",
        "no page at all",
    ),
    ("dashes", "other spellings", "columns in another order", "page 1 of 0"),
)


def dialects() -> Iterator[object]:
    """Several ways at once; in a long draw one by one."""
    assert {name for names in TOGETHER for name in names} == DIALECTS.keys()
    usual = vars(Dialect())
    for names in draw(TOGETHER, tuple((name,) for name in DIALECTS)):
        chosen = {
            field: value
            for name in names
            for field, value in vars(DIALECTS[name]).items()
            if value != usual[field]
        }
        yield pytest.param(Dialect(**chosen), id=", ".join(names))


@pytest.mark.few(1)
@pytest.mark.parametrize("dialect", dialects())
def test_every_way_to_write_it_is_read_alike(tmp_path: Path, dialect: Dialect) -> None:
    home = home_in(tmp_path)
    with serve(edge_case_firm(), as_of=AFTER, dialect=dialect, **FREE) as simulator:
        load_morning(simulator, home)
        assert held_fills(home) == shown_fills(simulator)
        assert_versions_are_whole(home)
    kept = rows(
        home,
        "select distinct column_name, cell from raw.extra_cells where not is_known",
    )
    assert dict(kept) == dict(dialect.extra_columns)


BAD_CELLS = {
    "Qty": "many",
    "B/S": "X",
    "Symbol": "",
    "Date/Time": "02/30/2025 10:00:00",
    "Price": "1e3",
    "Comm": "free",
}


@pytest.mark.long
def test_rows_that_cannot_be_read_are_quarantined_and_the_rest_loads(
    tmp_path: Path,
) -> None:
    home = home_in(tmp_path)
    firm = edge_case_firm()
    chosen = dict(zip(BAD_CELLS, firm.fills, strict=False))
    cells = {
        fill.propreports_id: {column: BAD_CELLS[column]}
        for column, fill in chosen.items()
    }
    with serve(firm, as_of=AFTER, dialect=Dialect(cells=cells), **FREE) as simulator:
        summary = load_morning(simulator, home)
        assert summary.rejected == len(cells)
        bad = Counter(fill.propreports_id for fill in chosen.values())
        good = replace(firm, fills=[x for x in firm.fills if not bad[x.propreports_id]])
        with serve(good, as_of=AFTER) as other:
            assert held_fills(home) == shown_fills(other)
        found = rows(
            home,
            "select column_name, cell, origin, line_number > 1 from raw.quarantine",
        )
        assert {(column, cell) for column, cell, _, _ in found} == set(
            BAD_CELLS.items()
        )
        assert all(
            origin.startswith("fills 2025-03") and ok for *_, origin, ok in found
        )
        # Fixed at the source, they are read and leave the quarantine.
        simulator.dialect = Dialect()
        load_morning(simulator, home)
        assert_as_shown(home, simulator)
        assert rows(home, "select count(*) from raw.quarantine") == [(0,)]


ELSEWHERE = {
    ("positions", "Symbol", "+QQZ250321C21"): "",
    ("positions", "Qty", "-150"): "many",
    ("positions", "Close", "101.00"): "1e3",
    ("adjustments", "Amount", "-0.01"): "free",
    ("summaryByDate", "Gross", "300.00"): "a lot",
    ("summaryByDate", "Date", "3/4/2025"): "3/45/2025",
}


def test_rows_of_any_table_that_cannot_be_read_are_quarantined_until_fixed(
    tmp_path: Path,
) -> None:
    home = home_in(tmp_path)
    with serve(edge_case_firm(), as_of=AFTER, **FREE) as simulator:
        right = shown(simulator)
        simulator.dialect = Dialect(replaced=ELSEWHERE)
        summary = load_morning(simulator, home, gate="warn")
        found = rows(home, "select resource, column_name, cell from raw.quarantine")
        resources = {"summaryByDate": "broker_days"}
        assert {(name, column, cell) for name, column, cell in found} == {
            (resources.get(table, table), column, cell)
            for (table, column, _), cell in ELSEWHERE.items()
        }
        assert summary.rejected == len(found)
        counts = Counter(name for name, _, _ in found)
        for resource, given in right.items():
            rest = held(home)[resource]
            assert rest <= given
            assert rest.total() == given.total() - counts[resource], resource
        simulator.dialect = Dialect()
        # A date that cannot be read may be any of its request: all of it is read again.
        load_morning(simulator, home, window=(date(2025, 1, 1), AFTER))
        assert_as_shown(home, simulator)
        assert rows(home, "select count(*) from raw.quarantine") == [(0,)]


BALANCES = ("Cash", "Unrealized")


@pytest.mark.long
def test_an_account_with_an_unreadable_balance_stays(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    columns = list(COLUMNS["accounts"].values())
    places = {n for n, (name, _) in enumerate(columns) if name in BALANCES}
    assert len(places) == len(BALANCES)
    with serve(edge_case_firm(), as_of=AFTER, **FREE) as simulator:
        right = shown(simulator)
        # Several accounts have nothing.
        simulator.dialect = Dialect(
            replaced={("accounts", column, "0.00"): "n/a" for column in BALANCES}
        )
        load_morning(simulator, home, gate="warn")
        without = Counter(
            tuple(
                None if place in places and not cell else cell
                for place, cell in enumerate(row)
            )
            for row in right["accounts"].elements()
        )
        found = held(home)
        assert found["accounts"] == without
        assert found["fills"] == right["fills"]
        assert found["broker_days"] == right["broker_days"]
        cells = rows(home, "select resource, column_name, cell from raw.quarantine")
        assert set(cells) == {("accounts", column, "n/a") for column in BALANCES}


@pytest.mark.long
def test_a_column_nobody_has_declared_of_any_table_is_reported_or_kept_aside(
    tmp_path: Path,
) -> None:
    home = home_in(tmp_path)
    kinds = {
        "positions": "positions",
        "adjustments": "adjustments",
        "summaryByDate": "broker_days",
    }
    dialect = Dialect(
        further_columns={kind: {"Mood": "fine"} for kind in ("accounts", *kinds)}
    )
    with serve(edge_case_firm(), as_of=AFTER, dialect=dialect, **FREE) as simulator:
        load_morning(simulator, home)
        simulator.dialect = Dialect()
        right = shown(simulator)
    assert held(home) == right
    told = rows(home, "select distinct column_name, cell, reason from raw.quarantine")
    assert told == [("Mood", "fine", "is in a column nobody has declared")]
    kept = rows(
        home,
        "select resource, column_name, cell, count(*) from raw.extra_cells "
        "where not is_known group by all",
    )
    assert set(kept) == {
        (name, "Mood", "fine", right[name].total()) for name in kinds.values()
    }
