"""Whether the data can be trusted: problems first, then how mornings went."""

import duckdb

from reports.board import figures
from reports.board.rows import pivoted, rows
from reports.board.site import Site
from runtime.ledger import Ledger


def write_quality(
    site: Site, connection: duckdb.DuckDBPyConnection, ledger: Ledger
) -> None:
    """Write `data.html`; its runs are those of now, not of when the copy was made."""
    connection.register("run_ledger", ledger.table())
    found = {name: rows(connection, sql) for name, sql in _QUERIES.items()}
    months, classes = pivoted(
        found.pop("classes"), ("month",), "difference_class", "days_count"
    )
    charts = [
        figures.stacked(
            months,
            "month",
            {name: name.replace("_", " ") for name in sorted(classes)},
            "Account-days against the broker's own summary, by month",
            ("Month", "Account-days"),
        )
    ]
    seconds = found.pop("seconds")
    if seconds:
        mornings, steps = pivoted(seconds, ("run_id", "started_at"), "step", "seconds")
        charts.append(
            figures.stacked(
                mornings,
                "started_at",
                {step: step for step in steps},
                "How long the steps of each morning took",
                ("Morning (UTC)", "Seconds"),
            )
        )
    site.write_page("data.html", "data", charts=charts, **found)


_QUERIES = {
    "checks": "from marts.data_quality order by check_order",
    "classes": """
        select strftime(trade_date, '%Y-%m') as month, difference_class,
            count(*) as days_count
        from marts.broker_reconciliation group by all order by all
    """,
    "gate": """
        select as_of_date, check_name, severity, count(*) as batches_count,
            sum(cast(not is_met as int)) as unmet_count,
            max(case when not is_met then finding end) as finding
        from marts.gate_results
        where as_of_date in (
            select distinct as_of_date from marts.gate_results
            order by as_of_date desc limit 10
        )
        group by all order by as_of_date desc, unmet_count desc, check_name
    """,
    "corrections": """
        select cast(known_at as date) as date, count(*) as days_count
        from marts.fill_day_versions where version_number > 1
        group by all order by date desc limit 20
    """,
    "steps": """
        select * from run_ledger
        qualify dense_rank() over (order by run_id desc) <= 10
        order by run_id desc, step_number
    """,
    "seconds": """
        select run_id, step, sum(seconds) as seconds,
            min(min(started_at)) over (partition by run_id) as started_at
        from run_ledger where command = 'run' and outcome = 'succeeded'
        group by run_id, step
        qualify dense_rank() over (order by run_id desc) <= 60
        order by run_id, step
    """,
}
