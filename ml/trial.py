"""What a trial of two policies has shown so far."""

from datetime import date

import numpy as np
import pandas as pd

from ml.metrics import REPLICATES

# Fewer traders, or dates, on a side do not say what chance does.
MINIMUM_GROUPS = 8
_SEED = 7


def compare(
    trial: pd.DataFrame, as_of: date, *, policy: str, other: str, unit: str
) -> pd.DataFrame:
    """The trial's policy against the live one, as ml.policy_comparison has it.

    Differences are of means per trader-day. What was assigned is resampled as a whole:
    traders where traders were, dates where days were, for a trader's days are alike
    and a day's traders share it.

    Args:
        trial: As `store.read_trial` gives it.
        policy, other: The trial's, and the live one.
        unit: What was assigned: each trader, or each day.

    Returns:
        Empty while a side has fewer than `MINIMUM_GROUPS` traders, or dates.
    """
    sides = [trial[trial["policy"] == name] for name in (policy, other)]
    key = "trader_id" if unit == "trader" else "prediction_date"
    if min(side[key].nunique() for side in sides) < MINIMUM_GROUPS:
        return pd.DataFrame()
    generator = np.random.default_rng(_SEED)
    rows = []
    for metric, figure in {
        "net_pnl_scaled": lambda side: side["pnl"] / side["scale"],
        "loss_ratio": lambda side: (side["pnl"] < 0).astype(float),
        "advised_size_effect": lambda side: (
            (side["position_multiplier"] - 1) * side["pnl"]
        ),
    }.items():
        draws = [_resampled(figure(side), side[key], generator) for side in sides]
        low, high = np.quantile(draws[0] - draws[1], (0.05, 0.95))
        rows.append(
            {
                "as_of": as_of,
                "policy": policy,
                "other_policy": other,
                "unit": unit,
                "metric": metric,
                "metric_value": figure(sides[0]).mean() - figure(sides[1]).mean(),
                "value_low": low,
                "value_high": high,
                "policy_rows_count": len(sides[0]),
                "other_rows_count": len(sides[1]),
            }
        )
    return pd.DataFrame(rows)


def _resampled(
    values: pd.Series, groups: pd.Series, generator: np.random.Generator
) -> np.ndarray:
    """Means of whole groups drawn with replacement, one per replicate."""
    sums = values.groupby(groups).agg(["sum", "count"]).to_numpy()
    draws = generator.integers(0, len(sums), (REPLICATES, len(sums)))
    total = sums[draws].sum(axis=1)
    return total[:, 0] / total[:, 1]
