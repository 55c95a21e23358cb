"""Stands in for dbt's cross-database macros while sqlfluff renders a model."""


def datediff(first, second, part):
    """As dbt.datediff."""
    return f"datediff('{part}', {first}, {second})"
