"""What a terminal shows fits it, and a pipe or a log gets all of it, in plain text."""

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl

import pytest

from runtime.settings import PROJECT_ROOT
from runtime.terminal import progress_bar, table, wrapped

TEXT = "the trader loses more often than usual after a losing streak of three"
ROWS = [
    ("trader", "net", "lowest", "model", "why"),
    ("T1", "-1,234,567", "-98,765.43", "reference", TEXT),
    ("T2", "5", "3\u00a0%", "own", "-1,234 since 2025-12-18"),
    ("T[red]3", "12.5 MB", "–", "own", ""),
]


def in_terminal(code: str, width: int = 80) -> str:
    """What a script shows in a terminal of this width, both streams."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, stdin=theirs, stdout=theirs,
        stderr=theirs, env={"PATH": os.environ["PATH"], "TERM": "xterm"},
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            # Nobody is at the other end any more.
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert process.returncode == 0, shown
    return shown.decode().replace("\r\n", "\n")


def plain(shown: str) -> list[str]:
    """Lines without what makes letters bold."""
    return re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines()


def table_in_terminal(width: int, optional: tuple[str, ...] = ()) -> list[str]:
    """The lines of `ROWS`."""
    return plain(
        in_terminal(
            f"from runtime.terminal import table\n"
            f"print(*table({ROWS!r}, {optional!r}), sep='\\n')",
            width,
        )
    )


def test_a_pipe_gets_a_plain_line_for_each_row() -> None:
    lines = table(ROWS, optional=("why",))
    assert len(lines) == len(ROWS)
    assert lines[1].endswith(TEXT)
    assert "\x1b" not in "".join(lines)
    # Numbers end at the same place, under their head; a text begins there.
    assert lines[0].index("net") + 3 == lines[1].index("567") + 3
    assert lines[0].index("why") == lines[1].index(TEXT)
    assert lines[3].split()[0] == "T[red]3"


@pytest.mark.parametrize("width", [72, 80, 100, 200])
def test_a_table_is_as_wide_as_the_terminal(width: int) -> None:
    lines = table_in_terminal(width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for number in ("-1,234,567", "-98,765.43", "12.5 MB", "-1,234 "):
        assert number in text
    words = " ".join(line[lines[0].index("why") :].strip() for line in lines)
    assert TEXT in words


def test_what_a_narrow_terminal_does_without_is_told() -> None:
    lines = table_in_terminal(50, ("model", "lowest", "net"))
    assert max(map(len, lines)) <= 50
    assert lines[0].split() == ["trader", "net", "why"]
    assert lines[-1] == "  Too narrow a terminal for: lowest, model"


def test_a_head_that_two_columns_have_is_left_out_as_the_last() -> None:
    rows = [("a", "a"), ("x" * 20, "y" * 20)]
    code = f"from runtime.terminal import table\nprint(*table({rows!r}, ('a',)))"
    shown = "".join(plain(in_terminal(code, 24)))
    assert "x" * 20 in shown
    assert "y" * 20 not in shown


def test_a_text_wraps_below_where_it_begins() -> None:
    code = f"from runtime.terminal import wrapped\nprint(wrapped('head  ', {TEXT!r}))"
    lines = plain(in_terminal(code, 40))
    assert max(map(len, lines)) <= 40
    assert all(line.startswith("      ") for line in lines[1:])
    assert wrapped("head  ", TEXT) == f"head  {TEXT}"


def test_a_bar_is_shown_in_a_terminal_with_the_time_left() -> None:
    shown = in_terminal(
        "import time\n"
        "from runtime.terminal import progress_bar\n"
        "with progress_bar(range(4), 'Reading {}'.format) as items:\n"
        "    for item in items: time.sleep(0.6)\n"
        "print('done')"
    )
    assert "Reading 2" in shown
    assert "50%" in shown
    assert re.search(r"0:00:0[1-3]", shown)
    assert plain(shown)[-1].endswith("done")


def test_a_log_gets_no_bar(capfd: pytest.CaptureFixture) -> None:
    with progress_bar([1, 2], str) as items:
        assert list(items) == [1, 2]
    assert capfd.readouterr() == ("", "")


def test_a_bar_is_gone_before_an_error_is_told() -> None:
    shown = in_terminal(
        "from runtime.terminal import progress_bar\n"
        "try:\n"
        "    with progress_bar([1], str) as items:\n"
        "        for item in items: raise ValueError\n"
        "except ValueError: print('error: no')"
    )
    assert shown.splitlines()[-1].endswith("error: no")
    # The cursor is back.
    assert shown.rindex("\x1b[?25h") < shown.rindex("error: no")
