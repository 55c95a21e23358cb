"""The published copy: what it holds, who may read it when, and what a kill leaves."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from datetime import date
from decimal import Decimal, localcontext
from pathlib import Path

import duckdb
import pytest
import yaml

from daily.diagnostics import stats
from runtime.errors import UserError
from runtime.home import Home
from runtime.publish.marts_copy import open_published, publish
from runtime.publish.previous_names import MARTS
from runtime.settings import ENV_FILE
from runtime.transform.build_state import PUBLISHED_BY_DATE
from runtime.warehouse import RAW_LAYOUT
from tests.conftest import PROJECT_ROOT, run_daily, start_python
from tests.in_process import call_daily

DAYS = ["2026-03-02", "2026-03-03", "2026-03-04"]


def change(home: Home, *statements: str) -> None:
    """Change the warehouse as a run would."""
    with duckdb.connect(home.warehouse) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A warehouse of three days, of which nothing is published."""
    home = Home(tmp_path / "[the] *desk* #1 Ü {x}")
    home.root.mkdir()
    change(
        home,
        "create schema raw",
        "create schema marts",
        "create table raw.run_context as select 'sample' as source, 'a firm' as firm, "
        "date '2026-03-05' as as_of, date '2026-03-05' as prediction_date, "
        f"null as source_version, {RAW_LAYOUT} as layout",
        "create table marts.daily_totals as select 'A' as account_id, 1.50 as net_pnl",
        "create table marts.fct_fills as select 'A' as account_id, 'XYZ' as symbol, "
        "i as fill_sequence, date '2026-03-02' + cast(i % 3 as integer) as trade_date, "
        "cast(i as decimal(18, 8)) as price, nullif(i, 4) as day_sequence "
        "from range(30) as numbers (i)",
    )
    return home


def query(path: Path, sql: str) -> list[tuple]:
    """The rows of a query on a published copy."""
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def copy_of(home: Home) -> Path:
    return home.published / "current" / "risk.duckdb"


def inodes(home: Home) -> dict[str, int]:
    """The file behind each published day of fills."""
    folders = (home.published / "current" / "fct_fills").iterdir()
    found = {}
    for folder in folders:
        (file,) = folder.iterdir()
        found[folder.name.removeprefix("trade_date=")] = file.stat().st_ino
    return found


def same_days(before: dict[str, int], after: dict[str, int]) -> list[str]:
    return sorted(day for day, inode in after.items() if before.get(day) == inode)


def widened(home: Home) -> list[tuple]:
    """What the mart of fills is in the copy: every decimal of it is a wide one."""
    return [
        (name, kind.replace("DECIMAL(18,", "DECIMAL(38,"), *more)
        for name, kind, *more in query(home.warehouse, "describe marts.fct_fills")
    ]


def test_the_copy_equals_the_marts_to_the_type(home: Home) -> None:
    sentence = publish(home)
    assert sentence.endswith("days of fills and trips: 3 written, 0 as before")
    for sql in (
        "from marts.fct_fills order by fill_sequence",
        "from marts.daily_totals",
        "describe marts.daily_totals",
    ):
        assert query(copy_of(home), sql) == query(home.warehouse, sql)
    assert query(copy_of(home), "describe marts.fct_fills") == widened(home)
    kinds = "select table_name, table_type from information_schema.tables order by all"
    assert query(copy_of(home), kinds) == [
        ("daily_totals", "BASE TABLE"),
        ("fct_fills", "VIEW"),
        ("published_at", "BASE TABLE"),
    ]
    parquet = home.published / "current" / "daily_totals.parquet"
    assert duckdb.read_parquet(str(parquet)).fetchall() == query(
        home.warehouse, "from marts.daily_totals"
    )


