"""Stands in for dbt's adapter while sqlfluff renders a model."""


def dispatch(name):
    """Any dispatched macro becomes a plain function call."""
    return lambda *arguments: f"{name}({', '.join(str(item) for item in arguments)})"
