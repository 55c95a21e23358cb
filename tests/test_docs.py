"""What the README promises exists, and what exists is in the README."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from daily.__main__ import main
from daily.steps import MORNING
from runtime.settings import PROJECT_ROOT, Settings

README = (PROJECT_ROOT / "README.md").read_text()
EXAMPLE = (PROJECT_ROOT / ".env.example").read_text()
MAKEFILE = (PROJECT_ROOT / "Makefile").read_text()
CONFIGURATION = (PROJECT_ROOT / "docs/configuration.md").read_text()
OPERATION = (PROJECT_ROOT / "docs/operation.md").read_text()


@pytest.mark.parametrize("target", re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.M))
def test_every_make_target_is_in_the_readme(target: str) -> None:
    assert f"make {target}" in README


def test_every_make_target_has_help() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)[1].split()
    assert set(phony) == set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.M))


@pytest.mark.parametrize(
    "mart",
    [path.stem for path in (PROJECT_ROOT / "dbt_project/models/marts").rglob("*.sql")],
)
def test_every_mart_is_in_the_table_of_tables(mart: str) -> None:
    assert f"`marts.{mart}`" in README


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained_in_the_example(name: str) -> None:
    described = Settings.model_fields[name].description
    assert f"# {described}\n#{name.upper()}=" in EXAMPLE


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_in_the_manual(name: str) -> None:
    assert f"`{name.upper()}`" in CONFIGURATION


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_has_a_target_and_a_word_of_help(command: str) -> None:
    called = "daily" if command == "run" else command
    assert re.search(rf"^{called}: .*\n\t@\$\(PY\) -m daily {command}$", MAKEFILE, re.M)
    assert main.commands[command].help


def test_the_installed_command_lists_every_command(tmp_path: Path) -> None:
    """Installed as `make setup` does it, but elsewhere, and without an index."""
    install = re.search(r"-m (pip install .*--editable \.)$", MAKEFILE, re.M)[1]
    subprocess.run(
        [sys.executable, "-m", *install.split(), "--no-index", "--prefix", tmp_path],
        cwd=PROJECT_ROOT, check=True,
    )  # fmt: skip
    listed = subprocess.run(
        [tmp_path / "bin" / "risk", "--help"],
        cwd=tmp_path, env={"PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for command in main.commands:
        assert re.search(rf"^  {command} ", listed, re.M), command


@pytest.mark.parametrize("step", [step.__name__ for step in MORNING])
def test_the_runbook_knows_every_step(step: str) -> None:
    assert f"`{step}`" in OPERATION


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *sorted(
    str(path.relative_to(PROJECT_ROOT)) for path in (PROJECT_ROOT / "docs").glob("*.md")
)])  # fmt: skip
def test_every_link_inside_the_project_leads_somewhere(page: str) -> None:
    path = PROJECT_ROOT / page
    for target in re.findall(r"\]\((?!https:)([^)#]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target
