"""No prediction of a past day knows what came after it."""

import shutil
from dataclasses import replace
from datetime import timedelta
from random import Random

import numpy as np
import pandas as pd
import pytest

from ml.boosting import ModelSettings, TreeSettings, fit_own
from ml.selection import select_daily
from ml.tuning import Tuning
from ml.walk_forward import refit_dates, shared_refits, walk_forward
from runtime.transform.dbt import project_variables
from tests.draws import draw
from tests.ml.damages import DAMAGES, poison, reseal
from tests.ml.frames import START, cut, frames, to_days

LAST = START + timedelta(days=199)
REFIT_DAYS = draw(28, 14)


def walk(marts, last=LAST, tuning: Tuning = Tuning(), **options):  # noqa: B008
    days = to_days(marts)
    rows, raw = walk_forward(
        days,
        tuning,
        first=START,
        last=last,
        refit_days=REFIT_DAYS,
        threads=1,
        **options,
    )
    return days, rows, raw


@pytest.fixture(scope="module")
def desk():
    return frames({"T1": 200, "T2": 180, "T3": 20}, noise=1.0)


@pytest.fixture(scope="module")
def whole(desk):
    return walk(desk)


@pytest.fixture(scope="module")
def once(desk, tmp_path_factory):
    """What is kept of a walk, to be copied."""
    folder = tmp_path_factory.mktemp("once")
    walk(desk, kept=folder)
    return folder


@pytest.fixture
def kept(once, tmp_path):
    return shutil.copytree(once, tmp_path / "kept")


def by_key(days, rows, found) -> dict:
    keys = zip(days.traders[rows], days.dates[rows], strict=True)
    return {
        key: {name: values[number] for name, values in found.items()}
        for number, key in enumerate(keys)
    }


def assert_same(one: dict, other: dict) -> None:
    for key in one:
        for name, value in one[key].items():
            np.testing.assert_array_equal(value, other[key][name], err_msg=str(key))


@pytest.mark.parametrize("day", draw([111], [70, 111, 150, 183]))
def test_data_cut_at_a_date_gives_the_same_predictions_up_to_it(desk, whole, day):
    last = pd.Timestamp(START + timedelta(days=day))
    days, rows, raw = walk(cut(desk, last), last.date())
    then = by_key(days, rows, select_daily(days, rows, raw)[0])
    now = by_key(whole[0], whole[1], select_daily(*whole)[0])
    assert len(then) > 50
    assert_same(then, now)


@pytest.mark.long
def test_outcomes_after_a_date_change_nothing_before_it(desk, whole) -> None:
    last = pd.Timestamp(START + timedelta(days=150))
    labels = desk.labels.copy()
    later = labels["label_date"] > last
    for column in ("pnl", "gross"):
        labels.loc[later, column] = -5 * labels.loc[later, column] + 7
    days = to_days(desk.__class__(**vars(desk) | {"labels": labels}))
    rows, raw = walk_forward(
        days, Tuning(), first=START, last=LAST, refit_days=REFIT_DAYS, threads=1
    )
    changed = by_key(days, rows, select_daily(days, rows, raw)[0])
    now = by_key(whole[0], whole[1], select_daily(*whole)[0])
    assert_same({key: now[key] for key in now if key[1] <= last}, changed)
    with pytest.raises(AssertionError):
        assert_same(now, changed)


def held_in(folder, part: str = "") -> dict:
    files = [path for path in folder.glob(f"*{part}*/*") if path.is_file()]
    return {path.relative_to(folder): path.read_bytes() for path in files}


def test_what_is_kept_is_what_would_be_made(desk, whole, tmp_path) -> None:
    once = walk(desk, kept=tmp_path)
    files = held_in(tmp_path)
    again = walk(desk, kept=tmp_path)
    assert files == held_in(tmp_path)
    for found in (once, again):
        np.testing.assert_equal(found[2], whole[2])


