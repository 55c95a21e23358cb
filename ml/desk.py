"""What the whole desk may lose in a session: its past days, drawn whole.

Quantiles of traders do not add up, for traders lose together on some days and apart on
others. So every scenario is one past day of the desk: who traded that day and how far
each was off from what had been predicted, in units of their scale then, put on today's
predictions and scales (filtered historical simulation, Barone-Adesi, Giannopoulos and
Vosper 1999).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binom

from runtime.transform.dbt import project_variables

# Two years of sessions are drawn from, or one day in a hundred could not be told of;
# fewer than a quarter's say nothing of a bad day.
SCENARIOS = 500
MINIMUM_SCENARIOS = 60
TAIL, RARE = 0.05, 0.01
COLUMNS = (
    "worst_case_pnl", "median_pnl", "best_case_pnl",
    "one_in_hundred_pnl", "one_in_hundred_low", "one_in_hundred_high",
    "traders_count", "scenarios_count",
)  # fmt: skip
_INTERVAL = (0.05, 0.95)


@dataclass(frozen=True)
class DeskHistory:
    """Past forecasts of the whole desk, laid out by date and trader.

    Attributes:
        dates: Days on which anybody traded, in order; datetime64[ns].
        traders: Everybody who has ever traded, in order.
        error: Dates x traders, actual less predicted in units of the scale; NaN where a
            trader did not trade, or had no forecast.
        predicted, scale: Dates x traders, dollars of the forecast in force on the
            morning of the date; NaN where there was none.
        has_started: Dates x traders, whether the trader had traded by then.
    """

    dates: np.ndarray
    traders: np.ndarray
    error: np.ndarray
    predicted: np.ndarray
    scale: np.ndarray
    has_started: np.ndarray

    @classmethod
    def of(cls, forecasts: pd.DataFrame, first_traded: pd.Series) -> "DeskHistory":
        """Lay out the forecasts of past days.

        Args:
            forecasts: trader_id, features_date, prediction_date (NaT where the trader
                has not traded since), predicted_pnl, scale and pnl (NaN with it),
                dollars.
            first_traded: First traded date of every trader, by trader.
        """
        first_traded = first_traded.sort_index()
        traders = first_traded.index.to_numpy(dtype=str)
        made = forecasts["features_date"].to_numpy("datetime64[ns]")
        known = forecasts["prediction_date"].to_numpy("datetime64[ns]")
        has_outcome = ~np.isnat(known)
        dates = np.unique(np.r_[made, known[has_outcome]])
        column = np.searchsorted(traders, forecasts["trader_id"].to_numpy(dtype=str))
        predicted, scale, error = (
            np.full((len(dates), len(traders)), np.nan) for _ in range(3)
        )
        row = np.searchsorted(dates, made)
        predicted[row, column] = forecasts["predicted_pnl"]
        scale[row, column] = forecasts["scale"]
        gap = (
            (forecasts["pnl"] - forecasts["predicted_pnl"]) / forecasts["scale"]
        ).to_numpy()
        row = np.searchsorted(dates, known[has_outcome])
        error[row, column[has_outcome]] = gap[has_outcome]
        return cls(
            dates,
            traders,
            error,
            _in_force(predicted),
            _in_force(scale),
            first_traded.to_numpy("datetime64[ns]")[None, :] <= dates[:, None],
        )

    def past_outlooks(self) -> pd.DataFrame:
        """What would have been forecast of the desk on each past morning.

        Returns:
            prediction_date and `COLUMNS`; no row for a morning without a forecast.
        """
        rows = [
            {"prediction_date": date}
            | self._outlook(place, self.predicted[place], self.scale[place])
            for place, date in enumerate(self.dates)
            if not np.isnan(self.predicted[place]).all()
        ]
        return pd.DataFrame(rows, columns=["prediction_date", *COLUMNS])

    def outlook(self, forecasts: pd.DataFrame) -> dict[str, float]:
        """The same for the morning after the last of these days.

        Args:
            forecasts: trader_id, predicted_pnl and scale, dollars, of each.
        """
        places = np.searchsorted(
            self.traders, forecasts["trader_id"].to_numpy(dtype=str)
        )
        predicted, scale = (np.full(len(self.traders), np.nan) for _ in range(2))
        predicted[places], scale[places] = (
            forecasts["predicted_pnl"],
            forecasts["scale"],
        )
        return self._outlook(len(self.dates), predicted, scale)

    def _outlook(
        self, morning: int, predicted: np.ndarray, scale: np.ndarray
    ) -> dict[str, float]:
        """Of the morning before the date at that place, from the dates before it."""
        forecasted = np.flatnonzero(~np.isnan(predicted))
        found: dict[str, float] = dict.fromkeys(COLUMNS, np.nan)
        found |= {
            "traders_count": len(forecasted),
            "scenarios_count": 0,
        }
        before = slice(max(0, morning - SCENARIOS), morning)
        known = ~np.isnan(self.error[before]).all(axis=1)
        if known.sum() < MINIMUM_SCENARIOS:
            return found
        error = self.error[before][known]
        drawn = error[:, forecasted]
        # Who had not begun yet does as someone who had: errs alike, or stays away.
        started = self.has_started[before][known]
        others = _someone_elses(error, started, forecasted)
        drawn = np.where(started[:, forecasted], drawn, others)
        # Who stays away makes nothing, and loses nothing.
        traded = ~np.isnan(drawn)
        pnl = np.where(traded, predicted[forecasted] + scale[forecasted] * drawn, 0.0)
        total = np.sort(pnl.sum(axis=1))
        low, middle, high, rare = np.quantile(total, (TAIL, 0.5, 1 - TAIL, RARE))
        # Which of the days in order it may be, by the binomial distribution; the worst
        # of too few may not be the worst there is.
        first, last = (int(binom.ppf(end, len(total), RARE)) for end in _INTERVAL)
        if first > 0:
            found["one_in_hundred_low"] = float(total[first - 1])
        return found | {
            "one_in_hundred_pnl": float(rare),
            "one_in_hundred_high": float(total[min(last, len(total) - 1)]),
            "worst_case_pnl": float(low),
            "median_pnl": float(middle),
            "best_case_pnl": float(high),
            "scenarios_count": len(drawn),
        }


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
    error: np.ndarray, started: np.ndarray, forecasted: np.ndarray
) -> np.ndarray:
    """For each date and forecasted trader the error of some who had begun by then.

    Whose it is follows from the trader's own place, and is the same each time.
    """
    order = np.argsort(~started, axis=1, kind="stable")
    count = started.sum(axis=1)[:, None]
    return np.take_along_axis(
        error, np.take_along_axis(order, forecasted[None, :] % count, axis=1), axis=1
    )
