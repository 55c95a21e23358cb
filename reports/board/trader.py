"""A page of each trader: facts, forecast, days, and the details of a day."""

from typing import Any

import duckdb

from reports.board import figures
from reports.board.rows import Row, by_trader, rows
from reports.board.site import Site, trader_page
from reports.names import slug
from reports.summary import forecasts_by_trader
from runtime.warehouse import eastern_time, sum_if_known

# What a risk manager looks at of each traded day, as the mean or, where single days lie
# far out, the median of 20.
BEHAVIOUR = {
    "closed_trips_count": "avg",
    "trip_win_ratio": "avg",
    "mean_winner_holding_minutes": "median",
    "mean_loser_holding_minutes": "median",
    "notional_vs_20d_ratio": "median",
    "past_stop_fills_ratio": "avg",
    "reentry_after_loss_ratio": "avg",
    "give_back_ratio": "median",
    "fee_share_of_gross": "median",
}
# Columns, title and unit of each chart of them.
BEHAVIOUR_CHARTS = (
    ({"closed_trips_count": "trades"}, "Trades closed a day", "Trades"),
    ({"trip_win_ratio": "won"}, "Share of trades won", figures.SHARE),
    (
        {
            "mean_winner_holding_minutes": "winners",
            "mean_loser_holding_minutes": "losers",
        },
        "Holding time of winners and losers",
        "Minutes",
    ),
    (
        {"notional_vs_20d_ratio": "turnover"},
        "Turnover, as a multiple of the twenty days before",
        "Multiple of usual",
    ),
    ({"past_stop_fills_ratio": "fills"}, "Fills past the usual stop", figures.SHARE),
    (
        {"reentry_after_loss_ratio": "re-entries"},
        "Losing trades followed by a quick re-entry",
        figures.SHARE,
    ),
    (
        {"give_back_ratio": "given back"},
        "Given back, as a multiple of the day's peak",
        "Multiple of the peak",
    ),
    (
        {"fee_share_of_gross": "fees"},
        "Fees, as a multiple of gross P&L",
        "Multiple of gross P&L",
    ),
)
LINES = 10
SHOWN_BREACHES = 20
SHOWN_FORECASTS = 20
_NET_PNL = f"{sum_if_known('net_pnl')} as net_pnl"


def write_traders(site: Site, connection: duckdb.DuckDBPyConnection) -> int:
    """Write a page for each trader; returns how many."""
    found = _read(connection)
    forecasts = forecasts_by_trader(site.summary)
    for status in site.traders:
        trader = status["trader_id"]
        own = {name: part.get(trader, []) for name, part in found.items()}
        forecast = forecasts.get(trader)
        known = [day for day in own["days"] if day["net_pnl"] is not None]
        # As the distance from the peak is shown: by the total, where it is known.
        levels = [
            {
                "date": day["date"],
                "net_pnl": day["net_pnl"]
                if day["total_pnl"] is None
                else day["total_pnl"],
            }
            for day in known
        ]
        site.write_page(
            trader_page(trader),
            "trader",
            status=status,
            forecast=forecast,
            facts=site.facts.get(trader),
            kept=f"data/{slug(trader)}/",
            days=_of_days(own),
            months=own["months"][::-1],
            worst_days=sorted(known, key=lambda day: day["net_pnl"])[:LINES],
            drawdowns=figures.drawdowns(levels)[:5],
            charts=_charts(own, forecast),
            behaviour=[
                figures.small(own["lately"], "date", columns, title, unit)
                for columns, title, unit in BEHAVIOUR_CHARTS
            ],
            score=next(iter(own["scores"]), None),
            record=own["record"][-SHOWN_FORECASTS:][::-1],
            shown_breaches=own["breaches"][:SHOWN_BREACHES],
            **{
                name: own[name]
                for name in (
                    "accounts", "breaches", "behaviour_scores", "neighbours",
                    "worst_trades", "positions", "rules",
                )
            },
        )  # fmt: skip
    return len(site.traders)


