"""A warehouse of a released layout becomes one of today, whole, or stays as it was."""

import re
import signal
from itertools import groupby
from pathlib import Path

import duckdb
import pytest

from ingestion import upgrade as module
from ingestion.downstream import VERSIONS, prepare_downstream
from ingestion.migrations import MIGRATIONS, Migration
from ingestion.upgrade import schema_versions, upgrade
from runtime.errors import UserError
from runtime.home import Home
from runtime.warehouse import RAW_LAYOUT, read_run_context
from tests.conftest import connected, rows, rows_of_each, start_python
from tests.in_process import call_daily
from tests.ml.test_tables import FORMER_LAYOUT, NEW_TABLE, filled, held
from tests.mornings import raw_tables

LAYOUTS = sorted(Path(__file__).parent.glob("layout_*.sql"))
# Kept as they are, to the byte: what is beside the warehouse of a home.
BESIDE = {
    "logs/runs.jsonl": b'{"run_id": "20250304T100000-1"}\n',
    "outbox/2025-03-04.eml": b"waits",
    "outbox/sent/2025-03-03.eml": b"was sent",
    "reports/2025-03-04/report.html": b"<p>",
    "account_salt": b"salt",
}
# Dies at the place that its second argument names, as a machine does.
DYING = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from ingestion import upgrade as module
from runtime.home import Home

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

place = sys.argv[2]
if place == "copy":
    copy_file = module.shutil.copyfile
    def half(source, target):
        Path(target).write_bytes(Path(source).read_bytes()[:5000])
        die()
    module.shutil.copyfile = half
elif place == "begin":
    module._apply = die
else:
    number = int(place)
    def dying(apply):
        def done(connection):
            apply(connection)
            die()
        return done
    module.MIGRATIONS = tuple(
        replace(one, apply=dying(one.apply)) if index == number else one
        for index, one in enumerate(module.MIGRATIONS)
    )
