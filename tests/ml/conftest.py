"""Fixtures of the tests of models."""

import pytest

from ml.train import REFIT_DAYS
from tests.draws import draw


@pytest.fixture
def _seldom_refitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often models of past days are refitted is not what is tested."""
    monkeypatch.setattr("ml.train.REFIT_DAYS", draw(28, REFIT_DAYS))
