"""The lineage site, opened in a browser without a network where there is one."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.task.docs import DOCS_INDEX_FILE_PATH

from runtime.home import Home
from runtime.publish.lineage_site import CHANGES, lineage
from runtime.publish.manifest import read_dbt_manifest
from runtime.settings import PROJECT_ROOT
from tests.browser import browse, needs_browser
from tests.conftest import SampleRun
from tests.in_process import call_daily

LANDING = (PROJECT_ROOT / "dbt_project/models/docs/overview.md").read_text()
PROJECT = (PROJECT_ROOT / "dbt_project/dbt_project.yml").read_text()
SCREEN = (1440, 900)
# Asks the page, once it has settled, what it shows.
ASK = """<script>
window.addEventListener("load", () => setTimeout(() => {
  const {graph} = angular.element(document.querySelector("[ng-app]") || document.body)
    .injector().get("graph");
  const text = document.body.innerText;
  const bottom = Math.max(...[...document.querySelectorAll("[marked] *")]
    .map(one => one.getBoundingClientRect().bottom));
  const found = document.createElement("pre");
  found.id = "found";
  found.textContent = JSON.stringify({
    text, bottom,
    loaded: performance.getEntriesByType("resource").map(one => one.name)
      .filter(name => !name.startsWith("data:")),
    nodes: graph.elements.filter(one => one.group == "nodes").map(one => one.data.id),
    edges: graph.elements.filter(one => one.group == "edges")
      .map(one => [one.data.source, one.data.target]),
  });
  document.body.append(found);
}, 5000));
</script></body>"""


@pytest.fixture(scope="module")
def home(sample: SampleRun) -> Home:
    """The site of the sample."""
    run = call_daily("docs", SOURCE="sample", RISK_HOME=sample.home.root)
    assert run.code == 0, run.err
    return sample.home


@pytest.fixture(scope="module")
def manifest(home: Home) -> dict[str, Any]:
    """dbt's own description of the project."""
    return json.loads((home.dbt / "target" / "manifest.json").read_text())


@pytest.mark.parametrize("written", [written for written, _ in CHANGES])
def test_what_is_written_differently_is_in_the_page_of_dbt(written: str) -> None:
    assert written in Path(DOCS_INDEX_FILE_PATH).read_text()


def test_the_way_of_the_data_is_unbroken_and_has_nothing_else(
    manifest: dict[str, Any],
) -> None:
    parents = lineage(manifest)
    assert {name.split(".")[0] for name in parents} == {
        "source", "seed", "model", "exposure",
    }  # fmt: skip
    way, ahead = set(), ["exposure.risk.daily_report"]
    while ahead:
        way.add(name := ahead.pop())
        ahead += [parent for parent in parents[name] if parent not in way]
    assert {
        "source.risk.propreports.fills",
        "model.risk.int_overnight_lot_matches",
        "model.risk.feat_trader_day",
        "exposure.risk.trader_day_model",
        "source.risk.ml.predictions",
        "model.risk.risk_calls",
    } <= way


def test_every_link_of_the_landing_page_leads_somewhere(
    manifest: dict[str, Any],
) -> None:
    there = {*manifest["nodes"], *manifest["sources"], *manifest["exposures"]}
    sources = {source["source_name"] for source in manifest["sources"].values()}
    for kind, name in re.findall(r'href="#!/(\w+)/([\w.]+)"', LANDING):
        assert name in (sources if kind == "source_list" else there)
    for selected in re.findall(r"g_i=([^\"]+)", LANDING):
        name = re.sub(r"%2B|^\d|\d$|exposure:", "", selected)
        assert any(one.endswith(f".{name}") for one in there), name


def test_the_landing_page_explains_every_color() -> None:
    colors = set(re.findall(r'node_color: "(#\w+)"', PROJECT))
    assert len(colors) == 8
    for color in colors:
        assert f"border-color:{color}" in LANDING


def opened(site: Path, where: str, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """What the page shows without a network, and what it complains of or asks for."""
    copy = folder / "index.html"
    copy.write_text(site.read_text().replace("</body>", ASK))
    shown, complaints = browse(f"file://{copy}{where}", folder, size=SCREEN)
    found = re.search(r'<pre id="found">(.*?)</pre>', shown, re.DOTALL)[1]
    answer = json.loads(unescape(found))
    return answer, complaints + answer["loaded"]


def test_a_generated_mart_is_described_column_by_column(home: Home) -> None:
    target = home.dbt / "target"
    catalog = json.loads((target / "catalog.json").read_text())["nodes"]
    nodes = read_dbt_manifest(target)["nodes"]
    described = nodes["model.risk.feat_trader_day"]["columns"]
    assert list(described) == list(catalog["model.risk.feat_trader_day"]["columns"])
    assert len(described) > 100
    assert all(column["description"] for column in described.values())


@needs_browser
def test_the_landing_page_opens_without_a_network_in_one_screen_with_the_whole_graph(
    home: Home, manifest: dict[str, Any], tmp_path: Path
) -> None:
    """The graph goes from PropReports to the report."""
    found, complaints = opened(home.docs / "index.html", "#!/overview?g_v=1", tmp_path)
    assert complaints == []
    for said in ("PropReports", "daily_totals", "LightGBM", "What holds everywhere"):
        assert said in found["text"]
    assert 0 < found["bottom"] <= SCREEN[1]
    assert set(found["nodes"]) == set(lineage(manifest))
    for edge in (
        ["model.risk.feat_trader_day", "exposure.risk.trader_day_model"],
        ["exposure.risk.trader_day_model", "source.risk.ml.predictions"],
        ["source.risk.ml.predictions", "model.risk.stg_ml__predictions"],
        ["model.risk.risk_calls", "exposure.risk.daily_report"],
    ):
        assert edge in found["edges"]


@pytest.mark.long
@needs_browser
def test_a_mart_shows_its_columns_and_a_question_what_it_answers(
    home: Home, tmp_path: Path
) -> None:
    site = home.docs / "index.html"
    found, complaints = opened(site, "#!/model/model.risk.daily_totals", tmp_path)
    assert complaints == []
    described = yaml.safe_load(
        (PROJECT_ROOT / "dbt_project/models/marts/core/_core__models.yml").read_text()
    )["models"][0]
    for column in described["columns"]:
        assert column["name"] in found["text"]
    found, complaints = opened(site, "#!/analysis/analysis.risk.give_back", tmp_path)
    assert complaints == []
    assert "Who gives back what the day had made?" in found["text"]
