"""From a folder of exports to committed day versions."""

import random
import signal
import subprocess
import sys
import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ingestion.landing import day_schema
from ingestion.pipeline import IngestSummary, bring_up_to_date
from ingestion.pipeline import load as load_source
from ingestion.sources import open_source
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import EASTERN
from runtime.settings import PROJECT_ROOT
from tests.conftest import make_settings, rows
from tests.draws import draw
from tests.exports import ExportedFill, Exports
from tests.mornings import raw_tables

NINE = datetime(2025, 3, 3, 9, 31)


def fill(account: str = "A1", at: datetime = NINE, price: str = "10", **more):
    """One fill."""
    return ExportedFill(account, at, "B", Decimal(100), Decimal(price), **more)


TWO_DAYS = [fill(), fill(fill_id="F2"), fill(at=NINE.replace(day=4))]


def load(folder: Path, **settings: object) -> tuple[Home, IngestSummary]:
    """Ingest `folder`/exports into `folder`/home."""
    chosen = make_settings(
        source="files",
        exports=folder / "exports",
        risk_home=folder / "home",
        **settings,
    )
    home = Home(chosen.home_root)
    with open_source(chosen) as source:
        return home, load_source(chosen, source, home)


def bring(folder: Path, **settings: object) -> Home:
    """The home that a run on `folder`/exports resumes with."""
    return bring_up_to_date(
        make_settings(
            source="files",
            exports=folder / "exports",
            risk_home=folder / "home",
            **settings,
        )
    ).home


def current_fills(home: Home) -> list[tuple]:
    """Date, price of the fills of the last version of each day."""
    return rows(
        home,
        """
        select cast(fills.trade_date as varchar), cast(fills.price as varchar)
        from raw.fills as fills
        inner join (
            select *, row_number() over (
                partition by account_number, trade_date order by known_at desc
            ) as recency
            from raw.day_versions where resource = 'fills'
        ) as versions using (account_number, trade_date, content_hash)
        where recency = 1 order by all
        """,
    )


def test_a_second_load_changes_nothing(tmp_path: Path) -> None:
    Exports(tmp_path / "exports").write(TWO_DAYS)
    home, first = load(tmp_path)
    assert (first.fills_read, first.days_changed, first.rows_loaded) == (3, 2, 3)
    versions = "select * exclude last_seen_at from raw.day_versions order by all"
    before = rows(home, versions)
    home, second = load(tmp_path)
    assert (second.fills_read, second.days_changed, second.rows_loaded) == (3, 0, 0)
    assert rows(home, versions) == before
    assert rows(
        home, "select bool_and(last_seen_at > first_seen_at) from raw.day_versions"
    ) == [(True,)]
    assert rows(home, "select count(*) from raw.fills") == [(3,)]


def test_a_first_version_is_known_the_next_morning_at_eight(tmp_path: Path) -> None:
    Exports(tmp_path / "exports").write(TWO_DAYS)
    home, _ = load(tmp_path)
    known = rows(home, "select known_at from raw.day_versions order by known_at")
    # 08:00 in New York is 13:00 UTC in winter.
    assert known == [(datetime(2025, 3, 4, 13),), (datetime(2025, 3, 5, 13),)]


def test_a_corrected_day_is_a_new_version_and_the_old_one_stays(tmp_path: Path) -> None:
    exports = Exports(tmp_path / "exports").write(TWO_DAYS)
    load(tmp_path)
    exports.write([fill(price="11"), *TWO_DAYS[1:]])
    home, summary = load(tmp_path)
    assert summary.days_changed == 1
    assert current_fills(home) == [
        ("2025-03-03", "10.00000000"),
        ("2025-03-03", "11.00000000"),
        ("2025-03-04", "10.00000000"),
    ]
    assert rows(home, "select count(*) from raw.fills") == [(5,)]
    # The correction is taken back: the first version is current again, loaded once.
    exports.write(TWO_DAYS)
    home, summary = load(tmp_path)
    assert (summary.days_changed, summary.rows_loaded) == (1, 0)
    assert [price for _, price in current_fills(home)] == ["10.00000000"] * 3


def test_a_day_that_vanishes_between_others_is_gone(tmp_path: Path) -> None:
    later = fill(at=NINE.replace(day=5))
    exports = Exports(tmp_path / "exports").write([*TWO_DAYS, later])
    load(tmp_path)
    exports.write([*TWO_DAYS[:2], later])
    home, summary = load(tmp_path)
    assert summary.days_changed == 1
    assert {day for day, _ in current_fills(home)} == {"2025-03-03", "2025-03-05"}


