"""Where the desk's tail comes from: parts add up, and nothing is made of nothing."""

import numpy as np
import pandas as pd
import pytest

from ml.desk import DeskHistory, Scenarios
from ml.desk_risk import DESK, Membership, desk_risk
from ml.desk_stress import own_bad_days, stresses
from ml.desk_tail import (
    contributions,
    first_component_share,
    scope_figures,
    shortfalls,
    tail_weights,
)
from tests.draws import draw

FIRST = np.datetime64("2024-01-01", "ns")
NOBODY_SAID = pd.DataFrame(
    {
        "trader_id": np.array([], dtype=str),
        "trader_group": np.array([], dtype=str),
        "strategy": np.array([], dtype=str),
        "valid_from": np.array([], dtype="datetime64[s]"),
        "valid_to": np.array([], dtype="datetime64[s]"),
    }
)
NOT_TOLD = pd.DataFrame(
    columns=[
        "prediction_date", "scope_type", "scope_name",
        "value_at_risk_pnl", "expected_shortfall_pnl",
    ]
)  # fmt: skip


def scenarios(pnl: np.ndarray) -> Scenarios:
    """Sessions x traders; NaN where one stays away."""
    days = FIRST + np.arange(len(pnl)) * np.timedelta64(1, "D")
    names = np.array([f"T{number:02}" for number in range(pnl.shape[1])])
    return Scenarios(days, names, ~np.isnan(pnl), np.nan_to_num(pnl))


