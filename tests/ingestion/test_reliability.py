"""Whatever the API does, and whenever the process dies: nothing lost, nothing doubled.

KILLS and MORNINGS in the environment make the search longer; docs/reliability.md has
the numbers.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.history import rebuild
from ingestion.resources import BY_DAY
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
from runtime.settings import PROJECT_ROOT
from runtime.transform import run_dbt
from runtime.warehouse import read_run_context
from tests.conftest import make_settings, rows
from tests.ingestion.test_simulator_awkward import awkward_firm
from tests.mornings import (
    assert_as_shown,
    assert_versions_are_whole,
    held,
    held_fills,
    load_morning,
    shown,
    shown_fills,
)

KILLS = int(os.environ.get("KILLS", "4"))
SEEDS = range(int(os.environ.get("MORNINGS", "1")))
AFTER = date(2025, 3, 5)
FREE = {"rate_limit": 10**6}


def home_in(folder: Path) -> Home:
    """The home of a test."""
    return Home(folder / "home")


FAULTS_OF_FILLS = [(fault, "fills") for fault in Fault]
OTHER_FAULTS = [
    (fault, action)
    for action in ("accounts", "report", "positions", "login", "logout")
    for fault in (Fault.CUT, Fault.HTML, Fault.EXPIRED, Fault.ERROR, Fault.BAD_GATEWAY)
]


@pytest.mark.parametrize("times", [1, 100])
@pytest.mark.parametrize(("fault", "action"), FAULTS_OF_FILLS + OTHER_FAULTS)
def test_a_fault_is_survived_or_refused_in_one_line(
    tmp_path: Path, fault: Fault, action: str, times: int
) -> None:
    if times > 1 and (fault is Fault.TIMEOUT or action in ("login", "logout")):
        pytest.skip("the same as once, only slower")
    home = home_in(tmp_path)
    with serve(awkward_firm(), as_of=AFTER, page_size=6, **FREE) as simulator:
        simulator.faults.delay_seconds = 2
        simulator.faults.once(fault, action=action, times=times)
        try:
            load_morning(simulator, home, timeout_seconds=(1, 1))
        except UserError as error:
            assert "\n" not in str(error)
            assert simulator.password not in str(error)
            assert read_run_context(home) is None
            simulator.faults.clear()
            load_morning(simulator, home)
        else:
            assert times == 1 or fault is Fault.EMPTY or action == "logout"
        assert simulator.faults.injected[fault]
        if fault is Fault.EMPTY and times > 1:
            simulator.faults.clear()
            load_morning(simulator, home)
        assert_as_shown(home, simulator)


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
    with serve(awkward_firm(), as_of=AFTER, dialect=dialect, **FREE) as simulator:
        load_morning(simulator, home)
        assert held_fills(home) == shown_fills(simulator)
        assert_versions_are_whole(home)
    kept = rows(home, "select distinct column_name, cell from raw.extra_cells")
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
    firm = awkward_firm()
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
        # Mended at the source, they are read and leave the quarantine.
        simulator.dialect = Dialect()
        load_morning(simulator, home)
        assert_as_shown(home, simulator)
        assert rows(home, "select count(*) from raw.quarantine") == [(0,)]


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


LOAD_IN_A_PROCESS = """
import sys
from datetime import datetime
from pathlib import Path
import ingestion.pipeline, ingestion.versions
# Many small commits: more places to die in.
ingestion.versions.SLICE_ROWS = ingestion.pipeline.SLICE_ROWS = 8000
from runtime.home import Home
from tests.mornings import load_from
url, user, password, now, home = sys.argv[1:]
load_from(url, user, password, datetime.fromisoformat(now), Home(Path(home)))
"""


def started(simulator: Simulator, home: Home) -> subprocess.Popen:
    """A process that loads the simulator's firm."""
    arguments = (
        simulator.url,
        simulator.user,
        simulator.password,
        simulator.now.isoformat(),
        str(home.root),
    )
    return subprocess.Popen(
        [sys.executable, "-c", LOAD_IN_A_PROCESS, *arguments], cwd=PROJECT_ROOT
    )


def test_a_load_killed_at_any_moment_ends_the_same(tmp_path: Path) -> None:
    chance = random.Random(int(os.environ.get("KILL_SEED", "1")))
    firm = sample_firm(SESSIONS, 7)
    after = SESSIONS[-1] + timedelta(days=1)
    with serve(firm, as_of=after, page_size=2000, **FREE) as simulator:
        asked = len(simulator.requests)
        trial = started(simulator, home_in(tmp_path / "trial"))
        begins = _wait_for_request(simulator, asked, trial)
        assert trial.wait() == 0
        lasts = time.monotonic() - begins
        whole = len(simulator.requests)
        home = home_in(tmp_path)
        killed = completed = 0
        while killed < KILLS:
            asked = len(simulator.requests)
            process = started(simulator, home)
            _wait_for_request(simulator, asked, process)
            time.sleep(chance.random() * lasts)
            process.send_signal(signal.SIGKILL)
            if process.wait() == -signal.SIGKILL:
                killed += 1
                _assert_nothing_counts_by_half(home)
            else:
                completed += 1
        load_morning(simulator, home)
        assert_as_shown(home, simulator)
        assert whole > 30
    print(f"{killed} kills, {completed} runs were over before")


def _wait_for_request(
    simulator: Simulator, asked: int, process: subprocess.Popen
) -> float:
    while len(simulator.requests) == asked:
        assert process.poll() is None
        time.sleep(0.01)
    return time.monotonic()


def _assert_nothing_counts_by_half(home: Home) -> None:
    tables = (
        rows(
            home,
            "select count(*) from information_schema.tables where table_schema = 'raw' "
            "and table_name in ('fills', 'broker_days', 'positions', 'adjustments')",
        )
        if home.warehouse.exists()
        else [(0,)]
    )
    if tables == [(4,)]:
        assert_versions_are_whole(home)


def test_a_first_load_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.pipeline.SLICE_ROWS", 1000)
    home = home_in(tmp_path)
    firm = sample_firm(sessions_between(date(2024, 9, 3), date(2025, 1, 31)), 7)
    with serve(firm, as_of=date(2025, 2, 1), **FREE) as simulator:
        simulator.faults.once(Fault.ERROR, action="fills", after=4)
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
