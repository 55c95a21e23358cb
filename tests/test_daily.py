"""The whole line as a person runs it: processes, exit codes, one clear line."""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Timer

import pytest

from ingestion.simulator import (
    Fault,
    Ledger,
    sample_firm,
    sample_revisions,
    serve,
)
from ingestion.simulator.rates import Spots
from ingestion.sources import SAMPLE_FIRST, SAMPLE_LAST
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import sessions_between
from tests.conftest import (
    PROJECT_ROOT,
    REAL_DATA,
    Run,
    SampleRun,
    rows,
    run_daily,
    start_daily,
)
from tests.desks import some_of
from tests.draws import draw
from tests.in_process import call_daily
from tests.ingestion.test_simulator_edge_cases import edge_case_firm
from tests.tables import differing

STEPS = [
    "ingest", "freshness", "build", "train", "score", "risk", "publish", "report",
    "board",
]  # fmt: skip


# When a row was seen last.
SEEN = ("last_seen_at", "last_listed_at")


def test_the_sample_runs_from_nothing_and_says_what_it_does(sample: SampleRun) -> None:
    lines = sample.run.out.splitlines()
    shown = [line.split()[1] for line in lines if line.startswith("[")]
    assert shown == STEPS
    assert "Where to look next" in sample.run.out
    assert not sample.run.err
    assert (sample.home.published / "current" / "daily_totals.parquet").exists()


def test_every_account_day_equals_the_simulators_own_ledger(sample: SampleRun) -> None:
    """The broker's summary comes from a queue per fill, ours from SQL."""
    compared = rows(
        sample.home,
        "select difference_class, count(*), max(abs(gross_difference)), "
        "max(abs(fees_difference)) from marts.broker_reconciliation group by 1",
    )
    assert [name for name, *_ in compared] == ["within_rounding"]
    assert compared[0][1] > 5_000
    # The summary shows cents, one instrument type a row.
    assert max(compared[0][2:]) <= Decimal("0.015")


def test_what_every_account_is_worth_is_the_simulators_own_books(
    sample: SampleRun,
) -> None:
    """Cash, unrealized, end balance and positions of all dates, to the last digit.

    An account of another currency is shown in dollars: to a millionth of one.
    """
    sessions = sessions_between(SAMPLE_FIRST, SAMPLE_LAST)
    firm = sample_firm(sessions)
    for revision in sample_revisions(sessions):
        firm = revision.apply(firm)
    ledger, spots = Ledger(firm, SAMPLE_LAST), Spots(firm.exchange_rates)
    books = {
        (account.name.split()[0], day.date): day
        for account in firm.accounts
        for day in ledger.days(account.name, SAMPLE_FIRST, SAMPLE_LAST)
    }
    currencies = {x.name.split()[0]: x.currency for x in firm.accounts}
    found = rows(
        sample.home,
        "select account_id, trade_date, currency, exchange_rate, cash_amount, "
        "unrealized_pnl, end_balance from marts.fct_account_equity",
    )
    assert {(who, day) for who, day, *_ in found} == books.keys()
    for who, day, currency, rate, *figures in found:
        own = books[who, day]
        assert currency == currencies[who]
        assert rate == spots.spot(currency, "USD", day)
        for figure, amount in zip(
            figures, (own.cash, own.unrealized, own.end_balance), strict=True
        ):
            off = abs(figure - amount * rate)
            assert off <= (Decimal("1e-6") if currency != "USD" else 0), (who, day)
    assert {
        (who, day, symbol): quantity
        for who, day, symbol, quantity in rows(
            sample.home,
            "select account_id, trade_date, symbol, position_quantity "
            "from marts.position_reconciliation where difference_class = 'agrees'",
        )
    } == {
        (*key, x.symbol): x.position
        for key, day in books.items()
        for x in day.symbol_days
        if x.position
    }
    alarms = "where found_count > 0 and needs_attention"
    for mart in ("data_quality", "model_health"):
        assert rows(sample.home, f"select finding from marts.{mart} {alarms}") == []


