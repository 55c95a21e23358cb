"""`python -m daily doctor`: one line per check, the mend where one fails, no secret."""

from datetime import date, datetime, timedelta
from pathlib import Path

from ingestion.simulator import serve
from runtime.sessions import EASTERN
from tests.conftest import SampleRun, run_daily
from tests.ingestion.test_simulator_awkward import awkward_firm

SECRET = "correct-horse-battery"


def lines(out: str) -> dict[str, tuple[str, str]]:
    """Verdict and text by check."""
    found = {}
    for line in out.splitlines():
        verdict, name, text = line.split(maxsplit=2)
        found[name] = (verdict, text)
    return found


def test_all_is_well_with_the_sample(sample: SampleRun) -> None:
    run = run_daily("doctor", SOURCE="sample", RISK_HOME=sample.home.root)
    found = lines(run.out)
    assert run.code == 0, run.out
    assert {verdict for verdict, _ in found.values()} == {"ok"}
    assert found.keys() == {
        "settings", "source", "calendar", "disk", "warehouse", "mail"
    }  # fmt: skip
    assert "2025-12-19" in found["warehouse"][1]


def test_it_logs_in_and_out_at_the_api(tmp_path: Path) -> None:
    with serve(awkward_firm(), password=SECRET) as simulator:
        run = run_daily(
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
    with serve(awkward_firm(), password="another") as simulator:
        run = run_daily(
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
    run = run_daily("doctor", RELOAD_DAYS="many", RISK_HOME=tmp_path)
    assert run.code == 1
    assert lines(run.out)["settings"][0] == "FAIL"


def test_an_unfinished_first_load_is_said(tmp_path: Path) -> None:
    from ingestion.landing import open_landing
    from runtime.home import Home

    with open_landing(Home(tmp_path), threads=1):
        pass
    run = run_daily("doctor", SOURCE="sample", RISK_HOME=tmp_path)
    assert "goes on where it stopped" in lines(run.out)["warehouse"][1]


def test_today_is_a_day_of_the_calendar(tmp_path: Path) -> None:
    before = datetime.now(EASTERN).date()
    run = run_daily("doctor", SOURCE="sample", RISK_HOME=tmp_path)
    words = lines(run.out)["calendar"][1].replace(",", "").split()
    today, upcoming = date.fromisoformat(words[2]), date.fromisoformat(words[-1])
    assert before <= today <= datetime.now(EASTERN).date()
    assert timedelta(0) <= upcoming - today < timedelta(days=8)
