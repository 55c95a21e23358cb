"""Desks on which nothing can be forecast beyond each trader's own law of days."""

import numpy as np

from ml.days import TraderDays
from ml.outputs import BREACHES, Predictions, key
from ml.selection import BASELINES, MODELS, OUTPUTS

_START = np.datetime64("2024-01-01", "ns")
_DAY = np.timedelta64(1, "D")


def simulated_days(
    draw: np.random.Generator, traders: int, count: int, together: float = 0.3
) -> TraderDays:
    """Traders who trade every day, lose together on some, and change slowly.

    Args:
        together: How much of a day's luck is the whole desk's.
    """
    common = np.repeat(draw.normal(0, 1, count)[None], traders, axis=0)
    luck = together * common + np.sqrt(1 - together**2) * draw.normal(
        0, 1, (traders, count)
    )
    size = np.exp(draw.normal(5.5, 0.8, (traders, 1)) + 0.6 * draw.normal(
        0, 1, (traders, count)
    ))  # fmt: skip
    net = np.where(luck < draw.normal(-0.3, 0.3, (traders, 1)), -size, size).ravel()
    dates = np.tile(_START + np.arange(count) * _DAY, traders)
    is_last = np.tile(np.arange(count) == count - 1, traders)
    pnl = np.where(is_last, np.nan, np.roll(net, -1))
    names = np.repeat([f"T{number:04}" for number in range(traders)], count)
    return TraderDays(
        traders=names.astype(object),
        dates=dates,
        label_dates=np.where(is_last, np.datetime64("NaT", "ns"), dates + _DAY),
        groups=np.full(len(net), "", dtype=object),
        net=net,
        gross=net,
        pnl=pnl,
        next_gross=pnl,
        scale=np.repeat(size.mean(axis=1), count),
        limit=np.repeat(2 * size.mean(axis=1), count),
        features=np.empty((len(net), 0)),
        record={},
    )


def noisy_predictions(
    days: TraderDays, rows: np.ndarray, draw: np.random.Generator, noise: float = 0.1
) -> Predictions:
    """What models without skill say: the truth of the desk, each with its own noise.

    Noise is a trader's own for weeks, as that of a model between two refits is.
    """
    known = ~np.isnan(days.pnl)
    rates = {
        "loss": days.is_loss[known].mean(),
        "realised_loss": days.is_realised_loss[known].mean(),
        **{
            output: (days.is_breach(output)[known].sum() + 0.5) / (known.sum() + 1)
            for output in BREACHES
        },
    }
    middle = days.log_size[known].mean()
    levels = np.quantile((days.pnl / days.scale)[known], (0.05, 0.25, 0.5, 0.75, 0.95))
    found: Predictions = {}
    for output in (*OUTPUTS, *BREACHES):
        of = "breach" if output in BREACHES else output
        for model in (*BASELINES[of], *MODELS[of]):
            moved = _slow_noise(days, rows, draw, noise)
            if output in rates:
                score = np.log(rates[output] / (1 - rates[output])) + moved
                found[key(output, model)] = 1 / (1 + np.exp(-score))
            elif output == "size":
                found[key(output, model)] = middle + moved
            elif output == "pnl":
                found[key(output, model)] = moved
            else:
                found[key(output, model)] = levels + moved[:, None]
    for output in ("usual_loss", "loss_spread"):
        found[key(output, "reference")] = np.ones(len(rows))
    return found


def with_skill(
    raw: Predictions,
    days: TraderDays,
    rows: np.ndarray,
    output: str,
    model: str,
    skill: float,
) -> Predictions:
    """The same, but one model knows something of the outcomes of one output.

    Args:
        skill: Standard deviations by which what it sees before a loss lies from what
            it sees before another day; it reads that rightly.
    """
    draw = np.random.default_rng(99)
    known = {name: values.copy() for name, values in raw.items()}
    if output == "size":
        gap = np.nan_to_num(days.log_size[rows] - raw[key(output, model)])
        known[key(output, model)] += skill * gap / 2
        return known
    is_event = days.is_breach(output) if output in BREACHES else days.is_loss
    signs = np.where(np.nan_to_num(is_event[rows], nan=0.5) > 0.5, 1.0, -1.0)
    before = raw[key(output, "reference")]
    seen = skill / 2 * signs + draw.normal(0, 1, len(rows))
    score = np.log(before / (1 - before)) + skill * seen
    known[key(output, model)] = 1 / (1 + np.exp(-score))
    return known


def _slow_noise(
    days: TraderDays, rows: np.ndarray, draw: np.random.Generator, noise: float
) -> np.ndarray:
    traders = np.unique(days.traders[rows].astype(str), return_inverse=True)[1]
    weeks = ((days.dates[rows] - days.dates.min()) // (14 * _DAY)).astype(int)
    each = draw.normal(0, noise, (traders.max() + 1, weeks.max() + 1))
    return each[traders, weeks] + draw.normal(0, noise / 2, len(rows))
