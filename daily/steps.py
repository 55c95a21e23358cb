"""The steps of a morning: each says in one line what it did."""

from collections.abc import Callable
from dataclasses import dataclass

from runtime.build_chain import BUILD, RISK, SCORE, require
from runtime.freshness import check_freshness
from runtime.home import Home
from runtime.ledger import STEPS, Ledger
from runtime.settings import Settings
from runtime.staleness import is_past_morning, last_fill_date
from runtime.unchanged import remember, unchanged, unchanged_since
from runtime.warehouse import count_rows, load_ledger, require_run_context, table_rows


@dataclass(frozen=True)
class Done:
    """What a step did.

    Attributes:
        message: A sentence for people.
        rows_count: Rows that it wrote, if any.
        missing_sessions_count: As in the ledger.
    """

    message: str
    rows_count: int | None = None
    missing_sessions_count: int | None = None


Step = Callable[[Settings, Home], Done]


def freshness(_: Settings, home: Home) -> Done:
    """Check how long ago the data was loaded: late is a warning, stale an error."""
    return Done(f"{check_freshness(home)}; the last fill is of {last_fill_date(home)}")


def build(settings: Settings, home: Home) -> Done:
    """Build and test every model up to features and labels: what changed, or all."""
    if message := unchanged(home, BUILD):
        return Done(message)
    from runtime.transform.build import build_models

    planned, results = build_models(settings, home)
    done = _built(home, BUILD, results)
    return Done(f"{done.message}; {planned}", done.rows_count)


def train(settings: Settings, home: Home) -> Done:
    """Train the models, unless today's data has trained them already."""
    from ml.train import train as train_models

    require(home, BUILD)
    message = train_models(settings, home)
    return Done(message, count_rows(home, "select count(*) from ml.replayed_forecasts"))


def score(settings: Settings, home: Home) -> Done:
    """Predict the next session."""
    from ml.score import score as score_traders

    message = score_traders(settings, home, require(home, BUILD))
    written = (
        "select count(*) from ml.predictions "
        "inner join raw.run_context using (prediction_date)"
    )
    return Done(message, count_rows(home, written))


def risk(settings: Settings, home: Home) -> Done:
    """Build and test the risk marts on the predictions."""
    from live.night import load_live_sessions
    from trading_limits.warehouse import load_limits

    root = Home(settings.home_root)
    load_ledger(home, STEPS.name, Ledger(root).table())
    problems = list(load_live_sessions(settings, home, root).problems)
    if problem := load_limits(settings, root, home):
        problems.append(problem)
    message, rows_count = unchanged(home, RISK), None
    if message is None:
        from runtime.transform.build import build_risk_models

        done = _built(home, RISK, build_risk_models(settings, home))
        message, rows_count = done.message, done.rows_count
    # The morning is not stopped: the report has the alarm.
    return Done(". ".join([message, *problems]), rows_count)


def publish(settings: Settings, home: Home) -> Done:
    """Publish a read-only copy of the marts."""
    from runtime.publish.marts_copy import is_published
    from runtime.publish.marts_copy import publish as publish_marts

    made_of = require(home, RISK)
    if (published_at := is_published(home, made_of)) is not None:
        return Done(f"{unchanged_since(published_at)}: the copy stays as it is")
    message = publish_marts(home, made_of=made_of, memory_limit=settings.memory_limit)
    return Done(message, table_rows(home, schema="marts"))


def report(settings: Settings, home: Home) -> Done:
    """Write the report and mail it."""
    from reports.daily_report import report as write_report
    from runtime.publish.marts_copy import require_published

    require_published(home)
    mails = settings.publish_past or not is_past_morning(settings)
    return Done(write_report(settings, home, mails=mails))


def report_by_force(settings: Settings, home: Home) -> Done:
    """Write the report and mail it, though it was mailed before."""
    from reports.daily_report import report as write_report
    from runtime.publish.marts_copy import require_published

    require_published(home)
    return Done(write_report(settings, home, mails=True, force=True))


def board(settings: Settings, home: Home) -> Done:
    """Write the board: pages of the desk, its traders, models and data."""
    from reports.board import write_board
    from runtime.publish.marts_copy import require_published

    require_published(home)
    return Done(write_board(settings, home))


def tune(settings: Settings, home: Home) -> Done:
    """Choose the models' settings on a validation split, for the days to come."""
    from ml.tune import tune as tune_models

    require(home, BUILD)
    return Done(tune_models(settings, home))


def verify(settings: Settings, home: Home) -> Done:
    """Check that every model is sound and fresh, and say what beats its baseline."""
    from ml.verify import verify as verify_models

    require(home, SCORE)
    return Done(verify_models(settings, home))


def docs(settings: Settings, home: Home) -> Done:
    """Write the lineage site: one static page that works offline."""
    from runtime.publish.lineage_site import lineage_page
    from runtime.transform.dbt import run_dbt

    require(home, RISK)
    run_dbt(settings, home, "docs generate")
    is_sample = require_run_context(home).is_sample
    home.docs.mkdir(parents=True, exist_ok=True)
    page = home.docs / "index.html"
    page.write_text(
        lineage_page(home.dbt / "target", is_sample=is_sample), encoding="utf-8"
    )
    return Done(f"open {page}")


def build_spark(settings: Settings, home: Home) -> Done:
    """Export the sources as Parquet; build and test every model on them, on Spark."""
    from runtime.transform.lake import write_lake
    from runtime.transform.spark import build_on_spark

    write_lake(home)
    return Done(build_on_spark(settings, home))


def limits_demo(settings: Settings, home: Home) -> Done:
    """Let the sample desk propose, approve, export and read back limits."""
    from trading_limits.sample_desk import demonstrate

    return Done(demonstrate(settings, home))


MORNING: tuple[Step, ...] = (
    freshness, build, train, score, risk, publish, report, board,
)  # fmt: skip


def _built(home: Home, stage: str, results: list) -> Done:
    made = [one.node.name for one in results if one.node.resource_type != "test"]
    message = (
        f"{len(made)} models and seeds built, {len(results) - len(made)} tests passed"
    )
    remember(home, stage, made, message)
    return Done(message, table_rows(home, names=made))
