"""Which model gives each output, from outcomes already known.

A baseline gives it, named as one, unless a model was better than every baseline by
more than chance from date to date, and from trader to trader, makes. Looked at every
morning anew, only on predictions made before their outcomes: so the record of what was
selected is itself one that had seen nothing of what came after.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ml.days import TraderDays
from ml.losses import MINIMUM_DATES, ClusterSums, costs
from ml.outputs import BREACHES, Predictions, key

CHAMPION = "champion"
# By output: what may be selected, and what it must beat. The first baseline is selected
# while no model is. Zero is a measure, but no forecast.
MODELS = {
    "loss": ("global", "grouped", "per_trader"),
    "realised_loss": ("global", "grouped"),
    "breach": ("global", "grouped"),
    "size": ("global",),
    "pnl": ("global", "per_trader"),
    "quantiles": ("global",),
}
BASELINES = {
    "loss": ("reference", "own_rate", "desk_rate"),
    "realised_loss": ("reference", "own_rate", "desk_rate"),
    "breach": (
        "reference", "own_rate", "trailing_size", "recent_breach", "desk_rate",
    ),
    "size": ("reference", "trailing_size", "desk_rate"),
    "pnl": ("shrunk_mean", "zero"),
    "quantiles": ("reference", "ew_quantiles"),
}  # fmt: skip
OUTPUTS = tuple(MODELS)
KNOWN_DAYS = 365
MINIMUM_KNOWN_ROWS = 50
# The desk's last forecasts that a chance of breaching the limit is ranked among.
LEVEL_ROWS = 200
# A model is selected while its mean gain over every baseline is so many standard errors
# above nothing. It is looked at every morning and for every output, which is why two
# would not do (tests/bench_selection.py).
GAIN_STANDARD_ERRORS = 3.0


class Rule(NamedTuple):
    """When a model is significantly better: by how many standard errors, of what."""

    standard_errors: float = GAIN_STANDARD_ERRORS
    over_traders: bool = True


RULE = Rule()


@dataclass(frozen=True)
class Selection:
    """Which models are selected on one morning.

    Attributes:
        selected: By output, the model or baseline whose forecasts are given.
        known_count: Outcomes that it rests on.
        breach_levels: Chances of breaching the limit that one in three, and one in ten,
            of the desk's last forecasts lay above; NaN while there are too few.
    """

    selected: dict[str, str] = field(default_factory=dict)
    known_count: int = 0
    breach_levels: tuple[float, float] = (float("nan"), float("nan"))

    def apply(self, raw: Predictions) -> Predictions:
        """The same with `….champion`, what is selected of each output.

        Args:
            raw: As `Fitted.predict` gives it.
        """
        made = dict(raw)
        for output in OUTPUTS:
            model = self.selected_model(output)
            whole = raw[key(output, model)]
            # Where a trader has no model of their own, the global one stands in.
            shared = raw[key(output, MODELS[output][0])]
            made[key(output, CHAMPION)] = np.where(np.isnan(whole), shared, whole)
        for output in ("usual_loss", "loss_spread"):
            made[key(output, CHAMPION)] = raw[key(output, "reference")]
        for output in BREACHES:
            chance = raw[key(output, self.selected_model("breach"))]
            # Losing more than a limit is losing, too.
            made[key(output, CHAMPION)] = np.minimum(chance, made["loss.champion"])
        return made

    def selected_model(self, output: str) -> str:
        """The model or baseline that gives an output."""
        return self.selected.get(output, BASELINES[output][0])


def is_baseline(output: str, model: str) -> bool:
    """Whether what gives an output is one of its baselines."""
    return model in BASELINES[output]


class Comparison:
    """Gains of every model over every baseline of an output, day by day."""

    def __init__(
        self,
        output: str,
        days: TraderDays,
        rows: np.ndarray,
        made: Predictions,
        order: np.ndarray,
        rule: Rule = RULE,
    ) -> None:
        """Work them out once, for every morning to look at its part.

        Args:
            days: All days.
            rows: Numbers of the predicted ones.
            made: Their predictions, by models of their time.
            order: Places in `rows` whose outcome is known, by the date it was.
            rule: When a model is significantly better.
        """
        self._rule = rule
        self._models = MODELS[output]
        known = {
            name: values[order]
            for name, values in made.items()
            if name.partition(".")[0] == output
        }
        cost = {
            model: costs(output, model, days, rows[order], known)
            for model in (*BASELINES[output], *MODELS[output])
        }
        # What a trader's own model does not cover, the global one does.
        shared = cost[MODELS[output][0]]
        gains = np.stack(
            [
                [
                    cost[baseline]
                    - np.where(np.isnan(cost[model]), shared, cost[model])
                    for baseline in BASELINES[output]
                ]
                for model in MODELS[output]
            ]
        )
        # A model that once had nothing to say is no model of that output.
        is_unknown = ~np.isfinite(gains).all(axis=1)
        self._unknown = np.cumsum(np.pad(is_unknown, ((0, 0), (1, 0))), axis=1)
        self._shape = gains.shape[:2]
        gains = np.where(is_unknown[:, None], 0.0, gains).reshape(-1, len(order))
        self._by_date = ClusterSums(gains, _numbers(days.dates[rows[order]]))
        self._by_trader = ClusterSums(gains, days.trader_number[rows[order]])

    def selected(self, first: int, last: int) -> str | None:
        """The model that is significantly better than every baseline; None if none is.

        Args:
            first, last: Outcomes from and up to these places of `order`; neither
                may be before that of the previous use.
        """
        self._by_date.move(first, last)
        self._by_trader.move(first, last)
        error = self._by_date.errors(MINIMUM_DATES)
        # What holds for one trader is a claim about that one.
        if self._rule.over_traders and self._by_trader.count > 1:
            error = np.maximum(error, self._by_trader.errors(2))
        clear = (self._by_date.mean / error).reshape(self._shape).min(axis=1)
        clear[self._unknown[:, last] > self._unknown[:, first]] = -np.inf
        best = int(np.argmax(clear))
        return self._models[best] if clear[best] > self._rule.standard_errors else None


def _numbers(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1]


def select_daily(
    days: TraderDays, rows: np.ndarray, raw: Predictions, rule: Rule = RULE
) -> tuple[Predictions, list[tuple[np.datetime64, Selection]], Selection]:
    """Select models for every day as of its own morning.

    Args:
        days: All days.
        rows: Numbers of the predicted days, in order of date.
        raw: Their predictions, as `walk_forward` gives them.
        rule: When a model is significantly better.

    Returns:
        The predictions with the selected ones; the selection of each date; the
        selection of all outcomes known by now.
    """
    label_dates = days.label_dates[rows]
    has_outcome = np.flatnonzero(~np.isnat(label_dates))
    order = has_outcome[np.argsort(label_dates[has_outcome], kind="stable")]
    known_at = label_dates[order]
    comparisons = {
        output: Comparison(output, days, rows, raw, order, rule) for output in OUTPUTS
    }
    dates = days.dates[rows]
    chosen = raw["breach.reference"].copy()

    def select_on(date: np.datetime64) -> Selection:
        last = int(np.searchsorted(known_at, date, side="right"))
        begin = date - np.timedelta64(KNOWN_DAYS, "D")
        first = int(np.searchsorted(known_at, begin))
        known = order[first:last]
        now = int(np.searchsorted(dates, date))
        # Whole days: those of one morning are looked at together.
        since = dates[max(0, now - LEVEL_ROWS)] if now else date
        past = slice(int(np.searchsorted(dates, since)), now)
        selected = {}
        if len(known) >= MINIMUM_KNOWN_ROWS:
            for output, comparison in comparisons.items():
                model = comparison.selected(first, last)
                if model is not None:
                    selected[output] = model
        return Selection(selected, last - first, _breach_levels(chosen[past]))

    made: Predictions = {}
    selections: list[tuple[np.datetime64, Selection]] = []
    for date in np.unique(dates):
        selection = select_on(date)
        mask = slice(*np.searchsorted(dates, [date, date + np.timedelta64(1, "D")]))
        selections.append((date, selection))
        part = {name: values[mask] for name, values in raw.items()}
        for name, values in selection.apply(part).items():
            if name not in made:
                made[name] = np.full((len(rows), *values.shape[1:]), np.nan)
            made[name][mask] = values
        chosen[mask] = made["breach.champion"][mask]
    latest = dates[-1] + np.timedelta64(1, "D") if len(dates) else np.datetime64("NaT")
    return made, selections, select_on(latest)


def _breach_levels(past: np.ndarray) -> tuple[float, float]:
    if len(past) < MINIMUM_KNOWN_ROWS:
        return float("nan"), float("nan")
    third, tenth = np.quantile(past, (2 / 3, 0.9))
    return float(third), float(tenth)
