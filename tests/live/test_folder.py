"""A folder of CSV files that grow."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from live.figures import Snapshot
from live.page.changes import to_json
from live.session import JOURNAL, QUARANTINE, Session
from live.sources.folder import NEEDED, FolderSource
from runtime.sessions import EASTERN
from tests.live.days import opening_of

DAY = date(2025, 3, 3)
LATER = datetime(2025, 3, 3, 20, tzinfo=EASTERN)
HEADER = ",".join((*NEEDED, "kind", "ref_exec_id", "remark")) + "\n"


def line(exec_id: str, side: str = "B", price: str = "10", rest: str = ",,") -> str:
    """A line of a file, with its end."""
    at = "2025-03-03T10:00:00"
    return f"{exec_id},ACC1,ABC,{side},100,{price},{at},{rest}\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The folder."""
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def session(tmp_path: Path, files: Path) -> Iterator[Session]:
    """A session that reads the folder."""
    source = FolderSource("files", files)
    with Session(
        tmp_path / "live", opening_of(DAY, None, ["ACC1"]), [source], lambda: LATER
    ) as one:
        yield one


def until(session: Session, is_so: Callable[[Snapshot], bool], what: str) -> Snapshot:
    """The first snapshot of which something is so, within seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = session.snapshot()
        if is_so(found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"never: {what}; {found.sources}, {found.counts}")


def has_taken(count: int) -> Callable[[Snapshot], bool]:
    """Whether so many reports were taken."""
    return lambda found: found.sequence == count


def test_a_half_written_line_waits_for_its_end(session: Session, files: Path) -> None:
    """Also one that looks whole: price 1 might become 10."""
    path = files / "fills.csv"
    path.write_text(HEADER + line("1") + line("2", "S", "1").rstrip("\n"))
    until(session, has_taken(1), "the first line")
    time.sleep(0.6)
    assert session.snapshot().sequence == 1
    with path.open("a") as handle:
        handle.write("\n")
    until(session, has_taken(2), "the second line")
    with path.open("a") as handle:
        handle.write(line("3", rest="cancel,1,"))
    found = until(session, has_taken(3), "the bust")
    assert found.scopes["desk", "desk"].fills_count == 1
    assert found.sources[0].is_connected and found.sources[0].reports_count == 3


def test_bad_lines_are_told_with_file_and_line(session: Session, files: Path) -> None:
    """Each with its reason; the others count."""
    bad = [
        "too,few\n",
        line("1", side="X"),
        line("2", price="ten"),
        line("3", rest="cancel,,"),
        line("4", rest="maybe,,"),
        line("5").replace("10:00:00", "25:00:00"),
        line("", price="9"),
        line("7").replace("ABC", "A\rBC"),
        line("8").replace("ABC", "A" * 200_000),
        line("9").replace("2025-03-03T10:00:00", "9999-12-31T23:00:00"),
    ]
    (files / "fills.csv").write_text(HEADER + "".join(bad) + line("6"), newline="")
    (files / "other.csv").write_text("exec_id,price\n1,2\n")
    (files / "notes.txt").write_text("nothing of ours\n")
    os.mkfifo(files / "a pipe.csv")
    found = until(session, has_taken(1), "the good line")
    assert found.scopes["desk", "desk"].fills_count == 1
    # The pipe is told as a problem, and holds up nothing.
    found = until(session, lambda one: one.sources[0].problem is not None, "the pipe")
    assert "a pipe.csv cannot be read" in (found.sources[0].problem or "")
    text = (session.folder / QUARANTINE).read_text()
    for reason in (
        "fills.csv, line 2: has 2 cells, the header has 10",
        "line 3: side is not one of B, S, T, C: 'X'",
        "line 4: price is no number: 'ten'",
        "line 5: ref_exec_id is empty",
        "line 6: kind is not one of new, cancel, correct: 'maybe'",
        "line 7: executed_at or trade_date is not written as",
        "line 8: exec_id is empty",
        "line 9: is no CSV (new-line character seen in unquoted field",
        "line 10: is no CSV (field larger than field limit",
        "line 11: executed_at or trade_date is not written as",
        "other.csv, line 1: the header lacks account, symbol",
    ):
        assert reason in text


def test_a_file_whose_name_is_no_text_is_told_as_text(
    session: Session, files: Path
) -> None:
    """A page takes text alone: it would show nothing any more."""
    name = b"\xff.csv"
    (files / os.fsdecode(name)).write_text("exec_id,price\n")
    os.mkfifo(os.fsencode(files) + b"/pipe" + name)
    found = until(
        session,
        lambda one: one.counts["quarantined"] and one.sources[0].problem is not None,
        "both",
    )
    assert "\ufffd.csv, line 1".encode() in to_json(found.flags)
    assert "pipe\ufffd.csv cannot be read".encode() in to_json(found.sources)


def test_a_file_that_is_written_anew_doubles_nothing(
    session: Session, files: Path
) -> None:
    """Shorter, replaced, or twice under two names: ids decide."""
    path = files / "fills.csv"
    path.write_text(HEADER + line("1") + line("2"))
    until(session, has_taken(2), "two")
    path.write_text(HEADER + line("3"))
    until(session, has_taken(3), "the third")
    other = files / "other"
    other.write_text(HEADER + line("1") + line("2") + line("3") + line("4"))
    other.rename(path)
    found = until(session, has_taken(4), "the fourth")
    assert found.counts["duplicate"] == 3
    size = (session.folder / JOURNAL).stat().st_size
    (files / "again.csv").write_bytes(path.read_bytes())
    until(session, lambda one: one.counts["duplicate"] == 7, "all again")
    assert (session.folder / JOURNAL).stat().st_size == size


def test_a_folder_that_is_gone_is_a_state(session: Session, files: Path) -> None:
    """Not connected, and said; it goes on as soon as it is back."""
    until(session, lambda one: one.sources[0].is_connected, "connected")
    files.rename(files.with_name("away"))
    found = until(session, lambda one: not one.sources[0].is_connected, "gone")
    assert "cannot be read" in (found.sources[0].problem or "")
    files.mkdir()
    (files / "fills.csv").write_text(HEADER + line("1"))
    until(session, has_taken(1), "a line")
