"""Tells of a run that could not: killed, or brought down by a crash in a library.

A process forked before the warehouse is opened waits for the run to end; it uses none
of the libraries that keep threads. The run stays the process that was started, so that
signals and exit codes reach it as ever. Where it dies with the run, as in a container,
the next run tells.
"""

import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import Never

from daily.alerts import alert
from runtime.errors import UserError
from runtime.home import Home
from runtime.ledger import BETWEEN, KILLED, START, Ledger, StepRun
from runtime.settings import Settings, load_settings

_BEGUN, _ENDED = b"+", b"-"
_pipe: int | None = None


def call_witness() -> None:
    """Fork who mails if this process dies within a run; not in a terminal."""
    global _pipe
    if sys.stderr.isatty():
        return
    reads, writes = os.pipe()
    process = os.getpid()
    if os.fork():
        os.close(reads)
        _pipe = writes
        return
    os.close(writes)
    _wait(reads, process)


def begun() -> None:
    """From now on a death is one of a run."""
    _tell(_BEGUN)


def ended() -> None:
    """The run has said itself what came of it."""
    _tell(_ENDED)


def _tell(word: bytes) -> None:
    if _pipe is not None:
        # A witness that was killed must not make a good run fail.
        with suppress(OSError):
            os.write(_pipe, word)


def _wait(pipe: int, process: int) -> Never:
    """Until the other end is closed, by whatever."""
    try:
        # What is sent to the run's group, by a terminal, `timeout` or a service
        # manager, is for the run.
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        told = b""
        while word := os.read(pipe, 16):
            told += word
        if told == _BEGUN:
            _mail(process)
    except Exception:  # noqa: BLE001 - there is nobody else to say it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def _mail(process: int) -> None:
    try:
        settings: Settings | None = load_settings()
    except UserError:
        settings = None
    home = Home(settings.home_root) if settings else None
    ledger = Ledger(home) if home else None
    runs = ledger.runs() if ledger else []
    run = next((one for one in runs if one.last.process == process), None)
    died_in = run.died_in if run and run.outcome == KILLED else None
    if settings and home and ledger and died_in:
        tell(settings, home, ledger, died_in)
    else:
        step = run.last.step if run else START
        alert(settings, home, step, _message(step))


def tell(settings: Settings, home: Home, ledger: Ledger, killed: StepRun) -> str:
    """Mail that a run was killed in a step, and keep that in the ledger.

    Returns:
        What was reported, in one line.
    """
    message = _message(killed.step)
    alert(settings, home, killed.step, message)
    ledger.killed(killed, message)
    return message


def _message(step: str) -> str:
    where = step if step.startswith(BETWEEN) else f"in step {step}"
    return (
        f"The run was killed {where}: by the machine, out of memory, by a crash "
        "in a library, or by hand. See `dmesg` and the end of the log."
    )