module.upgrade(Home(Path(sys.argv[1])))
"""


@pytest.fixture(params=LAYOUTS, ids=lambda path: path.stem)
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """A home of that layout, with forecasts, a ledger and mails of before."""
    for name, content in BESIDE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    home = Home(tmp_path)
    with duckdb.connect(home.warehouse) as connection:
        connection.execute(request.param.read_text(encoding="utf-8"))
    filled(home, FORMER_LAYOUT)
    return home


def contents(home: Home) -> dict[str, list[tuple]]:
    """Every row of every table."""
    tables = "select schema_name || '.' || table_name from duckdb_tables()"
    return rows_of_each(
        home, {name: f"from {name} order by all" for (name,) in rows(home, tables)}
    )


def counted(home: Home) -> dict[str, int]:
    """How many rows each raw table has."""
    return {name: len(found) for name, found in raw_tables(home).items()}


@pytest.mark.few(1)
def test_everything_of_before_is_kept(before: Home) -> None:
    raw, everything = counted(before), contents(before)
    former = {name: len(found) for name, found in everything.items()}
    message = upgrade(before)
    assert message
    assert str(before.before_upgrade) in message
    with connected(before) as connection:
        assert schema_versions(connection) == {"raw": RAW_LAYOUT} | VERSIONS
    found = counted(before)
    # What an unfinished load had read is read again; cells of fees got a table.
    for name in raw.keys() - {"load_progress", "extra_cells"}:
        assert found[name] == raw[name], name
    for name, count in former.items():
        if name.startswith(("ml.", "ops.")):
            assert len(held(before, NEW_TABLE.get(name, name))) == count, name
    assert read_run_context(before) is not None
    for name, content in BESIDE.items():
        assert (before.root / name).read_bytes() == content
    copy = Home(before.root / "copy")
    copy.root.mkdir()
    before.before_upgrade.rename(copy.warehouse)
    assert contents(copy) == everything
    assert upgrade(before) is None
    assert not before.before_upgrade.exists()
    prepare_downstream(before)
    assert upgrade(before) is None


def test_the_command_says_what_it_did_and_does_it_once(before: Home) -> None:
    for said in (f"upgraded to .*raw {RAW_LAYOUT}", "nothing to upgrade"):
        done = call_daily("upgrade", RISK_HOME=before.root)
        assert done.code == 0, done.err
        assert re.search(said, done.out)


def test_a_new_warehouse_needs_no_upgrade(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert upgrade(home) is None
    prepare_downstream(home)
    assert upgrade(home) is None
    with connected(home) as connection:
        assert schema_versions(connection) == VERSIONS


@pytest.mark.few(1)
@pytest.mark.parametrize("place", ["copy", "begin", *map(str, range(len(MIGRATIONS)))])
def test_killed_anywhere_it_leaves_the_warehouse_as_it_was(
    before: Home, place: str
) -> None:
    everything = contents(before)
    with connected(before) as connection:
        versions = schema_versions(connection)
    if place.isdigit():
        one = MIGRATIONS[int(place)]
        if versions[one.schema] >= one.version:
            pytest.skip("this layout is past that step")
    with start_python("-c", DYING, str(before.root), place) as process:
        assert process.wait(60) == -signal.SIGKILL
    assert contents(before) == everything
    assert upgrade(before)
    assert not list(before.root.glob("*.partial"))
    with connected(before) as connection:
        assert schema_versions(connection) == {"raw": RAW_LAYOUT} | VERSIONS


@pytest.mark.few(1)
@pytest.mark.parametrize("broken", range(len(MIGRATIONS)))
def test_a_step_that_fails_undoes_those_before_it(
    before: Home, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    def fail(connection: duckdb.DuckDBPyConnection) -> None:
        MIGRATIONS[broken].apply(connection)
        connection.execute("select * from raw.nothing")

    one = MIGRATIONS[broken]
    changed = [*MIGRATIONS]
    changed[broken] = Migration(one.schema, one.version, fail)
    everything = contents(before)
    with connected(before) as connection:
        if schema_versions(connection)[one.schema] >= one.version:
            pytest.skip("this layout is past that step")
    with monkeypatch.context() as patch:
        patch.setattr(module, "MIGRATIONS", tuple(changed))
        with pytest.raises(UserError, match="it is unchanged") as caught:
            upgrade(before)
    assert "\n" not in str(caught.value)
    assert contents(before) == everything
    assert upgrade(before)


@pytest.mark.few(1)
@pytest.mark.parametrize("schema", ["raw", "ml", "ops", "something"])
def test_only_what_is_newer_than_the_code_is_refused(before: Home, schema: str) -> None:
    upgrade(before)
    before.before_upgrade.unlink()
    with duckdb.connect(before.warehouse) as connection:
        if schema == "raw":
            connection.execute(f"update raw.run_context set layout = {RAW_LAYOUT + 1}")
        else:
            connection.execute(
                "insert or replace into ops.schema_versions values (?, 99)", [schema]
            )
    everything = contents(before)
    done = call_daily("upgrade", RISK_HOME=before.root)
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert f"is newer than this code (schema {schema} " in done.err
    assert contents(before) == everything
    assert not before.before_upgrade.exists()


@pytest.mark.long
def test_the_disk_must_hold_a_copy(
    before: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = contents(before)
    with monkeypatch.context() as patch:
        patch.setattr(module, "free_disk_space", lambda _: 10)
        with pytest.raises(UserError, match="Make room"):
            upgrade(before)
    assert contents(before) == everything
    assert not before.before_upgrade.exists()


def test_migrations_lead_from_each_version_to_the_next() -> None:
    assert {one.schema: one.version for one in MIGRATIONS} == (
        {"raw": RAW_LAYOUT} | VERSIONS
    )
    for _, steps in groupby(MIGRATIONS, key=lambda one: one.schema):
        versions = [one.version for one in steps]
        assert versions == list(range(2, versions[-1] + 1))
