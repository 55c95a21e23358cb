"""All of a folder of exports is accounted for: read, told, or a system's own."""

import gzip
import os
import shutil
import socket
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import Workbook

from ingestion import file_formats
from ingestion.pipeline import IngestSummary
from ingestion.pipeline import load as load_source
from ingestion.sources import open_source
from runtime.errors import UserError
from runtime.home import Home
from tests.conftest import make_settings, rows
from tests.exports import ExportedFill, Exports
from tests.in_process import call_daily

MONDAY = datetime(2025, 3, 3, 9, 31, 7)
HELD = (
    "select account_number, filled_at_et, side, quantity, symbol, price, order_id, "
    "fill_id, propreports_id from raw.fills order by all"
)


def fills(account: str = "A1", count: int = 3) -> list[ExportedFill]:
    """Some fills, seconds apart, with ids that begin with zeros."""
    return [
        ExportedFill(
            account,
            MONDAY + timedelta(seconds=17 * number),
            "BS"[number % 2],
            Decimal(100),
            Decimal("10.25") + number,
            order_id=f"O{number}",
            fill_id=f"{number:05d}",
            propreports_id=str(900_000 + number),
        )
        for number in range(count)
    ]


def load(exports: Path, home: Path, **settings: object) -> tuple[Home, IngestSummary]:
    """Ingest a folder."""
    chosen = make_settings(source="files", exports=exports, risk_home=home, **settings)
    with open_source(chosen) as source:
        return Home(home), load_source(chosen, source, Home(home))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple]]:
    """A folder of one account's exports, and the fills it holds."""
    folder = tmp_path_factory.mktemp("plain")
    exports = Exports(folder / "exports").write(fills()).folder
    home, summary = load(exports, folder / "home")
    assert summary.unread == []
    return exports, rows(home, HELD)


@pytest.fixture
def exports(plain: tuple[Path, list[tuple]], tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    shutil.copytree(plain[0], tmp_path / "exports")
    return tmp_path / "exports"


def one_file(exports: Path) -> Path:
    """The file of fills."""
    return next((exports / "fills").iterdir())


def packed(path: Path) -> None:
    """Gzip a file in its place."""
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def as_workbook(path: Path, typed: bool = True, **more: object) -> Path:
    """Save a CSV as a workbook in its place, as a spreadsheet would."""
    book = Workbook()
    sheet = book.active
    for number, line in enumerate(path.read_text().splitlines()):
        cells: list[object] = list(line.split(","))
        if typed and number and path.parent.name == "fills":
            cells[0] = datetime.strptime(str(cells[0]), "%m/%d/%Y %H:%M:%S")
            cells[3], cells[5] = int(str(cells[3])), float(str(cells[5]))
            cells[14] = int(str(cells[14]))
        sheet.append([cell if cell != "" else None for cell in cells])
    for name, cells in more.items():
        book.create_sheet(name).append(cells)
    target = path.with_suffix(".xlsx")
    book.save(target)
    path.unlink()
    return target


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("change", "also_accounts"),
    [(packed, True), (packed, False), (as_workbook, True), (as_workbook, False)],
)
def test_what_can_be_read_safely_is_read_as_if_it_were_csv(
    exports: Path,
    plain: tuple[Path, list[tuple]],
    change: Callable[[Path], object],
    also_accounts: bool,
) -> None:
    change(one_file(exports))
    if also_accounts:
        change(exports / "accounts.csv")
    home, summary = load(exports, exports.parent / "home")
    assert rows(home, HELD) == plain[1]
    assert (summary.rejected, summary.unread) == (0, [])


