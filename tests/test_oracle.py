"""The oracle itself against figures worked out by hand."""

import math
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.exports import ExportedFill
from tests.oracle import (
    daily_gross,
    feature_rows,
    keep_book,
    label_rows,
    prepare,
    round_trips,
)
from tests.oracle.adversarial import (
    DAYS,
    MULTIPLIERS,
    SESSIONS,
    all_traders,
    case,
    cases,
    flat_trip,
    random_fills,
    tie,
    trade,
)
from tests.oracle.pnl import describe_path, open_positions, realized_paths

WORKED_EXAMPLE = [
    trade("BASIS", 0, "09:31:00", "B", 1000, "10.00"),
    trade("BASIS", 0, "09:32:00", "B", 1000, "11.00"),
    trade("BASIS", 0, "09:33:00", "S", 500, "10.75"),
    trade("BASIS", 1, "09:31:00", "B", 500, "10.50"),
    trade("BASIS", 1, "09:32:00", "S", 500, "10.75"),
    trade("BASIS", 2, "09:31:00", "S", 1000, "10.70"),
    trade("BASIS", 3, "09:31:00", "S", 500, "10.25"),
]


def rows_of(name: str, trader: str) -> list[dict]:
    """A trader's feature rows in a case, day by day."""
    one = case(name)
    found = feature_rows(
        one.fills, SESSIONS, multipliers=MULTIPLIERS, traders=one.traders
    )
    return [row for (who, _), row in sorted(found.items()) if who == trader]


def book_of(name: str):
    """The book of a case."""
    one = case(name)
    return keep_book(prepare(one.fills, multipliers=MULTIPLIERS, traders=one.traders))


def features(fills) -> list[dict]:
    """Feature rows of one trader's fills, day by day."""
    return [row for _, row in sorted(feature_rows(fills, SESSIONS).items())]


# ---------------------------------------------------------------- matches and lots


def test_worked_example_of_the_broker() -> None:
    book = keep_book(prepare(WORKED_EXAMPLE))
    booked = list(book.gross_at().values())
    assert booked == [0, 0, 375, 0, 125, 200, -375]
    held = open_positions(book, SESSIONS, DAYS[5])
    assert [(key[2], one.position_quantity) for key, one in held.items()] == [
        (DAYS[0], 1500), (DAYS[1], 1500), (DAYS[2], 500),
    ]  # fmt: skip
    averages = [one.average_price for one in held.values()]
    assert averages == [Fraction(32, 3), Fraction(32, 3), 11]
    monday = held["BASIS", "ABC", DAYS[0]]
    assert (monday.lots_count, monday.open_cost, monday.unrealized_pnl) == (
        2, 16_000, None,
    )  # fmt: skip
    pieces = [(lot.signed_quantity, lot.closed_date, lot.gross) for lot in book.lots]
    assert pieces == [(500, DAYS[2], 350), (500, DAYS[2], -150), (500, DAYS[3], -375)]


def test_todays_fills_meet_first_and_a_match_is_booked_at_its_later_fill() -> None:
    book = keep_book(
        prepare(
            [
                trade("A", 0, "10:00:00", "B", 100, 10),
                trade("A", 1, "09:35:00", "S", 100, 11, comm=Decimal(1)),
                trade("A", 1, "10:00:00", "B", 100, 12),
            ]
        )
    )
    assert list(book.gross_at().values()) == [0, 0, -100]
    assert [net for _, net in realized_paths(book)["A", DAYS[1]]] == [-1, -101]
    assert [(lot.opened_date, lot.closed_date) for lot in book.lots] == [
        (DAYS[0], None)
    ]


def test_an_open_position_lasts_over_sessions_without_fills_and_takes_a_mark() -> None:
    book = book_of("carried_for_weeks")
    marks = {("ABC", DAYS[2]): Decimal(13), ("DEF", DAYS[3]): Decimal(99)}
    held = open_positions(book, SESSIONS, DAYS[40], marks)
    assert len(held) == 30  # sessions 0 to 29
    third = held["CARRYLOT", "ABC", DAYS[2]]
    assert (third.open_cost, third.unrealized_pnl, third.held_days) == (3300, 600, 2)
    assert held["CARRYLOT", "ABC", DAYS[1]].unrealized_pnl is None
    assert held["CARRYLOT", "ABC", DAYS[9]].unrealized_pnl == 600  # carried forward
    # 150 sold: the lot @ 10 and half of that @ 11 are gone.
    later = held["CARRYLOT", "ABC", DAYS[20]]
    assert (later.lots_count, later.open_cost, later.oldest_lot_date) == (
        2, 1750, DAYS[1],
    )  # fmt: skip


