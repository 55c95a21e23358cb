"""dbt parses once for all homes, and again as soon as anything it reads has changed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dbt.contracts.graph.manifest import Manifest

from runtime.home import Home
from runtime.settings import PROJECT_ROOT
from runtime.transform.dbt import TransformError, run_dbt
from runtime.transform.parsed_manifest import ParsedManifest
from tests.conftest import make_settings

FILES = {
    "dbt_project.yml": "name: risk\nprofile: risk\nversion: '1.0'\nvars: {limit: 1}\n",
    "models/one.sql": "select {{ var('limit') }} as a, {{ said() }} as b",
    "models/two.sql": "select * from {{ ref('one') }} cross join {{ ref('three') }}",
    "models/models.yml": "models: [{name: one, description: First.}]\n",
    "macros/said.sql": "{% macro said() %}'before'{% endmacro %}",
    "seeds/three.csv": "c\n3\n",
    "tests/none.sql": "select * from {{ ref('one') }} where a > 100",
}
Run = Callable[..., list]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project in place of ours."""
    root = tmp_path / "root"
    for name, text in FILES.items():
        path = root / "dbt_project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy(PROJECT_ROOT / "profiles.yml", root)
    monkeypatch.setattr("runtime.transform.dbt.PROJECT_ROOT", root)
    return root / "dbt_project"


@pytest.fixture
def run(project: Path) -> Run:
    """Run dbt, by default in a home of its own."""
    folder, homes = project.parent.parent, iter(range(100))

    def run(*arguments: str, home: Home | None = None, **settings: object) -> list:
        home = home or Home(folder / f"home{next(homes)}")
        return run_dbt(make_settings(risk_home=home.root, **settings), home, *arguments)

    return run


def parsed(project: Path) -> dict[Path, bytes]:
    """What was parsed so far."""
    return {path: path.read_bytes() for path in project.glob("target/*")}


def compiled(results: list) -> dict[str, str]:
    """The SQL of each node that has any."""
    return {one.node.name: getattr(one.node, "compiled_code", "") for one in results}


@pytest.mark.long
def test_another_home_and_other_limits_need_no_parse_and_come_to_the_same(
    project: Path, run: Run
) -> None:
    first = run("build")
    kept = parsed(project)
    assert len(kept) == 1
    second = run("build", threads=1, memory_limit="1GB")
    assert [one.status for one in first] == [one.status for one in second]
    assert compiled(first) == compiled(second)
    assert len(first) == 4
    # A run writes into its manifest; what is kept is as parsed.
    assert parsed(project) == kept
    run("build", "--vars", "{limit: 200}", "--exclude", "none")
    assert len(parsed(project)) == 2
    with pytest.raises(TransformError, match="none"):
        run("build", "--vars", "{limit: 200}")
    assert len(parsed(project)) == 2


def test_an_edit_is_seen_in_the_same_home_and_in_another(
    project: Path, run: Run, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    run("compile", home=home)
    more = FILES["dbt_project.yml"].replace("{limit: 1}", "{limit: 5}")
    for name, text, node, expected in (
        ("macros/said.sql", "{% macro said() %}'after'{% endmacro %}", "one",
         "select 1 as a, 'after' as b"),
        ("dbt_project.yml", more, "one", "select 5 as a, 'after' as b"),
        ("models/one.sql", "select 7 as a, 8 as b", "one", "select 7 as a, 8 as b"),
        ("models/added.sql", "select 9 as d", "added", "select 9 as d"),
    ):  # fmt: skip
        (project / name).write_text(text)
        for where in (home, None):
            assert compiled(run("compile", home=where))[node] == expected, name


@pytest.mark.long
def test_an_edited_seed_description_test_and_profile_are_seen(
    project: Path, run: Run, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    run("build", home=home)
    (project / "models/models.yml").write_text(
        "models: [{name: one, description: Changed., config: {materialized: table}}]\n"
    )
    found = {one.node.name: one.node for one in run("build", home=home)}
    assert found["one"].description == "Changed."
    assert found["one"].config.materialized == "table"
    (project / "seeds/three.csv").write_text("c\n5\n6\n")
    found = {one.node.name: one for one in run("build", home=home)}
    assert len(found["three"].agate_table) == 2
    (project / "tests/none.sql").write_text("select * from {{ ref('one') }}")
    with pytest.raises(TransformError, match="none"):
        run("build", home=home)
    (project / "tests/none.sql").unlink()
    assert "none" not in {one.node.name for one in run("build", home=home)}
    profile = project.parent / "profiles.yml"
    profile.write_text(profile.read_text().replace("schema: marts", "schema: other"))
    found = {one.node.name: one.node for one in run("build", home=home)}
    assert found["one"].schema == "other"


@pytest.mark.long
def test_a_project_with_an_error_says_it_each_time(project: Path, run: Run) -> None:
    (project / "models/two.sql").write_text("select * from {{ ref('nobody') }}")
    for _ in range(2):
        with pytest.raises(TransformError, match="nobody"):
            run("build")
    assert parsed(project) == {}


@pytest.mark.long
def test_code_that_cannot_be_written_is_parsed_each_time(
    project: Path, run: Run
) -> None:
    (project / "target").write_text("no folder")
    for _ in range(2):
        assert len(run("build")) == 4
    assert (project / "target").read_text() == "no folder"


def test_few_manifests_are_kept(project: Path) -> None:
    for limit in range(8):
        one = ParsedManifest.of(project.parent, ("--vars", f"{{limit: {limit}}}"))
        assert one.read() is None
        one.keep(Manifest())
        assert one.read() is not None
    assert len(parsed(project)) == 6


@pytest.mark.long
def test_a_spoiled_manifest_is_parsed_anew(project: Path, run: Run) -> None:
    run("build")
    (kept,) = parsed(project)
    whole = kept.read_bytes()
    nodes = Manifest.from_msgpack(whole).nodes.keys()
    for content in (b"", b"no manifest", whole[: len(whole) // 2]):
        kept.write_bytes(content)
        assert len(run("build")) == 4
        assert Manifest.from_msgpack(kept.read_bytes()).nodes.keys() == nodes


def test_a_project_in_another_folder_reads_nothing_of_the_old_one(
    project: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new release lies elsewhere, the home stays, and the old release is deleted."""
    home = Home(tmp_path / "home")
    run("build", home=home)
    released = tmp_path / "released"
    project.parent.rename(released)
    monkeypatch.setattr("runtime.transform.dbt.PROJECT_ROOT", released)
    assert len(run("build", home=home)) == 4