def test_a_day_more_uses_the_models_kept(desk, whole, tmp_path, monkeypatch) -> None:
    last = pd.Timestamp(START + timedelta(days=190))
    begun = refit_dates(START, last.date(), REFIT_DAYS)[-1]
    assert begun < np.datetime64(last) - np.timedelta64(1, "D")
    walk(cut(desk, last - pd.Timedelta(days=1)), last.date(), kept=tmp_path)
    for what in ("Baselines.fit", "Shared.fit", "fit_per_trader"):
        monkeypatch.setattr(
            f"ml.walk_forward.{what}", lambda *_: pytest.fail("fitted anew")
        )
    days, rows, raw = walk(cut(desk, last), last.date(), kept=tmp_path)
    assert_same(by_key(days, rows, raw), by_key(*whole))


def test_a_corrected_day_makes_what_rests_on_it_anew(desk, kept) -> None:
    features = desk.features.copy()
    features.loc[120, "signal"] += 1
    corrected = desk.__class__(**vars(desk) | {"features": features})
    resumed, fresh = walk(corrected, kept=kept), walk(corrected)
    np.testing.assert_equal(resumed[2], fresh[2])


@pytest.mark.parametrize(
    "moved, is_another", [(1e-15, False), (-1e-15, False), (1e-5, True)]
)
def test_last_bits_of_a_sum_make_nothing_anew(desk, kept, moved, is_another) -> None:
    features = desk.features.copy()
    # P&L itself is exact.
    inexact = features.select_dtypes("float").columns.difference(
        ["net_pnl", "gross_pnl"]
    )
    # What is nothing, and what is left of it by adding up in another order.
    features.loc[100, "signal"] = 0.0
    walk(replace(desk, features=features), kept=kept)
    before = held_in(kept)
    features.loc[:150, inexact] += moved * features.loc[:150, inexact].clip(lower=1)
    walk(replace(desk, features=features), kept=kept)
    assert (held_in(kept) != before) == is_another


@pytest.mark.parametrize(
    "column, value", [("daily_loss_limit_amount", 7.0), ("trader_group", "B")]
)
def test_so_does_a_corrected_limit_or_group(desk, tmp_path, column, value) -> None:
    walk(desk, kept=tmp_path)
    limits = desk.limits.astype({"trader_group": object})
    limits.loc[limits.index[100:150], column] = value
    corrected = desk.__class__(**vars(desk) | {"limits": limits})
    kept, fresh = walk(corrected, kept=tmp_path), walk(corrected)
    np.testing.assert_equal(kept[2], fresh[2])


@pytest.mark.long
def test_who_gets_an_own_model_is_part_of_what_is_kept(
    desk, tmp_path, monkeypatch
) -> None:
    assert np.isfinite(walk(desk, kept=tmp_path)[2]["loss.per_trader"]).any()
    other = dict(project_variables()) | {"own_model_above_traded_days": 1000}
    for module in ("fitted", "walk_forward"):
        monkeypatch.setattr(f"ml.{module}.project_variables", lambda: other)
    assert np.isnan(walk(desk, kept=tmp_path)[2]["loss.per_trader"]).all()


def test_a_killed_run_leaves_nothing_that_counts(desk, whole, kept) -> None:
    said = sorted(kept.glob("*-said-*"))
    said[-1].rename(said[-1].with_suffix(".partial"))
    np.testing.assert_equal(walk(desk, kept=kept)[2], whole[2])


def test_whatever_becomes_of_what_is_kept_it_is_made_anew(
    desk, whole, kept, tmp_path, caplog
) -> None:
    """Nothing of it is believed, and nothing of it runs."""
    marker = tmp_path / "poisoned"
    sound = held_in(kept)
    folders = sorted(kept.glob("*-said-*"))
    (models,) = kept.glob("*-models-*")
    names = [name for name in DAMAGES if name != "swapped"]  # these hold one file
    for name in draw(["flipped"], names):
        shutil.rmtree(folders[-1])
        DAMAGES[name](models, Random(7))
        np.testing.assert_equal(walk(desk, kept=kept)[2], whole[2], err_msg=name)
        assert held_in(kept) == sound, name
    for number, name in enumerate(names):
        DAMAGES[name](folders[number % len(folders)], Random(number))
        if number % draw(5, 1) and name != names[-1]:
            continue  # several are mended at once
        caplog.clear()
        np.testing.assert_equal(walk(desk, kept=kept)[2], whole[2], err_msg=name)
        assert held_in(kept) == sound, name
        assert "made anew" in caplog.text
    # Another window's, another days', and pickles of earlier versions.
    shutil.rmtree(folders[0])
    shutil.copytree(folders[1], folders[0])
    (folders[2] / "predictions.npz").write_bytes(poison(marker))
    reseal(folders[2])
    short = {"names": ["loss.global"], "widths": [1], "values": np.zeros((1, 1))}
    np.savez(folders[3] / "predictions.npz", **short)
    reseal(folders[3])
    for path in folders:
        path.with_name(f"{path.name}.pickle").write_bytes(poison(marker))
    np.testing.assert_equal(walk(desk, kept=kept)[2], whole[2])
    assert held_in(kept) == sound
    assert not marker.exists()


