"""Every feature in SQL equals the oracle, on adversarial and on random fills."""

import math
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml

from ingestion.pipeline import bring_up_to_date
from runtime.home import Home
from runtime.settings import PROJECT_ROOT
from runtime.transform.dbt import TransformError, run_dbt
from tests.conftest import build_models_of, connected, make_settings, rows
from tests.exports import ExportedFill, Exports
from tests.oracle import feature_rows, keep_book, label_rows, prepare
from tests.oracle.adversarial import MULTIPLIERS, SESSIONS, cases, random_fills
from tests.oracle.pnl import describe_path, open_positions, realized_paths

RANDOM = {
    seed: random_fills(seed, traders, days)
    for seed, traders, days in ((1, 1, 130), (2, 3, 40), (3, 3, 40))
}
# PropReports' own example, Monday to Thursday.
WORKED_EXAMPLE = [
    ExportedFill(
        "BASIS", datetime(2025, 3, 3 + day, 10, minute), side, Decimal(quantity),
        Decimal(price),
    )
    for minute, (day, side, quantity, price) in enumerate((
        (0, "B", 1000, "10.00"), (0, "B", 1000, "11.00"), (0, "S", 500, "10.75"),
        (1, "B", 500, "10.50"), (1, "S", 500, "10.75"),
        (2, "S", 1000, "10.70"), (3, "S", 500, "10.25"),
    ))
]  # fmt: skip
FILLS: list[ExportedFill] = [
    *WORKED_EXAMPLE,
    *(fill for case in cases() for fill in case.fills),
    *(fill for fills in RANDOM.values() for fill in fills),
]
# Half of the random accounts change hands on this date.
MOVED_ON = date(2025, 4, 1)
MOVED = {
    account: f"HEIR{number}"
    for number, account in enumerate(
        sorted({fill.account for fills in RANDOM.values() for fill in fills})[::2]
    )
}
TRADERS = {
    **{account: trader for case in cases() for account, trader in case.traders.items()},
    **{account: [(None, account), (MOVED_ON, heir)] for account, heir in MOVED.items()},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A warehouse of all of it, some accounts of which change hands."""
    folder: Path = tmp_path_factory.mktemp("features")
    settings = make_settings(
        source="files",
        exports=Exports(folder / "exports").write(FILLS).folder,
        risk_home=folder / "home",
    )
    home = bring_up_to_date(settings).home
    run_dbt(settings, home, "seed")
    with duckdb.connect(home.warehouse) as connection:
        connection.executemany(
            "insert into staging.trader_accounts values (?, ?, ?, null)",
            [
                (account, since, trader)
                for account, said in TRADERS.items()
                for since, trader in (
                    said if isinstance(said, list) else [(None, said)]
                )
            ],
        )
    build_models_of(settings, home, "--exclude-resource-type", "seed", data_tests=True)
    return home


def mart(home: Home, name: str) -> dict[tuple, dict]:
    """Rows of a mart by trader and date."""
    with connected(home) as connection:
        result = connection.execute(f"from marts.{name}")
        columns = [column[0] for column in result.description]
        found = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
    return {(row["trader_id"], row["trade_date"]): row for row in found}


def same(value: object, wanted: object) -> bool:
    """Decimals, integers, nulls and text exactly, floats to rounding."""
    if value is None or wanted is None:
        return value is wanted
    if isinstance(value, float) or isinstance(wanted, float):
        # A variance near zero is a difference of two large numbers.
        return math.isclose(value, wanted, rel_tol=1e-7, abs_tol=1e-6)
    return value == wanted


def assert_equal(found: dict[tuple, dict], wanted: dict[tuple, dict]) -> None:
    """The same keys, and in each row the same values of all that is wanted."""
    assert found.keys() == wanted.keys()
    wrong = [
        (*key, column, found[key][column], value)
        for key, row in sorted(wanted.items())
        for column, value in row.items()
        if not same(found[key][column], value)
    ]
    counts = Counter(column for _, _, column, *_ in wrong)
    assert not wrong, (counts, wrong[:20])


def test_every_feature_equals_the_oracle(home: Home) -> None:
    wanted = feature_rows(FILLS, SESSIONS, multipliers=MULTIPLIERS, traders=TRADERS)
    found = mart(home, "feat_trader_day")
    columns = set(next(iter(found.values()))) - {"trader_id", "trade_date"}
    # What is another column scaled has no formula of its own to check.
    assert columns - set(next(iter(wanted.values()))) == {"usual_stop_scaled"}
    assert len(wanted) > 400
    assert_equal(found, wanted)


def declared_features() -> dict[str, dict]:
    """Columns of the themes, keys left out, as their yml declares them."""
    folder = PROJECT_ROOT / "dbt_project/models/marts/features"
    return {
        column["name"]: column
        for path in folder.glob("_feat_trader_day_*.yml")
        for model in yaml.safe_load(path.read_text())["models"]
        for column in model["columns"]
        if column["name"] not in ("trader_id", "trade_date")
    }


def test_every_feature_is_declared_in_full() -> None:
    features = declared_features()
    assert len(features) > 100
    for name, column in features.items():
        assert column["description"], name
        assert column["data_type"] in ("double", "bigint"), name
        meta = column["config"]["meta"]
        assert meta.keys() == {"unit", "window", "phrase"}, name
        assert all(meta.values()), name
        # It says the value, once.
        assert meta["phrase"].count("{") == 1, name
        assert meta["phrase"].format(0.5) != meta["phrase"].format(12.0), name


def test_the_wide_mart_is_its_themes_side_by_side(home: Home) -> None:
    columns = rows(
        home,
        "select table_name, column_name, data_type, is_nullable "
        "from information_schema.columns where table_schema = 'marts' "
        "and table_name like 'feat_trader_day%' order by table_name, ordinal_position",
    )
    tables: dict[str, list[tuple]] = {}
    for table, *column in columns:
        tables.setdefault(table, []).append(tuple(column))
    keys = [("trader_id", "VARCHAR", "NO"), ("trade_date", "DATE", "NO")]
    themes = (
        "pnl", "activity", "symbols", "sizing",
        "positions", "tilt", "losses", "context",
    )  # fmt: skip
    wanted = keys + [
        column for theme in themes for column in tables[f"feat_trader_day_{theme}"][2:]
    ]
    assert tables["feat_trader_day"] == wanted
    assert {(name, kind.lower()) for name, kind, _ in wanted[2:]} == set(
        rows(home, "select feature_name, data_type from marts.feature_dictionary")
    )


def test_the_wide_mart_keeps_the_contract_of_its_themes(home: Home) -> None:
    settings = make_settings(risk_home=home.root)
    theme = "alter table marts.feat_trader_day_activity alter fills_count type"
    with duckdb.connect(home.warehouse) as connection:
        connection.execute(f"{theme} integer")
    try:
        with pytest.raises(TransformError, match="enforced contract"):
            run_dbt(settings, home, "run", "--select", "feat_trader_day")
    finally:
        with duckdb.connect(home.warehouse) as connection:
            connection.execute(f"{theme} bigint")


def test_no_phrase_is_a_variable_to_spark(home: Home) -> None:
    """Spark replaces what begins with a dollar sign and a brace, also in literals."""
    (sql,) = (home.dbt / "target/compiled").rglob("feature_dictionary.sql")
    assert "$' || '{" in sql.read_text()
    assert "${" not in sql.read_text()


def test_every_feature_is_known_somewhere_and_unknown_where_it_should(
    home: Home,
) -> None:
    """Or equality would prove nothing about it."""
    unknown = rows(
        home,
        "select feature_name from marts.feature_dictionary where null_ratio > 0.95 "
        "or (minimum_value = maximum_value and feature_name <> 'is_early_close')",
    )
    assert unknown == []


def test_labels_equal_the_oracle(home: Home) -> None:
    wanted = label_rows(FILLS, multipliers=MULTIPLIERS, traders=TRADERS)
    found = mart(home, "label_trader_day")
    assert found.keys() == wanted.keys()
    for key, row in wanted.items():
        for column, value in row.items():
            exact = found[key][column]
            if isinstance(exact, Decimal):
                # Prices and quantities of eight decimals round in the eighth.
                assert abs(exact - value) < Decimal("1e-6"), (key, column)
            else:
                assert same(exact, value), (key, column)


def test_an_expiry_without_a_fill_is_a_day_and_the_label_of_the_one_before(
    home: Home,
) -> None:
    expiry = date(2025, 3, 5)
    row = mart(home, "feat_trader_day")["JOURNAL", expiry]
    assert (row["net_pnl"], row["fills_count"], row["traded_days_count"]) == (
        -150,
        0,
        2,
    )
    label = mart(home, "label_trader_day")["JOURNAL", date(2025, 3, 4)]
    assert (label["next_trade_date"], label["is_next_loss"]) == (expiry, True)
    assert rows(
        home,
        "select is_traded_day from marts.daily_totals "
        f"where account_id = 'JOURNAL' and trade_date = '{expiry}'",
    ) == [(False,)]


def test_paths_of_the_day_equal_the_oracle(home: Home) -> None:
    book = keep_book(prepare(FILLS, multipliers=MULTIPLIERS, traders=TRADERS))
    found = mart(home, "fct_intraday_pnl")
    paths = realized_paths(book)
    assert found.keys() == paths.keys()
    for key, path in paths.items():
        wanted, row = describe_path(path), found[key]
        for column in (
            "final_net_pnl", "peak_net_pnl", "trough_net_pnl", "max_drawdown",
            "give_back",
        ):  # fmt: skip
            assert abs(row[column] - getattr(wanted, column)) < Decimal("1e-6"), key


def test_open_positions_equal_the_oracle(home: Home) -> None:
    book = keep_book(prepare(FILLS, multipliers=MULTIPLIERS, traders=TRADERS))
    (last,) = rows(home, "select max(trade_date) from marts.fct_open_positions")[0]
    wanted = open_positions(book, SESSIONS, last)
    found = {
        row[:3]: row[3:]
        for row in rows(
            home,
            "select account_id, symbol, trade_date, position_quantity, lots_count, "
            "oldest_lot_date, average_price from marts.fct_open_positions",
        )
    }
    assert found.keys() == wanted.keys()
    assert len(found) > 300
    for key, (quantity, lots, oldest, average) in found.items():
        one = wanted[key]
        assert (quantity, lots, oldest) == (
            one.position_quantity, one.lots_count, one.oldest_lot_date,
        ), key  # fmt: skip
        assert math.isclose(average, one.average_price, rel_tol=1e-7), key


def test_lots_come_to_the_position_of_every_date(home: Home) -> None:
    apart = rows(
        home,
        """
        select count(*), count(*) filter (
            lots.quantity <> positions.position_quantity
            or abs(lots.cost - positions.open_cost) > 1e-6
        )
        from marts.fct_open_positions as positions
        inner join lateral (
            select sum(signed_quantity) as quantity, sum(open_cost) as cost
            from marts.fct_lots as lots
            where lots.account_id = positions.account_id
                and lots.symbol = positions.symbol
                and lots.opened_date <= positions.trade_date
                and coalesce(lots.closed_date > positions.trade_date, true)
        ) as lots on true
        """,
    )
    assert apart[0][0] > 300
    assert apart[0][1] == 0


def test_the_worked_example_has_its_lots_and_average_prices(home: Home) -> None:
    assert rows(
        home,
        "select position_quantity, lots_count, round(average_price, 2) "
        "from marts.fct_open_positions where account_id = 'BASIS' order by trade_date",
    ) == [(1500, 2, 10.67), (1500, 2, 10.67), (500, 1, 11.00)]
