"""The board as a person opens it: in a browser, without a server or a network."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb
import pytest
from bs4 import BeautifulSoup

from reports.board import data, write_board
from reports.board.figures import against_outcomes, calendar, equity
from reports.names import slug
from reports.summary import summarise
from runtime.home import Home
from runtime.publish.marts_copy import open_published, publish
from tests.browser import browse, needs_browser
from tests.conftest import (
    SampleRun,
    build_models_of,
    build_warehouse,
    make_settings,
)
from tests.desks import copied, left_with, multiplied, renamed
from tests.draws import draw
from tests.exports import ExportedFill, Exports

SETTINGS = make_settings(source="sample")
HOSTILE = {
    "SIM001": "<script>alert(1)</script>",
    "SIM002": 'A, "B" & C',
    "SIM003": "😀",
    "SIM004": "אבג",
    "SIM005": "../../etc",
    "SIM006": "x" * 80,
}
# Opens every page within one, and tells what each shows once its charts are drawn.
HARNESS = """<!DOCTYPE html><body><script>
const pages = %s;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
async function look(page) {
  const frame = document.createElement("iframe");
  frame.width = 1200; frame.height = 900; frame.src = page;
  document.body.append(frame);
  await new Promise((done) => { frame.onload = done; });
  const inside = frame.contentDocument;
  for (let n = 0; n < 200 && !inside.documentElement.dataset.drawn; n++) await wait(50);
  const plots = [...inside.querySelectorAll(".plot")];
  const found = {
    page, drawn: inside.documentElement.dataset.drawn ?? "no",
    plots: plots.length,
    empty: plots.filter((one) => !one.querySelector("svg.main-svg")).length,
    untitled: plots.filter((one) => !one.closest("figure").querySelector("figcaption")
      .textContent.trim() || [...one.querySelectorAll(".xtitle, .ytitle")]
      .filter((text) => text.textContent.trim()).length < 2).length,
    wide: inside.documentElement.scrollWidth,
    loaded: frame.contentWindow.performance.getEntriesByType("resource")
      .map((one) => one.name).filter((name) => !name.startsWith("data:")),
  };
  frame.remove();
  return found;
}
(async () => {
  const found = [];
  for (const page of pages) found.push(await look(page));
  document.body.innerHTML = "<pre id=found></pre>";
  document.getElementById("found").textContent = JSON.stringify(found);
})();
</script></body>"""


@pytest.fixture(scope="module")
def home(sample: SampleRun) -> Home:
    """The sample's morning, with its board."""
    return sample.home


def pages(board: Path) -> list[Path]:
    """Every page there is."""
    return sorted(board.rglob("*.html"))


def parsed(page: Path) -> BeautifulSoup:
    """A page as a browser reads it."""
    return BeautifulSoup(page.read_text("utf-8"), "html.parser")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder over HTTP: pages within a page may then be looked into."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def looked_at(board: Path, folder: Path) -> tuple[list[dict], list[str]]:
    """What the browser shows of each page, and what it complains of."""
    root = shutil.copytree(board, folder / "site")
    listed = [str(page.relative_to(root)) for page in pages(root)]
    (root / "harness.html").write_text(HARNESS % json.dumps(listed))
    with served(root) as address:
        shown, told = browse(f"{address}/harness.html", folder, seconds=300)
    found = re.search(r'<pre id="found">(.*?)</pre>', shown, re.DOTALL)
    assert found, told
    looks = json.loads(unescape(found[1]))
    assert [one["page"] for one in looks] == listed
    for one in looks:
        assert all(name.startswith(address) for name in one["loaded"]), one
    return looks, told


@needs_browser
def test_every_page_opens_and_draws_and_complains_of_nothing(
    home: Home, tmp_path: Path
) -> None:
    looks, told = looked_at(home.board, tmp_path)
    assert told == []
    assert len(looks) == 25 + 3
    for one in looks:
        assert one["drawn"] == "yes", one
        assert one["empty"] == 0, one
        assert one["untitled"] == 0, one
        assert one["wide"] <= 1200, one
    # Two who never traded have nothing to draw; every other page has.
    assert sum(one["plots"] == 0 for one in looks) == 2


@pytest.mark.few(1)
@needs_browser
@pytest.mark.parametrize("name", ["index.html", "models.html", "trader"])
def test_a_page_opens_from_the_disk(home: Home, tmp_path: Path, name: str) -> None:
    name = f"traders/{slug('SIM022')}.html" if name == "trader" else name
    shown, told = browse(f"file://{home.board / name}", tmp_path)
    assert told == []
    assert 'data-drawn="yes"' in shown
    assert shown.count('class="main-svg"') >= 2


def test_every_link_leads_to_a_file(home: Home) -> None:
    count = 0
    for page in pages(home.board):
        for tag in parsed(page).find_all(["a", "link", "script", "option"]):
            target = tag.get("href") or tag.get("src") or tag.get("value") or ""
            parts = urlsplit(target)
            assert parts.scheme in ("", "data"), target
            if parts.path and not parts.scheme:
                count += 1
                assert (page.parent / unquote(parts.path)).exists(), (page, target)
    assert count > 500


