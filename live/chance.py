"""The chance that a trader breaches the day's loss limit by the close.

From where they are now, how often did a past day of theirs fall further from this time
of day on than there is room left? Counted on their own days, those on which they had
begun to trade by now where they have; where these are few, the desk's days, each in
units of its trader's usual day, stand in. Then calibrated on forecasts of past days.

It is given only where, on past days and made of nothing but the days before each, it
was better than the base rate by more than chance from date to date and from trader to
trader makes (`ml.selection`). Otherwise the base rate is given, and said to be it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from live.baselines import BUCKET_MINUTES, LEAST_DAYS, Baselines, TraderPast
from live.screen import Chance
from ml.calibration import fit_line, log_loss, log_odds, sigmoid
from ml.losses import MINIMUM_DATES, clustered_errors
from ml.metrics import auc
from ml.selection import GAIN_STANDARD_ERRORS, MINIMUM_KNOWN_ROWS

# Of how many own days the desk's are worth.
DESK_DAYS = 20
# What is forecast in the test: from 10:00 to 15:30 Eastern, each half an hour.
_TESTED = tuple(
    (6 * 60 + minute) // BUCKET_MINUTES for minute in range(10 * 60, 15 * 60 + 31, 30)
)
# Sessions before the first that is forecast in the test.
_FIRST_TESTED = 40
# Days on which a limit that nobody has set is breached, for the test alone.
_USUAL_BREACHES = 0.1
_MARGIN = 1e-3
_CALIBRATION_PRIOR = 20.0
_REFIT_DATES = 5


@dataclass(frozen=True)
class ChanceTest:
    """What past days say of the method, out of sample.

    Attributes:
        rows_count: Forecasts: a trader, a date, a time of day, a limit not yet
            breached. breaches_count: Of those, breached by the close.
        brier, base_brier: Of the method and of the base rate, lower is better.
        auc, base_auc: NaN where nothing, or everything, was breached.
        gain_errors: Gain in log loss over the base rate, in its standard errors.
        intercept, slope: Of the calibration that forecasts get from now on.
        is_selected: Whether its chances are given.
    """

    rows_count: int = 0
    breaches_count: int = 0
    dates_count: int = 0
    traders_count: int = 0
    brier: float = float("nan")
    base_brier: float = float("nan")
    auc: float = float("nan")
    base_auc: float = float("nan")
    gain_errors: float = float("nan")
    intercept: float = 0.0
    slope: float = 1.0
    is_selected: bool = False

    @property
    def words(self) -> str:
        """The verdict in a sentence."""
        if self.rows_count < MINIMUM_KNOWN_ROWS:
            return (
                f"only the base rate: {self.rows_count} forecasts of past days are too "
                "few to test more"
            )
        measured = (
            f"Brier {self.brier:.4f} against {self.base_brier:.4f}, "
            f"{self.gain_errors:.1f} standard errors, {self.rows_count:,} forecasts"
        )
        if self.is_selected:
            return f"better than the base rate on past days ({measured})"
        return f"only the base rate: more was no better on past days ({measured})"


class Chances:
    """Chances of traders within a session.

    Args:
        limits: The loss limit of a day in force, of traders who have one, dollars.

    Attributes:
        test: What past days say of the method; empty until `run_test` is done.
    """

    def __init__(self, baselines: Baselines, limits: dict[str, float]) -> None:
        self._past = baselines.past
        self._scales = {
            name: float(_scales(one)[-1]) for name, one in baselines.past.items()
        }
        self._pools: dict[tuple[int, bool], np.ndarray] = {}
        self._desk_rates: dict[int, float] = {}
        # Of each trader what was read last, and of which time, limit and days.
        self._own: dict[str, tuple[tuple[int, float, bool], float, np.ndarray]] = {}
        self._baselines = baselines
        self._limits = limits
        self.test = ChanceTest()

    def run_test(self) -> None:
        """Test the method; until it is done base rates are given."""
        self.test = chance_test(self._baselines, self._limits)

    def of(
        self,
        trader_id: str,
        limit: float,
        net: float | None,
        lowest: float | None,
        bucket: int,
        *,
        has_begun: bool,
    ) -> Chance:
        """The chance of a trader now.

        Args:
            limit: Dollars, above 0.
            net, lowest: Realized net P&L now and at its lowest today, dollars; None
                where they are not known.
            bucket: Buckets that are over, as `baselines.bucket_of`.
        """
        if net is None or lowest is None:
            return Chance(reason="unknown: net P&L is not known")
        if lowest < -limit:
            return Chance(1.0, None, True, "the limit is breached")
        past = self._past.get(trader_id)
        index = max(bucket - 1, 0)
        if past is None or len(past.dates) < LEAST_DAYS:
            count = 0 if past is None else len(past.dates)
            return Chance(reason=f"unknown: {count} past days, {LEAST_DAYS} are needed")
        pool = self._pool(index, has_begun=has_begun)
        scale = self._scales[trader_id]
        base, falls = self._own_past(trader_id, past, (index, limit, has_begun))
        if not self.test.is_selected:
            return Chance(base, base, False, self.test.words)
        room = limit + net
        desk = _share_above(pool, room / scale)
        raw = _shrunk(_count_above(falls, room), len(falls), desk)
        line = self.test.intercept + self.test.slope * log_odds(
            np.array([raw]), _MARGIN
        )
        return Chance(float(sigmoid(line)[0]), base, True, self.test.words)

    def _own_past(
        self, trader_id: str, past: TraderPast, key: tuple[int, float, bool]
    ) -> tuple[float, np.ndarray]:
        """Base rate and sorted falls: another fill leaves them as they are."""
        kept = self._own.get(trader_id)
        if kept is None or kept[0] != key:
            index, limit, has_begun = key
            falls = np.sort(_falls(past, index, has_begun=has_begun))
            kept = key, self._base_rate(past, index, limit), falls
            self._own[trader_id] = kept
        return kept[1:]

    def _base_rate(self, past: TraderPast, index: int, limit: float) -> float:
        """How often a day without a breach by then had one by its close."""
        if index not in self._desk_rates:
            found = [
                _later_breaches(one, index, bound)
                for name, one in self._past.items()
                if (bound := self._limits.get(name) or _usual_limit(one.lowest)) > 0
            ]
            later = sum(float(one.sum()) for _, one in found)
            days = sum(float(one.sum()) for one, _ in found)
            self._desk_rates[index] = (later + 0.5) / (days + 1)
        was_not, later_own = _later_breaches(past, index, limit)
        return float(_shrunk(later_own.sum(), was_not.sum(), self._desk_rates[index]))

    def _pool(self, index: int, *, has_begun: bool) -> np.ndarray:
        """Falls of the whole desk from a bucket's end on, in usual days, sorted."""
        key = index, has_begun
        if key not in self._pools:
            _, falls = _desk_falls(self._past, index, has_begun=has_begun)
            self._pools[key] = np.sort(falls)
        return self._pools[key]


