"""Tables that later steps write: dbt builds only once all of its sources exist."""

from ml.tables import TABLES
from runtime.build_chain import STAGES
from runtime.home import Home
from runtime.ledger import STEPS
from runtime.tables import prepare_tables
from runtime.transform.build_state import BUILD_STATE


def prepare_downstream(home: Home) -> None:
    """Create those tables where they are missing; rows of earlier versions stay."""
    prepare_tables(home, (*TABLES, STEPS, STAGES, *BUILD_STATE))
