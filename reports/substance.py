"""What a reader learns from a report, by which one that says something new is known.

It is what happened, levels, chances, worst cases and what needs attention, as shown; a
report that is written again with other bytes and the same substance is the same to
whoever reads it.
"""

from typing import Any

from reports.sentences import (
    actual,
    fact_said,
    in_all,
    last_date,
    made_said,
    month_said,
    peak_said,
    total,
)
from reports.words import chance, day, money, multiplier, percent


def desk_substance(summary: dict[str, Any]) -> dict[str, str]:
    """Of the desk's report, what is said by what it is said of.

    Args:
        summary: As `summarise` gives it.
    """
    found = {
        f"to look at, {check['check_name']}": (
            f"{check['found_count']:,} {check['finding']}"
        )
        for check in summary["problems"]
    }
    for fact in summary["attention"] or []:
        found[f"attention, {fact['scope_type']} {_name(fact)}"] = fact_said(fact)
    desk, last_day, facts = summary["desk"], summary["last_day"], summary["facts"]
    if desk:
        found["the desk's worst case"] = money(desk["worst_case_pnl"])
        found["one session in a hundred"] = money(desk["one_in_hundred_pnl"])
    if last_day:
        found["net of the last day"] = (
            f"{money(last_day['net_pnl'])} on {day(last_day['trade_date'])}"
            f"{in_all(last_day)}"
        )
    if facts:
        found["the month"] = month_said(facts) or "not shown"
        found["the desk's peak"] = peak_said(facts)
    for forecasts in summary["forecasts"].values():
        for forecast in forecasts:
            found |= _forecast(summary, forecast, has_size=summary["is_size_proven"])
    return found


def trader_substance(
    summary: dict[str, Any], forecast: dict[str, Any]
) -> dict[str, str]:
    """The same of a trader's own page."""
    own = [x for x in summary["outcomes"] if x["trader_id"] == forecast["trader_id"]]
    found = _forecast(summary, forecast, has_size=True)
    return found | {_outcome_of(one): _made(one) for one in own}


def _name(one: dict[str, Any]) -> str:
    name, trader = one["display_name"] or one["trader_id"], one["trader_id"]
    return name if name == trader else f"{name} ({trader})"


def _forecast(
    summary: dict[str, Any], forecast: dict[str, Any], *, has_size: bool
) -> dict[str, str]:
    """What a trader made lately, and the forecast, with the size where it is shown."""
    # Before there was limit risk, forecasts were levelled by expected P&L alone.
    level = forecast["limit_risk"] or forecast["risk_level"]
    found = {_name(forecast): f"{level}, {forecast['recommendation']}"}
    if forecast["predicted_pnl"] is not None:
        size = multiplier(forecast["position_multiplier"])
        limit = money(forecast["daily_loss_limit_amount"])
        found[_name(forecast)] = (
            f"{level}, P(loss of more than {limit}) "
            f"{chance(forecast['limit_loss_probability'])}, P(loss) "
            f"{percent(forecast['loss_probability'])}, 1-in-20 "
            f"{money(forecast['predicted_pnl_p05'])}"
            + (f", size {size}" if has_size else "")
        )
    made = made_said(forecast, last_date(summary))
    return found | ({f"{_name(forecast)}, last sessions": made} if made else {})


def _outcome_of(outcome: dict[str, Any]) -> str:
    return f"{_name(outcome)} on {day(outcome['prediction_date'])}"


def _made(outcome: dict[str, Any]) -> str:
    told = f", total {total(outcome)}" if outcome["pnl_basis"] else ""
    return actual(outcome) + told
