"""Half-built marts are read by nobody, whatever left them so: the warehouse knows."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pytest

from ingestion.landing import Landing
from runtime.build_chain import BUILD, INGEST, RISK, SCORE, begin, require
from runtime.errors import UserError
from runtime.home import Home
from runtime.publish.marts_copy import CURRENT
from runtime.settings import PROJECT_ROOT
from runtime.transform.dbt import TransformError, run_dbt
from runtime.warehouse import open_warehouse
from tests.conftest import build_models_of, make_settings, rows
from tests.draws import draw
from tests.exports import Exports
from tests.operations.tiny_desk import MONDAY, TinyMorning, do, fills

# Who reads marts or what is made of them, and what each is called with.
READERS = [
    ("publish",), ("report",), ("board",), ("train",), ("score",), ("tune",),
    ("verify",), ("docs",), ("retrain-weekly",), ("predictions",), ("explain",),
    ("explain", "--trader", "DESK1"),
]  # fmt: skip


@pytest.fixture
def home(tiny_morning: TinyMorning, tmp_path: Path) -> Home:
    """The same in another place, without its ledger: neither path nor clock tells."""
    home = Home(tmp_path / "moved")
    tiny_morning.copy_to(tmp_path).root.rename(home.root)
    shutil.rmtree(home.logs)
    return home


@contextmanager
def untouched(home: Home) -> Iterator[None]:
    """What is published, on disk and predicted is as it was."""

    def now() -> tuple:
        pages = [*home.reports.rglob("*"), *home.board.rglob("*.html")]
        return (
            os.readlink(home.published / CURRENT),
            {page: page.stat().st_mtime_ns for page in pages},
            rows(home, "select * from ml.roster order by all"),
        )

    before = now()
    yield
    assert now() == before


def assert_refused(home: Home, told: str, readers: list[tuple[str, ...]]) -> None:
    """Every reader says so in one line, and does nothing."""
    with untouched(home):
        for reader in readers:
            run = do(home, *reader)
            assert run.code == 1, (reader, run.out)
            assert told in run.err, (reader, run.err)
            assert "Run `make " in run.err
            assert run.err.count("\n") == 1


def status(home: Home) -> str:
    """What `make status` says of the marts."""
    lines = dict(x.split(maxsplit=1) for x in do(home, "status").out.splitlines())
    return lines["marts"]


def test_a_finished_morning_is_read(home: Home) -> None:
    assert status(home) == "complete, and published"
    readers = (
        ("report",), ("board",), ("publish",), ("predictions",),
        ("explain", "--trader", "DESK1"), ("board",),
    )  # fmt: skip
    for reader in draw(readers[:4], readers):
        run = do(home, *reader)
        assert run.code == 0, run.err


@pytest.mark.parametrize("stage", [INGEST, BUILD])
def test_what_was_begun_and_not_finished_is_read_by_nobody(
    home: Home, stage: str
) -> None:
    with open_warehouse(home.warehouse) as connection:
        begin(connection, stage)
    readers = READERS if stage == BUILD else draw(READERS[:2], READERS)
    assert_refused(home, "was begun and not finished", readers)
    assert "was begun and not finished" in status(home)


WHOLE = {
    INGEST: ("l", None, True), BUILD: ("b", "l", True), SCORE: ("s", "b", True),
    RISK: ("r", "s", True),
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "stage", "told"),
    [
        ({}, RISK, None),
        ({INGEST: ("new", None, True)}, BUILD, "build of the models is older than the "
         "load. Run `make build`"),
        ({INGEST: ("new", None, True)}, RISK, "is older than the load. Run `make "
         "daily`"),
        ({INGEST: ("l", None, False)}, BUILD, "load was begun and not finished. Run "
         "`make daily`"),
        ({BUILD: ("b", "l", False)}, BUILD, "not finished. Run `make build`"),
        ({BUILD: ("b", "l", False)}, SCORE, "not finished. Run `make daily`"),
        ({BUILD: ("new", "l", True)}, BUILD, None),
        ({BUILD: ("new", "l", True)}, SCORE, "scoring is older than the build of the "
         "models. Run `make score`"),
        ({BUILD: ("new", "l", True)}, RISK, "Run `make daily`"),
        ({SCORE: ("new", "b", True)}, RISK, "risk marts is older than the scoring. "
         "Run `make risk`"),
        ({RISK: ("r", "s", False)}, SCORE, None),
        ({RISK: ("r", "s", False)}, RISK, "not finished. Run `make risk`"),
        ({RISK: None}, RISK, "is not recorded"),
        ({SCORE: None}, BUILD, None),
        ({INGEST: None}, BUILD, "load is not recorded: it is yet to be done by this "
         "version. Run `make daily`"),
        # An older build has no load to be older than.
        ({INGEST: None, BUILD: ("b", None, True)}, RISK, "load is not recorded"),
    ],
)  # fmt: skip
def test_each_stage_must_be_of_the_one_before(
    tmp_path: Path, changed: dict, stage: str, told: str | None
) -> None:
    home = Home(tmp_path)
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("create schema ops")
        connection.execute(
            "create table ops.stages (stage varchar, id varchar, made_of varchar, "
            "is_finished boolean)"
        )
        for name, row in (WHOLE | changed).items():
            if row:
                connection.execute(
                    "insert into ops.stages values (?, ?, ?, ?)", [name, *row]
                )
    if told is None:
        assert require(home, stage) == (WHOLE | changed)[stage][0]
        return
    with pytest.raises(UserError) as caught:
        require(home, stage)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_past_morning_is_told_with_its_date(tmp_path: Path) -> None:
    home = Home(tmp_path).past(MONDAY.date())
    home.root.mkdir(parents=True)
    duckdb.connect(home.warehouse).close()
    with pytest.raises(UserError, match="Run `make daily AS_OF=2025-07-07`"):
        require(home, BUILD)


@pytest.mark.long
def test_data_that_came_since_is_not_told_by_marts_of_before(home: Home) -> None:
    Exports(home.root.parent / "exports").write(fills(3))
    assert do(home, "ingest").code == 0
    assert_refused(home, "the build of the models is older than the load", READERS)
    for step in draw(("build",), ("build", "train", "score", "risk")):
        run = do(home, step)
        assert run.code == 0, run.err
        if step != "risk":
            assert_refused(home, "partially rebuilt", [("publish",), ("report",)])
    if draw(True, False):
        return
    assert_refused(home, "not of the marts as they are", [("report",), ("board",)])
    for step in ("publish", "report", "board"):
        run = do(home, step)
        assert run.code == 0, run.err


def test_a_load_that_brings_nothing_new_leaves_the_morning_as_it_is(
    home: Home,
) -> None:
    run = do(home, "ingest", EXPORTS=home.root / "nowhere")
    assert run.code == 1
    for _ in range(draw(1, 2)):
        assert do(home, "ingest").code == 0
        run = do(home, "report")
        assert run.code == 0, run.err
    # What the desk says is of the load as well.
    limits = home.desk / "limits.csv"
    limits.write_text("account,daily_loss_limit_amount\nDESK1,500\n")
    said = do(home, "ingest").out
    assert "limits.csv is new, 1 line" in said and "1 lines" not in said
    assert_refused(home, "the build of the models is older than the load", READERS[:2])


def test_a_load_that_counts_in_part_is_known(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    Exports(home.root.parent / "exports").write(fills(3))
    with monkeypatch.context() as patch:
        patch.setattr(Landing, "commit", dies)
        do(home, "ingest")
    assert_refused(home, "the load was begun and not finished", [("publish",)])
    # Nor does a build on it help.
    if draw(False, True):
        assert do(home, "build").code == 0
        assert_refused(home, "the load was begun and not finished", [("train",)])


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("build", "--select", "daily_totals"), "models was begun and not finished"),
        (("build", "--selector", "before_scoring"), "scoring is older"),
        (("build", "--select", "risk_calls"), "risk marts was begun and not finished"),
        (("test", "--select", "daily_totals"), None),
        *draw(
            (),
            (
                (("run", "--select", "daily_totals"), "models was begun and not"),
                (("run", "--selector", "before_scoring"), "models was begun and not"),
                (
                    ("build", "--selector", "before_scoring", "--empty"),
                    "was begun and not",
                ),
                (("build", "--selector", "after_scoring"), None),
                (("compile",), None),
            ),
        ),
    ],
)
def test_a_build_by_hand_counts_if_it_is_whole(
    home: Home, arguments: tuple[str, ...], told: str | None
) -> None:
    settings = make_settings(source="sample", risk_home=home.root)
    if arguments[0] in ("build", "test"):
        arguments += ("--exclude-resource-type", "unit_test")
    # What fails half-way is begun, and not finished.
    with suppress(TransformError):
        run_dbt(settings, home, *arguments)
    if told:
        assert_refused(home, told, [("publish",), ("report",)])
    else:
        require(home, RISK)


@pytest.mark.long
def test_a_build_of_which_a_model_fails_does_not_count(home: Home) -> None:
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("alter table raw.fills rename column price to cost")
        connection.execute("delete from ops.stage_fingerprints")
    assert do(home, "build").code == 1
    told = "build of the models was begun and not finished"
    assert_refused(home, told, draw(READERS[:2], READERS))


def test_a_build_by_hand_that_is_killed_is_known(home: Home) -> None:
    for number in range(draw(1, 6)):
        process = by_hand(home, "build", "--selector", "before_scoring")
        log = home.logs / "dbt.log"
        size = log.stat().st_size if log.exists() else 0
        while (
            log_since(log, size).count("START sql ") <= 17 * number
            and process.poll() is None
        ):
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert_refused(home, "models was begun and not finished", [("publish",)])
    if draw(False, True):
        build_models_of(make_settings(source="sample", risk_home=home.root), home)
        require(home, BUILD)


def log_since(log: Path, size: int) -> str:
    """What dbt has logged since."""
    return log.read_bytes()[size:].decode() if log.exists() else ""


# What dbt parses for itself takes longer than all that is killed.
PARSED = """
import sys
from pathlib import Path
from runtime.home import Home
from runtime.transform.dbt import run_dbt
from tests.conftest import make_settings
home = Home(Path(sys.argv[1]))
run_dbt(make_settings(risk_home=home.root), home, *sys.argv[2:])
"""


def by_hand(home: Home, *arguments: str) -> subprocess.Popen:
    """Start dbt as an analyst does; in a short draw, with the project parsed."""
    dbt = [
        Path(sys.executable).with_name("dbt"), *arguments,
        "--project-dir", "dbt_project", "--profiles-dir", ".",
        "--target-path", home.root / "dbt" / "by_hand", "--log-path", home.logs,
    ]  # fmt: skip
    parsed = [sys.executable, "-c", PARSED, home.root, *arguments]
    return subprocess.Popen(
        [*draw(parsed, dbt), "--exclude-resource-type", "unit_test"],
        cwd=PROJECT_ROOT,
        env={
            "PATH": os.environ["PATH"], "HOME": os.environ["HOME"],
            "RISK_HOME": str(home.root), "BUILD_THROUGH": "9999-12-31",
        },
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


def test_a_warehouse_of_before_is_asked_for_a_morning(home: Home) -> None:
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("drop table ops.stages")
    assert_refused(home, "the load is not recorded", draw(READERS[:2], READERS))
    if draw(False, True):
        run = do(home, "run")
        assert run.code == 0, run.err
        assert status(home) == "complete, and published"


def test_a_copy_of_other_marts_is_not_told_of(home: Home) -> None:
    """Of an older warehouse that was put back beside a younger copy."""
    if draw(False, True):
        kept = shutil.copy(home.warehouse, home.root / "kept")
        # Or nothing has changed, and nothing is made.
        with duckdb.connect(home.warehouse) as connection:
            connection.execute("delete from ops.stages where stage = 'risk'")
        for step in ("score", "build", "train", "score", "risk", "publish"):
            run = do(home, step)
            assert run.code == 0, run.err
        shutil.copy(kept, home.warehouse)
    else:
        with duckdb.connect(home.warehouse) as connection:
            connection.execute("update ops.stages set id = 'b' where stage = 'risk'")
    assert_refused(home, "Run `make publish`", [("report",), ("board",)])
    assert do(home, "publish").code == 0
    assert do(home, "report").code == 0


def test_who_looks_for_a_moment_stops_no_run(home: Home) -> None:
    look = (
        "import duckdb, sys, time; kept = duckdb.connect(sys.argv[1], read_only=True); "
        "print('open', flush=True); time.sleep(0.5)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", look, home.warehouse], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "open\n"
        with open_warehouse(home.warehouse) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
