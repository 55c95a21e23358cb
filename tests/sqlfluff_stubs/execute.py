"""Stands in for dbt's flag, true as while it runs."""
