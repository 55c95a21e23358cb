"""What report and board say of the desk and its traders, in sentences."""

from datetime import date
from decimal import Decimal
from typing import Any

from reports.words import NO_BREAK, counted, day, money, percent, share

# Dollars traded against the usual, from which they are named.
LARGE_SIZE = 1.5


def headline_said(summary: dict[str, Any]) -> str:
    """What happened and what could not be checked, in one sentence."""
    last_day, facts = summary["last_day"], summary["facts"]
    told: list[str | None] = [_day_said(last_day) if last_day else "No fill yet"]
    if facts:
        told += [month_said(facts), peak_said(facts), _breaches_said(facts)]
    limits, forecasts = summary["limits"], summary["forecasts"]
    if limits and limits["unset_count"]:
        traders = counted(sum(map(len, forecasts.values())), "trader")
        told.append(
            f"{limits['unset_count']} of {traders} have no limit set (default "
            f"{money(limits['default_amount'])})"
        )
    if facts and facts["unknown_traders_count"]:
        traders = counted(facts["unknown_traders_count"], "trader")
        told.append(f"P&L of {traders} not known in the last five sessions")
    if summary["problems"]:
        told.append(f"{counted(len(summary['problems']), 'problem')} to look at first")
    return f"{'; '.join(filter(None, told))}."


def _day_said(last_day: dict[str, Any]) -> str:
    net = last_day["net_pnl"]
    text = f"{day(last_day['trade_date'])}: " + (
        "realized P&L not known, an exchange rate is missing"
        if net is None
        else f"{money(net)} realized"
    )
    if last_day["pnl_basis"] is None:
        return text
    if last_day["total_pnl"] is not None:
        return f"{text}, {money(last_day['total_pnl'])} in all"
    traders = counted(last_day["unknown_traders_count"], "trader")
    if last_day["pnl_basis"] == "incomplete":
        return f"{text}, incomplete: not all is known of {traders}"
    return f"{text}, in all not known for {traders}"


def month_said(facts: dict[str, Any]) -> str | None:
    """The month to date, in all where that is known; None where it has no day."""
    start = facts["month_start"]
    if start is None:
        return None
    month = f"{date.fromisoformat(str(start)):%B} to date"
    if not facts["month_unknown_days_count"]:
        return f"{month} {money(facts['month_total_pnl'])} in all"
    days = counted(facts["month_unknown_days_count"], "day")
    text = (
        f"{month} {money(facts['month_net_pnl'])} realized, in all not known on {days}"
    )
    if facts["month_incomplete_days_count"]:
        text += f", realized not on {facts['month_incomplete_days_count']:,} of them"
    return text


def peak_said(facts: dict[str, Any]) -> str:
    """How far below its peak the P&L added up is, of the desk or a trader."""
    below, unknown = facts["below_peak_amount"], facts["peak_unknown_days_count"]
    at = f"{money(below)} below the peak" if Decimal(str(below)) > 0 else "at the peak"
    return f"{at}, {counted(unknown, 'day')} not known" if unknown else at


def _breaches_said(facts: dict[str, Any]) -> str:
    breaches, defaults = facts["breaches_count"], facts["default_breaches_count"]
    text = f"{counted(breaches, 'limit') if breaches else 'no set limit'} breached"
    if defaults:
        text += (
            f", {counted(defaults, 'trader')} without one lost more than the default"
        )
    return text


def last_date(summary: dict[str, Any]) -> str | None:
    """Of the last day with fills."""
    return summary["last_day"] and summary["last_day"]["trade_date"]


def last_day_said(last_day: dict[str, Any]) -> str:
    """What the desk made on its last day, or that it is not known, as a sentence."""
    made = (
        "what it made net is not known: an exchange rate is missing,"
        if last_day["net_pnl"] is None
        else f"it made {money(last_day['net_pnl'])} net"
    )
    fills = counted(last_day["fills_count"], "fill")
    return f"On {day(last_day['trade_date'])} {made} with {fills}{in_all(last_day)}."


