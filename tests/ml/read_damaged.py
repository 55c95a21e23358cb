"""A process of its own that reads damaged models: `python -m tests.ml.read_damaged`.

LightGBM, where it is given damaged text, ends the process.
"""

import sys
from pathlib import Path
from random import Random

from ml.registry import CARD, DamagedModelError, ModelSet
from runtime.sealed_folder import read_sealed
from tests.ml.damages import CARDS, DAMAGES, copied, poison, reseal


def main(saved: Path, work: Path, draws: int) -> None:
    """Damage copies of a saved model in every way; each is refused, and saved anew.

    Args:
        saved: Folder of the sound one.
        work: Where copies are made.
        draws: How often each damage is done, elsewhere each time.
    """
    sound = ModelSet.load(saved.parent, saved.name)
    marker = work / "poisoned"
    for number in range(draws):
        for name, damage in DAMAGES.items():
            folder = copied(saved, work)
            print(name, number, flush=True)
            damage(folder, Random(number))
            _is_refused_and_heals(sound, folder)
    for name, card in CARDS.items():
        folder = copied(saved, work)
        print("card", name, flush=True)
        (folder / CARD).write_text(card)
        reseal(folder)
        _is_refused_and_heals(sound, folder)
    for file in sorted(saved.iterdir()):
        folder = copied(saved, work)
        print("poison", file.name, flush=True)
        (folder / file.name).write_bytes(poison(marker))
        _is_refused_and_heals(sound, folder)
    assert not marker.exists()
    folder = copied(saved, work)
    other = folder.rename(folder.with_name("2020-01-01-0123456789"))
    _is_refused_and_heals(sound, other)


def _is_refused_and_heals(sound: ModelSet, folder: Path) -> None:
    try:
        ModelSet.load(folder.parent, folder.name)
    except DamagedModelError as error:
        said = str(error)
        assert str(folder) in said and "make train" in said and error.reason in said
        assert "\n" not in said and len(said) < 600, said
    else:
        raise AssertionError(f"{folder} was read")
    if folder.name == sound.version:
        sound.save(folder.parent)
        assert ModelSet.load(folder.parent, folder.name).card == sound.card
        assert CARD in read_sealed(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
