"""Each kind of difference from the broker, from CSV exports to the mart."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from runtime.home import Home
from tests.conftest import build_warehouse, rows
from tests.exports import ExportedDay, ExportedFill, Exports

MONDAY = datetime(2025, 3, 3, 9, 30)
READ = "+broker_reconciliation +int_broker_identities +data_quality"


def fill(account: str, day: int, side: str, quantity, price, **more) -> ExportedFill:
    """A fill; those of a day follow each other by the minute as they are listed."""
    more.setdefault("fill_id", str(next(NUMBERS)))
    at = MONDAY + timedelta(days=day, minutes=int(more["fill_id"]))
    return ExportedFill(
        account, at, side, Decimal(quantity), Decimal(str(price)), **more
    )


def shown(account: str, day: int, fills: int, quantity, gross, **more) -> ExportedDay:
    """What the broker's summary says of a day."""
    date = (MONDAY + timedelta(days=day)).date()
    more = {name: Decimal(str(value)) for name, value in more.items()}
    return ExportedDay(
        account, date, fills, Decimal(quantity), Decimal(str(gross)), **more
    )


def day_trade(account: str, day: int) -> list[ExportedFill]:
    """Two fills of 100 that make 50 and cost 2."""
    return [
        fill(account, day, "B", 100, "10.00", comm=Decimal(1)),
        fill(account, day, "S", 100, "10.50", comm=Decimal(1)),
    ]


