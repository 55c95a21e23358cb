"""Which model is selected and how it is corrected, from outcomes already known.

Every morning anew, and only from predictions that were made before their outcomes:
probabilities are calibrated, quantiles moved, models blended, and a model is selected
only while it was better than the best baseline. So the record of what was selected is
itself one that had seen nothing of what came after.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np

from ml.baselines import LEVELS
from ml.calibration import fit_line, log_odds, sigmoid
from ml.days import TraderDays
from ml.fitted import Predictions
from ml.losses import MINIMUM_DATES, log_loss, pinball, standard_errors

CHAMPION, BLEND = "champion", "blend"
# By output: what may become champion, and what it must beat. The last baseline is the
# usual one, selected while nothing is known yet. Zero is a measure, but no forecast.
MODELS = {
    "loss": ("global", "per_trader", BLEND),
    "pnl": ("global", "per_trader", BLEND),
    "quantiles": ("global", BLEND),
}
BASELINES = {
    "loss": ("base_rate_daily", "rules", "logistic"),
    "pnl": ("trailing_mean", "ridge"),
    "quantiles": ("ew_quantiles",),
}
OUTPUTS = tuple(MODELS)
# The first member is the one that the others must earn their weight against.
MEMBERS = {
    "loss": ("global", "per_trader", "logistic"),
    "pnl": ("global", "per_trader", "ridge"),
    "quantiles": ("global", "ew_quantiles"),
}
CALIBRATED = ("global", "per_trader", *BASELINES["loss"])
# What a trader's own model does not cover, the global one does where both are weighed.
FILLED = ("loss_per_trader", "pnl_per_trader")
KNOWN_DAYS = 365
KNOWN_ROWS = 20_000
MINIMUM_KNOWN_ROWS = 50
# Who takes over has a mean gain of this many standard errors: 95 %, one side.
GAIN_STANDARD_ERRORS = 1.645
# Weights of a blend are tenths; a tenth away from the global model must have earned a
# fifth of a nat.
_WEIGHT_STEP = 0.1
_SHRINK_NATS = 2.0
_CALIBRATION_PRIOR = 20.0
# Losses beyond a limit are rare, so that each outcome says less of them.
_LIMIT_PRIOR = 2.0
_SHIFT_PRIOR_ROWS = 50
# Losses beyond a limit are rare: a percent off 0 would be far.
_LIMIT_MARGIN = 1e-4


@dataclass(frozen=True)
class Selection:
    """What the outcomes known on one morning say of every model, and what follows.

    Attributes:
        calibration: By model, intercept and slope on the log-odds of its probability.
        limit_calibration: The same of the champion's probability of a loss beyond the
            trader's limit.
        weights: By output, weight of each of `MEMBERS` in the blend.
        shifts: By quantile model, what is added to each of its levels.
        selected: By output, the model or baseline whose forecasts are given.
        known_count: Outcomes that it rests on.
    """

    calibration: dict[str, tuple[float, float]] = field(default_factory=dict)
    limit_calibration: tuple[float, float] = (0.0, 1.0)
    weights: dict[str, tuple[float, ...]] = field(default_factory=dict)
    shifts: dict[str, tuple[float, ...]] = field(default_factory=dict)
    selected: dict[str, str] = field(default_factory=dict)
    known_count: int = 0

    def apply(self, raw: Predictions, limit: np.ndarray) -> Predictions:
        """Calibrate, move, blend and choose.

        Args:
            raw: As `Fitted.predict` gives it.
            limit: What each trader may lose, in units of the trader's scale, above 0.

        Returns:
            The same with corrected values, with `…_blend` and `…_champion`, and with
            `limit_champion`, the probability of losing more than the limit.
        """
        made = dict(raw)
        for model in CALIBRATED:
            intercept, slope = self.calibration.get(model, (0.0, 1.0))
            score = log_odds(raw[f"loss_{model}"])
            made[f"loss_{model}"] = sigmoid(intercept + slope * score)
        whole = filled(made)
        members = np.stack([log_odds(whole[f"loss_{m}"]) for m in MEMBERS["loss"]])
        made["loss_blend"] = sigmoid(self._blend("loss", members))
        for output in ("pnl", "quantiles"):
            members = np.stack([whole[f"{output}_{m}"] for m in MEMBERS[output]])
            made[f"{output}_blend"] = self._blend(output, members)
        for model in ("global", "ew_quantiles", BLEND):
            moved = made[f"quantiles_{model}"] + self.shifts.get(model, (0.0,) * 5)
            made[f"quantiles_{model}"] = np.sort(moved, axis=1)
        whole = filled(made)
        for output in OUTPUTS:
            made[f"{output}_{CHAMPION}"] = whole[
                f"{output}_{self.selected_model(output)}"
            ]
        intercept, slope = self.limit_calibration
        beyond = probability_below(made[f"quantiles_{CHAMPION}"], -limit)
        # Losing more than a limit is losing, too.
        made[f"limit_{CHAMPION}"] = np.minimum(
            sigmoid(intercept + slope * log_odds(beyond, _LIMIT_MARGIN)),
            made[f"loss_{CHAMPION}"],
        )
        return made

    def selected_model(self, output: str) -> str:
        """The model or baseline that gives an output."""
        return self.selected.get(output, BASELINES[output][-1])

    def _blend(self, output: str, members: np.ndarray) -> np.ndarray:
        weights = self.weights.get(output) or (1.0,) + (0.0,) * (len(members) - 1)
        return np.tensordot(weights, members, axes=1)


@dataclass(frozen=True)
class Outcomes:
    """What happened on predicted days.

    Attributes:
        dates: Feature date, by which gains are grouped.
        is_loss: 1.0 or 0.0.
        scaled_limit: What the trader might have lost, in units of the scale.
        scaled_pnl, exact_scaled_pnl: In units of scale; the first limited.
    """

    dates: np.ndarray
    is_loss: np.ndarray
    scaled_limit: np.ndarray
    scaled_pnl: np.ndarray
    exact_scaled_pnl: np.ndarray

    @classmethod
    def of(cls, days: TraderDays, rows: np.ndarray) -> "Outcomes":
        """Of days whose outcome is known."""
        return cls(
            dates=days.dates[rows],
            is_loss=days.is_loss[rows],
            scaled_limit=days.limit[rows] / days.scale[rows],
            scaled_pnl=days.scaled_pnl[rows],
            exact_scaled_pnl=days.pnl[rows] / days.scale[rows],
        )

    def part(self, places: slice) -> "Outcomes":
        """Those at some places."""
        return Outcomes(*(getattr(self, one.name)[places] for one in fields(self)))


def select(
    outcomes: Outcomes, raw: Predictions, made: Predictions, before: Selection
) -> Selection:
    """Calibrate, weigh and choose by outcomes of predictions made before them.

    Args:
        outcomes: Known ones only.
        raw: What the models predicted for these days.
        made: The same corrected then: `Selection.apply` of each day's own morning.
        before: The selection of the morning before.
    """
    count = len(outcomes.is_loss)
    dates_count = len(np.unique(outcomes.dates))
    if count < MINIMUM_KNOWN_ROWS or dates_count < MINIMUM_DATES:
        return Selection(known_count=count)
    raw = filled(raw)
    calibration = {
        model: _calibrate(log_odds(raw[f"loss_{model}"]), outcomes.is_loss)
        for model in CALIBRATED
    }
    calibrated = [
        calibration[m][0] + calibration[m][1] * log_odds(raw[f"loss_{m}"])
        for m in MEMBERS["loss"]
    ]
    levels = np.stack([raw[f"quantiles_{m}"] for m in MEMBERS["quantiles"]])
    weights = {
        "loss": _weigh(
            np.stack(calibrated),
            lambda score: (np.logaddexp(0, score) - outcomes.is_loss * score).sum(),
        ),
        # Of errors whose size is unknown, the likelihood is a matter of its logarithm:
        # of squares half of it (normal), of absolute ones all of it (Laplace).
        "pnl": _weigh(
            np.stack([raw[f"pnl_{m}"] for m in MEMBERS["pnl"]]),
            lambda pnl: count / 2 * _log_mean((outcomes.scaled_pnl - pnl) ** 2),
        ),
        "quantiles": _weigh(
            levels, lambda q: count * _log_mean(pinball(outcomes.scaled_pnl, q))
        ),
    }
    exact = outcomes.exact_scaled_pnl
    quantiles_of = {
        "global": raw["quantiles_global"],
        "ew_quantiles": raw["quantiles_ew_quantiles"],
        BLEND: np.tensordot(weights["quantiles"], levels, axes=1),
    }
    shifts = {
        model: _shift(exact, quantiles) for model, quantiles in quantiles_of.items()
    }
    selected = _choose(outcomes, filled(made), before)
    model = selected["quantiles"]
    beyond = probability_below(
        np.sort(quantiles_of[model] + shifts[model], axis=1), -outcomes.scaled_limit
    )
    return Selection(
        calibration=calibration,
        limit_calibration=_calibrate(
            log_odds(beyond, _LIMIT_MARGIN),
            (exact < -outcomes.scaled_limit).astype(float),
            _LIMIT_PRIOR,
        ),
        weights=weights,
        shifts=shifts,
        selected=selected,
        known_count=count,
    )


def select_daily(
    days: TraderDays, rows: np.ndarray, raw: Predictions
) -> tuple[Predictions, list[tuple[np.datetime64, Selection]], Selection]:
    """Select models and correct predictions for every day as of its own morning.

    Args:
        days: All days.
        rows: Numbers of the predicted days, in order of date.
        raw: Their predictions, as `walk_forward` gives them.

    Returns:
        The corrected predictions; the selection of each date; the selection of all
        outcomes known by now.
    """
    label_dates = days.label_dates[rows]
    has_outcome = np.flatnonzero(~np.isnat(label_dates))
    order = has_outcome[np.argsort(label_dates[has_outcome], kind="stable")]
    known_at = label_dates[order]
    outcomes = Outcomes.of(days, rows[order])
    limit = days.limit[rows] / days.scale[rows]
    made: Predictions = {}
    selections: list[tuple[np.datetime64, Selection]] = []

    def select_on(date: np.datetime64) -> Selection:
        last = np.searchsorted(known_at, date, side="right")
        first = np.searchsorted(known_at, date - np.timedelta64(KNOWN_DAYS, "D"))
        known = slice(max(first, last - KNOWN_ROWS), last)
        part = order[known]
        return select(
            outcomes.part(known),
            {name: values[part] for name, values in raw.items()},
            {name: values[part] for name, values in made.items()},
            selections[-1][1] if selections else Selection(),
        )

    dates = days.dates[rows]
    for date in np.unique(dates):
        selection = select_on(date)
        mask = slice(*np.searchsorted(dates, [date, date + np.timedelta64(1, "D")]))
        selections.append((date, selection))
        part = {name: values[mask] for name, values in raw.items()}
        for name, values in selection.apply(part, limit[mask]).items():
            if name not in made:
                made[name] = np.full((len(rows), *values.shape[1:]), np.nan)
            made[name][mask] = values
    latest = known_at[-1] if len(known_at) else np.datetime64("1970-01-01")
    return made, selections, select_on(latest)


def final_predictions(raw: Predictions, made: Predictions) -> Predictions:
    """What each model is evaluated by: baselines as they count, models as corrected."""
    return made | {f"loss_{m}": raw[f"loss_{m}"] for m in ("base_rate_daily", "rules")}


def filled(predictions: Predictions) -> Predictions:
    """Where a trader has no model of their own, the global one stands in."""
    whole = dict(predictions)
    for name in FILLED:
        own, shared = predictions[name], predictions[name.split("_")[0] + "_global"]
        whole[name] = np.where(np.isnan(own), shared, own)
    return whole


def probability_below(quantiles: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Probability that a distribution known by its quantiles lies below a limit.

    Linear between the levels; beyond the outer ones the tail falls exponentially, as
    fast as between the outer two.

    Args:
        quantiles: Rows x `LEVELS`, never crossing.
        limit: Per row, in the same unit.
    """
    gaps = np.maximum(np.diff(quantiles, axis=1), 1e-9)
    low = gaps[:, 0] / np.log(LEVELS[1] / LEVELS[0])
    high = gaps[:, -1] / np.log((1 - LEVELS[-2]) / (1 - LEVELS[-1]))
    place = np.clip((quantiles <= limit[:, None]).sum(axis=1) - 1, 0, len(LEVELS) - 2)
    row = np.arange(len(limit))
    share = (limit - quantiles[row, place]) / gaps[row, place]
    between = LEVELS[place] + np.clip(share, 0, 1) * np.diff(LEVELS)[place]
    under = np.minimum(limit - quantiles[:, 0], 0) / low
    over = np.minimum(quantiles[:, -1] - limit, 0) / high
    return np.select(
        [limit < quantiles[:, 0], limit > quantiles[:, -1]],
        [LEVELS[0] * np.exp(under), 1 - (1 - LEVELS[-1]) * np.exp(over)],
        between,
    )


