"""What is in the desk's totals: roles of accounts, masters and their subs."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.desk_files import read_desk, record_desk
from runtime.home import Home
from runtime.settings import Settings
from tests.conftest import build_models_of, build_warehouse, make_settings, rows
from tests.exports import ExportedFill, Exports

MONDAY = datetime(2025, 3, 3, 10)
ROLES = "account_id,valid_from,role,parent_account_id,reset_date,note\n"
MODELS = "+daily_totals +trader_status +int_trader_days +dim_accounts +data_quality"
NET = (
    "select account_id, account_role, is_in_desk_total, sum(net_pnl) "
    "from marts.daily_totals group by all order by all"
)
DESK = (
    "select cast(trade_date as varchar), sum(net_pnl) from marts.daily_totals "
    "where is_in_desk_total group by all order by all"
)


def trips(*made: tuple[str, int, int]) -> list[ExportedFill]:
    """One trade of each account and day that makes so many dollars."""
    return [
        ExportedFill(
            account, MONDAY + timedelta(days=day, minutes=minute), side, Decimal(1),
            Decimal(100 + dollars * minute),
        )
        for account, day, dollars in made
        for minute, side in ((0, "B"), (1, "S"))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A master of two subs that is their sum on Monday alone, and three others."""
    return (
        Exports(tmp_path_factory.mktemp("roles") / "exports")
        .write(
            trips(
                ("M1", 0, 30), ("S1", 0, 50), ("S2", 0, -20),
                ("M1", 1, 60), ("S1", 1, 50),
                ("S2", 2, 7),
                ("E1", 0, -15), ("E1", 3, -25),
                ("T1", 0, 1), ("T1", 1, 2),
            )
        )
        .folder
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exports: Path) -> Home:
    """Of a desk that has said nothing of roles."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.desk.mkdir(parents=True, exist_ok=True)
    (home.desk / "trader_accounts.csv").write_text(
        "account_id,valid_from,trader_id\nM1,,BOB\nS1,,BOB\nS2,,EVE\n"
    )
    return build_warehouse(home.root, exports, models=MODELS)


def said(home: Home, exports: Path, *lines: str) -> Settings:
    """Build on these lines of account_roles.csv."""
    settings = make_settings(source="files", exports=exports, risk_home=home.root)
    (home.desk / "account_roles.csv").write_text(
        ROLES + "".join(f"{line}\n" for line in lines)
    )
    record_desk(home, read_desk(settings, home))
    # What reads the file, and nothing else.
    changed = " ".join(f"stg_desk__account_roles+,{model}" for model in MODELS.split())
    build_models_of(settings, home, models=changed, data_tests=False)
    return settings


def found(home: Home, check: str) -> tuple:
    """How many, what, and whether it is an alarm."""
    return rows(
        home,
        "select found_count, finding, needs_attention from marts.data_quality "
        f"where check_name = '{check}'",
    )[0]


def test_without_a_line_every_account_is_a_traders(home: Home) -> None:
    assert {row[1:3] for row in rows(home, NET)} == {("trader", True)}
    assert found(home, "masters_differ")[0] == found(home, "unclear_roles")[0] == 0


def test_masters_and_errors_are_in_no_total_and_nobody_is_forecast_twice(
    home: Home, exports: Path
) -> None:
    said(
        home, exports,
        "M1,,master,,,", "S1,,sub,M1,,", "S2,,sub,M1,,", "E1,2025-03-06,error,,,",
        # Of the future, and not known yet.
        "T1,2099-01-02,demo,,,",
    )  # fmt: skip
    assert rows(home, NET) == [
        ("E1", "error", False, -25),
        ("E1", "trader", True, -15),
        ("M1", "master", False, 90),
        ("S1", "sub", True, 100),
        ("S2", "sub", True, -13),
        ("T1", "trader", True, 3),
    ]
    assert rows(home, DESK) == [("2025-03-03", 16), ("2025-03-04", 52)] + [
        ("2025-03-05", 7)
    ]
    # BOB's days are his sub's; the master is nobody's day, nor the error account's.
    days = "select trader_id, sum(net_pnl) from intermediate.int_trader_days group by 1"
    assert sorted(rows(home, days)) == [
        ("BOB", 100), ("E1", -15), ("EVE", -13), ("T1", 3),
    ]  # fmt: skip
    assert rows(home, "select trader_id from marts.trader_status order by 1") == [
        ("BOB",), ("EVE",), ("T1",),
    ]  # fmt: skip
    assert rows(
        home,
        "select distinct trader_id from marts.daily_totals "
        "where not is_in_desk_total order by 1",
    ) == [("E1 (error)",), ("M1 (master)",)]
    # A master that is not the sum of its subs is an alarm, with dollars.
    count, finding, is_alarm = found(home, "masters_differ")
    assert (count, is_alarm) == (2, True)
    assert finding.endswith(
        "M1 of 2025-03-04 by 10.00 dollars from its 1; "
        "M1 of 2025-03-05 by 7.00 dollars from its 1, and has no figures"
    )


@pytest.mark.long
def test_since_when_it_is_a_sub_decides_as_well(home: Home, exports: Path) -> None:
    said(home, exports, "M1,,master,,,", "S1,,sub,M1,,", "S2,2025-03-04,sub,M1,,")
    assert found(home, "masters_differ")[0] == 3


def test_two_roles_at_one_time_are_one_line_and_nothing_of_it_counts(
    home: Home, exports: Path
) -> None:
    said(
        home, exports,
        "T1,,trader,,,", "T1,,house,,,", "E1,2025-03-06,error,,,",
        "S1,,sub,NOBODY,,", "S2,,sub,T1,,",
    )  # fmt: skip
    count, finding, is_alarm = found(home, "unclear_roles")
    assert (count, is_alarm) == (3, True)
    assert finding == (
        "roles of accounts are not clear: "
        "account_roles.csv, line 5: S1 is a sub of NOBODY, which is no master then; "
        "account_roles.csv, line 6: S2 is a sub of T1, which is no master then; "
        "account_roles.csv, lines 2 and 3: T1 is trader and house at one time, and in "
        "no total until one is deleted"
    )
    assert ("T1", "unclear", False, 3) in rows(home, NET)
    assert ("E1", "error", False, -25) in rows(home, NET)
    assert found(home, "unused_seed_lines")[1].endswith(
        ": account_roles.csv, line 5: NOBODY"
    )


@pytest.mark.long
def test_an_account_begins_anew_with_its_role(home: Home, exports: Path) -> None:
    said(home, exports, "T1,2025-03-04,demo,,2025-03-04,begun anew")
    assert rows(
        home,
        "select account_role, is_in_desk_total, cast(reset_date as varchar) "
        "from marts.dim_accounts where account_id = 'T1' order by valid_from",
    ) == [("trader", True, None), ("demo", False, "2025-03-04")]
