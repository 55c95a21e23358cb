"""A real browser without a network, asked what it shows and what it complains of."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(
    not CHROMIUM, reason="no Chromium on this machine (apt-get install chromium)"
)


def browse(
    address: str,
    folder: Path,
    *,
    size: tuple[int, int] = (1440, 900),
    seconds: int = 20,
) -> tuple[str, list[str]]:
    """Open a page and let it settle.

    Args:
        address: file:// or on this machine; nothing else is reached.
        folder: For the browser's own files.
        size: Of the window, pixels.
        seconds: For which the page lives, on its own clock.

    Returns:
        The page as it is then, and what the browser's console was told.
    """
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={size[0]},{size[1]}",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--enable-logging=stderr", f"--virtual-time-budget={seconds * 1000}",
            "--dump-dom", address,
        ],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    told = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, told
