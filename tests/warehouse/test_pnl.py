"""P&L in SQL against the worked examples and against a queue on random fills."""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from runtime.home import Home
from tests.conftest import build_warehouse, rows, rows_of_each
from tests.draws import draw
from tests.exports import ExportedFill, Exports
from tests.oracle import daily_gross, daily_gross_in_time_order

MONDAY = datetime(2025, 3, 3, 9, 30)


def fill(account: str, day: int, minute: int, side: str, quantity, price, **more):
    """A fill `day` days after a Monday and `minute` minutes after the opening."""
    at = MONDAY + timedelta(days=day, minutes=minute)
    return ExportedFill(
        account, at, side, Decimal(str(quantity)), Decimal(str(price)), **more
    )


def journal(account: str, day: int, side: str, quantity, price, status="SPLIT"):
    """A journal entry, at midnight as PropReports posts them."""
    at = datetime.combine(MONDAY + timedelta(days=day), datetime.min.time())
    return ExportedFill(
        account, at, side, Decimal(quantity), Decimal(price), status=status
    )


# PropReports' own example of the cost basis, Monday to Thursday.
COST_BASIS = [
    fill("BASIS", 0, 1, "B", 1000, "10.00"),
    fill("BASIS", 0, 2, "B", 1000, "11.00"),
    fill("BASIS", 0, 3, "S", 500, "10.75"),
    fill("BASIS", 1, 1, "B", 500, "10.50"),
    fill("BASIS", 1, 2, "S", 500, "10.75"),
    fill("BASIS", 2, 1, "S", 1000, "10.70"),
    fill("BASIS", 3, 1, "S", 500, "10.25"),
]
# Held 100 @ 10; today 100 are sold, then 100 bought: today's two fills meet.
AMBIGUOUS = [
    fill("AMBIG", 0, 1, "B", 100, "10.00"),
    fill("AMBIG", 1, 5, "S", 100, "11.00"),
    fill("AMBIG", 1, 30, "B", 100, "12.00"),
]
# Long 100, sold 250 in one fill, then covered next day: two trips, one crossing.
CROSSING = [
    fill("CROSS", 0, 1, "B", 100, "10.00"),
    fill("CROSS", 1, 1, "S", 250, "11.00", comm=Decimal("0.50")),
    fill("CROSS", 2, 1, "C", 150, "10.00"),
]
OPTIONS = [
    fill("OPTION", 0, 1, "B", 2, "1.50", symbol="+ABC260116C00050000"),
    fill("OPTION", 0, 9, "S", 2, "1.75", symbol="+ABC260116C00050000"),
    # Nobody has said what this contract is worth: it counts nowhere.
    fill("OPTION", 0, 10, "B", 1, "5000", symbol="#NEWM6"),
]
# A position carried over Tuesday and Wednesday without a fill.
CARRIED = [
    fill("CARRY", 0, 1, "B", 100, "10.00"),
    fill("CARRY", 3, 1, "S", 100, "12.00"),
]
# An option that expires: a journal entry at midnight moves position and P&L only.
EXPIRY = [
    fill("EXPIRE", 0, 1, "B", 1, "2.00", symbol="+ABC250304C00050000"),
    ExportedFill(
        "EXPIRE", datetime(2025, 3, 4), "S", Decimal(1), Decimal(0),
        symbol="+ABC250304C00050000", order_id="e77", status="EXP",
    ),
]  # fmt: skip


# A split posted as a pair of journal entries, out at cost and in at cost: 4 for 1 of a
# long, 1 for 4 of a short.
SPLITS = [
    fill("SPLIT", 0, 30, "B", 100, "100"),
    journal("SPLIT", 2, "S", 100, "100"),
    journal("SPLIT", 2, "B", 400, "25"),
    fill("SPLIT", 3, 30, "S", 400, "26"),
    fill("REVERSE", 0, 30, "T", 400, "25"),
    journal("REVERSE", 2, "B", 400, "25"),
    journal("REVERSE", 2, "S", 100, "100"),
    fill("REVERSE", 2, 30, "B", 50, "101"),
    fill("REVERSE", 2, 31, "S", 50, "101"),
    fill("REVERSE", 3, 30, "C", 100, "99"),
]


