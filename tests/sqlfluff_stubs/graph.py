"""Stands in for dbt's graph while sqlfluff renders a model: one feature of one mart."""

from types import SimpleNamespace

_column = SimpleNamespace(
    name="net_pnl",
    data_type="double",
    description="",
    config=SimpleNamespace(meta=SimpleNamespace(unit="dollars", window="day")),
    meta=SimpleNamespace(unit="", window=""),
)
nodes = {
    "": SimpleNamespace(
        name="feat_trader_day_pnl",
        resource_type="model",
        columns={"": _column},
    )
}
