"""What the machine ran out of, disk or memory, and how much to free or to raise.

Engines say it in their own ways and in many lines; a person wants one, with the place,
the figure, and the setting.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import humanize

from runtime.errors import UserError
from runtime.home import Home
from runtime.settings import Settings

GIB = 2**30
# What spilling, models, logs and reports take beside the warehouse and its copy.
LEAST_DISK_SPACE = 2 * GIB
_DISK_FULL = re.compile(
    r"No space left on device|Disk quota exceeded|max_temp_directory_size"
)
_MEMORY_FULL = re.compile(
    r"Out of Memory Error|OutOfMemoryException|MemoryError|std::bad_alloc"
)
_PATH = re.compile(r"""["'](/[^"']+)["']""")
# DuckDB's own words: used, and its limit.
_USED = re.compile(r"\([\d.]+ \w+/([\d.]+) ([KMGT])iB used\)")
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def is_out_of_resources(text: str) -> bool:
    """Whether an error's words are about a disk or memory that did not suffice."""
    return bool(_DISK_FULL.search(text) or _MEMORY_FULL.search(text))


def out_of_resources(
    text: str, settings: Settings, home: Home, where: str
) -> str | None:
    """What was short and how to fix it, in one line; None if nothing was.

    Args:
        text: Of an error, or of several.
        where: What was being done, for people.
    """
    if _DISK_FULL.search(text):
        return _out_of_disk_space(text, settings, home, where)
    if _MEMORY_FULL.search(text):
        return _out_of_memory(text, settings, where)
    return None


def out_of_resources_error(
    error: BaseException, settings: Settings, home: Home, where: str
) -> UserError | None:
    """The same of an exception, and of what it came from."""
    text = " ".join(f"{type(one).__name__}: {one}" for one in _chain(error))
    line = out_of_resources(text, settings, home, where)
    return UserError(line) if line else None


def disk_space_needed(home: Home) -> int:
    """Bytes that a run may need beside what is there.

    A table is written anew before the old one goes, and a copy is published beside the
    last one.
    """
    files = [home.warehouse, *(home.published / "current").rglob("*")]
    return LEAST_DISK_SPACE + sum(
        file.stat().st_size for file in files if file.is_file()
    )


def free_disk_space(path: Path) -> int:
    """Bytes that are free where a path lies, or would lie."""
    return shutil.disk_usage(_existing(path)).free


def machine_memory() -> int:
    """Bytes of memory that this machine, or its container, has."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(physical, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):
        return physical


def size(count: float) -> str:
    """Bytes, for people."""
    return humanize.naturalsize(count)


def _out_of_disk_space(text: str, settings: Settings, home: Home, where: str) -> str:
    place, other = home.root, "RISK_HOME to another disk"
    for found in map(Path, _PATH.findall(text)):
        if _device(found) != _device(home.root):
            place, other = found.parent, "TMPDIR to another disk"
    free = free_disk_space(place)
    # What was spilled is gone by now: twice as much as is free again may be needed.
    needed = max(disk_space_needed(home), 2 * free)
    raised = (
        f", or raise MEMORY_LIMIT (now {settings.memory_limit}) so that less is spilled"
        if "max_temp_directory_size" in text
        else ""
    )
    return (
        f"The disk of {place} was full {where}; {size(free)} are free there now. Free "
        f"up to {size(needed)} (docs/operation.md says what may be deleted), or set "
        f"{other}{raised}. Then run `{settings.as_command('daily')}`. The published "
        "marts are unchanged."
    )


def _out_of_memory(text: str, settings: Settings, where: str) -> str:
    limit = settings.memory_bytes
    has, used = machine_memory(), _USED.search(text)
    again = (
        f"Then run `{settings.as_command('daily')}`. The published marts are as they "
        "were."
    )
    bound = float(used[1]) * _UNITS[used[2]] if used else 0
    # DuckDB rounds what it says to a tenth.
    if used and abs(bound - limit) < 0.1 * _UNITS[used[2]]:
        larger = f"{max(400, 2 * limit // 10**6)}MB"
        fewer = " or THREADS=1," if settings.threads > 1 else ""
        return (
            f"MEMORY_LIMIT={settings.memory_limit} was too little {where}. Set more in "
            f".env, such as MEMORY_LIMIT={larger},{fewer} of the {size(has)} that this "
            f"machine has. {again}"
        )
    least = f"{size(bound)} were too little" if used else "Memory ran out"
    return (
        f"{least} {where}; this machine has {size(has)}. Stop what else uses memory, "
        f"or take a larger machine. {again}"
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _device(path: Path) -> int:
    return _existing(path).stat().st_dev
