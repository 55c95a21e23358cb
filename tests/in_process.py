"""Commands of `python -m daily` in this process: a start of Python costs seconds.

What signals, locks of two processes or the exit of one prove, needs `run_daily`.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler

import pytest
from click.testing import CliRunner

from runtime.settings import ENV_FILE
from runtime.transform import build
from tests import draws
from tests.conftest import Run


def call_daily(command: str, *arguments: str, **environment: object) -> Run:
    """Do a command with these settings only; what is raised past it is raised here.

    Data tests, a third of a small morning's time, pass in a long draw alone, as in
    `build_warehouse`.
    """
    from daily.__main__ import main

    with pytest.MonkeyPatch.context() as patch, _own_logs():
        if not draws.is_long:
            models_alone = (*build._DATA_ONLY, "--exclude-resource-type", "test")
            patch.setattr(build, "_DATA_ONLY", models_alone)
        patch.setenv(ENV_FILE, "")
        for name, value in environment.items():
            patch.setenv(name, str(value))
        # Without the group, which takes over the signals of the process.
        done = CliRunner().invoke(
            main.commands[command], arguments, catch_exceptions=False
        )
    return Run(done.exit_code, done.stdout, done.stderr)


@contextmanager
def _own_logs() -> Iterator[None]:
    """No log of a command is written to by the next test, nor one of a test before."""
    raises, level = logging.raiseExceptions, logging.root.level
    _drop_logs()
    try:
        yield
    finally:
        logging.raiseExceptions = raises
        logging.captureWarnings(False)
        logging.root.setLevel(level)
        _drop_logs()


def _drop_logs() -> None:
    for logger in (logging.root, logging.getLogger("daily")):
        for handler in [*logger.handlers]:
            if isinstance(handler, RotatingFileHandler):
                logger.removeHandler(handler)
                # Of a disk that was full, and is gone.
                with suppress(OSError):
                    handler.close()
