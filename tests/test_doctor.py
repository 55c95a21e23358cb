"""`python -m daily doctor`: one line per check, the mend where one fails, no secret."""

import re
import subprocess
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from daily import doctor
from ingestion.simulator import serve
from runtime.files import open_to_others
from runtime.sessions import EASTERN
from runtime.settings import ENV_FILE
from tests.conftest import SampleRun
from tests.in_process import call_daily
from tests.ingestion.test_simulator_edge_cases import edge_case_firm

SECRET = "correct-horse-battery"


def lines(out: str) -> dict[str, tuple[str, str]]:
    """Verdict and text by check."""
    found = {}
    for line in out.splitlines():
        verdict, name, text = line.split(maxsplit=2)
        found[name] = (verdict, text)
    return found


def test_all_is_well_with_the_sample(sample: SampleRun) -> None:
    run = call_daily("doctor", SOURCE="sample", RISK_HOME=sample.home.root)
    found = lines(run.out)
    assert run.code == 0, run.out
    assert {verdict for verdict, _ in found.values()} == {"ok"}
    assert found.keys() == {
        "settings", "private", "source", "desk", "calendar", "disk", "memory",
        "warehouse",
        "mail",
    }  # fmt: skip
    assert "2025-12-19" in found["warehouse"][1]


@pytest.mark.parametrize("name", ["plain", "with space", "[b]*", "it #1", "Ünï"])
@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o740, 0o702])
def test_it_says_what_is_open_to_others_and_how_to_close_it(
    tmp_path: Path, name: str, mode: int
) -> None:
    home, secrets = tmp_path / name, tmp_path / f"{name}.env"
    home.mkdir(mode=0o700)
    secrets.touch(0o600)
    (home / "runs.jsonl").touch(0o600)

    def private() -> tuple[str, str]:
        settings = {ENV_FILE: secrets, "SOURCE": "sample", "RISK_HOME": home}
        return lines(call_daily("doctor", **settings).out)["private"]

    assert private()[0] == "ok"
    for path in (home / "runs.jsonl", home, secrets):
        path.chmod(mode)
    verdict, text = private()
    assert verdict == "FAIL"
    command = text.partition("`")[2].rpartition("`")[0]
    assert command.index(f"{name}.env") < command.index("-R")
    subprocess.run(command, shell=True, check=True)
    assert private()[0] == "ok"
    assert not any(map(open_to_others, [home, home / "runs.jsonl", secrets]))


def test_everything_a_morning_wrote_is_its_owners_alone(sample: SampleRun) -> None:
    root = sample.untouched.root
    written = [root, *(path for path in root.rglob("*") if not path.is_symlink())]
    assert len(written) > 100
    assert [path for path in written if open_to_others(path)] == []


def test_it_logs_in_and_out_at_the_api(tmp_path: Path) -> None:
    with serve(edge_case_firm(), password=SECRET) as simulator:
        run = call_daily(
            "doctor",
            PROPREPORTS_URL=simulator.url,
            API_USER=simulator.user,
            API_PASSWORD=SECRET,
            RISK_HOME=tmp_path / "new",
        )
        asked = [action for action, _ in simulator.requests]
    assert (asked[0], asked[-1]) == ("login", "logout")
    assert run.code == 0, run.out
    assert "7 accounts" in lines(run.out)["source"][1]
    assert not (tmp_path / "new" / "risk.duckdb").exists()


def test_everything_wrong_is_one_line_each_with_a_mend(tmp_path: Path) -> None:
    (tmp_path / "risk.duckdb").write_text("no database")
    with serve(edge_case_firm(), password="another") as simulator:
        run = call_daily(
            "doctor",
            PROPREPORTS_URL=simulator.url,
            API_USER=simulator.user,
            API_PASSWORD=SECRET,
            RISK_HOME=tmp_path,
            SMTP_URL="smtp://127.0.0.1:9",
            EMAIL_FROM="desk@example.com",
            EMAIL_PASSWORD=SECRET,
            EMAIL_TO="desk@example.com",
        )
    found = lines(run.out)
    assert run.code == 1
    assert "Check API_USER and API_PASSWORD" in found["source"][1]
    assert "cannot be opened" in found["warehouse"][1]
    assert "Check SMTP_URL" in found["mail"][1]
    assert found["calendar"][0] == found["disk"][0] == "ok"
    assert SECRET not in run.out + run.err


def test_settings_that_cannot_be_read_end_it(tmp_path: Path) -> None:
    run = call_daily("doctor", RELOAD_DAYS="many", RISK_HOME=tmp_path)
    assert run.code == 1
    assert lines(run.out)["settings"][0] == "FAIL"


def test_an_unfinished_first_load_is_said(tmp_path: Path) -> None:
    from ingestion.landing import open_landing
    from runtime.home import Home

    with open_landing(Home(tmp_path), threads=1):
        pass
    run = call_daily("doctor", SOURCE="sample", RISK_HOME=tmp_path)
    assert "resumes where it stopped" in lines(run.out)["warehouse"][1]


def test_today_is_a_day_of_the_calendar(tmp_path: Path) -> None:
    before = datetime.now(EASTERN).date()
    run = call_daily("doctor", SOURCE="sample", RISK_HOME=tmp_path)
    shown = re.findall(r"\d{4}-\d\d-\d\d", lines(run.out)["calendar"][1])
    today, upcoming, last = map(date.fromisoformat, shown)
    assert before <= today <= datetime.now(EASTERN).date()
    assert timedelta(0) <= upcoming - today < timedelta(days=8)
    assert timedelta(days=357) < last - today <= timedelta(days=365)


