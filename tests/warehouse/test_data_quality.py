"""What the marts say of the data's quality: enough at 08:30, and nobody's name."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.desk_files import SEEDS, read_desk, record_desk
from ingestion.pipeline import bring_up_to_date, load
from ingestion.sources import FilesSource
from runtime.home import Home
from runtime.sessions import EASTERN, sessions_between
from runtime.settings import Settings
from runtime.transform.dbt import TransformError, run_dbt
from tests.conftest import (
    build_models_of,
    build_warehouse,
    connected,
    make_settings,
    rows,
)
from tests.draws import draw
from tests.exports import ExportedFill, Exports

NAME = "Ann-Sophie Nobody"


def fill(account: str, at: datetime, price: str = "10.00", **more) -> ExportedFill:
    """A fill of 100."""
    return ExportedFill(account, at, "B", Decimal(100), Decimal(price), **more)


def load_at(home: Home, exports: Exports, now: datetime) -> Settings:
    """Load as of a New York moment."""
    settings = make_settings(
        source="files", exports=exports.folder, risk_home=home.root, as_of=now.date()
    )
    utc = now.replace(tzinfo=EASTERN).astimezone(UTC).replace(tzinfo=None)
    load(settings, FilesSource(exports.folder, firm="Test firm"), home, now=utc)
    return settings


def morning(home: Home, exports: Exports, now: datetime, *built: str) -> int:
    """Load as of a New York moment, and count the corrections that are told."""
    settings = load_at(home, exports, now)
    # What the other checks read is built once.
    built = built or ("+fill_day_versions", "+int_last_opening", "data_quality")
    run_dbt(
        settings, home, "build", "--select", *built, "--exclude-resource-type",
        "unit_test", "--exclude-resource-type", "test", "--no-write-json",
    )  # fmt: skip
    return told(home)["corrected_days"][0]


def told(home: Home) -> dict[str, tuple[int, str, bool]]:
    """What was found, in words, and whether it is an alarm, by check."""
    found = rows(
        home,
        "select check_name, found_count, finding, needs_attention "
        "from marts.data_quality",
    )
    return {name: tuple(rest) for name, *rest in found}


@pytest.mark.long
def test_a_correction_is_told_on_the_morning_it_became_known(tmp_path: Path) -> None:
    home, exports = Home(tmp_path / "home"), Exports(tmp_path / "exports")
    thursday = fill("A1", datetime(2025, 3, 6, 10))
    friday = fill("A1", datetime(2025, 3, 7, 10))
    monday = fill("A1", datetime(2025, 3, 10, 10))
    half_past_eight = {"hour": 8, "minute": 30}
    exports.write([thursday, friday])
    saturday = datetime(2025, 3, 8, 8, 30)
    assert morning(home, exports, saturday, "+data_quality") == 0
    # Corrected over the weekend, on which nobody looks, and told on Monday.
    thursday = replace(thursday, price=Decimal("10.01"))
    exports.write([thursday, friday])
    if draw(False, True):
        assert morning(home, exports, datetime(2025, 3, 9, 22)) == 1
    assert morning(home, exports, datetime(2025, 3, 10).replace(**half_past_eight)) == 1
    # Tuesday tells what Monday could not know, after its report too, and no more.
    friday = replace(friday, price=Decimal("10.02"))
    exports.write([thursday, friday, monday])
    load_at(home, exports, datetime(2025, 3, 10, 18))
    assert morning(home, exports, datetime(2025, 3, 11).replace(**half_past_eight)) == 1
    if draw(True, False):
        return
    monday = replace(monday, price=Decimal("10.03"))
    exports.write([thursday, friday, monday])
    assert morning(home, exports, datetime(2025, 3, 12).replace(**half_past_eight)) == 1
    assert morning(home, exports, datetime(2025, 3, 13).replace(**half_past_eight)) == 0
    assert told(home)["corrected_days"][2] is False


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Exports of an account called after a person, with all that may be wrong."""
    folder = tmp_path_factory.mktemp("awkward")
    exports = Exports(folder / "exports")
    account = f"Q7 {NAME}"
    exports.write(
        fill(account, datetime(2025, 3, 3, 10, minute), fill_id=str(minute))
        for minute in range(6)
    )
    path = exports.folder / "fills" / f"{account}.csv"
    (exports.folder / "fills" / "500.csv").rename(path)
    header, *lines = path.read_text().splitlines()
    lines[0] = lines[0].replace(",100,", f",{NAME},")
    lines[1] = lines[1].replace(",100,", ",many,")
    lines[2] = lines[2].replace(",ABC,", ",,")
    lines[3] += f",{NAME}"
    cells = ["".join(f",{n}{NAME}" for n in range(7)) for _ in lines]
    path.write_text(
        "\n".join(
            [
                header + "".join(f",New {n}" for n in range(7)),
                *(line + cell for line, cell in zip(lines, cells, strict=True)),
            ]
        )
    )
    # A fill of 03:00, which the gate wonders about, in a file of its own.
    early = Exports(folder / "early", {account: "500"}).write(
        [fill(account, datetime(2025, 3, 4, 3))]
    )
    (early.folder / "fills" / "500.csv").rename(exports.folder / "fills" / "early.csv")
    summaries = exports.folder / "summaryByDate"
    summaries.mkdir()
    (summaries / f"{account}.csv").write_text(f"Day,{NAME}\n3/3/2025,1\n")
    return build_warehouse(folder / "home", exports.folder, firm="Test firm")


