"""A mark that is missing is carried forward, and told with its age."""

from datetime import date, datetime, time
from decimal import Decimal

import pytest

from ingestion.simulator import Account, Firm, Ledger, serve
from ingestion.simulator.firm import Fill
from runtime.home import Home
from runtime.sessions import sessions_between
from tests.conftest import build_models_of, make_settings, rows
from tests.mornings import load_morning

DAYS = sessions_between(date(2025, 3, 3), date(2025, 3, 14))
SATURDAY = date(2025, 3, 8)
# Of QQZ none is known on the third to fifth day, of QQY none on the first two.
CLOSES = {
    **{("QQZ", day): Decimal(20) + number for number, day in enumerate(DAYS)},
    **{("QQY", day): Decimal(50) for day in DAYS[2:]},
}
for gap in DAYS[2:5]:
    del CLOSES["QQZ", gap]
del CLOSES["QQY", DAYS[-2]]


def fill(number: int, account: str, day: date, side: str, quantity, symbol) -> Fill:
    """A fill at 20."""
    return Fill(
        account_name=account, filled_at=datetime.combine(day, time(10, number)),
        side=side, quantity=Decimal(quantity), symbol=symbol, price=Decimal(20),
        order_id=str(number), fill_id=str(number), propreports_id=number,
    )  # fmt: skip


FIRM = Firm(
    [Account(501, "ZA1"), Account(502, "ZB2")],
    [
        fill(1, "ZA1", DAYS[0], "B", 100, "QQZ"),
        fill(2, "ZA1", SATURDAY, "B", 1, "QQZ"),
        fill(3, "ZA1", DAYS[8], "S", 101, "QQZ"),
        # Bought in the gap: what another account was marked with holds.
        fill(4, "ZB2", DAYS[3], "T", 10, "QQZ"),
        fill(5, "ZB2", DAYS[0], "B", 10, "QQY"),
        fill(6, "ZB2", DAYS[0], "B", 10, "QQX"),
    ],
    closes=CLOSES,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Both accounts in a warehouse."""
    home = Home(tmp_path_factory.mktemp("marks"))
    with serve(FIRM, as_of=DAYS[-1], rate_limit=10**6) as simulator:
        load_morning(simulator, home)
    build_models_of(
        make_settings(risk_home=home.root),
        home,
        models="+fct_open_positions +daily_totals +data_quality",
    )
    return home


def test_unrealized_is_the_simulators_on_every_day(home: Home) -> None:
    ledger = Ledger(FIRM, DAYS[-2])
    expected = {
        (account.name, day.date, one.symbol): (one.position, one.unrealized)
        for account in FIRM.accounts
        for day in ledger.days(account.name, date.min, date.max)
        for one in day.symbol_days
    }
    found = {
        key: figures
        for *key_, position, unrealized in rows(
            home,
            "select account_id, trade_date, symbol, position_quantity, unrealized_pnl "
            "from intermediate.int_symbol_days",
        )
        for key, figures in [(tuple(key_), (position, unrealized))]
    }
    assert found == expected
    assert {x for _, x in found.values()} >= {None, Decimal(0)}


def test_the_age_of_a_mark_is_counted_in_sessions(home: Home) -> None:
    def ages(account: str, symbol: str) -> list[tuple[date, int | None]]:
        return rows(
            home,
            "select trade_date, mark_age_sessions_count from marts.fct_open_positions "
            f"where account_id = '{account}' and symbol = '{symbol}' order by 1",
        )

    assert ages("ZA1", "QQZ") == [
        (DAYS[0], 0), (DAYS[1], 0), (DAYS[2], 1), (DAYS[3], 2), (DAYS[4], 3),
        (SATURDAY, 3), (DAYS[5], 0), (DAYS[6], 0), (DAYS[7], 0),
    ]  # fmt: skip
    assert ages("ZB2", "QQZ")[:3] == [(DAYS[3], 2), (DAYS[4], 3), (DAYS[5], 0)]
    assert [age for _, age in ages("ZB2", "QQY")] == [None, None, 0, 0, 0, 0, 0, 0, 1]
    assert {age for _, age in ages("ZB2", "QQX")} == {None}


def test_a_day_says_how_many_of_its_marks_are_old(home: Home) -> None:
    assert rows(
        home,
        "select trade_date, stale_marks_count from marts.daily_totals "
        "where account_id = 'ZB2' and stale_marks_count > 0 order by 1",
    ) == [(DAYS[3], 1), (DAYS[4], 1), (DAYS[8], 1)]


def test_the_report_tells_of_marks_that_are_old_now(home: Home) -> None:
    ((count, needs_attention, finding),) = rows(
        home,
        "select found_count, needs_attention, finding from marts.data_quality "
        "where check_name = 'stale_marks'",
    )
    assert (count, needs_attention) == (2, True)
    assert finding == (
        "positions of 2025-03-13 have no closing price of that session: "
        "ZB2 10 QQX, never marked ($200.00 at cost); "
        "ZB2 10 QQY, 1 session old ($500.00)"
    )
