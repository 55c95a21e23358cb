"""A load that is killed at any moment and started again ends as if it never was.

`make test-long` kills 90 times, KILL_SEED moves the kills; what is asserted of each is
the same. docs/reliability.md has the numbers.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.history import rebuild
from ingestion.simulator import Firm, Simulator, sample_firm, serve
from ingestion.simulator.firm import Adjustment
from ingestion.simulator.revisions import (
    Revision,
    bust,
    correct,
    late_fills,
    post_adjustment,
    recompute_fees,
    rename_account,
    reupload,
)
from runtime.home import Home
from runtime.sessions import sessions_between
from runtime.settings import PROJECT_ROOT
from runtime.warehouse import read_run_context
from tests.conftest import rows
from tests.desks import since, some_of
from tests.draws import draw
from tests.mornings import (
    assert_as_shown,
    assert_versions_are_whole,
    load_morning,
    raw_tables,
)

SEED = int(os.environ.get("KILL_SEED", "1"))
SESSIONS = sessions_between(date(2024, 12, 2), date(2025, 3, 7))
# Of what is kept of the firm, so that a kill takes seconds.
BEGINS = draw(date(2025, 2, 24), date(2025, 2, 10))
FIRST_MORNING, NEXT_MORNING = date(2025, 3, 7), date(2025, 3, 8)
# Of a day that no morning looks at any more; a backfill finds it.
MUCH_LATER = date(2025, 3, 10)
# Rows of a slice: many small commits are many places to die in.
SMALL = draw(1_000, 2_000)

DO_IN_A_PROCESS = f"""
import sys
from datetime import date, datetime
from pathlib import Path
import ingestion.pipeline, ingestion.versions
from ingestion.history import rebuild
from runtime.home import Home
from runtime.warehouse import read_run_context
from tests.mornings import load_from

ingestion.versions.SLICE_ROWS = ingestion.pipeline.SLICE_ROWS = {SMALL}
url, user, password, now, home, first, last, as_of = sys.argv[1:]
home = Home(Path(home))
if not as_of:
    # What is slow to import would take most of the kills.
    import dlt
    from ingestion.gate import import_library
    import_library()
print("ready", flush=True)
if as_of:
    as_of = date.fromisoformat(as_of)
    rebuild(home, home.past(as_of), read_run_context(home), as_of)
else:
    window = (date.fromisoformat(first), date.fromisoformat(last)) if first else None
    load_from(url, user, password, datetime.fromisoformat(now), home, window=window)
"""


@dataclass(frozen=True)
class Job:
    """Something that may be killed.

    Attributes:
        now: The virtual date of it.
        window: Of a backfill.
        as_of: Of the rebuilding of a past morning.
        kills: How often it is killed in a short and in a long draw.
    """

    now: date
    window: tuple[date, date] | None = None
    as_of: date | None = None
    kills: tuple[int, int] = (1, 20)

    def started(self, simulator: Simulator, home: Home) -> subprocess.Popen:
        """A process that does it."""
        dates = [day.isoformat() for day in self.window or ()] or ["", ""]
        arguments = (
            *(simulator.url, simulator.user, simulator.password),
            *(simulator.now.isoformat(), str(home.root), *dates),
            self.as_of.isoformat() if self.as_of else "",
        )
        return subprocess.Popen(
            [sys.executable, "-c", DO_IN_A_PROCESS, *arguments],
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
        )

    def do(self, simulator: Simulator, home: Home) -> None:
        """Do it here."""
        if self.as_of:
            context = read_run_context(home)
            rebuild(home, home.past(self.as_of), context, self.as_of)
        else:
            load_morning(simulator, home, window=self.window)


JOBS = {
    "first load": Job(FIRST_MORNING, kills=(1, 30)),
    "morning": Job(NEXT_MORNING),
    "backfill": Job(MUCH_LATER, window=(SESSIONS[0], SESSIONS[-1])),
    "rebuild": Job(NEXT_MORNING, as_of=FIRST_MORNING),
}


def revisions_of(firm: Firm) -> list[Revision]:
    """One of each kind on the second morning, and one of a day long past."""
    at = datetime.combine(NEXT_MORNING, datetime.min.time()) + timedelta(hours=7)
    last = [
        next(x for x in firm.fills if x.account_name == name and _is_recent(x))
        for name in sorted({x.account_name for x in firm.fills if _is_recent(x)})
    ]
    days = [(x.account_name, x.filled_at.date()) for x in last]
    old = next(x for x in firm.fills if x.is_regular)
    return [
        late_fills(at, [replace(last[0], propreports_id=60_000_000, fill_id="L1")]),
        bust(at, last[1]),
        bust(at, last[2], vanishes=True),
        correct(at, last[3], price=last[3].price + Decimal("0.01")),
        correct(at, last[4], symbol="RENAMED"),
        recompute_fees(at, [days[5]], "NSCC", Decimal("0.00123")),
        reupload(at, *days[6], 70_000_000),
        rename_account(at, days[7][0], f"{days[7][0]}_OLD"),
        post_adjustment(
            at, Adjustment(days[0][1], days[0][0], "Fee: Locate", Decimal("-3"))
        ),
        correct(
            datetime.combine(MUCH_LATER, datetime.min.time()),
            old,
            price=old.price + 1,
        ),
    ]


def _is_recent(fill) -> bool:
    return fill.is_regular and fill.filled_at.date() in SESSIONS[-5:-1]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A firm of two or four weeks whose rows change after they were published."""
    firm = since(BEGINS, some_of(sample_firm(SESSIONS, 7), 12))
    with serve(
        firm, as_of=FIRST_MORNING, revisions=revisions_of(firm), rate_limit=10**6
    ) as made:
        yield made


