"""What changed is built anew, and comes out as if all had been."""

import copy
import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from ingestion.account_ids import give_ids
from ingestion.downstream import prepare_downstream
from ingestion.landing import day_schema, empty_tables, open_landing
from ingestion.resources import FILLS
from runtime.home import Home
from runtime.publish.marts_copy import COPY, CURRENT, publish
from runtime.sessions import sessions_between, sessions_table
from runtime.settings import PROJECT_ROOT
from runtime.transform.build import build_models
from runtime.transform.build_state import (
    PUBLISHED_BY_DATE,
    batch_ends,
    fingerprint,
    reason_to_build_all,
)
from runtime.transform.dbt import TransformError, run_dbt
from runtime.warehouse import RunContext
from tests import draws
from tests.conftest import build_by_plan, make_settings, rows
from tests.tables import differing

SESSIONS = sessions_between(date(2025, 3, 3), date(2025, 3, 31))
ACCOUNTS = [f"A{number:02}" for number in range(12)]
SYMBOLS = ["ABC", "DEF", "+ABC260116C00050000", "#NEWM6", "#SIMAM6"]


@dataclass(frozen=True)
class Fill:
    """A fill as the raw layer holds it; the rest of its columns are blank."""

    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    at: datetime
    fees: Decimal = Decimal(0)
    status: str = "REGULAR"
    fill_id: str | None = None


