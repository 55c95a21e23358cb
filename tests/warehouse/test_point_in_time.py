"""No look-ahead: what the warehouse says of a day stays, whatever came after it."""

import math
import random
import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.downstream import prepare_downstream
from ingestion.history import rebuild
from ingestion.pipeline import bring_up_to_date
from runtime.home import Home
from runtime.publish.manifest import read_dbt_manifest
from runtime.settings import Settings
from runtime.transform.dbt import run_dbt
from runtime.warehouse import read_run_context
from tests.conftest import connected, make_settings, rows
from tests.draws import draw
from tests.exports import ExportedFill, Exports
from tests.oracle.adversarial import all_traders, cases, random_fills

DRAW = random.Random("no look-ahead")
MESSY = random_fills(11, 4, 55)
FILLS: list[ExportedFill] = [*(x for case in cases() for x in case.fills), *MESSY]
DATES = sorted({one.at.date() for one in FILLS})
# Most of the dates lie where most of the trading does.
CUTS = sorted(DRAW.sample(DATES[2:70], draw(1, 40)))

Accounts = list[tuple[str, date | None, str]]
# Every second of the messy accounts changes hands, in the midst of trading.
ACCOUNTS: Accounts = [
    *((account, *said) for account, rows in all_traders().items() for said in rows),
    *(
        (account, date(2025, 3, 20 + number), f"HEIR{number}")
        for number, account in enumerate(sorted({one.account for one in MESSY})[::2])
    ),
]
Traders = list[tuple[str, date | None, str, int | None]]
TRADERS: Traders = [
    ("LONGRUN", None, "before", 500),
    ("LONGRUN", date(2025, 4, 1), "after", 700),
    ("HEIR0", date(2025, 4, 10), "named late", None),
]

FEATURES = (
    "feat_trader_day", "feat_trader_day_pnl", "feat_trader_day_activity",
    "feat_trader_day_symbols", "feat_trader_day_sizing", "feat_trader_day_positions",
    "feat_trader_day_tilt", "feat_trader_day_context",
)  # fmt: skip
DATED = (*FEATURES, "daily_totals", "fct_fills", "fct_fees", "fct_exposure",
         "fct_intraday_pnl", "fct_open_positions", "fct_trader_total_pnl")  # fmt: skip
BUILT = (
    "+feat_trader_day", "daily_totals", "fct_fills", "+fct_fees", "+fct_exposure",
    "fct_intraday_pnl", "fct_lots", "+fct_trader_total_pnl",
    "fct_open_positions", "fct_round_trips", "+label_trader_day", "+dim_traders",
    "dim_accounts", "dim_sessions",
)  # fmt: skip
KNOWN_ACCOUNTS = "(select account_id from marts.fct_fills where trade_date < $cut)"
# What each mart knew before the first moment of $cut.
PAST = {
    **{name: f"from marts.{name} where trade_date < $cut" for name in DATED},
    # How far back the calendar reaches depends on the morning.
    "dim_sessions": """
        from marts.dim_sessions where session_date < $cut
            and session_date > (select min(trade_date) from marts.fct_fills)""",
    "fct_round_trips": "from marts.fct_round_trips where closed_date < $cut",
    # What closed a lot later, and in how many pieces, was not known.
    "fct_lots": """
        select account_id, trader_id, symbol, opened_date, opening_sequence,
            opening_price, multiplier, sum(signed_quantity) as signed_quantity,
            case when closed_date < $cut then closed_date end as closed_on,
            case when closed_date < $cut then closing_sequence end as closed_by,
            case when closed_date < $cut then closing_price end as closed_at,
            sum(case when closed_date < $cut then gross_pnl end) as gross_pnl,
            sum(case when closed_date < $cut then open_cost end) as closed_cost
        from marts.fct_lots where opened_date < $cut group by all""",
    # Until when a line holds is known when the next one begins.
    "dim_accounts": f"""
        select account_id, trader_id, account_role, currency, valid_from,
            least(valid_to, $cut) as valid_to
        from marts.dim_accounts
        where valid_from < $cut and account_id in {KNOWN_ACCOUNTS}""",
    "dim_traders": f"""
        select trader_id, display_name, strategy, trader_group, is_active,
            daily_loss_limit_amount, valid_from, least(valid_to, $cut) as valid_to
        from marts.dim_traders
        where valid_from < $cut and trader_id in (
            select trader_id from marts.dim_accounts
            where valid_from < $cut and account_id in {KNOWN_ACCOUNTS})""",
}
# Deliberate leaks: a feature's query, and its window made to look one day ahead.
LEAKS = {
    "net_pnl_sum_3d": (
        "feat_trader_day_pnl", "rows between 2 preceding", "and current row",
    ),
    "fill_size_vs_20d_ratio": (
        "feat_trader_day_sizing", "rows between 19 preceding", "and current row",
    ),
    "usual_stop_pnl": (
        "int_usual_stops", "rows between 20 preceding", "and 1 preceding",
    ),
}  # fmt: skip

