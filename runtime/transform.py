"""Runs dbt in this process: one import for the whole morning, several invocations."""

import os
from pathlib import Path

from runtime.errors import UserError
from runtime.home import Home
from runtime.settings import PROJECT_ROOT, Settings


class TransformError(UserError):
    """A model or a test failed; names the first few and where the log is."""


def run_dbt(settings: Settings, home: Home, *arguments: str) -> list:
    """Run one dbt command on the warehouse of `home`.

    Args:
        settings: Threads and memory limit.
        home: Whose warehouse.
        arguments: The command, then its options, as on dbt's command line.

    Returns:
        dbt's results, one per node; empty for commands without nodes.

    Raises:
        TransformError: dbt failed.
    """
    os.environ["RISK_HOME"] = str(home.root)
    os.environ["THREADS"] = str(settings.threads)
    os.environ["MEMORY_LIMIT"] = settings.memory_limit
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    home.dbt.mkdir(parents=True, exist_ok=True)
    command, *rest = arguments
    try:
        outcome = dbtRunner().invoke(
            [
                "--log-level", "none",
                "--log-level-file", "info",
                "--log-path", str(home.dbt),
                "--no-use-colors", "--no-use-colors-file",
                *command.split(),
                "--project-dir", str(PROJECT_ROOT / "dbt_project"),
                "--profiles-dir", str(PROJECT_ROOT),
                "--target-path", str(home.dbt / "target"),
                *rest,
            ]
        )  # fmt: skip
    finally:
        # dbt keeps the file open when it returns; nobody else could write then.
        DuckDBConnectionManager.close_all_connections()
    results = list(getattr(outcome.result, "results", None) or [])
    if not outcome.success:
        raise TransformError(_failure(command, outcome, results, home.dbt / "dbt.log"))
    return results


def _failure(command: str, outcome: object, results: list, log: Path) -> str:
    failed = [result for result in results if result.status in ("error", "fail")]
    if not failed:
        reason = str(outcome.exception or "see the log").strip()
        return f"dbt {command} failed: {' '.join(reason.split())[:500]} (log: {log})"
    shown = "; ".join(
        f"{result.node.name}: {' '.join((result.message or '').split())[:200]}"
        for result in failed[:3]
    )
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    return f"dbt {command} failed in {shown}{more}. The log is {log}"
