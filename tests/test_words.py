"""Texts are in the words of a trading desk; docs/glossary.md has its terms."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from runtime.settings import PROJECT_ROOT

# What is not written, as a pattern: what is written instead.
WORDS = {
    r"calls?|called|calling": "forecast; without one: no forecast; of a name: is named",
    r"speaks?|speakers?|speaking|spoke": "is selected, selected model",
    r"mend(s|ed|ing)?|remed(y|ies)": "fix, how to fix",
    r"go(es)? on|going on|went on": "continues, resumes",
    r"stay(s|ed|ing)? away": "does not trade",
    r"(of )?one piece": "complete, partially rebuilt",
    r"counts? (nowhere|for nothing)": "is excluded",
    r"taken by": "accepted by",
    r"judg(e[ds]?|ing)": "evaluate, decide",
    r"told": "shown, reported, listed, known",
    r"(pass(e[sd]|ing)?|past) (the|its|their|a|that|any) (\w+ ){0,2}limits?": "breach",
    r"limits? (\w+ ){0,2}passed": "breached",
    r"he|him|his|himself": "they, them, their",
    r"replayed (ones?|forecasts?|records?|scores?|outcomes?)": "simulated",
    r"clearly (better|more|worse)": "significantly",
    r"nothing shown": "no significant improvement",
    r"bec[ao]mes? of|lies? behind|one of whom|since ever": "what happened, plainly",
    r"realised|unrealised|behaviours?|colour(s|ed)?|neighbour(s|ing)?":
        "the US spelling",
}  # fmt: skip
# Words of one pattern may be on two lines.
_GONE = {
    re.compile(
        rf"(?<![\w./-])({word})(?![\w(/=])".replace(" ", r"[\s#-]+"), re.IGNORECASE
    ): instead
    for word, instead in WORDS.items()
}

# Where such a word is the right one: file, phrase, and why.
ALLOWED = (
    ("*", r"[Ss]peak with the trader", "a person does"),
    ("ingestion/simulator/*", r"\b[Cc]alls?\b", "options"),
    ("docs/accounting.md", r"\bcalls? (exercised|expired|on an index)", "options"),
    ("*.py", r"trade_date, behaviour\b", "columns of a published mart"),
    ("*.py", r"type: ignore\S*", "for mypy"),
)

READ = (
    "*.md", "docs/*.md", "Makefile", ".env.example", "dbt_project/**/*.md",
    "dbt_project/**/*.yml", "dbt_project/**/*.sql", "dbt_project/seeds/*.csv",
    "reports/**/*.j2", "ml/**/*.j2", "reports/**/*.js", "reports/**/*.css",
    "daily/**/*.py", "ingestion/**/*.py", "live/**/*.py", "ml/**/*.py",
    "reports/**/*.py", "runtime/**/*.py",
)  # fmt: skip

# Lines of text with their numbers.
Texts = Iterator[tuple[int, str]]


def of_python(source: str) -> Texts:
    """Comments, docstrings (but for names of parameters), strings of several words."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and " " in str(node.value):
            for number, line in enumerate(str(node.value).split("\n"), node.lineno):
                yield number, re.sub(r"^ +[a-z_, ]+: ", "", line)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def of_markdown(source: str) -> Texts:
    """All but blocks of code; of a changelog what is not released yet."""
    is_code = False
    released = re.search(r"^## \d", source, re.MULTILINE)
    unreleased = source[: released.start()] if released else source
    for number, line in enumerate(unreleased.split("\n"), 1):
        is_code ^= line.startswith("```")
        yield number, "" if is_code else line


def of_yml(source: str) -> Texts:
    """Descriptions, phrases of reasons, and comments."""
    for node in _nodes(yaml.compose(source, yaml.SafeLoader)):
        yield from enumerate(node.value.split("\n"), node.start_mark.line + 1)
    yield from _parts(r"(?:^|(?<= ))#[^\n]*", source)


