"""LightGBM models of one group of rows, all targets of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.split import Split, split_by_date
from runtime.errors import UserError

GLOBAL, PER_TRADER = "global", "per_trader"
QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
MEAN, LOSS = "mean", "loss"
MAXIMUM_ROUNDS = 300
PATIENCE_ROUNDS = 30
SEED = 7
# P&L has fat tails: a day beyond five times the usual teaches no more than five.
TARGET_LIMIT = 5.0


def parameters(rows: int, threads: int) -> dict:
    """LightGBM's parameters; the same rows give the same model, byte for byte."""
    return {
        "learning_rate": 0.05,
        "num_leaves": 15,
        "min_data_in_leaf": max(5, min(40, rows // 15)),
        "feature_fraction": 0.7,
        "lambda_l2": 5.0,
        "deterministic": True,
        "force_row_wise": True,
        "seed": SEED,
        "num_threads": threads,
        "verbosity": -1,
    }


@dataclass(frozen=True)
class Examples:
    """Labelled rows in order of trader and date.

    Attributes:
        features: Rows x features.
        dates: Feature date of each row.
        label_dates: Date of the next traded day, at whose close the label is known.
        pnl: Next traded day's net dollars.
        scale: The trader's own scale that day, in dollars, above 0.
    """

    features: np.ndarray
    dates: np.ndarray
    label_dates: np.ndarray
    pnl: np.ndarray
    scale: np.ndarray

    def __len__(self) -> int:
        return len(self.dates)

    def part(self, mask: np.ndarray) -> "Examples":
        """The rows that `mask` marks."""
        return Examples(
            self.features[mask],
            self.dates[mask],
            self.label_dates[mask],
            self.pnl[mask],
            self.scale[mask],
        )

    def split(self) -> Split:
        """The rows split 65 / 15 / 20 in order of time."""
        return split_by_date(self.dates, self.label_dates)

    @property
    def is_loss(self) -> np.ndarray:
        """1.0 where the next traded day's net P&L is below 0."""
        return (self.pnl < 0).astype(float)

    def target(self, name: str) -> np.ndarray:
        """What the model `name` learns: the loss flag, or P&L in units of scale."""
        if name == LOSS:
            return self.is_loss
        return np.clip(self.pnl / self.scale, -TARGET_LIMIT, TARGET_LIMIT)


Boosters = Mapping[str, "lightgbm.Booster"]  # noqa: F821 - imported where it is used


def fit(examples: Examples, rounds: Mapping[str, int], threads: int) -> Boosters:
    """Train one booster per target of `rounds`, on all of `examples`."""
    lightgbm = import_lightgbm()
    boosters = {}
    for name, count in rounds.items():
        boosters[name] = lightgbm.train(
            _objective(name) | parameters(len(examples), threads),
            lightgbm.Dataset(examples.features, examples.target(name)),
            num_boost_round=count,
        )
    return boosters


def choose_rounds(
    examples: Examples, targets: tuple[str, ...], threads: int
) -> dict[str, int]:
    """How many rounds did best on the validation part, by target, at least 1."""
    lightgbm = import_lightgbm()
    split = examples.split()
    train, validation = examples.part(split.train), examples.part(split.validation)
    rounds = {}
    for name in targets:
        data = lightgbm.Dataset(train.features, train.target(name))
        booster = lightgbm.train(
            _objective(name) | parameters(len(train), threads),
            data,
            num_boost_round=MAXIMUM_ROUNDS,
            valid_sets=[
                lightgbm.Dataset(
                    validation.features, validation.target(name), reference=data
                )
            ],
            callbacks=[lightgbm.early_stopping(PATIENCE_ROUNDS, verbose=False)],
        )
        rounds[name] = max(booster.best_iteration, 1)
    return rounds


def import_lightgbm():  # noqa: ANN201 - a module
    """The library, or one line that says what it lacks.

    Raises:
        UserError: The system library it links to is missing.
    """
    try:
        import lightgbm
    except OSError as error:
        raise UserError(
            f"LightGBM cannot start ({error}). Install the missing library: "
            "`apt-get install libgomp1`, or `dnf install libgomp`."
        ) from None
    return lightgbm


def _objective(name: str) -> dict:
    if name == LOSS:
        return {"objective": "binary"}
    if name == MEAN:
        return {"objective": "regression"}
    return {"objective": "quantile", "alpha": QUANTILES[name]}