def _scales(past: TraderPast) -> np.ndarray:
    """A usual day as known before each day, and after the last: days + 1, dollars.

    The mean of what was made or lost; NaN before there are enough days.
    """
    made = np.abs(past.net[:, -1]).cumsum()
    means = np.concatenate([[np.nan], made / np.arange(1, len(made) + 1)])
    means[:LEAST_DAYS] = np.nan
    return np.maximum(means, 1.0)


def _desk_falls(
    past: Mapping[str, TraderPast], index: int, *, has_begun: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Dates and falls of the desk's days from a bucket's end on, in usual days."""
    dates, falls = [], []
    for one in past.values():
        scales = _scales(one)[:-1]
        kept = ((one.fills[:, index] > 0) == has_begun) & ~np.isnan(scales)
        dates.append(one.dates[kept])
        fall = one.net[kept, index] - one.low_after[kept, index]
        falls.append(fall / scales[kept])
    return np.concatenate(dates), np.concatenate(falls)


def _falls(past: TraderPast, index: int, *, has_begun: bool) -> np.ndarray:
    """How far each day fell below where it was at a bucket's end."""
    is_alike = (past.fills[:, index] > 0) == has_begun
    return (past.net[:, index] - past.low_after[:, index])[is_alike]


def _count_above(falls: np.ndarray, room: float | np.ndarray) -> np.ndarray:
    """How many of sorted falls are above."""
    return len(falls) - falls.searchsorted(room, side="right")


def _share_above(pool: np.ndarray, room: float | np.ndarray) -> np.ndarray:
    """Of sorted falls those above; of none, a half of one."""
    return (_count_above(pool, room) + 0.5) / (len(pool) + 1)


def _shrunk(
    count: int | np.ndarray, days: int | np.ndarray, desk: float | np.ndarray
) -> float | np.ndarray:
    return (count + DESK_DAYS * desk) / (days + DESK_DAYS)


def _later_breaches(
    past: TraderPast, index: int, limit: float
) -> tuple[np.ndarray, np.ndarray]:
    was_not = past.low_so_far[:, index] >= -limit
    return was_not, was_not & (past.low_after[:, index] < -limit)


# --------------------------------------------------------------------- on past days


def chance_test(baselines: Baselines, limits: dict[str, float]) -> ChanceTest:
    """Forecast past days, each from the days before it, and compare.

    A trader without a limit is tested with one that a tenth of the days before would
    have breached.
    """
    found = [
        rows
        for name, past in sorted(baselines.past.items())
        if (rows := _own_rows(name, past, limits.get(name))) is not None
    ]
    if not found:
        return ChanceTest()
    columns = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
    desk = _desk_shares(baselines, columns)
    raw = _shrunk(columns["count"], columns["days"], desk)
    dates, is_breach = columns["date"], columns["is_breach"]
    score = log_odds(np.asarray(raw), _MARGIN)
    calibrated, line = _calibrated(score, is_breach, dates)
    base = _base_rates(columns)
    # Before there is anything to calibrate by, nothing is compared.
    kept = ~np.isnan(calibrated)
    if kept.sum() < MINIMUM_KNOWN_ROWS:
        return ChanceTest(rows_count=int(kept.sum()))
    breach, chance, rate = is_breach[kept], calibrated[kept], base[kept]
    gain = log_loss(breach, rate, _MARGIN) - log_loss(breach, chance, _MARGIN)
    _, by_date = np.unique(dates[kept], return_inverse=True)
    _, by_trader = np.unique(columns["trader"][kept], return_inverse=True)
    error = clustered_errors(gain, by_date, MINIMUM_DATES)
    if by_trader.max() > 0:
        error = max(error, clustered_errors(gain, by_trader, 2))
    errors = float(gain.mean() / error)
    return ChanceTest(
        rows_count=int(kept.sum()),
        breaches_count=int(breach.sum()),
        dates_count=int(by_date.max() + 1),
        traders_count=int(by_trader.max() + 1),
        brier=float(((chance - breach) ** 2).mean()),
        base_brier=float(((rate - breach) ** 2).mean()),
        auc=float(auc(breach, chance)),
        base_auc=float(auc(breach, rate)),
        gain_errors=errors,
        intercept=line[0],
        slope=line[1],
        is_selected=errors > GAIN_STANDARD_ERRORS,
    )


def _own_rows(
    name: str, past: TraderPast, limit: float | None
) -> dict[str, np.ndarray] | None:
    """One row per tested day and time at which the limit was not yet breached."""
    count = len(past.dates)
    days = np.arange(LEAST_DAYS, count)
    # Of a day's limit only the days before it are known.
    bound = np.array([limit or _usual_limit(past.lowest[:day]) for day in days])
    days, bound = days[bound > 0], bound[bound > 0]
    if not len(days):
        return None
    # Forecast days x days before them.
    known = np.arange(count) < days[:, None]
    scale = _scales(past)[days]
    found = []
    for time in np.array(_TESTED) - 1:
        net, low_after = past.net[:, time], past.low_after[:, time]
        has_begun = past.fills[:, time] > 0
        room = bound + net[days]
        alike = known & (has_begun == has_begun[days][:, None])
        is_before = past.low_so_far[:, time] < -bound[:, None]
        is_later = (low_after < -bound[:, None]) & ~is_before
        own = np.arange(len(days)), days
        rows = {
            "trader": np.full(len(days), name, dtype=object),
            "date": past.dates[days],
            "time": np.full(len(days), time),
            "has_begun": has_begun[days],
            "room": room,
            "scale": scale,
            "count": (alike & (net - low_after > room[:, None])).sum(axis=1),
            "days": alike.sum(axis=1),
            "base_count": (known & is_later).sum(axis=1),
            "base_days": (known & ~is_before).sum(axis=1),
            "is_breach": is_later[own].astype(float),
        }
        is_open = ~is_before[own]
        found.append({key: values[is_open] for key, values in rows.items()})
    return {key: np.concatenate([one[key] for one in found]) for key in found[0]}


def _usual_limit(lowest: np.ndarray) -> float:
    return -float(np.quantile(lowest, _USUAL_BREACHES))


def _base_rates(columns: dict[str, np.ndarray]) -> np.ndarray:
    """Own rates of the days before, those of few days held to the desk's."""
    moments = np.stack([columns["date"].astype(np.int64), columns["time"]])
    _, moment = np.unique(moments, axis=1, return_inverse=True)
    moment = moment.ravel()
    counts = np.bincount(moment, columns["base_count"])
    days = np.bincount(moment, columns["base_days"])
    desk = ((counts + 0.5) / (days + 1))[moment]
    return np.asarray(_shrunk(columns["base_count"], columns["base_days"], desk))


def _desk_shares(baselines: Baselines, columns: dict[str, np.ndarray]) -> np.ndarray:
    """What the desk's days before each row's date say."""
    shares = np.empty(len(columns["date"]))
    room = columns["room"] / columns["scale"]
    for time in np.unique(columns["time"]):
        for begun in (True, False):
            dates, falls = _desk_falls(baselines.past, int(time), has_begun=begun)
            falls = falls[np.argsort(dates, kind="stable")]
            dates = np.sort(dates)
            mask = (columns["time"] == time) & (columns["has_begun"] == begun)
            for date in np.unique(columns["date"][mask]):
                of_date = mask & (columns["date"] == date)
                pool = np.sort(falls[: int(np.searchsorted(dates, date))])
                shares[of_date] = _share_above(pool, room[of_date])
    return shares


def _calibrated(
    score: np.ndarray, is_breach: np.ndarray, dates: np.ndarray
) -> tuple[np.ndarray, tuple[float, float]]:
    """Chances calibrated on earlier dates; NaN of the first ones; and the last line."""
    made = np.full(len(score), np.nan)
    days = np.unique(dates)
    for first in range(_FIRST_TESTED, len(days), _REFIT_DATES):
        line = _line(score, is_breach, dates < days[first])
        block = (dates >= days[first]) & (
            dates <= days[min(first + _REFIT_DATES, len(days)) - 1]
        )
        made[block] = sigmoid(line[0] + line[1] * score[block])
    return made, _line(score, is_breach, np.ones(len(score), dtype=bool))


def _line(
    score: np.ndarray, is_breach: np.ndarray, known: np.ndarray
) -> tuple[float, float]:
    intercept, slope = fit_line(score[known], is_breach[known], _CALIBRATION_PRIOR)
    return float(intercept), float(slope)
