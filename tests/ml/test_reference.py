"""The reference model: one distribution, from which everything is read."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student

from ml.days import TraderDays
from ml.metrics import calibration_slope
from ml.permutation import loss_record_of
from ml.reference import LossRecord, Reference, upper_tail
from tests.ml.frames import frames, to_days

LEVELS = np.array([0.001, 0.01, 0.05, 0.2, 0.35, 0.5, 0.8, 0.95, 0.999])


def desk(draw: np.random.Generator, traders: int = 40, count: int = 150) -> TraderDays:
    """Traders of very different size and luck, whose days follow the model's law."""
    days = to_days(frames({f"T{number:02}": count for number in range(traders)}))
    loses = np.repeat(draw.beta(4, 8, traders), count)
    fees = np.repeat(draw.beta(1, 12, traders), count)
    middle = np.repeat(draw.normal(6, 1.5, traders), count)
    size = np.exp(middle + 0.8 * draw.standard_t(6, len(days)))
    luck = draw.random(len(days))
    gross = np.where(luck < loses, -size, np.where(luck < loses + fees, 0.0, size + 2))
    return of_days(days, gross - 2.0, gross)


def of_days(days: TraderDays, net: np.ndarray, gross: np.ndarray) -> TraderDays:
    """The same traders and dates with other P&L, and the record that follows."""
    is_last = np.r_[days.traders[1:] != days.traders[:-1], True]
    whole = replace(
        days,
        net=net,
        gross=gross,
        pnl=np.where(is_last, np.nan, np.roll(net, -1)),
        next_gross=np.where(is_last, np.nan, np.roll(gross, -1)),
    )
    record = record_of_days(whole)
    named = dict(whole.record)
    for one, kind in enumerate(("trading_loss", "fees_loss", "gain")):
        named[f"{kind}_day_ratio_ewm_10d"] = record.ratio[:, one]
        named[f"log_{kind}_size_ewm_10d"] = record.log_size[:, one]
    return replace(whole, record=named)


def record_of_days(days: TraderDays) -> LossRecord:
    """The record of days as they lie."""
    from ml.days import kind_of

    traders = np.unique(days.traders.astype(str), return_inverse=True)[1]
    return loss_record_of(kind_of(days.gross, days.net), days.net, days.number, traders)


def test_the_tail_is_students_with_six_degrees() -> None:
    values = np.array([-40.0, -3.0, -0.5, 0.0, 0.1, 1.0, 2.5, 8.0])
    np.testing.assert_allclose(upper_tail(values), student.sf(values, 6), atol=1e-12)


