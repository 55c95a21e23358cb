"""What the report says, as plain data read from the marts, and kept for later.

Everything is as JSON has it (dates and amounts of money as text), so that a morning
that is rendered again from what was kept of it reads as it did then.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from reports.facts import read_desk_facts, read_last_day, read_trader_facts
from reports.live_day import read_live_day
from reports.trust import (
    is_size_proven,
    read_measures,
    read_policies,
    read_trust,
    selected_models,
    size_said,
)
from runtime.errors import UserError
from runtime.files import write_atomic
from runtime.home import Home
from runtime.publish.marts_copy import open_published
from runtime.settings import Settings
from runtime.staleness import is_past_morning, staleness
from runtime.warehouse import eastern_time, rows_of

# By the chance of breaching the limit; an order of what to look at, so who is not known
# comes before who is not at risk.
LEVELS = ("High", "Elevated", "Unknown", "Normal")
# Former names in kept summaries of earlier versions, and the names of today.
_FORMER_NAMES = {
    "calls": "forecasts",
    "calls_count": "forecasts_count",
    "judged_sessions_count": "evaluated_sessions_count",
    "remedy": "how_to_fix",
    "speakers": "selected_models",
}
# What a kept summary of an earlier version does not say: before there was limit risk,
# forecasts were levelled by expected P&L.
_UNSAID: dict[str, Any] = {
    "facts": None,
    "trust": None,
    "is_size_proven": False,
    "is_past_morning": False,
    "stale": None,
    "is_by_limit_risk": False,
    "limits": None,
    "size_advice": None,
    "attention": None,
    "live_day": None,
}
NO_FACTS = dict.fromkeys(
    (
        "last_net_pnl", "has_last_day", "five_days_net_pnl", "has_five_days",
        "limit_use_ratio", "below_peak_amount", "peak_unknown_days_count",
        "overnight_amount", "size_ratio",
    )
)  # fmt: skip
_FORECAST_UNSAID = NO_FACTS | dict.fromkeys(
    ("limit_risk", "limit_reason", "is_limit_set", "one_in_twenty_amount")
)
_DESK_UNSAID = dict.fromkeys(
    ("one_in_hundred_pnl", "one_in_hundred_low", "one_in_hundred_high")
)
_SCORE_UNSAID = dict.fromkeys(
    ("flagged_count", "breaches_count", "breaches_caught_count")
)
_MEASURE_UNSAID = {"is_share": False}
# Of a total, which an earlier version did not know.
_TOTAL_UNSAID = {"total_pnl": None, "pnl_basis": None}
_LAST_DAY_UNSAID = _TOTAL_UNSAID | {
    "unknown_parts": None,
    "unknown_traders_count": 0,
    "stale_marks_count": 0,
}
_OUTCOME_UNSAID = _TOTAL_UNSAID | {"limit_risk": None, "is_limit_breached": None}
# Traded days in the small chart of a trader.
SHOWN_DAYS = 20


def summarise(settings: Settings, home: Home) -> dict[str, Any]:
    """`read_summary` of the published copy.

    Raises:
        UserError: Nothing is published.
    """
    with open_published(home) as connection:
        return read_summary(settings, connection)


def read_summary(
    settings: Settings, connection: duckdb.DuckDBPyConnection
) -> dict[str, Any]:
    """Everything the report shows of the published morning.

    Returns:
        firm, source, is_sample, as_of, prediction_date; is_past_morning (AS_OF asked
        for it) and stale, what the data lacks up to today, in words, or None; desk
        (what it may make and lose in a session), attention (the gravest fact about
        each trader, group, strategy and the desk, gravest first, with how many more
        there are about them), last_day (what it made last, realized and in all) and
        facts (`read_desk_facts` up to that day); forecasts, a list per limit
        risk (is_by_limit_risk), most at risk first, each with the trader's
        `read_trader_facts`, last days and proposed limits; limits, for how many the
        desk has set none, and the default that holds for them; trust, the verdict on
        the forecasts in a sentence; size_advice, why size is advised as it is, and
        is_size_proven, whether the evidence supports it; inactive; outcomes_date,
        outcomes of the last forecasts that are over, and whether they are simulated
        (are_outcomes_replayed); score of the desk's forecasts; problems (checks of data
        and models that found what a person should act on) and information (no action
        needed); measures of the champion beside their baselines, and whether its error
        in dollars exceeds that of predicting zero; selected_models (by output, in
        words) and what the models learned from.
    """
    data_ends, is_sample = published_data(connection)
    stale = staleness(settings, data_ends, is_sample=is_sample)
    timeliness = {
        "is_past_morning": is_past_morning(settings),
        "stale": str(stale) if stale else None,
    }
    return _as_json(_read(connection) | timeliness)


def published_data(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[date | None, bool]:
    """The last date with a fill, and whether the marts are those of the sample."""
    return connection.execute(
        "select (select max(trade_date) from marts.fill_day_versions where "
        "superseded_at is null and fills_count + cancelled_fills_count > 0), "
        "firm_kind = 'synthetic' from published_at"
    ).fetchall()[0]


def keep(home: Home, summary: dict[str, Any]) -> None:
    """Write the summary beside its report, all or nothing."""
    text = json.dumps(summary, ensure_ascii=False, indent=1)
    write_atomic(_kept(home, summary["as_of"]), text.encode())


def forecasts_by_trader(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Today's forecasts of every level, by trader."""
    levels = summary["forecasts"].values()
    return {forecast["trader_id"]: forecast for level in levels for forecast in level}