def test_a_position_is_held_on_a_saturday_if_the_account_trades_anything() -> None:
    saturday = date(2025, 3, 8)
    fills = [
        trade("A", 4, "10:00:00", "B", 100, 10),
        *flat_trip("A", saturday, "10:00:00", 1, symbol="DEF"),
    ]
    held = open_positions(keep_book(prepare(fills)), SESSIONS, DAYS[5])
    assert [day for _, _, day in held] == [DAYS[4], saturday, DAYS[5]]
    assert features(fills)[1]["open_symbols_count"] == 1


def test_ids_decide_within_a_second() -> None:
    ordered = [(one.fill_id, one.propreports_id) for one in book_of("ties_by_id").fills]
    assert ordered == [
        ("007", ""), ("7", ""), ("9", ""), ("10", ""), ("A10", ""), ("A9", ""),
        ("", "5"), ("", "40"), ("", ""),
    ]  # fmt: skip


def test_notional_is_rounded_half_up_to_cents() -> None:
    fills = book_of("fractions").fills
    assert [one.notional for one in fills[:4]] == [
        0, Decimal("0.01"), Decimal("0.01"), Decimal("0.01"),
    ]  # fmt: skip


def test_a_path_knows_its_peak_trough_and_worst_fall() -> None:
    book = book_of("usual_stop")
    shape = describe_path(realized_paths(book)["STOPPED", DAYS[5]])
    # 0, -90, -90, -150, -150, 150
    assert (shape.peak_net_pnl, shape.trough_net_pnl, shape.max_drawdown) == (
        150, -150, 150,
    )  # fmt: skip
    assert (
        shape.trough_at
        == shape.drawdown_at
        == datetime.combine(DAYS[5], datetime.min.time().replace(hour=10, minute=11))
    )
    only_loss = describe_path(realized_paths(book)["STOPPED", DAYS[0]])
    assert (only_loss.peak_net_pnl, only_loss.peak_at, only_loss.give_back) == (
        0, None, 70,
    )  # fmt: skip


# ---------------------------------------------------------------- trips


def test_a_fill_through_zero_closes_and_opens_and_shares_its_fees() -> None:
    trips = round_trips(book_of("through_zero").fills)
    assert [trip.is_long for trip in trips] == [True, False, True, False]
    # 10 lost and a third of 0.10; then 20 won less two thirds and 0.40 of 1.00.
    assert trips[0].net == -10 - Fraction(1, 30)
    assert trips[1].net == 20 - Fraction(2, 30) - Fraction(2, 5)
    assert trips[2].entry_notional(DAYS[0]) == 300 * Fraction("9.8")


def test_averaging_down_is_an_entry_at_a_worse_price() -> None:
    trips = round_trips(book_of("averaging_down").fills)
    # Lower when long; equal; lower when short (better), then above the average 19.33.
    assert [trip.averages_down for trip in trips] == [True, False, True]
    first, second = rows_of("averaging_down", "SCALEIN")
    assert first["averaging_down_trips_ratio"] == 0.5
    assert second["averaging_down_trips_ratio_20d"] == pytest.approx(2 / 3)
    assert second["carried_trips_ratio"] == 1
    # The third trip opened on the first day, with 100 @ 20 and 200 @ 19 by then.
    assert first["mean_trip_notional"] == pytest.approx((3950 + 8000 + 5800) / 3)


# ---------------------------------------------------------------- activity, symbols


