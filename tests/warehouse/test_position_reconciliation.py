"""Our positions against the broker's: each kind of break, and what becomes of it."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.desk_files import read_desk, record_desk
from ingestion.simulator import Account, Firm, serve
from ingestion.simulator.firm import CorporateAction, Fill
from runtime.home import Home
from runtime.sessions import sessions_between
from tests.conftest import build_models_of, build_warehouse, make_settings, rows
from tests.draws import draw
from tests.exports import ExportedFill, Exports
from tests.mornings import load_morning, load_two_books

DAYS = sessions_between(date(2025, 3, 3), date(2025, 3, 14))
AS_OF = DAYS[-1]
HELD = "QQZ"
OPTION = "+QQZ250307C00020000"
NAKED = "QQZ250307P00020000"
# Of ten shares, though its sign says a hundred; of 25, and nobody has said so.
MINI, UNSIZED = "+QQM260116C00050000", "#QQUM6"
CANADIAN = "QQC.TO"
NAMES = [
    "EQUAL", "MORE", "PRICE", "GONE", "GROWS", "OPENED", "EXPIRED", "POSTED",
    "UNLISTED", "REPEATS", "RENAMED", "SIZES", "NORATE",
]  # fmt: skip
MODELS = "+position_reconciliation +data_quality"


def fill(
    account: str, day: int, side: str, quantity, price, symbol=HELD, **more
) -> Fill:
    """A fill in the morning of a session."""
    number = next(NUMBERS)
    at = datetime.combine(DAYS[day], time(10, number % 60))
    return Fill(
        account_name=account, filled_at=at, side=side, quantity=Decimal(quantity),
        symbol=symbol, price=Decimal(price), order_id=str(number),
        fill_id=str(number), propreports_id=number, **more,
    )  # fmt: skip


NUMBERS = iter(range(1, 500))
# What both sides know of.
COMMON = [
    *[fill(name, 0, "B", 100, "10.00") for name in NAMES[:5]],
    fill("OPENED", 1, "B", 10, "10.00", symbol="QQY"),
    # Expired on Friday; one is posted on the Monday after it.
    fill("EXPIRED", 0, "B", 2, "1.50", symbol=OPTION),
    fill("EXPIRED", 0, "B", 1, "1.00", symbol=NAKED),
    fill("POSTED", 0, "B", 2, "1.50", symbol=OPTION),
    fill("POSTED", 5, "S", 2, "0", symbol=OPTION, status="EXP"),
    fill("UNLISTED", 0, "B", 10, "10.00", symbol="QQY"),
    fill("REPEATS", 0, "B", 10, "10.00", symbol="QQY"),
    fill("SIZES", 0, "S", 3, "2.00", symbol=MINI),
    fill("SIZES", 0, "B", 2, "100.00", symbol=UNSIZED),
    # OLDQ is NEWQ from the third session on, which nobody has posted or told.
    fill("RENAMED", 0, "B", 10, "1.00", symbol="OLDQ"),
    fill("RENAMED", 4, "S", 10, "1.10", symbol="NEWQ"),
]
NEW_NAME = CorporateAction("OLDQ", DAYS[2], new_symbol="NEWQ")
OURS = [
    # The broker has our fill at 9.80; another one not at all.
    fill("PRICE", 1, "B", 100, "10.00"),
    fill("UNLISTED", 3, "B", 25, "10.00"),
    fill("NORATE", 1, "B", 100, "10.00", symbol=CANADIAN, currency="CAD"),
    # Two breaks of one quantity, a week apart.
    fill("REPEATS", 1, "B", 5, "10.00"),
    fill("REPEATS", 3, "S", 5, "10.00"),
    fill("REPEATS", 7, "B", 5, "10.00"),
]
THEIRS = [
    fill("PRICE", 1, "B", 100, "9.80"),
    fill("NORATE", 1, "B", 100, "9.98", symbol=CANADIAN, currency="CAD"),
    fill("MORE", 2, "B", 50, "9.40"),
    # A break that is mended after two sessions, and one that becomes another.
    fill("GONE", 1, "S", 30, "10.00"),
    fill("GONE", 3, "B", 30, "10.00"),
    fill("GROWS", 1, "B", 10, "10.00"),
    fill("GROWS", 4, "B", 10, "10.00"),
]


def firm_of(fills: Sequence[Fill], **more) -> Firm:
    """Every account, and the closing prices."""
    accounts = [
        Account(500 + place, name, currency="CAD" if name == "NORATE" else "USD")
        for place, name in enumerate(NAMES)
    ]
    closes = {
        **{(HELD, day): Decimal("10.50") for day in DAYS},
        **{("QQY", day): Decimal("11.005") for day in DAYS},
        # A cent does not tell the size of a contract.
        **{(MINI, day): Decimal("2.01") for day in DAYS[:2]},
        **{(MINI, day): Decimal("2.40") for day in DAYS[2:]},
        **{(UNSIZED, day): Decimal("101.50") for day in DAYS},
        **{(CANADIAN, day): Decimal("10.20") for day in DAYS},
        **{(OPTION, day): Decimal("2.00") for day in DAYS[:5]},
        **{(NAKED, day): Decimal("0.50") for day in DAYS[:5]},
        **{("OLDQ", day): Decimal(1) for day in DAYS[:2]},
        **{("NEWQ", day): Decimal(1) for day in DAYS[2:]},
    }
    sizes = {OPTION: Decimal(100), MINI: Decimal(10), UNSIZED: Decimal(25)}
    rates = {("CAD", DAYS[0]): Decimal("0.70")}
    return Firm(accounts, list(fills), (), closes, sizes, exchange_rates=rates, **more)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Each case an account of its own."""
    home = Home(tmp_path_factory.mktemp("positions"))
    with (
        serve(firm_of([*COMMON, *OURS]), as_of=AS_OF, rate_limit=10**6) as ours,
        serve(
            firm_of([*COMMON, *THEIRS], corporate_actions=[NEW_NAME]),
            as_of=AS_OF, rate_limit=10**6,
        ) as theirs,
    ):  # fmt: skip
        load_two_books(ours, theirs, home)
    settings = make_settings(risk_home=home.root)
    build_models_of(settings, home, models=draw(MODELS, ""))
    return home