def test_dates_that_no_build_has_touched_are_linked_unread(home: Home) -> None:
    change(
        home,
        "create schema intermediate",
        "create table intermediate.int_fill_days as select 'A' as account_id, "
        "'T' as trader_id, 1 as account_number, trade_date, "
        "trade_date as calendar_date, 'h' as content_hash "
        "from marts.fct_fills group by all",
        "create schema ops",
        "create table ops.built_fill_days as from intermediate.int_fill_days",
        "create table ops.built_dates as select distinct 'fct_fills' as mart, "
        "trade_date as partition_date, 1 as built from marts.fct_fills",
    )
    assert publish(home).endswith("3 written, 0 as before")
    touch = "update ops.built_dates set built = built + 1 where partition_date = "
    change(
        home,
        "update marts.fct_fills set price = 7",
        "insert into marts.fct_fills select * replace (date '2026-03-09' as "
        "trade_date) from marts.fct_fills where fill_sequence = 1",
        "insert into ops.built_dates values ('fct_fills', '2026-03-09', 2)",
        f"{touch} '2026-03-03'",
    )
    assert publish(home).endswith("2 written, 2 as before")
    dates = "select trade_date, min(price), count(*) from marts.fct_fills group by all"
    assert [
        (str(date), price == 7, count)
        for date, price, count in query(copy_of(home), f"{dates} order by all")
    ] == [
        ("2026-03-02", False, 10),
        ("2026-03-03", True, 10),
        ("2026-03-04", False, 10),
        ("2026-03-09", True, 1),
    ]
    change(
        home,
        "delete from marts.fct_fills where trade_date = '2026-03-09'",
        f"{touch} '2026-03-09'",
    )
    assert publish(home).endswith("0 written, 3 as before")
    # A build that failed has new days that nobody recorded: now all are looked at.
    change(
        home,
        "insert into marts.fct_fills select * replace (date '2026-03-10' as "
        "trade_date) from marts.fct_fills where fill_sequence = 2",
        "insert into intermediate.int_fill_days select * replace (date '2026-03-10' "
        "as trade_date) from intermediate.int_fill_days limit 1",
    )
    assert publish(home).endswith("3 written, 1 as before")


@pytest.mark.parametrize("rows", [1, 20, 29])
def test_days_written_a_few_at_a_time_are_the_same(home: Home, rows: int) -> None:
    said = publish(home, batch_rows=rows)
    assert said.endswith("days of fills and trips: 3 written, 0 as before")
    fills = "from marts.fct_fills order by fill_sequence"
    assert query(copy_of(home), fills) == query(home.warehouse, fills)
    said = publish(home, batch_rows=rows)
    assert said.endswith("days of fills and trips: 0 written, 3 as before")


def test_a_firm_that_pays_no_fee_is_published(home: Home) -> None:
    change(
        home,
        "create table marts.fct_fees (account_id varchar, trade_date date, "
        "fee_amount decimal(38, 8))",
    )
    publish(home)
    assert query(copy_of(home), "from marts.fct_fees") == []
    assert query(copy_of(home), "describe marts.fct_fees") == query(
        home.warehouse, "describe marts.fct_fees"
    )


def test_tables_and_columns_of_the_copy_say_what_they_are(home: Home) -> None:
    described = {
        "model.risk.daily_totals": {
            "name": "daily_totals",
            "schema": "marts",
            "description": "P&L per account's day.",
            "columns": {"net_pnl": {"name": "net_pnl", "description": "Net.\n"}},
        },
        "model.risk.fct_fills": {
            "name": "fct_fills",
            "schema": "marts",
            "description": "Fills.",
            "columns": {"price": {"name": "price", "description": "Price."}},
        },
        "model.risk.fct_lots": {
            "name": "fct_lots", "schema": "marts", "description": "", "columns": {},
        },
        "model.risk.int_overnight_lot_matches": {
            "name": "int_overnight_lot_matches",
            "schema": "intermediate",
            "columns": {},
        },
    }  # fmt: skip
    target = home.dbt / "target"
    target.mkdir(parents=True)
    (target / "manifest.json").write_text(json.dumps({"nodes": described}))
    publish(home)
    said = "select table_name, column_name, comment from duckdb_columns() "
    assert query(copy_of(home), f"{said} where comment is not null order by 1") == [
        ("daily_totals", "net_pnl", "Net."),
        ("fct_fills", "price", "Price."),
    ]
    assert query(
        copy_of(home), "select comment from duckdb_tables() where comment is not null"
    ) == [("P&L per account's day.",)]
    assert query(
        copy_of(home), "select comment from duckdb_views() where comment is not null"
    ) == [("Fills.",)]


