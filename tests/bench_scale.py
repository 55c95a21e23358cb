"""How cost grows with the number of fills: a part of `make bench`.

A large desk (`tests.large_desk`) of 1, 10 and 100 million fills is drawn, loaded, built
in full, and taken through one morning more. Every figure is of a process of its own, as
cron would start it. Beside them, in the same run: a bare scan and sort of the same
fills in DuckDB. `--folder` needs some 60 GB for the largest. `--figures` keeps what was
measured, so that sizes run apart stand in one plot.
"""

import argparse
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime.home import Home
from tests.bench import measure
from tests.large_desk import FIRM, draw_desk, write_next_day

SIZES = (1_000_000, 10_000_000, 100_000_000)
SORT = """
import duckdb, sys
connection = duckdb.connect(
    sys.argv[1], read_only=True,
    config={"threads": 2, "temp_directory": sys.argv[2], "memory_limit": sys.argv[3]},
)
connection.execute(
    "copy (select account_number, symbol, filled_at_et, side, quantity, price, "
    "total_fees from raw.fills order by account_number, symbol, filled_at_et, fill_id) "
    f"to '{sys.argv[2]}/sorted.parquet' (format parquet)"
)
"""
LOAD = """
import sys
from pathlib import Path
from runtime.home import Home
from tests.large_desk import desk_in, load_desk
load_desk(desk_in(Path(sys.argv[1])), Home(Path(sys.argv[2])))
"""
# The step itself refuses marts that no forecasts were made of.
PUBLISH = """
import sys
from pathlib import Path
from runtime.home import Home
from runtime.publish.marts_copy import publish
publish(Home(Path(sys.argv[1])), memory_limit=sys.argv[2])
"""
FIRST = ("build", "train", "score", "risk", "publish", "report", "board")
NEXT = ("ingest", "build", "train", "score", "risk", "publish", "report", "board")


@dataclass
class Figure:
    """Seconds of wall and processor, MiB at most, of one process."""

    name: str
    wall: float
    cpu: float
    peak: float


def run_size(
    folder: Path, fills: int, steps: tuple[str, ...], memory_limit: str
) -> list[Figure]:
    """Everything at one size; prints as it goes, for it takes long."""
    home = Home(folder / "home")
    figures: list[Figure] = []

    def run(name: str, command: list[str], **settings: object) -> None:
        environment = {key: str(value) for key, value in settings.items()}
        figures.append(Figure(name, *measure(command, environment)))
        one = figures[-1]
        print(f"{name:<34} {one.wall:9.1f} {one.cpu:9.1f} {one.peak:9.0f}", flush=True)

    desk = draw_desk(folder / "drawn", fills)
    run("first load", ["-c", LOAD, str(folder / "drawn"), str(home.root)])
    (folder / "sort").mkdir()
    run(
        "bare scan and sort",
        ["-c", SORT, str(home.warehouse), str(folder / "sort"), memory_limit],
    )
    settings = {
        "RISK_HOME": home.root, "MEMORY_LIMIT": memory_limit, "SOURCE": "files",
        "FIRM": FIRM, "EXPORTS": folder / "next" / "exports",
    }  # fmt: skip
    commands = {step: ["-m", "daily", step] for step in NEXT}
    if "score" not in steps:
        commands["publish"] = ["-c", PUBLISH, str(home.root), memory_limit]
    for step in FIRST:
        if step in steps:
            run(step, commands[step], **settings)
    if {"score", "publish"} <= {*steps}:
        grid = {"RULE": "stop 50..5000 by 50"}
        run("what-if, 100 rules", ["-m", "daily", "what-if"], **settings, **grid)
    print(f"one day more: {write_next_day(folder / 'next', desk):,} fills")
    for step in NEXT:
        if step in steps or step == "ingest":
            run(f"next day: {step}", commands[step], **settings)
    print(f"{home.warehouse.stat().st_size / 2**30:.1f} GiB of warehouse", flush=True)
    return figures


def draw_plot(path: Path, measured: dict[int, list[Figure]]) -> None:
    """Seconds against fills, both in powers of ten; the next day's are dashed."""
    from matplotlib.figure import Figure as Page

    page = Page(figsize=(9, 6), layout="constrained")
    axes = page.subplots()
    walls: dict[str, dict[int, float]] = {}
    for size in sorted(measured):
        for one in measured[size]:
            walls.setdefault(one.name, {})[size] = one.wall
    colors: dict[str, str] = {}
    for name, by_size in walls.items():
        step = name.removeprefix("next day: ")
        (line,) = axes.plot(
            list(by_size),
            list(by_size.values()),
            marker="o",
            linestyle="-" if name == step else "--",
            color=colors.get(step),
            label=name,
        )
        colors[step] = line.get_color()
    axes.set(
        xscale="log", yscale="log", xlabel="fills", ylabel="seconds",
        title="A whole process, from its start",
    )  # fmt: skip
    axes.grid(visible=True, which="both", alpha=0.3)
    page.legend(fontsize="small", loc="outside right center")
    page.savefig(path, dpi=110)


def main() -> None:
    """Run everything, print the tables, and draw the plot if one is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--steps", nargs="+", choices=FIRST, default=FIRST)
    parser.add_argument("--memory-limit", default="12GB")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--figures", type=Path, help="JSON, added to")
    parser.add_argument("--plot", type=Path)
    chosen = parser.parse_args()
    if {"report", "board"} & {*chosen.steps} and "score" not in chosen.steps:
        parser.error("report and board need score, and score needs train")
    measured: dict[int, list[Figure]] = {}
    if chosen.figures and chosen.figures.exists():
        measured = {
            int(size): [Figure(**one) for one in figures]
            for size, figures in json.loads(chosen.figures.read_text()).items()
        }
    limit = chosen.memory_limit
    for size in chosen.sizes:
        print(f"{size:,} fills, {os.cpu_count()} cores, MEMORY_LIMIT={limit}")
        print(f"{'process':<34} {'wall s':>9} {'cpu s':>9} {'peak MiB':>9}")
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            measured[size] = run_size(Path(folder), size, tuple(chosen.steps), limit)
        if chosen.figures:
            kept = {size: [asdict(one) for one in measured[size]] for size in measured}
            chosen.figures.write_text(json.dumps(kept, indent=1))
    if chosen.plot:
        draw_plot(chosen.plot, measured)


if __name__ == "__main__":
    main()
