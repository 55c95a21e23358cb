"""No password and no token is written anywhere, whatever goes wrong."""

import base64
import random
import zlib
from datetime import date, timedelta

import pytest

from ingestion.simulator import Fault, Simulator, serve
from runtime.home import Home
from tests.conftest import Run, rows, start_python
from tests.in_process import call_daily
from tests.ingestion.test_simulator_edge_cases import edge_case_firm

PASSWORD = "correct-horse-battery"
WRONG = "wrong-horse-battery"
PASSING = (
    Fault.BUSY,
    Fault.BAD_GATEWAY,
    Fault.UNAVAILABLE,
    Fault.CUT,
    Fault.DROP,
    Fault.EXPIRED,
    Fault.NO_TRAILER,
    Fault.EMPTY,
)
# Breaks where the token is at hand, so that a traceback with values would show it.
BROKEN = """
import sys
import requests
real = requests.Session.post
def post(self, url, data, **more):
    if data["action"] == "fills":
        raise RuntimeError("forced")
    return real(self, url, data=data, **more)
requests.Session.post = post
sys.argv = ["daily", "ingest"]
from daily.__main__ import main
main()
"""


def run(simulator: Simulator, home: Home, password: str, *arguments: str) -> Run:
    """One run as a person starts it."""
    settings = {
        "RISK_HOME": home.root,
        "PROPREPORTS_URL": simulator.url,
        "API_USER": simulator.user,
        "API_PASSWORD": password,
        "GATE": "warn",
    }
    if not arguments:
        return call_daily("ingest", **settings)
    process = start_python(*arguments, **settings)
    out, err = process.communicate(timeout=300)
    return Run(process.returncode, out, err)


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, list[Run], list]:
    """A home after runs of every kind, their output, and the secrets in use."""
    home = Home(tmp_path_factory.mktemp("traces"))
    today = date.today()
    firm = edge_case_firm()
    with serve(
        firm, as_of=today + timedelta(days=1), password=PASSWORD, rate_limit=10**6
    ) as simulator:
        runs = [run(simulator, home, WRONG)]
        simulator.faults.once(Fault.ERROR)
        runs.append(run(simulator, home, PASSWORD))
        runs.append(run(simulator, home, PASSWORD, "-c", BROKEN))
        simulator.faults.random(0.2, PASSING, seed=random.Random(1).randrange(99))
        runs.append(run(simulator, home, PASSWORD))
        simulator.faults.clear()
        runs.append(run(simulator, home, PASSWORD))
        tokens = list(simulator.tokens)
    assert [one.code for one in runs[:3]] == [1, 1, 1]
    assert runs[-1].code == 0, runs[-1].err
    assert len(tokens) >= 4
    digits = [token.partition(":")[0] for token in tokens]
    return home, runs, [PASSWORD, WRONG, *tokens, *digits]


@pytest.mark.long
def test_no_run_says_a_secret(traces: tuple[Home, list[Run], list]) -> None:
    _, runs, secrets = traces
    assert "forced" in runs[2].err
    for one in runs:
        for secret in secrets:
            assert secret not in one.out + one.err


@pytest.mark.long
def test_a_run_that_fails_says_one_line(traces: tuple[Home, list[Run], list]) -> None:
    _, runs, _ = traces
    for one in runs:
        assert one.err.count("\n") == bool(one.code)


@pytest.mark.long
def test_no_file_holds_a_secret(traces: tuple[Home, list[Run], list]) -> None:
    home, _, secrets = traces
    files = [path for path in home.root.rglob("*") if path.is_file()]
    assert any(
        "Traceback" in path.read_text() for path in files if path.suffix == ".log"
    )
    for path in files:
        written = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in written, path


@pytest.mark.long
def test_no_cell_holds_a_secret(traces: tuple[Home, list[Run], list]) -> None:
    home, _, secrets = traces
    tables = rows(
        home, "select table_schema, table_name from information_schema.tables"
    )
    assert len(tables) > 10
    cells = [
        str(cell)
        for schema, table in tables
        for row in rows(home, f'from "{schema}"."{table}"')
        for cell in row
    ]
    # What dlt keeps of itself is packed.
    states = rows(home, "select state from raw._dlt_pipeline_state")
    cells += [zlib.decompress(base64.b64decode(x)).decode() for (x,) in states]
    for secret in secrets:
        assert not any(secret in cell for cell in cells)