def test_days_of_fills_are_a_layout_that_pandas_and_others_read(home: Home) -> None:
    import pyarrow.dataset

    publish(home)
    folder = home.published / "current" / "fct_fills"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"trade_date={day}" for day in DAYS
    ]
    table = pyarrow.dataset.dataset(folder, partitioning="hive").to_table()
    assert table.num_rows == 30
    assert sorted(set(table["trade_date"].to_pylist())) == DAYS


def test_the_copy_says_as_of_when_and_of_what_kind_it_is(home: Home) -> None:
    publish(home)
    assert query(
        copy_of(home),
        "select as_of_date, prediction_date, firm_kind, source, firm, "
        "abs(date_diff('second', published_at, now() at time zone 'UTC')) < 60 "
        "from marts.published_at",
    ) == [(date(2026, 3, 5), date(2026, 3, 5), "synthetic", "sample", "a firm", True)]
    assert (home.published / "current" / "published_at.parquet").exists()


def test_a_past_morning_is_published_in_its_own_folder(home: Home) -> None:
    publish(home)
    past = home.past(date(2026, 3, 3))
    past.root.mkdir(parents=True)
    shutil.copy(home.warehouse, past.warehouse)
    change(past, "update raw.run_context set as_of = '2026-03-03', firm = '/x/desk', "
           "source = 'files'")  # fmt: skip
    current = copy_of(home).resolve()
    publish(past)
    assert copy_of(home).resolve() == current
    assert query(
        copy_of(past), "select as_of_date, source, firm from marts.published_at"
    ) == [(date(2026, 3, 3), "files", "desk")]


def test_a_day_that_did_not_change_is_the_same_file(home: Home) -> None:
    publish(home)
    before = inodes(home)
    # The same rows in another order are the same day.
    change(
        home,
        "create or replace table marts.fct_fills as "
        "from marts.fct_fills order by fill_sequence desc",
    )
    assert publish(home).endswith("0 written, 3 as before")
    assert inodes(home) == before
    change(
        home,
        "update marts.fct_fills set price = 0.00000001 where fill_sequence = 3",
        "insert into marts.fct_fills values ('A', 'XYZ', 99, '2026-03-05', 1, null)",
    )
    assert publish(home).endswith("2 written, 2 as before")
    assert same_days(before, inodes(home)) == DAYS[1:]
    change(home, "delete from marts.fct_fills where trade_date = '2026-03-03'")
    assert publish(home).endswith("0 written, 3 as before")
    assert sorted(inodes(home)) == [DAYS[0], DAYS[2], "2026-03-05"]
    sql = "from marts.fct_fills order by fill_sequence"
    assert query(copy_of(home), sql) == query(home.warehouse, sql)


@pytest.mark.parametrize(
    "statement",
    [
        "alter table marts.fct_fills alter price type decimal(20, 8)",
        "alter table marts.fct_fills rename day_sequence to rank_in_day",
        "alter table marts.fct_fills add column note varchar",
        "update marts.fct_fills set day_sequence = 0 where day_sequence is null; "
        "update marts.fct_fills set price = 7.5 where fill_sequence in (0, 2)",
        # Two rows exchange a value: count and sum of each column stay.
        "update marts.fct_fills set price = case price when 0 then 3 when 3 then 0 "
        "when 1 then 4 when 4 then 1 when 2 then 5 when 5 then 2 else price end",
    ],
)
def test_a_changed_column_or_value_is_written_anew(home: Home, statement: str) -> None:
    publish(home)
    change(home, *statement.split("; "))
    assert publish(home).endswith("3 written, 0 as before")
    sql = "from marts.fct_fills order by fill_sequence"
    assert query(copy_of(home), sql) == query(home.warehouse, sql)
    assert query(copy_of(home), "describe marts.fct_fills") == widened(home)


