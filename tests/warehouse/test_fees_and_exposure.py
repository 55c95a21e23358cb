"""Fees by name and what was held, against plain Python on random fills."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.simulator import Account, Firm, serve
from ingestion.simulator.firm import Fill
from runtime.home import Home
from runtime.transform.dbt import TransformError
from tests.conftest import build_models_of, build_warehouse, make_settings, rows
from tests.exports import ExportedFill, Exports
from tests.mornings import load_morning
from tests.oracle.exposure import MONDAY, random_fills, worth

MODELS = "+fct_fees +fct_exposure +daily_totals"


FILLS = [one for seed in range(6) for one in random_fills(f"R{seed}", seed)]
COUNTED = sorted(
    (one for one in FILLS if one.status != "CXLD"),
    key=lambda one: (one.account, one.at, int(one.fill_id)),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("held")
    exports = Exports(folder / "exports").write(FILLS)
    return build_warehouse(
        folder / "home", exports.folder, models=MODELS, data_tests=True
    )


def test_fees_by_name_are_those_of_the_fills(home: Home) -> None:
    expected: dict[tuple, list] = defaultdict(lambda: [0, Decimal(0)])
    for one in COUNTED:
        for name, amount in (("comm", one.comm), ("ecn_fee", one.ecn_fee)):
            if amount:
                key = (
                    one.account, one.at.date(), one.symbol, "ARCA", "R", name,
                    one.status == "REGULAR",
                )  # fmt: skip
                expected[key][0] += 1
                expected[key][1] += amount
    found = rows(
        home,
        "select account_id, trade_date, symbol, route, liquidity, fee_name, "
        "is_regular, fills_count, fee_amount from marts.fct_fees",
    )
    assert {one[:7]: list(one[7:]) for one in found} == dict(expected)


def test_a_fee_that_is_in_no_day_stops_the_build(home: Home) -> None:
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("begin")
        connection.execute("create table marts.kept as from marts.fct_fees")
        connection.execute(
            "update marts.fct_fees set fee_amount = fee_amount + 0.00000001 "
            "where rowid = 7"
        )
        connection.execute("commit")
    with pytest.raises(TransformError, match="assert_fees_by_name_equal_the_days"):
        build_models_of(
            make_settings(risk_home=home.root), home, data_tests=True,
            models="assert_fees_by_name_equal_the_days",
        )  # fmt: skip
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("delete from marts.fct_fees")
        connection.execute("insert into marts.fct_fees from marts.kept")
        connection.execute("drop table marts.kept")


def expected_days() -> dict[tuple[str, date], tuple]:
    """Peaks of each account's day, walked fill by fill, and what is left at its end."""
    days: dict[tuple[str, date], tuple] = {}
    for account in {one.account for one in COUNTED}:
        held: dict[str, Decimal] = defaultdict(Decimal)
        prices: dict[str, Decimal] = {}
        by_day: dict[date, list[ExportedFill]] = defaultdict(list)
        for one in COUNTED:
            if one.account == account:
                by_day[one.at.date()].append(one)
        for day, fills in sorted(by_day.items()):
            moments = [(None, dict(held), dict(prices))]
            for one in fills:
                held[one.symbol] += one.signed_quantity
                if one.price:
                    prices[one.symbol] = one.price
                moment = one.at if one.at.time() != datetime.min.time() else None
                moments.append((moment, dict(held), dict(prices)))
            days[account, day] = described(moments)
    return days


