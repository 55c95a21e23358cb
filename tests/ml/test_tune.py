"""Settings are chosen on days before those they are used on."""

import json
from datetime import timedelta

import numpy as np
import pytest

from ml.boosting import ModelSettings, TreeSettings
from ml.split import split_by_date
from ml.tune import most_cautious, tune_global, tune_own
from ml.tuning import FILE, DamagedTuningError, Tuning
from tests.ml.frames import START, frames, to_days


def test_no_label_of_one_part_becomes_known_after_the_next_began() -> None:
    days = to_days(frames({"T1": 200, "T2": 150}))
    known = days.known(days.dates.max() + np.timedelta64(1, "D"))
    split = split_by_date(days, known)
    assert days.label_dates[split.train].max() <= days.dates[split.validation].min()
    assert days.label_dates[split.before_test].max() <= days.dates[split.test].min()
    assert set(split.train) | set(split.validation) <= set(split.before_test)
    assert abs(len(split.train) / len(known) - 0.65) < 0.02
    assert abs(len(split.test) / len(known) - 0.20) < 0.02


def test_a_strong_signal_earns_more_trees_than_noise() -> None:
    chosen = {}
    for noise in (0.3, 20.0):
        days = to_days(frames({"T1": 400, "T2": 400}, noise=noise))
        known = days.known(days.dates.max())
        split = split_by_date(days, known)
        chosen[noise] = tune_global(days, split.train, split.validation, 1)
        own = tune_own(days, known)
        assert set(own) == {"T1", "T2"}
    assert chosen[0.3].rounds > chosen[20.0].rounds


def test_of_settings_alike_the_most_cautious_is_taken() -> None:
    draw = np.random.default_rng(1)
    base, dates = draw.normal(1, 1, 500), np.arange(500)
    few, some, many = (TreeSettings(rounds=n, num_leaves=3) for n in (10, 20, 40))
    noise = draw.normal(0, 0.1, 500)
    alike = {few: base, some: base + noise - noise.mean() - 1e-4, many: base + 0.5}
    assert most_cautious(alike, dates) == few
    better = {few: base + 0.5, some: base + noise, many: base + 0.2}
    assert most_cautious(better, dates) == some


def test_tuning_is_kept_with_its_date(tmp_path) -> None:
    bolder = ModelSettings(
        shared=TreeSettings(rounds=9, num_leaves=8),
        own_by_trader={"T1": TreeSettings(rounds=5, num_leaves=2)},
    )
    tuning = Tuning().with_settings(START, bolder)
    tuning.save(tmp_path)
    again = Tuning.load(tmp_path)
    assert again == tuning
    later = again.before(START + timedelta(days=1))
    assert later.of("T1").rounds == 5
    assert later.of("T2") == ModelSettings().own
    assert again.before(START) == ModelSettings()
    assert Tuning.load(tmp_path / "none") == Tuning()
    # Tuning for a past morning leaves what was found later.
    earlier = again.with_settings(START - timedelta(days=9), ModelSettings())
    assert earlier.found[-1] == (START, bolder)


def changed_settings(text: str) -> str:
    held = json.loads(text)
    held["found"][0]["shared"]["rounds"] = 61
    return json.dumps(held)


DAMAGED = {
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda _: "",
    "a figure": changed_settings,
    "a number": lambda _: "7",
    "null": lambda _: "null",
    "nested": lambda _: "[" * 100_000,
    "no digest": lambda _: json.dumps({"found": []}),
    "binary": lambda _: "\0\x01\x02",
    "never ends": lambda _: json.dumps(
        [
            {
                **ModelSettings(shared=TreeSettings(10**12, 4)).as_card(),
                "through": "2024-01-02",
            }
        ]
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_one_line(tmp_path, name: str) -> None:
    Tuning().with_settings(START, ModelSettings()).save(tmp_path)
    path = tmp_path / FILE
    path.write_text(DAMAGED[name](path.read_text()))
    with pytest.raises(
        DamagedTuningError, match=r"tuned.json cannot be .*`make tune`"
    ) as caught:
        Tuning.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_of_an_earlier_version_is_read(tmp_path) -> None:
    card = {"through": START.isoformat(), **ModelSettings().as_card()}
    (tmp_path / FILE).write_text(json.dumps([card]))
    assert Tuning.load(tmp_path).found == ((START, ModelSettings()),)
