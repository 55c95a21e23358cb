"""Tables that later steps write: dbt builds only once all of its sources exist."""

from ingestion.desk_files import DESK_TABLES
from live.tables import TABLES as LIVE_TABLES
from ml.tables import TABLES
from runtime.build_chain import STAGES
from runtime.home import Home
from runtime.ledger import STEPS
from runtime.tables import Table, prepare_tables
from runtime.transform.build_state import BUILD_STATE
from runtime.unchanged import STAGE_FINGERPRINTS
from runtime.warehouse import open_warehouse
from trading_limits.warehouse import TABLES as LIMIT_TABLES

SCHEMA_VERSIONS = Table(
    "ops.schema_versions",
    {"schema_name": "varchar not null", "version": "integer not null"},
    primary_key=("schema_name",),
)
OPS_TABLES = (
    STEPS, *LIMIT_TABLES, *LIVE_TABLES, STAGES, STAGE_FINGERPRINTS, *BUILD_STATE,
    SCHEMA_VERSIONS,
)  # fmt: skip
# What this code writes; ingestion/migrations.py leads from each to the next.
VERSIONS = {"ml": 3, "ops": 2}


def prepare_downstream(home: Home) -> None:
    """Create those tables where they are missing; rows of earlier versions stay."""
    with open_warehouse(home.warehouse) as connection:
        connection.execute("begin")
        prepare_tables(connection, (*DESK_TABLES, *TABLES, *OPS_TABLES))
        for schema, version in VERSIONS.items():
            connection.execute(
                f"insert or ignore into {SCHEMA_VERSIONS.name} values (?, ?)",
                [schema, version],
            )
        connection.execute("commit")
