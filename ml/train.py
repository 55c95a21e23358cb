"""Trains every model on all known outcomes, and says which of them are selected."""

import os
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ml.days import TraderDays
from ml.evaluation import Metric, Record, evaluate
from ml.features import FeatureContract
from ml.fitted import Fitted, fit_per_trader
from ml.forecasts import outlook
from ml.levels import limit_risk, risk_level
from ml.outputs import Predictions
from ml.policies import POLICIES, WATCH, PolicyEvidence, evidence
from ml.registry import Card, DamagedModelError, ModelSet, Window, forget
from ml.replay import Replay, replay
from ml.selection import CHAMPION, Selection, is_baseline, select_daily
from ml.store import MartFrames, Marts, open_marts, write_replay
from ml.tuning import Tuning
from ml.walk_forward import code_fingerprint, walk_forward
from runtime.home import Home
from runtime.settings import PolicyName, Settings
from runtime.transform.dbt import project_variables
from runtime.versions import code_commit

REFIT_DAYS = 14
# How far back the record reaches that models are selected by: a year to evaluate, and
# half a year before it, so that what is evaluated had been corrected itself.
RECORD_DAYS = 545
# A large desk says as much in fewer days.
RECORD_ROWS = 30_000
# Model sets that can still score.
KEPT_VERSIONS = 30
_REPLICATES = 100
_NOTHING = Replay(pd.DataFrame(), pd.DataFrame())


def train(settings: Settings, home: Home) -> str:
    """Train on every labelled day and save the models; a sentence for people."""
    marts = open_marts(home)
    tuning = Tuning.load(Home(settings.home_root).models)
    version = marts.version(tuning.before(marts.as_of))
    replaced = ""
    if os.path.lexists(home.models / version):
        try:
            ModelSet.check(home.models, version)
            return f"models of {version} are up to date"
        except DamagedModelError as error:
            replaced = f", in place of a damaged one ({error.reason})"
    models, replayed = train_models(
        marts, tuning, settings.threads, policy=settings.policy, kept=home.walk_forward
    )
    # First: a version that is saved is not trained again.
    write_replay(home, version, replayed)
    models.save(home.models)
    forget(home.models, KEPT_VERSIONS)
    if models.fitted is None:
        return f"{version}: too few labelled days to learn from{replaced}"
    return (
        f"{version}: a global model and {len(models.fitted.own)} per trader, learned "
        f"through {models.trained_through}{replaced}; "
        f"{_selected_text(models.selection)}"
    )


class Trained(NamedTuple):
    """Models, and what they would have forecast on past days."""

    models: ModelSet
    replayed: Replay


def train_models(
    marts: Marts | MartFrames,
    tuning: Tuning,
    threads: int,
    *,
    policy: PolicyName | None = None,
    kept: Path | None = None,
) -> Trained:
    """Train everything there is enough data for.

    Args:
        marts: What the marts hold.
        tuning: Settings of the trees.
        threads: Processor cores to use.
        policy: Which would have advised sizes on past days; None watches only.
        kept: Folder where predictions of past days are kept from run to run.
    """
    settings = tuning.before(marts.as_of)
    contract = FeatureContract.of(marts.types)
    days = marts.days(contract.names)
    known = days.known(np.datetime64(marts.as_of, "ns"))
    card = Card(
        version=marts.version(settings),
        as_of=marts.as_of,
        code_commit=code_commit(),
        code_fingerprint=code_fingerprint(),
        data_fingerprint=marts.fingerprint,
    )
    if not days.is_trainable(known):
        nothing = ModelSet(card, contract, settings, (), None, Selection(), (), ())
        return Trained(nothing, _NOTHING)
    last = _date(days.dates.max())
    rows, raw = walk_forward(
        days,
        tuning,
        first=record_begin(days, last),
        last=last,
        refit_days=REFIT_DAYS,
        threads=threads,
        kept=kept,
    )
    measured: tuple[Metric, ...] = ()
    selection = Selection()
    replayed = _NOTHING
    size_evidence: tuple[PolicyEvidence, ...] = ()
    if len(rows):
        made, selections, selection = select_daily(days, rows, raw)
        whole = record_of(days, rows, made, selections)
        replayed = replay(days, rows, made, whole.limit_risk, policy or WATCH)
        record = whole.part(~np.isnan(days.pnl[rows]))
        size_evidence = evidence(
            record.pnl, record.label_dates, record.traders, advised(record)
        )
        measured = tuple(
            evaluate(record, with_intervals=(CHAMPION,), replicates=_REPLICATES)
        )
    own = fit_per_trader(days, known, settings)
    fitted = Fitted.fit(days, known, settings, threads, own)
    windows = [
        Window.of(model, None, days, known)
        for model in ("global", "grouped", "reference")
    ] + [
        Window.of("per_trader", trader, days, known[places])
        for trader, places in days.by_trader(known).items()
        if trader in fitted.own
    ]
    models = ModelSet(
        card,
        contract,
        settings,
        tuple(windows),
        fitted,
        selection,
        size_evidence,
        measured,
    )
    return Trained(models, replayed)


def record_of(
    days: TraderDays,
    rows: np.ndarray,
    made: Predictions,
    selections: list[tuple[np.datetime64, Selection]],
) -> Record:
    """The predicted days with the desk's levels of each, as of its own morning.

    Args:
        made, selections: As `select_daily` gives them.
    """
    variables = project_variables()
    by_date = {date: selection.breach_levels for date, selection in selections}
    levels = np.array([by_date[date] for date in days.dates[rows]])
    return Record(
        days,
        rows,
        made,
        limit_risk(made["breach.champion"], levels, variables),
        risk_level(made["pnl.champion"] * days.scale[rows], variables),
    )


def advised(record: Record) -> dict[str, np.ndarray]:
    """Share of the usual size that each policy would have allowed, by policy."""
    seen = outlook(record.days, record.rows, record.made, record.limit_risk)
    variables = project_variables()
    return {name: policy(seen, variables) for name, policy in POLICIES.items()}


def record_begin(days: TraderDays, last: date) -> date:
    """Where the record begins that models are selected by."""
    begin = max(_date(days.dates.min()), last - timedelta(days=RECORD_DAYS))
    if len(days) <= RECORD_ROWS:
        return begin
    return max(begin, _date(np.sort(days.dates)[-RECORD_ROWS]))


def _selected_text(selection: Selection) -> str:
    models = {
        words: selection.selected_model(output)
        for output, words in (
            ("loss", "losses"), ("breach", "limits"), ("pnl", "P&L"),
            ("quantiles", "intervals"),
        )
        if not is_baseline(output, selection.selected_model(output))
    }  # fmt: skip
    if not models:
        return "no model is significantly better than the baselines, which are selected"
    return "selected: " + ", ".join(
        f"{model.replace('_', ' ')} for {words}" for words, model in models.items()
    )


def _date(value: np.datetime64) -> date:
    return pd.Timestamp(value).date()