def test_a_published_day_that_is_damaged_is_written_anew(home: Home) -> None:
    publish(home)
    files = sorted((home.published / "current" / "fct_fills").rglob("*.parquet"))
    files[0].unlink()
    files[1].chmod(0o644)
    files[1].write_bytes(b"short")
    assert publish(home).endswith("2 written, 1 as before")
    first = min((home.published / "current" / "fct_fills").rglob("*.parquet"))
    first.chmod(0o644)
    first.write_bytes(b"?" * first.stat().st_size)
    # Its rows are looked at, for no build says what it touched.
    assert publish(home).endswith("3 written, 0 as before")
    (home.published / "current" / "manifest.json").chmod(0o644)
    (home.published / "current" / "manifest.json").write_text("{")
    assert publish(home).endswith("3 written, 0 as before")
    assert query(copy_of(home), "select count(*) from marts.fct_fills") == [(30,)]


def test_without_links_days_are_written(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    publish(home)
    monkeypatch.setattr(os, "link", refuse)
    assert publish(home).endswith("3 written, 0 as before")
    assert query(copy_of(home), "select count(*) from marts.fct_fills") == [(30,)]


def test_a_large_mart_is_written_once_and_reads_the_same(
    home: Home, tmp_path: Path
) -> None:
    change(
        home,
        "create or replace table marts.daily_totals as select "
        "printf('A%d', i % 3) as account_id, date '2026-03-02' + i::integer as "
        "trade_date, cast(i as decimal(38, 8)) / 3 as net_pnl, cast(nullif(i, 4) as "
        "decimal(18, 2)) as fees, i / 7 as ratio, i % 2 = 0 as is_open, "
        "cast(i as bigint) as fills_count, timestamp '2026-03-02 09:30:00.000001' "
        "as opened_at from range(30) as numbers (i)",
        "create table marts.dim_traders as select 'T' as trader_id",
    )
    publish(home, table_rows=29)
    rows = "from marts.daily_totals order by all"
    same = (rows, "describe marts.daily_totals", "from marts.dim_traders")
    for sql in same:
        assert query(copy_of(home), sql) == query(home.warehouse, sql)
    kinds = (
        "select table_name, table_type from information_schema.tables "
        "where table_name in ('daily_totals', 'dim_traders') order by all"
    )
    assert query(copy_of(home), kinds) == [
        ("daily_totals", "VIEW"),
        ("dim_traders", "BASE TABLE"),
    ]
    with duckdb.connect() as connection:
        connection.execute(f"attach '{copy_of(home)}' as copy (read_only)")
        attached = connection.execute("from copy.marts.daily_totals order by all")
        assert attached.fetchall() == query(home.warehouse, rows)
    with duckdb.connect(copy_of(home), read_only=True) as reader:
        change(home, "delete from marts.daily_totals where fills_count > 20")
        publish(home, table_rows=29)
        # Who has the old copy open goes on reading it.
        assert len(reader.execute(rows).fetchall()) == 30
    moved = Home(home.root.rename(tmp_path / "elsewhere"))
    assert len(query(copy_of(moved), rows)) == 21


def test_the_largest_fill_times_its_price_does_not_overflow(home: Home) -> None:
    change(
        home,
        "create or replace table marts.fct_fills as select 'A' as account_id, "
        "'XYZ' as symbol, 0 as fill_sequence, date '2026-03-02' as trade_date, "
        "cast(99999999.12345678 as decimal(18, 8)) as quantity, "
        "cast(9999999999.12345678 as decimal(18, 8)) as price",
    )
    publish(home)
    ((found,),) = query(
        copy_of(home), "select max(quantity * price) from marts.fct_fills"
    )
    with localcontext(prec=60):
        assert found == Decimal("99999999.12345678") * Decimal("9999999999.12345678")


def test_fills_are_found_from_wherever_the_copy_is_opened(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "select count(*) from {}marts.fct_fills where trade_date = '2026-03-03'"
    publish(home)
    monkeypatch.chdir("/")
    assert query(copy_of(home), sql.format("")) == [(10,)]
    monkeypatch.chdir(home.published / "current")
    assert query(Path("risk.duckdb"), sql.format("")) == [(10,)]
    attach = f"attach '{copy_of(home)}' as copy"
    for opened in (":memory:", home.warehouse):
        # The warehouse's file bears the same name as the copy's.
        with duckdb.connect(opened) as connection:
            connection.execute(f"{attach} (read_only)")
            assert connection.execute(sql.format("copy.")).fetchall() == [(10,)]
    monkeypatch.chdir(tmp_path)
    # As an analyst with another account gets it.
    theirs = tmp_path / "theirs" / "published"
    shutil.copytree(home.published, theirs, symlinks=True)
    moved = Home(home.root.rename(tmp_path / "elsewhere"))
    assert query(copy_of(moved), sql.format("")) == [(10,)]
    assert query(theirs / "current" / "risk.duckdb", sql.format("")) == [(10,)]


def test_who_has_the_old_copy_open_goes_on_reading_it(home: Home) -> None:
    sql = "select count(*), sum(price) from marts.fct_fills"
    publish(home)
    with duckdb.connect(copy_of(home), read_only=True) as reader:
        old = reader.execute(sql).fetchall()
        change(home, "delete from marts.fct_fills where fill_sequence > 20")
        publish(home)
        assert reader.execute(sql).fetchall() == old
        assert query(copy_of(home), sql) == [(21, 210)]


def test_the_copy_before_is_kept_and_older_ones_go(home: Home) -> None:
    for _ in range(3):
        before = copy_of(home).resolve().parent.name
        publish(home)
    assert sorted(path.name for path in home.published.iterdir()) == sorted(
        ["current", before, copy_of(home).resolve().parent.name]
    )


def test_nobody_writes_into_the_copy(home: Home) -> None:
    publish(home)
    files = [path for path in copy_of(home).parent.rglob("*") if path.is_file()]
    assert len(files) == 7
    assert {path.stat().st_mode & 0o777 for path in files} == {0o400}


@pytest.mark.parametrize(
    ("step", "is_half"),
    [("write_partitions", True), ("create_views", True), ("_swap", False)],
)
def test_killed_half_way_the_last_good_copy_stays(
    home: Home, step: str, is_half: bool
) -> None:
    publish(home)
    good = copy_of(home).resolve()
    change(home, "delete from marts.fct_fills where fill_sequence > 20")
    killed = start_python(
        "-c",
        "import os, sys\nfrom pathlib import Path\n"
        "import runtime.publish.marts_copy as it\n"
        f"it.{step} = lambda *_, **__: os.kill(os.getpid(), 9)\n"
        "from runtime.home import Home\nit.publish(Home(Path(sys.argv[1])))",
        str(home.root),
    )
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert copy_of(home).resolve() == good
    assert query(copy_of(home), "select count(*) from marts.fct_fills") == [(30,)]
    said = publish(home)
    assert (
        "what a publication that was stopped had left is removed" in said
    ) is is_half
    assert query(copy_of(home), "select count(*) from marts.fct_fills") == [(21,)]
    assert len(list(home.published.iterdir())) == 3
    assert "stopped" not in publish(home)


def test_every_mart_that_grows_with_the_fills_is_partitioned() -> None:
    grains = {
        path.stem
        for path in (PROJECT_ROOT / "dbt_project/models/marts").rglob("*.sql")
        if "Grain: one row per fill of" in path.read_text()
        or "fee of the counted fills" in path.read_text()
        or "flat-to-flat position" in path.read_text()
        or "one row per fill at which" in path.read_text()
    }
    assert grains == set(PUBLISHED_BY_DATE)


RENAMED = (
    "create table marts.forecast_record as select 'A' as trader_id, 7.5 as pnl",
    "create table marts.desk_forecasts as select 250 as evaluated_sessions_count",
    "create table marts.trader_forecast_scores as "
    "select 'A' as trader_id, 2 as forecasts_count, 1 as hits_count",
    "create table marts.desk_forecast_scores as "
    "select 9 as forecasts_count, 4 as hits_count",
)
PREVIOUS = (
    "create table marts.call_record as select 'A' as trader_id, 7.5 as pnl",
    "create table marts.desk_calls as select 250 as judged_sessions_count",
    "create table marts.call_scores as from (values ('A', 2, 1), ('', 9, 4)) "
    "as scores (trader_id, calls_count, hits_count)",
    "create table marts.risk_calls as select 'A' as trader_id, 'global' as pnl_speaker",
    "alter table marts.fct_fills rename price to path_net_pnl",
)


def test_renamed_marts_are_there_under_their_previous_names(home: Home) -> None:
    change(home, *RENAMED)
    publish(home)
    with duckdb.connect(copy_of(home), read_only=True) as connection:
        assert connection.sql("from marts.call_record").fetchall() == [("A", 7.5)]
        scores = connection.sql("from marts.call_scores order by all")
        assert scores.columns == ["trader_id", "calls_count", "hits_count"]
        assert scores.fetchall() == [("", 9, 4), ("A", 2, 1)]
        desk = connection.sql("from marts.desk_calls")
        assert desk.columns == ["judged_sessions_count"]
        comments = connection.sql(
            "select view_name, comment from duckdb_views() where comment is not null"
        ).fetchall()
    assert sorted(name for name, _ in comments) == [
        "call_record", "call_scores", "desk_calls",
    ]  # fmt: skip
    assert all("gone with the next version" in comment for _, comment in comments)
    assert not list(copy_of(home).parent.glob("call_*.parquet"))
    with duckdb.connect() as connection:
        connection.execute(f"attach '{copy_of(home)}' as elsewhere (read_only)")
        pnl = connection.execute("select pnl from elsewhere.marts.call_record")
        assert pnl.fetchall() == [(7.5,)]


@pytest.mark.parametrize("is_moved", [False, True])
def test_a_copy_of_the_previous_version_has_the_names_of_today(
    home: Home, tmp_path: Path, is_moved: bool
) -> None:
    change(home, *PREVIOUS)
    publish(home)
    if is_moved:
        home = Home(home.root.rename(tmp_path / "elsewhere"))
    folders = sorted(home.published.rglob("*"))
    with open_published(home) as connection:

        def rows(sql: str) -> list[tuple]:
            return connection.execute(sql).fetchall()

        for schema in ("", "marts."):
            assert rows(f"from {schema}forecast_record") == [("A", 7.5)]
            assert rows(
                f"select trader_id, forecasts_count from {schema}trader_forecast_scores"
            ) == [("A", 2)]
            assert rows(
                f"select forecasts_count, hits_count from {schema}desk_forecast_scores"
            ) == [(9, 4)]
            assert rows(
                f"select evaluated_sessions_count from {schema}desk_forecasts"
            ) == [(250,)]
            assert rows(f"select pnl_model from {schema}risk_calls") == [("global",)]
            assert rows(
                f"select sum(cumulative_net_pnl), count(*) from {schema}fct_fills "
                "where trade_date <> '2026-03-03'"
            ) == [(290, 20)]
            # What has no other name today, and the previous names themselves.
            assert rows(f"select net_pnl from {schema}daily_totals")
            assert rows(f"select calls_count from {schema}call_scores") == [(2,), (9,)]
    assert sorted(home.published.rglob("*")) == folders
    run = call_daily(
        "sql", RISK_HOME=home.root, Q="select pnl from {{ ref('forecast_record') }}"
    )
    assert (run.code, "7.5" in run.out) == (0, True), run.err


def test_what_a_previous_version_did_not_have_is_one_line(home: Home) -> None:
    change(home, *PREVIOUS)
    publish(home)
    with (
        pytest.raises(UserError, match=r"of another version .*forecast_outcomes"),
        open_published(home) as connection,
    ):
        connection.execute("from forecast_outcomes")


def test_stats_of_a_previous_copy_count_its_tables_once(home: Home) -> None:
    change(
        home,
        *PREVIOUS,
        "alter table marts.daily_totals add trader_id varchar",
        "alter table marts.daily_totals add trade_date date",
        "create table marts.fill_day_versions as select 1 as version_number",
    )
    publish(home)
    with home.locked():
        said = stats(home)
    (marts,) = re.findall(r"^ *marts +(\d+) +(\d+) ", said, re.M)
    # Seven tables, of which one has two rows, and 30 fills.
    assert marts == ("8", "38")


def test_each_name_of_today_is_that_of_a_mart_and_its_columns() -> None:
    marts = PROJECT_ROOT / "dbt_project/models/marts"
    described = {}
    for path in marts.rglob("*.yml"):
        for model in yaml.safe_load(path.read_text()).get("models", []):
            described[model["name"]] = {one["name"] for one in model.get("columns", [])}
    for before, (now, columns) in MARTS.items():
        assert set(columns.values()) <= described[now], now
        assert not columns.keys() & described[now], now
        assert before == now or before not in described, before


def test_sql_reads_the_copy_while_a_run_writes(home: Home) -> None:
    publish(home)
    with home.locked(), duckdb.connect(home.warehouse):
        run = run_daily(
            "sql", RISK_HOME=home.root, Q="select sum(price) as total from fct_fills"
        )
    assert run.code == 0, run.err
    assert "total" in run.out
    assert "435.00000000" in run.out


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("select nope from daily_totals", 'Referenced column "nope" not found'),
        ("selec 1", 'syntax error at or near "selec"'),
        ("select 1; drop table daily_totals", "read-only"),
    ],
)
def test_a_wrong_statement_is_one_line(
    home: Home, statement: str, message: str
) -> None:
    publish(home)
    run = call_daily("sql", RISK_HOME=home.root, Q=statement)
    assert run.code == 1
    assert message in run.err
    assert run.err.count("\n") == 1


