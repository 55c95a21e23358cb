"""Every pin has the hashes of its files, and nothing is installed without them."""

import re
from importlib.metadata import distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from runtime.settings import PROJECT_ROOT

MAKEFILE = (PROJECT_ROOT / "Makefile").read_text()
FILES = (
    "requirements.txt",
    "requirements-live.txt",
    "requirements-dev.txt",
    "requirements-spark.txt",
)
PIN = re.compile(
    r"([a-z0-9.\-]+)(?:\[[a-z0-9,\-]+\])?==([^ \\]+)"
    r"((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n"
)


def pins(name: str) -> dict[str, str]:
    """Version by package."""
    text = (PROJECT_ROOT / name).read_text()
    found = PIN.findall(text)
    assert PIN.sub("", text) == "", "nothing but pins with hashes: no index, no option"
    return {package: version for package, version, _ in found}


@pytest.mark.parametrize("name", FILES)
def test_every_pin_has_hashes_and_names_no_index(name: str) -> None:
    assert len(pins(name)) > 50


def test_development_adds_to_what_a_morning_runs_with() -> None:
    assert pins("requirements.txt").items() <= pins("requirements-live.txt").items()
    assert pins("requirements-live.txt").items() <= pins("requirements-dev.txt").items()


def test_every_installation_of_pins_requires_their_hashes() -> None:
    lines = MAKEFILE.replace("\\\n", " ").splitlines()
    installing = re.findall(r"pip [^;]*--requirement [^;]*", "\n".join(lines))
    assert len(installing) >= len(FILES)
    assert all("--require-hashes" in command for command in installing)


def test_extras_that_a_pin_asks_another_for_are_pinned_with_it() -> None:
    """Without them pip looks for a version of its own, which has no hash."""
    text = (PROJECT_ROOT / "requirements-dev.txt").read_text()
    pinned = dict(re.findall(r"^([a-z0-9.\-]+)(\[[^\]]+\])?==", text, re.M))
    asked = [
        (requirement, found.metadata["Name"])
        for found in distributions()
        if canonicalize_name(found.metadata["Name"]) in pinned
        for requirement in map(Requirement, found.requires or ())
        if requirement.extras
        and (requirement.marker is None or requirement.marker.evaluate({"extra": ""}))
    ]
    assert asked
    for requirement, by in asked:
        has = pinned[canonicalize_name(requirement.name)].strip("[]").split(",")
        assert requirement.extras <= set(has), (by, str(requirement))


def test_what_a_morning_runs_with_is_pinned() -> None:
    assert pins("requirements.txt")["dbt-core"].startswith("1.11.")
    # A hash is required of what pip itself brings too, and newer Pythons bring less.
    assert "setuptools" in pins("requirements.txt")
