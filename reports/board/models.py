"""Whether the models can be trusted: figures by target, checks, what is selected."""

import duckdb

from reports.board import figures
from reports.board.rows import Row, rows
from reports.board.site import Site
from reports.trust import MODEL_WORDS, OUTPUTS, POLICY_WORDS, TARGET_WORDS


def write_models(site: Site, connection: duckdb.DuckDBPyConnection) -> None:
    """Write `models.html`."""
    version = site.summary["model_version"]
    charts = [
        # Chances of a breach are small: finer steps.
        figures.calibration(
            _calibration(connection, "limit_loss_probability", "is_limit_breached", 50),
            "Is the chance of a breach right? Against what happened",
            ("Chance of breaching the limit", "Share of days that did"),
        ),
        figures.calibration(
            _calibration(connection, "loss_probability", "is_loss", 20),
            "Is the probability of a loss right? Against what happened",
            ("Forecast probability of a loss", "Share of days that lost"),
        ),
    ]
    months = rows(
        connection,
        "from marts.model_metrics where model_version = ? and trader_id = '' "
        "and model = 'champion' and target = 'breach' and metric = 'auc' "
        "and metric_value is not null and length(period) = 7 order by period",
        [version],
    )
    if months:
        charts.append(
            figures.small(
                months,
                "period",
                {"metric_value": "AUC"},
                "How well forecasts picked out days with a breach, by month",
                "AUC, 0.5 is chance",
            )
        )
    drift = rows(
        connection,
        """
        select replace(feature_name, '_', ' ') as feature, stability_index
        from marts.feature_drift
        where stability_index is not null and prediction_date = (
            select max(prediction_date) from marts.feature_drift
        )
        order by stability_index desc, feature_name limit 15
        """,
    )
    site.write_page(
        "models.html",
        "models",
        charts=charts,
        drift=drift,
        outputs=OUTPUTS,
        model_words=MODEL_WORDS,
        target_words=TARGET_WORDS,
        policy_words=POLICY_WORDS,
        **{
            name: rows(connection, sql, [version] if "?" in sql else ())
            for name, sql in _QUERIES.items()
        },
    )


_QUERIES = {
    "metrics": """
        from marts.model_metrics where model_version = ? and trader_id = ''
            and period in ('', '60d')
        order by target, metric, model, period
    """,
    "evidence": """
        from marts.policy_evidence where model_version = ?
        order by improvement_over_uniform desc, policy
    """,
    "registry": """
        from marts.model_registry where model_version = ? order by model, trader_id
    """,
    "health": "from marts.model_health order by check_order",
    "policies": """
        from marts.policy_comparison
        where as_of_date = (select max(as_of_date) from marts.policy_comparison)
        order by all
    """,
}


def _calibration(
    connection: duckdb.DuckDBPyConnection, chance: str, event: str, steps: int
) -> list[Row]:
    """A chance against how often it happened, a row for each step of it."""
    return rows(
        connection,
        f"""
        select avg({chance}) as predicted, avg(cast({event} as int)) as observed,
            count(*) as forecasts_count
        from marts.forecast_record where {chance} is not null
        group by least(floor({chance} * {steps}), {steps - 1}) having count(*) >= 10
        order by 1
        """,
    )
