"""The same models on Spark: every mart is what DuckDB makes of it, row by row."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from runtime.home import Home
from runtime.settings import PROJECT_ROOT
from runtime.transform.dbt import run_dbt
from runtime.transform.lake import write_lake
from runtime.transform.spark import ENVIRONMENT, build_on_spark
from tests.conftest import build_warehouse, make_settings, run_daily
from tests.exports import Exports
from tests.oracle.adversarial import cases, random_fills
from tests.warehouse.test_corporate_actions import fills_of_actions, write_actions

MARTS = sorted(
    path.stem for path in (PROJECT_ROOT / "dbt_project/models/marts").rglob("*.sql")
)
# Money is exact on both. A sum of doubles depends on the order of its terms, which no
# engine promises: what is left of their 16 digits after sums and square roots.
RELATIVE_TOLERANCE = 1e-9
# A deviation of equal values is the root of what is left of two equal squares.
NOTHING = {"net_pnl_ewm_volatility_5d": 1e-7}

pytestmark = pytest.mark.skipif(
    not (ENVIRONMENT / "bin/dbt").exists(),
    reason="no .venv-spark: `make setup-spark` makes it",
)


@pytest.fixture(scope="module", params=["sample", "awkward"])
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Home:
    """A warehouse, after Spark has built every model and passed every test."""
    if request.param == "sample":
        home = request.getfixturevalue("sample").home
        run = run_daily("build-spark", SOURCE="sample", RISK_HOME=home.root)
        assert run.code == 0, run.err + run.out
        return home
    # Fractions, multipliers, crossings of zero, midnight fills, splits and conversions;
    # nobody has scored.
    folder = tmp_path_factory.mktemp("awkward")
    fills = [fill for case in cases() for fill in case.fills]
    exports = Exports(folder / "exports").write(
        fills + random_fills(3, 4, 25) + fills_of_actions()
    )
    desk = write_actions(folder / "desk")
    home = build_warehouse(folder / "home", exports.folder, desk=desk)
    settings = make_settings(risk_home=home.root, desk=desk)
    run_dbt(
        settings, home, "build", "--selector", "after_scoring",
        "--exclude-resource-type", "unit_test",
    )  # fmt: skip
    write_lake(home)
    build_on_spark(settings, home)
    return home


@pytest.fixture(scope="module")
def engines(built: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both sides: DuckDB's marts in schema `marts`, Spark's in schema `spark`."""
    with duckdb.connect() as connection:
        # By its own name: views say where their tables lie.
        connection.execute(f"attach '{built.warehouse}' as risk (read_only)")
        connection.execute("create schema spark")
        for mart in MARTS:
            files = built.spark_warehouse / "marts.db" / mart / "*.parquet"
            connection.execute(
                f"create view spark.{mart} as from read_parquet('{files}')"
            )
        yield connection


def columns(
    connection: duckdb.DuckDBPyConnection, relation: str
) -> list[tuple[str, str]]:
    """Name and type of each column."""
    return [row[:2] for row in connection.execute(f"describe {relation}").fetchall()]


@pytest.mark.parametrize("mart", MARTS)
def test_both_engines_build_the_same(
    engines: duckdb.DuckDBPyConnection, mart: str
) -> None:
    expected = columns(engines, f"risk.marts.{mart}")
    assert columns(engines, f"spark.{mart}") == expected
    # Doubles are no key: in every mart the other columns tell the rows apart.
    exact = [name for name, kind in expected if kind != "DOUBLE"]
    place = f"row_number() over (order by {', '.join(exact)}) as place"
    differs = {
        name: exactly(name) if name in exact else closely(name) for name, _ in expected
    }
    counted = ", ".join(
        f"count(case when {condition} then 1 end) as {name}"
        for name, condition in differs.items()
    )
    result = engines.execute(f"""
        with ours as (select *, {place} from risk.marts.{mart}),
        theirs as (select *, {place} from spark.{mart})
        select
            count(case when ours.place is null or theirs.place is null then 1 end)
                as missing_rows,
            {counted}
        from ours full join theirs on ours.place = theirs.place
    """)
    names = [column[0] for column in result.description]
    counts = dict(zip(names, result.fetchone(), strict=True))
    assert {name: count for name, count in counts.items() if count} == {}


def exactly(name: str) -> str:
    """Where two exact values differ."""
    return f"ours.{name} is distinct from theirs.{name}"


def closely(name: str) -> str:
    """Where two doubles differ by more than the order of their terms can do."""
    ours, theirs = f"ours.{name}", f"theirs.{name}"
    return (
        f"({ours} is null) <> ({theirs} is null) or abs({ours} - {theirs}) > greatest("
        f"{RELATIVE_TOLERANCE} * abs({ours}), {NOTHING.get(name, 0)})"
    )


def test_every_data_test_passes_on_spark(built: Home) -> None:
    manifest = json.loads((built.dbt / "target/manifest.json").read_text())
    results = json.loads((built.spark / "target/run_results.json").read_text())
    passed = {
        one["unique_id"]
        for one in results["results"]
        if one["unique_id"].startswith("test.") and one["status"] in ("pass", "warn")
    }
    ours = {
        node["unique_id"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
    }
    assert ours == passed


def test_fills_lie_by_date_and_nothing_lies_outside(built: Home) -> None:
    fills = built.lake / "raw" / "fills"
    with duckdb.connect(built.warehouse, read_only=True) as connection:
        counts = connection.execute(
            "select trade_date, count(*) from raw.fills group by trade_date"
        ).fetchall()
    for day, count in counts:
        files = list((fills / f"trade_date={day}").glob("*.parquet"))
        assert _rows(files) == count
    for name in ("metastore_db", "derby.log", "spark-warehouse"):
        assert not (PROJECT_ROOT / name).exists()
        assert not (PROJECT_ROOT / "dbt_project" / name).exists()


def _rows(files: list[Path]) -> int:
    return duckdb.execute(
        "select count(*) from read_parquet(?)", [[str(file) for file in files]]
    ).fetchone()[0]
