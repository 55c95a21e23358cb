"""Mornings of revisions and random faults, each of which can be rebuilt later.

With `make test-long` five firms live through them; docs/reliability.md has the numbers.
"""

import random
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
    rename_account,
    reupload,
)
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import sessions_between
from runtime.transform.dbt import run_dbt
from runtime.warehouse import read_run_context
from tests.conftest import make_settings, rows
from tests.desks import since, some_of
from tests.draws import draw
from tests.mornings import assert_as_shown, held, load_morning

SEEDS = range(draw(1, 5))
MORNINGS = draw(4, 8)
FREE = {"rate_limit": 10**6}


def home_in(folder: Path) -> Home:
    """The home of a test."""
    return Home(folder / "home")


SESSIONS = sessions_between(date(2024, 12, 2), date(2025, 3, 7))
BEGINS = date(2025, 1, 21)  # of what is kept of the firm
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
        last = max(x for x in SESSIONS if x < morning)
        untouched = [
            x
            for x in regular
            if last - timedelta(days=5) <= x.filled_at.date() <= last
            and (x.account_name, x.filled_at.date()) not in touched
            and x.account_name != RENAMED
        ]
        fill = chance.choice(untouched)
        touched.add((fill.account_name, fill.filled_at.date()))
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


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
def test_mornings_of_revisions_and_faults_leave_what_propreports_holds(
    tmp_path: Path, seed: int
) -> None:
    """Each morning the rows are the simulator's; later, each morning can be rebuilt."""
    home = home_in(tmp_path)
    firm = since(BEGINS, some_of(sample_firm(SESSIONS, 100 + seed), 16))
    mornings = [day + timedelta(days=1) for day in SESSIONS[-MORNINGS - 1 : -1]]
    revisions = revisions_of(firm, mornings, seed)
    first = datetime.combine(mornings[2], datetime.min.time()) + timedelta(hours=7)
    revisions += [
        rename_account(first, RENAMED, f"{RENAMED}_OLD"),
        add_account(first, Account(9001, "SIM900")),
        post_adjustment(
            first,
            Adjustment(
                SESSIONS[-MORNINGS], firm.accounts[1].name, "Fee: Locate", Decimal("-3")
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
            known[morning] = assert_as_shown(home, simulator)
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
        make_settings(), home, "build",
        *draw(
            ("--select", "+daily_totals", "--indirect-selection", "buildable"),
            ("--selector", "before_scoring"),
        ),
        "--exclude-resource-type", "unit_test",
    )  # fmt: skip
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
        # A name changes, an id does not.
        code = account.name.split()[0].replace(f"{RENAMED}_OLD", RENAMED)
        for day in ledger.days(account.name, date.min, date.max):
            if (code, day.date) in totals:
                assert totals[code, day.date] == [day.gross, day.trade_fees, day.net]
                checked += 1
            else:
                assert not any(x.fills for x in day.symbol_days)
    assert checked == len(totals) > 300
