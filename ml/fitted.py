"""Every model and baseline learned from one set of known outcomes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ml.baselines import Baselines
from ml.boosting import (
    Boosters,
    ModelSettings,
    fit_global,
    fit_own,
    predict_global,
    predict_own,
)
from ml.days import Days

Predictions = dict[str, np.ndarray]
"""By output and model, such as `loss_global`: one row per trader-day predicted.

`loss_…` is a probability, `pnl_…` is in units of the trader's own scale, as are the
five columns of `quantiles_…`. NaN where a model has nothing to say.
"""


@dataclass(frozen=True)
class Fitted:
    """What one refit gives."""

    baselines: Baselines
    shared: Boosters
    own: Mapping[str, Boosters]

    @classmethod
    def fit(
        cls,
        days: Days,
        rows: np.ndarray,
        settings: ModelSettings,
        threads: int,
        own_traders: Collection[str],
    ) -> "Fitted":
        """Learn from `rows`; a model of the trader's own for each of `own_traders`.

        A trader whose days are too few or all alike gets none.
        """
        baselines = Baselines.fit(days, rows)
        shared = fit_global(days, rows, baselines, settings.shared, threads)
        own = {}
        # One after the other: where two threads construct data sets at once, LightGBM
        # crashes now and then.
        for trader, places in days.by_trader(rows).items():
            if trader in own_traders and days.can_teach(rows[places]):
                own[trader] = fit_own(days, rows[places], settings.of(trader))
        return cls(baselines, shared, own)

    def predict(self, days: Days, rows: np.ndarray) -> Predictions:
        """Every model's and baseline's prediction of `rows`."""
        found = self.baselines.predict(days, rows)
        found |= predict_global(self.shared, self.baselines, days, rows)
        loss, pnl = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        for trader, places in days.by_trader(rows).items():
            if trader in self.own:
                loss[places], pnl[places] = predict_own(
                    self.own[trader], days, rows[places]
                )
        return found | {"loss_per_trader": loss, "pnl_per_trader": pnl}
