"""Measures training of the global model, and scoring, by the number of trader-days.

The feature mart of the sample firm, with all of its features and their gaps, is taken
as often as it takes, each value off by up to one percent. Every figure is of a process
of its own; beside them stands one bare `lightgbm.train` of the same matrix.
"""

import argparse
import os
import sys
import tempfile
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from ml.boosting import ModelSettings
from ml.features import FEATURE_MART, KEYS, FeatureContract
from ml.fitted import Fitted
from ml.registry import Card, ModelSet
from ml.score import score_traders
from ml.selection import Selection
from ml.store import open_marts
from runtime.home import Home
from tests.bench import measure

THREADS = 2
SIZES = (100_000, 1_000_000)
PARTS = {
    "read": "reading the mart into one matrix alone",
    "bare": "baseline: reading, one bare lightgbm.train",
    "train": "reading, baselines and all seven targets",
    "score": "scoring, a part of the traders at a time",
}


def multiply(sample: Path, target: Home, rows_count: int) -> int:
    """Write a warehouse of so many trader-days; how many traders it has."""
    with duckdb.connect(target.warehouse) as connection:
        connection.execute("set memory_limit = '4GB'")
        connection.execute(f"attach '{sample}' as sample (read_only)")
        columns = [
            (name, kind)
            for name, kind, *_ in connection.sql(
                f"describe sample.{FEATURE_MART}"
            ).fetchall()
            if name not in KEYS
        ]
        noisy = ", ".join(
            f'"{name}" * (0.99 + 0.02 * random()) as "{name}"'
            if kind == "DOUBLE"
            else f'"{name}"'
            for name, kind in columns
        )
        name = "printf('%06d-', copy) || trader_id as trader_id"
        once = connection.sql(f"select count(*) from sample.{FEATURE_MART}").fetchall()
        copies = max(1, round(rows_count / once[0][0]))
        connection.execute(
            "create schema marts; create schema raw; "
            "create table raw.run_context as from sample.raw.run_context; "
            "create table marts.dim_traders as from sample.marts.dim_traders; "
            f"create table {FEATURE_MART} as from sample.{FEATURE_MART} limit 0"
        )
        for begin in range(0, copies, 50):
            numbers = f"range({begin}, {min(begin + 50, copies)}) as numbers (copy)"
            connection.execute(
                f"insert into {FEATURE_MART} select {name}, trade_date, {noisy} "
                f"from sample.{FEATURE_MART}, {numbers} order by all"
            )
        for table in ("label_trader_day", "trader_status"):
            connection.execute(
                f"create table marts.{table} as select mart.* replace ({name}) "
                f"from sample.marts.{table} as mart, range({copies}) as numbers (copy)"
            )
        return connection.sql(
            f"select count(distinct trader_id) from {FEATURE_MART}"
        ).fetchall()[0][0]


def run_part(part: str, home: Home) -> None:
    """One measured process."""
    marts = open_marts(home)
    contract, settings = FeatureContract.of(marts.types), ModelSettings()
    if part == "score":
        models = ModelSet.load(home.models, "bench")
        score_traders(models, marts, lambda _: ("fixed", None))
        return
    days = marts.days(contract.names)
    known = days.known(np.datetime64(marts.as_of, "ns"))
    if part == "bare":
        import lightgbm

        # The days without an outcome yet stay in: the matrix is taken as it is.
        lightgbm.train(
            settings.shared.parameters(len(days), THREADS) | {"objective": "binary"},
            lightgbm.Dataset(days.features, (days.pnl < 0).astype(float)),
            num_boost_round=settings.shared.rounds,
        )
    elif part == "train":
        fitted = Fitted.fit(days, known, settings, THREADS, {})
        card = Card("bench", date(2025, 12, 19), None, "", "")
        ModelSet(card, contract, settings, (), fitted, Selection(), ()).save(
            home.models
        )


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--part")
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    if chosen.part:
        run_part(chosen.part, Home(chosen.folder))
        return
    print(f"{os.cpu_count()} cores; every process reads the mart")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        sample = Home(Path(folder) / "sample")
        for step in ("ingest", "build"):
            settings = {"SOURCE": "sample", "RISK_HOME": str(sample.root)}
            measure(["-m", "daily", step], settings)
        for size in chosen.sizes:
            home = Home(Path(folder) / str(size))
            home.root.mkdir()
            traders = multiply(sample.warehouse, home, size)
            print(f"{size:,} trader-days of {traders:,} traders")
            print(f"{'work':<42} {'wall s':>8} {'cpu s':>8} {'peak MiB':>9}")
            for part in chosen.parts:
                command = ["--part", part, "--folder", str(home.root)]
                wall, cpu, peak = measure(["-m", "tests.bench_training", *command], {})
                print(f"{PARTS[part]:<42} {wall:8.1f} {cpu:8.1f} {peak:9.0f}")
                sys.stdout.flush()
            home.warehouse.unlink()


if __name__ == "__main__":
    main()
