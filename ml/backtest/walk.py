"""Walks through the past: what each model and policy would have been worth."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd

from ml.days import TraderDays
from ml.evaluation import NAMES, Metric, Record, evaluate
from ml.features import FeatureContract
from ml.forecasts import prediction_frame
from ml.metrics import auc, auc_within
from ml.outputs import Predictions, key
from ml.permutation import Null, nulls
from ml.policies import effects, evidence, proven
from ml.selection import OUTPUTS, Selection, select_daily
from ml.store import MartFrames
from ml.train import REFIT_DAYS, advised, record_of
from ml.tuning import Tuning
from ml.walk_forward import walk_forward
from runtime.errors import UserError
from runtime.settings import by_comma


@dataclass(frozen=True)
class Window:
    """What is evaluated; everything before it may be learned from.

    Attributes:
        first: First feature date; None for the first there is.
        last: Last feature date; None for the last that has an outcome.
        accounts: Patterns as a shell has them, by comma, of traders or their accounts.
        after_days: Traded days of each trader's first ones that are not evaluated: a
            limit that comes from them was not known then.
        refit_days: Days between two refits of the baselines; of trees as `walk_forward`
            has it.
    """

    first: date | None = None
    last: date | None = None
    accounts: str = "*"
    after_days: int = 0
    refit_days: int = REFIT_DAYS


@dataclass(frozen=True)
class Backtest:
    """What came of a walk through the past.

    Attributes:
        window: What was asked for.
        record: The evaluated days.
        metrics: Of every model and baseline.
        multipliers: By policy, share of the usual size on each evaluated day.
        policies: Columns of ml.backtest_policies.
        proven_policy: The policy that the evaluated days support.
        nulls: By target, AUC within a trader that days in any other order would give.
        predictions: Columns of ml.backtest_predictions.
        selected_counts: By output, days on which each model or baseline was selected.
        attainable: On sample data, by target, what knowing each day's true expectation
            reaches.
    """

    window: Window
    record: Record
    metrics: tuple[Metric, ...]
    multipliers: dict[str, np.ndarray]
    policies: pd.DataFrame
    proven_policy: str
    nulls: dict[str, Null]
    predictions: pd.DataFrame
    selected_counts: dict[str, dict[str, int]]
    attainable: dict[str, dict[str, float | None]] | None


def run(
    frames: MartFrames,
    tuning: Tuning,
    window: Window,
    *,
    threads: int,
    kept: Path | None = None,
    accounts: pd.DataFrame | None = None,
    expected: Path | None = None,
) -> Backtest:
    """Predict every day as of its own morning, and evaluate those of the window.

    The walk begins with the first day there is, so that what is selected on the
    window's first morning rests on what was known then.

    Args:
        frames: What the marts hold.
        tuning: Settings of the trees.
        window: What is evaluated.
        threads: Processor cores to use.
        kept: Folder where predictions of past days are kept from run to run.
        accounts: trader_id and account_id; None where only traders are matched.
        expected: The sample firm's true expectations; may be missing.

    Raises:
        UserError: Nothing can be evaluated in the window.
    """
    contract = FeatureContract.of(frames.types)
    days = frames.days(contract.names)
    if not len(days):
        raise UserError("There is no traded day to look back on. Run `make daily`.")
    rows, raw = walk_forward(
        days,
        tuning,
        first=pd.Timestamp(days.dates.min()).date(),
        last=window.last or pd.Timestamp(days.dates.max()).date(),
        refit_days=window.refit_days,
        threads=threads,
        kept=kept,
    )
    mask = _is_evaluated(days, rows, window, accounts)
    if not mask.any():
        raise UserError(
            f"No day from {window.first or 'the first'} to {window.last or 'the last'} "
            f"of {window.accounts} can be evaluated: it takes 30 outcomes before it to "
            "learn from, and a later traded day. Set FROM, TO or ACCOUNTS otherwise."
        )
    made, selections, _ = select_daily(days, rows, raw)
    record = record_of(days, rows, made, selections).part(mask)
    multipliers = advised(record)
    return Backtest(
        window=window,
        record=record,
        metrics=tuple(evaluate(record)),
        multipliers=multipliers,
        policies=_policies(record, multipliers),
        proven_policy=proven(
            evidence(record.pnl, record.label_dates, record.traders, multipliers)
        ),
        nulls=nulls(days, record.rows),
        predictions=_predictions(days, record.rows, record.made),
        selected_counts=_selected_counts(record, selections),
        attainable=_attainable(record, expected, accounts),
    )


def _is_evaluated(
    days: TraderDays, rows: np.ndarray, window: Window, accounts: pd.DataFrame | None
) -> np.ndarray:
    if not len(rows):
        return np.zeros(0, dtype=bool)
    patterns = by_comma(window.accounts)
    names = {trader: {trader} for trader in set(days.traders[rows])}
    if accounts is not None:
        for trader, account in accounts[["trader_id", "account_id"]].itertuples(
            index=False
        ):
            names.setdefault(trader, set()).add(account)
    chosen = {
        trader
        for trader, aliases in names.items()
        if any(fnmatch(name, pattern) for name in aliases for pattern in patterns)
    }
    # A row's outcome is that of the day after it.
    mask = ~np.isnan(days.pnl[rows]) & (days.number[rows] >= window.after_days)
    mask &= np.array([trader in chosen for trader in days.traders[rows]])
    if window.first:
        mask &= days.dates[rows] >= np.datetime64(window.first)
    return mask


def _policies(record: Record, multipliers: dict[str, np.ndarray]) -> pd.DataFrame:
    found = [
        (name, *figure)
        for name, multiplier in multipliers.items()
        for figure in effects(
            record.pnl, record.label_dates, record.traders, multiplier
        )
    ]
    columns = ["policy", "metric", "metric_value", "value_low", "value_high"]
    return pd.DataFrame(found, columns=columns).assign(rows_count=len(record))


def _predictions(days: TraderDays, rows: np.ndarray, made: Predictions) -> pd.DataFrame:
    return pd.concat(
        [
            prediction_frame(model, days, rows, made).assign(
                label_date=days.label_dates[rows], actual_net_pnl=days.pnl[rows]
            )
            for model in NAMES
        ],
        ignore_index=True,
    )


def _selected_counts(
    record: Record, selections: list[tuple[np.datetime64, Selection]]
) -> dict[str, dict[str, int]]:
    by_date = dict(selections)
    return {
        output: dict(
            Counter(
                by_date[date].selected_model(output) for date in record.dates
            ).most_common()
        )
        for output in OUTPUTS
    }


def _attainable(
    record: Record, expected: Path | None, accounts: pd.DataFrame | None
) -> dict[str, dict[str, float | None]] | None:
    """What the sample's generator, who knows each day's expectation, would reach.

    Returns:
        By target (loss, breach): n, auc, auc_within_trader, champion_auc and
        share_of_attainable_auc.
    """
    if expected is None or accounts is None or not expected.exists():
        return None
    truth = pd.read_csv(expected, parse_dates=["trade_date"])
    # An account's code is the first word of its name.
    truth["account_id"] = truth["account_name"].str.split().str[0]
    truth = truth.merge(accounts, on="account_id")
    by_day = truth.groupby(["trader_id", "trade_date"])["expected_pnl"].sum()
    keys = pd.MultiIndex.from_arrays([record.traders, record.label_dates])
    known = by_day.reindex(keys).to_numpy()
    mask = ~np.isnan(known)
    if not mask.any():
        return None
    part = record.part(mask)
    # A day breaches the limit the sooner, the less of a usual day's width lies between.
    order = {
        "loss": -known[mask] / part.scale,
        "breach": -(known[mask] + part.days.limit[part.rows]) / part.scale,
    }
    return {target: _reached(part, target, best) for target, best in order.items()}


def _reached(part: Record, target: str, best: np.ndarray) -> dict[str, float | None]:
    is_event = part.is_event(target)
    highest = float(auc(is_event, best))
    reached = float(auc(is_event, part.made[key(target, "champion")]))
    return {
        "n": len(part),
        "auc": highest,
        "auc_within_trader": float(auc_within(is_event, best, part.traders)),
        "champion_auc": reached,
        "share_of_attainable_auc": (reached - 0.5) / (highest - 0.5)
        if highest > 0.5
        else None,
    }
