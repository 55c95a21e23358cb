"""What a model must beat: a trader's own record, read in the simplest ways.

They run beside the models every day. Probabilities are of a losing next traded day,
P&L is in units of the trader's own scale.
"""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from ml.calibration import log_odds, sigmoid
from ml.days import TARGET_LIMIT, TraderDays

QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
LEVELS = np.array(list(QUANTILES.values()))
# A short record counts together with this many days of the whole desk's.
PSEUDO_DAYS = 2.0
QUANTILE_HALF_LIFE_DAYS = 40
QUANTILE_WINDOW_DAYS = 160
QUANTILE_PSEUDO_DAYS = 10.0
POOL_LEVELS = np.linspace(0.01, 0.99, 50)
# What a risk manager would call a warning.
RULES = {
    "three losing days in a row": lambda r: r["loss_streak_days"] >= 3,
    "drawdown over 15 %": lambda r: r["drawdown_ratio"] > 0.15,
    "volatility twice the usual": lambda r: (
        r["net_pnl_volatility_5d"] > 2 * r["net_pnl_volatility_60d"]
    ),
    "a large loss yesterday": lambda r: r["net_pnl_scaled"] < -2,
}
LINEAR_PARAMETERS = {"logistic": {"C": 0.1}, "ridge": {"alpha": 100.0}}
_LIMIT = 4.0


def warnings_raised(record: dict[str, np.ndarray]) -> np.ndarray:
    """How many of `RULES` hold, per row."""
    return np.sum([rule(record) for rule in RULES.values()], axis=0)


