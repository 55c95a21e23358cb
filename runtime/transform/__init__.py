"""Runs dbt: what a build starts from, the models on DuckDB and on Spark."""
