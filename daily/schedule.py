"""Prints what cron or systemd need to run the morning by itself; installs nothing."""

import getpass
import shlex
import shutil
from collections.abc import Iterator
from datetime import date, datetime, time, tzinfo

from runtime.home import Home
from runtime.sessions import EASTERN, utc_now
from runtime.settings import PROJECT_ROOT, Settings

# Weekdays of cron, Sunday being 0.
WEEKDAYS, SATURDAY = (1, 2, 3, 4, 5), (6,)
# Before the models are trained anew, and after the broker's night.
SWEEP_AT = time(4)
_OTHER_ZONE = """\
# This machine is not on Eastern time: while only one of them has summer time, runs are
# an hour off. A cron that knows CRON_TZ=America/New_York (not Debian's) is exact, and
# so is systemd.
"""


def schedule(settings: Settings, zone: tzinfo | None = None) -> str:
    """A crontab, then systemd units.

    Args:
        zone: Of this machine; left out: as it is set.
    """
    return "\n".join([*_crontab(settings, zone), "", *_units(settings)])


def _jobs(settings: Settings) -> tuple[tuple[str, time, tuple[int, ...], str], ...]:
    """Target, Eastern time, weekdays, and what it is for."""
    # A folder of exports is read whole each morning.
    has_sweep = settings.source_name != "files"
    sweep = ("sweep", SWEEP_AT, SATURDAY, "what the broker restated")
    return (
        ("daily", settings.run_at, WEEKDAYS, "the morning"),
        ("watchdog", settings.due_at, WEEKDAYS, "an alert if it is not done by then"),
        *([sweep] if has_sweep else []),
        ("retrain-weekly", settings.run_at, SATURDAY, "tuning and training"),
    )


def _arguments(settings: Settings) -> list[str]:
    """What was set to get here, as arguments of make; the rest is in .env."""
    chosen = {
        "SOURCE": settings.source_name if settings.source or settings.exports else None,
        "EXPORTS": settings.exports and settings.exports.absolute(),
        "DESK": settings.desk and settings.desk.absolute(),
        "RISK_HOME": settings.risk_home and settings.home_root,
    }
    # Make takes a dollar sign for a variable.
    return [
        f"{name}={value}".replace("$", "$$") for name, value in chosen.items() if value
    ]


def _make() -> str:
    return shutil.which("make") or "make"


def _crontab(settings: Settings, zone: tzinfo | None) -> Iterator[str]:
    logs = shlex.quote(str(Home(settings.home_root).logs))
    arguments = " ".join(map(shlex.quote, _arguments(settings)))
    yield "# Crontab (crontab -e), in this machine's time"
    if not _is_eastern(zone):
        yield from _OTHER_ZONE.splitlines()
    for target, at, days, purpose in _jobs(settings):
        local, shift = _local(at, zone)
        listed = ",".join(str((day + shift) % 7) for day in days)
        command = (
            f"mkdir -p {logs} && cd {shlex.quote(str(PROJECT_ROOT))} && "
            f"{_make()} {target} {arguments}".rstrip()
            + f" >> {logs}/cron.log 2>&1"
        )
        # Cron takes a percent sign for the end of the line.
        escaped = command.replace("%", r"\%")
        yield f"# {purpose}: {at:%H:%M} ET"
        yield f"{local.minute} {local.hour} * * {listed} {escaped}"


def _local(at: time, zone: tzinfo | None) -> tuple[time, int]:
    """An Eastern time on this machine's clock, and by how many days it is another."""
    today = datetime.now(EASTERN).date()
    local = datetime.combine(today, at, EASTERN).astimezone(zone)
    return local.time(), (local.date() - today).days


def _is_eastern(zone: tzinfo | None) -> bool:
    year = utc_now().year
    days = (date(year, 1, 15), date(year, 7, 15), date(year, 3, 20), date(year, 11, 3))
    noons = [datetime.combine(day, time(12), EASTERN) for day in days]
    return all(noon.astimezone(zone).utcoffset() == noon.utcoffset() for noon in noons)


def _units(settings: Settings) -> Iterator[str]:
    yield "# systemd: each part into the file it names, then"
    timers = " ".join(f"risk-{target}.timer" for target, *_ in _jobs(settings))
    yield f"# systemctl daemon-reload && systemctl enable --now {timers}"
    names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    for target, at, days, purpose in _jobs(settings):
        on = ",".join(names[day] for day in days)
        command = " ".join(map(_unit_word, [_make(), target, *_arguments(settings)]))
        yield ""
        yield f"# /etc/systemd/system/risk-{target}.service"
        yield "[Unit]"
        yield f"Description=Risk warehouse, {purpose}"
        yield "Wants=network-online.target"
        yield "After=network-online.target"
        yield "[Service]"
        yield "Type=oneshot"
        yield f"User={getpass.getuser()}"
        yield f"WorkingDirectory={str(PROJECT_ROOT).replace('%', '%%')}"
        yield f"ExecStart={command}"
        yield ""
        yield f"# /etc/systemd/system/risk-{target}.timer"
        yield "[Unit]"
        yield f"Description=Risk warehouse, {purpose}"
        yield "[Timer]"
        yield f"OnCalendar={on} {at:%H:%M} America/New_York"
        # A machine that was off at the hour catches up; a late watchdog is of no use.
        yield f"Persistent={'false' if target == 'watchdog' else 'true'}"
        yield "[Install]"
        yield "WantedBy=timers.target"


def _unit_word(text: str) -> str:
    """A word of a command line as systemd reads it."""
    for sign, instead in (("\\", r"\\"), ('"', r"\""), ("%", "%%"), ("$", "$$")):
        text = text.replace(sign, instead)
    return f'"{text}"' if set(text) & set(" \\\"'") else text
