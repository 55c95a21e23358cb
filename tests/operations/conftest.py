"""Fixtures of the tests of running it unattended."""

import pytest

from tests.conftest import made_once
from tests.operations.tiny_desk import TinyMorning, run_tiny_desk


@pytest.fixture(scope="session")
def tiny_morning(tmp_path_factory: pytest.TempPathFactory) -> TinyMorning:
    """Of two days; run by who needs it first."""
    return TinyMorning(*made_once(tmp_path_factory, "tiny_morning", run_tiny_desk))
