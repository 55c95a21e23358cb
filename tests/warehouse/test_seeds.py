"""What a risk manager may write wrongly into the seeds stops the build, or is told."""

import csv
from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest

from runtime.home import Home
from runtime.settings import PROJECT_ROOT
from runtime.transform.dbt import TransformError, run_dbt
from tests.conftest import build_warehouse, make_settings, rows
from tests.draws import draw
from tests.exports import ExportedFill, Exports

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A warehouse of one fill of account A1."""
    folder = tmp_path_factory.mktemp("seeds")
    one = ExportedFill("A1", datetime(2025, 3, 3, 10), "B", Decimal(1), Decimal(1))
    exports = Exports(folder / "exports").write([one])
    needed = "+data_quality +dim_accounts +dim_traders"
    return build_warehouse(folder / "home", exports.folder, models=needed)


def said(home: Home, seed: str, *lines: tuple, mart: str = "data_quality") -> None:
    """Load the seed with these lines in place of its own, test it and build on it."""
    settings = make_settings(risk_home=home.root)
    with (SEEDS / f"{seed}.csv").open() as handle:
        header = next(csv.reader(handle))
    with duckdb.connect(home.warehouse) as connection:
        connection.execute(f"delete from staging.{seed}")
        places = ", ".join("?" * len(header))
        for line in lines:
            connection.execute(
                f"insert into staging.{seed} values ({places})",
                [*line, *[None] * (len(header) - len(line))],
            )
    run_dbt(settings, home, "test", "--select", seed)
    run_dbt(settings, home, "run", "--select", f"int_account_traders+,+{mart}")


@pytest.fixture(autouse=True)
def _as_it_was(home: Home) -> None:
    """Each test begins with seeds that say nothing."""
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("delete from staging.trader_accounts")
        connection.execute("delete from staging.traders")


def test_a_date_that_may_be_read_two_ways_stops_the_build(home: Home) -> None:
    """Four lines at once: the test counts each that is wrong."""
    written = ("6/2/2025", "2.6.2025", "45810", "20250602")
    wrong = rf"_valid_from: Got {len(written)} results"
    with pytest.raises(TransformError, match=f"is_iso_date_trader_accounts{wrong}"):
        said(home, "trader_accounts", *(("A1", one, "BOB") for one in written))
    if draw(True, False):
        return
    with pytest.raises(TransformError, match=f"is_iso_date_traders{wrong}"):
        said(home, "traders", *(("A1", one) for one in written))


def test_a_space_at_an_end_stops_the_build(home: Home) -> None:
    with pytest.raises(TransformError, match="is_trimmed_trader_accounts_account_id"):
        said(home, "trader_accounts", ("A1 ", None, "BOB"))
    if draw(True, False):
        return
    with pytest.raises(TransformError, match="is_trimmed_trader_accounts_trader_id"):
        said(home, "trader_accounts", ("A1", None, " BOB"))
    with pytest.raises(TransformError, match="is_trimmed_traders_trader_id"):
        said(home, "traders", (" A1", None))


@pytest.mark.long
def test_a_line_about_nobody_is_told(home: Home) -> None:
    said(
        home,
        "trader_accounts",
        ("A1", "2025-03-03", "BOB"),
        ("A2", None, "BOB"),
    )
    told = (
        "select found_count, needs_attention, finding from marts.data_quality "
        "where check_name = 'unused_seed_lines'"
    )
    text = "lines of the desk's files name unknown accounts or traders: "
    nobody = "trader_accounts.csv of the project: A2"
    assert rows(home, told) == [(1, False, text + nobody)]
    said(
        home,
        "traders",
        ("BOB", "2025-03-03", "Bob"),
        ("EVE", None),
    )
    nobody = f"{nobody}; traders.csv of the project: EVE"
    assert rows(home, told) == [(2, False, text + nobody)]


def test_an_account_goes_from_one_trader_to_another(home: Home) -> None:
    said(
        home,
        "trader_accounts",
        ("A1", None, "ANN"),
        ("A1", "2025-03-04", "BOB"),
        mart="dim_accounts",
    )
    assert rows(
        home,
        "select trader_id, valid_from, valid_to from marts.dim_accounts "
        "order by valid_from",
    ) == [
        ("ANN", date(1900, 1, 1), date(2025, 3, 4)),
        ("BOB", date(2025, 3, 4), date(9999, 12, 31)),
    ]


@pytest.mark.parametrize("seed", ["trader_accounts", "traders"])
def test_dates_stay_the_text_they_are_until_they_are_tested(
    home: Home, seed: str
) -> None:
    """As a date, 6/2/2025 was taken for the sixth of February."""
    with duckdb.connect(home.warehouse) as connection:
        # As an older version left it.
        connection.execute(
            f"create or replace table staging.{seed} (valid_from date, gone varchar)"
        )
    run_dbt(make_settings(risk_home=home.root), home, "seed", "--select", seed)
    assert rows(
        home,
        "select data_type from information_schema.columns where table_schema = "
        f"'staging' and table_name = '{seed}' and column_name = 'valid_from'",
    ) == [("VARCHAR",)]