def breaks(home: Home, account: str) -> list[tuple]:
    """Session number, class, status, session first seen, and dollars."""
    return [
        (DAYS.index(day), name, status, DAYS.index(first) if first else None, amount)
        for day, name, status, first, amount in rows(
            home,
            "select trade_date, difference_class, status, first_seen, "
            "cast(difference_amount as decimal(18, 2)) "
            f"from marts.position_reconciliation where account_id = '{account}' "
            "and difference_class <> 'agrees' order by symbol, trade_date",
        )
    ]


def test_what_agrees_is_no_break(home: Home) -> None:
    assert breaks(home, "EQUAL") == breaks(home, "POSTED") == []
    assert rows(
        home,
        "select count(*), count(first_seen), count(owner), min(status) "
        "from marts.position_reconciliation where account_id = 'EQUAL'",
    ) == [(9, 0, 0, "agreed")]


def test_a_quantity_that_differs_is_one_break_from_the_day_it_was_first_seen(
    home: Home,
) -> None:
    # 50 at the close of 10.50.
    assert breaks(home, "MORE") == [
        (day, "position_break", "open", 2, 525) for day in range(2, 9)
    ]
    assert rows(
        home,
        "select position_quantity, broker_position_quantity, quantity_difference, "
        "broker_average_price, age_sessions_count, explanation "
        "from marts.position_reconciliation "
        f"where account_id = 'MORE' and trade_date = '{DAYS[8]}'",
    ) == [(100, 150, -50, Decimal("9.80"), 7, "the broker holds 150, we 100")]


def test_a_position_that_a_whole_list_lacks_is_a_break(home: Home) -> None:
    assert breaks(home, "UNLISTED") == [
        (day, "position_break", "open", 3, Decimal("262.50")) for day in range(3, 9)
    ]
    assert rows(
        home,
        "select distinct explanation, broker_position_quantity "
        "from marts.position_reconciliation where account_id = 'UNLISTED' "
        "and symbol = 'QQZ'",
    ) == [("the broker does not list it, we 25", 0)]


def test_prices_that_differ_are_a_break_of_the_dollars_between_them(home: Home) -> None:
    assert breaks(home, "PRICE") == [
        (day, "price_break", "open", 1, 20) for day in range(1, 9)
    ]
    assert rows(
        home,
        "select distinct explanation from marts.position_reconciliation "
        "where account_id = 'PRICE' and first_seen is not null",
    ) == [
        (
            "the broker's average price is 9.9, ours 10; "
            "the broker's unrealized is $120.00, ours $100.00",
        )
    ]


def test_a_break_is_cleared_once_it_agrees_or_is_another(home: Home) -> None:
    assert breaks(home, "GONE") == [
        (day, "position_break", "cleared", 1, 315) for day in (1, 2)
    ]
    assert breaks(home, "GROWS") == [
        *[(day, "position_break", "cleared", 1, 105) for day in (1, 2, 3)],
        *[(day, "position_break", "open", 4, 210) for day in range(4, 9)],
    ]
    assert [one[:4] for one in breaks(home, "REPEATS")] == [
        *[(day, "position_break", "cleared", 1) for day in (1, 2)],
        *[(day, "position_break", "open", 7) for day in (7, 8)],
    ]


