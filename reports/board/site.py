"""The frame of the board: its folder, what every page shares, and its data files."""

import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import markupsafe

from reports.board.figures import Chart
from reports.board.rows import Row
from reports.glossary import TERMS
from reports.names import slug
from reports.render import environment, unbroken
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import utc_now

FOLDER = Path(__file__).parent
# Where a line may part a minus from its amount; in a table no cell breaks.
_PROSE = re.compile(r"<(p|small|li)\b[^>]*>.*?</\1>", re.DOTALL)
# File and name of each page that the head of every page leads to.
PAGES = (
    ("index.html", "Desk"),
    ("compare.html", "Compare"),
    ("record.html", "Record"),
    ("rules.html", "Rules"),
    ("limits.html", "Limits"),
    ("models.html", "Models"),
    ("data.html", "Data"),
)


class Site:
    """The folder that a board is written into, and what its pages share.

    Args:
        folder: New, and swapped in when all is written.
        home: Whose report, lineage and the like are linked.
        summary: Of the morning, as `reports.summary.read_summary` gives it.
        traders: Of `marts.trader_status`, for the choice in the head of every page.
        facts: What happened to each of them, as `reports.facts.read_trader_facts` has
            it.
    """

    def __init__(
        self,
        folder: Path,
        home: Home,
        summary: Row,
        traders: list[Row],
        facts: dict[str, Row],
    ) -> None:
        self.summary = summary
        self.traders = traders
        self.facts = facts
        self._folder = folder
        self._root = home.root
        # What the head of every page leads to, where it is there.
        self.links = {
            name: path
            for name, path in {
                "report": home.reports / summary["as_of"] / "report.html",
                "docs": home.docs / "index.html",
                "gate": home.data_docs / "index.html",
                "backtest": home.backtest / "index.html",
            }.items()
            if path.exists()
        }
        self._environment = environment(FOLDER / "templates")
        self._environment.globals |= {
            "inline_json": inline_json, "term": term, "pages": PAGES,
        }  # fmt: skip
        self.written_at = utc_now()

    def write_assets(self) -> None:
        """Styles, scripts and libraries of the pages."""
        assets = self._folder / "assets"
        assets.mkdir(parents=True)
        # Not with their modes: what a run writes is its owner's alone.
        for asset in (
            *(FOLDER / "assets").iterdir(),
            _packaged("plotly", "package_data/plotly.min.js"),
            _packaged("itables", "html/dt_bundle.css"),
        ):
            shutil.copyfile(asset, assets / asset.name)
        self.write_text("assets/dt_bundle.js", _tables_script())

    def write_page(self, name: str, template: str, **more: Any) -> None:
        """Render a page; its links are relative to its place."""
        up = "../" * name.count("/")
        text = self._environment.get_template(f"{template}.html.j2").render(
            {
                **self.summary,
                "page": name,
                "up": up,
                "links": {
                    name: f"{up}../{path.relative_to(self._root).as_posix()}"
                    for name, path in self.links.items()
                },
                "everybody": self.traders,
                "written_at": self.written_at,
                **more,
            }
        )
        self.write_text(name, _PROSE.sub(lambda one: unbroken(one[0]), text))

    def write_data(self, name: str, value: object) -> None:
        """A file that hands its value to the page's script, as `board.take(name, …)`.

        A script, for a page opened from the disk may read no other file.
        """
        self.write_text(name, f"board.take({json.dumps(name)},{_json(value)});")

    def write_text(self, name: str, text: str) -> None:
        """A file of the board."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def trader_page(trader_id: str) -> str:
    """The page of a trader, from the board's folder."""
    return f"traders/{slug(trader_id)}.html"


def inline_json(value: Any) -> markupsafe.Markup:
    """A value, or a chart, within a page: no text in it may end its script."""
    if isinstance(value, Chart):
        value = {
            "data": value.traces, "layout": value.layout, "leads": value.leads_to_days,
        }  # fmt: skip
    return markupsafe.Markup(_json(value).replace("<", "\\u003c"))


def term(words: str, name: str | None = None) -> markupsafe.Markup:
    """Words with their meaning from the glossary, shown on hover.

    Args:
        words: As the page shows them.
        name: Of the glossary; the words themselves if left out.

    Raises:
        KeyError: The glossary does not have it.
    """
    return markupsafe.Markup('<abbr title="{}">{}</abbr>').format(
        TERMS[name or words], words
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tables_script() -> str:
    """The tables' library as a plain script: a browser loads no module from a disk."""
    source = _packaged("itables", "html/dt_bundle.js").read_text("utf-8")
    code, _, exports = source.rpartition("export{")
    exported = re.search(r"([\w$]+) as default", exports)
    assert exported, "the tables' library exports nothing by default"
    return f"(() => {{{code}\nwindow.DataTable = {exported[1]};}})();\n"


def _packaged(package: str, file: str) -> Path:
    # Found, not imported: only its files are wanted.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(f"{package} is not installed. Run `make setup`.")
    return Path(spec.origin).parent / file
