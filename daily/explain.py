"""Why a trader has a forecast, or none; and what the models say, and why."""

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd

from reports.render import limit_said
from reports.trust import read_trust, trust_of
from reports.words import chance, percent, share
from runtime.build_chain import SCORE, as_of_setting, require
from runtime.errors import UserError
from runtime.home import Home
from runtime.publish.marts_copy import open_published, published_file, require_published
from runtime.terminal import dollars, table, wrapped
from runtime.warehouse import open_warehouse, require_run_context, rows_of

if TYPE_CHECKING:
    from ml.registry import ModelSet

FORECASTS_SHOWN = 10
# By what a model forecasts, the output it is of; and by how little it differs where it
# is the same for all: cents, and probabilities.
OUTPUT_OF = {
    "limit_loss_probability": "breach",
    "realised_loss_probability": "realised_loss",
    "loss_probability": "loss",
    "predicted_absolute_pnl": "size",
    "predicted_pnl": "pnl",
}
ALIKE_DOLLARS, ALIKE_CHANCE = 0.01, 1e-6


def explain_trader(home: Home, trader: str) -> str:
    """What is known of a trader, the models selected, their forecasts, the outcomes.

    Raises:
        UserError: There is no such trader; names those that come close. Or the copy is
            not of the marts as they are, and nobody is making them.
    """
    if home.lock_holder() is None:
        require_published(home)
    with open_published(home) as connection:
        status = _row(connection, "trader_status", trader)
        if status is None:
            raise UserError(_unknown_trader(connection, trader, as_of_setting(home)))
        forecast = _row(
            connection,
            "(from risk_calls where prediction_date = "
            "(select max(prediction_date) from trader_status))",
            trader,
        )
        lines = [
            f"{trader}" + _also(status, trader),
            _line("accounts", _accounts(connection, trader)),
            _line("traded", _traded(status)),
            _line("forecast", _basis(status, forecast, as_of_setting(home))),
        ]
        if forecast and forecast["predicted_pnl"] is not None:
            lines += _forecast(forecast)
            trust = read_trust(connection, forecast["model_version"])
            lines += [_line("trust", trust)]
        lines += _neighbours(connection, trader)
        lines += [_line("own model", _own_model(connection, trader, status))]
        lines += ["", *_past_forecasts(connection, trader)]
    return "\n".join(lines)


def explain_models(home: Home) -> str:
    """What each model forecasts for the traders: how far apart, and why if not at all.

    Raises:
        UserError: Nothing has been scored yet, or a run is writing.
    """
    from ml.evaluation import NAMES
    from ml.registry import ModelSet
    from ml.store import read_scored

    if home.lock_holder() is not None:
        # Its next step opens the warehouse, and must find nobody there.
        raise UserError(
            "A run is writing, and what each model forecasts is in the warehouse only. "
            "Run `make explain` when `make status` says that nothing runs; `make "
            "predictions` shows the forecasts meanwhile."
        )
    published_file(home)
    require(home, SCORE)
    context = require_run_context(home)
    scored = read_scored(home)
    if scored is None or scored.predictions.empty:
        raise UserError(
            "No model has forecast anything yet: too little history, or no `make "
            f"score{as_of_setting(home)}`."
        )
    models = ModelSet.load(home.models, scored.version)
    selection = models.selection
    lines = [
        wrapped(
            "",
            f"Models {scored.version}, as of the morning of {context.as_of}, learned "
            f"through {models.trained_through}, on {selection.known_count:,} known "
            "outcomes",
        ),
        "",
    ]
    head = (
        "model",
        "forecasts",
        "traders",
        "distinct",
        "lowest",
        "median",
        "highest",
        "",
    )
    rows: list[tuple[str, ...]] = [head]
    for model in NAMES:
        outputs = scored.predictions[scored.predictions["model"] == model]
        for column in OUTPUT_OF:
            step = ALIKE_CHANCE if _is_chance(column) else ALIKE_DOLLARS
            values = outputs[column].dropna().astype(float).to_numpy()
            if len(values):
                spread = (values.min(), np.median(values), values.max())
                rows.append(
                    (
                        model,
                        column.replace("_", " "),
                        str(len(values)),
                        str(len(np.unique(np.round(values / step)))),
                        *(_figure(column, figure) for figure in spread),
                        _why(model, column, values, step, models, home),
                    )
                )
    optional = ("distinct", "traders", "median")
    lines += [*table(rows, optional), "", *_selected_models(models), ""]
    return "\n".join([*lines, wrapped("  ", trust_of(models.metrics))])


def _line(name: str, text: str) -> str:
    return wrapped(f"  {name:<11} ", text)