def test_activity_of_a_small_day() -> None:
    day = [
        trade("A", 0, "09:30:00", "B", 1, 10, order_id="1"),
        trade("A", 0, "10:29:59", "S", 1, 10, order_id="1"),
        trade("A", 0, "10:30:00", "B", 1, 10, order_id="2"),
        trade("A", 0, "15:00:00", "S", 1, 10),
        trade("A", 0, "16:00:00", "B", 1, 10, symbol="DEF"),
        trade("A", 0, "00:00:00", "B", 1, 10, symbol="GHI"),
    ]
    (row,) = features(day)
    assert (row["fills_count"], row["orders_count"]) == (6, 2)
    assert (row["opened_trips_count"], row["closed_trips_count"]) == (4, 2)
    assert row["active_minutes"] == 390
    assert row["mean_seconds_between_fills"] == 390 * 60 / 4
    gaps = [3599, 1, 16200, 3600]
    middle = sum(gaps) / 4
    spread = math.sqrt(sum((gap - middle) ** 2 for gap in gaps) / 4)
    assert row["fill_gap_variation"] == pytest.approx(spread / middle)
    assert row["mean_minutes_between_trips"] == 195  # 09:30, 10:30, 16:00
    assert row["first_hour_fills_ratio"] == 0.4
    assert row["last_hour_fills_ratio"] == row["outside_hours_fills_ratio"] == 0.2
    assert (row["morning_fills_ratio"], row["afternoon_fills_ratio"]) == (0.6, 0.4)
    # Hours 9, 10 (twice), 15 and 16.
    entropy = -(3 * 0.2 * math.log(0.2) + 0.4 * math.log(0.4)) / math.log(24)
    assert row["time_entropy"] == pytest.approx(entropy)
    assert row["busiest_hour_fills_ratio"] == 0.4


def test_unknown_times_leave_what_needs_them_unknown() -> None:
    first, second = rows_of("unknown_times", "NOTIME")
    assert first["active_minutes"] is first["morning_fills_ratio"] is None
    assert first["mean_holding_minutes"] is first["time_entropy"] is None
    assert first["reentry_after_win_ratio"] is None
    assert second["active_minutes_vs_20d_ratio"] == 1  # the only known one
    # 50 -> 49 opened at an unknown time; closed at 10:00, back in at 10:01.
    assert second["reentry_after_loss_ratio"] == 1
    assert second["mean_holding_minutes"] == 59


def test_early_closing_and_days_without_a_session() -> None:
    rows = rows_of("holidays", "HOLIDAY")
    early, holiday, saturday, month_end = rows[1:]
    assert (early["is_early_close"], early["is_session"]) == (1, 1)
    # 11:59:59 | 12:00:59 12:59:59 | 13:00:59 15:30:00 15:31:00 on a 13:00 closing.
    assert early["last_hour_fills_ratio"] == pytest.approx(2 / 6)
    assert early["outside_hours_fills_ratio"] == 0.5
    assert (holiday["is_session"], holiday["is_month_end"]) == (0, 0)
    assert holiday["sessions_to_month_end"] == 19
    assert holiday["outside_hours_fills_ratio"] == 0
    assert (saturday["day_of_week"], saturday["outside_hours_fills_ratio"]) == (6, 0.5)
    assert (month_end["is_month_end"], month_end["sessions_to_month_end"]) == (1, 0)
    assert month_end["sessions_missed"] == 18  # 7 to 30 July


def test_symbols_of_two_days() -> None:
    first, second = features(
        [
            trade("A", 0, "10:00:00", "B", 30, 10),
            trade("A", 0, "10:00:00", "B", 10, 10, symbol="DEF"),
            trade("A", 1, "10:00:00", "B", 30, 10),
            trade("A", 1, "10:00:00", "B", 10, 10, symbol="GHI"),
            trade("A", 1, "10:00:00", "B", 60, 10, symbol="JKL"),
        ]
    )
    assert first["symbol_concentration"] == 0.625
    assert first["top_symbol_notional_ratio"] == 0.75
    assert first["new_symbols_ratio"] is None
    assert second["new_symbols_ratio"] == pytest.approx(2 / 3)
    assert second["symbols_vs_20d_ratio"] == 1.2
    assert second["overnight_notional_ratio"] == 1.4  # 1400 held, 1000 traded
    assert second["open_symbols_count"] == 4


# ---------------------------------------------------------------- sizing, positions


