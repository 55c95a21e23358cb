"""Whether times of fills are Eastern, by when US equities trade.

Each fill is as likely as the hour it falls into; read as another zone's, the fills of a
file from there become likelier, and their opening is where the exchange's is. Nothing
is said of a few fills, nor of a trader of unusual hours, who has no opening elsewhere.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from runtime.sessions import EASTERN

OTHER_ZONES = (
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)
# Fills that are too few to tell, and the gain (log likelihood of a fill) that tells.
MINIMUM_FILLS = 100
MINIMUM_GAIN = 0.1
# By minute of the day they begin at, how likely fills of a minute are.
_TIMES = (
    (0, 0.003), (4 * 60, 0.05), (7 * 60, 0.25), (9 * 60 + 30, 4), (9 * 60 + 45, 2.5),
    (10 * 60 + 15, 1.6), (11 * 60, 1.2), (16 * 60, 0.35), (17 * 60, 0.12),
    (18 * 60, 0.05), (20 * 60, 0.003),
)  # fmt: skip
_BIN_MINUTES = 5
_BINS = 24 * 60 // _BIN_MINUTES
_LOG_LIKELIHOODS = np.log(
    [
        next(x for begins, x in reversed(_TIMES) if begins <= place * _BIN_MINUTES)
        for place in range(_BINS)
    ]
)
_OPENING = (9 * 60 + 30) // _BIN_MINUTES
# The first quarter of an hour after the opening, and the last before it.
_OPENING_BINS = 3
_OPENING_JUMP = 2
# So many standard deviations of a count are no chance.
_CHANCE = 3


@dataclass(frozen=True)
class OtherZone:
    """The zone that times are most likely of.

    Attributes:
        name: Of the tz database.
        gain: By how much a fill is likelier (log) than read as Eastern.
    """

    name: str
    gain: float


def other_zones(
    accounts: pd.Series, dates: pd.Series, hours: pd.Series
) -> tuple[OtherZone | None, dict[str, OtherZone]]:
    """The zones that the times of equity fills are of, where that is not Eastern's.

    Args:
        accounts: Whose fill it is.
        dates: Trade dates.
        hours: Hours after midnight as they stand; null where unknown.

    Returns:
        That of all fills, and by account.
    """
    is_known = hours.notna()
    if is_known.sum() < MINIMUM_FILLS:
        return None, {}
    codes, names = pd.factorize(accounts[is_known])
    day_codes, days = pd.factorize(dates[is_known])
    bins = (hours[is_known].to_numpy() * 60 // _BIN_MINUTES).astype(int)
    counts = np.bincount(codes, minlength=len(names))
    eastern = _by_bin(bins)
    as_read = _opening_counts(codes, bins, len(names))
    best: list[OtherZone | None] = [None] * (len(names) + 1)
    for zone in OTHER_ZONES:
        ahead = np.array([_hours_ahead(zone, pd.Timestamp(day).date()) for day in days])
        moved = bins - (ahead * (60 // _BIN_MINUTES))[day_codes]
        gains = np.bincount(codes, _by_bin(moved) - eastern, len(names))
        before, after = _opening_counts(codes, moved, len(names))
        # By account, then of all of them.
        found = [_with_all(x) for x in (counts, gains, before, after, *as_read)]
        for place, row in enumerate(zip(*found, strict=True)):
            count, gain, early, late, early_as_read, late_as_read = row
            is_enough = count >= MINIMUM_FILLS and gain >= MINIMUM_GAIN * count
            # Fills set in where the exchange opens there, and not at 09:30 as read.
            chance = _CHANCE * (late + early) ** 0.5
            sets_in = late > _OPENING_JUMP * early and late - early > chance
            sets_in_as_read = late_as_read > max(
                _OPENING_JUMP * early_as_read, late / 2
            )
            if is_enough and sets_in and not sets_in_as_read:
                other, known = OtherZone(zone, float(gain / count)), best[place]
                if known is None or other.gain > known.gain:
                    best[place] = other
    by_account = zip(names, best[:-1], strict=True)
    return best[-1], {name: other for name, other in by_account if other}


def _with_all(by_account: np.ndarray) -> np.ndarray:
    return np.append(by_account, by_account.sum())


def _by_bin(bins: np.ndarray) -> np.ndarray:
    """The log likelihood of a fill in each of `bins`."""
    is_on_day = (bins >= 0) & (bins < _BINS)
    return _LOG_LIKELIHOODS[np.where(is_on_day, bins, 0)]


def _opening_counts(
    codes: np.ndarray, bins: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Fills just before and just after 09:30, by account."""
    before = (bins >= _OPENING - _OPENING_BINS) & (bins < _OPENING)
    after = (bins >= _OPENING) & (bins < _OPENING + _OPENING_BINS)
    return (
        np.bincount(codes[before], minlength=size),
        np.bincount(codes[after], minlength=size),
    )


@lru_cache(maxsize=100_000)
def _hours_ahead(zone: str, day: date) -> int:
    """By how much the clocks of a zone are ahead of Eastern's, at noon."""
    noon = datetime(day.year, day.month, day.day, 12)
    behind = noon.replace(tzinfo=ZoneInfo(zone)) - noon.replace(tzinfo=EASTERN)
    return -round(behind.total_seconds() / 3600)
