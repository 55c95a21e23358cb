"""The steps of a morning: each says in one line what it did."""

from collections.abc import Callable

from runtime.home import Home
from runtime.settings import Settings
from runtime.warehouse import read_run_context

Step = Callable[[Settings, Home], str]


def freshness(settings: Settings, home: Home) -> str:
    """Check how long ago the data was loaded: late is a warning, stale an error."""
    from runtime.transform import check_freshness

    return check_freshness(settings, home)


def build(settings: Settings, home: Home) -> str:
    """Build and test every model up to features and labels."""
    return _dbt_build(settings, home, "before_scoring")


def train(settings: Settings, home: Home) -> str:
    """Train the models, unless today's data has trained them already."""
    from ml.train import train as train_models

    return train_models(settings, home)


def score(settings: Settings, home: Home) -> str:
    """Predict the next session."""
    from ml.score import score as score_traders

    return score_traders(settings, home)


def risk(settings: Settings, home: Home) -> str:
    """Build and test the risk marts on the predictions."""
    return _dbt_build(settings, home, "after_scoring")


def publish(settings: Settings, home: Home) -> str:
    """Publish a read-only copy of the marts."""
    from runtime.publish import publish as publish_marts

    if _is_past(settings, home):
        return "not published: the run is of the past (PUBLISH_PAST=1 publishes it)"
    return publish_marts(home)


def report(settings: Settings, home: Home) -> str:
    """Write the report and mail it."""
    from reports.daily_report import report as write_report

    return write_report(settings, home, mails=not _is_past(settings, home))


def tune(settings: Settings, home: Home) -> str:
    """Choose the models' settings on a validation split, for the days to come."""
    from ml.tune import tune as tune_models

    return tune_models(settings, home)


def verify(settings: Settings, home: Home) -> str:
    """Check that every model is sound and fresh, and say what beats its baseline."""
    from ml.verify import verify as verify_models

    return verify_models(settings, home)


def docs(settings: Settings, home: Home) -> str:
    """Write the lineage site: one static page that works offline."""
    from runtime.lineage_site import lineage_page
    from runtime.transform import run_dbt

    run_dbt(settings, home, "docs generate")
    is_sample = read_run_context(home).is_sample
    home.docs.mkdir(parents=True, exist_ok=True)
    page = home.docs / "index.html"
    page.write_text(
        lineage_page(home.dbt / "target", is_sample=is_sample), encoding="utf-8"
    )
    return f"open {page}"


AFTER_INGEST: tuple[Step, ...] = (
    freshness, build, train, score, risk, publish, report,
)  # fmt: skip


def _is_past(settings: Settings, home: Home) -> bool:
    return home.root != settings.home_root and not settings.publish_past


def _dbt_build(settings: Settings, home: Home, selector: str) -> str:
    from runtime.transform import run_dbt

    # Unit tests check the code, not the data: they belong to `make test`.
    results = run_dbt(
        settings, home, "build", "--selector", selector,
        "--exclude-resource-type", "unit_test",
    )  # fmt: skip
    kinds = [result.node.resource_type for result in results]
    tests = sum(kind == "test" for kind in kinds)
    return f"{len(kinds) - tests} models and seeds built, {tests} tests passed"
