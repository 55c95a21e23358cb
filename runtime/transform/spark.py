"""Builds the models a second time, on Spark, with dbt in an environment of its own.

pyspark and the warehouse's own libraries do not agree on pandas, so nothing of Spark is
imported here: dbt's `spark` target runs as a process.
"""

import json
import os
import shutil
import subprocess
from collections import Counter

from runtime.errors import UserError
from runtime.home import Home
from runtime.settings import PROJECT_ROOT, Settings
from runtime.transform.dbt import FAILED

ENVIRONMENT = PROJECT_ROOT / ".venv-spark"


def build_on_spark(settings: Settings, home: Home) -> str:
    """Build and test every model on the lake of `home`; a sentence for people.

    Raises:
        UserError: Spark is not installed, or a model or test failed.
    """
    dbt = ENVIRONMENT / "bin" / "dbt"
    if not dbt.exists():
        raise UserError("Spark is not installed. Run `make setup-spark` first.")
    # A build begins with an empty catalog: to it, files of before are in the way.
    for folder in (home.spark_warehouse, home.spark / "scratch"):
        shutil.rmtree(folder, ignore_errors=True)
    log = home.logs / "spark.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as said:
        code = subprocess.run(
            [
                dbt,
                "--no-use-colors",
                "--log-path", home.spark / "logs",
                "build",
                "--target", "spark",
                "--exclude-resource-type", "unit_test",
                "--project-dir", PROJECT_ROOT / "dbt_project",
                "--profiles-dir", PROJECT_ROOT,
                "--target-path", home.spark / "target",
            ],
            # Whatever a library leaves where it is started, it leaves there.
            cwd=home.spark,
            env=os.environ
            | {
                "RISK_HOME": str(home.root.resolve()),
                "THREADS": str(settings.threads),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            },
            stdout=said,
            stderr=subprocess.STDOUT,
        ).returncode  # fmt: skip
    results = _results(home)
    failed = [name for name, status in results if status in FAILED]
    if code or not results:
        shown = ", ".join(failed[:3]) or "before the first model"
        more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
        raise UserError(f"dbt build on Spark failed in {shown}{more}. The log is {log}")
    kinds = Counter(name.split(".")[0] for name, _ in results)
    return (
        f"{kinds['model'] + kinds['seed']} models and seeds built on Spark, "
        f"{kinds['test']} tests passed; {home.spark_warehouse}"
    )


def _results(home: Home) -> list[tuple[str, str]]:
    """Id and status of every node of the build; empty if it came to none."""
    path = home.spark / "target" / "run_results.json"
    if not path.exists():
        return []
    results = json.loads(path.read_text("utf-8"))["results"]
    return [(one["unique_id"], one["status"]) for one in results]
