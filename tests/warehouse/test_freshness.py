"""How long ago the data was loaded: late is told, stale stops the morning."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from runtime.freshness import StaleError, check_freshness
from runtime.home import Home
from runtime.transform.dbt import TransformError, run_dbt
from runtime.warehouse import RAW_LAYOUT
from tests.conftest import make_settings
from tests.in_process import call_daily


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A warehouse in which nothing stands but the row that says what it is."""
    home = Home(tmp_path_factory.mktemp("home"))
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("create schema raw")
        connection.execute(
            "create table raw.run_context as select 'files' as source, 'x' as firm, "
            "date '2025-03-04' as as_of, date '2025-03-04' as prediction_date, "
            "null::varchar as source_version, null::timestamp as ingested_at, "
            f"{RAW_LAYOUT} as layout"
        )
    return home


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Tokyo"])
def _anywhere(request, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that is set to any time zone: ingested_at is in UTC, and has none."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def check(home: Home, **ago: float) -> str:
    """Check a warehouse that was loaded some time ago."""
    loaded_at = datetime.now(UTC).replace(tzinfo=None) - timedelta(**ago)
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("update raw.run_context set ingested_at = ?", [loaded_at])
    return check_freshness(home)


@pytest.mark.few(1)
@pytest.mark.usefixtures("_anywhere")
def test_late_after_36_hours_stale_after_five_days_in_any_time_zone(home: Home) -> None:
    assert check(home, minutes=3).startswith("loaded 0 h ")
    assert not check(home, hours=35, minutes=58).startswith("WARNING")
    late = check(home, hours=36, minutes=2)
    assert late.startswith("WARNING: loaded 36 h 2 min ago")
    assert late.endswith("more than 36 hours")
    assert check(home, days=4, hours=23, minutes=58).startswith("WARNING")
    with pytest.raises(StaleError) as error:
        check(home, days=5, minutes=2)
    assert str(error.value).startswith("The data is stale: loaded 5 days 0 hours ago")


@pytest.mark.parametrize(
    ("hours", "status"), [(35.9, "pass"), (36.1, "warn"), (121, "error")]
)
def test_dbt_comes_to_the_same(home: Home, hours: float, status: str) -> None:
    loaded_at = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=hours)
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("update raw.run_context set ingested_at = ?", [loaded_at])
    settings = make_settings(risk_home=home.root)
    if status == "error":
        with pytest.raises(TransformError, match="run_context"):
            run_dbt(settings, home, "source freshness")
        with pytest.raises(StaleError):
            check_freshness(home)
        return
    (found,) = (
        one.status
        for one in run_dbt(settings, home, "source freshness")
        if one.node.resource_type == "source"
    )
    assert found == status
    assert check_freshness(home).startswith("WARNING") == (status == "warn")


def test_the_step_fails_with_one_line_that_says_what_to_do(home: Home) -> None:
    with pytest.raises(StaleError):
        check(home, days=9)
    run = call_daily("freshness", SOURCE="files", EXPORTS="x", RISK_HOME=home.root)
    assert run.code == 1
    assert run.err.startswith("error: The data is stale: loaded 9 days 0 hours ago")
    assert run.err.count("\n") == 1
    assert "make ingest" in run.err


def test_a_warehouse_that_was_never_loaded_is_an_error_of_one_line(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path)
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("create schema raw")
    with pytest.raises(StaleError, match="has no ingested_at") as error:
        check_freshness(home)
    assert "\n" not in str(error.value)