@dataclass
class Firm:
    """A firm whose days change: its fills as they are now, and as `raw` knows them."""

    random: random.Random
    days: dict[tuple[str, date], list[Fill]] = field(
        default_factory=lambda: defaultdict(list)
    )
    traders: list[tuple[str, date | None, str]] = field(default_factory=list)
    changed: set[tuple[str, date]] = field(default_factory=set)
    versions: int = 0

    def draw_fill(self, day: date) -> Fill:
        """A fill of a day: any size, at times through zero, cancelled or untimed."""
        draw = self.random
        quantity = draw.choice(["100", "200", "300", "50", "0.5", "33.33333333"])
        # Of futures 19:00 is the next session's.
        minute = draw.choice([0, 1, 1, 2, 17, 200, 389, 570])
        timed = datetime(day.year, day.month, day.day, 9, 30) + timedelta(
            minutes=minute
        )
        return Fill(
            draw.choice(SYMBOLS),
            draw.choice("BSTC"),
            Decimal(quantity),
            Decimal(draw.randint(900, 1100)) / draw.choice([10, 100, 10_000]),
            timed
            if draw.random() < 0.9
            else datetime.combine(day, datetime.min.time()),
            Decimal(draw.randint(-10, 90)) / 1000,
            draw.choices(["REGULAR", "CXLD", "ASG"], [18, 1, 1])[0],
            draw.choice([None, "7", "12", "x"]),
        )

    def trade(self, day: date) -> None:
        """A session: some accounts trade, some of them flat."""
        for account in ACCOUNTS:
            for _ in range(self.random.choice([0, 0, 1, 2, 4, 7])):
                one = self.draw_fill(day)
                self._add(account, day, one)
                if self.random.random() < 0.5:
                    opposite = {"B": "S", "S": "B", "T": "C", "C": "T"}[one.side]
                    self._add(account, day, replace(one, side=opposite))

    def correct(self, until: date) -> None:
        """Late fills, corrections, busts and days that vanish, on any earlier day."""
        earlier = [session for session in SESSIONS if session <= until]
        for _ in range(self.random.randint(0, 4)):
            account = self.random.choice(ACCOUNTS)
            day = self.random.choice(earlier)
            fills = self.days[account, day]
            kind = self.random.choice(["late", "change", "bust", "vanish", "fees"])
            if kind == "late" or not fills:
                self._add(account, day, self.draw_fill(day))
                continue
            spot = self.random.randrange(len(fills))
            if kind == "change":
                fills[spot] = self.draw_fill(day)
            elif kind == "fees":
                fills[spot] = replace(fills[spot], fees=fills[spot].fees + 1)
            elif kind == "bust":
                del fills[spot]
            else:
                fills.clear()
            self.changed.add((account, day))

    def move(self, day: date) -> None:
        """An account becomes another trader's, from a date on."""
        if self.random.random() < 0.4:
            account, other = self.random.sample(ACCOUNTS, 2)
            self.traders = [x for x in self.traders if x[:2] != (account, day)]
            self.traders.append((account, day, other))

    def _add(self, account: str, day: date, one: Fill) -> None:
        self.days[account, day].append(one)
        self.changed.add((account, day))

    def write(self, home: Home, as_of: date) -> None:
        """Bring the raw layer up to date: a new version of each day that changed."""
        with duckdb.connect(home.warehouse) as connection:
            for account, day in sorted(self.changed):
                self.versions += 1
                self._write_day(connection, account, day, f"v{self.versions}")
            self.changed.clear()
            connection.execute(
                "update raw.run_context set as_of = ?, prediction_date = ?",
                [as_of, as_of],
            )
            connection.execute("delete from staging.trader_accounts")
            if self.traders:
                connection.executemany(
                    "insert into staging.trader_accounts "
                    "(account_id, valid_from, trader_id) values (?, ?, ?)",
                    [(account, str(day), to) for account, day, to in self.traders],
                )

    def _write_day(
        self, connection: duckdb.DuckDBPyConnection, account: str, day: date, name: str
    ) -> None:
        schema = day_schema(FILLS)
        values = [
            {
                "account_number": account,
                "trade_date": day,
                "content_hash": name,
                "row_number": number,
                "filled_at_et": one.at,
                "side": one.side,
                "quantity": one.quantity,
                "symbol": one.symbol,
                "price": one.price,
                "order_id": f"{number % 3}",
                "fill_id": one.fill_id,
                "currency": "USD",
                "status": one.status,
                "total_fees": one.fees,
            }
            for number, one in enumerate(self.days[account, day], start=1)
        ]
        fills = pa.Table.from_pylist(values, schema)
        connection.register("fills", fills)
        connection.execute("insert into raw.fills by name from fills")
        connection.execute(
            "insert into raw.fill_fees select account_number, trade_date, "
            "content_hash, row_number, 'comm', total_fees from fills "
            "where total_fees <> 0"
        )
        connection.unregister("fills")
        known_at = datetime(2025, 6, 1) + timedelta(minutes=self.versions)
        connection.execute(
            "insert into raw.day_versions values ('fills', ?, ?, ?, ?, ?, ?, ?)",
            [account, day, name, len(values), known_at, known_at, known_at],
        )


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A warehouse of a firm that has not traded yet."""
    home = Home(tmp_path_factory.mktemp("empty"))
    now = datetime.now(UTC).replace(tzinfo=None)
    with open_landing(home, 2) as landing:
        landing.load(
            empty_tables()
            | {"sessions": sessions_table(SESSIONS[0], date(2025, 12, 31))}
            | {"accounts": _accounts()}
        )
        landing.connection.execute(
            "insert into raw.account_versions select account_number, content_hash, "
            "true, timestamp '1990-01-01', ?, ? from raw.accounts",
            [now, now],
        )
        give_ids(landing.connection, now)
        context = RunContext("files", "a firm", SESSIONS[0], SESSIONS[0])
        landing.finish(context, [], now)
    prepare_downstream(home)
    run_dbt(make_settings(risk_home=home.root), home, "seed")
    return home


def _accounts() -> pa.Table:
    return pa.table(
        {
            "account_number": ACCOUNTS,
            "account_name": ACCOUNTS,
            "currency": ["USD"] * len(ACCOUNTS),
            "name_hash": ACCOUNTS,
            "content_hash": ACCOUNTS,
            "account_code": ACCOUNTS,
            "first_traded_date": pa.nulls(len(ACCOUNTS), pa.date32()),
        }
    )


# Models alone; the seeds stay as written, and nobody reads the manifest.
_MODELS = (
    "--exclude-resource-type", "test", "--exclude-resource-type", "seed",
    "--no-write-json",
)  # fmt: skip
BUILT_IN_PARTS = ("+config.materialized:incremental",)


def _run(home: Home, *options: str) -> None:
    """What a plain dbt user runs."""
    run_dbt(
        make_settings(risk_home=home.root), home, "build",
        "--exclude-resource-type", "unit_test", *_MODELS, *options,
    )  # fmt: skip


def _build(home: Home, batch_fills: int = 4_000_000) -> str:
    """What `make build` does; what it says.

    In a short draw, of what is built in parts and published by date: the rest is made
    whole by any build, and compared with another one at length.
    """
    settings = make_settings(risk_home=home.root)
    if draws.is_long:
        return build_models(settings, home, *_MODELS, batch_fills=batch_fills)[0]
    published = (f"+{mart}" for mart in PUBLISHED_BY_DATE)
    models = " ".join((*BUILT_IN_PARTS, *published))
    return build_by_plan(settings, home, models, batch_fills=batch_fills)


def _differing(one: Path, other: Path) -> dict[str, list[tuple]]:
    return differing(one, other, ("intermediate", "marts"))


@pytest.fixture(scope="module")
def four_sessions(
    empty_home: Home, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Home, Firm]:
    """A firm that has traded on the first four sessions, and was built."""
    home = Home(tmp_path_factory.mktemp("four_sessions"))
    shutil.copy(empty_home.warehouse, home.warehouse)
    firm = Firm(random.Random(7))
    for session in SESSIONS[:4]:
        firm.trade(session)
    firm.write(home, SESSIONS[5])
    _build(home)
    return home, firm


@pytest.fixture
def traded(four_sessions: tuple[Home, Firm], tmp_path: Path) -> tuple[Home, Firm]:
    """Such a firm of one's own; `kept.duckdb` beside its warehouse is never touched."""
    built, firm = four_sessions
    home = Home(tmp_path)
    shutil.copy(built.warehouse, home.warehouse)
    shutil.copy(built.warehouse, tmp_path / "kept.duckdb")
    return home, copy.deepcopy(firm)