@pytest.fixture(scope="module")
def homes(
    simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Home]:
    """What each job finds."""
    folder = tmp_path_factory.mktemp("homes")
    empty = Home(folder / "empty")
    empty.root.mkdir()
    # Or names would be hidden in another way each time.
    (empty.root / "account_salt").write_text("0" * 32)
    if draw(True, False):
        return {"first load": empty}
    first = _copied(empty, folder / "first")
    simulator.as_of = FIRST_MORNING
    load_morning(simulator, first)
    second = _copied(first, folder / "second")
    simulator.as_of = NEXT_MORNING
    load_morning(simulator, second)
    return {
        "first load": empty,
        "morning": first,
        "backfill": second,
        "rebuild": second,
    }


def _copied(home: Home, folder: Path) -> Home:
    shutil.copytree(home.root, folder)
    return Home(folder)


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["first load", "morning", "rebuild", "backfill"])
def test_what_is_killed_at_any_moment_ends_the_same(
    tmp_path: Path,
    simulator: Simulator,
    homes: dict[str, Home],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingestion.versions.SLICE_ROWS", SMALL)
    monkeypatch.setattr("ingestion.pipeline.SLICE_ROWS", SMALL)
    job = JOBS[name]
    simulator.as_of = job.now
    trial = _copied(homes[name], tmp_path / "trial")
    begins = time.monotonic()
    job.do(simulator, trial)
    lasts = time.monotonic() - begins

    def start_anew() -> Home:
        shutil.rmtree(tmp_path / "killed", ignore_errors=True)
        return _copied(homes[name], tmp_path / "killed")

    home = start_anew()
    chance = random.Random(f"{SEED} {name}")
    killed = over = 0
    while killed < draw(*job.kills):
        process = job.started(simulator, home)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(chance.random() * lasts)
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        if process.wait() == -signal.SIGKILL:
            killed += 1
            _assert_nothing_counts_by_half(home)
        else:
            # It was over before: a job that is done cannot be killed.
            assert process.returncode == 0
            over += 1
            home = start_anew()
    job.do(simulator, home)
    assert raw_tables(home) == raw_tables(trial)
    if job.as_of:
        assert raw_tables(home.past(job.as_of)) == raw_tables(trial.past(job.as_of))
    elif job.window is None:
        assert_as_shown(home, simulator)
    print(f"{name}: {killed} kills, {over} runs were over before, {lasts:.1f} s each")


def _assert_nothing_counts_by_half(home: Home) -> None:
    if not home.warehouse.exists():
        return
    found = rows(
        home,
        "select count(*) from information_schema.tables where table_schema = 'raw' "
        "and table_name in ('fills', 'broker_days', 'positions', 'adjustments')",
    )
    if found == [(4,)]:
        assert_versions_are_whole(home)
