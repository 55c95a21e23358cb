"""What cron, systemd and a container are given runs."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daily.schedule import schedule
from runtime.sessions import EASTERN
from runtime.settings import ENV_FILE, PROJECT_ROOT
from tests.conftest import make_settings
from tests.in_process import call_daily

MAKEFILE = (PROJECT_ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.M))


def jobs(text: str) -> list[tuple[str, str]]:
    """When and what, of each line of the crontab."""
    lines = [line for line in text.split("# systemd")[0].splitlines() if line]
    found = [line.split(" ", 5) for line in lines if not line.startswith("#")]
    return [(" ".join(parts[:5]), parts[5]) for parts in found]


def units(text: str) -> dict[str, str]:
    """Each unit by its file's name."""
    parts = re.split(r"^# /etc/systemd/system/(\S+)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_on_eastern_time_the_hours_are_those_of_the_settings() -> None:
    told = schedule(make_settings(source="sample", run_at="04:45"), EASTERN)
    assert [when for when, _ in jobs(told)] == [
        "45 4 * * 1,2,3,4,5", "0 8 * * 1,2,3,4,5", "0 4 * * 6", "45 4 * * 6",
    ]  # fmt: skip
    assert "CRON_TZ" not in told


def test_elsewhere_they_are_the_machines_own_and_the_shift_is_told() -> None:
    told = schedule(
        make_settings(source="sample", run_at="22:00"), ZoneInfo("Asia/Tokyo")
    )
    hours = {when for when, _ in jobs(told)}
    # Ten in the evening in New York is the next day's late morning in Tokyo.
    assert hours & {"0 11 * * 2,3,4,5,6", "0 12 * * 2,3,4,5,6"}
    assert hours & {"0 11 * * 0", "0 12 * * 0"}
    assert "CRON_TZ" in told


@pytest.mark.parametrize("name", ["plain", "two words", "100% $HOME"])
def test_a_line_of_the_crontab_runs_from_anywhere(tmp_path: Path, name: str) -> None:
    home = tmp_path / name.replace("%", "pct")
    exports = tmp_path / name
    exports.mkdir()
    told = schedule(make_settings(source="files", exports=exports, risk_home=home))
    command = next(what for _, what in jobs(told) if " watchdog " in what)
    # As cron does: an escaped percent sign is one.
    command = command.replace(r"\%", "%")
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("make watchdog", "make --dry-run watchdog")],
        cwd="/", env={"PATH": "/usr/bin:/bin"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "daily watchdog" in (home / "logs" / "cron.log").read_text()


def run_by_cron(told: str, python: str, **more: str) -> subprocess.CompletedProcess:
    """The watchdog's line, run by another Python, and nothing installed for it."""
    command = next(what for _, what in jobs(told) if " watchdog " in what)
    instead = f"make -o setup PY={shlex.quote(python)} watchdog"
    command = command.replace("make watchdog", instead)
    subprocess.run(["/bin/sh", "-n", "-c", command], check=True)
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd="/", check=False,
        env={"PATH": "/usr/bin:/bin", ENV_FILE: ""} | more,
    )  # fmt: skip


def test_a_line_of_the_crontab_watches_for_real(tmp_path: Path) -> None:
    told = schedule(make_settings(source="sample", risk_home=tmp_path))
    done = run_by_cron(told, sys.executable, DUE_AT="00:00")
    said = (tmp_path / "logs" / "cron.log").read_text()
    if "is no session" in said:
        assert done.returncode == 0
    else:
        assert done.returncode == 2
        assert "no run has begun today" in said


def test_make_hands_on_a_path_with_a_dollar_sign_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / "two $HOME words"
    told = schedule(make_settings(source="sample", risk_home=home))
    assert run_by_cron(told, "printenv RISK_HOME; :").returncode == 0
    assert (home / "logs" / "cron.log").read_text().splitlines()[-1] == str(home)


def test_every_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    exports = tmp_path / "100% $mine"
    exports.mkdir()
    told = units(schedule(make_settings(source="files", exports=exports)))
    assert len(told) == 6
    for name, text in told.items():
        (tmp_path / name).write_text(text)
        if name.endswith(".service"):
            target = name.removeprefix("risk-").removesuffix(".service")
            assert target in TARGETS
            assert f"make {target} " in text
            # Doubled for make, and again for systemd.
            assert r'100%% $$$$mine"' in text
        else:
            assert re.search(r"^OnCalendar=\S+ \d\d:\d\d America/New_York$", text, re.M)
    if shutil.which("systemd-analyze"):
        done = subprocess.run(
            ["systemd-analyze", "verify", *map(str, tmp_path.glob("risk-*"))],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "risk-" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("hour", "told"),
    [
        ("late", "RUN_AT is not a time, write RUN_AT=HH:MM"),
        ("05:00Z", "RUN_AT: must be HH:MM, in Eastern time"),
        ("05:00:30", "RUN_AT: must be HH:MM, in Eastern time"),
    ],
)
def test_a_malformed_hour_is_one_line(tmp_path: Path, hour: str, told: str) -> None:
    run = call_daily("schedule", SOURCE="sample", RISK_HOME=tmp_path, RUN_AT=hour)
    assert run.code == 1
    assert told in run.err
    assert run.err.count("\n") == 1


def test_the_container_runs_the_same_targets_and_takes_no_secrets() -> None:
    text = (PROJECT_ROOT / "Dockerfile").read_text()
    assert re.search(r'^ENTRYPOINT \["make".*\]$', text, re.M)
    default = re.search(r'^CMD \["([a-z-]+)"\]$', text, re.M)[1]
    named = {default, *re.findall(r"^RUN make ([a-z-]+)$", text, re.M)}
    assert named == {"daily", "setup"}
    assert named <= TARGETS
    for paths in re.findall(r"^COPY (?:--\S+ )?(.*) \S+$", text, re.M):
        for path in paths.split():
            assert (PROJECT_ROOT / path).exists(), path
    assert re.search(r"^USER risk$", text, re.M)
    # The pins name the library that LightGBM needs.
    assert "libgomp1" in text
    ignored = (PROJECT_ROOT / ".dockerignore").read_text().split()
    assert {".env", ".venv", ".git", "var"} <= set(ignored)
