"""Figures of the tail by another way: the papers' formulas in plain loops."""

from collections.abc import Sequence
from itertools import pairwise
from math import log

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from ml.correlations import shrinkage_of
from ml.desk import ERROR_LIMIT, MINIMUM_SCENARIOS, SCENARIOS, TAIL, DeskHistory
from ml.desk_tail import contributions, shortfalls
from ml.tail_tests import coverage_ratio, independence_ratio, tail_tests
from runtime.transform.dbt import project_variables
from tests.draws import draw
from tests.ml.test_desk_risk import scenarios

SEEDS = range(draw(5, 100))


def bernoulli_likelihood(hits: Sequence[bool], chance: float) -> float:
    """Log of what a series is worth if each day is bad with that chance."""
    return sum(
        log(chance if hit else 1 - chance)
        for hit in hits
        if (chance if hit else 1 - chance) > 0
    )


def kupiec(hits: Sequence[bool], chance: float) -> float:
    """Kupiec 1995: the likelihood of the share that came over that of the forecast."""
    came = sum(hits) / len(hits)
    return -2 * (bernoulli_likelihood(hits, chance) - bernoulli_likelihood(hits, came))


def christoffersen(hits: Sequence[bool]) -> float:
    """Christoffersen 1998: a Markov chain of two states against one without memory."""
    n = {(before, after): 0 for before in (0, 1) for after in (0, 1)}
    for before, after in pairwise(hits):
        n[int(before), int(after)] += 1
    steps = sum(n.values())
    alone = (n[0, 1] + n[1, 1]) / steps

    def worth(count: int, chance: float) -> float:
        return count * log(chance) if count else 0.0

    chained = 0.0
    for state in (0, 1):
        left = n[state, 0] + n[state, 1]
        if left:
            to_bad = n[state, 1] / left
            chained += worth(n[state, 0], 1 - to_bad) + worth(n[state, 1], to_bad)
    without = worth(n[0, 0] + n[1, 0], 1 - alone) + worth(n[0, 1] + n[1, 1], alone)
    return -2 * (without - chained)


def acerbi_szekely(
    actual: Sequence[float], at_risk: Sequence[float], shortfall: Sequence[float]
) -> float:
    """Acerbi and Szekely 2014, Z2: of losses X_t, with shortfalls above 0."""
    total = 0.0
    for x, var, es in zip(actual, at_risk, shortfall, strict=True):
        if x + -var < 0:
            total += x / (TAIL * -es)
    return total / len(actual) + 1


@pytest.mark.parametrize("seed", SEEDS)
def test_tests_of_the_tail_are_those_of_the_papers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(60, 400))
    pnl = rng.standard_t(3, count) * 10 ** rng.uniform(0, 4)
    at_risk = np.quantile(pnl, rng.uniform(0.01, 0.2)) * rng.uniform(0.8, 1.2, count)
    shortfall = at_risk * rng.uniform(1.1, 2, count)
    hits = (pnl < at_risk).tolist()
    severities = rng.uniform(0.4, 3, 50)
    found = tail_tests(at_risk, shortfall, pnl, severities)
    coverage, dependence = kupiec(hits, TAIL), christoffersen(hits)
    assert coverage_ratio(sum(hits), count) == pytest.approx(coverage, abs=1e-9)
    assert independence_ratio(np.array(hits)) == pytest.approx(dependence, abs=1e-9)
    assert found["breached_sessions_count"] == sum(hits)
    for name, ratio, freedom in (
        ("kupiec", coverage, 1),
        ("christoffersen", dependence, 1),
        ("conditional_coverage", coverage + dependence, 2),
    ):
        # Of a ratio of 0 the last digit may be below it.
        chance = chi2.sf(max(ratio, 0), freedom)
        assert found[f"{name}_p_value"] == pytest.approx(chance, abs=1e-6)
    statistic = acerbi_szekely(pnl, at_risk, shortfall)
    assert found["shortfall_statistic"] == pytest.approx(statistic)
    # What it is by chance, session by session.
    drawn = np.zeros(1000)
    for _ in range(count):
        is_bad = rng.random(1000) < TAIL
        drawn -= np.where(is_bad, rng.choice(severities, 1000), 0) / (TAIL * count)
    chance = float((drawn + 1 <= statistic).mean())
    assert found["shortfall_p_value"] == pytest.approx(chance, abs=0.06)


def expected_shortfall(pnl: np.ndarray) -> float:
    """Rockafellar and Uryasev 2000: the best of c - E(c - X)+ / TAIL over all c."""
    return max(c - np.maximum(c - pnl, 0).mean() / TAIL for c in pnl)