def test_the_report_and_the_data_docs_are_within_reach(home: Home) -> None:
    links = {
        link.text: (home.board / link["href"]).resolve()
        for link in parsed(home.board / "index.html").select("nav .other a")
    }
    assert links["Report"] == home.reports / "2025-12-19" / "report.html"
    assert links["Data Docs"] == home.data_docs / "index.html"


def test_every_page_says_of_what_and_when_it_is(home: Home) -> None:
    for page in pages(home.board):
        found = parsed(page)
        assert "SAMPLE DATA" in found.select_one(".sample").text
        assert "as of the morning of 2025-12-19" in found.header.text
        assert found.html["lang"] == "en"
        assert found.title.text.strip()
        assert len(found.select("h1")) == 1


def test_every_chart_has_a_title_units_and_the_same_in_words(home: Home) -> None:
    titles = set()
    for page in pages(home.board):
        for figure in parsed(page).select("figure.chart"):
            title = figure.figcaption.text
            titles.add(title)
            plot = figure.select_one(".plot")
            assert plot["role"] == "img"
            assert plot["aria-label"].startswith(title)
            assert figure.select_one(".told").text.strip()
            layout = json.loads(figure.script.string)["layout"]
            for axis in [name for name in layout if re.match("[xy]axis", name)]:
                assert layout[axis]["title"]["text"], (title, axis)
    assert len(titles) >= 18


def test_the_desk_page_tells_the_marts_figures(home: Home) -> None:
    summary = summarise(make_settings(source="sample"), home)
    found = parsed(home.board / "index.html")
    rows = found.select_one("table.sortable tbody").find_all("tr")
    calls = [one for level in summary["calls"].values() for one in level]
    assert len(rows) == len(calls)
    for row, call in zip(rows, calls, strict=True):
        assert call["trader_id"] in row.th.text
        assert call["limit_risk"] in row.td.text
    tiles = found.select_one(".tiles").text
    desk = summary["desk"]
    assert (
        f"{desk['breached_sessions_count']} of {desk['evaluated_sessions_count']}"
        in (tiles)
    )


def test_a_newcomer_is_shown_beside_the_traders_most_like_him(home: Home) -> None:
    with open_published(home) as connection:
        nearest = connection.sql(
            "select neighbour_trader_id from newcomer_neighbours "
            "where trader_id = 'SIM014' order by neighbour_rank"
        ).fetchall()
    assert len(nearest) == 3
    found = parsed(home.board / "traders" / f"{slug('SIM014')}.html").text
    said = found.partition("Traders like this one")[2]
    places = [said.index(trader) for (trader,) in nearest]
    assert places == sorted(places)
    other = parsed(home.board / "traders" / f"{slug('SIM022')}.html").text
    assert "Traders like this one" not in other


def test_problems_come_first(home: Home, tmp_path: Path) -> None:
    mine = copied(home, Home(tmp_path / "home"))
    with duckdb.connect(mine.warehouse) as connection:
        connection.execute(
            "update marts.data_quality set found_count = 7, "
            "finding = 'sessions <b>are</b> missing' where check_name = 'stale'"
        )
    publish(mine)
    write_board(SETTINGS, mine)
    found = parsed(mine.board / "index.html")
    first = found.main.find(["h1", "section"])
    assert "7 sessions <b>are</b> missing" in first.text
    assert not parsed(home.board / "index.html").select(".warning")


@needs_browser
def test_a_hostile_name_is_shown_and_does_no_harm(home: Home, tmp_path: Path) -> None:
    mine = copied(home, Home(tmp_path / "home"))
    renamed(mine, HOSTILE)
    write_board(SETTINGS, mine)
    files = pages(mine.board / "traders")
    assert len(files) == 25
    assert all(page.parent == mine.board / "traders" for page in files)
    desk = parsed(mine.board / "index.html")
    shown = {link.text for link in desk.select("table.sortable th a bdi")}
    assert set(HOSTILE.values()) <= shown
    for name in HOSTILE.values():
        found = parsed(mine.board / "traders" / f"{slug(name)}.html")
        assert found.h1.bdi.text == name
        assert not [
            tag for tag in found.find_all("script")
            if not tag.get("src") and tag["type"] != "application/json"
        ]  # fmt: skip
    looks, told = looked_at(mine.board, tmp_path)
    assert told == []
    assert all(one["wide"] <= 1200 for one in looks), looks


@pytest.mark.few(1)
@pytest.mark.parametrize("traders", [(), ("SIM022",), ("SIM015",)])
def test_a_desk_of_nobody_or_of_one_reads_well(
    home: Home, tmp_path: Path, traders: tuple[str, ...]
) -> None:
    mine = copied(home, Home(tmp_path / "home"))
    left_with(mine, *traders)
    write_board(SETTINGS, mine)
    assert len(pages(mine.board)) == 3 + len(traders)
    text = parsed(mine.board / "index.html").main.text
    assert ("Nobody to call" in text) == (not traders)
    if traders == ("SIM015",):
        page = parsed(mine.board / "traders" / f"{slug('SIM015')}.html")
        assert "Needs 5 traded days, has 3" in page.select_one(".warning").text


