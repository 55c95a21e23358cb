"""What a refit gives, as text: LightGBM's own for boosters, JSON for baselines."""

from collections.abc import Mapping
from typing import Any

from ml.baselines import Baselines
from ml.boosting import Boosters, import_lightgbm
from ml.fitted import Fitted


def to_files(fitted: Fitted) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Plain values for a card, and the files it names.

    Returns:
        baselines, and files: by trader ("" for all) and target the file of a booster;
        the content of each file.
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
    return {"baselines": fitted.baselines.as_card(), "files": names}, files


def from_files(card: Mapping[str, Any], files: Mapping[str, bytes]) -> Fitted:
    """What `to_files` gave; files that are not as written crash LightGBM."""
    own = {trader: _boosters(names, files) for trader, names in card["files"].items()}
    return Fitted(Baselines.from_card(card["baselines"]), own.pop(""), own)


def _boosters(names: Mapping[str, str], files: Mapping[str, bytes]) -> Boosters:
    lightgbm = import_lightgbm()
    return {
        target: lightgbm.Booster(model_str=files[file].decode())
        for target, file in names.items()
    }
