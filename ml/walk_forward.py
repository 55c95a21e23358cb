"""Predictions of past days, each by models that had seen nothing of what came after."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from io import BytesIO
from math import log
from pathlib import Path
from typing import TypeVar

import numpy as np

from ml.baselines import Baselines
from ml.boosting import Boosters, ModelSettings
from ml.days import TraderDays
from ml.fitted import Fitted, Shared, fit_per_trader
from ml.fitted_files import from_files, to_files
from ml.outputs import Predictions
from ml.tuning import Tuning
from runtime.logs import detail_log
from runtime.sealed_folder import DamagedError, read_sealed, remove, write_sealed
from runtime.terminal import progress_bar
from runtime.transform.dbt import project_variables
from runtime.versions import code_digest

# Refits fall on the same dates whatever day it is run on: a Monday, and every so many
# days from it.
_ANCHOR = np.datetime64("2000-01-03", "ns")
# Trees change little and take the longest: those of all traders are refitted every
# second time, or when the outcomes known have passed a rung of a ladder, each a fifth
# above the last; a trader's own every fourth time.
_RUNG, _SHARED_REFITS, _OWN_REFITS = 1.2, 2, 4
_NEXT = np.timedelta64(1, "ns")
_Held = TypeVar("_Held", Fitted, Predictions)
_CARD, _ARRAYS = "models.json", "predictions.npz"
_NPZ = ("names", "widths", "values")


def refit_dates(first: date, last: date, refit_days: int) -> list[np.datetime64]:
    """The mornings between two dates at which models are refitted.

    The first is the last one at or before `first`.
    """
    step = np.timedelta64(refit_days, "D")
    begin = (np.datetime64(first, "ns") - _ANCHOR) // step
    end = (np.datetime64(last, "ns") - _ANCHOR) // step
    return [_ANCHOR + number * step for number in range(begin, end + 1)]


def shared_refits(
    days: TraderDays, mornings: list[np.datetime64], refit_days: int
) -> list[np.datetime64]:
    """When the models of all traders were refitted last, by each of some mornings.

    On every second of those of `refit_dates`, and on the others by which the outcomes
    known have passed a rung of a ladder, each a fifth above the last. Nor can they be
    older than there is enough to learn from.
    """
    step = np.timedelta64(refit_days, "D")
    known_at = np.sort(days.label_dates)

    def rung(morning: np.datetime64) -> int:
        return int(log(max(1, int(np.searchsorted(known_at, morning))), _RUNG))

    return [
        morning
        if (morning - _ANCHOR) // step % _SHARED_REFITS == 0
        or rung(morning) > rung(morning - step)
        or not days.is_trainable(days.known(morning - step))
        else morning - step
        for morning in mornings
    ]


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

    Baselines are refitted every `refit_days`, on the outcomes known that morning, the
    trees of all traders on the mornings of `shared_refits` and a trader's own every
    fourth time; a day is predicted by the latest of them. Features are as of the day
    itself.

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
    if kept:
        # Of earlier versions. To read one is to do whatever it says.
        _forget(kept, "*.pickle*")
    step = np.timedelta64(refit_days, "D")
    is_wanted = days.dates <= np.datetime64(last, "ns")
    by_date = digests_by_date(days) if kept else {}
    found_rows, found = [], []
    shared: dict[np.datetime64, Shared] = {}
    per_trader: dict[np.datetime64, Mapping[str, Boosters]] = {}
    own_step = _OWN_REFITS * step
    mornings = refit_dates(first, last, refit_days)
    shared_mornings = shared_refits(days, mornings, refit_days)
    with progress_bar(mornings, _training) as shown:
        for morning, shared_morning in zip(shown, shared_mornings, strict=True):
            rows = np.flatnonzero(
                (days.dates >= morning) & (days.dates < morning + step) & is_wanted
            )
            known = days.known(morning)
            if not len(rows) or not days.is_trainable(known):
                continue
            rows = rows[np.argsort(days.dates[rows], kind="stable")]
            own_morning = _ANCHOR + (morning - _ANCHOR) // own_step * own_step
            window = RefitWindow(
                days,
                morning,
                morning + step,
                shared_morning,
                own_morning,
                own_morning + own_step,
                known,
                rows,
                tuning,
                threads,
                shared,
                per_trader,
                by_date,
            )
            found_rows.append(rows)
            found.append(window.predictions(kept) if kept else window.predict())
    if not found:
        return np.array([], dtype=int), {}
    return np.concatenate(found_rows), {
        name: np.concatenate([one[name] for one in found]) for name in found[0]
    }


def _training(morning: np.datetime64) -> str:
    return f"Training as of {str(morning)[:10]}"


@dataclass(frozen=True)
class RefitWindow:
    """The days between two refits, and what was known at the first of them.

    Attributes:
        end: The second of them.
        shared_morning: When the models of all traders were refitted last.
        own_morning, own_end: When the traders' own models were refitted last, and are
            next.
        shared, per_trader: Models of all traders, and traders' own, by the morning they
            were refitted: the latest of any window.
        by_date: Digest of each date's days; of nothing where nothing is kept.
    """

    days: TraderDays
    morning: np.datetime64
    end: np.datetime64
    shared_morning: np.datetime64
    own_morning: np.datetime64
    own_end: np.datetime64
    known: np.ndarray
    rows: np.ndarray
    tuning: Tuning
    threads: int
    shared: dict[np.datetime64, Shared]
    per_trader: dict[np.datetime64, Mapping[str, Boosters]]
    by_date: Mapping[np.datetime64, bytes]

    def settings(self, morning: np.datetime64) -> ModelSettings:
        """Settings of the trees as they were known on a morning."""
        return self.tuning.before(date.fromisoformat(str(morning)[:10]))

    def fit(self) -> Fitted:
        """Baselines, learned from what was known at the window's first day, and the
        models that were refitted last by then."""
        days, morning, own_morning = self.days, self.shared_morning, self.own_morning
        # Windows come in order: no later one goes back to earlier models.
        if own_morning not in self.per_trader:
            self.per_trader.clear()
            self.per_trader[own_morning] = fit_per_trader(
                days, self._own_known(), self.settings(own_morning)
            )
        baselines = Baselines.fit(days, self.known)
        if morning not in self.shared:
            self.shared.clear()
            known, then = self.known, baselines
            if morning != self.morning:
                known = days.known(morning)
                then = Baselines.fit(days, known)
            settings = self.settings(morning).shared
            self.shared[morning] = Shared.fit(days, known, then, settings, self.threads)
        return Fitted(baselines, *self.shared[morning], self.per_trader[own_morning])

    def _own_known(self) -> np.ndarray:
        """What traders' own models learn from: the days of who trades until the next.

        Everybody's while who does is yet to be seen.
        """
        days = self.days
        known = days.known(self.own_morning)
        if self.own_end > days.dates.max():
            return known
        is_then = (days.dates >= self.own_morning) & (days.dates < self.own_end)
        return known[np.isin(days.trader_number[known], days.trader_number[is_then])]

    def predict(self) -> Predictions:
        """Predictions of the window's days, made anew."""
        return self.fit().predict(self.days, self.rows)

    def predictions(self, folder: Path) -> Predictions:
        """As kept, if nothing that they rest on has changed since; else made and kept.

        Models of the latest are kept too: tomorrow the same ones predict a day more.
        """
        begin = str(self.morning)[:10]
        nothing = self.rows[:0]
        learned = self._fingerprint(self.morning - _NEXT, nothing)
        seen = self._fingerprint(self.days.dates[self.rows[-1]], self.rows)
        said = folder / f"{begin}-said-{learned}-{seen}"
        predictions = _kept(said, self._predictions_in)
        if predictions is not None:
            return predictions
        models = folder / f"{begin}-models-{learned}"
        fitted = _kept(models, _fitted_in)
        if fitted is None:
            fitted = self.fit()
            if self.end > self.days.dates.max():
                _forget(folder, "*-models-*")
                card, files = to_files(fitted)
                write_sealed(models, {_CARD: json.dumps(card).encode(), **files})
        _forget(folder, f"{begin}-said-*")
        predictions = fitted.predict(self.days, self.rows)
        write_sealed(said, {_ARRAYS: _as_npz(predictions)})
        return predictions

    def _predictions_in(self, files: Mapping[str, bytes]) -> Predictions:
        """Of each of the window's days; of others they are an error."""
        with np.load(BytesIO(files[_ARRAYS]), allow_pickle=False) as arrays:
            names, widths, values = (arrays[name] for name in _NPZ)
        if not len(names) or len(values) != len(self.rows):
            raise ValueError("of other days")
        parts = np.split(values, np.cumsum(widths)[:-1], axis=1)
        return {
            str(name): part[:, 0].copy() if width == 1 else part
            for name, width, part in zip(names, widths, parts, strict=True)
        }

    def _fingerprint(self, through: np.datetime64, predicted: np.ndarray) -> str:
        """Of code, settings, the days up to a date, the outcomes known at the refit.

        Args:
            predicted: Numbers of the rows whose limit and group count as well.
        """
        days = self.days
        digest = hashlib.sha256(code_fingerprint().encode())
        # Of the desk's variables the one that `fit_per_trader` reads.
        least = project_variables()["own_model_above_traded_days"]
        digest.update(repr(least).encode())
        for morning in (self.shared_morning, self.own_morning):
            digest.update(f"{morning} {self.settings(morning)!r}".encode())
        for day, seen in self.by_date.items():
            if day <= through:
                digest.update(seen)
        for values in (days.label_dates, days.pnl, days.next_gross):
            digest.update(values[self.known].tobytes())
        for rows in (self.known, predicted):
            for values in (days.dates, days.limit):
                digest.update(values[rows].tobytes())
            digest.update(",".join(days.groups[rows]).encode())
        return digest.hexdigest()[:16]


