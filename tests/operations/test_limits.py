"""A full disk, too little memory, a kill: what is told, what stays, what goes on.

The disk is a file system of its own that is really full, the memory is DuckDB's, and
the signals are real. The published marts stay the last good ones each time, and the
next run comes to what it would have come to undisturbed.
"""

import logging
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pytest
from dbt.contracts.graph.nodes import ParsedNode

from daily.run import Run, recorded, run_alone
from daily.steps import (
    Done,
    Step,
    build,
    publish,
    report,
)
from runtime import signals
from runtime.build_chain import RISK, require
from runtime.errors import UserError
from runtime.home import Home
from runtime.ledger import FAILED, KILLED, SUCCEEDED, Ledger
from runtime.limits import out_of_resources_error
from runtime.logs import log_to, steps_log
from runtime.transform.dbt import run_dbt
from runtime.warehouse import open_warehouse
from tests.conftest import SampleRun, make_settings, start_python
from tests.desks import copied
from tests.draws import draw
from tests.in_process import call_daily
from tests.tables import differing

SEED = int(os.environ.get("KILL_SEED", "1"))
MIB = 2**20


def go(home: Home, *steps: Step, **settings: object) -> None:
    """Do steps as the command line does, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        given = {"SOURCE": "sample", "RISK_HOME": home.root, "RISK_ENV_FILE": ""}
        for name, value in (given | settings).items():
            patch.setenv(name, str(value))
        recorded("run", lambda run: run_alone(run, steps))


def published_files(home: Home) -> dict[str, bytes]:
    """What is published, and where it lies."""
    folder = (home.published / "current").resolve()
    return {
        str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }


def can_be_read(home: Home) -> bool:
    """Whether an analyst gets an answer from the published copy."""
    copy = home.published / "current" / "risk.duckdb"
    with duckdb.connect(copy, read_only=True) as connection:
        sql = "select count(*) from marts.fct_fills"
        return connection.execute(sql).fetchall()[0][0] > 100_000


def is_refused(home: Home) -> bool:
    """Whether nobody may publish what the warehouse holds."""
    try:
        require(home, RISK)
    except UserError as error:
        return "partially rebuilt" in str(error)
    return False


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system can be mounted by root only")
    try:
        yield folder
    finally:
        # Lazily: logs of the run are still open.
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small one."""
    with mounted(tmp_path / "disk", "20m") as folder:
        yield folder


