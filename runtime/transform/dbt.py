"""Runs dbt in this process: one import for the whole morning, several invocations."""

import gc
import logging
import os
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from runtime.errors import UserError
from runtime.home import Home
from runtime.limits import is_out_of_resources, out_of_resources
from runtime.logs import DBT, dbt_log, log_dbt_to
from runtime.settings import PROJECT_ROOT, Settings
from runtime.signals import stop_if_asked
from runtime.transform.parsed_manifest import ParsedManifest
from runtime.transform.quicker_dbt import make_dbt_quicker

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt_common.events.base_types import EventMsg


# What is worth a line in the log, in dbt's words and in logging's.
_LEVELS = {"info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
# How dbt says that a node failed.
FAILED = ("error", "fail", "runtime error")


class TransformError(UserError):
    """A model or a test failed; names the first few and where the log is."""


@cache
def project_variables() -> Mapping[str, float]:
    """The vars of dbt_project.yml: thresholds that SQL and policies share."""
    import yaml

    text = (PROJECT_ROOT / "dbt_project" / "dbt_project.yml").read_text("utf-8")
    # Read once, and so to be changed by nobody.
    return MappingProxyType(yaml.safe_load(text)["vars"])


def run_dbt(
    settings: Settings,
    home: Home,
    *arguments: str,
    project_environment: Mapping[str, str] = MappingProxyType({}),
) -> list:
    """Run one dbt command on the warehouse of `home`.

    Args:
        settings: Threads and memory limit.
        home: Whose warehouse.
        arguments: The command, then its options, as on dbt's command line.
        project_environment: What models and tests read through `env_var`. Not `--vars`:
            other variables make dbt read the whole project anew.

    Returns:
        dbt's results, one per node; empty for commands without nodes.

    Raises:
        TransformError: dbt failed.
    """
    outcome, results = _invoke(
        settings, home, *arguments, project_environment=project_environment
    )
    if not outcome.success:
        raise TransformError(_failure(settings, home, arguments[0], outcome, results))
    return results


def _invoke(
    settings: Settings,
    home: Home,
    *arguments: str,
    project_environment: Mapping[str, str] = MappingProxyType({}),
) -> tuple["dbtRunnerResult", list]:
    environment = {
        "RISK_HOME": str(home.root),
        "THREADS": str(settings.threads),
        "MEMORY_LIMIT": settings.memory_limit,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        **project_environment,
    }
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)

    # Before anything of dbt is imported, or its dataclasses are compiled by then.
    make_dbt_quicker()
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    home.dbt.mkdir(parents=True, exist_ok=True)
    log_dbt_to(home)

    def invoke(
        command: str, *options: str, manifest: Manifest | None = None
    ) -> "dbtRunnerResult":
        return dbtRunner(manifest, callbacks=[_hear]).invoke(
            [
                "--log-level", "none",
                # Its own file log words thousands of debug lines before it drops them.
                "--log-level-file", "none",
                "--no-use-colors",
                "--log-path", str(home.logs),
                *command.split(),
                "--project-dir", str(PROJECT_ROOT / "dbt_project"),
                "--profiles-dir", str(PROJECT_ROOT),
                "--target-path", str(home.dbt / "target"),
                *options,
            ]
        )  # fmt: skip

    # A run makes a great many objects and drops few: looking for those costs more.
    gc.disable()
    try:
        parsed = ParsedManifest.of(PROJECT_ROOT, arguments[1:])
        manifest = parsed.read()
        if manifest is None:
            # Of no home: dbt names the database after the path, and takes what follows
            # a # or ? in it for the end of an address.
            os.environ["RISK_HOME"] = "home"
            # In full: what a home holds of an earlier one may be of another folder.
            outcome = invoke("parse", "--no-partial-parse", *parsed.options)
            os.environ["RISK_HOME"] = str(home.root)
            # What reads it swallows a KeyboardInterrupt (mashumaro's unions).
            stop_if_asked()
            if isinstance(outcome.result, Manifest):
                manifest = outcome.result
                # A file that was saved meanwhile makes it another project's.
                if ParsedManifest.of(PROJECT_ROOT, arguments[1:]) == parsed:
                    parsed.keep(manifest)
        if manifest is not None:
            outcome = invoke(*arguments, manifest=manifest)
    finally:
        gc.enable()
        # dbt keeps the file open when it returns; nobody else could write then.
        DuckDBConnectionManager.close_all_connections()
        # The variables of one run are no setting of the next.
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise outcome.exception
    return outcome, list(getattr(outcome.result, "results", None) or [])


def _hear(event: "EventMsg") -> None:
    # What reads a manifest swallows a KeyboardInterrupt (mashumaro's unions); this is
    # the first that dbt says after it.
    if event.info.name == "FoundStats":
        stop_if_asked()
    level = _LEVELS.get(event.info.level)
    if level is not None:
        dbt_log.log(level, event.info.msg)  # type: ignore[attr-defined]


def _failure(
    settings: Settings,
    home: Home,
    command: str,
    outcome: "dbtRunnerResult",
    results: list,
) -> str:
    log = home.logs / DBT
    failed = [result for result in results if result.status in FAILED]
    short = [result for result in failed if is_out_of_resources(result.message or "")]
    said = " ".join([*(result.message for result in short), str(outcome.exception)])
    where = (
        f"in {', '.join(result.node.name for result in short[:3])} " if short else ""
    )
    lack = out_of_resources(said, settings, home, f"{where}during dbt {command}")
    if lack:
        return lack
    if not failed:
        reason = str(outcome.exception or "see the log").strip()
        return f"dbt {command} failed: {' '.join(reason.split())[:500]} (log: {log})"
    shown = "; ".join(
        f"{result.node.name}: {' '.join((result.message or '').split())[:200]}"
        for result in failed[:3]
    )
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    return f"dbt {command} failed in {shown}{more}. The log is {log}"
