"""Settings of the trees: the defaults, and what `make tune` found later."""

import hashlib
import json
import math
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ml.boosting import ModelSettings
from runtime.errors import UserError
from runtime.files import read_regular, write_atomic

FILE = "tuned.json"
# Far beyond what is tried; a number of millions would never end.
_MOST_ROUNDS, _MOST_LEAVES = 2_000, 256


class DamagedTuningError(UserError):
    """What was tuned cannot be read: `make tune` finds it anew."""


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
            DamagedTuningError: The file is not as it was saved.
        """
        path = folder / FILE
        if not os.path.lexists(path):
            return cls()
        try:
            held = json.loads(read_regular(path))
            if isinstance(held, dict):
                cards = held["found"]
                if held["sha256"] != _digest(cards):
                    raise ValueError("not as it was saved")
            else:
                cards = held  # of an earlier version, without a digest
            return cls(
                tuple(
                    (date.fromisoformat(one["through"]), _sound(one)) for one in cards
                )
            )
        except (OSError, RecursionError, LookupError, TypeError, ValueError) as error:
            raise DamagedTuningError(
                f"{path} cannot be read ({error}). Run `make tune`, or delete it to "
                "use the settings as delivered."
            ) from None

    def save(self, folder: Path) -> None:
        """Write to a folder of models, all or nothing."""
        cards = [
            {"through": day.isoformat(), **settings.as_card()}
            for day, settings in self.found
        ]
        held = {"sha256": _digest(cards), "found": cards}
        write_atomic(folder / FILE, json.dumps(held, indent=1).encode())

    def with_settings(self, through: date, settings: ModelSettings) -> "Tuning":
        """The same with settings that looked at outcomes through a date."""
        kept = dict(self.found) | {through: settings}
        return Tuning(tuple(sorted(kept.items(), key=lambda one: one[0])))

    def before(self, morning: date) -> ModelSettings:
        """Settings that had seen nothing of a morning or later."""
        known = [settings for day, settings in self.found if day < morning]
        return known[-1] if known else ModelSettings()


def _digest(cards: list) -> str:
    return hashlib.sha256(json.dumps(cards, sort_keys=True).encode()).hexdigest()


def _sound(card: dict) -> ModelSettings:
    """The settings of a card.

    Raises:
        ValueError: No `make tune` would have found them.
    """
    settings = ModelSettings.from_card(card)
    own = (settings.own_by_trader or {}).values()
    for one in (settings.shared, settings.own, *own):
        if not (
            0 < one.rounds <= _MOST_ROUNDS
            and 1 < one.num_leaves <= _MOST_LEAVES
            and 0 < one.learning_rate <= 1
            and 0 <= one.lambda_l2 < math.inf
        ):
            raise ValueError(f"{one} is out of range")
    return settings
