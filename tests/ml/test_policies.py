"""Position sizes, and what they would have changed."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.assignment import assigned
from ml.policies import POLICIES, Outlook, effects, evidence, proven
from ml.trial import compare
from runtime.errors import UserError
from runtime.settings import load_settings
from runtime.transform.dbt import project_variables
from tests.conftest import connected

DAY = date(2026, 3, 2)


def outlook(
    predicted, *, scale=1000.0, low=-1.0, high=1.0, warnings=0, risk="Normal"
) -> Outlook:
    predicted = np.atleast_1d(np.asarray(predicted, dtype=float))
    count = len(predicted)
    levels = np.tile([low, low / 2, 0.0, high / 2, high], (count, 1))
    return Outlook(
        predicted,
        levels,
        np.full(count, scale),
        np.full(count, warnings),
        np.full(count, risk, dtype=object),
    )


def half_and_three_quarters() -> dict:
    """Variables of a desk that cuts at Medium, too."""
    return dict(project_variables()) | {"medium_risk_position_multiplier": 0.75}


def test_fixed_thresholds_begin_where_the_levels_do() -> None:
    found = POLICIES["fixed"](
        outlook([-1000.01, -1000, -0.01, 0, 50]), half_and_three_quarters()
    )
    assert found.tolist() == [0.5, 0.75, 0.75, 1, 1]


def test_medium_is_watched_at_the_usual_size() -> None:
    found = POLICIES["fixed"](outlook([-1000.01, -500]), project_variables())
    assert found.tolist() == [0.5, 1]


@pytest.mark.parametrize(
    ("risk", "expected"), [("High", 0.5), ("Elevated", 1), ("Normal", 1)]
)
def test_limit_risk_cuts_where_the_limit_is_near(risk, expected) -> None:
    seen = outlook(-5000, risk=risk)
    assert POLICIES["limit_risk"](seen, project_variables()) == [expected]
    assert POLICIES["watch"](seen, project_variables()) == [1]


def test_adaptive_thresholds_are_the_traders_own() -> None:
    variables = half_and_three_quarters()
    large = POLICIES["adaptive"](outlook([-1500, -2600, 10], scale=10_000), variables)
    small = POLICIES["adaptive"](outlook([-20, -30, 10], scale=100), variables)
    assert large.tolist() == small.tolist() == [0.75, 0.5, 1]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-1.0, 1.0, 1), (-1.1, 1.0, 0.75), (-2.0, 1.0, 0.5), (-1.0, 3.0, 1)],
)
def test_cost_aware_weighs_losses_against_gains(low, high, expected) -> None:
    seen = outlook(0, low=low, high=high)
    assert POLICIES["cost_aware"](seen, half_and_three_quarters()) == [expected]


def test_rules_need_no_model() -> None:
    found = [
        POLICIES["rules"](outlook(np.nan, warnings=count), half_and_three_quarters())[0]
        for count in range(5)
    ]
    assert found == [1, 0.75, 0.5, 0.5, 0.5]


def test_the_policy_in_force_is_the_one_that_is_proven(sample) -> None:
    """Or watching, where none is; and the mart says why."""
    with connected(sample.home) as connection:
        live = connection.sql(
            "select policy, count(*) from marts.risk_calls "
            "where policy is not null group by all"
        ).fetchall()
        evidence = connection.sql(
            "select policy, is_proven, value_low, improvement_over_uniform, value_high "
            "from marts.policy_evidence order by policy"
        ).fetchall()
    assert [one[0] for one in evidence] == sorted(POLICIES)
    proven_ones = {one[0]: one[3] for one in evidence if one[1]}
    best = max(proven_ones, key=lambda name: proven_ones[name], default="watch")
    assert live[0][0] == best and len(live) == 1 and live[0][1] > 10
    for name, is_proven, low, improvement, high in evidence:
        assert low is None or low <= improvement <= high
        assert not is_proven or low > 0, name


def test_effects_by_hand() -> None:
    pnl = np.array([100.0, -200.0, -50.0, 300.0])
    multiplier = np.array([0.5, 0.5, 1.0, 0.75])
    found = {
        name: figure
        for name, figure, _, _ in effects(pnl, DAYS[:4], TRADERS[:4], multiplier)
    }
    assert found == {
        "trade_reduction": pytest.approx(0.3125),
        "avoided_losses": 100,
        "missed_gains": 125,
        "net_pnl_improvement": -25,
        # Cutting every day by 0.3125 would have cost 46.875 of the 150 made.
        "improvement_over_uniform": pytest.approx(-25 + 46.875),
        "false_positive_rate": 1,
        # From 50 down to -100, instead of from 100 down to -150.
        "drawdown": 150,
        "drawdown_reduction": 100,
    }


DAYS = np.datetime64("2026-01-05") + np.arange(60)
TRADERS = np.repeat(np.array(["A", "B"], dtype=object), 30)


def test_a_policy_is_proven_only_beyond_a_uniform_cut() -> None:
    draw = np.random.default_rng(4)
    dates = np.repeat(np.arange(100), 20)
    traders = np.tile(np.arange(20), 100)
    # Everybody loses: any cut earns, and one that cuts at random earns no more.
    pnl = draw.normal(-100, 200, 2000)
    blind = np.where(draw.random(2000) < 0.5, 0.5, 1.0)
    found = evidence(pnl, dates, traders, {"blind": blind, "all": np.full(2000, 0.5)})
    assert proven(found) == "watch"
    assert found[1].improvement_over_uniform == pytest.approx(0, abs=1e-6)
    knowing = np.where((pnl < -100) & (draw.random(2000) < 0.5), 0.5, 1.0)
    found = evidence(pnl, dates, traders, {"blind": blind, "knowing": knowing})
    assert proven(found) == "knowing"
    # One trader on whom it was right is not a desk.
    lucky = np.where(traders == 3, 0.5, 1.0)
    once = np.where(traders == 3, -2000.0, 10.0) + draw.normal(0, 1, 2000)
    assert proven(evidence(once, dates, traders, {"lucky": lucky})) == "watch"


def test_a_fall_takes_the_days_on_which_it_happened() -> None:
    """Two losses on one day fall together, whenever they were predicted."""
    pnl = np.array([-100.0, 100.0, -100.0])
    kept = np.ones(3)
    apart = {name: f for name, f, _, _ in effects(pnl, DAYS[:3], TRADERS[:3], kept)}
    together = {n: f for n, f, _, _ in effects(pnl, DAYS[[0, 1, 0]], TRADERS[:3], kept)}
    assert (apart["drawdown"], together["drawdown"]) == (100, 200)


def test_effects_of_many_days_have_intervals_and_of_few_have_none() -> None:
    draw = np.random.default_rng(1)
    pnl, multiplier = draw.normal(0, 100, 60), draw.choice([0.5, 1.0], 60)
    for _, value, low, high in effects(pnl, DAYS, TRADERS, multiplier):
        assert np.isfinite(value) and low <= high
    for _, value, low, high in effects(pnl[:9], DAYS[:9], TRADERS[:9], multiplier[:9]):
        assert np.isfinite(value) and np.isnan(low) and np.isnan(high)


def test_a_trial_assigns_by_a_hash_that_stays() -> None:
    traders = [f"T{number}" for number in range(400)]

    def side(trader: str, day: date = DAY, unit: str = "trader") -> tuple:
        return assigned(trader, day, "fixed", "adaptive", unit)

    once = [side(trader) for trader in traders]
    assert once == [side(trader, DAY + timedelta(days=9)) for trader in traders]
    assert 150 < sum(policy == "adaptive" for policy, _ in once) < 250
    assert {trial for _, trial in once} == {"adaptive against fixed by trader"}
    days = [DAY + timedelta(days=number) for number in range(400)]
    for day in days[:5]:
        assert len({side(trader, day, "day") for trader in traders}) == 1
    assert 150 < sum(side("T1", day, "day")[0] == "adaptive" for day in days) < 250
    assert assigned("T1", DAY, "fixed", None, "trader") == ("fixed", None)
    # Known by heart: another Python or another run must not move a trader.
    assert [side(f"T{number}")[0] for number in range(4)] == KNOWN


KNOWN = ["fixed", "fixed", "fixed", "adaptive"]


ARMS = {"policy": "adaptive", "other": "fixed", "unit": "trader"}


def trial(effect: float) -> pd.DataFrame:
    """Forty traders of thirty days; the first half under the trial's policy."""
    draw = np.random.default_rng(5)
    own = np.repeat(draw.normal(0, 0.3, 40), 30)
    is_trial = np.repeat(np.arange(40) < 20, 30)
    return pd.DataFrame(
        {
            "trader_id": np.repeat([f"T{number}" for number in range(40)], 30),
            "prediction_date": np.tile(pd.date_range("2026-01-01", periods=30), 40),
            "policy": np.where(is_trial, "adaptive", "fixed"),
            "position_multiplier": 0.75,
            "pnl": 100 * (own + draw.normal(0, 1, 1200) + effect * is_trial),
            "scale": 100.0,
        }
    )