def test_every_figure_is_read_from_one_distribution() -> None:
    """A quantile is the loss that is passed with just that chance, and so on."""
    days = desk(np.random.default_rng(1))
    rows = np.arange(0, len(days), 7)
    known = days.known(days.dates.max())
    found = Reference.fit(days, known).predict(LossRecord.of(days, rows))
    assert found.share.sum(axis=1) == pytest.approx(1)
    assert (found.share > 0).all() and (found.loss >= found.realised_loss).all()
    quantiles = found.quantiles(LEVELS)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    for level, values in zip(LEVELS, quantiles.T, strict=True):
        is_lost = values < 0
        np.testing.assert_array_equal(is_lost, level < found.loss)
        chance = found.lost_more_than(np.where(is_lost, -values, 1.0))
        np.testing.assert_allclose(chance[is_lost], level, rtol=1e-6)
    chances = [found.lost_more_than(np.full(len(rows), x)) for x in (1, 100, 1e3, 1e5)]
    assert (np.diff(chances, axis=0) <= 0).all()
    assert (chances[0] <= found.loss).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_chance_of_a_loss_of_any_size_is_right(seed: int) -> None:
    """Learned on the first part of a desk, it holds on the second."""
    days = desk(np.random.default_rng(seed))
    morning = np.sort(days.dates)[len(days) // 2]
    reference = Reference.fit(days, days.known(morning))
    rows = np.flatnonzero((days.dates >= morning) & ~np.isnan(days.pnl))
    found = reference.predict(LossRecord.of(days, rows))
    for dollars in (100.0, 500.0, 1000.0, 2000.0):
        chance = found.lost_more_than(np.full(len(rows), dollars))
        is_beyond = (days.pnl[rows] < -dollars).astype(float)
        assert chance.mean() == pytest.approx(is_beyond.mean(), abs=0.03), dollars
        slope = calibration_slope(is_beyond, chance, margin=1e-4)
        assert slope == pytest.approx(1, abs=0.2), dollars
    low, high = found.quantiles(np.array([0.05, 0.95])).T
    inside = ((days.pnl[rows] >= low) & (days.pnl[rows] <= high)).mean()
    assert inside == pytest.approx(0.9, abs=0.03)


def test_a_newcomer_leans_on_the_desk_and_an_old_hand_on_their_own() -> None:
    days = desk(np.random.default_rng(4))
    reference = Reference.fit(days, days.known(days.dates.max()))
    first = np.flatnonzero(days.number == 1)
    last = np.flatnonzero(days.number == 150)
    spread = [np.std(reference.predict(LossRecord.of(days, rows)).realised_loss)
              for rows in (first, last)]  # fmt: skip
    assert spread[0] < 0.8 * spread[1]
    widths = [reference.predict(LossRecord.of(days, rows)).spread[:, 0].mean()
              for rows in (first, last)]  # fmt: skip
    assert widths[0] > widths[1]


def test_where_all_lose_alike_the_prior_is_strong_and_where_not_it_is_weak() -> None:
    days = desk(np.random.default_rng(5))
    draw = np.random.default_rng(6)
    alike = np.where(draw.random(len(days)) < 0.4, -1.0, 1.0) * np.abs(days.gross + 3)
    same = Reference.fit(*whole(of_days(days, alike - 2, alike)))
    apart = Reference.fit(*whole(days))
    assert same.rate_days[0] > apart.rate_days[0]


def whole(days: TraderDays) -> tuple[TraderDays, np.ndarray]:
    return days, days.known(days.dates.max() + np.timedelta64(1, "D"))


ODD = {
    "no losing day": lambda net: np.abs(net) + 1,
    "no day but losing ones": lambda net: -np.abs(net) - 1,
    "all days equal": lambda net: np.full(len(net), -50.0),
    "nothing made": lambda net: np.zeros(len(net)),
    "a billion": lambda net: net * 1e9 / np.abs(net).max(),
    "a cent": lambda net: np.sign(net) * 0.01,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_records_have_a_sound_distribution(name: str) -> None:
    days = to_days(frames({"T1": 60, "T2": 2, "T3": 90}))
    net = ODD[name](days.net)
    days = of_days(days, net, net + 0.001)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Reference.fit(*whole(days)).predict(
            LossRecord.of(days, np.arange(len(days)))
        )
        quantiles = found.quantiles(LEVELS)
        chance = found.lost_more_than(days.limit)
    assert np.isfinite(quantiles).all() and (np.diff(quantiles, axis=1) >= 0).all()
    assert ((chance >= 0) & (chance <= 1)).all()
    assert np.isfinite(found.log_size).all()


def test_the_record_is_the_one_that_the_mart_computes(sample) -> None:
    """The permutation null computes it anew; SQL is what forecasts read."""
    from ml.features import FeatureContract
    from ml.store import read_marts

    marts = read_marts(sample.home)
    days = marts.days(FeatureContract.of(marts.types).names)
    read = LossRecord.of(days, np.arange(len(days)))
    made = record_of_days(days)
    np.testing.assert_allclose(made.weight, read.weight)
    # The mart's weights end after eight half-lives.
    np.testing.assert_allclose(made.ratio, read.ratio, atol=0.01)
    both = ~np.isnan(read.log_size) & ~np.isnan(made.log_size)
    assert both.mean() > 0.6
    assert np.abs(made.log_size - read.log_size)[both & (read.ratio > 0.05)].max() < 0.3


def test_a_model_survives_its_card() -> None:
    reference = Reference.fit(*whole(desk(np.random.default_rng(7), 5, 60)))
    assert Reference.from_card(reference.as_card()) == reference
