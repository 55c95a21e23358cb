"""A file is whole or not there, whoever writes it and whatever breaks on the way."""

import os
import stat
from pathlib import Path
from threading import Event, Thread

import pytest

from runtime.files import swap_folders, write_atomic
from tests.conftest import start_python

WRITE = """
import sys
from pathlib import Path
from runtime.files import write_atomic
path, letter = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for _ in range(300):
    write_atomic(path, letter.encode() * 10_000)
"""


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state.json"
    letters = ("a", "b")
    writers = [
        start_python("-c", WRITE, str(path), letter, stdin=-1) for letter in letters
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        print("go", file=writer.stdin, flush=True)
    whole = {letter.encode() * 10_000 for letter in letters}
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            assert path.read_bytes() in whole
    for writer in writers:
        _, err = writer.communicate()
        assert (writer.returncode, err) == (0, "")
    assert path.read_bytes() in whole
    assert os.listdir(path.parent) == [path.name]


def test_an_error_leaves_the_file_and_no_partial_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    write_atomic(path, b"before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, b"after")
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == [path.name]


def test_a_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    write_atomic(tmp_path / "page.html", b"x")
    (tmp_path / "other.html").write_bytes(b"x")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize("name", ["board", "[b]*?", "it's #1 %", 'Ünï "q"'])
def test_a_folder_is_never_absent_while_it_is_swapped(
    tmp_path: Path, name: str
) -> None:
    current, new = tmp_path / name, tmp_path / ".partial"
    absent, is_over = [], Event()

    def read() -> None:
        while not is_over.is_set():
            absent.extend(1 for _ in range(50) if not os.path.exists(current / "page"))

    reader = Thread(target=read)
    for number in range(300):
        new.mkdir()
        (new / "page").write_text(str(number))
        swap_folders(new, current)
        if number == 0:
            reader.start()
        assert (current / "page").read_text() == str(number)
        assert os.listdir(tmp_path) == [name]
    is_over.set()
    reader.join()
    assert absent == []
