"""Fixtures of the tests of models."""

from collections.abc import Iterator

import pytest

from ml.train import REFIT_DAYS
from tests.draws import draw


@pytest.fixture(autouse=True, scope="module")
def _seldom_refitted() -> Iterator[None]:
    """How often models of past days are refitted is not what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ml.train.REFIT_DAYS", draw(28, REFIT_DAYS))
        yield
