"""Predictions of past days, each by models that had seen nothing of what came after."""

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ml.boosting import Boosters, ModelSettings
from ml.days import TraderDays
from ml.fitted import Fitted, Predictions, fit_per_trader
from ml.tuning import Tuning
from runtime.files import write_atomic
from runtime.transform.dbt import project_variables

# Refits fall on the same dates whatever day it is run on: a Monday, and every so many
# days from it.
_ANCHOR = np.datetime64("2000-01-03", "ns")
# A trader's own model changes little in two weeks: it is refitted every fourth time.
_OWN_REFITS = 4
_BLOCK_ROWS = 100_000


def refit_dates(first: date, last: date, refit_days: int) -> list[np.datetime64]:
    """The mornings between two dates at which models are refitted.

    The first is the last one at or before `first`.
    """
    step = np.timedelta64(refit_days, "D")
    begin = (np.datetime64(first, "ns") - _ANCHOR) // step
    end = (np.datetime64(last, "ns") - _ANCHOR) // step
    return [_ANCHOR + number * step for number in range(begin, end + 1)]


def walk_forward(
    days: TraderDays,
    tuning: Tuning,
    *,
    first: date,
    last: date,
    refit_days: int,
    threads: int,
    kept: Path | None = None,
) -> tuple[np.ndarray, Predictions]:
    """Predict every day from `first` to `last` as if it was then.

    Models are refitted every `refit_days`, on the outcomes known that morning (a
    trader's own every fourth time); a day is predicted by the latest of them. Baselines
    and features are as of the day itself.

    Args:
        days: All days there are; the outcome of a predicted day is not looked at.
        tuning: Settings of the trees, as they were known at each refit.
        first: Where to begin: with the refit at or before it.
        kept: Folder where each window between two refits is kept, under a name that
            changes with whatever it rests on; None keeps nothing.

    Returns:
        Numbers of the rows predicted, in order of date, and their predictions. Days
        before there was enough to learn from are left out.
    """
    step = np.timedelta64(refit_days, "D")
    is_wanted = days.dates <= np.datetime64(last, "ns")
    found_rows, found = [], []
    per_trader: dict[np.datetime64, Mapping[str, Boosters]] = {}
    for morning in refit_dates(first, last, refit_days):
        rows = np.flatnonzero(
            (days.dates >= morning) & (days.dates < morning + step) & is_wanted
        )
        known = days.known(morning)
        if not len(rows) or not days.is_trainable(known):
            continue
        rows = rows[np.argsort(days.dates[rows], kind="stable")]
        window = RefitWindow(
            days,
            morning,
            _own_morning(morning, step),
            known,
            rows,
            tuning,
            threads,
            per_trader,
        )
        found_rows.append(rows)
        found.append(window.predictions(kept) if kept else window.predict())
    if not found:
        return np.array([], dtype=int), {}
    return np.concatenate(found_rows), {
        name: np.concatenate([one[name] for one in found]) for name in found[0]
    }


def _own_morning(morning: np.datetime64, step: np.timedelta64) -> np.datetime64:
    return _ANCHOR + (morning - _ANCHOR) // (_OWN_REFITS * step) * (_OWN_REFITS * step)


@dataclass(frozen=True)
class RefitWindow:
    """The days between two refits, and what was known at the first of them.

    Attributes:
        own_morning: When the traders' own models were refitted last.
        per_trader: Traders' own models, by that morning: those of other windows, too.
    """

    days: TraderDays
    morning: np.datetime64
    own_morning: np.datetime64
    known: np.ndarray
    rows: np.ndarray
    tuning: Tuning
    threads: int
    per_trader: dict[np.datetime64, Mapping[str, Boosters]]

    def settings(self, morning: np.datetime64) -> ModelSettings:
        """Settings of the trees as they were known on a morning."""
        return self.tuning.before(date.fromisoformat(str(morning)[:10]))

    def fit(self) -> Fitted:
        """The models of this window, learned from what was known at its first day."""
        own_morning = self.own_morning
        if own_morning not in self.per_trader:
            self.per_trader[own_morning] = fit_per_trader(
                self.days, self.days.known(own_morning), self.settings(own_morning)
            )
        settings, own = self.settings(self.morning), self.per_trader[own_morning]
        return Fitted.fit(self.days, self.known, settings, self.threads, own)

    def predict(self) -> Predictions:
        """Predictions of the window's days, made anew."""
        return self.fit().predict(self.days, self.rows)

    def predictions(self, folder: Path) -> Predictions:
        """As kept, if nothing that they rest on has changed since; else made and kept.

        Models are kept too: tomorrow the same ones predict a day more.
        """
        begin = str(self.morning)[:10]
        learned = self._fingerprint(self.days.dates < self.morning)
        seen = self._fingerprint(self.days.dates <= self.days.dates[self.rows[-1]])
        said = folder / f"{begin}-said-{learned}-{seen}.pickle"
        predictions = _read(said)
        if predictions is not None:
            return predictions
        models = folder / f"{begin}-models-{learned}.pickle"
        fitted = _read(models)
        if fitted is None:
            fitted = self.fit()
            # Only the latest window still grows.
            for outdated in folder.glob("*-models-*.pickle"):
                outdated.unlink()
            write_atomic(models, pickle.dumps(fitted))
        for outdated in folder.glob(f"{begin}-said-*.pickle"):
            outdated.unlink()
        predictions = fitted.predict(self.days, self.rows)
        write_atomic(said, pickle.dumps(predictions))
        return predictions

    def _fingerprint(self, seen: np.ndarray) -> str:
        """Of code, settings, the days seen, and the outcomes known at the refit."""
        days = self.days
        digest = hashlib.sha256(code_fingerprint().encode())
        # Of the desk's variables the one that `fit_per_trader` reads.
        least = project_variables()["own_model_above_traded_days"]
        digest.update(repr(least).encode())
        for morning in (self.morning, self.own_morning):
            digest.update(repr(self.settings(morning)).encode())
        digest.update(",".join(days.traders[seen]).encode())
        chosen = np.flatnonzero(seen)
        for values in (days.dates, days.features, days.scale, *days.record.values()):
            # In blocks: a copy of the matrix may not fit into memory.
            for block in np.array_split(chosen, len(chosen) // _BLOCK_ROWS + 1):
                digest.update(np.ascontiguousarray(values[block]).tobytes())
        is_known = days.label_dates[seen] < self.morning
        digest.update(is_known.tobytes())
        digest.update(days.pnl[seen][is_known].tobytes())
        return digest.hexdigest()[:16]


def _read(file: Path) -> Any:
    """What a file holds; None where it is not there, or damaged."""
    try:
        return pickle.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except Exception:  # noqa: BLE001 - a damaged pickle may raise anything
        file.unlink()
        return None


@cache
def code_fingerprint() -> str:
    """Names the code and libraries that predictions rest on."""
    from importlib import metadata

    digest = hashlib.sha256()
    for library in ("lightgbm", "numpy", "scikit-learn", "scipy"):
        digest.update(metadata.version(library).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