# Of a day that is opened: what it was, what had been forecasted, and its breaches.
_OF_DAY = (
    "net_pnl", "total_pnl", "unknown_parts", "limit_amount", "is_limit_set",
    "peak_net_pnl", "trough_net_pnl", "peak_at_et", "trough_at_et",
    "peak_gross_exposure", "overnight_gross_exposure", "largest_symbol", "opening",
)  # fmt: skip
_OF_FORECAST = (
    "limit_risk", "risk_level", "is_replayed", "limit_loss_probability",
    "loss_probability", "predicted_pnl_p05",
)  # fmt: skip
_OF_BREACH = (
    "rule", "limit_unit", "limit_value", "most_value", "breached_at_et",
    "is_past_at_open", "positions", "fills_after_breach_count",
    "net_pnl_after_breach", "status", "note", "noted_by",
)  # fmt: skip


def _of_days(own: dict[str, list[Row]]) -> dict[str, Any]:
    """Every day, in lists of values by date: their names would be most of the page."""
    return {
        "days": _listed(own["days"], "date", _OF_DAY),
        "forecasts": _listed(own["record"], "prediction_date", _OF_FORECAST),
        "breaches": {
            "names": _OF_BREACH,
            "rows": [
                [row["trade_date"], *(row[name] for name in _OF_BREACH)]
                for row in own["breaches"]
            ],
        },
    }


def _listed(found: list[Row], key: str, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "names": names,
        "rows": {row[key]: [row[name] for name in names] for row in found},
    }


def _charts(own: dict[str, list[Row]], forecast: Row | None) -> list[figures.Chart]:
    has_quantiles = forecast is not None and forecast["predicted_pnl_p05"] is not None
    return [
        figures.daily(own["days"]),
        figures.equity(own["days"], "the trader"),
        *([figures.quantiles(forecast)] if forecast and has_quantiles else []),
        figures.against_outcomes(
            own["record"],
            "predicted_pnl_p05",
            "predicted_pnl_p95",
            "predicted_pnl",
            ("90 % interval", "expected"),
            "Forecasts against outcomes",
        ),
        figures.bars(
            own["hours"],
            "hour",
            "net_pnl",
            "Net P&L by the hour in which it was realized",
            "Hour, Eastern",
        ),
        figures.ranked(
            own["symbols"], "symbol", "net_pnl", "Net P&L of closed trades by symbol"
        ),
    ]


def _read(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, list[Row]]]:
    """Each part of the pages, by trader."""
    return {
        name: by_trader(rows(connection, sql)) for name, sql in _QUERIES.items()
    } | {"lately": by_trader(_lately(connection))}