def test_sizing_of_trips() -> None:
    sizes = [10, 20, 70, 40, 50]
    fills = []
    for number, size in enumerate(sizes):
        fills.append(trade("A", 0, f"1{number}:00:00", "B", size, 10))
        fills.append(trade("A", 0, f"1{number}:30:00", "S", size, 10))
    fills.append(trade("A", 1, "10:00:00", "T", 76, 10))
    first, second = features(fills)
    assert first["mean_trip_notional"] == 380
    assert first["intraday_size_creep_ratio"] == 3  # 40, 50 over 10, 20
    spread = math.sqrt(sum((size - 38) ** 2 for size in sizes) / 5)
    assert first["trip_size_variation"] == pytest.approx(spread / 38)
    assert second["trip_size_vs_20d_ratio"] == pytest.approx(760 / 570)
    assert second["trip_size_variation"] is None
    assert second["fill_size_variation"] == 0
    assert second["bought_notional_ratio"] == 0
    assert second["long_trips_ratio"] is None


def test_disposition_compares_losers_with_winners() -> None:
    first, second = features(
        [
            *flat_trip("A", 0, "10:00:00", 10, minutes=2),
            *flat_trip("A", 0, "11:00:00", -10, minutes=6),
            *flat_trip("A", 0, "12:00:00", 0, minutes=40),
            *flat_trip("A", 1, "12:00:00", -5, minutes=12),
        ]
    )
    assert (first["mean_holding_minutes"], first["disposition_ratio"]) == (16, 3)
    assert second["disposition_ratio"] is None
    assert second["disposition_ratio_20d"] == 4.5


# ---------------------------------------------------------------- tilt


def test_reentry_within_five_minutes_to_the_second() -> None:
    first, second = rows_of("revenge", "REVENGE")
    # Losses closed 10:01 (back at 10:06), 10:07 (10:12:01) and the last one (never).
    assert first["losing_trips_count"] == 3
    assert first["reentry_after_loss_ratio"] == pytest.approx(1 / 3)
    assert first["reentry_after_win_ratio"] == 1  # the other symbol, in that second
    # The reversal is a re-entry at once; after the winner again after two minutes.
    assert second["reentry_after_loss_ratio"] == 1
    assert second["reentry_after_win_ratio"] == 1
    # 200 short after the loss: 9800; 50 long after the win: 2400.
    assert second["size_after_loss_vs_win_ratio"] == pytest.approx(9800 / 2400)


def test_the_usual_stop_and_what_comes_after_it() -> None:
    rows = rows_of("usual_stop", "STOPPED")
    assert rows[2]["usual_stop_pnl"] is rows[2]["past_stop_fills_ratio"] is None
    assert [row["usual_stop_pnl"] for row in rows[3:]] == [-100, -90, -90, -90]
    assert [row["past_stop_fills_ratio"] for row in rows[3:]] == [
        0, 0, pytest.approx(4 / 6), 0.5,
    ]  # fmt: skip
    assert rows[6]["past_stop_days_ratio_20d"] == 0.5
    assert rows[5]["give_back_ratio"] == 0
    assert rows[0]["trough_scaled"] == pytest.approx(-90 / 70)


def test_pooled_sizes_need_both_outcomes() -> None:
    fills = [
        *flat_trip("A", 0, "10:00:00", -1),
        trade("A", 0, "11:00:00", "B", 300, 50),
        trade("A", 0, "11:01:00", "S", 300, 50),
        *flat_trip("A", 0, "12:00:00", 1),  # after a zero: neither
        *flat_trip("A", 1, "10:00:00", 1),  # first of its day: neither
        *flat_trip("A", 1, "12:00:00", 1),  # after a win
    ]
    first, second = features(fills)
    assert first["size_after_loss_vs_win_ratio"] is None
    assert second["size_after_loss_vs_win_ratio"] is None
    assert second["size_after_loss_vs_win_ratio_20d"] == 3


# ---------------------------------------------------------------- P&L


