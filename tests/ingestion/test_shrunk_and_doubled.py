"""What shrinks or is doubled never changes money in silence."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.gate import (
    BATCH_CHECKS,
    FILES_CHECKS,
    FILL_CHECKS,
    FIRM_CHECKS,
    LOST_CHECKS,
    REPEATED_CHECKS,
    VOLUME_CHECKS,
    Check,
    Gate,
    GateError,
    is_unexpected,
)
from ingestion.pipeline import IngestSummary, load
from ingestion.session_cutoffs import told_cutoffs
from ingestion.sources import FilesSource
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import sessions_between
from tests.conftest import make_settings, rows
from tests.draws import draw
from tests.exports import ExportedFill, Exports
from tests.mornings import CURRENT_VERSIONS, assert_versions_are_whole

SESSIONS = sessions_between(date(2025, 1, 2), date(2025, 3, 28))
NOW = datetime(2025, 4, 1, 12, tzinfo=UTC).replace(tzinfo=None)
CURRENT = CURRENT_VERSIONS.format(resource="fills")


def fills(
    account: str, days: int = 20, per_day: int = 6, *, with_ids: bool = True
) -> list[ExportedFill]:
    """Round trips of different sizes, one fill a minute."""
    return [
        ExportedFill(
            account,
            datetime.combine(day, datetime.min.time()).replace(hour=10, minute=number),
            "BS"[number % 2],
            Decimal(100 + number // 2),
            Decimal(10) + Decimal((index * 7 + number * 3) % 11) / 10,
            propreports_id=f"{account}{index:03}{number:03}" if with_ids else "",
        )
        for index, day in enumerate(SESSIONS[:days])
        for number in range(per_day)
    ]


def ingest(home: Home, exports: Exports, gate: str = "stop") -> IngestSummary:
    """Load a folder of exports."""
    chosen = make_settings(
        source="files", exports=exports.folder, risk_home=home.root, gate=gate
    )
    return load(chosen, FilesSource(exports.folder, firm="A firm"), home, now=NOW)


def unmet(home: Home) -> dict[str, str]:
    """Findings of the checks that are not met, by check."""
    return dict(
        rows(home, "select check_name, finding from raw.gate_results where not is_met")
    )


def held(home: Home) -> list[tuple]:
    """Fills and signed money by account."""
    return rows(
        home,
        f"""
        with current_versions as ({CURRENT})
        select account_number, count(*), sum(
            case when side in ('B', 'C') then -1 else 1 end
            * cast(quantity * 100 as bigint) * cast(price * 100 as bigint)
        ) from raw.fills
        inner join current_versions using (account_number, trade_date, content_hash)
        group by all order by all
        """,
    )


FIRM = {"A1": fills("A1"), "B2": fills("B2", per_day=10), "C3": fills("C3", per_day=3)}


def written(folder: Path, firm: dict[str, list[ExportedFill]]) -> Exports:
    """The firm's exports; the numbers of the accounts are always the same."""
    numbers = {name: str(500 + place) for place, name in enumerate(FIRM)}
    shutil.rmtree(folder, ignore_errors=True)
    return Exports(folder, numbers).write([x for one in firm.values() for x in one])


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The firm, loaded once."""
    folder = tmp_path_factory.mktemp("loaded")
    home = Home(folder / "home")
    assert ingest(home, written(folder / "exports", FIRM)).warnings == 0
    return home


@pytest.fixture
def home(loaded: Home, tmp_path: Path) -> Home:
    """A copy of it."""
    shutil.copytree(loaded.root, tmp_path / "home")
    return Home(tmp_path / "home")


def test_a_bust_of_two_fills_is_a_correction(home: Home, tmp_path: Path) -> None:
    busted = [x for place, x in enumerate(FIRM["A1"]) if place not in (7, 50)]
    summary = ingest(home, written(tmp_path / "exports", FIRM | {"A1": busted}))
    assert (summary.corrected_days, summary.warnings) == (2, 0)
    if draw(True, False):
        return
    # Even if they are all of the last day.
    short = [*fills("A1", 19), replace(FIRM["A1"][-1], price=Decimal(9))]
    ingest(home, written(tmp_path / "exports", FIRM | {"A1": short}), "warn")
    gone = fills("A1", 19)
    summary = ingest(home, written(tmp_path / "exports", FIRM | {"A1": gone}))
    assert (summary.vanished_days, summary.warnings) == (1, 0)


def test_a_reexport_of_half_of_each_day_stops_the_run(
    home: Home, tmp_path: Path
) -> None:
    before = held(home)
    halved = FIRM | {"A1": FIRM["A1"][::2]}
    exports = written(tmp_path / "exports", halved)
    with pytest.raises(GateError, match=r"account 500 lost 60 of 120, 2025-01-02") as e:
        ingest(home, exports)
    assert "\n" not in str(e.value)
    assert held(home) == before
    ingest(home, exports, gate="warn")
    assert "fills_lost_by_halves" in unmet(home)
    assert held(home) != before


@pytest.mark.long
def test_a_day_that_lost_more_than_a_bust_is_loaded_and_said(
    home: Home, tmp_path: Path
) -> None:
    fewer = [x for place, x in enumerate(FIRM["A1"]) if not 12 <= place < 15]
    assert ingest(home, written(tmp_path / "exports", FIRM | {"A1": fewer})).warnings
    assert "account 500 lost 3 of 6" in unmet(home)["fills_lost"]


@pytest.mark.few(1)
@pytest.mark.parametrize("lines", [6 * 7 + 2, 6 * 18 + 5])
def test_the_day_in_which_a_file_was_cut_is_kept_as_well(
    home: Home, tmp_path: Path, lines: int
) -> None:
    before = held(home)
    cut = FIRM | {"A1": FIRM["A1"][:lines]}
    summary = ingest(home, written(tmp_path / "exports", cut))
    assert (summary.corrected_days, summary.vanished_days) == (0, 0)
    assert (
        f"account 500: fills end {SESSIONS[lines // 6]}" in unmet(home)["files_reach"]
    )
    assert held(home) == before


@pytest.mark.long
def test_a_cut_is_told_from_a_bust_by_the_day_it_is_in_as_well(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    whole = [*fills("A1", 19), *fills("A1", 20)[-6:-4]]
    ingest(home, written(tmp_path / "exports", FIRM | {"A1": whole}))
    before = held(home)
    ingest(home, written(tmp_path / "exports", FIRM | {"A1": whole[:-5]}))
    assert "account 500: fills end" in unmet(home)["files_reach"]
    assert held(home) == before


@pytest.mark.few(1)
@pytest.mark.parametrize("days", [1, 7, 18])
def test_days_after_the_end_of_a_file_are_kept_and_said(
    home: Home, tmp_path: Path, days: int
) -> None:
    before = held(home)
    cut = FIRM | {"A1": fills("A1", 20)[: 6 * days]}
    summary = ingest(home, written(tmp_path / "exports", cut))
    assert (summary.vanished_days, summary.warnings) == (0, 1)
    finding = unmet(home)["files_reach"]
    end, last = SESSIONS[days - 1], SESSIONS[19]
    assert f"account 500: fills end {end}, known until {last}" in finding
    assert held(home) == before
    # It is no fault any more once the file is whole.
    assert ingest(home, written(tmp_path / "exports", FIRM)).warnings == 0
    assert unmet(home) == {}


def test_a_file_that_did_not_arrive_is_said_and_its_days_are_kept(
    home: Home, tmp_path: Path
) -> None:
    before = held(home)
    exports = written(tmp_path / "exports", FIRM)
    (exports.folder / "fills" / "501.csv").unlink()
    assert ingest(home, exports).warnings == 1
    assert "account 501: fills did not arrive" in unmet(home)["files_reach"]
    assert held(home) == before


def test_the_list_knows_of_days_that_no_file_has(tmp_path: Path) -> None:
    exports = written(tmp_path / "exports", FIRM | {"A1": fills("A1", 8)})
    text = f"Account Id,Account Name,Last Traded\n500,A1,{SESSIONS[19]:%m/%d/%Y}\n"
    text += f"501,B2,{SESSIONS[19]:%m/%d/%Y}\n502,C3,{SESSIONS[19]:%m/%d/%Y}\n"
    (exports.folder / "accounts.csv").write_text(text)
    home = Home(tmp_path / "home")
    assert ingest(home, exports).warnings == 1
    finding = unmet(home)["files_reach"]
    assert (
        f"account 500: fills end {SESSIONS[7]}, known until {SESSIONS[19]}" in finding
    )


Glue = Callable[[str, list[str]], list[str]]
GLUED: dict[str, Glue] = {
    "with a second header": lambda header, lines: [header, *lines, header, *lines],
    "without": lambda header, lines: [header, *lines, *lines],
    "row by row": lambda header, lines: [header, *(x for y in lines for x in (y, y))],
    "three times": lambda header, lines: [header, *lines, *lines, *lines],
    "the last days": lambda header, lines: [header, *lines, *lines[-30:]],
}


def glue(path: Path, how: Glue) -> None:
    """Put the lines of a file together anew."""
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join(how(header, lines)) + "\n")


@pytest.mark.few(1)
@pytest.mark.parametrize("how", GLUED.values(), ids=GLUED)
def test_a_row_with_an_id_counts_once_however_often_it_stands(
    home: Home, tmp_path: Path, how: Glue
) -> None:
    before = held(home)
    exports = written(tmp_path / "exports", FIRM)
    glue(exports.folder / "fills" / "500.csv", how)
    summary = ingest(home, exports)
    assert (summary.corrected_days, summary.vanished_days) == (0, 0)
    assert held(home) == before
    assert_versions_are_whole(home)
    assert "rows_repeated" in unmet(home)
    assert "$" in unmet(home)["rows_repeated"]
    found = rows(
        home,
        "select distinct column_name, regexp_matches(reason, 'once: [$][0-9,.]+$') "
        "from raw.quarantine where reason_code = 'repeated'",
    )
    assert found == [("PropReports Id", True)]


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "corrected",
    [{"price": Decimal(99)}, {"quantity": Decimal(1)}, {"symbol": "QQZ"}],
    ids=lambda changed: next(iter(changed)),
)
def test_exports_of_before_and_after_a_correction_in_one_file_stop_the_run(
    home: Home, tmp_path: Path, corrected: dict[str, object]
) -> None:
    before = held(home)
    changed = replace(FIRM["A1"][-1], **corrected)
    exports = written(tmp_path / "exports", FIRM | {"A1": [*FIRM["A1"], changed]})
    with pytest.raises(GateError, match="2 fills carry a PropReports Id that another"):
        ingest(home, exports)
    assert held(home) == before


@pytest.mark.long
@pytest.mark.parametrize(("number", "said"), [("0", set()), ("7", {"ids_unique"})])
def test_of_two_accounts_a_shared_id_is_said_and_0_is_none(
    tmp_path: Path, number: str, said: set[str]
) -> None:
    firm = {
        name: [replace(one, propreports_id=number) for one in fills(name, 1, 1)]
        for name in ("A1", "B2")
    }
    home = Home(tmp_path / "home")
    ingest(home, written(tmp_path / "exports", firm))
    assert unmet(home).keys() == said
    assert [count for _, count, _ in held(home)] == [1, 1]


@pytest.mark.long
def test_a_fill_id_names_a_row_only_if_no_other_row_has_it(tmp_path: Path) -> None:
    first, other = fills("A1", 1, 2, with_ids=False)
    named = replace(first, fill_id="e1")
    shared = [replace(first, fill_id="0"), replace(other, fill_id="0")]
    firm = {
        "A1": [named, named],
        "B2": [replace(x, account="B2") for x in (*shared, shared[0])],
    }
    home = Home(tmp_path / "home")
    ingest(home, written(tmp_path / "exports", firm))
    assert [count for _, count, _ in held(home)] == [1, 3]


@pytest.mark.long
@pytest.mark.parametrize("how", GLUED.values(), ids=GLUED)
@pytest.mark.parametrize("per_day", [2, 7])
def test_blocks_without_ids_stop_the_run(
    tmp_path: Path, how: Glue, per_day: int
) -> None:
    home = Home(tmp_path / "home")
    exports = written(
        tmp_path / "exports", {"A1": fills("A1", 20, per_day, with_ids=False)}
    )
    glue(exports.folder / "fills" / "500.csv", how)
    with pytest.raises(GateError, match="were two exports put into one file"):
        ingest(home, exports)
    ingest(home, exports, gate="warn")
    assert "fills_repeated_in_blocks" in unmet(home)


@pytest.mark.few(1)
@pytest.mark.parametrize("times", [2, 3, 4, 7])
@pytest.mark.parametrize(("days", "per_day"), [(1, 1), (1, 2), (4, 1), (3, 5)])
def test_held_days_that_come_several_times_stop_the_run(
    tmp_path: Path, days: int, per_day: int, times: int
) -> None:
    home = Home(tmp_path / "home")
    one = fills("A1", days, per_day, with_ids=False)
    ingest(home, written(tmp_path / "exports", {"A1": one}))
    before = held(home)
    exports = written(tmp_path / "exports", {"A1": one * times})
    with pytest.raises(GateError, match="were two exports put into one file"):
        ingest(home, exports)
    assert held(home) == before
    # Nor do those that were taken in knowingly hide that they come once more.
    ingest(home, exports, "warn")
    exports = written(tmp_path / "exports", {"A1": one * (times + 1)})
    with pytest.raises(GateError, match="were two exports put into one file"):
        ingest(home, exports)


@pytest.mark.long
def test_new_days_of_one_fill_stop_the_run_if_all_of_several_are_doubled(
    tmp_path: Path,
) -> None:
    single = fills("A1", 20, 1, with_ids=False)
    exports = written(tmp_path / "exports", {"A1": single[:3] * 2})
    with pytest.raises(GateError, match="were two exports put into one file"):
        ingest(Home(tmp_path / "new"), exports)
    # Some are partial fills of the same size.
    exports = written(tmp_path / "exports", {"A1": [*single, *single[:2]]})
    assert ingest(Home(tmp_path / "other"), exports).warnings == 0


@pytest.mark.long
def test_a_pair_of_partial_fills_of_a_new_day_is_loaded(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    single = fills("A1", 5, 1, with_ids=False)
    ingest(home, written(tmp_path / "exports", {"A1": single[:4]}))
    exports = written(tmp_path / "exports", {"A1": [*single, single[-1]]})
    assert ingest(home, exports).warnings == 0
    assert [count for _, count, _ in held(home)] == [6]


@pytest.mark.long
def test_two_days_of_pairs_are_loaded_and_said(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    exports = written(
        tmp_path / "exports", {"A1": fills("A1", 2, 1, with_ids=False) * 2}
    )
    assert ingest(home, exports).warnings == 1
    assert "fills_repeated" in unmet(home)


def damage(path: Path, wrong: str, column: str) -> None:
    """Put this into a column of every third row."""
    header, *lines = path.read_text().splitlines()
    place = header.split(",").index(column)
    for number in range(0, len(lines), 3):
        cells = lines[number].split(",")
        cells[place] = wrong
        lines[number] = ",".join(cells)
    path.write_text("\n".join([header, *lines]) + "\n")


def spoil(exports: Exports, kind: str) -> None:
    """Set rows of account 500 aside in this way."""
    path = exports.folder / "fills" / "500.csv"
    if kind == "repeated":
        glue(path, GLUED["three times"])
    elif kind == "told":
        damage(path, "TRUE", "Symbol")
    else:
        damage(path, *{"its own": ("many", "Qty"), "nobody's": ("", "Account")}[kind])


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["repeated", "told", "its own", "nobody's"])
def test_rows_set_aside_excuse_no_loss_of_another_account(
    home: Home, tmp_path: Path, kind: str
) -> None:
    """Of B2 the files have half, in days of which rows of A1 are set aside."""
    exports = written(tmp_path / "exports", FIRM | {"B2": FIRM["B2"][::2]})
    spoil(exports, kind)
    with pytest.raises(GateError, match=r"account 501 lost [0-9]+ of 200"):
        ingest(home, exports)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["its own", "nobody's"])
def test_a_row_that_cannot_be_read_is_not_lost_as_well(
    home: Home, tmp_path: Path, kind: str
) -> None:
    exports = written(tmp_path / "exports", FIRM)
    spoil(exports, kind)
    ingest(home, exports, "warn")
    assert not {"fills_lost", "fills_lost_by_halves"} & unmet(home).keys()


@pytest.mark.long
def test_some_equal_fills_without_ids_pass(tmp_path: Path) -> None:
    one = fills("A1", 20, 9, with_ids=False)
    home = Home(tmp_path / "home")
    exports = written(tmp_path / "exports", {"A1": one + one[::5]})
    assert ingest(home, exports).warnings == 0


def test_a_file_that_grows_is_refused_and_read_next_time(tmp_path: Path) -> None:
    exports = written(tmp_path / "exports", FIRM)
    path = exports.folder / "fills" / "500.csv"
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    home, done = Home(tmp_path / "home"), Event()

    def grow() -> None:
        while not done.wait(0.2):
            with path.open("a") as handle:
                handle.write("\n")

    writer = Thread(target=grow)
    writer.start()
    try:
        with pytest.raises(UserError, match="500.csv is still being written") as error:
            ingest(home, exports)
    finally:
        done.set()
        writer.join()
    assert "\n" not in str(error.value)
    path.write_text(whole)
    assert ingest(home, exports).warnings == 0


def test_a_file_that_grows_behind_its_reader_is_refused(tmp_path: Path) -> None:
    exports = written(tmp_path / "exports", FIRM)
    source = FilesSource(exports.folder, firm="A firm")
    request = source.requests({}, date.min, date.max)[0]
    documents = source.read(request)
    next(documents)
    with Path(request.name).open("a") as handle:
        handle.write("more")
    with pytest.raises(UserError, match="is still being written"):
        next(documents)


ALL_CHECKS = (
    *FILL_CHECKS, *VOLUME_CHECKS, *BATCH_CHECKS, *LOST_CHECKS, *REPEATED_CHECKS,
    *FILES_CHECKS, *FIRM_CHECKS,
)  # fmt: skip


@pytest.mark.parametrize("check", ALL_CHECKS, ids=lambda check: check.name)
def test_the_days_concerned_are_those_the_library_counts(check: Check) -> None:
    odd = [None, -1.0, 0.0, 0.1, 1.0, 4.0, 5.0, 5.5, 20.0, 21.0, 1e6, 2e6]
    values: list[object] = ["B", "X", None] if check.column == "side" else odd
    frame = pd.DataFrame(
        {
            check.column: values,
            "account_number": "500",
            "trade_date": SESSIONS[0],
            "content_hash": [str(place) for place in range(len(values))],
            "rows_count": 1,
        }
    )
    gate = Gate(as_of=SESSIONS[1], stops=False, now=NOW, cutoffs=told_cutoffs([]))
    gate._check("a batch", frame, (check,))
    (result,) = gate.results
    found = is_unexpected(check, frame[check.column])
    assert result["found_count"] == found.sum()
    if not result["is_met"]:
        concerned = gate.concerns_table()["content_hash"].to_pylist()
        assert concerned == [str(place) for place in found[found].index]


@st.composite
def damages(drawn: st.DrawFn) -> tuple[dict[str, list[ExportedFill]], str]:
    """The firm with one account's rows lost, cut or repeated, and by what."""
    name = drawn(st.sampled_from(sorted(FIRM)))
    whole = FIRM[name]
    kind = drawn(st.sampled_from(["lost", "cut", "repeated", "missing"]))
    if kind == "lost":
        step = drawn(st.integers(2, 20))
        rest = [x for place, x in enumerate(whole) if place % step]
    elif kind == "cut":
        rest = whole[: drawn(st.integers(1, len(whole) - 3))]
    elif kind == "repeated":
        first = drawn(st.integers(0, len(whole) - 1))
        rest = whole + whole[first : first + drawn(st.integers(1, len(whole)))]
    else:
        rest = []
    return FIRM | {name: rest}, kind


@settings(max_examples=draw(3, 60))
@given(damaged=damages())
def test_nothing_is_lost_or_counted_twice_in_silence(
    loaded: Home, tmp_path_factory: pytest.TempPathFactory, damaged: tuple
) -> None:
    firm, _ = damaged
    folder = tmp_path_factory.mktemp("damaged")
    shutil.copytree(loaded.root, folder / "home")
    home = Home(folder / "home")
    before = held(home)
    try:
        summary = ingest(home, written(folder / "exports", firm))
    except GateError:
        assert held(home) == before
        return
    assert_versions_are_whole(home)
    assert summary.warnings
    assert unmet(home)
