"""Trains the global model and the traders' own, and measures both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml import metrics
from ml.boosting import (
    GLOBAL,
    LOSS,
    MEAN,
    PER_TRADER,
    QUANTILES,
    Boosters,
    Examples,
    choose_rounds,
    fit,
)
from ml.features import FeatureContract, usable_scale
from ml.registry import Metric, ModelSet
from ml.split import Split
from ml.store import MartFrames, read_marts
from runtime.home import Home
from runtime.settings import Settings

BASE_RATE, RATE = "base_rate", "loss_day_ratio_to_date"
MINIMUM_ROWS = 30
MINIMUM_COMPARED_DAYS = 10


def train(settings: Settings, home: Home) -> str:
    """Train on every labelled day and save the models; a sentence for people."""
    frames = read_marts(home)
    version = frames.version()
    if (home.models / version).exists():
        return f"models of {version} are up to date"
    models = train_models(frames, version, settings.threads)
    models.save(home.models)
    if not models.global_models:
        return f"{version}: too few labelled days to learn from"
    return (
        f"{version}: a global model and {len(models.own_models)} per trader, "
        f"{len(models.speaks)} of which beat it; learned through "
        f"{models.trained_through}"
    )


def train_models(frames: MartFrames, version: str, threads: int) -> ModelSet:
    """Train everything there is enough data for.

    Args:
        frames: What the marts hold.
        version: Name of the result.
        threads: Processor cores to use.
    """
    contract = FeatureContract.of(frames.features)
    labelled = frames.labels.merge(
        frames.features, on=["trader_id", "trade_date"], validate="one_to_one"
    )
    examples = to_examples(labelled, contract)
    if not (_can_learn(examples) and _can_learn(examples.part(examples.split().train))):
        return ModelSet(version, None, contract, {}, {}, frozenset(), ())
    traders = labelled["trader_id"].to_numpy()
    base_rate = labelled[RATE].to_numpy()
    targets = (MEAN, LOSS, *QUANTILES)
    rounds = choose_rounds(examples, targets, threads)
    split = examples.split()
    judge = _GlobalJudge(split.train, _fit_early(examples.part(split.train), threads))
    measured = list(
        _measure_global(examples, split, rounds, base_rate[split.test], threads)
    )
    own_basis = frames.traders.query("call_basis == 'own_model'")["trader_id"]
    masks = {trader: traders == trader for trader in own_basis}
    masks = {
        trader: mask
        for trader, mask in masks.items()
        if _can_learn(examples.part(mask))
    }
    # One after the other: where two threads construct data sets at once, LightGBM
    # crashes now and then.
    owns = [_train_own(examples, mask, judge) for mask in masks.values()]
    own_models, speaks = {}, set()
    for trader, own in zip(masks, owns, strict=True):
        own_models[trader] = own.boosters
        measured += [Metric(PER_TRADER, trader, *figure) for figure in own.figures]
        if own.speaks:
            speaks.add(trader)
    return ModelSet(
        version=version,
        trained_through=pd.Timestamp(examples.dates.max()).date(),
        contract=contract,
        global_models=fit(examples, rounds, threads),
        own_models=own_models,
        speaks=frozenset(speaks),
        metrics=tuple(measured),
    )


def to_examples(labelled: pd.DataFrame, contract: FeatureContract) -> Examples:
    """Labelled rows of the feature mart as arrays."""
    return Examples(
        features=contract.matrix(labelled),
        dates=labelled["trade_date"].to_numpy(),
        label_dates=labelled["label_date"].to_numpy(),
        pnl=labelled["pnl"].to_numpy(dtype=float),
        scale=usable_scale(labelled),
    )


def _can_learn(examples: Examples) -> bool:
    """Whether there are enough rows, and both outcomes among the first of them."""
    if len(examples) < MINIMUM_ROWS:
        return False
    split = examples.split()
    train = examples.part(split.train)
    has_both = 0 < train.is_loss.sum() < len(train)
    return has_both and split.validation.any() and split.test.any()


def _fit_early(examples: Examples, threads: int) -> Boosters:
    """The mean model of a train part, its rounds chosen inside that part too."""
    return fit(examples, choose_rounds(examples, (MEAN,), threads), threads)


def _measure_global(
    examples: Examples,
    split: Split,
    rounds: Mapping[str, int],
    base_rate: np.ndarray,
    threads: int,
) -> Iterator[Metric]:
    """Figures of the global model, and of each trader's base rate, on the test part."""
    boosters = fit(examples.part(split.before_test), rounds, threads)
    test = examples.part(split.test)
    probability = boosters[LOSS].predict(test.features)
    predicted = boosters[MEAN].predict(test.features) * test.scale
    low = boosters["p05"].predict(test.features) * test.scale
    high = boosters["p95"].predict(test.features) * test.scale
    figures = {
        (GLOBAL, "auc"): metrics.auc(test.is_loss, probability),
        (GLOBAL, "brier"): metrics.brier(test.is_loss, probability),
        (GLOBAL, "rmse"): metrics.rmse(test.pnl, predicted),
        (GLOBAL, "mae"): metrics.mae(test.pnl, predicted),
        (GLOBAL, "coverage_90"): float(np.mean((test.pnl >= low) & (test.pnl <= high))),
        (BASE_RATE, "auc"): metrics.auc(test.is_loss, base_rate),
        (BASE_RATE, "brier"): metrics.brier(test.is_loss, base_rate),
        ("zero", "rmse"): metrics.rmse(test.pnl, np.zeros(len(test))),
        ("zero", "mae"): metrics.mae(test.pnl, np.zeros(len(test))),
    }
    for (model, name), value in figures.items():
        yield Metric(model, None, name, value, len(test))


@dataclass(frozen=True)
class _GlobalJudge:
    """The global model as it was before the validation part, to compare with."""

    seen: np.ndarray
    mean: Boosters


@dataclass(frozen=True)
class _Own:
    boosters: Boosters
    speaks: bool
    figures: tuple[tuple[str, float, int], ...]


def _train_own(examples: Examples, mask: np.ndarray, judge: _GlobalJudge) -> _Own:
    """One trader's model, and whether it beats the global one on unseen days."""
    own = examples.part(mask)
    rounds = choose_rounds(own, (MEAN, LOSS), threads=1)
    split = own.split()
    compared = split.validation & ~judge.seen[mask]
    learned_from = own.part(split.train)
    speaks = False
    if compared.sum() >= MINIMUM_COMPARED_DAYS and _can_learn(learned_from):
        days = own.part(compared)
        target = days.target(MEAN)
        early = _fit_early(learned_from, threads=1)
        own_error = (early[MEAN].predict(days.features) - target) ** 2
        global_error = (judge.mean[MEAN].predict(days.features) - target) ** 2
        gain = global_error - own_error
        # Many traders are compared, so a gain must be twice its standard error.
        speaks = bool(gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain)))
    late = fit(own.part(split.before_test), rounds, threads=1)
    test = own.part(split.test)
    probability = late[LOSS].predict(test.features)
    predicted = late[MEAN].predict(test.features) * test.scale
    figures = (
        ("auc", metrics.auc(test.is_loss, probability), len(test)),
        ("brier", metrics.brier(test.is_loss, probability), len(test)),
        ("mae", metrics.mae(test.pnl, predicted), len(test)),
    )
    return _Own(fit(own, rounds, threads=1), speaks, figures)
