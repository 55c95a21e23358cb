"""The lineage site: dbt's documentation as one page that works offline."""

import json
import re
from pathlib import Path
from typing import Any

from runtime.publish.manifest import read_dbt_manifest

# Where dbt's page is written differently: what it says, what is put there instead.
CHANGES = (
    # The graph shows the way of the data. Tests, unit tests and analyses have pages of
    # their own, and are three times as many nodes.
    ("return t||n||o}", "return e.unique_id in A.manifest.parent_map}"),
    # An exposure may write: so the model's predictions come back into the graph.
    (
        '"metric","semantic_model","saved_query","function"],n.resource_type)',
        '"exposure"],n.resource_type)',
    ),
    # As large as the screen allows: near neighbors, names in two lines.
    (
        "rankSep:200,edgeSep:30,nodeSep:50",
        "rankSep:60,edgeSep:4,nodeSep:24",
    ),
    (
        'padding:"12px",content:"data(label)"',
        'padding:"10px","text-wrap":"wrap","text-max-width":"420px",'
        'content:function(e){return e.data("label")'
        '.replace(/__|[.]|trader_day_|training /,"$&\\n")}',
    ),
    # Edges that stand out from what is behind them.
    ("#006f8a", "#7fb6c9"),
    # Descriptions in full, not their first 20 letters.
    (
        "text-overflow: ellipsis; overflow-x: hidden; white-space: nowrap; "
        "max-width: 1px;",
        "min-width: 16em;",
    ),
    # The landing page is laid out in HTML.
    ("gfm:!0,sanitize:!0", "gfm:!0"),
    # Icons are looked for only once they have a name, and a page has none of its own.
    ('<use xlink:href="{{', '<use ng-attr-href="{{'),
    ("${require('./assets/favicons/favicon.ico')}", "data:,"),
    ("<title>dbt Docs</title>", "<title>Risk warehouse</title>"),
)
# Where the page is linked from; beside it in the home.
BACK = (
    '<a href="../board/index.html" style="position:fixed;right:0;bottom:0;z-index:9999;'
    'padding:6px 14px;background:#1f5fa8;color:#fff;font:bold 13px sans-serif">'
    "Back to the board</a>"
)
SAMPLE_RIBBON = (
    '<div style="position:fixed;left:0;bottom:0;z-index:9999;padding:6px 14px;'
    'background:#5b2a86;color:#fff;font:bold 13px sans-serif">SAMPLE DATA</div>'
)


def lineage_page(target: Path, *, is_sample: bool) -> str:
    """Put together the page from what `dbt docs generate` wrote.

    Args:
        target: dbt's target folder.
        is_sample: Whether to mark the page as one of sample data.
    """
    manifest = read_dbt_manifest(target)
    catalog = json.loads((target / "catalog.json").read_text(encoding="utf-8"))
    manifest["parent_map"] = lineage(manifest)
    for node in manifest["nodes"].values():
        # The question that an analysis answers is what its file begins with.
        question = re.match(r"{#(.*?)#}", node.get("raw_code", ""), re.DOTALL)
        if node["resource_type"] == "analysis" and question:
            node["description"] = " ".join(question[1].split())
    page = (target / "index.html").read_text(encoding="utf-8")
    for written, instead in CHANGES:
        page = page.replace(written, instead)
    for name, content in (("MANIFEST", manifest), ("CATALOG", catalog)):
        # Within a script no text may end it.
        inline = json.dumps(content).replace("</", "<\\/")
        page = page.replace(f'"{name}.JSON INLINE DATA"', inline)
    ribbon = SAMPLE_RIBBON if is_sample else ""
    return page.replace("</body>", f"{BACK}{ribbon}</body>")


def lineage(manifest: dict[str, Any]) -> dict[str, list[str]]:
    """Who is made from what: sources, seeds, models and exposures.

    What an exposure writes (`meta: {writes: a source}`) is made from it.
    """
    kinds = ("source.", "seed.", "model.", "exposure.")
    parents = {
        name: [parent for parent in of if parent.startswith(kinds)]
        for name, of in manifest["parent_map"].items()
        if name.startswith(kinds)
    }
    for writer, exposure in manifest["exposures"].items():
        for name, source in manifest["sources"].items():
            if source["source_name"] == exposure["config"]["meta"].get("writes"):
                parents[name] = [*parents[name], writer]
    return parents
