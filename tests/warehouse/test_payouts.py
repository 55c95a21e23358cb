"""What traders are paid of their gains, by the terms that hold for them."""

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.desk_files import read_desk, record_desk
from ingestion.simulator import Account, Firm, serve
from ingestion.simulator.firm import Adjustment, Fill
from runtime.home import Home
from runtime.sessions import sessions_between
from tests.conftest import build_models_of, build_warehouse, make_settings, rows
from tests.exports import ExportedFill, Exports
from tests.mornings import load_morning

DAYS = sessions_between(date(2025, 1, 2), date(2025, 4, 30))
AS_OF = date(2025, 4, 3)
# Gross of each month's one round trip; it costs 10 in fees.
GROSS = {date(2025, 1, 6): 1010, date(2025, 2, 3): -390, date(2025, 3, 3): 910,
         date(2025, 4, 1): 110}  # fmt: skip
TERMS = """\
trader_id,valid_from,payout_rate,carries_loss,fees_deducted,note
CARRIES,,0.5,true,true,
ANEW,,0.5,false,true,
GROSS,,0.5,true,false,
RESET,,0.5,true,true,
LATER,2025-03-10,0.8,true,true,
NOBODY,,0.5,true,true,
PART,,0.5,true,true,
BOTH,,0.5,true,true,
MIDST,,0.5,true,true,
UNTOLD,,0.5,true,true,
UNSIZED,,0.5,true,true,
"""
# Of two accounts one is reset, of two others both; a weekend is no session.
ROLES = """\
account_id,valid_from,role,parent_account_id,reset_date,note
RESET,,trader,,2025-03-01,
PART1,,trader,,2025-03-01,
BOTH1,,trader,,2025-03-01,
BOTH2,,trader,,2025-03-01,
MIDST,,trader,,2025-03-10,
"""
ACCOUNTS = """\
account_id,valid_from,trader_id,note
PART1,,PART,
PART2,,PART,
BOTH1,,BOTH,
BOTH2,,BOTH,
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Traders of the same trades and different terms; one without any."""
    home = Home(tmp_path_factory.mktemp("payouts"))
    names = ["CARRIES", "ANEW", "GROSS", "RESET", "LATER", "NOTERMS", "PART1", "PART2",
             "BOTH1", "BOTH2", "MIDST", "UNTOLD", "UNSIZED"]  # fmt: skip
    fills = [
        Fill(
            account_name=name, filled_at=datetime.combine(day, time(10, minute)),
            side=side, quantity=Decimal(100), symbol="QQZ", price=price,
            fees={"Comm": Decimal(5)}, order_id=f"{number}{minute}",
            fill_id=f"{number}{minute}", propreports_id=1000 * number + minute,
        )
        for number, (name, day) in enumerate(
            ((name, day) for name in names for day in GROSS), start=1
        )
        for minute, side, price in (
            (0, "B", Decimal(20)), (5, "S", 20 + Decimal(GROSS[day]) / 100),
        )
    ]  # fmt: skip
    # Of a contract whose size nobody has told.
    fills += [
        Fill(
            account_name="UNSIZED", filled_at=datetime(2025, 3, 5, 10, minute),
            side=side, quantity=Decimal(1), symbol="#QQXM5", price=Decimal(20),
            fees={"Comm": Decimal(5)}, order_id=f"size{minute}",
            fill_id=f"size{minute}", propreports_id=90_000 + minute,
        )
        for minute, side in ((0, "B"), (5, "S"))
    ]  # fmt: skip
    booked = [
        Adjustment(date(2025, 1, 2), "CARRIES", "Transfer: Deposit", Decimal(50_000)),
        Adjustment(date(2025, 2, 5), "CARRIES", "Fee: Payout", Decimal(-500)),
        Adjustment(date(2025, 3, 20), "MIDST", "Fee: Desk", Decimal(-100)),
        Adjustment(date(2025, 3, 3), "UNTOLD", "HTB Chg", Decimal(-300)),
    ]
    accounts = [Account(501 + place, name) for place, name in enumerate(names)]
    firm = Firm(accounts, fills, booked, {("QQZ", day): Decimal(20) for day in DAYS})
    with serve(firm, as_of=AS_OF, rate_limit=10**6) as simulator:
        load_morning(simulator, home)
    home.desk.mkdir(exist_ok=True)
    home.desk.joinpath("payout_terms.csv").write_text(TERMS)
    home.desk.joinpath("account_roles.csv").write_text(ROLES)
    home.desk.joinpath("trader_accounts.csv").write_text(ACCOUNTS)
    settings = make_settings(risk_home=home.root)
    record_desk(home, read_desk(settings, home))
    models = "+fct_payouts +data_quality"
    build_models_of(settings, home, models=models)
    return home


