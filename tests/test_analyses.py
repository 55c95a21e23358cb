"""The cookbook: every question is asked of the published sample and answered."""

import re

import duckdb
import pytest
import yaml

from runtime.settings import PROJECT_ROOT
from runtime.transform.dbt import run_dbt
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
    "backtest_by_month": "no backtest was run",
    "calibration_of_forecasts": "the sample's first forecast is not over",
    "losses_past_the_limit": "no forecast is over yet, as for calibration_of_forecasts",
    "outcomes_by_policy": "no forecast is over yet, as for calibration_of_forecasts",
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
    # No difference from the broker is open in the sample.
    possible = ["short_exposure"], ["long_exposure"], ["oldest_sessions_count"]
    assert empty in ([], *possible)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("pnl_after_fees_by_strategy", "net_pnl"),
        ("desk_concentration", "net_pnl"),
        ("drawdown_league", "net_pnl_to_date"),
    ],
)
def test_the_parts_are_the_whole(
    sample: SampleRun, compiled: dict[str, str], name: str, column: str
) -> None:
    path = sample.home.published / "current" / "risk.duckdb"
    with duckdb.connect(path, read_only=True) as connection:
        parts, whole = connection.execute(
            f"select (select sum({column}) from ({compiled[name]})), "
            "(select sum(net_pnl) from marts.daily_totals where is_in_desk_total)"
        ).fetchone()
    assert parts == whole


def asked_of(compiled: str, table: str, rows: str) -> list[tuple]:
    """The answer where the mart of that name holds these rows."""
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as risk")
        connection.execute("create schema risk.marts")
        connection.execute(f"create table risk.marts.{table} as {rows}")
        return connection.execute(compiled).fetchall()


def test_a_correction_is_shown_by_what_it_changed(compiled: dict[str, str]) -> None:
    rows = """
        select * replace (cast(known_at as timestamp) as known_at) from (values
            ('1', 'A', date '2026-03-02', 1, '2026-03-03 09:00', 5, 0, 2.5, 10),
            ('1', 'A', date '2026-03-02', 2, '2026-03-12 09:00', 4, 1, 2.0, -90),
            ('1', 'A', date '2026-02-02', 1, '2026-02-03 09:00', 5, 0, 2.5, 10),
            ('1', 'A', date '2026-02-02', 2, '2026-03-05 08:59', 5, 0, 2.6, 10),
            ('2', 'B', date '2026-03-11', 1, '2026-03-12 09:00', 5, 0, 2.5, 10)
        ) as versions (
            account_number, account_id, trade_date, version_number, known_at,
            fills_count, cancelled_fills_count, total_fees, traded_cash_amount
        )
    """
    found = asked_of(compiled["corrections_last_week"], "fill_day_versions", rows)
    assert [(row[0], row[2], *map(float, row[4:])) for row in found] == [
        ("A", 2, -1, 1, -0.5, -100)
    ]


def test_forecasts_are_held_against_what_happened(compiled: dict[str, str]) -> None:
    rows = """
        select * from (values
            (true, 0.61, true, true, -50.0, -80.0),
            (true, 0.69, false, false, -50.0, 90.0),
            (true, 1.0, true, null, -10.0, -10.0),
            (true, null, true, null, null, -10.0),
            (false, 0.6, null, null, -10.0, null)
        ) as outcomes (
            has_traded, loss_probability, is_loss, is_inside_interval, predicted_pnl,
            actual_net_pnl
        )
    """
    found = asked_of(compiled["calibration_of_forecasts"], "forecast_outcomes", rows)
    assert [
        tuple(None if v is None else round(float(v), 6) for v in r) for r in found
    ] == [
        (0.6, 2, 0.65, 0.5, 0.5, -50, 5),
        (0.9, 1, 1, 1, None, -10, -10),
    ]


def test_policies_are_told_apart_by_how_they_were_assigned(
    compiled: dict[str, str],
) -> None:
    rows = """
        select * from (values
            (true, 'fixed', false, 0.5, -100.0, 50.0),
            (true, 'fixed', false, 1.0, 40.0, 0.0),
            (true, 'fixed', true, 0.75, 40.0, -10.0),
            (false, 'fixed', true, 0.75, null, null),
            (true, null, null, null, -10.0, null)
        ) as outcomes (
            has_traded, policy, is_trial, position_multiplier, actual_net_pnl,
            advised_size_effect
        )
    """
    found = asked_of(compiled["outcomes_by_policy"], "forecast_outcomes", rows)
    assert [
        (*row[:3], *(None if v is None else float(v) for v in row[3:])) for row in found
    ] == [
        ("fixed", False, 2, 0.75, -60, 50, 0, 50),
        ("fixed", True, 1, 0.75, 40, None, 10, -10),
    ]


def test_a_loss_past_the_limit_is_counted_with_what_was_said_of_it(
    compiled: dict[str, str],
) -> None:
    rows = """
        select * from (values
            ('T1', true, -1500.0, 1000.0, 0.25, 'Elevated', true),
            ('T1', true, -1200.0, 1000.0, 0.75, 'Normal', true),
            ('T1', true, -1000.0, 1000.0, 0.125, 'High', false),
            ('T1', false, null, 1000.0, 0.9, 'High', null),
            ('T2', true, -10.0, 1000.0, 0.125, 'Normal', false)
        ) as outcomes (
            trader_id, has_traded, actual_net_pnl, daily_loss_limit_amount,
            limit_loss_probability, limit_risk, is_limit_breached
        )
    """
    found = asked_of(compiled["losses_past_the_limit"], "forecast_outcomes", rows)
    assert [(row[0], *map(float, row[1:])) for row in found] == [
        ("T1", 3, 2, 700, 1, 0.5, 0.125)
    ]


def test_the_backtest_is_compared_on_the_same_days(compiled: dict[str, str]) -> None:
    rows = """
        select * replace (cast(features_date as date) as features_date,
            cast(label_date as date) as label_date) from (values
            ('T1', '2026-02-27', '2026-03-02', 'champion', 0.75, -5.0),
            ('T1', '2026-02-27', '2026-03-02', 'own_rate', 0.5, -5.0),
            ('T1', '2026-03-02', '2026-03-03', 'champion', 0.25, 0.0),
            ('T1', '2026-03-02', '2026-03-03', 'own_rate', 0.5, 0.0),
            ('T1', '2026-03-03', '2026-03-04', 'champion', 0.25, -5.0),
            ('T1', '2026-03-03', '2026-03-04', 'zero', null, -5.0),
            ('T2', '2026-03-02', '2026-03-03', 'own_rate', 0.5, -5.0)
        ) as predictions (
            trader_id, features_date, label_date, model, loss_probability,
            actual_net_pnl
        )
    """
    found = asked_of(compiled["backtest_by_month"], "backtest_predictions", rows)
    assert [(str(row[0])[:7], *map(float, row[1:])) for row in found] == [
        ("2026-03", 2, 0.5, 0.5, 0.0625, 0.25)
    ]


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
