"""Is every model sound, fresh, and better than its baseline?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.baselines import QUANTILES
from ml.features import FeatureContractError
from ml.policies import WATCH
from ml.registry import ModelSet
from ml.score import score_traders
from ml.selection import CHAMPION, is_baseline
from ml.store import MartFrames, read_marts, read_scored
from reports.trust import trust_of
from runtime.errors import UserError
from runtime.home import Home
from runtime.settings import Settings

_FIGURES = (
    "loss_probability", "realised_loss_probability", "limit_loss_probability",
    "predicted_pnl", "predicted_absolute_pnl", "usual_loss", "loss_spread",
    *(f"predicted_pnl_{name}" for name in QUANTILES),
)  # fmt: skip
_WORDS = {
    "breach": "the limit",
    "realised_loss": "losing in trading",
    "loss": "a loss",
    "size": "size",
    "pnl": "expected P&L",
    "quantiles": "quantiles",
}
# Predictions of so many traders alike to a cent are those of a model that says nothing.
_ALIKE_FROM = 5


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `is_met` is None where it is reported, not evaluated."""

    subject: str
    is_met: bool | None
    text: str


def verify(settings: Settings, home: Home) -> str:  # noqa: ARG001 - as every step
    """Look at the models that made the latest forecasts; a table for people.

    Raises:
        UserError: A model is unsound or stale.
    """
    findings = look_at(home)
    signs = {True: "ok  ", False: "FAIL", None: "note"}
    table = "\n".join(
        f"  {signs[one.is_met]}  {one.subject:<14} {one.text}" for one in findings
    )
    if any(one.is_met is False for one in findings):
        raise UserError(
            f"The models are not sound:\n{table}\nRun `make train` and `make score`; "
            "docs/models.md says what each line means."
        )
    return f"sound and fresh\n{table}"


def look_at(home: Home) -> list[Finding]:
    """Everything that is looked at.

    Raises:
        UserError: Nothing has been scored yet, or the model of the forecasts is gone.
    """
    frames = read_marts(home)
    scored = read_scored(home)
    if scored is None:
        raise UserError("Nothing has been scored yet. Run `make score` first.")
    models = ModelSet.load(home.models, scored.version)
    findings = [Finding("saved", True, f"{models.version} can be read")]
    try:
        models.contract.check(frames.types)
    except FeatureContractError as error:
        return [*findings, Finding("features", False, str(error))]
    count = len(models.contract.names)
    findings.append(Finding("features", True, f"{count} as learned, of the same types"))
    findings += [_freshness(models, frames)]
    if models.fitted:
        findings += _predictions(models, frames, scored.predictions)
        findings += _skill(models)
    return findings


def _freshness(models: ModelSet, frames: MartFrames) -> Finding:
    known = frames.labels["label_date"] < pd.Timestamp(frames.as_of)
    latest = frames.labels["trade_date"][known].max()
    through = models.trained_through
    if pd.isna(latest):
        return Finding("fresh", None, "there is no labelled day to learn from yet")
    is_fresh = through is not None and pd.Timestamp(through) >= latest
    return Finding(
        "fresh",
        is_fresh,
        f"learned through {through}, the last labelled day is {latest:%Y-%m-%d}",
    )


def _predictions(
    models: ModelSet, frames: MartFrames, written: pd.DataFrame
) -> list[Finding]:
    again = score_traders(models, frames, lambda _: (WATCH, None)).predictions
    champion = again[again["model"] == CHAMPION]
    keys = ["trader_id", "model"]
    both = written.merge(again, on=keys, suffixes=("_written", ""), how="outer")
    if (both["features_date_written"] < both["features_date"]).any():
        return [
            Finding("predictions", False, "were written before the last traded day")
        ]
    differing = sum(
        not np.allclose(
            both[f"{name}_written"].astype(float),
            both[name].astype(float),
            # Written figures are decimals of eight places, read as doubles.
            rtol=1e-12,
            atol=1e-8,
            equal_nan=True,
        )
        for name in _FIGURES
    )
    findings = [
        Finding(
            "reproducible",
            not differing,
            f"{len(written)} written predictions "
            + ("come out the same again" if not differing else "come out differently"),
        )
    ]
    spread = champion["predicted_pnl"].max() - champion["predicted_pnl"].min()
    if len(champion) >= _ALIKE_FROM:
        findings.append(
            Finding(
                "not constant",
                bool(spread >= 0.01),
                f"expected P&L of {len(champion)} traders differs by ${spread:,.0f}",
            )
        )
    return findings


def _skill(models: ModelSet) -> list[Finding]:
    findings = []
    for output, words in _WORDS.items():
        selected = models.selection.selected_model(output)
        text = (
            f"no significant improvement on the baselines: {selected} is selected"
            if is_baseline(output, selected)
            else f"{selected} is selected: significantly better than every baseline"
        )
        findings.append(Finding(words, None, text.replace("_", " ")))
    findings += [
        Finding(
            "skill",
            None,
            f"of {_WORDS[metric.target]}: log loss {metric.value:+.4f} "
            f"[{metric.low:+.4f}, {metric.high:+.4f}] better than the desk's constant "
            f"rate on {metric.rows_count} unseen days",
        )
        for metric in models.metrics
        if metric.metric == "log_loss_gain"
        and metric.model == CHAMPION
        and metric.target in ("loss", "breach")
        and metric.low is not None
    ]
    return [*findings, Finding("trust", None, trust_of(models.metrics))]
