"""What a spreadsheet did to ids, dates, times and symbols is found, with its cell."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from runtime.errors import UserError
from tests.conftest import rows
from tests.exports import ExportedFill, Exports
from tests.ingestion.test_exports_folder import load, one_file

FIRST = datetime(2025, 3, 3, 9, 31, 7)


def fills() -> list[ExportedFill]:
    """Sixty of six sessions, with ids of eight digits, some of which begin with 0."""
    draw = random.Random(7)
    ids = [f"{draw.randrange(10**8):08d}" for _ in range(60)]
    days = [0, 1, 2, 3, 4, 7]
    return [
        ExportedFill(
            "A1",
            FIRST + timedelta(days=days[number // 10], seconds=613 * (number % 10)),
            "B",
            Decimal(100),
            Decimal(10),
            order_id=ids[number],
            fill_id=f"F{number}",
            propreports_id=str(9_000_000 + number),
        )
        for number in range(60)
    ]


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """One account's."""
    return Exports(tmp_path / "exports").write(fills()).folder


def rewritten(path: Path, column: int, change, lines: slice = slice(1, None)) -> None:
    """Change a cell of some lines."""
    table = [line.split(",") for line in path.read_text().splitlines()]
    for cells in table[lines]:
        cells[column] = change(cells[column])
    path.write_text("\n".join(",".join(cells) for cells in table) + "\n")


def told(exports: Path, **settings: object) -> list[tuple]:
    """Place and code of what is in quarantine after a load."""
    home, _ = load(exports, exports.parent / "home", **settings)
    return rows(
        home,
        "select line_number, column_name, cell, reason_code from raw.quarantine "
        "order by all",
    )


ORDER, FILL_ID, PROPREPORTS_ID = 10, 11, 14


@pytest.mark.long
def test_a_sound_file_is_told_nothing_of(exports: Path) -> None:
    assert told(exports) == []


@pytest.mark.long
@pytest.mark.parametrize(
    "cell", ["1.23E+11", "1,23E+11", "1E+15", "#NAME?", "#REF!", "#VALUE!", "####"]
)
@pytest.mark.parametrize("column", [ORDER, FILL_ID, PROPREPORTS_ID])
def test_an_id_that_is_none_any_more_is_told_once_and_left_empty(
    exports: Path, cell: str, column: int
) -> None:
    shown = f'"{cell}"' if "," in cell else cell
    rewritten(one_file(exports), column, lambda _: shown, slice(5, 15))
    label = {ORDER: "Order Id", FILL_ID: "Fill Id", PROPREPORTS_ID: "PropReports Id"}
    assert told(exports) == [(6, label[column], cell, "spreadsheet_value")]
    home, summary = load(exports, exports.parent / "home")
    assert summary.fills_read == 60
    reason = "select reason from raw.quarantine"
    assert rows(home, reason)[0][0].endswith("in 10 rows")


@pytest.mark.parametrize("cell", ["1.23E+11", "#REF!", "####"])
@pytest.mark.parametrize("column", ["Account Id", "Account Name"])
def test_an_account_whose_id_or_name_is_lost_is_refused(
    exports: Path, cell: str, column: str
) -> None:
    path = exports / "accounts.csv"
    row = f"{cell},A2" if column == "Account Id" else f"900,{cell}"
    path.write_text(path.read_text() + row + "\n")
    with pytest.raises(UserError, match=f"accounts.csv, line 3: {column} "):
        told(exports)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "cell",
    ["1-Mar", "Mar-01", "3/1/2025", "01-Mar-25", "2025-03-01", "FALSE", "#NAME?"],
)
def test_a_symbol_that_became_something_else_is_quarantined(
    exports: Path, cell: str
) -> None:
    rewritten(one_file(exports), 4, lambda _: cell, slice(5, 7))
    found = told(exports)
    assert [x[:3] for x in found] == [(6, "Symbol", cell), (7, "Symbol", cell)]
    assert {x[3] for x in found} == {"spreadsheet_symbol"}


