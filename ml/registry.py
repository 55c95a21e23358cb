"""Trained models on disk: one folder per version, with a card that describes it."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from ml.baselines import LINEAR_PARAMETERS, Baselines
from ml.boosting import SEED, Boosters, ModelSettings, import_lightgbm
from ml.days import TraderDays
from ml.evaluation import Metric
from ml.features import FeatureContract
from ml.fitted import Fitted
from ml.selection import Selection
from runtime.errors import UserError

CARD = "card.json"


@dataclass(frozen=True)
class Card:
    """What a model set was made from.

    Attributes:
        version: Date and fingerprint of the run.
        as_of: The morning it was trained for.
        code_commit: Of the code, where it lies in a git checkout.
        code_fingerprint: Of code and libraries.
        data_fingerprint: Of features, labels, limits and traders.
        seed: Of every random choice.
    """

    version: str
    as_of: date
    code_commit: str | None
    code_fingerprint: str
    data_fingerprint: str
    seed: int = SEED


@dataclass(frozen=True)
class Window:
    """The days that one model learned from.

    Attributes:
        model: global, per_trader, logistic or ridge.
        trader_id: Whose model; None where it is everybody's.
        trained_from, trained_through: First and last feature date.
        rows_count, traders_count: Trader-days, and whose they are.
    """

    model: str
    trader_id: str | None
    trained_from: date
    trained_through: date
    rows_count: int
    traders_count: int

    @classmethod
    def of(
        cls, model: str, trader_id: str | None, days: TraderDays, rows: np.ndarray
    ) -> "Window":
        """Of a model that learned from these rows."""
        dates = days.dates[rows].astype("datetime64[D]")
        return cls(
            model,
            trader_id,
            dates.min().item(),
            dates.max().item(),
            len(rows),
            len(set(days.traders[rows])),
        )


@dataclass(frozen=True)
class ModelSet:
    """All models of one training run.

    Attributes:
        card: What they were made from.
        contract: Features, in order, and their types.
        settings: Settings of the trees.
        windows: What each model learned from.
        fitted: Models and baselines; None if there was too little to learn from.
        selection: Which models are selected, how they are corrected, as of the morning.
        metrics: Of predictions of past days, each made by models of its time.
    """

    card: Card
    contract: FeatureContract
    settings: ModelSettings
    windows: tuple[Window, ...]
    fitted: Fitted | None
    selection: Selection
    metrics: tuple[Metric, ...]

    @property
    def version(self) -> str:
        """Date and fingerprint of the run."""
        return self.card.version

    @property
    def trained_through(self) -> date | None:
        """Last feature date that any model learned from; None if none did."""
        return max((one.trained_through for one in self.windows), default=None)

    def parameters(self, window: Window) -> dict:
        """Everything that the training of one model was told."""
        if window.model == "global":
            return self.settings.shared.parameters(window.rows_count, threads=1) | {
                "rounds": self.settings.shared.rounds
            }
        if window.model == "per_trader":
            assert window.trader_id is not None, "an own model is a trader's"
            own = self.settings.of(window.trader_id)
            return own.parameters(window.rows_count, threads=1) | {"rounds": own.rounds}
        return LINEAR_PARAMETERS[window.model]

    def save(self, folder: Path) -> None:
        """Write to `folder`/version, all or nothing."""
        target = folder / self.version
        partial = folder / f".{self.version}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        files: dict[str, dict[str, str]] = {}
        groups = {"": self.fitted.shared, **self.fitted.own} if self.fitted else {}
        for number, (trader_id, boosters) in enumerate(groups.items()):
            files[trader_id] = {}
            for name, booster in boosters.items():
                # Numbered, because an account's code may not be a file name.
                file = f"{number:04d}-{name}.txt"
                (partial / file).write_text(booster.model_to_string())
                files[trader_id][name] = file
        card = asdict(self.card) | {
            "features": dict(self.contract.types),
            "settings": self.settings.as_card(),
            "windows": [asdict(window) for window in self.windows],
            "selection": asdict(self.selection),
            "baselines": self.fitted and self.fitted.baselines.as_card(),
            "metrics": [asdict(metric) for metric in self.metrics],
            "files": files,
        }
        (partial / CARD).write_text(json.dumps(card, indent=1, default=str))
        shutil.rmtree(target, ignore_errors=True)
        os.replace(partial, target)

    @classmethod
    def load(cls, folder: Path, version: str) -> "ModelSet":
        """Read a saved version.

        Raises:
            UserError: There is none, or it is damaged.
        """
        path = folder / version
        if not (path / CARD).exists():
            saved = sorted(found.parent.name for found in folder.glob(f"*/{CARD}"))
            raise UserError(
                f"There is no model {version} ({path} is missing). Run `make train`"
                + (f", or score with one of {', '.join(saved[-3:])}." if saved else ".")
            )
        damage = import_lightgbm().basic.LightGBMError
        try:
            card = _with_names_of_today(json.loads((path / CARD).read_text()))
            return cls._from_card(card, path)
        except (OSError, KeyError, TypeError, ValueError, damage) as error:
            raise UserError(
                f"The model in {path} is damaged or of another version of this project "
                f"({type(error).__name__}: {error}). Delete the folder and run "
                "`make train`."
            ) from None

    @classmethod
    def _from_card(cls, card: dict, path: Path) -> "ModelSet":
        fitted = None
        if card["baselines"]:
            own = {
                trader_id: _read_boosters(path, names)
                for trader_id, names in card["files"].items()
            }
            fitted = Fitted(Baselines.from_card(card["baselines"]), own.pop(""), own)
        selection = card["selection"]
        return cls(
            card=Card(
                **{name: card[name] for name in Card.__dataclass_fields__}
                | {"as_of": date.fromisoformat(card["as_of"])}
            ),
            contract=FeatureContract(card["features"]),
            settings=ModelSettings.from_card(card["settings"]),
            windows=tuple(
                Window(
                    **one
                    | {
                        name: date.fromisoformat(one[name])
                        for name in ("trained_from", "trained_through")
                    }
                )
                for one in card["windows"]
            ),
            fitted=fitted,
            selection=Selection(
                calibration=_tuples(selection["calibration"]),
                limit_calibration=tuple(selection["limit_calibration"]),
                weights=_tuples(selection["weights"]),
                shifts=_tuples(selection["shifts"]),
                selected=selection["selected"],
                known_count=selection["known_count"],
            ),
            metrics=tuple(Metric(**metric) for metric in card["metrics"]),
        )


def _with_names_of_today(card: dict[str, Any]) -> dict[str, Any]:
    """A card as it is written now; earlier versions had a verdict with speakers."""
    if "verdict" not in card:
        return card
    selection = card["verdict"]
    return card | {"selection": selection | {"selected": selection["speakers"]}}


def forget(folder: Path, count: int) -> None:
    """Delete all but the latest saved versions."""
    saved = sorted(folder.glob(f"*/{CARD}"), key=lambda card: card.stat().st_mtime)
    for card in saved[:-count]:
        shutil.rmtree(card.parent)


def _read_boosters(path: Path, names: Mapping[str, str]) -> Boosters:
    lightgbm = import_lightgbm()
    return {
        name: lightgbm.Booster(model_str=(path / file).read_text())
        for name, file in names.items()
    }


def _tuples(lists: Mapping[str, list]) -> dict[str, tuple]:
    return {name: tuple(values) for name, values in lists.items()}
