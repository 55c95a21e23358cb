"""A full disk, too little memory, a kill: what is told, what stays, what goes on.

The disk is a file system of its own that is really full, the memory is DuckDB's, and
the signals are real. The published marts stay the last good ones each time, and the
next run comes to what it would have come to undisturbed.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from daily.run import ingest, recorded, run_alone
from daily.steps import (
    Step,
    build,
    publish,
    refuse_half_built,
    report,
    risk,
    score,
    train,
)
from runtime.errors import UserError
from runtime.home import Home
from runtime.ledger import FAILED, KILLED, Ledger
from runtime.limits import shortage_error
from runtime.sessions import sessions_between
from runtime.transform import run_dbt
from runtime.warehouse import open_warehouse
from tests.conftest import SampleRun, make_settings, rows, run_daily, start_python
from tests.exports import ExportedFill, Exports
from tests.test_daily import contents

SEED = int(os.environ.get("KILL_SEED", "1"))
CHAIN = (build, train, score, risk, publish)
SESSIONS = sessions_between(date(2025, 3, 3), date(2025, 3, 14))
MIB = 2**20


def fills(days: list[date]) -> list[ExportedFill]:
    """Two accounts that buy and sell once each day."""
    return [
        ExportedFill(
            account, datetime.combine(day, datetime.min.time()) + timedelta(hours=hour),
            side, Decimal(100), Decimal(10) + Decimal((number * hour) % 7) / 10,
        )
        for account in ("A1", "B2")
        for number, day in enumerate(days)
        for hour, side in ((10, "B"), (15, "S"))
    ]  # fmt: skip


def go(home: Home, exports: Path, *steps: Step, **settings: object) -> None:
    """Do steps as the command line does, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        given = {"SOURCE": "files", "EXPORTS": exports, "RISK_HOME": home.root}
        for name, value in (given | settings | {"RISK_ENV_FILE": ""}).items():
            patch.setenv(name, str(value))
        if steps:
            recorded("run", lambda run: run_alone(run, steps))
        else:
            recorded("ingest", ingest)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The desk's exports, the last day included."""
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory, exports: Path) -> Home:
    """Marts of a morning are published; the next day's fills have just been loaded."""
    home = Home(tmp_path_factory.mktemp("morning"))
    Exports(exports).write(fills(SESSIONS[:-1]))
    go(home, exports)
    go(home, exports, *CHAIN)
    Exports(exports).write(fills(SESSIONS))
    go(home, exports)
    return home


@pytest.fixture(scope="module")
def undisturbed(
    morning: Home, exports: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[tuple]]:
    """What the next run comes to when nothing happens to it."""
    home = copied(morning, tmp_path_factory.mktemp("undisturbed") / "home")
    go(home, exports, *CHAIN)
    return comparable(home)


def comparable(home: Home) -> dict[str, list[tuple]]:
    """Every row but for when it was written."""
    found = contents(home)
    found["ml.roster"] = rows(
        home,
        "select columns(lambda name: name <> 'scored_at') from ml.roster order by all",
    )
    return found


def copied(home: Home, folder: Path) -> Home:
    shutil.copytree(home.root, folder, symlinks=True)
    return Home(folder)


def copy_of(home: Home) -> dict[str, bytes]:
    """The published files, by name, and where they lie."""
    folder = (home.published / "current").resolve()
    return {
        str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }


