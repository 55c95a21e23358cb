"""The desk's worst case: past days drawn whole, and nothing of what came after."""

import numpy as np
import pandas as pd
import pytest

from ml.desk import ERROR_LIMIT, MINIMUM_SCENARIOS, SCENARIOS, DeskHistory

FIRST = pd.Timestamp("2024-01-01")


def day(number: int) -> pd.Timestamp:
    """A day of the desk."""
    return FIRST + pd.Timedelta(number, "D")


def forecasts(
    rows: list[tuple[str, int, int | None, float, float, float]],
) -> pd.DataFrame:
    """Trader, day of the features, day of the outcome, predicted, outcome, scale."""
    frame = pd.DataFrame(
        rows, columns=["trader_id", "made", "known", "predicted_pnl", "pnl", "scale"]
    )
    return frame.assign(
        features_date=[day(number) for number in frame["made"]],
        prediction_date=pd.to_datetime(
            [
                pd.NaT if pd.isna(number) else day(int(number))
                for number in frame["known"]
            ]
        ),
    )


def every_day(
    trader: str, outcomes: np.ndarray, *, predicted=0.0, scale=1000.0
) -> list:
    """Calls of a trader who trades each day; the last one has no outcome yet."""
    known = [*range(1, len(outcomes)), None]
    after = [*outcomes[1:], np.nan]
    return [
        (trader, number, known[number], predicted, after[number], scale)
        for number in range(len(outcomes))
    ]


def today(*rows: tuple[str, float, float]) -> pd.DataFrame:
    """Trader, predicted, scale."""
    return pd.DataFrame(rows, columns=["trader_id", "predicted_pnl", "scale"])


def test_traders_who_lose_together_are_worse_than_those_who_take_turns() -> None:
    """Each has the same quantiles, so that adding them up cannot tell."""
    moves = np.where(np.arange(200) % 2 == 0, 100.0, -100.0)
    together = DeskHistory.of(
        forecasts([*every_day("A", moves), *every_day("B", moves)])
    )
    in_turn = DeskHistory.of(
        forecasts([*every_day("A", moves), *every_day("B", -moves)])
    )
    ask = today(("A", 0.0, 1000.0), ("B", 0.0, 1000.0))
    assert together.scenarios(ask).outlook()["worst_case_pnl"] == -200
    assert together.scenarios(ask).outlook()["best_case_pnl"] == 200
    assert in_turn.scenarios(ask).outlook()["worst_case_pnl"] == 0


def test_past_errors_are_put_on_todays_prediction_and_scale() -> None:
    outcomes = np.arange(0, 201, dtype=float)
    history = DeskHistory.of(
        forecasts(every_day("A", outcomes, predicted=50.0, scale=20.0))
    )
    found = history.scenarios(today(("A", -300.0, 2.0))).outlook()
    errors = (outcomes[1:] - 50) / 20
    expected = np.quantile(-300 + 2 * errors, (0.05, 0.5, 0.95))
    got = [found[x] for x in ("worst_case_pnl", "median_pnl", "best_case_pnl")]
    np.testing.assert_allclose(got, expected)
    assert found["scenarios_count"] == 200


def test_too_few_sessions_say_nothing_of_a_bad_day() -> None:
    for count, is_known in ((MINIMUM_SCENARIOS, False), (MINIMUM_SCENARIOS + 1, True)):
        history = DeskHistory.of(
            forecasts(every_day("A", np.arange(count, dtype=float)))
        )
        found = history.scenarios(today(("A", 5.0, 1000.0))).outlook()
        assert np.isnan(found["worst_case_pnl"]) != is_known


def test_no_more_than_the_last_two_years_are_drawn_from() -> None:
    outcomes = np.r_[np.full(50, -9999.0), np.zeros(SCENARIOS)]
    history = DeskHistory.of(forecasts(every_day("A", outcomes)))
    found = history.scenarios(today(("A", 0.0, 1000.0))).outlook()
    assert found["scenarios_count"] == SCENARIOS
    assert found["worst_case_pnl"] == 0


def test_one_day_in_a_hundred_has_the_interval_that_its_days_allow() -> None:
    """Of 500 days it is the second to the tenth from below, nine times in ten."""
    moves = np.random.default_rng(1).permutation(np.arange(-250.0, 251.0))
    history = DeskHistory.of(forecasts(every_day("A", moves)))
    found = history.scenarios(today(("A", 0.0, 1000.0))).outlook()
    total = np.sort(moves[1:])
    assert found["one_in_hundred_pnl"] == np.quantile(total, 0.01)
    assert found["one_in_hundred_low"] == total[1]
    assert found["one_in_hundred_high"] == total[9]
    # A hundred days do not say how bad it may be.
    short = DeskHistory.of(forecasts(every_day("A", moves[:101])))
    found = short.scenarios(today(("A", 0.0, 1000.0))).outlook()
    assert np.isnan(found["one_in_hundred_low"])
    assert found["one_in_hundred_pnl"] <= found["one_in_hundred_high"]


