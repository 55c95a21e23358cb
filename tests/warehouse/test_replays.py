"""Rules replayed in SQL equal plain loops over the fills, for every trader's day."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pytest

from daily.what_if import replay
from ingestion.desk_rules import Rule, parse_rules
from ml.losses import MINIMUM_DATES, MINIMUM_TRADERS, clustered_errors
from runtime.home import Home
from runtime.transform.dbt import project_variables
from tests.conftest import REAL_DATA, build_warehouse, connected, rows
from tests.draws import draw
from tests.exports import ExportedFill, Exports
from tests.oracle import Fill, keep_book, prepare, round_trips
from tests.oracle.adversarial import MULTIPLIERS, cases, random_fills
from tests.oracle.pnl import realized_paths
from tests.oracle.replays import (
    Key,
    Replay,
    days_changed,
    foreknown_days,
    replayed,
)

RULES = parse_rules(
    "stop 5,60,400; stop 0.5x..2x by 0.75x; warn 60; give_back 20,150; max_trades 1,3; "
    "losing_trades 1,2; cool_down 15,90 after 1; cool_down 45 after 2; "
    "size_cap 800,9000"
)
# They look at the days before.
DAY_RULES = parse_rules(
    "sit_out 1..3 after 1..3 losing days; half_size 2 after 2 losing days; "
    "sit_out 1,4 after 40,300; half_size 1,2 after 0.5x..2x by 0.5x"
)
# The desk's own.
CANDIDATES = (
    "stop 60", "warn 0.5x", "cool_down 45 after 2", "size_cap 800",
    "sit_out 1 after 2 losing days", "half_size 2 after 0.5x",
)  # fmt: skip
MONDAY = datetime(2025, 3, 3, 9, 30)


def by_hand() -> list[ExportedFill]:
    """A day that goes on after 1,100 are lost; four days, three of them lost."""

    def fill(
        account: str, minute: int, side: str, quantity: int, price: str, symbol: str
    ):
        return ExportedFill(
            account, MONDAY + timedelta(minutes=minute), side, Decimal(quantity),
            Decimal(price), symbol=symbol, comm=Decimal(quantity) / 100,
        )  # fmt: skip

    return [
        fill("HAND", 0, "B", 1000, "20.00", "ABC"),
        fill("HAND", 5, "B", 300, "50.00", "DEF"),
        fill("HAND", 10, "S", 1000, "18.90", "ABC"),  # 1,100 lost, 23 of fees
        fill("HAND", 20, "B", 500, "18.50", "ABC"),
        fill("HAND", 30, "S", 300, "51.00", "DEF"),  # 300 made
        fill("HAND", 40, "S", 400, "18.00", "ABC"),  # 200 lost; 100 are held overnight
        fill("DAYS", 0, "B", 10, "100", "ABC"),
        fill("DAYS", 5, "S", 10, "97", "ABC"),  # 30.20 lost
        fill("DAYS", 1440, "B", 20, "50", "DEF"),
        fill("DAYS", 1445, "S", 10, "45", "DEF"),  # 50.30 lost; 10 are held overnight
        fill("DAYS", 2880, "S", 10, "52", "DEF"),
        fill("DAYS", 2885, "B", 5, "100", "ABC"),
        fill("DAYS", 2890, "S", 5, "90", "ABC"),  # 30.20 lost
        fill("DAYS", 4320, "B", 10, "10", "ABC"),
        fill("DAYS", 4325, "S", 10, "10.72", "ABC"),  # 7.00 made
    ]


@pytest.fixture(scope="module")
def fills() -> list[ExportedFill]:
    """Every adversarial case, and random fills."""
    drawn = [
        one
        for seed, traders, days in ((5, 2, draw(15, 60)), (6, 3, draw(10, 40)))
        for one in random_fills(seed, traders, days)
    ]
    return [*by_hand(), *(one for case in cases() for one in case.fills), *drawn]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, fills: list[ExportedFill]) -> Home:
    """A warehouse of all of them, of a desk with rules of its own."""
    folder: Path = tmp_path_factory.mktemp("replays")
    exports = Exports(folder / "exports").write(fills).folder
    desk = folder / "desk"
    desk.mkdir()
    (desk / "candidate_rules.csv").write_text(
        "rule,note\n" + "".join(f"{one},\n" for one in (*CANDIDATES, "halt 1500"))
    )
    return build_warehouse(
        folder / "home", exports, desk=desk,
        models="+rule_effects", data_tests=True,
    )  # fmt: skip


@pytest.fixture
def tried(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection on which `RULES` have been replayed."""
    with connected(home) as connection:
        connection.execute("set schema = 'marts'")
        replay(connection, RULES)
        yield connection


