"""Figures of every model and baseline on predicted days whose outcome is known."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ml import metrics
from ml.days import TraderDays
from ml.fitted import Predictions
from ml.metrics import REPLICATES, Figure, ModelOutputs
from ml.selection import BLEND, CHAMPION, OUTPUTS

RECENT, RECENT_DAYS = "60d", 60
# What a trader's or a month's figures rest on at least.
MINIMUM_ROWS = 10
NAMES = (
    CHAMPION, BLEND, "global", "per_trader",
    "logistic", "ridge", "base_rate", "base_rate_daily", "rules",
    "trailing_mean", "ew_quantiles", "zero",
)  # fmt: skip


@dataclass(frozen=True)
class Metric:
    """One measured figure.

    Attributes:
        model: One of `NAMES`.
        trader_id: Whose days; None for all traders together.
        period: "" for all days, "60d" for the last 60 calendar days, or a month.
        metric: What is measured.
        value: The figure; dollars where it is one of money.
        low: Lower end of its 90 % interval; None where none was made.
        high: The upper end.
        rows_count: Trader-days it rests on.
    """

    model: str
    trader_id: str | None
    period: str
    metric: str
    value: float
    low: float | None
    high: float | None
    rows_count: int


@dataclass(frozen=True)
class Record:
    """Predicted days whose outcome is known, in dollars.

    Attributes:
        traders, dates: Of each day.
        label_dates, pnl: Of the trader's next traded day; net dollars.
        scale, limit: Dollars of a usual day, and that may be lost in a day.
        loss, predicted, quantiles: By model, where it has that output.
        limit_loss: The champion's probability of losing more than the limit.
    """

    traders: np.ndarray
    dates: np.ndarray
    label_dates: np.ndarray
    pnl: np.ndarray
    scale: np.ndarray
    limit: np.ndarray
    loss: dict[str, np.ndarray]
    predicted: dict[str, np.ndarray]
    quantiles: dict[str, np.ndarray]
    limit_loss: np.ndarray

    @classmethod
    def of(
        cls, days: TraderDays, rows: np.ndarray, made: Predictions, mask: np.ndarray
    ) -> "Record":
        """The days that `mask` marks among the predicted `rows`.

        Args:
            made: As `selection.final_predictions` gives it.
        """
        scale = days.scale[rows][mask]
        by_output: dict[str, dict] = {output: {} for output in (*OUTPUTS, "limit")}
        for name, values in made.items():
            output, model = name.split("_", 1)
            part = values[mask]
            if output == "pnl":
                part = part * scale
            elif output == "quantiles":
                part = part * scale[:, None]
            by_output[output][model] = part
        return cls(
            traders=days.traders[rows][mask],
            dates=days.dates[rows][mask],
            label_dates=days.label_dates[rows][mask],
            pnl=days.pnl[rows][mask],
            scale=scale,
            limit=days.limit[rows][mask],
            loss=by_output["loss"],
            predicted=by_output["pnl"],
            quantiles=by_output["quantiles"],
            limit_loss=by_output["limit"][CHAMPION],
        )

    def __len__(self) -> int:
        return len(self.pnl)

    def part(self, mask: np.ndarray) -> "Record":
        """The days that `mask` marks."""

        def of_each(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: values[mask] for name, values in outputs.items()}

        return Record(
            self.traders[mask],
            self.dates[mask],
            self.label_dates[mask],
            self.pnl[mask],
            self.scale[mask],
            self.limit[mask],
            of_each(self.loss),
            of_each(self.predicted),
            of_each(self.quantiles),
            self.limit_loss[mask],
        )

    def of_model(self, model: str) -> tuple["Record", ModelOutputs]:
        """The days on which a model has any output, and its outputs."""
        by_model = (self.loss, self.predicted, self.quantiles)
        first = next(given[model] for given in by_model if model in given)
        mask = ~np.isnan(first.reshape(len(self), -1)[:, 0])
        part = self if mask.all() else self.part(mask)
        return part, ModelOutputs(
            loss=part.loss.get(model),
            limit=part.limit_loss if model == CHAMPION else None,
            predicted=part.predicted.get(model),
            quantiles=part.quantiles.get(model),
        )

    def figures(self, outputs: ModelOutputs) -> dict[str, Figure]:
        """The measures of these outputs."""
        is_beyond_limit = (self.pnl < -self.limit).astype(float)
        return metrics.figures(self.pnl, is_beyond_limit, self.traders, outputs)


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
        yield from _whole(record, model, replicates if model in with_intervals else 0)
    for trader in np.unique(record.traders.astype(str)):
        yield from _part(record.part(record.traders == trader), trader, "")
    recent = record.dates > record.dates.max() - np.timedelta64(RECENT_DAYS, "D")
    yield from _part(record.part(recent), None, RECENT)
    months = record.dates.astype("datetime64[M]")
    for month in np.unique(months):
        yield from _part(record.part(months == month), None, str(month))


def _whole(record: Record, model: str, replicates: int) -> Iterator[Metric]:
    part, outputs = record.of_model(model)
    if not len(part):
        return
    for name, figure in part.figures(outputs).items():
        low = high = None
        if replicates:
            # A slope takes a fit of its own in each replicate.
            count = min(replicates, 200) if name.endswith("slope") else replicates
            low, high = metrics.interval(part.dates, figure, count)
        value = float(figure(None))
        yield Metric(model, None, "", name, value, low, high, len(part))
    for baseline in ("base_rate", "base_rate_daily"):
        if replicates and outputs.loss is not None and model != baseline:
            gain = metrics.auc_gain(
                (part.pnl < 0).astype(float),
                part.dates,
                outputs.loss,
                part.loss[baseline],
                replicates,
            )
            name = f"auc_gain_over_{baseline}"
            yield Metric(model, None, "", name, *gain, len(part))


def _part(record: Record, trader: str | None, period: str) -> Iterator[Metric]:
    for model in NAMES:
        part, outputs = record.of_model(model)
        if len(part) < MINIMUM_ROWS:
            continue
        for name, figure in part.figures(outputs).items():
            value = float(figure(None))
            yield Metric(model, trader, period, name, value, None, None, len(part))