def zipped(path: Path) -> None:
    """A zip archive beside."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.csv", "x")


def folder_with_file(path: Path) -> None:
    path.mkdir()
    (path / "HL001.csv").write_text("x")


def listening(path: Path) -> None:
    """A socket of the file system; its name must be short."""
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def link_out(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def text(path: Path) -> None:
    path.write_text("x")


UNREAD = {
    "fills/a.zip": (zipped, "compressed"),
    "fills/a.csv.bz2": (text, "compressed"),
    "fills/a.tar.gz": (text, "compressed"),
    "fills/a.xls": (text, "spreadsheet"),
    "fills/a.ODS": (text, "spreadsheet"),
    "fills/a.txt": (text, "foreign_file"),
    "fills/a": (text, "foreign_file"),
    "fills/old": (folder_with_file, "subfolder"),
    "Fills": (folder_with_file, "other_spelling"),
    "FILL": (folder_with_file, "other_spelling"),
    "summarybydate": (folder_with_file, "other_spelling"),
    "Summary By Date": (folder_with_file, "other_spelling"),
    "summary_by_dates": (folder_with_file, "other_spelling"),
    "archive": (folder_with_file, "subfolder"),
    "Accounts.csv": (text, "other_spelling"),
    "HL001.csv": (text, "foreign_file"),
    "fills/pipe.csv": (os.mkfifo, "no_regular_file"),
    "pipe": (os.mkfifo, "no_regular_file"),
    "fills/socket.csv": (listening, "no_regular_file"),
    "fills/out.csv": (link_out, "no_regular_file"),
    "fills/itself.csv": (link_to_itself, "no_regular_file"),
    "itself": (link_to_itself, "no_regular_file"),
}


def test_everything_that_is_not_read_is_said(
    exports: Path, plain: tuple[Path, list[tuple]]
) -> None:
    for name, (make, _) in UNREAD.items():
        make(exports / name)
    home, summary = load(exports, exports.parent / "home")
    assert rows(home, HELD) == plain[1]
    kept = rows(
        home,
        "select origin, reason_code from raw.quarantine where resource = 'folder'",
    )
    expected = {str(exports / name): code for name, (_, code) in UNREAD.items()}
    assert dict(kept) == expected
    assert len(summary.unread) == len(UNREAD)
    assert summary.rejected == 0
    assert f"; not read: {summary.unread[0]}, " in str(summary)
    assert f" and {len(UNREAD) - 5} more" in str(summary)


@pytest.mark.parametrize("name", sorted(UNREAD))
def test_each_alone_is_said_by_doctor(exports: Path, name: str) -> None:
    UNREAD[name][0](exports / name)
    run = call_daily(
        "doctor", SOURCE="files", EXPORTS=exports, RISK_HOME=exports.parent / "home"
    )
    assert run.code == 1
    (line,) = [x for x in run.out.splitlines() if x.split()[1] == "source"]
    assert line.startswith("FAIL")
    assert str(exports / name) in line


IGNORED = (
    ".DS_Store", "fills/.hidden.csv", "fills/~$HL001.xlsx", "fills/HL001.csv~",
    "fills/Thumbs.db", "desktop.ini", "README.md",
)  # fmt: skip


@pytest.mark.long
def test_what_systems_and_editors_leave_is_ignored(exports: Path) -> None:
    for name in IGNORED:
        text(exports / name)
    (exports / "__MACOSX").mkdir()
    (exports / "empty").mkdir()
    assert load(exports, exports.parent / "home")[1].unread == []


@pytest.mark.parametrize("name", ["accounts.csv", "fills"])
def test_a_name_of_another_spelling_alone_is_said(exports: Path, name: str) -> None:
    (exports / name).rename(exports / name.capitalize())
    with pytest.raises(UserError, match=f"{name.capitalize()} .*rename it to {name}"):
        load(exports, exports.parent / "home")


@pytest.mark.parametrize("make", [os.mkfifo, listening, link_out, link_to_itself])
@pytest.mark.parametrize("name", ["accounts.csv", "fills"])
def test_a_pipe_in_the_place_of_a_file_blocks_nobody(
    exports: Path, name: str, make: Callable[[Path], object]
) -> None:
    (exports / name).rename(exports.parent / "away")
    make(exports / name)
    with pytest.raises(UserError, match="is not read: it is a pipe, a socket"):
        load(exports, exports.parent / "home")


@pytest.mark.parametrize("name", ["EXPORTS", "DESK"])
def test_a_folder_that_is_a_link_to_itself_is_refused_in_one_line(
    exports: Path, name: str
) -> None:
    link_to_itself(exports.parent / "loop")
    folders = {"EXPORTS": exports, "DESK": exports} | {name: exports.parent / "loop"}
    run = call_daily(
        "ingest", SOURCE="files", RISK_HOME=exports.parent / "home", **folders
    )
    assert run.code == 1
    (line,) = run.err.strip().splitlines()
    assert f"no folder {exports.parent / 'loop'}" in line or "loop is no folder" in line


def test_a_file_that_becomes_a_pipe_blocks_nobody(exports: Path) -> None:
    settings = make_settings(
        source="files", exports=exports, risk_home=exports.parent / "home"
    )
    with open_source(settings) as source:
        path = one_file(exports)
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(UserError, match="is no file, but a folder, pipe"):
            load_source(settings, source, Home(settings.home_root))


def test_what_inflates_without_end_is_refused(exports: Path) -> None:
    path = one_file(exports)
    header = path.read_bytes().splitlines(True)[0]
    path.with_name("bomb.csv.gz").write_bytes(gzip.compress(header + b"," * 50_000_000))
    with pytest.raises(UserError, match=r"bomb.csv.gz inflates to more than"):
        load(exports, exports.parent / "home")


@pytest.mark.parametrize("damage", ["cut", "noise", "header alone"])
def test_a_damaged_archive_is_refused_in_one_line(exports: Path, damage: str) -> None:
    path = one_file(exports)
    content = gzip.compress(path.read_bytes())
    content = {
        "cut": content[:-20],
        "noise": b"no gzip at all",
        "header alone": content[:8],
    }[damage]
    path.with_name("a.csv.gz").write_bytes(content)
    with pytest.raises(UserError, match=r"a.csv.gz cannot be unpacked") as caught:
        load(exports, exports.parent / "home")
    assert "\n" not in str(caught.value)


def test_a_workbook_too_large_is_refused(
    exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_workbook(one_file(exports))
    monkeypatch.setattr(file_formats, "MAXIMUM_WORKBOOK_CELLS", 30)
    with pytest.raises(UserError, match="has more than 30 cells"):
        load(exports, exports.parent / "home")
    monkeypatch.setattr(file_formats, "MAXIMUM_WORKBOOK_BYTES", 1000)
    with pytest.raises(UserError, match="inflates to .* bytes, more than 1,000"):
        load(exports, exports.parent / "home2")


def test_a_workbook_that_is_none_is_refused(exports: Path) -> None:
    text(one_file(exports).with_suffix(".xlsx"))
    with pytest.raises(UserError, match="cannot be read as a workbook"):
        load(exports, exports.parent / "home")


def test_of_two_sheets_nobody_knows_which(exports: Path) -> None:
    as_workbook(one_file(exports), Notes=["x"])
    with pytest.raises(UserError, match="has 2 sheets with rows: Sheet, Notes"):
        load(exports, exports.parent / "home")


@pytest.mark.long
def test_formulas_are_not_evaluated(exports: Path) -> None:
    path = one_file(exports)
    lines = path.read_text().splitlines()
    lines[2] = lines[2].replace("11.25", "=1+1")
    path.write_text("\n".join(lines))
    as_workbook(path, typed=False)
    home, _ = load(exports, exports.parent / "home")
    assert rows(
        home, "select line_number, column_name, cell, reason_code from raw.quarantine"
    ) == [(3, "Price", "=1+1", "not_a_number")]
