"""LightGBM models: the one of all traders, and a trader's own."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from ml.baselines import QUANTILES, shrunk_mean
from ml.calibration import RARE_MARGIN, log_odds, sigmoid
from ml.days import TraderDays
from ml.outputs import BREACHES, Predictions, key
from ml.reference import DayDistribution
from runtime.errors import UserError

if TYPE_CHECKING:
    import lightgbm

MEAN, LOSS, REALISED_LOSS, BREACH, SIZE = (
    "mean", "loss", "realised_loss", "breach", "size",
)  # fmt: skip
PROBABILITIES = (LOSS, REALISED_LOSS, BREACH)
TARGETS = (*PROBABILITIES, SIZE, MEAN, *QUANTILES)
SEED = 7
# Below this a second thread costs more than it brings, above all on a busy machine.
ROWS_FOR_THREADS = 50_000
# A tree of a few leaves learns no more from more rows than these; the next tree draws
# others, so that every row is learned from.
ROWS_OF_A_TREE = 1_000_000
_ROWS_AT_ONCE = 100_000
Boosters = Mapping[str, "lightgbm.Booster"]


@dataclass(frozen=True)
class TreeSettings:
    """What `make tune` may change of a model.

    Attributes:
        rounds: Trees.
        num_leaves: Leaves of a tree.
        learning_rate: Share of each tree that counts.
        lambda_l2: Penalty that shrinks leaves toward 0.
    """

    rounds: int
    num_leaves: int
    learning_rate: float = 0.03
    lambda_l2: float = 20.0

    def parameters(self, rows: int, threads: int) -> dict:
        """LightGBM's parameters; the same rows give the same model, byte for byte."""
        shared = {key: value for key, value in asdict(self).items() if key != "rounds"}
        return shared | {
            "min_data_in_leaf": max(5, min(40, rows // 10)),
            "feature_fraction": 0.5,
            "bagging_fraction": min(0.7, ROWS_OF_A_TREE / max(rows, 1)),
            "bagging_freq": 1,
            "feature_pre_filter": False,
            "deterministic": True,
            "force_col_wise": True,
            "max_bin": 63,
            "seed": SEED,
            "num_threads": threads if rows >= ROWS_FOR_THREADS else 1,
            "verbosity": -1,
        }


@dataclass(frozen=True)
class ModelSettings:
    """Settings of every model; the defaults are small trees, for there is little skill.

    Attributes:
        shared: Of the global model.
        own: Of a trader's own, where `own_by_trader` does not say otherwise.
        own_by_trader: Of the traders who were tuned; None if nobody was.
    """

    shared: TreeSettings = TreeSettings(rounds=60, num_leaves=4)
    own: TreeSettings = TreeSettings(rounds=40, num_leaves=3)
    own_by_trader: Mapping[str, TreeSettings] | None = None

    def of(self, trader: str) -> TreeSettings:
        """Settings of a trader's own model."""
        return (self.own_by_trader or {}).get(trader, self.own)

    def as_card(self) -> dict:
        """As plain values for a file."""
        return asdict(self)

    @classmethod
    def from_card(cls, card: dict) -> "ModelSettings":
        """What `as_card` gave."""
        own = card["own_by_trader"]
        return cls(
            TreeSettings(**card["shared"]),
            TreeSettings(**card["own"]),
            own and {trader: TreeSettings(**one) for trader, one in own.items()},
        )


def fit_global(
    days: TraderDays,
    rows: np.ndarray,
    distribution: DayDistribution,
    settings: TreeSettings,
    threads: int,
    targets: tuple[str, ...] = TARGETS,
) -> Boosters:
    """One booster per target on all traders' rows.

    Each starts from what the reference model says, so that trees only add what it does
    not know, and a newcomer is a trader with a short record. A target without both
    outcomes among the rows has nothing to add and is left out.

    Args:
        distribution: What the reference model says of these rows.
    """
    lightgbm = import_lightgbm()
    parameters = settings.parameters(len(rows), threads)
    data = lightgbm.Dataset(
        _views(days.features, rows),
        days.is_loss[rows],
        params=parameters,
        free_raw_data=False,
    )
    boosters = {}
    for name in targets:
        target = _target(name, days, rows)
        if np.ptp(target) == 0:
            continue
        data.set_label(target)
        data.set_init_score(_start(name, distribution, days, rows))
        boosters[name] = lightgbm.train(
            parameters | _objective(name) | {"boost_from_average": False},
            data,
            num_boost_round=settings.rounds,
        )
    return boosters


def score_global(
    name: str,
    boosters: Boosters,
    distribution: DayDistribution,
    days: TraderDays,
    rows: np.ndarray,
    rounds: int | None = None,
) -> np.ndarray:
    """The global model's score of one target: what it starts from, and its trees.

    Args:
        distribution: What the reference model says of these rows.
        rounds: Trees to use; None for all.
    """
    # In blocks: a copy of the matrix may not fit into memory.
    blocks = np.array_split(rows, len(rows) // _ROWS_AT_ONCE + 1)
    added = [
        np.broadcast_to(
            _trees(name, boosters, days.features[block], rounds), len(block)
        )
        for block in blocks
    ]
    return _start(name, distribution, days, rows) + np.concatenate(added)


def predict_global(
    boosters: Boosters,
    distribution: DayDistribution,
    days: TraderDays,
    rows: np.ndarray,
) -> Predictions:
    """The global model's predictions of `rows`.

    Args:
        distribution: What the reference model says of these rows.
    """
    matrix = days.features[rows]

    def whole(name: str) -> np.ndarray:
        added = _trees(name, boosters, matrix)
        return _start(name, distribution, days, rows) + added

    predicted = {
        key(name, "global"): sigmoid(whole(name)) for name in (LOSS, REALISED_LOSS)
    }
    added = _trees(BREACH, boosters, matrix)
    for output in BREACHES:
        start = _breach_start(distribution, days.threshold(output)[rows])
        predicted[key(output, "global")] = sigmoid(start + added)
    predicted["size.global"] = whole(SIZE)
    predicted["pnl.global"] = whole(MEAN)
    # Boosted apart, quantiles may cross; sorting them never makes them worse
    # (Chernozhukov, Fernandez-Val and Galichon 2010).
    levels = np.column_stack([whole(name) for name in QUANTILES])
    predicted["quantiles.global"] = np.sort(levels, axis=1)
    return predicted


def fit_own(days: TraderDays, rows: np.ndarray, settings: TreeSettings) -> Boosters:
    """A trader's own models of mean and loss, on their rows alone."""
    lightgbm = import_lightgbm()
    parameters = settings.parameters(len(rows), threads=1)
    data = lightgbm.Dataset(
        days.features[rows], days.is_loss[rows], params=parameters, free_raw_data=False
    )
    boosters = {}
    for name in (MEAN, LOSS):
        data.set_label(_target(name, days, rows))
        boosters[name] = lightgbm.train(
            parameters | _objective(name), data, num_boost_round=settings.rounds
        )
    return boosters


def predict_own(
    boosters: Boosters, days: TraderDays, rows: np.ndarray, rounds: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Loss probability and scaled P&L of a trader's rows by their own models.

    Args:
        rounds: Trees to use; None for all.
    """
    matrix = days.features[rows]
    loss, mean = (
        predicted_by(boosters[name], matrix, rounds=rounds) for name in (LOSS, MEAN)
    )
    return loss, mean


def predicted_by(
    booster: "lightgbm.Booster",
    matrix: np.ndarray,
    *,
    rounds: int | None = None,
    raw_score: bool = False,
    pred_contrib: bool = False,
) -> np.ndarray:
    """What LightGBM's `predict` gives of an array: an array, too.

    Args:
        rounds: Trees to use; None for all.
    """
    predicted = booster.predict(
        matrix, num_iteration=rounds, raw_score=raw_score, pred_contrib=pred_contrib
    )
    assert isinstance(predicted, np.ndarray), "only sparse rows give sparse ones"
    return predicted


def import_lightgbm() -> ModuleType:
    """The library, or one line that says what it lacks.

    Raises:
        UserError: The system library it links to is missing.
    """
    # Threads that wait for another asleep leave the core to it: on a busy machine the
    # default, to wait awake, takes most of the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import lightgbm
    except OSError as error:
        raise UserError(
            f"LightGBM cannot start ({error}). Install the missing library: "
            "`apt-get install libgomp1`, or `dnf install libgomp`."
        ) from None
    return lightgbm


def _views(matrix: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """Rows in order as views of the matrix: a copy of it may not fit into memory."""
    ends = np.flatnonzero(np.diff(rows) != 1) + 1
    return [
        matrix[first : last + 1]
        for first, last in zip(
            rows[np.r_[0, ends]], rows[np.r_[ends - 1, len(rows) - 1]], strict=True
        )
    ]


def _trees(
    name: str, boosters: Boosters, matrix: np.ndarray, rounds: int | None = None
) -> np.ndarray | float:
    """What the trees of a target add to its score; nothing where there are none."""
    if name not in boosters:
        return 0.0
    return predicted_by(boosters[name], matrix, raw_score=True, rounds=rounds)


def _start(
    name: str, distribution: DayDistribution, days: TraderDays, rows: np.ndarray
) -> np.ndarray:
    """What trees begin from: what the reference model says of the target."""
    if name in QUANTILES:
        return distribution.quantile(QUANTILES[name]) / days.scale[rows]
    if name == MEAN:
        return shrunk_mean(days, rows)
    if name == SIZE:
        return distribution.log_size
    if name == BREACH:
        return _breach_start(distribution, days.limit[rows])
    chance = distribution.loss if name == LOSS else distribution.realised_loss
    return log_odds(chance, RARE_MARGIN)


def _breach_start(distribution: DayDistribution, dollars: np.ndarray) -> np.ndarray:
    """Log-odds of losing more than so much."""
    return log_odds(distribution.lost_more_than(dollars), RARE_MARGIN)


def _target(name: str, days: TraderDays, rows: np.ndarray) -> np.ndarray:
    """What the model `name` learns: a flag, log dollars, or P&L in units of scale."""
    if name == MEAN:
        return days.scaled_pnl[rows]
    if name in QUANTILES:
        return days.pnl[rows] / days.scale[rows]
    return {
        LOSS: days.is_loss,
        REALISED_LOSS: days.is_realised_loss,
        BREACH: days.is_breach(BREACH),
        SIZE: days.log_size,
    }[name][rows]


def _objective(name: str) -> dict:
    if name in PROBABILITIES:
        return {"objective": "binary"}
    if name in (MEAN, SIZE):
        return {"objective": "regression"}
    return {"objective": "quantile", "alpha": QUANTILES[name]}
