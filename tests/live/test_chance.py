"""The usual and the chance of a breach: of the past alone, calibrated, tested."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest

from live.baselines import (
    BUCKETS_COUNT,
    Baselines,
    TraderPast,
    bucket_of,
    kept_baselines,
    no_baselines,
    read_baselines,
    write_baselines,
)
from live.chance import Chances, _own_rows, chance_test
from runtime.publish.marts_copy import published_file
from runtime.sessions import EASTERN
from tests.conftest import SampleRun

SESSION = date(2025, 6, 2)
ELEVEN = bucket_of(datetime(2025, 6, 2, 11, tzinfo=EASTERN), SESSION)


def walk(days: int, seed: int, scale: float = 100.0) -> TraderPast:
    """A trader whose net is a random walk from 9:30 to 16:00."""
    dice = np.random.default_rng(seed)
    steps = np.zeros((days, BUCKETS_COUNT))
    steps[:, 62:88] = dice.normal(0, scale, (days, 26))
    net = steps.cumsum(axis=1)
    low_after = np.minimum.accumulate(net[:, ::-1], axis=1)[:, ::-1]
    begun = np.zeros((days, BUCKETS_COUNT))
    begun[:, 62:] = 5
    dates = np.arange(days) + np.datetime64("2025-01-02")
    low_so_far = np.minimum(np.minimum.accumulate(net, axis=1), 0)
    return TraderPast(dates, begun, begun, begun * 100, net, low_so_far, low_after)


def desk(days: int = 110, traders: int = 12) -> Baselines:
    """Traders of several sizes."""
    past = {
        f"T{one:02}": walk(days, one, scale=50.0 * (1 + one % 4))
        for one in range(traders)
    }
    return Baselines(past, date(2025, 5, 30), past["T00"].dates)


def test_buckets_begin_at_18_the_evening_before() -> None:
    for at, bucket in (
        (datetime(2025, 6, 1, 17, 59), 0),
        (datetime(2025, 6, 1, 18, 14), 0),
        (datetime(2025, 6, 1, 18, 15), 1),
        (datetime(2025, 6, 2, 9, 30), 62),
        (datetime(2025, 6, 2, 23, 59), 119),
        (datetime(2025, 6, 4, 9, 30), 120),
    ):
        assert bucket_of(at.replace(tzinfo=EASTERN), SESSION) == bucket


def test_on_random_walks_it_is_better_than_the_base_rate_and_calibrated() -> None:
    found = chance_test(desk(), {})
    assert found.is_selected
    assert found.auc > 0.85
    assert found.brier < found.base_brier
    assert 0.7 < found.slope < 1.4


def test_it_is_told_from_the_truth_of_a_random_walk() -> None:
    """A walk with known steps: the chance is what the reflection principle says."""
    chances = Chances(desk(), {})
    chances.run_test()
    left = 88 - ELEVEN
    from scipy.special import ndtr

    for net in (300.0, 0.0, -300.0, -600.0):
        room = 800.0 + net
        truth = 2 * (1 - ndtr(room / (50.0 * np.sqrt(left))))
        found = chances.of(
            "T00", 800.0, net, min(net, 0.0), ELEVEN, has_begun=True
        ).probability
        assert found == pytest.approx(truth, abs=0.12)


def test_it_rises_as_room_shrinks_and_time_is_left() -> None:
    chances = Chances(desk(), {})
    chances.run_test()

    def at(net: float, bucket: int) -> float:
        found = chances.of("T00", 800.0, net, min(net, 0), bucket, has_begun=True)
        assert found.probability is not None
        return found.probability

    by_net = [at(net, ELEVEN) for net in (500, 0, -300, -600, -790)]
    assert by_net == sorted(by_net)
    by_time = [at(-400, bucket) for bucket in (86, 80, 74, 68)]
    assert by_time == sorted(by_time)


def test_what_is_kept_of_a_trader_is_of_this_time_limit_and_day() -> None:
    kept = Chances(desk(), {})
    kept.run_test()
    asked = [
        (limit, net, bucket, has_begun)
        for limit in (800.0, 400.0)
        for bucket in (ELEVEN, 20, 80)
        for has_begun in (True, False)
        for net in (0.0, -350.0)
    ]
    found = set()
    for limit, net, bucket, has_begun in asked:
        fresh = Chances(desk(), {})
        fresh.test = kept.test
        one, other = (
            chances.of("T00", limit, net, net, bucket, has_begun=has_begun)
            for chances in (kept, fresh)
        )
        assert one == other
        found.add((one.probability, one.base_rate))
    assert len(found) > len(asked) / 2


def test_what_is_unknown_is_said() -> None:
    chances = Chances(desk(), {})
    of = chances.of
    assert of("T00", 800.0, None, None, ELEVEN, has_begun=True).probability is None
    assert of("NEW", 800.0, 0.0, 0.0, ELEVEN, has_begun=True).probability is None
    assert of("T00", 800.0, 0.0, -801.0, ELEVEN, has_begun=True).probability == 1.0
    # Not tested yet, or not better: the base rate, and that it is one.
    base = of("T00", 800.0, -700.0, -700.0, ELEVEN, has_begun=True)
    assert not base.is_own
    assert base.probability == base.base_rate
    assert "only the base rate" in (base.reason or "")


def test_few_days_prove_nothing() -> None:
    assert not chance_test(desk(days=30), {}).is_selected
    assert not chance_test(no_baselines(), {}).is_selected


def test_a_path_without_information_is_not_selected() -> None:
    """Where everybody stands at 0 until a breach falls from the sky."""
    dice = np.random.default_rng(1)

    def sudden(seed: int) -> TraderPast:
        past = walk(110, seed)
        net = np.zeros((110, BUCKETS_COUNT))
        for day in np.flatnonzero(dice.random(110) < 0.2):
            net[day, dice.integers(64, 88) :] = -1000.0
        low = np.minimum.accumulate(net[:, ::-1], axis=1)[:, ::-1]
        so_far = np.minimum.accumulate(net, axis=1)
        return replace(past, net=net, low_so_far=so_far, low_after=low)

    past = {f"T{one:02}": sudden(one) for one in range(12)}
    found = chance_test(
        Baselines(past, None, past["T00"].dates), dict.fromkeys(past, 900.0)
    )
    assert found.rows_count > 1000
    assert not found.is_selected


def test_a_forecast_of_a_past_day_knows_nothing_of_later_ones() -> None:
    whole = walk(60, 3)
    changed = replace(
        whole,
        net=np.where(np.arange(60)[:, None] >= 50, whole.net - 500, whole.net),
        low_after=np.where(
            np.arange(60)[:, None] >= 50, whole.low_after - 500, whole.low_after
        ),
    )
    first, second = _own_rows("T", whole, None), _own_rows("T", changed, None)
    assert first is not None
    assert second is not None
    for name in first:
        mask_one = first["date"] < whole.dates[50]
        mask_two = second["date"] < whole.dates[50]
        assert (first[name][mask_one] == second[name][mask_two]).all(), name
    assert (first["room"][-1] != second["room"][-1]) or len(first) != len(second)


def test_what_is_kept_is_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "baselines.npz"
    begun = desk(days=20, traders=3)
    write_baselines(path, begun)
    kept = kept_baselines(path)
    assert kept is not None
    assert kept.until == begun.until
    for name, past in begun.past.items():
        assert np.array_equal(kept.past[name].dates, past.dates)
        assert np.allclose(kept.past[name].net, past.net)
    write_baselines(path, no_baselines())
    empty = kept_baselines(path)
    assert empty is not None
    assert empty.past == {}
    path.write_bytes(path.read_bytes()[:50])
    assert kept_baselines(path) is None


def test_the_sample_is_read_before_the_session_alone(sample: SampleRun) -> None:
    """Paths end where the warehouse's do, and before the session."""
    with duckdb.connect(published_file(sample.untouched), read_only=True) as connection:
        session = connection.execute(
            "select quantile_disc(trade_date, 0.8) from marts.daily_totals"
        ).fetchall()[0][0]
        found = read_baselines(connection, session)
        known = connection.execute(
            "select trader_id, trade_date, cast(final_net_pnl as double), "
            "cast(trough_net_pnl as double) from marts.fct_intraday_pnl"
        ).fetchall()
        opened = connection.execute(
            "select trader_id, opened_date, count(*) from marts.fct_round_trips "
            "group by all"
        ).fetchall()
    assert found.until is not None
    assert found.until < session
    days = {
        (name, day): (past, row)
        for name, past in found.past.items()
        for row, day in enumerate(past.dates.tolist())
    }
    assert len(days) > 1000
    finals = {(name, day): (net, low) for name, day, net, low in known}
    trades = {(name, day): count for name, day, count in opened}
    for key, (past, row) in days.items():
        net, low = finals[key]
        assert past.net[row, -1] == pytest.approx(net, abs=0.01)
        assert past.lowest[row] == pytest.approx(low, abs=0.01)
        assert past.trades[row, -1] <= trades.get(key, 0)
