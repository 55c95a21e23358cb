"""Measures the live page: from a fill that comes to its event on a browser's stream.

A thousand traders with a limit each, the watch at work, 5,000 books that have traded,
and fills at a steady rate, all on one core. The browser is a process of its own, on
another core, that reads the stream. The baseline is the same without the page: from a
fill to a look that has it.
"""

import gc
import http.client
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from live.baselines import Baselines
from live.chance import Chances
from live.opening import LimitInForce
from live.page import serve
from live.reports import ExecutionReport
from live.session import Session
from live.watch import Watch
from runtime.sessions import EASTERN
from tests.live.desk import DAY, Feed, opening, reports, settings

TRADERS, SYMBOLS, BEFORE = 1000, 300, 50_000
RATES, SECONDS = (300, 5000), 10
CORES = sorted(os.sched_getaffinity(0))
BEGIN = datetime(DAY.year, DAY.month, DAY.day, 9, 30, tzinfo=EASTERN)


def read_stream(port: int, to: Connection) -> None:
    """A browser's part: when which sequence was there, until the stream ends."""
    os.sched_setaffinity(0, CORES[:-1] or CORES)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/stream")
    answer = connection.getresponse()
    seen = []
    while line := answer.readline():
        at = time.monotonic()
        if line.startswith(b"data: {"):
            event = json.loads(line[6:])
            if event["is_full"]:
                to.send("ready")
            seen.append((event["sequence"], at, len(line)))
    to.send(seen)


def delays(
    sent: Sequence[float], seen: Sequence[tuple[int, float, int]]
) -> list[float]:
    """Seconds from each fill to the first event that has it.

    Args:
        sent: When each fill came, in order; the first one is number `BEFORE` + 1.
    """
    found, place = [], 0
    for number, at in enumerate(sent, BEFORE + 1):
        while place < len(seen) and seen[place][0] < number:
            place += 1
        if place == len(seen):
            raise SystemExit(f"fill {number} was never on the stream")
        found.append(seen[place][1] - at)
    return found


def of_few_symbols(fills: Iterator[ExecutionReport]) -> Iterator[ExecutionReport]:
    """The same fills; each trader's in five symbols."""
    for one in fills:
        number = int(one.account[1:]) * 7 + int(one.symbol[2:]) % 5
        yield replace(one, symbol=f"SY{number % SYMBOLS}")


@contextmanager
def desk() -> Iterator[tuple[Feed, Session, Watch]]:
    """A busy desk in the middle of its day."""
    names = [f"T{number:04}" for number in range(TRADERS)]
    limits = tuple(
        LimitInForce("trader", name, "daily_loss", Decimal(50_000), None, Decimal(0))
        for name in names
    )
    symbols = [f"SY{number}" for number in range(SYMBOLS)]
    feed = Feed()
    began = time.monotonic()

    def clock() -> datetime:
        return BEGIN + timedelta(hours=3, seconds=time.monotonic() - began)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / str(DAY)
        path.mkdir()
        start = replace(opening(names, groups=10), limits=limits)
        with Session(path, start, [feed], clock=clock) as session:
            step = timedelta(seconds=3 * 3600 / BEFORE)
            fills = of_few_symbols(reports(names, symbols, at=BEGIN, step=step))
            # Drawn before anything is measured.
            drawn = islice(fills, BEFORE + max(RATES) * SECONDS)
            feed.fills = iter(list(drawn))
            feed.send(list(islice(feed.fills, BEFORE)))
            baselines = Baselines({}, None, np.array([], dtype="datetime64[D]"))
            watch = Watch(session, limits, baselines, Chances(baselines, {}))
            watch.start()
            try:
                yield feed, session, watch
            finally:
                watch.stop()


def send(feed: Feed, rate: int) -> list[float]:
    """Fills one by one at a rate; when each was due, however late it could be taken."""
    sent = []
    began = time.monotonic()
    for number in range(rate * SECONDS):
        due = began + number / rate
        wait = due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        report = next(feed.fills)
        sent.append(due)
        # Not `send`, which makes the source's state anew with each of them.
        feed.receive([report])
    return sent


def with_page(rate: int) -> tuple[list[float], list[int]]:
    """Delays of every fill, and bytes of every event but the first."""
    options = settings()
    with desk() as (feed, session, watch), serve(session, watch, options) as page:
        here, there = multiprocessing.Pipe()
        reader = multiprocessing.get_context("spawn").Process(
            target=read_stream, args=(urlsplit(page.address).port, there)
        )
        reader.start()
        assert here.recv() == "ready"
        time.sleep(2)
        sent = send(feed, rate)
        time.sleep(2)
        page.close()
        while (seen := here.recv()) == "ready":
            pass
        reader.join()
    return delays(sent, seen), [size for _, _, size in seen[1:]]


def without_page(rate: int) -> list[float]:
    """Delays until a look has a fill, one look after the other."""
    with desk() as (feed, session, _):
        seen: list[tuple[int, float, int]] = []
        is_over = threading.Event()

        def look() -> None:
            while not is_over.is_set():
                sequence = session.snapshot().sequence
                seen.append((sequence, time.monotonic(), 0))
                time.sleep(0.05)

        looker = threading.Thread(target=look)
        looker.start()
        sent = send(feed, rate)
        time.sleep(2)
        is_over.set()
        looker.join()
    return delays(sent, seen)


def main() -> None:
    """Run everything and print the table."""
    os.sched_setaffinity(0, CORES[-1:])
    # As the command sets it.
    gc.set_threshold(100_000, 20, 50)
    names = ("fills/s", "median", "99 %", "worst", "kB/event")
    print(f"{'from a fill to':<34}", *(f"{one:>8}" for one in names))
    for rate in RATES:
        _print("a look (baseline)", rate, without_page(rate))
        found, sizes = with_page(rate)
        _print("its event on the stream", rate, found, statistics.mean(sizes) / 1000)


def _print(name: str, rate: int, found: list[float], size: float | None = None) -> None:
    ordered = sorted(found)
    figures = (
        statistics.median(found), ordered[int(len(ordered) * 0.99)], ordered[-1]
    )  # fmt: skip
    shown = " ".join(f"{one * 1000:5.0f} ms" for one in figures)
    print(f"{name:<34} {rate:>8} {shown} {'' if size is None else f'{size:8.1f}'}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
