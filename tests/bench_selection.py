"""How often noise is selected in a year, and how often a truly better model is.

Simulated desks on which no model is better than the baselines, looked at every morning
for every output, with the project's own selection; then the same with a planted skill.

    python -m tests.bench_selection [--desks 200]
"""

import argparse

import numpy as np

from ml.calibration import log_loss
from ml.losses import clustered_errors
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
            false, mornings = 0, 0
            for seed in range(count):
                draw = np.random.default_rng([traders, seed, int(100 * noise)])
                days = simulated_days(draw, traders, days_count)
                rows = np.argsort(days.dates, kind="stable")
                raw = noisy_predictions(days, rows, draw, noise)
                found = _mornings(days, rows, raw)
                false += any(found)
                mornings += sum(found)
            print(
                f"{traders:3} traders, noise {noise}: selected for some output on some "
                f"morning of {false / count:.1%} of {count} desks' years, on "
                f"{mornings / count / 250:.2%} of mornings",
                flush=True,
            )
        for skill in SKILLS:
            right, clear = 0.0, 0.0
            for seed in range(count // 4):
                draw = np.random.default_rng([traders, seed, 7])
                days = simulated_days(draw, traders, days_count)
                rows = np.argsort(days.dates, kind="stable")
                raw = noisy_predictions(days, rows, draw, NOISES[0])
                raw = with_skill(raw, days, rows, "loss", "global", skill)
                _, selections, _ = select_daily(days, rows, raw)
                right += np.mean(
                    [one.selected.get("loss") == "global" for _, one in selections][
                        FIRST_MORNING:
                    ]
                )
                clear += _clarity(days, rows, raw)
            print(
                f"{traders:3} traders, a planted skill of {clear / (count // 4):.1f} "
                f"standard errors a year: selected on {right / (count // 4):.0%} of "
                "mornings",
                flush=True,
            )


def _mornings(days: object, rows: np.ndarray, raw: Predictions) -> list[bool]:
    _, selections, _ = select_daily(days, rows, raw)  # type: ignore[arg-type]
    return [bool(one.selected) for _, one in selections[FIRST_MORNING:]]


def _clarity(days, rows: np.ndarray, raw: Predictions) -> float:  # noqa: ANN001
    """How many standard errors over dates the planted skill is above nothing."""
    known = ~np.isnan(days.pnl[rows])
    is_loss = days.is_loss[rows][known]
    gain = log_loss(is_loss, raw["loss.reference"][known]) - log_loss(
        is_loss, raw["loss.global"][known]
    )
    numbers = np.unique(days.dates[rows][known], return_inverse=True)[1]
    return float(gain.mean() / clustered_errors(gain, numbers, 2))


if __name__ == "__main__":
    main()