def _calibrate(
    score: np.ndarray, is_loss: np.ndarray, prior: float = _CALIBRATION_PRIOR
) -> tuple[float, float]:
    intercept, slope = fit_line(score, is_loss, prior)
    if slope > 0:
        return intercept, slope
    # A model that was wrong way round tells nothing; it is not turned.
    return float(log_odds(is_loss.mean(), _LIMIT_MARGIN)), 0.0


def _log_mean(cost: np.ndarray) -> float:
    return float(np.log(max(cost.mean(), 1e-12)))


def _weigh(
    members: np.ndarray, nats: Callable[[np.ndarray], float]
) -> tuple[float, ...]:
    """Weights that would have cost least, shrunk toward the first member.

    Args:
        members: Predictions of each, the first axis.
        nats: What a combination would have cost: its negative log-likelihood.
    """
    best: tuple[float, ...] | None = None
    best_cost = np.inf
    for weights in _simplex(len(members)):
        cost = nats(np.tensordot(weights, members, axes=1))
        cost += _SHRINK_NATS * (1 - weights[0])
        if best is None or cost < best_cost - 1e-9:
            best, best_cost = weights, cost
    assert best is not None, "the first member alone is always tried"
    return best


def _simplex(count: int) -> list[tuple[float, ...]]:
    """Weights in tenths that add up to 1; the first member alone comes first."""
    parts = round(1 / _WEIGHT_STEP)
    tenths: list[tuple[int, ...]]
    if count == 2:
        tenths = [(parts - one, one) for one in range(parts + 1)]
    else:
        tenths = [
            (parts - one - two, one, two)
            for one in range(parts + 1)
            for two in range(parts + 1 - one)
        ]
    return [tuple(part / parts for part in one) for one in tenths]