def examined(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, **environment
) -> tuple[int, dict[str, tuple[str, str]]]:
    """What examine() returns, and its lines, in this process."""
    monkeypatch.setenv("RISK_ENV_FILE", "")
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    code = doctor.examine()
    return code, lines(capsys.readouterr().out)


@pytest.mark.parametrize("known_days", [None, 40])
def test_a_calendar_that_ends_too_soon_says_until_when(
    known_days: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    today = datetime.now(EASTERN).date()
    known = [today + timedelta(days=known_days)] if known_days else []
    monkeypatch.setattr(doctor, "sessions_between", lambda first, last: known)  # noqa: ARG005
    code, found = examined(
        monkeypatch, capsys, SOURCE="sample", RISK_HOME=tmp_path / "new"
    )
    verdict, text = found["calendar"]
    assert (code, verdict) == (1, "FAIL")
    assert (f"until {known[0]} only" if known else "has ended") in text
    assert "make setup" in text


@pytest.mark.parametrize(
    "name",
    ["private", "source", "desk", "calendar", "disk", "memory", "warehouse", "mail"],
)
def test_a_check_that_breaks_is_one_line_and_no_secret(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    def broken(settings: object) -> str:  # noqa: ARG001
        raise RuntimeError(f"no way in with\n{SECRET}")

    monkeypatch.setattr(doctor, f"_{name}", broken)
    monkeypatch.setenv("RISK_ENV_FILE", "")
    monkeypatch.setenv("SOURCE", "sample")
    monkeypatch.setenv("RISK_HOME", str(tmp_path / "new"))
    assert doctor.examine() == 1
    out = capsys.readouterr().out
    found = lines(out)
    assert len(out.splitlines()) == len(found) == 9
    assert SECRET not in out
    assert [one for one, (verdict, _) in found.items() if verdict == "FAIL"] == [name]
    assert "RuntimeError (test_doctor.py, line " in found[name][1]


def test_settings_that_break_are_one_line_as_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    unreadable = tmp_path / ".env"
    unreadable.write_bytes(b"API_PASSWORD=\xff" + SECRET.encode())
    monkeypatch.setenv("RISK_ENV_FILE", str(unreadable))
    assert doctor.examine() == 1
    out = capsys.readouterr().out
    assert lines(out).keys() == {"settings"}
    assert len(out.splitlines()) == 1
    assert SECRET not in out


def test_a_token_is_tried_and_said_to_be_taken(tmp_path: Path) -> None:
    with serve(edge_case_firm(), password=SECRET) as simulator:
        _, token = simulator.answer(
            {"action": "login", "user": simulator.user, "password": SECRET}
        )
        runs = [
            call_daily(
                "doctor",
                PROPREPORTS_URL=simulator.url,
                API_TOKEN=one,
                RISK_HOME=tmp_path / "new",
            )
            for one in (token, "no-" + token)
        ]
    assert [run.code for run in runs] == [0, 1]
    taken, refused = (lines(run.out)["source"] for run in runs)
    assert "takes API_TOKEN and lists 7 accounts" in taken[1]
    assert refused[0] == "FAIL"
    assert all(token not in run.out + run.err for run in runs)


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("Account Id,Account Name", "lists 1 account"),
        ("Account Id,Full Name", "has no column Account Name"),
    ],
)
def test_the_list_of_accounts_must_have_its_columns(
    header: str, complaint: str, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    (folder / "fills").mkdir(parents=True)
    (folder / "accounts.csv").write_text(f"{header}\n501,A1 Jane Roe\n")
    (folder / "fills" / "501.csv").write_text("Date/Time\n")
    run = call_daily(
        "doctor", SOURCE="files", EXPORTS=folder, RISK_HOME=tmp_path / "new"
    )
    verdict, text = lines(run.out)["source"]
    assert complaint in text
    assert (verdict == "ok") == (run.code == 0) == ("lists" in complaint)
    assert "Jane" not in run.out


def test_more_memory_than_the_machine_can_spare_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(doctor, "machine_memory", lambda: 8 * 10**9)
    for limit, verdict in (("7GB", "FAIL"), ("4GB", "ok")):
        _, found = examined(
            monkeypatch, capsys, SOURCE="sample", RISK_HOME=tmp_path, MEMORY_LIMIT=limit
        )
        assert found["memory"][0] == verdict
        assert f"MEMORY_LIMIT={limit}" in found["memory"][1]
        assert "the 8.0 GB" in found["memory"][1]


def test_the_room_a_run_needs_grows_with_the_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(doctor, "free_disk_space", lambda _: 3 * 10**9)
    copy = tmp_path / "published" / "current" / "risk.duckdb"
    copy.parent.mkdir(parents=True)
    for size, verdict in ((0, "ok"), (600_000_000, "FAIL")):
        for file in (tmp_path / "risk.duckdb", copy):
            with file.open("wb") as handle:
                handle.truncate(size)
        _, found = examined(monkeypatch, capsys, SOURCE="sample", RISK_HOME=tmp_path)
        assert found["disk"][0] == verdict
    assert "only 3.0 GB are free" in found["disk"][1]
    assert "a run needs 3.3 GB" in found["disk"][1]


def test_a_file_of_the_desk_that_is_wrong_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    folder.mkdir()
    path = folder / "limits.csv"
    path.write_text("account,daily_loss_limit_amount\nA1,five\n")
    run = call_daily("doctor", SOURCE="sample", RISK_HOME=tmp_path)
    verdict, text = lines(run.out)["desk"]
    assert (run.code, verdict) == (1, "FAIL")
    assert text.startswith(f"{path}, line 2, column daily_loss_limit_amount: 'five'")
    assert text.endswith("Until then it does not count.")
