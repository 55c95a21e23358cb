"""Behaviour now against usual, again in plain Python from the sample's features."""

from collections import defaultdict
from statistics import fmean, pstdev

import pytest

from tests.conftest import SampleRun, rows

FEATURES = {
    "size_after_losses": "size_after_loss_vs_win_ratio",
    "tempo_after_losses": "reentry_after_loss_ratio",
    "giving_back": "give_back_ratio",
    "past_usual_stop": "past_stop_fills_ratio",
    "averaging_down": "averaging_down_trips_ratio",
    "size": "notional_vs_20d_ratio",
    "trades": "trips_vs_20d_ratio",
}


def test_scores_are_spreads_above_the_days_before(sample: SampleRun) -> None:
    found = {
        tuple(key): figures
        for *key, figures in (
            (trader, day, behaviour, (value, usual, score, tilt))
            for trader, day, behaviour, value, usual, score, tilt in rows(
                sample.untouched,
                "select trader_id, trade_date, behaviour, day_value, usual_value, "
                "score, tilt_score from marts.trader_behaviour",
            )
        )
    }
    expected, parts = {}, defaultdict(list)
    for behaviour, feature in FEATURES.items():
        days: dict[str, list[float]] = defaultdict(list)
        for trader, day, value in rows(
            sample.untouched,
            f"select trader_id, trade_date, {feature} from marts.feat_trader_day "
            f"where {feature} is not null order by trade_date",
        ):
            before = days[trader][-60:]
            usual = score = None
            if len(before) >= 20:
                usual, spread = fmean(before), pstdev(before)
                if spread > 1e-6:
                    score = max(min((value - usual) / spread, 3), -3)
            expected[trader, day, behaviour] = (value, usual, score)
            if score is not None:
                parts[trader, day].append(score)
            days[trader].append(value)
    assert found.keys() == expected.keys()
    for (trader, day, behaviour), figures in expected.items():
        scores = parts[trader, day]
        tilt = fmean(scores) if scores else None
        assert found[trader, day, behaviour] == pytest.approx((*figures, tilt)), day
