"""Chooses the settings of the trees on the validation part of a split in time."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ml.baselines import Baselines
from ml.boosting import (
    LOSS,
    ModelSettings,
    TreeSettings,
    fit_global,
    fit_own,
    predict_own,
    score_global,
)
from ml.calibration import log_loss, sigmoid
from ml.days import TraderDays
from ml.features import FeatureContract
from ml.losses import standard_errors
from ml.split import split_by_date
from ml.store import read_marts
from ml.tuning import DamagedTuningError, Tuning
from runtime.errors import UserError
from runtime.home import Home
from runtime.settings import Settings
from runtime.transform.dbt import project_variables

SHARED_LEAVES, SHARED_ROUNDS = (3, 4, 8, 15), (30, 60, 120, 240)
OWN_LEAVES, OWN_ROUNDS = (2, 3, 4), (10, 20, 40, 80)
# Fewer validation days than this choose nothing for a trader.
MINIMUM_VALIDATION_DAYS = 10


def tune(settings: Settings, home: Home) -> str:
    """Choose settings for the days to come and keep them; a sentence for people.

    Raises:
        UserError: There are too few labelled days.
    """
    frames = read_marts(home)
    names = FeatureContract.of(frames.types).names
    days = frames.days(names)
    known = days.known(np.datetime64(frames.as_of, "ns"))
    split = split_by_date(days, known) if len(known) else None
    if split is None or not (days.is_trainable(split.train) and len(split.validation)):
        raise UserError(
            f"{len(known)} labelled days are too few to tune on. The default settings "
            "stay; run `make tune` again when there are some hundred."
        )
    # One file for all mornings: each takes what was known before it.
    kept = Home(settings.home_root).models
    try:
        tuning, replaced = Tuning.load(kept), ""
    except DamagedTuningError:
        tuning, replaced = Tuning(), "; what was found before is lost, its file damaged"
    before = tuning.before(frames.as_of)
    shared = tune_global(days, split.train, split.validation, settings.threads)
    own = tune_own(days, known)
    chosen = ModelSettings(shared=shared, own=before.own, own_by_trader=own or None)
    through = pd.Timestamp(days.label_dates[known].max()).date()
    tuning.with_settings(through, chosen).save(kept)
    unseen = {
        name: _shared_costs(
            days, split.before_test, split.test, one, (one.rounds,), settings.threads
        )[one].mean()
        for name, one in (("tuned", shared), ("before", before.shared))
    }
    return (
        f"global model: {shared.rounds} trees of {shared.num_leaves} leaves, "
        f"{len(own)} traders' own tuned; log loss on {len(split.test)} unseen days "
        f"{unseen['tuned']:.4f}, with the settings before {unseen['before']:.4f}"
        f"{replaced}"
    )


def tune_global(
    days: TraderDays, train: np.ndarray, validation: np.ndarray, threads: int
) -> TreeSettings:
    """The most cautious settings that no others beat on the validation rows."""
    costs: dict[TreeSettings, np.ndarray] = {}
    for leaves in SHARED_LEAVES:
        settings = TreeSettings(rounds=SHARED_ROUNDS[-1], num_leaves=leaves)
        costs |= _shared_costs(
            days, train, validation, settings, SHARED_ROUNDS, threads
        )
    return most_cautious(costs, days.dates[validation])


def _boldness(settings: TreeSettings) -> int:
    """Splits that a model may make."""
    return settings.rounds * (settings.num_leaves - 1)


def tune_own(days: TraderDays, known: np.ndarray) -> dict[str, TreeSettings]:
    """The same for each trader with an own model, on a split of the trader's days."""
    found = {}
    least = project_variables()["own_model_above_traded_days"]
    for trader, places in days.by_trader(known).items():
        if len(places) < least:
            continue
        split = split_by_date(days, known[places])
        if not days.is_trainable(split.train):
            continue
        if len(split.validation) < MINIMUM_VALIDATION_DAYS:
            continue
        costs: dict[TreeSettings, np.ndarray] = {}
        for leaves in OWN_LEAVES:
            settings = replace(
                ModelSettings().own, num_leaves=leaves, rounds=OWN_ROUNDS[-1]
            )
            costs |= _own_costs(days, split.train, split.validation, settings)
        found[trader] = most_cautious(costs, days.dates[split.validation])
    return found


def most_cautious(
    costs: dict[TreeSettings, np.ndarray], dates: np.ndarray
) -> TreeSettings:
    """The first settings that the best do not beat by more than a standard error.

    Source: the one-standard-error rule (Breiman et al. 1984).

    Args:
        costs: Per row of the validation, by settings.
        dates: Of the rows; those of one date count as one draw.
    """
    best = min(costs.values(), key=np.mean)
    return next(
        settings
        for settings, each in sorted(costs.items(), key=lambda one: _boldness(one[0]))
        if standard_errors(each - best, dates) <= 1
    )


def _own_costs(
    days: TraderDays, train: np.ndarray, validation: np.ndarray, settings: TreeSettings
) -> dict[TreeSettings, np.ndarray]:
    boosters = fit_own(days, train, settings)
    return {
        replace(settings, rounds=rounds): log_loss(
            days.is_loss[validation], predict_own(boosters, days, validation, rounds)[0]
        )
        for rounds in OWN_ROUNDS
    }


def _shared_costs(
    days: TraderDays,
    train: np.ndarray,
    evaluated: np.ndarray,
    settings: TreeSettings,
    rounds: tuple[int, ...],
    threads: int,
) -> dict[TreeSettings, np.ndarray]:
    """Log loss of each evaluated row, by number of trees."""
    baselines = Baselines.fit(days, train)
    learned = baselines.distribution(days, train)
    boosters = fit_global(days, train, learned, settings, threads, (LOSS,))
    unseen = baselines.distribution(days, evaluated)
    return {
        replace(settings, rounds=count): log_loss(
            days.is_loss[evaluated],
            sigmoid(score_global(LOSS, boosters, unseen, days, evaluated, count)),
        )
        for count in rounds
    }
