"""The tables of schema `ml`: what training, scoring and `make backtest` write."""

from runtime.tables import Table

_PREDICTED = {
    "predicted_pnl": "decimal(18, 8)",
    "predicted_pnl_p05": "decimal(18, 8)",
    "predicted_pnl_p25": "decimal(18, 8)",
    "predicted_pnl_p50": "decimal(18, 8)",
    "predicted_pnl_p75": "decimal(18, 8)",
    "predicted_pnl_p95": "decimal(18, 8)",
    "loss_probability": "double",
    "limit_loss_probability": "double",
}
_MEASURED = {
    "metric": "varchar not null",
    "metric_value": "double",
    "value_low": "double",
    "value_high": "double",
}
_SELECTED = {
    "loss_model": "varchar",
    "pnl_model": "varchar",
    "quantiles_model": "varchar",
}
_FORMERLY_SELECTED = {name: name.replace("_model", "_speaker") for name in _SELECTED}

TABLES = (
    Table(
        "ml.predictions",
        {
            "trader_id": "varchar not null",
            "prediction_date": "date not null",
            "model": "varchar not null",
            "model_version": "varchar not null",
            **_PREDICTED,
            "reasons": "varchar",
            "change_reasons": "varchar",
            **_SELECTED,
            "features_date": "date",
            "trained_through": "date",
            "scored_at": "timestamp",
        },
        former_columns=_FORMERLY_SELECTED,
    ),
    Table(
        "ml.roster",
        {
            "trader_id": "varchar not null",
            "prediction_date": "date not null",
            "model": "varchar",
            "forecast_basis": "varchar not null",
            "traded_days_count": "bigint not null",
            "idle_sessions_count": "bigint",
            "model_version": "varchar not null",
            "scores_fingerprint": "varchar",
            "scored_at": "timestamp",
        },
        former_columns={"forecast_basis": "call_basis"},
    ),
    Table(
        "ml.policy_advice",
        {
            "trader_id": "varchar not null",
            "prediction_date": "date not null",
            "policy": "varchar not null",
            "position_multiplier": "double",
            "is_live": "boolean not null",
            "is_trial": "boolean not null",
            "trial": "varchar",
        },
    ),
    Table(
        "ml.policy_comparison",
        {
            "as_of": "date not null",
            "policy": "varchar not null",
            "other_policy": "varchar not null",
            "unit": "varchar not null",
            **_MEASURED,
            "policy_rows_count": "bigint",
            "other_rows_count": "bigint",
        },
    ),
    Table(
        "ml.feature_drift",
        {
            "model_version": "varchar not null",
            "prediction_date": "date not null",
            "feature_name": "varchar not null",
            "reference_mean": "double",
            "recent_mean": "double",
            "reference_null_ratio": "double",
            "recent_null_ratio": "double",
            "stability_index": "double",
            "recent_count": "bigint",
        },
    ),
    Table(
        "ml.model_metrics",
        {
            "model_version": "varchar not null",
            "model": "varchar not null",
            "trader_id": "varchar",
            "period": "varchar",
            **_MEASURED,
            "rows_count": "bigint",
            "trained_through": "date",
        },
    ),
    Table(
        "ml.registry",
        {
            "model_version": "varchar not null",
            "model": "varchar not null",
            "trader_id": "varchar",
            "as_of": "date",
            "trained_from": "date",
            "trained_through": "date",
            "rows_count": "bigint",
            "traders_count": "bigint",
            "features_count": "bigint",
            "features": "varchar",
            "parameters": "varchar",
            "seed": "bigint",
            "code_commit": "varchar",
            "code_fingerprint": "varchar",
            "data_fingerprint": "varchar",
            **_SELECTED,
            "trained_at": "timestamp",
        },
        former_columns=_FORMERLY_SELECTED,
    ),
    Table(
        "ml.replayed_forecasts",
        {
            "trader_id": "varchar not null",
            "features_date": "date not null",
            "prediction_date": "date",
            "model": "varchar not null",
            "model_version": "varchar not null",
            **_PREDICTED,
            "policy": "varchar not null",
            "position_multiplier": "double",
            "daily_loss_limit_amount": "decimal(18, 8)",
            "pnl_scale": "double",
        },
        former_name="ml.replayed_calls",
    ),
    Table(
        "ml.desk_predictions",
        {
            "prediction_date": "date not null",
            "is_replayed": "boolean not null",
            "predicted_pnl": "decimal(38, 8)",
            "worst_case_pnl": "decimal(38, 8)",
            "median_pnl": "decimal(38, 8)",
            "best_case_pnl": "decimal(38, 8)",
            "traders_count": "bigint",
            "scenarios_count": "bigint",
        },
    ),
    Table(
        "ml.backtest_predictions",
        {
            "trader_id": "varchar not null",
            "features_date": "date not null",
            "label_date": "date not null",
            "model": "varchar not null",
            **_PREDICTED,
            "actual_net_pnl": "decimal(38, 8)",
        },
    ),
    Table(
        "ml.backtest_metrics",
        {
            "model": "varchar not null",
            "trader_id": "varchar",
            "period": "varchar",
            **_MEASURED,
            "rows_count": "bigint",
        },
    ),
    Table(
        "ml.backtest_policies",
        {
            "policy": "varchar not null",
            **_MEASURED,
            "rows_count": "bigint",
        },
    ),
)
