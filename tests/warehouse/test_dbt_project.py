"""The dbt project keeps its own rules: unit tests, descriptions, grains, no leaks."""

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ingestion.pipeline import bring_up_to_date
from runtime.publish.manifest import read_dbt_manifest
from runtime.settings import BASE_CURRENCY, PROJECT_ROOT
from runtime.transform.dbt import TransformError, run_dbt
from tests.conftest import SampleRun, build_models_of, make_settings, rows
from tests.exports import ExportedFill, Exports


@pytest.fixture(scope="module")
def manifest(sample: SampleRun) -> dict[str, Any]:
    """dbt's own description of the project."""
    return read_dbt_manifest(sample.home.dbt / "target")


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Every model of the project."""
    return [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]


def test_every_unit_test_passes(sample: SampleRun) -> None:
    settings = make_settings(source="sample", risk_home=sample.home.root)
    chosen = ("--select", "test_type:unit", "--no-write-json")
    results = run_dbt(settings, sample.home, "test", *chosen)
    assert len([one for one in results if one.status == "pass"]) >= 9


def test_a_failing_test_stops_the_build_and_names_itself(tmp_path: Path) -> None:
    one = ExportedFill("A1", datetime(2025, 3, 3, 10), "B", Decimal(1), Decimal(1))
    exports = Exports(tmp_path / "exports").write([one])
    settings = make_settings(
        source="files", exports=exports.folder, risk_home=tmp_path / "home"
    )
    home = bring_up_to_date(settings).home
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("insert into raw.day_versions from raw.day_versions")
    with pytest.raises(
        TransformError, match="unique_combination_of_columns_stg_.*day_versions"
    ) as e:
        build_models_of(settings, home, data_tests=True)
    assert "\n" not in str(e.value)


def test_every_model_and_column_is_described(manifest: dict[str, Any]) -> None:
    bare = [
        f"{model['name']}.{column['name']}"
        for model in models(manifest)
        for column in model["columns"].values()
        if not column["description"]
    ]
    bare += [model["name"] for model in models(manifest) if not model["description"]]
    assert not bare


def test_a_meaning_in_the_dictionary_stands_alone(sample: SampleRun) -> None:
    """Rows of a dictionary are read one by one: none may lean on another."""
    meanings = dict(
        rows(sample.home, "select feature_name, meaning from marts.feature_dictionary")
    )
    leaning = re.compile(r"^(The same|Their|Share of them|Whether it closed)")
    assert not {name for name, said in meanings.items() if leaning.search(said)}
    assert len(set(meanings.values())) == len(meanings)


def test_a_window_in_the_dictionary_is_one_that_its_column_explains(
    sample: SampleRun,
) -> None:
    windows = {
        window
        for (window,) in rows(
            sample.home, "select distinct feature_window from marts.feature_dictionary"
        )
    }
    explained = re.compile(r"day|\d+d|20d before|half-life \d+d|to date")
    assert all(explained.fullmatch(window) for window in windows)


def test_no_column_is_missing_from_the_descriptions(
    manifest: dict[str, Any], sample: SampleRun
) -> None:
    described = {
        (model["schema"], model["name"], column)
        for model in models(manifest)
        for column in model["columns"]
    }
    built = set(
        rows(
            sample.home,
            "select table_schema, table_name, column_name "
            "from information_schema.columns "
            "where table_schema in ('staging', 'intermediate', 'marts')",
        )
    )
    seeds = {
        ("staging", name)
        for name in (
            "trader_accounts",
            "account_roles",
            "traders",
            "instrument_multipliers",
            "adjustment_categories",
            "currency_suffixes",
            "session_cutoffs",
            "check_index",
            "candidate_rules",
        )
    }
    assert {one for one in built if one[:2] not in seeds} == described


def test_every_model_states_and_tests_its_grain(manifest: dict[str, Any]) -> None:
    tested = {
        name
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node.get("test_metadata", {}).get("name") == "unique_combination_of_columns"
        for name in node["depends_on"]["nodes"]
    }
    # A quarantined line may repeat: it is a log. Dated fills are the staged ones, whose
    # grain is tested. What is ephemeral is part of another model's statement, and that
    # one's grain is tested.
    free = {"stg_propreports__quarantine", "int_fills_dated"} | {
        model["name"]
        for model in models(manifest)
        if model["config"]["materialized"] == "ephemeral"
    }
    for model in models(manifest):
        assert "Grain: " in model["raw_code"], model["name"]
        if model["name"] not in free:
            assert model["unique_id"] in tested, model["name"]


def test_base_amounts_are_of_one_currency_in_both_languages() -> None:
    project = yaml.safe_load(
        (PROJECT_ROOT / "dbt_project" / "dbt_project.yml").read_text()
    )
    assert project["vars"]["base_currency"] == BASE_CURRENCY


def test_marts_are_public_contracts(manifest: dict[str, Any]) -> None:
    for model in models(manifest):
        if model["schema"] == "marts":
            assert model["contract"]["enforced"], model["name"]
            assert model["access"] == "public", model["name"]


def test_nothing_a_prediction_rests_on_can_read_a_label(
    manifest: dict[str, Any],
) -> None:
    """Labels feed the model exposure alone; no model reads them."""
    readers = [
        name
        for name in manifest["child_map"]["model.risk.label_trader_day"]
        if name.startswith("model.")
    ]
    assert readers == []


def test_only_staging_reads_what_comes_from_outside(manifest: dict[str, Any]) -> None:
    """What the project writes itself is typed by its writer, and has one reader."""
    written = ("source.risk.ml.", "source.risk.ops.")
    for name, readers in manifest["child_map"].items():
        reading = [one for one in readers if one.startswith("model.")]
        if name.startswith(written):
            assert len(reading) <= 1, name
        elif name.startswith("source."):
            for one in reading:
                assert manifest["nodes"][one]["schema"] == "staging", one


def test_the_environment_decides_no_parse() -> None:
    """What dbt parsed is kept without it: runtime/transform/parsed_manifest.py."""
    folder = PROJECT_ROOT / "dbt_project"
    reading = {
        str(path.relative_to(folder))
        for path in [*folder.rglob("*.sql"), *folder.rglob("*.yml")]
        if "env_var(" in path.read_text()
    }
    # In what is rendered for each run: a hook, a model's body, and `execute` alone.
    assert reading == {
        "macros/dialects/create_sources.sql",
        "macros/build_plan/first_planned_date.sql",
        "macros/build_plan/last_built_date.sql",
    }


def test_models_are_written_for_both_engines() -> None:
    """What only DuckDB understands has a macro of its own, in macros/dialects.

    `make test-spark` is what proves it, and takes long.
    """
    folder = PROJECT_ROOT / "dbt_project"
    of_one_engine = ("macros/dialects/", "macros/materializations/")
    only_duckdb = re.compile(
        r"\bas varchar\)|\bstring_agg\(|::[a-z]|\blist_\w+\(|\bstr[fp]time\("
        r"|\bdate_diff\(|\bunnest\("
    )
    found = [
        f"{path.relative_to(folder)}: {match[0]}"
        for path in sorted(folder.rglob("*.sql"))
        if not str(path.relative_to(folder)).startswith((*of_one_engine, "target/"))
        for match in only_duckdb.finditer(path.read_text())
    ]
    assert found == []


def test_thresholds_live_in_one_place() -> None:
    elsewhere = [
        path
        for folder in ("dbt_project/models", "ml", "reports")
        for path in (PROJECT_ROOT / folder).rglob("*")
        if path.suffix in (".sql", ".py", ".j2") and "-1000" in path.read_text()
    ]
    assert elsewhere == []
