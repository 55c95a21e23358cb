"""The figures of a backtest as plain values, and what they allow to say."""

from typing import Any

import numpy as np

from ml.backtest.walk import Backtest
from ml.baselines import QUANTILES
from ml.evaluation import LEVELS, NAMES, TARGETS, Metric
from ml.metrics import BLOCK_DATES, REPLICATES

# Figures of each model beside `targets`, by the target that they are of.
_SHOWN = {
    "loss": ("auc", "auc_within_trader", "brier", "log_loss", "calibration_slope"),
    "pnl": ("rmse", "mae", "directional_accuracy"),
    "quantiles": ("coverage_90",),
}
_OF_LIMIT = {"brier": "limit_brier", "calibration_slope": "limit_calibration_slope"}
LEVEL_FIGURES = ("flagged_share", "breaches_caught", "breach_rate_ratio")
PROBABILITIES = ("loss", "realised_loss", "breach", "breach_1000")
# Models that rest on the reference model's running record: its null is theirs.
_ON_RECORD = ("champion", "reference", "global", "grouped", "own_rate")


def as_json(done: Backtest) -> dict[str, Any]:
    """Every figure: `models`, `levels`, `policies`, `window`, how to read them."""
    measured = {
        (metric.model, metric.target, metric.metric): metric
        for metric in done.metrics
        if metric.trader_id is None and not metric.period
    }
    models = {name: _model(done, measured, name) for name in NAMES}
    policies: dict[str, dict[str, dict[str, float] | str]] = {}
    for policy, rows in done.policies.groupby("policy", sort=False):
        figures = {
            name: {"estimate": value, "low": low, "high": high}
            for name, value, low, high in zip(
                rows["metric"],
                rows["metric_value"],
                rows["value_low"],
                rows["value_high"],
                strict=True,
            )
        }
        gain = figures["improvement_over_uniform"]
        verdict = verdict_of(gain["low"], gain["high"])
        policies[str(policy)] = {**figures, "verdict": verdict}
    dates = done.record.dates
    return _without_nan(
        {
            "window": {
                "first": str(dates.min())[:10],
                "last": str(dates.max())[:10],
                "rows": len(done.record),
                "accounts": done.window.accounts,
                "after_days": done.window.after_days,
                "refit_days": done.window.refit_days,
            },
            "models": models,
            "levels": {
                level: {
                    name: _estimate(measured.get((level, "levels", name)))
                    for name in LEVEL_FIGURES
                }
                for level in LEVELS
            },
            "policies": policies,
            "proven_policy": done.proven_policy,
            "selected": done.selected_counts,
            "attainable": done.attainable,
            "intervals": f"90 %, the wider of {REPLICATES} bootstraps of {BLOCK_DATES} "
            "dates and of traders",
        }
    )


Measured = dict[tuple[str, str, str], Metric]


def _model(done: Backtest, measured: Measured, name: str) -> dict[str, Any]:
    parts = [done.record.of_model(name, target) for target in TARGETS]
    rows = max((part for part in parts if part is not None), key=len)
    shown = {
        figure: _number(measured.get((name, target, figure)))
        for target, figures in _SHOWN.items()
        for figure in figures
    }
    limit = {
        shown_as: _number(measured.get((name, "breach", figure)))
        for figure, shown_as in _OF_LIMIT.items()
    }
    intervals = {
        (_OF_LIMIT.get(figure) if target == "breach" else figure): [one.low, one.high]
        for (model, target, figure), one in measured.items()
        if model == name
        and one.low is not None
        and (
            figure in _SHOWN.get(target, ())
            or (target == "breach" and figure in _OF_LIMIT)
        )
    }
    return {
        "n": len(rows),
        "traders": len(set(rows.traders)),
        **shown,
        **limit,
        "pinball": {
            quantile: _number(measured.get((name, "quantiles", f"pinball_{quantile}")))
            for quantile in QUANTILES
        },
        "intervals": intervals,
        "targets": {
            target: _target(done, measured, name, target)
            for target in (*PROBABILITIES, "size")
        },
    }


def _target(
    done: Backtest, measured: Measured, name: str, target: str
) -> dict[str, Any] | None:
    """A model's figures of one target; None where it does not predict it."""
    part = done.record.of_model(name, target)
    if part is None or not len(part):
        return None
    if target == "size":
        return {"n": len(part), "r2": _estimate(measured.get((name, target, "r2")))}
    null = done.nulls.get(target) if name in _ON_RECORD else None

    def figure(metric: str) -> Metric | None:
        return measured.get((name, target, metric))

    auc_metric = figure("auc")
    return {
        "n": len(part),
        "events": int(part.is_event(target).sum()),
        "auc": _number(auc_metric),
        "auc_interval": _estimate(auc_metric),
        "auc_within_trader": _number(figure("auc_within_trader")),
        "auc_within_trader_null": None if null is None else null.mean,
        "auc_within_trader_null_deviation": None if null is None else null.deviation,
        "log_loss_gain": _both(figure("log_loss_gain")),
        "calibration_slope": _number(figure("calibration_slope")),
        "calibration_slope_interval": _estimate(figure("calibration_slope")),
    }


def _both(metric: Metric | None) -> dict[str, float | None]:
    ends = ("low_dates", "high_dates", "low_traders", "high_traders")
    if metric is None or metric.interval is None:
        return {"estimate": _number(metric), **dict.fromkeys(ends)}
    return {"estimate": metric.value, **vars(metric.interval)}


def verdict_of(low: float | None, high: float | None) -> str:
    """What an interval of a gain allows to say."""
    if low is None or high is None or np.isnan(low) or low <= 0 <= high:
        return "no significant gain"
    return "gained" if low > 0 else "lost"


def sentence(figures: dict[str, Any]) -> str:
    """The result in one line."""
    window = figures["window"]
    breach = figures["models"]["champion"]["targets"]["breach"]
    text = f"{window['rows']:,} days, {window['first']} to {window['last']}"
    if breach["auc"] is None:
        return f"{text}: nobody, or everybody, breached the limit"
    gain, caught = breach["log_loss_gain"], figures["levels"]["limit_risk"]
    return (
        f"{text}: the chance of breaching the limit has AUC {breach['auc']:.3f}, log "
        f"loss {gain['estimate']:+.4f} better than the desk's constant rate; "
        f"{caught['flagged_share']['estimate']:.0%} of days flagged catch "
        f"{caught['breaches_caught']['estimate']:.0%} of the breaches"
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
