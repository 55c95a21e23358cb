"""The desk's own files: what they begin with, what is refused, what is kept of them."""

import os
import re
import shutil
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion import desk_files
from ingestion.desk_files import (
    DESK_FILES,
    LIMITS,
    SEEDS,
    DeskFile,
    DeskFileError,
    begin_desk,
    read_desk,
    record_desk,
    seed_hash,
)
from ingestion.downstream import prepare_downstream
from runtime.home import Home
from runtime.settings import PROJECT_ROOT
from tests.conftest import make_settings, rows

TRADERS = "trader_id,valid_from,display_name,strategy,trader_group,is_active,{}\n"
HEADERS = {
    "trader_accounts": "account_id,valid_from,trader_id,note\n",
    "account_roles": "account_id,valid_from,role,parent_account_id,reset_date,note\n",
    "traders": TRADERS.format("daily_loss_limit_amount,note"),
    # As files were that know of no currency.
    "instrument_multipliers": "symbol_prefix,instrument_type,multiplier,note\n",
    "adjustment_categories": "category_prefix,adjustment_class,note\n",
    "session_cutoffs": "symbol_prefix,cutoff_time,valid_from,note\n",
    "limits": "account,valid_from,daily_loss_limit_amount\n",
    "breach_notes": "trade_date,rule,scope,name,noted_at,noted_by,closes,note\n",
    "candidate_rules": "rule,note\n",
    "instruments": "symbol,sector,proxy,note\n",
    "opening_lots": "account_id,symbol,opened_date,quantity,price,note\n",
    "signed_off_breaks": "account_id,trade_date,amount,signed_off_by,note\n",
}
MONDAY, TUESDAY = datetime(2025, 3, 3, 12), datetime(2025, 3, 4, 12)
NOTED = "2025-03-04T08:00:00Z"
WRONG_DATES = ("6/2/2025", "2.6.2025", "45810", "20250602", "2025-02-30", "2025-6-2")
WRONG_AMOUNTS = (
    "0", "-5", "1e99", "NaN", "Infinity", "1,5", "$5", "0.000000001", "1e999999999",
    "1e-99999999999999999",
)  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the tables that versions are kept in."""
    made = Home(tmp_path_factory.mktemp("prepared"))
    prepare_downstream(made)
    return made.warehouse


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Home:
    """With a copy of it, to be written to."""
    made = Home(tmp_path)
    shutil.copy(prepared, made.warehouse)
    return made


def write(home: Home, name: str, *lines: str, header: str | None = None) -> Path:
    """Write a file of the desk, under its usual header."""
    home.desk.mkdir(exist_ok=True)
    path = home.desk / f"{name}.csv"
    path.write_text((header or HEADERS[name]) + "".join(f"{one}\n" for one in lines))
    return path


def refusal(home: Home) -> str:
    """The line that says what is wrong, with the file or with one line of it."""
    try:
        contents = read_desk(make_settings(), home)
    except DeskFileError as error:
        said = str(error)
    else:
        ((path, why),) = [(one.path, why) for one in contents for _, why in one.refused]
        said = f"{path}, {why}"
    assert "\n" not in said
    return said


def test_a_new_desk_has_headers_only_and_says_nothing(home: Home) -> None:
    assert begin_desk(make_settings(), home) is None
    contents = read_desk(make_settings(), home)
    assert [one.file for one in contents] == [*DESK_FILES]
    assert not any(one.lines for one in contents)
    assert record_desk(home, contents) is None
    assert rows(home, "from raw.desk_files") == []
    # It is the desk's from now on.
    (home.desk / "traders.csv").unlink()
    begin_desk(make_settings(), home)
    assert not (home.desk / "traders.csv").exists()


def test_the_seeds_are_those_that_were_released() -> None:
    """Who changes one says so in DESK_FILES, or every desk takes it for an edit."""
    for file in DESK_FILES:
        if file.shipped is not None:
            assert seed_hash(file) == file.shipped, file.name


def test_seeds_that_were_edited_come_along_and_are_said(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for path in SEEDS.glob("*.csv"):
        # As a checkout on another system ends its lines.
        (seeds / path.name).write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setattr(desk_files, "SEEDS", seeds)
    with (seeds / "traders.csv").open("a") as handle:
        handle.write("ZZE001,,Ann,,,true,250,\n")
    said = begin_desk(make_settings(), home)
    assert said is not None
    assert said.startswith("traders.csv of dbt_project/seeds came along to ")
    assert (home.desk / "traders.csv").read_bytes() == (
        seeds / "traders.csv"
    ).read_bytes()
    assert (home.desk / "trader_accounts.csv").read_text().count("\n") == 1
    said = record_desk(home, read_desk(make_settings(), home), MONDAY)
    assert said == f"{home.desk / 'traders.csv'} is new, 1 line"
    assert record_desk(home, read_desk(make_settings(), home), MONDAY) is None
    # Whoever goes on editing the seed is told that it is not read.
    with (seeds / "traders.csv").open("a") as handle:
        handle.write("ZZE002,,Bob,,,true,250,\n")
    said = record_desk(home, read_desk(make_settings(), home), TUESDAY)
    assert said is not None
    assert "traders.csv is edited and not read" in said


@pytest.mark.parametrize(
    ("name", "line", "column", "cell"),
    [
        *(("trader_accounts", f"A1,{one},BOB,", "valid_from", one)
          for one in WRONG_DATES),
        *(("limits", f'A1,,"{one}"', "daily_loss_limit_amount", one)
          for one in WRONG_AMOUNTS),
        ("breach_notes", f"2025-03-03,loss,desk,,{NOTED},A,true,x", "rule", "loss"),
        ("breach_notes", f"2025-03-03,trades,desk,,{NOTED},A,,x", "closes", ""),
        *(("breach_notes", f"2025-03-03,trades,desk,,{one},A,true,x", "noted_at", one)
          for one in ("", "2025-03-04T08:00:00", "08:00", "yesterday",
                      "9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00")),
        ("trader_accounts", "A1,,,", "trader_id", ""),
        ("trader_accounts", "A1 ,,BOB,", "account_id", "A1 "),
        ("trader_accounts", "A1,,\xa0BOB,", "trader_id", "\xa0BOB"),
        ("trader_accounts", '"A\n1",,BOB,', "account_id", "A\n1"),
        ("trader_accounts", "A\u200b1,,BOB,", "account_id", "A\u200b1"),
        ("traders", "T1,,,,,maybe,,", "is_active", "maybe"),
        ("instrument_multipliers", "#ES,fruit,50,", "instrument_type", "fruit"),
        ("instrument_multipliers", "#ES,future,-50,", "multiplier", "-50"),
        ("instrument_multipliers", "#ES,future,1e8,", "multiplier", "1e8"),
        *(("session_cutoffs", f"#ES,{one},,", "cutoff_time", one)
          for one in ("06:00", "24:00", "18:60", "6pm", "18", "18:00:00")),
        *(("session_cutoffs", f"#ES,18:00,{one},", "valid_from", one)
          for one in WRONG_DATES),
        ("adjustment_categories", "Fee: Coffee,coffee,", "adjustment_class", "coffee"),
        ("adjustment_categories", ",dividend,", "category_prefix", ""),
        *(("signed_off_breaks", f'A1,2025-03-03,"{one}",ANN,', "amount", one)
          for one in ("", "95.001", "1e99", "NaN", "-Infinity", "9,5", "$95", "x",
                      "-1e999999999", "0e999999999")),
        ("opening_lots", "A1,XOM,2025-03-03,1e99999999,10,", "quantity", "1e99999999"),
        *(("signed_off_breaks", f"A1,{one},95,ANN,", "trade_date", one)
          for one in ("", *WRONG_DATES)),
        ("signed_off_breaks", "A1,2025-03-03,95,,", "signed_off_by", ""),
        ("signed_off_breaks", ",2025-03-03,95,ANN,", "account_id", ""),
    ],
)  # fmt: skip
def test_a_cell_that_is_wrong_is_named_with_file_line_and_column(
    home: Home, name: str, line: str, column: str, cell: str
) -> None:
    path = write(home, name, "", line)
    number = 3 + line.count("\n")
    said = refusal(home)
    assert said.startswith(f"{path}, line {number}, column {column}: {cell!r} ")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (",,,,,5\n", "a line is about one of account, trader, trader_group, strategy, "
         "desk (desk: true); this one is about none"),
        ("A1,T1,,,,5\n", "this one is about account and trader"),
        (",,Red,,true,5\n", "this one is about trader_group and desk"),
        (",,,,no,5\n", "column desk: 'no' is true, or empty"),
        (",T1,,,,-5\n", "column daily_loss_limit_amount: '-5' is not a number above 0"),
        (",T1,,,,0\n", "column daily_loss_limit_amount: '0' is not a number above 0"),
        (",T1,,,,5\n,T1,,,,6\n", "line 3 is about the same as line 2 (acc"),
        (",,,,true,5\n,,,,true,6\n", "line 3 is about the same as line 2 (acc"),
    ],
)  # fmt: skip
def test_a_limit_is_of_one_scope_and_said_once(
    home: Home, lines: str, said: str
) -> None:
    header = "account,trader,trader_group,strategy,desk,daily_loss_limit_amount\n"
    write(home, "limits", lines, header=header)
    assert said in refusal(home)


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("losing_streak_limit_days", "2.5", "is not a whole number above 0"),
        ("trades_limit_count", "0", "is not a whole number above 0"),
        ("warning_share", "75", "is above 1, which is all of it"),
        ("position_limit_quantity", "-1", "is not a number above 0"),
        ("gross_exposure_limit_amount", "1e99", "is not a number above 0"),
        ("trailing_stop", "5", "the header has unknown trailing_stop"),
    ],
)
def test_a_rule_that_is_none_is_named(
    home: Home, column: str, cell: str, said: str
) -> None:
    header = f"trader,weekly_loss_limit_amount,{column}\n"
    write(home, "limits", f"T1,5,{cell}", header=header)
    assert said in refusal(home)


def test_a_sign_off_may_name_a_symbol_in_a_table_that_had_none(home: Home) -> None:
    """A table that an earlier version made has the new column at its end."""
    with duckdb.connect(home.warehouse) as connection:
        connection.execute(
            "alter table raw.desk_signed_off_breaks drop column symbol; "
            "alter table raw.desk_signed_off_breaks add column symbol varchar"
        )
    write(
        home,
        "signed_off_breaks",
        "A1,2025-03-03,QQZ,95,ANN,",
        "A1,2025-03-03,QQY,-1.5,ANN,known",
        "A1,2025-03-03,,7,BEN,",
        header="account_id,trade_date,symbol,amount,signed_off_by,note\n",
    )
    record_desk(home, read_desk(make_settings(), home))
    assert rows(
        home,
        "select account_id, symbol, amount, signed_off_by, note "
        "from raw.desk_signed_off_breaks order by line_number",
    ) == [
        ("A1", "QQZ", "95.00", "ANN", None),
        ("A1", "QQY", "-1.50", "ANN", "known"),
        ("A1", None, "7.00", "BEN", None),
    ]


def test_rules_are_kept_as_they_are_written_and_wrong_ones_beside_them(
    home: Home,
) -> None:
    path = write(
        home, "candidate_rules", "STOP $1500.00,", '"stop 500,1000",', "halt 1500,",
        "sit_out 1 after 3 losing days,x", "stop 1500,", "warn -1,", "",
    )  # fmt: skip
    record_desk(home, read_desk(make_settings(), home))
    found = rows(
        home,
        "select line_number, rule, note, refused_for from raw.desk_candidate_rules "
        "order by line_number",
    )
    assert [(rule, note) for _, rule, note, refused in found if refused is None] == [
        ("stop 1500", None), ("sit_out 1 after 3 losing days", "x")
    ]  # fmt: skip
    wrong = [(number, said) for number, rule, _, said in found if rule is None]
    for (number, said), (wanted, begins) in zip(
        wrong,
        [
            (3, "column rule: 'stop 500,1000' names 2 rules; write each on a line"),
            (4, "column rule: 'halt 1500' is no rule: "),
            (6, "is about the same as line 2 (rule)"),
            (7, "column rule: 'warn -1' is no rule: "),
        ],
        strict=True,
    ):
        assert number == wanted
        assert begins in said and "\n" not in said
    assert path.exists()


@pytest.mark.parametrize("cell", ["NaN", "-NaN", "sNaN"])
def test_what_is_no_number_at_all_is_a_wrong_line_as_any_other(
    home: Home, cell: str
) -> None:
    write(
        home, "opening_lots", f"A1,XOM,2025-03-03,{cell},10,",
        f"A1,XOM,2025-03-04,100,{cell},", "A1,XOM,2025-03-05,100,10,",
    )  # fmt: skip
    record_desk(home, read_desk(make_settings(), home))
    assert rows(
        home,
        "select line_number, quantity, refused_for from raw.desk_opening_lots "
        "order by line_number",
    ) == [
        (2, None, f"line 2, column quantity: {cell!r} is not a number, such as 2500 or "
         "0.5. Fix it."),
        (3, None, f"line 3, column price: {cell!r} is not a number, such as 2500 or "
         "0.5. Fix it."),
        (4, "100", None),
    ]  # fmt: skip


def test_a_lot_is_of_no_more_than_money_can_hold(home: Home) -> None:
    """More than 18 digits before and after the point stopped the morning."""
    write(
        home, "opening_lots", "A1,XOM,2025-03-03,-999999999.5,1000.00,",
        "A1,XOM,2025-03-04,1000000000,10,", "A1,XOM,2025-03-05,-1000000,1000000,",
    )  # fmt: skip
    (content,) = read_desk(make_settings(), home)
    assert [number for number, _ in content.lines] == [2]
    assert [why[:35] for _, why in content.refused] == [
        "line 3: a lot is of less than 10000",
        "line 4: a lot is of less than 10000",
    ]


def test_instruments_are_kept_and_wrong_lines_beside_them(home: Home) -> None:
    write(
        home, "instruments", "XOM,Energy,,", "SPXL,,SPY,three times", "XOM,Oil,,",
        "DEF,,,nothing said", ",Energy,,", "GHI,Not set,,", "#ES,Index,SPY,",
    )  # fmt: skip
    record_desk(home, read_desk(make_settings(), home))
    assert rows(
        home,
        "select line_number, symbol, sector, proxy, note, refused_for "
        "from raw.desk_instruments order by line_number",
    ) == [
        (2, "XOM", "Energy", None, None, None),
        (3, "SPXL", None, "SPY", "three times", None),
        (4, *[None] * 4, "line 4 is about the same as line 2 (symbol), which counts. "
         "Delete one of them."),
        (5, *[None] * 4, "line 5: says neither sector nor proxy. Fix it."),
        (6, *[None] * 4, "line 6, column symbol: '' is empty. Fix it."),
        (7, *[None] * 4, "line 7, column sector: 'Not set' is what a symbol without a "
         "sector is in; leave it empty. Fix it."),
        (8, "#ES", "Index", "SPY", None, None),
    ]  # fmt: skip


@pytest.mark.parametrize("file", DESK_FILES, ids=lambda file: file.name)
def test_a_wrong_line_takes_no_right_one_with_it(home: Home, file: DeskFile) -> None:
    """But where a slip would make up a trader, or send a limit to a platform."""
    home.desk.mkdir()
    lines = [",".join(file.columns), *[f"{'x,' * len(file.columns)}x"] * 2]
    (home.desk / file.file_name).write_text("\n".join(lines))
    whole = {"trader_accounts", "limit_bounds", "ibkr_rules", "fix_limits"}
    if file.name in whole:
        assert "line 2 has" in refusal(home)
        return
    contents = read_desk(make_settings(), home)
    assert [number for number, _ in contents[0].refused] == [2, 3]
    said = record_desk(home, contents)
    assert said is not None
    assert (
        f"{file.file_name} is new, 2 lines; not taken: {file.file_name}, line 2" in said
    )
    assert rows(
        home,
        f"select line_number, refused_for like 'line % has %. Fix it.' "
        f"from {file.table.name} order by all",
    ) == [(2, True), (3, True)]
    with duckdb.connect(home.warehouse) as connection:
        # A file whose lines are all wrong has lines.
        assert connection.execute("select lines_count from raw.desk_files").fetchall()
    (home.desk / file.file_name).unlink()
    with pytest.raises(DeskFileError, match="it had 2 lines"):
        record_desk(home, read_desk(make_settings(), home))


def test_the_alarm_looks_at_every_file_that_is_taken_line_by_line() -> None:
    models = PROJECT_ROOT / "dbt_project/models/staging/desk"
    listed = (models / "stg_desk__refused_lines.sql").read_text()
    names = re.findall(r"'(\w+)'", listed.partition("] %}")[0])
    assert sorted(names) == sorted(
        file.name for file in DESK_FILES if not file.is_taken_whole
    )


def test_the_lines_beside_a_wrong_one_count(home: Home) -> None:
    write(home, "limits", "A1,,500", "A2,,-1", "A1,,600", "A3,,700")
    (content,) = read_desk(make_settings(), home)
    accounts = [cells[0] for _, cells in content.lines]
    assert accounts == ["A1", "A3"]
    assert [why for _, why in content.refused] == [
        "line 3, column daily_loss_limit_amount: '-1' is not a number above 0. Fix it.",
        "line 4 is about the same as line 2 (account, valid_from), which counts. "
        "Delete one of them.",
    ]


def test_a_line_that_is_not_written_as_utf_8_takes_no_other_with_it(
    home: Home,
) -> None:
    path = write(home, "limits")
    lines = 'A1,,500\nA2,,600\nÄ3,,700\n"Ä\nÄ4",,800\nA5,,900\n'
    path.write_bytes(path.read_bytes() + lines.encode("cp1252"))
    (content,) = read_desk(make_settings(), home)
    assert [cells[0] for _, cells in content.lines] == ["A1", "A2", "A5"]
    assert [(number, why[:27]) for number, why in content.refused] == [
        (4, "line 4, column 1: 'Ä3' is n"),
        (6, "line 5, column 1: 'Ä' is no"),
    ]
    path = write(home, "trader_accounts", "A1,,T1,")
    path.write_bytes(path.read_bytes() + "A2,,Ä2,\n".encode("cp1252"))
    assert refusal(home).startswith(f"{path}, line 3, column 3: 'Ä2' is not written")


def test_instruments_need_a_column_that_says_something(home: Home) -> None:
    write(home, "instruments", "XOM", header="symbol\n")
    assert "lacks one of sector, proxy." in refusal(home)
    write(home, "instruments", "XOM,Energy", header="symbol,sector\n")
    assert len(read_desk(make_settings(), home)) == 1


def test_a_pipe_in_place_of_a_file_holds_nobody_up(home: Home) -> None:
    path = home.desk / "limits.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    assert refusal(home).startswith(f"{path} cannot be read (not a regular file)")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no header"),
        (b"\n , \n", "has no header"),
        ("account,valid_from,daily_loss_limit_amount\nA\xe9,,5\n".encode("cp1252"),
         "line 2, column 1: 'Aé' is not written as UTF-8"),
        ("account;größe\nB;5\n".encode("cp1252"),
         "line 1, column 2: 'größe' is not written as UTF-8. Save the file as CSV"),
        ("account,valid_from,daily_loss_limit_amount\n".encode("utf-16"),
         "line 1, column 1: "),
        (b"account;valid_from;daily_loss_limit_amount\nA1;;5\n",
         "line 1: 'account;valid_from;daily_loss_limit_amount' has no commas between"),
        (b"account,valid_from\nA1,\n", "lacks one of daily_loss_limit_amount, weekly"),
        (b"account,daily_loss_limit_amount,color\nA1,5,red\n", "has unknown color"),
        (b"account,account,daily_loss_limit_amount\nA,B,5\n", "has twice account"),
        (b"account,daily_loss_limit_amount\nA1,5,6\n", "line 2 has 3 cells"),
        (b"account,daily_loss_limit_amount\nA1\n", "line 2 has 1 cells"),
        (b"account,daily_loss_limit_amount\nA1,5\nB,6\nA1,7\n",
         "line 4 is about the same as line 2 (account)"),
        (b'account,daily_loss_limit_amount\n"A1,5\n', "is no CSV"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_one_line(home: Home, content: bytes, said: str) -> None:
    path = write(home, "limits")
    path.write_bytes(content)
    found = refusal(home)
    assert found.startswith(str(path))
    assert said in found


@given(content=st.binary(max_size=80))
def test_any_bytes_are_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    home = Home(tmp_path_factory.getbasetemp() / "any_bytes")
    home.root.mkdir(exist_ok=True)
    for start in (b"", b"account,daily_loss_limit_amount\n"):
        write(home, "limits").write_bytes(start + content)
        try:
            read_desk(make_settings(), home)
        except DeskFileError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017


@given(
    amount=st.decimals("0.00000001", "9999999999", places=8),
    day=st.dates(),
    account=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
)
def test_what_is_right_is_taken_to_the_digit(
    tmp_path_factory: pytest.TempPathFactory, amount: Decimal, day: object, account: str
) -> None:
    home = Home(tmp_path_factory.getbasetemp() / "any_lines")
    home.root.mkdir(exist_ok=True)
    home.desk.mkdir(exist_ok=True)
    header = "\ufeffAccount,Valid_From,daily_loss_limit_amount"
    text = f"{header}\r\n\r\n{account},{day},{amount}"
    (home.desk / "limits.csv").write_bytes(text.encode())
    ((number, cells),) = read_desk(make_settings(), home)[0].lines
    said = dict(zip(LIMITS.columns, cells, strict=True))
    assert (number, said["account"], said["valid_from"]) == (3, account, f"{day}")
    assert Decimal(str(said["daily_loss_limit_amount"])) == amount


def test_every_version_is_kept_and_a_line_that_comes_back_counts_again(
    home: Home,
) -> None:
    versions = [("A1,,500",), ("A1,,600", "A2,,700"), (), ("A1,,500",)]
    for hour, lines in enumerate(versions, start=1):
        write(home, "limits", *lines)
        now = MONDAY.replace(hour=hour)
        for _ in range(2):
            record_desk(home, read_desk(make_settings(), home), now)
    found = rows(
        home, "select known_at, lines_count from raw.desk_files order by known_at"
    )
    assert found == [
        (datetime(1990, 1, 1), 1),
        (MONDAY.replace(hour=2), 2),
        (MONDAY.replace(hour=3), 0),
        (MONDAY.replace(hour=4), 1),
    ]
    assert rows(home, "select count(*) from raw.desk_limits") == [(3,)]


def test_a_file_that_is_gone_is_told_and_not_taken_for_empty(home: Home) -> None:
    path = write(home, "limits", "A1,,500")
    record_desk(home, read_desk(make_settings(), home))
    path.unlink()
    with pytest.raises(DeskFileError, match=r"limits\.csv .* is gone; it had 1 line\."):
        record_desk(home, read_desk(make_settings(), home))
    write(home, "limits")
    record_desk(home, read_desk(make_settings(), home))
    path.unlink()
    assert record_desk(home, read_desk(make_settings(), home)) is None


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """Limits that came with the exports."""
    path = tmp_path / "exports" / "limits.csv"
    path.parent.mkdir()
    path.write_text("account,daily_loss_limit_amount\nA1,500\n")
    return path


def test_limits_lie_with_the_exports_or_with_the_desk(home: Home, beside: Path) -> None:
    settings = make_settings(source="files", exports=beside.parent)
    own = write(home, "limits")
    assert [one.path for one in read_desk(settings, home)] == [beside]
    own.write_bytes(beside.read_bytes())
    assert [one.path for one in read_desk(settings, home)] == [own]
    write(home, "limits", "A1,,600")
    with pytest.raises(DeskFileError, match="say different limits"):
        read_desk(settings, home)
    # What another source left there is nobody's.
    sample = make_settings(source="sample", exports=beside.parent)
    assert [one.path for one in read_desk(sample, home)] == [own]


def test_limits_that_came_with_the_exports_and_do_not_any_more_stop_the_run(
    home: Home, beside: Path
) -> None:
    settings = make_settings(source="files", exports=beside.parent)
    begin_desk(settings, home)
    content = beside.read_bytes()
    for news in (f"{beside} is new, 1 line", None):
        beside.write_bytes(content)
        assert record_desk(home, read_desk(settings, home)) == news
        beside.unlink()
        # The header in the desk's folder says nothing of them.
        gone = rf"limits\.csv of {beside.parent} is gone; it had 1"
        with pytest.raises(DeskFileError, match=gone):
            record_desk(home, read_desk(settings, home))
    # The desk may say them itself, or that there are none any more.
    write(home, "limits", "A1,,500")
    assert "limits.csv is new" in record_desk(home, read_desk(settings, home))
    write(home, "limits")
    assert "0 lines" in record_desk(home, read_desk(settings, home))


def test_a_desk_that_is_forgotten_for_a_morning_takes_nothing_back(
    home: Home, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "desk of the firm"
    elsewhere.mkdir()
    traders = elsewhere / "traders.csv"
    traders.write_bytes(write(home, "traders", "A1,,Ann,,,false,,").read_bytes())
    write(home, "traders")
    settings = make_settings(desk=elsewhere)
    assert "traders.csv is new" in record_desk(home, read_desk(settings, home))
    begin_desk(make_settings(), home)
    with pytest.raises(DeskFileError, match="traders.csv of .*firm is gone.*set DESK"):
        record_desk(home, read_desk(make_settings(), home))
    # A folder that was moved brings its lines along, and counts from then on.
    (home.desk / "traders.csv").write_bytes(traders.read_bytes())
    assert record_desk(home, read_desk(make_settings(), home)) is None
    write(home, "traders")
    assert "0 lines" in record_desk(home, read_desk(make_settings(), home))


def test_desk_names_a_folder_that_is_there(home: Home, tmp_path: Path) -> None:
    with pytest.raises(DeskFileError, match="is no folder"):
        read_desk(make_settings(desk=tmp_path / "none"), home)
    folder = tmp_path / "ours"
    folder.mkdir()
    settings = make_settings(desk=folder)
    assert begin_desk(settings, home) is None
    assert read_desk(settings, home) == []
    assert not home.desk.exists()
    (folder / "limits.csv").write_text("account,daily_loss_limit_amount\nA1,5\n")
    assert len(read_desk(settings, home)) == 1


def test_a_category_is_the_same_however_it_is_spelled(home: Home) -> None:
    write(home, "adjustment_categories", "Foo,interest,", "foo,transfer,")
    assert "line 3 is about the same as line 2 (category_prefix)" in refusal(home)
