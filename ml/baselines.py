"""What a model must beat: the trader's own past, read in the simplest ways.

They run beside the models every day. P&L and its quantiles are in units of the trader's
own scale, sizes are logarithms of dollars. The reference model (`ml.reference`) is the
baseline that is selected while no model is significantly better.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from ml.days import LEAST_SIZE, LOST_TRADING, TARGET_LIMIT, TraderDays
from ml.outputs import BREACHES, Predictions, key
from ml.reference import (
    HALF_LIFE_DAYS,
    WINDOW_DAYS,
    DayDistribution,
    LossRecord,
    Reference,
    decayed_weight,
)

QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
LEVELS = np.array(list(QUANTILES.values()))
# Days of the desk's that a trader's own decayed rate of an event is shrunk by.
OWN_RATE_DAYS = {"loss": 2.0, "realised_loss": 5.0, "breach": 10.0}
# A trader's mean P&L counts together with so many days of nothing made.
MEAN_DAYS, MEAN_HALF_LIFE_DAYS = 20.0, 20
RECENT_DAYS = 5
QUANTILE_HALF_LIFE_DAYS = 40
QUANTILE_WINDOW_DAYS = 160
QUANTILE_PSEUDO_DAYS = 10.0
POOL_LEVELS = np.linspace(0.01, 0.99, 50)
_ROWS_AT_ONCE = 20_000
# What a risk manager would take as a warning.
RULES = {
    "three losing days in a row": lambda r: r["loss_streak_days"] >= 3,
    "drawdown over 15 %": lambda r: r["drawdown_ratio"] > 0.15,
    "volatility twice the usual": lambda r: (
        r["net_pnl_volatility_5d"] > 2 * r["net_pnl_volatility_60d"]
    ),
    "a large loss yesterday": lambda r: r["net_pnl_scaled"] < -2,
}


def warnings_raised(record: dict[str, np.ndarray]) -> np.ndarray:
    """How many of `RULES` hold, per row."""
    return np.sum([rule(record) for rule in RULES.values()], axis=0)


@dataclass(frozen=True)
class Baselines:
    """Everything the baselines learned from one set of known outcomes.

    Attributes:
        reference: The reference model.
        loss_rate, realised_loss_rate: Share of such days, all traders.
        breach_rates: By output of `BREACHES`, share of days that lost more.
        recent_breach_rates: The same of who did not, and who did, in the five days
            before.
        log_size: Mean log dollars of a day.
        pool: Quantiles of all traders' scaled outcomes, at `POOL_LEVELS`.
    """

    reference: Reference
    loss_rate: float
    realised_loss_rate: float
    breach_rates: dict[str, float]
    recent_breach_rates: dict[str, tuple[float, float]]
    log_size: float
    pool: tuple[float, ...]

    @classmethod
    def fit(cls, days: TraderDays, rows: np.ndarray) -> "Baselines":
        """Learn from the rows whose outcomes are known."""
        rates, recent_rates = {}, {}
        for output in BREACHES:
            is_breach = days.is_breach(output)[rows]
            rates[output] = float((is_breach.sum() + 0.5) / (len(rows) + 1))
            recently = _is_recent_breach(days, rows, days.threshold(output)[rows])
            recent_rates[output] = (
                _shrunk_rate(is_breach[~recently], rates[output]),
                _shrunk_rate(is_breach[recently], rates[output]),
            )
        return cls(
            reference=Reference.fit(days, rows),
            loss_rate=float(days.is_loss[rows].mean()),
            realised_loss_rate=float(days.is_realised_loss[rows].mean()),
            breach_rates=rates,
            recent_breach_rates=recent_rates,
            log_size=float(days.log_size[rows].mean()),
            pool=tuple(np.quantile(days.pnl[rows] / days.scale[rows], POOL_LEVELS)),
        )

    def as_card(self) -> dict:
        """As plain values for a file."""
        return asdict(self)

    @classmethod
    def from_card(cls, card: dict) -> "Baselines":
        """What `as_card` gave."""
        recent = {
            output: tuple(rates)
            for output, rates in card["recent_breach_rates"].items()
        }
        return cls(
            **card
            | {
                "reference": Reference.from_card(card["reference"]),
                "recent_breach_rates": recent,
                "pool": tuple(card["pool"]),
            }
        )

    def distribution(self, days: TraderDays, rows: np.ndarray) -> DayDistribution:
        """The reference model's distribution of each row's next day."""
        return self.reference.predict(LossRecord.of(days, rows))

    def predict(
        self, days: TraderDays, rows: np.ndarray, distribution: DayDistribution
    ) -> Predictions:
        """Every baseline's predictions, one row each.

        Args:
            distribution: What the reference model says of these rows.
        """
        quantiles = distribution.quantiles(LEVELS) / days.scale[rows][:, None]
        found = {
            "loss.reference": distribution.loss,
            "realised_loss.reference": distribution.realised_loss,
            "size.reference": distribution.log_size,
            "quantiles.reference": quantiles,
            "usual_loss.reference": distribution.location[:, LOST_TRADING],
            "loss_spread.reference": distribution.spread[:, LOST_TRADING],
            "pnl.zero": np.zeros(len(rows)),
            "pnl.shrunk_mean": shrunk_mean(days, rows),
            "quantiles.ew_quantiles": weighted_quantiles(
                days, rows, np.array(self.pool)
            ),
            "loss.desk_rate": np.full(len(rows), self.loss_rate),
            "realised_loss.desk_rate": np.full(len(rows), self.realised_loss_rate),
            "size.desk_rate": np.full(len(rows), self.log_size),
            **self._own(days, rows),
        }
        for output in BREACHES:
            limit = days.threshold(output)[rows]
            recently = _is_recent_breach(days, rows, limit).astype(int)
            found |= {
                key(output, "reference"): distribution.lost_more_than(limit),
                key(output, "desk_rate"): np.full(len(rows), self.breach_rates[output]),
                key(output, "recent_breach"): np.array(
                    self.recent_breach_rates[output]
                )[recently],
            }
        return found

    def _own(self, days: TraderDays, rows: np.ndarray) -> Predictions:
        """What the trader's days of a decade of half-lives ago until now say."""
        desk = {
            "loss": self.loss_rate,
            "realised_loss": self.realised_loss_rate,
        } | self.breach_rates
        found = {key(output, "own_rate"): np.empty(len(rows)) for output in desk}
        sizes = {
            key(output, "trailing_size"): np.empty(len(rows))
            for output in ("size", *BREACHES)
        }
        for part, past, weights in _past(days, rows, WINDOW_DAYS, HALF_LIFE_DAYS):
            net, gross = days.net[past], days.gross[past]
            total = weights.sum(axis=1)
            limits = {one: days.threshold(one)[rows[part]] for one in BREACHES}
            events = {
                "loss": net < 0,
                "realised_loss": gross < 0,
            } | {one: net < -limit[:, None] for one, limit in limits.items()}
            for output, event in events.items():
                prior = OWN_RATE_DAYS["breach" if output in BREACHES else output]
                found[key(output, "own_rate")][part] = (
                    (weights * event).sum(axis=1) + prior * desk[output]
                ) / (total + prior)
            mean = np.maximum((weights * np.abs(net)).sum(axis=1) / total, LEAST_SIZE)
            sizes["size.trailing_size"][part] = np.log(mean)
            for output, limit in limits.items():
                # As if losses were exponential, which has the fewest parameters.
                sizes[key(output, "trailing_size")][part] = self.loss_rate * np.exp(
                    -limit / mean
                )
        return found | sizes


