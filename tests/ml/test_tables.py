"""The tables of schemas `ml` and `ops`: made where missing, kept where there."""

import re

import duckdb
import pytest

from ingestion.desk_files import DESK_TABLES
from ingestion.downstream import OPS_TABLES, prepare_downstream
from ml.tables import TABLES
from runtime.home import Home
from runtime.tables import Table, prepare_tables

# As dbt's hook made them before their writers declared them.
FORMER_LAYOUT = """
create schema if not exists ml;
create table if not exists ml.predictions (
    trader_id varchar not null,
    prediction_date date not null,
    model varchar not null,
    model_version varchar not null,
    predicted_pnl decimal(18, 8),
    predicted_pnl_p05 decimal(18, 8),
    predicted_pnl_p25 decimal(18, 8),
    predicted_pnl_p50 decimal(18, 8),
    predicted_pnl_p75 decimal(18, 8),
    predicted_pnl_p95 decimal(18, 8),
    loss_probability double,
    limit_loss_probability double,
    reasons varchar,
    change_reasons varchar,
    loss_speaker varchar,
    pnl_speaker varchar,
    quantiles_speaker varchar,
    features_date date,
    trained_through date,
    scored_at timestamp
);
create table if not exists ml.roster (
    trader_id varchar not null,
    prediction_date date not null,
    model varchar,
    call_basis varchar not null,
    traded_days_count bigint not null,
    idle_sessions_count bigint,
    model_version varchar not null,
    scores_fingerprint varchar,
    scored_at timestamp
);
create table if not exists ml.model_metrics (
    model_version varchar not null,
    model varchar not null,
    trader_id varchar,
    period varchar,
    metric varchar not null,
    metric_value double,
    value_low double,
    value_high double,
    rows_count bigint,
    trained_through date
);
create table if not exists ml.registry (
    model_version varchar not null,
    model varchar not null,
    trader_id varchar,
    as_of date,
    trained_from date,
    trained_through date,
    rows_count bigint,
    traders_count bigint,
    features_count bigint,
    features varchar,
    parameters varchar,
    seed bigint,
    code_commit varchar,
    code_fingerprint varchar,
    data_fingerprint varchar,
    loss_speaker varchar,
    pnl_speaker varchar,
    quantiles_speaker varchar,
    trained_at timestamp
);
create table if not exists ml.feature_drift (
    model_version varchar not null,
    prediction_date date not null,
    feature_name varchar not null,
    reference_mean double,
    recent_mean double,
    reference_null_ratio double,
    recent_null_ratio double,
    stability_index double,
    recent_count bigint
);
create table if not exists ml.policy_advice (
    trader_id varchar not null,
    prediction_date date not null,
    policy varchar not null,
    position_multiplier double,
    is_live boolean not null,
    is_trial boolean not null,
    trial varchar
);
create table if not exists ml.policy_comparison (
    as_of date not null,
    policy varchar not null,
    other_policy varchar not null,
    unit varchar not null,
    metric varchar not null,
    metric_value double,
    value_low double,
    value_high double,
    policy_rows_count bigint,
    other_rows_count bigint
);
create table if not exists ml.replayed_calls (
    trader_id varchar not null,
    features_date date not null,
    prediction_date date,
    model varchar not null,
    model_version varchar not null,
    predicted_pnl decimal(18, 8),
    predicted_pnl_p05 decimal(18, 8),
    predicted_pnl_p25 decimal(18, 8),
    predicted_pnl_p50 decimal(18, 8),
    predicted_pnl_p75 decimal(18, 8),
    predicted_pnl_p95 decimal(18, 8),
    loss_probability double,
    limit_loss_probability double,
    policy varchar not null,
    position_multiplier double,
    daily_loss_limit_amount decimal(18, 8),
    pnl_scale double
);
create table if not exists ml.desk_predictions (
    prediction_date date not null,
    is_replayed boolean not null,
    predicted_pnl decimal(38, 8),
    worst_case_pnl decimal(38, 8),
    median_pnl decimal(38, 8),
    best_case_pnl decimal(38, 8),
    traders_count bigint,
    scenarios_count bigint
);
create table if not exists ml.backtest_predictions (
    trader_id varchar not null,
    features_date date not null,
    label_date date not null,
    model varchar not null,
    predicted_pnl decimal(18, 8),
    predicted_pnl_p05 decimal(18, 8),
    predicted_pnl_p25 decimal(18, 8),
    predicted_pnl_p50 decimal(18, 8),
    predicted_pnl_p75 decimal(18, 8),
    predicted_pnl_p95 decimal(18, 8),
    loss_probability double,
    limit_loss_probability double,
    actual_net_pnl decimal(38, 8)
);
create table if not exists ml.backtest_metrics (
    model varchar not null,
    trader_id varchar,
    period varchar,
    metric varchar not null,
    metric_value double,
    value_low double,
    value_high double,
    rows_count bigint
);
create table if not exists ml.backtest_policies (
    policy varchar not null,
    metric varchar not null,
    metric_value double,
    value_low double,
    value_high double,
    rows_count bigint
);
create schema if not exists ops;
create table if not exists ops.steps (
    run_id varchar,
    step_number bigint,
    command varchar,
    step varchar,
    steps_count bigint,
    home varchar,
    started_at timestamp,
    ended_at timestamp,
    seconds double,
    outcome varchar,
    rows_count bigint,
    said varchar,
    versions varchar
);
create table if not exists ops.built_fill_days (
    account_id varchar not null,
    trader_id varchar not null,
    trade_date date not null,
    account_number varchar not null,
    content_hash varchar not null
);
create table if not exists ops.built_with (
    fingerprint varchar not null,
    seen_through timestamp
);
create table if not exists ops.built_dates (
    mart varchar not null,
    partition_date date not null,
    built varchar not null,
    primary key (mart, partition_date)
);
"""
# Columns that stay though nothing writes them any more.
RETIRED = {("ops.built_with", "seen_through", "timestamp", True)}
NEW_TABLE = {"ml.replayed_calls": "ml.replayed_forecasts"}
NEW_COLUMN = {
    "call_basis": "forecast_basis",
    "loss_speaker": "loss_model",
    "pnl_speaker": "pnl_model",
    "quantiles_speaker": "quantiles_model",
    "said": "message",
}
NO_LONGER_READ = ("seen_through",)
# No sum of expectations is told of a desk.
DROPPED = ("ml.desk_predictions", "predicted_pnl")
VALUES = {
    "varchar": "'text {}'",
    "date": "date '2026-03-02' + {}",
    "timestamp": "timestamp '2026-03-02 09:30:00' + interval {} minute",
    "boolean": "{} = 1",
    "double": "{} + 0.25",
    "bigint": "{} + 7",
    "decimal(18, 8)": "{} - 1234.56789012",
    "decimal(38, 8)": "{} - 1234567.89012345",
}
Layout = list[tuple[str, str, str, bool]]