def _assert_same_as_in_full(home: Home, build: Callable[[Home], object]) -> None:
    """Built in full, in the very place (elsewhere dbt would read the project anew)."""
    kept = home.root / "kept.duckdb"
    shutil.copy(home.warehouse, kept)
    build(home)
    assert _differing(kept, home.warehouse) == {}
    kept.replace(home.warehouse)


def _assert_published_as_built(home: Home) -> None:
    """Dates that are linked unread, too."""
    publish(home)
    copy = home.published / CURRENT / COPY
    with duckdb.connect(home.warehouse) as connection:
        connection.execute(f"attach '{copy}' as copy (read_only)")
        for mart in PUBLISHED_BY_DATE:
            built, published = f"from marts.{mart}", f"from copy.marts.{mart}"
            for one, other in ((built, published), (published, built)):
                only = connection.execute(f"{one} except all {other}").fetchall()
                assert only == [], mart


def _build_in_full_by_hand(home: Home) -> None:
    # All others are built whole by any build; in the end every one is compared.
    built_in_parts = ("--select", *BUILT_IN_PARTS)
    chosen = draws.draw(built_in_parts, ("--selector", "before_scoring"))
    _run(home, *chosen, "--full-refresh")


def _build_in_full_in_batches(home: Home) -> None:
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("update ops.built_with set fingerprint = 'of other models'")
    assert len(batch_ends(home, 100)) == 0
    assert "in full: the models have changed" in _build(home, 100)


LEAVES_DAYS_ALONE = """
    select (select count(*) from intermediate.int_planned_account_days)
        < (select count(*) from ops.built_fill_days)
"""