def last_published(home: Home) -> date:
    """The last day in the published copy, as an analyst reads it."""
    with duckdb.connect(
        home.published / "current" / "risk.duckdb", read_only=True
    ) as connection:
        sql = "select max(trade_date) from marts.fct_fills"
        return connection.execute(sql).fetchall()[0][0]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 150 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=150m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system can be mounted by root only")
    try:
        yield folder
    finally:
        # Lazily: logs of the run are still open.
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path, *, but: int) -> Path:
    """Fill a file system, but for so many bytes; the file that does it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while left := shutil.disk_usage(disk).free - but:
            if left < 0 or not file.write(bytes(min(left, MIB))):
                break
    return ballast


def test_a_full_disk_and_too_little_memory_are_said_and_mended(
    morning: Home,
    undisturbed: dict[str, list[tuple]],
    exports: Path,
    disk: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    home = copied(morning, disk / "home")
    published = copy_of(home)

    def fails(step: Step, **settings: object) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit):
            go(home, exports, step, **settings)
        err = capsys.readouterr().err
        assert err.count("\n") == 1, err
        assert copy_of(home) == published
        assert last_published(home) == SESSIONS[-2]
        assert not list(home.published.glob(".*"))
        return err

    def is_of_the_disk(err: str, where: str) -> None:
        assert f"The disk of {home.root} was full {where}; " in err
        assert "Free up to 2.2 GB" in err
        assert f"`make daily SOURCE=files EXPORTS={exports} RISK_HOME=" in err

    # The very lock of the run cannot be written.
    ballast = fill(disk, but=0)
    is_of_the_disk(fails(build), "in step start")
    for room in (MIB // 4, 6 * MIB):
        ballast.unlink()
        ballast = fill(disk, but=room)
        err = fails(build)
        assert "The disk of" in err
        assert "during dbt build; " in err
    ballast.unlink()
    err = fails(build, MEMORY_LIMIT="4MB")
    assert "MEMORY_LIMIT=4MB was too little in " in err
    assert "MEMORY_LIMIT=400MB, or THREADS=1, of the " in err
    go(home, exports, build, train, score, risk)
    for step in (publish, report):
        ballast = fill(disk, but=MIB // 4)
        is_of_the_disk(fails(step), f"in step {step.__name__}")
        ballast.unlink()
    go(home, exports, publish)
    assert comparable(home) == undisturbed
    assert last_published(home) == SESSIONS[-1]


def test_a_disk_without_room_to_spill_is_said(tmp_path: Path, disk: Path) -> None:
    settings = make_settings(risk_home=tmp_path, memory_limit="60MB")
    fill(disk, but=5 * MIB)
    config = {"memory_limit": "60MB", "temp_directory": str(disk / "spill")}
    with (
        open_warehouse(disk / "risk.duckdb", config=config) as connection,
        pytest.raises(duckdb.Error) as raised,
    ):
        connection.execute(
            "create temp table t as select hash(range)::varchar as text "
            "from range(3000000) order by 1"
        )
    told = str(shortage_error(raised.value, settings, Home(disk), "in step train"))
    assert told.startswith(f"The disk of {disk} was full in step train; ")
    assert "or raise MEMORY_LIMIT (now 60MB) so that less is spilled" in told


def test_a_warehouse_on_a_full_disk_is_not_called_damaged(disk: Path) -> None:
    fill(disk, but=0)
    with pytest.raises(UserError) as raised, open_warehouse(disk / "risk.duckdb"):
        pass
    assert "needs room" in str(raised.value)
    assert "damaged" not in str(raised.value)


@pytest.mark.parametrize(
    "code",
    [
        "bytearray(2**40)",
        "import numpy; numpy.ones(2**40)",
        "import pyarrow; pyarrow.allocate_buffer(2**62)",
        "import duckdb; duckdb.sql(\"set memory_limit = '3MB'; create table t as "
        'select hash(range)::varchar as a from range(3000000) order by 1")',
    ],
)
def test_memory_that_the_limit_has_no_say_in_is_the_machines(
    tmp_path: Path, code: str
) -> None:
    with pytest.raises(Exception) as raised:  # noqa: B017, PT011 - of any library
        exec(code)
    told = shortage_error(
        raised.value, make_settings(risk_home=tmp_path), Home(tmp_path), "in step train"
    )
    assert "in step train; this machine has " in str(told)
    assert "\n" not in str(told)


def test_what_is_neither_stays_what_it_is(tmp_path: Path) -> None:
    settings = make_settings(risk_home=tmp_path)
    try:
        raise ValueError("a disk, memory, and a limit")
    except ValueError as error:
        assert shortage_error(error, settings, Home(tmp_path), "in step x") is None


def test_a_build_that_spills_is_built(sample: SampleRun) -> None:
    """70 MB are too few to hold the sample's fills."""
    settings = make_settings(
        source="sample", risk_home=sample.home.root, memory_limit="70MB"
    )
    run_dbt(settings, sample.home, "build", "--select", "fct_fills")


