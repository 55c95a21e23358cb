"""Who moves with whom: a planted cluster is found, and none where there is none."""

import numpy as np
import pytest

from ml.correlations import COLUMNS, LEAST_OVERLAP, shrinkage_of, trader_correlations
from tests.draws import draw


def names(count: int) -> np.ndarray:
    return np.array([f"T{number:02}" for number in range(count)])


def planted(rng: np.random.Generator, together: float) -> np.ndarray:
    """A year of twelve traders who stay away one day in three; three are alike."""
    values = rng.standard_t(4, (250, 12))
    values[:, [2, 5, 9]] = (
        together * rng.standard_t(4, (250, 1))
        + np.sqrt(1 - together**2) * values[:, [2, 5, 9]]
    )
    values[rng.random(values.shape) < 1 / 3] = np.nan
    return values


def test_a_planted_cluster_is_found() -> None:
    found = trader_correlations(names(12), planted(np.random.default_rng(1), 0.8))
    clustered = found[found["cluster_number"].notna()]
    pairs = set(zip(clustered["trader_id"], clustered["other_trader_id"], strict=True))
    assert pairs == {("T02", "T05"), ("T02", "T09"), ("T05", "T09")}
    assert clustered["cluster_number"].tolist() == [1, 1, 1]
    assert clustered["moves_together"].all() and clustered["loses_together"].all()
    assert (
        clustered["both_lost_days_count"] > clustered["expected_both_lost_days"]
    ).all()
    assert (clustered["correlation_low"] > 0.3).all()
    assert (clustered["shrunk_correlation"] < clustered["correlation"]).all()


def test_nobody_is_in_a_cluster_by_chance_alone() -> None:
    looks = draw(40, 400)
    found = [
        trader_correlations(names(12), planted(np.random.default_rng(seed), 0.0))
        for seed in range(100, 100 + looks)
    ]
    with_any = np.mean([one["cluster_number"].notna().any() for one in found])
    # Two looks at all pairs, each wrong one time in a hundred.
    assert with_any < 0.06
    intervals = np.concatenate(
        [((x["correlation_low"] < 0) & (x["correlation_high"] > 0)) for x in found]
    )
    assert intervals.mean() == pytest.approx(0.9, abs=0.04)


def test_of_too_few_days_together_nothing_is_said() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(60, 3))
    few = LEAST_OVERLAP - 1
    values[few:, 1] = np.nan
    values[:, 2] = 1.0
    found = trader_correlations(names(3), values).set_index(
        ["trader_id", "other_trader_id"]
    )
    assert found["overlap_days_count"].tolist() == [
        LEAST_OVERLAP - 1,
        60,
        LEAST_OVERLAP - 1,
    ]
    assert found["correlation"].isna().all()
    # One who never loses loses with nobody; that much is known.
    assert found["both_lost_days_count"].fillna(-1).tolist() == [-1, 0, -1]
    assert found["moves_together"].tolist() == [None, None, None]
    assert found["loses_together"].tolist() == [None, False, None]


def test_one_trader_has_no_pair() -> None:
    assert list(trader_correlations(names(1), np.ones((5, 1)))) == list(COLUMNS)
    assert not len(trader_correlations(names(1), np.ones((5, 1))))
    assert not len(trader_correlations(names(0), np.ones((0, 0))))


def test_shrinkage_worked_by_hand() -> None:
    """Two standardised columns of four days: x = (1, 1, -1, -1), y = (a, b, -a, -b).

    With a = 1.4, b = 0.2 (their squares add up to 2) r = (a + b) / 2 = 0.8; products
    squared are a², b², a², b², so their mean is 1, its noise (1 - 0.64) / 4 = 0.09 on
    each side of the diagonal, and 0.09 / 0.64 of the correlation is noise.
    """
    values = np.array([[1, 1.4], [1, 0.2], [-1, -1.4], [-1, -0.2]])
    assert shrinkage_of(values) == pytest.approx(0.09 / 0.64)


def test_more_days_are_shrunk_less() -> None:
    rng = np.random.default_rng(4)
    common = rng.normal(size=(2000, 1))
    values = 0.5 * common + rng.normal(size=(2000, 6))
    assert shrinkage_of(values) < shrinkage_of(values[:100]) < 1
    assert shrinkage_of(values) < 0.03
