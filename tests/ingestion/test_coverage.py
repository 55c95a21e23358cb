"""How far each account has been read: whoever comes late, or back, leaves no hole."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.accounts import account_code
from ingestion.history import rebuild
from ingestion.simulator import Account, Fault, Firm, serve
from ingestion.simulator.firm import Adjustment, Fill
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import sessions_between
from runtime.warehouse import read_run_context
from tests.conftest import make_settings, rows
from tests.exports import ExportedFill, Exports
from tests.mornings import held_fills, load_from, load_morning, shown_fills

DAYS = sessions_between(date(2025, 1, 2), date(2025, 3, 18))
FREE = {"rate_limit": 10**6}
ONE, TWO = Account(501, "ZA1"), Account(502, "ZB2")


def trips(name: str, days: list[date], first_id: int) -> list[Fill]:
    """A bought and a sold fill a day."""
    return [
        Fill(
            account_name=name,
            filled_at=datetime.combine(day, time(10, minute)),
            side=side,
            quantity=Decimal(100),
            symbol="QQZ",
            price=Decimal(20),
            fees={"Comm": Decimal("0.5")},
            order_id=f"O{first_id + 2 * number + minute}",
            fill_id=f"F{first_id + 2 * number + minute}",
            propreports_id=first_id + 2 * number + minute,
        )
        for number, day in enumerate(days)
        for minute, side in enumerate("BS")
    ]


OF_ONE, OF_TWO = trips("ZA1", DAYS, 1000), trips("ZB2", DAYS, 5000)
ALONE, BOTH = Firm([ONE], OF_ONE), Firm([ONE, TWO], OF_ONE + OF_TWO)


def load_on(firm: Firm, home: Home, morning: date, **options: object) -> None:
    """A morning of a firm; in the end the warehouse holds what it shows."""
    with serve(firm, as_of=morning, **FREE) as simulator:
        load_morning(simulator, home, **options)


def assert_whole(firm: Firm, home: Home, morning: date) -> None:
    with serve(firm, as_of=morning, **FREE) as simulator:
        assert held_fills(home) == shown_fills(simulator)


@pytest.mark.long
def test_a_backfill_does_not_make_a_new_account_known(tmp_path: Path) -> None:
    home, morning = Home(tmp_path / "home"), date(2025, 3, 19)
    load_on(ALONE, home, date(2025, 3, 18))
    window = (date(2025, 3, 10), date(2025, 3, 12))
    load_on(BOTH, home, morning, window=window)
    load_on(BOTH, home, morning)
    assert_whole(BOTH, home, morning)


def test_an_account_that_comes_back_leaves_no_hole(tmp_path: Path) -> None:
    home, morning = Home(tmp_path / "home"), date(2025, 3, 19)
    load_on(BOTH, home, date(2025, 2, 20))
    load_on(ALONE, home, date(2025, 3, 10))
    load_on(BOTH, home, morning)
    assert_whole(BOTH, home, morning)


@pytest.mark.long
def test_a_stopped_load_begins_anew_when_other_accounts_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.pipeline.SLICE_ROWS", 20)
    home, morning = Home(tmp_path / "home"), date(2025, 3, 19)
    with serve(ALONE, as_of=date(2025, 3, 18), **FREE) as simulator:
        simulator.faults.once(Fault.ERROR, action="fills", after=2)
        with pytest.raises(UserError, match="refused `fills`"):
            load_morning(simulator, home)
    assert rows(home, "select count(*) > 0 from raw.load_progress") == [(True,)]
    load_on(BOTH, home, morning)
    assert_whole(BOTH, home, morning)


@pytest.mark.long
def test_an_unfinished_load_belongs_to_its_firm(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    old = Firm([ONE], [x for x in OF_ONE if x.filled_at.date() < date(2025, 2, 20)])
    with serve(old, as_of=date(2025, 3, 18), **FREE) as simulator:
        with pytest.raises(UserError, match="sessions, more than 5"):
            load_morning(simulator, home)
        # The same again, with the gate set to warn, reads no month twice.
        asked = len(simulator.requests)
        load_morning(simulator, home, gate="warn")
        months = [x for action, x in simulator.requests[asked:] if action == "fills"]
        assert {fields["startDate"][:7] for fields in months} == {"2025-03"}
    assert_whole(old, home, date(2025, 3, 18))


@pytest.mark.long
def test_another_firm_is_refused_though_nothing_was_finished(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    old = Firm([ONE], [x for x in OF_ONE if x.filled_at.date() < date(2025, 2, 20)])
    with serve(old, as_of=date(2025, 3, 18), **FREE) as simulator:
        with pytest.raises(UserError, match="sessions, more than 5"):
            load_morning(simulator, home)
        now = simulator.now
        with pytest.raises(UserError, match="holds api data of simulated firm"):
            load_from(
                simulator.url,
                simulator.user,
                simulator.password,
                now,
                home,
                firm="another firm",
            )


@pytest.mark.long
def test_history_start_bounds_what_a_new_account_brings(tmp_path: Path) -> None:
    home, start = Home(tmp_path / "home"), date(2025, 3, 3)
    load_on(ALONE, home, date(2025, 3, 18), history_start=start)
    load_on(BOTH, home, date(2025, 3, 19), history_start=start)
    first = rows(home, "select min(trade_date) from raw.fills")
    assert first == [(start,)]


@pytest.mark.long
def test_a_recycled_name_is_not_mixed_up_on_an_earlier_morning(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    load_on(ALONE, home, date(2025, 3, 18))
    renamed = [replace(x, account_name="ZA1_OLD") for x in OF_ONE]
    newcomer = trips("ZA1", [date(2025, 3, 14), date(2025, 3, 18)], 9000)
    accounts = [Account(501, "ZA1_OLD"), Account(503, "ZA1")]
    load_on(Firm(accounts, renamed + newcomer), home, date(2025, 3, 19))
    past = home.past(date(2025, 3, 18))
    rebuild(home, past, read_run_context(home), date(2025, 3, 18))
    ids = "select account_number, account_id from raw.account_ids order by 1"
    (_, first), (_, second) = rows(past, ids)
    assert (first, second) == ("ZA1", rows(home, ids)[1][1])
    assert first != second
    assert rows(
        past,
        "select account_number, count(*) from raw.day_versions "
        "where resource = 'fills' group by 1 order by 1",
    ) == [("501", len({x.filled_at.date() for x in OF_ONE} - {DAYS[-1]})), ("503", 1)]
    seen = rows(past, "select max(last_seen_at) from raw.account_versions")
    assert seen[0][0] < datetime(2025, 3, 18, 14)


@pytest.mark.long
def test_a_comment_that_says_no_data_is_a_comment(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    comment = "No data available for QQZ"
    adjustment = Adjustment(DAYS[-2], "ZA1", "Fee: Data", Decimal(-3), comment)
    firm = replace(ALONE, adjustments=[adjustment])
    load_on(firm, home, date(2025, 3, 18))
    assert rows(home, "select amount from raw.adjustments") == [(Decimal(-3),)]
    kept = "select cell, is_known from raw.extra_cells where column_name = 'Comment'"
    assert rows(home, kept) == [(comment, True)]


def exported(account: str, day: int, **more: object) -> ExportedFill:
    return ExportedFill(
        account, datetime(2025, 3, day, 10), "B", Decimal(100), Decimal(20), **more
    )


def load_files(folder: Path, home: Home) -> object:
    from ingestion.pipeline import bring_up_to_date

    settings = make_settings(
        source="files", exports=folder, risk_home=home.root, firm="files"
    )
    return bring_up_to_date(settings)


@pytest.mark.long
def test_a_code_is_no_other_accounts_name_in_fills(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    both = [exported("ZZA001", 3), exported("ZZA001-OP", 3)]
    exports = Exports(tmp_path / "exports").write(both)
    load_files(exports.folder, home)
    # The account is no longer listed; its fills are in the files as before.
    listing = exports.folder / "accounts.csv"
    listing.write_text("Account Id,Account Name\n501,ZZA001-OP\n")
    load_files(exports.folder, home)
    assert rows(
        home,
        "select account_number, count(*) from raw.day_versions "
        "where resource = 'fills' group by 1 order by 1",
    ) == [("500", 1), ("501", 1)]


def test_a_day_that_cannot_be_read_any_more_is_not_gone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    exports = Exports(tmp_path / "exports").write(exported("A1", day) for day in (3, 4))
    load_files(exports.folder, home)
    file = next((exports.folder / "fills").glob("*.csv"))
    file.write_text(
        file.read_text().replace(
            "03/04/2025 10:00:00,A1,B,100", "03/04/2025 10:00:00,A1,B,n/a"
        )
    )
    load_files(exports.folder, home)
    assert len(held_fills(home)) == 2
    assert rows(home, "select column_name from raw.quarantine") == [("Qty",)]


@pytest.mark.long
def test_an_export_of_one_page_of_several_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    exports = Exports(tmp_path / "exports").write([exported("A1", 3)])
    file = next((exports.folder / "fills").glob("*.csv"))
    whole = file.read_text()
    file.write_text(whole + "Page 1/12\n")
    with pytest.raises(UserError, match="ends with `Page 1/12`"):
        load_files(exports.folder, home)
    file.write_text(whole + "Page 1/1\n")
    load_files(exports.folder, home)
    assert rows(home, "select count(*) from raw.quarantine") == [(0,)]


# Midnight at the end of a day, which is not the next day.
MIDNIGHTS = ("2025-03-03 24:00:00", "3/3/25 24:00:00")


@pytest.fixture(scope="module")
def read_once(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Cells that are written in many ways, each kind in accounts of its own."""
    folder = tmp_path_factory.mktemp("read_once")
    exports = Exports(folder / "exports").write(
        [
            *(exported(x, 6) for x in ("A1", "A2", "A3")),
            exported("FEES", 3),
            *(exported(x, day) for x in ("NIGHT1", "NIGHT2") for day in (3, 4)),
        ]
    )
    files = exports.folder / "fills"
    (files / "503.csv").write_text(
        "Date/Time,Account,B/S,Qty,Symbol,Price,Comm,Ecn Fee,Liq,Order Id,Fill Id\n"
        "03/03/2025 10:00:00,FEES,B,1,ABC,2,0.50,-0.20,R,O1,F1\n"
    )
    for name, text in zip(("504.csv", "505.csv"), MIDNIGHTS, strict=True):
        file = files / name
        file.write_text(file.read_text().replace("03/03/2025 10:00:00", text))
    summaries = exports.folder / "summaryByDate"
    summaries.mkdir()
    for name, columns, *lines in (
        (
            "A1",
            "Comm,Ecn Fee,SEC,Fee: VAT,Adj Fees",
            '3/3/2025,Eq,0,1233.50,0,"$1,234.50",($1.25),+.25,9.00,9.00',
            "3/4/2025,Eq,0,0.00,0,0.00,-,,0,0",
            "3/5/2025,Eq,0,2.00,0,0.00,,,9.00,0",
        ),
        ("A2", "Comm,Locates", "3/5/2025,Eq,0,2.00,0,1.00,1.00"),
        ("A3", "Comm", "3/6/2025,Eq,0,2.00,0,two"),
    ):
        header = f"Date,Type,Gross,Trade Fees,Net,{columns}"
        (summaries / f"{name}.csv").write_text("\n".join([header, *lines]))
    home = Home(folder / "home")
    load_files(exports.folder, home)
    return home