def thresholds(connection: duckdb.DuckDBPyConnection, rule: Rule) -> dict[Key, Decimal]:
    """From which figure on a rule holds, by trader and date where it is known."""
    return {
        (trader, day): rule.threshold
        if not rule.is_usual_days
        else (rule.threshold * max(usual, 1)).quantize(Decimal("1e-8"))
        for trader, day, usual in connection.execute(
            "select trader_id, trade_date, usual_day_amount from replay_days"
        ).fetchall()
        if usual is not None or not rule.is_usual_days
    }


def assert_equal(
    connection: duckdb.DuckDBPyConnection, rule: Rule, wanted: dict[Key, Replay]
) -> None:
    """The same days are hit at the same fill, with the same effect to the cent."""
    found = {
        (trader, day): (place, effect, replaced)
        for trader, day, place, effect, replaced in connection.execute(
            # Cancelled fills have a number of the day as well.
            "select trader_id, trade_date, place, effect, replaced_notional "
            "from tried_replays left join (select trader_id, trade_date, day_sequence, "
            "row_number() over (partition by trader_id, trade_date "
            "order by day_sequence) - 1 as place from intermediate.int_fill_results) "
            "using (trader_id, trade_date, day_sequence) where rule = ?", [rule.text],
        ).fetchall()
    }  # fmt: skip
    assert found.keys() == wanted.keys(), rule
    for key, one in wanted.items():
        place, effect, replaced = found[key]
        assert place == one.place, (rule, key)
        assert (effect is None) == (one.effect is None), (rule, key)
        if effect is not None:
            assert abs(Fraction(effect) - one.effect) < Fraction(1, 1000), (rule, key)
            assert abs(Fraction(replaced) - one.replaced) < Fraction(1, 1000), (
                rule,
                key,
            )


def test_every_rule_equals_a_loop_over_the_fills(
    tried: duckdb.DuckDBPyConnection, fills: list[ExportedFill]
) -> None:
    prepared = prepare(fills, multipliers=MULTIPLIERS)
    book = keep_book(prepared)
    paths, trips, foreknown = (
        realized_paths(book),
        round_trips(prepared),
        foreknown_days(book),
    )
    assert foreknown
    hit = set()
    for rule in RULES:
        wanted = replayed(
            paths, trips, rule.kind, thresholds(tried, rule), rule.duration, foreknown
        )
        assert_equal(tried, rule, wanted)
        hit |= {rule.kind} if wanted else set()
    assert hit == {rule.kind for rule in RULES}


def test_every_rule_on_days_before_equals_a_loop_over_the_days(
    tried: duckdb.DuckDBPyConnection, fills: list[ExportedFill]
) -> None:
    paths = realized_paths(keep_book(prepare(fills, multipliers=MULTIPLIERS)))
    fills_of = {key: [fill for fill, _ in path] for key, path in paths.items()}
    nets = {
        (trader, day): net
        for trader, day, net in tried.execute(
            "select trader_id, trade_date, net_pnl from replay_days"
        ).fetchall()
    }
    replay(tried, DAY_RULES)
    hits = []
    for rule in DAY_RULES:
        wanted = days_changed(nets, fills_of, rule, thresholds(tried, rule))
        assert_equal(tried, rule, wanted)
        hits.append(len(wanted))
    assert min(hits) > 0 and max(hits) > 20


