"""No look-ahead: a warehouse that ends at D has the same past as one that goes on."""

import math
from datetime import date
from pathlib import Path

import pytest

from ingestion.simulator import sample_firm
from runtime.home import Home
from runtime.sessions import sessions_between
from tests.conftest import build_warehouse, connected
from tests.exports import ExportedFill, Exports

SESSIONS = sessions_between(date(2025, 1, 2), date(2025, 4, 10))


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three months of the sample firm as files."""
    fills = [
        ExportedFill(
            account=one.account_name.split()[0],
            at=one.filled_at,
            side=one.side,
            quantity=one.quantity,
            price=one.price,
            symbol=one.symbol,
            comm=sum(one.fees.values()),
            order_id=one.order_id,
            fill_id=one.fill_id,
            status=one.status,
            propreports_id=str(one.propreports_id),
        )
        for one in sample_firm(SESSIONS, 5).fills
    ]
    return Exports(tmp_path_factory.mktemp("exports")).write(fills).folder


@pytest.fixture(scope="module")
def full(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A warehouse of all of it."""
    return build_warehouse(tmp_path_factory.mktemp("full"), exports)


def table(home: Home, mart: str, before: date) -> tuple[list[str], list[tuple]]:
    """Columns and rows of a mart before a date."""
    with connected(home) as connection:
        result = connection.execute(
            f"select * from {mart} where trade_date < ? order by trade_date, 1",
            [before],
        )
        return [column[0] for column in result.description], result.fetchall()


@pytest.mark.parametrize("cut", [SESSIONS[30], SESSIONS[47], SESSIONS[61]])
def test_what_was_known_before_a_date_is_the_same_without_what_came_after(
    exports: Path, full: Home, tmp_path: Path, cut: date
) -> None:
    home = build_warehouse(tmp_path, exports, as_of=cut)
    assert home.root.name == cut.isoformat()
    for mart in ("marts.feat_trader_day", "marts.daily_totals"):
        names, expected = table(full, mart, cut)
        found_names, found = table(home, mart, cut)
        assert found_names == names
        assert len(found) == len(expected) > 400
        for one, other in zip(found, expected, strict=True):
            for name, value, wanted in zip(names, one, other, strict=True):
                assert _same(value, wanted), (mart, one[:2], name, value, wanted)
    assert table(home, "marts.daily_totals", date.max)[1] == found


def _same(value: object, wanted: object) -> bool:
    if isinstance(value, float) and isinstance(wanted, float):
        return math.isclose(value, wanted, rel_tol=1e-9, abs_tol=1e-12)
    return value == wanted


def test_a_label_is_the_next_traded_day_and_no_feature(full: Home) -> None:
    with connected(full) as connection:
        wrong = connection.execute(
            """
            select count(*) from marts.label_trader_day as labels
            left join marts.feat_trader_day as features
                on labels.trader_id = features.trader_id
                and labels.next_trade_date = features.trade_date
            where features.trader_id is null
                or abs(features.net_pnl - cast(labels.next_net_pnl as double)) > 1e-9
                or labels.next_trade_date <= labels.trade_date
            """
        ).fetchone()
        last = connection.execute(
            """
            select count(*), count(labels.trader_id) from (
                select trader_id, max(trade_date) as trade_date
                from marts.feat_trader_day group by trader_id
            ) as lasts left join marts.label_trader_day as labels
                using (trader_id, trade_date)
            """
        ).fetchone()
    assert wrong == (0,)
    assert last[0] > 20
    assert last[1] == 0