def test_who_stays_away_on_most_days_is_no_risk_on_those() -> None:
    rare = [("A", n, n + 10, 0.0, -1000.0, 1000.0) for n in range(0, 190, 10)]
    daily = every_day("B", np.zeros(200))
    history = DeskHistory.of(forecasts([*rare, *daily]))
    found = history.scenarios(today(("A", 0.0, 1000.0), ("B", 0.0, 1000.0))).outlook()
    assert found["median_pnl"] == 0
    # One day in ten.
    assert found["worst_case_pnl"] == -1000


def test_who_had_not_begun_does_as_one_who_had() -> None:
    old = np.where(np.arange(200) % 4 == 0, -100.0, 0.0)
    new = [("B", n, n + 1, 0.0, 0.0, 1000.0) for n in range(190, 199)]
    history = DeskHistory.of(forecasts([*every_day("A", old), *new]))
    found = history.scenarios(today(("A", 0.0, 1000.0), ("B", 0.0, 1000.0))).outlook()
    assert found["worst_case_pnl"] == -200


def test_a_past_morning_is_evaluated_by_the_days_before_it_alone() -> None:
    rng = np.random.default_rng(3)
    outcomes = rng.normal(size=(2, 300)) * 100
    rows = [*every_day("A", outcomes[0]), *every_day("B", outcomes[1])]
    whole = DeskHistory.of(forecasts(rows)).past_outlooks()
    cut = [row for row in rows if row[1] < 200]
    part = DeskHistory.of(forecasts(cut)).past_outlooks()
    shared = whole.merge(part, on="prediction_date", suffixes=("", "_part"))
    assert len(shared) > 190
    for name in ("one_in_hundred_pnl", "worst_case_pnl", "best_case_pnl"):
        np.testing.assert_array_equal(shared[name], shared[f"{name}_part"])
    known = whole.dropna(subset=["worst_case_pnl"])
    actual = pd.Series(outcomes.sum(axis=0)).reindex(
        (known["prediction_date"] - FIRST).dt.days
    )
    is_below = actual.to_numpy() < known["worst_case_pnl"].to_numpy()
    assert is_below.mean() == pytest.approx(0.05, abs=0.03)


def test_a_forecast_holds_until_its_trader_counts_as_inactive() -> None:
    daily = every_day("A", np.zeros(60))
    gone = [("B", 10, None, -70.0, np.nan, 1000.0)]
    found = DeskHistory.of(forecasts([*daily, *gone])).past_outlooks()
    counts = found.set_index("prediction_date")["traders_count"]
    assert counts[day(10)] == 1
    assert (counts[day(11) : day(31)] == 2).all()
    assert counts[day(32)] == 1


def test_no_day_counts_for_more_than_ten_usual_ones() -> None:
    """The scale of who hardly trades is a few dollars."""
    tiny = np.r_[np.zeros(100), np.full(100, -1e6)]
    history = DeskHistory.of(forecasts(every_day("A", tiny, scale=2.0)))
    found = history.scenarios(today(("A", 0.0, 300.0))).outlook()
    assert found["worst_case_pnl"] == -300 * ERROR_LIMIT


def test_who_was_inactive_then_does_as_one_who_was_not() -> None:
    """A year away is no year of sessions without a loss."""
    there = np.where(np.arange(200) % 4 == 0, -100.0, 0.0)
    returned = [("B", n, n + 1, 0.0, 0.0, 1000.0) for n in (0, 1, *range(190, 199))]
    history = DeskHistory.of(forecasts([*every_day("A", there), *returned]))
    found = history.scenarios(today(("A", 0.0, 1000.0), ("B", 0.0, 1000.0))).outlook()
    assert found["worst_case_pnl"] == -200


def test_a_trader_without_a_forecast_before_has_room() -> None:
    moves = np.where(np.arange(200) % 2 == 0, 100.0, -100.0)
    history = DeskHistory.of(forecasts(every_day("B", moves)))
    made = history.scenarios(today(("A", 0.0, 1000.0), ("B", 0.0, 1000.0)))
    assert made.traders.tolist() == ["A", "B"]
    assert made.outlook()["worst_case_pnl"] == -200
