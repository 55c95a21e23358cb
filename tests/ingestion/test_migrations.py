"""A warehouse of before is brought to the present layout, and is loaded further."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.downstream import prepare_downstream
from ingestion.reasons import SENTENCES, ReasonCode
from ingestion.simulator import Adjustment, Firm, Simulator, serve
from ingestion.upgrade import upgrade
from runtime.home import Home
from runtime.warehouse import RAW_LAYOUT, open_warehouse, read_run_context
from tests.conftest import rows
from tests.draws import draw
from tests.ingestion.test_simulator_edge_cases import (
    IDLE,
    MONDAY,
    PER_ORDER,
    edge_case_firm,
)
from tests.mornings import assert_versions_are_whole, load_morning, raw_tables

LAYOUT_2 = Path(__file__).with_name("layout_2.sql").read_text(encoding="utf-8")
MORNINGS = date(2025, 3, 4), date(2025, 3, 5)
ROW = "'601', date '2025-03-03'"


def firm() -> Firm:
    """With a transfer, and a fill that cannot be read."""
    made = edge_case_firm()
    unreadable = replace(
        made.fills[0],
        side="X",
        account_name=IDLE,
        fill_id="99",
        propreports_id=910_099,
    )
    transfer = Adjustment(MONDAY, PER_ORDER, "Transfer: Wire", Decimal(1000))
    return replace(
        made,
        fills=[*made.fills, unreadable],
        adjustments=[*made.adjustments, transfer],
    )


def load_on(simulator: Simulator, home: Home, morning: date) -> None:
    simulator.as_of = morning
    load_morning(simulator, home, gate="warn")


def run_sql(home: Home, sql: str) -> None:
    with open_warehouse(home.warehouse) as connection:
        connection.execute(sql)


def home_in(folder: Path) -> Home:
    """An empty home, with the salt that the warehouse of before was loaded with."""
    folder.mkdir()
    (folder / "account_salt").write_text("salt")
    return Home(folder)


@pytest.fixture
def before(tmp_path: Path) -> Home:
    """A home whose warehouse the last version with layout 2 has loaded."""
    home = home_in(tmp_path / "before")
    run_sql(home, LAYOUT_2)
    return home


@pytest.mark.long
def test_a_warehouse_of_before_is_loaded_further_as_if_it_was_new(
    tmp_path: Path, before: Home
) -> None:
    fresh = home_in(tmp_path / "fresh")
    with serve(firm(), as_of=MORNINGS[0], rate_limit=10**6) as simulator:
        load_on(simulator, fresh, MORNINGS[0])
        upgrade(before)
        prepare_downstream(before)
        found, expected = raw_tables(before), raw_tables(fresh)
        # Its rows are not part of what is kept of the warehouse of before.
        del found["sessions"], expected["sessions"]
        assert found == expected
        for morning in (MORNINGS[1], *draw((), (date(2025, 3, 6),))):
            for home in (before, fresh):
                load_on(simulator, home, morning)
    found, expected = raw_tables(before), raw_tables(fresh)
    del found["sessions"], expected["sessions"]
    assert found == expected
    columns = (
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_schema = 'raw' order by all"
    )
    assert rows(before, columns) == rows(fresh, columns)
    assert_versions_are_whole(before)
    assert read_run_context(before) == read_run_context(fresh)
    assert rows(before, "select layout from raw.run_context") == [(RAW_LAYOUT,)]
    assert rows(
        before, "select category, is_transfer from raw.adjustments order by all"
    ) == [("Fee: Daily Interest", False), ("Transfer: Wire", True)]


@pytest.mark.long
def test_a_first_load_that_was_stopped_under_the_old_layout_resumes(
    tmp_path: Path, before: Home
) -> None:
    fresh = home_in(tmp_path / "fresh")
    run_sql(before, "delete from raw.run_context; delete from raw.accounts_read")
    with serve(firm(), as_of=MORNINGS[1], rate_limit=10**6) as simulator:
        for home in (before, fresh):
            load_on(simulator, home, MORNINGS[1])
    kept = "select * exclude (first_seen_at, last_seen_at) from raw.day_versions"
    assert set(rows(before, kept)) == set(rows(fresh, kept))
    for table in ("broker_days", "broker_fees", "fills", "accounts"):
        held = f"select * from raw.{table}"
        assert set(rows(before, held)) == set(rows(fresh, held))


def test_a_warehouse_of_before_can_be_read_as_it_is(before: Home) -> None:
    assert read_run_context(before).as_of == MORNINGS[0]


def test_fee_columns_of_a_warehouse_of_before_are_typed_and_lose_nothing(
    before: Home,
) -> None:
    """Amounts in every way PropReports writes them, and what is none."""
    cells = [
        ("s", 1, "Comm", "$1,234.50", True), ("s", 1, "Ecn Fee", "($1.25)", True),
        ("s", 1, "SEC", "+.25", True), ("s", 1, "Fee: VAT", "9.00", True),
        ("s", 1, "Adj Fees", "9.00", True), ("t", 1, "Comm", "1.00", True),
        ("t", 1, "Locates", "1.00", False), ("u", 1, "Comm", "two", True),
    ]  # fmt: skip
    fees = {("s", 1): "1233.50", ("s", 2): "0", ("t", 1): "2", ("u", 1): "2"} | {
        ("v", 1): "2"
    }
    run_sql(before, "delete from raw.extra_cells where resource = 'broker_days'")
    run_sql(before, "delete from raw.broker_days")
    for (name, number), amount in fees.items():
        run_sql(
            before,
            "insert into raw.broker_days by name select '601' as account_number, "
            f"date '2025-03-03' as trade_date, '{name}' as content_hash, "
            f"{number} as row_number, {amount} as total_fees",
        )
    for name, number, label, cell, is_known in cells:
        run_sql(
            before,
            f"insert into raw.extra_cells values ('broker_days', {ROW}, '{name}', "
            f"{number}, '{label}', '{cell}', {is_known})",
        )
    positions = "select * from raw.extra_cells where resource = 'positions'"
    of_positions = set(rows(before, positions))
    upgrade(before)
    assert rows(
        before,
        "select content_hash, row_number, fee_columns_amount from raw.broker_days "
        "order by all",
    ) == [
        ("s", 1, Decimal("1233.50")), ("s", 2, 0), ("t", 1, None), ("u", 1, None),
        ("v", 1, None),
    ]  # fmt: skip
    assert rows(
        before,
        "select content_hash, fee_name, amount from raw.broker_fees order by all",
    ) == [
        ("s", "comm", Decimal("1234.50")), ("s", "ecn_fee", Decimal("-1.25")),
        ("s", "sec", Decimal("0.25")), ("t", "comm", 1), ("u", "comm", None),
    ]  # fmt: skip
    assert rows(
        before,
        "select content_hash, column_name, cell, is_known from raw.extra_cells "
        "where resource = 'broker_days' order by all",
    ) == [
        ("s", "Adj Fees", "9.00", True), ("s", "Fee: VAT", "9.00", True),
        ("t", "Locates", "1.00", False), ("u", "Comm", "two", True),
    ]  # fmt: skip
    assert set(rows(before, positions)) == of_positions


# Those that version 2 had a sentence of this form for.
FORMER_CODES = {
    ReasonCode.EMPTY, ReasonCode.LINE_BREAK, ReasonCode.NOT_A_SIDE,
    ReasonCode.NOT_A_SYMBOL, ReasonCode.NOT_A_NUMBER, ReasonCode.NOT_A_QUANTITY,
    ReasonCode.NOT_A_COUNT, ReasonCode.NOT_A_DATE, ReasonCode.NOT_A_TIMESTAMP,
    ReasonCode.DATE_IN_FUTURE, ReasonCode.DATE_TOO_EARLY, ReasonCode.DATE_NOT_REQUESTED,
    ReasonCode.NOTIONAL_TOO_LARGE, ReasonCode.FEES_TOO_LARGE,
    ReasonCode.UNDECLARED_COLUMN,
}  # fmt: skip


# Column, sentence and its code.
SENTENCES_OF_BEFORE = [
    *(
        ("Qty", sentence.format("2025-03-03", "2025-03-04"), code)
        for code, sentence in SENTENCES.items()
        if code in FORMER_CODES
    ),
    (None, "has 3 cells, the header has 15", "wrong_width"),
    (None, SENTENCES[ReasonCode.BLANK_DOCUMENT], "blank_document"),
    (None, "s/Jane Roe.csv has no column Gross. Export it.", "unreadable_document"),
    ("Account", "is the name of Jane Roe", "other"),
]


def test_sentences_of_before_get_the_code_that_a_load_gives_now(before: Home) -> None:
    with open_warehouse(before.warehouse) as connection:
        connection.executemany(
            "insert into raw.quarantine by name select 'fills' as resource, "
            "'x.csv' as origin, ? as line_number, ? as column_name, ? as reason",
            [
                (number, column, sentence)
                for number, (column, sentence, _) in enumerate(SENTENCES_OF_BEFORE)
            ],
        )
    upgrade(before)
    found = "select column_name, reason, reason_code from raw.quarantine where origin"
    assert rows(before, f"{found} = 'x.csv' order by line_number") == (
        SENTENCES_OF_BEFORE
    )
    assert rows(before, f"{found} <> 'x.csv'") == [
        ("B/S", "is not one of B, S, T, C", "not_a_side")
    ]


@pytest.mark.long
def test_ids_that_the_marts_of_before_have_are_kept(tmp_path: Path) -> None:
    """As version 3 left them: two accounts of one code were hashes both."""
    home = home_in(tmp_path / "home")
    ids = "select account_number, account_id from raw.account_ids order by all"
    with serve(firm(), as_of=MORNINGS[0], rate_limit=10**6) as simulator:
        load_on(simulator, home, MORNINGS[0])
        given = rows(home, ids)
        (first, _), *others = given
        run_sql(
            home,
            "drop table raw.account_ids; update raw.run_context set layout = 3; "
            "create schema marts; create table marts.account_history as "
            f"select '{first}' as account_number, 'xfeedfacecafe' as account_id",
        )
        load_on(simulator, home, MORNINGS[1])
    kept = rows(home, ids)
    assert kept[0] == (first, "xfeedfacecafe")
    assert set(others) <= set(kept)
    assert rows(home, "select layout from raw.run_context") == [(RAW_LAYOUT,)]


@pytest.mark.long
def test_a_first_load_that_was_stopped_under_layout_3_resumes(tmp_path: Path) -> None:
    home = home_in(tmp_path / "home")
    with serve(firm(), as_of=MORNINGS[0], rate_limit=10**6) as simulator:
        load_on(simulator, home, MORNINGS[0])
        run_sql(home, "drop table raw.account_ids; delete from raw.run_context")
        load_on(simulator, home, MORNINGS[0])
    missing = (
        "from raw.account_versions anti join raw.account_ids using (account_number)"
    )
    assert rows(home, missing) == []
    assert read_run_context(home).as_of == MORNINGS[0]


def test_scopes_of_before_have_the_names_that_limits_have(tmp_path: Path) -> None:
    home = Home(tmp_path)
    prepare_downstream(home)
    run_sql(
        home,
        "insert into ml.desk_tail_tests (prediction_date, scope_type, scope_name) "
        "values ('2025-03-03', 'desk', ''), ('2025-03-03', 'group', 'Red'), "
        "('2025-03-03', 'strategy', 'gaps');"
        "update ops.schema_versions set version = 2 where schema_name = 'ml'",
    )
    assert upgrade(home)
    assert rows(
        home, "select scope_type, scope_name from ml.desk_tail_tests order by all"
    ) == [("desk", "desk"), ("strategy", "gaps"), ("trader_group", "Red")]