# In batches; killed over days that change again; and moved. At length it is killed
# twice, and built twice.
@example(seed=draws.draw(8627, 245))
@given(seed=st.integers(0, 2**32))
@settings(
    max_examples=20,
    derandomize=True,
    database=None,
    phases=draws.draw([Phase.explicit], [Phase.explicit, Phase.generate]),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_building_what_changed_makes_what_building_all_makes(
    empty_home: Home, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Any sequence of days, late fills, corrections, moves and reruns."""
    home = Home(tmp_path_factory.mktemp("firm"))
    shutil.copy(empty_home.warehouse, home.warehouse)
    draw = random.Random(seed)
    firm, batch_fills = Firm(draw), draw.choice([100, 4_000_000])
    for number in range(2):
        sessions = SESSIONS[4 * number : 4 * number + 4]
        for session in sessions:
            firm.trade(session)
        firm.correct(sessions[-1])
        firm.move(draw.choice(SESSIONS))
        firm.write(home, sessions[-1] + timedelta(days=1))
        if draw.random() < 0.5:
            # Killed half-way: some tables are new, and nothing says so.
            _run(
                home,
                "--select",
                draw.choice(["+int_overnight_lot_matches", "+fct_lots"]),
            )
            if draw.random() < 0.5:
                # And what it was killed over changes again before the next one.
                firm.correct(sessions[-1])
                firm.move(draw.choice(SESSIONS))
                firm.write(home, sessions[-1] + timedelta(days=1))
        for _ in range(draw.choice([1, 1, 2])):
            _build(home, batch_fills)
        _assert_published_as_built(home)
        # What was built before and has not changed is left alone.
        assert number == 0 or rows(home, LEAVES_DAYS_ALONE) == [(True,)]
        if number or draws.is_long:
            _assert_same_as_in_full(home, _build_in_full_by_hand)
    if draws.is_long:
        _assert_same_as_in_full(home, _build_in_full_in_batches)


@pytest.mark.long
def test_a_build_resumes_only_from_one_it_can_trust(
    empty_home: Home, traded: tuple[Home, Firm]
) -> None:
    assert reason_to_build_all(empty_home) == "no build has been finished before"
    home, _ = traded
    assert reason_to_build_all(home) is None
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("update ops.built_with set fingerprint = 'of other models'")
    assert reason_to_build_all(home) == "the models have changed since the last build"
    assert "in full" in _build(home)
    assert reason_to_build_all(home) is None
    # What no model makes any more goes with any build.
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("create table marts.of_yesterday as select 1 as one")
        connection.execute("create view staging.of_yesterday as select 1 as one")
    assert "in full" not in _build(home)
    assert rows(home, "select * from duckdb_tables() where table_name ~ 'yest'") == []
    assert rows(home, "select * from duckdb_views() where view_name ~ 'yest'") == []


@pytest.mark.long
def test_what_a_killed_build_began_with_leaves_no_trace(
    traded: tuple[Home, Firm], tmp_path: Path
) -> None:
    """New days, another symbol, another trader, half built and then taken back."""
    (home, firm), kept = traded, tmp_path / "kept.duckdb"
    late = Fill("#NEWM6", "B", Decimal(3), Decimal(10), datetime(2025, 3, 4, 10))
    firm.days[ACCOUNTS[0], SESSIONS[1]].append(late)
    firm.days[ACCOUNTS[1], SESSIONS[2]].clear()
    firm.changed |= {(ACCOUNTS[0], SESSIONS[1]), (ACCOUNTS[1], SESSIONS[2])}
    firm.trade(SESSIONS[4])
    firm.traders.append((ACCOUNTS[2], SESSIONS[0], ACCOUNTS[3]))
    firm.write(home, SESSIONS[5])
    for last in ("+int_round_trips", "+int_trader_day_trips", "+int_intraday_paths"):
        _run(home, "--select", last)
    assert _differing(kept, home.warehouse) != {}
    with duckdb.connect(home.warehouse) as connection:
        connection.execute(f"attach '{kept}' as kept (read_only)")
        for table in ("raw.day_versions", "staging.trader_accounts"):
            connection.execute(f"delete from {table}")
            connection.execute(f"insert into {table} from kept.{table}")
    # As it was when it was built: nothing differs, and yet something is to be done.
    assert " 0 rebuilt" not in _build(home)
    assert _differing(kept, home.warehouse) == {}
    assert rows(home, "from ops.begun_fill_days") == []
    assert " 0 rebuilt" in _build(home)


@pytest.mark.long
def test_a_first_build_in_batches_passes_its_tests_and_resumes(
    empty_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    shutil.copy(empty_home.warehouse, home.warehouse)
    firm = Firm(random.Random(8))
    for day, session in enumerate(SESSIONS[:3]):
        at = datetime(session.year, session.month, session.day, 10)
        bought = Fill("ABC", "B", Decimal(10), Decimal(5 + day), at)
        for account in ACCOUNTS[:2]:
            firm.days[account, session] += [bought, replace(bought, side="S")]
            firm.changed.add((account, session))
    firm.write(home, SESSIONS[4])
    settings = make_settings(risk_home=home.root)
    assert len(batch_ends(home, 4)) == 2
    runs: list[str] = []

    def run(*arguments: object, project_environment: Mapping[str, str]) -> list:
        if len(runs) == 1:
            runs.append("killed")
            raise TransformError("killed")
        runs.append(project_environment["BUILD_THROUGH"])
        return run_dbt(*arguments, project_environment=project_environment)

    monkeypatch.setattr("runtime.transform.build.run_dbt", run)
    with pytest.raises(TransformError, match="killed"):
        build_models(settings, home, batch_fills=4)
    message, results = build_models(settings, home, batch_fills=4)
    first, second, _ = map(str, SESSIONS[:3])
    assert runs == [first, "killed", second, "9999-12-31"]
    assert "in full" not in message
    assert sum(one.node.resource_type == "test" for one in results) > 100
    assert rows(home, "select count(*) from marts.daily_totals") == [(6,)]


@pytest.mark.long
def test_one_model_by_hand_is_what_dbt_says_it_is(
    traded: tuple[Home, Firm], tmp_path: Path
) -> None:
    """A missing table, or one with --full-refresh, is built whole; others are kept."""
    (home, _), kept = traded, tmp_path / "kept.duckdb"
    built_days = rows(home, "from ops.built_fill_days")
    touched = rows(home, "from ops.built_dates")
    lots = "select count(*) from intermediate.int_overnight_lot_matches"
    for damage in ("drop table", "truncate"):
        with duckdb.connect(home.warehouse) as connection:
            connection.execute(f"{damage} intermediate.int_overnight_lot_matches")
        _run(home, "--select", "int_overnight_lot_matches", "--full-refresh")
        assert rows(home, lots)[0][0] > 0
        assert _differing(kept, home.warehouse) == {}
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("drop table intermediate.int_round_trips")
    _run(home, "--select", "int_round_trips")
    # Nothing is planned: what is there stays as it is.
    _run(home, "--select", "int_overnight_lot_matches")
    assert _differing(kept, home.warehouse) == {}
    assert rows(home, "from ops.built_fill_days") == built_days
    # Publish looks at every date again: a model that was built in full may differ.
    built = {(mart, day): build for mart, day, build in touched}
    now = {
        (mart, day): build for mart, day, build in rows(home, "from ops.built_dates")
    }
    assert now.keys() == built.keys()
    assert all(now[date] != built[date] for date in built)


@pytest.mark.long
def test_a_doubled_row_is_seen_by_hand_after_a_build_that_changed_nothing(
    traded: tuple[Home, Firm],
) -> None:
    home, _ = traded
    assert "0 rebuilt" in _build(home)
    settings = make_settings(risk_home=home.root)
    for table in ("int_fills_current", "int_overnight_lot_matches", "int_round_trips"):
        grain = f"{table},test_name:unique_combination_of_columns"
        run_dbt(settings, home, "test", "--select", grain)
        with duckdb.connect(home.warehouse) as connection:
            connection.execute(
                f"create or replace table doubled as from intermediate.{table} limit 1"
            )
            connection.execute(f"insert into intermediate.{table} from doubled")
        with pytest.raises(TransformError, match=f"columns_{table}"):
            run_dbt(settings, home, "test", "--select", grain)
    # `make build` looks at what it built anew.
    run_dbt(
        settings, home, "test", "--select",
        "int_fills_current,test_name:unique_combination_of_columns",
        project_environment={"TEST_NEW_ROWS_ONLY": "true"},
    )  # fmt: skip


@pytest.mark.long
def test_one_late_fill_leaves_the_other_days_alone(
    traded: tuple[Home, Firm],
) -> None:
    """What is not planned keeps its place in the table."""
    home, firm = traded
    late = Fill("ABC", "B", Decimal(100), Decimal(10), datetime(2025, 3, 4, 10))
    sold = replace(late, side="S", price=Decimal(11))
    for one in (late, sold):
        firm.days[ACCOUNTS[0], SESSIONS[1]].append(one)
    firm.changed.add((ACCOUNTS[0], SESSIONS[1]))
    firm.write(home, SESSIONS[5])
    _build(home)
    planned = rows(home, "from intermediate.int_planned_account_days")
    assert [one[:2] for one in planned] == [(ACCOUNTS[0], SESSIONS[1])]
    # Rows built anew stand behind those that stayed.
    moved = rows(
        home,
        "select distinct account_id, trade_date from intermediate.int_fills_current "
        "where rowid > (select max(rowid) from intermediate.int_fills_current "
        f"where account_id <> '{ACCOUNTS[0]}')",
    )
    assert moved == [(ACCOUNTS[0], SESSIONS[1])]


def test_what_is_published_by_date_decides_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Dates that no build touched are published as they were: by the same query."""
    project = tmp_path / "dbt_project"
    shutil.copytree(PROJECT_ROOT / "dbt_project", project)
    monkeypatch.setattr("runtime.transform.build_state._DBT", project)
    before = fingerprint()
    (project / "models/marts/core/daily_totals.sql").write_text("select 1")
    assert fingerprint() == before
    for mart in PUBLISHED_BY_DATE:
        (model,) = (project / "models" / "marts").rglob(f"{mart}.sql")
        model.write_text("select 1")
        assert fingerprint() != before
        before = fingerprint()
