"""How good the live desk was, in one sentence of the morning's report."""

from decimal import Decimal

from reports.live_day import live_day_said


def account(**changes: object) -> dict:
    """A row of marts.live_reconciliation that agrees."""
    return {
        "account_id": "A1",
        "trader_id": "T1",
        "difference_class": "agrees",
        "live_fills_count": 10,
        "fills_count": 10,
        "missing_fills_count": 0,
        "extra_fills_count": 0,
        "price_differs_count": 0,
        "quantity_differs_count": 0,
        "gross_difference": Decimal(0),
        "live_estimated_fees": Decimal(12),
        "total_fees": Decimal(10),
        "net_difference": Decimal(-2),
        "is_synthetic": False,
    } | changes


def test_a_day_that_nobody_watched_says_nothing() -> None:
    assert live_day_said([]) is None


def test_a_day_that_agrees_says_so_and_what_fees_moved() -> None:
    said = live_day_said([account(), account(account_id="A2")])
    assert said == (
        "The live desk: all 20 fills were as PropReports has them; gross agreed in all "
        "2 accounts; fees were estimated at $24, they were $20, and no trader's net "
        "was off by more than $4."
    )


def test_a_day_that_differs_says_how() -> None:
    said = live_day_said(
        [
            account(is_synthetic=True),
            account(
                trader_id="T2",
                difference_class="missing_fills",
                missing_fills_count=3,
                price_differs_count=1,
                extra_fills_count=2,
                gross_difference=Decimal(-55),
                net_difference=Decimal(-56),
            ),
            account(
                trader_id="T3",
                difference_class="not_comparable",
                gross_difference=None,
                net_difference=None,
            ),
        ]
    )
    assert said == (
        "The live desk (simulated): of 30 fills 3 were missing, 1 had another price, 2 "
        "were not PropReports'; gross was off in 1 of 2 accounts, $55, unknown in 1; "
        "fees were estimated at $24, they were $20, and no trader's net was off by "
        "more than $56."
    )


def test_a_day_that_propreports_does_not_show_yet_is_no_verdict() -> None:
    said = live_day_said([account(difference_class="not_loaded", fills_count=0)])
    assert said is not None
    assert "no fill of that day yet" in said
