"""The sample firm's morning through all of it, on the command line."""

import pwd
import shutil
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from runtime.publish.marts_copy import open_published
from tests.conftest import Run, SampleRun
from tests.draws import draw
from tests.in_process import call_daily
from tests.trading_limits.desk import read_rows
from trading_limits.export import PLATFORMS


@pytest.fixture
def home(sample: SampleRun, tmp_path: Path) -> Path:
    """The published copy and the desk's files, where nothing is proposed yet."""
    for name in ("published", "desk"):
        shutil.copytree(sample.untouched.root / name, tmp_path / name, symlinks=True)
    return tmp_path


def test_from_the_proposal_to_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(user: str, command: str, **said: object) -> Run:
        monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_name=user))
        return call_daily(
            command, SOURCE="sample", RISK_HOME=home, LIMITS_KEYS=home / "keys", **said
        )

    run = call("risk", "limits")
    assert run.code == 0, run.err
    (path,) = home.glob("limits/*/proposed.csv")
    session, rows = path.parent.name, read_rows(path)
    with open_published_of(home) as connection:
        proposed = dict(
            connection.execute(
                "select trader_id, one_in_twenty_amount from proposed_limits "
                "where not is_limit_set and one_in_twenty_amount between 250 and 5000"
            ).fetchall()
        )
        accounts = dict(
            connection.execute(
                "select account_id, trader_id from dim_accounts where is_current "
                "and is_in_desk_total"
            ).fetchall()
        )
    expected = {one: proposed[t] for one, t in accounts.items() if t in proposed}
    assert len(expected) > 10
    assert {one: row.value for one, row in rows.items() if one in expected} == expected
    # A stop at the very value was tried on the trader's own fills.
    assert sum("90 % interval" in row.reason for row in rows.values()) > 10

    said = {"SESSION": session, "REASON": "Looked at with the desk head"}
    assert call("ann", "limits-key", NAME="ann").code == 0
    run = call("ann", "export-limits", SESSION=session, PLATFORM="tt")
    assert (run.code, len(run.err.splitlines())) == (1, 1)
    assert not (path.parent / "exported").exists()
    run = call("ann", "approve-limits", NAME="ann", **said)
    assert (run.code, f"{len(rows)} limits approved by ann" in run.out) == (0, True)
    assert call("ann", "export-limits", SESSION=session, PLATFORM="tt").code == 0
    lines = (path.parent / "exported" / "tt.csv").read_text().splitlines()
    assert lines[0] == "Account,Credit,Currency"
    assert len(lines) == 1 + len(rows)
    assert call("risk", "verify-limits").code == 0
    run = call("ann", "export-limits", SESSION=session, PLATFORM="mt5")
    assert ", ".join(f"'{one}'" for one in PLATFORMS) in run.err
    run = call("ann", "amend-limits", NAME="ann", **said, ACCOUNT="SIM006",
               LIMIT="max_loss", VALUE="a lot")  # fmt: skip
    assert (run.code, run.err.startswith("error: VALUE=a lot is not")) == (1, True)


def open_published_of(home: Path) -> duckdb.DuckDBPyConnection:
    """The published copy of a folder."""
    from runtime.home import Home

    return open_published(Home(home))


def test_the_sample_desk_shows_a_drift_and_a_damaged_ledger_stops_nothing(
    sample: SampleRun, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(sample.untouched.root, home, symlinks=True)

    def call(command: str) -> Run:
        run = call_daily(
            command, SOURCE="sample", RISK_HOME=home, LIMITS_KEYS=tmp_path / "keys"
        )
        assert run.code == 0, run.err
        return run

    def report() -> str:
        (path,) = home.glob("reports/*/report.txt")
        return " ".join(path.read_text().split())

    # A second time it finds most of it done.
    for _ in range(draw(1, 2)):
        said = call("limits-demo").out
        assert "limits in" in said
        assert "are as approved, read back" in said
        assert "Then somebody changed one there: 1 of " in said
        assert "1 limits stand at a platform as something else: " in report()
    assert "! drifted" in (home / "board" / "limits.html").read_text()
    assert "! drifted at tradovate" in call("status").out
    assert not (tmp_path / "keys").exists()
    call("verify-limits")

    path = home / "limits" / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b"agrees", b"agreed", 1))
    assert "is not what was written" in call("risk").out
    call("publish")
    call("report")
    assert "1 ledger of limits is damaged: " in report()
    assert "is not what was written" in call("status").out
