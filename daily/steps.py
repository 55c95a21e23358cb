"""The steps of a morning: each says in one line what it did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runtime.errors import UserError
from runtime.home import Home
from runtime.ledger import SUCCEEDED, Ledger, StepRun, latest_of
from runtime.settings import Settings
from runtime.warehouse import count_rows, load_ledger, require_run_context, table_rows


@dataclass(frozen=True)
class Done:
    """What a step did: a sentence for people, and the rows it wrote, if any."""

    message: str
    rows_count: int | None = None


Step = Callable[[Settings, Home], Done]


def freshness(settings: Settings, home: Home) -> Done:
    """Check how long ago the data was loaded: late is a warning, stale an error."""
    from runtime.transform.dbt import check_freshness

    return Done(check_freshness(settings, home))


def build(settings: Settings, home: Home) -> Done:
    """Build and test every model up to features and labels: what changed, or all."""
    from runtime.transform.build import build_models

    message, results = build_models(settings, home)
    done = _built(home, results)
    return Done(f"{done.message}; {message}", done.rows_count)


def train(settings: Settings, home: Home) -> Done:
    """Train the models, unless today's data has trained them already."""
    from ml.train import train as train_models

    message = train_models(settings, home)
    return Done(message, count_rows(home, "select count(*) from ml.replayed_forecasts"))


def score(settings: Settings, home: Home) -> Done:
    """Predict the next session."""
    from ml.score import score as score_traders

    message = score_traders(settings, home)
    written = (
        "select count(*) from ml.predictions "
        "inner join raw.run_context using (prediction_date)"
    )
    return Done(message, count_rows(home, written))


def risk(settings: Settings, home: Home) -> Done:
    """Build and test the risk marts on the predictions."""
    load_ledger(home, Ledger(Home(settings.home_root)).table())
    from runtime.transform.build import build_risk_models

    return _built(home, build_risk_models(settings, home))


def publish(settings: Settings, home: Home) -> Done:
    """Publish a read-only copy of the marts."""
    from runtime.publish.marts_copy import publish as publish_marts

    message = publish_marts(home, memory_limit=settings.memory_limit)
    return Done(message, table_rows(home, schema="marts"))


def report(settings: Settings, home: Home) -> Done:
    """Write the report and mail it."""
    from reports.daily_report import report as write_report

    return Done(write_report(settings, home, mails=not _is_past(settings, home)))


def report_by_force(settings: Settings, home: Home) -> Done:
    """Write the report and mail it, though it was mailed before."""
    from reports.daily_report import report as write_report

    return Done(write_report(settings, home, mails=True, force=True))


def board(settings: Settings, home: Home) -> Done:
    """Write the board: pages of the desk, its traders, models and data."""
    from reports.board import write_board

    return Done(write_board(settings, home))


def tune(settings: Settings, home: Home) -> Done:
    """Choose the models' settings on a validation split, for the days to come."""
    from ml.tune import tune as tune_models

    return Done(tune_models(settings, home))


def verify(settings: Settings, home: Home) -> Done:
    """Check that every model is sound and fresh, and say what beats its baseline."""
    from ml.verify import verify as verify_models

    return Done(verify_models(settings, home))


def docs(settings: Settings, home: Home) -> Done:
    """Write the lineage site: one static page that works offline."""
    from runtime.publish.lineage_site import lineage_page
    from runtime.transform.dbt import run_dbt

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


MORNING: tuple[Step, ...] = (
    freshness, build, train, score, risk, publish, report, board,
)  # fmt: skip
# What reads marts (all but `publish` their copy), and what changes them; the last of
# these ends the change.
_READERS = {one.__name__ for one in (publish, report, report_by_force, board)}
_WRITERS = (build.__name__, score.__name__, risk.__name__)


def refuse_half_built(
    steps: Sequence[Step], recorded: Sequence[StepRun], home: Home
) -> None:
    """Let no step read marts that are partially rebuilt, or a copy older than they are.

    Args:
        steps: What is about to be done.
        recorded: Every step of the ledger.
        home: On whose warehouse.

    Raises:
        UserError: The first step reads marts, and what changed them last did not end
            well, or was not the last of the change, or is not published.
    """
    if steps[0].__name__ not in _READERS:
        return
    here = [one for one in recorded if one.home == str(home.root)]
    last = latest_of(here, *_WRITERS)
    built = latest_of(here, build.__name__)
    if built is not None and built.outcome != SUCCEEDED:
        # Later steps may have gone well on what it left.
        last = built
    if last is None or (last.step == _WRITERS[-1] and last.outcome == SUCCEEDED):
        if last is not None and steps[0] is not publish:
            _refuse_old_copy(here, last, home)
        return
    what = "the last step" if last.outcome == SUCCEEDED else last.outcome
    raise UserError(
        f"The marts in {home.root} are not of one piece: `{last.step}` of "
        f"{last.started_at:%Y-%m-%d %H:%M} UTC was {what}. Run `make daily`. The "
        "published copy and the reports on disk are as they were."
    )


def _refuse_old_copy(here: Sequence[StepRun], last: StepRun, home: Home) -> None:
    """Let no step tell of the copy what the marts no longer say."""
    done = [one for one in here if one.outcome == SUCCEEDED]
    published = latest_of(done, publish.__name__)
    if published is not None and published.started_at < last.started_at:
        raise UserError(
            f"The copy in {home.published} is older than the marts: `{last.step}` of "
            f"{last.started_at:%Y-%m-%d %H:%M} UTC is not published. Run "
            "`make publish`."
        )


def _is_past(settings: Settings, home: Home) -> bool:
    return home.root != settings.home_root and not settings.publish_past


def _built(home: Home, results: list) -> Done:
    kinds = [result.node.resource_type for result in results]
    tests = sum(kind == "test" for kind in kinds)
    names = [result.node.name for result in results]
    return Done(
        f"{len(kinds) - tests} models and seeds built, {tests} tests passed",
        table_rows(home, names=names),
    )
