"""Whatever the API does, and whenever the process dies: nothing lost, nothing doubled.

MORNINGS in the environment makes the search longer; docs/reliability.md has
the numbers.
"""

import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.gate import GateError
from ingestion.history import rebuild
from ingestion.resources import (
    ACCOUNTS,
    ADJUSTMENTS,
    BROKER_DAYS,
    BY_DAY,
    POSITIONS,
)
from ingestion.simulator import (
    Account,
    Dialect,
    Fault,
    Firm,
    Ledger,
    Simulator,
    sample_firm,
    serve,
)
from ingestion.simulator.firm import Adjustment
from ingestion.simulator.revisions import (
    add_account,
    bust,
    correct,
    late_fills,
    post_adjustment,
    recompute_fees,
    remove_account,
    rename_account,
    reupload,
)
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import sessions_between
from runtime.transform.dbt import run_dbt
from runtime.warehouse import read_run_context
from tests.conftest import make_settings, rows
from tests.ingestion.test_simulator_edge_cases import edge_case_firm
from tests.mornings import (
    COLUMNS,
    assert_as_shown,
    assert_versions_are_whole,
    held,
    held_fills,
    load_morning,
    raw_tables,
    shown,
    shown_fills,
)

SEEDS = range(int(os.environ.get("MORNINGS", "1")))
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


@pytest.mark.parametrize("fault", list(Fault))
def test_a_fault_of_fills_is_survived_or_refused_in_one_line(
    tmp_path: Path, fault: Fault
) -> None:
    home = home_in(tmp_path)
    with serve(edge_case_firm(), as_of=AFTER, page_size=6, **FREE) as simulator:
        simulator.faults.delay_seconds = 2
        simulator.faults.once(fault)
        try:
            load_morning(simulator, home, timeout_seconds=(1, 1))
        except UserError as error:
            assert fault in (Fault.ERROR, Fault.HTML, Fault.WRONG_HEADER)
            assert "\n" not in str(error)
            assert simulator.password not in str(error)
            assert read_run_context(home) is None
            load_morning(simulator, home)
        assert simulator.faults.injected == {fault: 1}
        assert_as_shown(home, simulator)


@pytest.mark.parametrize(
    "fault",
    [
        *PASSING,
        Fault.NO_TRAILER,
        Fault.CHANGED_PAGES,
        Fault.EXPIRED,
        Fault.EMPTY,
    ],
)
def test_a_fault_of_every_action_in_one_load_is_survived(
    tmp_path: Path, fault: Fault
) -> None:
    home = home_in(tmp_path)
    actions = PAGED if fault in OF_PAGES else ACTIONS
    if fault in PASSING:
        actions = ("login", *ACTIONS, "logout")
    pages = {"page_size": 3, "positions_page_size": 3}
    with serve(edge_case_firm(), as_of=AFTER, **pages, **FREE) as simulator:
        for action in actions:
            simulator.faults.once(fault, action=action)
        load_morning(simulator, home)
        assert simulator.faults.injected == {fault: len(actions)}
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


# What of a resource that is not essential is set aside, with the reason kept.
SETS_ASIDE = {
    Fault.WRONG_HEADER: "has no column",
    Fault.EMPTY: "came without even a header",
}


def lasting_faults() -> Iterator[object]:
    """Every fault that may last, with every action that it can hit."""
    for fault in Fault:
        for action in ("login", *ACTIONS):
            only_pages = fault in (*OF_PAGES, Fault.WRONG_HEADER)
            if fault is Fault.TIMEOUT or (only_pages and action not in PAGED):
                continue
            if fault in SETS_ASIDE and action in OPTIONAL:
                continue  # set aside, and a test of its own
            if fault is Fault.SHIFTED_PAGES and action != "fills":
                continue  # only fills have a name of their own for each row
            yield pytest.param(fault, action, id=f"{fault} {action}")


@pytest.mark.parametrize(("fault", "action"), lasting_faults())
def test_a_fault_that_lasts_stops_the_run_and_nothing_changes(
    tmp_path: Path, loaded: tuple[Simulator, Home], fault: Fault, action: str
) -> None:
    simulator, held_home = loaded
    home = Home(shutil.copytree(held_home.root, tmp_path / "home"))
    before = raw_tables(home)
    simulator.faults.once(fault, action=action, times=10**6)
    asked = len(simulator.requests)
    try:
        with pytest.raises(UserError) as caught:
            load_morning(simulator, home, gate="warn")
    finally:
        simulator.faults.clear()
    assert "\n" not in str(caught.value)
    assert simulator.password not in str(caught.value)
    assert raw_tables(home) == before
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


