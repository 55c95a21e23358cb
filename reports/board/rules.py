"""What the desk's candidate rules would have done, by desk and by trader."""

import duckdb

from reports.board import figures
from reports.board.rows import rows
from reports.board.site import Site


def write_rules(site: Site, connection: duckdb.DuckDBPyConnection) -> None:
    """Write `rules.html`."""
    found = rows(
        connection,
        """
        select effects.*, display_name from marts.rule_effects as effects
        left join marts.trader_status using (trader_id)
        order by scope <> 'desk', effect desc nulls last, rule, effects.trader_id
        """,
    )
    desk = [row for row in found if row["scope"] == "desk"]
    site.write_page(
        "rules.html",
        "rules",
        desk_rules=desk,
        trader_rules=[row for row in found if row["scope"] == "trader"],
        days=next(
            iter(
                rows(
                    connection,
                    "select min(trade_date) as first_date, "
                    "max(trade_date) as last_date from marts.replay_days",
                )
            )
        ),
        chart_of_rules=figures.ranked(
            [
                {
                    **row,
                    "low": row["mean_effect_low"] * row["trader_days_count"],
                    "high": row["mean_effect_high"] * row["trader_days_count"],
                }
                for row in desk[::-1]
                if row["mean_effect_low"] is not None
            ],
            "rule",
            "effect",
            "Effect on the desk's net P&L with its 90 % interval, by rule",
            ("low", "high"),
        ),
    )
