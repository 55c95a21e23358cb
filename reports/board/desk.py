"""The desk's page: attention, every trader, what is held, and the tail."""

import math
from typing import Any

import duckdb

from reports.board import figures
from reports.board.rows import Row, plain, rows
from reports.board.site import Site, trader_page
from reports.sentences import headline_said
from reports.summary import LEVELS, NO_FACTS, forecasts_by_trader
from runtime.warehouse import eastern_time, sum_if_known

# Columns of the heat map, and lines of each short table.
HEAT_SESSIONS = 21
LINES = 12


def write_desk(site: Site, connection: duckdb.DuckDBPyConnection) -> None:
    """Write `index.html`, `compare.html` and the daily P&L that both of them read."""
    sessions, days, beyond = _days(connection)
    traders = [
        {
            "id": one["trader_id"],
            "name": one["display_name"] or one["trader_id"],
            "page": trader_page(one["trader_id"]),
            "net": days.get(one["trader_id"], {}),
            "beyond": beyond.get(one["trader_id"], []),
        }
        for one in site.traders
    ]
    site.write_data("data/desk.js", {"sessions": sessions, "traders": traders})
    overview = _overview(site, connection)
    site.write_page(
        "index.html",
        "desk",
        overview=overview,
        levels=LEVELS,
        headline=headline_said(site.summary),
        choices=_choices(overview),
        heat=_heat(overview, sessions, days),
        **_held(connection),
        **_tails(connection),
    )
    site.write_page("compare.html", "compare")