def test_the_sample_shows_what_surrounds_fills(sample: SampleRun) -> None:
    home = sample.home
    classes = "select distinct adjustment_class from marts.fct_adjustments"
    assert {name for (name,) in rows(home, classes)} == {
        "transfer", "software", "market_data", "desk_fee", "locate", "dividend",
        "payout",
    }  # fmt: skip
    roles = "select distinct account_role from marts.daily_totals"
    assert {name for (name,) in rows(home, roles)} == {
        "trader", "master", "sub", "house", "demo",
    }  # fmt: skip
    # What was posted for the splits moves nothing again; the new symbol was not posted.
    posted = "select symbol, count(*) from marts.fct_fills where is_corporate_action"
    assert dict(rows(home, f"{posted} group by 1")) == {
        "QSPA": 2, "QSPB": 1, "QSPC": 2,
    }  # fmt: skip
    # Three currencies in one account, each fill's named, and evenings of futures.
    currencies = "select distinct currency from marts.fct_fills where account_id = "
    assert {x for (x,) in rows(home, f"{currencies}'SIMC01'")} == {"CAD", "JPY", "USD"}
    evenings = "select count(*), min(trade_date - calendar_date) from marts.fct_fills "
    assert rows(home, f"{evenings} where trade_date > calendar_date") == [(21, 1)]
    # What was paid is what the terms of the month before said.
    due = dict(
        rows(
            home,
            "select (trader_id, month_start + interval 1 month), payout_amount "
            "from marts.fct_payouts where is_complete and payout_amount > 0",
        )
    )
    paid = dict(
        rows(
            home,
            "select (trader_id, date_trunc('month', trade_date)), -adjustment_amount "
            "from marts.fct_adjustments where adjustment_class = 'payout'",
        )
    )
    assert due
    assert sorted(due.values()) == sorted(paid.values())


def test_the_cast_of_the_sample_gets_the_calls_it_should(sample: SampleRun) -> None:
    traders = {
        trader: (basis, accounts, days)
        for trader, basis, accounts, days in rows(
            sample.home,
            "select trader_id, forecast_basis, accounts_count, traded_days_count "
            "from marts.trader_status",
        )
    }
    assert traders["SIM009"][1] == 2  # the seed joins SIM009_OLD to it
    assert "SIM009_OLD" not in traders
    bases = [basis for basis, _, _ in traders.values()]
    assert bases.count("inactive") == 1
    assert bases.count("too_little_history") == 1
    # One of them has adjustments.
    assert bases.count("never_traded") == 2
    newcomers = [days for basis, _, days in traders.values() if basis == "global_model"]
    assert newcomers == [12]
    levels = rows(
        sample.home,
        "select risk_level, count(*), count(predicted_pnl) from marts.risk_calls "
        "where risk_level = 'Unknown' group by 1",
    )
    assert levels == [("Unknown", 1, 0)]
    assert rows(
        sample.home, "select distinct prediction_date from marts.risk_calls"
    ) == [(date(2025, 12, 19),)]


@dataclass(frozen=True)
class SmallRun:
    """A small firm's morning over its API.

    Attributes:
        settings: Of its runs; credentials come from the environment.
        run: What its first run said.
    """

    home: Home
    settings: dict[str, object]
    run: Run


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallRun]:
    """A run from nothing, over real HTTP."""
    today, home = date.today(), Home(tmp_path_factory.mktemp("small"))
    sessions = sessions_between(today - timedelta(days=100), today - timedelta(days=1))
    firm = some_of(sample_firm(sessions, 3), draw(3, 5))
    with serve(firm, as_of=today) as simulator:
        settings = {
            "RISK_HOME": home.root,
            "PROPREPORTS_URL": simulator.url,
            "API_USER": simulator.user,
            "API_PASSWORD": simulator.password,
        }
        yield SmallRun(home, settings, call_daily("run", **settings))


def test_the_api_source_is_the_same_line(small: SmallRun) -> None:
    """A firm's API, with credentials from the environment."""
    assert small.run.code == 0, small.run.err
    assert "SAMPLE DATA" not in small.run.out
    compared = rows(
        small.home,
        "select difference_class, count(*) from marts.broker_reconciliation group by 1",
    )
    assert [name for name, _ in compared] == ["within_rounding"]
    written = b"".join(
        path.read_bytes() for path in small.home.root.rglob("*") if path.is_file()
    )
    assert str(small.settings["API_PASSWORD"]).encode() not in written


def test_a_past_morning_answers_like_any_other(small: SmallRun) -> None:
    as_of = date.today() - timedelta(days=9)
    settings = small.settings | {"AS_OF": as_of}
    run = call_daily("run", **settings)
    assert run.code == 0, run.err
    command = f"make predictions RISK_HOME={small.home.root} AS_OF={as_of}"
    assert f"ask        {command}" in run.out
    trader = rows(
        small.home.past(as_of), "select max(trader_id) from marts.risk_calls"
    )[0][0]
    for question in (
        ("predictions",),
        ("explain",),
        ("stats",),
        ("sql", "--query", "select as_of_date from published_at"),
    ):
        answer = call_daily(*question, **settings)
        assert answer.code == 0, answer.err
        assert str(as_of) in answer.out
    answer = call_daily("explain", "--trader", trader, **settings)
    assert answer.code == 0, answer.err
    assert re.search(r"^  traded .* to (.*);", answer.out, re.M)[1] < str(as_of)
    answer = call_daily("predictions", **small.settings)
    latest = rows(small.home, "select as_of from raw.run_context")[0][0]
    assert f"as of the morning of {latest}" in answer.out


