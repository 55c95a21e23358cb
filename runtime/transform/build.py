"""Builds the models: what is new or changed, or everything, batch by batch."""

from runtime.home import Home
from runtime.settings import Settings
from runtime.transform.build_state import (
    BATCH_FILLS,
    batch_ends,
    drop_orphans,
    forget_build,
    planned_days,
    reason_to_build_all,
)
from runtime.transform.dbt import run_dbt

# Unit tests check the code, not the data: they belong to `make test`.
_DATA_ONLY = ("--exclude-resource-type", "unit_test")
# Rows that a build leaves alone were tested when they were built.
_NEW_ROWS_ONLY = {"TEST_NEW_ROWS_ONLY": "true", "BUILD_THROUGH": "9999-12-31"}


def build_models(
    settings: Settings,
    home: Home,
    *options: str,
    batch_fills: int = BATCH_FILLS,
) -> tuple[str, list]:
    """Build and test every model up to features and labels.

    Args:
        settings: Threads and memory limit.
        home: Whose warehouse.
        options: Further ones of dbt's command line, for every run of it.
        batch_fills: Fills of new dates that are taken on at a time.

    Returns:
        What was built anew, as a sentence; dbt's results of the last run.

    Raises:
        TransformError: A model or a test failed.
    """
    reason = reason_to_build_all(home)
    if reason:
        forget_build(home)
    drop_orphans(home)
    for end in batch_ends(home, batch_fills):
        run_dbt(
            settings, home, "build", "--selector", "planned", *_DATA_ONLY, *options,
            "--no-write-json",
            project_environment=_NEW_ROWS_ONLY | {"BUILD_THROUGH": end},
        )  # fmt: skip
    results = run_dbt(
        settings, home, "build", "--selector", "before_scoring", *_DATA_ONLY, *options,
        project_environment=_NEW_ROWS_ONLY,
    )  # fmt: skip
    message = planned_days(home)
    if reason:
        message += f" (in full: {reason})"
    return message, results


def build_risk_models(settings: Settings, home: Home) -> list:
    """Build and test what reads the predictions; dbt's results.

    Raises:
        TransformError: A model or a test failed.
    """
    return run_dbt(
        settings, home, "build", "--selector", "after_scoring",
        *_DATA_ONLY, "--no-write-json", project_environment=_NEW_ROWS_ONLY,
    )  # fmt: skip