def test_pnl_of_days_of_zero_gain_and_loss() -> None:
    rows = rows_of("zero_days", "NOTHING")  # 0, 0, 10, 0, -10, 0, -5, 5, 0
    assert rows[0]["net_pnl_scaled"] is None
    assert [row["drawdown_age_days"] for row in rows] == [1, 2, 0, 0, 1, 2, 3, 4, 5]
    assert [row["win_streak_days"] for row in rows] == [0, 0, 1, 0, 0, 0, 0, 1, 0]
    assert [row["loss_streak_days"] for row in rows] == [0, 0, 0, 0, 1, 0, 1, 0, 0]
    assert rows[1]["net_pnl_sum_3d"] is None
    assert (rows[2]["net_pnl_sum_3d"], rows[2]["pnl_scale_20d"]) == (
        10, pytest.approx(10 / 3),
    )  # fmt: skip
    assert rows[2]["net_pnl_momentum_3d"] == 1
    # Sample deviation of 0, 0, 10 is sqrt(100 / 3).
    assert rows[2]["net_pnl_volatility_3d"] == pytest.approx(math.sqrt(3))
    assert rows[6]["drawdown_ratio"] == 1.5
    assert rows[8]["loss_day_ratio_to_date"] == pytest.approx(2 / 9)
    assert rows[8]["fee_share_of_gross"] == 1
    assert rows[7]["profit_factor_20d"] == rows[7]["payoff_ratio_20d"] == 1


def test_weighted_momentum_and_volatility() -> None:
    first, second = features(
        [
            *flat_trip("A", 0, "10:00:00", 10),
            *flat_trip("A", 3, "10:00:00", -30),
        ]
    )
    assert (first["net_pnl_ewm_momentum_5d"], first["net_pnl_ewm_volatility_5d"]) == (
        1, 0,
    )  # fmt: skip
    older = 0.5 ** (1 / 5)
    middle = (-30 + 10 * older) / (1 + older)
    square = (900 + 100 * older) / (1 + older)
    assert second["net_pnl_ewm_momentum_5d"] == pytest.approx(middle / 20)
    assert second["net_pnl_ewm_volatility_5d"] == pytest.approx(
        math.sqrt(square - middle**2) / 20
    )
    assert second["sessions_missed"] == 2
    assert second["days_since_previous_trade"] == second["tenure_days"] == 3
    assert second["drawdown_scaled"] == 1.5


def test_those_who_only_win_or_only_lose() -> None:
    winner, loser = (
        rows_of("winner_and_loser", "WINNER"),
        rows_of("winner_and_loser", "LOSER"),
    )
    assert winner[24]["profit_factor_20d"] is winner[24]["usual_stop_pnl"] is None
    assert loser[24]["profit_factor_20d"] == 0
    assert loser[24]["payoff_ratio_20d"] is None
    assert loser[24]["drawdown_age_days"] == 25
    assert loser[24]["drawdown_ratio"] is None
    # 20 days of -15 to -34.
    assert winner[24]["pnl_scale_20d"] == 24.5
    assert winner[24]["net_pnl_sum_20d"] == 490
    assert loser[24]["worst_day_20d_scaled"] == pytest.approx(-34 / 24.5)


# ---------------------------------------------------------------- days and context


def test_a_cancelled_day_is_no_day_and_journal_entries_are_no_volume() -> None:
    assert [row["net_pnl"] for row in rows_of("all_cancelled", "CANCEL")] == [10, -20]
    rows = rows_of("journal_fills", "JOURNAL")
    # 150 of premium lost in each of two expiries: one on a traded day, one on none.
    assert [row["net_pnl"] for row in rows] == [0, 40 - 150, -150, -40]
    assert [row["fills_count"] for row in rows] == [1, 2, 0, 2]
    assert [row["traded_days_count"] for row in rows] == [1, 2, 2, 3]
    assert rows[0]["overnight_notional_ratio"] == 1
    assert rows[2]["mean_fill_notional"] is rows[2]["fills_vs_20d_ratio"] is None
    assert rows[3]["open_symbols_count"] == 1


def test_an_account_that_moves_counts_for_its_trader_of_the_day() -> None:
    mover, heir = rows_of("moved_trader", "MOVER"), rows_of("moved_trader", "HEIR")
    assert [row["net_pnl"] for row in mover] == [-5, 5, 15, -25, 20, 30]
    assert [row["net_pnl"] for row in heir] == [15, 215]
    assert mover[0]["orders_count"] == 2
    # The position is handed on with the account; its trip closes for the heir.
    assert [row["open_symbols_count"] for row in mover] == [0, 0, 1, 0, 0, 0]
    assert [row["open_symbols_count"] for row in heir] == [1, 0]
    assert mover[2]["opened_trips_count"] == 3
    assert heir[1]["carried_trips_ratio"] == 0.5
    assert [row["others_traders_count"] for row in mover] == [0, 0, 0, 1, 0, 1]
    assert mover[2]["others_loss_ratio"] is None
    assert mover[5]["others_net_pnl_scaled"] == pytest.approx(215 / 115)
    assert mover[5]["others_activity_ratio"] == pytest.approx(3 / 2.5)


