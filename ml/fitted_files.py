"""What a refit gives, as text: LightGBM's own for boosters, JSON for the rest."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ml.baselines import Baselines
from ml.boosting import Boosters, import_lightgbm
from ml.fitted import Fitted
from ml.grouped import GroupedEffects

# One file of all traders' own models: each file is synced to the disk, and a large desk
# has thousands of boosters.
_OWN = "own.json"


def to_files(fitted: Fitted) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Plain values for a card, and the files that belong to it.

    Returns:
        baselines, effects, and files: by target the file of a booster of all traders;
        the content of each file.
    """
    texts = {
        trader: {target: one.model_to_string() for target, one in boosters.items()}
        for trader, boosters in {"": fitted.shared, **fitted.own}.items()
    }
    shared = {f"0000-{target}.txt": text for target, text in texts.pop("").items()}
    card = {
        "baselines": fitted.baselines.as_card(),
        "effects": {name: asdict(one) for name, one in fitted.effects.items()},
        "files": {"": dict(zip(fitted.shared, shared, strict=True))},
    }
    files = {name: text.encode() for name, text in shared.items()}
    return card, files | {_OWN: json.dumps(texts).encode()}


def from_files(card: Mapping[str, Any], files: Mapping[str, bytes]) -> Fitted:
    """What `to_files` gave; files that are not as written crash LightGBM."""
    # An earlier version kept a trader's own models in files of their own, as it did
    # those of all.
    texts = {
        trader: {target: files[file].decode() for target, file in names.items()}
        for trader, names in card["files"].items()
    } | json.loads(files.get(_OWN, b"{}"))
    own = {trader: _boosters(one) for trader, one in texts.items()}
    effects = {name: GroupedEffects(**one) for name, one in card["effects"].items()}
    baselines = Baselines.from_card(card["baselines"])
    return Fitted(baselines, own.pop(""), effects, own)


def _boosters(texts: Mapping[str, str]) -> Boosters:
    lightgbm = import_lightgbm()
    return {target: lightgbm.Booster(model_str=one) for target, one in texts.items()}
