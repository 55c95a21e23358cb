"""What makes dbt quicker in the tests changes no statement."""

import shutil
from pathlib import Path

import pytest

from runtime.home import Home
from runtime.transform.dbt import run_dbt
from tests.conftest import SampleRun, make_settings, start_python
from tests.quicker_dbt import make_dbt_quicker

COMPILE = """
import sys
from pathlib import Path
from runtime.home import Home
from tests.test_quicker_dbt import statements
print(len(statements(Home(Path(sys.argv[1])), Path(sys.argv[2]))))
"""


def statements(home: Home, kept: Path) -> dict[str, str]:
    """Every statement of the project, by its file in `kept`."""
    made = home.dbt / "target" / "compiled"
    shutil.rmtree(made, ignore_errors=True)
    run_dbt(make_settings(source="sample", risk_home=home.root), home, "compile")
    shutil.copytree(made, kept)
    return read(kept)


def read(folder: Path) -> dict[str, str]:
    """Files of a folder by their path in it."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*.sql")
    }


@pytest.mark.long
def test_every_statement_is_as_dbt_itself_makes_it(
    sample: SampleRun, tmp_path: Path
) -> None:
    process = start_python(
        "-c", COMPILE, str(sample.home.root), str(tmp_path / "by_dbt")
    )
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert int(out) > 300
    make_dbt_quicker()
    for name in ("first", "again"):
        found = statements(sample.home, tmp_path / name)
        assert found == read(tmp_path / "by_dbt")
