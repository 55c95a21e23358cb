"""What forecasts, levels and size advice were worth, losses missed included."""

import duckdb

from reports.board import figures
from reports.board.rows import Row, rows
from reports.board.site import Site
from reports.words import money

LINES = 20


def write_record(site: Site, connection: duckdb.DuckDBPyConnection) -> None:
    """Write `record.html`."""
    desk = rows(
        connection, "from marts.desk_forecast_outcomes order by prediction_date"
    )
    site.write_page(
        "record.html",
        "record",
        levels=[
            *_levels(connection, "limit_risk", ("High", "Elevated", "Normal")),
            *_levels(connection, "risk_level", ("High", "Medium", "Low")),
        ],
        worst=rows(
            connection,
            f"""
            select record.*, display_name from marts.forecast_record as record
            left join marts.trader_status using (trader_id)
            where actual_net_pnl < 0
            order by actual_net_pnl, trader_id, record.prediction_date limit {LINES}
            """,
        ),
        tests=rows(
            connection,
            "from marts.desk_tail_tests where prediction_date = "
            "(select max(prediction_date) from marts.desk_tail_tests) "
            "order by scope_type <> 'desk', scope_type, scope_name",
        ),
        backtest=rows(
            connection,
            "from marts.backtest_metrics where trader_id = '' and period = '' "
            "and model in ('champion', 'limit_risk', 'risk_level') "
            "order by target, metric, model",
        ),
        charts=[
            figures.against_outcomes(
                desk,
                "worst_case_pnl",
                "best_case_pnl",
                "median_pnl",
                ("from worst to best case, 90 %", "median"),
                "The desk's 1-in-20 worst and best case against what it made",
            ),
            *_advice(desk),
        ],
    )  # fmt: skip


def _advice(desk: list[Row]) -> list[figures.Chart]:
    """What the advised size would have changed, where one was advised at all."""
    effect, total = [], 0.0
    for row in desk:
        total += row["advised_size_effect"] or 0
        effect.append({"date": row["prediction_date"], "effect": total})
    if not any(row["effect"] for row in effect):
        return []
    return [
        figures.Chart(
            "What trading at the advised size would have changed, added up",
            f"{money(total)} over {len(effect)} sessions.",
            [
                figures.line(
                    effect, "date", "effect", "effect",
                    hovertemplate="%{x|%a %Y-%m-%d}: %{y}<extra></extra>",
                )
            ],
            {
                "xaxis": figures.axis("Session"),
                "yaxis": figures.axis(figures.DOLLARS),
            },
        )
    ]  # fmt: skip


def _levels(
    connection: duckdb.DuckDBPyConnection, column: str, order: tuple[str, ...]
) -> list[Row]:
    """How days of each level turned out, in the levels' order."""
    found = {
        row["level"]: row
        for row in rows(
            connection,
            f"""
            select {column} as level, count(*) as forecasts_count,
                count(*) filter (is_limit_breached) as breaches_count,
                avg(cast(is_limit_breached as int)) as breach_ratio,
                avg(cast(is_loss as int)) as loss_ratio,
                avg(actual_net_pnl) as mean_pnl, min(actual_net_pnl) as worst_pnl,
                sum(actual_net_pnl) filter (is_loss) as lost_amount
            from marts.forecast_record where {column} is not null group by level
            """,
        )
    }
    return [{"kind": column, **found[level]} for level in order if level in found]
