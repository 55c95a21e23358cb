"""Measures the daily run: `make bench`. Prints a table; judges nothing.

Machines differ and are noisy, so every figure stands beside a baseline of the same
run: starting Python and importing the same libraries, which no run can avoid.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from runtime.settings import ENV_FILE, PROJECT_ROOT
from tests.conftest import REAL_DATA

REPEATS = 3
IMPORTS = "import dbt.cli.main, dbt.adapters.duckdb, dlt, duckdb, lightgbm, pandas"
_LIST = """
import sys, tempfile
from pathlib import Path
from runtime.home import Home
from runtime.settings import Settings
from runtime.transform.dbt import run_dbt
for kept in Path("dbt_project/target").glob(sys.argv[1]):
    kept.unlink()
run_dbt(Settings(), Home(Path(tempfile.mkdtemp())), "list", "--select", "daily_totals")
"""
# What a morning pays before any work, by what has to be there for it.
START_UP = {
    "python": ["-c", "pass"],
    "the command line": ["-c", "import daily.__main__"],
    "duckdb, and a connection": ["-c", "import duckdb; duckdb.connect()"],
    "pandas, pyarrow": ["-c", "import pandas, pyarrow"],
    "dlt": ["-c", "import dlt"],
    "great-expectations": ["-c", "import great_expectations.expectations"],
    "lightgbm, scipy": ["-c", "import lightgbm, scipy.stats"],
    "dbt": ["-c", "import dbt.cli.main, dbt.adapters.duckdb"],
    "dbt, all files parsed": ["-c", _LIST, "manifest-*"],
    "dbt, with the manifest that is kept": ["-c", _LIST, "none"],
}


def measure(command: list[str], environment: dict[str, str]) -> tuple[float, ...]:
    """Wall seconds, processor seconds and peak MiB of one run of a command."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=PROJECT_ROOT,
        env={name: os.environ[name] for name in ("PATH", "HOME")}
        # As the command line sets it for itself.
        | {ENV_FILE: "", "OPENBLAS_NUM_THREADS": "1"}
        | environment,
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    wall = time.monotonic() - started
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def median(run: Callable[[], tuple[float, ...]]) -> tuple[float, ...]:
    """The median of each figure over `REPEATS` runs."""
    return tuple(
        map(statistics.median, zip(*(run() for _ in range(REPEATS)), strict=True))
    )


def print_table(figures: dict[str, tuple[float, ...]]) -> None:
    """Every run beside the first, the baseline."""
    baseline = next(iter(figures.values()))[0]
    print(f"{'run':<42} {'wall s':>8} {'cpu s':>8} {'peak MiB':>9} {'x baseline':>11}")
    for name, (wall, cpu, peak) in figures.items():
        print(f"{name:<42} {wall:8.1f} {cpu:8.1f} {peak:9.0f} {wall / baseline:11.1f}")


def print_start_up() -> None:
    """What starting costs, each thing in a process of its own."""
    measured = {
        name: median(lambda command=command: measure(command, {}))
        for name, command in START_UP.items()
    }
    print("Start-up: what has to be there before any work")
    print_table(measured)
    print()


def main() -> None:
    """Run everything and print the table."""
    print_start_up()
    with tempfile.TemporaryDirectory() as folder:
        runs = {"baseline: start and import": lambda: measure(["-c", IMPORTS], {})}
        sources = {"sample": {"SOURCE": "sample"}}
        if REAL_DATA.is_dir():
            sources["files, 117,128 real fills"] = {
                "SOURCE": "files",
                "EXPORTS": str(REAL_DATA),
            }
        figures = {name: median(run) for name, run in runs.items()}
        for name, settings in sources.items():
            homes = iter(range(REPEATS))

            def fresh(settings: dict = settings, homes=homes, name: str = name):
                home = Path(folder) / f"{name.split(',')[0]}-{next(homes)}"
                return measure(
                    ["-m", "daily", "run"], settings | {"RISK_HOME": str(home)}
                )

            figures[f"{name}: from nothing"] = median(fresh)
            again = settings | {
                "RISK_HOME": str(Path(folder) / f"{name.split(',')[0]}-0")
            }
            figures[f"{name}: again"] = median(
                lambda again=again: measure(["-m", "daily", "run"], again)
            )
    print(f"Medians of {REPEATS} runs, {os.cpu_count()} cores")
    print_table(figures)


if __name__ == "__main__":
    main()