@pytest.mark.long
def test_true_may_be_a_symbol_and_is_told(exports: Path) -> None:
    rewritten(one_file(exports), 4, lambda _: "TRUE", slice(5, 7))
    assert told(exports) == [(6, "Symbol", "TRUE", "spreadsheet_symbol")]


@pytest.mark.long
@pytest.mark.parametrize(
    "symbol", ["BRK/A", "BAC-PL", "ABC-WT", "SPY", "#ESM6", "@EURCAD", "ABC.TO", "MAR"]
)
def test_symbols_of_propreports_are_symbols(exports: Path, symbol: str) -> None:
    rewritten(one_file(exports), 4, lambda _: symbol)
    assert told(exports) == []


def test_wrappers_are_unwrapped(exports: Path) -> None:
    home, _ = load(exports, exports.parent / "plain")
    held = "select order_id, fill_id, quantity, symbol from raw.fills order by all"
    before = rows(home, held)
    for column in (3, 4, ORDER, FILL_ID):
        rewritten(one_file(exports), column, lambda cell: f'="{cell}"')
    rewritten(exports / "accounts.csv", 0, lambda cell: f'"=""{cell}"""')
    home, summary = load(exports, exports.parent / "home")
    assert (summary.accounts, summary.rejected) == (1, 0)
    assert rows(home, held) == before


@pytest.mark.long
def test_times_without_seconds_are_found(exports: Path) -> None:
    path = one_file(exports)
    rewritten(path, 0, lambda cell: cell[:-3], slice(5, 8))
    found = told(exports)
    assert [x[0] for x in found] == [6, 7, 8]
    assert {x[3] for x in found} == {"no_seconds"}


@pytest.mark.long
def test_a_file_of_full_minutes_is_told(exports: Path) -> None:
    rewritten(one_file(exports), 0, lambda cell: cell[:-2] + "00")
    assert told(exports) == [
        (2, "Date/Time", "03/03/2025 09:31:00", "file_without_seconds")
    ]


@pytest.mark.few(1)
@pytest.mark.parametrize("kept", [slice(1, 31), slice(61, 1)])
def test_lost_zeros_are_told(exports: Path, kept: slice) -> None:
    """Where some ids kept them, and where none did."""
    path = one_file(exports)
    lines = path.read_text().splitlines()
    rewritten(path, ORDER, lambda cell: cell.lstrip("0"))
    changed = path.read_text().splitlines()
    changed[kept] = lines[kept]
    path.write_text("\n".join(changed) + "\n")
    found = told(exports)
    assert [x[1:2] + x[3:] for x in found] == [("Order Id", "lost_zeros")]


@pytest.mark.long
def test_numbers_that_grow_have_lost_nothing(exports: Path) -> None:
    path = one_file(exports)
    table = [line.split(",") for line in path.read_text().splitlines()]
    for number, cells in enumerate(table[1:], start=95):
        cells[ORDER] = str(number)
    path.write_text("\n".join(",".join(cells) for cells in table) + "\n")
    assert told(exports) == []


def turned(cell: str) -> str:
    """Day before month."""
    return f"{cell[3:5]}/{cell[:2]}{cell[5:]}"


def test_a_day_before_its_month_stops_the_run(tmp_path: Path) -> None:
    later = [
        ExportedFill("A1", FIRST + timedelta(days=x), "B", Decimal(1), Decimal(1))
        for x in (0, 1, 10)
    ]
    exports = Exports(tmp_path / "exports").write(later).folder
    rewritten(one_file(exports), 0, turned)
    with pytest.raises(UserError, match="line 4: Date/Time `13/03/2025 09:31:07` has"):
        told(exports)


def test_days_that_could_be_months_are_told_by_their_weekends(exports: Path) -> None:
    rewritten(one_file(exports), 0, turned)
    with pytest.raises(UserError, match="Date/Time has the day before the month"):
        told(exports, gate="warn")