def test_fees_are_found_by_name_wherever_they_stand(read_once: Home) -> None:
    of = "where account_number = '503'"
    assert rows(read_once, f"select total_fees from raw.fills {of}") == [
        (Decimal("0.30"),)
    ]
    fees = dict(rows(read_once, f"select fee_name, amount from raw.fill_fees {of}"))
    assert fees == {"comm": Decimal("0.50"), "ecn_fee": Decimal("-0.20")}


def test_fee_columns_of_the_summary_are_amounts_and_add_up(read_once: Home) -> None:
    """In every way PropReports writes them; adjustments are no fees.

    Unknown are the sum of fees without a column, beside a column that nobody has
    declared, and of a cell that is no amount.
    """
    home = read_once
    day = "account_number, cast(trade_date as varchar)"
    assert rows(
        home, f"select {day}, fee_columns_amount from raw.broker_days order by all"
    ) == [
        ("500", "2025-03-03", Decimal("1233.50")),
        ("500", "2025-03-04", 0),
        ("500", "2025-03-05", None),
        ("501", "2025-03-05", None),
        ("502", "2025-03-06", None),
    ]
    assert rows(
        home, f"select {day}, fee_name, amount from raw.broker_fees order by all"
    ) == [
        ("500", "2025-03-03", "comm", Decimal("1234.50")),
        ("500", "2025-03-03", "ecn_fee", Decimal("-1.25")),
        ("500", "2025-03-03", "sec", Decimal("0.25")),
        ("501", "2025-03-05", "comm", 1),
        ("502", "2025-03-06", "comm", None),
    ]
    assert rows(
        home, "select column_name, cell, is_known from raw.extra_cells order by all"
    ) == [
        ("Adj Fees", "9.00", True),
        ("Comm", "two", True),
        ("Fee: VAT", "9.00", True),
        ("Fee: VAT", "9.00", True),
        ("Locates", "1.00", False),
    ]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ZZA001", "ZZA001"), ("ZZA001-OP Jane Roe", "ZZA001-OP"), ("DESK", "DESK"),
        ("zza1 Roe", "zza1"), (" ZZA001 (Roe)", "ZZA001"), ("DESK Roe", ""),
        ("desk", ""), ("Jane Roe", ""), ("Zza1", ""), ("(Roe) ZZA001", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_code_of_an_account_is_no_persons_name(name: str, code: str) -> None:
    assert account_code(name) == code


@pytest.mark.long
def test_what_dlt_left_half_written_is_in_nobodys_way(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    exports = Exports(tmp_path / "exports").write([exported("A1", 3)])
    load_files(exports.folder, home)
    for path in home.dlt.rglob("*.json"):
        path.write_text("")
    Exports(tmp_path / "exports", exports.accounts).write(
        [exported("A1", day) for day in (3, 4)]
    )
    load_files(exports.folder, home)
    assert len(held_fills(home)) == 2


def test_midnight_at_the_end_of_a_day_is_not_the_next_day(read_once: Home) -> None:
    refused = "select cell from raw.quarantine where resource = 'fills' order by cell"
    assert rows(read_once, refused) == [(text,) for text in MIDNIGHTS]


def test_a_home_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(UserError, match="cannot be written"), Home(blocked).locked():
        pass


def test_a_refused_log_in_repeats_nothing_of_the_answer(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with serve(ALONE, as_of=date(2025, 3, 18), **FREE) as simulator:
        answer = simulator.answer
        password = "P&ss'w@rd1"
        echo = f"Bad: password={password} P%26ss%27w%40rd1 P&amp;ss&#x27;w@rd1"

        def echoing(fields: dict) -> tuple:
            is_login = fields.get("action") == "login"
            return (500, echo) if is_login else answer(fields)

        simulator.answer = echoing
        with pytest.raises(UserError) as caught:
            load_from(simulator.url, simulator.user, password, simulator.now, home)
    assert "refused the log-in" in str(caught.value)
    assert "ss" not in str(caught.value).replace("pass", "").replace("PASS", "")


@pytest.mark.long
def test_a_blank_answer_takes_nothing_away(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path / "home")
    with serve(ALONE, as_of=date(2025, 3, 18), **FREE) as simulator:
        load_morning(simulator, home)
        before = held_fills(home)
        simulator.as_of = date(2025, 3, 18) + timedelta(days=1)
        simulator.faults.once(Fault.EMPTY, action="fills", times=100)
        with pytest.raises(UserError, match="without even a header"):
            load_morning(simulator, home)
        assert held_fills(home) == before
        simulator.faults.clear()
        simulator.faults.once(Fault.EMPTY, action="positions", times=100)
        load_morning(simulator, home)
    marks = rows(home, "select count(*) from raw.day_versions where rows_count = 0")
    assert marks == [(0,)]
    found = rows(home, "select resource, reason from raw.quarantine")
    assert found == [
        ("positions", "came without even a header, though there were rows before")
    ]