@pytest.mark.parametrize("seed", SEEDS)
def test_shortfalls_and_what_each_trader_has_of_them(seed: int) -> None:
    """A contribution is how fast the shortfall grows with the trader's size (Euler)."""
    rng = np.random.default_rng(seed)
    pnl = rng.standard_t(4, (int(rng.integers(60, 250)), 6)) * 1e4
    found = contributions(scenarios(pnl))
    total = pnl.sum(axis=1)
    whole = expected_shortfall(total)
    assert float(shortfalls(total)) == pytest.approx(whole)
    step = 1e-6
    for place in range(pnl.shape[1]):
        own = pnl[:, place]
        grown = expected_shortfall(total + step * own)
        shrunk = expected_shortfall(total - step * own)
        part = found["expected_shortfall_contribution"][place]
        assert part == pytest.approx((grown - shrunk) / (2 * step), abs=0.02)
        assert found["own_expected_shortfall_pnl"][place] == pytest.approx(
            expected_shortfall(own)
        )
        assert found["expected_shortfall_without_pnl"][place] == pytest.approx(
            expected_shortfall(total - own)
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_shrinkage_is_that_of_the_paper(seed: int) -> None:
    """Ledoit and Wolf 2004, day by day: b² over d², of what is off the diagonal."""
    rng = np.random.default_rng(seed)
    days, traders = int(rng.integers(20, 120)), int(rng.integers(2, 8))
    values = rng.normal(size=(days, traders)) + rng.normal(size=(days, 1)) / 2
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    correlation = standard.T @ standard / days
    apart = ~np.eye(traders, dtype=bool)
    b_squared = 0.0
    for day in standard:
        b_squared += ((np.outer(day, day) - correlation)[apart] ** 2).sum() / days**2
    d_squared = (correlation[apart] ** 2).sum()
    assert shrinkage_of(values) == pytest.approx(min(b_squared, d_squared) / d_squared)


Row = tuple[str, int, int | None, float, float, float]


def drawn_history(rng: np.random.Generator, days: int) -> list[Row]:
    """Trader, day of the features, next day traded, predicted, its P&L, scale."""
    rows: list[Row] = []
    for number in range(5):
        share = rng.uniform(0.3, 1) if number else 1.0
        traded = [day for day in range(days) if rng.random() < share]
        # One is always there, one begins late, one is away for long.
        if number == 1:
            traded = [day for day in traded if day > days // 2]
        if number == 2:
            traded = [day for day in traded if not 20 < day < 70]
        for day, following in zip(traded, [*traded[1:], None], strict=True):
            made = rng.normal() * 100 if following is not None else np.nan
            rows.append(
                (f"T{number}", day, following, rng.normal() * 10, made * 10,
                 float(rng.choice([1.0, 100.0, 500.0])))
            )  # fmt: skip
    return rows


def simulated(rows: list[Row], morning: int) -> list[dict[str, float]]:
    """Filtered historical simulation by its words: P&L of each trader, day by day."""
    lasting = int(project_variables()["inactive_above_idle_sessions"])
    names = sorted({row[0] for row in rows})

    def in_force(name: str, day: int) -> Row | None:
        made = [row for row in rows if row[0] == name and row[1] < day]
        last = max(made, key=lambda row: row[1], default=None)
        return last if last and day - last[1] - 1 <= lasting else None

    asked = {name: row for name in names if (row := in_force(name, morning))}
    found = []
    for day in range(max(0, morning - SCENARIOS), morning):
        erred = {
            name: max(-ERROR_LIMIT, min(ERROR_LIMIT, (pnl - predicted) / scale))
            for name, _, known, predicted, pnl, scale in rows
            if known == day
        }
        if not erred:
            continue
        had = [name for name in names if in_force(name, day)]
        scenario = {}
        for name, (_, _, _, predicted, _, scale) in asked.items():
            like = name if name in had else had[names.index(name) % len(had)]
            if like in erred:
                scenario[name] = predicted + scale * erred[like]
        found.append(scenario)
    return found if len(found) >= MINIMUM_SCENARIOS else []


@pytest.mark.parametrize("seed", range(draw(2, 20)))
def test_scenarios_are_those_of_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    days = int(rng.integers(90, 130))
    rows = drawn_history(rng, days)
    first = pd.Timestamp("2024-01-01")

    def dated(day: int | None) -> pd.Timestamp:
        return pd.NaT if day is None else first + pd.Timedelta(day, "D")

    history = DeskHistory.of(
        pd.DataFrame(
            [
                (name, dated(made), dated(known), predicted, pnl, scale)
                for name, made, known, predicted, pnl, scale in rows
            ],
            columns=[
                "trader_id",
                "features_date",
                "prediction_date",
                "predicted_pnl",
                "pnl",
                "scale",
            ],
        )  # fmt: skip
    )
    assert len(history.dates) == days
    mornings = stood_in = 0
    for date, made in history.past_scenarios():
        morning = (pd.Timestamp(date) - first).days
        wanted = simulated(rows, morning)
        assert len(made) == len(wanted)
        for place, scenario in enumerate(wanted):
            assert set(made.traders[made.traded[place]]) == set(scenario)
            for name, pnl in zip(made.traders, made.pnl[place], strict=True):
                assert pnl == pytest.approx(scenario.get(name, 0.0))
        mornings += len(wanted) > 0
        stood_in += any("T1" in one for one in wanted)
    assert mornings > 10 and stood_in > 10
