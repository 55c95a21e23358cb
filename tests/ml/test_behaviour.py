"""Whether behaviour says anything: what is planted is found, and nothing else."""

import numpy as np
import pandas as pd

from ml.behaviour import LEVEL, TILT, Evidence, evidence
from tests.draws import draw

NAMES = ("size", "trades", "averaging_down")
NOTHING = "not significant"


def desk(seed: int, planted: float = 0.0, together: float = 0.0) -> dict[str, Evidence]:
    """Eight traders of 150 sessions, on which they lose together by so much.

    Days of larger size than usual come before losses as far as it is planted.
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
    return evidence(
        pd.DataFrame(rows, columns=columns),
        np.repeat([f"T{trader}" for trader in range(8)], 150).astype(object),
        np.tile(sessions[:-1].to_numpy("datetime64[ns]"), 8),
        np.tile(sessions[1:].to_numpy("datetime64[ns]"), 8),
        np.concatenate(losses),
    )


def test_a_planted_behaviour_is_found_and_nothing_else() -> None:
    found = desk(3, planted=0.5)
    assert set(found) == {TILT, *NAMES}
    size = found["size"]
    assert size.days_count == 1200 and found["trades"].days_count == 8 * 130
    assert size.auc_within_trader > size.null_high
    assert size.chance < LEVEL and size.verdict == "more before losses"
    assert found["averaging_down"].verdict == NOTHING
    assert desk(3, planted=-0.5)["size"].verdict == "less before losses"


def test_where_nothing_is_planted_nothing_is_found_though_all_lose_together() -> None:
    looks = draw(8, 200)
    named = [
        any(one.verdict != NOTHING for one in desk(seed, together=0.6).values())
        for seed in range(100, 100 + looks)
    ]
    # One look in twenty, whichever of the four behaviours it is.
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
    assert evidence(frame, trader, day, day, np.ones(1)) == {}
    assert evidence(frame[:0], trader, day, day, np.ones(1)) == {}
