"""Every model and baseline learned from one set of known outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ml.baselines import Baselines
from ml.boosting import (
    BREACH,
    PROBABILITIES,
    Boosters,
    ModelSettings,
    TreeSettings,
    fit_global,
    fit_own,
    predict_global,
    predict_own,
    score_global,
)
from ml.calibration import RARE_MARGIN, log_odds, sigmoid
from ml.days import TraderDays
from ml.grouped import GroupedEffects
from ml.outputs import BREACHES, Predictions, key
from runtime.transform.dbt import project_variables


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


class Shared(NamedTuple):
    """The models of all traders.

    Attributes:
        boosters: Of the global model, by target.
        effects: What traders and groups add to its probabilities, by target.
    """

    boosters: Boosters
    effects: Mapping[str, GroupedEffects]

    @classmethod
    def fit(
        cls,
        days: TraderDays,
        rows: np.ndarray,
        baselines: Baselines,
        settings: TreeSettings,
        threads: int,
    ) -> "Shared":
        """Learn from `rows`, beside the baselines that learned from the same."""
        distribution = baselines.distribution(days, rows)
        boosters = fit_global(days, rows, distribution, settings, threads)
        outcomes = {
            "loss": days.is_loss,
            "realised_loss": days.is_realised_loss,
            "breach": days.is_breach(BREACH),
        }
        effects = {
            name: GroupedEffects.fit(
                log_odds(
                    sigmoid(score_global(name, boosters, distribution, days, rows)),
                    RARE_MARGIN,
                ),
                outcomes[name][rows],
                days.traders[rows],
                days.groups[rows],
            )
            for name in PROBABILITIES
        }
        return cls(boosters, effects)


@dataclass(frozen=True)
class Fitted:
    """What one morning predicts with.

    Attributes:
        baselines: What a model must beat.
        shared: Boosters of the global model, by target.
        effects: What traders and groups add to its probabilities, by target.
        own: Boosters of traders' own models, by trader and target.
    """

    baselines: Baselines
    shared: Boosters
    effects: Mapping[str, GroupedEffects]
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
        shared = Shared.fit(days, rows, baselines, settings.shared, threads)
        return cls(baselines, *shared, own)

    def predict(self, days: TraderDays, rows: np.ndarray) -> Predictions:
        """Every model's and baseline's prediction of `rows`."""
        distribution = self.baselines.distribution(days, rows)
        found = self.baselines.predict(days, rows, distribution)
        found |= predict_global(self.shared, distribution, days, rows)
        for output in ("loss", "realised_loss", *BREACHES):
            effects = self.effects[BREACH if output in BREACHES else output]
            found[key(output, "grouped")] = effects.predict(
                log_odds(found[key(output, "global")], RARE_MARGIN),
                days.traders[rows],
                days.groups[rows],
            )
        loss, pnl = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        for trader, places in days.by_trader(rows).items():
            if trader in self.own:
                loss[places], pnl[places] = predict_own(
                    self.own[trader], days, rows[places]
                )
        return found | {"loss.per_trader": loss, "pnl.per_trader": pnl}
