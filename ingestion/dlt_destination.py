"""dlt's DuckDB, without what dlt reads and never uses; to import it takes seconds."""

from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.normalizers.naming import NamingConvention
from dlt.destinations import duckdb
from dlt.destinations.impl.duckdb.configuration import DuckDbClientConfiguration


class OpenWarehouse(duckdb):
    """A connection of ours that dlt loads into.

    dlt asks some sixty times a load what DuckDB can do. That depends on no setting, but
    each time it would read all of its own: a sixth of a small load's processor time.
    """

    @property
    def destination_type(self) -> str:
        """As warehouses have it that were loaded without this class."""
        return "dlt.destinations.duckdb"

    def capabilities(
        self,
        config: DuckDbClientConfiguration | None = None,
        naming: NamingConvention | None = None,
    ) -> DestinationCapabilitiesContext:
        """What DuckDB can do."""
        return super().capabilities(config or self.spec(), naming)