def test_days_sat_out_by_hand(home: Home) -> None:
    """After Monday no Tuesday, whose loss is none then; after Wednesday no Thursday.

    Of Tuesday 10 are held overnight: they are bought at the day's first price.
    """
    with connected(home) as connection:
        connection.execute("set schema = 'marts'")
        replay(connection, parse_rules("sit_out 1 after 20; half_size 1 after 20"))
        found = connection.execute(
            "select rule, trade_date, day_sequence, hit_at, effect, "
            "replaced_notional, effect_after_slip from tried_replays "
            "where trader_id = 'DAYS' order by rule desc, trade_date"
        ).fetchall()
    # 550 were paid for them with 0.30 of fees, not 500 with 0.10; Thursday made 7.00.
    changed = ((4, Decimal("50.20"), Decimal(500)), (6, Decimal(-7), Decimal(0)))
    assert found == [
        (rule, date(2025, 3, day), None, None, effect * share, replaced * share,
         (effect - replaced / 1000) * share)
        for rule, share in (
            ("sit_out 1 after 20", Decimal(1)), ("half_size 1 after 20", Decimal("0.5"))
        )
        for day, effect, replaced in changed
    ]  # fmt: skip


def test_a_stop_by_hand(home: Home) -> None:
    """Stopped at -1,123: DEF is sold at 51.00, 100 of ABC bought at 18.50 and kept."""
    with connected(home) as connection:
        connection.execute("set schema = 'marts'")
        replay(connection, parse_rules("stop 1000; warn 1000"))
        found = connection.execute(
            "select rule, hit_at, net_pnl, effect, replaced_notional, "
            "effect_after_slip from tried_replays where trader_id = 'HAND' "
            "order by rule"
        ).fetchall()
    # 500 bought and 400 sold were 100 more at 18.50 for 1.00, not for 2,050 and 9.00.
    effect = Decimal("200") + Decimal("8")
    replaced = Decimal("300") * 51 + Decimal("100") * Decimal("18.50")
    assert found == [
        (
            rule, datetime(2025, 3, 3, 14, 40), Decimal("-1035"), effect * share,
            replaced * share, (effect - replaced / 1000) * share,
        )
        for rule, share in (("stop 1000", Decimal(1)), ("warn 1000", Decimal("0.5")))
    ]  # fmt: skip


def test_effects_add_up_and_are_those_of_the_days(
    tried: duckdb.DuckDBPyConnection,
) -> None:
    """Drawdown, tail, worst day and the interval by another way."""
    frame = tried.execute(
        "select rule, days.trader_id, days.trade_date, "
        "cast(days.net_pnl as double) as net, "
        "cast(coalesce(effect, 0) as double) as effect from tried_rules "
        "cross join replay_days as days "
        "left join tried_replays using (rule, trader_id, trade_date) "
        # What is unknown, or hit and unknown, is in no figure.
        "where (usual_day_amount is not null or not is_usual_days) "
        "and (effect is not null or threshold_amount is null)"
    ).df()
    effects = tried.execute(
        "select *, coalesce(trader_id, '') as name from tried_effects"
    ).df()
    scoped = effects.set_index(["rule", "scope", "name"]).sort_index()
    groups = [((rule, "desk", ""), days) for rule, days in frame.groupby("rule")] + [
        ((rule, "trader", trader), days)
        for (rule, trader), days in frame.groupby(["rule", "trader_id"])
    ]
    known = effects[effects["trader_days_count"] > 0]
    assert {key for key, _ in groups} == set(
        known[["rule", "scope", "name"]].itertuples(index=False, name=None)
    )
    for key, days in groups:
        row, gain = scoped.loc[key], days["effect"].to_numpy()
        assert row["trader_days_count"] == len(days)
        assert float(row["effect"]) == pytest.approx(gain.sum(), abs=1e-5)
        assert row["mean_effect"] == pytest.approx(gain.mean(), abs=1e-6)
        clusters = [("trade_date", MINIMUM_DATES)]
        if key[1] == "desk":
            clusters.append(("trader_id", MINIMUM_TRADERS))
        errors = [
            clustered_errors(gain, np.unique(days[one], return_inverse=True)[1], least)
            for one, least in clusters
        ]
        half = row["mean_effect_high"] - row["mean_effect"]
        if days["trade_date"].nunique() < MINIMUM_DATES:
            assert np.isnan(half)
        elif gain.any():
            # With too few traders, that of the dates.
            widest = max(one for one in errors if np.isfinite(one))
            assert half == pytest.approx(1.645 * widest, rel=0.01)
        for name, daily in (("", days["net"]), ("replayed_", days["net"] + gain)):
            summed = daily.groupby(days["trade_date"]).sum().sort_index().to_numpy()
            path = np.cumsum(summed)
            fall = np.maximum(np.maximum.accumulate(path), 0) - path
            worst = np.sort(summed)[: int(np.ceil(0.05 * len(summed)))]
            assert float(row[f"{name}max_drawdown"]) == pytest.approx(
                fall.max(), abs=1e-5
            )
            assert float(row[f"{name}worst_day_pnl"]) == pytest.approx(summed.min())
            assert row[f"{name}tail_mean_pnl"] == pytest.approx(worst.mean())


