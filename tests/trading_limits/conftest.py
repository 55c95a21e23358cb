"""A desk for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trading_limits.desk import LimitsDesk, limits_desk


@pytest.fixture
def limits(tmp_path: Path) -> Iterator[LimitsDesk]:
    """Nothing is proposed yet; ann, bob and eve have keys."""
    with limits_desk(tmp_path) as made:
        yield made
