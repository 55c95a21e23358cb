"""Measures the live desk, each part on one core: part of `make bench`.

A thousand traders, 5,000 books. Fills are texts of FIX 4.2 as its engine hands them
over; the baseline is the bare parser, which makes reports of them and nothing else. The
FIX engine itself and its socket are not in these figures.
"""

import gc
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from live.opening import Opening
from live.page.follow import PACE_SECONDS
from live.session import Session
from live.sources.fix_messages import SOH, message_of
from live.sources.fix_settings import KINDS, FixSettings
from tests.live.days import opening_of

TRADERS, SYMBOLS, SYMBOLS_OF_TRADER = 1000, 300, 5
DAY = date(2025, 3, 3)
BEGIN = datetime(2025, 3, 3, 14, 30, tzinfo=UTC)
END = datetime(2025, 3, 3, 21, tzinfo=UTC)
SECONDS = (END - BEGIN).total_seconds()
SOME, MANY = 100_000, 1_000_000
RATE, PACED_SECONDS = 5000, 30
SETTINGS = FixSettings(
    "prime", "127.0.0.1", 1, "DESK", "PRIME", "FIX.4.2", kind_tag=20, kinds=KINDS[20]
)


def opening() -> Opening:
    """A thousand traders in ten groups."""
    names = [f"T{number:04}" for number in range(TRADERS)]
    groups = {name: f"group {number % 10}" for number, name in enumerate(names)}
    return opening_of(DAY, None, names, groups=groups)


def messages(count: int) -> Iterator[str]:
    """A day's fills in order of time, as texts; of a hundred one is a bust."""
    draw = random.Random(7)
    symbols = {
        trader: [f"SY{draw.randrange(SYMBOLS)}" for _ in range(SYMBOLS_OF_TRADER)]
        for trader in range(TRADERS)
    }
    for number in range(count):
        trader = draw.randrange(TRADERS)
        at = BEGIN + timedelta(seconds=number * SECONDS / count)
        is_bust = number > 100 and draw.random() < 0.01
        cells = [
            (35, "8"), (34, number + 2), (52, f"{at:%Y%m%d-%H:%M:%S}"),
            (37, f"O{number // 3}"), (17, f"E{number:08}"),
            (20, "1" if is_bust else "0"), (150, "2"), (39, "2"), (1, f"T{trader:04}"),
            (55, draw.choice(symbols[trader])), (54, draw.choice("125")),
            (32, draw.choice((1, 50, 100, 100, 200, 300))),
            (31, f"{draw.randrange(1000, 9000) / 100:.2f}"),
            (60, f"{at:%Y%m%d-%H:%M:%S.%f}"[:-3]), (30, "ARCA"), (851, "1"),
        ]  # fmt: skip
        if is_bust:
            cells.append((19, f"E{number - 1 - draw.randrange(100):08}"))
        yield SOH.join(f"{tag}={value}" for tag, value in cells)


def session_in(folder: Path) -> Session:
    """A session without sources, whose clock is at the close."""
    return Session(folder, opening(), [], lambda: END)


class Clock:
    """Wall and processor time since it was made; those of what was forked as well."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), self._used()

    @staticmethod
    def _used() -> float:
        used = os.times()
        return used.user + used.system + used.children_user + used.children_system

    def told(self, count: int) -> str:
        """How many a second, and what one takes of the processor."""
        wall = time.perf_counter() - self._wall
        used = self._used() - self._processor
        return (
            f"{count / wall:,.0f} a second, {used / count * 1e6:.0f} microseconds of "
            f"processor each ({count / used:,.0f} a second of a core of its own)"
        )


def resident_mib() -> float:
    """Memory of this process now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def bare_parser() -> str:
    """The baseline: reports are made, and dropped."""
    texts = list(messages(SOME))
    clock = Clock()
    for text in texts:
        message_of(text, SETTINGS, END)
    return f"bare parser: {clock.told(SOME)}"


def as_fast_as_it_can() -> str:
    """Parser, journal and engine, with a look at the desk each second."""
    texts = list(messages(SOME))
    with tempfile.TemporaryDirectory() as folder, session_in(Path(folder)) as session:
        clock = Clock()
        for number, text in enumerate(texts):
            message = message_of(text, SETTINGS, END)
            assert message is not None
            session.receive((message,))
            # Once a second, at the rate that is wanted.
            if not number % RATE:
                session.snapshot()
        told = clock.told(SOME)
    return f"parser, journal, engine, all figures each {RATE:,} fills: {told}"


