"""What a person reads is in the words of a trading desk: docs/glossary.md has the terms."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.settings import PROJECT_ROOT

# What is not written -> what is written instead.
WORDS = {
    r"calls?|called|calling": "forecast, forecasted; of a name: is named",
    r"speaks?|speakers?|speaking": "is selected, selected model",
    r"mend(s|ed|ing)?": "fix, fixed",
    r"goes on|go on|going on|went on": "continues, resumes",
    r"stay(s|ed|ing)? away": "does not trade",
    r"(of )?one piece": "complete, partially rebuilt",
    r"counts? nowhere": "is excluded",
    r"taken by": "accepted by",
    r"remed(y|ies)": "how to fix",
    r"judg(e[sd]?|ing)": "evaluate",
    r"told": "shown, reported, listed, known",
    r"realised": "realized",
    r"(pass(e[sd]|ing)?|past) (the|its|their|a|that|this|any|\w+'s) (\w+ ){0,2}limits?"
    r"|limits? (\w+ ){0,3}passed|past (it|the) limit": "breach, beyond the limit",
    r"he|him|his|himself": "they, them, their",
    r"replayed (ones?|forecasts?|records?|scores?|outcomes?|predictions?)": "simulated",
    r"clearly (better|more|worse)": "significantly",
    r"nothing shown": "no significant improvement",
    r"behaviours?|colour(s|ed)?|neighbour(s|ing)?|unrealised": "the US spelling",
    r"bec(a|o)mes? of|lies? behind|one of whom|as often as": "say what happened, plainly",
}  # fmt: skip
GONE = {
    re.compile(rf"(?<![\w.`/-])({words})(?![\w`(/=])", re.IGNORECASE): instead
    for words, instead in WORDS.items()
}

# Where such a word is the right one.
ALLOWED = re.compile(
    r"(?i:spoke|speak) with the trader"
)

READ = [
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md", "Makefile", ".env.example",
    "dbt_project/**.md", "dbt_project/**.yml", "dbt_project/**.sql", "dbt_project/**.csv",
    "**.j2", "reports/board/assets/*.js",
    "daily/**.py", "ingestion/**.py", "ml/**.py", "reports/**.py", "runtime/**.py",
]  # fmt: skip


def texts_of_python(source: str) -> Iterator[tuple[int, str]]:
    """Strings of more than one word, docstrings and comments, with their lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if " " in node.value:
                for offset, line in enumerate(node.value.split("\n")):
                    yield node.lineno + offset, line
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def texts_of_markdown(source: str) -> Iterator[tuple[int, str]]:
    """All but code; of the changelog, what is not released."""
    is_code = False
    released = re.search(r"^## \d", source, re.M)
    for number, line in enumerate(source[: released and released.start()].split("\n"), 1):
        is_code ^= line.startswith("```")
        yield number, "" if is_code else re.sub(r"`[^`]*`", "``", line)


def parts(pattern: str, source: str) -> Iterator[tuple[int, str]]:
    for match in re.finditer(pattern, source, re.S):
        yield source[: match.start()].count("\n") + 1, match[0]


def texts_of_sql(source: str) -> Iterator[tuple[int, str]]:
    """Comments, and string literals of more than one word."""
    for number, text in parts(r"\{#.*?#\}|--[^\n]*|'(?:[^'\n]|'')*'", source):
        if not text.startswith("'") or " " in text:
            yield from enumerate(text.split("\n"), number)


def texts_of_template(source: str) -> Iterator[tuple[int, str]]:
    """What is outside of expressions, and the strings within."""
    code = r"\{\{.*?\}\}|\{%.*?%\}"
    for number, text in parts(rf"(?:(?!{code}).)+|{code}", source):
        if re.match(code, text):
            for more, string in parts(r"\"[^\"]*\"|'[^']*'", text):
                if " " in string:
                    yield number + more - 1, string
        else:
            yield from enumerate(text.split("\n"), number)


def texts_of_script(source: str) -> Iterator[tuple[int, str]]:
    for number, text in parts(r"//[^\n]*|/\*.*?\*/|`[^`]*`|\"[^\"\n]*\"", source):
        if text[0] == "/" or " " in text:
            yield from enumerate(text.split("\n"), number)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    source = path.read_text()
    if path.suffix == ".py":
        return texts_of_python(source)
    if path.suffix == ".md":
        return texts_of_markdown(source)
    if path.suffix == ".sql":
        return texts_of_sql(source)
    if path.suffix == ".j2":
        return texts_of_template(source)
    if path.suffix == ".js":
        return texts_of_script(source)
    return enumerate(source.split("\n"), 1)


def found_in(place: str, path_texts) -> list[str]:
    return [
        f"{place}:{number}: {match[0]!r} -> {instead}: {line.strip()[:170]}"
        for number, text in path_texts
        for line in [ALLOWED.sub("", text)]
        for pattern, instead in GONE.items()
        for match in pattern.finditer(line)
    ]


if __name__ == "__main__":
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT_ROOT, capture_output=True, text=True).stdout.split()
    import fnmatch
    for name in listed:
        if any(fnmatch.fnmatch(name, p) for p in READ):
            for line in found_in(name, texts(PROJECT_ROOT / name)):
                print(line)