def test_labels_look_one_traded_day_ahead() -> None:
    fills = [*flat_trip("A", 0, "10:00:00", "0.5"), *flat_trip("A", 5, "10:00:00", -3)]
    assert label_rows(fills) == {
        ("A", DAYS[0]): {
            "next_trade_date": DAYS[5],
            "next_gross_pnl": -3,
            "next_net_pnl": -3,
            "is_next_loss": True,
            "is_next_realised_loss": True,
            "next_net_pnl_scaled": -3,
        }
    }


def test_every_row_has_every_column_and_knows_only_the_past() -> None:
    fills = [one for each in cases() for one in each.fills]
    more = {"multipliers": MULTIPLIERS, "traders": all_traders()}
    whole = feature_rows(fills, SESSIONS, **more)
    assert {len(row) for row in whole.values()} == {122}
    until = date(2025, 3, 14)
    cut = [one for one in fills if one.at.date() <= until]
    known = {key: row for key, row in whole.items() if key[1] <= until}
    assert feature_rows(cut, SESSIONS, **more) == known


@pytest.mark.parametrize("seed", range(3))
def test_random_fills_come_to_the_gross_of_the_plain_queue(seed: int) -> None:
    fills = random_fills(seed, traders=4, days=30)
    assert fills == random_fills(seed, traders=4, days=30)
    book = keep_book(prepare(fills, multipliers=MULTIPLIERS))
    found: dict = {}
    for fill, gross in book.gross_at().items():
        key = (fill.account, fill.day)
        found[key] = found.get(key, 0) + gross
    # The plain queue knows fewer ties: it is told the order by the fill id.
    numbered = [
        ExportedFill(
            fill.account,
            fill.at,
            "B" if fill.signed_quantity > 0 else "S",
            fill.quantity,
            fill.price,
            symbol=fill.symbol,
            fill_id=str(number),
            status="REGULAR" if fill.is_regular else "JRNL",
        )
        for number, fill in enumerate(book.counted)
    ]
    sizes = {fill.symbol: fill.multiplier for fill in book.counted}
    assert found == daily_gross(numbered, sizes)


@pytest.mark.parametrize("seed", range(3))
def test_closed_and_open_trips_and_lots_come_to_the_same_total(seed: int) -> None:
    """Cash of all trips, with what is still held at its cost, is the gross P&L."""
    fills = random_fills(seed, traders=4, days=30)
    book = keep_book(prepare(fills, multipliers=MULTIPLIERS))
    cash = sum(
        -leg.signed_quantity * leg.fill.price * leg.fill.multiplier
        for trip in round_trips(book.fills)
        for leg in trip.legs
    )
    held = sum(lot.cost for lot in book.lots if lot.closing is None)
    assert cash + held == sum(book.gross_at().values())
    paths = realized_paths(book)
    fees = sum(fill.fees for fill in book.counted)
    assert sum(path[-1][1] for path in paths.values()) == cash + held - fees


def test_only_twins_are_left_to_the_row_number() -> None:
    fills = {one for each in cases() for one in each.fills}
    fills |= set(random_fills(1, traders=8, days=70))
    assert len({tie(one) for one in fills}) == len(fills)


@pytest.mark.long
def test_random_fills_are_messy_enough() -> None:
    """Each awkwardness happens, and every column is known somewhere."""
    fills = random_fills(1, traders=6, days=80)
    assert {one.status for one in fills} == {"REGULAR", "CXLD", "EXP", "JRNL"}
    assert any(f"{one.at:%H:%M:%S}" == "00:00:00" for one in fills)
    assert any(one.price == 0 for one in fills)
    assert any(one.at.weekday() == 5 for one in fills)
    assert len(set(fills)) < len(fills)
    rows = feature_rows(fills, SESSIONS, multipliers=MULTIPLIERS).values()
    columns = {name for row in rows for name in row}
    never = {name for name in columns if len({row[name] for row in rows}) == 1}
    assert never <= {"is_early_close"}
