"""The reference model: how often a trader loses, times how much when it happens.

One distribution per trader and day, from which every probability, quantile and size is
read, so that none contradicts another. A day lost in trading, a day lost to fees alone
and any other day each have their share, and the logarithm of their dollars is Student's
t around the trader's own recent mean. A short record leans on the desk's: by how much
(`rate_days`, `size_days`) is learned from known outcomes, as an empirical Bayes prior
is (Efron and Morris 1975). Frequency and severity apart are the actuaries' loss model
(Klugman, Panjer and Willmot, Loss Models).
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np
from scipy.special import stdtrit

from ml.calibration import RARE_MARGIN, log_loss
from ml.days import KINDS, LOST_TO_FEES, LOST_TRADING, NOT_LOST, TraderDays

HALF_LIFE_DAYS = 10
"""Of the record's weights; feat_trader_day_losses computes them."""
WINDOW_DAYS = 8 * HALF_LIFE_DAYS
# A day of gain says so much of the size of losses, and the other way round.
OTHER_KIND_WEIGHT = 0.3
# Tails of a day's log size are fatter than the normal's.
DEGREES = 6
RATE_DAYS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
SIZE_DAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
# What is assumed of a spread before anything is known, and the outcomes it counts as.
_PRIOR_SPREAD, _PRIOR_OUTCOMES = 1.5, 2.0
_ROUNDS = 20
_LARGEST_LOG_SIZE = 23.0
_HALVINGS = 40
_ROWS_AT_ONCE = 5_000


def upper_tail(t: np.ndarray) -> np.ndarray:
    """Chance that Student's t with six degrees of freedom exceeds `t`.

    Source: Abramowitz and Stegun 26.7.4, for an even number of degrees.
    """
    x = t / np.sqrt(DEGREES + t * t)
    rest = 1 - x * x
    return np.clip(0.5 - x / 2 * (1 + rest / 2 + 3 / 8 * rest * rest), 0, 1)


@dataclass(frozen=True)
class DayDistribution:
    """What the next traded day may bring: net dollars, one distribution per row.

    Attributes:
        share: Rows x `KINDS`, chance of each kind of day; they add up to 1.
        location: Rows x `KINDS`, log dollars around which its size lies.
        spread: Rows x `KINDS`, by which it is scaled; above 0.
    """

    share: np.ndarray
    location: np.ndarray
    spread: np.ndarray
    _quantiles: dict[float, np.ndarray] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def realised_loss(self) -> np.ndarray:
        """Chance that the day loses in trading (gross below 0)."""
        return self.share[:, LOST_TRADING]

    @property
    def loss(self) -> np.ndarray:
        """Chance of a net P&L below 0."""
        return self.share[:, LOST_TRADING] + self.share[:, LOST_TO_FEES]

    @property
    def log_size(self) -> np.ndarray:
        """Expected logarithm of the day's absolute net dollars."""
        return (self.share * self.location).sum(axis=1)

    def lost_more_than(self, dollars: np.ndarray) -> np.ndarray:
        """Chance of losing more than so much.

        Args:
            dollars: Per row, above 0.
        """
        beyond = self._beyond(np.log(dollars), (LOST_TRADING, LOST_TO_FEES))
        return np.minimum(beyond, self.loss)

    def quantiles(self, levels: np.ndarray) -> np.ndarray:
        """Net dollars below which the day ends with each of these chances.

        Returns:
            Rows x levels, never crossing.
        """
        return np.column_stack([self.quantile(float(level)) for level in levels])

    def quantile(self, level: float) -> np.ndarray:
        """The same of one level, worked out once."""
        if level not in self._quantiles:
            found, is_lost = np.empty(len(self.share)), level < self.loss
            found[~is_lost] = self._at(~is_lost)._gain(level)
            rows = np.flatnonzero(is_lost)
            # What is halved forty times stays in the processor's cache.
            for begin in range(0, len(rows), _ROWS_AT_ONCE):
                part = rows[begin : begin + _ROWS_AT_ONCE]
                found[part] = -np.exp(self._at(part)._lost_log_size(level))
            self._quantiles[level] = found
        return self._quantiles[level]

    def _at(self, rows: np.ndarray) -> "DayDistribution":
        """The entries of some rows."""
        return DayDistribution(self.share[rows], self.location[rows], self.spread[rows])

    def _beyond(self, log_size: np.ndarray, kinds: Iterable[int]) -> np.ndarray:
        return sum(
            (
                self.share[:, kind]
                * upper_tail((log_size - self.location[:, kind]) / self.spread[:, kind])
                for kind in kinds
            ),
            np.zeros(len(self.share)),
        )

    def _lost_log_size(self, level: float) -> np.ndarray:
        """Log dollars that are lost or passed with a chance, by bisection."""
        low = np.full(len(self.share), -_LARGEST_LOG_SIZE)
        high = np.full(len(self.share), _LARGEST_LOG_SIZE)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            is_passed = self._beyond(middle, (LOST_TRADING, LOST_TO_FEES)) > level
            low = np.where(is_passed, middle, low)
            high = np.where(is_passed, high, middle)
        return high

    def _gain(self, level: float) -> np.ndarray:
        share = np.maximum(self.share[:, NOT_LOST], 1e-12)
        below = np.clip(1 - (1 - level) / share, 1e-12, 1 - 1e-12)
        log_size = (
            self.location[:, NOT_LOST]
            + self.spread[:, NOT_LOST] * stdtrit(DEGREES, below)
        )  # fmt: skip
        return np.exp(np.clip(log_size, -_LARGEST_LOG_SIZE, _LARGEST_LOG_SIZE))