def test_an_expired_option_is_told_from_the_session_after_it(home: Home) -> None:
    dead = breaks(home, "EXPIRED")
    assert dead == [
        # What they were bought for; one is known by its eight digits alone.
        *[(day, "dead_option", "open", 5, 300) for day in range(5, 9)],
        *[(day, "dead_option", "open", 5, 1) for day in range(5, 9)],
    ]
    assert rows(
        home,
        "select distinct explanation from marts.position_reconciliation "
        f"where symbol = '{OPTION}' and difference_class = 'dead_option'",
    ) == [("expired on 2025-03-07, which was not posted; we hold 2, the broker 2",)]


def test_a_new_symbol_that_nobody_told_is_a_break_of_both(home: Home) -> None:
    assert breaks(home, "RENAMED") == [
        *[(day, "position_break", "open", 2, 10) for day in range(2, 9)],
        *[(day, "position_break", "open", 2, 10) for day in range(2, 9)],
    ]


def test_open_breaks_are_an_alarm_with_their_dollars(home: Home) -> None:
    ((count, needs_attention, finding),) = rows(
        home,
        "select found_count, needs_attention, finding from marts.data_quality "
        "where check_name = 'position_breaks'",
    )
    assert (count, needs_attention) == (12, True)
    assert finding == (
        "positions differ from the broker's or have expired, by $1499.00 in all: "
        f"NORATE {CANADIAN}, ours 100, the broker's 100, of unknown worth (price "
        f"break, 8 sessions old); SIZES {UNSIZED}, ours 0, the broker's 2, of unknown "
        "worth (position break, 9 sessions old); "
        "MORE QQZ, ours 100, the broker's 150, $525.00 (position break, 7 sessions "
        f"old); EXPIRED {OPTION}, ours 2, the broker's 2, $300.00 (dead option, 4 "
        "sessions old); UNLISTED QQZ, ours 25, the broker's 0, $262.50 (position "
        "break, 6 sessions old) and 7 more"
    )


@pytest.mark.long
def test_a_position_older_than_the_history_is_named_as_such(tmp_path: Path) -> None:
    """100 bought before the first loaded day, and sold after it; 40 held throughout."""
    home = Home(tmp_path / "home")
    fills = [
        *COMMON,
        fill("OPENED", 0, "B", 100, "10.00"),
        fill("OPENED", 0, "T", 40, "12.00", symbol="QQY"),
        fill("OPENED", 4, "S", 100, "12.00"),
    ]
    with serve(firm_of(fills), as_of=AS_OF, rate_limit=10**6) as simulator:
        load_morning(simulator, home, history_start=DAYS[1])
    build_models_of(make_settings(risk_home=home.root), home, models=MODELS)
    found = breaks(home, "OPENED")
    assert {one[1:4] for one in found} == {("opening_position_missing", "open", 1)}
    # Of both symbols, on every session.
    assert [one[0] for one in found] == [*range(1, 9), *range(1, 9)]
    assert rows(
        home,
        "select position_quantity, broker_position_quantity, explanation "
        "from marts.position_reconciliation where account_id = 'OPENED' "
        f"and symbol = 'QQZ' and trade_date = '{DAYS[8]}'",
    ) == [
        (
            -100, 0,
            "the broker does not list it, we -100; by as much since the account's "
            "first day: it was opened before",
        )
    ]  # fmt: skip


def test_a_break_is_signed_off_once_by_its_first_day_and_amount(
    home: Home, tmp_path: Path
) -> None:
    signed = Home(shutil.copytree(home.root, tmp_path / "signed"))
    (signed.desk / "signed_off_breaks.csv").write_text(
        "account_id,trade_date,symbol,amount,signed_off_by,note\n"
        f"MORE,{DAYS[2]},QQZ,525.00,Ann,a transfer in\n"
        f"EXPIRED,{DAYS[5]},{OPTION},300,Ben,\n"
        f"GROWS,{DAYS[4]},QQZ,105,Ben,\n"
        f"PRICE,{DAYS[3]},QQZ,20,Ben,\n"
        f"EQUAL,{DAYS[3]},QQZ,0,Ben,\n"
        f"EQUAL,{DAYS[3]},QQX,1,Ben,\n"
        f"MORE,{DAYS[2]},,525,Ann,the day itself\n"
    )
    settings = make_settings(risk_home=signed.root)
    record_desk(signed, read_desk(settings, signed))
    changed = (f"stg_desk__signed_off_breaks+,{model}" for model in MODELS.split())
    build_models_of(settings, signed, models=" ".join(changed))
    assert {one[2] for one in breaks(signed, "MORE")} == {"signed_off"}
    assert rows(
        signed,
        "select distinct owner, note, age_sessions_count "
        "from marts.position_reconciliation where status = 'signed_off' "
        "and account_id = 'MORE'",
    ) == [("Ann", "a transfer in", 7)]
    told = dict(
        rows(
            signed, "select check_name, (found_count, finding) from marts.data_quality"
        )
    )
    assert told["position_breaks"][0] == 10
    assert told["signed_off_breaks"][1] == (
        "differences from the broker's own figures are signed off, $825.00 in all: "
        f"EXPIRED {OPTION} of {DAYS[5]} by Ben; MORE QQZ of {DAYS[2]} by Ann"
    )
    assert told["unused_sign_offs"][1] == (
        "lines of signed_off_breaks.csv sign off no break: "
        f"line 4, GROWS QQZ of {DAYS[4]}, which differs by 210.00, not 105.00; "
        f"line 5, PRICE QQZ of {DAYS[3]}, which differs since {DAYS[1]}; "
        f"line 6, EQUAL QQZ of {DAYS[3]}, which agrees; "
        f"line 7, EQUAL QQX of {DAYS[3]}, which nobody holds; "
        f"line 8, MORE of {DAYS[2]}, which differs by 0.00, not 525.00"
    )