def in_all(made: dict[str, Any]) -> str:
    """What follows a realized P&L: the total, or of whom it is not known and why."""
    if made["pnl_basis"] is None:
        return ""
    if made["total_pnl"] is not None:
        told = f", {money(made['total_pnl'])} in all with adjustments and unrealized"
    else:
        words = {
            "realised_only": "realized only: the total is not known of",
            "incomplete": "incomplete: not all is known of",
        }[made["pnl_basis"]]
        told = f", {words} {made['unknown_parts']}"
    carried = int(made["stale_marks_count"])
    if carried:
        age = counted(made["oldest_mark_age_sessions_count"], "session")
        told += f"; {counted(carried, 'mark')} carried forward, the oldest {age} old"
    return told


def tail_said(desk: dict[str, Any]) -> str:
    """How bad the desk's session may be, and how often past ones were worse."""
    if desk["worst_case_pnl"] is None:
        return "The desk has too few sessions for a 1-in-20 worst case."
    text = f"1-in-20 worst case {money(desk['worst_case_pnl'])}"
    evaluated, worse = desk["evaluated_sessions_count"], desk["breached_sessions_count"]
    if evaluated:
        text += (
            f"; exceeded on {worse} of {counted(evaluated, 'session')}, "
            f"{100 * worse / evaluated:.1f} % (5 % expected)"
        )
    else:
        text += "; not tested on any session yet"
    if desk["one_in_hundred_pnl"] is not None:
        text += f"; 1-in-100 {money(desk['one_in_hundred_pnl'])} ({rare_said(desk)})"
    return f"{text}."


def rare_said(desk: dict[str, Any]) -> str:
    """How bad one session in a hundred may be, by what is known of so rare ones."""
    low, high = desk["one_in_hundred_low"], desk["one_in_hundred_high"]
    if low is not None:
        return f"90 % {money(low)} to {money(high)}"
    return (
        f"no better than {money(high)}; {counted(desk['scenarios_count'], 'session')} "
        "are too few to say how much worse"
    )


def fact_said(fact: dict[str, Any]) -> str:
    """A fact that needs attention, with its date and what it is held against."""
    at = f", {fact['occurred_at_et']} ET" if fact["occurred_at_et"] else ""
    text = f"{fact['fact']} ({day(fact['trade_date'])}{at})"
    if fact["comparison"]:
        text += f": {fact['comparison']}"
    more = fact["further_count"]
    return f"{text}; {more} more" if more else text


def made_said(forecast: dict[str, Any], last_date: str | None) -> str | None:
    """What a trader made lately and holds, in one sentence; None where not read."""
    if forecast["below_peak_amount"] is None:
        return None
    last_net = _realized(forecast["last_net_pnl"], forecast["has_last_day"])
    told = [
        f"{day(last_date)}: {last_net}",
        f"last five sessions: "
        f"{_realized(forecast['five_days_net_pnl'], forecast['has_five_days'])}",
        peak_said(forecast),
    ]
    if forecast["limit_use_ratio"]:
        told[0] += (
            f", at worst {percent(forecast['limit_use_ratio'])} of the limit lost"
        )
    if forecast["overnight_amount"] is not None:
        told.append(f"{money(forecast['overnight_amount'])} held overnight")
    return f"{'; '.join(told)}."


def _realized(amount: str | None, has_days: bool) -> str:
    if amount is None:
        return "not known" if has_days else "did not trade"
    return f"{money(amount)} realized"


def known(forecast: dict[str, Any], amount: str, has_days: str) -> str:
    """An amount of a trader's days: ? where it is not known, a dash without a day."""
    if forecast[amount] is None and forecast[has_days]:
        return "?"
    return money(forecast[amount])


def from_peak(forecast: dict[str, Any]) -> str:
    """How far a trader is below the peak, as a negative amount."""
    below = forecast["below_peak_amount"]
    text = money(below if below is None else -Decimal(str(below)))
    return f"{text}?" if forecast["peak_unknown_days_count"] else text


