"""Times of another zone stop the run; real and unusual hours do not."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from ingestion.simulator import sample_firm
from ingestion.time_zones import OTHER_ZONES, other_zones
from runtime.sessions import EASTERN, sessions_between
from runtime.settings import PROJECT_ROOT

WINTER = sessions_between(date(2025, 1, 6), date(2025, 2, 14))
SUMMER = sessions_between(date(2025, 6, 2), date(2025, 7, 11))
BOTH = sessions_between(date(2025, 2, 20), date(2025, 3, 28))
SEASONS = {"winter": WINTER, "summer": SUMMER, "both": BOTH}
REAL = PROJECT_ROOT.parent / "shared" / "data" / "fills"


def found(accounts, moments: pd.Series):
    """What is told of fills at these naive times."""
    days = moments.dt.normalize()
    return other_zones(
        pd.Series(accounts),
        days.dt.date,
        (moments - days).dt.total_seconds() / 3600,
    )


def moved(moments: pd.Series, zone: str) -> pd.Series:
    """The same moments by the clocks of another zone."""
    eastern = moments.dt.tz_localize(EASTERN)
    return eastern.dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None)


def drawn(days: list[date], begin: float, end: float, seed: int = 3) -> pd.Series:
    """Fills of a trader who is busy at the opening and until some hour of the day."""
    draws = np.random.default_rng(seed)
    hours = np.minimum(begin + draws.exponential((end - begin) / 3, 400), end)
    chosen = draws.choice(len(days), 400)
    return pd.Series(
        [
            datetime.combine(days[place], time()) + timedelta(hours=float(hour))
            for place, hour in zip(chosen, hours, strict=True)
        ]
    )


@pytest.mark.parametrize("zone", OTHER_ZONES)
@pytest.mark.parametrize("season", SEASONS)
@pytest.mark.parametrize("end", [11.5, 13, 15.9])
def test_a_trader_of_the_morning_or_the_day_is_told(
    zone: str, season: str, end: float
) -> None:
    eastern = drawn(SEASONS[season], 9.5, end)
    assert found(["A"] * 400, eastern) == (None, {})
    told, by_account = found(["A"] * 400, moved(eastern, zone))
    assert told is not None
    assert by_account.keys() == {"A"}


@pytest.mark.parametrize(
    ("begin", "end"), [(4, 9.4), (7, 9.4), (7, 11), (12, 16), (14, 16), (16, 19.9)]
)
def test_traders_of_unusual_hours_are_not_told(begin: float, end: float) -> None:
    draws = np.random.default_rng(5)
    for days in SEASONS.values():
        moments = pd.Series(
            [
                datetime.combine(days[x % len(days)], time())
                + timedelta(hours=float(draws.uniform(begin, end)))
                for x in range(400)
            ]
        )
        assert found(["A"] * 400, moments) == (None, {})


def test_the_sample_firm_is_eastern_until_it_is_moved() -> None:
    firm = sample_firm(sessions_between(date(2025, 1, 6), date(2025, 4, 11)), 7)
    fills = [x for x in firm.fills if x.symbol[0].isalpha()]
    names = [x.account_name for x in fills]
    moments = pd.Series([x.filled_at for x in fills])
    known = moments.dt.normalize() < moments
    names, moments = list(pd.Series(names)[known]), moments[known]
    moments = moments.reset_index(drop=True)
    assert found(names, moments) == (None, {})
    for zone in OTHER_ZONES:
        told, _ = found(names, moved(moments, zone))
        assert told is not None, zone


@pytest.mark.skipif(not REAL.is_dir(), reason="no real exports beside the project")
def test_real_fills_are_eastern_until_they_are_moved() -> None:
    everybody, names = [], []
    missed, accounts_count = Counter(), 0
    for path in sorted(Path(REAL).glob("*.csv")):
        frame = pd.read_csv(path, usecols=["Date/Time"])
        moments = pd.to_datetime(frame["Date/Time"], format="%m/%d/%Y %H:%M:%S")
        own = [path.stem] * len(moments)
        assert found(own, moments) == (None, {}), path
        everybody.append(moments)
        names += own
        if len(moments) >= 300:
            accounts_count += 1
            missed.update(
                x for x in OTHER_ZONES if not found(own, moved(moments, x))[0]
            )
    # One trader may shun the opening; a firm does not.
    assert all(count <= accounts_count / 20 for count in missed.values()), missed
    moments = pd.concat(everybody, ignore_index=True)
    assert found(names, moments) == (None, {})
    for zone in OTHER_ZONES:
        assert found(names, moved(moments, zone))[0] is not None, zone
