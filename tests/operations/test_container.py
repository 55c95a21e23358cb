"""What gets into the image, and that a start of it installs nothing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from runtime.settings import PROJECT_ROOT

DOCKERFILE = (PROJECT_ROOT / "Dockerfile").read_text()


def test_a_start_of_the_container_installs_nothing(tmp_path: Path) -> None:
    """A kept layer holds the environment; the checkout copied over it is fresh."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(PROJECT_ROOT / name, tmp_path)
    sources = [tmp_path / "requirements.txt", tmp_path / "pyproject.toml"]
    stamps = [tmp_path / ".venv" / "runtime", tmp_path / ".venv" / "bin" / "risk"]
    stamps[1].parent.mkdir(parents=True)
    for stamp in stamps:
        stamp.touch()
    steps = re.findall(r"^(?:COPY .* \./|COPY .* \. \.|RUN make .*)$", DOCKERFILE, re.M)
    assert len(steps) > 2
    # Whole seconds: what a file system tells apart.
    for second, step in enumerate(steps, start=1_000_000_000):
        for written in sources if step.startswith("COPY") else stamps:
            os.utime(written, (second, second))
    would = subprocess.run(
        ["make", "--dry-run", "daily"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "daily run" in would.stdout
    assert "pip install" not in would.stdout


def test_no_secret_and_no_data_gets_into_the_image() -> None:
    ignored = (PROJECT_ROOT / ".dockerignore").read_text().split()
    kept_from_git = (PROJECT_ROOT / ".gitignore").read_text().split()
    # Docker's patterns begin at the top, git's hold anywhere.
    for pattern in kept_from_git:
        name = pattern.rstrip("/")
        assert {name, f"**/{name}"} & set(ignored), name
    assert "**/.env" in ignored
    assert not re.search(r"^(ENV|ARG) .*(PASSWORD|TOKEN|EMAIL|USER)", DOCKERFILE, re.M)


def test_data_goes_to_a_volume_that_its_user_may_write() -> None:
    assert re.search(r"^ENV RISK_HOME=/data$", DOCKERFILE, re.M)
    assert re.search(r"^VOLUME /data$", DOCKERFILE, re.M)
    assert re.search(r"chown risk /data", DOCKERFILE)
    base = re.search(r"^FROM (\S+)$", DOCKERFILE, re.M)[1]
    name, _, digest = base.partition("@")
    assert re.fullmatch(r"python:3\.11-slim", name), "no registry's host"
    assert not digest or re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