def _overview(site: Site, connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Every trader: who they are, what happened, and the forecast if there is one."""
    forecasts = forecasts_by_trader(site.summary)
    kinds = {
        row["trader_id"]: row
        for row in rows(
            connection,
            "select trader_id, trader_group, strategy from marts.dim_traders "
            "where is_current",
        )
    }
    nothing = {"trader_group": None, "strategy": None}
    overview = [
        {
            **one,
            **kinds.get(one["trader_id"], nothing),
            "facts": {
                name: plain(value)
                for name, value in site.facts.get(one["trader_id"], NO_FACTS).items()
            },
            "forecast": forecasts.get(one["trader_id"]),
        }
        for one in site.traders
    ]
    # As the summary has them, most at risk first; who has no forecast comes last.
    places = {trader: place for place, trader in enumerate(forecasts)}
    return sorted(overview, key=lambda one: places.get(one["trader_id"], len(places)))


def _choices(overview: list[Row]) -> dict[str, list[str]]:
    """What the table can be narrowed to, where there is a choice."""
    found = {
        "level": [
            level
            for level in LEVELS
            if any(
                one["forecast"] and one["forecast"]["limit_risk"] == level
                for one in overview
            )
        ]
    }
    for name, column in (("group", "trader_group"), ("strategy", "strategy")):
        found[name] = sorted({one[column] for one in overview if one[column]})
    return {name: values for name, values in found.items() if len(values) > 1}


def _days(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[list[str], dict[str, dict[int, float | None]], dict[str, list[int]]]:
    """Every session with P&L, and what each trader made in it.

    Returns:
        Dates; by trader, by place in the dates, the net P&L (None if not known); by
        trader, the places of sessions closed beyond the limit, set or default.
    """
    found = rows(
        connection,
        "select trader_id, trade_date, net_pnl, is_limit_breached "
        "from marts.fct_trader_total_pnl order by trade_date, trader_id",
    )
    sessions = sorted({row["trade_date"] for row in found})
    places = {date: place for place, date in enumerate(sessions)}
    days: dict[str, dict[int, float | None]] = {}
    beyond: dict[str, list[int]] = {}
    for row in found:
        trader, place = row["trader_id"], places[row["trade_date"]]
        days.setdefault(trader, {})[place] = row["net_pnl"]
        if row["is_limit_breached"]:
            beyond.setdefault(trader, []).append(place)
    return sessions, days, beyond


def _heat(
    overview: list[Row],
    sessions: list[str],
    days: dict[str, dict[int, float | None]],
) -> dict[str, Any]:
    """The last sessions of each trader who traded in them, worst sum first."""
    first = max(0, len(sessions) - HEAT_SESSIONS)
    lines = []
    for one in overview:
        own = days.get(one["trader_id"], {})
        cells = [
            {"date": sessions[place], "net": own[place]} if place in own else None
            for place in range(first, len(sessions))
        ]
        nets: list[float | None] = [own[at] for at in own if at >= first]
        if nets:
            known = [net for net in nets if net is not None]
            total = sum(known) if len(known) == len(nets) else None
            lines.append({**one, "cells": cells, "sum": total})
    sizes = sorted(
        abs(net)
        for own in days.values()
        for at, net in own.items()
        if at >= first and net is not None
    )
    # A single day far out would leave all others pale.
    full = sizes[int(0.95 * (len(sizes) - 1))] if sizes else 0
    return {
        "dates": sessions[first:],
        "lines": sorted(
            lines, key=lambda line: -math.inf if line["sum"] is None else line["sum"]
        ),
        "full": full or 1,
    }


def _held(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What is held overnight, by symbol and by sector; by several at once."""
    return {
        "held": rows(
            connection,
            f"""
            with accounts as (
                select account_id, is_in_desk_total from marts.dim_accounts
                where is_current
            ),
            held as (
                select positions.*,
                    coalesce(is_in_desk_total, true) as is_in_desk_total,
                    position_quantity * multiplier * exchange_rate
                    * coalesce(close_price, average_price) as exposure
                from marts.fct_open_positions as positions
                left join accounts using (account_id)
                where trade_date = (
                    select max(trade_date) from marts.daily_totals where fills_count > 0
                )
            )
            select symbol, is_in_desk_total,
                {sum_if_known("exposure")} as net_exposure,
                {sum_if_known("abs(exposure)")} as gross_exposure,
                {sum_if_known("unrealized_pnl")} as unrealized_pnl,
                string_agg(distinct trader_id, ', ' order by trader_id) as trader_ids
            from held group by symbol, is_in_desk_total
            order by is_in_desk_total desc, gross_exposure desc nulls first, symbol
            limit {LINES}
            """,
        ),
        # No row where the desk sets no sector.
        "sectors": rows(
            connection,
            """
            select * from marts.fct_sector_exposure
            where scope_type = 'desk' and trade_date = (
                select max(trade_date) from marts.daily_totals where fills_count > 0
            )
            order by overnight_gross_exposure desc nulls first, sector
            """,
        ),
        "crowds": rows(
            connection,
            f"""
            select *, {eastern_time("peak_at")} as peak_at_et from marts.crowding
            where trade_date = (select max(trade_date) from marts.crowding)
            order by peak_exposure desc nulls first, symbol, side limit {LINES}
            """,
        ),
    }


def _tails(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Where the desk's tail comes from, and who loses together."""
    contributions = rows(
        connection,
        """
        select contributions.*, idle_sessions_count
        from marts.desk_risk_contributions as contributions
        left join marts.trader_status using (trader_id)
        where scope_type = 'desk' and contributions.prediction_date = (
            select max(prediction_date) from marts.desk_risk_contributions
        )
        order by expected_shortfall_contribution, trader_id
        """,
    )
    return {
        "contributions": contributions,
        "contribution_chart": figures.ranked(
            contributions,
            "trader_id",
            "expected_shortfall_contribution",
            "Whose losses make the desk's worst sessions",
        ),
        "pairs": rows(
            connection,
            f"""
            select * from marts.trader_correlations
            where prediction_date = (
                select max(prediction_date) from marts.trader_correlations
            )
            order by loses_together desc, both_lost_p_value nulls last,
                correlation desc nulls last, trader_id, other_trader_id
            limit {LINES}
            """,
        ),
        "stresses": rows(
            connection,
            """
            select * from marts.desk_stress
            where stress_order = 1 and prediction_date = (
                select max(prediction_date) from marts.desk_stress
            )
            order by pnl nulls last
            """,
        ),
    }