def test_sql_before_anything_is_published_says_what_to_do(tmp_path: Path) -> None:
    run = call_daily("sql", RISK_HOME=tmp_path, Q="select 1")
    assert run.code == 1
    assert "make daily" in run.err
    assert run.err.count("\n") == 1


def test_sql_of_a_morning_that_is_not_published_is_not_another_one(home: Home) -> None:
    publish(home)
    run = call_daily("sql", RISK_HOME=home.root, Q="select 1", AS_OF="2026-03-04")
    assert run.code == 1
    assert "Run `make daily AS_OF=2026-03-04`" in run.err
    run = call_daily("sql", RISK_HOME=home.root, Q="select 1", AS_OF="2026-03-05")
    assert run.code == 0


def shell(home: Home, stdin: int, **options: object) -> subprocess.Popen:
    """`python -m daily sql` with this standard input."""
    return subprocess.Popen(
        [sys.executable, "-m", "daily", "sql"],
        cwd=PROJECT_ROOT,
        env={"PATH": os.environ["PATH"], "RISK_HOME": str(home.root), ENV_FILE: ""},
        stdin=stdin,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def test_sql_reads_statements_and_the_cookbook_from_standard_input(home: Home) -> None:
    publish(home)
    with shell(home, subprocess.PIPE) as process:
        out, _ = process.communicate(
            "{# How much?\n   One row. #}\n"
            "select net_pnl from {{ ref('daily_totals') }}; select 42 as answer",
            timeout=60,
        )
    assert process.returncode == 0
    assert "1.50" in out
    assert "42" in out


@pytest.mark.parametrize("end", [b"\\q\n", b"\x04"])
def test_on_a_terminal_a_mistake_does_not_end_it(home: Home, end: bytes) -> None:
    publish(home)
    controller, terminal = pty.openpty()
    with shell(home, terminal) as process:
        os.write(controller, b"select nope;\nselect\n42 as answer;\n" + end)
        out, _ = process.communicate(timeout=60)
    os.close(controller)
    os.close(terminal)
    assert process.returncode == 0
    assert "error: Binder Error" in out
    assert "42" in out


def test_the_manifest_names_every_day_and_file(home: Home) -> None:
    publish(home)
    manifest = json.loads((copy_of(home).parent / "manifest.json").read_text())
    assert manifest["as_of"] == "2026-03-05"
    days = manifest["partitions"]["fct_fills"]["dates"]
    assert list(days) == DAYS
    assert all(len(day["files"]) == 1 for day in days.values())