def test_the_most_frequent_reason_of_the_quarantine_is_told(awkward: Home) -> None:
    count, finding, is_alarm = told(awkward)["quarantined"]
    assert (count, is_alarm) == (5, True)
    assert finding == (
        "rows or cells could not be read, or repeat another, and are excluded; "
        "most often (2) fills.Qty is not a number that fits"
    )


def test_columns_that_nobody_declared_are_named(awkward: Home) -> None:
    count, finding, is_alarm = told(awkward)["unknown_columns"]
    assert (count, is_alarm) == (7, True)
    names = ", ".join(f"fills.New {number}" for number in range(5))
    assert finding.endswith(f"raw.extra_cells: {names} and 2 more")


def test_checks_of_the_gate_that_are_not_met_are_told_in_full(awkward: Home) -> None:
    count, finding, is_alarm = told(awkward)["gate_warnings"]
    unmet = rows(
        awkward,
        "select check_name, finding from marts.gate_results where not is_met",
    )
    assert is_alarm
    assert count == len(unmet) > 0
    assert "times_in_day" in dict(unmet)
    for name, words in unmet:
        assert f"{words} [{name}]" in finding


IDLE = "select trader_id, idle_sessions_count from marts.trader_status order by all"


def test_what_a_morning_found_is_told_until_it_is_mended(tmp_path: Path) -> None:
    """Odd prices, a file that was cut, an account off the list, one that was renamed.

    Who trades is not known of an account whose days did not arrive.
    """
    home, exports = Home(tmp_path / "home"), Exports(tmp_path / "exports")
    days = sessions_between(date(2025, 3, 3), date(2025, 3, 11))
    usual = [
        fill(name, datetime.combine(day, time(10, minute)), propreports_id=f"{name}{n}")
        for name in ("CUT", "GONE", "ODD")
        for n, (day, minute) in enumerate((day, x) for day in days for x in range(6))
    ]

    def come(until: str, *, fills: list[ExportedFill] = usual) -> None:
        """A morning, with what was traded before a day; GONE until the sixth."""
        exports.write(
            x
            for x in fills
            if str(x.at.date()) < (until if x.account != "GONE" else "2025-03-06")
        )
        folder = exports.folder / "fills"
        if until > "2025-03-06":
            (exports.folder / "accounts.csv").write_text(
                f"Account Id,Account Name\n500,CUT\n502,ODD {NAME}\n"
            )
            (folder / "501.csv").unlink()
        if until == "2025-03-07":
            lines = (folder / "500.csv").read_text().splitlines()
            (folder / "500.csv").write_text("\n".join(lines[:9]) + "\n")
        # Of this history and with these accounts nothing else is read by the checks.
        needed = ("+data_quality", "+trader_status", "account_history")
        morning(home, exports, datetime.fromisoformat(f"{until} 08:30"), *needed)

    odd = [
        replace(x, price=Decimal(1000)) if x.propreports_id == "ODD17" else x
        for x in usual
    ]
    come("2025-03-06", fills=odd)
    count, finding, is_alarm = told(home)["gate_warnings"]
    assert (count, is_alarm) == (1, True)
    assert "[prices_usual]" in finding
    assert told(home)["accounts_off_the_list"][0] == 0
    assert rows(home, IDLE) == [("CUT", 0), ("GONE", 0), ("ODD", 0)]
    # Nothing of it is loaded again, and yet it is told, and since when.
    come("2025-03-07", fills=odd)
    finding = told(home)["gate_warnings"][1]
    assert "[prices_usual, since 2025-03-06]" in finding
    assert "account 500: fills end 2025-03-04, known until 2025-03-05" in finding
    count, finding, is_alarm = told(home)["accounts_off_the_list"]
    assert (count, is_alarm) == (1, True)
    assert finding.endswith("unknown: GONE (last fill 2025-03-05)")
    assert rows(home, IDLE) == [("CUT", None), ("GONE", None), ("ODD", 0)]
    renamed = "select account_number from marts.account_history where is_renamed"
    assert rows(home, renamed) == [("502",)]
    # It stands, until the desk says that the trader has left.
    path = home.desk / "traders.csv"
    header = (SEEDS / "traders.csv").read_text().splitlines()[0]
    path.write_text(f"{header}\nGONE,,,,,false,,\n")
    come("2025-03-12")
    assert "prices_usual" not in (told(home)["gate_warnings"][1] or "")
    assert told(home)["accounts_off_the_list"][0] == 0
    assert rows(home, IDLE) == [("CUT", 0), ("GONE", 4), ("ODD", 0)]