@pytest.mark.long
def test_each_step_runs_alone_and_a_second_time_changes_nothing(
    small: SmallRun, tmp_path: Path
) -> None:
    before = shutil.copy(small.home.warehouse, tmp_path)
    (page,) = small.home.reports.glob("*/report.html")
    report = page.read_bytes()
    said = {}
    for step in STEPS:
        run = call_daily(step, **small.settings)
        assert run.code == 0, run.err
        assert run.out.splitlines()[-1].startswith(f"[1/1] {step}")
        said[step] = run.out
    assert "account-days: 0 new, 0 corrected, 0 gone" in said["ingest"]
    assert "up to date" in said["train"]
    assert differing(before, small.home.warehouse, but=SEEN) == {}
    assert page.read_bytes() == report


@pytest.mark.long
def test_a_second_run_of_the_sample_changes_nothing(
    sample: SampleRun, tmp_path: Path
) -> None:
    before = shutil.copy(sample.home.warehouse, tmp_path)
    page = sample.home.reports / "2025-12-19" / "report.html"
    report = page.read_bytes()
    again = call_daily("run", SOURCE="sample", RISK_HOME=sample.home.root)
    assert again.code == 0, again.err
    assert "account-days: 0 new, 0 corrected, 0 gone" in again.out
    assert again.out.count("nothing has changed since") == 4
    # The sample was made in a folder of another name.
    seen = (*SEEN, "folder")
    assert differing(before, sample.home.warehouse, but=seen) == {}
    assert page.read_bytes() == report


def test_a_home_that_is_a_link_to_itself_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to("home")
    for command in ("run", "status", "doctor"):
        run = call_daily(command, RISK_HOME=tmp_path / "home")
        assert run.code == 1
        said = run.err or run.out
        assert "is no place: Symlink loop" in said
        assert said.count("\n") == 1


def test_two_runs_at_once_one_works_and_the_other_says_who_does(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.locked():
        run = run_daily("run", SOURCE="sample", RISK_HOME=tmp_path)
    assert run.code == 1
    assert "Another run is writing" in run.err
    assert not home.warehouse.exists()


@pytest.mark.parametrize("then", ["names itself", "ends"])
def test_a_lock_that_has_just_been_taken_is_asked_again(
    tmp_path: Path, then: str
) -> None:
    with (tmp_path / "lock").open("a+") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)

        def go_on() -> None:
            if then == "ends":
                fcntl.flock(holder, fcntl.LOCK_UN)
            else:
                holder.write("4711 1")
                holder.flush()

        timer = Timer(0.1, go_on)
        timer.start()
        refused = (
            nullcontext()
            if then == "ends"
            else pytest.raises(UserError, match=r"\(process 4711\)")
        )
        with refused, Home(tmp_path).locked():
            assert Home(tmp_path).lock_holder() == os.getpid()
        timer.join()