@pytest.mark.long
def test_a_correction_before_eight_in_the_morning_counts(tmp_path: Path) -> None:
    """The first version is known at eight; what corrects it earlier comes after it."""
    today = datetime.now(EASTERN).replace(
        hour=10, minute=0, second=0, microsecond=0, tzinfo=None
    )
    exports = Exports(tmp_path / "exports")
    for price in ("10", "12"):
        exports.write([*TWO_DAYS, fill(at=today, price=price)])
        home, _ = load(tmp_path, gate="warn")
    day = today.date().isoformat()
    assert dict(current_fills(home))[day] == "12.00000000"


@pytest.mark.long
def test_a_last_day_that_vanishes_is_gone_too(tmp_path: Path) -> None:
    other = fill("B2", NINE.replace(day=7))
    exports = Exports(tmp_path / "exports").write([*TWO_DAYS, other])
    load(tmp_path)
    exports.write([*TWO_DAYS[:2], other])
    home, summary = load(tmp_path)
    assert summary.days_changed == 1
    assert "2025-03-04" not in dict(current_fills(home))


@pytest.mark.long
def test_two_files_may_share_an_accounts_days_between_them(tmp_path: Path) -> None:
    days = [fill(at=NINE.replace(day=day)) for day in (3, 4, 5, 6)]
    exports = Exports(tmp_path / "exports").write(days)
    path = exports.folder / "fills" / "500.csv"
    header, *lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([header, *lines[::2]]))
    (path.parent / "odd.csv").write_text("".join([header, *lines[1::2]]))
    for changed in (4, 0, 0):
        home, summary = load(tmp_path)
        assert summary.days_changed == changed
    assert len(current_fills(home)) == 4


def test_a_date_in_the_future_is_refused(tmp_path: Path) -> None:
    Exports(tmp_path / "exports").write(TWO_DAYS)
    with pytest.raises(UserError, match="AS_OF=2999-01-01 is in the future"):
        bring(tmp_path, as_of=date(2999, 1, 1))


def test_nothing_of_the_as_of_date_or_later_is_in_a_past_home(tmp_path: Path) -> None:
    Exports(tmp_path / "exports").write(TWO_DAYS)
    home = bring(tmp_path, as_of=date(2025, 3, 4))
    assert home.root == tmp_path / "home" / "as_of" / "2025-03-04"
    assert len(current_fills(home)) == 2
    assert rows(home, "select max(trade_date) from raw.fills") == [(date(2025, 3, 3),)]


@pytest.mark.few(1)
@pytest.mark.parametrize("as_of", [date(2025, 3, 3), date(2024, 1, 2)])
def test_a_morning_before_the_first_fill_is_none(tmp_path: Path, as_of: date) -> None:
    Exports(tmp_path / "exports").write(TWO_DAYS)
    with pytest.raises(UserError, match="before the first .* fill is of 2025-03-03"):
        bring(tmp_path, as_of=as_of)
    assert not (tmp_path / "home" / "as_of").exists()


@pytest.mark.long
def test_a_rejected_row_is_quarantined_until_the_file_is_fixed(tmp_path: Path) -> None:
    exports = Exports(tmp_path / "exports").write(TWO_DAYS)
    path = exports.folder / "fills" / "500.csv"
    good = path.read_text()
    path.write_text(good.replace("ABC,10,", "ABC,ten,", 1))
    home, summary = load(tmp_path)
    assert summary.rejected == 1
    found = rows(
        home, "select origin, line_number, column_name, cell from raw.quarantine"
    )
    assert found == [(str(path), 2, "Price", "ten")]
    path.write_text(good)
    home, summary = load(tmp_path)
    assert rows(home, "select count(*) from raw.quarantine") == [(0,)]
    assert len(current_fills(home)) == 3


@pytest.mark.long
def test_two_files_that_disagree_about_a_day_are_refused(tmp_path: Path) -> None:
    exports = Exports(tmp_path / "exports").write(TWO_DAYS)
    first = exports.folder / "fills" / "500.csv"
    copy = exports.folder / "fills" / "copy.csv"
    copy.write_text(first.read_text())
    _, summary = load(tmp_path)  # equal copies are harmless, and count once
    assert summary.days_changed == 2
    copy.write_text(first.read_text().replace(",10,", ",12,", 1))
    with pytest.raises(UserError, match=r"both hold 2025-03-03 .* disagree"):
        load(tmp_path)