def layout(home: Home) -> Layout:
    """Every column: its table, name, type, and whether it may be null."""
    with duckdb.connect(home.warehouse, read_only=True) as connection:
        return connection.execute(
            "select schema_name || '.' || table_name, column_name, "
            "lower(data_type), is_nullable from duckdb_columns() where not internal "
            "order by table_name, column_index"
        ).fetchall()


def filled(home: Home, tables: str) -> dict[str, list[dict]]:
    """Make tables, write two rows into each, and say what they hold."""
    with duckdb.connect(home.warehouse) as connection:
        connection.execute(tables)
        found = {}
        for table in re.findall(r"create table if not exists (\S+)", tables):
            columns = connection.sql(f"from {table}").columns
            kinds = [
                str(kind).lower() for kind in connection.sql(f"from {table}").types
            ]
            kinds = [kind.replace(",", ", ") for kind in kinds]
            for number in (1, 2):
                row = ", ".join(VALUES[kind].format(number) for kind in kinds)
                connection.execute(f"insert into {table} select {row}")
            found[table] = [
                dict(zip(columns, row, strict=True))
                for row in connection.sql(f"from {table} order by all").fetchall()
            ]
        return found


def held(home: Home, table: str) -> list[dict]:
    """The rows of a table."""
    with duckdb.connect(home.warehouse, read_only=True) as connection:
        result = connection.sql(f"from {table} order by all")
        return [
            dict(zip(result.columns, row, strict=True)) for row in result.fetchall()
        ]