@pytest.mark.long
def test_a_warning_of_the_gate_is_told_each_morning_that_it_stands(
    tmp_path: Path,
) -> None:
    home, exports = Home(tmp_path / "home"), Exports(tmp_path / "exports")
    usual = [
        fill("A1", datetime(2025, 3, day, 10, minute), propreports_id=f"{day}{minute}")
        for day in (3, 4, 5)
        for minute in range(10, 16)
    ]
    odd = [*usual[:-1], replace(usual[-1], price=Decimal(1000))]
    exports.write(odd)
    needed = ("+data_quality", "+trader_status")
    morning(home, exports, datetime(2025, 3, 6, 8, 30), *needed)
    # The rest of what data_quality reads stays as it is.
    needed = (
        "int_day_versions_current", "gate_results", "int_gate_warnings+1",
        "data_quality",
    )  # fmt: skip
    count, finding, is_alarm = told(home)["gate_warnings"]
    assert (count, is_alarm) == (1, True)
    assert "[prices_usual]" in finding
    # Nothing of it is loaded again, and yet it is told, and since when.
    for day in (7, 10):
        morning(home, exports, datetime(2025, 3, day, 8, 30), *needed)
        count, finding, _ = told(home)["gate_warnings"]
        assert "[prices_usual, since 2025-03-06]" in finding
    exports.write(usual)
    morning(home, exports, datetime(2025, 3, 11, 8, 30), *needed)
    assert "prices_usual" not in (told(home)["gate_warnings"][1] or "")


@pytest.mark.long
def test_a_file_that_was_cut_is_no_idle_trader(tmp_path: Path) -> None:
    home, exports = Home(tmp_path / "home"), Exports(tmp_path / "exports")
    days = sessions_between(date(2025, 1, 2), date(2025, 3, 5))
    both = [
        fill(name, datetime.combine(day, time(10, minute)), propreports_id=f"{name}{n}")
        for name in ("A1", "B2")
        for n, (day, minute) in enumerate((day, x) for day in days for x in range(6))
    ]
    idle = (
        "select trader_id, forecast_basis <> 'inactive', idle_sessions_count, "
        "traded_days_count from marts.trader_status order by all"
    )
    needed = ("+data_quality", "+trader_status")
    exports.write(both)
    morning(home, exports, datetime(2025, 3, 6, 8, 30), *needed)
    assert rows(home, idle) == [("A1", True, 0, len(days)), ("B2", True, 0, len(days))]
    path = exports.folder / "fills" / "500.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:40]) + "\n")
    morning(home, exports, datetime(2025, 3, 7, 8, 30), *needed)
    assert rows(home, idle) == [
        ("A1", True, None, len(days)),
        ("B2", True, 1, len(days)),
    ]
    assert "account 500: fills end 2025-01-" in told(home)["gate_warnings"][1]


