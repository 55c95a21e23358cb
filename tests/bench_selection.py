"""How often noise is selected in a year, and how often a truly better model is.

Simulated desks on which no model is better than the baselines, looked at every morning
for every output, with the project's own selection and, beside it, with two standard
errors over dates alone; then the same with a planted skill.

    python -m tests.bench_selection [--desks 200] [--traders 4 12 40]
"""

import argparse

import numpy as np

from ml.calibration import log_loss
from ml.days import TraderDays
from ml.losses import standard_errors
from ml.outputs import Predictions
from ml.selection import RULE, Rule, select_daily
from tests.simulated_desks import noisy_predictions, simulated_days, with_skill

TRADERS = (4, 12, 40)
# Of each trader: a year of mornings after half a year to learn from.
DAYS = 375
NAIVE = Rule(standard_errors=2.0, over_traders=False)
FIRST_MORNING = 125
NOISES = (0.05, 0.2)
SKILLS = (0.2, 0.4)


def main() -> None:
    """Print the share of desks on which noise was selected on any morning."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--desks", type=int, default=200)
    parser.add_argument("--traders", type=int, nargs="+", default=TRADERS)
    chosen = parser.parse_args()
    count = chosen.desks
    for traders in chosen.traders:
        for noise in NOISES:
            found: dict[Rule, list[list[bool]]] = {RULE: [], NAIVE: []}
            for seed in range(count):
                draw = np.random.default_rng([traders, seed, int(100 * noise)])
                days, rows, raw = _desk(draw, traders, noise)
                for rule, years in found.items():
                    years.append([bool(x) for x in _selected(days, rows, raw, rule)])
            said = " and ".join(
                f"{np.mean([any(year) for year in years]):.1%} of years and "
                f"{np.mean(np.concatenate(years)):.2%} of mornings by {name}"
                for name, years in zip(
                    ("the rule", "two errors over dates"), found.values(), strict=True
                )
            )
            print(
                f"{traders:3} traders, noise {noise}: of {count} desks noise is "
                f"selected for some output in {said}",
                flush=True,
            )
        for skill in SKILLS:
            right, clear = [], []
            for seed in range(count // 4):
                draw = np.random.default_rng([traders, seed, 7])
                days, rows, raw = _desk(draw, traders, NOISES[0])
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
    draw: np.random.Generator, traders: int, noise: float
) -> tuple[TraderDays, np.ndarray, Predictions]:
    """A desk, its rows by date, and what models without skill say of them."""
    days = simulated_days(draw, traders, DAYS)
    rows = np.argsort(days.dates, kind="stable")
    return days, rows, noisy_predictions(days, rows, draw, noise)


def _selected(
    days: TraderDays, rows: np.ndarray, raw: Predictions, rule: Rule = RULE
) -> list[dict[str, str]]:
    """The models selected on each morning of the year, by output."""
    _, selections, _ = select_daily(days, rows, raw, rule)
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