def shrunk_mean(days: TraderDays, rows: np.ndarray) -> np.ndarray:
    """The trader's decayed mean P&L, shrunk toward nothing, in units of scale."""
    mean = days.record["net_pnl_ewm_momentum_20d"][rows]
    # Null where the trader has made and lost exactly nothing so far.
    mean = np.clip(np.where(np.isnan(mean), 0.0, mean), -TARGET_LIMIT, TARGET_LIMIT)
    weight = decayed_weight(days.number[rows], MEAN_HALF_LIFE_DAYS)
    return mean * weight / (weight + MEAN_DAYS)


def _is_recent_breach(
    days: TraderDays, rows: np.ndarray, limit: np.ndarray
) -> np.ndarray:
    """Whether one of the trader's last five days lost more than today's limit."""
    found = np.empty(len(rows), dtype=bool)
    for part, past, weights in _past(days, rows, RECENT_DAYS, HALF_LIFE_DAYS):
        is_beyond = (days.net[past] < -limit[part][:, None]) & (weights > 0)
        found[part] = is_beyond.any(axis=1)
    return found


def _shrunk_rate(is_event: np.ndarray, desk: float) -> float:
    prior = OWN_RATE_DAYS["breach"]
    return float((is_event.sum() + prior * desk) / (len(is_event) + prior))


def _past(
    days: TraderDays, rows: np.ndarray, window: int, half_life: float
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """The trader's days up to each row: places in `rows`, numbers of days, weights.

    Days before the trader's first weigh nothing.
    """
    ages = np.arange(window)
    decay = 0.5 ** (ages / half_life)
    for begin in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(begin, begin + _ROWS_AT_ONCE)
        weights = np.where(ages < days.number[rows[part]][:, None], decay, 0.0)
        yield part, np.maximum(rows[part][:, None] - ages, 0), weights


def weighted_quantiles(
    days: TraderDays, rows: np.ndarray, pool: np.ndarray
) -> np.ndarray:
    """Quantiles of the trader's own past days, recent ones weighing more.

    The desk's pool stands in for the first days, as `QUANTILE_PSEUDO_DAYS` of them.

    Returns:
        Rows x levels, in units of the scale of the row's day.
    """
    result = np.empty((len(rows), len(LEVELS)))
    pool_weight = np.full(len(pool), QUANTILE_PSEUDO_DAYS / len(pool))
    for part, past, own_weight in _past(
        days, rows, QUANTILE_WINDOW_DAYS, QUANTILE_HALF_LIFE_DAYS
    ):
        is_own = own_weight > 0
        own = days.net[past] / days.scale[rows[part]][:, None]
        # Places before the trader's first day come first, weigh nothing, are passed by.
        own = np.where(is_own, own, -np.inf)
        absent = (~is_own).sum(axis=1)
        count = len(own)
        values = np.hstack([own, np.broadcast_to(pool, (count, len(pool)))])
        weights = np.hstack(
            [own_weight, np.broadcast_to(pool_weight, (count, len(pool)))]
        )
        order = np.argsort(values, axis=1, kind="stable")
        values = np.take_along_axis(values, order, axis=1)
        weights = np.take_along_axis(weights, order, axis=1)
        # Each value stands at the middle of its weight.
        place = (np.cumsum(weights, axis=1) - weights / 2) / weights.sum(
            axis=1, keepdims=True
        )
        for column, level in enumerate(LEVELS):
            above = (place < level).sum(axis=1)
            above = np.clip(above, absent + 1, place.shape[1] - 1)
            line = np.arange(count)
            low, high = place[line, above - 1], place[line, above]
            share = np.clip((level - low) / np.maximum(high - low, 1e-12), 0, 1)
            result[part, column] = (
                values[line, above - 1] * (1 - share) + values[line, above] * share
            )
    return result