@pytest.mark.parametrize("action", OPTIONAL)
@pytest.mark.parametrize("fault", SETS_ASIDE)
def test_what_is_not_essential_is_set_aside_if_it_cannot_be_read(
    tmp_path: Path, loaded: tuple[Simulator, Home], action: str, fault: Fault
) -> None:
    simulator, held_home = loaded
    home = Home(shutil.copytree(held_home.root, tmp_path / "home"))
    before = held(home)
    simulator.faults.once(fault, action=action, times=10**6)
    try:
        load_morning(simulator, home)
    finally:
        simulator.faults.clear()
    assert held(home) == before
    found = rows(home, "select distinct resource, reason from raw.quarantine")
    resource = "broker_days" if action == "report" else action
    assert [name for name, _ in found] == [resource] * len(found)
    assert all(SETS_ASIDE[fault] in reason for _, reason in found)
    assert found
    load_morning(simulator, home)
    assert rows(home, "select count(*) from raw.quarantine") == [(0,)]
    assert_as_shown(home, simulator)


@pytest.mark.parametrize("action", OPTIONAL)
def test_a_blank_answer_is_no_rows_where_none_are_held(
    tmp_path: Path, action: str
) -> None:
    home = home_in(tmp_path)
    resource = "broker_days" if action == "report" else action
    with serve(edge_case_firm(), as_of=AFTER, **FREE) as simulator:
        simulator.faults.once(Fault.EMPTY, action=action, times=10**6)
        load_morning(simulator, home)
        assert not held(home)[resource]
        simulator.faults.clear()
        load_morning(simulator, home)
        assert_as_shown(home, simulator)


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


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
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


@pytest.mark.parametrize("column", ["Cash", "Unrealized"])
def test_an_account_with_an_unreadable_balance_stays(
    tmp_path: Path, column: str
) -> None:
    home = home_in(tmp_path)
    index = list(COLUMNS["accounts"].values()).index(
        (column, COLUMNS["accounts"]["cash_amount"][1])
    )
    with serve(edge_case_firm(), as_of=AFTER, **FREE) as simulator:
        right = shown(simulator)
        # Several accounts have nothing.
        simulator.dialect = Dialect(replaced={("accounts", column, "0.00"): "n/a"})
        load_morning(simulator, home, gate="warn")
        without = Counter(
            tuple(
                None if place == index and not cell else cell
                for place, cell in enumerate(row)
            )
            for row in right["accounts"].elements()
        )
        found = held(home)
        assert found["accounts"] == without
        assert found["fills"] == right["fills"]
        assert found["broker_days"] == right["broker_days"]
        cells = rows(home, "select resource, column_name, cell from raw.quarantine")
        assert set(cells) == {("accounts", column, "n/a")}


def test_a_column_nobody_has_declared_of_the_accounts_is_reported(
    tmp_path: Path,
) -> None:
    home = home_in(tmp_path)
    dialect = Dialect(further_columns={"accounts": {"Mood": "fine"}})
    with serve(edge_case_firm(), as_of=AFTER, dialect=dialect, **FREE) as simulator:
        load_morning(simulator, home)
        simulator.dialect = Dialect()
        assert held(home) == shown(simulator)
    kept = rows(home, "select distinct column_name, cell, reason from raw.quarantine")
    assert kept == [("Mood", "fine", "is in a column nobody has declared")]


@pytest.mark.parametrize("kind", ["positions", "adjustments", "summaryByDate"])
def test_a_column_nobody_has_declared_is_kept_aside_of_any_table(
    tmp_path: Path, kind: str
) -> None:
    home = home_in(tmp_path)
    dialect = Dialect(further_columns={kind: {"Mood": "fine"}})
    with serve(edge_case_firm(), as_of=AFTER, dialect=dialect, **FREE) as simulator:
        load_morning(simulator, home)
        resource = "broker_days" if kind == "summaryByDate" else kind
        kept = rows(
            home,
            "select resource, column_name, cell, count(*) from raw.extra_cells "
            "where not is_known group by all",
        )
        simulator.dialect = Dialect()
        count = shown(simulator)[resource].total()
        assert kept == [(resource, "Mood", "fine", count)]
        assert held(home) == shown(simulator)