@dataclass(frozen=True)
class LossRecord:
    """What a trader's recent days say, one entry per row.

    Attributes:
        weight: Days it counts for, recent ones weighing more.
        ratio: Rows x `KINDS`, share of days of each kind.
        log_size: Rows x `KINDS`, mean log dollars of each; NaN where there was none.
    """

    weight: np.ndarray
    ratio: np.ndarray
    log_size: np.ndarray

    @classmethod
    def of(cls, days: TraderDays, rows: np.ndarray) -> "LossRecord":
        """As the feature mart has it."""
        ratios, sizes = (
            np.column_stack([days.record[name.format(kind)][rows] for kind in KINDS])
            for name in ("{}_day_ratio_ewm_10d", "log_{}_size_ewm_10d")
        )
        return cls(loss_record_weight(days.number[rows]), ratios, sizes)

    def at(self, rows: np.ndarray) -> "LossRecord":
        """The entries of some rows."""
        return LossRecord(self.weight[rows], self.ratio[rows], self.log_size[rows])


def loss_record_weight(days_count: np.ndarray) -> np.ndarray:
    """Days that a record of so many counts for, in the mart's window."""
    return decayed_weight(np.minimum(days_count, WINDOW_DAYS), HALF_LIFE_DAYS)


def decayed_weight(days_count: np.ndarray, half_life: float) -> np.ndarray:
    """Days that so many days count for: what the exponential weights add up to."""
    return (1 - 0.5 ** (days_count / half_life)) / (1 - 0.5 ** (1 / half_life))


@dataclass(frozen=True)
class Reference:
    """What the reference model learned from one set of known outcomes.

    Attributes:
        desk_share: Share of days of each of `KINDS`, all traders.
        desk_log_size: Mean log dollars of each kind.
        rate_days: Days of the desk's that a trader's record of each kind of loss is
            shrunk by.
        size_days: The same of sizes.
        shift: Log dollars by which each kind's outcomes lie above the record.
        spread: Scale of Student's t around that.
    """

    desk_share: tuple[float, ...]
    desk_log_size: tuple[float, ...]
    rate_days: tuple[float, ...]
    size_days: float
    shift: tuple[float, ...]
    spread: tuple[float, ...]

    @classmethod
    def fit(cls, days: TraderDays, rows: np.ndarray) -> "Reference":
        """Learn from the rows whose outcomes are known."""
        kind, size = days.kind[rows], days.log_size[rows]
        counts = np.array([(kind == one).sum() for one in range(len(KINDS))])
        share = (counts + 0.5) / (counts.sum() + 0.5 * len(KINDS))
        middle = size.mean()
        log_size = tuple(
            float(size[kind == one].mean()) if counts[one] else float(middle)
            for one in range(len(KINDS))
        )
        record = LossRecord.of(days, rows)

        def rate_cost(one: int, prior: float) -> float:
            rate = _shrunk(record.ratio[:, one], record.weight, share[one], prior)
            return float(log_loss(kind == one, rate, RARE_MARGIN).mean())

        rate_days = tuple(
            _cheapest(RATE_DAYS, partial(rate_cost, one))
            for one in (LOST_TRADING, LOST_TO_FEES)
        )
        # The kind that sizes are known of best.
        counted = LOST_TRADING if counts[LOST_TRADING] else NOT_LOST

        def residuals(one: int, prior: float) -> tuple[np.ndarray, np.ndarray]:
            located, weight = _located(record, log_size, one, prior)
            known = kind == one
            widened = _widened(weight[known], prior)
            return (size - located)[known] / widened, np.log(widened)

        def size_cost(prior: float) -> float:
            gap, log_widened = residuals(counted, prior)
            shift, spread = _student(gap)
            scaled = (gap - shift) / spread
            return float(
                (
                    (DEGREES + 1) / 2 * np.log1p(scaled**2 / DEGREES)
                    + np.log(spread)
                    + log_widened
                ).mean()
            )

        size_days = _cheapest(SIZE_DAYS, size_cost)
        fitted = [_student(residuals(one, size_days)[0]) for one in range(len(KINDS))]
        return cls(
            desk_share=tuple(share.tolist()),
            desk_log_size=log_size,
            rate_days=rate_days,
            size_days=size_days,
            shift=tuple(shift for shift, _ in fitted),
            spread=tuple(spread for _, spread in fitted),
        )

    def predict(self, record: LossRecord) -> DayDistribution:
        """The distribution that follows from each record."""
        lost = np.column_stack(
            [
                _shrunk(record.ratio[:, one], record.weight, self.desk_share[one], days)
                for one, days in zip(
                    (LOST_TRADING, LOST_TO_FEES), self.rate_days, strict=True
                )
            ]
        )
        # Priors of their own may make the two more than one day in all.
        lost = lost / np.maximum(1.0, lost.sum(axis=1, keepdims=True) / 0.999)
        located = [
            _located(record, self.desk_log_size, one, self.size_days)
            for one in range(len(KINDS))
        ]
        return DayDistribution(
            share=np.column_stack([lost, 1 - lost.sum(axis=1)]),
            location=np.column_stack(
                [
                    location + self.shift[one] * _widened(weight, self.size_days)
                    for one, (location, weight) in enumerate(located)
                ]
            ),
            spread=np.column_stack(
                [
                    self.spread[one] * _widened(weight, self.size_days)
                    for one, (_, weight) in enumerate(located)
                ]
            ),
        )

    def as_card(self) -> dict:
        """As plain values for a file."""
        return asdict(self)

    @classmethod
    def from_card(cls, card: dict) -> "Reference":
        """What `as_card` gave."""
        lists = {name: tuple(card[name]) for name in card if name != "size_days"}
        return cls(**lists, size_days=card["size_days"])


