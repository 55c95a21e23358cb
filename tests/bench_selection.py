"""How often noise is selected in a year, and how often a truly better model is.

Simulated desks on which no model is better than the baselines, looked at every morning
for every output, with the project's own selection; then the same with a planted skill.

    python -m tests.bench_selection [--desks 200]
"""

import argparse

import numpy as np

from ml.calibration import log_loss
from ml.days import TraderDays
from ml.losses import standard_errors
from ml.outputs import Predictions
from ml.selection import select_daily
from tests.simulated_desks import noisy_predictions, simulated_days, with_skill

# Traders, and days of each: a year of mornings after half a year to learn from.
DESKS = ((4, 375), (12, 375), (40, 375))
FIRST_MORNING = 125
NOISES = (0.05, 0.2)
SKILLS = (0.2, 0.4)


def main() -> None:
    """Print the share of desks on which noise was selected on any morning."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--desks", type=int, default=200)
    count = parser.parse_args().desks
    for traders, days_count in DESKS:
        for noise in NOISES:
            found = []
            for seed in range(count):
                draw = np.random.default_rng([traders, seed, int(100 * noise)])
                days, rows, raw = _desk(draw, traders, days_count, noise)
                found.append([bool(one) for one in _selected(days, rows, raw)])
            print(
                f"{traders:3} traders, noise {noise}: selected for some output on some "
                f"morning of {np.mean([any(one) for one in found]):.1%} of {count} "
                f"desks' years, on {np.mean(np.concatenate(found)):.2%} of mornings",
                flush=True,
            )
        for skill in SKILLS:
            right, clear = [], []
            for seed in range(count // 4):
                draw = np.random.default_rng([traders, seed, 7])
                days, rows, raw = _desk(draw, traders, days_count, NOISES[0])
                raw = with_skill(raw, days, rows, "loss", "global", skill)
                mornings = _selected(days, rows, raw)
                right.append(np.mean([one.get("loss") == "global" for one in mornings]))
                clear.append(_clarity(days, rows, raw))
            print(
                f"{traders:3} traders, a planted skill of {np.mean(clear):.1f} "
                f"standard errors a year: selected on {np.mean(right):.0%} of mornings",
                flush=True,
            )


def _desk(
    draw: np.random.Generator, traders: int, days_count: int, noise: float
) -> tuple[TraderDays, np.ndarray, Predictions]:
    """A desk, its rows by date, and what models without skill say of them."""
    days = simulated_days(draw, traders, days_count)
    rows = np.argsort(days.dates, kind="stable")
    return days, rows, noisy_predictions(days, rows, draw, noise)


def _selected(
    days: TraderDays, rows: np.ndarray, raw: Predictions
) -> list[dict[str, str]]:
    """The models selected on each morning of the year, by output."""
    _, selections, _ = select_daily(days, rows, raw)
    return [one.selected for _, one in selections[FIRST_MORNING:]]


def _clarity(days: TraderDays, rows: np.ndarray, raw: Predictions) -> float:
    """How many standard errors over dates the planted skill is above nothing."""
    known = ~np.isnan(days.pnl[rows])
    is_loss = days.is_loss[rows][known]
    before, after = (
        log_loss(is_loss, raw[f"loss.{model}"][known])
        for model in ("reference", "global")
    )
    return standard_errors(before - after, days.dates[rows][known])


if __name__ == "__main__":
    main()
