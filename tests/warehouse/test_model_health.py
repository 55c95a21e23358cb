"""Calls of models that something is wrong with, as written to schema ml by hand."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest

from ingestion.downstream import prepare_downstream
from reports.render import render
from reports.summary import summarise
from runtime.home import Home
from runtime.publish.marts_copy import publish
from runtime.transform.dbt import TransformError
from tests.conftest import build_models_of, build_warehouse, make_settings, rows
from tests.exports import ExportedFill, Exports

TRADERS = [f"T{number}" for number in range(1, 7)]
DAYS = [date(2025, 3, 3) + timedelta(days=number) for number in (0, 1, 2, 3, 4, 7)]
MORNING = "2025-03-11"
# What a warehouse held before there were champions and policies.
OLDER_LAYOUT = (
    "drop schema if exists ml cascade",
    "create schema ml",
    "create table ml.predictions (trader_id varchar not null, prediction_date date "
    "not null, model varchar not null, model_version varchar not null, predicted_pnl "
    "decimal(18, 8), predicted_pnl_p05 decimal(18, 8), predicted_pnl_p25 "
    "decimal(18, 8), predicted_pnl_p50 decimal(18, 8), predicted_pnl_p75 "
    "decimal(18, 8), predicted_pnl_p95 decimal(18, 8), loss_probability double, "
    "reasons varchar, features_date date, trained_through date, scored_at timestamp)",
    "create table ml.roster (trader_id varchar not null, prediction_date date not "
    "null, model varchar, call_basis varchar not null, traded_days_count bigint not "
    "null, idle_sessions_count bigint, model_version varchar not null, scored_at "
    "timestamp)",
    "create table ml.model_metrics (model_version varchar not null, model varchar not "
    "null, trader_id varchar, metric varchar not null, metric_value double, "
    "rows_count bigint, trained_through date)",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Six traders with six days each, nobody called yet."""
    folder = tmp_path_factory.mktemp("health")
    fills = [
        ExportedFill(trader, datetime(day.year, day.month, day.day, hour), side,
                     Decimal(100), price)
        for trader in TRADERS
        for day in DAYS
        for hour, side, price in ((10, "B", Decimal(10)), (11, "S", Decimal(9)))
    ]  # fmt: skip
    exports = Exports(folder / "exports").write(fills)
    return build_warehouse(folder / "home", exports.folder)


Judge = Callable[..., dict]


@pytest.fixture
def judge(built: Home) -> Judge:
    """Write calls of the next morning, build on them, and say what was found."""
    settings = make_settings(source="files", risk_home=built.root)

    def judge(*statements: str, data_tests: bool | None = None) -> dict:
        with duckdb.connect(built.warehouse) as connection:
            for table in (
                "predictions", "roster", "policy_advice", "registry", "feature_drift",
                "policy_comparison", "model_metrics",
            ):  # fmt: skip
                connection.execute(f"delete from ml.{table}")
            for number, trader in enumerate(TRADERS):
                pnl = 10 * number - 30
                connection.execute(
                    "insert into ml.roster by name select "
                    f"'{trader}' as trader_id, date '{MORNING}' as prediction_date, "
                    "'champion' as model, 'global_model' as forecast_basis, "
                    "6 as traded_days_count, 0 as idle_sessions_count, "
                    "'v1' as model_version"
                )
                connection.execute(
                    "insert into ml.predictions by name select "
                    f"'{trader}' as trader_id, date '{MORNING}' as prediction_date, "
                    "'champion' as model, 'v1' as model_version, "
                    f"{pnl} as predicted_pnl, {pnl - 900} as predicted_pnl_p05, "
                    f"{pnl + 900} as predicted_pnl_p95, "
                    f"0.4 + {number} / 100 as loss_probability, "
                    "0.05 as limit_loss_probability, 'Normal' as limit_risk, "
                    "'global' as loss_model, "
                    "'global' as pnl_model, 'global' as quantiles_model, "
                    "date '2025-03-07' as trained_through"
                )
                connection.execute(
                    "insert into ml.policy_advice values "
                    f"('{trader}', '{MORNING}', 'fixed', 0.75, true, false, null), "
                    f"('{trader}', '{MORNING}', 'adaptive', 0.5, false, false, null)"
                )
            for statement in statements:
                connection.execute(statement)
        build_models_of(
            settings, built, selector="after_scoring", data_tests=data_tests
        )
        return {
            name: (count, finding, alarm)
            for name, count, finding, alarm in rows(
                built,
                "select check_name, found_count, finding, needs_attention "
                "from marts.model_health where found_count > 0 order by check_order",
            )
        }

    return judge


def test_sound_calls_alarm_nobody(judge: Judge, built: Home) -> None:
    assert judge(data_tests=True) == {}
    assert rows(
        built,
        "select distinct risk_level, position_multiplier, policy, "
        "daily_loss_limit_amount from marts.risk_calls order by risk_level",
    ) == [
        ("Low", 0.75, "fixed", Decimal(1000)),
        ("Medium", 0.75, "fixed", Decimal(1000)),
    ]


