"""What the report says, as plain data read from the marts."""

from collections import Counter
from datetime import date
from typing import Any

import duckdb

from runtime.errors import UserError
from runtime.home import Home
from runtime.warehouse import open_warehouse, read_run_context

LEVELS = ("High", "Medium", "Low", "Unknown")
CHAMPION = "champion"
BASE_RATE = "trader's share of losing days"
MEASURES = (
    ("auc", "base_rate_daily", "AUC for a losing day (0.5 is a coin)", BASE_RATE),
    ("brier", "base_rate_daily", "Brier score (lower is better)", BASE_RATE),
    ("mae", "zero", "Mean absolute error, dollars", "always zero"),
    ("rmse", "zero", "Root mean squared error, dollars", "always zero"),
    ("coverage_90", None, "Outcomes inside the 90 % interval", "should be 0.9"),
)
OUTPUTS = (
    ("loss_speaker", "loss probability"),
    ("pnl_speaker", "expected P&L"),
    ("quantiles_speaker", "interval"),
)
SPEAKERS = {
    "global": "the model of all traders",
    "per_trader": "the trader's own model",
    "blend": "the blend of models",
    "logistic": "logistic regression",
    "ridge": "ridge regression",
    "base_rate_daily": "the trader's base rate",
    "rules": "the rules",
    "trailing_mean": "the trader's recent mean",
    "ew_quantiles": "the trader's recent quantiles",
    "zero": "zero for everybody",
}


def summarise(home: Home) -> dict[str, Any]:
    """Everything the report shows, for the warehouse's AS_OF morning.

    Returns:
        firm, source, is_sample, as_of, prediction_date; desk (counts by level and the
        sum of predictions); calls, a list per level, most at risk first; inactive;
        outcomes_date and outcomes of the last calls that are over; quality (checks
        of data and models that found what a person should act on) and information
        (checks that found what is only told); measures of the champion beside their
        baselines, and whether its error in dollars exceeds that of predicting zero;
        speakers (who gives which output today) and what the models learned from.

    Raises:
        UserError: The marts are not there.
    """
    context = read_run_context(home)
    if context is None:
        raise UserError(f"{home.warehouse} holds nothing yet. Run `make daily` first.")
    with open_warehouse(home.warehouse) as connection:
        try:
            return {
                "firm": context.firm_name,
                "source": context.source,
                "is_sample": context.is_sample,
                "as_of": context.as_of,
                "prediction_date": context.prediction_date,
                **_read(connection, context.prediction_date),
            }
        except duckdb.CatalogException as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"The marts are not built ({reason}). Run `make daily`."
            ) from None


def _read(connection: duckdb.DuckDBPyConnection, prediction_date: date) -> dict:
    calls = _rows(
        connection,
        "select * from marts.risk_calls where prediction_date = ? "
        "order by predicted_pnl nulls last, trader_id",
        [prediction_date],
    )
    desk = _rows(
        connection, "from marts.desk_calls where prediction_date = ?", [prediction_date]
    )
    outcomes = _rows(
        connection,
        "select * from marts.call_outcomes where prediction_date = "
        "(select max(prediction_date) from marts.call_outcomes) "
        "order by actual_net_pnl nulls last, trader_id",
    )
    last_day = _rows(
        connection,
        "select trade_date, count(*) as accounts_count, "
        "sum(fills_count) as fills_count, sum(net_pnl) as net_pnl "
        "from marts.daily_totals where fills_count > 0 "
        "group by trade_date order by trade_date desc limit 1",
    )
    found = [
        check
        for mart in ("data_quality", "model_health")
        for check in _rows(
            connection, f"from marts.{mart} where found_count > 0 order by check_order"
        )
    ]
    version = max(
        (call["model_version"] for call in calls if call["model_version"]), default=None
    )
    measures = _measures(connection, version)
    registered = _rows(
        connection,
        "from marts.model_registry where model_version = ? and model = 'global'",
        [version],
    )
    return {
        "desk": desk[0] if desk else None,
        "last_day": last_day[0] if last_day else None,
        "calls": {
            level: [call for call in calls if call["risk_level"] == level]
            for level in LEVELS
        },
        "inactive": _rows(
            connection,
            "select trader_id, last_traded_date, idle_sessions_count "
            "from marts.trader_status where call_basis = 'inactive' "
            "order by last_traded_date desc, trader_id",
        ),
        "outcomes_date": outcomes[0]["prediction_date"] if outcomes else None,
        "outcomes": outcomes,
        "quality": [check for check in found if check["needs_attention"]],
        "information": [check for check in found if not check["needs_attention"]],
        "measures": measures,
        "dollars_are_doubtful": any(
            measure["metric"] == "mae" and measure["model"] > measure["baseline"]
            for measure in measures
        ),
        "speakers": _speakers(calls),
        "learned": registered[0] if registered else None,
        "model_version": version,
    }


def _speakers(calls: list[dict]) -> list[str]:
    """Who gives each output: one speaker, or each with the calls it speaks for."""
    sentences = []
    for column, output in OUTPUTS:
        counts = Counter(call[column] for call in calls if call[column])
        names = [
            f"{SPEAKERS.get(name, name)} ({count})"
            if len(counts) > 1
            else SPEAKERS.get(name, name)
            for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        ]
        if names:
            sentences.append(f"{output} from {', '.join(names)}")
    return sentences


def _measures(connection: duckdb.DuckDBPyConnection, version: str | None) -> list:
    """The champion beside its baseline, a row per measure."""
    found = _rows(
        connection,
        "select model, metric, metric_value, value_low, value_high, rows_count "
        "from marts.model_metrics "
        "where model_version = ? and trader_id = '' and period = ''",
        [version],
    )
    values = {(row["model"], row["metric"]): row for row in found}
    return [
        {
            "metric": metric,
            "label": label,
            "model": values[CHAMPION, metric]["metric_value"],
            "low": values[CHAMPION, metric]["value_low"],
            "high": values[CHAMPION, metric]["value_high"],
            "baseline": values[baseline, metric]["metric_value"] if baseline else None,
            "baseline_label": baseline_label,
            "rows_count": values[CHAMPION, metric]["rows_count"],
        }
        for metric, baseline, label, baseline_label in MEASURES
        if (CHAMPION, metric) in values
    ]


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: list | None = None
) -> list[dict[str, Any]]:
    result = connection.execute(sql, parameters or [])
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
