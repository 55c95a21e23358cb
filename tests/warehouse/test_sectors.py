"""What the desk's instruments.csv says of sectors and proxies, worked out by hand."""

from datetime import datetime, timedelta
from decimal import Decimal
from statistics import correlation

import pytest

from runtime.home import Home
from tests.conftest import build_warehouse, rows
from tests.exports import ExportedFill, Exports

MONDAY = datetime(2025, 3, 3, 10)
SESSIONS = [
    MONDAY + timedelta(days=days) for days in range(33) if days % 7 not in (5, 6)
]
LINES = """\
symbol,sector,proxy,note
ABC,Energy,,
DEF,Energy,,
GHI,Tech,QQQ,
JKL,,QQQ,
XYZ,Rates,,
GONE,Tech,,
ABC,Oil,,
"""
# Of XYZ: where a session ends, and what R1 makes of ten shares in it.
CLOSES = [100 + (number * 7 % 11) - (number * 3 % 5) for number in range(len(SESSIONS))]
MADE = [(number * 5 % 13) - 6 for number in range(len(SESSIONS))]


def fill(
    account: str, side: str, quantity: int, symbol: str, price: int, at: datetime
) -> ExportedFill:
    return ExportedFill(account, at, side, Decimal(quantity), Decimal(price), symbol)


def day_trades(account: str, at: datetime, close: int, gain: int) -> list[ExportedFill]:
    """Ten shares bought, and sold at the close."""
    later = at + timedelta(minutes=1)
    return [
        fill(account, "B", 10, "XYZ", close - gain, at),
        fill(account, "S", 10, "XYZ", close, later),
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Three who hold from Monday on, and three who trade one symbol daily."""
    folder = tmp_path_factory.mktemp("sectors")
    held = [
        fill("A1", "B", 100, "ABC", 10, MONDAY),
        fill("A1", "T", 30, "DEF", 20, MONDAY),
        fill("B1", "B", 10, "DEF", 20, MONDAY),
        fill("B1", "T", 40, "GHI", 50, MONDAY),
        fill("C1", "T", 10, "GHI", 50, MONDAY),
        fill("C1", "B", 5, "JKL", 90, MONDAY),
    ]
    traded = [
        one
        for at, close, made in zip(SESSIONS, CLOSES, MADE, strict=True)
        for one in [*day_trades("R1", at, close, made), *day_trades("S1", at, close, 0)]
    ]
    late = [
        one
        for at, close in list(zip(SESSIONS, CLOSES, strict=True))[-10:]
        for one in day_trades("T1", at, close, 1)
    ]
    exports = Exports(folder / "exports").write([*held, *traded, *late])
    desk = folder / "desk"
    desk.mkdir()
    (desk / "instruments.csv").write_text(LINES)
    return build_warehouse(
        folder / "home", exports.folder, desk=desk, data_tests=True,
        models="+fct_sector_exposure +fct_scope_exposure +sector_crowding "
        "+trader_sector_factors +int_overnight_gaps +data_quality",
    )  # fmt: skip


def test_what_is_held_by_sector(home: Home) -> None:
    found = rows(
        home,
        "select scope_name, sector, symbols_count, unknown_symbols_count, "
        "overnight_gross_exposure, overnight_net_exposure "
        "from marts.fct_sector_exposure where trade_date = date '2025-03-03' "
        "order by all",
    )
    assert found == [
        ("A1", "Energy", 2, 0, 1600, 400),
        ("B1", "Energy", 1, 0, 200, 200),
        ("B1", "Tech", 1, 0, 2000, -2000),
        ("C1", "Tech", 1, 0, 500, -500),
        ("C1", "not set", 1, 0, 450, 450),
        ("desk", "Energy", 2, 0, 1800, 600),
        ("desk", "Tech", 1, 0, 2500, -2500),
        ("desk", "not set", 1, 0, 450, 450),
    ]


def test_sectors_add_up_to_what_is_held_overnight(home: Home) -> None:
    days, differing = rows(
        home,
        "with sums as (select scope_type, scope_name, trade_date, "
        "sum(overnight_gross_exposure) as gross, sum(overnight_net_exposure) as net "
        "from marts.fct_sector_exposure group by all) "
        "select count(sums.gross), count(*) filter (where coalesce(gross, 0) <> "
        "overnight_gross_exposure or coalesce(net, 0) <> overnight_net_exposure) "
        "from marts.fct_scope_exposure left join sums "
        "using (scope_type, scope_name, trade_date)",
    )[0]
    assert days > 0
    assert differing == 0


def test_who_is_on_one_side_of_a_sector_or_proxy(home: Home) -> None:
    # C1 is short GHI for more than the JKL that moves with it.
    assert rows(
        home,
        "select crowded_by, crowd_name, side, overnight_traders_count, "
        "unknown_traders_count, overnight_exposure from marts.sector_crowding "
        "where trade_date = date '2025-03-03' order by all",
    ) == [
        ("proxy", "QQQ", "short", 2, 0, 2050),
        ("sector", "Energy", "long", 2, 0, 600),
        ("sector", "Tech", "short", 2, 0, 2500),
    ]


def test_the_sector_that_costs_most_gaps(home: Home) -> None:
    assert rows(
        home,
        "select stress, worst_sector, worst_symbol, symbols_count, "
        "unknown_symbols_count, pnl from intermediate.int_overnight_gaps "
        "where prediction_date = date '2025-03-04' and stress like 'sector_gap%' "
        "order by pnl desc",
    ) == [
        (f"sector_gap_{percent}_percent", "Tech", "GHI", 4, 1, -25 * percent)
        for percent in (5, 10, 20)
    ]


def test_what_a_trader_makes_and_the_sector_go_together(home: Home) -> None:
    found = {
        trader: (days, market)
        for trader, days, market in rows(
            home,
            "select trader_id, market_days_count, market_correlation "
            "from marts.trader_sector_factors where sector = 'Rates'",
        )
    }
    returns = [
        round(close / before - 1, 6)
        for before, close in zip(CLOSES, CLOSES[1:], strict=False)
    ]
    made = [float(10 * one) for one in MADE[1:]]
    days, market = found["R1"]
    assert days == len(returns)
    assert market == pytest.approx(correlation(made, returns), abs=1e-5)
    # The same every day; and too few days.
    assert found["S1"] == (len(returns), None)
    assert found["T1"] == (10, None)


def test_a_wrong_line_and_a_symbol_never_traded_are_told(home: Home) -> None:
    told = {
        name: (count, finding, alarm)
        for name, count, finding, alarm in rows(
            home,
            "select check_name, found_count, finding, needs_attention "
            "from marts.data_quality "
            "where check_name in ('refused_desk_lines', 'unused_instruments')",
        )
    }
    assert told["unused_instruments"] == (
        1, "symbols of instruments.csv were never traded: GONE", False
    )  # fmt: skip
    assert told["refused_desk_lines"] == (
        1, "lines of the desk's files are wrong and do not count: "
        "instruments.csv, line 8 is about the same as line 2 (symbol), which counts. "
        "Delete one of them", True,
    )  # fmt: skip
