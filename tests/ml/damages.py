"""What may become of a folder of ours: by a disk, a copy, a person, or an enemy."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from runtime.sealed_folder import SUMS, remove, write_sealed

Damage = Callable[[Path, Random], None]
HUGE = "9" * 400


def reseal(folder: Path) -> None:
    """Write the digests of what a folder holds now, as its owner would."""
    kept = [path for path in folder.iterdir() if path.name != SUMS]
    write_sealed(folder, {path.name: path.read_bytes() for path in kept})


def poison(marker: Path) -> bytes:
    """A pickle that writes a file when it is read."""

    class Poison:
        def __reduce__(self) -> tuple:
            return open, (str(marker), "w")

    return pickle.dumps(Poison())


def _any(folder: Path, chance: Random) -> Path:
    return chance.choice(sorted(path for path in folder.iterdir() if path.is_file()))


def _change(change: Callable[[bytes, Random], bytes]) -> Damage:
    def damage(folder: Path, chance: Random) -> None:
        file = _any(folder, chance)
        file.write_bytes(change(file.read_bytes(), chance))

    return damage


def _replace(make: Callable[[Path], object]) -> Damage:
    def damage(folder: Path, chance: Random) -> None:
        file = _any(folder, chance)
        file.unlink()
        make(file)

    return damage


def _flip(content: bytes, chance: Random) -> bytes:
    found = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 20])):
        found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found) if bytes(found) != content else content + b"x"


def _digit(content: bytes, chance: Random) -> bytes:
    """One figure is another: nothing but a digest tells."""
    places = [place for place, byte in enumerate(content) if 48 <= byte < 58]
    place = chance.choice(places)
    other = b"7" if content[place : place + 1] != b"7" else b"3"
    return content[:place] + other + content[place + 1 :]


def _huge(content: bytes, chance: Random) -> bytes:
    places = [place for place, byte in enumerate(content) if 48 <= byte < 58]
    place = chance.choice(places)
    return content[:place] + HUGE.encode() + content[place:]


def _line_lost(content: bytes, chance: Random) -> bytes:
    lines = content.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def _swap(folder: Path, _: Random) -> None:
    one, other = sorted(path for path in folder.iterdir() if path.name != SUMS)[:2]
    held = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(held)


def _sums(change: Callable[[str], str]) -> Damage:
    def damage(folder: Path, _: Random) -> None:
        (folder / SUMS).write_text(change((folder / SUMS).read_text()))

    return damage


def _whole(make: Callable[[Path], object]) -> Damage:
    def damage(folder: Path, _: Random) -> None:
        shutil.rmtree(folder)
        make(folder)

    return damage


def _sparse(file: Path) -> None:
    with file.open("wb") as handle:
        handle.truncate(2**33)


DAMAGES: dict[str, Damage] = {
    "truncated": _change(lambda held, chance: held[: chance.randrange(len(held))]),
    "half": _change(lambda held, _: held[: len(held) // 2]),
    "empty": _change(lambda *_: b""),
    "flipped": _change(_flip),
    "a digit": _change(_digit),
    "a huge number": _change(_huge),
    "a line lost": _change(_line_lost),
    "zeros": _change(lambda held, _: bytes(len(held))),
    "binary": _change(lambda held, chance: chance.randbytes(len(held))),
    "appended": _change(lambda held, _: held + b"more\n"),
    "twice": _change(lambda held, _: held * 2),
    "lines of another system": _change(
        lambda held, _: held.replace(b"\n", b"\r\n") + b"\r"
    ),
    "a mark in front": _change(lambda held, _: b"\xef\xbb\xbf" + held),
    "gone": _replace(lambda _: None),
    "a folder": _replace(lambda file: file.mkdir()),
    "a pipe": _replace(os.mkfifo),
    "a device": _replace(lambda file: file.symlink_to("/dev/zero")),
    "a link to nothing": _replace(lambda file: file.symlink_to("nowhere")),
    "a link to itself": _replace(lambda file: file.symlink_to(file.name)),
    "a hole of gigabytes": _replace(_sparse),
    "swapped": _swap,
    "no digests": _replace(lambda file: (file.parent / SUMS).unlink(missing_ok=True)),
    "digests of nothing": _sums(lambda text: text.splitlines()[0] + "\n"),
    "digests from outside": _sums(lambda text: text.replace("  ", "  ../", 1)),
    "digests of a root": _sums(lambda text: text.replace("  ", "  /etc/", 1)),
    "digests of zeros": _sums(lambda text: text.replace("\0", "") + "\0  \0\n"),
    "digests in capitals": _sums(str.upper),
    "an empty folder": _whole(lambda folder: folder.mkdir()),
    "a file for a folder": _whole(lambda folder: folder.write_bytes(b"x")),
    "a pipe for a folder": _whole(os.mkfifo),
    "a link for a folder": _whole(lambda folder: folder.symlink_to("nowhere")),
}
# Of cards whose digest is right: nothing that we wrote, or another version did.
CARDS: dict[str, str] = {
    "nothing": "",
    "null": "null",
    "a list": "[]",
    "a number": "1",
    "no key": "{}",
    "nested": "[" * 100_000,
    "a huge number": HUGE * 20,
    "no files": json.dumps(
        {"baselines": {"a": 1}, "files": {"": {"mean": "none.txt"}}}
    ),
    "outside": json.dumps(
        {"baselines": {"a": 1}, "files": {"": {"mean": "/etc/passwd"}}}
    ),
}


def copied(folder: Path, target: Path) -> Path:
    """A copy under the same name, to do harm in."""
    remove(target / folder.name)
    shutil.copytree(folder, target / folder.name)
    return target / folder.name