@pytest.mark.long
def test_who_is_not_on_the_list_any_more_is_no_idle_trader(tmp_path: Path) -> None:
    home, exports = Home(tmp_path / "home"), Exports(tmp_path / "exports")
    monday = datetime(2025, 3, 3, 10)
    both = [fill("A1", monday), fill("B2", monday)]
    exports.write(both)
    needed = ("+data_quality", "+trader_status")
    morning(home, exports, datetime(2025, 3, 4, 8, 30), *needed)
    assert told(home)["accounts_off_the_list"][0] == 0
    # The list lost a line, and with it come no fills of the account.
    (exports.folder / "fills" / "501.csv").unlink()
    exports = Exports(exports.folder, {"A1": "500"})
    exports.write([both[0], fill("A1", monday.replace(day=4))])
    morning(home, exports, datetime(2025, 3, 6, 8, 30), *needed)
    count, finding, is_alarm = told(home)["accounts_off_the_list"]
    assert (count, is_alarm) == (1, True)
    assert finding.endswith("unknown: B2 (last fill 2025-03-03)")
    idle = "select trader_id, idle_sessions_count from marts.trader_status order by all"
    assert rows(home, idle) == [("A1", 1), ("B2", None)]
    # It stands, however long ago that was.
    exports.write([both[0], fill("A1", datetime(2025, 4, 9, 10))])
    morning(home, exports, datetime(2025, 4, 10, 8, 30), *needed)
    assert told(home)["accounts_off_the_list"][0] == 1
    assert rows(home, idle) == [("A1", 0), ("B2", None)]
    # The desk knows that the trader has left.
    path = home.desk / "traders.csv"
    home.desk.mkdir(exist_ok=True)
    header = (SEEDS / "traders.csv").read_text().splitlines()[0]
    path.write_text(f"{header}\nB2,,,,,false,,\n")
    settings = make_settings(
        source="files", exports=exports.folder, risk_home=home.root
    )
    record_desk(home, read_desk(settings, home))
    changed = (f"stg_desk__traders+,{model}" for model in needed)
    build_models_of(settings, home, models=" ".join(changed))
    assert told(home)["accounts_off_the_list"][0] == 0
    assert rows(home, idle) == [("A1", 0), ("B2", 27)]


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "statement",
    [
        "delete from staging.check_index where check_name = 'stale'",
        "insert into staging.check_index by name select 'data_quality' as mart, "
        "'no_such_check' as check_name, 99 as check_order, true as needs_attention, "
        "'Nothing.' as meaning, 'Delete it' as how_to_fix",
    ],
    ids=["check without its line", "line without its check"],
)
def test_the_index_and_the_checks_belong_together(
    awkward: Home, statement: str
) -> None:
    settings = make_settings(source="files", risk_home=awkward.root)
    before = told(awkward)
    with duckdb.connect(awkward.warehouse) as connection:
        connection.execute(statement)
    with pytest.raises(TransformError, match=r"data_quality: .*NOT NULL"):
        run_dbt(settings, awkward, "run", "--select", "data_quality")
    run_dbt(settings, awkward, "seed", "--select", "check_index")
    assert told(awkward) == before


def test_nobodys_name_and_no_path_leaves_the_raw_layer(awkward: Home) -> None:
    held = rows(
        awkward, "select string_agg(origin || reason || cell) from raw.quarantine"
    )
    assert NAME in held[0][0]
    texts = rows(
        awkward,
        "select table_schema, table_name, column_name "
        "from information_schema.columns where data_type = 'VARCHAR' "
        "and table_schema in ('staging', 'intermediate', 'marts')",
    )
    assert len(texts) > 50
    with connected(awkward) as connection:
        for schema, table, column in texts:
            leaks = connection.execute(
                f'select count(*) from {schema}.{table} where "{column}" like ? '
                f'or "{column}" like ?',
                [f"%{NAME.split()[1]}%", "%/exports/%"],
            ).fetchone()
            assert leaks == (0,), (schema, table, column)


@pytest.mark.long
def test_a_rename_is_seen_without_a_name(tmp_path: Path) -> None:
    exports = Exports(tmp_path / "exports").write(
        [fill("Z7", datetime(2025, 3, 3, 10))]
    )
    settings = make_settings(
        source="files", exports=exports.folder, risk_home=tmp_path / "home"
    )
    for name in ("Z7", f"Z7 {NAME}"):
        (exports.folder / "accounts.csv").write_text(
            f"Account Id,Account Name\n500,{name}\n"
        )
        home = bring_up_to_date(settings).home
    run_dbt(settings, home, "run", "--select", "+account_history")
    found = rows(
        home,
        "select account_number, is_renamed from marts.account_history "
        "where is_listed order by known_at",
    )
    assert found == [("500", False), ("500", True)]


@pytest.mark.long
def test_fees_are_held_against_the_parts_of_their_own_account(tmp_path: Path) -> None:
    """Two accounts whose day is the same, of which one has lost a fee."""
    at = datetime(2025, 3, 3, 10)
    exports = Exports(tmp_path / "exports").write(
        fill(account, at, comm=Decimal(1)) for account in ("A1", "B2")
    )
    home = build_warehouse(
        tmp_path / "home", exports.folder, models="+assert_fees_equal_their_parts"
    )
    settings = make_settings(risk_home=home.root)
    select = ("test", "--select", "assert_fees_equal_their_parts")
    run_dbt(settings, home, *select)
    with duckdb.connect(home.warehouse) as connection:
        hashes = connection.execute(
            "select count(distinct content_hash) from raw.day_versions"
        ).fetchone()
        connection.execute("delete from raw.fill_fees where account_number = '501'")
    assert hashes == (1,)
    with pytest.raises(TransformError, match=r"assert_fees_equal_their_parts.*\b1\b"):
        run_dbt(settings, home, *select)
