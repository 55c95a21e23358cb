"""Whether data is old, by the sessions that it does not reach.

When a file was read says nothing of how old it is: what the data holds does.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from runtime.home import Home
from runtime.sessions import EASTERN, sessions_between
from runtime.settings import Settings
from runtime.warehouse import open_warehouse

# Sessions that are named one by one; more are shown by their first and last.
SHOWN_SESSIONS = 3


@dataclass(frozen=True)
class Staleness:
    """What data lacks up to today.

    Attributes:
        data_ends: Date of its last fill.
        sessions: Sessions after that one that are over, one at least.
    """

    data_ends: date
    sessions: tuple[date, ...]

    def __str__(self) -> str:
        count = len(self.sessions)
        if count > SHOWN_SESSIONS:
            which = f"{self.sessions[0]} to {self.sessions[-1]}"
        else:
            which = ", ".join(map(str, self.sessions))
        is_or_are = "session is" if count == 1 else "sessions are"
        return f"the data ends {self.data_ends}, {count} {is_or_are} missing ({which})"


def staleness(
    settings: Settings,
    data_ends: date | None,
    now: datetime | None = None,
    *,
    is_sample: bool,
) -> Staleness | None:
    """What data lacks of the sessions before today; None if it is fresh.

    A past morning (AS_OF) is old on purpose.

    Args:
        data_ends, is_sample: As `missing_sessions` takes them.
        now: Aware; left out: the present.
    """
    if is_past_morning(settings, now):
        return None
    return missing_sessions(data_ends, now, is_sample=is_sample)


def missing_sessions(
    data_ends: date | None, now: datetime | None = None, *, is_sample: bool
) -> Staleness | None:
    """The same whatever AS_OF asks for.

    Args:
        data_ends: Date of its last fill; None where it has none.
        now: Aware; left out: the present.
        is_sample: Whether the data is the sample's, which is old on purpose. The data
            says so, not the settings: a step by hand may lack those of the run.
    """
    if data_ends is None or is_sample:
        return None
    yesterday = today(now) - timedelta(days=1)
    missing = sessions_between(data_ends + timedelta(days=1), yesterday)
    return Staleness(data_ends, tuple(missing)) if missing else None


def is_past_morning(settings: Settings, now: datetime | None = None) -> bool:
    """Whether AS_OF asks for a morning before today's."""
    return settings.as_of is not None and settings.as_of < today(now)


def last_fill_date(home: Home) -> date | None:
    """The last date on which the warehouse holds a fill."""
    with open_warehouse(home.warehouse, read_only=True) as connection:
        return connection.execute("""
            with days as (
                select trade_date, arg_max(rows_count, known_at) as rows_count
                from raw.day_versions where resource = 'fills'
                group by account_number, trade_date
            )
            select max(trade_date) from days where rows_count > 0
        """).fetchall()[0][0]


def today(now: datetime | None = None) -> date:
    """The date in New York; `now` is aware, left out the present."""
    return (now or datetime.now(EASTERN)).astimezone(EASTERN).date()