SESSIONS = sessions_between(date(2024, 12, 2), date(2025, 3, 7))
RENAMED = "SIM001"
TRANSIENT = (
    Fault.BUSY,
    Fault.BAD_GATEWAY,
    Fault.UNAVAILABLE,
    Fault.GATEWAY_TIMEOUT,
    Fault.CUT,
    Fault.DROP,
    Fault.EXPIRED,
    Fault.NO_TRAILER,
    Fault.CHANGED_PAGES,
)


def revisions_of(firm: Firm, mornings: list[date], seed: int) -> list:
    """Everything section 10 lists, at random mornings, within the days re-read."""
    chance = random.Random(seed)
    found = []
    free_id = 50_000_000
    regular = [
        x
        for x in firm.fills
        if x.is_regular and x.filled_at.date() >= mornings[0] - timedelta(days=5)
    ]
    touched: set[tuple[str, date]] = set()

    def pick(morning: date):
        day = max(x for x in SESSIONS if x < morning)
        day = chance.choice(
            [x for x in SESSIONS if day - timedelta(days=5) <= x <= day]
        )
        rows_of_day = [
            x
            for x in regular
            if x.filled_at.date() == day
            and (x.account_name, day) not in touched
            and x.account_name != RENAMED
        ]
        fill = chance.choice(rows_of_day)
        touched.add((fill.account_name, day))
        return fill

    for number, morning in enumerate(mornings[1:]):
        at = datetime.combine(morning, datetime.min.time()) + timedelta(hours=7)
        for kind in range(7):
            fill = pick(morning)
            day = (fill.account_name, fill.filled_at.date())
            free_id += 10_000
            if kind == 0:
                late = replace(fill, propreports_id=free_id, fill_id=f"L{free_id}")
                found.append(late_fills(at, [late]))
            elif kind == 1:
                found.append(bust(at, fill))
            elif kind == 2:
                found.append(bust(at, fill, vanishes=True))
            elif kind == 3:
                found.append(correct(at, fill, price=fill.price + Decimal("0.01")))
            elif kind == 4:
                found.append(correct(at, fill, symbol="RENAMED"))
            elif kind == 5:
                fees = Decimal("0.00123") * (number + 1)
                found.append(recompute_fees(at, [day], "NSCC", fees))
            else:
                found.append(reupload(at, *day, free_id))
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_mornings_of_revisions_and_faults_leave_what_propreports_holds(
    tmp_path: Path, seed: int
) -> None:
    """Each morning the rows are the simulator's; later, each morning can be rebuilt."""
    home = home_in(tmp_path)
    firm = sample_firm(SESSIONS, 100 + seed)
    mornings = [day + timedelta(days=1) for day in SESSIONS[-9:-1]]
    revisions = revisions_of(firm, mornings, seed)
    first = datetime.combine(mornings[2], datetime.min.time()) + timedelta(hours=7)
    revisions += [
        rename_account(first, RENAMED, f"{RENAMED}_OLD"),
        add_account(first, Account(9001, "SIM900")),
        post_adjustment(
            first,
            Adjustment(
                SESSIONS[-8], firm.accounts[1].name, "Fee: Locate", Decimal("-3")
            ),
        ),
    ]
    known: dict[date, dict[str, Counter]] = {}
    with serve(
        firm, as_of=mornings[0], revisions=revisions, page_size=500, **FREE
    ) as simulator:
        simulator.faults.random(0.15, TRANSIENT, seed)
        for morning in mornings:
            simulator.as_of = morning
            load_until_it_works(simulator, home)
            assert_as_shown(home, simulator)
            known[morning] = shown(simulator)
        assert len(simulator.log) == len(revisions)
        assert_every_revision_is_a_version(home, simulator)
        assert sum(simulator.faults.injected.values()) > 10
        context = read_run_context(home)
        for morning in mornings:
            past = home.past(morning)
            rebuild(home, past, context, morning)
            rebuilt = held(past)
            # Of an account's balance only the last one is kept.
            for resource in (x.name for x in BY_DAY):
                assert rebuilt[resource] == known[morning][resource], morning
            assert read_run_context(past).as_of == morning
        assert_totals_equal_the_ledger(home, simulator)
    history = rows(
        home,
        "select is_listed, count(*) from raw.account_versions "
        f"where account_number = '{firm.accounts[0].number}' group by all",
    )
    assert history == [(True, 2)]


