"""Sessions of the New York Stock Exchange, from the exchange_calendars library.

The calendar picks the next session and counts idle ones. It never filters fills.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

EASTERN = ZoneInfo("America/New_York")
FIRST_KNOWN = "1990-01-01"


def utc_now() -> datetime:
    """Now, aware."""
    return datetime.now(UTC)


def naive_utc_now() -> datetime:
    """Now, as timestamps of the warehouse have it: UTC, without saying so."""
    return utc_now().replace(tzinfo=None)


def sessions_table(first: date, last: date) -> pa.Table:
    """Sessions from `first` to `last`, both included.

    Returns:
        Columns session_date (date), opens_at_et and closes_at_et (naive Eastern
        timestamps), is_early_close (boolean), one row per session in date order.
    """
    import exchange_calendars

    # The library refuses an end beyond what it knows: it ends a year from today.
    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST_KNOWN)
    last = min(last, calendar.last_session.date())
    schedule = calendar.schedule.loc[str(first) : str(last)]  # type: ignore[misc]
    opens = schedule["open"].dt.tz_convert(EASTERN).dt.tz_localize(None)
    closes = schedule["close"].dt.tz_convert(EASTERN).dt.tz_localize(None)
    return pa.table(
        {
            "session_date": pa.array(schedule.index.date, pa.date32()),
            "opens_at_et": pa.array(opens, pa.timestamp("us")),
            "closes_at_et": pa.array(closes, pa.timestamp("us")),
            "is_early_close": pa.array((closes.dt.hour < 16).to_numpy()),
        }
    )


def sessions_between(first: date, last: date) -> list[date]:
    """Dates of the sessions from `first` to `last`, both included."""
    return sessions_table(first, last)["session_date"].to_pylist()


def next_session(as_of: date) -> date:
    """The first session on or after the morning of `as_of`."""
    return sessions_between(as_of, as_of + timedelta(days=14))[0]


def previous_session(day: date) -> date:
    """The last session before a date."""
    return sessions_between(day - timedelta(days=14), day - timedelta(days=1))[-1]
