"""Each kind of difference from the broker, from CSV exports to the mart."""

from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path

import pytest

from runtime.home import Home
from tests.conftest import build_warehouse, rows
from tests.draws import draw
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


OPTION = "+ABC250304C00050000"
NUMBERS = iter(range(1, 300))
FILLS = [
    *day_trade("EQUAL", 0),
    *day_trade("EQUAL", 1),
    *day_trade("CANCEL", 0),
    fill("CANCEL", 0, "B", 30, "10.00", status="CXLD"),
    # Nothing but the cancelled fill is left of this day.
    fill("CANCEL", 1, "B", 30, "10.00", status="CXLD"),
    fill("EXPIRE", 0, "B", 1, "2.00", symbol=OPTION),
    fill("EXPIRE", 1, "S", 1, "0", symbol=OPTION, status="EXP"),
    # Journal entries explain no more than their own P&L and fees.
    fill("ABOVE", 0, "B", 1, "2.00", symbol=OPTION),
    fill("ABOVE", 1, "S", 1, "0", symbol=OPTION, status="EXP"),
    *day_trade("JOURNALS", 1),
    fill("JOURNALS", 0, "B", 1, "2.00", symbol=OPTION),
    fill("JOURNALS", 1, "S", 1, "0", symbol=OPTION, status="EXP"),
    *day_trade("JOURNALS", 2),
    fill("JOURNALS", 2, "B", 1, "2.00", symbol=OPTION),
    fill("JOURNALS", 3, "S", 1, "0", symbol=OPTION, status="EXP"),
    fill("LARGE", 0, "B", 1_000_000, "10.00"),
    fill("LARGE", 0, "S", 1_000_000, "10.01"),
    *day_trade("SILENT", 0),
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
    shown("ABOVE", 0, 1, 1, "0.00"),
    shown("ABOVE", 1, 0, 0, "500.00"),
    shown("JOURNALS", 0, 1, 1, "0.00"),
    # Our gross is -150 here: 50 without the entry.
    shown("JOURNALS", 1, 2, 200, "50.00", fees="2.00"),
    shown("JOURNALS", 2, 3, 201, "50.00", fees="2.00"),
    shown("JOURNALS", 3, 0, 0, "-150.00"),
    shown("LARGE", 0, 2, 2_000_000, "10095.00"),
    # The broker sends a summary of the account, and it shows nothing of the day.
    shown("SILENT", 0, 0, 0, "0.00"),
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
    shown("OTHER", 0, 2, 200, "52.00", fees="2.00"),
    # Its own figures do not add up.
    shown("OTHER", 1, 2, 200, "50.00", fees="2.00", net="49.50"),
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
        ("ABOVE", ["within_rounding", "unknown"]),
        (
            "JOURNALS",
            ["within_rounding", "journal_entry", "within_rounding", "unknown"],
        ),
        ("LARGE", ["unknown"]),
        ("SILENT", ["missing_at_broker"]),
        ("LATE", ["opening_booked_at_close", "opening_booked_at_close"]),
        ("FEWER", ["missing_fills", "missing_fills", "missing_fills"]),
        ("MORE", ["missing_at_broker", "missing_at_broker"]),
        ("TIME", ["within_rounding", "time_order_matching", "time_order_matching"]),
        ("FEES", ["restated_fees"]),
        ("OTHER", ["unknown", "unknown"]),
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
        "its gross is that of a queue in time order",
        "the broker counts $200 less gross than we do; "
        "its gross is that of a queue in time order",
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
    assert found == [("OTHER", "net", Decimal("1.5"))]


def test_a_difference_has_its_dollars(home: Home) -> None:
    found = rows(
        home,
        "select account_id, difference_amount from marts.broker_reconciliation "
        "where account_id in ('ABOVE', 'LARGE', 'OTHER', 'FEES', 'SILENT', 'NONE') "
        "and difference_class <> 'within_rounding' order by all",
    )
    assert found == [
        ("ABOVE", -700),
        # Fees move net alone.
        ("FEES", Decimal("0.16")),
        ("LARGE", -95),
        ("NONE", 50),
        ("OTHER", -2),
        ("OTHER", Decimal("-1.5")),
        ("SILENT", 50),
    ]


UNRECONCILED = (
    "select check_name, needs_attention, found_count, finding from marts.data_quality "
    "where check_name in ('unreconciled', 'signed_off_breaks', 'unused_sign_offs') "
    "and found_count > 0 order by check_order"
)
CLASSES = (
    "2 cancelled fill ($3.10), 2 journal entry ($400.00), "
    "2 opening booked at close ($0.22), 3 missing fills ($49.00), "
    "3 missing at broker ($101.00), 2 time order matching ($400.00), "
    "1 restated fees ($0.16), 5 unknown ($848.50)"
)


def assert_is_an_alarm(home: Home, age: int) -> None:
    """Of all breaks, the oldest so many sessions old."""
    finding = (
        "of 27 account-days differ from the broker's own summary, by $1801.98 in all, "
        f"the oldest {age} sessions old: {CLASSES}"
    )
    assert rows(home, UNRECONCILED) == [("unreconciled", True, 20, finding)]
    assert rows(
        home,
        "select status, first_seen, age_sessions_count, owner "
        "from marts.broker_reconciliation where account_id = 'LARGE'",
    ) == [("open", date(2025, 3, 3), age, None)]


def test_breaks_are_an_alarm_with_their_dollars(home: Home) -> None:
    assert_is_an_alarm(home, 4)


@pytest.mark.long
def test_a_break_stays_an_alarm_however_old_it_is(tmp_path: Path) -> None:
    """By December the gate would stop for want of fills."""
    as_of = date(2025, 12, 1)
    exports = Exports(tmp_path / "exports").write(FILLS).summarise(SUMMARY)
    home = build_warehouse(
        tmp_path / "home", exports.folder, models=READ, as_of=as_of, gate="warn"
    )
    assert_is_an_alarm(home, 189)


def test_a_sign_off_holds_to_the_cent_and_of_a_break_alone(tmp_path: Path) -> None:
    fills = [one for one in FILLS if one.account in ("LARGE", "FEES", "EQUAL", "NONE")]
    summary = [one for one in SUMMARY if one.account in ("LARGE", "FEES", "EQUAL")]
    exports = Exports(tmp_path / "exports").write(fills).summarise(summary)
    home = Home(tmp_path / "home")
    home.desk.mkdir(parents=True)
    (home.desk / "signed_off_breaks.csv").write_text(
        "account_id,trade_date,amount,signed_off_by,note\n"
        "LARGE,2025-03-03,-95,Ann,the broker restates it in April\n"
        "FEES,2025-03-03,0.15,Ben,\n"
        "EQUAL,2025-03-03,0,Ben,\n"
        "NONE,2025-03-03,50,Ben,\n"
        "NOBODY,2025-03-03,1.00,Ben,\n"
        "LARGE,2025-03-04,-95.00,Ann,\n"
    )
    build_warehouse(home.root, exports.folder, models=READ)
    statuses = (
        "select account_id, status, owner, note from marts.broker_reconciliation "
        "where trade_date = '2025-03-03' order by account_id"
    )
    assert rows(home, statuses) == [
        ("EQUAL", "agreed", None, None),
        ("FEES", "open", "Ben", None),
        ("LARGE", "signed_off", "Ann", "the broker restates it in April"),
        ("NONE", None, None, None),
    ]
    (unreconciled, signed_off, unused) = rows(home, UNRECONCILED)
    assert unreconciled[:3] == ("unreconciled", True, 1)
    assert unreconciled[3].endswith(": 1 restated fees ($0.16)")
    assert signed_off == (
        "signed_off_breaks", False, 1,
        "differences from the broker's own figures are signed off, $95.00 in all: "
        "LARGE of 2025-03-03 by Ann",
    )  # fmt: skip
    assert unused[:3] == ("unused_sign_offs", False, 5)
    assert unused[3] == (
        "lines of signed_off_breaks.csv sign off no break: "
        "line 3, FEES of 2025-03-03, which differs by 0.16, not 0.15; "
        "line 4, EQUAL of 2025-03-03, which agrees; "
        "line 5, NONE of 2025-03-03, which the broker sent no summary of; "
        "line 6, NOBODY of 2025-03-03, which has no figures; "
        "line 7, LARGE of 2025-03-04, which has no figures"
    )


@pytest.mark.long
def test_rounding_is_a_cent_and_half_of_the_last_decimal_of_prices_up_to_a_dollar(
    tmp_path: Path,
) -> None:
    fills, summary, expected = [], [], {}
    for decimals in draw((0, 1, 4, 8), range(9)):
        for quantity in draw((1, 75, 900_000), (1, 6, 7, 75, 99, 2_000, 900_000)):
            account = f"P{decimals}Q{quantity}"
            price = 10 + (Decimal(1).scaleb(-decimals) if decimals else 0)
            unit = Decimal(1).scaleb(-max(decimals, 2))
            exact = min(Decimal(1), Decimal("0.01") + quantity * unit)
            cents = exact.quantize(Decimal("0.01"), ROUND_FLOOR)
            # What the account's prices show on one day holds for all of its days.
            for day, own in enumerate((price, Decimal(10))):
                fills += [
                    fill(account, day, side, quantity, own, fill_id=str(10 + place))
                    for place, side in enumerate("BS")
                ]
                gross = (cents + Decimal("0.01") * day) * (-1) ** quantity
                summary.append(shown(account, day, 2, 2 * quantity, gross))
            expected[account] = ["within_rounding", "unknown"]
    exports = Exports(tmp_path / "exports").write(fills).summarise(summary)
    home = build_warehouse(tmp_path / "home", exports.folder, models=READ)
    found: dict[str, list[str]] = {}
    for account, name in rows(
        home,
        "select account_id, difference_class from marts.broker_reconciliation "
        "order by account_id, trade_date",
    ):
        found.setdefault(account, []).append(name)
    assert found == expected