@pytest.mark.long
def test_a_large_desk_has_a_page_for_each(home: Home, tmp_path: Path) -> None:
    mine, copies = copied(home, Home(tmp_path / "home")), draw(5, 21)
    multiplied(mine, copies)
    said = write_board(SETTINGS, mine)
    assert said.startswith(f"{25 * copies} traders")
    assert len(pages(mine.board / "traders")) == 25 * copies


@pytest.mark.long
@needs_browser
def test_a_desk_on_its_first_day_has_a_board(tmp_path: Path) -> None:
    one = ExportedFill("A1", datetime(2025, 3, 3, 10), "B", Decimal(1), Decimal(1))
    exports = Exports(tmp_path / "exports").write([one])
    mine = build_warehouse(tmp_path / "home", exports.folder)
    chosen = make_settings(source="files", exports=exports.folder, risk_home=mine.root)
    build_models_of(chosen, mine, selector="after_scoring")
    publish(mine)
    write_board(chosen, mine)
    looks, told = looked_at(mine.board, tmp_path)
    assert told == []
    assert len(looks) == 4
    assert not parsed(mine.board / "index.html").select(".sample")
    assert "too little history" in parsed(mine.board / "models.html").main.text


def test_board_and_report_need_the_published_copy_alone(
    home: Home, tmp_path: Path
) -> None:
    mine = copied(home, Home(tmp_path / "home"))
    mine.warehouse.unlink()
    assert summarise(make_settings(source="sample"), mine) == summarise(
        make_settings(source="sample"), home
    )
    assert write_board(SETTINGS, mine).startswith("25 traders")
    assert list(mine.root.glob("*.duckdb*")) == []


@pytest.mark.long
def test_a_board_that_cannot_be_written_leaves_the_last_one(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = copied(home, Home(tmp_path / "home"))
    write_board(SETTINGS, mine)
    before = {page: page.read_bytes() for page in pages(mine.board)}

    def broken(_: object) -> None:
        raise RuntimeError("half-way")

    monkeypatch.setattr(data, "quality", broken)
    with pytest.raises(RuntimeError, match="half-way"):
        write_board(SETTINGS, mine)
    assert {page: page.read_bytes() for page in pages(mine.board)} == before
    monkeypatch.undo()
    write_board(SETTINGS, mine)
    assert sorted(path.name for path in mine.root.iterdir()) == [
        "board", "published", "risk.duckdb",
    ]  # fmt: skip


def test_a_slug_is_a_file_name_of_one_trader_alone() -> None:
    names = ["A B", "A/B", "A-B", "a b", "אבג", "", "..", "x" * 300]
    slugs = [slug(name) for name in names]
    assert len({one.lower() for one in slugs}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9-]{8,49}", one) for one in slugs)


def test_equity_adds_up_and_falls_from_its_peak() -> None:
    days = [
        {"date": f"2026-03-0{n}", "net_pnl": net}
        for n, net in enumerate((100.0, -30.0, -90.0, 50.0), start=2)
    ]
    total, fall = equity(days, "the desk").traces
    assert total["y"] == [100, 70, -20, 30]
    assert fall["y"] == [0, -30, -120, -70]
    # Who begins with a loss is below nothing at once.
    assert equity(days[1:2], "x").traces[1]["y"] == [-30]


def test_outcomes_are_told_by_shape_as_well_as_by_colour() -> None:
    rows = [
        {
            "prediction_date": f"2026-03-0{n}", "is_replayed": n < 4, "low": -50.0,
            "high": 50.0, "middle": 0.0, "actual_net_pnl": net,
        }
        for n, net in enumerate((10.0, -60.0, -5.0, 70.0), start=2)
    ]  # fmt: skip
    chart = against_outcomes(rows, "low", "high", "middle", ("band", "line"), "t")
    signs = {
        trace["name"]: (trace["marker"]["symbol"], trace["y"])
        for trace in chart.traces
        if "marker" in trace
    }
    assert signs == {
        "Gain, replayed": ("triangle-up-open", [10.0]),
        "Loss, replayed": ("triangle-down-open", [-60.0]),
        "Loss, called": ("triangle-down", [-5.0]),
        "Gain, called": ("triangle-up", [70.0]),
    }
    assert chart.told == "2 of 4 outcomes lie inside the band."


def test_a_calendar_has_a_cell_for_each_day_and_says_it_in_words() -> None:
    days = [
        {"date": "2026-03-02", "week": "2026-03-02", "weekday": 0, "net_pnl": 40.0},
        {"date": "2026-03-14", "week": "2026-03-09", "weekday": 5, "net_pnl": -90.0},
    ]
    (trace,) = calendar(days, "x").traces
    assert trace["y"] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    assert trace["z"][0] == [40.0, None]
    assert trace["z"][5] == [None, -90.0]
    assert trace["text"][5][1] == "2026-03-14<br>▼ -90 dollars"
    assert trace["zmin"] == -trace["zmax"]
