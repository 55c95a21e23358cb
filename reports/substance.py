"""What a reader learns from a report, by which one that says something new is known.

It is levels, chances, P&L and what needs attention, as they are shown; a report that is
written again with other bytes and the same substance is the same to whoever reads it.
"""

from typing import Any

from reports.render import (
    actual,
    chance,
    day,
    fact_said,
    in_all,
    money,
    multiplier,
    percent,
    total,
)


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
    desk, last_day = summary["desk"], summary["last_day"]
    if desk:
        found["the desk's median"] = money(desk["median_pnl"])
        found["the desk's worst case"] = money(desk["worst_case_pnl"])
        found["one session in a hundred"] = money(desk["one_in_hundred_pnl"])
    if last_day:
        found["net of the last day"] = (
            f"{money(last_day['net_pnl'])} on {day(last_day['trade_date'])}"
            f"{in_all(last_day)}"
        )
    for calls in summary["calls"].values():
        found |= {_name(call): _call(call) for call in calls}
    return found | {_outcome_of(one): _made(one) for one in summary["outcomes"]}


def trader_substance(summary: dict[str, Any], call: dict[str, Any]) -> dict[str, str]:
    """The same of a trader's own page."""
    own = [x for x in summary["outcomes"] if x["trader_id"] == call["trader_id"]]
    return {_name(call): _call(call)} | {_outcome_of(one): _made(one) for one in own}


def _name(one: dict[str, Any]) -> str:
    name, trader = one["display_name"] or one["trader_id"], one["trader_id"]
    return name if name == trader else f"{name} ({trader})"


def _call(call: dict[str, Any]) -> str:
    # Before there was limit risk, a call was by expected P&L alone.
    level = call["limit_risk"] or call["risk_level"]
    if call["predicted_pnl"] is None:
        return f"{level}, {call['recommendation']}"
    interval = (
        f"{money(call['predicted_pnl_p05'])} to {money(call['predicted_pnl_p95'])}"
    )
    return (
        f"{level}, P(loss of more than {money(call['daily_loss_limit_amount'])}) "
        f"{chance(call['limit_loss_probability'])}; by expected P&L "
        f"{call['risk_level']}, {money(call['predicted_pnl'])} (90 % {interval}), "
        f"P(loss) {percent(call['loss_probability'])}, "
        f"size {multiplier(call['position_multiplier'])}"
    )


def _outcome_of(outcome: dict[str, Any]) -> str:
    return f"{_name(outcome)} on {day(outcome['prediction_date'])}"


def _made(outcome: dict[str, Any]) -> str:
    told = f", total {total(outcome)}" if outcome["pnl_basis"] else ""
    return actual(outcome) + told
