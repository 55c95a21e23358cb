"""The daily loss limits that the desk gives its traders in seeds/traders.csv."""

from datetime import datetime
from decimal import Decimal

import duckdb
import pytest

from runtime.home import Home
from runtime.transform.dbt import TransformError, run_dbt
from tests.conftest import build_warehouse, make_settings, rows
from tests.exports import ExportedFill, Exports


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A warehouse of one trader of whom the desk says nothing."""
    folder = tmp_path_factory.mktemp("limits")
    one = ExportedFill("A1", datetime(2025, 3, 3, 10), "B", Decimal(1), Decimal(1))
    exports = Exports(folder / "exports").write([one])
    return build_warehouse(
        folder / "home", exports.folder, models="+trader_status +dim_traders"
    )


def test_where_the_desk_says_nothing_the_default_holds(built: Home) -> None:
    assert rows(
        built,
        "select status.daily_loss_limit_amount, said.daily_loss_limit_amount "
        "from marts.trader_status as status "
        "inner join marts.dim_traders as said using (trader_id)",
    ) == [(Decimal(1000), None)]


@pytest.mark.long
@pytest.mark.parametrize("amount", ["-500", "0"])
def test_a_limit_that_is_none_stops_the_build_and_says_so(
    built: Home, amount: str
) -> None:
    settings = make_settings(source="files", risk_home=built.root)
    with duckdb.connect(built.warehouse) as connection:
        connection.execute(
            "insert into staging.traders (trader_id, daily_loss_limit_amount) "
            f"values ('A1', {amount})"
        )
    with pytest.raises(
        TransformError, match="daily_loss_limit_amount_must_be_above_0_or_empty"
    ):
        run_dbt(settings, built, "test", "--select", "traders,test_type:data")
    run_dbt(settings, built, "seed")
    run_dbt(settings, built, "test", "--select", "traders,test_type:data")


def test_a_seed_that_gained_a_column_replaces_the_older_table(built: Home) -> None:
    settings = make_settings(source="files", risk_home=built.root)
    with duckdb.connect(built.warehouse) as connection:
        connection.execute("alter table staging.instrument_multipliers drop multiplier")
    run_dbt(settings, built, "seed", "--select", "instrument_multipliers")
    assert rows(
        built,
        "select max(multiplier) from staging.instrument_multipliers",
    ) == [(Decimal(1000),)]