def test_of_files_nothing_agrees_for_nothing_was_compared(tmp_path: Path) -> None:
    at = datetime.combine(DAYS[0], time(10))
    fills = [
        ExportedFill("A1", at, "B", Decimal(1), Decimal("2.00"), symbol=OPTION),
        ExportedFill("A1", at, "B", Decimal(10), Decimal("2.00")),
    ]
    exports = Exports(tmp_path / "exports").write(fills)
    home = build_warehouse(
        tmp_path / "home", exports.folder, models=MODELS, as_of=AS_OF, gate="warn"
    )
    found = rows(
        home,
        "select symbol, difference_class, status, count(*) "
        "from marts.position_reconciliation group by all order by all",
    )
    # The symbol alone tells that it has expired.
    assert found == [
        (OPTION, "dead_option", "open", 4),
        (OPTION, "not_compared", None, 5),
        ("ABC", "not_compared", None, 9),
    ]
    assert rows(
        home,
        "select found_count from marts.data_quality where check_name = 'stale_marks'",
    ) == [(0,)]


@pytest.mark.long
def test_a_broker_that_never_sends_positions_agrees_with_nothing(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path / "home")
    ours = firm_of([fill("EQUAL", 0, "B", 100, "10.00")])
    with (
        serve(ours, as_of=AS_OF, rate_limit=10**6) as one,
        serve(replace(ours, fills=[]), as_of=AS_OF, rate_limit=10**6) as other,
    ):
        load_two_books(one, other, home, gate="warn")
    build_models_of(make_settings(risk_home=home.root), home, models=MODELS)
    assert rows(
        home,
        "select distinct difference_class, status, broker_position_quantity "
        "from marts.position_reconciliation",
    ) == [("not_compared", None, None)]


def test_the_size_of_a_contract_is_held_against_the_brokers_prices(home: Home) -> None:
    sizes = rows(
        home,
        "select trade_date, multiplier, broker_multiplier, multiplier_differs, "
        "explanation from marts.position_reconciliation where account_id = 'SIZES' "
        f"and symbol = '{MINI}' order by trade_date",
    )
    # -3 x (2.01 - 2.00) x 10 = -0.30, which two cents of rounding leave open.
    assert [size[1:4] for size in sizes[:2]] == [(100, None, False)] * 2, sizes
    # -3 x (2.40 - 2.00) x 10 = -12.
    assert [size[1:] for size in sizes[2:]] == [
        (
            100, 10, True,
            "the broker's unrealized is $-12.00, ours $-120.00; by its prices a "
            "contract is worth 10, ours 100",
        )
    ] * len(DAYS[2:9])  # fmt: skip
    told = dict(
        rows(
            home,
            "select check_name, finding from marts.data_quality "
            "where check_name in ('contract_sizes', 'no_multiplier') "
            "and found_count = 1",
        )
    )
    assert told["contract_sizes"].endswith(
        f": {MINI} of SIZES on {DAYS[8]} 10, not 100 (line: +QQM,option,10,,)"
    )
    # 2 x (101.50 - 100.00) x 25 = 75.
    assert told["no_multiplier"].endswith(
        "#QQU,future,SIZE,, for 1 fills of 1 accounts, dollars 200.00 times SIZE "
        "(SIZE is 25 by the broker's prices and unrealized)"
    )


def test_without_a_rate_a_difference_is_told_in_the_accounts_currency(
    home: Home,
) -> None:
    assert rows(
        home,
        "select distinct difference_class, difference_amount, unrealized_pnl, "
        "explanation from marts.position_reconciliation where account_id = 'NORATE'",
    ) == [
        (
            "price_break", None, None,
            "the broker's average price is 9.98, ours 10; the broker's unrealized is "
            "CAD 22.00, ours CAD 20.00",
        )
    ]  # fmt: skip