def test_what_is_wrong_is_a_banner_and_what_is_told_comes_last(
    judge: Judge, built: Home
) -> None:
    found = judge(
        "delete from ml.roster where trader_id = 'T1'",
        "delete from ml.predictions where trader_id = 'T1'",
        "delete from ml.policy_advice where trader_id = 'T2' and is_live",
        "update ml.predictions set predicted_pnl = 0, quantiles_model = "
        "'ew_quantiles', loss_model = case trader_id "
        "when 'T2' then 'desk_rate' else 'own_rate' end",
        "update ml.policy_advice set is_trial = is_live and trader_id in ('T5', 'T6')",
        "insert into ml.policy_comparison select as_of, 'adaptive', 'fixed', 'trader', "
        "'net_pnl', 5, 1, 9, 40, 40 from raw.run_context",
        "insert into ml.feature_drift select 'v1', prediction_date, 'feature_' || i, "
        "0, 1, 0, 0, i, 20 from raw.run_context, range(7) as numbers (i)",
    )
    assert found == {
        "no_forecast": (1, "traders have enough history and no prediction: T1", True),
        "no_advice": (1, "traders are predicted and have no advice on size", True),
        "constant_predictions": (
            5, "predictions are the same for every trader (model: champion)",
            True,
        ),
        "feature_drift": (
            6, "features have moved away from what the models learned from: feature_6, "
            "feature_5, feature_4, feature_3, feature_2 and 1 more", False,
        ),
        "baseline_selected": (
            2, "of six outputs come from a baseline that no model significantly "
            "improves on: loss probability (desk_rate for 1), loss probability "
            "(own_rate for 4), quantiles (ew_quantiles for 5)", False,
        ),
        "trial_running": (
            2, "traders are sized as the trial has assigned them; so far it shows a "
            "difference: adaptive over fixed (net_pnl)", False,
        ),
    }  # fmt: skip
    publish(built)
    told = summarise(make_settings(source="sample"), built)
    alarms = [check["check_name"] for check in told["problems"]]
    assert alarms[-3:] == ["no_forecast", "no_advice", "constant_predictions"]
    others = [check["check_name"] for check in told["information"]]
    assert others[-3:] == ["feature_drift", "baseline_selected", "trial_running"]
    assert told["selected_models"] == [
        "loss probability from the trader's own rate (4), the desk's constant rate (1)",
        "expected P&L from the model of all traders",
        "interval from the trader's recent quantiles",
    ]
    report = render(told)
    assert "! 1 traders have enough history and no prediction: T1." in report.text
    assert report.html.index("no prediction: T1") < report.html.index("Traders</h2>")
    # Without evidence nobody is shown a size.
    assert not told["is_size_proven"]
    assert told["trust"].startswith("No verdict on the forecasts yet")


def test_the_report_says_what_the_models_learned_from(
    judge: Judge, built: Home
) -> None:
    judge(
        "insert into ml.registry by name select 'v1' as model_version, "
        "'global' as model, 120 as "
        "rows_count, 6 as traders_count, date '2025-01-02' as trained_from, "
        "date '2025-03-07' as trained_through",
        "insert into ml.model_metrics by name select 'v1' as model_version, "
        "'champion' as model, 'breach' as target, 'auc' as metric, "
        "date '2025-03-07' as trained_through, * from (values "
        "(null, '', 0.7, 0.6, 0.8, 120), (null, '60d', 0.1, 0.1, 0.1, 9), "
        "('T1', '', 0.2, null, null, 9)) as measured (trader_id, period, "
        "metric_value, value_low, value_high, rows_count)",
    )
    publish(built)
    told = summarise(make_settings(source="sample"), built)
    (measure,) = told["measures"]
    assert measure["model"] == 0.7
    assert (measure["low"], measure["high"]) == (0.6, 0.8)
    assert told["learned"]["rows_count"] == 120
    assert "(AUC 0.70 out of sample" in told["trust"]


def test_what_contradicts_itself_stops_the_build(judge: Judge) -> None:
    with pytest.raises(TransformError) as raised:
        judge(
            "update ml.predictions set predicted_pnl_p50 = predicted_pnl_p05 - 1, "
            "predicted_pnl_p25 = predicted_pnl_p05",
            "update ml.predictions set limit_loss_probability = 0.9",
            "update ml.policy_advice set is_live = true",
            data_tests=True,
        )
    for test in (
        "quantiles_never_cross",
        "losing_more_than_the_limit_is_no_likelier_than_losing",
        "one_policy_is_live",
    ):
        assert test in str(raised.value)


@pytest.mark.long
def test_calls_of_an_older_warehouse_are_kept(built: Home) -> None:
    settings = make_settings(source="files", risk_home=built.root)
    with duckdb.connect(built.warehouse) as connection:
        for statement in OLDER_LAYOUT:
            connection.execute(statement)
        connection.execute(
            "insert into ml.roster values "
            "('T1', '2025-03-10', 'global', 'global_model', 5, 0, 'v0', null)"
        )
        connection.execute(
            "insert into ml.predictions by name select 'T1' as trader_id, "
            "date '2025-03-10' as prediction_date, 'global' as model, 'v0' as "
            "model_version, -50 as predicted_pnl, 0.6 as loss_probability"
        )
        connection.execute(
            "insert into ml.model_metrics values "
            "('v0', 'global', null, 'auc', 0.7, 120, '2025-03-07')"
        )
    for _ in range(2):
        prepare_downstream(built)
        build_models_of(settings, built, selector="after_scoring", data_tests=True)
    assert rows(
        built,
        "select trader_id, risk_level, model, is_loss, is_limit_breached, "
        "position_multiplier from marts.forecast_outcomes",
    ) == [("T1", "Medium", "global", True, False, None)]
    assert rows(
        built, "select trader_id, period, metric_value from marts.model_metrics"
    ) == [("", "", 0.7)]


def test_an_empty_backtest_is_empty_marts(built: Home) -> None:
    for mart in ("backtest_predictions", "backtest_metrics", "backtest_policies"):
        assert rows(built, f"select count(*) from marts.{mart}") == [(0,)]
