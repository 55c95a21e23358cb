"""The board as a person opens it: in a browser, without a server or a network."""

import json
import re
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pytest
from bs4 import BeautifulSoup

from reports.board import write, write_board
from reports.board.figures import against_outcomes, daily, drawdowns, equity, ranked
from reports.glossary import TERMS
from reports.names import slug
from reports.summary import read_summary, summarise
from reports.words import money
from runtime.home import Home
from runtime.ledger import Ledger
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
from tests.operations.tiny_desk import TinyMorning

SETTINGS, FILES = make_settings(source="sample"), make_settings(source="files")
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
  const folded = inside.querySelectorAll("details:not([open]) .plot");
  const foldedDrawn = [...folded].filter((one) => one.drawn).length;
  const wide = inside.documentElement.scrollWidth;
  frame.contentWindow.dispatchEvent(new Event("beforeprint"));
  const undrawn = () => [...inside.querySelectorAll(".plot")]
    .some((one) => !one.querySelector("svg.main-svg"));
  for (let n = 0; n < 100 && undrawn(); n++) await wait(50);
  const plots = [...inside.querySelectorAll(".plot")];
  const found = {
    page, drawn: inside.documentElement.dataset.drawn ?? "no",
    plots: plots.length, foldedDrawn,
    shut: inside.querySelectorAll("details:not([open])").length,
    empty: plots.filter((one) => !one.querySelector("svg.main-svg")).length,
    untitled: plots.filter((one) => !one.closest("figure").querySelector("figcaption")
      .textContent.trim() || [...one.querySelectorAll(".xtitle, .ytitle")]
      .filter((text) => text.textContent.trim()).length < 2).length,
    wide,
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


def looked_at(
    board: Path, folder: Path, opened: list[Path] | None = None
) -> tuple[list[dict], list[str]]:
    """What the browser shows of each page, or of these, and what it complains of."""
    root = shutil.copytree(board, folder / "site")
    opened = pages(board) if opened is None else opened
    listed = [str(page.relative_to(board)) for page in opened]
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


@pytest.fixture(scope="module")
def hostile(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The same board, of traders whose names are made to do harm, and with an alarm.

    Written from the published copy alone.
    """
    mine = copied(home, Home(tmp_path_factory.mktemp("hostile") / "home"))
    with duckdb.connect(mine.warehouse) as connection:
        connection.execute(
            "update marts.data_quality set found_count = 7, "
            "finding = 'sessions <b>are</b> missing' where check_name = 'stale'"
        )
    renamed(mine, HOSTILE)
    mine.warehouse.unlink()
    assert write_board(SETTINGS, mine).startswith("25 traders")
    assert list(mine.root.glob("*.duckdb*")) == []
    return mine


def unlike(every: list[Path]) -> list[Path]:
    """All pages; of traders with the charts of most those with a hostile name only."""
    names = {f"{slug(name)}.html" for name in HOSTILE.values()}
    charts = {page: page.read_text("utf-8").count('class="plot') for page in every}
    (most, _), *_ = Counter(charts.values()).most_common()
    return [
        page
        for page in every
        if page.parent.name != "traders" or page.name in names or charts[page] != most
    ]


@needs_browser
def test_every_page_opens_and_draws_and_complains_of_nothing_whatever_the_names(
    hostile: Home, tmp_path: Path
) -> None:
    opened = draw(unlike(pages(hostile.board)), pages(hostile.board))
    looks, told = looked_at(hostile.board, tmp_path, opened)
    assert told == []
    assert len(looks) == draw(10, 25) + 7
    for one in looks:
        # What is folded is drawn when it is opened, and all of it on paper.
        assert one["foldedDrawn"] == 0, one
        assert one["shut"] == 0, one
        assert one["drawn"] == "yes", one
        assert one["empty"] == 0, one
        assert one["untitled"] == 0, one
        assert one["wide"] <= 1200, one
    # Two who never traded have nothing to draw, nor have limits; every other page has.
    assert sum(one["plots"] == 0 for one in looks) == 3


# What a person does: opens a page, clicks, and goes back.
CLICKS = """<!DOCTYPE html><body><iframe id=frame width=1300 height=900></iframe>
<script>
const frame = document.getElementById("frame");
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const until = async (is) => { for (let n = 0; n < 200 && !is(); n++) await wait(50); };
async function open(page) {
  frame.src = "about:blank";
  await wait(100);
  frame.src = page;
  await new Promise((done) => { frame.onload = done; });
  await until(() => frame.contentDocument.documentElement.dataset.drawn);
  return frame.contentDocument;
}
const texts = (within, selector) => [...within.querySelectorAll(selector)]
  .map((one) => one.textContent);
(async () => {
  const found = {};
  %s
  document.body.innerHTML = "<pre id=found></pre>";
  document.getElementById("found").textContent = JSON.stringify(found);
})();
</script></body>"""


def clicked(board: Path, folder: Path, script: str) -> dict:
    """What a script of clicks finds on the board's pages."""
    root = shutil.copytree(board, folder / "site")
    (root / "clicks.html").write_text(CLICKS % script)
    with served(root) as address:
        shown, told = browse(f"{address}/clicks.html", folder, seconds=120)
    assert told == []
    found = re.search(r'<pre id="found">(.*?)</pre>', shown, re.DOTALL)
    assert found, shown[-2000:]
    return json.loads(unescape(found[1]))


@needs_browser
def test_the_desks_table_filters_sorts_searches_and_keeps_it_in_the_address(
    home: Home, tmp_path: Path
) -> None:
    found = clicked(
        home.board,
        tmp_path,
        """
        let page = await open("index.html");
        const shown = () => texts(page, "#overview tbody th a bdi");
        const heads = () => [...page.querySelectorAll("#overview thead th")];
        found.all = shown();
        page.querySelector('.chip[data-value="Elevated"]').click();
        found.elevated = shown();
        page.querySelector('.chip[data-value="High"]').click();
        found.both = shown();
        page.querySelector('.chip[data-period="all"]').click();
        found.head = heads()[7].textContent;
        heads()[7].click();
        // Once it is sorted: it takes a moment.
        await until(() => heads()[7].classList.contains("dt-ordering-desc"));
        found.sorted = texts(page, "#overview tbody td.period");
        found.hash = frame.contentWindow.location.hash;
        page = await open("index.html" + found.hash);
        found.again = texts(page, "#overview tbody td.period");
        found.pressed = texts(page, '.chip[aria-pressed="true"]');
        const search = page.querySelector(".dt-search input");
        search.value = "SIM020";
        search.dispatchEvent(new Event("input", { bubbles: true }));
        await until(() => shown().length === 1);
        found.searched = shown();
        found.told = page.getElementById("cumulative-told").textContent;
        page = await open("index.html#sort=9a");
        found.peaks = [...page.querySelectorAll("#overview tbody tr")]
          .map((row) => row.cells[9].dataset.order);
        """,
    )
    with open_published(home) as connection:
        levels = dict(
            connection.sql("select trader_id, limit_risk from risk_calls").fetchall()
        )
        nets = dict(
            connection.sql(
                "select trader_id, sum(net_pnl) from fct_trader_total_pnl group by all"
            ).fetchall()
        )
    of = {
        level: {trader for trader in levels if levels[trader] == level}
        for level in ("High", "Elevated")
    }
    assert len(found["all"]) == 25
    assert set(found["elevated"]) == of["Elevated"]
    both = of["High"] | of["Elevated"]
    assert set(found["both"]) == both
    assert found["head"] == "All"
    amounts = [
        Decimal(re.sub("[$,]", "", text).replace("−", "-")) for text in found["sorted"]
    ]
    assert amounts == sorted(amounts, reverse=True)
    assert amounts == sorted((round(nets[one]) for one in both), reverse=True)
    assert "level=High,Elevated&period=all&sort=7d" in found["hash"]
    assert found["again"] == found["sorted"]
    assert [one.strip("▲◆ ") for one in found["pressed"]] == ["High", "Elevated", "all"]
    assert found["searched"] == ["SIM020"]
    assert found["told"].startswith("1 trader, ")
    # Who has nothing to sort by comes last, whichever way.
    known = [float(one) for one in found["peaks"] if one]
    assert known == sorted(known)
    assert found["peaks"][len(known) :] == [""] * (25 - len(known))


@needs_browser
def test_a_day_opens_with_its_path_and_its_trades_and_the_way_leads_back(
    home: Home, tmp_path: Path
) -> None:
    with open_published(home) as connection:
        breach = connection.sql(
            "select scope_name, trade_date::varchar, "
            "timezone('America/New_York', timezone('UTC', breached_at)), positions, "
            "fills_after_breach_count from fct_breaches where rule = 'daily_loss' "
            "and scope_type = 'trader' and positions is not null "
            "order by trade_date desc limit 1"
        ).fetchall()
        ((trader, date, moment, positions, after),) = breach
        counts = connection.execute(
            "select (select count(*) from fct_round_trips where is_closed and "
            "trader_id = $1 and closed_date = $2), (select count(*) from fct_fills "
            "where is_counted and trader_id = $1 and trade_date = $2), "
            "(select net_pnl from fct_trader_total_pnl where trader_id = $1 "
            "and trade_date = $2)",
            [trader, date],
        ).fetchall()
    ((trades, fills, net),) = counts
    found = clicked(
        home.board,
        tmp_path,
        f"""
        const opened = () => page.querySelector("#day h2")?.firstChild?.textContent;
        const complete = () => until(() => page.querySelector("#day svg.main-svg")
          && page.querySelector("#day details"));
        let page = await open("traders/{slug(trader)}.html#{date}");
        await complete();
        found.day = opened();
        found.told = page.querySelector("#day .warning").textContent;
        found.tile = page.querySelector("#day .tile b").textContent;
        found.trades = page.querySelectorAll("#day .scroll table tbody tr").length;
        page.querySelector("#day details").open = true;
        await until(() => page.querySelector("#day details table"));
        found.fills = page.querySelectorAll("#day details tbody tr").length;
        const path = page.querySelector("#day .plot").drawn.data;
        found.path = path[0].y;
        found.beyond = path.find((one) => one.name === "Beyond the limit").x[0];
        const other = [...page.querySelectorAll("#calendar a")]
          .find((one) => one.dataset.date < "{date[:7]}");
        found.other = other.dataset.date;
        other.click();
        await until(() => opened().includes(other.dataset.date));
        found.then = opened();
        frame.contentWindow.history.back();
        await until(() => opened().includes("{date}"));
        found.back = opened();
        """,
    )
    assert found["day"].endswith(date)
    assert re.sub("(^|, )-", r"\1−", positions) in found["told"]
    assert f"{moment:%H:%M:%S} ET" in found["told"]
    assert f"{after} fills came after it" in found["told"]
    assert found["trades"] == trades
    assert found["fills"] == fills
    assert found["path"][-1] == pytest.approx(float(net), abs=0.011)
    assert found["beyond"] == f"{moment:%Y-%m-%dT%H:%M:%S}"
    assert found["then"].endswith(found["other"])
    assert found["back"].endswith(date)


@needs_browser
def test_a_day_beyond_the_default_limit_says_when_what_was_held_and_what_came_after(
    home: Home, tmp_path: Path
) -> None:
    with open_published(home) as connection:
        # Who held something overnight, too.
        day = connection.sql(
            "select days.trader_id, days.trade_date::varchar, previous_session_date "
            "from fct_trader_total_pnl as days "
            "join dim_sessions on session_date = days.trade_date "
            "join fct_limit_use as used on scope_name = trader_id "
            "and used.trade_date = days.trade_date and rule = 'daily_loss' "
            "and scope_type = 'trader' and not is_limit_set "
            "where net_pnl < -1000 and exists (from fct_open_positions as held "
            "where held.trader_id = days.trader_id "
            "and held.trade_date = previous_session_date) "
            "order by days.trade_date desc limit 1"
        ).fetchall()
        ((trader, date, before),) = day
        fills = connection.execute(
            "select filled_at_et, cumulative_net_pnl, symbol, signed_quantity "
            "from fct_fills where is_counted and trader_id = $1 and trade_date = $2 "
            "order by day_sequence",
            [trader, date],
        ).fetchall()
        held: dict[str, Decimal] = dict(
            connection.execute(
                "select symbol, sum(position_quantity) from fct_open_positions "
                "where trader_id = $1 and trade_date = $2 group by symbol",
                [trader, before],
            ).fetchall()
        )
    place = next(n for n, fill in enumerate(fills) if fill[1] < -1000)
    for _, _, symbol, quantity in fills[: place + 1]:
        held[symbol] = held.get(symbol, Decimal(0)) + quantity
    found = clicked(
        home.board,
        tmp_path,
        f"""
        const page = await open("traders/{slug(trader)}.html#{date}");
        await until(() => page.querySelector("#day .warning"));
        found.told = page.querySelector("#day .warning").textContent;
        """,
    )
    assert f"at {fills[place][0]:%H:%M:%S} ET" in found["told"]
    for symbol, quantity in held.items():
        said = f"{quantity.normalize():,f} {symbol}".replace("-", "−")
        assert (said in found["told"]) == (quantity != 0)
    assert f"{len(fills) - place - 1} fills came after it" in found["told"]
    after = fills[-1][1] - fills[place][1]
    text = f"{'lost' if after < 0 else 'made'} {money(abs(after))}."
    assert text in found["told"].replace("\N{WORD JOINER}", "")


@needs_browser
def test_two_traders_are_compared_as_the_marts_have_them(
    home: Home, tmp_path: Path
) -> None:
    found = clicked(
        home.board,
        tmp_path,
        """
        let page = await open("compare.html");
        const [first, second] = page.querySelectorAll("select[name=trader]");
        first.value = "SIM011"; second.value = "SIM018";
        second.dispatchEvent(new Event("change", { bubbles: true }));
        found.said = page.getElementById("said").textContent;
        found.hash = frame.contentWindow.location.hash;
        const period = "&from=2025-01-01&to=2025-06-30";
        page = await open("compare.html" + found.hash + period);
        found.rows = [...page.querySelectorAll("#figures tbody tr")]
          .map((row) => [...row.cells].map((cell) => cell.textContent));
        page = await open("compare.html#t=SIM011&to=2024-12-31&other-from=2025-01-01");
        found.periods = texts(page, "#figures thead th");
        """,
    )
    with open_published(home) as connection:
        pair = connection.sql(
            "with days as (from fct_trader_total_pnl) select corr(a.net_pnl, "
            "b.net_pnl), count(*), count(*) filter (a.net_pnl < 0 and b.net_pnl < 0) "
            "from days as a join days as b using (trade_date) "
            "where a.trader_id = 'SIM011' and b.trader_id = 'SIM018'"
        ).fetchall()
        own = connection.sql(
            "select sum(net_pnl), count(*), min(net_pnl) from fct_trader_total_pnl "
            "where trader_id = 'SIM011' "
            "and trade_date between '2025-01-01' and '2025-06-30'"
        ).fetchall()
    ((correlation, days, both),) = pair
    ((total, count, worst),) = own
    assert f"correlation {correlation:.2f} on {days} days in common" in found["said"]
    assert f"both lost on {both}" in found["said"]
    assert found["hash"] == "#t=SIM011,SIM018"
    figures = {row[0]: row[1] for row in found["rows"]}
    assert figures["Days"] == str(count)
    assert figures["Net P&L"] == money(total)
    assert figures["Worst day"] == money(worst)
    assert len(found["periods"]) == 3


def test_the_fills_of_each_day_add_up_to_it(home: Home) -> None:
    days: dict[tuple[str, str], dict] = {}
    for file in (home.board / "data").glob("*/*.js"):
        _, _, text = file.read_text("utf-8").partition(",")
        for date, day in json.loads(text.removesuffix(");")).items():
            days[file.parent.name, date] = day
    with open_published(home) as connection:
        last = connection.sql("select max(trade_date) from fct_fills").fetchall()
        expected = connection.sql(
            "select trader_id, trade_date::varchar, count(*), "
            "sum(realized_gross_pnl - total_fees), sum(signed_quantity) "
            "from fct_fills where is_counted and has_fill_time "
            "and trader_id is not null and cumulative_net_pnl is not null "
            "group by all"
        ).fetchall()
        trades = connection.sql(
            "select trader_id, closed_date::varchar, count(*), sum(net_pnl) "
            "from fct_round_trips where is_closed and trader_id is not null "
            "group by all"
        ).fetchall()
    assert last
    assert len(expected) > 7000
    for trader, date, count, net, quantity in expected:
        fills = days[slug(trader), date]["fills"]
        assert len(fills["cents"]) == len(fills["seconds"]) == count
        assert sum(fills["cents"]) / 100 == pytest.approx(float(net), abs=0.006)
        assert sum(map(Decimal, map(str, fills["quantities"]))) == quantity
    for trader, date, count, net in trades:
        found = days[slug(trader), date]["trades"]
        assert len(found) == count
        assert sum(one[-1] for one in found) == pytest.approx(float(net), abs=0.3)


def test_every_term_that_is_explained_is_in_the_glossary(home: Home) -> None:
    explained = set()
    for page in pages(home.board):
        for tag in parsed(page).select("abbr[title]"):
            assert tag["title"] in TERMS.values()
            explained.add(tag["title"])
    assert len(explained) > 20


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
        for tag in parsed(page).select("a, link, script, #traders option"):
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
        for figure in parsed(page).select("figure.chart:has([data-figure])"):
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
    rows = found.select_one("#overview tbody").find_all("tr")
    forecasts = [one for level in summary["forecasts"].values() for one in level]
    assert len(rows) == 25
    for row, forecast in zip(rows, forecasts, strict=False):
        assert forecast["trader_id"] in row.th.text
        assert forecast["limit_risk"] in row.td.text
    tiles = found.select_one(".tiles").text
    desk = summary["desk"]
    assert (
        f"{desk['breached_sessions_count']} of {desk['evaluated_sessions_count']}"
        in (tiles)
    )


def test_what_is_held_by_sector_is_shown_where_sectors_are_set(
    home: Home, tmp_path: Path
) -> None:
    with open_published(home) as connection:
        sectors = [
            (sector, money(gross), money(net))
            for sector, gross, net in connection.sql(
                "select sector, overnight_gross_exposure, overnight_net_exposure "
                "from fct_sector_exposure where scope_type = 'desk' and trade_date = "
                "(select max(trade_date) from daily_totals where fills_count > 0) "
                "order by overnight_gross_exposure desc, sector"
            ).fetchall()
        ]
    assert sectors
    [table] = by_sector(home)
    shown = [
        tuple(cell.text for cell in row.find_all(["th", "td"])[:3])
        for row in table.tbody.find_all("tr")
    ]
    assert shown == sectors
    bare = copied(home, Home(tmp_path / "bare"))
    with duckdb.connect(bare.warehouse) as connection:
        connection.execute("delete from marts.fct_sector_exposure")
    publish(bare)
    write_board(SETTINGS, bare)
    assert by_sector(bare) == []


def by_sector(home: Home) -> list:
    """The tables under that heading of the desk's page."""
    return [
        heading.find_next("table")
        for heading in parsed(home.board / "index.html").find_all("h2")
        if heading.text.startswith("Held overnight by sector")
    ]


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


def test_problems_come_first(home: Home, hostile: Home) -> None:
    found = parsed(hostile.board / "index.html")
    first = found.main.find(["h1", "section"])
    assert "7 sessions <b>are</b> missing" in first.text
    quality = parsed(hostile.board / "data.html")
    assert "7" in quality.select_one("tr.alarm").text
    passed = [tag.text for tag in quality.select_one("details").select("th")]
    assert "stale" not in passed
    assert not parsed(home.board / "index.html").select(".warning")


def test_a_hostile_name_is_shown_as_it_is(hostile: Home) -> None:
    files = pages(hostile.board / "traders")
    assert len(files) == 25
    assert all(page.parent == hostile.board / "traders" for page in files)
    desk = parsed(hostile.board / "index.html")
    shown = {link.text for link in desk.select("#overview th a bdi")}
    assert set(HOSTILE.values()) <= shown
    for name in HOSTILE.values():
        found = parsed(hostile.board / "traders" / f"{slug(name)}.html")
        assert found.h1.bdi.text == name
        assert not [
            tag for tag in found.find_all("script")
            if not tag.get("src") and tag["type"] != "application/json"
        ]  # fmt: skip


@pytest.mark.few(1)
@pytest.mark.parametrize("traders", [(), ("SIM022",), ("SIM015",)])
def test_a_desk_of_nobody_or_of_one_reads_well(
    home: Home, tmp_path: Path, traders: tuple[str, ...]
) -> None:
    mine = copied(home, Home(tmp_path / "home"))
    left_with(mine, *traders)
    write_board(SETTINGS, mine)
    assert len(pages(mine.board)) == 7 + len(traders)
    text = parsed(mine.board / "index.html").main.text
    assert ("No forecasts today" in text) == (not traders)
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
    assert len(looks) == 8
    assert not parsed(mine.board / "index.html").select(".sample")
    assert "too little history" in parsed(mine.board / "models.html").main.text


def test_the_report_needs_the_published_copy_alone(home: Home, tmp_path: Path) -> None:
    mine = Home(tmp_path / "home")
    shutil.copytree(home.published, mine.published, symlinks=True)
    assert summarise(make_settings(source="sample"), mine) == summarise(
        make_settings(source="sample"), home
    )
    assert list(mine.root.glob("*.duckdb*")) == []


@pytest.mark.long
def test_a_board_that_cannot_be_written_leaves_the_last_one(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = copied(home, Home(tmp_path / "home"))
    write_board(SETTINGS, mine)
    before = {page: page.read_bytes() for page in pages(mine.board)}

    def broken(*_: object) -> None:
        raise RuntimeError("half-way")

    (mine.board / write.MANIFEST).unlink()
    monkeypatch.setattr(write, "write_models", broken)
    with pytest.raises(RuntimeError, match="half-way"):
        write_board(SETTINGS, mine)
    assert {page: page.read_bytes() for page in pages(mine.board)} == before
    monkeypatch.undo()
    write_board(SETTINGS, mine)
    assert sorted(path.name for path in mine.root.iterdir()) == [
        "board", "published", "risk.duckdb",
    ]  # fmt: skip


@pytest.fixture
def written(tiny_morning: TinyMorning, tmp_path: Path) -> Home:
    """A board of one trader, just written; that of a whole desk only takes longer."""
    mine = tiny_morning.copy_to(tmp_path)
    write_board(FILES, mine)
    return mine


def test_a_board_of_the_same_marts_gets_the_runs_alone(written: Home) -> None:
    before = {page: page.read_bytes() for page in pages(written.board)}
    Ledger(written).begin("20251219T120000-1", "run", "a step of now", 1, 1, written)
    settings = make_settings(source="files", risk_home=written.root)
    assert "nothing has changed since" in write_board(settings, written)
    after = {page: page.read_bytes() for page in pages(written.board)}
    assert {page.name for page in before if after.pop(page) != before[page]} == {
        "data.html"
    }
    assert not after
    assert "a step of now" in (written.board / "data.html").read_text("utf-8")


def _publish_again(mine: Home) -> None:
    publish(mine, made_of="another", memory_limit="1GB")


def _write_report(mine: Home) -> None:
    as_of = summarise(FILES, mine)["as_of"]
    (mine.reports / as_of).mkdir(parents=True)
    (mine.reports / as_of / "report.html").write_text("a report")


@pytest.mark.few(4)
@pytest.mark.parametrize(
    "change",
    [
        _publish_again,
        _write_report,
        lambda mine: (mine.board / "rules.html").unlink(),
        lambda mine: (mine.board / "rules.html").write_text("half of"),
        lambda mine: (mine.board / "assets" / "board.css").unlink(),
        lambda mine: (mine.board / "manifest.json").write_text("{"),
        lambda mine: (mine.board / "manifest.json").write_text("[]"),
        lambda mine: (mine.board / "manifest.json").unlink(),
        lambda mine: shutil.rmtree(mine.board),
    ],
)
def test_a_board_is_written_again_where_anything_is_another(
    written: Home, change: Callable[[Home], object]
) -> None:
    change(written)
    assert write_board(FILES, written).startswith("1 trader ")
    assert "nothing has changed since" in write_board(FILES, written)


def test_a_board_of_other_code_or_another_day_is_written_again(
    written: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "_code", lambda: "another")
    assert write_board(FILES, written).startswith("1 trader ")
    # What is said of the same marts today: that they are stale.
    monkeypatch.setattr(write, "read_summary", _stale)
    assert write_board(FILES, written).startswith("1 trader ")
    assert "the data is stale" in (written.board / "index.html").read_text("utf-8")


def _stale(*arguments: Any) -> dict[str, Any]:
    return read_summary(*arguments) | {"stale": "the data is stale"}


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


def test_outcomes_are_told_by_shape_as_well_as_by_color() -> None:
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
        "Gain, simulated": ("triangle-up-open", [10.0]),
        "Loss, simulated": ("triangle-down-open", [-60.0]),
        "Loss, forecasted": ("triangle-down", [-5.0]),
        "Gain, forecasted": ("triangle-up", [70.0]),
    }
    assert chart.told == "2 of 4 outcomes lie inside the band."


def test_days_beyond_the_limit_are_counted_and_lead_to_their_day() -> None:
    days = [
        {"date": f"2026-03-0{n}", "net_pnl": net, "limit_amount": 50.0}
        for n, net in enumerate((10.0, -60.0, -5.0, None), start=2)
    ]
    chart = daily(days)
    assert chart.leads_to_days
    assert [trace["y"] for trace in chart.traces[:2]] == [[10.0], [-60.0, -5.0]]
    assert chart.told == (
        "Of all 3 days 2 lost, 1 of them closed beyond the limit. 1 day is not known, "
        "and not in it."
    )


def test_a_ranking_never_leaves_out_the_largest_loser() -> None:
    rows = [{"symbol": f"S{n}", "net": float(n - 30)} for n in range(40)]
    chart = ranked([*rows, {"symbol": "X", "net": None}], "symbol", "net", "t")
    assert chart.traces[0]["x"][0] == -30.0
    assert chart.told.startswith("Lowest first: S0: −")
    assert chart.told.endswith(" 1 not known.")


def test_drawdowns_are_from_a_peak_to_the_day_it_is_reached_again() -> None:
    nets = (100.0, -30.0, -20.0, 60.0, -200.0, 10.0)
    days = [
        {"date": f"2026-03-0{n}", "net_pnl": net} for n, net in enumerate(nets, start=2)
    ]
    assert drawdowns(days) == [
        {
            "depth": 200.0, "peak_date": "2026-03-05", "trough_date": "2026-03-06",
            "end_date": None,
        },
        {
            "depth": 50.0, "peak_date": "2026-03-02", "trough_date": "2026-03-04",
            "end_date": "2026-03-05",
        },
    ]  # fmt: skip
    # Who begins with a loss is below the beginning.
    assert drawdowns(days[1:2])[0]["peak_date"] is None