def test_what_a_rule_does_to_days_of_which_none_is_known_is_no_zero(
    tried: duckdb.DuckDBPyConnection,
) -> None:
    # HAND has one day, and no usual one before it.
    found = tried.execute(
        "select distinct is_usual_days, trader_days_count, effect is null, "
        "effect_after_slip is null, avoided_loss_amount is null, "
        "missed_gain_amount is null from tried_effects inner join tried_rules "
        "using (rule) where trader_id = 'HAND' and kind = 'stop' order by all"
    ).fetchall()
    assert found == [(False, 1, *[False] * 4), (True, 0, *[True] * 4)]


def test_the_candidates_of_the_desk_are_replayed_by_the_same_macros(home: Home) -> None:
    """A line of the desk's file that is no rule holds up none of the others."""
    told = rows(home, "select rule from intermediate.int_candidate_rules")
    assert sorted(told) == sorted((text,) for text in CANDIDATES)
    rules = parse_rules("; ".join(CANDIDATES))
    with connected(home) as connection:
        connection.execute("set schema = 'marts'")
        replay(connection, rules)
        for made, mart in (
            ("tried_replays", "fct_rule_replays"), ("tried_effects", "rule_effects")
        ):  # fmt: skip
            assert not connection.execute(
                f"(from {made} except from {mart}) union all "
                f"(from {mart} except from {made})"
            ).fetchall()


def test_intervals_need_as_many_dates_and_traders_as_elsewhere() -> None:
    variables = project_variables()
    assert variables["replay_minimum_dates"] == MINIMUM_DATES
    assert variables["replay_minimum_traders"] == MINIMUM_TRADERS


@pytest.mark.long
@pytest.mark.skipif(
    not REAL_DATA.is_dir(), reason="real trading data is not beside the project"
)
def test_a_stop_equals_the_loop_on_every_day_of_real_data(tmp_path: Path) -> None:
    home = build_warehouse(
        tmp_path / "home", REAL_DATA,
        models="+replay_days +replay_points +fct_round_trips +fct_fills",
    )  # fmt: skip
    with connected(home) as connection:
        assert_real(connection)


def assert_real(connection: duckdb.DuckDBPyConnection) -> None:
    """Of every trader's day on real data: a stop is what a loop over the fills says."""
    connection.execute("set schema = 'marts'")
    rules = parse_rules("stop 100,1000,1500,5000; give_back 1000; losing_trades 3")
    replay(connection, rules)
    fills = real_fills(connection)
    book = keep_book(fills)
    paths, trips, foreknown = (
        realized_paths(book),
        round_trips(fills),
        foreknown_days(book),
    )
    assert (len(paths), len(foreknown)) == (1876, 1)
    for rule in rules:
        wanted = replayed(
            paths, trips, rule.kind, thresholds(connection, rule), None, foreknown
        )
        assert_equal(connection, rule, wanted)
        assert len(wanted) > 30


def real_fills(connection: duckdb.DuckDBPyConnection) -> list[Fill]:
    """The fills of a warehouse, in its order."""
    found = connection.execute(
        "select account_id, trader_id, symbol, filled_at_et, signed_quantity, price, "
        "multiplier, total_fees, coalesce(fill_status, ''), order_id, fill_id, "
        "propreports_id, fill_sequence, day_sequence, trade_date from fct_fills "
        "order by fill_sequence"
    ).fetchall()
    fills = [
        Fill(*said, row_number=0, fill_sequence=sequence, day_sequence=place)
        for *said, sequence, place, day in found
        if isinstance(day, date)
    ]
    return fills
