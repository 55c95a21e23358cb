"""Measures the load of a million fills and of a day's 20,000: part of `make bench`.

The baseline is a process that lets DuckDB read the same CSV files into a table of a
new database, without a look at what they say.
"""

import csv
import multiprocessing
import tempfile
import time
from dataclasses import replace
from datetime import date, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from ingestion.simulator import Firm, sample_firm, serve
from ingestion.simulator.archive import Archive
from ingestion.simulator.reports import fills as fills_table
from ingestion.sources import SAMPLE_FIRST, SAMPLE_LAST
from runtime.sessions import sessions_between
from tests.bench import measure
from tests.desks import some_of

FILLS = 1_000_000
INCREMENT = 20_000
READ_CSV = """
import duckdb, sys
duckdb.connect(sys.argv[1], config={"threads": 2}).execute(
    "create table fills as from "
    "read_csv(?, types = {'Order Id': 'varchar', 'Fill Id': 'varchar'})",
    [sys.argv[2]],
)
"""
LOAD = """
import sys
from datetime import date
from pathlib import Path
from ingestion.client import PropReportsClient
from ingestion.pipeline import load
from ingestion.sources import ApiSource
from runtime.home import Home
from runtime.settings import Settings
url, user, password, as_of, home = sys.argv[1:]
settings = Settings(_env_file=None, risk_home=home)
with PropReportsClient(url, user=user, password=password) as client:
    source = ApiSource(
        client, name="api", firm="bench", group_id=-2,
        latest_as_of=date.fromisoformat(as_of),
    )
    load(settings, source, Home(Path(home)))
"""
IMPORT_GATE = "import great_expectations, great_expectations.expectations"


def large_firm() -> Firm:
    """The sample's traders, their fills repeated: a million, 20,000 on the last day."""
    firm = some_of(sample_firm(sessions_between(SAMPLE_FIRST, SAMPLE_LAST), 7), 25)
    before = [x for x in firm.fills if x.filled_at.date() < SAMPLE_LAST]
    last_day = [x for x in firm.fills if x.filled_at.date() == SAMPLE_LAST]
    return replace(
        firm, fills=[*_repeated(before, FILLS), *_repeated(last_day, INCREMENT)]
    )


def _repeated(fills: list, count: int) -> list:
    copies = -(-count // len(fills))
    return [
        replace(fill, propreports_id=fill.propreports_id + copy * 10**8)
        for copy in range(copies)
        for fill in fills
    ][:count]


def write_exports(folder: Path, copies: int) -> None:
    """The firm without its last day as exports, as `copies` groups of accounts."""
    firm = large_firm()
    archive = Archive(firm)
    names = {account.name for account in firm.accounts}
    last = SAMPLE_LAST - timedelta(days=1)
    table = fills_table(archive, names, date.min, last)
    rows = [table.row(item) for item in table.items]
    (folder / "fills").mkdir(parents=True)
    account_rows = []
    for copy in range(copies):
        with (folder / "fills" / f"{copy}.csv").open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(table.header)
            writer.writerows([row[0], f"G{copy}{row[1]}", *row[2:]] for row in rows)
        account_rows += [
            (1000 * copy + account.number, f"G{copy}{account.name}")
            for account in firm.accounts
        ]
    with (folder / "accounts.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([("Account Id", "Account Name"), *account_rows])


def serve_large_firm(pipe: Connection) -> None:
    """Serve in a process of its own; answers each message with seconds spent so far."""
    with serve(large_firm(), as_of=SAMPLE_LAST) as simulator:
        spent = 0.0
        answer = simulator.answer

        def timed(fields: dict) -> tuple:
            nonlocal spent
            started = time.monotonic()
            try:
                return answer(fields)
            finally:
                spent += time.monotonic() - started

        simulator.answer = timed
        pipe.send((simulator.url, simulator.user, simulator.password))
        while (as_of := pipe.recv()) is not None:
            simulator.as_of = as_of
            pipe.send(spent)


def main() -> None:
    """Run everything and print the table."""
    figures: list[tuple[str, tuple[float, ...], str]] = []

    def run(name: str, command: list[str], note: str = "", **settings: object) -> float:
        environment = {key: str(value) for key, value in settings.items()}
        figures.append((name, measure(command, environment), note))
        return figures[-1][1][0]

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Apart: a process counts the memory of the one it was started from as its own.
        with multiprocessing.get_context("spawn").Pool(1) as apart:
            for copies in (1, 3):
                apart.apply(write_exports, (folder / f"exports{copies}", copies))
        csv_files = str(folder / "exports1" / "fills" / "*.csv")
        baseline = [
            run("baseline: DuckDB read_csv, 1 M rows", ["-c", READ_CSV, db, csv_files])
            for db in (str(folder / f"{number}.duckdb") for number in range(3))
        ][1]
        files = {"SOURCE": "files", "EXPORTS": folder / "exports1"}
        ingest = ["-m", "daily", "ingest"]
        for text in ("from nothing", "again, unchanged"):
            run(f"files, 1 M fills: {text}", ingest, **files, RISK_HOME=folder / "f1")
        files["EXPORTS"] = folder / "exports3"
        run("files, 3 M fills: from nothing", ingest, **files, RISK_HOME=folder / "f3")
        run("import of the gate's library alone", ["-c", IMPORT_GATE])
        pipe, other = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=serve_large_firm, args=(other,), daemon=True
        )
        process.start()
        who = pipe.recv()
        served = 0.0
        for text, as_of in (
            ("API, 1 M fills: from nothing", SAMPLE_LAST),
            (
                f"API, then {INCREMENT:,} fills of a day",
                SAMPLE_LAST + timedelta(days=1),
            ),
        ):
            pipe.send(as_of)
            served = pipe.recv()
            command = ["-c", LOAD, *who, as_of.isoformat(), str(folder / "api")]
            run(text, command)
            pipe.send(as_of)
            spent = pipe.recv() - served
            figures[-1] = (
                *figures[-1][:2],
                f"the simulator needed {spent:.1f} s of it",
            )
        pipe.send(None)
        process.join()
    print(f"{'load':<42} {'wall s':>8} {'cpu s':>8} {'peak MiB':>9} {'x baseline':>11}")
    for name, (wall, cpu, peak), note in figures:
        line = f"{name:<42} {wall:8.1f} {cpu:8.1f} {peak:9.0f} {wall / baseline:11.1f}"
        print(f"{line}  {note}".rstrip())


if __name__ == "__main__":
    main()
