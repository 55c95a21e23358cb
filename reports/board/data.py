"""What the board shows, read from the published marts: each once for all traders."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from runtime.warehouse import eastern_time, rows_of, sum_if_known

Row = dict[str, Any]
# What a risk manager looks at of each traded day, as the mean or, where single days lie
# far out, the median of 20.
BEHAVIOUR = {
    "closed_trips_count": "avg",
    "trip_win_ratio": "avg",
    "mean_winner_holding_minutes": "median",
    "mean_loser_holding_minutes": "median",
    "notional_vs_20d_ratio": "median",
    "past_stop_fills_ratio": "avg",
    "reentry_after_loss_ratio": "avg",
    "give_back_ratio": "median",
    "fee_share_of_gross": "median",
}
SYMBOLS_SHOWN = 12
BREACHES_SHOWN = 20
_NET_PNL = f"{sum_if_known('net_pnl')} as net_pnl"


def rows(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Iterable[object] = ()
) -> list[Row]:
    """The rows of a query as JSON has them: dates as text, amounts as numbers."""
    found = rows_of(connection, sql, parameters)
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _plain(value: object) -> object:
    # The commonest first: a large desk has millions of values.
    if isinstance(value, float):
        return None if value != value else round(value, 4)
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        return round(float(value), 2)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else value


def by_trader(found: list[Row]) -> dict[str, list[Row]]:
    """Rows of each trader, in their order."""
    parts: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        parts[row["trader_id"]].append(row)
    return parts


def desk(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Of the desk: days, record, scores and last day of traders too, traders."""
    return {
        "days": rows(
            connection,
            f"select trade_date as date, {_NET_PNL} "
            "from marts.daily_totals where is_in_desk_total "
            "group by trade_date order by trade_date",
        ),
        "record": rows(
            connection, "from marts.desk_forecast_outcomes order by prediction_date"
        ),
        "score": next(iter(rows(connection, "from marts.desk_forecast_scores")), None),
        "scores": {
            row["trader_id"]: row
            for row in rows(connection, "from marts.trader_forecast_scores")
        },
        "last_days": {
            row["trader_id"]: row
            for row in rows(
                connection,
                "from marts.fct_trader_total_pnl where trade_date = (select "
                "max(trade_date) from marts.daily_totals "
                "where fills_count > 0 and is_in_desk_total)",
            )
        },
        "concentration": rows(
            connection,
            f"""
            select trader_id, {_NET_PNL} from marts.daily_totals
            where is_in_desk_total and trade_date > (
                select max(trade_date) from marts.daily_totals
            ) - interval 90 day
            group by trader_id order by net_pnl desc nulls last, trader_id
            """,
        ),
        "status": rows(connection, "from marts.trader_status order by trader_id"),
    }


def traders(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, list[Row]]]:
    """What a trader's page shows, by trader: days, record, breaches and the like."""
    lately = ", ".join(
        f"{how}({column}) over lately as {column}" for column, how in BEHAVIOUR.items()
    )
    days = rows(
        connection,
        f"select trader_id, trade_date as date, net_pnl, {lately} "
        "from marts.feat_trader_day window lately as ("
        "partition by trader_id order by trade_date "
        "rows between 19 preceding and current row) "
        # What is not known is no trader day, and seen all the same.
        "union all by name select trader_id, trade_date as date "
        "from marts.fct_trader_total_pnl as totals where pnl_basis = 'incomplete' "
        "and (trader_id, trade_date) not in "
        "(select trader_id, trade_date from marts.feat_trader_day) "
        "order by trader_id, date",
    )
    for row in days:
        moment = date.fromisoformat(row["date"])
        row["weekday"] = moment.weekday()
        row["week"] = str(moment - timedelta(days=moment.weekday()))
    return {
        "days": by_trader(days),
        "record": by_trader(
            rows(
                connection,
                "select record.*, total_pnl, pnl_basis "
                "from marts.forecast_record as record "
                "left join marts.fct_trader_total_pnl as totals "
                "on totals.trader_id = record.trader_id "
                "and totals.trade_date = record.prediction_date "
                "order by record.trader_id, prediction_date",
            )
        ),
        "hours": by_trader(
            rows(
                connection,
                f"""
                with fills as (
                    select *, realized_gross_pnl - total_fees as net_pnl
                    from marts.fct_fills
                )
                select trader_id, extract(hour from filled_at_et) as hour,
                    {_NET_PNL}
                from fills
                where is_counted and has_fill_time and trader_id is not null
                group by all order by all
                """,
            )
        ),
        "symbols": by_trader(
            rows(
                connection,
                f"""
                select trader_id, symbol, trips_count, net_pnl from (
                    select trader_id, symbol, count(*) as trips_count,
                        {_NET_PNL}
                    from marts.fct_round_trips where is_closed
                    group by trader_id, symbol
                )
                qualify row_number() over (
                    partition by trader_id
                    order by abs(net_pnl) desc nulls first, symbol
                ) <= {SYMBOLS_SHOWN}
                order by trader_id, net_pnl desc nulls last, symbol
                """,
            )
        ),
        "breaches": by_trader(
            rows(
                connection,
                f"""
                select scope_name as trader_id, *,
                    {eastern_time("breached_at")} as breached_at_et
                from marts.fct_breaches where scope_type = 'trader'
                qualify row_number() over (
                    partition by scope_name order by status desc, trade_date desc
                ) <= {BREACHES_SHOWN}
                order by trader_id, trade_date desc, rule
                """,
            )
        ),
        "behaviour_scores": by_trader(
            rows(
                connection,
                """
                select * from marts.trader_behaviour where score is not null
                qualify trade_date = max(trade_date) over (partition by trader_id)
                order by trader_id, score desc
                """,
            )
        ),
        "neighbours": by_trader(
            rows(
                connection,
                "from marts.newcomer_neighbours order by trader_id, neighbour_rank",
            )
        ),
        "accounts": by_trader(
            rows(
                connection,
                "select trader_id, account_id, valid_from from marts.dim_accounts "
                "order by trader_id, valid_from, account_id",
            )
        ),
    }


