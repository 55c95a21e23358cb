"""Whether behaviour says anything: what is planted is found, and nothing else."""

import numpy as np
import pandas as pd

from ml.behaviour import LEVEL, TILT, Evidence, evidence
from tests.draws import draw

NAMES = ("size", "trades", "averaging_down")
NOTHING = "not significant"


def desk(
    seed: int, planted: float = 0.0, together: float = 0.0, step: int = 1
) -> list[Evidence]:
    """Eight traders of 150 sessions, on which they lose together by so much.

    Days of larger size than usual come before losses as far as it is planted. Days are
    in no order.
    """
    rng = np.random.default_rng(seed)
    sessions = pd.date_range("2024-01-01", periods=151)
    rows, losses = [], []
    common = rng.normal(size=150)
    for trader in range(8):
        scores = np.clip(rng.normal(size=(150, 3)), -3, 3)
        luck = np.sqrt(1 - together) * rng.normal(size=150)
        is_loss = np.sqrt(together) * common + luck + planted * scores[:, 0] > 0
        losses.append(is_loss.astype(float))
        rows += [
            (f"T{trader}", sessions[day], name, scores[day, number], scores[day].mean())
            for day in range(150)
            for number, name in enumerate(NAMES)
            if day >= 20 or name != "trades"
        ]
    columns = ["trader_id", "trade_date", "behaviour", "score", TILT]
    some = rng.permutation(8 * 150)[::step]
    return evidence(
        pd.DataFrame(rows, columns=columns),
        np.repeat([f"T{trader}" for trader in range(8)], 150).astype(object)[some],
        np.tile(sessions[:-1].to_numpy("datetime64[ns]"), 8)[some],
        np.tile(sessions[1:].to_numpy("datetime64[ns]"), 8)[some],
        {
            "loss": np.concatenate(losses)[some],
            "chance": (rng.random(8 * 150) < 0.1)[some],
        },
    )


def test_a_planted_behaviour_is_found_and_nothing_else() -> None:
    found = {(one.target, one.behaviour): one for one in desk(3, planted=0.5)}
    assert set(found) == {(x, y) for x in ("loss", "chance") for y in (TILT, *NAMES)}
    size = found["loss", "size"]
    assert size.days_count == 1200 and found["loss", "trades"].days_count == 8 * 130
    assert size.auc_within_trader > size.null_high
    assert size.chance < LEVEL and size.verdict == "more of it before"
    assert found["loss", "averaging_down"].verdict == NOTHING
    assert found["chance", "size"].verdict == NOTHING
    assert desk(3, planted=0.5, step=-1) == [*found.values()]
    less = {(one.target, one.behaviour): one for one in desk(3, planted=-0.5)}
    assert less["loss", "size"].verdict == "less of it before"


def test_by_chance_is_as_wide_as_chance_is() -> None:
    """Nine in ten of what says nothing lie between."""
    found = [one for seed in range(20, 26) for one in desk(seed)]
    inside = [one.null_low < one.auc_within_trader < one.null_high for one in found]
    assert 0.7 < np.mean(inside) <= 1


def test_where_nothing_is_planted_nothing_is_found_though_all_lose_together() -> None:
    looks = draw(8, 200)
    named = [
        any(one.verdict != NOTHING for one in desk(seed, together=0.6))
        for seed in range(100, 100 + looks)
    ]
    # One look in twenty, whichever behaviour and outcome it is.
    assert np.mean(named) <= LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / looks)


def test_what_cannot_be_told_has_no_figure() -> None:
    day = np.array(["2024-01-02"], dtype="datetime64[ns]")
    frame = pd.DataFrame(
        {
            "trader_id": ["T"], "trade_date": pd.to_datetime(["2024-01-02"]),
            "behaviour": ["size"], "score": [np.nan], TILT: [np.nan],
        }
    )  # fmt: skip
    trader = np.array(["T"], dtype=object)
    for behaviour in (frame, frame[:0]):
        assert evidence(behaviour, trader, day, day, {"loss": np.ones(1)}) == []
