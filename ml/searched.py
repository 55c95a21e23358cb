"""Whether the best of many is better than chance, given that many were tried."""

import numpy as np

from ml.losses import MINIMUM_DATES, MINIMUM_TRADERS
from ml.metrics import REPLICATES, block_draws


def chances(
    gains: np.ndarray, dates: np.ndarray, traders: np.ndarray
) -> np.ndarray | None:
    """Chance that the best of all would look as good as each does, if none were good.

    The studentised maximum over a bootstrap: blocks of neighboring dates, and whole
    traders; the larger chance counts, that of dates where traders are too few. Sources:
    White (2000), Romano and Wolf (2005), their first step.

    Args:
        gains: Alternatives x rows, dollars.
        dates, traders: Of each row.

    Returns:
        One chance per alternative, 1 where it never gains; None with too few dates.
    """
    distinct, date_numbers = np.unique(dates, return_inverse=True)
    names, trader_numbers = np.unique(traders.astype(str), return_inverse=True)
    if len(distinct) < MINIMUM_DATES:
        return None
    found = _chances(_summed(gains, date_numbers), block_draws(len(distinct)))
    if len(names) >= MINIMUM_TRADERS:
        draws = np.random.default_rng(7).integers(
            0, len(names), (REPLICATES, len(names))
        )
        found = np.maximum(found, _chances(_summed(gains, trader_numbers), draws))
    return found


def _summed(gains: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Sums by group: alternatives x groups."""
    return np.array([np.bincount(groups, weights=one) for one in gains])


def _chances(sums: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Share of replicates whose best is as good, when none is any good.

    Args:
        sums: Alternatives x groups.
        draws: Groups drawn, replicates x groups.
    """
    errors = sums.std(axis=1) / np.sqrt(sums.shape[1])
    means = sums.mean(axis=1)
    # What changes nothing, or all groups alike, says nothing.
    tells = errors > 1e-9 * np.maximum(np.abs(means), 1e-9)
    found = np.ones(len(sums))
    if not tells.any():
        return found
    centred = (sums[tells] - means[tells, None]) / errors[tells, None]
    best = np.array([centred[:, one].mean(axis=1).max() for one in draws])
    found[tells] = [(best >= t).mean() for t in means[tells] / errors[tells]]
    return found
