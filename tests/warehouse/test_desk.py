"""What the desk's files say reaches the marts, by home and by morning."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.desk_files import read_desk, record_desk
from ingestion.pipeline import bring_up_to_date
from runtime.home import Home
from runtime.settings import Settings
from runtime.transform.build_state import forget_build, reason_to_build_all
from runtime.transform.dbt import run_dbt
from tests.conftest import build_models_of, build_warehouse, make_settings, rows
from tests.draws import draw
from tests.exports import ExportedFill, Exports

TRADERS = (
    "trader_id,valid_from,display_name,strategy,trader_group,is_active,"
    "daily_loss_limit_amount,note\n"
)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two accounts, and a future of 50."""
    folder = tmp_path_factory.mktemp("desk")
    fills = [
        ExportedFill(account, datetime(2025, 3, day, 10, minute), side, Decimal(1),
                     price, symbol=symbol)
        for account in ("A1", "A2")
        for day in (3, 4)
        for minute, side, price in ((0, "B", Decimal(10)), (5, "S", Decimal(12)))
        for symbol in ("ABC", "#QQH5")
    ]  # fmt: skip
    return Exports(folder / "exports").write(fills).folder


def settings_of(home: Home, exports: Path, **values: object) -> Settings:
    """Of a firm of the exports."""
    return make_settings(source="files", exports=exports, risk_home=home.root, **values)


def take(home: Home, settings: Settings) -> None:
    """Take in what the desk's files say now, and build on it."""
    record_desk(home, read_desk(settings, home))
    build(settings, home)


def build(settings: Settings, home: Home) -> None:
    """Build the models that are read here, on what is there of the last build."""
    if reason_to_build_all(home):
        forget_build(home)
    build_models_of(settings, home, models="+daily_totals +dim_traders +fct_fills")


LIMITS = (
    "select trader_id, valid_from, daily_loss_limit_amount from marts.dim_traders "
    "order by all"
)
NET = "select account_id, sum(net_pnl) from marts.daily_totals group by all order by 1"


@pytest.mark.long
def test_two_firms_share_a_checkout(tmp_path: Path, exports: Path) -> None:
    """Each with its own traders, contract sizes and limits."""
    homes = []
    for number, (name, size) in enumerate((("Ann", 50), ("Bob", 20))):
        home = Home(tmp_path / name)
        home.desk.mkdir(parents=True)
        (home.desk / "traders.csv").write_text(
            f"{TRADERS}A1,,{name},,,true,{100 + number},\n"
        )
        (home.desk / "trader_accounts.csv").write_text(
            f"account_id,valid_from,trader_id,note\nA2,2025-03-04,{name},\n"
        )
        (home.desk / "instrument_multipliers.csv").write_text(
            f"symbol_prefix,instrument_type,multiplier\n#QQ,future,{size}\n"
        )
        needed = "+daily_totals +dim_traders +dim_accounts"
        homes.append(build_warehouse(home.root, exports, models=needed))
    for home, name, size, number in zip(
        homes, ("Ann", "Bob"), (50, 20), (0, 1), strict=True
    ):
        assert rows(
            home, "select display_name from marts.dim_traders where trader_id = 'A1'"
        ) == [(name,)]
        assert rows(home, NET) == [
            (one, Decimal(2 * 2 * (1 + size))) for one in ("A1", "A2")
        ]
        assert ("A1", date(1900, 1, 1), Decimal(100 + number)) in rows(home, LIMITS)
        assert rows(
            home,
            "select trader_id from marts.dim_accounts where account_id = 'A2' "
            "order by valid_from",
        ) == [("A2",), (name,)]


def test_what_changes_is_built_anew_and_a_past_morning_keeps_what_held(
    tmp_path: Path, exports: Path
) -> None:
    home = Home(tmp_path / "home")
    settings = settings_of(home, exports)
    home.desk.mkdir(parents=True)
    sizes = home.desk / "instrument_multipliers.csv"
    sizes.write_text("symbol_prefix,instrument_type,multiplier\n,equity,1\n#,future,\n")
    (home.desk / "limits.csv").write_text(
        "account,valid_from,daily_loss_limit_amount\nA1,,500\nA1,2025-03-04,400\n"
    )
    bring_up_to_date(settings)
    take(home, settings)
    assert rows(home, NET) == [("A1", Decimal(4)), ("A2", Decimal(4))]
    assert reason_to_build_all(home) is None
    sizes.write_text(
        "symbol_prefix,instrument_type,multiplier\n,equity,1\n#QQ,future,50\n"
    )
    (home.desk / "limits.csv").write_text(
        "account,valid_from,daily_loss_limit_amount\nA1,,900\n"
    )
    record_desk(home, read_desk(settings, home))
    assert reason_to_build_all(home) == "the models have changed since the last build"
    take(home, settings)
    assert rows(home, NET) == [("A1", Decimal(204)), ("A2", Decimal(204))]
    # Whose an account is goes through the plan alone.
    (home.desk / "trader_accounts.csv").write_text(
        "account_id,valid_from,trader_id\nA2,,A1\n"
    )
    record_desk(home, read_desk(settings, home))
    assert reason_to_build_all(home) is None
    take(home, settings)
    assert rows(home, "select distinct trader_id from marts.fct_fills") == [("A1",)]
    assert rows(home, LIMITS) == [("A1", date(1900, 1, 1), Decimal(900))]
    past = bring_up_to_date(settings.model_copy(update={"as_of": date(2025, 3, 4)}))
    build(settings, past.home)
    assert rows(past.home, NET) == [("A1", Decimal(2)), ("A2", Decimal(2))]
    assert rows(past.home, LIMITS)[:2] == [
        ("A1", date(1900, 1, 1), Decimal(500)),
        ("A1", date(2025, 3, 4), Decimal(400)),
    ]


