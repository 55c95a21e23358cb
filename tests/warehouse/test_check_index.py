"""Each check is a model, a line of the index and a line of its mart."""

import csv
import re

import pytest

from runtime.settings import PROJECT_ROOT

DBT = PROJECT_ROOT / "dbt_project"
MARTS = {
    "data_quality": "operations", "model_health": "risk", "limit_health": "operations",
    "live_health": "operations",
}  # fmt: skip
INDEX = DBT / "seeds" / "check_index.csv"


def index(mart: str) -> list[dict[str, str]]:
    """The lines of the index that are of one mart, as they stand."""
    with INDEX.open(encoding="utf-8", newline="") as lines:
        return [line for line in csv.DictReader(lines) if line["mart"] == mart]


def models(mart: str) -> dict[str, str]:
    """The SQL of each check of a mart."""
    folder = DBT / "models" / "intermediate" / f"{mart}_checks"
    return {
        path.stem.removeprefix(f"{mart}__"): path.read_text("utf-8")
        for path in folder.glob(f"{mart}__*.sql")
    }


def test_the_index_is_of_these_marts_alone() -> None:
    with INDEX.open(encoding="utf-8", newline="") as lines:
        assert {line["mart"] for line in csv.DictReader(lines)} == set(MARTS)


@pytest.mark.parametrize("mart", MARTS)
def test_every_check_is_a_model_and_a_line_of_index_and_mart(mart: str) -> None:
    sql = (DBT / "models" / "marts" / MARTS[mart] / f"{mart}.sql").read_text("utf-8")
    listed = re.findall(r"^    '(\w+)',$", sql, re.M)
    assert listed == [line["check_name"] for line in index(mart)]
    assert sorted(listed) == sorted(models(mart))


@pytest.mark.parametrize("mart", MARTS)
def test_a_check_bears_the_name_of_its_model(mart: str) -> None:
    for name, sql in models(mart).items():
        assert re.findall(r"'(\w+)' as check_name", sql) == [name]


@pytest.mark.parametrize("mart", MARTS)
def test_a_line_of_the_index_is_complete(mart: str) -> None:
    lines = index(mart)
    assert [line["check_order"] for line in lines] == [
        str(number) for number in range(1, len(lines) + 1)
    ]
    # What a person should act on comes first.
    attention = [line["needs_attention"] for line in lines]
    assert attention == sorted(attention, reverse=True)
    assert set(attention) <= {"true", "false"}
    for line in lines:
        assert all(text and text == text.strip() for text in line.values()), line
