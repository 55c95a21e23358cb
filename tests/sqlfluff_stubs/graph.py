"""Stands in for dbt's graph while sqlfluff renders a model: one feature a theme."""

from collections import defaultdict
from types import SimpleNamespace

_meta = {"unit": "dollars", "window": "day", "phrase": "${:,.0f}"}
_column = SimpleNamespace(
    name="net_pnl",
    data_type="double",
    description="",
    config=SimpleNamespace(meta=_meta),
)
nodes = defaultdict(lambda: SimpleNamespace(columns={"": _column}))
