"""The figures of a backtest as plain values, and what they allow to say."""

from typing import Any

import numpy as np

from ml.backtest.walk import Backtest
from ml.baselines import QUANTILES
from ml.evaluation import NAMES, Metric
from ml.metrics import BLOCK_DATES, REPLICATES

_SHOWN = (
    "auc", "auc_within_trader", "brier", "log_loss", "calibration_slope", "rmse", "mae",
    "directional_accuracy", "coverage_90", "limit_brier", "limit_calibration_slope",
)  # fmt: skip


def as_json(done: Backtest) -> dict[str, Any]:
    """Every figure: `models`, `policies`, `window`, and what is needed to read them."""
    models: dict[str, Any] = {}
    for name in NAMES:
        found = {
            metric.metric: metric
            for metric in done.metrics
            if metric.model == name and metric.trader_id is None and not metric.period
        }
        part, _ = done.record.of_model(name)
        models[name] = {
            "n": len(part),
            "traders": len(set(part.traders)),
            **{metric: _number(found.get(metric)) for metric in _SHOWN},
            "pinball": {
                quantile: _number(found.get(f"pinball_{quantile}"))
                for quantile in QUANTILES
            },
            **{
                gain: _estimate(found.get(gain))
                for gain in (
                    "auc_gain_over_base_rate", "auc_gain_over_base_rate_daily",
                )
            },
            "intervals": {
                name: [metric.low, metric.high]
                for name, metric in found.items()
                if metric.low is not None and not name.startswith("auc_gain")
            },
        }  # fmt: skip
    policies: dict[str, dict[str, dict[str, float] | str]] = {}
    for policy, rows in done.policies.groupby("policy", sort=False):
        measured = {
            name: {"estimate": value, "low": low, "high": high}
            for name, value, low, high in zip(
                rows["metric"],
                rows["metric_value"],
                rows["value_low"],
                rows["value_high"],
                strict=True,
            )
        }
        gain = measured["net_pnl_improvement"]
        verdict = verdict_of(gain["low"], gain["high"])
        policies[str(policy)] = {**measured, "verdict": verdict}
    champion = models["champion"]
    for baseline in ("base_rate", "base_rate_daily"):
        gain = champion[f"auc_gain_over_{baseline}"]
        gain["verdict"] = verdict_of(gain["low"], gain["high"])
    dates = done.record.dates
    return _without_nan(
        {
            "window": {
                "first": str(dates.min())[:10],
                "last": str(dates.max())[:10],
                "rows": len(done.record),
                "accounts": done.window.accounts,
                "refit_days": done.window.refit_days,
            },
            "models": models,
            "policies": policies,
            "champions": done.selected_counts,
            "attainable": done.attainable,
            "intervals": f"90 %, {REPLICATES} bootstraps of {BLOCK_DATES} dates",
        }
    )


def verdict_of(low: float | None, high: float | None) -> str:
    """What an interval of a gain allows to say."""
    if low is None or high is None or np.isnan(low) or low <= 0 <= high:
        return "nothing gained that could be told from chance"
    return "gained" if low > 0 else "lost"


def sentence(figures: dict[str, Any]) -> str:
    """The result in one line."""
    window, champion = figures["window"], figures["models"]["champion"]
    gain = champion["auc_gain_over_base_rate_daily"]
    area = "no AUC" if champion["auc"] is None else f"AUC {champion['auc']:.3f}"
    text = (
        f"{window['rows']:,} days, {window['first']} to {window['last']}: champion "
        f"{area}, Brier {champion['brier']:.3f}"
    )
    if gain["estimate"] is None or gain["low"] is None:
        return text
    return (
        f"{text}, AUC {gain['estimate']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"
        f" over the daily base rate ({gain['verdict']})"
    )


def _number(metric: Metric | None) -> float | None:
    return None if metric is None else metric.value


def _estimate(metric: Metric | None) -> dict[str, float | None]:
    if metric is None:
        return {"estimate": None, "low": None, "high": None}
    return {"estimate": metric.value, "low": metric.low, "high": metric.high}


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: what cannot be known is null."""
    if isinstance(value, dict):
        return {str(key): _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else float(value)
    return int(value) if isinstance(value, np.integer) else value
