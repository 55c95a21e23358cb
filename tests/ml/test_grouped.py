"""Effects of traders and groups: few days move them little."""

import numpy as np
import pytest

from ml.calibration import sigmoid
from ml.grouped import GroupedEffects


def events(draw, effects: np.ndarray, count: int):
    traders = np.repeat([f"T{n:02}" for n in range(len(effects))], count).astype(object)
    score = draw.normal(-1, 1, len(traders))
    chance = sigmoid(score + np.repeat(effects, count))
    return score, (draw.random(len(traders)) < chance).astype(float), traders


def test_effects_are_found_and_shrunk() -> None:
    draw = np.random.default_rng(1)
    truth = draw.normal(0, 1, 40)
    for count, slope in ((400, 0.9), (5, 0.05)):
        score, is_event, traders = events(draw, truth, count)
        groups = np.full(len(traders), "", dtype=object)
        found = GroupedEffects.fit(score, is_event, traders, groups)
        each = np.array([found.traders[f"T{n:02}"] for n in range(40)])
        assert np.polyfit(truth, each, 1)[0] > slope
        assert np.std(each) < np.std(truth) * 1.1
        assert np.corrcoef(truth, each)[0, 1] > (0.9 if count > 100 else 0.5)


def test_where_there_are_none_next_to_nothing_is_found() -> None:
    draw = np.random.default_rng(2)
    score, is_event, traders = events(draw, np.zeros(30), 60)
    groups = np.where(draw.random(len(traders)) < 0.5, "A", "").astype(object)
    found = GroupedEffects.fit(score, is_event, traders, groups)
    assert np.abs(list(found.traders.values())).max() < 0.3


def test_a_group_tells_of_a_trader_nobody_has_seen() -> None:
    draw = np.random.default_rng(3)
    score, is_event, traders = events(draw, np.repeat([1.0, -1.0], 20), 50)
    groups = np.repeat(["A", "B"], 1000).astype(object)
    found = GroupedEffects.fit(score, is_event, traders, groups)
    assert found.groups["A"] + np.mean(list(found.traders.values())[:20]) > 0.7
    new = np.array(["X", "Y", "Z"], dtype=object)
    said = found.predict(np.zeros(3), new, np.array(["A", "B", "C"], dtype=object))
    assert said[0] > said[2] > said[1]
    assert said[2] == pytest.approx(0.5)
