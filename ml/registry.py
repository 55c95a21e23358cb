"""Trained models on disk: one folder per version, with a card that describes it."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from ml.boosting import Boosters, import_lightgbm
from ml.features import FeatureContract
from runtime.errors import UserError

CARD = "card.json"


@dataclass(frozen=True)
class Metric:
    """One measured figure; `trader_id` is None for all traders together."""

    model: str
    trader_id: str | None
    metric: str
    value: float
    rows_count: int


@dataclass(frozen=True)
class ModelSet:
    """All models of one training run.

    Attributes:
        version: Date and fingerprint of the run.
        trained_through: Last feature date learned from.
        contract: Features, in order.
        global_models: By target; empty if there was too little to learn from.
        own_models: By trader, then by target.
        speaks: Traders whose own model did better than the global one.
        metrics: Measured on the test part.
    """

    version: str
    trained_through: date | None
    contract: FeatureContract
    global_models: Boosters
    own_models: Mapping[str, Boosters]
    speaks: frozenset[str]
    metrics: tuple[Metric, ...]

    def save(self, folder: Path) -> None:
        """Write to `folder`/version, all or nothing."""
        target = folder / self.version
        partial = folder / f".{self.version}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        files: dict[str, dict[str, str]] = {"": {}}
        groups = {"": self.global_models, **self.own_models}
        for number, (trader_id, boosters) in enumerate(groups.items()):
            files[trader_id] = {}
            for name, booster in boosters.items():
                # Numbered, because an account's code may not be a file name.
                file = f"{number:04d}-{name}.txt"
                (partial / file).write_text(booster.model_to_string())
                files[trader_id][name] = file
        card = {
            "version": self.version,
            "trained_through": str(self.trained_through or ""),
            "features": list(self.contract.names),
            "speaks": sorted(self.speaks),
            "metrics": [asdict(metric) for metric in self.metrics],
            "files": files,
        }
        (partial / CARD).write_text(json.dumps(card, indent=2))
        shutil.rmtree(target, ignore_errors=True)
        os.replace(partial, target)

    @classmethod
    def load(cls, folder: Path, version: str) -> "ModelSet":
        """Read a saved version.

        Raises:
            UserError: There is none.
        """
        path = folder / version
        if not (path / CARD).exists():
            raise UserError(
                f"There is no model of today's data ({path} is missing). "
                "Run `make train`."
            )
        lightgbm = import_lightgbm()
        card = json.loads((path / CARD).read_text())
        models = {
            trader_id: {
                name: lightgbm.Booster(model_str=(path / file).read_text())
                for name, file in names.items()
            }
            for trader_id, names in card["files"].items()
        }
        through = card["trained_through"]
        return cls(
            version=card["version"],
            trained_through=date.fromisoformat(through) if through else None,
            contract=FeatureContract(tuple(card["features"])),
            global_models=models.pop(""),
            own_models=models,
            speaks=frozenset(card["speaks"]),
            metrics=tuple(Metric(**metric) for metric in card["metrics"]),
        )
