"""The exchange's sessions as a plain list, for tests that bring none of their own."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

# Date, opening and closing, the latter two in naive Eastern time.
Session = tuple[date, datetime, datetime]

OPENS, CLOSES, CLOSES_EARLY = time(9, 30), time(16), time(13)
HOLIDAYS_2025 = {
    date(2025, month, day)
    for month, day in (
        (1, 1), (1, 9), (1, 20), (2, 17), (4, 18), (5, 26), (6, 19), (7, 4), (9, 1),
        (11, 27), (12, 25),
    )
}  # fmt: skip
EARLY_CLOSES_2025 = {date(2025, 7, 3), date(2025, 11, 28), date(2025, 12, 24)}


def weekday_sessions(
    first: date,
    last: date,
    *,
    holidays: Iterable[date] = HOLIDAYS_2025,
    early_closes: Iterable[date] = EARLY_CLOSES_2025,
) -> list[Session]:
    """A session on every weekday that is no holiday, by default those of 2025."""
    closed, early = set(holidays), set(early_closes)
    sessions = []
    day = first
    while day <= last:
        if day.weekday() < 5 and day not in closed:
            closes = CLOSES_EARLY if day in early else CLOSES
            sessions.append(
                (day, datetime.combine(day, OPENS), datetime.combine(day, closes))
            )
        day += timedelta(days=1)
    return sessions


def cutoff_of(symbol: str) -> time | None:
    """From when on a fill belongs to the next session: 18:00 of futures."""
    return time(18) if symbol.startswith("#") else None


def session_of(at: datetime, cutoff: time | None) -> date:
    """The session of a fill at a time; its date where there is no cut-off."""
    if cutoff is None:
        return at.date()
    day = at.date() + timedelta(days=at.time() >= cutoff)
    while day.weekday() >= 5 or day in HOLIDAYS_2025:
        day += timedelta(days=1)
    return day


def hours_of(sessions: Iterable[Session], day: date) -> tuple[datetime, datetime]:
    """Opening and closing of a date's session, the usual ones where it has none."""
    for session_date, opens, closes in sessions:
        if session_date == day:
            return opens, closes
    return datetime.combine(day, OPENS), datetime.combine(day, CLOSES)