Table = tuple[list[str], list[tuple]]
Past = dict[str, Table]


@dataclass
class Bench:
    """Builds warehouses one after the other in one home.

    Attributes:
        home: Where the next warehouse is built.
        kept: The full warehouse: everything traded, and whose the accounts are.
    """

    home: Home
    kept: Home
    exports: Path

    @property
    def settings(self) -> Settings:
        """Settings for any of the warehouses."""
        return make_settings(
            source="files", exports=self.exports, risk_home=self.home.root,
            # Days lose most of their fills here.
            gate="warn",
        )  # fmt: skip

    def ingest(self, fills: list[ExportedFill]) -> None:
        """Load a folder that holds these fills and no others."""
        shutil.rmtree(self.exports, ignore_errors=True)
        # An account keeps its number whether or not others are there.
        numbers = {
            name: str(500 + place)
            for place, name in enumerate(sorted({one.account for one in FILLS}))
        }
        held = {one.account for one in fills}
        later = sorted(held - set(numbers))
        numbers = {name: numbers[name] for name in numbers if name in held}
        numbers |= {name: f"9{place}" for place, name in enumerate(later)}
        Exports(self.exports, numbers).write(fills)
        bring_up_to_date(self.settings)

    def say(self, accounts: Accounts, traders: Traders) -> None:
        """Add lines to the risk manager's two files, as they would be after a seed."""
        with duckdb.connect(self.home.warehouse) as connection:
            connection.executemany(
                "insert into staging.trader_accounts values (?, ?, ?, null)", accounts
            )
            connection.executemany(
                "insert into staging.traders (trader_id, valid_from, display_name, "
                "daily_loss_limit_amount) values (?, ?, ?, ?)",
                traders,
            )

    def seed(self, before: date = date.max) -> None:
        """Put the seeds of the full warehouse here, cut before a date as well."""
        with duckdb.connect(self.home.warehouse) as connection:
            connection.execute(f"attach '{self.kept.warehouse}' as kept (read_only)")
            connection.execute("create schema if not exists staging")
            for name, is_dated in {
                "trader_accounts": True, "account_roles": True, "traders": True,
                "instrument_multipliers": False, "adjustment_categories": False,
                "currency_suffixes": False, "session_cutoffs": False,
            }.items():  # fmt: skip
                known = (
                    f"where coalesce(cast(valid_from as date) < '{before}', true)"
                    if is_dated
                    else ""
                )
                connection.execute(
                    f"create or replace table staging.{name} as "
                    f"from kept.staging.{name} {known}"
                )

    def run(self, *more: str) -> None:
        """Build the models, without tests."""
        chosen = ("--select", *BUILT, *more, "--no-write-json")
        run_dbt(self.settings, self.home, "run", *chosen)

    def clear(self) -> None:
        """Leave nothing but what dbt parsed."""
        for path in self.home.root.iterdir():
            if path != self.home.dbt:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def restore(self) -> None:
        """Put the full warehouse back."""
        self.clear()
        shutil.copytree(self.kept.root, self.home.root, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The full warehouse, and where others are built."""
    folder = tmp_path_factory.mktemp("bench")
    bench = Bench(Home(folder / "home"), Home(folder / "kept"), folder / "exports")
    bench.ingest(FILLS)
    run_dbt(bench.settings, bench.home, "seed")
    bench.say(ACCOUNTS, TRADERS)
    bench.run()
    shutil.copytree(
        bench.home.root, bench.kept.root, ignore=shutil.ignore_patterns("dbt")
    )
    return bench


@pytest.fixture
def untouched(bench: Bench) -> Bench:
    """The bench with the full warehouse on it."""
    bench.restore()
    return bench


def known(home: Home, cut: date) -> Past:
    """All that the marts say of the time before a date."""
    with connected(home) as connection:
        return {
            name: read(connection, sql.replace("$cut", f"date '{cut}'"))
            for name, sql in PAST.items()
        }


def read(connection: duckdb.DuckDBPyConnection, sql: str) -> Table:
    """Columns and rows of a query, in an order of their own."""
    result = connection.execute(f"from ({sql}) order by all")
    return [column[0] for column in result.description], result.fetchall()


def differences(found: Table, wanted: Table) -> list[tuple]:
    """Where two tables differ: rows, or the cells of one."""
    (names, lines), (other_names, other_lines) = found, wanted
    assert names == other_names
    if len(lines) != len(other_lines):
        apart = set(map(str, lines)) ^ set(map(str, other_lines))
        return [("rows", len(lines), len(other_lines), sorted(apart)[:3])]
    return [
        (one[:4], name, value, expected)
        for one, other in zip(lines, other_lines, strict=True)
        for name, value, expected in zip(names, one, other, strict=True)
        if not same(value, expected)
    ]


def same(value: object, expected: object) -> bool:
    """Decimals, integers, nulls and text exactly, floats to 1e-9."""
    if isinstance(value, float) and isinstance(expected, float):
        return math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-9)
    return type(value) is type(expected) and value == expected


def assert_unmoved(found: Past, wanted: Past) -> None:
    """Nothing that was known has changed, and there is something to compare."""
    assert found.keys() == wanted.keys() == PAST.keys()
    wrong = {name: differences(found[name], wanted[name]) for name in wanted}
    assert not any(wrong.values()), {k: (len(v), v[:5]) for k, v in wrong.items() if v}
    empty = {name for name, (_, lines) in wanted.items() if not lines}
    assert not empty - {"fct_lots", "fct_round_trips", "fct_open_positions"}


def last_rows(table: Table) -> Table:
    """Each trader's last row."""
    names, lines = table
    return names, list({trader: (trader, *rest) for trader, *rest in lines}.values())


def moved(home: Home, compiled: Path, cut: date, end: str) -> Past:
    """What features whose window ends elsewhere say of the time before a date."""
    found = {}
    with connected(home) as connection:
        for column, (model, window, own_end) in LEAKS.items():
            sql = next(compiled.rglob(f"{model}.sql")).read_text()
            begin, *rest = sql.split(window)
            assert rest, model
            ended = [part.replace(own_end, end, 1) for part in rest]
            altered = window.join([begin, *ended])
            found[column] = read(
                connection,
                f"select trader_id, trade_date, {column} from ({altered}) "
                f"where trade_date < date '{cut}'",
            )
    return found


@dataclass(frozen=True)
class Cut:
    """A warehouse of what there was before a date, and the full one's word on that."""

    found: Past
    wanted: Past
    leaked: Past
    leaked_in_full: Past
    without_day_ahead: Past
    last_date: date
    date: date


@pytest.fixture(scope="module", params=CUTS, ids=str)
def cut_warehouse(bench: Bench, request: pytest.FixtureRequest) -> Cut:
    """Of exports, and of the risk manager's files, that end before a date."""
    cut = request.param
    bench.clear()
    bench.ingest([one for one in FILLS if one.at.date() < cut])
    bench.seed(before=cut)
    bench.run()
    compiled = bench.home.dbt / "target/compiled/risk/models"
    latest = rows(bench.home, "select max(trade_date) from marts.fct_fills")
    return Cut(
        known(bench.home, cut),
        known(bench.kept, cut),
        moved(bench.home, compiled, cut, "and 1 following"),
        moved(bench.kept, compiled, cut, "and 1 following"),
        moved(bench.kept, compiled, cut, "and current row"),
        latest[0][0],
        cut,
    )


def test_a_warehouse_of_less_says_the_same_of_the_past(cut_warehouse: Cut) -> None:
    assert cut_warehouse.last_date < cut_warehouse.date
    assert_unmoved(cut_warehouse.found, cut_warehouse.wanted)


@pytest.mark.parametrize("column", LEAKS)
def test_a_window_that_looks_a_day_ahead_is_caught(
    cut_warehouse: Cut, column: str
) -> None:
    """The test of the test: this comparison fails where a feature leaks."""
    found, wanted = cut_warehouse.leaked[column], cut_warehouse.leaked_in_full[column]
    without = cut_warehouse.without_day_ahead[column]
    if not differences(last_rows(without), last_rows(wanted)):
        pytest.skip("the day after the cut moves this feature of nobody")
    apart = differences(found, wanted)
    assert apart
    # It is the feature that differs, not which rows there are.
    assert {name for _, name, *_ in apart} == {column}


@pytest.mark.long
@pytest.mark.parametrize("cut", CUTS[::2], ids=str)
def test_a_rebuilt_morning_says_the_same_of_the_past(bench: Bench, cut: date) -> None:
    """AS_OF, with files of the risk manager that go on beyond it."""
    bench.clear()
    rebuild(bench.kept, bench.home, read_run_context(bench.kept), cut)
    prepare_downstream(bench.home)
    bench.seed()
    bench.run()
    assert_unmoved(known(bench.home, cut), known(bench.kept, cut))
    for name in DATED:
        latest = rows(bench.home, f"select max(trade_date) from marts.{name}")
        assert latest[0][0] < cut, name


def mutated(cut: date, chance: random.Random) -> list[ExportedFill]:
    """The fills; from a date on some are deleted, changed or joined by others."""
    fills = [one for one in FILLS if one.at.date() < cut]
    later = [one for one in FILLS if one.at.date() >= cut]
    symbols = sorted({one.symbol for one in FILLS})
    for one in later:
        fate = chance.choice(["deleted", "kept", "changed", "changed", "joined"])
        if fate != "deleted":
            fills.append(one if fate != "changed" else changed(one, chance, symbols))
        if fate == "joined":
            # Of the same account, of one that nobody knew, or of a day of its own.
            fills.append(
                replace(
                    changed(one, chance, symbols),
                    account=chance.choice([one.account, f"NEW{chance.randrange(3)}"]),
                    at=one.at + timedelta(days=chance.choice([0, 0, 1, 9])),
                )
            )
    return fills


def changed(
    one: ExportedFill, chance: random.Random, symbols: list[str]
) -> ExportedFill:
    """A fill with one of its cells as it might have been."""
    return replace(
        one,
        **chance.choice(
            [
                {"price": one.price + Decimal(chance.randrange(1, 500)) / 100},
                {"quantity": one.quantity * chance.randrange(2, 50)},
                {"side": "S" if one.side in "BC" else "B"},
                {"symbol": chance.choice(symbols)},
                {"status": chance.choice(["CXLD", "EXP", ""])},
                {"comm": one.comm + Decimal(chance.randrange(1, 9000)) / 100},
                {"at": one.at.replace(hour=chance.randrange(4, 20))},
            ]
        ),
    )


@pytest.mark.long
@pytest.mark.parametrize("cut", CUTS[::2], ids=str)
def test_no_change_of_later_fills_moves_the_past(untouched: Bench, cut: date) -> None:
    """Loaded as the next morning would: what changed is a correction of its day."""
    untouched.ingest(mutated(cut, random.Random(f"mutations after {cut}")))
    untouched.run()
    wanted = known(untouched.kept, cut)
    assert_unmoved(known(untouched.home, cut), wanted)
    after = known(untouched.home, date.max)["feat_trader_day"]
    assert differences(after, known(untouched.kept, date.max)["feat_trader_day"])


@pytest.mark.long
def test_what_is_said_of_later_dates_moves_no_past(untouched: Bench) -> None:
    """Accounts change hands, traders get names, all from a date on."""
    cut = CUTS[-1]
    traded = {one.account for one in FILLS if one.at.date() >= cut}
    accounts = [(name, cut, f"TAKER{len(name)}") for name in sorted(traded)]
    traders = [
        (name, cut, "somebody else", 10) for name in ("LONGRUN", "HEIR0", "R11T01")
    ]
    untouched.say(accounts, traders)
    untouched.run()
    assert_unmoved(known(untouched.home, cut), known(untouched.kept, cut))
    takers = rows(
        untouched.home,
        "select min(trade_date) from marts.feat_trader_day "
        "where trader_id like 'TAKER%'",
    )
    assert takers[0][0] >= cut


@pytest.mark.long
def test_noise_in_the_label_moves_no_feature(untouched: Bench) -> None:
    noise = "update marts.label_trader_day set next_net_pnl = random() * 1e6"
    with duckdb.connect(untouched.home.warehouse) as connection:
        connection.execute(
            f"{noise}, is_next_loss = random() < 0.5, "
            "next_net_pnl_scaled = random() * 1e3"
        )
    untouched.run("--exclude", "label_trader_day")
    assert_unmoved(known(untouched.home, date.max), known(untouched.kept, date.max))
    noisy, label = (
        rows(home, "from marts.label_trader_day order by all")
        for home in (untouched.home, untouched.kept)
    )
    assert noisy != label


@pytest.fixture(scope="module")
def manifest(bench: Bench) -> dict:
    """dbt's own description of the project."""
    return read_dbt_manifest(bench.home.dbt / "target")


LABEL = "model.risk.label_trader_day"


def upstream(manifest: dict, name: str) -> set[str]:
    """A node and everything that it is made from."""
    found, waiting = set(), [name]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += manifest["parent_map"].get(node, [])
    return found


def test_nothing_upstream_of_a_score_reads_the_label(manifest: dict) -> None:
    """No feature, nothing it is made from, and no test of any of that."""
    (exposure,) = (
        one
        for one in manifest["exposures"].values()
        if one["name"] == "trader_day_model"
    )
    read_by_scores = set(exposure["depends_on"]["nodes"]) - {LABEL}
    features = {f"model.risk.{name}" for name in FEATURES}
    assert "model.risk.feat_trader_day" in read_by_scores
    clean = set().union(
        *(upstream(manifest, name) for name in read_by_scores | features)
    )
    assert len(clean) > 30
    assert LABEL not in clean
    tests = [
        one
        for one in manifest["nodes"].values()
        if one["resource_type"] == "test" and LABEL in one["depends_on"]["nodes"]
    ]
    assert tests
    # What tests the label beside the features is a test of the label.
    assert {one["attached_node"] for one in tests} == {LABEL}
    models = {n for n in manifest["child_map"][LABEL] if n.startswith("model.")}
    assert models == set()


def test_no_column_of_the_label_is_a_feature(manifest: dict) -> None:
    label = set(manifest["nodes"][LABEL]["columns"]) - {"trader_id", "trade_date"}
    assert len(label) >= 4
    features = set(manifest["nodes"]["model.risk.feat_trader_day"]["columns"])
    assert not label & features


def test_a_label_is_the_next_traded_day(bench: Bench) -> None:
    wrong = rows(
        bench.kept,
        """
        select count(*) from marts.label_trader_day as labels
        left join marts.feat_trader_day as features
            on labels.trader_id = features.trader_id
            and labels.next_trade_date = features.trade_date
        where features.trader_id is null
            or abs(features.net_pnl - cast(labels.next_net_pnl as double)) > 1e-9
            or labels.next_trade_date <= labels.trade_date
        """,
    )
    assert wrong == [(0,)]
    last = rows(
        bench.kept,
        """
        select count(*), count(labels.trader_id) from (
            select trader_id, max(trade_date) as trade_date
            from marts.feat_trader_day group by trader_id
        ) as lasts left join marts.label_trader_day as labels
            using (trader_id, trade_date)
        """,
    )
    assert last[0][0] > 20
    assert last[0][1] == 0
