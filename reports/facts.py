"""What happened, read from the marts: of the desk, and of each trader."""

from datetime import date
from typing import Any

import duckdb

from runtime.warehouse import rows_of, sum_if_known

# Sessions that "five days" are.
RECENT_SESSIONS = 5
# What is known of a day of a trader's: nothing of what was realized where fills miss.
_DAYS = """
    days as (
        select trader_id, trade_date, total_pnl, limit_use_ratio, is_limit_breached,
            daily_loss_limit_amount,
            case when pnl_basis <> 'incomplete' then net_pnl end as net_pnl
        from marts.fct_trader_total_pnl where trade_date <= $1
    )
"""
# Traders that are named where a total is not known.
FEW_TRADERS = 3


def read_last_day(connection: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    """What the desk made on its last day with fills: realized, and in all."""
    found = rows_of(
        connection,
        f"""
        with realized as (
            select trade_date, count(*) as accounts_count,
                sum(fills_count) as fills_count, {sum_if_known("net_pnl")} as net_pnl
            from marts.daily_totals where fills_count > 0 and is_in_desk_total
            group by trade_date order by trade_date desc limit 1
        ),
        totals as (
            select trade_date,
                {sum_if_known("total_pnl")} as total_pnl,
                -- What is known least of a trader is first in the alphabet too.
                min(pnl_basis) as pnl_basis,
                list(unknown_parts order by trader_id)
                    filter (where unknown_parts is not null) as unknown_parts,
                count(unknown_parts) as unknown_traders_count,
                sum(stale_marks_count) as stale_marks_count,
                max(oldest_mark_age_sessions_count) as oldest_mark_age_sessions_count
            from marts.fct_trader_total_pnl
            where trade_date = (select trade_date from realized) group by trade_date
        )
        select * from realized left join totals using (trade_date)
        """,
    )
    if not found:
        return None
    (day,) = found
    parts = day["unknown_parts"] or []
    more = [f"of {len(parts) - FEW_TRADERS} more traders"]
    shown = parts[:FEW_TRADERS] + (more if len(parts) > FEW_TRADERS else [])
    day["unknown_parts"] = " and ".join(shown) if shown else None
    return day


def read_desk_facts(
    connection: duckdb.DuckDBPyConnection, last_date: date
) -> dict[str, Any]:
    """Of the desk up to a date: the month, the peak, breaches, what is not known.

    Returns:
        month_start, month_net_pnl and month_total_pnl of what is known, with
        month_incomplete_days_count and month_unknown_days_count, days of which the one
        and the other are not; below_peak_amount, by total P&L and realized where that
        is not known, with peak_unknown_days_count, days that are not in it;
        breaches_count of limits that are set and default_breaches_count of traders
        who have none, both of the date; unknown_traders_count, whose P&L of the last
        five sessions is not known.
    """
    (found,) = rows_of(
        connection,
        f"""
        with {_DAYS},
        month as (
            select period_start as month_start, net_pnl as month_net_pnl,
                total_pnl as month_total_pnl,
                unknown_days_count as month_unknown_days_count,
                incomplete_days_count as month_incomplete_days_count
            from marts.fct_period_pnl
            where period = 'month' and scope = 'desk'
                and period_start = date_trunc('month', $1)
        ),
        desk_days as (
            select trade_date,
                coalesce({sum_if_known("total_pnl")}, {sum_if_known("net_pnl")}) as pnl
            from days group by trade_date
        ),
        levels as (
            select *, sum(coalesce(pnl, 0)) over (order by trade_date) as level
            from desk_days
        ),
        peak as (
            select greatest(max(level), 0) - max_by(level, trade_date)
                    as below_peak_amount,
                count(*) filter (where pnl is null) as peak_unknown_days_count
            from levels
        ),
        limits as (
            select scope_type, scope_name, rule, is_limit_set, is_breached
            from marts.fct_limit_use where trade_date = $1
        ),
        breaches as (
            select count(*) as breaches_count from limits where is_breached
        ),
        default_breaches as (
            select count(*) as default_breaches_count
            from days
            inner join limits
                on days.trader_id = limits.scope_name and scope_type = 'trader'
                and rule = 'daily_loss' and not is_limit_set
            where days.trade_date = $1 and days.is_limit_breached
        ),
        unknown as (
            select count(distinct trader_id) as unknown_traders_count from days
            where net_pnl is null and trade_date >= $2
        )
        from peak, breaches, default_breaches, unknown left join month on true
        """,
        [last_date, _first_date(connection, last_date)],
    )
    return found


def read_trader_facts(
    connection: duckdb.DuckDBPyConnection, last_date: date
) -> dict[str, dict[str, Any]]:
    """The same of each trader.

    Returns:
        By trader: last_net_pnl and five_days_net_pnl, realized (None without a day or
        where it is not known; has_last_day and has_five_days say which);
        limit_use_ratio, the last day's worst loss at any moment over the daily limit or
        the default; below_peak_amount and peak_unknown_days_count
        as of the desk; overnight_amount, held at the last close, in dollars; size_ratio
        of the last traded day, dollars traded against the twenty days before.
    """
    found = rows_of(
        connection,
        f"""
        with {_DAYS},
        levels as (
            select *, sum(coalesce(total_pnl, net_pnl, 0)) over (
                partition by trader_id order by trade_date
            ) as level
            from days
        ),
        traders as (
            select trader_id,
                greatest(max(level), 0) - max_by(level, trade_date)
                    as below_peak_amount,
                count(*) filter (where total_pnl is null and net_pnl is null)
                    as peak_unknown_days_count
            from levels group by trader_id
        ),
        recent as (
            select trader_id, {sum_if_known("net_pnl")} as five_days_net_pnl
            from days where trade_date >= $2 group by trader_id
        ),
        last_days as (
            select days.trader_id, net_pnl as last_net_pnl,
                coalesce(peak_value / daily_loss_limit_amount, limit_use_ratio)
                    as limit_use_ratio
            from days
            left join marts.fct_limit_use as used
                on scope_type = 'trader' and days.trader_id = used.scope_name
                and days.trade_date = used.trade_date and rule = 'daily_loss'
            where days.trade_date = $1
        ),
        nights as (
            select scope_name as trader_id, overnight_gross_exposure as overnight_amount
            from marts.fct_scope_exposure
            where scope_type = 'trader' and trade_date = $1
        ),
        sizes as (
            select trader_id,
                max_by(notional_vs_20d_ratio, trade_date) as size_ratio
            from marts.feat_trader_day group by trader_id
        )
        select traders.*, last_net_pnl, limit_use_ratio, five_days_net_pnl,
            overnight_amount, size_ratio,
            last_days.trader_id is not null as has_last_day,
            recent.trader_id is not null as has_five_days
        from traders
        left join recent using (trader_id)
        left join last_days using (trader_id)
        left join nights using (trader_id)
        left join sizes using (trader_id)
        """,
        [last_date, _first_date(connection, last_date)],
    )
    return {one.pop("trader_id"): one for one in found}


def _first_date(connection: duckdb.DuckDBPyConnection, last_date: date) -> date:
    """Of the last five days on which the desk traded."""
    return connection.execute(
        "select min(trade_date) from (select distinct trade_date "
        "from marts.fct_trader_total_pnl where trade_date <= ? "
        "order by trade_date desc limit ?)",
        [last_date, RECENT_SESSIONS],
    ).fetchall()[0][0]