def _shift(actual: np.ndarray, levels: np.ndarray) -> tuple[float, ...]:
    """What to add to each level so that it would have held its share of outcomes.

    Split conformal, one level at a time (Romano, Patterson and Candes 2019), held
    toward 0 while there are few outcomes.
    """
    count = len(actual)
    gaps = actual[:, None] - levels
    # Outer levels are rounded outward, by one outcome to come.
    ranks = np.where(
        LEVELS < 0.5, np.floor(LEVELS * (count + 1)), np.ceil(LEVELS * (count + 1))
    )
    shares = np.clip((ranks - 1) / (count - 1), 0, 1)
    trust = count / (count + _SHIFT_PRIOR_ROWS)
    return tuple(
        float(np.quantile(gaps[:, column], share) * trust)
        for column, share in enumerate(shares)
    )


def _choose(outcomes: Outcomes, made: Predictions, before: Selection) -> dict[str, str]:
    """The model or baseline of each output, from what each would have cost.

    The baseline is the usual one, the last of `BASELINES`, or one that is clearly
    better than that. A model that is clearly better than the baseline takes over, and
    stays selected while it is better at all.
    """
    costs = {
        "loss": lambda p: log_loss(outcomes.is_loss, p),
        "pnl": lambda pnl: (outcomes.scaled_pnl - pnl) ** 2,
        "quantiles": lambda q: pinball(outcomes.scaled_pnl, q).mean(axis=1),
    }
    selected = {}
    for output, cost in costs.items():
        each = {
            model: cost(made[f"{output}_{model}"])
            for model in (*BASELINES[output], *MODELS[output])
        }

        def mean(model: str, each: dict = each) -> float:
            value = each[model].mean()
            return value if np.isfinite(value) else np.inf

        def is_clearly_better(one: str, other: str, each: dict = each) -> bool:
            gain = standard_errors(each[other] - each[one], outcomes.dates)
            return gain > GAIN_STANDARD_ERRORS

        usual = BASELINES[output][-1]
        best = min(reversed(BASELINES[output]), key=mean)
        baseline = best if is_clearly_better(best, usual) else usual
        holder, model = before.selected_model(output), min(MODELS[output], key=mean)
        if holder in MODELS[output] and mean(holder) < mean(best):
            selected[output] = holder
        elif mean(model) < mean(best) and is_clearly_better(model, baseline):
            selected[output] = model
        else:
            selected[output] = baseline
    return selected