def test_models_of_another_schedule_are_none_of_this_one(desk, tmp_path) -> None:
    """`make backtest REFIT_DAYS=7` and the morning keep theirs in one folder."""
    first = START + timedelta(days=120)
    mornings = refit_dates(first, LAST, 14)
    used = shared_refits(to_days(desk), mornings, 14)
    begun = max(one for one, by in zip(mornings, used, strict=True) if one != by)
    last = pd.Timestamp(begun) + timedelta(days=5)
    days = to_days(cut(desk, last))

    def walked(refit_days, kept=None):
        return walk_forward(
            days, Tuning(), first=first, last=last.date(), refit_days=refit_days,
            threads=1, kept=kept,
        )[1]  # fmt: skip

    walked(14, kept=tmp_path)
    np.testing.assert_equal(walked(7, kept=tmp_path), walked(7))


def test_refits_fall_on_the_same_dates_whatever_the_first() -> None:
    late = refit_dates(START + timedelta(days=40), LAST, 14)
    assert late == refit_dates(START, LAST, 14)[-len(late) :]
    assert late[0] <= np.datetime64(START + timedelta(days=40))


def test_models_of_all_are_refitted_seldom_where_little_is_new() -> None:
    """Three traders' days, one a day each: a fifth more of 500 takes longer."""
    days = to_days(frames({"T1": 500, "T2": 500, "T3": 500}, noise=1.0))
    mornings = refit_dates(START, LAST + timedelta(days=300), 14)
    used = shared_refits(days, mornings, 14)
    ages = np.array(mornings) - np.array(used)
    assert set(ages) == {np.timedelta64(0, "D"), np.timedelta64(14, "D")}
    # By the 70th day each two weeks bring a fifth more, at last a twentieth.
    assert not ages[:5].any()
    assert [bool(age) for age in ages[-6:]] in ([True, False] * 3, [False, True] * 3)
    assert used[-9:] == shared_refits(days, mornings[-9:], 14)


def test_who_trades_no_more_gets_no_model_of_their_own(monkeypatch) -> None:
    """Of the past: tomorrow anybody may trade."""
    days = to_days(frames({"T1": 400, "T2": 200}, noise=1.0))
    found: list[tuple[str, np.datetime64]] = []

    def noted(days, rows, settings):
        found.append((days.traders[rows[0]], days.label_dates[rows].max()))
        return fit_own(days, rows, settings)

    monkeypatch.setattr("ml.fitted.fit_own", noted)
    last = pd.Timestamp(days.dates.max()).date()
    walk_forward(days, Tuning(), first=START, last=last, refit_days=14, threads=1)
    when = sorted({day for trader, day in found if trader == "T1"})
    assert len(when) > 5
    # The last is for the weeks that are not over.
    ended = np.nanmax(days.label_dates[days.traders == "T2"])
    fitted = [day for trader, day in found if trader == "T2"]
    assert fitted == [*(day for day in when if day < ended), ended]


def test_settings_tuned_later_are_not_used_before(desk, whole) -> None:
    """Hyperparameters look at outcomes, too."""
    tuned_on = START + timedelta(days=120)
    bolder = ModelSettings(shared=TreeSettings(rounds=20, num_leaves=8))
    tuning = Tuning().with_settings(tuned_on, bolder)
    days, rows, raw = walk(desk, tuning=tuning)
    before = days.dates[rows] <= np.datetime64(tuned_on)
    same = raw["loss.global"] == whole[2]["loss.global"]
    assert same[before].all()
    assert not same[~before].all()