@pytest.mark.long
def test_of_two_processes_started_at_once_one_works(tmp_path: Path) -> None:
    with serve(edge_case_firm(), rate_limit=10**6) as simulator:
        # So that the first one is still at work when the second one comes.
        simulator.faults.delay_seconds = 8
        simulator.faults.once(Fault.TIMEOUT, action="accounts")
        both = [
            start_daily(
                "ingest",
                RISK_HOME=tmp_path,
                PROPREPORTS_URL=simulator.url,
                API_USER=simulator.user,
                API_PASSWORD=simulator.password,
                GATE="warn",
            )
            for _ in range(2)
        ]
        texts = [process.communicate(timeout=300) for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 1], texts
    worked, left = both[codes.index(0)], texts[codes.index(1)]
    out, err = left
    assert out == ""
    assert err.count("\n") == 1
    assert f"Another run is writing to {tmp_path}" in err
    assert f"process {worked.pid})" in err
    assert rows(Home(tmp_path), "select count(*) from raw.run_context") == [(1,)]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"AS_OF": "2024-13-01"}, "AS_OF is not a date"),
        ({"SOURCE": "ftp"}, "SOURCE"),
        ({"SOURCE": "files"}, "needs EXPORTS="),
        ({"SOURCE": "files", "EXPORTS": "/nowhere"}, "no folder /nowhere"),
        ({"SOURCE": "api"}, "needs PROPREPORTS_URL"),
        ({"PROPREPORTS_URL": "https://x.test/api.php"}, "needs API_TOKEN, or API_USER"),
        (
            {"PROPREPORTS_URL": "http://127.0.0.1:9/api.php", "API_TOKEN": "topsecret"},
            "does not answer at 127.0.0.1:9",
        ),
        ({"EMAIL_FROM": "a@x.test"}, "EMAIL_PASSWORD and EMAIL_TO must be set"),
        ({"SMTP_URL": "mail.example.org"}, "SMTP_URL"),
        ({"PROPREPORTS_URL": "http://x.test/", "API_TOKEN": "topsecret"}, "https://"),
        ({"AS_OF": "2999-01-01"}, "is in the future"),
        ({"EXPORTS": "/nowhere"}, "no folder /nowhere"),
        ({"MEMORY_LIMIT": "lots"}, "MEMORY_LIMIT"),
        ({"RISK_HOME": "~nobody_of_this_name/home"}, "RISK_HOME=~nobody_of_this_"),
    ],
)
def test_bad_settings_are_one_line_and_exit_code_one(
    tmp_path: Path, environment: dict, message: str
) -> None:
    run = call_daily("run", **{"RISK_HOME": tmp_path, **environment})
    assert run.code == 1
    assert message in run.err
    assert run.err.count("\n") == 1
    assert "topsecret" not in run.err
    assert not Home(tmp_path).warehouse.exists()


def test_a_developers_env_file_does_not_reach_the_tests(tmp_path: Path) -> None:
    planted = tmp_path / "planted.env"
    planted.write_text("AS_OF=nonsense\n")
    home = tmp_path / "home"
    run = run_daily("score", SOURCE="sample", RISK_HOME=home, RISK_ENV_FILE=planted)
    assert "AS_OF is not a date" in run.err
    run = run_daily("score", SOURCE="sample", RISK_HOME=home)
    assert "AS_OF" not in run.err.split("Run")[0]


def test_a_step_before_any_run_says_what_to_do(tmp_path: Path) -> None:
    run = call_daily("score", SOURCE="sample", RISK_HOME=tmp_path)
    assert run.code == 1
    assert "make daily" in run.err


@pytest.mark.long
@pytest.mark.skipif(
    not REAL_DATA.is_dir(), reason=f"no real data beside the project ({REAL_DATA})"
)
def test_real_exports_come_to_the_brokers_own_figures(tmp_path: Path) -> None:
    run = call_daily(
        "run", SOURCE="files", EXPORTS=REAL_DATA, RISK_HOME=tmp_path, AS_OF="2026-01-01"
    )
    assert run.code == 0, run.err
    home = Home(tmp_path)
    assert rows(home, "select count(*) from raw.fills") == [(117_128,)]
    assert rows(
        home,
        "select difference_class, account_id like 'PR%', count(*) "
        "from marts.broker_reconciliation group by all order by all",
    ) == [
        # The broker books the opening fill's fee on the closing day of six.
        ("opening_booked_at_close", True, 6),
        ("within_rounding", False, 1_729),
        ("within_rounding", True, 141),
    ]
    assert rows(
        home,
        "select max(abs(gross_difference)) from marts.broker_reconciliation "
        "where account_id like 'HL%'",
    )[0][0] <= Decimal("0.01")


def test_make_help_lists_every_target_by_who_uses_it() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=PROJECT_ROOT,
        # `make test` runs this, and a make within a make would say so.
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    makefile = (PROJECT_ROOT / "Makefile").read_text()
    lines = done.stdout.splitlines()
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.M)
    assert [line.split()[0] for line in lines if line.startswith("  ")] == targets
    groups = re.findall(r"^##@ (.*)$", makefile, re.M)
    assert groups[0] == "Every morning"
    assert [line for line in lines if line[:1].strip()] == groups
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("backfill",), "FROM= is missing. `make backfill` takes FROM= TO="),
        (
            ("backfill", "--from", "1.2.25", "--to", "x"),
            "FROM: '1.2.25' does not match",
        ),
        (("statement",), "MONTH= is missing"),
        (("backtest", "--after-days", "-1"), "AFTER_DAYS: -1 is not in the range"),
        (("stats", "more"), "unexpected extra argument"),
    ],
)
def test_a_wrong_option_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    run = call_daily(*arguments)
    assert run.code == 2
    assert message in run.err
    assert run.err.count("\n") == 1
