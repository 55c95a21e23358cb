"""Which account number a name in a document stands for, however it is spelled."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

# The number of an account that no list has begins so.
UNLISTED = "unlisted-"
# Of an account's name, fills show this many.
SHOWN_CHARACTERS = 20


class AccountNames:
    """Account numbers by name; a name that nobody knows gets a number of its own.

    Another Unicode form, other case and other blanks are another spelling of a name,
    unless a name is spelled just so, or two accounts share what is left of it.

    Args:
        listed: Numbers by name of listed accounts; what has the first word comes first.
        unlisted: Numbers by name of accounts that no list has.
        salt: Hides the name in the number of an account that no list has.
    """

    def __init__(
        self,
        listed: Sequence[Mapping[str, str]],
        unlisted: Mapping[str, str],
        *,
        salt: str,
    ) -> None:
        self._salt = salt
        self._known = [(dict(x), by_spelling(x)) for x in (*listed, unlisted)]
        self._unlisted = {number: name for name, number in unlisted.items()}

    def number(self, name: str) -> str:
        """The number that this name stands for."""
        found = self._find(name)
        if found is None:
            hashed = hashlib.md5((self._salt + name).encode()).hexdigest()
            found = f"{UNLISTED}{hashed[:12]}"
            names, spellings = self._known[-1]
            names[name] = found
            spellings.setdefault(folded(name), found)
            self._unlisted[found] = name
        return found

    def unlisted(self, names: Iterable[str]) -> dict[str, str]:
        """Of these names, those that no list has: by number, as spelled first."""
        numbers = {self.number(name) for name in names}
        return {x: self._unlisted[x] for x in numbers if x in self._unlisted}

    def listed_late(self) -> list[tuple[str, str]]:
        """Number of an account that no list had, and what its name stands for now."""
        found = [(x, self.number(name)) for x, name in list(self._unlisted.items())]
        return [(before, now) for before, now in found if before != now]

    def _find(self, name: str) -> str | None:
        spelling, is_shared = folded(name), False
        for names, spellings in self._known:
            if name in names:
                return names[name]
            if spelling in spellings and not is_shared:
                if found := spellings[spelling]:
                    return found
                is_shared = True
        return None


def folded(name: str) -> str:
    """What all spellings of a name have in common."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    visible = "".join(x for x in plain if unicodedata.category(x) != "Cf")
    # Folding case takes some letters apart again.
    return " ".join(unicodedata.normalize("NFKC", visible).split())


def by_spelling(numbers: Mapping[str, str]) -> dict[str, str | None]:
    """Numbers by folded name; None where several accounts share it."""
    found: dict[str, str | None] = {}
    for name, number in numbers.items():
        spelling = folded(name)
        is_shared = found.get(spelling, number) != number
        found[spelling] = None if is_shared else number
    return found


def shown(name: str) -> str:
    """What fills show of an account's name."""
    return name[:SHOWN_CHARACTERS].strip()