def described(moments: list) -> tuple:
    """The four peaks and when they were first, then long and short at the end."""
    walked = []
    for moment, held, prices in moments:
        worths = [worth(q, prices.get(s), s) for s, q in held.items()]
        is_known = None not in worths
        walked.append((
            moment,
            max(map(abs, held.values()), default=Decimal(0)),
            sum(map(abs, worths), Decimal(0)) if is_known else None,
            sum(worths, Decimal(0)) if is_known else None,
        ))  # fmt: skip
    is_known = all(one[2] is not None for one in walked)
    quantity = max(walked, key=lambda one: one[1])
    if not is_known:
        return (quantity[1], None, None, None)
    gross, long = (max(walked, key=lambda one, n=n: one[n]) for n in (2, 3))
    short = min(walked, key=lambda one: one[3])
    ends = [worth(q, moments[-1][2].get(s), s) for s, q in moments[-1][1].items()]
    return (
        quantity[1], gross[2], max(long[3], Decimal(0)), min(short[3], Decimal(0)),
        quantity[0], gross[0],
        long[0] if long[3] > 0 else None, short[0] if short[3] < 0 else None,
        sum((x for x in ends if x > 0), Decimal(0)),
        sum((x for x in ends if x < 0), Decimal(0)),
    )  # fmt: skip


def test_exposure_is_what_a_walk_over_the_fills_finds(home: Home) -> None:
    found = {
        (account, day): tuple(figures)
        for account, day, *figures in rows(
            home,
            "select account_id, trade_date, peak_quantity, peak_gross_exposure, "
            "peak_net_long_exposure, peak_net_short_exposure, "
            + ", ".join(
                f"timezone('America/New_York', timezone('UTC', {one}_at))"
                for one in (
                    "peak_quantity",
                    "peak_gross",
                    "peak_net_long",
                    "peak_net_short",
                )
            )
            + ", overnight_long_exposure, overnight_short_exposure "
            "from marts.fct_exposure",
        )
    }
    expected = expected_days()
    assert len(expected) > 60
    for key, day in expected.items():
        assert found[key][: len(day)] == day, key
    # A day that only carries is worth all day long what it is at the last own fill.
    carried = found.keys() - expected.keys()
    assert len(carried) > 1
    for key in carried:
        quantity, gross, long, short, *times, held_long, held_short = found[key]
        assert times == [None] * 4
        assert quantity > 0
        if gross is not None:
            assert gross == held_long - held_short
            assert max(long, -short) == abs(held_long + held_short)


def test_exposure_says_at_which_prices(tmp_path: Path) -> None:
    home = Home(tmp_path)
    fills = [
        Fill(
            account_name="ZA1", filled_at=MONDAY + timedelta(days=day, hours=10),
            side=side, quantity=Decimal(100), symbol=symbol, price=Decimal(price),
            order_id=str(day), fill_id=str(day), propreports_id=day,
        )
        for day, side, price, symbol in (
            (0, "B", 10, "ABC"), (1, "T", 20, "DEF"),
            (2, "S", 11, "ABC"), (3, "C", 20, "DEF"),
        )
    ]  # fmt: skip
    marks = {
        ("ABC", MONDAY.date() + timedelta(days=day)): Decimal(price)
        for day, price in ((0, "10.5"), (1, "12"))
    }
    firm = Firm([Account(501, "ZA1")], fills, [], marks)
    with serve(
        firm, as_of=MONDAY.date() + timedelta(days=4), rate_limit=10**6
    ) as simulator:
        load_morning(simulator, home)
    settings = make_settings(risk_home=home.root)
    build_models_of(settings, home, models="+fct_exposure +daily_totals")
    assert rows(home, "select distinct intraday_basis from marts.fct_exposure") == [
        ("at own fills, not market",)
    ]
    assert rows(
        home,
        "select overnight_basis, peak_gross_exposure, overnight_long_exposure, "
        "overnight_short_exposure, overnight_gross_exposure, overnight_net_exposure "
        "from marts.fct_exposure order by trade_date",
    ) == [
        ("marks", 1000, 1050, 0, 1050, 1050),
        ("marks and own fills", 3000, 1200, -2000, 3200, -800),
        ("own fills", 3000, 0, -2000, 2000, -2000),
        ("flat", 2000, 0, 0, 0, 0),
    ]