def _shrunk(
    own: np.ndarray, weight: np.ndarray, desk: float, prior: float
) -> np.ndarray:
    """A trader's ratio together with so many days of the desk's."""
    return (own * weight + prior * desk) / (weight + prior)


def _located(
    record: LossRecord, desk: tuple[float, ...], kind: int, prior: float
) -> tuple[np.ndarray, np.ndarray]:
    """Log size of a kind of day, and the days it rests on.

    Gains say something of losses and losses of gains, moved by how far the desk's lie
    apart; days that only paid fees say nothing of either.
    """
    total = np.full(len(record.weight), prior * desk[kind])
    weight = np.zeros(len(record.weight))
    of = {kind: 1.0}
    if kind != LOST_TO_FEES:
        of[NOT_LOST if kind == LOST_TRADING else LOST_TRADING] = OTHER_KIND_WEIGHT
    for one, counts in of.items():
        own = record.weight * record.ratio[:, one] * counts
        is_known = ~np.isnan(record.log_size[:, one])
        own = np.where(is_known, own, 0.0)
        moved = record.log_size[:, one] - desk[one] + desk[kind]
        total = total + own * np.where(is_known, moved, 0.0)
        weight = weight + own
    return total / (weight + prior), weight


def _widened(weight: np.ndarray, prior: float) -> np.ndarray:
    """How much wider a size is spread for not knowing its middle."""
    return np.sqrt(1 + 1 / (weight + prior))


def _student(gap: np.ndarray) -> tuple[float, float]:
    """Location and scale of Student's t, by iteratively weighted least squares.

    Source: Lange, Little and Taylor (1989); a few prior outcomes keep both sound where
    there are none, or all are alike.
    """
    shift, spread = 0.0, _PRIOR_SPREAD
    # In place: a large desk has half a million, and new memory takes the longest.
    off, weights = np.empty_like(gap), np.empty_like(gap)
    for _ in range(_ROUNDS):
        np.subtract(gap, shift, out=off)
        np.divide(off, spread, out=weights)
        np.multiply(weights, weights, out=weights)
        np.add(weights, DEGREES, out=weights)
        np.divide(DEGREES + 1, weights, out=weights)
        shift = float((weights @ gap) / (weights.sum() + _PRIOR_OUTCOMES))
        np.subtract(gap, shift, out=off)
        np.multiply(off, off, out=off)
        squares = float(weights @ off)
        spread = np.sqrt(
            (squares + _PRIOR_OUTCOMES * _PRIOR_SPREAD**2)
            / (len(gap) + _PRIOR_OUTCOMES)
        )
    return shift, float(spread)


def _cheapest(priors: tuple[float, ...], cost: Callable[[float], float]) -> float:
    """The prior with the lowest cost; of equals the strongest."""
    return min(reversed(priors), key=cost)