def is_kept(home: Home, as_of: date) -> bool:
    """Whether there is a report of that morning to be rendered again."""
    return _kept(home, as_of).exists()


def read_kept(home: Home, as_of: date) -> dict[str, Any]:
    """The summary of a past morning, as it was then.

    Raises:
        UserError: It is damaged.
    """
    path = _kept(home, as_of)
    try:
        kept = json.loads(path.read_text("utf-8"), object_hook=_with_names_of_today)
    except ValueError:
        raise UserError(
            f"{path} is damaged. Delete it; `make daily AS_OF={as_of}` rebuilds that "
            "morning."
        ) from None
    for name, unsaid in (
        ("last_day", _LAST_DAY_UNSAID),
        ("desk", _DESK_UNSAID),
        ("score", _SCORE_UNSAID),
    ):
        if kept[name]:
            kept[name] = unsaid | kept[name]
    kept["outcomes"] = [_OUTCOME_UNSAID | one for one in kept["outcomes"]]
    kept["measures"] = [_MEASURE_UNSAID | one for one in kept["measures"]]
    kept["forecasts"] = {
        level: [_FORECAST_UNSAID | forecast for forecast in forecasts]
        for level, forecasts in kept["forecasts"].items()
    }
    return _UNSAID | kept


def _with_names_of_today(values: dict[str, Any]) -> dict[str, Any]:
    return {_FORMER_NAMES.get(name, name): value for name, value in values.items()}


def _kept(home: Home, as_of: date | str) -> Path:
    return home.reports / str(as_of) / "summary.json"


def _as_json(values: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(values, default=str))


def _read(connection: duckdb.DuckDBPyConnection) -> dict:
    (published,) = rows_of(
        connection,
        "select firm, source, firm_kind = 'synthetic' as is_sample, "
        "as_of_date as as_of, prediction_date from marts.published_at",
    )
    prediction_date = published["prediction_date"]
    forecasts = rows_of(
        connection,
        """
        select * from marts.risk_calls
        inner join (select trader_id, display_name from marts.trader_status)
            using (trader_id)
        left join (
            select trader_id, one_in_twenty_amount, usual_days_amount, days_count,
                daily_loss_limit_passed_count, one_in_twenty_passed_count,
                usual_days_passed_count
            from marts.proposed_limits
        ) using (trader_id)
        where prediction_date = ?
        order by limit_loss_probability desc nulls last, predicted_pnl nulls last,
            trader_id
        """,
        [prediction_date],
    )
    desk = rows_of(
        connection,
        "from marts.desk_forecasts where prediction_date = ?",
        [prediction_date],
    )
    outcomes = _outcomes(connection)
    last_day = read_last_day(connection)
    score = rows_of(connection, "from marts.desk_forecast_scores")
    found = [
        check
        for mart in ("data_quality", "limit_health", "live_health", "model_health")
        for check in rows_of(
            connection, f"from marts.{mart} where found_count > 0 order by check_order"
        )
    ]
    version = max(
        (
            forecast["model_version"]
            for forecast in forecasts
            if forecast["model_version"]
        ),
        default=None,
    )
    measures = read_measures(connection, version)
    registered = rows_of(
        connection,
        "from marts.model_registry where model_version = ? and model = 'global'",
        [version],
    )
    recent = _recent_days(connection)
    last_date = last_day and last_day["trade_date"]
    facts = read_trader_facts(connection, last_date) if last_date else {}
    for forecast in forecasts:
        forecast["recent_days"] = recent.get(forecast["trader_id"], [])
        forecast |= NO_FACTS | facts.get(forecast["trader_id"], {})
    policies = {
        forecast["policy"]
        for forecast in forecasts
        if forecast["policy"] and not forecast["is_trial"]
    }
    evidence = read_policies(connection, version)
    return {
        **published,
        "desk": desk[0] if desk else None,
        "attention": _attention(connection),
        "last_day": last_day,
        "live_day": read_live_day(connection),
        "facts": read_desk_facts(connection, last_date) if last_date else None,
        "forecasts": {
            level: [
                forecast for forecast in forecasts if forecast["limit_risk"] == level
            ]
            for level in LEVELS
        },
        "is_by_limit_risk": True,
        "limits": _limits(forecasts),
        "trust": read_trust(connection, version),
        "size_advice": size_said(evidence, policies),
        "is_size_proven": is_size_proven(evidence, policies),
        "inactive": rows_of(
            connection,
            "select trader_id, display_name, last_traded_date, idle_sessions_count "
            "from marts.trader_status where forecast_basis = 'inactive' "
            "order by last_traded_date desc, trader_id",
        ),
        "outcomes_date": outcomes[0]["prediction_date"] if outcomes else None,
        "are_outcomes_replayed": bool(outcomes and outcomes[0]["is_replayed"]),
        "outcomes": outcomes,
        "score": score[0] if score else None,
        "problems": [check for check in found if check["needs_attention"]],
        "information": [check for check in found if not check["needs_attention"]],
        "measures": measures,
        "dollars_are_doubtful": any(
            measure["metric"] == "mae" and measure["model"] > measure["baseline"]
            for measure in measures
        ),
        "selected_models": selected_models(forecasts),
        "learned": registered[0] if registered else None,
        "model_version": version,
    }