def _lately(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    shown = ", ".join(
        f"{how}({column}) over lately as {column}" for column, how in BEHAVIOUR.items()
    )
    return rows(
        connection,
        f"select trader_id, trade_date as date, {shown} from marts.feat_trader_day "
        "window lately as (partition by trader_id order by trade_date "
        "rows between 19 preceding and current row) "
        # Means of twenty days move little from one day to the next.
        "qualify row_number() over (partition by trader_id order by trade_date desc) "
        "% 5 = 1 order by trader_id, date",
    )


_QUERIES = {
    "days": f"""
        with limits as (
            select scope_name as trader_id, trade_date, limit_value, is_limit_set
            from marts.fct_limit_use
            where scope_type = 'trader' and rule = 'daily_loss'
        ),
        exposures as (
            select scope_name as trader_id, trade_date, peak_gross_exposure,
                overnight_gross_exposure, largest_symbol
            from marts.fct_scope_exposure where scope_type = 'trader'
        ),
        held as (
            select trader_id, trade_date, symbol,
                sum(position_quantity) as quantity
            from marts.fct_open_positions group by all
        ),
        -- What was held at the open: the close of the session before.
        openings as (
            select trader_id, next_session_date as trade_date,
                list(
                    [symbol, cast(cast(quantity as double) as varchar)] order by symbol
                ) as opening
            from held
            inner join marts.dim_sessions on held.trade_date = session_date
            where quantity <> 0 group by all
        )
        select totals.trader_id, totals.trade_date as date, totals.net_pnl,
            totals.total_pnl, totals.unknown_parts,
            coalesce(limit_value, totals.daily_loss_limit_amount) as limit_amount,
            coalesce(is_limit_set, false) as is_limit_set,
            peak_net_pnl, trough_net_pnl,
            {eastern_time("peak_at")} as peak_at_et,
            {eastern_time("trough_at")} as trough_at_et,
            round(peak_gross_exposure) as peak_gross_exposure,
            round(overnight_gross_exposure) as overnight_gross_exposure,
            largest_symbol, opening
        from marts.fct_trader_total_pnl as totals
        left join limits using (trader_id, trade_date)
        left join exposures using (trader_id, trade_date)
        left join openings using (trader_id, trade_date)
        left join marts.fct_intraday_pnl using (trader_id, trade_date)
        order by trader_id, date
    """,
    "months": f"""
        select trader_id, strftime(trade_date, '%Y-%m') as month, {_NET_PNL},
            {sum_if_known("total_pnl")} as total_pnl,
            count(*) as days_count, count(*) filter (net_pnl < 0) as lost_count,
            min(net_pnl) as worst_pnl,
            count(*) filter (is_limit_breached) as breaches_count
        from marts.fct_trader_total_pnl group by trader_id, month
        order by trader_id, month
    """,
    "record": """
        select record.*, total_pnl, pnl_basis
        from marts.forecast_record as record
        left join marts.fct_trader_total_pnl as totals
            on totals.trader_id = record.trader_id
            and totals.trade_date = record.prediction_date
        order by record.trader_id, prediction_date
    """,
    "hours": f"""
        with fills as (
            select *, realized_gross_pnl - total_fees as net_pnl from marts.fct_fills
        )
        select trader_id, extract(hour from filled_at_et) as hour, {_NET_PNL}
        from fills
        where is_counted and has_fill_time and trader_id is not null
        group by all order by all
    """,
    # The largest both ways, so that the worst is always there.
    "symbols": f"""
        with symbols as (
            select trader_id, symbol, {_NET_PNL}
            from marts.fct_round_trips where is_closed and trader_id is not null
            group by trader_id, symbol
        )
        select * from symbols qualify least(
            row_number() over (
                partition by trader_id order by net_pnl desc nulls last, symbol
            ),
            row_number() over (
                partition by trader_id order by net_pnl nulls first, symbol
            )
        ) <= 6
        order by trader_id, net_pnl nulls first, symbol
    """,
    "breaches": f"""
        select scope_name as trader_id, *,
            {eastern_time("breached_at")} as breached_at_et
        from marts.fct_breaches where scope_type = 'trader'
        order by trader_id, trade_date desc, rule
    """,
    "behaviour_scores": """
        select * from marts.trader_behaviour where score is not null
        qualify trade_date = max(trade_date) over (partition by trader_id)
        order by trader_id, score desc
    """,
    "neighbours": ("from marts.newcomer_neighbours order by trader_id, neighbour_rank"),
    "accounts": """
        select trader_id, account_id, valid_from from marts.dim_accounts
        order by trader_id, valid_from, account_id
    """,
    "worst_trades": f"""
        select * from marts.fct_round_trips where is_closed and trader_id is not null
        qualify row_number() over (
            partition by trader_id order by net_pnl nulls first, round_trip_id
        ) <= {LINES}
        order by trader_id, net_pnl nulls first
    """,
    # Of the last close of the whole desk: an older one is not what is held now.
    "positions": """
        select * from marts.fct_open_positions
        where trade_date = (
            select max(trade_date) from marts.daily_totals where fills_count > 0
        )
        order by trader_id, abs(open_cost) desc nulls first, symbol
    """,
    "rules": """
        select * from marts.rule_effects where scope = 'trader'
        order by trader_id, effect desc nulls last, rule
    """,
    "scores": "from marts.trader_forecast_scores",
}
