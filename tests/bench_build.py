"""Measures the SQL build of a million fills: part of `make bench`.

Beside it, on the same fills and in the same run: a bare scan and sort of them in
DuckDB, and day totals and features in plain pandas (`tests.pandas_features`), whose
figures must be the marts'.
"""

import csv
import json
import multiprocessing
import tempfile
from datetime import date
from pathlib import Path

from ingestion.simulator import sample_firm
from ingestion.simulator.archive import Archive
from ingestion.simulator.reports import fills as fills_table
from ingestion.simulator.reports import summary_by_date
from ingestion.sources import SAMPLE_FIRST, SAMPLE_LAST
from runtime.sessions import sessions_between
from tests.bench import measure
from tests.desks import some_of

# Their accounts, with 171,000 fills in 18 months, and mostly flat at night.
TRADERS = 25
SEEDS = range(7, 13)
SHOWN = 8
SCAN_AND_SORT = """
import duckdb, json, sys, time
home, told = sys.argv[1:]
connection = duckdb.connect(
    f"{home}/risk.duckdb", read_only=True, config={"threads": 2}
)
started = time.monotonic()
connection.execute(
    "create temp table sorted as select account_number, symbol, filled_at_et, side, "
    "quantity, price, total_fees from raw.fills "
    "order by account_number, symbol, filled_at_et, fill_id"
)
json.dump({"seconds": time.monotonic() - started}, open(told, "w"))
"""
BUILD = """
import json, sys
from pathlib import Path
from runtime.home import Home
from runtime.settings import Settings
from runtime.transform.dbt import run_dbt
home, told, *left_out = sys.argv[1:]
settings = Settings(_env_file=None, risk_home=home)
without = [x for kind in left_out for x in ("--exclude-resource-type", kind)]
results = run_dbt(
    settings, Home(Path(home)), "build", "--selector", "before_scoring", *without
)
timed = [x for x in results if x.timing]
json.dump(
    {
        "seconds": (
            max(x.timing[-1].completed_at for x in timed)
            - min(x.timing[0].started_at for x in timed)
        ).total_seconds(),
        "nodes": {x.node.name: x.execution_time for x in timed},
    },
    open(told, "w"),
)
"""
PANDAS = """
import duckdb, json, sys, time
import numpy as np
from tests.pandas_features import DAY, day_totals, features
home, told = sys.argv[1:]
connection = duckdb.connect(
    f"{home}/risk.duckdb", read_only=True, config={"threads": 2}
)
fills = connection.execute(
    "select account_id, symbol, cast(trade_date as timestamp) as trade_date, "
    "filled_at_et, order_id, is_regular, side in ('B', 'C') as is_buy, "
    "cast(fills.quantity as double) as quantity, cast(price as double) as price, "
    "cast(multiplier as double) as multiplier, "
    "cast(total_fees as double) as total_fees, opens_at_et, closes_at_et "
    "from marts.fct_fills as fills "
    "left join marts.dim_sessions as sessions "
    "on fills.trade_date = sessions.session_date "
    "where is_counted order by account_id, trade_date, day_sequence"
).df()
started = time.monotonic()
totals = day_totals(fills)
done = time.monotonic()
found = features(fills, totals)
seconds = {"day totals": done - started, "features": time.monotonic() - done}
columns = ", ".join(totals.columns)
mart = connection.execute(
    f"select account_id, cast(trade_date as timestamp) as trade_date, {columns} "
    "from marts.daily_totals"
).df().set_index(DAY).loc[totals.index]
for column in totals:
    assert np.allclose(totals[column], mart[column].astype(float), atol=1e-4), column
columns = ", ".join(found.columns)
mart = connection.execute(
    "select trader_id as account_id, cast(trade_date as timestamp) as trade_date, "
    f"{columns} from marts.feat_trader_day"
).df().set_index(DAY).loc[found.index]
differing = [
    (column, int((~same).sum()))
    for column in found
    for same in [np.isclose(
        found[column].astype(float), mart[column].astype(float),
        rtol=1e-6, atol=1e-6, equal_nan=True,
    )]
    if not same.all()
]
json.dump(
    {
        "seconds": sum(seconds.values()), "parts": seconds, "fills": len(fills),
        "days": len(totals), "features": found.shape[1], "differing": differing,
    },
    open(told, "w"),
)
"""


def write_exports(folder: Path) -> None:
    """Six firms as one: other seeds, so that no two traders do the same."""
    for kind in ("fills", "summaryByDate"):
        (folder / kind).mkdir(parents=True)
    accounts = []
    for seed in SEEDS:
        firm = sample_firm(sessions_between(SAMPLE_FIRST, SAMPLE_LAST), seed)
        firm = some_of(firm, TRADERS)
        archive = Archive(firm)
        names = {account.name for account in firm.accounts}
        table = fills_table(archive, names, date.min, date.max)
        rows = ([x[0], f"G{seed}{x[1]}", *x[2:]] for x in map(table.row, table.items))
        _write(folder / "fills" / f"{seed}.csv", [table.header, *rows])
        for account in firm.accounts:
            name = f"G{seed}{account.name}"
            accounts.append((1000 * seed + account.number, name))
            if days := summary_by_date(archive, account, date.min, date.max):
                _write(folder / "summaryByDate" / f"{name}.csv", days)
    _write(folder / "accounts.csv", [("Account Id", "Account Name"), *accounts])


def _write(path: Path, rows: list) -> None:
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows(rows)


def main() -> None:
    """Run everything and print the tables."""
    figures: dict[str, tuple[dict, float, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Apart: a process counts the memory of the one it was started from as its own.
        with multiprocessing.get_context("spawn").Pool(1) as apart:
            apart.apply(write_exports, (folder / "exports",))
        home = folder / "home"
        files = {"SOURCE": "files", "EXPORTS": str(folder / "exports")}
        measure(["-m", "daily", "ingest"], files | {"RISK_HOME": str(home)})

        def run(text: str, code: str, *left_out: str) -> dict:
            told = folder / "told.json"
            command = ["-c", code, str(home), str(told), *left_out]
            _, cpu, peak = measure(command, {})
            figures[text] = (json.loads(told.read_text()), cpu, peak)
            return figures[text][0]

        sort = run("bare scan and sort in DuckDB", SCAN_AND_SORT)
        built = run("dbt build of all models", BUILD, "unit_test", "test")
        run("dbt build again, with tests", BUILD, "unit_test")
        pandas = run("day totals and features in plain pandas", PANDAS)
    print(f"{pandas['fills']:,} counted fills, {pandas['days']:,} account-days")
    print(f"{'run':<42} {'wall s':>8} {'cpu s':>8} {'peak MiB':>9} {'x sort':>8}")
    for text, (found, cpu, peak) in figures.items():
        ratio = found["seconds"] / sort["seconds"]
        print(f"{text:<42} {found['seconds']:8.1f} {cpu:8.1f} {peak:9.0f} {ratio:8.1f}")
    print(
        "Wall: of the work alone; cpu and memory: of the whole process, from its start."
    )
    parts = ", ".join(f"{name} {took:.1f} s" for name, took in pandas["parts"].items())
    print(
        f"pandas: {parts}; {pandas['features']} features; day totals are the "
        f"mart's; features that are not: {pandas['differing'] or 'none'}"
    )
    nodes = sorted(built["nodes"].items(), key=lambda one: -one[1])
    print(
        f"dbt: {sum(built['nodes'].values()):.1f} s added up over {len(nodes)} nodes:"
    )
    for node, took in nodes[:SHOWN]:
        print(f"    {node:<38} {took:8.1f}")


if __name__ == "__main__":
    main()
