"""Every model and baseline learned from one set of known outcomes."""

from collections.abc import Mapping
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
from ml.days import TraderDays
from runtime.transform.dbt import project_variables

Predictions = dict[str, np.ndarray]
"""By output and model, such as `loss_global`: one row per trader-day predicted.

`loss_…` is a probability, `pnl_…` is in units of the trader's own scale, as are the
five columns of `quantiles_…`. NaN where a model has nothing to say.
"""


def fit_per_trader(
    days: TraderDays, rows: np.ndarray, settings: ModelSettings
) -> dict[str, Boosters]:
    """A model of the trader's own for each who has enough days among `rows`.

    A trader whose days are all alike gets none.
    """
    least = project_variables()["own_model_above_traded_days"]
    # One after the other: where two threads construct data sets at once, LightGBM
    # crashes now and then.
    return {
        trader: fit_own(days, rows[places], settings.of(trader))
        for trader, places in days.by_trader(rows).items()
        # The last traded day has no outcome yet.
        if len(places) >= least and days.is_trainable(rows[places])
    }


@dataclass(frozen=True)
class Fitted:
    """What one refit gives."""

    baselines: Baselines
    shared: Boosters
    own: Mapping[str, Boosters]

    @classmethod
    def fit(
        cls,
        days: TraderDays,
        rows: np.ndarray,
        settings: ModelSettings,
        threads: int,
        own: Mapping[str, Boosters],
    ) -> "Fitted":
        """Learn from `rows`, beside the traders' own models of `fit_per_trader`."""
        baselines = Baselines.fit(days, rows)
        shared = fit_global(days, rows, baselines, settings.shared, threads)
        return cls(baselines, shared, own)

    def predict(self, days: TraderDays, rows: np.ndarray) -> Predictions:
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