def limit_used(forecast: dict[str, Any]) -> str:
    """The last day's worst loss against the daily limit, * if that is the default."""
    if forecast["limit_use_ratio"] is None:
        return "?" if forecast["has_last_day"] else "–"
    return percent(forecast["limit_use_ratio"]) + (
        "*" if forecast["is_limit_set"] is False else ""
    )


def why_said(forecast: dict[str, Any]) -> str:
    """What a trader's own days say of the risk: facts, the strongest first."""
    net = [
        float(one["net_pnl"])
        for one in forecast["recent_days"]
        if one["net_pnl"] is not None
    ]
    losses = [amount for amount in net if amount < 0]
    gains = [amount for amount in net if amount > 0]
    streak = 0
    while streak < len(net) and net[-1 - streak] < 0:
        streak += 1
    told = []
    if streak:
        days = "traded day" if streak == 1 else f"{streak} traded days"
        told.append(f"lost {money(-sum(net[-streak:]))} on the last {days}")
    if (forecast["size_ratio"] or 0) >= LARGE_SIZE:
        told.append(f"size {forecast['size_ratio']:.1f}{NO_BREAK}× the usual")
    if Decimal(str(forecast["overnight_amount"] or 0)) > 0:
        told.append(f"{money(forecast['overnight_amount'])} held overnight")
    if net:
        told.append(f"lost on {len(losses)} of the last {counted(len(net), 'day')}")
    if losses and gains:
        payoff = (sum(gains) / len(gains)) / -(sum(losses) / len(losses))
        told.append(f"average win is {payoff:.1f}{NO_BREAK}× average loss")
    return "; ".join(told) or "no traded day yet"


def limit_said(forecast: dict[str, Any]) -> str:
    """The daily loss limit, and that it is the default where the desk set none."""
    limit = money(forecast["daily_loss_limit_amount"])
    return f"{limit} (default, not set)" if forecast["is_limit_set"] is False else limit


def flags_said(score: dict[str, Any]) -> str:
    """How forecasts of High or Elevated limit risk turned out, in one sentence."""
    flagged, breaches = score["flagged_count"], score["breaches_count"]
    caught, count = score["breaches_caught_count"], score["forecasts_count"]
    text = (
        f"The limit was breached on {breaches:,} of {counted(count, 'trader-day')}, "
        f"{share(breaches / count, 1)}"
    )
    if flagged:
        text += (
            f", and on {share(caught / flagged, 1)} of the {flagged:,} flagged High "
            "or Elevated"
        )
    if breaches:
        text += f"; {caught:,} of the {breaches:,} had been flagged"
    return f"{text}."


def outcomes_said(
    outcomes: list[dict[str, Any]], session: str, are_simulated: bool
) -> str:
    """How the last forecasts turned out, in one sentence."""
    breaches = [one for one in outcomes if one["is_limit_breached"]]
    flagged = [one for one in breaches if one["limit_risk"] in ("High", "Elevated")]
    how = ", simulated (out of sample)," if are_simulated else ""
    text = (
        f"Forecasts for {day(session)}{how} against what happened: "
        f"{len(breaches)} of {counted(len(outcomes), 'trader')} breached the limit"
    )
    return f"{text}, {len(flagged)} of them flagged." if breaches else f"{text}."


def actual(outcome: dict[str, Any]) -> str:
    """The outcome of a forecast: its P&L, else why there is none."""
    if outcome["actual_net_pnl"] is not None:
        return money(outcome["actual_net_pnl"])
    return "not known" if outcome["has_traded"] is None else "did not trade"


def total(outcome: dict[str, Any]) -> str:
    """P&L with adjustments and unrealized, or what is known; a dash without a day."""
    if outcome["total_pnl"] is None and outcome["pnl_basis"]:
        return outcome["pnl_basis"].replace("_", " ")
    return money(outcome["total_pnl"])
