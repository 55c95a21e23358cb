"""dbt's manifest, as the lineage site and the published copy describe tables by it."""

import json
from pathlib import Path
from typing import Any

GENERATED = "feat_trader_day"


def read_dbt_manifest(target: Path) -> dict[str, Any]:
    """What dbt wrote of the project, complete with the columns of `feat_trader_day`.

    Its SQL is generated from its themes, and only their yml describes the features.

    Args:
        target: dbt's target folder.
    """
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    nodes = manifest["nodes"]
    for node in nodes.values():
        if node["name"] == GENERATED:
            for theme in node["depends_on"]["nodes"]:
                node["columns"] |= nodes[theme]["columns"]
    return manifest