def paced() -> str:
    """5,000 a second, and how long until a follower has the figures with a fill in."""
    count = RATE * PACED_SECONDS
    texts = list(messages(count))
    due: deque[float] = deque()
    late: list[float] = []
    with tempfile.TemporaryDirectory() as folder, session_in(Path(folder)) as session:
        follower = session.subscribe()
        is_over = threading.Event()

        def follow() -> None:
            seen = 0
            while not is_over.is_set() or due:
                follower.wait(0.2)
                began = time.thread_time()
                sequence = session.snapshot().sequence
                worked = time.thread_time() - began
                now = time.perf_counter()
                for _ in range(sequence - seen):
                    late.append(now - due.popleft())
                seen = sequence
                # As the page does it.
                time.sleep(max(PACE_SECONDS, worked))

        thread = threading.Thread(target=follow)
        thread.start()
        clock, started = Clock(), time.perf_counter()
        for number, text in enumerate(texts):
            at = started + number / RATE
            wait = at - time.perf_counter()
            if wait > 0.001:
                time.sleep(wait)
            message = message_of(text, SETTINGS, END)
            assert message is not None
            due.append(at)
            session.receive((message,))
        told = clock.told(count)
        is_over.set()
        thread.join()
    late.sort()
    half, most = late[len(late) // 2], late[int(len(late) * 0.99)]
    return (
        f"{RATE:,} fills/s for {PACED_SECONDS} s with a follower: {told}; a fill is in "
        f"the follower's figures after {half * 1000:.0f} ms (median), "
        f"{most * 1000:.0f} ms (99 %), {late[-1] * 1000:.0f} ms (latest)"
    )


def a_days_million(folder: Path) -> None:
    """A million fills, then wait to be killed; prints when it is there."""
    session = session_in(folder)
    session.__enter__()
    for number, text in enumerate(messages(MANY)):
        message = message_of(text, SETTINGS, END)
        assert message is not None
        session.receive((message,))
        if not number % RATE:
            session.snapshot()
    peak = 0.0
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            peak = int(line.split()[1]) / 1024
    started = time.perf_counter()
    found = session.snapshot()
    seconds = time.perf_counter() - started
    journal = session.folder / "journal"
    print(
        f"{MANY:,} fills: {resident_mib():,.0f} MiB of memory, {peak:,.0f} at most; "
        f"journal {journal.stat().st_size / 2**20:,.0f} MiB; all figures in "
        f"{seconds:.2f} s",
        flush=True,
    )
    print(found.scopes["desk", "desk"].net_pnl, flush=True)
    signal.pause()


def back_after_a_kill(folder: Path) -> None:
    """Start on what the killed process left, and show figures."""
    started = time.perf_counter()
    session = session_in(folder)
    session.__enter__()
    back = time.perf_counter() - started
    found = session.snapshot()
    shown = time.perf_counter() - started
    print(
        f"back after a kill: {back:.1f} s, all figures shown after {shown:.1f} s "
        f"({time.process_time():.1f} s of processor, imports included), "
        f"{resident_mib():,.0f} MiB",
        flush=True,
    )
    print(found.scopes["desk", "desk"].net_pnl, flush=True)
    # Not closed: what it would write is no part of this.
    os._exit(0)


def _run(part: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench_live", part, *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


def main() -> None:
    """Each part in a process of its own, on one core."""
    print("The live desk, one core:")
    for part in ("bare_parser", "as_fast_as_it_can", "paced"):
        process = _run(part)
        print(f"  {process.communicate()[0].strip()}", flush=True)
        if process.returncode:
            raise SystemExit(f"{part} failed with {process.returncode}")
    with tempfile.TemporaryDirectory() as folder:
        process = _run("a_days_million", folder)
        assert process.stdout is not None
        told, before = process.stdout.readline(), process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        print(f"  {told.strip()}", flush=True)
        again = _run("back_after_a_kill", folder).communicate()[0].splitlines()
        print(f"  {again[0]}")
        if again[1] != before.strip():
            raise SystemExit(f"The figures differ: {before.strip()}, then {again[1]}")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        # As the command sets it.
        gc.set_threshold(100_000, 20, 50)
        _, part, *arguments = sys.argv
        told = globals()[part](*map(Path, arguments))
        if told:
            print(told)
