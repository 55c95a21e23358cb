"""What models and policies are worth, in the words of the report."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import duckdb

from reports.words import money
from runtime.warehouse import rows_of

if TYPE_CHECKING:
    from ml.evaluation import Metric

# By target, metric and model: the figure, and the ends of its 90 % interval.
Figures = Mapping[tuple[str, str, str], tuple[float, float | None, float | None]]

CHAMPION, LIMIT_RISK, RISK_LEVEL = "champion", "limit_risk", "risk_level"
WATCH = "watch"
# Of each measure: target and metric, of which model and beside which baseline, its
# label, what stands beside it, and whether it is a share.
MEASURES = (
    ("breach", "auc", CHAMPION, None,
     "AUC for breaching the limit", "0.5 is a coin toss", False),
    ("breach", "log_loss_gain", CHAMPION, None,
     "Log-loss improvement on the desk's constant rate", "0 is none", False),
    ("levels", "flagged_share", LIMIT_RISK, RISK_LEVEL,
     "Days flagged High or Elevated", "High or Medium by expected P&L", True),
    ("levels", "breaches_caught", LIMIT_RISK, RISK_LEVEL,
     "Breaches of the limit that were flagged", "by expected P&L", True),
    ("levels", "breach_rate_ratio", LIMIT_RISK, RISK_LEVEL,
     "Breach rate of flagged days, as a multiple of the rest",
     "by expected P&L", False),
    ("loss", "auc", CHAMPION, "own_rate",
     "AUC for a losing day", "trader's own rate", False),
    ("loss", "brier", CHAMPION, "own_rate",
     "Brier score of a losing day, lower is better", "trader's own rate", False),
    ("pnl", "mae", CHAMPION, "zero",
     "Mean absolute error, dollars", "always zero", False),
    ("pnl", "rmse", CHAMPION, "zero",
     "Root mean squared error, dollars", "always zero", False),
    ("quantiles", "coverage_90", CHAMPION, None,
     "Outcomes inside the 90 % interval", "90 % expected", True),
)  # fmt: skip
OUTPUTS = (
    ("breach_model", "chance of breaching the limit"),
    ("realised_loss_model", "chance of losing in trading"),
    ("loss_model", "loss probability"),
    ("size_model", "size of the day"),
    ("pnl_model", "expected P&L"),
    ("quantiles_model", "interval"),
)
MODEL_WORDS = {
    "champion": "what was selected",
    "reference": "how often and how much the trader loses",
    "global": "the model of all traders",
    "grouped": "the model of all traders, with each group's and trader's own effect",
    "per_trader": "the trader's own model",
    "own_rate": "the trader's own rate",
    "trailing_size": "the trader's recent size",
    "recent_breach": "whether the limit was breached lately",
    "desk_rate": "the desk's constant rate",
    "shrunk_mean": "the trader's mean, shrunk towards zero",
    "ew_quantiles": "the trader's recent quantiles",
    "zero": "zero for everybody",
    "limit_risk": "levels by the chance of breaching the limit",
    "risk_level": "levels by expected P&L",
}
TARGET_WORDS = {
    "breach": "breaching the limit",
    "breach_1000": "losing more than $1,000",
    "realised_loss": "losing in trading",
    "loss": "net below zero",
    "size": "size of the day",
    "pnl": "expected P&L",
    "quantiles": "interval",
    "levels": "the desk's levels",
}
POLICY_WORDS = {
    "watch": "watch",
    "fixed": "cut by the desk's thresholds of expected P&L",
    "adaptive": "cut by thresholds of the trader's own usual day",
    "cost_aware": "cut where losses are expected to outweigh gains",
    "rules": "cut by the risk manager's rules",
    "limit_risk": "cut at High limit risk",
}


def selected_models(forecasts: list[dict]) -> list[str]:
    """The model of each output: one, or each with how many forecasts are its own."""
    outputs: dict[str, list[str]] = {}
    for column, output in OUTPUTS:
        counts = Counter(forecast[column] for forecast in forecasts if forecast[column])
        names = [
            f"{MODEL_WORDS.get(name, name)} ({count})"
            if len(counts) > 1
            else MODEL_WORDS.get(name, name)
            for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        ]
        if names:
            outputs.setdefault(", ".join(names), []).append(output)
    return [f"{', '.join(told)} from {names}" for names, told in outputs.items()]


def trust_said(figures: Figures) -> str:
    """How far the forecasts can be trusted, in one sentence: the only verdict there is.

    Args:
        figures: Of models on trader-days that they had not seen (out of sample).
    """
    auc = figures.get(("breach", "auc", CHAMPION))
    if auc is None or auc[0] != auc[0]:
        return "No verdict on the forecasts yet: too little history to measure them."
    return f"{_trust_in_chances(figures, auc[0])}; {_trust_in_dollars(figures)}."


def _trust_in_chances(figures: Figures, auc: float) -> str:
    measured = f"(AUC {auc:.2f} out of sample, 0.50 is a coin toss)"
    if not _is_above(figures.get(("breach", "log_loss_gain", CHAMPION)), 0):
        return (
            "Do not rely on the chance of breaching the limit: no significant "
            f"improvement on one rate for the whole desk {measured}"
        )
    text = (
        "The chance of breaching the limit separates risky traders from others "
        f"{measured}"
    )
    if _is_above(figures.get(("breach", "auc_within_trader", CHAMPION)), 0.5):
        return f"{text}, and a trader's risky days from the rest"
    return f"{text}, not a trader's risky days from the rest"


def _trust_in_dollars(figures: Figures) -> str:
    error = figures.get(("pnl", "mae", CHAMPION))
    zero = figures.get(("pnl", "mae", "zero"))
    has_direction = _is_above(
        figures.get(("pnl", "directional_accuracy", CHAMPION)), 0.5
    )
    if error and zero and (error[2] or error[0]) < zero[0]:
        return "dollar amounts have a smaller error than predicting zero"
    if has_direction:
        return "dollar amounts are rough: direction, not size"
    return "dollar amounts are rough: neither direction nor size"


def _is_above(
    figure: tuple[float, float | None, float | None] | None, bound: float
) -> bool:
    """Whether the whole interval is."""
    return figure is not None and figure[1] is not None and figure[1] > bound


def trust_of(metrics: Iterable["Metric"]) -> str:
    """`trust_said` of what training or a backtest has just measured."""
    return trust_said(
        {
            (one.target, one.metric, one.model): (one.value, one.low, one.high)
            for one in metrics
            if one.trader_id is None and not one.period
        }
    )


def read_trust(connection: duckdb.DuckDBPyConnection, version: str | None) -> str:
    """`trust_said` of the models of a version."""
    return trust_said(_read_figures(connection, version))


def _read_figures(
    connection: duckdb.DuckDBPyConnection, version: str | None
) -> Figures:
    return {
        (target, metric, model): (value, low, high)
        for target, metric, model, value, low, high in connection.execute(
            "select target, metric, model, metric_value, value_low, value_high "
            "from marts.model_metrics "
            "where model_version = ? and trader_id = '' and period = ''",
            [version],
        ).fetchall()
    }


def read_measures(
    connection: duckdb.DuckDBPyConnection, version: str | None
) -> list[dict[str, Any]]:
    """What is selected beside its baseline, a row per measure."""
    found = rows_of(
        connection,
        "select model, target, metric, metric_value, value_low, value_high, rows_count "
        "from marts.model_metrics "
        "where model_version = ? and trader_id = '' and period = ''",
        [version],
    )
    values = {(row["target"], row["metric"], row["model"]): row for row in found}
    measures = []
    for target, metric, model, baseline, label, beside, is_share in MEASURES:
        row = values.get((target, metric, model))
        if row is None:
            continue
        other = values.get((target, metric, baseline)) if baseline else None
        measures.append(
            {
                "metric": metric,
                "label": label,
                "is_share": is_share,
                "model": row["metric_value"],
                "low": row["value_low"],
                "high": row["value_high"],
                "baseline": other and other["metric_value"],
                "baseline_label": beside,
                "rows_count": row["rows_count"],
            }
        )
    return measures


def read_policies(
    connection: duckdb.DuckDBPyConnection, version: str | None
) -> list[dict[str, Any]]:
    """What past forecasts say of each policy that cuts size, the best first."""
    return rows_of(
        connection,
        "from marts.policy_evidence where model_version = ? and trade_reduction > 0 "
        "order by improvement_over_uniform desc, policy",
        [version],
    )


def size_said(evidence: list[dict[str, Any]], policies: set[str]) -> str | None:
    """Why size is advised as it is, in a sentence or two; None if it is not.

    Args:
        evidence: As `read_policies` gives it.
        policies: Whom traders are under, but for a trial.
    """
    if not policies:
        return None
    is_watch = policies == {WATCH}
    live = " and ".join(POLICY_WORDS.get(name, name) for name in sorted(policies))
    advice = "watch, size as usual" if is_watch else live
    if not evidence:
        return f"No evidence yet on any rule for cutting size: {advice}."
    told = next((one for one in evidence if one["policy"] in policies), None)
    if told and told["is_proven"]:
        return f"Size {live}, on significant evidence: {_earned(told)}."
    if any(one["is_proven"] for one in evidence):
        best = next(one for one in evidence if one["is_proven"])
        return (
            f"Size as POLICY sets it: {advice}. The significant evidence is for "
            f"another, {_named(best)}."
        )
    nothing = (
        "No rule for cutting size is a significant improvement on cutting everyone by "
        "the same share"
    )
    told_best = f"The best so far, {_named(evidence[0])}."
    if is_watch:
        return f"{nothing}: {advice}. {told_best}"
    return f"{nothing}; POLICY sets one: size {advice}. {told_best}"


def is_size_proven(evidence: list[dict[str, Any]], policies: set[str]) -> bool:
    """Whether the evidence supports a policy that traders are under.

    Args:
        evidence: As `read_policies` gives it.
        policies: Whom traders are under, but for a trial.
    """
    return any(one["is_proven"] and one["policy"] in policies for one in evidence)


def _named(one: dict[str, Any]) -> str:
    return f"{POLICY_WORDS.get(one['policy'], one['policy'])}: {_earned(one)}"


def _earned(one: dict[str, Any]) -> str:
    """What it earned beyond cutting everyone by the same share."""
    dollars = float(one["improvement_over_uniform"])
    told = f"{money(abs(dollars))} {'more' if dollars >= 0 else 'less'}"
    if one["value_low"] is not None:
        told += f" (90 % {money(one['value_low'])} to {money(one['value_high'])})"
    days = f"{one['rows_count']:,} trader-days"
    return (
        f"{told} than cutting everyone by the same share, on {days} (simulated, out of "
        "sample)"
    )