def _attention(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The gravest fact about each, and how many more there are about them."""
    return rows_of(
        connection,
        f"""
        select kind, severity, scope_type, scope_name as trader_id, display_name,
            trade_date, fact, comparison, what_to_do, amount,
            {eastern_time("occurred_at")} as occurred_at_et,
            count(*) over (partition by scope_type, scope_name) - 1 as further_count
        from marts.attention qualify rank_in_scope = 1 order by attention_rank
        """,
    )


def _limits(forecasts: list[dict[str, Any]]) -> dict[str, Any]:
    """For how many the desk has set no limit, and what holds for them instead."""
    unset = [forecast for forecast in forecasts if not forecast["is_limit_set"]]
    return {
        "unset_count": len(unset),
        "default_amount": unset[0]["daily_loss_limit_amount"] if unset else None,
    }


def _outcomes(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The last forecasts that are over; simulated ones where none was made yet."""
    return rows_of(
        connection,
        """
        with sessions as (
            select prediction_date from marts.forecast_outcomes
            union all select prediction_date from marts.forecast_record
        ),
        outcomes as (
            select trader_id, prediction_date, false as is_replayed, limit_risk,
                risk_level, predicted_pnl, position_multiplier, actual_net_pnl,
                has_traded, is_limit_breached, advised_size_effect
            from marts.forecast_outcomes
            union all
            select trader_id, prediction_date, is_replayed, limit_risk, risk_level,
                predicted_pnl, position_multiplier, actual_net_pnl, true,
                is_limit_breached, advised_size_effect
            from marts.forecast_record where is_replayed
        )
        select outcomes.*, display_name, total_pnl, pnl_basis, unknown_parts,
            stale_marks_count, oldest_mark_age_sessions_count
        from outcomes
        inner join marts.trader_status using (trader_id)
        left join marts.fct_trader_total_pnl as totals
            on totals.trader_id = outcomes.trader_id
            and totals.trade_date = outcomes.prediction_date
        where outcomes.prediction_date = (select max(prediction_date) from sessions)
        order by actual_net_pnl nulls last, trader_id
        """,
    )


def _recent_days(connection: duckdb.DuckDBPyConnection) -> dict[str, list[dict]]:
    """Net P&L of each trader's last days, the latest last."""
    found: dict[str, list[dict]] = {}
    for trader, day, net in connection.execute(
        """
        select trader_id, trade_date, net_pnl from (
            select trader_id, trade_date, net_pnl, row_number() over (
                partition by trader_id order by trade_date desc
            ) as recency
            from marts.feat_trader_day
        ) where recency <= ? order by trader_id, trade_date
        """,
        [SHOWN_DAYS],
    ).fetchall():
        found.setdefault(trader, []).append({"trade_date": day, "net_pnl": net})
    return found