@pytest.mark.parametrize("seed", range(draw(5, 100)))
def test_contributions_add_up_to_the_shortfall_to_the_cent(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = rng.integers(60, 500), rng.integers(1, 40)
    pnl = rng.standard_t(3, shape) * 10 ** rng.uniform(-2, 5, shape[1])
    pnl[rng.random(shape) < 0.4] = np.nan
    some = scenarios(pnl.round(int(rng.integers(-2, 3))))
    parts = contributions(some)["expected_shortfall_contribution"]
    cents = np.round(100 * parts).astype(int)
    np.testing.assert_array_equal(cents / 100, parts)
    assert cents.sum() == round(100 * scope_figures(some)["expected_shortfall_pnl"])


def test_a_contribution_is_the_mean_of_the_traders_days_in_the_tail() -> None:
    """Of 40 days two are the tail: -30 and -20 of the first, +5 and -9 of the other."""
    pnl = np.zeros((40, 2))
    pnl[3], pnl[7] = (-30, 5), (-20, -9)
    some = scenarios(pnl)
    parts = contributions(some)
    assert parts["expected_shortfall_contribution"].tolist() == [-25, -2]
    assert parts["own_expected_shortfall_pnl"].tolist() == [-25, -4.5]
    assert parts["expected_shortfall_without_pnl"].tolist() == [-4.5, -25]
    figures = scope_figures(some)
    assert figures["expected_shortfall_pnl"] == -27
    assert figures["diversification_ratio"] == pytest.approx((25 + 4.5) / 27)


def test_a_part_of_a_day_is_in_the_tail_where_its_days_are_no_whole_number() -> None:
    """Five hundredths of 70 days are three and a half."""
    total = np.arange(70.0)
    expected = np.array([1, 1, 1, 0.5]) / 3.5
    np.testing.assert_allclose(tail_weights(total, 0.05)[:4], expected)
    assert shortfalls(total) == pytest.approx((0 + 1 + 2 + 1.5) / 3.5)


def test_equal_days_share_alike() -> None:
    some = scenarios(np.tile([-1.0, -2.0], (100, 1)))
    assert np.ptp(tail_weights(some.pnl.sum(axis=1), 0.05)) == 0
    figures = scope_figures(some)
    assert figures["value_at_risk_pnl"] == figures["expected_shortfall_pnl"] == -3
    assert figures["expected_shortfall_low"] == figures["expected_shortfall_high"] == -3
    assert contributions(some)["expected_shortfall_contribution"].tolist() == [-1, -2]
    assert np.isnan(figures["first_component_share"])


def test_what_one_trader_or_no_loss_cannot_say_is_not_said() -> None:
    alone = scope_figures(scenarios(np.arange(-50.0, 50)[:, None]))
    assert alone["expected_shortfall_pnl"] == -48
    assert np.isnan(alone["diversification_ratio"])
    assert np.isnan(alone["first_component_share"])
    nobody_loses = scope_figures(scenarios(np.ones((100, 2))))
    assert np.isnan(nobody_loses["diversification_ratio"])
    nothing = scenarios(np.empty((0, 2)))
    assert scope_figures(nothing) == {}
    assert not len(stresses(nothing))


def test_the_first_component_of_those_who_move_as_one_is_all_there_is() -> None:
    moves = np.random.default_rng(1).normal(size=(300, 1))
    assert first_component_share(moves * [1.0, 50, 7]) == pytest.approx(1)
    apart = np.random.default_rng(2).normal(size=(5000, 4))
    assert first_component_share(apart) == pytest.approx(0.25, abs=0.02)


def test_stresses_are_days_that_were_and_days_that_have_not_been() -> None:
    pnl = np.zeros((100, 4))
    pnl[10], pnl[50:55] = (-100, 20, 0, 0), (-15, -15, 0, 0)
    pnl[:, 3] = np.nan
    found = stresses(scenarios(pnl)).set_index(["stress", "stress_order"])
    worst = found.loc[("worst_session", 1)]
    assert worst["pnl"] == -80
    assert worst["first_session_date"] == FIRST + np.timedelta64(10, "D")
    assert (worst["worst_trader_id"], worst["worst_trader_pnl"]) == ("T00", -100)
    run = found.loc[("worst_five_sessions", 1)]
    assert run["pnl"] == -150
    assert run["last_session_date"] - run["first_session_date"] == pd.Timedelta(4, "D")
    own = own_bad_days(scenarios(pnl))
    assert found.loc[("everybody_at_own_bad_day", 1), "pnl"] == own.sum()
    # Who never traded in any of them loses nothing.
    assert own[3] == 0


def test_idle_days_are_no_bad_days_of_a_traders_own() -> None:
    """One who trades one day in ten, and then loses a hundred."""
    pnl = np.full((200, 1), np.nan)
    pnl[::10] = -100
    assert own_bad_days(scenarios(pnl)).tolist() == [-100]


def said(*rows: tuple[str, str | None, str | None, str, str]) -> Membership:
    """Trader, group, strategy, from, to."""
    frame = pd.DataFrame(rows, columns=list(NOBODY_SAID))
    for column in ("valid_from", "valid_to"):
        frame[column] = frame[column].astype("datetime64[s]")
    return Membership(frame)


def test_a_group_is_who_was_in_it_that_morning() -> None:
    membership = said(
        ("A", "Red", None, "1900-01-01", "2024-03-01"),
        ("A", "Blue", "gaps", "2024-03-01", "9999-12-31"),
        ("B", "Red", None, "1900-01-01", "9999-12-31"),
    )
    traders = np.array(["A", "B", "C"])
    before = membership.scopes(np.datetime64("2024-02-29", "ns"), traders)
    assert {scope: places.tolist() for scope, places in before.items()} == {
        DESK: [0, 1, 2],
        ("trader_group", "Red"): [0, 1],
    }
    after = membership.scopes(np.datetime64("2024-03-01", "ns"), traders)
    assert {scope: places.tolist() for scope, places in after.items()} == {
        DESK: [0, 1, 2],
        ("trader_group", "Blue"): [0],
        ("trader_group", "Red"): [1],
        ("strategy", "gaps"): [0],
    }


def history(days: int) -> DeskHistory:
    """Two traders who trade each day."""
    rng = np.random.default_rng(5)
    made = FIRST + np.arange(days) * np.timedelta64(1, "D")
    return DeskHistory.of(
        pd.concat(
            pd.DataFrame(
                {
                    "trader_id": trader,
                    "features_date": made[:-1],
                    "prediction_date": made[1:],
                    "predicted_pnl": 0.0,
                    "scale": 100.0,
                    "pnl": rng.normal(size=days - 1) * 100,
                }
            )
            for trader in ("A", "B")
        )
    )


def today(*traders: str) -> pd.DataFrame:
    return pd.DataFrame({"trader_id": traders, "predicted_pnl": 0.0, "scale": 100.0})


def test_a_morning_is_told_and_its_past_held_against_it() -> None:
    past = history(250)
    morning = FIRST + np.timedelta64(250, "D")
    made = desk_risk(
        past, past.scenarios(today("A", "B", "NEW")), Membership(NOBODY_SAID), morning,
        NOT_TOLD,
    )  # fmt: skip
    assert made.desk_risk["traders_count"].tolist() == [3]
    assert made.desk_tail_tests["sessions_count"].tolist() == [250 - 1 - 60]
    assert made.desk_tail_tests["verdict"].tolist() == ["sound"]
    assert len(made.trader_correlations) == 3
    assert made.desk_risk_contributions["expected_shortfall_contribution"].sum() == (
        pytest.approx(made.desk_risk["expected_shortfall_pnl"][0])
    )


def test_what_the_desk_was_told_goes_before_what_is_replayed() -> None:
    past = history(250)
    told = NOT_TOLD.copy()
    told.loc[0] = [pd.Timestamp(past.dates[-1]), *DESK, 1e6, -1.0]
    morning = FIRST + np.timedelta64(250, "D")
    breaches = [
        desk_risk(past, past.scenarios(today("A", "B")), Membership(NOBODY_SAID),
                  morning, one).desk_tail_tests["breached_sessions_count"][0]
        for one in (NOT_TOLD, told)
    ]  # fmt: skip
    assert breaches[1] - breaches[0] == 1


def test_a_desk_of_a_few_days_has_no_tail() -> None:
    past = history(20)
    made = desk_risk(
        past, past.scenarios(today("A")), Membership(NOBODY_SAID),
        FIRST + np.timedelta64(20, "D"), NOT_TOLD,
    )  # fmt: skip
    assert made.desk_risk[["traders_count", "scenarios_count"]].values.tolist() == [
        [1, 0]
    ]
    for name in ("desk_risk_contributions", "desk_stress", "desk_tail_tests",
                 "replayed_desk_risk", "trader_correlations"):  # fmt: skip
        assert not len(getattr(made, name))
