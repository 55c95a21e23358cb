"""Limits for trading platforms: where they stand, their history, what they would do."""

import duckdb

from reports.board.rows import rows
from reports.board.site import Site

# Lines of the history; the mart has all of it.
LINES = 500


def write_limits(site: Site, connection: duckdb.DuckDBPyConnection) -> None:
    """Write `limits.html`."""
    site.write_page(
        "limits.html",
        "limits",
        **{name: rows(connection, sql) for name, sql in _QUERIES.items()},
    )


_QUERIES = {
    "checks": "from marts.limit_health order by check_order",
    "platforms": """
        select platforms.*, display_name
        from marts.limit_platforms as platforms
        left join marts.trader_status using (trader_id)
        order by case status when 'drifted' then 1 when 'not sent' then 2
            when 'sent' then 3 when 'acknowledged' then 4 else 5 end,
            platform, account_id, limit_name
    """,
    "history": f"""
        select history.*, display_name
        from marts.fct_limit_history as history
        left join marts.trader_status using (trader_id)
        order by session_date desc, entry_number desc, account_id, limit_name
        limit {LINES}
    """,
    "effects": f"""
        select effects.*, display_name
        from marts.limit_effects as effects
        left join marts.trader_status using (trader_id)
        order by entry_number desc, account_id, period desc limit {LINES}
    """,
    "trials": "from marts.limit_trial order by first_session desc, measure",
}