@pytest.fixture(scope="module")
def home(sample: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The sample's home on a disk of its own.

    It is left half built by a full disk and too little memory before it is killed; the
    last run mends it all, for a whole run is what takes long.
    """
    with mounted(tmp_path_factory.mktemp("mounted") / "disk", "400m") as folder:
        shutil.copytree(sample.untouched.root, folder / "home", symlinks=True)
        home = Home(folder / "home")
        # Steps with nothing to do need no room.
        with open_warehouse(home.warehouse) as connection:
            connection.execute("delete from ops.stage_fingerprints")
        manifest = home.published / "current" / "manifest.json"
        manifest.chmod(0o600)
        text = manifest.read_text()
        manifest.write_text(text.replace('"made_with": "', '"made_with": "not '))
        yield home


def fill(disk: Path, *, but: int) -> Path:
    """Fill a file system, but for so many bytes; the file that does it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while left := shutil.disk_usage(disk).free - but:
            if left < 0 or not file.write(bytes(min(left, MIB))):
                break
    return ballast


def test_a_full_disk_and_too_little_memory_are_said(
    home: Home, capsys: pytest.CaptureFixture
) -> None:
    published = published_files(home)

    def fails(step: Step, **settings: object) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit):
            go(home, step, **settings)
        err = capsys.readouterr().err
        assert err.count("\n") == 1, err
        assert published_files(home) == published
        assert can_be_read(home)
        assert not list(home.published.glob(".*"))
        return err

    def fails_on_full_disk(step: Step, *, but: int, where: str) -> None:
        ballast = fill(home.root.parent, but=but)
        err = fails(step)
        ballast.unlink()
        assert f"The disk of {home.root} was full {where}" in err
        assert re.search(r"Free up to 2\.\d GB", err)
        assert f"`make daily SOURCE=sample RISK_HOME={home.root}`" in err

    # The very lock of the run cannot be written.
    fails_on_full_disk(publish, but=0, where="in step start")
    fails_on_full_disk(publish, but=MIB, where="in step publish")
    fails_on_full_disk(report, but=MIB // 20, where="in step report")
    if draw(False, True):
        fails_on_full_disk(build, but=MIB, where="in ")
    err = fails(build, MEMORY_LIMIT="20MB")
    assert "MEMORY_LIMIT=20MB was too little in " in err
    assert "MEMORY_LIMIT=400MB, or THREADS=1, of the " in err


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
    told = str(
        out_of_resources_error(raised.value, settings, Home(disk), "in step train")
    )
    assert told.startswith(f"The disk of {disk} was full in step train; ")
    assert "or raise MEMORY_LIMIT (now 60MB) so that less is spilled" in told


def test_a_warehouse_on_a_full_disk_is_not_called_damaged(disk: Path) -> None:
    fill(disk, but=0)
    with pytest.raises(UserError) as raised, open_warehouse(disk / "risk.duckdb"):
        pass
    assert "needs room" in str(raised.value)
    assert "damaged" not in str(raised.value)


def test_a_log_that_cannot_be_written_buries_nothing(
    disk: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", True)
    log_to(Home(disk))
    fill(disk, but=0)
    steps_log.error("x" * MIB)
    assert capsys.readouterr().err == ""


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
    told = out_of_resources_error(
        raised.value, make_settings(risk_home=tmp_path), Home(tmp_path), "in step train"
    )
    assert "in step train; this machine has " in str(told)
    assert "\n" not in str(told)


def test_what_is_neither_stays_what_it_is(tmp_path: Path) -> None:
    settings = make_settings(risk_home=tmp_path)
    try:
        raise ValueError("a disk, memory, and a limit")
    except ValueError as error:
        assert (
            out_of_resources_error(error, settings, Home(tmp_path), "in step x") is None
        )


def test_a_build_that_spills_is_built(sample: SampleRun, tmp_path: Path) -> None:
    """70 MB are too few to hold the sample's fills."""
    home = copied(sample.untouched, Home(tmp_path / "home"))
    settings = make_settings(source="sample", risk_home=home.root, memory_limit="70MB")
    run_dbt(settings, home, "build", "--select", "fct_fills")


@pytest.fixture
def _stoppable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Signals do in this process what they do in a run's."""
    monkeypatch.setattr(signals, "_asked", False)
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signals.stop_on_signals()
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.usefixtures("_stoppable")
def test_a_stop_that_a_step_swallows_stops_before_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swallows() -> Done:
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        return Done("done")

    def two_steps(run: Run) -> None:
        run.step(1, 2, "publish", run.root, swallows)
        run.step(2, 2, "report", run.root, lambda: pytest.fail("it went on"))

    monkeypatch.setenv("RISK_HOME", str(tmp_path))
    monkeypatch.setenv("RISK_ENV_FILE", "")
    with pytest.raises(SystemExit):
        recorded("run", two_steps)
    assert "Stopped in step report, as asked." in capsys.readouterr().err
    steps = Ledger(Home(tmp_path)).steps()
    assert {one.step: one.outcome for one in steps} == {
        "publish": SUCCEEDED,
        "report": FAILED,
    }


@pytest.mark.long
@pytest.mark.usefixtures("_stoppable")
def test_a_stop_that_a_library_swallows_stops(
    sample: SampleRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader of dbt's manifest passes over whatever is raised inside it."""
    read = ParsedNode._deserialize
    asked: list[int] = []

    def ask(cells: dict) -> ParsedNode:
        if not asked:
            asked.append(signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return read(cells)

    monkeypatch.setattr(ParsedNode, "_deserialize", ask)
    results = sample.home.dbt / "target" / "run_results.json"
    built = results.read_bytes()
    settings = make_settings(source="sample", risk_home=sample.home.root)
    with pytest.raises(KeyboardInterrupt):
        run_dbt(settings, sample.home, "build", "--select", "fct_fills")
    assert asked
    assert results.read_bytes() == built


@pytest.mark.parametrize("text", ["4 gigabytes", "0GB", "4", "-1GB", "4GB or so"])
def test_a_limit_that_is_none_is_one_line(tmp_path: Path, text: str) -> None:
    run = call_daily("build", RISK_HOME=tmp_path, MEMORY_LIMIT=text)
    assert run.code == 1
    assert run.err.startswith(
        "error: Settings: MEMORY_LIMIT: must be a size such as 4GB or 800MB."
    )
    assert run.err.count("\n") == 1


# Training takes longest, and is killed in long draws alone.
CHAIN = ("build", *draw((), ("train",)), "score", "risk", "publish")
# Each run is a fork of a process that has imported all of it: what is slow to import
# would take most of the kills.
CHAINS = f"""
import os, signal, sys
import dbt.adapters.duckdb, dbt.cli.main, duckdb, lightgbm, pandas
from daily.__main__ import main
from daily.run import recorded, run_alone
from daily.steps import build, publish, risk, score, train

@main.command("chain")
def chain():
    recorded("run", lambda run: run_alone(run, ({", ".join(CHAIN)})))

# Else who started the tests may have it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
print("ready to begin", flush=True)
for _ in sys.stdin:
    child = os.fork()
    if not child:
        main(["chain"])
    print("pid", child, flush=True)
    print("code", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
# After which line of the run, what is sent, and what the ledger says of it then. After
# the first line it is sent at a random moment of the build, after another at once.
KILLS = (
    *[("pid", signal.SIGKILL, KILLED)] * draw(1, 10),
    *draw((), (("pid", signal.SIGINT, FAILED),)),
    ("pid", signal.SIGTERM, FAILED),
    *[
        (f"[{step}/{len(CHAIN)}]", signal.SIGKILL, KILLED)
        # What comes after the build.
        for step in draw((), range(1, len(CHAIN)))
    ],
)


@pytest.mark.long
def test_what_is_killed_goes_on_and_the_published_marts_stay(
    sample: SampleRun, home: Home
) -> None:
    published = published_files(home)

    def is_as_it_was() -> bool:
        # The desk's files lie elsewhere.
        one, other = home.warehouse, sample.untouched.warehouse
        return differing(one, other, but=("folder",)) == {}

    chance = random.Random(SEED)
    with start_python(
        "-c", CHAINS, SOURCE="sample", RISK_HOME=home.root, stdin=subprocess.PIPE
    ) as runs:  # fmt: skip

        def until(begin: str) -> str:
            for line in runs.stdout:
                if line.startswith(begin):
                    return line.split()[1]
            raise AssertionError(f"it ended without {begin}: {runs.stderr.read()}")

        def start() -> int:
            print("go", file=runs.stdin, flush=True)
            return int(until("pid"))

        until("ready")
        for after, sent, outcome in KILLS:
            process = start()
            if after == "pid":
                time.sleep(1 + 4 * chance.random())
            else:
                until(after)
            os.kill(process, sent)
            assert int(until("code")) == (-sent if outcome == KILLED else 1)
            assert Ledger(home).runs()[0].outcome == outcome, (after, sent)
            if outcome == FAILED:
                said = Ledger(home).steps()[-1].message
                assert said.startswith("Stopped in step build, as asked. `make daily ")
            assert published_files(home) == published
            assert can_be_read(home)
            assert is_refused(home) or is_as_it_was()
        start()
        assert until("code") == "0"
        runs.stdin.close()
    assert is_as_it_was()
    assert published_files(home).keys() != published.keys()
