"""Names what a load has left in schema `raw`: the same again has the same name."""

import hashlib

import duckdb

from runtime.tables import rows_hash_sql

# What models read, and of each table what merely says when or where it was looked at.
_TABLES = {
    "day_versions": ["last_seen_at"],
    "account_versions": ["last_seen_at"],
    "accounts": [],
    "account_ids": [],
    "sessions": [],
    "quarantine": ["rejected_at"],
    "gate_results": ["checked_at"],
    "gate_concerns": [],
    "desk_files": ["first_seen_at", "folder"],
    "run_context": ["ingested_at"],
}


def load_id(connection: duckdb.DuckDBPyConnection) -> str:
    """The name, of rows in any order; rows of days are named by their content hash."""
    hashes = [
        rows_hash_sql(f"raw.{table}", unimportant)
        for table, unimportant in _TABLES.items()
    ]
    found = connection.execute(f"select {', '.join(hashes)}").fetchall()[0]
    return hashlib.sha256("\0".join(found).encode()).hexdigest()
