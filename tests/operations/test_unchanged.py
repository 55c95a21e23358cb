"""A morning on which nothing has changed makes nothing again; any change does."""

import os
import shutil
from collections.abc import Callable
from importlib import metadata
from importlib.metadata import version
from pathlib import Path

import duckdb
import pytest

import runtime.transform.parsed_manifest
import runtime.unchanged
from runtime.build_chain import BUILD, RISK
from runtime.home import Home
from runtime.publish.marts_copy import COPY, CURRENT, is_published
from runtime.transform.dbt import run_dbt
from runtime.unchanged import code_fingerprint
from tests.conftest import Run, make_settings, rows, start_python
from tests.exports import Exports
from tests.operations.tiny_desk import TinyMorning, do, fills

SKIPPED = "nothing has changed since"
STEPS = ("build", "score", "risk", "publish")


def morning(home: Home) -> set[str]:
    """The steps of a morning that were skipped."""
    run = do(home, "run")
    assert run.code == 0, run.err
    return skipped(run)


def skipped(run: Run) -> set[str]:
    """The steps of a run that were skipped."""
    return {step for step in STEPS if _was_skipped(run, step)}


def _was_skipped(run: Run, step: str) -> bool:
    (line,) = (
        x for x in run.out.splitlines() if x.startswith("[") and f"] {step} " in x
    )
    return SKIPPED in line


@pytest.fixture
def home(tiny_morning: TinyMorning, tmp_path: Path) -> Home:
    """A finished morning of a tiny desk."""
    assert skipped(tiny_morning.run) == set()
    return tiny_morning.copy_to(tmp_path)


def test_no_command_imports_what_only_models_need() -> None:
    code = (
        "import sys, daily.__main__, ingestion.downstream; "
        "print(*{one.partition('.')[0] for one in sys.modules})"
    )
    process = start_python("-c", code)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "duckdb" in out.split()
    heavy = {"dbt", "great_expectations", "lightgbm", "matplotlib", "pandas", "scipy"}
    assert not heavy & set(out.split())


def standing(home: Home) -> set[str]:
    """What would be skipped, each if the one before it is."""
    found = {
        stage for stage in (BUILD, RISK) if runtime.unchanged.unchanged(home, stage)
    }
    return found | ({"publish"} if is_published(home, stage_id(home)) else set())


def stage_id(home: Home) -> str:
    """Of the risk marts."""
    return rows(home, "select id from ops.stages where stage = 'risk'")[0][0]


def test_nothing_is_made_twice_and_each_step_says_so(home: Home) -> None:
    at, copy = (
        "select stage, id from ops.stages order by all",
        os.readlink(home.published / CURRENT),
    )
    stages = rows(home, at)
    assert morning(home) == set(STEPS)
    assert rows(home, at) == stages
    assert os.readlink(home.published / CURRENT) == copy
    # The board is of now all the same: it lists runs that the copy knows nothing of.
    page = (home.board / "data.html").read_text()
    assert page.count(SKIPPED) == len(STEPS)


@pytest.mark.long
def test_a_corrected_price_makes_all_of_it_again(home: Home) -> None:
    Exports(home.root.parent / "exports").write(fills(price=7))
    assert morning(home) == set()
    assert standing(home) == {BUILD, RISK, "publish"}


def by_hand(*statements: str) -> Callable[[Home], None]:
    """Somebody is in the warehouse."""

    def do(home: Home) -> None:
        with duckdb.connect(home.warehouse) as connection:
            for statement in statements:
                connection.execute(statement)

    return do


def correct_price(home: Home) -> None:
    """The broker corrects a fill."""
    Exports(home.root.parent / "exports").write(fills(price=7))
    ingest = do(home, "ingest")
    assert ingest.code == 0, ingest.err


def set_limit(home: Home) -> None:
    """The desk sets a limit."""
    (home.desk / "limits.csv").write_text("account,daily_loss_limit_amount\nDESK1,5\n")
    ingest = do(home, "ingest")
    assert ingest.code == 0, ingest.err


def build_by_hand(home: Home) -> None:
    """An engineer tries a model."""
    settings = make_settings(source="sample", risk_home=home.root)
    run_dbt(settings, home, "run", "--select", "daily_totals")


def delete_copy(home: Home) -> None:
    """Somebody makes room."""
    shutil.rmtree(home.published)


def damage_copy(home: Home) -> None:
    """The disk lost the end of a file."""
    file = home.published / CURRENT / COPY
    file.chmod(0o600)
    os.truncate(file, 10)


def damage_manifest(home: Home) -> None:
    """What the copy says of itself cannot be read."""
    file = home.published / CURRENT / "manifest.json"
    file.chmod(0o600)
    file.write_text("{")


def delete_day(home: Home) -> None:
    """A day's fills are gone from the copy."""
    next((home.published / CURRENT / "fct_fills").rglob("*.parquet")).unlink()


@pytest.mark.few(8)
@pytest.mark.parametrize(
    ("change", "stands"),
    [
        (correct_price, {"publish"}),
        (lambda _: None, {BUILD, RISK, "publish"}),
        (set_limit, {"publish"}),
        (build_by_hand, {"publish"}),
        (by_hand("drop table marts.daily_totals"), {RISK, "publish"}),
        (by_hand("drop view staging.stg_propreports__fills cascade"),
         {RISK, "publish"}),
        (by_hand("insert into marts.daily_totals from marts.daily_totals limit 1"),
         {RISK, "publish"}),
        (by_hand("delete from marts.risk_calls"), {BUILD, "publish"}),
        (by_hand("delete from ml.roster"), {BUILD, "publish"}),
        (by_hand("insert into ops.limit_ledger (entry_number) values (1)"),
         {BUILD, "publish"}),
        (by_hand("update ops.stages set is_finished = false where stage = 'build'"),
         {"publish"}),
        (by_hand("update ops.stages set is_finished = false where stage = 'risk'"),
         {BUILD, "publish"}),
        (by_hand("update ops.stages set id = 'new' where stage = 'score'"),
         {BUILD, "publish"}),
        (by_hand("delete from ops.stage_fingerprints"), {"publish"}),
        (by_hand("drop table ops.stage_fingerprints"), {"publish"}),
        (by_hand("update ops.stage_fingerprints set fingerprint = 'of another'"),
         {"publish"}),
        (delete_copy, {BUILD, RISK}),
        (damage_copy, {BUILD, RISK}),
        (damage_manifest, {BUILD, RISK}),
        (delete_day, {BUILD, RISK}),
    ],
)  # fmt: skip
def test_whatever_changes_is_made_again(
    home: Home, change: Callable[[Home], None], stands: set[str]
) -> None:
    change(home)
    assert standing(home) == stands


@pytest.mark.parametrize("library", ["duckdb", "dbt-core"])
def test_another_library_makes_all_of_it_again(
    home: Home, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    for module in (metadata, runtime.transform.parsed_manifest):
        monkeypatch.setattr(
            module, "version", lambda name: "0" if name == library else version(name)
        )
    # As another process would, for this one knows its own.
    code_fingerprint.cache_clear()
    try:
        assert standing(home) == set()
    finally:
        code_fingerprint.cache_clear()