def _unknown_trader(
    connection: duckdb.DuckDBPyConnection, trader: str, as_of: str
) -> str:
    names = [
        row[0]
        for row in connection.execute(
            "select trader_id from trader_status union select account_id "
            "from dim_accounts order by 1"
        ).fetchall()
    ]
    if trader in names:
        owner, is_in_desk_total = connection.execute(
            "select trader_id, is_in_desk_total from dim_accounts "
            "where account_id = ? order by valid_from desc limit 1",
            [trader],
        ).fetchall()[0]
        if not is_in_desk_total:
            return (
                f"{owner} is in no total of the desk (account_roles.csv), and has no "
                "forecast."
            )
        return (
            f"{trader} is an account of {owner}. Run `make explain TRADER={owner}"
            f"{as_of}`."
        )
    close = difflib.get_close_matches(trader, names, n=3, cutoff=0.4)
    hint = f"Did you mean {', '.join(close)}? " if close else ""
    return (
        f"There is no trader {trader}. {hint}`make predictions{as_of}` lists everybody "
        "with a forecast."
    )


def _also(status: dict, trader: str) -> str:
    name = status["display_name"]
    return f", {name}" if name and name != trader else ""


def _accounts(connection: duckdb.DuckDBPyConnection, trader: str) -> str:
    rows = connection.execute(
        "select account_id, valid_from from dim_accounts where trader_id = ? "
        "order by valid_from, account_id",
        [trader],
    ).fetchall()
    return ", ".join(dict.fromkeys(row[0] for row in rows)) or "none"


def _traded(status: dict) -> str:
    if not status["traded_days_count"]:
        return "never"
    idle = status["idle_sessions_count"]
    since = "what came later is unknown" if idle is None else f"{idle} sessions idle"
    return (
        f"{status['traded_days_count']} days, {status['first_traded_date']} to "
        f"{status['last_traded_date']}; {since}"
    )


def _basis(status: dict, forecast: dict | None, as_of: str) -> str:
    """In words which model may forecast for the trader, and why none does."""
    from runtime.transform.dbt import project_variables

    variables = project_variables()
    needed = variables["prediction_minimum_traded_days"]
    own = variables["own_model_above_traded_days"]
    idle = variables["inactive_above_idle_sessions"]
    if status["forecast_basis"] == "inactive":
        if (status["idle_sessions_count"] or 0) > idle:
            return (
                f"none: inactive, idle for {status['idle_sessions_count']} sessions "
                f"(more than {idle}); there is one again after the next traded day"
            )
        return "none: traders.csv of the desk says that the trader is inactive"
    if status["forecast_basis"] == "never_traded":
        return "none: no account of the trader has ever traded"
    if status["forecast_basis"] == "fills_missing":
        return (
            f"none: the trader's fills did not arrive. Load them with `make daily"
            f"{as_of}`"
        )
    if status["forecast_basis"] == "too_little_history":
        return f"none: needs {needed} traded days, has {status['traded_days_count']}"
    if forecast is None:
        return (
            f"none yet for this session. Run `make score{as_of}`, then `make risk"
            f"{as_of}`"
        )
    if forecast["predicted_pnl"] is None:
        return f"none: {forecast['recommendation']}"
    if status["forecast_basis"] == "global_model":
        return (
            f"yes, as a newcomer: {own} traded days or fewer, too few for an own model"
        )
    return "yes"


def _forecast(forecast: dict) -> Iterator[str]:
    low, high = forecast["predicted_pnl_p05"], forecast["predicted_pnl_p95"]
    yield _line(
        "for",
        f"{forecast['prediction_date']}, from what was known at the close of "
        f"{forecast['features_date']}",
    )
    yield _line(
        "limit",
        f"{forecast['limit_risk']}: {chance(forecast['limit_loss_probability'])} to "
        f"lose more than {limit_said(forecast)}",
    )
    yield _line("because", forecast["limit_reason"] or "unknown")
    yield _line(
        "P&L",
        f"{forecast['risk_level']}: expected {dollars(forecast['predicted_pnl'])} "
        f"dollars, 90 % between {dollars(low)} and {dollars(high)}; a loss "
        f"{percent(forecast['loss_probability'])}",
    )
    yield _line(
        "by",
        f"{forecast['breach_model']} for the limit, {forecast['loss_model']} for "
        f"losses, {forecast['pnl_model']} for P&L, {forecast['quantiles_model']} for "
        "the interval",
    )
    yield _line(
        "advised", f"{forecast['recommendation']} (policy {forecast['policy']})"
    )
    reasons = forecast["reasons"] or "no single feature stands out"
    for reason in reasons.split("; "):
        yield _line("because", reason)
    if forecast["change_reasons"]:
        yield _line("since then", forecast["change_reasons"])


def _neighbours(connection: duckdb.DuckDBPyConnection, trader: str) -> Iterator[str]:
    """A newcomer's nearest in behavior, and how they did."""
    found = rows_of(
        connection,
        "from newcomer_neighbours where trader_id = ? order by neighbour_rank",
        [trader],
    )
    for row in found:
        loss = row["usual_loss_in_usual_days"]
        yield _line(
            "like",
            f"{row['neighbour_trader_id']}, {row['days_count']} days: "
            f"{percent(row['loss_day_ratio'])} lost, "
            f"{chance(row['limit_passed_day_ratio'])} breached the limit"
            + (f"; a loss is {loss:.1f} usual days" if loss is not None else ""),
        )


