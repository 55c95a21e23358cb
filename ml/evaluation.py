"""Figures of every model and baseline on predicted days whose outcome is known."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ml import metrics
from ml.calibration import RARE_MARGIN
from ml.days import TraderDays
from ml.levels import ELEVATED, HIGH, MEDIUM
from ml.metrics import REPLICATES, Figure, Interval
from ml.outputs import BREACHES, Predictions, key
from ml.selection import CHAMPION, OUTPUTS

RECENT, RECENT_DAYS = "60d", 60
# What a trader's or a month's figures rest on at least.
MINIMUM_ROWS = 10
NAMES = (
    CHAMPION, "reference", "global", "grouped", "per_trader",
    "own_rate", "trailing_size", "recent_breach", "desk_rate",
    "shrunk_mean", "ew_quantiles", "zero",
)  # fmt: skip
# Of which models a trader's or a month's figures are kept, and of which targets.
PART_NAMES = (CHAMPION, "own_rate")
PART_TARGETS = ("loss", "breach", "pnl", "quantiles")
_FEWEST_REPLICATES = 100
# What is evaluated: the outputs, and the chance of one loss in dollars for all.
TARGETS = (*OUTPUTS, *(output for output in BREACHES if output not in OUTPUTS))
LEVELS = ("limit_risk", "risk_level")


@dataclass(frozen=True)
class Metric:
    """One measured figure.

    Attributes:
        model: One of `NAMES`, or of `LEVELS`.
        target: One of `TARGETS` that it is about; "levels" of the desk's levels.
        trader_id: Whose days; None for all traders together.
        period: "" for all days, "60d" for the last 60 calendar days, or a month.
        metric: What is measured.
        value: The figure; dollars where it is one of money.
        interval: Its 90 % intervals; None where none was made.
        rows_count: Trader-days it rests on.
    """

    model: str
    target: str
    trader_id: str | None
    period: str
    metric: str
    value: float
    interval: Interval | None
    rows_count: int

    @property
    def low(self) -> float | None:
        """Lower end of the wider of the intervals."""
        return self.interval.wider[0] if self.interval else None

    @property
    def high(self) -> float | None:
        """The upper end."""
        return self.interval.wider[1] if self.interval else None


@dataclass(frozen=True)
class Record:
    """Predicted days whose outcome is known.

    Attributes:
        days: All days.
        rows: Numbers of the predicted ones.
        made: Their predictions, with what was selected of each.
        limit_risk, risk_level: The desk's levels then, by the selected predictions.
    """

    days: TraderDays
    rows: np.ndarray
    made: Predictions
    limit_risk: np.ndarray
    risk_level: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, mask: np.ndarray) -> "Record":
        """The days that `mask` marks, or whose places it names."""
        return Record(
            self.days,
            self.rows[mask],
            {name: values[mask] for name, values in self.made.items()},
            self.limit_risk[mask],
            self.risk_level[mask],
        )

    @property
    def traders(self) -> np.ndarray:
        """Whose days."""
        return self.days.traders[self.rows]

    @property
    def trader_numbers(self) -> np.ndarray:
        """The same by number."""
        return self.days.trader_number[self.rows]

    @property
    def dates(self) -> np.ndarray:
        """At whose close the predictions were made."""
        return self.days.dates[self.rows]

    @property
    def label_dates(self) -> np.ndarray:
        """The days that were predicted."""
        return self.days.label_dates[self.rows]

    @property
    def pnl(self) -> np.ndarray:
        """What they brought, net dollars."""
        return self.days.pnl[self.rows]

    @property
    def scale(self) -> np.ndarray:
        """Dollars of a usual day then."""
        return self.days.scale[self.rows]

    def of_model(self, model: str, target: str) -> "Record | None":
        """The days on which a model predicted a target; None if it never does."""
        values = self.made.get(key(target, model))
        if values is None:
            return None
        mask = ~np.isnan(values.reshape(len(self), -1)[:, 0])
        return self if mask.all() else self.part(mask)

    def is_event(self, target: str) -> np.ndarray:
        """1.0 where what a probability is about happened."""
        if target in BREACHES:
            return self.days.is_breach(target)[self.rows]
        is_event = {
            "loss": self.days.is_loss,
            "realised_loss": self.days.is_realised_loss,
        }
        return is_event[target][self.rows]

    def figures(self, model: str, target: str) -> dict[str, Figure]:
        """The measures of one model's predictions of a target."""
        predicted = self.made[key(target, model)]
        if target == "size":
            return metrics.of_size(self.days.log_size[self.rows], predicted)
        if target == "pnl":
            return metrics.of_expected(self.pnl, predicted * self.scale)
        if target == "quantiles":
            return metrics.of_quantiles(self.pnl, predicted * self.scale[:, None])
        return metrics.of_probability(
            self.is_event(target),
            predicted,
            self.made[key(target, "desk_rate")],
            self.trader_numbers,
            RARE_MARGIN if target in BREACHES else 0.01,
        )

    def level_figures(self, name: str) -> dict[str, Figure]:
        """What a level catches: days flagged, and losses beyond the limit."""
        level = self.limit_risk if name == "limit_risk" else self.risk_level
        is_flagged = np.isin(level, (HIGH, ELEVATED, MEDIUM)).astype(float)
        is_breach = self.is_event("breach")
        breached = metrics.ratio_of(is_breach * is_flagged, is_flagged)
        other = metrics.ratio_of(is_breach * (1 - is_flagged), 1 - is_flagged)

        def times_as_often(weights: np.ndarray | None) -> np.ndarray | float:
            with np.errstate(invalid="ignore", divide="ignore"):
                found = np.divide(breached(weights), other(weights))
            found = np.where(np.isfinite(found), found, np.nan)
            return float(found) if weights is None else found

        return {
            "flagged_share": metrics.mean_of(is_flagged),
            "breaches_caught": metrics.ratio_of(is_breach * is_flagged, is_breach),
            "breach_rate_ratio": times_as_often,
        }