@pytest.mark.parametrize("text", ["4 gigabytes", "0GB", "4", "-1GB", "4GB or so"])
def test_a_limit_that_is_none_is_one_line(tmp_path: Path, text: str) -> None:
    run = run_daily("build", RISK_HOME=tmp_path, MEMORY_LIMIT=text)
    assert run.code == 1
    assert run.err.startswith(
        "error: Settings: MEMORY_LIMIT: must be a size such as 4GB or 800MB."
    )
    assert run.err.count("\n") == 1


# Each run is a fork of a process that has imported all of it: what is slow to import
# would take most of the kills.
CHAINS = """
import os, sys
import dbt.adapters.duckdb, dbt.cli.main, duckdb, lightgbm, pandas
from daily.__main__ import main
from daily.run import recorded, run_alone
from daily.steps import build, publish, risk, score, train

@main.command("chain")
def chain():
    recorded("run", lambda run: run_alone(run, (build, train, score, risk, publish)))

print("ready", flush=True)
for _ in sys.stdin:
    child = os.fork()
    if not child:
        main(["chain"])
    print("pid", child, flush=True)
    print("code", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
# After which line of the run, what is sent, and what the ledger says of it then. A kill
# after a line is between two steps; without one it comes somewhere in the build.
KILLS = {
    "in the build": ("pid", signal.SIGKILL, KILLED),
    "in the build again": ("pid", signal.SIGKILL, KILLED),
    "in the build by Ctrl-C": ("pid", signal.SIGINT, FAILED),
    "in the build by a service manager": ("pid", signal.SIGTERM, FAILED),
    "between build and train": ("[1/5]", signal.SIGKILL, KILLED),
    "between risk and publish": ("[4/5]", signal.SIGKILL, KILLED),
}


def test_what_is_killed_goes_on_and_the_published_marts_stay(
    morning: Home,
    undisturbed: dict[str, list[tuple]],
    exports: Path,
    tmp_path: Path,
) -> None:
    home = copied(morning, tmp_path / "home")
    published = copy_of(home)
    chance = random.Random(SEED)
    with start_python(
        "-c", CHAINS, SOURCE="files", EXPORTS=exports, RISK_HOME=home.root,
        stdin=subprocess.PIPE,
    ) as runs:  # fmt: skip

        def until(word: str) -> str:
            for line in runs.stdout:
                if line.startswith(word):
                    return line.split()[1]
            raise AssertionError(f"it ended without {word}: {runs.stderr.read()}")

        def start() -> int:
            print("go", file=runs.stdin, flush=True)
            return int(until("pid"))

        until("ready")
        for name, (after, sent, outcome) in KILLS.items():
            process = start()
            if after != "pid":
                until(after)
            else:
                time.sleep(0.5 + 2 * chance.random())
            os.kill(process, sent)
            code = int(until("code"))
            assert code == (-sent if outcome == KILLED else 1), name
            (*_, last) = Ledger(home).steps()
            assert Ledger(home).runs()[0].outcome == outcome, name
            if outcome == FAILED:
                assert last.said.startswith("Stopped in step build, as asked."), name
            assert copy_of(home) == published, name
            assert last_published(home) == SESSIONS[-2], name
            if after != "[4/5]":
                with pytest.raises(UserError, match="not of one piece"):
                    refuse_half_built((publish,), Ledger(home).steps(), home)
        start()
        assert until("code") == "0"
        runs.stdin.close()
    assert comparable(home) == undisturbed
    assert last_published(home) == SESSIONS[-1]