@dataclass(frozen=True)
class Linear:
    """A linear score on standardised inputs.

    Attributes:
        names: Of the inputs, in order.
        centre: Mean of each input where it was learned.
        spread: Standard deviation of each input there.
        weights: Per standardised input, which is limited to four deviations.
        intercept: Score of the mean row.
    """

    names: tuple[str, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def terms(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """What each input adds to the score: rows x inputs."""
        matrix = np.column_stack([inputs[name] for name in self.names])
        return _standardised(matrix, self.centre, self.spread) * self.weights

    def score(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """The score of each row."""
        return self.terms(inputs).sum(axis=1) + self.intercept


def _standardised(
    matrix: np.ndarray,
    centre: np.ndarray | tuple[float, ...],
    spread: np.ndarray | tuple[float, ...],
) -> np.ndarray:
    filled = np.where(np.isnan(matrix), centre, matrix)
    return np.clip((filled - centre) / spread, -_LIMIT, _LIMIT)


@dataclass(frozen=True)
class Baselines:
    """Everything the baselines learned from one set of known outcomes.

    Attributes:
        loss_rate: Share of losing days, all traders.
        trader_loss_rates: The same by trader.
        rules_loss_rates: The same by number of warnings, 0 to 4.
        logistic: Log-odds of a loss from the record.
        ridge: Scaled P&L from the record.
        pool: Quantiles of all traders' scaled outcomes, at `POOL_LEVELS`.
    """

    loss_rate: float
    trader_loss_rates: dict[str, float]
    rules_loss_rates: tuple[float, ...]
    logistic: Linear
    ridge: Linear
    pool: tuple[float, ...]

    @classmethod
    def fit(cls, days: TraderDays, rows: np.ndarray) -> "Baselines":
        """Learn from the rows whose outcomes are known."""
        from sklearn.linear_model import LogisticRegression, Ridge

        is_loss = days.is_loss[rows]
        rate = float(is_loss.mean())
        record = {name: values[rows] for name, values in days.record.items()}
        warned = warnings_raised(record)
        loss_inputs, pnl_inputs = _inputs(record, rate)
        return cls(
            loss_rate=rate,
            trader_loss_rates={
                trader: float(is_loss[places].mean())
                for trader, places in days.by_trader(rows).items()
            },
            rules_loss_rates=tuple(
                float(
                    (is_loss[warned == count].sum() + PSEUDO_DAYS * rate)
                    / ((warned == count).sum() + PSEUDO_DAYS)
                )
                for count in range(len(RULES) + 1)
            ),
            logistic=_fit_linear(
                LogisticRegression(**LINEAR_PARAMETERS["logistic"], max_iter=1000),
                loss_inputs,
                is_loss,
            ),
            ridge=_fit_linear(
                Ridge(**LINEAR_PARAMETERS["ridge"]), pnl_inputs, days.scaled_pnl[rows]
            ),
            pool=tuple(np.quantile(days.pnl[rows] / days.scale[rows], POOL_LEVELS)),
        )

    def as_card(self) -> dict:
        """As plain values for a file."""
        return asdict(self)

    @classmethod
    def from_card(cls, card: dict) -> "Baselines":
        """What `as_card` gave."""
        linear = {
            name: Linear(**_with_tuples(card[name])) for name in ("logistic", "ridge")
        }
        lists = {name: tuple(card[name]) for name in ("rules_loss_rates", "pool")}
        return cls(**(card | linear | lists))

    def loss_score(self, days: TraderDays, rows: np.ndarray) -> np.ndarray:
        """Log-odds of a loss by the logistic regression on the record."""
        return self.logistic.score(self._inputs_of(days, rows)[0])

    def pnl_score(self, days: TraderDays, rows: np.ndarray) -> np.ndarray:
        """Scaled P&L by the ridge regression on the record."""
        return self.ridge.score(self._inputs_of(days, rows)[1])

    def pnl_terms(self, days: TraderDays, rows: np.ndarray) -> np.ndarray:
        """What each input of the ridge regression adds: rows x `ridge.names`."""
        return self.ridge.terms(self._inputs_of(days, rows)[1])

    def predict(self, days: TraderDays, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Every baseline's prediction, one row each; `quantiles_…` has five columns."""
        record = {name: values[rows] for name, values in days.record.items()}
        rates = self.trader_loss_rates
        return {
            "loss_base_rate_daily": _or(
                record["loss_day_ratio_to_date"], self.loss_rate
            ),
            "loss_base_rate": np.array(
                [rates.get(trader, self.loss_rate) for trader in days.traders[rows]]
            ),
            "loss_rules": np.array(self.rules_loss_rates)[warnings_raised(record)],
            "loss_logistic": sigmoid(self.loss_score(days, rows)),
            "pnl_zero": np.zeros(len(rows)),
            # Null where the trader has made and lost exactly nothing so far.
            "pnl_trailing_mean": np.clip(
                _or(record["net_pnl_ewm_momentum_20d"], 0.0),
                -TARGET_LIMIT,
                TARGET_LIMIT,
            ),
            "pnl_ridge": self.pnl_score(days, rows),
            "quantiles_ew_quantiles": weighted_quantiles(
                days, rows, np.array(self.pool)
            ),
        }

    def _inputs_of(self, days: TraderDays, rows: np.ndarray) -> tuple[dict, dict]:
        record = {name: values[rows] for name, values in days.record.items()}
        return _inputs(record, self.loss_rate)


def _with_tuples(card: dict[str, Any]) -> dict[str, Any]:
    """JSON has no tuples, and a model has no lists."""
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in card.items()
    }


def _or(values: np.ndarray, otherwise: float) -> np.ndarray:
    return np.where(np.isnan(values), otherwise, values)


class _Estimator(Protocol):
    """What is used of scikit-learn's linear models, which have no types."""

    coef_: np.ndarray
    intercept_: np.ndarray | float

    def fit(self, matrix: np.ndarray, target: np.ndarray, /) -> object: ...


def _fit_linear(estimator: _Estimator, inputs: dict, target: np.ndarray) -> Linear:
    matrix = np.column_stack(list(inputs.values()))
    centre = np.nan_to_num(np.nanmean(matrix, axis=0))
    spread = np.nan_to_num(np.nanstd(matrix, axis=0)) + 1e-9
    estimator.fit(_standardised(matrix, centre, spread), target)
    return Linear(
        names=tuple(inputs),
        centre=tuple(centre.tolist()),
        spread=tuple(spread.tolist()),
        weights=tuple(np.ravel(estimator.coef_).tolist()),
        intercept=float(np.ravel(estimator.intercept_)[0]),
    )


def _inputs(record: dict[str, np.ndarray], loss_rate: float) -> tuple[dict, dict]:
    """Inputs of the logistic and of the ridge regression, shrunk to the whole desk's.

    A ratio of n days counts as those days and `PSEUDO_DAYS` of the desk's (the mean of
    a beta prior's posterior); n is what the exponential weights add up to.
    """
    count = record["traded_days_count"]
    weight = {
        days: (1 - 0.5 ** (count / days)) / (1 - 0.5 ** (1 / days)) for days in (5, 20)
    }
    loss = {
        f"loss_log_odds_{days}d": _shrunk_log_odds(
            record[f"loss_day_ratio_ewm_{days}d"], weight[days], loss_rate
        )
        for days in (5, 20)
    }
    loss["loss_log_odds_to_date"] = _shrunk_log_odds(
        record["loss_day_ratio_to_date"], count, loss_rate
    )
    mean = {
        days: np.clip(record[f"net_pnl_ewm_momentum_{days}d"], -5, 5)
        * weight[days]
        / (weight[days] + PSEUDO_DAYS)
        for days in (5, 20)
    }
    deviation = np.sqrt(record["net_pnl_ewm_volatility_20d"] ** 2 + 0.05)
    pnl = {f"mean_pnl_{days}d": mean[days] for days in (5, 20)} | {
        "mean_over_deviation_20d": mean[20] / deviation,
        "loss_log_odds_20d": loss["loss_log_odds_20d"],
        "loss_log_odds_to_date": loss["loss_log_odds_to_date"],
    }
    return loss, pnl


def _shrunk_log_odds(
    ratio: np.ndarray, weight: np.ndarray, loss_rate: float
) -> np.ndarray:
    return log_odds((ratio * weight + PSEUDO_DAYS * loss_rate) / (weight + PSEUDO_DAYS))


def weighted_quantiles(
    days: TraderDays, rows: np.ndarray, pool: np.ndarray
) -> np.ndarray:
    """Quantiles of the trader's own past days, recent ones weighing more.

    The desk's pool stands in for the first days, as `QUANTILE_PSEUDO_DAYS` of them.

    Returns:
        Rows x levels, in units of the scale of the row's day.
    """
    result = np.empty((len(rows), len(LEVELS)))
    starts = np.flatnonzero(np.r_[True, days.traders[1:] != days.traders[:-1]])
    first = starts[np.searchsorted(starts, np.arange(len(days)), side="right") - 1]
    ages = np.arange(QUANTILE_WINDOW_DAYS)
    own_weight = 0.5 ** (ages / QUANTILE_HALF_LIFE_DAYS)
    pool_weight = np.full(len(pool), QUANTILE_PSEUDO_DAYS / len(pool))
    for begin in range(0, len(rows), 20_000):
        part = rows[begin : begin + 20_000]
        back = part[:, None] - ages
        is_own = back >= first[part][:, None]
        own = days.net[np.maximum(back, 0)] / days.scale[part][:, None]
        # Places before the trader's first day come first, weigh nothing, are passed by.
        own = np.where(is_own, own, -np.inf)
        absent = (~is_own).sum(axis=1)
        values = np.hstack([own, np.broadcast_to(pool, (len(part), len(pool)))])
        weights = np.hstack(
            [
                np.where(is_own, own_weight, 0.0),
                np.broadcast_to(pool_weight, (len(part), len(pool))),
            ]
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
            line = np.arange(len(part))
            low, high = place[line, above - 1], place[line, above]
            share = np.clip((level - low) / np.maximum(high - low, 1e-12), 0, 1)
            result[begin : begin + len(part), column] = (
                values[line, above - 1] * (1 - share) + values[line, above] * share
            )
    return result
