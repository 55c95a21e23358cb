"""Logs of a home: a line per step in `daily.log`, all there is in `detail.log`.

dbt keeps a third, `dbt.log`, and rotates it itself.
"""

import logging
from collections import deque
from logging.handlers import RotatingFileHandler
from pathlib import Path

from runtime.home import Home

STEPS, DETAIL = "daily.log", "detail.log"
_FILES, _BYTES = 9, {STEPS: 10**6, DETAIL: 10**7}

steps_log = logging.getLogger("daily")
steps_log.addHandler(logging.NullHandler())
# How something came to pass is no line of a step.
detail_log = logging.getLogger("detail")
detail_log.addHandler(logging.NullHandler())


def log_to(home: Home) -> None:
    """Write what happens from now on to the logs of `home`, and no other's."""
    home.logs.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    for logger, name in ((steps_log, STEPS), (root, DETAIL)):
        for old in [h for h in logger.handlers if isinstance(h, RotatingFileHandler)]:
            logger.removeHandler(old)
            old.close()
        handler = RotatingFileHandler(
            home.logs / name,
            maxBytes=_BYTES[name],
            backupCount=_FILES,
            encoding="utf-8",
        )
        handler.setFormatter(
            logging.Formatter(
                "%(asctime)s %(levelname)s %(name)s: %(message)s",
                # With the zone of this machine: the ledger is in UTC, the desk in ET.
                "%Y-%m-%d %H:%M:%S %Z",
            )
        )
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    logging.captureWarnings(True)
    # Where a log cannot be written, a full disk mostly, the error itself is printed; a
    # traceback for each line of the log would bury it.
    logging.raiseExceptions = False


def last_lines(file: Path, count: int) -> list[str]:
    """The last lines of a log; none if there is no such file."""
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            return [line.rstrip() for line in deque(lines, maxlen=count)]
    except FileNotFoundError:
        return []