def test_a_warehouse_refuses_another_firm(tmp_path: Path) -> None:
    Exports(tmp_path / "exports").write(TWO_DAYS)
    home, _ = load(tmp_path)
    other = Exports(tmp_path / "other").write([fill("B7")])
    chosen = make_settings(
        source="files", exports=other.folder, risk_home=tmp_path / "home"
    )
    for as_of in (None, date(2025, 3, 4)):
        with pytest.raises(UserError, match="Set RISK_HOME"):
            bring_up_to_date(chosen.model_copy(update={"as_of": as_of}))
    assert len(current_fills(home)) == 3


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: (folder / "accounts.csv").unlink(), "no accounts.csv"),
        (lambda folder: (folder / "fills" / "500.csv").unlink(), r"no fills/\*.csv"),
        (
            lambda folder: (folder / "fills" / "500.csv").write_text("a,b\n1,2\n"),
            "has no column Date/Time",
        ),
        (
            lambda folder: (folder / "fills" / "500.csv").write_bytes(b"\x00\xff\x00"),
            "not UTF-8",
        ),
        (
            lambda folder: (folder / "fills" / "500.csv").write_text(
                (folder / "fills" / "500.csv").read_text().splitlines()[0]
            ),
            "There is no fill before",
        ),
    ],
)
def test_bad_exports_leave_the_warehouse_as_it_was(
    tmp_path: Path, break_it, message: str
) -> None:
    exports = Exports(tmp_path / "exports").write(TWO_DAYS)
    home, _ = load(tmp_path)
    before = rows(home, "select * from raw.run_context")
    break_it(exports.folder)
    with pytest.raises(UserError, match=message) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)
    assert rows(home, "select * from raw.run_context") == before
    assert len(current_fills(home)) == 3


@pytest.mark.long
def test_a_schema_that_does_not_fit_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warehouse is of a version that knew fewer columns: nothing is let in."""
    exports = Exports(tmp_path / "exports").write(TWO_DAYS)
    with monkeypatch.context() as older:
        older.setattr(
            "ingestion.landing.day_schema",
            lambda resource: pa.schema(
                [field for field in day_schema(resource) if field.name != "route"]
            ),
        )
        home, _ = load(tmp_path)
    before = raw_tables(home)
    exports.write([fill(price="11"), *TWO_DAYS[1:]])
    with pytest.raises(UserError, match="route") as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)
    assert raw_tables(home) == before


def test_what_dlt_is_told_of_duckdb_is_what_it_would_have_found() -> None:
    import dlt
    from dlt.common.normalizers.naming import snake_case

    from ingestion.dlt_destination import OpenWarehouse

    with duckdb.connect() as connection:
        ours = OpenWarehouse(connection)
        of_dlt = dlt.destinations.duckdb(connection)
        assert ours.destination_type == of_dlt.destination_type
        for naming in (None, snake_case.NamingConvention()):
            found, expected = (x.capabilities(naming=naming) for x in (ours, of_dlt))
            assert dict(found) == dict(expected)


LOAD_IN_A_PROCESS = """
import sys
from pathlib import Path
from tests.ingestion.test_pipeline import load
load(Path(sys.argv[1]))
"""


@pytest.mark.long
def test_a_load_killed_at_any_moment_is_complete_when_repeated(tmp_path: Path) -> None:
    many = [
        fill(f"A{account}", NINE.replace(day=day), fill_id=f"F{number}")
        for account in range(5)
        for day in range(3, 20)
        for number in range(60)
    ]
    Exports(tmp_path / "exports").write(many)
    home = Home(tmp_path / "home")
    Exports(tmp_path / "trial" / "exports").write(many)
    trial = [sys.executable, "-c", LOAD_IN_A_PROCESS, str(tmp_path / "trial")]
    started = time.monotonic()
    subprocess.run(trial, cwd=PROJECT_ROOT, check=True, stdout=subprocess.DEVNULL)
    whole = time.monotonic() - started
    chance, killed = random.Random(1), 0
    while killed < draw(1, 6):
        process = subprocess.Popen(
            [sys.executable, "-c", LOAD_IN_A_PROCESS, str(tmp_path)],
            cwd=PROJECT_ROOT,
        )
        time.sleep(whole * chance.uniform(0.1, 0.9))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    load(tmp_path)
    assert len(current_fills(home)) == len(many)
    assert rows(
        home,
        "select count(*), count(distinct (account_number, trade_date, row_number)) "
        "from raw.fills",
    ) == [(len(many), len(many))]