@pytest.mark.long
def test_the_desk_passes_the_tests_of_the_seeds_and_builds_by_hand(
    tmp_path: Path, exports: Path
) -> None:
    home = Home(tmp_path / "home")
    settings = settings_of(home, exports)
    home.desk.mkdir(parents=True)
    (home.desk / "traders.csv").write_text(f"{TRADERS}A1,2025-03-03,Ann,,,no,,\n")
    (exports / "limits.csv").write_text("account,daily_loss_limit_amount\nZ9,5\n")
    try:
        bring_up_to_date(settings)
    finally:
        (exports / "limits.csv").unlink()
    run_dbt(
        settings, home, "build", "--select", "+dim_traders", "+data_quality",
        "--indirect-selection", "cautious", "--exclude-resource-type", "unit_test",
    )  # fmt: skip
    assert rows(
        home,
        "select display_name, is_active from marts.dim_traders "
        "where trader_id = 'A1' and is_current",
    ) == [("Ann", False)]
    told = (
        "select finding from marts.data_quality "
        "where check_name in ('unused_seed_lines', 'unmatched_limits') "
        "and found_count > 0"
    )
    ((limits,),) = rows(home, told)
    assert limits.endswith(", and apply to none: line 2, account Z9")


NEVER = datetime(2999, 1, 1)


def test_an_accepted_warning_is_told_and_no_alarm(tmp_path: Path) -> None:
    home, folder = Home(tmp_path / "home"), Exports(tmp_path / "exports")
    fills = [
        ExportedFill("A1", datetime(2025, 3, day, 10, minute), side, Decimal(1), price)
        for day in (3, 4)
        for minute, side, price in ((0, "B", Decimal(10)), (5, "S", Decimal(990)))
    ]
    settings = settings_of(home, folder.write(fills).folder)
    needed = ("+data_quality", "+trader_status")
    build_warehouse(home.root, folder.folder, models=" ".join(needed))
    ((as_of, check, batch),) = rows(
        home,
        "select as_of_date, check_name, batch_name from marts.gate_results "
        "where not is_met",
    )
    path = home.desk / "accepted_warnings.csv"
    header = path.read_text()
    told = (
        "select check_name, found_count, needs_attention from marts.data_quality "
        "where check_name in ('gate_warnings', 'accepted_warnings') order by all desc"
    )
    cases = (
        # Another morning's is another one.
        (
            f"{as_of - timedelta(days=1)},{check},{batch},Ann,\n",
            [("gate_warnings", 1, True), ("accepted_warnings", 0, False)],
        ),
        (
            f"{as_of},{check},{batch},Ann,a spread\n",
            [("gate_warnings", 0, True), ("accepted_warnings", 1, False)],
        ),
    )
    for line, expected in cases[draw(1, 0) :]:
        path.write_text(header + line)
        record_desk(home, read_desk(settings, home))
        changed = (f"stg_desk__accepted_warnings+,{model}" for model in needed)
        build_models_of(settings, home, models=" ".join(changed))
        assert rows(home, told) == expected
    ((finding,),) = rows(
        home,
        "select finding from marts.data_quality where check_name = 'accepted_warnings'",
    )
    assert f"{check} of {batch} by Ann" in finding
    if draw(True, False):
        return
    # What is found later under the same name nobody has seen, until the note is new.
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("update raw.gate_results set checked_at = now()::timestamp")
    build_models_of(settings, home, models="gate_results data_quality")
    assert rows(home, told)[0] == ("gate_warnings", 1, True)
    path.write_text(f"{header}{as_of},{check},{batch},Ann,seen again\n")
    record_desk(home, read_desk(settings, home), NEVER)
    build_models_of(settings, home, models="data_quality")
    assert rows(home, told)[0] == ("gate_warnings", 0, True)