def digests_by_date(days: TraderDays) -> dict[np.datetime64, bytes]:
    """Of each date, in order, a digest of all that its close makes known."""
    order = np.argsort(days.dates, kind="stable")
    found = {}
    for rows in np.split(order, np.flatnonzero(np.diff(days.dates[order])) + 1):
        digest = hashlib.sha256(",".join(days.traders[rows]).encode())
        for exact in (days.dates, days.net, days.gross):
            digest.update(exact[rows].tobytes())
        for values in (days.features, days.scale, *days.record.values()):
            digest.update(_seven_digits(values[rows]).tobytes())
        found[days.dates[rows[0]]] = digest.digest()
    return found


def _seven_digits(values: np.ndarray) -> np.ndarray:
    """Values without their last bits, which change with rows that say nothing of them.

    DuckDB adds up a window's doubles in parts that begin elsewhere once other traders
    have had another day.
    """
    # First to seven digits, then to seven places: what is left of zero is zero.
    return np.round(values.astype(np.float32), 7) + np.float32(0.0)


def _kept(folder: Path, read: Callable[[Mapping[str, bytes]], _Held]) -> _Held | None:
    """What a folder holds; None where it is not there, or not as it was written."""
    if not os.path.lexists(folder):
        return None
    try:
        return read(read_sealed(folder))
    except DamagedError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - whole, but nothing that we wrote
        reason = type(error).__name__
    detail_log.warning("%s is damaged (%s): it is made anew", folder, reason)
    remove(folder)
    return None


def _fitted_in(files: Mapping[str, bytes]) -> Fitted:
    return from_files(json.loads(files[_CARD]), files)


def _as_npz(predictions: Predictions) -> bytes:
    # One array: forty for each window take longer to read than to make something of.
    columns = [values.reshape(len(values), -1) for values in predictions.values()]
    widths = np.array([one.shape[1] for one in columns])
    arrays = (np.array(list(predictions)), widths, np.hstack(columns))
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **dict(zip(_NPZ, arrays, strict=True)))
    return buffer.getvalue()


def _forget(folder: Path, pattern: str) -> None:
    for outdated in folder.glob(pattern):
        remove(outdated)


@cache
def code_fingerprint() -> str:
    """Names the code and libraries that predictions rest on."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return code_digest(files, "lightgbm", "numpy", "scipy")
