"""Predicts every trader's next session and writes it to schema `ml`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from ml.assignment import assigned, trial_name
from ml.contributions import contributions
from ml.days import TraderDays
from ml.desk_risk import Membership, desk_risk
from ml.drift import feature_drift
from ml.evaluation import NAMES
from ml.forecasts import outlook, prediction_frame
from ml.levels import limit_risk
from ml.outputs import Predictions
from ml.policies import POLICIES, proven
from ml.reasons import changes, limit_reason, reasons
from ml.registry import ModelSet
from ml.replay import desk_history
from ml.selection import CHAMPION, OUTPUTS
from ml.store import (
    MartFrames,
    Marts,
    Scores,
    confirm_scores,
    is_scored,
    open_marts,
    read_membership,
    read_phrases,
    read_replayed,
    read_told_desk_risk,
    read_trial,
    write_scores,
)
from ml.trial import compare
from ml.tuning import Tuning
from ml.walk_forward import code_fingerprint
from runtime.build_chain import SCORE
from runtime.home import Home
from runtime.settings import Settings
from runtime.transform.dbt import project_variables
from runtime.unchanged import remember, unchanged

_CONSIDERED = ("own_model", "global_model", "too_little_history")


def score(settings: Settings, home: Home, build_id: str) -> str:
    """Write the predictions of today's models; a sentence for people.

    Args:
        build_id: Of the build that made the marts.
    """
    marts = open_marts(home)
    tuning = Tuning.load(Home(settings.home_root).models)
    version = settings.model_version or marts.version(tuning.before(marts.as_of))
    of = (
        version,
        code_fingerprint(),
        f"{settings.policy} {settings.trial_policy} {settings.trial_unit}",
    )
    if same := unchanged(home, SCORE, *of):
        # What was made of it stands, but whoever asks about it must hear of damage.
        ModelSet.check(home.models, version)
        return same
    models = ModelSet.load(home.models, version)
    under = partial(
        assigned,
        day=marts.prediction_date,
        live=settings.policy or proven(models.policy_evidence),
        trial=settings.trial_policy,
        unit=settings.trial_unit,
    )
    models.contract.check(marts.types)
    scores = score_traders(models, marts, under, read_phrases(home))
    scores = replace(scores, policy_comparison=_compared(settings, home, marts))
    scores = _with_desk(scores, home, marts)
    fingerprint = scores.fingerprint(version)
    if is_scored(home, marts.prediction_date, fingerprint):
        confirm_scores(home, build_id)
        message = f"predictions for {marts.prediction_date} are up to date"
    else:
        write_scores(home, models, marts, scores, build_id)
        predicted = scores.roster["model"].notna().sum()
        message = (
            f"{predicted} of {len(scores.roster)} traders predicted for "
            f"{marts.prediction_date}, {len(scores.roster) - predicted} unknown"
        )
    remember(home, SCORE, [], message, *of)
    return message


def _compared(settings: Settings, home: Home, marts: Marts) -> pd.DataFrame:
    if settings.trial_policy is None or settings.policy is None:
        return pd.DataFrame()
    name = trial_name(settings.policy, settings.trial_policy, settings.trial_unit)
    return compare(
        read_trial(home, name),
        marts.as_of,
        policy=settings.trial_policy,
        other=settings.policy,
        unit=settings.trial_unit,
    )


def _with_desk(scores: Scores, home: Home, marts: Marts) -> Scores:
    """What the desk's own past says of today's forecasts taken together."""
    replayed = read_replayed(home)
    if not len(scores.predictions) or not len(replayed):
        return scores
    days = marts.days(())
    forecasts = scores.predictions.query("model == @CHAMPION")[
        ["trader_id", "features_date", "predicted_pnl"]
    ]
    scales = pd.DataFrame(
        {
            "trader_id": days.traders,
            "features_date": days.dates,
            "scale": days.scale,
        }
    )
    forecasts = forecasts.merge(scales, on=["trader_id", "features_date"])
    history = desk_history(replayed, days)
    today = history.scenarios(forecasts)
    return replace(
        scores,
        desk_predictions=pd.DataFrame([today.outlook()]),
        desk=desk_risk(
            history,
            today,
            Membership(read_membership(home)),
            np.datetime64(marts.prediction_date, "ns"),
            read_told_desk_risk(home, marts.prediction_date),
        ),
    )


def score_traders(
    models: ModelSet,
    marts: Marts | MartFrames,
    under: Callable[[str], tuple[str, str | None]],
    phrases: Mapping[str, str] = MappingProxyType({}),
) -> Scores:
    """What every model predicts for every trader it can, and what follows.

    Traders are read and scored a part at a time: what that takes of memory does not
    grow with their number.

    Args:
        models: Today's, or older ones.
        marts: What the marts hold.
        under: Policy of a trader that day, and the trial that put them there.
        phrases: How reasons say a feature's value; without, features go by their names.
    """
    parts = [_score_part(models, part, under, phrases) for part in marts.parts()]
    predictions, roster, advice = (
        pd.concat(frames, ignore_index=True) for frames in zip(*parts, strict=True)
    )
    empty = pd.DataFrame()
    if not len(predictions):
        return Scores(empty, roster, empty, empty, empty, empty)
    days = marts.days(())
    known = days.known(np.datetime64(marts.as_of, "ns"))
    return Scores(
        _in_order(predictions, "model", NAMES),
        roster,
        _in_order(advice, "policy", POLICIES),
        feature_drift(days, known, marts.columns(models.contract.names)),
        empty,
        empty,
    )


class _Part(NamedTuple):
    predictions: pd.DataFrame
    roster: pd.DataFrame
    advice: pd.DataFrame


def _score_part(
    models: ModelSet,
    frames: MartFrames,
    under: Callable[[str], tuple[str, str | None]],
    phrases: Mapping[str, str],
) -> _Part:
    roster = frames.traders[frames.traders["forecast_basis"].isin(_CONSIDERED)]
    predictable = roster[roster["forecast_basis"] != "too_little_history"]["trader_id"]
    days = frames.days(models.contract.names)
    rows = _latest_rows(days, set(predictable) if models.fitted else set())
    traders = days.traders[rows]
    roster = roster.assign(
        model=pd.Series(CHAMPION, roster.index).where(
            roster["trader_id"].isin(set(traders)), None
        )
    )
    if not len(rows):
        return _Part(pd.DataFrame(), roster, pd.DataFrame())
    made = _predicted(models, days, rows)
    levels = np.tile(models.selection.breach_levels, (len(rows), 1))
    level = limit_risk(made["breach.champion"], levels, project_variables())
    frames_of = [prediction_frame(model, days, rows, made) for model in NAMES]
    predictions = pd.concat(frames_of, ignore_index=True)
    is_champion = predictions["model"] == CHAMPION
    predictions.loc[is_champion, ["reasons", "change_reasons"]] = _explained(
        models, days, rows, made["pnl.champion"], phrases
    )
    predictions.loc[is_champion, "limit_risk"] = level
    predictions.loc[is_champion, "limit_reason"] = _limit_reasons(days, rows, made)
    for output in OUTPUTS:
        selected = models.selection.selected_model(output)
        predictions.loc[is_champion, f"{output}_model"] = selected
    return _Part(predictions, roster, _advice(days, rows, made, level, under))


def _in_order(frame: pd.DataFrame, column: str, names: Iterable[str]) -> pd.DataFrame:
    """Rows of each name together, in the order they have among themselves."""
    places = {name: place for place, name in enumerate(names)}
    return frame.sort_values(
        column, key=lambda values: values.map(places), kind="stable", ignore_index=True
    )


def _predicted(models: ModelSet, days: TraderDays, rows: np.ndarray) -> Predictions:
    assert models.fitted is not None, "without models no rows are predicted"
    return models.selection.apply(models.fitted.predict(days, rows))


def _limit_reasons(days: TraderDays, rows: np.ndarray, made: Predictions) -> list[str]:
    each = zip(
        made["realised_loss.reference"],
        np.exp(made["usual_loss.reference"]),
        made["breach.reference"],
        made["breach.champion"],
        days.limit[rows],
        strict=True,
    )
    return [limit_reason(*one) for one in each]


def _advice(
    days: TraderDays,
    rows: np.ndarray,
    made: Predictions,
    level: np.ndarray,
    under: Callable[[str], tuple[str, str | None]],
) -> pd.DataFrame:
    seen, variables = outlook(days, rows, made, level), project_variables()
    policies = [under(trader) for trader in days.traders[rows]]
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "trader_id": days.traders[rows],
                    "policy": name,
                    "position_multiplier": policy(seen, variables),
                    "is_live": [name == live for live, _ in policies],
                    "is_trial": [trial is not None for _, trial in policies],
                    "trial": [trial for _, trial in policies],
                }
            )
            for name, policy in POLICIES.items()
        ],
        ignore_index=True,
    )


def _explained(
    models: ModelSet,
    days: TraderDays,
    rows: np.ndarray,
    predicted: np.ndarray,
    phrases: Mapping[str, str],
) -> np.ndarray:
    """Reasons of each forecast, and what changed since the traded day before it."""
    fitted, selection = models.fitted, models.selection
    assert fitted is not None, "without models no rows are predicted"
    names = models.contract.names
    before = rows - 1
    has_before = (rows > 0) & (days.traders[before] == days.traders[rows])
    before = np.where(has_before, before, rows)
    parts = contributions(fitted, selection, days, rows, names)
    parts_before = contributions(fitted, selection, days, before, names)
    predicted_before = _predicted(models, days, before)["pnl.champion"]
    explained = []
    for number, row in enumerate(rows):
        scale, values = days.scale[row], days.features[row]
        dollars = predicted[number] * scale
        explained.append(
            (
                reasons(names, values, parts[number] * scale, dollars, phrases),
                changes(
                    names,
                    values,
                    (parts[number] - parts_before[number]) * scale,
                    dollars,
                    predicted_before[number] * scale,
                    phrases,
                )
                if has_before[number]
                else None,
            )
        )
    return np.array(explained, dtype=object)


def _latest_rows(days: TraderDays, traders: set[str]) -> np.ndarray:
    """The last day of each of these traders."""
    is_last = np.r_[days.traders[1:] != days.traders[:-1], True][: len(days)]
    chosen = np.array([trader in traders for trader in days.traders], dtype=bool)
    return np.flatnonzero(is_last & chosen)
