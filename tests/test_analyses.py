"""The cookbook: every question is asked of the published sample and answered."""

import re

import duckdb
import pytest
import yaml

from runtime.settings import PROJECT_ROOT
from runtime.transform import run_dbt
from tests.conftest import SampleRun, make_settings

ANALYSES = sorted((PROJECT_ROOT / "dbt_project/analyses").glob("*.sql"))
NAMES = [path.stem for path in ANALYSES]
PAGE = (PROJECT_ROOT / "docs/analysts.md").read_text()
EXPOSURES = yaml.safe_load(
    (PROJECT_ROOT / "dbt_project/models/exposures.yml").read_text()
)
# What the lineage says that analysts read.
READ_BY_ANALYSTS = {
    re.search(r"'(\w+)'", reference)[1]
    for exposure in EXPOSURES["exposures"]
    if exposure["name"] == "analysts"
    for reference in exposure["depends_on"]
}
# Empty on the sample, and why.
MAY_BE_EMPTY = {
    "calibration_of_calls": "the sample's first call is for a day that is not over",
    "corrections_last_week": "the sample is loaded once: nothing was corrected since",
}


@pytest.fixture(scope="module")
def compiled(sample: SampleRun) -> dict[str, str]:
    """What dbt makes of each analysis."""
    settings = make_settings(source="sample", risk_home=sample.home.root)
    results = run_dbt(
        settings, sample.home, "compile", "--select", "resource_type:analysis"
    )
    return {result.node.name: result.node.compiled_code for result in results}


@pytest.mark.parametrize("name", NAMES)
def test_a_question_is_answered_from_the_published_copy(
    sample: SampleRun, compiled: dict[str, str], name: str
) -> None:
    path = sample.home.published / "current" / "risk.duckdb"
    with duckdb.connect(path, read_only=True) as connection:
        found = connection.execute(compiled[name]).fetchall()
        columns = [column[0] for column in connection.description]
    assert len(columns) == len(set(columns))
    if name in MAY_BE_EMPTY:
        return
    assert found
    # A column without any value answers nothing on the data it was written for.
    empty = [
        column
        for place, column in enumerate(columns)
        if all(row[place] is None for row in found)
    ]
    assert empty in ([], ["short_exposure"], ["long_exposure"])


@pytest.mark.parametrize("path", ANALYSES, ids=NAMES)
def test_a_question_is_in_words_says_its_grain_and_reads_marts_only(path) -> None:
    text = path.read_text()
    assert re.match(r"{# [A-Z][^?]*(, [^?]*)?\?\s+One row per [^#]*\. #}\n", text)
    assert "*" not in re.sub(r"count\(\*\)| \* ", "", text)
    refs = re.findall(r"{{ ref\('(\w+)'\) }}", text)
    assert refs
    assert set(refs) <= READ_BY_ANALYSTS
    assert "source(" not in text


def test_analysts_read_marts_only() -> None:
    folder = PROJECT_ROOT / "dbt_project/models/marts"
    assert {path.stem for path in folder.rglob("*.sql")} >= READ_BY_ANALYSTS


@pytest.mark.parametrize("path", ANALYSES, ids=NAMES)
def test_a_question_is_on_the_page_as_the_file_asks_it(path) -> None:
    question = re.match(r"{# ([^?]*\?)", path.read_text())[1]
    assert f"| `{path.stem}` | {question} |" in PAGE


def test_every_question_on_the_page_exists() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.M) == NAMES
    assert len(NAMES) >= 18


def test_what_may_be_empty_exists() -> None:
    assert set(MAY_BE_EMPTY) <= set(NAMES)