def _own_model(connection: duckdb.DuckDBPyConnection, trader: str, status: dict) -> str:
    found = connection.execute(
        "select rows_count, trained_through from model_registry "
        "where model = 'per_trader' and trader_id = ? "
        "order by as_of_date desc, trained_at desc limit 1",
        [trader],
    ).fetchall()
    if found:
        return (
            f"learned from {found[0][0]} days through {found[0][1]}; selected only "
            "while traders' own models are significantly better than every baseline"
        )
    if status["forecast_basis"] == "own_model":
        return "none: all of the days it would learn from won, or all lost"
    return "none: too few traded days"


def _past_forecasts(
    connection: duckdb.DuckDBPyConnection, trader: str
) -> Iterator[str]:
    rows = connection.execute(
        "select prediction_date, is_replayed, limit_risk, limit_loss_probability, "
        "daily_loss_limit_amount, predicted_pnl, predicted_pnl_p05, predicted_pnl_p95, "
        "actual_net_pnl from forecast_record "
        "where trader_id = ? order by prediction_date desc limit ?",
        [trader, FORECASTS_SHOWN],
    ).fetchall()
    if not rows:
        yield "  No forecast of the trader is over yet."
        return
    yield from table(
        [
            (
                "last forecasts",
                "",
                "limit risk",
                "P(breach)",
                "limit $",
                "expected $",
                "5 % $",
                "95 % $",
                "actual $",
            )
        ]
        + [
            (
                str(day),
                "simulated" if simulated else "forecasted",
                level or "",
                chance(breach),
                *map(dollars, amounts),
            )
            for day, simulated, level, breach, *amounts in rows
        ],
        ("95 % $", "5 % $"),
    )


def _row(connection: duckdb.DuckDBPyConnection, table: str, trader: str) -> dict | None:
    found = rows_of(connection, f"select * from {table} where trader_id = ?", [trader])
    return found[0] if found else None


def _figure(column: str, value: np.floating) -> str:
    return share(float(value), 1) if _is_chance(column) else f"{value:,.0f}"


def _is_chance(column: str) -> bool:
    return column.endswith("_probability")


def _why(
    model: str,
    column: str,
    values: np.ndarray,
    step: float,
    models: "ModelSet",
    home: Home,
) -> str:
    """Why a model forecasts the same for everybody; nothing where it does not."""
    from ml.selection import BASELINES, CHAMPION

    if len(values) < 2 or np.ptp(values) > step:
        return ""
    output = OUTPUT_OF[column]
    if model == "zero":
        return "by design: zero for everybody"
    if model == CHAMPION:
        return f"{models.selection.selected_model(output)} is selected: see there"
    if model == "desk_rate":
        return "by design: one rate for everybody"
    if model in BASELINES[output]:
        return "every trader's record is the same"
    if model == "per_trader":
        return "no trader's own days gave a split: wait for more days"
    return _why_trees(models, output) or _why_features(models, home)


def _why_trees(models: "ModelSet", output: str) -> str | None:
    assert models.fitted is not None, "loaded models are fitted"
    booster = models.fitted.shared["mean" if output == "pnl" else output]
    text = booster.model_to_string()
    leaves = [
        int(line.removeprefix("num_leaves="))
        for line in text.splitlines()
        if line.startswith("num_leaves=")
    ]
    if any(count > 1 for count in leaves):
        return None
    window = next(one for one in models.windows if one.model == "global")
    least = models.settings.shared.parameters(window.rows_count, threads=1)
    return (
        f"none of its trees ({len(leaves)}) has a split, on {window.rows_count} days "
        f"(a leaf takes {least['min_data_in_leaf']}): `make tune`, or wait for "
        "more days"
    )


def _why_features(models: "ModelSet", home: Home) -> str:
    with open_warehouse(home.warehouse, read_only=True) as connection:
        today: pd.DataFrame = connection.execute(
            "from marts.feat_trader_day qualify row_number() over "
            "(partition by trader_id order by trade_date desc) = 1"
        ).df()
    names = [name for name in models.contract.names if name in today]
    alike = [name for name in names if today[name].nunique(dropna=True) <= 1]
    return (
        f"{len(alike)} of {len(names)} features are alike or unknown for all traders: "
        "see marts.feature_dictionary, then `make build` and `make train`"
    )


def _selected_models(models: "ModelSet") -> Iterator[str]:
    from ml.selection import BASELINES, OUTPUTS

    for output in OUTPUTS:
        selected = models.selection.selected_model(output)
        why = (
            "a baseline: no model is significantly better than all of them"
            if selected in BASELINES[output]
            else "it is significantly better than every baseline"
        )
        yield wrapped(f"  {output:<13}  ", f"{selected} is selected: {why}")