def _nodes(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value in ("description", "phrase"):
                yield value
            else:
                yield from _nodes(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _nodes(value)


def of_sql(source: str) -> Texts:
    """Comments, and strings of several words."""
    for number, text in _parts(r"\{#.*?#\}|--[^\n]*|'(?:[^'\n]|'')*'", source):
        text = re.sub(r"\{\{.*?\}\}", "", text)
        if not text.startswith("'") or " " in text:
            yield from enumerate(text.split("\n"), number)


def of_template(source: str) -> Texts:
    """What stands outside of expressions and tags, and strings of several words."""
    code = r"\{\{.*?\}\}|\{%.*?%\}"
    for number, text in _parts(rf"(?:(?!{code}).)+|{code}", source):
        if not re.match(code, text):
            text = re.sub(r'\b(class|id)="[^"]*"?|^\.\w+', "", text)
            yield from enumerate(text.split("\n"), number)
            continue
        for line, string in _parts(r"\"[^\"]*\"|'[^']*'", text):
            if " " in string:
                yield number + line - 1, string


def of_script(source: str) -> Texts:
    """Comments, and strings of several words."""
    for number, text in _parts(r"//[^\n]*|/\*.*?\*/|`[^`]*`|\"[^\"\n]*\"", source):
        if text.startswith("/") or " " in text:
            yield from enumerate(text.split("\n"), number)


def of_lines(source: str) -> Texts:
    return enumerate(source.split("\n"), 1)


def _parts(pattern: str, source: str) -> Texts:
    for match in re.finditer(pattern, source, re.DOTALL | re.MULTILINE):
        yield source.count("\n", 0, match.start()) + 1, match[0]


TEXTS: dict[str, Callable[[str], Texts]] = {
    ".py": of_python, ".md": of_markdown, ".yml": of_yml, ".sql": of_sql,
    ".j2": of_template, ".js": of_script, ".css": of_script,
}  # fmt: skip


def found_in(name: str, source: str) -> list[str]:
    """Each word that is not written, with its place and what is written instead."""
    allowed = "|".join(phrase for files, phrase, _ in ALLOWED if fnmatch(name, files))
    numbers, lines = [], []
    for number, text in TEXTS.get(Path(name).suffix, of_lines)(source):
        numbers.append(number)
        lines.append(re.sub(allowed, "", _unquoted(name, text)))
    whole = "\n".join(lines)
    found = []
    for gone, instead in _GONE.items():
        for match in gone.finditer(whole):
            at = whole.count("\n", 0, match.start())
            found.append(
                f"{name}:{numbers[at]}: {match[0]!r}; instead: {instead}: "
                f"{lines[at].strip()}"
            )
    return found


def _unquoted(name: str, text: str) -> str:
    """Without `code`, which former names are as well; in scripts it is text."""
    return text if name.endswith(".js") else re.sub(r"`[^`]*`", "``", text)


@pytest.mark.parametrize("files", READ)
def test_texts_are_in_the_words_of_a_trading_desk(files: str) -> None:
    paths = [
        path
        for path in PROJECT_ROOT.glob(files)
        if not {"target", "dbt_packages"} & set(path.relative_to(PROJECT_ROOT).parts)
    ]
    assert paths
    found = [
        line
        for path in sorted(paths)
        for line in found_in(str(path.relative_to(PROJECT_ROOT)), path.read_text())
    ]
    assert not found, "\n" + "\n".join(found)


# Each has one of the words.
PLANTED = [
    "Nobody is called today.", "The champion speaks for the loss.",
    "Mend the file.", "The remedy is below.", "The morning goes on.",
    "Who stayed away has no outcome.", "Marts are not of one piece.",
    "The row counts nowhere.", "The line counts for nothing.",
    "The mail was taken by the server.", "Forecasts are judged by outcomes.",
    "The desk is told each morning.", "Three days past the daily loss limit.",
    "The trader passed the limit.", "The limit was passed twice.",
    "What he trades.", "It holds replayed forecasts.", "It is clearly better.",
    "There is nothing shown.", "What became of it.", "Since ever.",
    "P&L is realised.", "The behaviour of traders.", "Colours of a chart.",
]  # fmt: skip


@pytest.mark.parametrize("sentence", PLANTED)
def test_a_word_that_is_not_written_is_found(sentence: str) -> None:
    (found,) = found_in("docs/x.md", f"A line before.\n{sentence}\n")
    assert re.match(r"docs/x\.md:2: '[^']+'; instead: \w", found)


@pytest.mark.parametrize("gone", _GONE, ids=WORDS)
def test_every_pattern_has_a_sentence_that_meets_it(gone: re.Pattern[str]) -> None:
    assert any(gone.search(sentence) for sentence in PLANTED)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("x.py", '"""The model speaks."""\n'), ("x.py", "x = f'{1} is called'\n"),
        ("x.py", "x = 1  # told\n"), ("x.md", "As told.\n"), ("x.yml", "x: 1 # told\n"),
        ("x.yml", "columns:\n  - name: x\n    description: As told.\n"),
        ("x.sql", "select 'as told' as x\n"), ("x.sql", "-- told\nselect 1\n"),
        ("x.md", "It goes\non.\n"), ("x.sql", "-- It goes\n-- on.\nselect 1\n"),
        ("x.sql", "{#\n  Told.\n#}\nselect 1\n"), ("x.csv", "x,As told\n"),
        ("x.j2", "<p>{{ x }} was told</p>\n"), ("x.j2", "{{ 'as told' ~ x }}\n"),
        ("x.j2", '<a title="as told"></a>\n'), ("x.js", 'x = "as told";\n'),
        ("x.js", "// told\n"), ("x.js", "x = `${y} was told`;\n"),
        ("Makefile", "x: ## As told\n"),
    ],
)  # fmt: skip
def test_it_is_found_in_every_kind_of_text(name: str, source: str) -> None:
    assert len(found_in(name, source)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("x.py", 'def f(call):\n    """Do.\n\n    Args:\n        call: It.\n    """\n'),
        ("x.py", "told = x['told']\n"), ("x.sql", "with told as (select 'told')\n"),
        ("x.yml", "columns:\n  - name: behaviour\n"), ("x.j2", "{{ call.told }}\n"),
        ("x.md", "`remedy` is `how_to_fix` now\n\n```\nmake call told\n```\n"),
        ("x.md", "## Unreleased\n\n## 1.0\n\nAs told.\n"),
        ("x.sql", "select 'Speak with the trader' as what_to_do\n"),
        ("ingestion/simulator/x.py", '"""Buy calls."""\n'),
    ],
)  # fmt: skip
def test_names_quotes_and_options_are_not(name: str, source: str) -> None:
    assert not found_in(name, source)