@pytest.mark.parametrize(("effect", "is_shown"), [(0.0, False), (1.0, True)])
def test_a_difference_is_shown_only_where_there_is_one(effect, is_shown) -> None:
    found = compare(trial(effect), DAY, **ARMS).set_index("metric")
    row = found.loc["net_pnl_scaled"]
    assert (row["value_low"] > 0) == is_shown
    assert row["value_low"] < row["metric_value"] < row["value_high"]
    assert row["policy_rows_count"] == row["other_rows_count"] == 600


def test_a_traders_days_are_not_counted_as_so_many_traders() -> None:
    """The interval is that of forty traders, not of twelve hundred days."""
    found = compare(trial(0.0), DAY, **ARMS).set_index("metric").loc["net_pnl_scaled"]
    width = found["value_high"] - found["value_low"]
    if_independent = 2 * 1.645 * np.sqrt(2 / 600) * 1.05
    assert width > 1.2 * if_independent


def test_few_traders_say_nothing_however_many_their_days() -> None:
    found = trial(1.0)
    few = found[found["trader_id"].isin([f"T{n}" for n in (0, 1, 2, 30, 31, 32)])]
    assert len(few) > 100
    assert compare(few, DAY, **ARMS).empty


def test_a_trial_of_the_live_policy_is_refused(monkeypatch) -> None:
    monkeypatch.setenv("RISK_ENV_FILE", "")
    monkeypatch.setenv("TRIAL_POLICY", "fixed")
    with pytest.raises(UserError, match="TRIAL_POLICY needs a POLICY"):
        load_settings()
    monkeypatch.setenv("POLICY", "fixed")
    with pytest.raises(UserError, match="TRIAL_POLICY must be another policy"):
        load_settings()