def random_fills(account: str, seed: int, count: int) -> list[ExportedFill]:
    """Fills with heavy overnight carry, ties in time, fractions and crossings."""
    draw = random.Random(seed)
    fills = []
    for number in range(count):
        day = draw.randrange(40)
        fills.append(
            fill(
                account,
                day + 2 * (day // 5),
                draw.randrange(8),
                draw.choice("BSTC"),
                Decimal(draw.randrange(1, 900)) / draw.choice([1, 1, 1, 100]),
                Decimal(draw.randrange(50_000, 60_000)) / 1000,
                symbol=draw.choice(["ABC", "DEF"]),
                comm=Decimal(draw.randrange(-50, 200)) / 10_000,
                fill_id=str(number),
                status=draw.choice(["REGULAR"] * 8 + ["CXLD", "JRNL"]),
            )
        )
    draw.shuffle(fills)
    return fills


# The largest fills that are read: no product of theirs may overflow.
LARGE = [
    fill("LARGE", 0, 1, "B", "99999999", "999.5", symbol="#SIMAH1"),
    fill("LARGE", 0, 2, "S", "99999999", "999.7", symbol="#SIMAH1"),
    fill("LARGE", 0, 3, "B", "0.00000001", "9999999999"),
]

RANDOM = [one for seed in range(8) for one in random_fills(f"RANDOM{seed}", seed, 400)]
ALL = [
    *COST_BASIS, *AMBIGUOUS, *CROSSING, *OPTIONS, *CARRIED, *EXPIRY, *SPLITS, *LARGE,
    *RANDOM,
]  # fmt: skip

JOURNAL = [one for one in ALL if one.status not in ("REGULAR", "CXLD")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One warehouse with every case, each an account of its own."""
    folder: Path = tmp_path_factory.mktemp("pnl")
    exports = Exports(folder / "exports").write(ALL)
    with (exports.folder / "fills" / "500.csv").open("a") as handle:
        handle.write("no,fill,at,all\n")
        # An account that no list names: its fill counts, under a hash.
        handle.write("03/03/2025 09:31:00,Jane Roe,B,1,ABC,1,ARCA,R,0,0,,,USD,,\n")
    models = "+daily_totals +fct_round_trips +broker_reconciliation +data_quality"
    return build_warehouse(folder / "home", exports.folder, models=draw(models, ""))


def gross(home: Home, account: str) -> list[Decimal]:
    """Gross by date."""
    return [
        value
        for (value,) in rows(
            home,
            "select gross_pnl from marts.daily_totals "
            f"where account_id = '{account}' and fills_count > 0 order by trade_date",
        )
    ]


def test_cost_basis_series_of_propreports(home: Home) -> None:
    assert gross(home, "BASIS") == [375, 125, 200, -375]
    averages = rows(
        home,
        "select position_quantity, open_cost from intermediate.int_symbol_days "
        "where account_id = 'BASIS' order by trade_date",
    )
    assert [quantity for quantity, _ in averages] == [1500, 1500, 500, 0]
    assert averages[0][1] == averages[1][1] == 16_000  # 10.67 a share
    assert averages[2][1] == 5_500  # 11.00 a share
    assert averages[3][1] == 0


def test_todays_fills_meet_before_what_is_held(home: Home) -> None:
    assert gross(home, "AMBIG") == [0, -100]
    held = rows(
        home,
        "select position_quantity, open_cost from intermediate.int_symbol_days "
        "where account_id = 'AMBIG' order by trade_date desc limit 1",
    )
    assert held == [(100, 1_000)]  # the lot @ 10.00 stays


def test_a_fill_through_zero_closes_and_opens(home: Home) -> None:
    assert gross(home, "CROSS") == [0, 100, 150]
    trips = rows(
        home,
        "select side, is_closed, peak_quantity, gross_pnl, total_fees "
        "from marts.fct_round_trips where account_id = 'CROSS' order by opened_at",
    )
    assert trips == [
        ("long", True, 100, 100, Decimal("0.20")),
        ("short", True, 150, 150, Decimal("0.30")),
    ]


def test_an_option_is_worth_a_hundred_and_an_unknown_future_nothing(home: Home) -> None:
    assert gross(home, "OPTION") == [50]
    found = rows(
        home,
        "select found_count from marts.data_quality where check_name = 'no_multiplier'",
    )
    assert found == [(1,)]


def test_an_expiry_realises_the_loss_and_is_no_volume(home: Home) -> None:
    days = rows(
        home,
        "select fills_count, quantity, gross_pnl from marts.daily_totals "
        "where account_id = 'EXPIRE' order by trade_date",
    )
    assert days == [(1, 1, 0), (0, 0, -200)]


def test_a_split_posted_as_a_pair_realises_nothing(home: Home) -> None:
    found = rows(
        home,
        "select account_id, cast(trade_date as varchar), gross_pnl "
        "from marts.daily_totals where account_id in ('SPLIT', 'REVERSE') "
        "and gross_pnl <> 0 order by all",
    )
    assert found == [("REVERSE", "2025-03-06", 100), ("SPLIT", "2025-03-06", 400)]


def test_a_carried_position_has_a_row_per_session_and_no_invented_mark(
    home: Home,
) -> None:
    days = rows(
        home,
        "select cast(trade_date as varchar), fills_count, gross_pnl, unrealized_delta, "
        "total_delta from marts.daily_totals where account_id = 'CARRY' order by 1",
    )
    assert days == [
        ("2025-03-03", 1, 0, None, None),
        ("2025-03-04", 0, 0, None, None),
        ("2025-03-05", 0, 0, None, None),
        ("2025-03-06", 1, 200, None, None),
    ]


def test_the_largest_fills_do_not_overflow(home: Home) -> None:
    assert gross(home, "LARGE") == [Decimal("999999990")]


def test_every_random_account_equals_the_queue_to_the_last_digit(home: Home) -> None:
    expected = {
        (account, day): value for (account, day), value in daily_gross(RANDOM).items()
    }
    found = {
        (account, day): value
        for account, day, value in rows(
            home,
            "select account_id, trade_date, gross_pnl from marts.daily_totals "
            "where account_id like 'RANDOM%' and fills_count > 0",
        )
    }
    assert len(found) > 250
    assert found == expected


def test_a_queue_in_time_order_closes_what_is_held_first(home: Home) -> None:
    found = rows(
        home,
        "select gross_pnl, gross_pnl_in_time_order from marts.broker_reconciliation "
        "where account_id = 'AMBIG' order by trade_date",
    )
    assert found == [(0, 0), (-100, 100)]


def test_every_random_account_equals_the_queue_in_time_order_too(home: Home) -> None:
    """Long and short carry, and days through zero, differ in every account."""
    found = {
        (account, day): value
        for account, day, value in rows(
            home,
            "select account_id, trade_date, gross_pnl_in_time_order "
            "from marts.broker_reconciliation where account_id like 'RANDOM%'",
        )
    }
    assert found == daily_gross_in_time_order(RANDOM)
    differing = rows(
        home,
        """
        select count(distinct (time_order.account_id, time_order.trade_date)),
            count(distinct case when symbols.position_quantity > 0
                then time_order.account_id end),
            count(distinct case when symbols.position_quantity < 0
                then time_order.account_id end),
            count(distinct case
                when (symbols.position_quantity > 0) <> (symbols.carried > 0)
                then time_order.account_id end)
        from intermediate.int_time_order_days as time_order
        inner join (
            from intermediate.int_symbol_days
            select *, lag(position_quantity)
                over (partition by account_id, symbol order by trade_date) as carried
        ) as symbols using (account_id, trade_date)
        where time_order.gross_pnl <> time_order.gross_pnl_in_time_order
            and time_order.account_id like 'RANDOM%'
        """,
    )[0]
    assert differing[0] > 150
    assert differing[1:] == (8, 8, 8)


def test_fees_and_volume_of_random_accounts_are_plain_sums(home: Home) -> None:
    expected: dict[tuple, list] = defaultdict(lambda: [0, Decimal(0), Decimal(0)])
    for one in RANDOM:
        if one.status != "CXLD":
            is_regular = one.status == "REGULAR"
            sums = expected[one.account, one.at.date()]
            sums[0] += is_regular
            sums[1] += one.quantity * is_regular
            sums[2] += one.fees
    found = {
        (account, day): list(figures)
        for account, day, *figures in rows(
            home,
            "select account_id, trade_date, fills_count, quantity, total_fees "
            "from marts.daily_totals "
            "where account_id like 'RANDOM%' and fills_count > 0",
        )
    }
    assert found == {day: sums for day, sums in expected.items() if sums[0]}


def test_what_is_wrong_with_the_data_is_counted_for_the_report(home: Home) -> None:
    found = dict(rows(home, "select check_name, found_count from marts.data_quality"))
    assert found == {
        "stale": 0,
        "quarantined": 1,
        "unreconciled": 0,
        "signed_off_breaks": 0,
        "unused_sign_offs": 0,
        "orders_differ": 0,
        "broker_figures": 0,
        "equity_differences": 0,
        "position_breaks": 0,
        "stale_marks": 0,
        "no_multiplier": 1,
        "contract_sizes": 0,
        "unlisted_account": 1,
        "accounts_off_the_list": 0,
        "journal_entries": len(JOURNAL),
        "no_exchange_rate": 0,
        "stale_exchange_rates": 0,
        "unclear_currency": 0,
        "assumed_currency": 0,
        "unmapped_adjustments": 0,
        "unclear_roles": 0,
        "masters_differ": 0,
        # Their fees are below zero on some days.
        "gate_warnings": 4,
        "accepted_warnings": 0,
        "unknown_columns": 0,
        "symbol_spellings": 0,
        # Files of random fills have full minutes alone.
        "spreadsheet_traces": 8,
        "unread_files": 0,
        "unmatched_limits": 0,
        "refused_desk_lines": 0,
        "suspected_split": 0,
        "unused_corporate_actions": 0,
        "opening_position_suspected": 0,
        "unused_opening_lots": 0,
        "unknown_status": sum(one.status == "SPLIT" for one in ALL),
        "corrected_days": 0,
        "negative_prices": 0,
        "renamed_accounts": 0,
        "unused_seed_lines": 0,
        "unused_instruments": 0,
        # The random accounts trade on Good Friday too.
        "closed_exchange": sum(
            one.at.date() == date(2025, 4, 18) and one.status == "REGULAR"
            for one in ALL
        ),
    }


def test_a_name_nobody_listed_stays_in_the_raw_layer(home: Home) -> None:
    tables = rows(
        home,
        "select table_schema, table_name from information_schema.tables "
        "where table_schema in ('staging', 'intermediate', 'marts')",
    )
    named = {
        table: f'from {schema}."{table}" as one '
        "where regexp_matches(cast(one as varchar), 'Roe|Jane')"
        for schema, table in tables
    }
    assert not any(rows_of_each(home, named).values())
    assert rows(
        home,
        "select max(fills_count) from marts.daily_totals where account_id like 'x%'",
    ) == [(1,)]


def test_closed_trips_and_days_come_to_the_same_total(home: Home) -> None:
    """Any lot method agrees once a position is flat."""
    flat = rows(
        home,
        "select sum(gross_pnl) from marts.fct_round_trips where account_id = 'BASIS'",
    )
    assert flat == [(325,)]
    assert sum(gross(home, "BASIS")) == 325
