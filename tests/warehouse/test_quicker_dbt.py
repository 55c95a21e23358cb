"""What makes dbt quicker changes no statement, and nothing that it says."""

import json
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
run(Home(Path(sys.argv[1])), sys.argv[2])
assert not quicker_dbt.make_dbt_quicker()
"""
# At length dbt parses the project anew, for its variables are other ones, and compiles
# all of it.
NAMED = draw(("", ""), ("{parsed_by: dbt}", "{parsed_by: us}"))
FAILS = ("build", "--select", "int_fills_current", "stg_propreports__fills")


def run(home: Home, variables: str) -> None:
    """Compile statements; then a build that fails, which dbt says at length."""
    settings = make_settings(source="sample", risk_home=home.root)
    given = ("--vars", variables) if variables else ()
    some = ("--select", "marts.core", "marts.risk")
    run_dbt(settings, home, "compile", *(given or some))
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("create or replace table raw.fills as select 1 as wrong")
    with pytest.raises(TransformError):
        run_dbt(settings, home, *FAILS, *given)


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
    text = re.sub(r'"created_at": [0-9.]+', '"created_at": 0', text)
    # A hook writes an id of its own.
    text = re.sub(r"[0-9a-f-]{36}", "", text.replace(str(home.root), ""))
    written = json.loads(text, object_hook=_in_order)
    assert "invocation_id" in written.pop("metadata")
    return json.dumps(written, sort_keys=True)


def _in_order(written: dict) -> dict:
    """Folders are a set to dbt: each process parses them in an order of its own."""
    for name, value in written.items():
        if isinstance(value, list):
            written[name] = sorted(value, key=json.dumps)
    return written


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
    process = start_python("-c", AS_DBT_COMES, str(homes[0].root), NAMED[0])
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert quicker_dbt.make_dbt_quicker()
    share_dbt()
    run(homes[1], NAMED[1])
    assert len(statements(homes[0])) > draw(80, 300)
    assert statements(homes[1]) == statements(homes[0])
    assert len(manifest(homes[0])) > 10**6
    assert manifest(homes[1]) == manifest(homes[0])
    assert len(said(homes[0])) > 10
    assert said(homes[1]) == said(homes[0])
