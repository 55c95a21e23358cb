"""Logs of a home: a line per step in `daily.log`, all there is in `detail.log`.

What dbt says stands in a third, `dbt.log`.
"""

import logging
from collections import deque
from logging.handlers import RotatingFileHandler
from pathlib import Path

from runtime.home import Home

STEPS, DETAIL, DBT = "daily.log", "detail.log", "dbt.log"
_FILES, _BYTES = 9, {STEPS: 10**6, DETAIL: 10**7, DBT: 10**7}

steps_log = logging.getLogger("daily")
steps_log.addHandler(logging.NullHandler())
# How something came to pass is no line of a step.
detail_log = logging.getLogger("detail")
detail_log.addHandler(logging.NullHandler())
# Neither step nor detail: nothing of it stands in their files.
dbt_log = logging.getLogger("dbt_said")
dbt_log.propagate = False


def log_to(home: Home) -> None:
    """Write what happens from now on to the logs of `home`, and no other's."""
    # With the zone of this machine: the ledger is in UTC, the desk in ET.
    layout = logging.Formatter(
        "%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S %Z"
    )
    _write_to(home.logs / STEPS, steps_log, layout)
    _write_to(home.logs / DETAIL, logging.getLogger(), layout)
    logging.captureWarnings(True)
    # Where a log cannot be written, a full disk mostly, the error itself is printed; a
    # traceback for each line of the log would bury it.
    logging.raiseExceptions = False


def log_dbt_to(home: Home) -> None:
    """Write what is said to `dbt_log` from now on to the log of `home`."""
    layout = logging.Formatter(
        "%(asctime)s [%(levelname)s] [%(threadName)s] %(message)s"
    )
    _write_to(home.logs / DBT, dbt_log, layout)


def _write_to(file: Path, logger: logging.Logger, layout: logging.Formatter) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    for old in [h for h in logger.handlers if isinstance(h, RotatingFileHandler)]:
        logger.removeHandler(old)
        old.close()
    handler = RotatingFileHandler(
        file, maxBytes=_BYTES[file.name], backupCount=_FILES, encoding="utf-8"
    )
    handler.setFormatter(layout)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def last_lines(file: Path, count: int) -> list[str]:
    """The last lines of a log; none if there is no such file."""
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            return [line.rstrip() for line in deque(lines, maxlen=count)]
    except FileNotFoundError:
        return []
