"""Settings of the trees: the defaults, and what `make tune` found later."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ml.boosting import ModelSettings
from runtime.errors import UserError

FILE = "tuned.json"


@dataclass(frozen=True)
class Tuning:
    """Every settings there were, each with the last date whose outcome it looked at.

    A past day is predicted with the settings that were known then, so that no
    prediction of the record rests on what came after it.

    Attributes:
        found: Date and settings, in order of date.
    """

    found: tuple[tuple[date, ModelSettings], ...] = ()

    @classmethod
    def load(cls, folder: Path) -> "Tuning":
        """What is kept in a folder of models; the defaults where nothing is.

        Raises:
            UserError: The file is damaged.
        """
        path = folder / FILE
        if not path.exists():
            return cls()
        try:
            return cls(
                tuple(
                    (date.fromisoformat(one["through"]), ModelSettings.from_card(one))
                    for one in json.loads(path.read_text())
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{path} cannot be read ({error}). Delete it, or run `make tune`."
            ) from None

    def save(self, folder: Path) -> None:
        """Write to a folder of models, all or nothing."""
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{FILE}.partial"
        cards = [
            {"through": day.isoformat(), **settings.as_card()}
            for day, settings in self.found
        ]
        partial.write_text(json.dumps(cards, indent=1))
        partial.replace(folder / FILE)

    def with_settings(self, through: date, settings: ModelSettings) -> "Tuning":
        """The same with settings that looked at outcomes through a date."""
        kept = dict(self.found) | {through: settings}
        return Tuning(tuple(sorted(kept.items(), key=lambda one: one[0])))

    def before(self, morning: date) -> ModelSettings:
        """Settings that had seen nothing of a morning or later."""
        known = [settings for day, settings in self.found if day < morning]
        return known[-1] if known else ModelSettings()
