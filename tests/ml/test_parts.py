"""Reading and scoring a part of the traders at a time gives what all at once give."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from ml.days import TraderDays
from ml.features import RECORD, FeatureContract
from ml.registry import ModelSet
from ml.score import score_traders
from ml.store import open_marts, read_marts
from tests.conftest import SampleRun, rows

SMALL = 1_000  # trader-days: three traders of the sample


@pytest.fixture
def parted(sample: SampleRun, monkeypatch: pytest.MonkeyPatch):
    """The sample's marts in many parts."""
    monkeypatch.setattr("ml.store.PART_ROWS", SMALL)
    return open_marts(sample.untouched)


def arrays(days: TraderDays) -> dict[str, np.ndarray]:
    """Every array of them, by name."""
    found = {field.name: getattr(days, field.name) for field in fields(days)}
    return found | {f"record {name}": found["record"][name] for name in RECORD}


def test_every_trader_is_in_one_part_and_none_is_large(
    sample: SampleRun, parted
) -> None:
    parts = list(parted.parts())
    assert len(parts) > 5
    assert max(len(part.features) for part in parts) <= SMALL
    assert sum(len(part.features) for part in parts) == parted.rows_count
    listed = [trader for part in parts for trader in part.traders["trader_id"]]
    told = rows(sample.untouched, "select trader_id from marts.trader_status")
    assert listed == sorted(trader for (trader,) in told)


def test_days_joined_from_parts_are_those_of_all_at_once(
    sample: SampleRun, parted
) -> None:
    names = FeatureContract.of(parted.types).names
    whole = arrays(read_marts(sample.untouched).days(names))
    for chosen in (names, names[3:5], ()):
        joined = arrays(parted.days(chosen))
        for name, values in joined.items():
            if name == "features":
                expected = whole[name][:, [names.index(one) for one in chosen]]
                np.testing.assert_array_equal(values, expected)
            elif name != "record":
                np.testing.assert_array_equal(values, whole[name])
    for column, (name, values) in enumerate(parted.columns(names)):
        assert name == names[column]
        np.testing.assert_array_equal(values, whole["features"][:, column])


@pytest.mark.long
def test_scores_by_part_are_those_of_all_at_once(sample: SampleRun, parted) -> None:
    (version,) = rows(sample.untouched, "select model_version from ml.roster limit 1")
    models = ModelSet.load(sample.untouched.models, *version)
    whole, by_part = (
        score_traders(models, marts, lambda _: ("watch", None))
        for marts in (read_marts(sample.untouched), parted)
    )
    assert len(whole.predictions) > 200
    frames = vars(whole) | vars(whole.desk)
    found = vars(by_part) | vars(by_part.desk)
    del frames["desk"]
    for name, frame in frames.items():
        # Sums over a single row may differ in their last bit; tables hold eight places.
        pd.testing.assert_frame_equal(found[name], frame, rtol=1e-12)


def test_the_version_is_that_of_the_data(sample: SampleRun, parted) -> None:
    """Bounds of parts come from the data alone: training and scoring read the same."""
    assert parted.fingerprint == open_marts(sample.untouched).fingerprint
    one = next(parted.parts())
    changed = one.features.assign(net_pnl=one.features["net_pnl"] + 1)
    assert replace(one, features=changed).fingerprint != one.fingerprint
