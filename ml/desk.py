"""What the whole desk may lose in a session: its past days, drawn whole.

Quantiles of traders do not add up, for traders lose together on some days and apart on
others. So every scenario is one past day of the desk: who traded that day and how far
each was off from what had been predicted, in units of their scale then, put on today's
predictions and scales (filtered historical simulation, Barone-Adesi, Giannopoulos and
Vosper 1999).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.special import bdtr

from runtime.transform.dbt import project_variables

# Two years of sessions are drawn from, or one day in a hundred could not be estimated;
# fewer than a quarter's say nothing of a bad day.
SCENARIOS = 500
MINIMUM_SCENARIOS = 60
TAIL, RARE = 0.05, 0.01
# No day counts for more than so many usual ones: the scale of who hardly trades is a
# few dollars, and another's error may be put on a trader of thousands.
ERROR_LIMIT = 10.0
COLUMNS = (
    "worst_case_pnl", "median_pnl", "best_case_pnl",
    "one_in_hundred_pnl", "one_in_hundred_low", "one_in_hundred_high",
    "traders_count", "scenarios_count",
)  # fmt: skip
_INTERVAL = (0.05, 0.95)


@dataclass(frozen=True)
class Scenarios:
    """Past sessions as they would be on one morning's roster.

    Attributes:
        sessions: The past days, in order; datetime64[ns]. None where too few are known.
        traders: Who has a forecast that morning, in order.
        traded: Sessions x traders, whether the trader trades in that scenario.
        pnl: Sessions x traders, dollars; 0 where the trader does not trade.
    """

    sessions: np.ndarray
    traders: np.ndarray
    traded: np.ndarray
    pnl: np.ndarray

    def __len__(self) -> int:
        return len(self.sessions)

    def of(self, members: np.ndarray) -> "Scenarios":
        """The same of some of the traders, by their places."""
        return Scenarios(
            self.sessions,
            self.traders[members],
            self.traded[:, members],
            self.pnl[:, members],
        )

    def outlook(self) -> dict[str, float]:
        """`COLUMNS` of these traders taken together; NaN without scenarios."""
        found: dict[str, float] = dict.fromkeys(COLUMNS, np.nan)
        found |= {"traders_count": len(self.traders), "scenarios_count": len(self)}
        if not len(self):
            return found
        total = np.sort(self.pnl.sum(axis=1))
        low, middle, high, rare = np.quantile(total, (TAIL, 0.5, 1 - TAIL, RARE))
        # Which of the days in order it may be, by the binomial distribution; the worst
        # of too few may not be the worst there is.
        first, last = _places_of_rare(len(total))
        if first > 0:
            found["one_in_hundred_low"] = float(total[first - 1])
        return found | {
            "one_in_hundred_pnl": float(rare),
            "one_in_hundred_high": float(total[min(last, len(total) - 1)]),
            "worst_case_pnl": float(low),
            "median_pnl": float(middle),
            "best_case_pnl": float(high),
        }


@dataclass(frozen=True)
class DeskHistory:
    """Past forecasts of the whole desk, laid out by date and trader.

    Attributes:
        dates: Days on which anybody traded, in order; datetime64[ns].
        traders: Everybody who ever had a forecast, in order.
        pnl: Dates x traders, dollars of the date; NaN where a trader did not trade, or
            had no forecast.
        error: The same, less what was predicted, in units of the scale.
        predicted, scale: Dates x traders, dollars of the forecast in force on the
            morning of the date; NaN where there was none.
    """

    dates: np.ndarray
    traders: np.ndarray
    pnl: np.ndarray
    error: np.ndarray
    predicted: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, forecasts: pd.DataFrame) -> "DeskHistory":
        """Lay out the forecasts of past days.

        Args:
            forecasts: trader_id, features_date, prediction_date (NaT where the trader
                has not traded since), predicted_pnl, scale and pnl (NaN with it),
                dollars.
        """
        traders, column = np.unique(
            forecasts["trader_id"].to_numpy(dtype=str), return_inverse=True
        )
        made = forecasts["features_date"].to_numpy("datetime64[ns]")
        known = forecasts["prediction_date"].to_numpy("datetime64[ns]")
        has_outcome = ~np.isnat(known)
        dates = np.unique(np.r_[made, known[has_outcome]])
        predicted, scale, pnl, error = (
            np.full((len(dates), len(traders)), np.nan) for _ in range(4)
        )
        row = np.searchsorted(dates, made)
        predicted[row, column] = forecasts["predicted_pnl"]
        scale[row, column] = forecasts["scale"]
        outcome = forecasts["pnl"].to_numpy(float)
        gap = ((outcome - forecasts["predicted_pnl"]) / forecasts["scale"]).to_numpy()
        row = np.searchsorted(dates, known[has_outcome])
        pnl[row, column[has_outcome]] = outcome[has_outcome]
        error[row, column[has_outcome]] = gap[has_outcome]
        return cls(dates, traders, pnl, error, _in_force(predicted), _in_force(scale))

    def past_scenarios(self) -> Iterator[tuple[np.datetime64, Scenarios]]:
        """Each past morning that somebody had a forecast for, and its scenarios."""
        for place, date in enumerate(self.dates):
            if not np.isnan(self.predicted[place]).all():
                yield (
                    date,
                    self._scenarios(place, self.predicted[place], self.scale[place]),
                )

    def past_outlooks(self) -> pd.DataFrame:
        """What would have been forecast of the desk on each past morning.

        Returns:
            prediction_date and `COLUMNS`; no row for a morning without a forecast.
        """
        rows = [
            {"prediction_date": date} | scenarios.outlook()
            for date, scenarios in self.past_scenarios()
        ]
        return pd.DataFrame(rows, columns=["prediction_date", *COLUMNS])

    def scenarios(self, forecasts: pd.DataFrame) -> Scenarios:
        """Those of the morning after the last of these days.

        Args:
            forecasts: trader_id, predicted_pnl and scale, dollars, of each.
        """
        whole = self._with(forecasts["trader_id"].to_numpy(dtype=str))
        places = np.searchsorted(
            whole.traders, forecasts["trader_id"].to_numpy(dtype=str)
        )
        predicted, scale = (np.full(len(whole.traders), np.nan) for _ in range(2))
        predicted[places], scale[places] = (
            forecasts["predicted_pnl"],
            forecasts["scale"],
        )
        return whole._scenarios(len(self.dates), predicted, scale)

    def _with(self, traders: np.ndarray) -> "DeskHistory":
        """The same with room for traders who had no forecast before."""
        every = np.union1d(self.traders, traders)
        if len(every) == len(self.traders):
            return self
        places = np.searchsorted(every, self.traders)

        def laid_out(values: np.ndarray) -> np.ndarray:
            wide = np.full((len(values), len(every)), np.nan)
            wide[:, places] = values
            return wide

        return DeskHistory(
            self.dates,
            every,
            *map(laid_out, (self.pnl, self.error, self.predicted, self.scale)),
        )

    def _scenarios(
        self, morning: int, predicted: np.ndarray, scale: np.ndarray
    ) -> Scenarios:
        """Of the morning before the date at that place, from the dates before it."""
        forecasted = np.flatnonzero(~np.isnan(predicted))
        before = slice(max(0, morning - SCENARIOS), morning)
        known = ~np.isnan(self.error[before]).all(axis=1)
        if known.sum() < MINIMUM_SCENARIOS:
            known[:] = False
        error = np.clip(self.error[before][known], -ERROR_LIMIT, ERROR_LIMIT)
        drawn = error[:, forecasted]
        # A trader without a forecast then, new or inactive, is drawn as one who had
        # one: with the same error, or not trading.
        had_forecast = ~np.isnan(self.predicted[before][known])
        others = _someone_elses(error, had_forecast, forecasted)
        drawn = np.where(had_forecast[:, forecasted], drawn, others)
        # A trader who does not trade makes nothing, and loses nothing.
        traded = ~np.isnan(drawn)
        return Scenarios(
            self.dates[before][known],
            self.traders[forecasted],
            traded,
            np.where(traded, predicted[forecasted] + scale[forecasted] * drawn, 0.0),
        )


@cache
def _places_of_rare(count: int) -> tuple[int, int]:
    reached = bdtr(np.arange(count + 1), count, RARE)
    first, last = np.searchsorted(reached, _INTERVAL).tolist()
    return first, last


def _in_force(made: np.ndarray) -> np.ndarray:
    """For each date what was forecast last before it, until a trader is inactive."""
    lasting = int(project_variables()["inactive_above_idle_sessions"])
    places = np.arange(len(made))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(made), -1, places), axis=0)
    before = np.vstack([np.full((1, made.shape[1]), -1), last[:-1]])
    is_lasting = (before >= 0) & (places - before - 1 <= lasting)
    last_made = np.take_along_axis(made, np.maximum(before, 0), axis=0)
    return np.where(is_lasting, last_made, np.nan)


def _someone_elses(
    error: np.ndarray, had_forecast: np.ndarray, forecasted: np.ndarray
) -> np.ndarray:
    """For each date and forecasted trader the error of some who had a forecast then.

    Whose it is follows from the trader's own place, and is the same each time.
    """
    order = np.argsort(~had_forecast, axis=1, kind="stable")
    count = np.maximum(had_forecast.sum(axis=1), 1)[:, None]
    return np.take_along_axis(
        error, np.take_along_axis(order, forecasted[None, :] % count, axis=1), axis=1
    )