def evaluate(
    record: Record,
    *,
    with_intervals: tuple[str, ...] = NAMES,
    replicates: int = REPLICATES,
) -> Iterator[Metric]:
    """All figures: of all days together, of each trader, of each period.

    Args:
        with_intervals: Models whose figures of all days get intervals.
        replicates: Of the bootstrap.
    """
    if not len(record):
        return
    for model in NAMES:
        count = replicates if model in with_intervals else 0
        for target in TARGETS:
            part = record.of_model(model, target)
            if part is not None and len(part):
                figures = part.figures(model, target)
                yield from _measured(part, model, target, figures, count)
    for level in LEVELS:
        figures = record.level_figures(level)
        yield from _measured(record, level, "levels", figures, replicates)
    for trader, places in record.days.by_trader(record.rows).items():
        yield from _part(record.part(places), trader, "")
    recent = record.dates > record.dates.max() - np.timedelta64(RECENT_DAYS, "D")
    yield from _part(record.part(recent), None, RECENT)
    months = record.dates.astype("datetime64[M]")
    for month in np.unique(months):
        yield from _part(record.part(months == month), None, str(month))


def _measured(
    part: Record, model: str, target: str, figures: dict[str, Figure], replicates: int
) -> Iterator[Metric]:
    for name, figure in figures.items():
        interval = None
        if replicates:
            # A slope takes a fit of its own in each replicate: a backtest pays for it.
            count = replicates // 5 if name.endswith("slope") else replicates
            if count >= _FEWEST_REPLICATES:
                interval = metrics.interval(
                    part.dates, part.trader_numbers, figure, count
                )
        value = float(figure(None))
        yield Metric(model, target, None, "", name, value, interval, len(part))


def _part(record: Record, trader: str | None, period: str) -> Iterator[Metric]:
    for model in PART_NAMES:
        for target in PART_TARGETS:
            part = record.of_model(model, target)
            if part is None or len(part) < MINIMUM_ROWS:
                continue
            for name, figure in part.figures(model, target).items():
                # A slope of one trader's days says nothing, and takes the longest.
                if trader is not None and name.endswith("slope"):
                    continue
                value = float(figure(None))
                yield Metric(
                    model, target, trader, period, name, value, None, len(part)
                )