NUMBERS = iter(range(1, 300))
FILLS = [
    *day_trade("EQUAL", 0),
    *day_trade("EQUAL", 1),
    *day_trade("CANCEL", 0),
    fill("CANCEL", 0, "B", 30, "10.00", status="CXLD"),
    # Nothing but the cancelled fill is left of this day.
    fill("CANCEL", 1, "B", 30, "10.00", status="CXLD"),
    fill("EXPIRE", 0, "B", 1, "2.00", symbol="+ABC250304C00050000"),
    fill("EXPIRE", 1, "S", 1, "0", symbol="+ABC250304C00050000", status="EXP"),
    # Held overnight; the opening fill costs 0.105.
    fill("LATE", 0, "S", 70, "5.00", comm=Decimal("0.105")),
    fill("LATE", 1, "B", 70, "6.00", comm=Decimal("0.50")),
    *day_trade("FEWER", 0),
    *day_trade("FEWER", 1),
    *day_trade("MORE", 0),
    *day_trade("MORE", 1),
    # Held 100 @ 10: sold at 11, then bought at 12, and sold at 13 on the third day.
    fill("TIME", 0, "B", 100, "10.00"),
    fill("TIME", 1, "S", 100, "11.00"),
    fill("TIME", 1, "B", 100, "12.00"),
    fill("TIME", 2, "S", 100, "13.00"),
    *day_trade("FEES", 0),
    *day_trade("OTHER", 0),
    *day_trade("OTHER", 1),
    *day_trade("NONE", 0),
]
SUMMARY = [
    shown("EQUAL", 0, 2, 200, "50.00", fees="2.00"),
    # Rounding, of the day's money and of an identity.
    shown("EQUAL", 1, 2, 200, "50.02", fees="2.02", net="47.99"),
    shown("CANCEL", 0, 3, 230, "53.00", fees="2.30"),
    shown("CANCEL", 1, 1, 30, "0.00", net="-0.10", fees="0.10"),
    shown("EXPIRE", 0, 1, 1, "0.00", fees="0.01", net="-0.01"),
    shown("LATE", 0, 0, 0, "0.00", fees="0.00"),
    shown("LATE", 1, 2, 140, "-70.00", fees="0.61"),
    shown("FEWER", 0, 4, 400, "90.00", fees="4.00"),
    shown("FEWER", 1, 2, 260, "50.00", fees="2.00"),
    shown("FEWER", 2, 2, 200, "9.00", fees="1.00"),
    shown("MORE", 0, 1, 100, "50.00", fees="1.00"),
    shown("TIME", 0, 1, 100, "0.00", fees="0.01"),
    shown("TIME", 1, 2, 200, "100.00"),
    shown("TIME", 2, 1, 100, "100.00"),
    shown("FEES", 0, 2, 200, "50.00", fees="2.16"),
    shown("OTHER", 0, 2, 200, "51.00", fees="2.00"),
    # Its own figures do not add up.
    shown("OTHER", 1, 2, 200, "50.00", fees="2.00", net="49.00"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One warehouse, each case an account of its own."""
    folder: Path = tmp_path_factory.mktemp("reconciliation")
    exports = Exports(folder / "exports").write(FILLS).summarise(SUMMARY)
    return build_warehouse(folder / "home", exports.folder, models=READ)


@pytest.mark.parametrize(
    ("account", "classes"),
    [
        ("EQUAL", ["within_rounding", "within_rounding"]),
        ("CANCEL", ["cancelled_fill", "cancelled_fill"]),
        ("EXPIRE", ["within_rounding", "journal_entry"]),
        ("LATE", ["opening_booked_at_close", "opening_booked_at_close"]),
        ("FEWER", ["missing_fills", "missing_fills", "missing_fills"]),
        ("MORE", ["missing_at_broker", "missing_at_broker"]),
        ("TIME", ["within_rounding", "time_order_matching", "time_order_matching"]),
        ("FEES", ["restated_fees"]),
        ("OTHER", ["unknown", "within_rounding"]),
        ("NONE", ["no_summary"]),
    ],
)
def test_each_kind_of_difference_has_its_class(
    home: Home, account: str, classes: list[str]
) -> None:
    found = rows(
        home,
        "select difference_class, explanation from marts.broker_reconciliation "
        f"where account_id = '{account}' order by trade_date",
    )
    assert [name for name, _ in found] == classes
    for name, explanation in found:
        assert bool(explanation) == (name not in ("within_rounding", "no_summary"))


def test_a_difference_is_explained_in_words(home: Home) -> None:
    found = rows(
        home,
        "select explanation from marts.broker_reconciliation "
        "where account_id in ('LATE', 'TIME') and explanation is not null "
        "order by account_id, trade_date",
    )
    assert [text for (text,) in found] == [
        "the broker's summary lacks this day; "
        "the broker counts 1 fewer fill, 70 fewer units, $0.105 less fees than we do; "
        "it counts the opening fill on 2025-03-04, when the position was closed",
        "the broker counts 1 more fill, 70 more units, $0.11 more fees than we do; "
        "it counts the opening fill of 2025-03-03 on the day the position was closed",
        "the broker counts $200 more gross than we do; "
        "its gross is what a queue in time order comes to",
        "the broker counts $200 less gross than we do; "
        "its gross is what a queue in time order comes to",
    ]


def test_volume_is_compared(home: Home) -> None:
    found = rows(
        home,
        "select quantity, broker_quantity, quantity_difference "
        "from marts.broker_reconciliation where account_id = 'FEWER' "
        "order by trade_date",
    )
    assert found == [(200, 400, -200), (200, 260, -60), (None, 200, None)]


def test_what_the_broker_shows_and_does_not_add_up_is_listed(home: Home) -> None:
    found = rows(
        home,
        "select account_id, identity_name, difference_amount "
        "from intermediate.int_broker_identities",
    )
    assert found == [("OTHER", "net", 1)]


DIFFERENCES = (
    "2 cancelled fill, 1 journal entry, 2 opening booked at close, 3 missing fills, "
    "2 missing at broker, 2 time order matching, 1 restated fees, 1 unknown"
)


def unreconciled(home: Home) -> list[tuple]:
    """Both checks of what differs from the broker."""
    return rows(
        home,
        "select check_name, needs_attention, found_count, finding "
        "from marts.data_quality where check_name like 'unreconciled%' "
        "and found_count > 0",
    )


def test_the_report_alarms_of_what_differs_lately(home: Home) -> None:
    finding = (
        "of 19 account-days of the last 7 sessions differ from the broker's own "
        f"summary: {DIFFERENCES}"
    )
    assert unreconciled(home) == [("unreconciled", True, 14, finding)]


def test_what_differed_long_ago_is_told_and_no_alarm(tmp_path: Path) -> None:
    exports = Exports(tmp_path / "exports").write(FILLS).summarise(SUMMARY)
    # Seven sessions from Tuesday on: only what lies on Monday is older.
    home = build_warehouse(
        tmp_path / "home", exports.folder, models=READ, as_of=date(2025, 3, 13)
    )
    assert [found[:3] for found in unreconciled(home)] == [
        ("unreconciled", True, 8),
        ("unreconciled_before", False, 6),
    ]
    # By then the gate would stop for want of fills.
    late = {"as_of": date(2025, 3, 17), "gate": "warn"}
    home = build_warehouse(tmp_path / "home", exports.folder, models=READ, **late)
    finding = (
        f"of 19 account-days of earlier sessions differ from the broker's own "
        f"summary: {DIFFERENCES}"
    )
    assert unreconciled(home) == [("unreconciled_before", False, 14, finding)]
