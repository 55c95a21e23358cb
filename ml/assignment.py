"""Who a trial puts under which policy; needs no library: every command imports it."""

import hashlib
from datetime import date


def assigned(
    trader_id: str, day: date, live: str, trial: str | None, unit: str
) -> tuple[str, str | None]:
    """The policy a trader is under on a day, and the trial that put them there, if any.

    With a trial, half of the traders (or half of the days) get it, by a hash that does
    not change from run to run.
    """
    if trial is None:
        return live, None
    subject = trader_id if unit == "trader" else day.isoformat()
    digest = hashlib.sha256(f"{live}|{trial}|{unit}|{subject}".encode()).digest()
    return (trial if digest[0] % 2 else live), trial_name(live, trial, unit)


def trial_name(live: str, trial: str, unit: str) -> str:
    """What tells one trial's days from another's."""
    return f"{trial} against {live} by {unit}"