@pytest.mark.parametrize(
    ("trader", "expected"),
    [
        # A gain above 1,000, 600 and 1,500; 100 of April so far.
        ("CARRIES", [500, 0, 250, 50]),
        ("ANEW", [500, 0, 450, 50]),
        ("GROSS", [505, 0, 260, 55]),
        ("RESET", [500, 0, 450, 50]),
        # What was before the terms began is not carried.
        ("LATER", [720, 80]),
        ("NOTERMS", []),
        # What one account owes the other's watermark nobody can tell after that.
        ("PART", [1000, 0, None, None]),
        ("BOTH", [1000, 0, 900, 100]),
        # 250 until the reset, and 100 less since, made good in April.
        ("MIDST", [500, 0, 250, 0]),
        ("UNTOLD", [500, 0, None, None]),
        ("UNSIZED", [500, 0, None, None]),
    ],
)
def test_the_trader_is_paid_of_what_is_above_the_watermark(
    home: Home, trader: str, expected: list[int]
) -> None:
    found = rows(
        home,
        "select payout_amount, firm_amount, total_delta, is_complete "
        f"from marts.fct_payouts where trader_id = '{trader}' order by month_start",
    )
    assert [payout for payout, *_ in found] == expected
    known = [one for one in found if one[0] is not None]
    assert all(payout + firm == total for payout, firm, total, _ in known)
    assert [is_complete for *_, is_complete in found] == [
        number < len(found) for number, _ in enumerate(found, start=1)
    ]


def test_what_was_paid_and_deposited_is_no_performance(home: Home) -> None:
    assert rows(
        home,
        "select paid_amount, performance_amount, watermark_amount "
        "from marts.fct_payouts where trader_id = 'CARRIES' "
        "and month_start = '2025-02-01'",
    ) == [(500, 600, 1000)]


def test_terms_of_nobody_are_told(home: Home) -> None:
    ((finding,),) = rows(
        home,
        "select finding from marts.data_quality where check_name = 'unused_seed_lines'",
    )
    assert finding.endswith("payout_terms.csv, line 7: NOBODY")


def test_the_peak_of_an_account_begins_anew_with_its_reset(home: Home) -> None:
    peaks = dict(
        rows(
            home,
            "select cast(trade_date as varchar), high_water_mark "
            "from marts.fct_account_equity where account_id = 'RESET'",
        )
    )
    # 600 before March, whose first day made 900 of it.
    assert [peaks[f"2025-{day}"] for day in ("01-06", "02-03", "03-03", "04-01")] == [
        1000, 1000, 1500, 1600,
    ]  # fmt: skip
    assert rows(
        home,
        "select drawdown_from_peak from marts.fct_account_equity "
        "where account_id = 'RESET' and trade_date = '2025-02-03'",
    ) == [(400,)]


def test_of_an_unknown_total_no_payout_is_said(tmp_path: Path) -> None:
    exports = Exports(tmp_path / "exports")
    at = datetime(2025, 3, 3, 10)
    exports.write(
        [
            ExportedFill("A1", at, "B", Decimal(1), Decimal(10)),
            ExportedFill("A1", at.replace(hour=11), "S", Decimal(1), Decimal(58)),
        ]
    )
    desk = tmp_path / "desk"
    desk.mkdir()
    desk.joinpath("payout_terms.csv").write_text(
        "trader_id,payout_rate,carries_loss,fees_deducted\nA1,0.5,true,true\n"
    )
    home = build_warehouse(
        tmp_path / "home", exports.folder, models="+fct_payouts", desk=desk
    )
    assert rows(
        home,
        "select payout_amount, firm_amount, unknown_days_count from marts.fct_payouts",
    ) == [(None, None, 1)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("A1,,1.5,true,true", "payout_rate: '1.5' is above 1"),
        ("A1,,-1,true,true", "payout_rate: '-1' is not a number above 0"),
        ("A1,,0.5,,true", "carries_loss: '' is empty"),
        (",,0.5,true,true", "trader_id: '' is empty"),
        ("A1,3/1/2025,0.5,true,true", "valid_from: '3/1/2025' is not a date"),
    ],
)
def test_terms_that_are_none_are_refused_with_their_line(
    tmp_path: Path, line: str, said: str
) -> None:
    header = "trader_id,valid_from,payout_rate,carries_loss,fees_deducted"
    tmp_path.joinpath("payout_terms.csv").write_text(f"{header}\n{line}\n")
    settings = make_settings(risk_home=tmp_path / "home", desk=tmp_path)
    (content,) = read_desk(settings, Home(tmp_path / "home"))
    ((number, why),) = content.refused
    assert (content.file.name, content.lines, number) == ("payout_terms", (), 2)
    assert said in why