def assert_every_revision_is_a_version(home: Home, simulator: Simulator) -> None:
    """Each entry of the simulator's log was seen on its morning, at the right day."""
    numbers = {x.name: str(x.number) for x in simulator.firm.accounts}
    numbers[RENAMED] = numbers[f"{RENAMED}_OLD"]
    days = set(
        rows(
            home,
            "select resource, account_number, trade_date, cast(known_at as date) "
            "from raw.day_versions",
        )
    )
    accounts = set(
        rows(
            home,
            "select account_number, cast(first_seen_at as date) "
            "from raw.account_versions",
        )
    )
    kinds: Counter = Counter()
    for moment, kind, touched in simulator.log:
        kinds[kind] += 1
        if kind == "account renamed":
            assert (numbers[RENAMED], moment.date()) in accounts
        elif kind == "account added":
            assert ("9001", moment.date()) in accounts
        else:
            resource = "adjustments" if kind == "adjustment" else "fills"
            assert touched
            for name, day in touched:
                key = (resource, numbers[name], day, moment.date())
                assert key in days, (kind, key)
    assert len(kinds) == 8


def load_until_it_works(simulator: Simulator, home: Home) -> None:
    """A run that faults stopped is started again, as cron or a person would."""
    for _ in range(20):
        try:
            load_morning(simulator, home, timeout_seconds=(1, 1), gate="warn")
        except UserError as error:
            assert "\n" not in str(error)
        else:
            return
    raise AssertionError("20 runs failed")


def assert_totals_equal_the_ledger(home: Home, simulator: Simulator) -> None:
    """daily_totals come to what the simulator's queue makes of its fills."""
    run_dbt(
        make_settings(), home, "build", "--selector", "before_scoring",
        "--exclude-resource-type", "unit_test")  # fmt: skip
    ledger = Ledger(simulator.firm, simulator.last_visible)
    totals = {
        (code, day): amounts
        for code, day, *amounts in rows(
            home,
            "select account_id, trade_date, gross_pnl, total_fees, net_pnl "
            "from marts.daily_totals where fills_count > 0",
        )
    }
    checked = 0
    for account in simulator.firm.accounts:
        code = account.name.split()[0]
        for day in ledger.days(account.name, date.min, date.max):
            if (code, day.date) in totals:
                assert totals[code, day.date] == [day.gross, day.trade_fees, day.net]
                checked += 1
            else:
                assert not any(x.fills for x in day.symbol_days)
    assert checked == len(totals) > 300


def test_a_first_load_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.pipeline.SLICE_ROWS", 1000)
    home = home_in(tmp_path)
    firm = sample_firm(sessions_between(date(2024, 9, 3), date(2025, 1, 31)), 7)
    with serve(firm, as_of=date(2025, 2, 1), **FREE) as simulator:
        simulator.faults.once(Fault.ERROR, action="fills", after=5)
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


def test_a_first_load_commits_by_time_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few rows came: what was read for half a minute is not read again."""
    home = home_in(tmp_path)
    ahead = [0.0]
    monotonic = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + ahead[0])
    firm = sample_firm(sessions_between(date(2024, 9, 3), date(2025, 1, 31)), 7)
    with serve(firm, as_of=date(2025, 2, 1), **FREE) as simulator:
        answer = simulator.answer

        def slowly(fields):
            # A month of a large firm may well take so long.
            ahead[0] += 31 if fields.get("action") == "fills" else 0
            return answer(fields)

        simulator.answer = slowly
        simulator.faults.once(Fault.ERROR, action="fills", after=5)
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


def test_a_first_load_that_the_gate_stopped_at_its_end_goes_on(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    firm = sample_firm(SESSIONS, 7)
    # The firm's fills end weeks before: only at the end of the load is that known.
    with serve(firm, as_of=date(2025, 4, 14), **FREE) as simulator:
        with pytest.raises(GateError, match="without a single fill of the firm"):
            load_morning(simulator, home)
        assert read_run_context(home) is None
        summary = load_morning(simulator, home, gate="warn")
        assert summary.warnings
        assert read_run_context(home).as_of == date(2025, 4, 14)
        assert_as_shown(home, simulator)


def test_a_backfill_finds_what_no_morning_looks_at(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    firm = sample_firm(SESSIONS, 7)
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


def test_an_account_that_is_listed_no_more_keeps_its_days(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    firm = sample_firm(SESSIONS, 7)
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
