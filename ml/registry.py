"""Trained models on disk: one folder per version, with a card that describes it."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np

from ml.boosting import SEED, ModelSettings, import_lightgbm
from ml.days import TraderDays
from ml.evaluation import Metric
from ml.features import FeatureContract
from ml.fitted import Fitted
from ml.fitted_files import from_files, to_files
from ml.metrics import Interval
from ml.policies import PolicyEvidence
from ml.selection import Selection
from runtime.errors import UserError
from runtime.sealed_folder import DamagedError, read_sealed, remove, write_sealed

CARD = "card.json"
# In a card: there was too little to learn from.
_NOTHING: tuple[dict, dict[str, bytes]] = (
    {"baselines": None, "effects": {}, "files": {}},
    {},
)


class DamagedModelError(UserError):
    """A saved model is not as it was saved, or was saved before digests were.

    Attributes:
        reason: Which file, and how.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The model in {path} is damaged, or an earlier version of this project "
            f"saved it ({reason}). Run `make train`, then `make score`; leave out a "
            "MODEL_VERSION that names it."
        )
        self.reason = reason


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
        model: global, per_trader, grouped or reference.
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
        selection: Which models are selected, as of the morning.
        policy_evidence: What past forecasts say of each policy of size.
        metrics: Of predictions of past days, each made by models of its time.
    """

    card: Card
    contract: FeatureContract
    settings: ModelSettings
    windows: tuple[Window, ...]
    fitted: Fitted | None
    selection: Selection
    policy_evidence: tuple[PolicyEvidence, ...]
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
        """All parameters of the training of one model."""
        if window.model == "global":
            return self.settings.shared.parameters(window.rows_count, threads=1) | {
                "rounds": self.settings.shared.rounds
            }
        if window.model == "per_trader":
            assert window.trader_id is not None, "an own model is a trader's"
            own = self.settings.of(window.trader_id)
            return own.parameters(window.rows_count, threads=1) | {"rounds": own.rounds}
        assert self.fitted is not None, "a window is of a model"
        if window.model == "grouped":
            return {
                target: len(one.traders) for target, one in self.fitted.effects.items()
            }
        return self.fitted.baselines.reference.as_card()

    def save(self, folder: Path) -> None:
        """Write to `folder`/version, all or nothing."""
        learned, files = to_files(self.fitted) if self.fitted else _NOTHING
        card = asdict(self.card) | {
            "features": dict(self.contract.types),
            "settings": self.settings.as_card(),
            "windows": [asdict(window) for window in self.windows],
            "selection": asdict(self.selection),
            "policy_evidence": [asdict(one) for one in self.policy_evidence],
            **learned,
            "metrics": [
                vars(metric) | {"interval": metric.interval and vars(metric.interval)}
                for metric in self.metrics
            ],
        }
        # In one line, which is written ten times as fast: a large desk has thousands of
        # figures.
        content = json.dumps(card, default=str).encode()
        write_sealed(folder / self.version, {CARD: content, **files})

    @classmethod
    def load(cls, folder: Path, version: str) -> "ModelSet":
        """Read a saved version.

        Raises:
            UserError: There is none.
            DamagedModelError: It is not as it was saved.
        """
        import_lightgbm()
        return cls._read(folder, version, cls._from_card)

    @classmethod
    def check(cls, folder: Path, version: str) -> None:
        """See that a saved version can be read, without the library that reads it.

        Raises:
            UserError, DamagedModelError: As `load`.
        """
        cls._read(
            folder, version, lambda card, _: cls._from_card(card | _NOTHING[0], {})
        )

    @classmethod
    def _read(
        cls,
        folder: Path,
        version: str,
        made_of: Callable[[dict, Mapping[str, bytes]], "ModelSet"],
    ) -> "ModelSet":
        path = folder / version
        if not os.path.lexists(path):
            saved = sorted(found.parent.name for found in folder.glob(f"*/{CARD}"))
            raise UserError(
                f"There is no model {version} ({path} is missing). Run `make train`"
                + (f", or score with one of {', '.join(saved[-3:])}." if saved else ".")
            )
        try:
            # Whole before any library reads it: LightGBM crashes on damaged text.
            files = read_sealed(path)
            return made_of(json.loads(files[CARD]), files)
        except DamagedError as error:
            raise DamagedModelError(path, str(error)) from None
        except Exception as error:  # noqa: BLE001 - whole, but nothing that we wrote
            raise DamagedModelError(
                path, f"{CARD} is not of this version ({type(error).__name__})"
            ) from None

    @classmethod
    def _from_card(cls, card: dict, files: Mapping[str, bytes]) -> "ModelSet":
        fitted = from_files(card, files) if card["baselines"] else None
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
                **selection | {"breach_levels": tuple(selection["breach_levels"])}
            ),
            policy_evidence=tuple(
                PolicyEvidence(**one) for one in card["policy_evidence"]
            ),
            metrics=tuple(
                Metric(
                    **metric
                    | {
                        "interval": metric["interval"]
                        and Interval(**metric["interval"])
                    }
                )
                for metric in card["metrics"]
            ),
        )


def forget(folder: Path, count: int) -> None:
    """Delete all but the latest saved versions."""
    saved = sorted(folder.glob(f"*/{CARD}"), key=lambda card: card.stat().st_mtime)
    for card in saved[:-count]:
        remove(card.parent)
