"""What makes dbt quicker changes no statement, and nothing that it says."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from runtime.home import Home
from runtime.logs import DBT
from runtime.transform import quicker_dbt
from runtime.transform.dbt import TransformError, run_dbt
from tests.conftest import make_settings, start_python
from tests.draws import draw
from tests.operations.tiny_desk import TinyMorning
from tests.shared_dbt import share_dbt

AS_DBT_COMES = """
import sys
from pathlib import Path
from runtime.home import Home
from runtime.transform import quicker_dbt
from tests.warehouse.test_quicker_dbt import run
quicker_dbt.LOOKED_AT = {"dbt-core": "1.11.0"}
run(Home(Path(sys.argv[1])), *sys.argv[2:])
assert not quicker_dbt.make_dbt_quicker()
"""
# One of each kind of statement, and everything at length.
COMPILED = draw(("--select", "marts.core", "marts.risk"), ())
FAILS = ("build", "--select", "int_fills_current", "stg_propreports__fills")


def run(home: Home, *compiled: str) -> None:
    """Compile statements; then a build that fails, which dbt says at length."""
    settings = make_settings(source="sample", risk_home=home.root)
    run_dbt(settings, home, "compile", *compiled)
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("create or replace table raw.fills as select 1 as wrong")
    with pytest.raises(TransformError):
        run_dbt(settings, home, *FAILS)


def statements(home: Home) -> Mapping[str, str]:
    """Each compiled statement, by its file; hooks write the time into theirs."""
    made = home.dbt / "target" / "compiled"
    return {
        str(path.relative_to(made)): path.read_text()
        for path in made.rglob("*.sql")
        if "hooks" not in path.parts
    }


def manifest(home: Home) -> str:
    """What dbt knows of the project, as it writes it, but for when it did and where."""
    text = (home.dbt / "target" / "manifest.json").read_text()
    metadata, _, nodes = text.partition('"nodes": ')
    assert "invocation_id" in metadata
    # A hook writes one of its own.
    return re.sub(r"[0-9a-f-]{36}", "", nodes.replace(str(home.root), ""))


def said(home: Home) -> list[str]:
    """The lines of dbt's log, without their times, durations and the home."""
    lines = (home.logs / DBT).read_text().replace(str(home.root), "").splitlines()
    return sorted(re.sub(r"\d[\d:.,-]*", "", line) for line in lines)


def test_statements_and_log_are_as_dbt_itself_makes_them(
    tiny_morning: TinyMorning, tmp_path: Path
) -> None:
    homes = [tiny_morning.copy_to(tmp_path / name) for name in ("as_dbt", "quicker")]
    for home in homes:
        shutil.rmtree(home.dbt / "target")
        (home.logs / DBT).unlink()
    process = start_python("-c", AS_DBT_COMES, str(homes[0].root), *COMPILED)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert quicker_dbt.make_dbt_quicker()
    share_dbt()
    run(homes[1], *COMPILED)
    assert len(statements(homes[0])) > draw(80, 300)
    assert statements(homes[1]) == statements(homes[0])
    assert len(manifest(homes[0])) > 10**6
    assert manifest(homes[1]) == manifest(homes[0])
    assert len(said(homes[0])) > 10
    assert said(homes[1]) == said(homes[0])
