"""The virtual clock: US Eastern without zone, and what is published by a moment."""

from datetime import date, datetime, time, timedelta

PUBLISHED_AT = time(6)  # of the morning after a trade date
MORNING = time(8)


def moment(as_of: date) -> datetime:
    """A moment as it is; a date is its morning, when the day before is published."""
    if isinstance(as_of, datetime):
        return as_of
    return datetime.combine(as_of, MORNING)


def last_published(now: datetime) -> date:
    """The last trade date whose rows are visible."""
    is_out = now.time() >= PUBLISHED_AT
    return now.date() - timedelta(days=1 if is_out else 2)