def models(
    connection: duckdb.DuckDBPyConnection, version: str | None
) -> dict[str, list[Row]]:
    """Of the models: figures by target, calibration, evidence of policies, drift.

    Args:
        version: Of those that made today's calls; None if none did.
    """
    return {
        "metrics": rows(
            connection,
            "from marts.model_metrics where model_version = ? and trader_id = '' "
            "and period in ('', '60d') order by target, metric, model, period",
            [version],
        ),
        "months": rows(
            connection,
            "from marts.model_metrics where model_version = ? and trader_id = '' "
            "and model = 'champion' and target = 'breach' and metric = 'auc' "
            "and metric_value is not null and length(period) = 7 "
            "order by period",
            [version],
        ),
        "calibration": _calibration(connection, "loss_probability", "is_loss", 20),
        # Chances of passing the limit are small: finer steps.
        "limit_calibration": _calibration(
            connection, "limit_loss_probability", "is_limit_breached", 50
        ),
        "evidence": rows(
            connection,
            "from marts.policy_evidence where model_version = ? "
            "order by improvement_over_uniform desc, policy",
            [version],
        ),
        "drift": rows(
            connection,
            """
            select replace(feature_name, '_', ' ') as feature, stability_index
            from marts.feature_drift
            where stability_index is not null and prediction_date = (
                select max(prediction_date) from marts.feature_drift
            )
            order by stability_index desc, feature_name limit 15
            """,
        ),
        "registry": rows(
            connection,
            "from marts.model_registry where model_version = ? "
            "order by model, trader_id",
            [version],
        ),
        "health": rows(connection, "from marts.model_health order by check_order"),
        "policies": rows(
            connection,
            "from marts.policy_comparison where as_of_date = "
            "(select max(as_of_date) from marts.policy_comparison) order by all",
        ),
        "backtest": rows(
            connection,
            "from marts.backtest_metrics where trader_id = '' and period = '' "
            "and model in ('champion', 'limit_risk', 'risk_level') "
            "order by target, metric, model",
        ),
    }


def _calibration(
    connection: duckdb.DuckDBPyConnection, chance: str, event: str, steps: int
) -> list[Row]:
    """A chance against how often it happened, a row for each step of it."""
    return rows(
        connection,
        f"""
        select avg({chance}) as predicted, avg(cast({event} as int)) as observed,
            count(*) as forecasts_count
        from marts.forecast_record where {chance} is not null
        group by least(floor({chance} * {steps}), {steps - 1}) having count(*) >= 10
        order by 1
        """,
    )


def quality(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    """Of the data: checks, reconciliation by month, gate, corrections, the ledger."""
    return {
        "checks": rows(connection, "from marts.data_quality order by check_order"),
        "classes": rows(
            connection,
            """
            select strftime(trade_date, '%Y-%m') as month, difference_class,
                count(*) as days_count
            from marts.broker_reconciliation group by all order by all
            """,
        ),
        "gate": rows(
            connection,
            """
            select as_of_date, check_name, severity, count(*) as batches_count,
                sum(cast(not is_met as int)) as unmet_count,
                max(case when not is_met then finding end) as finding
            from marts.gate_results
            where as_of_date in (
                select distinct as_of_date from marts.gate_results
                order by as_of_date desc limit 10
            )
            group by all order by as_of_date desc, unmet_count desc, check_name
            """,
        ),
        "corrections": rows(
            connection,
            """
            select cast(known_at as date) as date, count(*) as days_count
            from marts.fill_day_versions where version_number > 1
            group by all order by all
            """,
        ),
        "steps": rows(
            connection,
            """
            select * from marts.run_ledger
            qualify dense_rank() over (order by run_id desc) <= 10
            order by run_id desc, step_number
            """,
        ),
        "seconds": rows(
            connection,
            """
            select run_id, step, sum(seconds) as seconds,
                min(min(started_at)) over (partition by run_id) as started_at
            from marts.run_ledger where command = 'run' and outcome = 'succeeded'
            group by run_id, step
            qualify dense_rank() over (order by run_id desc) <= 60
            order by run_id, step
            """,
        ),
    }