@pytest.fixture
def home(tmp_path) -> Home:
    """Where there is no warehouse yet."""
    return Home(tmp_path)


def test_a_new_warehouse_has_every_table_as_it_is_declared(home: Home) -> None:
    prepare_downstream(home)
    declared = [
        (table.name, column, kind.removesuffix(" not null").replace(", ", ","),
         not kind.endswith(" not null") and column not in table.primary_key)
        for table in (*DESK_TABLES, *TABLES, *OPS_TABLES)
        for column, kind in table.columns.items()
    ]  # fmt: skip
    assert sorted(layout(home)) == sorted(declared)


def test_every_row_of_the_former_layout_is_kept(home: Home) -> None:
    before = filled(home, FORMER_LAYOUT)
    assert len(before) == 16
    prepare_downstream(home)
    for table, rows in before.items():
        renamed = [
            {
                NEW_COLUMN.get(column, column): value
                for column, value in row.items()
                if column not in NO_LONGER_READ
                and (NEW_TABLE.get(table, table), column) != DROPPED
            }
            for row in rows
        ]
        found = held(home, NEW_TABLE.get(table, table))
        assert [
            {column: row[column] for column in kept}
            for row, kept in zip(found, renamed, strict=True)
        ] == renamed


def test_the_former_layout_becomes_that_of_a_new_warehouse(
    home: Home, tmp_path
) -> None:
    filled(home, FORMER_LAYOUT)
    prepare_downstream(home)
    (tmp_path / "new").mkdir()
    prepare_downstream(new := Home(tmp_path / "new"))
    assert sorted(set(layout(home)) - RETIRED) == sorted(layout(new))


def test_preparing_again_changes_nothing(home: Home) -> None:
    before = filled(home, FORMER_LAYOUT)
    prepare_downstream(home)
    first = layout(home), [held(home, table.name) for table in TABLES]
    prepare_downstream(home)
    assert (layout(home), [held(home, table.name) for table in TABLES]) == first
    assert len(before["ml.predictions"]) == len(held(home, "ml.predictions")) == 2


def test_what_an_earlier_row_lacks_is_null(home: Home) -> None:
    columns = {"trader_id": "varchar not null", "metric": "varchar"}
    with duckdb.connect(home.warehouse) as connection:
        prepare_tables(connection, [Table("ml.figures", columns)])
        connection.execute("insert into ml.figures values ('T1', 'auc')")
        more = columns | {"period": "varchar not null", "metric_value": "double"}
        prepare_tables(connection, [Table("ml.figures", more)])
    assert held(home, "ml.figures") == [
        {"trader_id": "T1", "metric": "auc", "period": None, "metric_value": None}
    ]


def test_a_table_of_the_new_name_is_not_replaced_by_the_former(home: Home) -> None:
    """Both are there where an earlier version ran again on the same warehouse."""
    old, new = Table("ml.old", {"x": "bigint"}), Table("ml.new", {"x": "bigint"})
    with duckdb.connect(home.warehouse) as connection:
        prepare_tables(connection, [old, new])
        connection.execute("insert into ml.new values (1)")
        renamed = Table("ml.new", {"x": "bigint"}, former_name="ml.old")
        prepare_tables(connection, [renamed])
    assert held(home, "ml.new") == [{"x": 1}]
