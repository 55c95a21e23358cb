"""Stands in for dbt's cross-database macros while sqlfluff renders a model."""

from types import SimpleNamespace


def datediff(first, second, part):
    """As dbt.datediff."""
    return f"datediff('{part}', {first}, {second})"


def date_trunc(part, date):
    """As dbt.date_trunc."""
    return f"date_trunc('{part}', {date})"


def dateadd(part, count, date):
    """As dbt.dateadd."""
    return f"{date} + interval ({count}) {part}"


def last_day(date, part):
    """As dbt.last_day."""
    return f"last_day({date}) /* {part} */"


def run_query(_sql):
    """As dbt.run_query, of a query that finds nothing."""
    return SimpleNamespace(columns=[SimpleNamespace(values=lambda: [None])])
