"""What a refit gives, as text: LightGBM's own for boosters, JSON for baselines."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ml.baselines import Baselines
from ml.boosting import Boosters, import_lightgbm
from ml.fitted import Fitted
from ml.grouped import GroupedEffects


def to_files(fitted: Fitted) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Plain values for a card, and the files it names.

    Returns:
        baselines, effects, and files: by trader ("" for all) and target the file of a
        booster; the content of each file.
    """
    names: dict[str, dict[str, str]] = {}
    files: dict[str, bytes] = {}
    for number, (trader, boosters) in enumerate(
        {"": fitted.shared, **fitted.own}.items()
    ):
        # Numbered, because an account's code may not be a file name.
        names[trader] = {target: f"{number:04d}-{target}.txt" for target in boosters}
        for target, booster in boosters.items():
            files[names[trader][target]] = booster.model_to_string().encode()
    card = {
        "baselines": fitted.baselines.as_card(),
        "effects": {name: asdict(one) for name, one in fitted.effects.items()},
        "files": names,
    }
    return card, files


def from_files(card: Mapping[str, Any], files: Mapping[str, bytes]) -> Fitted:
    """What `to_files` gave; files that are not as written crash LightGBM."""
    own = {trader: _boosters(names, files) for trader, names in card["files"].items()}
    effects = {name: GroupedEffects(**one) for name, one in card["effects"].items()}
    baselines = Baselines.from_card(card["baselines"])
    return Fitted(baselines, own.pop(""), effects, own)


def _boosters(names: Mapping[str, str], files: Mapping[str, bytes]) -> Boosters:
    lightgbm = import_lightgbm()
    return {
        target: lightgbm.Booster(model_str=files[file].decode())
        for target, file in names.items()
    }
