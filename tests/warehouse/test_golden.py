"""The worked case of the API description, from PropReports' replies to the mart."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from ingestion.simulator import serve
from runtime.home import Home
from tests.conftest import build_models_of, make_settings, rows
from tests.ingestion.test_simulator_golden import golden_firm
from tests.mornings import load_morning

AS_OF = date(2025, 3, 5)


def test_the_worked_case_comes_out_to_the_last_digit(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with serve(golden_firm(), as_of=AS_OF) as simulator:
        load_morning(simulator, home)
    build_models_of(make_settings(), home)
    days = rows(
        home,
        "select orders_count, fills_count, quantity, gross_pnl, total_fees, net_pnl, "
        "adjustments_amount, unrealized_pnl, unrealized_delta, total_delta "
        "from marts.daily_totals where account_id = 'ZZA001' order by trade_date",
    )
    expected = [
        "2 2 500 50 2.29579 47.70421 0 40 40 87.70421",
        "4 4 450 25 1.739785 23.260215 -25 15 -25 -26.739785",
    ]
    assert days == [tuple(map(Decimal, line.split())) for line in expected]
    compared = rows(
        home,
        "select difference_class, gross_difference, broker_orders_count, "
        "orders_difference from marts.broker_reconciliation order by trade_date",
    )
    assert compared == [("within_rounding", 0, 2, 0), ("within_rounding", 0, 4, 0)]
    # Fee columns, adjustments and balances of the broker's summary: all add up.
    assert rows(home, "from intermediate.int_broker_identities") == []
    shown = rows(
        home,
        "select total_fees, fee_columns_amount "
        "from staging.stg_propreports__broker_days order by trade_date",
    )
    assert [abs(total - parts) <= Decimal("0.02") for total, parts in shown] == [
        True
    ] * 2
    assert all(parts > 0 for _, parts in shown)
