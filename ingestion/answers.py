"""What may be shown of a server's answer: words that we know, and no secret."""

import base64
import html
import re
import sys
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

# Shorter ones are found in ordinary figures and names.
SHORTEST_SECRET = 8
_NESTED = 4
_TOLD_WORDS = 30
_VOCABULARY = """
    a access account accountid accounts action activated active adjustments after
    allowed also an and any api are at available bad before blocked by cannot check
    closed contact credentials data database date denied disabled do does down
    enabled enddate error exceeded exist exists expected expired failed field fields
    fills first for forbidden format found from gateway given group groupid groups has
    have in inactive incorrect internal invalid is it later limit locked log login
    maintenance malformed many missing must need needs no not now number occurred of
    on one only or out page parameter parameters password per permission permissions
    permitted please positions range rate read report request requests required
    server service session startdate status summary support supported suspended
    temporarily than the this time to token too try type unable unauthorized
    unavailable unknown unsupported user valid value version was will with without
    wrong you your
"""
_WORDS = frozenset(_VOCABULARY.split())
_ESCAPES = re.compile(
    r"\\+u\{(?P<braced>[0-9a-fA-F]{1,6})\}|\\+u(?P<four>[0-9a-fA-F]{4})"
    r"|\\+U(?P<eight>[0-9a-fA-F]{8})|\\+x(?P<two>[0-9a-fA-F]{2})"
    r"|\\+(?P<octal>[0-3][0-7]{2})|\\(?P<plain>[\"'/\\])"
)
_ESCAPES_OF_PERCENT = re.compile(r"%u(?P<four>[0-9a-f]{4})", re.IGNORECASE)
# As long as eight bytes are; ASCII alone, for that is what these are written in.
_LONG_WORD = re.compile(r"(?<![\w+/-])[\w+/-]{11,}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{16,}", re.IGNORECASE)
# Of one answer, in letters: more is no report, and would take memory to unpack.
_MOST_PACKED = 2**22


def told(text: str) -> str:
    """The first line of a refusal, of which words not in our list are left out."""
    line = (text.strip()[:2_000].splitlines() or [""])[0]
    said: list[str] = []
    for word in line.split():
        bare = word.strip(".,:;!?'\"()[]`")
        is_known = bare.lower() in _WORDS
        if is_known or said[-1:] != ["…"]:
            said.append(bare if is_known else "…")
    return " ".join(said[:_TOLD_WORDS]) or "no text"


class Echoes:
    """Finds secrets in what a server sends, in the spellings that servers use.

    Plain, percent, plus, entities of HTML, escapes of JSON, base64 and hexadecimal, in
    any case, and some of them one within another.

    Args:
        secrets: Passwords and tokens; those under `SHORTEST_SECRET` are not looked for.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {one for one in secrets if len(one) >= SHORTEST_SECRET}
        spelled = {one for secret in known for one in _spelled(secret)}
        self._needles = {_folded(one) for one in spelled}
        is_ascii = all(secret.isascii() for secret in known)
        self._encodings = ("utf-8",) if is_ascii else ("utf-8", "latin-1")

    def are_in(self, body: bytes) -> bool:
        """Whether an answer holds one of them."""
        return bool(self._needles) and any(
            needle in folded
            for encoding in self._encodings
            for text in _readings(body.decode(encoding, "replace"), encoding)
            for folded in (_folded(text),)
            for needle in self._needles
        )


def _folded(text: str) -> str:
    return text.replace("+", " ").casefold()


def _spelled(secret: str) -> Iterator[str]:
    """A secret as it is, as it is taken for an escaped one, and as a dump of bytes."""
    text = secret
    for _ in range(_NESTED):
        yield text
        text = _resolved(text, "utf-8")
    yield from (secret.encode().hex(separator) for separator in " :-")


def _readings(text: str, encoding: str, depth: int = _NESTED) -> Iterator[str]:
    """A text as it is, and all that it says to who resolves and unpacks it."""
    yield text
    if depth:
        resolved = _resolved(text, encoding)
        if resolved != text:
            yield from _readings(resolved, encoding, depth - 1)
        unpacked = _unpacked(text)
        if unpacked:
            content = unpacked.decode(encoding, "replace")
            yield from _readings(content, encoding, depth - 1)


def _resolved(text: str, encoding: str) -> str:
    """Percent, entities and escapes of a text resolved, once each."""
    if "%" in text:
        text = unquote(_ESCAPES_OF_PERCENT.sub(_unescaped, text), encoding)
    if "&" in text:
        text = html.unescape(text)
    if "\\" in text:
        text = _joined(_ESCAPES.sub(_unescaped, text))
    return text


def _unpacked(text: str) -> bytes:
    """What long words are in base64 and hexadecimal, wherever in them it begins."""
    words = {*_LONG_WORD.findall(text)}
    if sum(map(len, words)) > _MOST_PACKED:
        return b""
    plain = [word.replace("-", "+").replace("_", "/") for word in words]
    found = []
    for first in range(4):
        begun = (word[first:] for word in plain)
        # Each fills its last group: what follows must not begin within it.
        filled = "".join(word + "A" * (-len(word) % 4) for word in begun)
        found.append(base64.b64decode(filled))
    for first in range(2):
        digits = (run[first:] for word in words for run in _HEX.findall(word))
        found += [bytes.fromhex(run[: len(run) // 2 * 2]) for run in digits]
    return b"\n".join(found)


def _unescaped(found: re.Match) -> str:
    name, digits = found.lastgroup or "", found[found.lastgroup or 0]
    if name == "plain":
        return digits
    number = int(digits, 8 if name == "octal" else 16)
    return chr(number) if number <= sys.maxunicode else found[0]


def _joined(text: str) -> str:
    """Letters beyond four digits travel as two halves."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
